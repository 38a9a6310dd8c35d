"""Statistics of long periods and of many samples are those of the raw samples, whatever they are put together from."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from netstats_xl.domain.levels import Level, bucket_of
from netstats_xl.domain.results import (
    Batch,
    Outcome,
    Period,
    Replied,
    Sample,
    Scope,
    Timeout,
    packets_of,
    rtts_of,
)
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.rollups import Summary, jitter_differences, jitter_rfc3550, percentile, summarise
from netstats_xl.ports import Dimension, GroupSummary
from netstats_xl.store import raw_statistics, statistics
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.contracts.result_store import START
from tests.store.rolled import roll_up, seal

ZONE = "America/St_Johns"
"""Its hours begin at half past those of UTC."""
SPAN = timedelta(days=75)


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """No number of samples is small enough for them to be read alone."""
    monkeypatch.setattr(statistics, "FEW_SAMPLES", -1)


def rounds(seed: int, number: int) -> list[Sample]:
    """Rounds of two jobs on three destinations at any times within `SPAN`, many of them close to its end."""
    random = Random(seed)
    samples = []
    for index in range(number):
        spread = random.choice((SPAN, timedelta(days=3), timedelta(hours=5), timedelta(minutes=10)))
        base = random.choice((0.004, 5.0, 80.0, 900.0))
        rtts = tuple(
            None if random.random() < 0.2 else base * (1 + random.expovariate(8))
            for _ in range(random.randint(1, 6))
        )
        outcome: Outcome = (
            Replied(address="a", rtts_ms=rtts) if any(rtts) else Timeout(address="a", sent=len(rtts))
        )
        samples.append(
            Sample(
                at=START + SPAN - random.random() * spread,
                job_id=f"job{random.randint(1, 2)}",
                destination_id=f"dest{random.randint(1, 3)}",
                run_id=f"run{index}",
                interval_s=random.choice((10.0, 60.0, 0.25)),
                outcome=outcome,
            )
        )
    return samples


def as_stored(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with their RTTs as the tables hold them, in 32 bits."""
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=samples))
    stored = store.samples(Period(start=START, end=START + 2 * SPAN))
    store.close()
    return list(stored)


def assert_right(found: Summary, expected: Summary, rtts: Sequence[float]) -> None:
    """Counts exactly, moments to a microsecond, percentiles to 1 %."""
    for name in ("rounds_up", "rounds_down", "sent", "received", "jitter_pairs"):
        assert getattr(found, name) == getattr(expected, name), name
    for name in ("up_s", "down_s"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-6), name
    names = ["rtt_min_ms", "rtt_max_ms", "rtt_mean_ms", "jitter_ms"]
    if found.rtt_m2 is not None:
        names.append("stdev_ms")
    for name in names:
        value = getattr(expected, name)
        assert getattr(found, name) == (None if value is None else pytest.approx(value, abs=0.001)), name
    assert found.percentiles_of <= found.received
    if found.percentiles_of == found.received:
        for name, percent in (("p50_ms", 50), ("p95_ms", 95), ("p99_ms", 99)):
            if getattr(expected, name) is None:
                assert getattr(found, name) is None
            else:
                exact = percentile(sorted(rtts), percent)
                assert getattr(found, name) == pytest.approx(exact, rel=0.01, abs=0.0005), name


def expected_groups(
    samples: Sequence[Sample], period: Period, by: Sequence[Dimension], edges: Sequence[datetime]
) -> dict[tuple[datetime | None, str | None, str | None], list[Sample]]:
    """The samples of each group, by bucket, job and destination."""
    groups: dict[tuple[datetime | None, str | None, str | None], list[Sample]] = defaultdict(list)
    for each in samples:
        begun = [edge for edge in edges if edge <= each.at]
        if period.start <= each.at < period.end and (begun or not edges):
            groups[
                begun[-1] if begun else None,
                each.job_id if Dimension.JOB in by else None,
                each.destination_id if Dimension.DESTINATION in by else None,
            ].append(each)
    return groups


def assert_agrees(
    found: Sequence[GroupSummary],
    samples: Sequence[Sample],
    period: Period,
    by: Sequence[Dimension] = (),
    edges: Sequence[datetime] = (),
) -> None:
    """What a store found is what the samples' own summaries say."""
    expected = expected_groups(samples, period, by, edges)
    keys = [(each.bucket_at, each.job_id, each.destination_id) for each in found]
    assert keys == sorted(expected, key=lambda key: (key[0] or START, key[1] or "", key[2] or ""))
    for group, key in zip(found, keys, strict=True):
        rtts = [rtt for each in expected[key] for rtt in rtts_of(each.outcome) if rtt is not None]
        assert_right(group.summary, summarise(expected[key]), rtts)


SAMPLES = as_stored(rounds(1, 600))


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDbStore]:
    """Has the samples, and what they add up to at each level."""
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=SAMPLES))
    roll_up(store, SAMPLES, zone=ZONE)
    yield store
    store.close()


ends = st.one_of(
    st.timedeltas(timedelta(0), SPAN),
    st.timedeltas(timedelta(0), timedelta(hours=6)).map(lambda before: SPAN - before),
    st.integers(0, 75 * 24).map(lambda hours: timedelta(hours=hours)),
)
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""It would take minutes, and tell no more."""
levels = st.tuples(*[st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=2)))] * 4)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=WITHOUT_SHRINKING
)
@given(
    behind=levels,
    bounds=st.lists(ends, min_size=2, max_size=2, unique=True).map(sorted),
    by=st.sampled_from([(), (Dimension.JOB,), (Dimension.DESTINATION,), tuple(Dimension)]),
    step=st.sampled_from(
        [None, timedelta(minutes=7), timedelta(hours=1), timedelta(days=1), timedelta(seconds=50_001)]
    ),
    is_even=st.booleans(),
    percentiles=st.booleans(),
    jobs=st.sampled_from([None, frozenset({"job1"}), frozenset({"job2", "nobody"})]),
    destinations=st.sampled_from([None, frozenset({"dest1", "dest3"}), frozenset({"dest2"}), frozenset()]),
)
def test_statistics_are_those_of_the_samples_however_far_each_level_is_sealed(
    store: DuckDbStore,
    behind: tuple[timedelta | None, ...],
    bounds: list[timedelta],
    by: tuple[Dimension, ...],
    step: timedelta | None,
    is_even: bool,
    percentiles: bool,
    jobs: frozenset[str] | None,
    destinations: frozenset[str] | None,
) -> None:
    until = {
        level: bucket_of(level, START + SPAN - each, ZONE)
        for level, each in zip(Level, behind, strict=True)
        if each is not None
    }
    seal(store, until, zone=ZONE)
    period = Period(start=START + bounds[0], end=START + bounds[1])
    edges: list[datetime] = []
    if step is not None:
        first = bucket_of(Level.DAY, period.end - min(period.length, 40 * step), ZONE)
        edges = [first + number * step for number in range(40) if is_even or number != 5]
    scope = Scope(job_ids=jobs, destination_ids=destinations)
    found = store.summaries(period, scope=scope, by=by, edges=edges, percentiles=percentiles)
    in_scope = [
        each for each in SAMPLES if scope.includes(job_id=each.job_id, destination_id=each.destination_id)
    ]
    assert_agrees(found, in_scope, period, by, edges)
    for group in found:
        assert group.summary.percentiles_of == (group.summary.received if percentiles else 0)
        assert (group.summary.rtt_m2 is not None) == percentiles


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=WITHOUT_SHRINKING
)
@given(bounds=st.lists(ends, min_size=2, max_size=2, unique=True).map(sorted))
def test_a_histogram_counts_each_rtt_at_most_one_percent_beside_its_place(
    store: DuckDbStore, bounds: list[timedelta]
) -> None:
    seal(
        store, {level: bucket_of(level, START + SPAN - timedelta(days=1), ZONE) for level in Level}, zone=ZONE
    )
    period = Period(start=START + bounds[0], end=START + bounds[1])
    rtts = [
        rtt
        for each in SAMPLES
        if period.start <= each.at < period.end
        for rtt in rtts_of(each.outcome)
        if rtt is not None
    ]
    edges = [0.0, 0.0045, 5.5, 90.0, 100.0, 10_000.0]
    counts = store.histogram(period, edges)
    assert sum(counts) == len(rtts)
    for number in range(1, len(edges)):
        below = sum(counts[:number])
        assert sum(rtt < edges[number] / 1.01 for rtt in rtts) <= below
        assert below <= sum(rtt < edges[number] * 1.01 for rtt in rtts)


def test_the_rfc_jitter_of_a_long_period_is_found_in_its_last_rounds(
    store: DuckDbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "RFC3550_DIFFERENCES", 15)
    monkeypatch.setattr(raw_statistics, "RFC3550_DIFFERENCES", 15)
    asked: list[Period] = []
    found_in = raw_statistics.jitter_rfc3550

    def note(cursor: Cursor, period: Period, scope: Scope) -> dict[tuple[str, str], float]:
        asked.append(period)
        return found_in(cursor, period, scope)

    monkeypatch.setattr(raw_statistics, "jitter_rfc3550", note)
    seal(store, {level: bucket_of(level, START + SPAN, ZONE) for level in Level}, zone=ZONE)
    whole = Period(start=START, end=START + SPAN)
    scope = Scope(job_ids=frozenset({"job1"}))
    store.jitter_rfc3550(whole, scope=scope)
    [looked_at] = asked
    assert looked_at.start > whole.start
    assert looked_at.end == whole.end
    pairs = {
        each.destination_id: [
            other
            for other in SAMPLES
            if (other.job_id, other.destination_id) == ("job1", each.destination_id)
        ]
        for each in SAMPLES
    }
    for of_pair in pairs.values():
        recent = [jitter_differences(rtts_of(each.outcome)) for each in of_pair if each.at >= looked_at.start]
        assert sum(map(len, recent)) >= 15
    # With nothing forgotten, it is the jitter of all rounds.
    monkeypatch.setattr(statistics, "RFC3550_DIFFERENCES", 10**5)
    monkeypatch.setattr(raw_statistics, "RFC3550_DIFFERENCES", 10**5)
    found = store.jitter_rfc3550(whole, scope=scope)
    assert asked[1].start == whole.start
    for destination_id, of_pair in pairs.items():
        in_order = sorted(of_pair, key=lambda each: each.at)
        expected = jitter_rfc3550(rtts_of(each.outcome) for each in in_order)
        assert found["job1", destination_id] == pytest.approx(expected, rel=1e-9)


def test_where_samples_and_histograms_are_gone_percentiles_rest_on_fewer_rtts_and_nothing_else_is_lost() -> (
    None
):
    now = START + timedelta(days=3)
    samples = [
        Sample(
            at=START + timedelta(seconds=20 * number),
            job_id="job1",
            destination_id=f"dest{number % 2}",
            run_id=f"run{number}",
            interval_s=20.0,
            outcome=Replied(address="a", rtts_ms=(10.0 + number % 7, None, 12.5)),
        )
        for number in range(3 * 60 * 5)
    ]
    store = DuckDbStore(None, now=lambda: now)
    store.save(Batch(batch_id="a", samples=samples))
    end = samples[-1].at
    store.save(Batch(batch_id="b", samples=[replace(samples[-1], at=end + timedelta(days=1), run_id="last")]))
    while store.roll_up():
        pass
    store.prune(Cutoffs(raw=START + timedelta(hours=4)))
    whole = Period(start=START + timedelta(minutes=30), end=end)
    for scope in (Scope(), Scope(destination_ids=frozenset({"dest1"}))):
        in_period = [
            each
            for each in samples
            if whole.start <= each.at < whole.end
            and scope.includes(job_id="job1", destination_id=each.destination_id)
        ]
        for _ in range(2):
            [found] = store.summaries(whole, scope=scope)
            rtts = [rtt for each in in_period for rtt in rtts_of(each.outcome) if rtt is not None]
            assert_right(found.summary, summarise(in_period), rtts)
            in_the_first_half_hour = sum(
                packets_of(each.outcome)[1] for each in in_period if each.at < START + timedelta(hours=1)
            )
            assert found.summary.percentiles_of == found.summary.received - in_the_first_half_hour
            assert found.summary.p50_ms == pytest.approx(12.5, rel=0.01)
    # A minute belongs to the period that it begins in.
    half = Period(
        start=START + timedelta(minutes=30, seconds=30), end=START + timedelta(minutes=40, seconds=30)
    )
    [found] = store.summaries(half, percentiles=False)
    assert found.summary.rounds_up == 30
    later = Period(start=half.start + timedelta(minutes=1), end=half.end + timedelta(minutes=1))
    for period in (half, later):
        [found] = store.summaries(period)
        assert (found.summary.rounds_up, found.summary.percentiles_of, found.summary.p50_ms) == (30, 0, None)
    assert store.histogram(half, [0.0, 100.0]) == [0]
    store.close()
