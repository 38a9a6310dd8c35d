"""The levels of rollups: a minute, an hour, a day, a month of the local wall clock, each cut into buckets."""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from netstats_xl.domain.zones import day_edges, from_local, hour_edges, to_local

_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Level(StrEnum):
    """How long a bucket is; the finest first. Each level's buckets begin where some of the one before begin."""

    MINUTE = "1m"
    HOUR = "1h"
    DAY = "1d"
    MONTH = "1mo"


LENGTHS = {
    Level.MINUTE: timedelta(minutes=1),
    Level.HOUR: timedelta(hours=1),
    Level.DAY: timedelta(days=1),
    Level.MONTH: timedelta(days=30),
}
"""About as long are the buckets of each level."""
_LONGER_THAN = {
    Level.MINUTE: timedelta(minutes=2),
    Level.HOUR: timedelta(hours=3),
    Level.DAY: timedelta(hours=50),
    Level.MONTH: timedelta(days=40),
}
"""Longer than any bucket of the level, however the clock is set."""


def bucket_of(level: Level, at: datetime, zone: str) -> datetime:
    """When the bucket began that the instant is in, aware UTC.

    An hour begins where the zone's wall clock shows a whole hour, so in some zones at half past an hour of UTC; an
    hour that the clock repeats has two buckets. A day begins with the first instant of its date.
    """
    match level:
        case Level.MINUTE:
            return at - (at - _EPOCH) % _MINUTE
        case Level.HOUR:
            return hour_edges(at, at + timedelta(microseconds=1), zone)[0]
        case Level.DAY:
            return day_edges(at, at + timedelta(microseconds=1), zone)[0]
        case Level.MONTH:
            return from_local(datetime.combine(to_local(at, zone).date().replace(day=1), time()), zone)


def edge_after(level: Level, at: datetime, zone: str) -> datetime:
    """When the first bucket begins that begins after the instant, aware UTC."""
    return buckets(level, at, at + _LONGER_THAN[level], zone)[1]


def edge_from(level: Level, at: datetime, zone: str) -> datetime:
    """When the first bucket begins that begins at the instant or later, aware UTC."""
    return at if bucket_of(level, at, zone) == at else edge_after(level, at, zone)


def buckets(level: Level, start: datetime, end: datetime, zone: str) -> tuple[datetime, ...]:
    """When each bucket began that overlaps `start` to `end` (exclusive), ascending; the first may begin before."""
    if start >= end:
        return ()
    match level:
        case Level.MINUTE:
            first = bucket_of(level, start, zone)
            return tuple(first + number * _MINUTE for number in range(-(-(end - first) // _MINUTE)))
        case Level.HOUR:
            return hour_edges(start, end, zone)
        case Level.DAY:
            return day_edges(start, end, zone)
        case Level.MONTH:
            return tuple(_months(start, end, zone))


def _months(start: datetime, end: datetime, zone: str) -> list[datetime]:
    edges = [bucket_of(Level.MONTH, start, zone)]
    while True:
        # 40 days after a month's first day lies within the next month.
        following = bucket_of(Level.MONTH, edges[-1] + timedelta(days=40), zone)
        if following >= end:
            return edges
        edges.append(following)
