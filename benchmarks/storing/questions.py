"""What the dashboard and the charts ask, of histories of several lengths, and of SQLite's raw rows."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.storing.history import DAY, HOUR, History
from benchmarks.storing.measures import Measure, quantile, say, seconds_of
from benchmarks.storing.rounds import JOB_ID, Rounds, batch_of, id_of
from benchmarks.storing.sqlite import Row, Sqlite
from netstats_xl.domain.results import Period, Scope
from netstats_xl.ports import Dimension, ResultStore
from netstats_xl.store.duckdb_store import DuckDbStore

CHARTS: Mapping[str, tuple[timedelta, timedelta]] = {
    "1 h": (HOUR, timedelta(minutes=1)),
    "6 h": (6 * HOUR, timedelta(minutes=5)),
    "24 h": (DAY, timedelta(minutes=5)),
    "7 d": (7 * DAY, HOUR),
    "30 d": (30 * DAY, HOUR),
    "90 d": (90 * DAY, DAY),
    "1 y": (365 * DAY, DAY),
    "5 y": (1_826 * DAY, DAY),
}
"""Of each chart: its period, and how far its points are apart. The longest has 1,826 points."""


def ask(store: ResultStore, now: datetime) -> float:
    """The dashboard's question, and how long the answer took, s."""
    day = Period(start=now - DAY, end=now)
    start_s = time.perf_counter()
    store.latest(day)
    store.states()
    store.summaries(day, by=(Dimension.DESTINATION,))
    return time.perf_counter() - start_s


def dashboard(histories: Mapping[str, tuple[Path, History]], *, times: int) -> Iterator[Measure]:
    """The question asked of each history in turn, a new round being saved before each; hours end meanwhile."""
    stores = {name: DuckDbStore.open(path) for name, (path, _) in histories.items()}
    took: dict[str, list[float]] = {name: [] for name in stores}
    first: dict[str, float] = {}
    try:
        feeds = {
            name: Rounds(history.destinations, start=history.end, seed=1)
            for name, (_, history) in histories.items()
        }
        for turn in range(times + 1):
            for name, store in stores.items():
                store.save(batch_of(feeds[name].round()))
                store.roll_up()
                seconds = ask(store, feeds[name].next_at)
                if turn:
                    took[name].append(seconds * 1_000)
                else:
                    first[name] = seconds * 1_000
    finally:
        for store in stores.values():
            store.close()
    names = list(stores)
    medians = {name: quantile(took[name], 0.5) for name in names}
    for name in names:
        destinations = histories[name][1].destinations
        yield Measure(
            name=f"dashboard_p99_ms_after_{name}",
            value=quantile(took[name], 0.99),
            goal=50,
            beside=(
                f"{destinations} destinations, {times} questions; median {medians[name]:.1f}, worst "
                f"{max(took[name]):.1f}, the first after the start {first[name]:.0f} ms"
            ),
        )
    yield Measure(
        name=f"dashboard_growth_{names[0]}_to_{names[-1]}",
        value=medians[names[-1]] / medians[names[0]],
        goal=1.3,
        beside=f"of the medians; of the p99 {quantile(took[names[-1]], 0.99) / quantile(took[names[0]], 0.99):.2f}",
    )


def beside_sqlite(path: Path, history: History, folder: Path, *, times: int) -> Iterator[Measure]:
    """The same question asked of the same raw rows in SQLite, with its index and without."""
    peer = Sqlite(folder / "raw.sqlite", indexed=False)
    try:
        with duckdb.connect(path, read_only=True) as connection:
            [(rows,)] = connection.execute("SELECT count(*) FROM samples").fetchall()
            say(f"Filling SQLite with {rows:,} rows ...")
            peer.fill(_rows(connection))
        theirs: dict[bool, list[float]] = {}
        for indexed in (False, True):
            if indexed:
                say("Making SQLite's index ...")
                peer.index()
            theirs[indexed] = [
                seconds_of(
                    partial(peer.dashboard, history.end, range(1, history.destinations + 1), indexed=indexed)
                )
                for _ in range(times)
            ]
        size = peer.path.stat().st_size
    finally:
        peer.close()
        peer.path.unlink()
    store = DuckDbStore.open(path)
    try:
        feed = Rounds(history.destinations, start=history.end, seed=2)
        ours = []
        for _ in range(10):
            store.save(batch_of(feed.round()))
            store.roll_up()
            ours.append(ask(store, feed.next_at))
    finally:
        store.close()
    mine = quantile(ours, 0.5)
    with_index, without = (min(theirs[indexed]) for indexed in (True, False))
    yield Measure(
        name="dashboard_times_faster_than_sqlite",
        value=min(with_index, without) / mine,
        goal=100,
        relation=">=",
        beside=(
            f"{rows:,} rows; {mine * 1_000:.0f} ms, SQLite {with_index:.1f} s by its index, {without:.1f} s without "
            f"(the faster one counts; {size / 1e9:.1f} GB; percentiles by numpy)"
        ),
    )


def charts(path: Path, history: History, *, times: int) -> Iterator[Measure]:
    """One destination over each period, which ends anywhere in the history that is kept so finely."""
    draw = random.Random(5)
    took: dict[str, list[float]] = {name: [] for name in CHARTS}
    store = DuckDbStore.open(path)
    try:
        for _ in range(times):
            for name, (length, step) in CHARTS.items():
                period = _anywhere(history, length, step, draw)
                count = (period.end - period.start) // step
                edges = [period.start + number * step for number in range(count)]
                scope = Scope(
                    job_ids=frozenset({JOB_ID}),
                    destination_ids=frozenset({id_of(draw.randrange(history.destinations))}),
                )
                question = partial(store.summaries, period, scope=scope, edges=edges)
                took[name].append(1_000 * seconds_of(question))
    finally:
        store.close()
    everything = [each for some in took.values() for each in some]
    yield Measure(
        name="chart_p95_ms",
        value=quantile(everything, 0.95),
        goal=60,
        beside=f"{len(everything)} charts; medians "
        + ", ".join(f"{name} {quantile(some, 0.5):.0f}" for name, some in took.items())
        + f"; worst {max(everything):.0f} ms",
    )


def _anywhere(history: History, length: timedelta, step: timedelta, draw: random.Random) -> Period:
    """A period of whole steps within what is kept for such steps."""
    kept = {HOUR: history.hours_start, DAY: history.days_start}.get(step, history.raw_start)
    newest = history.end - (history.end - kept) % step
    slack = max((newest - kept - length) // step, 0)
    end = newest - draw.randint(0, slack) * step
    return Period(start=max(kept, end - length), end=end)


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Row]]:
    cursor = connection.execute(
        """
        SELECT epoch_ms(tick), destination, job, outcome, sent, received, list_min(rtts_ms), list_avg(rtts_ms),
            list_max(rtts_ms), jitter_sum_ms / nullif(jitter_pairs, 0),
            '[' || array_to_string([coalesce(round(rtt, 4)::VARCHAR, 'null') FOR rtt IN rtts_ms], ', ') || ']'
        FROM samples
        """
    )
    while some := cursor.fetchmany(20_000):
        yield some
