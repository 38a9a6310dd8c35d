"""Windows, intervals and zones as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.windows import (
    WeeklyWindow,
    parse_interval,
    parse_windows,
    parse_zone,
    render_interval,
    render_windows,
)

WORKDAYS = (0, 1, 2, 3, 4)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


def window(days: tuple[int, ...], start: str, end: str) -> WeeklyWindow:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return WeeklyWindow(days=days, start_minute=minutes(start), end_minute=minutes(end))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Mon-Fri 08:00-18:00; Sat 09:00-12:00",
            (window(WORKDAYS, "08:00", "18:00"), window((5,), "09:00", "12:00")),
        ),
        ("Fri-Mon 10:00-11:00", (window((0, 4, 5, 6), "10:00", "11:00"),)),
        (
            "Mon,Wed 08:00-12:00,13:00-17:00",
            (window((0, 2), "08:00", "12:00"), window((0, 2), "13:00", "17:00")),
        ),
        ("daily 08:00-18:00", (window(EVERY_DAY, "08:00", "18:00"),)),
        ("Every Day 08:00-18:00", (window(EVERY_DAY, "08:00", "18:00"),)),
        ("weekdays 8-18", (window(WORKDAYS, "08:00", "18:00"),)),
        ("weekends", (window((5, 6), "00:00", "24:00"),)),
        ("08:00-18:00", (window(EVERY_DAY, "08:00", "18:00"),)),
        ("Fri 22:00-06:00", (window((4,), "22:00", "06:00"),)),
        ("Fri 22:00-00:00", (window((4,), "22:00", "24:00"),)),
        ("Sun", (window((6,), "00:00", "24:00"),)),
        ("MONDAY - tu.  8:00 – 9:30 ;", (window((0, 1), "08:00", "09:30"),)),
        ("mo, th, mo 08:00-09:00", (window((0, 3), "08:00", "09:00"),)),
        (
            "Mon-Fri 08:00-18:00, Sat 09:00-12:00",
            (window(WORKDAYS, "08:00", "18:00"), window((5,), "09:00", "12:00")),
        ),
        (
            "Mon 08:00-09:00\nTue 08:00-09:00",
            (window((0,), "08:00", "09:00"), window((1,), "08:00", "09:00")),
        ),
    ],
)
def test_windows_are_understood_in_the_ways_that_people_write_them(
    text: str, expected: tuple[WeeklyWindow, ...]
) -> None:
    assert parse_windows(text) == expected


@pytest.mark.parametrize("text", ["", "  ", "always", "Always", "24/7"])
def test_no_restriction_is_no_window(text: str) -> None:
    assert parse_windows(text) == ()


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("Foo 08:00-18:00", ["'foo' is no day"]),
        ("T 08:00-18:00", ["'t' is no day"]),
        ("Mon-Xyz 08:00-18:00", ["'xyz' is no day"]),
        ("Mon 08:00", ["'08:00' is no stretch of time"]),
        ("Mon 08:00-25:00", ["'08:00-25:00' has a time beyond 24:00"]),
        ("Mon 08:60-09:00", ["a minute beyond 59"]),
        ("Mon 08:00-24:30", ["a time beyond 24:00"]),
        ("Mon 24:00-06:00", ["starts at 24:00 (that is 00:00 of the next day)"]),
        (";", ["names no window"]),
        ("Foo 08:00-18:00, 9; Bar 26:00-27:00", ["'foo'", "'9'", "'bar'", "'26:00-27:00'"]),
    ],
)
def test_every_bad_part_of_a_window_is_named_with_an_example_of_what_is_right(
    text: str, problems: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"Mon-Fri 08:00-18:00; Sat 09:00-12:00") as caught:
        parse_windows(text)
    assert [problem for problem in problems if problem not in str(caught.value)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon-Fri 08:00-18:00; Sat 09:00-12:00",
        "Fri-Mon 22:00-06:00",
        "Mon,Wed 08:00-12:00,13:00-17:00",
        "daily 00:00-24:00",
        "Sat,Sun 10:00-10:00",
        "Tue-Thu,Sat 08:00-09:00",
    ],
)
def test_windows_in_the_usual_form_are_rendered_as_they_were_written(text: str) -> None:
    assert render_windows(parse_windows(text)) == text


@given(
    st.lists(
        st.builds(
            WeeklyWindow,
            days=st.sets(st.integers(0, 6), min_size=1).map(tuple),
            start_minute=st.integers(0, 1_439),
            end_minute=st.integers(1, 1_440),
        ),
        max_size=4,
    ).map(tuple)
)
def test_windows_survive_being_written_and_read(windows: tuple[WeeklyWindow, ...]) -> None:
    assert parse_windows(render_windows(windows)) == windows
    assert parse_windows(render_windows(windows).upper()) == windows


@given(st.text(alphabet="MonFri mo,;:-–0123456789\n", max_size=20))
def test_any_text_is_windows_or_a_value_error(text: str) -> None:
    try:
        windows = parse_windows(text)
    except ValueError as error:
        problem = str(error)
        windows = ()
    else:
        problem = ""
    assert not problem or "write days and times as in" in problem
    assert parse_windows(render_windows(windows)) == windows


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10s", 10),
        ("5m", 300),
        ("1h30m", 5_400),
        ("1 h 30 min", 5_400),
        ("1d", 86_400),
        ("24h", 86_400),
        ("90", 90),
        (" 5 Minutes ", 300),
        ("1.5m", 90),
        ("1,5m", 90),
        ("1.15m", 69),
        ("0:05:00", 300),
        (60, 60),
        (60.0, 60),
        (timedelta(minutes=5), 300),
    ],
)
def test_intervals_are_understood_in_the_ways_that_people_write_them(
    value: str | float | timedelta, seconds: int
) -> None:
    assert parse_interval(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "'' is no interval"),
        ("fast", "'fast' is no interval"),
        ("-5m", "'-5m' is no interval"),
        ("500ms", "'ms' is no unit"),
        ("1w", "'w' is no unit"),
        ("1h30", "a number without a unit"),
        ("0.5s", "a whole number of seconds"),
        (0.0034722, "a whole number of seconds"),
        (float("nan"), "a whole number of seconds"),
        (float("inf"), "a whole number of seconds"),
        ("0s", "at least 1 second and at most 1 day"),
        (-5, "at least 1 second"),
        ("25h", "at most 1 day"),
        (timedelta(days=2), "at most 1 day"),
        (True, "yes or no is no interval"),
    ],
)
def test_a_bad_interval_is_told_with_an_example_of_what_is_right(
    value: str | float | timedelta, problem: str
) -> None:
    with pytest.raises(ValueError, match=r"write it as in `10s`, `5m`, `1h30m` or `1d`") as caught:
        parse_interval(value)
    assert problem in str(caught.value)


@given(st.integers(1, 86_400))
def test_intervals_survive_being_written_and_read(seconds: int) -> None:
    interval = timedelta(seconds=seconds)
    assert parse_interval(render_interval(interval)) == interval
    assert parse_interval(seconds) == interval


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (timedelta(seconds=10), "10s"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(hours=24), "1d"),
        (timedelta(days=3, seconds=1), "3d1s"),
        (timedelta(milliseconds=1_500), "1s"),
        (timedelta(), "0s"),
    ],
)
def test_intervals_are_rendered_short(interval: timedelta, text: str) -> None:
    assert render_interval(interval) == text


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("utc", "UTC"),
    ],
)
def test_zones_are_found_without_regard_to_case(name: str, zone: str) -> None:
    assert parse_zone(name) == zone


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Berlin", "did you mean Europe/Berlin?"),
        ("new york", "did you mean America/New_York?"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Middle-earth", "write an IANA name such as Europe/Berlin or UTC"),
        ("localtime", "write an IANA name such as Europe/Berlin or UTC"),
        ("", "the time zone is blank"),
    ],
)
def test_an_unknown_zone_is_told_with_what_may_be_meant(name: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="time zone") as caught:
        parse_zone(name)
    assert remedy in str(caught.value)
