"""Sealing: each level of the rollups is brought forward, a stretch of buckets at a time.

What a stretch adds up to is found beside the saving, in a table in memory: only putting it in place is a transaction
that others wait for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from netstats_xl.domain.levels import Level, bucket_of, buckets, edge_after, edge_from
from netstats_xl.store import frontier as frontiers
from netstats_xl.store import late
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.frontier import Frontier
from netstats_xl.store.rolling import (
    TABLES,
    Bucketing,
    all_columns_of,
    merged,
    of_samples,
)
from netstats_xl.store.selection import Parameters, aware, least

SETTLE = timedelta(seconds=60)
"""How long after its end a bucket is left open for what is still under way."""
AHEAD = timedelta(minutes=10)
"""A level that is sealed further past the present than this was sealed by a clock that had been ahead."""
ROWS_A_STEP = {Level.MINUTE: 100_000, Level.HOUR: 400_000, Level.DAY: 50_000, Level.MONTH: 50_000}
"""How many rows of what a level is made of are added up at once; a single bucket may need more.

An hour of 1,000 destinations every 10 s has 360,000. Of minutes it makes 60,000 rows, which are put in place while
others wait.
"""
QUARTER = timedelta(minutes=15)
"""Minutes are sealed together, so that those of a destination lie side by side: see `rolling.side_by_side`."""
LONGEST = timedelta(days=200)
"""Of a stretch in which there is anything; stretches without may be longer."""

_PREPARED = "memory.main.prepared"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BELOW = {Level.DAY: Level.HOUR, Level.MONTH: Level.DAY}
_GROWTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of buckets of a level that is ready to be put in place."""

    level: Level
    start: datetime
    end: datetime
    """The level is sealed until then once it is in place."""
    bucketing: Bucketing
    edges: tuple[datetime, ...]
    source: tuple[int, int]
    """How many rows it was made of, and of samples the last run."""


def targets(frontier: Frontier, horizon: datetime | None) -> tuple[datetime | None, ...]:
    """Until when each level can be sealed at most: while these are the same, and no older sample comes, nothing is due.

    See `prepare`.
    """
    return tuple(_target(level, frontier, horizon) for level in Level)


def prepare(cursor: Cursor, frontier: Frontier, horizon: datetime | None) -> Stretch | None:
    """Find what the next stretch adds up to and keep it in memory; None where nothing is to be sealed.

    Args:
        cursor: Outside of a transaction.
        frontier: How far the levels are sealed.
        horizon: Buckets of minutes and hours that end later are left open. None: no sample is older.
    """
    # What is counted and what is added up must be the same.
    cursor.execute("BEGIN")
    due = []
    for level in Level:
        target = _target(level, frontier, horizon)
        start = _start(cursor, level, frontier) if target is not None else None
        if target is not None and start is not None and start < target:
            due.append((start, level, target))
    if not due:
        return None
    # What lags most comes first, of equals the finest.
    start, level, target = min(due, key=lambda each: each[0])
    stretch = _stretch(cursor, level, start, target, frontier.zone)
    if stretch.source[0]:
        where, parameters = _within(level), _between(stretch.start, stretch.end, stretch.edges)
        below = _BELOW.get(level)
        query = (
            of_samples(level, where, stretch.bucketing)
            if below is None
            else merged(below, where, stretch.bucketing, into=level)
        )
        cursor.execute(f"CREATE OR REPLACE TABLE {_PREPARED} AS {query}", parameters)
    cursor.execute("COMMIT")
    return stretch


def put_in_place(cursor: Cursor, stretch: Stretch, frontier: Frontier) -> Frontier | None:
    """Append the stretch to its level; None if what it was made of has changed: it has to be prepared again.

    Args:
        cursor: Within a transaction.
        stretch: As it was prepared.
        frontier: The same as when it was prepared.
    """
    level = stretch.level
    table, columns = TABLES[level], all_columns_of(level)
    if level in _BELOW:
        if _source(cursor, level, stretch.start, stretch.end) != stretch.source:
            return None
    else:
        _add_newer(cursor, stretch, frontier.zone)
    if stretch.source[0]:
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {_PREPARED}")  # noqa: S608 - built from constants
    after = frontier.moved(level, stretch.end)
    frontiers.save(cursor, after)
    return after


def reach(
    level: Level, start: datetime, target: datetime, zone: str, rows: Callable[[datetime], int]
) -> datetime:
    """Until when the stretch from `start` on has few rows: at least a bucket, and at most `target`.

    `rows` tells how many rows there are until an instant. Stretches without any may be long.
    """
    end = edge_after(level, start, zone)
    while end < target:
        longer = bucket_of(level, min(start + (end - start) * _GROWTH, target), zone)
        found = rows(longer)
        if found > ROWS_A_STEP[level] or (found and longer - start > LONGEST):
            break
        end = longer
    return end


def is_ahead(frontier: Frontier, now: datetime) -> bool:
    """Whether the clock had been ahead: a level is sealed past the present, and can be unsealed."""
    if all(until is None or until <= now + AHEAD for until in frontier.until.values()):
        return False
    return any(
        until is not None and _back(frontier, now)[level] < until for level, until in frontier.until.items()
    )


def unseal(cursor: Cursor, frontier: Frontier, now: datetime) -> Frontier:
    """Delete the buckets from the present ones on, as far as they can be made again, and return the new frontier."""
    after = frontier
    for level, back in _back(frontier, now).items():
        until = frontier.until[level]
        if until is not None and back < until:
            cursor.execute(f"DELETE FROM {TABLES[level]} WHERE bucket >= ?", [utc_naive(back)])  # noqa: S608 - a table of this package
            after = after.moved(level, back)
    frontiers.save(cursor, after)
    return after


def change_zone(cursor: Cursor, frontier: Frontier, zone: str) -> Frontier:
    """Give up the days and months, which follow another zone's clock, to be made again from the hours.

    Hours, too, where those of the zones begin at different minutes and the samples are there to make them again.
    """
    after = replace(frontier, zone=zone)
    for level in (Level.DAY, Level.MONTH):
        cursor.execute(f"DELETE FROM {TABLES[level]}")  # noqa: S608 - a table of this package
        after = after.moved(level, None)
    until, made_from = frontier.until[Level.HOUR], frontier.made_from[Level.HOUR]
    first = _first(cursor, "roll_1h", "bucket")
    if until is not None and first is not None:
        since = first if made_from is None else edge_from(Level.HOUR, max(first, made_from), frontier.zone)
        if buckets(Level.HOUR, since, until, frontier.zone) != buckets(Level.HOUR, since, until, zone):
            cursor.execute("DELETE FROM roll_1h WHERE bucket >= ?", [utc_naive(since)])
            after = after.moved(Level.HOUR, None if made_from is None else since)
        if made_from is not None:
            # Hours before are cut by the former zone's clock.
            after = after.made_again_from(since, [Level.HOUR])
    frontiers.save(cursor, after)
    return after


def _add_newer(cursor: Cursor, stretch: Stretch, zone: str) -> None:
    """Add to the stretch's level the samples that came since it was prepared: they have higher runs."""
    parameters = _between(stretch.start, stretch.end) | {"run": stretch.source[1]}
    where = f"{_within(stretch.level)} AND run > $run"
    ticks = cursor.execute(f"SELECT DISTINCT tick FROM samples WHERE {where}", parameters).fetchall()  # noqa: S608 - built from constants
    if ticks:
        late.add_to(
            cursor, stretch.level, where, parameters, ticks=[aware(tick) for (tick,) in ticks], zone=zone
        )


def _target(level: Level, frontier: Frontier, horizon: datetime | None) -> datetime | None:
    """Until when the level can be sealed at most."""
    below = _BELOW.get(level)
    limit = horizon if below is None else frontier.until[below]
    if level is Level.MINUTE and limit is not None:
        limit -= (limit - _EPOCH) % QUARTER
    return None if limit is None else bucket_of(level, limit, frontier.zone)


def _start(cursor: Cursor, level: Level, frontier: Frontier) -> datetime | None:
    """From when on the level is not sealed: if nothing of it is, from the first of what it is made of."""
    until = frontier.until[level]
    if until is not None:
        return until
    below = _BELOW.get(level)
    first = (
        _first(cursor, "samples", "tick") if below is None else _first(cursor, TABLES[below], Bucketing.OWN)
    )
    return None if first is None else bucket_of(level, first, frontier.zone)


def _stretch(cursor: Cursor, level: Level, start: datetime, target: datetime, zone: str) -> Stretch:
    """The buckets from `start` on: as many as have few rows, at least one."""
    end = reach(level, start, target, zone, lambda end: _source(cursor, level, start, end)[0])
    source = _source(cursor, level, start, end)
    edges = () if level is Level.MINUTE or not source[0] else buckets(level, start, end, zone)
    return Stretch(
        level=level,
        start=start,
        end=end,
        bucketing=Bucketing.MINUTE
        if level is Level.MINUTE
        else Bucketing.ONE
        if len(edges) == 1
        else Bucketing.EDGES,
        edges=edges,
        source=source,
    )


def _source(cursor: Cursor, level: Level, start: datetime, end: datetime) -> tuple[int, int]:
    """How many rows the level is made of from `start` to `end`, and of samples the last run."""
    below = _BELOW.get(level)
    what = (
        "count(*), coalesce(max(run), 0) FROM samples"
        if below is None
        else f"count(*), 0 FROM {TABLES[below]}"
    )
    [row] = cursor.execute(f"SELECT {what} WHERE {_within(level)}", _between(start, end)).fetchall()
    return row


def _within(level: Level) -> str:
    """Which rows of what the level is made of are in a stretch."""
    column = "bucket" if level in _BELOW else "tick"
    return f"{column} >= $start AND {column} < $end"


def _between(start: datetime, end: datetime, edges: Sequence[datetime] = ()) -> Parameters:
    parameters: Parameters = {"start": utc_naive(start), "end": utc_naive(end)}
    return parameters | ({"edges": [utc_naive(each) for each in edges]} if edges else {})


def _first(cursor: Cursor, table: str, column: str) -> datetime | None:
    first = least(cursor, table, column)
    return None if first is None else aware(first)


def _back(frontier: Frontier, now: datetime) -> dict[Level, datetime]:
    """Until when each level stays sealed if those buckets go that begin at the present ones or later."""
    back: dict[Level, datetime] = {}
    for level in Level:
        below = _BELOW.get(level)
        # What the level below keeps would be added up again at once.
        limit = now if below is None else min(back[below], frontier.until[below] or now)
        made_from = frontier.made_from[level]
        edge = bucket_of(level, limit, frontier.zone)
        back[level] = edge if made_from is None else max(edge, edge_from(level, made_from, frontier.zone))
    return back
