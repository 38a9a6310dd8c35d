"""Ticks against an oracle that looks at every single second or minute of the local clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from netstats_xl.domain.windows import (
    Phase,
    Schedule,
    WeeklyWindow,
    count_ticks,
    ever_ticks,
    last_tick,
    next_tick,
    parse_windows,
    phase,
    to_local,
)

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(windows: Sequence[WeeklyWindow], wall: datetime) -> bool:
    """Whether a wall time is inside, looking at the day itself and at the day before."""
    if not windows:
        return True
    second = wall.hour * 3_600 + wall.minute * 60 + wall.second
    for window in windows:
        start, end = window.start_minute * 60, window.end_minute * 60
        today, yesterday = wall.weekday() in window.days, (wall.weekday() - 1) % 7 in window.days
        if start < end:
            if today and start <= second < end:
                return True
        elif (today and second >= start) or (yesterday and second < end):
            return True
    return False


def is_tick(schedule: Schedule, at: datetime) -> bool:
    """The rule, word for word, for one instant."""
    if schedule.start_at is not None and at < schedule.start_at:
        return False
    if schedule.end_at is not None and at >= schedule.end_at:
        return False
    wall = at.astimezone(ZoneInfo(schedule.zone))
    if not is_open(schedule.windows, wall):
        return False
    interval_s = schedule.interval // SECOND

    def due(time: datetime) -> bool:
        return (time.hour * 3_600 + time.minute * 60 + time.second) % interval_s == 0

    if due(wall):
        return schedule.interval <= HOUR or wall.fold == 0
    if schedule.interval <= HOUR:
        return False
    skipped = to_local(at - SECOND, schedule.zone) + SECOND
    here = wall.replace(tzinfo=None)
    while skipped < here:
        if due(skipped) and is_open(schedule.windows, skipped):
            return True
        skipped += SECOND
    return False


def oracle(schedule: Schedule, start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    """Every tick from `start` to `end` (exclusive)."""
    return [at for n in range((end - start) // step) if is_tick(schedule, at := start + n * step)]


def walk(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """The same as `next_tick` finds it."""
    ticks: list[datetime] = []
    at = start - SECOND
    while (tick := next_tick(schedule, at)) is not None and tick < end:
        assert tick > at
        assert tick.utcoffset() == timedelta(0)
        ticks.append(tick)
        at = tick
    return ticks


def changes_of_clock(zone: str, year: int) -> list[datetime]:
    """The instants, to the second, at which the zone's UTC offset changes in a year."""
    found: list[datetime] = []
    info = ZoneInfo(zone)
    at = datetime(year, 1, 1, tzinfo=UTC)
    while at.year == year:
        low, high = at, at + timedelta(hours=12)
        before = low.astimezone(info).utcoffset()
        if high.astimezone(info).utcoffset() != before:
            while high - low > SECOND:
                middle = low + (high - low) // SECOND // 2 * SECOND
                low, high = (low, middle) if middle.astimezone(info).utcoffset() != before else (middle, high)
            found.append(high)
        at += timedelta(hours=12)
    return found


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and an instant, at a change of its clock where the year has one."""
    zone = draw(st.sampled_from(ZONES))
    year = draw(st.integers(2000, 2037))
    some_time = datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 8_000)))
    return zone, draw(st.sampled_from(changes_of_clock(zone, year) or [some_time]))


windows = st.lists(
    st.builds(
        WeeklyWindow,
        days=st.lists(st.integers(0, 6), min_size=1, max_size=7).map(tuple),
        start_minute=st.integers(0, 1_439),
        end_minute=st.integers(1, 1_440),
    ),
    max_size=3,
).map(tuple)


def check(schedule: Schedule, start: datetime, end: datetime, step: timedelta) -> None:
    expected = oracle(schedule, start, end, step)
    assert walk(schedule, start, end) == expected
    assert count_ticks(schedule, start - SECOND, end - SECOND) == len(expected)
    middle = start + (end - start) / 2
    assert count_ticks(schedule, middle, end - SECOND) == sum(tick > middle for tick in expected)
    before_middle = [tick for tick in expected if tick <= middle]
    if before_middle:
        assert last_tick(schedule, middle) == before_middle[-1]
    else:
        found = last_tick(schedule, middle)
        assert found is None or found < start
    if expected:
        assert ever_ticks(schedule)
        few = expected[:: len(expected) // 20 + 1]
        assert [last_tick(schedule, tick) for tick in few] == few
        assert next_tick(schedule, expected[0] - timedelta(milliseconds=1)) == expected[0]


@settings(deadline=None)
@given(moment=moments(), windows=windows, minutes=st.integers(1, 1_440), ends=st.data())
def test_by_the_minute_every_tick_is_found_and_no_other_across_all_changes_of_the_clock(
    moment: tuple[str, datetime], windows: tuple[WeeklyWindow, ...], minutes: int, ends: st.DataObject
) -> None:
    zone, at = moment
    bound = st.none() | st.integers(-1_800, 1_800).map(lambda minute: at + timedelta(minutes=minute))
    start_at, end_at = ends.draw(bound), ends.draw(bound)
    if start_at is not None and end_at is not None and start_at >= end_at:
        end_at = None
    schedule = Schedule(
        interval=timedelta(minutes=minutes), windows=windows, zone=zone, start_at=start_at, end_at=end_at
    )
    check(schedule, at - timedelta(hours=30), at + timedelta(hours=30), timedelta(minutes=1))


@settings(deadline=None, max_examples=50)
@given(moment=moments(), windows=windows, seconds=st.integers(1, 4_000), shift=st.integers(-600_000, 600_000))
def test_by_the_second_every_tick_is_found_and_no_other_across_all_changes_of_the_clock(
    moment: tuple[str, datetime], windows: tuple[WeeklyWindow, ...], seconds: int, shift: int
) -> None:
    zone, at = moment
    schedule = Schedule(
        interval=timedelta(seconds=seconds),
        windows=windows,
        zone=zone,
        start_at=at + timedelta(milliseconds=min(shift, 0)),
        end_at=at + timedelta(milliseconds=max(shift, 1)),
    )
    check(schedule, at - timedelta(minutes=12), at + timedelta(minutes=12), SECOND)


@settings(deadline=None)
@given(moment=moments(), windows=windows, seconds=st.integers(1, 86_400))
def test_the_next_tick_is_never_more_than_three_weeks_away_if_the_windows_hold_one(
    moment: tuple[str, datetime], windows: tuple[WeeklyWindow, ...], seconds: int
) -> None:
    zone, at = moment
    schedule = Schedule(interval=timedelta(seconds=seconds), windows=windows, zone=zone)
    after, before = next_tick(schedule, at), last_tick(schedule, at)
    if ever_ticks(schedule):
        assert after is not None
        assert before is not None
        assert before <= at < after
        assert last_tick(schedule, after - SECOND) == before
        assert next_tick(schedule, before) == after
    else:
        assert (after, before) == (None, None)
        assert count_ticks(schedule, at - timedelta(days=40), at + timedelta(days=40)) == 0


def local_ticks(schedule: Schedule, start: str, end: str) -> list[str]:
    ticks = walk(schedule, utc(start), utc(end))
    return [to_local(tick, schedule.zone).strftime("%d %H:%M") for tick in ticks]


def test_in_spring_an_hourly_job_leaves_out_the_hour_that_does_not_exist() -> None:
    schedule = Schedule(interval=HOUR, zone="Europe/Berlin")
    assert local_ticks(schedule, "2024-03-31 00:00", "2024-03-31 03:00") == [
        "31 01:00",
        "31 03:00",
        "31 04:00",
    ]


def test_in_autumn_an_hourly_job_ticks_in_both_passes() -> None:
    schedule = Schedule(interval=HOUR, zone="Europe/Berlin")
    assert local_ticks(schedule, "2024-10-26 23:00", "2024-10-27 03:00") == [
        "27 01:00",
        "27 02:00",
        "27 02:00",
        "27 03:00",
    ]


def test_in_autumn_a_two_hourly_job_ticks_in_the_first_pass_only() -> None:
    schedule = Schedule(interval=2 * HOUR, zone="Europe/Berlin")
    assert walk(schedule, utc("2024-10-26 22:00"), utc("2024-10-27 04:00")) == [
        utc("2024-10-26 22:00"),
        utc("2024-10-27 00:00"),
        utc("2024-10-27 03:00"),
    ]


def test_in_spring_a_two_hourly_job_ticks_when_the_clock_has_jumped() -> None:
    schedule = Schedule(interval=2 * HOUR, zone="Europe/Berlin")
    assert local_ticks(schedule, "2024-03-30 23:00", "2024-03-31 03:00") == [
        "31 00:00",
        "31 03:00",
        "31 04:00",
    ]


def test_a_moved_tick_is_the_last_one_until_the_next() -> None:
    schedule = Schedule(interval=2 * HOUR, zone="Europe/Berlin")
    assert last_tick(schedule, utc("2024-03-31 01:59:59")) == utc("2024-03-31 01:00")
    assert count_ticks(schedule, utc("2024-03-31 00:59:59"), utc("2024-03-31 01:00")) == 1


def test_a_skipped_tick_is_not_moved_out_of_its_window() -> None:
    schedule = Schedule(interval=2 * HOUR, zone="Europe/Berlin", windows=parse_windows("Sun 02:00-03:00"))
    assert next_tick(schedule, utc("2024-03-24 12:00")) == utc("2024-04-07 00:00")
    assert last_tick(schedule, utc("2024-04-06 12:00")) == utc("2024-03-24 01:00")


def test_a_tick_that_the_windows_exclude_is_not_moved_into_them() -> None:
    schedule = Schedule(interval=2 * HOUR, zone="Europe/Berlin", windows=parse_windows("Sun 03:00-05:00"))
    assert local_ticks(schedule, "2024-03-30 23:00", "2024-03-31 04:00") == ["31 04:00"]


def test_lord_howe_repeats_half_an_hour() -> None:
    schedule = Schedule(interval=timedelta(minutes=30), zone="Australia/Lord_Howe")
    assert local_ticks(schedule, "2024-04-06 14:00", "2024-04-06 16:00") == [
        "07 01:00",
        "07 01:30",
        "07 01:30",
        "07 02:00",
    ]


def test_where_midnight_repeats_a_daily_job_ticks_at_the_first_one() -> None:
    schedule = Schedule(interval=timedelta(days=1), zone="Atlantic/Azores")
    assert walk(schedule, utc("2024-10-26 12:00"), utc("2024-10-28 12:00")) == [
        utc("2024-10-27 00:00"),
        utc("2024-10-28 01:00"),
    ]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Santiago", "2024-09-08 04:00"),
        ("Africa/Cairo", "2024-04-25 22:00"),
        ("Africa/Casablanca", "2008-06-01 00:00"),  # midnight of UTC too
    ],
)
def test_where_midnight_is_skipped_a_daily_job_ticks_at_one(zone: str, day: str) -> None:
    schedule = Schedule(interval=timedelta(days=1), zone=zone)
    for before in (HOUR, SECOND):
        assert next_tick(schedule, utc(day) - before) == utc(day)
    assert last_tick(schedule, utc(day)) == utc(day)
    assert to_local(utc(day), zone).hour == 1


def test_where_a_whole_day_is_skipped_a_two_hourly_job_ticks_once_after_it() -> None:
    schedule = Schedule(interval=2 * HOUR, zone="Pacific/Apia")
    assert local_ticks(schedule, "2011-12-30 06:00", "2011-12-30 13:00") == [
        "29 20:00",
        "29 22:00",
        "31 00:00",
        "31 02:00",
    ]
    assert count_ticks(schedule, utc("2011-12-30 09:00"), utc("2011-12-30 10:00")) == 1


def test_an_interval_that_does_not_divide_a_day_starts_anew_at_midnight() -> None:
    schedule = Schedule(interval=timedelta(hours=7))
    assert local_ticks(schedule, "2024-05-01 00:00", "2024-05-02 08:00") == [
        "01 00:00",
        "01 07:00",
        "01 14:00",
        "01 21:00",
        "02 00:00",
        "02 07:00",
    ]


def test_an_overnight_window_belongs_to_the_day_that_it_starts_on() -> None:
    schedule = Schedule(interval=timedelta(hours=1), windows=parse_windows("Sun 22:00-02:00"))
    assert local_ticks(schedule, "2024-05-05 00:00", "2024-05-11 00:00") == [
        "05 22:00",
        "05 23:00",
        "06 00:00",
        "06 01:00",
    ]


def test_overlapping_windows_tick_once() -> None:
    schedule = Schedule(
        interval=HOUR, windows=parse_windows("Mon 08:00-10:00; Mon 09:00-11:00; daily 09:00-10:00")
    )
    assert count_ticks(schedule, utc("2024-05-05 23:59"), utc("2024-05-12 23:59")) == 3 + 6


def test_a_start_years_ahead_is_jumped_to() -> None:
    schedule = Schedule(interval=timedelta(seconds=1), start_at=utc("2099-01-01 00:00:00.500"))
    assert next_tick(schedule, utc("2024-01-01")) == utc("2099-01-01 00:00:01")


def test_after_its_end_a_schedule_has_a_last_tick_and_no_next() -> None:
    schedule = Schedule(interval=timedelta(minutes=5), end_at=utc("2020-01-01"))
    assert next_tick(schedule, utc("2024-01-01")) is None
    assert last_tick(schedule, utc("2024-01-01")) == utc("2019-12-31 23:55")
    assert count_ticks(schedule, utc("2024-01-01"), utc("2025-01-01")) == 0


def test_before_its_start_a_schedule_has_no_last_tick() -> None:
    schedule = Schedule(interval=timedelta(minutes=5), start_at=utc("2024-01-01"))
    assert last_tick(schedule, utc("2023-12-31 23:59:59")) is None
    assert last_tick(schedule, utc("2024-01-01")) == utc("2024-01-01")


def test_a_month_of_seconds_is_counted() -> None:
    schedule = Schedule(interval=timedelta(seconds=1), zone="Europe/Berlin")
    assert count_ticks(schedule, utc("2024-03-01"), utc("2024-04-01")) == 31 * 86_400


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_at_the_ends_of_the_calendar_nothing_overflows(at: datetime) -> None:
    schedule = Schedule(interval=HOUR, zone="Asia/Tokyo")
    assert (next_tick(schedule, at) is None) == (at.year == 9999)
    assert count_ticks(schedule, at, at) == 0
    assert phase(schedule, at) is Phase.OPEN


def test_a_schedule_whose_windows_hold_no_multiple_of_the_interval_never_ticks() -> None:
    never = Schedule(interval=timedelta(days=1), windows=parse_windows("daily 08:00-18:00"))
    assert not ever_ticks(never)
    assert next_tick(never, utc("2024-05-01")) is None
    assert last_tick(never, utc("2024-05-01")) is None
    assert count_ticks(never, utc("2024-05-01"), utc("2024-06-01")) == 0
    assert ever_ticks(never.model_copy(update={"interval": timedelta(hours=8)}))


def test_a_schedule_that_ends_before_its_first_tick_never_ticks() -> None:
    short = Schedule(interval=HOUR, start_at=utc("2024-05-01 00:01"), end_at=utc("2024-05-01 00:59"))
    assert not ever_ticks(short)
    assert ever_ticks(short.model_copy(update={"end_at": utc("2024-05-01 01:01")}))


def test_the_phases_of_a_schedule_meet_without_a_gap() -> None:
    schedule = Schedule(
        interval=HOUR,
        windows=parse_windows("Wed 08:00-18:00"),
        zone="Europe/Berlin",
        start_at=utc("2024-05-01"),
        end_at=utc("2024-06-01"),
    )
    instants = {
        "2024-04-30 23:59:59": Phase.BEFORE,
        "2024-05-01 00:00": Phase.OUTSIDE,
        "2024-05-01 05:59:59.999": Phase.OUTSIDE,
        "2024-05-01 06:00": Phase.OPEN,
        "2024-05-01 15:59:59": Phase.OPEN,
        "2024-05-01 16:00": Phase.OUTSIDE,
        "2024-05-31 23:59:59": Phase.OUTSIDE,
        "2024-06-01 00:00": Phase.OVER,
    }
    assert {text: phase(schedule, utc(text)) for text in instants} == instants


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"interval": timedelta(milliseconds=500)}, "whole number of seconds"),
        ({"interval": timedelta(days=2)}, "at most 1 day"),
        ({"zone": "Europe/Berln"}, "Europe/Berlin"),
        ({"start_at": utc("2024-05-01"), "end_at": utc("2024-05-01")}, "the end is not after the start"),
        ({"start_at": datetime(2024, 5, 1)}, "timezone"),  # noqa: DTZ001 - the naive one is the point
        ({"windows": ({"days": (), "start_minute": 0, "end_minute": 1},)}, "at least one day"),
        ({"period": 1}, "Extra inputs"),
    ],
)
def test_a_schedule_refuses_what_makes_no_sense(change: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Schedule.model_validate({"interval": HOUR, **change})


def test_a_schedule_survives_json() -> None:
    schedule = Schedule(
        interval=timedelta(minutes=90),
        windows=parse_windows("Fri-Mon 22:00-06:00"),
        zone="europe/berlin",
        start_at=datetime.fromisoformat("2024-05-01T02:00:00+02:00"),
    )
    assert schedule.zone == "Europe/Berlin"
    assert schedule.start_at == utc("2024-05-01")
    assert Schedule.model_validate_json(schedule.model_dump_json()) == schedule
