"""Rows back out of the tables: samples, runs, events, and what is last known."""

from datetime import datetime

from netstats_xl.domain.results import (
    JobRun,
    MissedReason,
    Period,
    RunCompleted,
    RunFailed,
    RunMissed,
    RunOutcome,
    Sample,
    Scope,
    State,
    StateChanged,
)
from netstats_xl.errors import StoreCorrupt
from netstats_xl.store.database import Cursor
from netstats_xl.store.outcomes import OUTCOME_COLUMNS, found_of
from netstats_xl.store.selection import aware, in_period, in_scope, last_rows


def samples(cursor: Cursor, period: Period, scope: Scope, limit: int | None) -> list[Sample]:
    """As `ports.ResultStore.samples`."""
    when, when_parameters = in_period(period)
    which, which_parameters = in_scope(scope)
    last, last_parameters = last_rows(limit)
    rows = cursor.execute(
        f"""
        WITH chosen AS (SELECT * FROM samples WHERE {when}{which})
        SELECT chosen.tick, jobs.id, destinations.id, run_id, interval_s, {OUTCOME_COLUMNS}
        FROM chosen JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination
            JOIN run_ids ON run_ids.run = chosen.run
        ORDER BY chosen.tick DESC, jobs.id DESC, destinations.id DESC, run_id DESC{last}
        """,  # noqa: S608 - built from constants; values are bound
        when_parameters | which_parameters | last_parameters,
    ).fetchall()
    found = []
    for tick, job_id, destination_id, run_id, interval_s, *row in reversed(rows):
        outcome, strays = found_of(row)
        found.append(
            Sample(
                at=aware(tick),
                job_id=job_id,
                destination_id=destination_id,
                run_id=run_id,
                interval_s=interval_s,
                outcome=outcome,
                strays=strays,
            )
        )
    return found


RUN_FIGURES = """
    job, count(*) FILTER (outcome = 'completed') AS completed,
    coalesce(sum(ticks) FILTER (outcome = 'missed'), 0) AS missed,
    max(tick) FILTER (outcome <> 'missed') AS last_tick,
    coalesce(max_by(coalesce(reason, ''), tick) FILTER (outcome <> 'missed'), '') AS last_error
"""
"""What `pruned_runs` keeps of a job's runs."""


def runs(cursor: Cursor, period: Period, scope: Scope, limit: int | None) -> list[JobRun]:
    """As `ports.ResultStore.runs`; a run belongs to no destination, so the scope's jobs alone count."""
    when, when_parameters = in_period(period)
    which, which_parameters = in_scope(scope, destinations=False)
    last, last_parameters = last_rows(limit)
    rows = cursor.execute(
        f"""
        WITH chosen AS (SELECT * FROM runs WHERE {when}{which})
        SELECT run_id, jobs.id, chosen.tick, started, finished, outcome, up, down, ticks, last_tick, reason
        FROM chosen JOIN jobs ON jobs.key = job JOIN run_ids ON run_ids.run = chosen.run
        ORDER BY chosen.tick DESC, jobs.id DESC, run_id DESC{last}
        """,  # noqa: S608 - built from constants; values are bound
        when_parameters | which_parameters | last_parameters,
    ).fetchall()
    return [
        JobRun(
            run_id=run_id,
            job_id=job_id,
            tick_at=aware(tick),
            started_at=aware(started),
            finished_at=aware(finished),
            outcome=_run_outcome(*outcome),
        )
        for run_id, job_id, tick, started, finished, *outcome in reversed(rows)
    ]


def events(cursor: Cursor, period: Period, scope: Scope, limit: int | None) -> list[StateChanged]:
    """As `ports.ResultStore.events`; an event belongs to no job, so the scope's destinations alone count."""
    when, when_parameters = in_period(period)
    which, which_parameters = in_scope(scope, jobs=False)
    last, last_parameters = last_rows(limit)
    rows = cursor.execute(
        f"""
        WITH chosen AS (SELECT * FROM events WHERE {when}{which})
        SELECT tick, id, before, after, reason FROM chosen JOIN destinations ON key = destination
        ORDER BY tick DESC, ordinal DESC{last}
        """,  # noqa: S608 - built from constants; values are bound
        when_parameters | which_parameters | last_parameters,
    ).fetchall()
    return [
        StateChanged(
            at=aware(tick),
            destination_id=destination_id,
            before=State(before),
            after=State(after),
            reason=reason,
        )
        for tick, destination_id, before, after, reason in reversed(rows)
    ]


def _run_outcome(
    outcome: str, up: int, down: int, ticks: int, last_tick: datetime, reason: str
) -> RunOutcome:
    match outcome:
        case "completed":
            return RunCompleted(up=up, down=down)
        case "missed":
            return RunMissed(ticks=ticks, reason=MissedReason(reason), last_tick_at=aware(last_tick))
        case "failed":
            return RunFailed(error=reason)
        case _:
            raise StoreCorrupt(
                f"The database holds a run with the unknown outcome {outcome!r}: it was changed by hand. Put back a "
                "copy from a backup."
            )
