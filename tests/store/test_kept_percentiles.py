"""The percentiles that rows of days and months keep: what they are of, when they are shown, and when they are not."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from netstats_xl.domain.histograms import percentile_of
from netstats_xl.domain.results import Batch, Period, Replied, Sample, Scope, Timeout
from netstats_xl.domain.rollups import P95_NEEDS, P99_NEEDS, Summary
from netstats_xl.ports import Dimension, unheard
from netstats_xl.store import statistics
from netstats_xl.store.auditing import MOST_TOLD, check_rollups
from netstats_xl.store.compacting import compact
from netstats_xl.store.duckdb_store import DuckDbStore

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS = 61
END = START + DAYS * DAY
MONTHS = (START, START + 31 * DAY, START + 59 * DAY)
NAMES = ("p50_ms", "p95_ms", "p99_ms")
ONE = Scope(destination_ids=frozenset({"dest1"}))


def samples(start: datetime, hours: int, *, seed: int = 1) -> list[Sample]:
    """Rounds of three destinations each hour: of the first many RTTs, of the second few, of the third none."""
    random = Random(seed)
    return [
        Sample(
            at=start + hour * HOUR,
            job_id="job1",
            destination_id=destination,
            run_id=f"run{seed}-{hour}",
            interval_s=3600,
            outcome=Replied(
                address="192.0.2.1", rtts_ms=tuple(random.lognormvariate(3, 0.4) for _ in range(rtts))
            )
            if rtts
            else Timeout(address="192.0.2.1", sent=4),
        )
        for hour in range(hours)
        for destination, rtts in (("dest1", 6), ("dest2", 1 if hour % 3 == 0 else 0), ("dest3", 0))
    ]


def roll_up(store: DuckDbStore) -> None:
    while store.roll_up():
        pass


def fill(store: DuckDbStore) -> None:
    store.save(Batch(batch_id="a", samples=samples(START, DAYS * 24 + 1)))
    roll_up(store)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckDbStore]:
    """Two months that are rolled up, by UTC; the samples are there, but are not what is asked."""
    monkeypatch.setattr(statistics, "FEW_SAMPLES", 0)
    with closing(DuckDbStore.open(None, now=lambda: END + DAY)) as store:
        fill(store)
        yield store


def execute(store: DuckDbStore, statement: str) -> None:
    store._database.write(lambda cursor: cursor.execute(statement), committed=lambda _: None)


def differences(store: DuckDbStore) -> list[str]:
    return store._database.read(check_rollups)


def by_steps(
    store: DuckDbStore, edges: Sequence[datetime], *, end: datetime = END, scope: Scope = ONE
) -> list[Summary]:
    """The summary of each step, which has a round of each destination that is asked for."""
    found = store.summaries(
        Period(start=edges[0], end=end), scope=scope, by=[Dimension.DESTINATION], edges=edges
    )
    return [each.summary for each in found]


def of_whole_steps(store: DuckDbStore, edges: Sequence[datetime], *, end: datetime = END) -> list[Summary]:
    """The same, each step asked for by itself, whose histograms are added up."""
    return [
        store.summaries(Period(start=start, end=after), scope=ONE, by=[])[0].summary
        for start, after in zip(edges, [*edges[1:], end], strict=True)
    ]


def figures(found: Summary) -> tuple[float | None, ...]:
    return found.p50_ms, found.p95_ms, found.p99_ms


def days_of(count: int, *, start: datetime = START) -> list[datetime]:
    return [start + number * DAY for number in range(count)]


@pytest.mark.parametrize("table", ["roll_1d", "roll_1mo"])
def test_each_row_keeps_the_percentiles_of_its_histogram(store: DuckDbStore, table: str) -> None:
    rows = store.ask(
        lambda cursor: cursor.execute(
            f"SELECT destination, received, low_us, high_us, first_bin, bins, p50_ms, p95_ms, p99_ms FROM {table}"
        ).fetchall()
    )
    kept = Counter[int]()
    for destination, received, low_us, high_us, first_bin, bins, *percentiles in rows:
        wanted = [
            percentile_of(
                dict(enumerate(bins, start=first_bin)), percent, low_ms=low_us / 1e3, high_ms=high_us / 1e3
            )
            if received >= needs
            else None
            for percent, needs in ((50, 1), (95, P95_NEEDS), (99, P99_NEEDS))
        ]
        assert percentiles == [each and pytest.approx(each, rel=1e-12) for each in wanted]
        kept[destination] += sum(each is not None for each in percentiles)
    assert kept == ({1: 3 * 60, 2: 60, 3: 0} if table == "roll_1d" else {1: 3 * 2, 2: 3 * 2, 3: 0})


@pytest.mark.parametrize(("table", "edges"), [("roll_1d", days_of(59)), ("roll_1mo", MONTHS[:2])])
def test_a_chart_by_days_or_months_needs_no_histogram(
    store: DuckDbStore, table: str, edges: list[datetime]
) -> None:
    wanted = of_whole_steps(store, edges, end=MONTHS[2])
    execute(store, f"UPDATE {table} SET first_bin = NULL, bins = NULL WHERE p50_ms IS NOT NULL")
    found = by_steps(store, edges, end=MONTHS[2])
    assert len(found) == len(edges)
    for mine, other in zip(found, wanted, strict=True):
        assert figures(mine) == pytest.approx(figures(other))
        assert None not in figures(mine)
        assert mine.percentiles_of == mine.received == other.received
        assert (mine.rtt_mean_ms, mine.rtt_m2, mine.sent) == (other.rtt_mean_ms, other.rtt_m2, other.sent)


def test_of_few_replies_and_of_none_as_much_is_told_as_can_be(store: DuckDbStore) -> None:
    scope = Scope(destination_ids=frozenset({"dest2", "dest3"}))
    found = by_steps(store, days_of(60), end=START + 60 * DAY, scope=scope)
    few, none = found[::2], found[1::2]
    assert all(each.p50_ms and each.p95_ms is None and each.percentiles_of == 8 for each in few)
    assert all(figures(each) == (None, None, None) and each.percentiles_of == 0 for each in none)


def test_steps_of_several_rows_have_their_histograms_merged(store: DuckDbStore) -> None:
    edges = days_of(30)[::2]
    found = by_steps(store, edges, end=START + 30 * DAY)
    assert [figures(each) for each in found] == [
        pytest.approx(figures(each)) for each in of_whole_steps(store, edges, end=START + 30 * DAY)
    ]
    assert all(each.percentiles_of == 2 * 24 * 6 for each in found)


def test_steps_at_the_sides_of_which_a_part_is_asked_for_are_right_too(store: DuckDbStore) -> None:
    edges = [START + 7 * HOUR, *days_of(40)[1:]]
    end = START + 39 * DAY + 5 * HOUR
    found = by_steps(store, edges, end=end)
    assert [figures(each) for each in found] == [
        pytest.approx(figures(each)) for each in of_whole_steps(store, edges, end=end)
    ]
    assert [each.percentiles_of // 6 for each in found] == [17, *[24] * 38, 5]


@pytest.mark.parametrize("late", [(3,), (3, 4), (0, 9, 39), tuple(range(0, 40, 3))])
def test_days_to_which_samples_came_late_are_merged_and_the_others_are_not(
    store: DuckDbStore, late: tuple[int, ...]
) -> None:
    before = by_steps(store, days_of(40), end=START + 40 * DAY)
    for day in late:
        slow = [
            Sample(
                at=START + day * DAY + timedelta(minutes=1 + number),
                job_id="job1",
                destination_id="dest1",
                run_id=f"late{day}-{number}",
                interval_s=60,
                outcome=Replied(address="192.0.2.1", rtts_ms=(900.0,) * 6),
            )
            for number in range(30)
        ]
        store.save(Batch(batch_id=f"late{day}", samples=slow))
    found = by_steps(store, days_of(40), end=START + 40 * DAY)
    for day, (earlier, later) in enumerate(zip(before, found, strict=True)):
        if day in late:
            assert later.percentiles_of == earlier.percentiles_of + 180
            assert later.p95_ms == pytest.approx(900, rel=0.01)
        else:
            assert figures(later) == pytest.approx(figures(earlier))
    assert differences(store) == []


def test_rows_of_an_older_version_are_answered_from_their_histograms(store: DuckDbStore) -> None:
    wanted = [figures(each) for each in by_steps(store, days_of(60))]
    for table in ("roll_1d", "roll_1mo"):
        execute(store, f"UPDATE {table} SET p50_ms = NULL, p95_ms = NULL, p99_ms = NULL")
    found = by_steps(store, days_of(60))
    assert [figures(each) for each in found] == [pytest.approx(each) for each in wanted]
    assert differences(store) == []


def test_compacting_finds_the_percentiles_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "FEW_SAMPLES", 0)
    path = tmp_path / "results.duckdb"
    query = f"SELECT bucket, destination, {', '.join(NAMES)} FROM roll_1d UNION ALL " + (
        f"SELECT bucket, destination, {', '.join(NAMES)} FROM roll_1mo ORDER BY ALL"
    )
    with closing(DuckDbStore.open(path, now=lambda: END + DAY)) as store:
        fill(store)
        before = store.ask(lambda cursor: cursor.execute(query).fetchall())
        for table in ("roll_1d", "roll_1mo"):
            execute(store, f"UPDATE {table} SET p50_ms = NULL, p95_ms = NULL, p99_ms = NULL")
    compact(path, unheard)
    with closing(DuckDbStore.open(path, now=lambda: END + DAY)) as store:
        assert store.ask(lambda cursor: cursor.execute(query).fetchall()) == before


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE roll_1d SET p95_ms = 1.5 WHERE destination = 1 AND bucket = '2026-01-02'",
            "roll_1d at 2026-01-02 00:00:00 UTC, job 1, destination 1: p95_ms is 1.5, and its histogram says ",
        ),
        ("UPDATE roll_1mo SET p50_ms = p50_ms * 1.0001 WHERE destination = 2", "roll_1mo at 2026-01-01"),
        ("UPDATE roll_1d SET p99_ms = NULL WHERE destination = 1", "p99_ms is None, and its histogram says "),
        ("UPDATE roll_1d SET p99_ms = 7 WHERE destination = 2", "p99_ms is 7.0, and its histogram says None"),
    ],
)  # fmt: skip
def test_a_check_tells_of_percentiles_that_are_not_those_of_the_histogram(
    store: DuckDbStore, statement: str, told: str
) -> None:
    assert differences(store) == []
    execute(store, statement)
    found = differences(store)
    assert any(told in each for each in found), found
    assert len(found) <= MOST_TOLD + 1
