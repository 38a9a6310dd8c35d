"""What rounds add up to, in whole numbers: adding and taking away are exact, in whatever order."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate, repeat
from operator import add, sub
from typing import NamedTuple, Self

from netstats_xl.domain.histograms import middle_ms, percentile_among
from netstats_xl.domain.rollups import P95_NEEDS, P99_NEEDS, Summary

SUMS = (
    "up", "down", "up_ms", "down_ms", "sent", "received", "total_us", "squares_us2", "jitter_us", "jitter_pairs",
)  # fmt: skip
"""The sums of a tally, in this order: of rounds with and without a reply, of the time that they stand for, of packets,
of their RTTs and the squares of these, and of the differences of consecutive RTTs of a round and their number."""
_UP, _DOWN = SUMS.index("up"), SUMS.index("down")


class Percentiles(NamedTuple):
    """Percentiles in ms, None where too few RTTs are known to say, and how many they rest on."""

    of: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


NO_PERCENTILES = Percentiles()
RANKED = (50, 95, 99)
"""The percentiles that a summary has."""


def percentiles_among(
    numbers: Sequence[int], upto: Sequence[int], low_us: int | None, high_us: int | None
) -> Percentiles:
    """The percentiles of a histogram.

    Args:
        numbers: Of its bins, ascending.
        upto: How many RTTs it holds up to the end of each.
        low_us: The least of the RTTs.
        high_us: The greatest.
    """
    if not upto or not upto[-1] or low_us is None or high_us is None:
        return NO_PERCENTILES
    total, low_ms, high_ms = upto[-1], low_us / 1_000, high_us / 1_000
    p50, p95, p99 = [percentile_among(numbers, upto, percent, low_ms, high_ms) for percent in RANKED]
    return Percentiles(total, p50, p95 if total >= P95_NEEDS else None, p99 if total >= P99_NEEDS else None)


class Tally:
    """Sums, bounds and a histogram that rounds are added to and taken away from.

    What it tells is remembered until it changes.
    """

    __slots__ = (
        "_before", "_high_at", "_low_at", "_places", "_summary", "_total", "counts", "first_bin", "high_us",
        "low_us", "sums",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sums = [0] * len(SUMS)
        self.low_us: int | None = None
        """Of the RTTs, as `high_us`; None where there was no reply."""
        self.high_us: int | None = None
        self.first_bin = 0
        self.counts: array[int] = array("q")
        """Of each bin from the first on."""
        self._total = 0
        """Of the counts."""
        self._places = [0] * len(RANKED)
        """Where in the counts the percentiles were last, ascending: they are seldom far from there."""
        self._before = [0] * len(RANKED)
        """How many RTTs are in the bins before each of the places."""
        self._low_at: datetime | None = None
        """When the least RTT was last seen, as `_high_at`; None: it is not known."""
        self._high_at: datetime | None = None
        self._summary: Summary | None = None

    @property
    def rounds(self) -> int:
        """How many rounds are in it."""
        return self.sums[_UP] + self.sums[_DOWN]

    @property
    def empty(self) -> bool:
        """Whether there is no round in it."""
        return not self.rounds

    def add(
        self, sums: Iterable[int], low_us: int | None, high_us: int | None, at: datetime | None = None
    ) -> None:
        """Add rounds, or some of their sums; the bounds are None where there was no reply.

        `at`: no round of them was earlier; None: it is not known when they were.
        """
        self._summary = None
        self.sums = list(map(add, self.sums, sums))
        if low_us is None or high_us is None:
            return
        if self.low_us is None or low_us < self.low_us:
            self.low_us, self._low_at = low_us, at
        elif low_us == self.low_us:
            self._low_at = _later(self._low_at, at)
        if self.high_us is None or high_us > self.high_us:
            self.high_us, self._high_at = high_us, at
        elif high_us == self.high_us:
            self._high_at = _later(self._high_at, at)

    def take_away(
        self, sums: Iterable[int], low_us: int | None, high_us: int | None, before: datetime | None = None
    ) -> bool:
        """Take away what was added; whether the bounds may have gone with it, so that they have to be found anew.

        `before`: all that was earlier goes, and nothing else; None: it is not known when they were.
        """
        self._summary = None
        self.sums = list(map(sub, self.sums, sums))
        return (low_us is not None and low_us == self.low_us and not _is_from(before, self._low_at)) or (
            high_us is not None and high_us == self.high_us and not _is_from(before, self._high_at)
        )

    def bound(self, low_us: int | None, high_us: int | None) -> None:
        """Take these as the least and the greatest RTT."""
        self._summary = None
        self.low_us, self.high_us = low_us, high_us
        self._low_at = self._high_at = None

    def count(self, numbers: Sequence[int], counts: Iterable[int] | None = None, sign: int = 1) -> None:
        """Add to the histogram as many RTTs in each of the bins of these numbers, or take them away with -1.

        Without `counts`, one RTT for each number, which may be there several times.
        """
        if not numbers:
            return
        self._summary = None
        in_a_row = counts is not None and isinstance(numbers, range) and numbers.step == 1
        if counts is not None and in_a_row and sign > 0 and not self.counts:
            self.first_bin, self.counts = numbers[0], array("q", counts)
            self._total = sum(self.counts)
            return
        low, high = (numbers[0], numbers[-1]) if isinstance(numbers, range) else (min(numbers), max(numbers))
        if not self.counts:
            self.first_bin = low
        if low < self.first_bin:
            self._places = [place + self.first_bin - low for place in self._places]
            self.counts = array("q", bytes(8 * (self.first_bin - low))) + self.counts
            self.first_bin = low
        missing = high + 1 - self.first_bin - len(self.counts)
        if missing > 0:
            self.counts.frombytes(bytes(8 * missing))
        if counts is not None and in_a_row:
            start, end = low - self.first_bin, high + 1 - self.first_bin
            changed = array("q", map(add if sign > 0 else sub, self.counts[start:end], counts))
            self._total += sum(changed) - sum(self.counts[start:end])
            self.counts[start:end] = changed
            self._places, self._before = [0] * len(RANKED), [0] * len(RANKED)
            return
        first, known, total = self.first_bin, self.counts, self._total
        first_place, middle_place, last_place = self._places
        first_before, middle_before, last_before = self._before
        for number, count in zip(numbers, repeat(1) if counts is None else counts, strict=counts is not None):
            change = sign * count
            place = number - first
            known[place] += change
            total += change
            if place < last_place:
                last_before += change
                if place < middle_place:
                    middle_before += change
                    if place < first_place:
                        first_before += change
        self._total, self._before = total, [first_before, middle_before, last_before]

    def merge(self, other: Self) -> None:
        """Add the rounds of another."""
        self.add(other.sums, other.low_us, other.high_us)
        self.count(range(other.first_bin, other.first_bin + len(other.counts)), other.counts)

    def percentiles(self) -> Percentiles:
        """The percentiles of its histogram, as `percentiles_among` of it."""
        total = self._total
        if not total or self.low_us is None or self.high_us is None:
            return NO_PERCENTILES
        low_ms, high_ms = self.low_us / 1_000, self.high_us / 1_000
        counts, first = self.counts, self.first_bin
        if not self._places[-1]:
            upto = list(accumulate(counts))
            self._look_for_places(upto)
            return percentiles_among(range(first, first + len(counts)), upto, self.low_us, self.high_us)
        values = []
        for index, percent in enumerate(RANKED):
            # As `histograms.percentile_among`, but for a walk from where it was the last time.
            position = (total - 1) * percent / 100
            rank, place, before = int(position), self._places[index], self._before[index]
            if not before <= rank < before + counts[place]:
                while before > rank:
                    place -= 1
                    before -= counts[place]
                while before + counts[place] <= rank:
                    before += counts[place]
                    place += 1
                self._places[index], self._before[index] = place, before
            value = middle_ms(first + place)
            if position > rank and rank + 1 == before + counts[place]:
                following = next(number for number in range(place + 1, len(counts)) if counts[number])
                value += (middle_ms(first + following) - value) * (position - rank)
            values.append(low_ms if value < low_ms else high_ms if value > high_ms else value)
        p50, p95, p99 = values
        return Percentiles(
            total, p50, p95 if total >= P95_NEEDS else None, p99 if total >= P99_NEEDS else None
        )

    def _look_for_places(self, upto: Sequence[int]) -> None:
        for index, percent in enumerate(RANKED):
            self._places[index] = place = bisect_right(upto, int((self._total - 1) * percent / 100))
            self._before[index] = upto[place] - self.counts[place]

    def summary(self, percentiles: Percentiles | None = None, *, deviation: bool = True) -> Summary:
        """Its summary; without other percentiles with those of its histogram.

        `deviation`: whether the squares of the RTTs are in its sums.
        """
        if percentiles is not None or not deviation:
            return self._summarised(
                self.percentiles() if percentiles is None else percentiles, deviation=deviation
            )
        if self._summary is None:
            self._summary = self._summarised(self.percentiles(), deviation=True)
        return self._summary

    def _summarised(self, known: Percentiles, *, deviation: bool) -> Summary:
        up, down, up_ms, down_ms, sent, n, total_us, squares_us2, jitter_us, jitter_pairs = self.sums
        # In whole numbers, the difference of two large products loses nothing.
        squared = (n * squares_us2 - total_us * total_us) / (n * 1_000_000) if n else 0.0
        return Summary(
            rounds_up=up,
            rounds_down=down,
            up_s=up_ms / 1_000,
            down_s=down_ms / 1_000,
            sent=sent,
            received=n,
            rtt_min_ms=self.low_us / 1_000 if n and self.low_us is not None else None,
            rtt_max_ms=self.high_us / 1_000 if n and self.high_us is not None else None,
            rtt_mean_ms=total_us / (n * 1_000) if n else None,
            rtt_m2=squared if deviation else None,
            jitter_sum_ms=jitter_us / 1_000,
            jitter_pairs=jitter_pairs,
            percentiles_of=known.of,
            p50_ms=known.p50_ms,
            p95_ms=known.p95_ms,
            p99_ms=known.p99_ms,
        )


def _later(known: datetime | None, at: datetime | None) -> datetime | None:
    return at if known is None or (at is not None and at > known) else known


def _is_from(before: datetime | None, at: datetime | None) -> bool:
    """Whether `at` is known not to be before."""
    return before is not None and at is not None and at >= before
