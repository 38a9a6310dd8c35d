"""The steps of a chart over time: as fine as it can show, and so that the rollups of one level make up each of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from netstats_xl.domain.levels import Level, buckets
from netstats_xl.domain.zones import day_edges, hour_edges, step_edges, to_local

BY_MINUTES = timedelta(hours=36)
"""Longer periods have no steps of minutes: there would be too many of these to read."""
BY_HOURS = timedelta(days=80)
"""Longer periods have steps of days."""
BY_DAYS = timedelta(days=750)
"""Longer periods, more than two years, have steps of months."""
_HOURS = (1, 2, 3, 4, 6, 8, 12)
_DAYS = (1, 2, 7, 14, 28)
_MONTHS = (1, 2, 3, 6, *(12 * 2**power for power in range(15)))
_LONGEST_MONTH = timedelta(days=32)
"""With an hour that the clock repeats."""


def steps_for(start: datetime, end: datetime, most: int, zone: str) -> tuple[datetime, ...]:
    """The starts of at most `most` steps that cover `start` to `end` (exclusive).

    Ascending, aware UTC; the first may lie before `start`. A step is the shortest round number of seconds or minutes,
    of hours of the local clock, or of local days or months, that will do for a period of this length. Where the clock
    is set, a step may be longer or shorter.

    Raises:
        ValueError: `most` is below 1.
    """
    if most < 1:
        raise ValueError(f"at least one step is needed, not {most}")
    if end - start <= BY_MINUTES:
        return step_edges(start, end, most)
    for edges in _candidates(start, end, most, zone):
        if len(edges) <= most:
            return edges
    raise AssertionError("a step as long as the calendar covers any period")


def _candidates(start: datetime, end: datetime, most: int, zone: str) -> Iterator[tuple[datetime, ...]]:
    # Where the clock is set, there is an hour more or less: what is not far too many is counted.
    shortest = (end - start) / (most + 2)
    if end - start <= BY_HOURS:
        for count in _HOURS:
            if timedelta(hours=count) >= shortest:
                hours = hour_edges(start - timedelta(hours=2 * count + 2), end, zone)
                yield _around([edge for edge in hours if to_local(edge, zone).hour % count == 0], start)
    if end - start <= BY_DAYS:
        for count in _DAYS:
            if timedelta(days=count) >= shortest:
                days = day_edges(start - timedelta(days=count + 2), end, zone)
                yield _around(
                    [edge for edge in days if (to_local(edge, zone).toordinal() - 1) % count == 0], start
                )
    for count in _MONTHS:
        if count * _LONGEST_MONTH >= shortest:
            months = buckets(Level.MONTH, start - count * _LONGEST_MONTH, end, zone)
            yield _around([edge for edge in months if _month(to_local(edge, zone)) % count == 0], start)


def _month(local: datetime) -> int:
    return local.year * 12 + local.month - 1


def _around(edges: Sequence[datetime], start: datetime) -> tuple[datetime, ...]:
    """The edges from the last that is not after `start`."""
    return tuple(edges[max(bisect_right(edges, start) - 1, 0) :])
