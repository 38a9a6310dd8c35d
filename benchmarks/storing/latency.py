"""How long commits take while a reader works, and how soon a large database is ready to collect."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

from benchmarks.storing.history import History
from benchmarks.storing.measures import Measure, quantile, rested_page_us
from benchmarks.storing.questions import ask
from benchmarks.storing.rounds import Rounds, batch_of
from netstats_xl.domain.results import Sample
from netstats_xl.store.duckdb_store import DuckDbStore

ROWS_A_SECOND = 1_000


def commits(path: Path, history: History, *, seconds: int) -> Iterator[Measure]:
    """1,000 rows are committed each second, while one thread asks the dashboard's question.

    Another one rolls up after each, as the collector does.
    """
    store = DuckDbStore.open(path)
    feed = Rounds.following(store, history.destinations)
    done, saved, answers, took = Event(), Event(), [0], []

    def read() -> None:
        while not done.is_set():
            ask(store, feed.next_at)
            answers[0] += 1

    def seal() -> None:
        while saved.wait() and not done.is_set():
            saved.clear()
            store.roll_up()

    others = [Thread(target=read), Thread(target=seal)]
    try:
        ask(store, history.end)
        for each in others:
            each.start()
        start_s = time.perf_counter()
        for second in range(seconds):
            samples: list[Sample] = []
            while len(samples) < ROWS_A_SECOND:
                samples += feed.round()
            batch = batch_of(samples)
            time.sleep(max(0.0, start_s + second - time.perf_counter()))
            began_s = time.perf_counter()
            store.save(batch)
            took.append(1_000 * (time.perf_counter() - began_s))
            saved.set()
    finally:
        done.set()
        saved.set()
        for each in others:
            each.join()
        store.close()
    beside = (
        f"{len(took)} commits of {len(samples)} rows, one a second; median {quantile(took, 0.5):.1f} ms, meanwhile "
        f"{answers[0]} answers; then a page that rested takes {rested_page_us():.1f} µs"
    )
    yield Measure(name="commit_p99_ms", value=quantile(took, 0.99), goal=50, beside=beside)
    yield Measure(name="commit_worst_ms", value=max(took), goal=400, beside="of the same commits")


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
