"""Histograms of RTTs merge by adding, and their percentiles stay within 1 % of the true ones."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.histograms import BASE, SHORTEST_MS, UNIT_MS, bin_of, middle_ms, percentile_of
from netstats_xl.domain.rollups import percentile

rtts = st.floats(2**-13, 2**21, width=32)
many = st.lists(rtts, min_size=1, max_size=60)


def binned(values: list[float]) -> Counter[int]:
    return Counter(bin_of(value) for value in values)


@given(st.floats(SHORTEST_MS, 2_000_000))
def test_no_rtt_is_further_than_one_percent_from_its_bins_middle(rtt_ms: float) -> None:
    assert abs(middle_ms(bin_of(rtt_ms)) - rtt_ms) <= 0.01 * rtt_ms


@given(st.integers(-230, 1_200))
def test_a_bin_begins_where_the_one_before_ends(number: int) -> None:
    middle_of_its_bin = UNIT_MS * BASE ** (number + 0.5)
    assert bin_of(middle_of_its_bin) == number
    assert bin_of(middle_of_its_bin * BASE) == number + 1


@pytest.mark.parametrize("rtt_ms", [0.0, -1.0, 0.00001])
def test_what_is_too_short_to_be_measured_counts_as_the_shortest(rtt_ms: float) -> None:
    assert bin_of(rtt_ms) == bin_of(SHORTEST_MS)


@given(many, st.floats(0, 100))
def test_a_percentile_is_within_one_percent_of_the_true_one(values: list[float], percent: float) -> None:
    true = percentile(sorted(values), percent)
    found = percentile_of(binned(values), percent, low_ms=min(values), high_ms=max(values))
    assert true is not None
    assert found == pytest.approx(true, rel=0.01)


@given(many, many, many, st.sampled_from([50, 95, 99]))
def test_histograms_merge_in_any_order_and_grouping(
    one: list[float], two: list[float], three: list[float], percent: int
) -> None:
    together = binned(one + two + three)
    assert (
        (binned(one) + binned(two)) + binned(three) == binned(three) + (binned(two) + binned(one)) == together
    )
    values = one + two + three
    true = percentile(sorted(values), percent)
    assert percentile_of(together, percent, low_ms=min(values), high_ms=max(values)) == pytest.approx(
        true, rel=0.01
    )


@given(many)
def test_percentiles_ascend_from_the_least_to_the_greatest(values: list[float]) -> None:
    low, high = min(values), max(values)
    found = [percentile_of(binned(values), percent, low_ms=low, high_ms=high) for percent in range(0, 101, 5)]
    known = [each for each in found if each is not None]
    assert len(known) == len(found)
    assert known == sorted(known)
    assert low <= known[0]
    assert known[-1] <= high


def test_zeros_between_bins_change_nothing() -> None:
    bins = binned([1.0, 50.0])
    padded = {number: bins[number] for number in range(min(bins), max(bins) + 1)}
    for percent in (0, 50, 95, 100):
        assert percentile_of(padded, percent, low_ms=1, high_ms=50) == percentile_of(
            bins, percent, low_ms=1, high_ms=50
        )


def test_of_no_rtt_there_is_no_percentile() -> None:
    assert percentile_of({}, 50, low_ms=0, high_ms=0) is None
    assert percentile_of({3: 0}, 50, low_ms=0, high_ms=0) is None
