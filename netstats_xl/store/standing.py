"""Where everything stands: how much there is, each job's totals and each destination's state, in memory.

To find them in the tables takes a look at every run and every event, so that is done once, when they are opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from netstats_xl.domain.results import (
    Batch,
    JobRun,
    JobTotals,
    RunCompleted,
    RunFailed,
    RunMissed,
    State,
)
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.store.database import Cursor
from netstats_xl.store.rounds import Rows
from netstats_xl.store.selection import aware, greatest, least


@dataclass(frozen=True, slots=True)
class Extent:
    """How many samples there are, and the first and the last of their ticks."""

    samples: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def after(self, rows: Rows) -> "Extent":
        """The extent once these have come."""
        ticks = rows.ticks.union(at for at in (self.first_at, self.last_at) if at is not None)
        return Extent(self.samples + len(rows.samples), min(ticks, default=None), max(ticks, default=None))


@dataclass(frozen=True, slots=True)
class Standing:
    """What all that was saved so far has led to. It is replaced as a whole, so any thread may read it."""

    extent: Extent
    totals: Mapping[JobId, JobTotals]
    changed: Mapping[DestinationId, tuple[datetime, State]]
    """When each destination's state changed last, and to what."""

    @property
    def states(self) -> dict[DestinationId, State]:
        """As `ports.ResultStore.states`."""
        return {destination_id: state for destination_id, (_, state) in self.changed.items()}

    def after(self, batch: Batch, rows: Rows) -> "Standing":
        """The standing once this batch, with these rows, has come, which was not there before."""
        totals, changed = dict(self.totals), dict(self.changed)
        for run in batch.runs:
            totals[run.job_id] = _counted(totals.get(run.job_id, JobTotals()), run)
        for event in batch.events:
            before = changed.get(event.destination_id)
            if before is None or event.at >= before[0]:
                changed[event.destination_id] = event.at, event.after
        return Standing(self.extent.after(rows), totals, changed)


NOTHING = Standing(Extent(), {}, {})


def load_extent(cursor: Cursor) -> Extent:
    """The extent by the table as it is."""
    [(samples,)] = cursor.execute("SELECT count(*) FROM samples").fetchall()
    if not samples:
        return Extent()
    return Extent(
        samples, aware(least(cursor, "samples", "tick")), aware(greatest(cursor, "samples", "tick"))
    )


def load_standing(cursor: Cursor) -> Standing:
    """The standing by the tables as they are, with the runs that were pruned."""
    # Only a round that was made has an `up`, and only missed ticks have `ticks`: numbers are counted faster than words
    # are compared.
    rows = cursor.execute(
        """
        WITH failures AS (
            SELECT job, max(tick) AS last_tick, max_by(reason, tick) AS reason FROM runs
            WHERE up IS NULL AND ticks IS NULL GROUP BY job
        ),
        counts AS (
            SELECT job, count(up) AS completed, coalesce(sum(ticks), 0) AS missed,
                max(tick) FILTER (ticks IS NULL) AS last_tick
            FROM runs GROUP BY job
        ),
        parts AS (
            SELECT counts.*, coalesce(reason, '') AS last_error FROM counts LEFT JOIN failures USING (job, last_tick)
            UNION ALL SELECT job, completed, missed, last_tick, last_error FROM pruned_runs
        )
        SELECT id, sum(completed), sum(missed), max(last_tick), coalesce(max_by(last_error, last_tick), '')
        FROM parts JOIN jobs ON jobs.key = job GROUP BY id
        """
    ).fetchall()
    changes = cursor.execute(
        """
        SELECT id, last.tick, last.after FROM (
            SELECT destination, max_by({'tick': tick, 'after': after}, {'tick': tick, 'ordinal': ordinal}) AS last
            FROM events GROUP BY destination
        ) JOIN destinations ON key = destination
        """
    ).fetchall()
    return Standing(
        extent=load_extent(cursor),
        totals={
            job_id: JobTotals(
                rounds_done=int(completed),
                ticks_missed=int(missed),
                last_run_at=None if last_tick is None else aware(last_tick),
                last_error=last_error,
            )
            for job_id, completed, missed, last_tick, last_error in rows
        },
        changed={destination_id: (aware(tick), State(after)) for destination_id, tick, after in changes},
    )


def _counted(before: JobTotals, run: JobRun) -> JobTotals:
    match run.outcome:
        case RunMissed(ticks=ticks):
            return replace(before, ticks_missed=before.ticks_missed + ticks)
        case RunCompleted():
            before, error = replace(before, rounds_done=before.rounds_done + 1), ""
        case RunFailed(error=text):
            error = text
        case _:
            assert_never(run.outcome)
    if before.last_run_at is not None and run.tick_at < before.last_run_at:
        return before
    return replace(before, last_run_at=run.tick_at, last_error=error)
