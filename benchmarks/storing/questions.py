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
from benchmarks.storing.rounds import INTERVAL, JOB_ID, Rounds, batch_of, id_of
from benchmarks.storing.sqlite import Row, Sqlite
from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.steps import BY_DAYS, steps_for
from netstats_xl.domain.zones import day_edges, hour_edges
from netstats_xl.ports import Dimension, ResultStore
from netstats_xl.store.duckdb_store import DuckDbStore

CHARTS: Mapping[str, timedelta] = {
    "1 h": HOUR,
    "6 h": 6 * HOUR,
    "24 h": DAY,
    "7 d": 7 * DAY,
    "30 d": 30 * DAY,
    "90 d": 90 * DAY,
    "1 y": 365 * DAY,
    "5 y": 1_826 * DAY,
}
POINTS = 360
"""Of a chart on the sheet Details, at most."""


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
            name: Rounds.following(stores[name], history.destinations)
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
            rows = history.destinations * ((history.end - history.raw_start) // INTERVAL)
            say(f"Filling SQLite with {rows:,} rows ...")
            peer.fill_rows(_rows(connection, history))
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
        feed = Rounds.following(store, history.destinations)
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
    """One destination over each period, which ends anywhere in the history that is kept so finely.

    A chart of a sheet shows means, extremes and loss; percentiles are shown by hours or by days, as on Trends.
    """
    draw = random.Random(5)
    store = DuckDbStore.open(path)
    try:
        for percentiles in (False, True):
            took: dict[str, list[float]] = {name: [] for name in CHARTS}
            for _ in range(times):
                for name, length in CHARTS.items():
                    period = _anywhere(history, length, draw)
                    scope = Scope(
                        job_ids=frozenset({JOB_ID}),
                        destination_ids=frozenset({id_of(draw.randrange(history.destinations))}),
                    )
                    edges = (_whole_steps if percentiles else _steps)(period)
                    asked = Period(start=edges[0], end=period.end)
                    question = partial(
                        store.summaries, asked, scope=scope, edges=edges, percentiles=percentiles
                    )
                    took[name].append(1_000 * seconds_of(question))
                    store.roll_up()  # as happens every second: it gives memory back
            everything = [each for some in took.values() for each in some]
            yield Measure(
                name="chart_with_percentiles_p95_ms" if percentiles else "chart_p95_ms",
                value=quantile(everything, 0.95),
                goal=60,
                beside=f"{len(everything)} charts of up to {POINTS} points; medians "
                + ", ".join(f"{name} {quantile(some, 0.5):.0f}" for name, some in took.items())
                + f"; worst {max(everything):.0f} ms",
            )
    finally:
        store.close()


def _steps(period: Period) -> Sequence[datetime]:
    return steps_for(period.start, period.end, POINTS, "UTC")


def _whole_steps(period: Period) -> Sequence[datetime]:
    """Hours of up to a week, and days beyond; months of more than two years."""
    if period.length <= BY_DAYS:
        find = hour_edges if period.length <= 7 * DAY else day_edges
        return find(period.start, period.end, "UTC")
    return _steps(period)


def _anywhere(history: History, length: timedelta, draw: random.Random) -> Period:
    """A period of this length, as far as what it is made of is kept so long: days, hours or raw rows."""
    kept = (
        history.raw_start
        if length <= DAY
        else history.hours_start
        if length <= 30 * DAY
        else history.days_start
    )
    slack_s = max(0.0, (history.end - kept - length).total_seconds())
    end = history.end - timedelta(seconds=draw.uniform(0, slack_s))
    return Period(start=max(kept, end - length), end=end)


def _rows(connection: duckdb.DuckDBPyConnection, history: History) -> Iterator[Sequence[Row]]:
    """The raw rows as the peer's, hour by hour: all at once, they would not fit into memory."""
    at = history.raw_start
    while at < history.end:
        yield connection.execute(
            """
            SELECT epoch_ms(tick), destination, job, outcome, sent, received, list_min(rtts_ms), list_avg(rtts_ms),
                list_max(rtts_ms), jitter_sum_ms / nullif(jitter_pairs, 0),
                '[' || array_to_string([coalesce(round(rtt, 4)::VARCHAR, 'null') FOR rtt IN rtts_ms], ', ') || ']'
            FROM samples WHERE tick >= $first AND tick < $after
            """,
            {"first": at.replace(tzinfo=None), "after": min(at + HOUR, history.end).replace(tzinfo=None)},
        ).fetchall()
        at += HOUR
