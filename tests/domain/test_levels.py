"""The buckets of the levels cover time without a gap and nest, whatever a zone's clock does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.levels import Level, bucket_of, buckets, edge_after, edge_from
from netstats_xl.domain.zones import to_local

ZONES = (
    "UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo",
    "America/St_Johns", "Pacific/Apia", "Africa/Cairo", "Asia/Gaza",
)  # fmt: skip
START, END = datetime(1990, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
SECONDS = int((END - START).total_seconds())

levels = st.sampled_from(Level)
zones = st.sampled_from(ZONES)
changes = st.sampled_from(
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),  # Europe/Berlin
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2018, 11, 4, 3, tzinfo=UTC),  # America/Sao_Paulo: at midnight
        datetime(2018, 2, 18, 2, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),  # Australia/Lord_Howe: by half an hour
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),  # Pacific/Apia: a date that never was
        datetime(2006, 4, 2, 3, 31, tzinfo=UTC),  # America/St_Johns: a minute past midnight
        datetime(2023, 4, 27, 22, tzinfo=UTC),  # Africa/Cairo: at midnight
    ]
)
instants = st.one_of(
    st.integers(0, SECONDS).map(lambda seconds: START + timedelta(seconds=seconds)),
    st.builds(lambda at, minutes: at + timedelta(minutes=minutes), changes, st.integers(-3_000, 3_000)),
)
SPANS = {
    Level.MINUTE: timedelta(minutes=90),
    Level.HOUR: timedelta(days=4),
    Level.DAY: timedelta(days=70),
    Level.MONTH: timedelta(days=800),
}


@given(levels, instants, zones)
def test_buckets_ascend_and_cover_a_period(level: Level, start: datetime, zone: str) -> None:
    end = start + SPANS[level]
    edges = buckets(level, start, end, zone)
    assert all(before < after for before, after in pairwise(edges))
    assert edges[0] <= start < edges[1]
    assert edges[-1] < end <= edge_after(level, edges[-1], zone)


@given(levels, instants, zones, st.floats(0, 1))
def test_each_instant_is_in_the_last_bucket_that_began(
    level: Level, start: datetime, zone: str, part: float
) -> None:
    at = start + SPANS[level] * part
    edges = buckets(level, start, start + SPANS[level] + timedelta(microseconds=1), zone)
    assert bucket_of(level, at, zone) == max(edge for edge in edges if edge <= at)


@given(levels, instants, zones)
def test_a_period_may_be_cut_anywhere(level: Level, start: datetime, zone: str) -> None:
    end, cut = start + SPANS[level], start + SPANS[level] / 3
    parts = (*buckets(level, start, cut, zone), *buckets(level, cut, end, zone))
    assert tuple(dict.fromkeys(parts)) == buckets(level, start, end, zone)


@given(st.sampled_from(list(pairwise(Level))), instants, zones)
def test_each_bucket_begins_with_one_of_the_finer_level(
    nested: tuple[Level, Level], start: datetime, zone: str
) -> None:
    finer, coarser = nested
    for edge in buckets(coarser, start, start + SPANS[coarser], zone):
        assert bucket_of(finer, edge, zone) == edge


@given(levels, instants, zones)
def test_the_next_edge_is_where_the_next_bucket_begins(level: Level, at: datetime, zone: str) -> None:
    after = edge_after(level, at, zone)
    assert after > at
    assert bucket_of(level, after, zone) == after
    assert bucket_of(level, after - timedelta(microseconds=1), zone) == bucket_of(level, at, zone)
    assert edge_from(level, after, zone) == after
    assert edge_from(level, after - timedelta(microseconds=1), zone) == after


@given(instants, zones)
def test_days_and_months_begin_with_their_first_local_instant(at: datetime, zone: str) -> None:
    day, month = bucket_of(Level.DAY, at, zone), bucket_of(Level.MONTH, at, zone)
    just_before = timedelta(microseconds=1)
    assert to_local(day, zone).date() == to_local(at, zone).date() != to_local(day - just_before, zone).date()
    assert to_local(month, zone).date().replace(day=1) == to_local(at, zone).date().replace(day=1)
    assert to_local(month - just_before, zone).month != to_local(at, zone).month


@pytest.mark.parametrize("level", Level)
def test_an_empty_period_has_no_buckets(level: Level) -> None:
    assert buckets(level, START, START, "UTC") == ()


def test_hours_begin_where_the_local_clock_shows_a_whole_hour() -> None:
    at = datetime(2026, 6, 1, 12, 20, tzinfo=UTC)
    assert bucket_of(Level.HOUR, at, "Asia/Kolkata") == datetime(2026, 6, 1, 11, 30, tzinfo=UTC)
    assert bucket_of(Level.HOUR, at, "Asia/Kathmandu") == datetime(2026, 6, 1, 12, 15, tzinfo=UTC)
    assert bucket_of(Level.DAY, at, "Asia/Kolkata") == datetime(2026, 5, 31, 18, 30, tzinfo=UTC)
    assert bucket_of(Level.MONTH, at, "Asia/Kolkata") == datetime(2026, 5, 31, 18, 30, tzinfo=UTC)
