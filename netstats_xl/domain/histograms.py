"""Histograms of RTTs on a logarithmic scale: they merge by adding, and percentiles stay within 1 % whatever is merged.

Bin `i` holds the RTTs from `UNIT_MS * BASE**i` (inclusive) to `UNIT_MS * BASE**(i + 1)`. What is known of an RTT is
its bin's geometric middle, which no RTT of the bin is more than `sqrt(BASE) - 1` = 0.995 % away from; a percentile
is interpolated between two of them, so it is not further from the true one.
"""

import math
from collections.abc import Mapping

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
    total = sum(bins.values())
    if not total:
        return None
    position = (total - 1) * percent / 100
    below = math.floor(position)
    part = position - below
    low, high = _of_rank(bins, below), _of_rank(bins, min(below + 1, total - 1))
    return min(max(low + (high - low) * part, low_ms), high_ms)


def _of_rank(bins: Mapping[int, int], rank: int) -> float:
    """The middle of the bin that holds the RTT of this rank, from 0 on."""
    for number in sorted(bins):
        rank -= bins[number]
        if rank < 0:
            return middle_ms(number)
    raise ValueError("there are fewer RTTs than that")
