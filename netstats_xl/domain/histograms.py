"""Histograms of RTTs on a logarithmic scale: they merge by adding, and percentiles stay within 1 % whatever is merged.

Bin `i` holds the RTTs from `UNIT_MS * BASE**i` (inclusive) to `UNIT_MS * BASE**(i + 1)`. What is known of an RTT is
its bin's geometric middle, which no RTT of the bin is more than `sqrt(BASE) - 1` = 0.995 % away from; a percentile
is interpolated between two of them, so it is not further from the true one.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate

BASE = 1.02
UNIT_MS = 0.01
SHORTEST_MS = 0.0001
"""What is shorter counts as this: a tenth of a microsecond is below what is measured."""


def bin_of(rtt_ms: float) -> int:
    """The bin of an RTT."""
    return math.floor(math.log(max(rtt_ms, SHORTEST_MS) / UNIT_MS) / math.log(BASE))


@cache
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
    return percentile_among(numbers, upto, percent, low_ms, high_ms)


def percentile_among(
    numbers: Sequence[int], upto: Sequence[int], percent: float, low_ms: float, high_ms: float
) -> float:
    """As `percentile_of`, of bins of ascending numbers and how many RTTs there are up to each; in all at least one."""
    position = (upto[-1] - 1) * percent / 100
    rank = int(position)
    place = bisect_right(upto, rank)
    value = middle_ms(numbers[place])
    if position > rank and rank + 1 >= upto[place]:
        value += (middle_ms(numbers[bisect_right(upto, rank + 1)]) - value) * (position - rank)
    return low_ms if value < low_ms else high_ms if value > high_ms else value
