"""What rounds add up to, in whole numbers: adding and taking away are exact, in whatever order."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple, Self

from netstats_xl.domain.histograms import interpolated, ranks_of
from netstats_xl.domain.rollups import P95_NEEDS, P99_NEEDS, Summary


class Sums(NamedTuple):
    """Of a set of rounds: how many, and the sums of their RTTs. Two sets without a round in common add up."""

    up: int = 0
    down: int = 0
    up_ms: int = 0
    """Time that the rounds with a reply stand for, ms."""
    down_ms: int = 0
    sent: int = 0
    received: int = 0
    total_us: int = 0
    squares_us2: int = 0
    jitter_us: int = 0
    jitter_pairs: int = 0


class Percentiles(NamedTuple):
    """Percentiles in ms, None where too few RTTs are known to say, and how many they rest on."""

    of: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


NO_PERCENTILES = Percentiles()
RANKED = (50, 95, 99)
"""The percentiles that a summary has."""


def percentiles_between(
    total: int, bins: Iterable[tuple[int, int]], low_us: int | None, high_us: int | None
) -> Percentiles:
    """The percentiles of so many RTTs.

    Args:
        total: How many.
        bins: For each of `RANKED` the bins that hold its two ranks.
        low_us: The least of the RTTs.
        high_us: The greatest.
    """
    if not total or low_us is None or high_us is None:
        return NO_PERCENTILES
    p50, p95, p99 = (
        interpolated(total, percent, below, above, low_ms=low_us / 1_000, high_ms=high_us / 1_000)
        for percent, (below, above) in zip(RANKED, bins, strict=True)
    )
    return Percentiles(total, p50, p95 if total >= P95_NEEDS else None, p99 if total >= P99_NEEDS else None)


class Tally:
    """Sums, bounds and a histogram that rounds are added to and taken away from."""

    __slots__ = ("counts", "first_bin", "high_us", "low_us", "sums")

    def __init__(self) -> None:
        self.sums = Sums()
        self.low_us: int | None = None
        self.high_us: int | None = None
        self.first_bin = 0
        self.counts: array[int] = array("q")
        """Of each bin from the first on."""

    def add(self, sums: Sums, low_us: int | None, high_us: int | None) -> None:
        """Add rounds; the bounds of their RTTs are None where there was no reply."""
        self.sums = Sums(*map(int.__add__, self.sums, sums))
        if low_us is not None:
            self.low_us = low_us if self.low_us is None else min(self.low_us, low_us)
        if high_us is not None:
            self.high_us = high_us if self.high_us is None else max(self.high_us, high_us)

    def take_away(self, other: Self) -> bool:
        """Take away rounds that were added; whether the bounds of those that remain have to be found anew."""
        self.sums = Sums(*map(int.__sub__, self.sums, other.sums))
        self.count(enumerate(other.counts, start=other.first_bin), -1)
        if not self.sums.received:
            self.low_us = self.high_us = None
            return False
        return other.low_us is not None and (other.low_us == self.low_us or other.high_us == self.high_us)

    def count(self, bins: Iterable[tuple[int, int]], sign: int = 1) -> None:
        """Add the RTTs of each bin, or with -1 take them away."""
        for number, count in bins:
            place = number - self.first_bin
            if not self.counts:
                self.first_bin, place = number, 0
                self.counts.append(0)
            elif place < 0:
                self.counts = array("q", [0] * -place) + self.counts
                self.first_bin, place = number, 0
            elif place >= len(self.counts):
                self.counts.extend([0] * (place + 1 - len(self.counts)))
            self.counts[place] += sign * count

    def merge(self, other: Self) -> None:
        """Add the rounds of another."""
        self.add(other.sums, other.low_us, other.high_us)
        self.count(enumerate(other.counts, start=other.first_bin))

    def percentiles(self) -> Percentiles:
        """The percentiles of its histogram."""
        upto = list(accumulate(self.counts))
        if not upto or not upto[-1]:
            return NO_PERCENTILES
        total, first = upto[-1], self.first_bin
        bins = [
            (first + bisect_right(upto, below), first + bisect_right(upto, above))
            for below, above in (ranks_of(total, percent) for percent in RANKED)
        ]
        return percentiles_between(total, bins, self.low_us, self.high_us)

    def summary(self, percentiles: Percentiles | None = None, *, deviation: bool = True) -> Summary:
        """Its summary; without other percentiles with those of its histogram.

        `deviation`: whether the squares of the RTTs are in its sums.
        """
        sums, n, total_us = self.sums, self.sums.received, self.sums.total_us
        known = self.percentiles() if percentiles is None else percentiles
        # In whole numbers, the difference of two large products loses nothing.
        squared = (n * sums.squares_us2 - total_us * total_us) / (n * 1_000_000) if n else 0.0
        return Summary(
            rounds_up=sums.up,
            rounds_down=sums.down,
            up_s=sums.up_ms / 1_000,
            down_s=sums.down_ms / 1_000,
            sent=sums.sent,
            received=n,
            rtt_min_ms=None if self.low_us is None else self.low_us / 1_000,
            rtt_max_ms=None if self.high_us is None else self.high_us / 1_000,
            rtt_mean_ms=total_us / (n * 1_000) if n else None,
            rtt_m2=squared if deviation else None,
            jitter_sum_ms=sums.jitter_us / 1_000,
            jitter_pairs=sums.jitter_pairs,
            percentiles_of=known.of,
            p50_ms=known.p50_ms,
            p95_ms=known.p95_ms,
            p99_ms=known.p99_ms,
        )
