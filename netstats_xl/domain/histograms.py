"""Histograms of RTTs on a logarithmic scale: they merge by adding, and percentiles stay within 1 % whatever is merged.

Bin `i` holds the RTTs from `UNIT_MS * BASE**i` (inclusive) to `UNIT_MS * BASE**(i + 1)`. What is known of an RTT is
its bin's geometric middle, which no RTT of the bin is more than `sqrt(BASE) - 1` = 0.995 % away from; a percentile
is interpolated between two of them, so it is not further from the true one.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

BASE = 1.02
UNIT_MS = 0.01
SHORTEST_MS = 0.0001
"""What is shorter counts as this: a tenth of a microsecond is below what is measured."""


def bin_of(rtt_ms: float) -> int:
    """The bin of an RTT."""
    return math.floor(math.log(max(rtt_ms, SHORTEST_MS) / UNIT_MS) / math.log(BASE))


def middle_ms(number: int) -> float:
    """The geometric middle of a bin."""
    return UNIT_MS * math.exp((number + 0.5) * math.log(BASE))


def percentile_of(bins: Mapping[int, int], percent: float, *, low_ms: float, high_ms: float) -> float | None:
    """The percentile by linear interpolation between ranks, as `rollups.percentile`; None of no RTT.

    Args:
        bins: How many RTTs each bin holds.
        percent: 0 to 100.
        low_ms: The least of the RTTs, which no percentile is below.
        high_ms: The greatest.
    """
    numbers = sorted(bins)
    upto = list(accumulate(bins[number] for number in numbers))
    if not upto or not upto[-1]:
        return None
    total = upto[-1]
    below, above = (numbers[bisect_right(upto, rank)] for rank in ranks_of(total, percent))
    return interpolated(total, percent, below, above, low_ms=low_ms, high_ms=high_ms)


def ranks_of(total: int, percent: float) -> tuple[int, int]:
    """The ranks, from 0 on, between which the percentile of so many RTTs lies."""
    below = math.floor((total - 1) * percent / 100)
    return below, min(below + 1, total - 1)


def interpolated(
    total: int, percent: float, below: int, above: int, *, low_ms: float, high_ms: float
) -> float:
    """The percentile of so many RTTs between the bins that hold the two ranks of `ranks_of`, held within the bounds."""
    position = (total - 1) * percent / 100
    low, high = middle_ms(below), middle_ms(above)
    return min(max(low + (high - low) * (position - math.floor(position)), low_ms), high_ms)
