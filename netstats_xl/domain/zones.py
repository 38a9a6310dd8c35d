"""Local wall clocks: time zones, their skipped and repeated hours, and the edges of local hours and days.

Inside, an instant is a whole number of seconds since 1970-01-01 00:00 UTC, and a wall time is what the local
clock shows, counted in the same way (so wall = instant + UTC offset).
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

DAY_S = 86_400
HOUR_S = 3_600

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_CALENDAR_START = datetime(1, 1, 1, tzinfo=UTC)
_LOOK_BACK_DAYS = 2
"""No clock was ever set back by more than about a day."""
EARLIEST_S = (_CALENDAR_START - _EPOCH) // _SECOND + 8 * DAY_S
LATEST_S = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _SECOND - 8 * DAY_S
"""Instants are kept this far from the ends of Python's calendar, so that local times exist for them."""

_NOT_ZONES = {"localtime", "posixrules", "Factory"}
"""Files that some systems keep among the time zones."""


def parse_zone(name: str) -> str:
    """The IANA name of a time zone, compared without case; spaces may stand for underscores.

    Raises:
        ValueError: there is no such zone; the message proposes close names.
    """
    wanted = name.strip().replace(" ", "_").casefold()
    known = _zone_names()
    if wanted in known:
        return known[wanted]
    if not wanted:
        raise ValueError("the time zone is blank; write an IANA name such as Europe/Berlin or UTC")
    by_city = [zone for key, zone in known.items() if key.rpartition("/")[2] == wanted]
    close = by_city or [known[key] for key in get_close_matches(wanted, known, n=3, cutoff=0.7)]
    remedy = (
        f"did you mean {' or '.join(sorted(close)[:3])}?"
        if close
        else "write an IANA name such as Europe/Berlin or UTC"
    )
    raise ValueError(f"there is no time zone {name.strip()!r}; {remedy}")


@lru_cache(maxsize=1)
def _zone_names() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones() - _NOT_ZONES)}


def to_local(at: datetime, zone: str) -> datetime:
    """What the zone's wall clock shows at an aware instant, naive."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def from_local(naive: datetime, zone: str, *, second: bool = False) -> datetime:
    """The instant, aware UTC, at which the zone's wall clock shows a naive time.

    Of a repeated time the first is taken, or the second where that is wanted; a skipped time is moved forward by the
    length of the gap.

    Raises:
        ValueError: it has a UTC offset, or it is within a day of the calendar's first or last.
    """
    if naive.tzinfo is not None:
        raise ValueError("a local time has no UTC offset")
    try:
        first = naive.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
        return max(first, naive.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)) if second else first
    except OverflowError as error:
        raise ValueError(f"{naive.date().isoformat()} is too close to the ends of the calendar") from error


def floor_s(at: datetime) -> int:
    """The last whole second at or before an aware instant, held within the calendar."""
    return min(max((at - _EPOCH) // _SECOND, EARLIEST_S), LATEST_S)


def ceil_s(at: datetime) -> int:
    """The first whole second at or after an aware instant, held within the calendar."""
    return min(max(-((_EPOCH - at) // _SECOND), EARLIEST_S), LATEST_S)


def instant(seconds: int) -> datetime:
    """The aware UTC instant of a number of seconds."""
    return _EPOCH + timedelta(seconds=seconds)


class Stretch(NamedTuple):
    """A stretch of time with one UTC offset: `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int
    offset: int
    """Local wall time minus UTC, s."""
    shown: int
    """Every wall time before this one was shown, or skipped, before `start`. Where it is before `start +
    offset`, the clock skips from it; where it is after, the clock repeats up to it."""

    @property
    def wall_start(self) -> int:
        """The wall time at `start`."""
        return self.start + self.offset

    @property
    def wall_end(self) -> int:
        """The wall time that `end` would have."""
        return self.end + self.offset


def stretches(zone: str, start: int, end: int, *, joined: bool = False) -> Iterator[Stretch]:
    """Cut the time from `start` (inclusive) to `end` (exclusive) into stretches, ascending, without gaps.

    Each is a day long at most; `joined`: as long as the offset stays the same.
    """
    day = start // DAY_S - _LOOK_BACK_DAYS
    shown: int | None = None
    while day * DAY_S < end:
        offsets = _offsets_of_day(zone, day)
        day += 1
        while joined and day * DAY_S < end and _is_all_at(offsets[-1][1], _offsets_of_day(zone, day)):
            day += 1
        for index, (begins, offset) in enumerate(offsets):
            ends = offsets[index + 1][0] if index + 1 < len(offsets) else day * DAY_S
            if shown is None:
                shown = begins + offset
            low, high = max(begins, start), min(ends, end)
            if low < high:
                yield Stretch(low, high, offset, shown if low == begins else max(shown, low + offset))
            shown = max(shown, ends + offset)


def _is_all_at(offset: int, offsets: tuple[tuple[int, int], ...]) -> bool:
    return len(offsets) == 1 and offsets[0][1] == offset


@lru_cache(maxsize=8_192)
def _offsets_of_day(zone: str, day: int) -> tuple[tuple[int, int], ...]:
    """Each (instant, offset from then on) of a UTC day, the first at its start.

    It is taken for granted that an offset changes at most once an hour.
    """
    start = day * DAY_S
    found = [(start, _offset_at(zone, start))]
    for hour_end in range(start + HOUR_S, start + DAY_S + HOUR_S, HOUR_S):
        before = found[-1][1]
        if _offset_at(zone, hour_end) == before:
            continue
        low, high = hour_end - HOUR_S, hour_end
        while high - low > 1:
            middle = (low + high) // 2
            if _offset_at(zone, middle) == before:
                low = middle
            else:
                high = middle
        if high < start + DAY_S:
            found.append((high, _offset_at(zone, high)))
    return tuple(found)


def _offset_at(zone: str, at: int) -> int:
    offset = instant(at).astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset // _SECOND


def hour_edges(start: datetime, end: datetime, zone: str) -> tuple[datetime, ...]:
    """The starts of the local hours that overlap `start` to `end` (exclusive).

    Ascending, aware UTC; the first may lie before `start`. A repeated hour has an edge each time; an hour
    whose start the clock skips begins when the clock has jumped.
    """
    return _edges(start, end, zone, HOUR_S)


def day_edges(start: datetime, end: datetime, zone: str) -> tuple[datetime, ...]:
    """The starts of the local days that overlap `start` to `end` (exclusive).

    Ascending, aware UTC; the first may lie before `start`. A day whose midnight is repeated begins at the
    first one; a day whose midnight the clock skips begins when the clock has jumped. A day that was skipped
    as a whole has no edge.
    """
    return _edges(start, end, zone, DAY_S)


def _edges(start: datetime, end: datetime, zone: str, step: int) -> tuple[datetime, ...]:
    if start >= end:
        return ()
    first = floor_s(start)
    edges: list[int] = []
    for stretch in stretches(zone, first - 3 * DAY_S, ceil_s(end), joined=True):
        low = stretch.wall_start
        if step == DAY_S:
            low = max(low, stretch.shown)
        aligned = -(-low // step) * step
        skips_an_edge = -(-stretch.shown // step) * step < stretch.wall_start
        if skips_an_edge and aligned > stretch.wall_start:
            edges.append(stretch.start)
        edges.extend(wall - stretch.offset for wall in range(aligned, stretch.wall_end, step))
    begins = bisect_right(edges, first) - 1
    return tuple(instant(edge) for edge in edges[begins:])


def step_edges(start: datetime, end: datetime, most: int) -> tuple[datetime, ...]:
    """The starts of at most `most` equal steps that cover `start` to `end` (exclusive).

    Ascending, aware UTC. A step is a round number of seconds, minutes, hours or days, the shortest that will
    do and at least a second, and begins at a whole multiple of itself since Monday, 0001-01-01 00:00 UTC. The
    first may lie before `start`.

    Raises:
        ValueError: `most` is below 1.
    """
    if most < 1:
        raise ValueError(f"at least one step is needed, not {most}")
    if start >= end:
        return ()
    for step in _round_steps():
        first = (start - _CALENDAR_START) // step
        last = -((_CALENDAR_START - end) // step) - 1
        if last - first < most:
            return tuple(_CALENDAR_START + number * step for number in range(first, last + 1))
    raise AssertionError("a step as long as the calendar covers any period")


def _round_steps() -> Iterator[timedelta]:
    for unit in (1, 60):
        yield from (timedelta(seconds=unit * count) for count in (1, 2, 5, 10, 15, 30))
    yield from (timedelta(hours=count) for count in (1, 2, 3, 6, 12))
    yield from (timedelta(days=count) for count in (1, 2, 7, 14, 28))
    yield from (timedelta(days=2**power * 7) for power in range(3, 21))
