"""The wall times at which a job is due, the same in every week of the local clock."""

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from netstats_xl.domain.timetext import WeeklyWindow
from netstats_xl.domain.zones import DAY_S

WEEK_S = 7 * DAY_S
_EPOCH_IN_WEEK_S = 3 * DAY_S
"""1970-01-01 was a Thursday; weeks begin on Monday."""


class Pattern(NamedTuple):
    """The wall times that tick, the same every week, numbered through from an arbitrary week's first.

    A run is a row of ticks one interval apart; no run goes over midnight.
    """

    interval: int
    firsts: tuple[int, ...]
    """The first tick of each run, s from Monday 00:00, ascending."""
    counts: tuple[int, ...]
    before: tuple[int, ...]
    """How many ticks of the week come before each run."""
    total: int
    """Ticks a week."""

    def number(self, wall: int) -> int:
        """The number of the first tick at or after a wall time."""
        week, second = divmod(wall + _EPOCH_IN_WEEK_S, WEEK_S)
        run = bisect_left(self.firsts, second) - 1
        if run < 0:
            return week * self.total
        passed = -((self.firsts[run] - second) // self.interval)
        return week * self.total + self.before[run] + min(passed, self.counts[run])

    def wall(self, number: int) -> int:
        """The wall time of a tick."""
        week, index = divmod(number, self.total)
        run = bisect_right(self.before, index) - 1
        second = self.firsts[run] + (index - self.before[run]) * self.interval
        return week * WEEK_S - _EPOCH_IN_WEEK_S + second


@lru_cache(maxsize=4_096)
def pattern_of(interval: int, windows: tuple[WeeklyWindow, ...]) -> Pattern:
    """The pattern of an interval (s) in weekly windows; empty: always."""
    firsts: list[int] = []
    counts: list[int] = []
    for start, end in _open_times(windows):
        midnight = start // DAY_S * DAY_S
        while midnight < end:
            first = midnight - (midnight - max(start, midnight)) // interval * interval
            stop = min(end, midnight + DAY_S)
            if first < stop:
                firsts.append(first)
                counts.append(-((first - stop) // interval))
            midnight += DAY_S
    return Pattern(
        interval, tuple(firsts), tuple(counts), tuple(accumulate(counts, initial=0))[:-1], sum(counts)
    )


@lru_cache(maxsize=4_096)
def _open_times(windows: tuple[WeeklyWindow, ...]) -> tuple[tuple[int, int], ...]:
    """The union of the windows: disjoint (start, end) in s from Monday 00:00, ascending, within one week."""
    if not windows:
        return ((0, WEEK_S),)
    pieces: list[tuple[int, int]] = []
    for window in windows:
        start, end = 60 * window.start_minute, 60 * window.end_minute
        length = end - start if end > start else end - start + DAY_S
        for day in window.days:
            begins = day * DAY_S + start
            pieces.append((begins, min(begins + length, WEEK_S)))
            if begins + length > WEEK_S:
                pieces.append((0, begins + length - WEEK_S))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def is_open(windows: tuple[WeeklyWindow, ...], wall: int) -> bool:
    """Whether a wall time lies in a window, or there are none."""
    second = (wall + _EPOCH_IN_WEEK_S) % WEEK_S
    times = _open_times(windows)
    index = bisect_right(times, (second, WEEK_S)) - 1
    return index >= 0 and second < times[index][1]
