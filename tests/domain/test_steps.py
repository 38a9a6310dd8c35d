"""The steps of charts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.levels import Level, bucket_of
from netstats_xl.domain.steps import BY_DAYS, BY_HOURS, BY_MINUTES, steps_for
from netstats_xl.domain.zones import to_local

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia")
NOW = datetime(2026, 3, 30, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "step", "number"),
    [
        (timedelta(hours=1), timedelta(seconds=10), 361),
        (timedelta(hours=24), timedelta(minutes=5), 289),
        (timedelta(hours=36), timedelta(minutes=10), 217),
        (timedelta(hours=37), timedelta(hours=1), 38),
        (timedelta(days=7), timedelta(hours=1), 169),
        (timedelta(days=30), timedelta(hours=2), 361),
        (timedelta(days=80), timedelta(hours=6), 321),
        (timedelta(days=90), timedelta(days=1), 91),
        (timedelta(days=730), timedelta(days=7), 106),
    ],
)
def test_a_step_is_as_short_as_the_length_of_the_period_allows(
    length: timedelta, step: timedelta, number: int
) -> None:
    edges = steps_for(NOW - length, NOW, 362, "UTC")
    assert len(edges) == number
    assert {later - earlier for earlier, later in pairwise(edges)} == {step}


def test_steps_of_weeks_begin_on_mondays_and_steps_of_hours_at_local_ones() -> None:
    weeks = steps_for(NOW - timedelta(days=700), NOW, 110, "Asia/Kolkata")
    assert {
        (to_local(edge, "Asia/Kolkata").weekday(), to_local(edge, "Asia/Kolkata").hour) for edge in weeks
    } == {(0, 0)}
    hours = steps_for(NOW - timedelta(days=30), NOW, 100, "Asia/Kolkata")
    assert {
        (to_local(edge, "Asia/Kolkata").hour % 8, to_local(edge, "Asia/Kolkata").minute) for edge in hours
    } == {(0, 0)}


def test_longer_than_two_years_a_step_is_a_number_of_months_that_divides_years_or_that_years_divide() -> None:
    five_years = NOW - timedelta(days=1_826)
    months = steps_for(five_years, NOW, 360, "Europe/Berlin")
    assert len(months) == 61
    assert {
        (to_local(edge, "Europe/Berlin").day, to_local(edge, "Europe/Berlin").hour) for edge in months
    } == {(1, 0)}
    quarters = steps_for(five_years, NOW, 30, "UTC")
    assert [edge.month for edge in quarters[:4]] == [1, 4, 7, 10]
    years = steps_for(datetime(1950, 5, 5, tzinfo=UTC), NOW, 40, "UTC")
    assert {(edge.year % 2, edge.month, edge.day) for edge in years} == {(0, 1, 1)}
    assert len(steps_for(five_years, NOW, 1, "UTC")) == 1


@given(
    start=st.datetimes(datetime(2011, 1, 1), datetime(2026, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
    length=st.one_of(*(st.timedeltas(timedelta(0), timedelta(days=days)) for days in (120, 3_000))),
    most=st.integers(1, 400),
    zone=st.sampled_from(ZONES),
)
def test_steps_cover_the_period_and_are_whole_buckets_of_a_level(
    start: datetime, length: timedelta, most: int, zone: str
) -> None:
    end = start + length
    edges = steps_for(start, end, most, zone)
    assert len(edges) <= most
    assert bool(edges) == (start < end)
    assert list(edges) == sorted(set(edges))
    if not edges:
        return
    assert edges[0] <= start
    assert edges[-1] < end
    assert all(edge > start for edge in edges[1:])
    level = Level.HOUR if length <= BY_HOURS else Level.DAY if length <= BY_DAYS else Level.MONTH
    if length > BY_MINUTES:
        assert all(bucket_of(level, edge, zone) == edge for edge in edges)


def test_no_steps_are_no_chart() -> None:
    with pytest.raises(ValueError, match="at least one step is needed, not 0"):
        steps_for(NOW, NOW + timedelta(days=9), 0, "UTC")
