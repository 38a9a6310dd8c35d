"""Saving a batch: rows of runs, samples, events and routes, within one transaction."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import assert_never

from netstats_xl.domain.results import (
    Batch,
    JobRun,
    RunCompleted,
    RunFailed,
    RunMissed,
    RunOutcome,
    StateChanged,
)
from netstats_xl.store import history, routes
from netstats_xl.store.appending import append, append_few, microseconds, packed
from netstats_xl.store.catalogue import Keys, add_placeholders, load_keys, missing_keys
from netstats_xl.store.database import Cursor
from netstats_xl.store.outcomes import CHANGED, render_outcomes, render_strays
from netstats_xl.store.rounds import Round, Rows, column_of
from netstats_xl.store.selection import greatest

IDS_REMEMBERED = 10_000
"""Of batches and their runs. A batch is sent again at once or, while the disk is full, first of all: few need to be
remembered."""


@dataclass(slots=True)
class Ledger:
    """What saving needs to know of the tables, in memory. Only the writing thread uses it."""

    keys: Keys = field(default_factory=Keys)
    last_ids: deque[str] = field(default_factory=lambda: deque(maxlen=IDS_REMEMBERED))
    """Of the last batches; those of their runs may be among them."""
    next_run: int = 1
    """The number of the next run or batch."""
    next_event: int = 1
    """The ordinal of the next event."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a batch gave out."""

    keys: Keys
    """Of what was not defined yet."""
    number: int
    """Of the batch; those of its runs are smaller."""


def load_ledger(cursor: Cursor) -> Ledger:
    """The ledger of the tables as they are."""
    last: int = greatest(cursor, "run_ids", "run") or 0
    ids = cursor.execute(
        "SELECT run_id FROM run_ids WHERE run > ? ORDER BY run", [last - IDS_REMEMBERED]
    ).fetchall()
    return Ledger(
        keys=load_keys(cursor),
        last_ids=deque((each for (each,) in ids), maxlen=IDS_REMEMBERED),
        next_run=last + 1,
        next_event=(greatest(cursor, "events", "ordinal") or 0) + 1,
    )


def save(cursor: Cursor, batch: Batch, rows: Rows, ledger: Ledger) -> Saved | None:
    """Append the batch, with the rows of its samples, to the tables; None: it is there already."""
    if batch.batch_id in ledger.last_ids:
        return None
    new = Keys(
        destinations=missing_keys(
            ledger.keys.destinations,
            set(rows.destination_ids)
            | {event.destination_id for event in batch.events}
            | {traced.destination_id for traced in batch.routes},
        ),
        jobs=missing_keys(
            ledger.keys.jobs, {each.job_id for each in rows.rounds} | {run.job_id for run in batch.runs}
        ),
    )
    add_placeholders(cursor, destinations=new.destinations, jobs=new.jobs)
    destinations, jobs = ledger.keys.destinations | new.destinations, ledger.keys.jobs | new.jobs
    runs = _save_ids(cursor, batch, rows.rounds, ledger.next_run)
    _save_runs(cursor, batch.runs, runs, jobs)
    _save_samples(cursor, rows, runs, jobs, destinations)
    _save_events(cursor, batch.events, ledger.next_event, destinations)
    routes.save(cursor, batch.routes, destinations)
    if batch.imported:
        history.remember(cursor, batch.samples, jobs, destinations)
    return Saved(new, ledger.next_run + len(runs))


def enter(ledger: Ledger, batch: Batch, saved: Saved) -> None:
    """Note in the ledger that the batch is safe."""
    ledger.keys.add(saved.keys)
    ledger.last_ids.append(batch.batch_id)
    ledger.next_run = saved.number + 1
    ledger.next_event += len(batch.events)


def _save_ids(cursor: Cursor, batch: Batch, rounds: Sequence[Round], first: int) -> dict[str, int]:
    """A number for each run that the batch speaks of, and the next one for the batch itself.

    A number is narrower than the run's ID, which each of its samples would have to repeat. A run that several
    batches speak of has several numbers.
    """
    last_ticks: dict[str, datetime] = {}
    instants = chain(
        ((run.run_id, run.tick_at) for run in batch.runs),
        ((each.run_id, each.at) for each in rounds),
    )
    for run_id, at in instants:
        last_ticks[run_id] = max(last_ticks.get(run_id, at), at)
    numbers = {run_id: first + index for index, run_id in enumerate(last_ticks)}
    newest = max(last_ticks.values(), default=datetime.now(UTC))
    append_few(
        cursor,
        "run_ids",
        [
            ("run", "BIGINT", [*numbers.values(), first + len(numbers)]),
            ("run_id", "VARCHAR", [*numbers, batch.batch_id]),
            ("tick", "TIMESTAMP", [*last_ticks.values(), newest]),
        ],
    )
    return numbers


def _save_runs(cursor: Cursor, runs: Sequence[JobRun], numbers: dict[str, int], jobs: dict[str, int]) -> None:
    outcomes = [_outcome_columns(run.outcome) for run in runs]
    append_few(
        cursor,
        "runs",
        [
            ("run", "BIGINT", [numbers[run.run_id] for run in runs]),
            ("job", "INTEGER", [jobs[run.job_id] for run in runs]),
            ("tick", "TIMESTAMP", [run.tick_at for run in runs]),
            ("started", "TIMESTAMP", [run.started_at for run in runs]),
            ("finished", "TIMESTAMP", [run.finished_at for run in runs]),
            ("outcome", "VARCHAR", [outcome[0] for outcome in outcomes]),
            ("up", "INTEGER", [outcome[1] for outcome in outcomes]),
            ("down", "INTEGER", [outcome[2] for outcome in outcomes]),
            ("ticks", "BIGINT", [outcome[3] for outcome in outcomes]),
            ("last_tick", "TIMESTAMP", [outcome[4] for outcome in outcomes]),
            ("reason", "VARCHAR", [outcome[5] for outcome in outcomes]),
        ],
    )


def _outcome_columns(
    outcome: RunOutcome,
) -> tuple[str, int | None, int | None, int | None, datetime | None, str | None]:
    match outcome:
        case RunCompleted(up=up, down=down):
            return "completed", up, down, None, None, None
        case RunMissed(ticks=ticks, reason=reason, last_tick_at=last_tick_at):
            return "missed", None, None, ticks, last_tick_at, reason.value
        case RunFailed(error=error):
            return "failed", None, None, None, None, error
        case _:
            assert_never(outcome)


def _save_samples(
    cursor: Cursor,
    rows: Rows,
    numbers: dict[str, int],
    jobs: dict[str, int],
    destinations: dict[str, int],
) -> None:
    if not rows.samples:
        return
    rounds = rows.rounds
    append(
        cursor,
        "samples",
        [
            ("tick", "TIMESTAMP", column_of(rounds, "q", lambda each: microseconds(each.at))),
            ("job", "INTEGER", column_of(rounds, "i", lambda each: jobs[each.job_id])),
            (
                "destination",
                "INTEGER",
                packed("i", [destinations[each] for each in rows.destination_ids]),
            ),
            ("run", "BIGINT", column_of(rounds, "q", lambda each: numbers[each.run_id])),
            ("interval_s", "DOUBLE", column_of(rounds, "d", lambda each: each.interval_s)),
            *render_outcomes(rows.outcomes),
            *render_strays([sample.strays for sample in rows.samples]),
        ],
        changed=CHANGED,
    )


def _save_events(
    cursor: Cursor, events: Sequence[StateChanged], first: int, destinations: dict[str, int]
) -> None:
    append_few(
        cursor,
        "events",
        [
            ("ordinal", "BIGINT", list(range(first, first + len(events)))),
            ("tick", "TIMESTAMP", [event.at for event in events]),
            ("destination", "INTEGER", [destinations[event.destination_id] for event in events]),
            ("before", "VARCHAR", [event.before.value for event in events]),
            ("after", "VARCHAR", [event.after.value for event in events]),
            ("reason", "VARCHAR", [event.reason for event in events]),
        ],
    )
