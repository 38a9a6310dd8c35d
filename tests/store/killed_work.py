"""What the process that is killed does: everything that writes, in random order and all the time.

What it saves follows from a number alone, so that who killed it knows what must be there. Each thing is announced
before it is done, and acknowledged after it.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from netstats_xl.domain.results import Batch, JobRun, Outcome, Replied, RunCompleted, Sample, Timeout
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.targets import Settings
from netstats_xl.store import rearranging
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.lean import do_without_pandas

ZONE = "Europe/Berlin"
START = datetime(2026, 3, 27, 18, 0, tzinfo=UTC)
"""Two days before the local clocks skip an hour, and five before a month ends."""
STEP, GAP, BATCHES_BEFORE_A_GAP = timedelta(seconds=70), timedelta(hours=9), 20
"""How far time moves on from batch to batch, and now and then besides: minutes, hours, days and a month end."""
AFTER_THE_TICK = timedelta(seconds=45)
"""How long after the first tick of the next batch the present is."""
JOBS = {"job1": timedelta(), "job2": timedelta(seconds=30)}
"""When in a step each job's tick is."""
DESTINATIONS = ("dest1", "dest2", "dest3", "dest4")
LATE_EVERY = 7
LATEST_LATE_S = 30 * 3_600
LEAST_RETENTION_S = 8 * 3_600
CLOCK_SET_BACK = timedelta(hours=2)
OPENING, SAVING, SEALING, PRUNING, BACKING_UP, CLOSING = (
    "open", "save", "roll up", "prune", "back up", "close",
)  # fmt: skip


def tick_of(number: int) -> datetime:
    """The tick of this batch."""
    return START + number * STEP + number // BATCHES_BEFORE_A_GAP * GAP


@cache
def batch(number: int) -> Batch:
    """The batch of this number: a round of each job, and now and then one that comes late."""
    draw = Random(number)
    samples = [
        sample
        for job, offset in JOBS.items()
        for sample in _round(job, f"{job}-{number}", tick_of(number) + offset, draw)
    ]
    if number % LATE_EVERY == 0:
        at = tick_of(number) - timedelta(seconds=draw.randrange(LATEST_LATE_S))
        samples += _round("job1", f"late-{number}", at, draw)
    runs = [
        JobRun(
            run_id=f"{job}-{number}",
            job_id=job,
            tick_at=tick_of(number) + offset,
            started_at=tick_of(number) + offset,
            finished_at=tick_of(number) + offset,
            outcome=RunCompleted(up=len(DESTINATIONS), down=0),
        )
        for job, offset in JOBS.items()
    ]
    return Batch(batch_id=f"batch-{number}", runs=runs, samples=samples)


def _round(job: str, run_id: str, at: datetime, draw: Random) -> list[Sample]:
    return [
        Sample(
            at=at,
            job_id=job,
            destination_id=each,
            run_id=run_id,
            interval_s=STEP.total_seconds(),
            outcome=_outcome(draw),
        )
        for each in DESTINATIONS
    ]


def _outcome(draw: Random) -> Outcome:
    if draw.random() < 0.1:
        return Timeout(address="192.0.2.1", sent=2)
    rtts = [draw.lognormvariate(3, 0.5) for _ in range(2)]
    return Replied(address="192.0.2.1", rtts_ms=(rtts[0], None if draw.random() < 0.1 else rtts[1]))


class Work:
    """All that writes to a store, done one after the other."""

    def __init__(self, path: Path, first: int, seed: int, tell: Callable[[str], None]) -> None:
        """`first`: the number of the first batch to be saved; `tell` takes a line."""
        self._path = path
        self._next = first
        self._draw = Random(seed)
        self._tell = tell
        self._set_back = timedelta()
        self._store = self._opened()

    def now(self) -> datetime:
        """The present: a little after the newest tick, but for a clock that is set back at times."""
        return tick_of(self._next) + AFTER_THE_TICK - self._set_back

    def step(self) -> None:
        """Do one of the things."""
        steps = (self._save, self._roll_up, self._prune, self._back_up, self._reopen, self._set_clock)
        [step] = self._draw.choices(steps, weights=(60, 25, 6, 3, 1, 2))
        step()

    def _opened(self) -> DuckDbStore:
        self._tell(f"{OPENING}:")
        store = DuckDbStore.open(self._path, now=self.now)
        store.save_settings(Settings(zone=ZONE))
        self._tell("done")
        return store

    def _save(self) -> None:
        self._tell(f"{SAVING}:{self._next}")
        self._store.save(batch(self._next))
        self._tell("done")
        if self._draw.random() < 0.1:
            # As after a disk that was full: nobody knows whether it was stored.
            self._store.save(batch(self._next))
        self._next += 1

    def _roll_up(self) -> None:
        self._tell(f"{SEALING}:")
        while self._store.roll_up():
            pass
        self._tell("done")

    def _prune(self) -> None:
        raw, minutes = (
            tick_of(self._next) - timedelta(seconds=self._draw.randint(LEAST_RETENTION_S, 4 * 86_400))
            for _ in range(2)
        )
        self._tell(f"{PRUNING}:{raw.isoformat()}")
        self._store.prune(Cutoffs(raw=raw, minutes=minutes if self._draw.random() < 0.5 else None))
        self._tell("done")

    def _back_up(self) -> None:
        self._tell(f"{BACKING_UP}:")
        self._store.backup(self._path.with_name(f"backup-{self._draw.randrange(3)}.duckdb"))
        self._tell("done")

    def _reopen(self) -> None:
        self._tell(f"{CLOSING}:")
        self._store.close()
        self._tell("done")
        self._store = self._opened()

    def _set_clock(self) -> None:
        self._set_back = CLOCK_SET_BACK - self._set_back


def main(arguments: Sequence[str]) -> None:
    """Work until killed. Arguments: the database, the number of the first batch, and a seed."""
    do_without_pandas()
    # Few rows are written anew as many would be.
    rearranging.READ_AT_ONCE, rearranging.ROWS_AT_ONCE = 0, 30
    path, first, seed = arguments
    work = Work(Path(path), int(first), int(seed), lambda line: print(line, flush=True))
    while True:
        work.step()


if __name__ == "__main__":
    main(sys.argv[1:])
