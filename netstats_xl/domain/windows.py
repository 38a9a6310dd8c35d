"""When a job may run: start, end, interval and weekly windows in a time zone.

The tick rule. A tick is an instant, on a whole second, at which

- the local wall clock of the schedule's zone shows a whole multiple of the interval counted from local
  midnight (an interval that does not divide a day starts anew at each midnight),
- the instant lies in `start_at` (inclusive) to `end_at` (exclusive), and
- the wall time lies in a weekly window (half-open), or there are no windows.

Where the clock repeats an hour, an interval of up to one hour ticks in both passes, so that the measurement
has no gap; a longer one ticks in the first pass only. Where the clock skips an hour, wall times that do not
exist do not tick; but with an interval above one hour those that would have ticked fall together on the first
instant after the gap, if the wall time at that instant is inside the windows too.

The modules `zones`, `timetext` and `patterns` are parts of this one: import their names from here.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, field_validator, model_validator

from netstats_xl.domain.patterns import WEEK_S, Pattern, is_open, pattern_of
from netstats_xl.domain.timetext import (
    WeeklyWindow,
    parse_duration,
    parse_interval,
    parse_windows,
    render_interval,
    render_windows,
)
from netstats_xl.domain.zones import (
    DAY_S,
    EARLIEST_S,
    HOUR_S,
    LATEST_S,
    Stretch,
    ceil_s,
    day_edges,
    floor_s,
    from_local,
    hour_edges,
    instant,
    parse_zone,
    step_edges,
    stretches,
    to_local,
)

__all__ = [
    "Phase",
    "Schedule",
    "WeeklyWindow",
    "count_ticks",
    "day_edges",
    "ever_ticks",
    "from_local",
    "hour_edges",
    "last_tick",
    "next_tick",
    "parse_duration",
    "parse_interval",
    "parse_windows",
    "parse_zone",
    "phase",
    "render_interval",
    "render_windows",
    "step_edges",
    "to_local",
]

_LONGEST_WAIT_S = 3 * WEEK_S
"""Weekly windows tick every week, save one or two in which a change of the clock swallows the tick."""


class Schedule(BaseModel):
    """When a job's rounds are due. The module's docstring has the rule."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float")

    interval: timedelta
    """Whole seconds, 1 s to 1 day."""
    start_at: AwareDatetime | None = None
    """UTC, inclusive."""
    end_at: AwareDatetime | None = None
    """UTC, exclusive."""
    windows: tuple[WeeklyWindow, ...] = ()
    """Empty: always."""
    zone: str = "UTC"
    """IANA name of the zone whose wall clock counts."""

    @field_validator("interval")
    @classmethod
    def _whole_seconds(cls, interval: timedelta) -> timedelta:
        return parse_interval(interval)

    @field_validator("start_at", "end_at")
    @classmethod
    def _utc(cls, at: datetime | None) -> datetime | None:
        return None if at is None else at.astimezone(UTC)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        return parse_zone(zone)

    @model_validator(mode="after")
    def _start_before_end(self) -> "Schedule":
        if self.start_at is not None and self.end_at is not None and self.start_at >= self.end_at:
            raise ValueError("the end is not after the start")
        return self


class Phase(StrEnum):
    """Where an instant lies in a schedule."""

    BEFORE = "before"
    """Before its start."""
    OPEN = "open"
    OUTSIDE = "outside"
    """Between start and end, outside the weekly windows."""
    OVER = "over"
    """At its end or after it."""


def phase(schedule: Schedule, at: datetime) -> Phase:
    """Where the instant lies in the schedule."""
    if schedule.start_at is not None and at < schedule.start_at:
        return Phase.BEFORE
    if schedule.end_at is not None and at >= schedule.end_at:
        return Phase.OVER
    seconds = floor_s(at)
    wall = next(stretches(schedule.zone, seconds, seconds + 1)).wall_start
    return Phase.OPEN if is_open(schedule.windows, wall) else Phase.OUTSIDE


def next_tick(schedule: Schedule, after: datetime) -> datetime | None:
    """The first tick strictly after an instant, aware UTC; None where there is none."""
    pattern = pattern_of(schedule.interval // timedelta(seconds=1), schedule.windows)
    first, end = _limits(schedule, floor_s(after) + 1, LATEST_S)
    if not pattern.total:
        return None
    for stretch in stretches(schedule.zone, first, min(end, first + _LONGEST_WAIT_S)):
        ticks = _ticks_in(pattern, schedule.windows, stretch)
        if ticks.moved:
            return instant(stretch.start)
        if ticks.first < ticks.end:
            return instant(pattern.wall(ticks.first) - stretch.offset)
    return None


def last_tick(schedule: Schedule, at: datetime) -> datetime | None:
    """The last tick at or before an instant, aware UTC; None where there is none."""
    pattern = pattern_of(schedule.interval // timedelta(seconds=1), schedule.windows)
    start, end = _limits(schedule, EARLIEST_S, floor_s(at) + 1)
    if not pattern.total:
        return None
    start = max(start, end - _LONGEST_WAIT_S)
    while end > start:
        begin = max(start, end - DAY_S)
        for stretch in reversed(tuple(stretches(schedule.zone, begin, end))):
            ticks = _ticks_in(pattern, schedule.windows, stretch)
            if ticks.first < ticks.end:
                return instant(pattern.wall(ticks.end - 1) - stretch.offset)
            if ticks.moved:
                return instant(stretch.start)
        end = begin
    return None


def count_ticks(schedule: Schedule, after: datetime, until: datetime) -> int:
    """How many ticks there are after an instant (exclusive) until another one (inclusive).

    Counted by arithmetic, day by day: the interval does not matter to the time that it takes.
    """
    pattern = pattern_of(schedule.interval // timedelta(seconds=1), schedule.windows)
    first, end = _limits(schedule, floor_s(after) + 1, floor_s(until) + 1)
    if not pattern.total or first >= end:
        return 0
    found = (_ticks_in(pattern, schedule.windows, each) for each in stretches(schedule.zone, first, end))
    return sum(ticks.moved + ticks.end - ticks.first for ticks in found)


def ever_ticks(schedule: Schedule) -> bool:
    """Whether the schedule has a tick at all, ever."""
    if schedule.start_at is not None:
        return next_tick(schedule, schedule.start_at - timedelta(seconds=1)) is not None
    return pattern_of(schedule.interval // timedelta(seconds=1), schedule.windows).total > 0


def _limits(schedule: Schedule, first: int, end: int) -> tuple[int, int]:
    """The instants `first` (inclusive) and `end` (exclusive), held within the schedule's start and end."""
    if schedule.start_at is not None:
        first = max(first, ceil_s(schedule.start_at))
    if schedule.end_at is not None:
        end = min(end, ceil_s(schedule.end_at))
    return first, end


class _Ticks(NamedTuple):
    """The ticks of a stretch: those numbered from `first` to `end` (exclusive)."""

    moved: bool
    """Before them there is one at the stretch's start, moved there from the gap before it."""
    first: int
    end: int


def _ticks_in(pattern: Pattern, windows: tuple[WeeklyWindow, ...], stretch: Stretch) -> _Ticks:
    end = pattern.number(stretch.wall_end)
    at_start = pattern.number(stretch.wall_start)
    if pattern.interval <= HOUR_S:
        return _Ticks(moved=False, first=at_start, end=end)
    moved = (
        stretch.shown < stretch.wall_start
        and pattern.number(stretch.shown) < at_start
        and pattern.wall(at_start) > stretch.wall_start
        and is_open(windows, stretch.wall_start)
    )
    first = pattern.number(max(stretch.wall_start, stretch.shown))
    return _Ticks(moved=moved, first=first, end=max(first, end))
