"""Statistics of long periods and of many samples are those of the raw samples, whatever they are put together from."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
    rtts_of,
)
from netstats_xl.domain.rollups import Summary, percentile, summarise
from netstats_xl.ports import Dimension, GroupSummary
from netstats_xl.store import statistics
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
        edges = [first + number * step for number in range(40)]
    scope = Scope(job_ids=jobs, destination_ids=destinations)
    found = store.summaries(period, scope=scope, by=by, edges=edges, percentiles=percentiles)
    in_scope = [
        each for each in SAMPLES if scope.includes(job_id=each.job_id, destination_id=each.destination_id)
    ]
    assert_agrees(found, in_scope, period, by, edges)
    for group in found:
        assert group.summary.percentiles_of == (group.summary.received if percentiles else 0)
        assert (group.summary.rtt_m2 is not None) == percentiles
