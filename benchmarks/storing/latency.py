"""How long commits take while a reader works, and how soon a large database is ready to collect."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

from benchmarks.storing.history import History
from benchmarks.storing.measures import Measure, quantile, rested_page_us
from benchmarks.storing.questions import ask
from benchmarks.storing.rounds import JOB_ID, Rounds
from netstats_xl.app.backlog import Backlog, RoundRecord
from netstats_xl.domain.results import Batch, JobRun, RunCompleted, Sample
from netstats_xl.scheduling.clock import SystemClock
from netstats_xl.store.duckdb_store import DuckDbStore

ROWS_A_SECOND = 1_000
JOBS = 10
"""Whose rounds end one after the other within each second."""


def commits(path: Path, history: History, *, seconds: int) -> Iterator[Measure]:
    """1,000 rows a second are committed, while one thread asks the dashboard's question.

    Another one rolls up after each commit. The backlog decides when that is, as in the collector: it is handed the
    rounds of several jobs, as they come. What those of a single job take, which come all at once, is told beside.
    """
    took, answers = _commits(path, history, seconds=seconds, jobs=JOBS)
    beside = (
        f"1,000 rows a second, of {JOBS} jobs: {len(took)} commits, median {quantile(took, 0.5):.1f} ms, meanwhile "
        f"{answers} answers; then a page that rested takes {rested_page_us():.1f} µs"
    )
    yield Measure(name="commit_p99_ms", value=quantile(took, 0.99), goal=50, beside=beside)
    worst = max(took)
    took, answers = _commits(path, history, seconds=max(5, seconds // 5), jobs=1)
    beside = (
        f"of the same commits. 1,000 rows at once each second, of one job: {len(took)} commits, median "
        f"{quantile(took, 0.5):.1f} ms, p99 {quantile(took, 0.99):.1f}, worst {max(took):.1f}; {answers} answers"
    )
    yield Measure(name="commit_worst_ms", value=worst, goal=400, beside=beside)


class _Timed(DuckDbStore):
    """Tells how long each commit took, ms, and that it is done."""

    took: list[float]
    saved: Event

    def save(self, batch: Batch) -> None:
        began_s = time.perf_counter()
        super().save(batch)
        self.took.append(1_000 * (time.perf_counter() - began_s))
        self.saved.set()


def _commits(path: Path, history: History, *, seconds: int, jobs: int) -> tuple[list[float], int]:
    """How long each commit took, ms, and how many answers were given meanwhile."""
    store = _Timed.open(path)
    store.took, store.saved = [], Event()
    feed = Rounds.following(store, history.destinations)
    backlog = Backlog(store, SystemClock(), lambda: uuid4().hex)
    done, answers = Event(), [0]

    def read() -> None:
        while not done.is_set():
            ask(store, feed.next_at)
            answers[0] += 1

    def roll_up() -> None:
        while store.saved.wait() and not done.is_set():
            store.saved.clear()
            store.roll_up()

    others = [Thread(target=read), Thread(target=roll_up)]
    try:
        ask(store, history.end)
        for each in others:
            each.start()
        start_s = time.perf_counter()
        for second in range(seconds):
            for part, record in enumerate(_records(feed, jobs)):
                time.sleep(max(0.0, start_s + second + part / jobs - time.perf_counter()))
                backlog.add(record)
                if backlog.has_many:
                    backlog.flush()
        if not backlog.flush(now=True):
            raise SystemExit(f"Not all rounds were saved: {backlog.error}")
    finally:
        done.set()
        store.saved.set()
        for each in others:
            each.join()
        store.close()
    return store.took, answers[0]


def _records(feed: Rounds, jobs: int) -> Sequence[RoundRecord]:
    """A second's rounds, as the collector hands over those of so many jobs: each has a run."""
    samples: list[Sample] = []
    while len(samples) < ROWS_A_SECOND:
        samples += feed.round()
    records = []
    for part in range(jobs):
        run_id = uuid4().hex
        of_run = [
            replace(each, run_id=run_id)
            for each in samples[len(samples) * part // jobs : len(samples) * (part + 1) // jobs]
        ]
        at = of_run[-1].at
        run = JobRun(
            run_id=run_id,
            job_id=JOB_ID,
            tick_at=at,
            started_at=at,
            finished_at=at,
            outcome=RunCompleted(up=len(of_run), down=0),
        )
        records.append(RoundRecord(run=run, samples=of_run))
    return records


START = """
import sys, time
from pathlib import Path
from benchmarks.storing.rounds import Rounds, batch_of
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.lean import do_without_pandas
do_without_pandas()
path, destinations, log_bytes = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
log = path.with_name(path.name + ".wal")
start_s = time.perf_counter()
store = DuckDbStore.open(path)
took_s = time.perf_counter() - start_s
feed = Rounds.following(store, destinations)
batch = batch_of(feed.round())
start_s = time.perf_counter()
store.save(batch)
print(took_s + time.perf_counter() - start_s, flush=True)
if not log_bytes:
    store.close()
    sys.exit()
while log.stat().st_size < log_bytes:
    store.save(batch_of(feed.round()))
print("killed now", flush=True)
time.sleep(600)
"""


def starts(path: Path, history: History, *, rows: int, times: int, log_mb: float) -> Iterator[Measure]:
    """From opening the file to the first round that is safe, in a process of its own that follows a killed one.

    That one leaves a log of so many megabytes. The system is asked to forget the file first (Linux), as after a start
    of the machine.
    """
    took = []
    for _ in range(times):
        _start(path, history.destinations, killed_at_bytes=1e6 * log_mb)
        _forget(path)
        took.append(_start(path, history.destinations, killed_at_bytes=0))
    yield Measure(
        name="start_s",
        value=max(took),
        goal=1,
        beside=(
            f"{rows:,} raw rows, {path.stat().st_size / 1e9:.1f} GB, the worst of {times} after a kill that left a "
            f"log of {log_mb:g} MB; the best {min(took):.2f}"
        ),
    )


def _start(path: Path, destinations: int, *, killed_at_bytes: float) -> float:
    command = [sys.executable, "-c", START, str(path), str(destinations), str(killed_at_bytes)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as process:
        assert process.stdout is not None
        try:
            seconds = float(process.stdout.readline())
            if killed_at_bytes:
                process.stdout.readline()
        finally:
            if killed_at_bytes:
                process.kill()
    if not killed_at_bytes and process.returncode:
        raise SystemExit(f"The store did not close: exit code {process.returncode}.")
    return seconds


def _forget(path: Path) -> None:
    """Have the system read the file from the disk again, where it can be asked to."""
    if sys.platform == "linux":
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
