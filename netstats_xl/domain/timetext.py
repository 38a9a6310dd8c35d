"""Weekly windows and intervals as people write them, and back."""

import math
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

MINUTES_A_DAY = 1_440

SHORTEST_INTERVAL = timedelta(seconds=1)
LONGEST_INTERVAL = timedelta(days=1)
LONGEST_DURATION = timedelta(days=3_653)

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_GROUPS_OF_DAYS = {
    "daily": tuple(range(7)),
    "everyday": tuple(range(7)),
    "weekdays": tuple(range(5)),
    "weekends": (5, 6),
}
_ALWAYS = {"", "always", "24/7"}
_WINDOW_EXAMPLE = "write days and times as in `Mon-Fri 08:00-18:00; Sat 09:00-12:00`"
_TIME_RANGE = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?")

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_UNIT_NAMES = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
}
_UNIT_OF = {name: unit for unit, names in _UNIT_NAMES.items() for name in names}
_QUANTITY = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*([^\W\d_]*)\s*")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)")
_INTERVAL_EXAMPLE = "write it as in `10s`, `5m`, `1h30m` or `1d`"


class WeeklyWindow(BaseModel):
    """The same stretch of local wall time on some days of each week, half-open: `Mon-Fri 08:00-18:00`.

    A window that ends at or before its start ends on the next day, and belongs to the day that it starts on:
    `Fri 22:00-06:00` ends on Saturday at 06:00.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: tuple[Annotated[int, Field(ge=0, le=6)], ...]
    """Days that it starts on, ascending, each once; 0 is Monday."""
    start_minute: Annotated[int, Field(ge=0, le=1_439)]
    """Minutes after local midnight."""
    end_minute: Annotated[int, Field(ge=1, le=MINUTES_A_DAY)]

    @field_validator("days")
    @classmethod
    def _ascending(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if not days:
            raise ValueError("a weekly window needs at least one day")
        return tuple(sorted(set(days)))


def parse_windows(text: str) -> tuple[WeeklyWindow, ...]:
    """The windows that a text such as `Mon-Fri 08:00-18:00; Sat 09:00-12:00` names.

    Blank text and `always` mean no restriction, and give none. Days are names of two letters or more, ranges
    of them (`Fri-Mon` goes over Sunday), `daily`, `weekdays` or `weekends`; without days a time is daily, and
    without a time a day is meant as a whole. Several of either are separated by commas or spaces; a day after
    a time begins the next group, semicolon or not. Case does not matter.

    Raises:
        ValueError: some of it makes no sense; the message names every such part, and what would be right.
    """
    tidy = re.sub(r"[\u2010-\u2015\u2212]", "-", text).strip().lower().replace("every day", "daily")
    if tidy in _ALWAYS:
        return ()
    windows: list[WeeklyWindow] = []
    problems: list[str] = []
    for part in re.split(r"[;\n]+", tidy):
        items = [item for item in re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", part.strip())) if item]
        for days, times in _groups(items):
            try:
                windows.extend(_windows_of(days, times))
            except ValueError as error:
                problems.append(str(error))
    if problems:
        raise ValueError(f"{'; '.join(problems)}: {_WINDOW_EXAMPLE}")
    if not windows:
        raise ValueError(f"{text.strip()!r} names no window: {_WINDOW_EXAMPLE}")
    return tuple(windows)


def _groups(items: Iterable[str]) -> list[tuple[list[str], list[str]]]:
    """Days and the times that follow them."""
    groups: list[tuple[list[str], list[str]]] = []
    for item in items:
        is_time = item[0].isdigit()
        if not groups or (groups[-1][1] and not is_time):
            groups.append(([], []))
        groups[-1][1 if is_time else 0].append(item)
    return groups


def _windows_of(days: list[str], times: list[str]) -> list[WeeklyWindow]:
    problems: list[str] = []
    numbers: list[int] = []
    ranges: list[tuple[int, int]] = []
    for item in days:
        try:
            numbers.extend(_days_of(item))
        except ValueError as error:
            problems.append(str(error))
    for item in times or ["00:00-24:00"]:
        try:
            ranges.append(_minutes_of(item))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("; ".join(problems))
    return [
        WeeklyWindow(days=tuple(numbers or range(7)), start_minute=start, end_minute=end)
        for start, end in ranges
    ]


def _days_of(item: str) -> tuple[int, ...]:
    if item in _GROUPS_OF_DAYS:
        return _GROUPS_OF_DAYS[item]
    first, dash, last = item.partition("-")
    start = _day(first)
    if not dash:
        return (start,)
    end = _day(last)
    return tuple((start + step) % 7 for step in range((end - start) % 7 + 1))


def _day(name: str) -> int:
    matches = [
        number for number, day in enumerate(_DAYS) if len(name) >= 2 and day.startswith(name.rstrip("."))
    ]
    if len(matches) != 1:
        raise ValueError(f"{name!r} is no day (days are {', '.join(_DAY_NAMES)})")
    return matches[0]


def _minutes_of(item: str) -> tuple[int, int]:
    match = _TIME_RANGE.fullmatch(item)
    if match is None:
        raise ValueError(f"{item!r} is no stretch of time (such as 08:00-18:00)")
    start_hour, start_minute, end_hour, end_minute = (int(figure or 0) for figure in match.groups())
    start, end = 60 * start_hour + start_minute, 60 * end_hour + end_minute
    if start_minute > 59 or end_minute > 59 or start > MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise ValueError(f"{item!r} has a time beyond 24:00 or a minute beyond 59")
    if start == MINUTES_A_DAY:
        raise ValueError(f"{item!r} starts at 24:00 (that is 00:00 of the next day)")
    return start, end or MINUTES_A_DAY


def render_windows(windows: tuple[WeeklyWindow, ...]) -> str:
    """The text that :func:`parse_windows` makes these windows of; empty for none."""
    groups: list[tuple[tuple[int, ...], list[str]]] = []
    for window in windows:
        if not groups or groups[-1][0] != window.days:
            groups.append((window.days, []))
        groups[-1][1].append(f"{_render_time(window.start_minute)}-{_render_time(window.end_minute)}")
    return "; ".join(f"{_render_days(days)} {','.join(times)}" for days, times in groups)


def _render_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _render_days(days: tuple[int, ...]) -> str:
    """Runs of at least three days become ranges, over Sunday too."""
    if len(days) == 7:
        return "daily"
    runs = [[day] for day in days if (day - 1) % 7 not in days]
    for run in runs:
        while (run[-1] + 1) % 7 in days:
            run.append((run[-1] + 1) % 7)
    return ",".join(
        f"{_DAY_NAMES[run[0]]}-{_DAY_NAMES[run[-1]]}"
        if len(run) > 2
        else ",".join(_DAY_NAMES[day] for day in run)
        for run in runs
    )


def parse_interval(value: str | float | timedelta) -> timedelta:
    """An interval: `10s`, `5m`, `1h30m`, `1d`, `0:05:00`, or a plain number of seconds.

    Raises:
        ValueError: it is none, it has a fraction of a second, or it is not within 1 s and 1 day.
    """
    seconds = round(_seconds_of(value), 6)  # 1.15 * 60 is a little less than 69
    if not math.isfinite(seconds) or seconds != round(seconds):
        raise ValueError(f"an interval is a whole number of seconds: {_INTERVAL_EXAMPLE}")
    if not SHORTEST_INTERVAL.total_seconds() <= seconds <= LONGEST_INTERVAL.total_seconds():
        raise ValueError(f"an interval is at least 1 second and at most 1 day: {_INTERVAL_EXAMPLE}")
    return timedelta(seconds=round(seconds))


def parse_duration(text: str) -> timedelta:
    """How long something goes on, in the same words: `10m`, `2d`; at least 1 s.

    Raises:
        ValueError: it is none.
    """
    seconds = round(_seconds_of(text))
    if not 1 <= seconds <= LONGEST_DURATION.total_seconds():
        raise ValueError(f"a duration is at least 1 second and at most 10 years: {_INTERVAL_EXAMPLE}")
    return timedelta(seconds=seconds)


def _seconds_of(value: str | float | timedelta) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool):
        raise ValueError(f"yes or no is no interval: {_INTERVAL_EXAMPLE}")
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(figure) for figure in clock.groups())
        return 3_600 * hours + 60 * minutes + seconds
    quantities = _QUANTITY.findall(text)
    if not quantities or _QUANTITY.sub("", text):
        raise ValueError(f"{value.strip()!r} is no interval: {_INTERVAL_EXAMPLE}")
    if len(quantities) == 1 and not quantities[0][1]:
        return _number(quantities[0][0])
    total = 0.0
    for number, name in quantities:
        if name not in _UNIT_OF:
            shown = (
                f"{name!r} is no unit of an interval"
                if name
                else f"{value.strip()!r} has a number without a unit"
            )
            raise ValueError(f"{shown} (units are s, m, h and d): {_INTERVAL_EXAMPLE}")
        total += _number(number) * _UNITS_S[_UNIT_OF[name]]
    return total


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def render_interval(interval: timedelta) -> str:
    """The shortest text that :func:`parse_interval` makes this interval of: `1h30m`. Fractions of a second
    are cut off."""
    rest = interval // timedelta(seconds=1)
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _UNITS_S[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
