"""Statistics against numpy, pandas and icmplib, and against the definitions' cases checked by hand."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import icmplib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.results import (
    NameNotResolved,
    Outcome,
    Replied,
    Sample,
    SendFailed,
    Timeout,
    Unreachable,
    packets_of,
)
from netstats_xl.domain.rollups import (
    EMPTY,
    P95_NEEDS,
    P99_NEEDS,
    Summary,
    histogram_edges,
    jitter_differences,
    jitter_rfc3550,
    merge,
    mos,
    nice_step,
    percentile,
    summarise,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
RTTS = st.floats(min_value=0.001, max_value=60_000)
IN_ORDER = st.lists(st.none() | RTTS, min_size=1, max_size=10).filter(
    lambda rtts: any(rtt is not None for rtt in rtts)
)
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    IN_ORDER.map(lambda rtts: Replied(address="a", rtts_ms=tuple(rtts))),
    st.integers(1, 10).map(lambda sent: Timeout(address="a", sent=sent)),
    st.integers(1, 10).map(lambda sent: Unreachable(address="a", sent=sent, reporter="r", reason="no route")),
    st.just(NameNotResolved(reason="no such host")),
    st.just(SendFailed(address="a", reason="no route")),
)
SAMPLES = st.lists(
    st.builds(
        Sample,
        at=st.integers(0, 10**6).map(lambda seconds: START + timedelta(seconds=seconds)),
        job_id=st.just("job1"),
        destination_id=st.just("dest1"),
        run_id=st.just("run1"),
        interval_s=st.sampled_from([1.0, 10.0, 300.0]),
        outcome=OUTCOMES,
    ),
    max_size=40,
)


def pooled(samples: Sequence[Sample]) -> list[float]:
    """The RTTs of all samples."""
    return [
        rtt
        for sample in samples
        if isinstance(sample.outcome, Replied)
        for rtt in sample.outcome.rtts_ms
        if rtt is not None
    ]


def assert_close(found: Summary, expected: Summary, *, but: Sequence[str] = ()) -> None:
    """Equal, but for the rounding of sums."""
    for name in Summary.__dataclass_fields__:
        value = getattr(expected, name)
        if name not in but:
            close = None if value is None else pytest.approx(value, rel=1e-9, abs=1e-6)
            assert getattr(found, name) == close, name


PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")


class TestAgainstOtherLibraries:
    @given(st.lists(RTTS, min_size=1, max_size=200), st.floats(0, 100))
    def test_percentiles_are_numpys_linear_ones(self, rtts: list[float], percent: float) -> None:
        expected = float(np.percentile(np.array(rtts), percent, method="linear"))
        assert percentile(sorted(rtts), percent) == pytest.approx(expected, rel=1e-9)

    @given(st.lists(RTTS, min_size=1, max_size=50))
    def test_percentiles_are_pandas_quantiles(self, rtts: list[float]) -> None:
        for percent in (50, 95, 99):
            expected = float(pd.Series(rtts).quantile(percent / 100))
            assert percentile(sorted(rtts), percent) == pytest.approx(expected, rel=1e-9)

    @given(SAMPLES)
    def test_mean_extremes_and_population_stdev_are_numpys(self, samples: list[Sample]) -> None:
        summary, rtts = summarise(samples), np.array(pooled(samples))
        assert summary.received == len(rtts)
        if len(rtts):
            assert summary.rtt_mean_ms == pytest.approx(rtts.mean(), rel=1e-9)
            assert (summary.rtt_min_ms, summary.rtt_max_ms) == (rtts.min(), rtts.max())
            assert summary.stdev_ms == pytest.approx(np.std(rtts, ddof=0), rel=1e-9, abs=1e-9)
        else:
            assert (summary.rtt_mean_ms, summary.rtt_min_ms, summary.stdev_ms) == (None, None, None)

    @given(st.lists(RTTS, min_size=2, max_size=20))
    def test_jitter_without_loss_is_the_mean_of_numpys_differences_and_icmplibs(
        self, rtts: list[float]
    ) -> None:
        differences = jitter_differences(rtts)
        assert differences == pytest.approx(np.abs(np.diff(rtts)).tolist())
        jitter = sum(differences) / len(differences)
        # icmplib rounds to 3 digits.
        assert icmplib.Host("192.0.2.1", len(rtts), rtts).jitter == pytest.approx(jitter, rel=1e-9, abs=6e-4)

    @given(st.lists(RTTS, min_size=2, max_size=30))
    def test_rfc_3550_jitter_is_pandas_exponential_mean_of_the_differences_from_0(
        self, rtts: list[float]
    ) -> None:
        differences = pd.Series([0.0, *np.abs(np.diff(rtts))])
        expected = float(differences.ewm(alpha=1 / 16, adjust=False).mean().iloc[-1])
        assert jitter_rfc3550([rtts]) == pytest.approx(expected, rel=1e-9)


class TestCountsAndTime:
    @given(SAMPLES)
    def test_loss_is_exact_and_from_counts(self, samples: list[Sample]) -> None:
        sent = sum(packets_of(sample.outcome)[0] for sample in samples)
        received = sum(packets_of(sample.outcome)[1] for sample in samples)
        summary = summarise(samples)
        assert (summary.sent, summary.received) == (sent, received)
        assert summary.loss_percent == (100 * (sent - received) / sent if sent else None)

    @given(SAMPLES)
    def test_each_round_is_up_or_down_for_its_interval(self, samples: list[Sample]) -> None:
        summary = summarise(samples)
        assert summary.rounds_up + summary.rounds_down == len(samples)
        assert summary.up_s + summary.down_s == sum(sample.interval_s for sample in samples)
        assert summary.rounds_up == sum(isinstance(sample.outcome, Replied) for sample in samples)

    def test_one_loss_in_a_thousand_is_a_tenth_of_a_percent(self) -> None:
        assert Summary(sent=1_000, received=999).loss_percent == 0.1

    def test_availability_is_by_time_not_by_rounds(self) -> None:
        assert Summary(rounds_up=1, rounds_down=9, up_s=300, down_s=100).availability_percent == 75

    def test_what_was_never_measured_is_blank_not_zero(self) -> None:
        assert summarise([]) == EMPTY
        for figure in (
            EMPTY.loss_percent,
            EMPTY.availability_percent,
            EMPTY.stdev_ms,
            EMPTY.jitter_ms,
            EMPTY.mos,
        ):
            assert figure is None


class TestMerging:
    @given(SAMPLES, SAMPLES)
    def test_the_merger_of_parts_is_the_whole_without_percentiles(
        self, one: list[Sample], other: list[Sample]
    ) -> None:
        merged = merge(summarise(one), summarise(other))
        assert_close(merged, summarise([*one, *other]), but=(*PERCENTILES, "percentiles_of"))
        assert [getattr(merged, name) for name in PERCENTILES] == [None] * 3
        assert merged.percentiles_of == 0

    @given(SAMPLES, SAMPLES, SAMPLES)
    def test_merging_is_associative(self, one: list[Sample], two: list[Sample], three: list[Sample]) -> None:
        a, b, c = summarise(one), summarise(two), summarise(three)
        assert_close(merge(merge(a, b), c), merge(a, merge(b, c)))

    @given(SAMPLES, SAMPLES)
    def test_merging_is_commutative(self, one: list[Sample], other: list[Sample]) -> None:
        a, b = summarise(one), summarise(other)
        assert_close(merge(a, b), merge(b, a))

    @given(SAMPLES)
    def test_merging_with_nothing_changes_nothing_but_the_percentiles(self, samples: list[Sample]) -> None:
        summary = summarise(samples)
        assert_close(merge(summary, EMPTY), summary, but=(*PERCENTILES, "percentiles_of"))
        assert_close(merge(EMPTY, summary), summary, but=(*PERCENTILES, "percentiles_of"))


class TestReferenceCases:
    def test_p95_of_10_12_15_40_is_36_25(self) -> None:
        assert percentile([10, 12, 15, 40], 95) == pytest.approx(36.25)

    def test_the_percentile_of_nothing_is_blank(self) -> None:
        assert percentile([], 95) is None

    @pytest.mark.parametrize(
        ("rtts", "p95", "p99"),
        [
            (P95_NEEDS - 1, None, None),
            (P95_NEEDS, 5.0, None),
            (P99_NEEDS - 1, 5.0, None),
            (P99_NEEDS, 5.0, 5.0),
        ],
    )
    def test_percentiles_that_mean_nothing_are_blank(
        self, rtts: int, p95: float | None, p99: float | None
    ) -> None:
        sample = Sample(
            at=START,
            job_id="job1",
            destination_id="dest1",
            run_id="run1",
            interval_s=1.0,
            outcome=Replied(address="a", rtts_ms=(5.0,) * rtts),
        )
        summary = summarise([sample])
        assert (summary.p50_ms, summary.p95_ms, summary.p99_ms) == (5.0, p95, p99)

    def test_a_pair_that_a_lost_packet_separates_has_no_jitter(self) -> None:
        assert jitter_differences([10, None, 50, 54, None]) == [4]
        assert jitter_differences([10]) == []

    def test_rfc_3550_jitter_by_hand(self) -> None:
        # 16 / 16 = 1, then 1 + (32 - 1) / 16; rounds are not joined.
        assert jitter_rfc3550([[10.0, 26.0], [100.0], [100.0, 132.0]]) == pytest.approx(2.9375)
        assert jitter_rfc3550([[10.0], [20.0]]) is None
        assert jitter_rfc3550([]) is None


class TestMos:
    def test_half_the_packets_lost_is_near_1(self) -> None:
        # d = 34, Id = 0.816, Ie = 63.249, R = 29.135
        assert mos(rtt_ms=40, jitter_ms=2, loss_percent=50) == pytest.approx(1.573647, abs=1e-6)

    def test_a_perfect_line_by_hand(self) -> None:
        # d = 10, Id = 0.24, R = 92.96
        assert mos(rtt_ms=0, jitter_ms=0, loss_percent=0) == pytest.approx(4.404592, abs=1e-6)

    def test_a_long_delay_counts_more_beyond_177_ms(self) -> None:
        # d = 210, Id = 5.04 + 3.597, R = 84.563
        assert mos(rtt_ms=400, jitter_ms=0, loss_percent=0) == pytest.approx(4.184157, abs=1e-6)

    def test_a_rating_below_0_is_1(self) -> None:
        assert mos(rtt_ms=5_000, jitter_ms=100, loss_percent=90) == 1

    @given(RTTS, st.floats(0, 60_000), st.floats(0, 100))
    def test_it_stays_from_1_to_4_5(self, rtt_ms: float, jitter_ms: float, loss_percent: float) -> None:
        assert 1 <= mos(rtt_ms=rtt_ms, jitter_ms=jitter_ms, loss_percent=loss_percent) <= 4.5

    @given(st.floats(0, 1_000), st.floats(0, 100), st.floats(0, 90), st.floats(0.1, 10))
    def test_more_loss_is_never_better(
        self, rtt_ms: float, jitter_ms: float, loss: float, more: float
    ) -> None:
        before = mos(rtt_ms=rtt_ms, jitter_ms=jitter_ms, loss_percent=loss)
        after = mos(rtt_ms=rtt_ms, jitter_ms=jitter_ms, loss_percent=loss + more)
        # G.107's polynomial dips below 1 for ratings from 0 to 6.5, where it is clamped.
        assert after <= before

    def test_a_summary_without_jitter_has_no_mos(self) -> None:
        assert Summary(sent=1, received=1, rtt_mean_ms=5).mos is None
        assert Summary(sent=2, received=2, rtt_mean_ms=5, jitter_sum_ms=1, jitter_pairs=1).mos == mos(
            rtt_ms=5, jitter_ms=1, loss_percent=0
        )


class TestHistogramEdges:
    @given(st.floats(0, 10_000), st.floats(0, 10_000), st.integers(5, 40))
    def test_they_ascend_cover_the_range_and_are_as_many_as_promised(
        self, one: float, other: float, bins: int
    ) -> None:
        low, high = min(one, other), max(one, other)
        edges = histogram_edges(low, high, bins)
        assert all(after > before for before, after in pairwise(edges))
        assert edges[0] <= low + 1e-9
        assert high < edges[-1] + 1e-9
        assert 1 <= len(edges) - 1 <= 2.5 * bins + 2

    def test_the_width_is_round(self) -> None:
        assert histogram_edges(3, 97, 20) == tuple(float(edge) for edge in range(0, 101, 5))

    @given(st.floats(1e-6, 1e6))
    def test_a_nice_step_is_1_2_or_5_times_a_power_of_ten(self, at_least: float) -> None:
        step = nice_step(at_least)
        assert at_least <= step <= at_least * 2.5 * (1 + 1e-9)
        assert round(step / 10 ** math.floor(math.log10(step) + 1e-9), 6) in (1, 2, 5)
