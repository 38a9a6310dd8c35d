"""Tallies of rounds and their histograms, against the domain's own statistics of the same RTTs."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netstats_xl.domain.histograms import SHORTEST_MS, bin_of, middle_ms, percentile_of
from netstats_xl.domain.rollups import percentile
from netstats_xl.domain.tallies import NO_PERCENTILES, SUMS, Tally, percentiles_among

rtts = st.one_of(
    st.floats(0.0001, 100_000),
    st.sampled_from([0.0, 0.0001, 0.01, 0.0102, 1.0, 1.02, 20.0]),
    st.integers(1, 50).map(float),
)
some = st.lists(rtts, max_size=150)


def tally_of(rtts_ms: Sequence[float]) -> Tally:
    """One round of these RTTs."""
    tally = Tally()
    add(tally, rtts_ms)
    return tally


def parts(rtts_ms: Sequence[float]) -> tuple[list[int], int | None, int | None]:
    us = [round(max(rtt, 0.0001) * 1_000) for rtt in rtts_ms]
    known = {
        "up": 1, "up_ms": 1_000, "sent": len(us), "received": len(us), "total_us": sum(us),
        "squares_us2": sum(each * each for each in us),
    }  # fmt: skip
    return [known.get(name, 0) for name in SUMS], min(us, default=None), max(us, default=None)


def add(tally: Tally, rtts_ms: Sequence[float]) -> None:
    tally.add(*parts(rtts_ms))
    tally.count([bin_of(rtt) for rtt in rtts_ms], [1] * len(rtts_ms))


@given(rtts)
def test_no_rtt_is_more_than_a_percent_from_its_bins_middle(rtt: float) -> None:
    assert middle_ms(bin_of(rtt)) == pytest.approx(max(rtt, 0.0001), rel=0.01)


@given(st.lists(rtts, min_size=1, max_size=150), st.sampled_from([0, 1, 50, 95, 99, 99.9, 100]))
@example([3.0, 0.0], 1)
@example([0.0], 50)
def test_a_histograms_percentile_is_within_a_percent_of_the_rtts_own(
    found: list[float], percent: float
) -> None:
    # What is shorter than a histogram tells apart counts as long as the shortest.
    exact = percentile(sorted(max(rtt, SHORTEST_MS) for rtt in found), percent)
    assert exact is not None
    bins = Counter(bin_of(rtt) for rtt in found)
    from_bins = percentile_of(bins, percent, low_ms=min(found), high_ms=max(found))
    assert from_bins == pytest.approx(exact, rel=0.01, abs=SHORTEST_MS)
    assert from_bins is not None
    assert min(found) <= from_bins <= max(found)


def test_a_histogram_of_nothing_has_no_percentile() -> None:
    assert percentile_of({}, 50, low_ms=0, high_ms=0) is None
    assert percentile_of({3: 0}, 50, low_ms=0, high_ms=0) is None
    assert Tally().percentiles() == NO_PERCENTILES
    assert percentiles_among([1], [1], None, None) == NO_PERCENTILES


@given(some)
def test_a_tallys_percentiles_are_its_histograms_and_need_their_number_of_rtts(found: list[float]) -> None:
    tally = tally_of(found)
    of, p50, p95, p99 = tally.percentiles()
    assert of == len(found)
    bins = Counter(bin_of(rtt) for rtt in found)
    if not found:
        assert (p50, p95, p99) == (None, None, None)
        return
    assert tally.low_us is not None
    assert tally.high_us is not None
    low_ms, high_ms = tally.low_us / 1_000, tally.high_us / 1_000
    expected = [percentile_of(bins, each, low_ms=low_ms, high_ms=high_ms) for each in (50, 95, 99)]
    assert p50 == expected[0]
    assert p95 == (expected[1] if len(found) >= 20 else None)
    assert p99 == (expected[2] if len(found) >= 100 else None)
    # Those bins alone tell the same that have any RTT.
    numbers = sorted(bins)
    upto = list(accumulate(bins[number] for number in numbers))
    assert percentiles_among(numbers, upto, tally.low_us, tally.high_us) == tally.percentiles()


@given(st.lists(some, max_size=6))
def test_adding_is_the_same_in_whatever_order_and_grouping(rounds: list[list[float]]) -> None:
    whole, halves = Tally(), (Tally(), Tally())
    for number, each in enumerate(rounds):
        add(whole, each)
        add(halves[number % 2], each)
    merged = Tally()
    for half in reversed(halves):
        merged.merge(half)
    assert merged.summary() == whole.summary()
    assert whole.empty == (not rounds)


@given(some, some)
def test_taking_away_is_the_reverse_of_adding_but_for_the_bounds_which_it_tells(
    stays: list[float], goes: list[float]
) -> None:
    tally, expected = tally_of(stays), tally_of(stays)
    add(tally, goes)
    sums, low_us, high_us = parts(goes)
    doubtful = tally.take_away(sums, low_us, high_us)
    tally.count([bin_of(rtt) for rtt in goes], [1] * len(goes), -1)
    if not doubtful:
        assert (tally.low_us, tally.high_us) == (expected.low_us, expected.high_us)
    tally.low_us, tally.high_us = expected.low_us, expected.high_us
    assert tally.summary() == expected.summary()


@given(st.lists(st.tuples(some, st.booleans(), st.booleans()), max_size=12))
def test_percentiles_follow_what_is_added_and_taken_away_whenever_they_are_asked_for(
    changes: list[tuple[list[float], bool, bool]],
) -> None:
    tally, there = Tally(), list[list[float]]()
    for found, goes, is_asked in changes:
        if goes and there:
            gone = there.pop(0)
            tally.take_away(*parts(gone))
            tally.count([bin_of(rtt) for rtt in gone], sign=-1)
        there.append(found)
        add(tally, found)
        left = [rtt for each in there for rtt in each]
        _, low_us, high_us = parts(left)
        tally.bound(low_us, high_us)
        if is_asked:
            bins = Counter(bin_of(rtt) for rtt in left)
            numbers = sorted(bins)
            upto = list(accumulate(bins[number] for number in numbers))
            assert tally.percentiles() == percentiles_among(numbers, upto, low_us, high_us)
            assert tally.summary() == tally.summary(tally.percentiles())


@given(
    st.lists(
        st.tuples(st.integers(-20, 20), st.lists(st.integers(0, 50), min_size=1, max_size=30)), max_size=5
    )
)
def test_bins_that_follow_each_other_count_as_any_others_do(some: list[tuple[int, list[int]]]) -> None:
    tallies = Tally(), Tally()
    for first, counts in some:
        numbers = range(first, first + len(counts))
        for tally, each in zip(tallies, (numbers, list(numbers)), strict=True):
            tally.add([1] * len(SUMS), 10, 20)
            tally.count(each, counts)
            tally.count(each, counts)
            tally.count(each, counts, -1)
        assert tallies[0].percentiles() == tallies[1].percentiles()
        assert tallies[0].counts == tallies[1].counts


T0 = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_bound_that_was_seen_again_does_not_go_with_what_was_earlier() -> None:
    tally = Tally()
    later = T0 + timedelta(seconds=10)
    tally.add(*parts([5.0, 9.0]), T0)
    tally.add(*parts([5.0, 7.0]), later)
    assert not tally.take_away(*parts([5.0, 7.5]), later)
    assert tally.take_away(*parts([5.0]), later + timedelta(seconds=1))
    assert tally.take_away(*parts([9.0]), later)
    tally.add(*parts([9.0]), later)
    tally.add(*parts([9.0]), T0)
    assert not tally.take_away(*parts([9.0]), later)
    assert tally.take_away(*parts([9.0]))
    tally.bound(5_000, 9_000)
    assert tally.take_away(*parts([9.0]), later)


def test_a_deviation_of_large_rtts_that_hardly_differ_loses_nothing() -> None:
    found = [90_000.001, 90_000.002, 90_000.003] * 1_000
    summary = tally_of(found).summary()
    assert summary.stdev_ms == pytest.approx(0.000816497, rel=1e-6)


def test_a_summary_leaves_out_what_was_not_added_up() -> None:
    tally = tally_of([10.0, 20.0] * 60)
    summary = tally.summary(NO_PERCENTILES, deviation=False)
    assert (summary.rtt_m2, summary.stdev_ms, summary.p50_ms, summary.percentiles_of) == (None, None, None, 0)
    assert summary.rtt_mean_ms == 15.0
