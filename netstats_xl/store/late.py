"""Samples that are saved after their time was sealed: they add rows of their own to each level."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from netstats_xl.domain.levels import Level, buckets
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.frontier import Frontier
from netstats_xl.store.rolling import TABLES, Bucketing, columns_of, of_samples
from netstats_xl.store.selection import Parameters

_DAY = timedelta(days=1)


def add(cursor: Cursor, ticks: Iterable[datetime], first_run: int, frontier: Frontier) -> None:
    """Add the late ones of the samples with a run from `first_run` on to each level that has sealed past them.

    Args:
        cursor: Within the transaction that saves the samples.
        ticks: The ticks of these samples, and no others.
        first_run: What was saved before has lower runs.
        frontier: How far the levels are sealed.
    """
    sealed = [until for until in frontier.until.values() if until is not None]
    newest = max(sealed, default=None)
    candidates = {tick for tick in ticks if newest is not None and tick < newest}
    for level, until in frontier.until.items():
        late = [] if until is None else [tick for tick in candidates if tick < until]
        if until is not None and late:
            parameters: Parameters = {"first": first_run, "until": utc_naive(until)}
            add_to(
                cursor, level, "run >= $first AND tick < $until", parameters, ticks=late, zone=frontier.zone
            )


def add_to(
    cursor: Cursor, level: Level, where: str, parameters: Parameters, *, ticks: Iterable[datetime], zone: str
) -> None:
    """Add rows to a level for these samples.

    Args:
        cursor: Within a transaction.
        level: The level.
        where: Which samples.
        parameters: What is bound in `where`.
        ticks: The ticks of these samples.
        zone: Whose wall clock the buckets follow.
    """
    if level is Level.MINUTE:
        query = of_samples(level, where, Bucketing.MINUTE)
    else:
        query = of_samples(level, where, Bucketing.EDGES)
        parameters = parameters | {"edges": [utc_naive(each) for each in _edges(level, ticks, zone)]}
    cursor.execute(f"INSERT INTO {TABLES[level]} ({columns_of(level)}) {query}", parameters)


def _edges(level: Level, ticks: Iterable[datetime], zone: str) -> list[datetime]:
    """When the buckets began that the ticks are in, and some more; ascending."""
    days = sorted({tick.astimezone(UTC).date() for tick in ticks})
    edges: set[datetime] = set()
    first = 0
    for index, day in enumerate(days):
        if index + 1 < len(days) and days[index + 1] - day == _DAY:
            continue
        start, end = (datetime.combine(each, time(), tzinfo=UTC) for each in (days[first], day))
        edges.update(buckets(level, start, end + _DAY, zone))
        first = index + 1
    return sorted(edges)
