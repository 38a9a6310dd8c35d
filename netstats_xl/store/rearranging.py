"""Rows of a level written anew, so that those of a destination lie side by side on the disk.

They come bucket by bucket, so those of a destination lie scattered, and DuckDB reads 2,048 rows or none of them. When
the bucket of the level above is over, they are all there: they are written anew, some destinations at a time, as others
wait for it; and again with those of the time before, as a block of the file is read as a whole. What is not yet done is
known in memory alone: what a kill forgets stays as it lies until the database is compacted.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Self

from netstats_xl.domain.levels import LENGTHS, Level
from netstats_xl.domain.zones import from_local, to_local
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.rolling import TABLES, all_columns_of, side_by_side
from netstats_xl.store.selection import Parameters

ROWS_AT_ONCE = 3_000
"""About so many rows are written anew at once."""
READ_AT_ONCE = 2_048
"""No fewer rows than these are read."""

_SUNDAY, _DECEMBER = 6, 12
_QUARTER_H = 6
"""Of a day."""
_INSTANT = timedelta(microseconds=1)
_REARRANGED = "memory.main.rearranged"
_SINCE = "bucket >= $start AND bucket < $end AND destination > $after"
_WHERE = f"{_SINCE} AND destination <= $last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Rows of a level that are to be written anew."""

    level: Level
    start: datetime
    end: datetime
    after: int = 0
    """Those of destinations up to this key are done; keys begin at 1."""

    def replaces(self, other: Self) -> bool:
        """Whether nothing is left to do for the other when this is done."""
        return self.level is other.level and self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some destinations' rows of a region, ready to be put in place."""

    region: Region
    last: int
    """The greatest key of these destinations."""
    rows: int

    @property
    def rest(self) -> Region:
        """What of the region is to be done after it."""
        return replace(self.region, after=self.last)


def regions_of(level: Level, start: datetime, end: datetime, zone: str) -> tuple[Region, ...]:
    """What is to be written anew once these buckets of the level are sealed, which follow the zone's wall clock.

    Minutes are when their quarter of the day is over; hours when their day is, their week and their month; days when
    their month is, their quarter and their year; the months of the year so far with each, as they are few.
    """
    last = to_local(end - _INSTANT, zone).date()
    match level:
        case Level.MINUTE:
            return ()
        case Level.HOUR:
            since, until = (_quarter_of_day(at, zone) for at in (start, end))
            return (Region(level=Level.MINUTE, start=since, end=until),) if since < until else ()
        case Level.DAY:
            week = from_local(datetime.combine(last - timedelta(days=last.weekday()), time()), zone)
            since = week if last.weekday() == _SUNDAY else start
            return (Region(level=Level.HOUR, start=min(since, start), end=end),)
        case Level.MONTH:
            quarter, year = (
                from_local(datetime.combine(last.replace(month=month, day=1), time()), zone)
                for month in ((last.month - 1) // 3 * 3 + 1, 1)
            )
            since = year if last.month == _DECEMBER else quarter if last.month % 3 == 0 else start
            return (
                Region(level=Level.HOUR, start=start, end=end),
                Region(level=Level.DAY, start=min(since, start), end=end),
                Region(level=Level.MONTH, start=min(year, start), end=end),
            )


def _quarter_of_day(at: datetime, zone: str) -> datetime:
    """When the quarter of the local day began that the instant is in."""
    local = to_local(at, zone)
    begun = local.replace(hour=local.hour // _QUARTER_H * _QUARTER_H, minute=0, second=0, microsecond=0)
    return from_local(begun, zone)


def prepare(cursor: Cursor, region: Region) -> Part | None:
    """Bring the next destinations' rows of a region in order, in memory; None: the region is done.

    Args:
        cursor: Outside of a transaction.
        region: What is to be done.
    """
    cursor.execute("BEGIN")
    found = _next_destinations(cursor, region)
    if not found or (not region.after and sum(count for _, count in found) <= READ_AT_ONCE):
        return None
    last, rows = found[0]
    for destination, count in found[1:]:
        if rows + count > ROWS_AT_ONCE:
            break
        last, rows = destination, rows + count
    cursor.execute(
        f"CREATE OR REPLACE TABLE {_REARRANGED} AS SELECT {all_columns_of(region.level)} FROM {TABLES[region.level]} "  # noqa: S608 - as above
        f"WHERE {_WHERE} ORDER BY {side_by_side(region.level)}",
        _of(region) | {"last": last},
    )
    cursor.execute("COMMIT")
    return Part(region=region, last=last, rows=rows)


def _next_destinations(cursor: Cursor, region: Region) -> list[tuple[int, int]]:
    """Destinations whose rows of the region come next, ascending, at first all of them; and how many rows each has."""
    # To count the rows of all each time would take longer than all the rest.
    buckets = max(1, (region.end - region.start) // LENGTHS[region.level])
    near = region.after + 2 * ROWS_AT_ONCE // buckets
    for last in (near, None) if region.after else (None,):
        found = cursor.execute(
            f"SELECT destination, count(*) FROM {TABLES[region.level]} WHERE {_SINCE if last is None else _WHERE} "  # noqa: S608 - built from constants
            "GROUP BY destination ORDER BY destination",
            _of(region) | ({} if last is None else {"last": last}),
        ).fetchall()
        if found:
            return found
    return []


def put_in_place(cursor: Cursor, part: Part) -> bool:
    """Replace the rows of the part by those in order; False: others have come, so it has to be prepared again.

    Args:
        cursor: Within a transaction.
        part: As it was prepared; since then rows of its region were not deleted.
    """
    table, columns = TABLES[part.region.level], all_columns_of(part.region.level)
    parameters = _of(part.region) | {"last": part.last}
    [(rows,)] = cursor.execute(f"SELECT count(*) FROM {table} WHERE {_WHERE}", parameters).fetchall()  # noqa: S608 - built from constants
    if rows != part.rows:
        return False
    cursor.execute(f"DELETE FROM {table} WHERE {_WHERE}", parameters)  # noqa: S608 - built from constants
    cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {_REARRANGED}")  # noqa: S608 - built from constants
    return True


def _of(region: Region) -> Parameters:
    return {"start": utc_naive(region.start), "end": utc_naive(region.end), "after": region.after}
