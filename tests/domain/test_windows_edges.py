"""Local times, and the edges of hours, days and steps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstats_xl.domain.windows import day_edges, from_local, hour_edges, step_edges, to_local

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Edges = Callable[[datetime, datetime, str], tuple[datetime, ...]]

instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants them naive


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


@settings(deadline=None)
@given(at=instants, zone=st.sampled_from(ZONES))
def test_local_times_come_back_to_the_same_instant_or_to_the_first_of_two(at: datetime, zone: str) -> None:
    wall = to_local(at, zone)
    back = from_local(wall, zone)
    assert wall.tzinfo is None
    assert to_local(back, zone) == wall
    assert back == at if at.astimezone(ZoneInfo(zone)).fold == 0 else back < at


def test_a_repeated_local_time_is_the_first() -> None:
    assert from_local(local("2024-10-27 02:30"), "Europe/Berlin") == utc("2024-10-27 00:30")


def test_a_skipped_local_time_is_moved_forward_by_the_gap() -> None:
    at = from_local(local("2024-03-31 02:30"), "Europe/Berlin")
    assert to_local(at, "Europe/Berlin") == local("2024-03-31 03:30")


def test_a_time_with_an_offset_is_not_taken_for_local() -> None:
    with pytest.raises(ValueError, match="no UTC offset"):
        from_local(utc("2024-03-31 02:30"), "Europe/Berlin")


def test_a_time_at_the_end_of_the_calendar_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="0001-01-01 is too close to the ends of the calendar"):
        from_local(local("0001-01-01"), "Asia/Tokyo")


@settings(deadline=None)
@given(
    start=instants,
    minutes=st.integers(1, 4_000),
    zone=st.sampled_from(ZONES),
    edges_of=st.sampled_from([hour_edges, day_edges]),
)
def test_edges_begin_local_hours_and_days_and_leave_nothing_out(
    start: datetime, minutes: int, zone: str, edges_of: Edges
) -> None:
    end = start + minutes * MINUTE
    edges = edges_of(start, end, zone)
    assert edges[0] <= start < edges[1] if len(edges) > 1 else edges[0] <= start
    assert edges[-1] < end
    assert list(edges) == sorted(set(edges))
    length = "%Y-%m-%d %H" if edges_of is hour_edges else "%Y-%m-%d"
    for edge in edges:
        # A local hour or day begins exactly here: a moment before, the clock showed another one, or this
        # one's full hour comes round again.
        before, here = to_local(edge - timedelta(seconds=1), zone), to_local(edge, zone)
        repeated = edges_of is hour_edges and here.minute == here.second == 0
        assert before.strftime(length) != here.strftime(length) or repeated
    for begins, ends in pairwise((*edges, end)):
        inside = {
            to_local(begins + n * MINUTE, zone).strftime(length)
            for n in range(max((ends - begins) // MINUTE, 1))
        }
        # Where the clock goes back over midnight, the day before shows again for a while.
        assert len(inside) == 1 or (
            edges_of is day_edges and to_local(begins, zone).strftime(length) == max(inside)
        )


def test_hours_of_a_zone_with_a_half_hour_offset_begin_at_the_half_hour_of_utc() -> None:
    assert hour_edges(utc("2024-05-01 00:00"), utc("2024-05-01 02:00"), "Asia/Kolkata") == (
        utc("2024-04-30 23:30"),
        utc("2024-05-01 00:30"),
        utc("2024-05-01 01:30"),
    )


def test_a_repeated_hour_has_two_edges_and_a_skipped_one_none() -> None:
    autumn = hour_edges(utc("2024-10-27 00:00"), utc("2024-10-27 02:00"), "Europe/Berlin")
    assert [to_local(edge, "Europe/Berlin").hour for edge in autumn] == [2, 2]
    spring = hour_edges(utc("2024-03-31 00:00"), utc("2024-03-31 02:00"), "Europe/Berlin")
    assert [to_local(edge, "Europe/Berlin").hour for edge in spring] == [1, 3]


def test_an_hour_whose_start_is_skipped_begins_when_the_clock_has_jumped() -> None:
    edges = hour_edges(utc("2024-10-05 15:00"), utc("2024-10-05 17:00"), "Australia/Lord_Howe")
    assert edges == (utc("2024-10-05 14:30"), utc("2024-10-05 15:30"), utc("2024-10-05 16:00"))
    walls = [to_local(edge, "Australia/Lord_Howe").strftime("%H:%M") for edge in edges]
    assert walls == ["01:00", "02:30", "03:00"]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2024-03-31", 23),
        ("Europe/Berlin", "2024-10-27", 25),
        ("Atlantic/Azores", "2024-10-27", 25),
        ("America/Santiago", "2024-09-08", 23),
        ("Africa/Cairo", "2024-04-26", 23),
        ("Pacific/Apia", "2011-12-29", 24),
    ],
)
def test_a_day_is_as_long_as_its_clock_makes_it(zone: str, day: str, hours: int) -> None:
    noon = from_local(local(day) + 12 * HOUR, zone)
    edges = day_edges(noon, noon + 24 * HOUR, zone)
    assert to_local(edges[0], zone).date() == local(day).date()
    assert edges[1] - edges[0] == hours * HOUR


def test_a_day_that_was_skipped_has_no_edge() -> None:
    edges = day_edges(utc("2011-12-29 12:00"), utc("2012-01-01 00:00"), "Pacific/Apia")
    assert [to_local(edge, "Pacific/Apia").day for edge in edges] == [29, 31, 1]


@pytest.mark.parametrize("edges_of", [hour_edges, day_edges])
def test_an_empty_period_has_no_edges(edges_of: Edges) -> None:
    assert edges_of(utc("2024-05-01"), utc("2024-05-01"), "UTC") == ()
    assert step_edges(utc("2024-05-01"), utc("2024-05-01"), 10) == ()


@pytest.mark.parametrize(
    ("length", "most", "step"),
    [
        (timedelta(seconds=10), 600, timedelta(seconds=1)),
        (HOUR, 3_600, timedelta(seconds=1)),
        (HOUR, 600, timedelta(seconds=10)),
        (DAY, 600, timedelta(minutes=5)),
        (DAY, 100, timedelta(minutes=15)),
        (7 * DAY, 600, timedelta(minutes=30)),
        (31 * DAY, 600, 2 * HOUR),
        (366 * DAY, 400, DAY),
        (366 * DAY, 60, 7 * DAY),
    ],
)
def test_steps_have_the_shortest_round_width_that_will_do(
    length: timedelta, most: int, step: timedelta
) -> None:
    start = utc("2024-01-01")
    edges = step_edges(start, start + length, most)
    assert edges[0] == start
    assert {later - earlier for earlier, later in pairwise(edges)} == {step}


@given(
    start=instants,
    length=st.timedeltas(timedelta(microseconds=1), timedelta(days=4_000)),
    most=st.integers(1, 500),
)
def test_steps_are_equal_cover_the_period_and_are_never_too_many(
    start: datetime, length: timedelta, most: int
) -> None:
    end = start + length
    edges = step_edges(start, end, most)
    assert 1 <= len(edges) <= most
    assert edges[0] <= start
    assert edges[-1] < end
    steps = {later - earlier for earlier, later in pairwise(edges)}
    assert len(steps) <= 1
    for step in steps:
        assert edges[1] > start
        assert edges[-1] + step >= end
        assert (edges[0] - utc("0001-01-01")) % step == timedelta(0)


def test_steps_of_a_week_begin_on_monday() -> None:
    assert {edge.weekday() for edge in step_edges(utc("2024-01-03"), utc("2024-12-31"), 60)} == {0}


def test_no_step_at_all_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        step_edges(utc("2024-01-01"), utc("2024-01-02"), 0)
