"""What rounds add up to, in whole numbers: adding and taking away are exact, in whatever order."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import add, sub
from typing import NamedTuple, Self

from netstats_xl.domain.histograms import percentile_among
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
    """Sums, bounds and a histogram that rounds are added to and taken away from."""

    __slots__ = ("counts", "first_bin", "high_us", "low_us", "sums")

    def __init__(self) -> None:
        self.sums = [0] * len(SUMS)
        self.low_us: int | None = None
        """Of the RTTs, as `high_us`; None where there was no reply."""
        self.high_us: int | None = None
        self.first_bin = 0
        self.counts: array[int] = array("q")
        """Of each bin from the first on."""

    @property
    def empty(self) -> bool:
        """Whether there is no round in it."""
        return not self.sums[_UP] and not self.sums[_DOWN]

    def add(self, sums: Iterable[int], low_us: int | None, high_us: int | None) -> None:
        """Add rounds, or some of their sums; the bounds are None where there was no reply."""
        self.sums = list(map(add, self.sums, sums))
        if low_us is not None and (self.low_us is None or low_us < self.low_us):
            self.low_us = low_us
        if high_us is not None and (self.high_us is None or high_us > self.high_us):
            self.high_us = high_us

    def take_away(self, sums: Iterable[int], low_us: int | None, high_us: int | None) -> bool:
        """Take away what was added; whether the bounds may have gone with it, so that they have to be found anew."""
        self.sums = list(map(sub, self.sums, sums))
        return low_us is not None and (low_us == self.low_us or high_us == self.high_us)

    def count(self, numbers: Sequence[int], counts: Iterable[int], sign: int = 1) -> None:
        """Add to the histogram as many RTTs in each of the bins of these numbers, or take them away with -1."""
        if not numbers:
            return
        low, high = min(numbers), max(numbers)
        if not self.counts:
            self.first_bin = low
        if low < self.first_bin:
            self.counts = array("q", bytes(8 * (self.first_bin - low))) + self.counts
            self.first_bin = low
        missing = high + 1 - self.first_bin - len(self.counts)
        if missing > 0:
            self.counts.frombytes(bytes(8 * missing))
        first, known = self.first_bin, self.counts
        for number, count in zip(numbers, counts, strict=True):
            known[number - first] += sign * count

    def merge(self, other: Self) -> None:
        """Add the rounds of another."""
        self.add(other.sums, other.low_us, other.high_us)
        self.count(range(other.first_bin, other.first_bin + len(other.counts)), other.counts)

    def percentiles(self) -> Percentiles:
        """The percentiles of its histogram."""
        numbers = range(self.first_bin, self.first_bin + len(self.counts))
        return percentiles_among(numbers, list(accumulate(self.counts)), self.low_us, self.high_us)

    def summary(self, percentiles: Percentiles | None = None, *, deviation: bool = True) -> Summary:
        """Its summary; without other percentiles with those of its histogram.

        `deviation`: whether the squares of the RTTs are in its sums.
        """
        up, down, up_ms, down_ms, sent, n, total_us, squares_us2, jitter_us, jitter_pairs = self.sums
        known = self.percentiles() if percentiles is None else percentiles
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
