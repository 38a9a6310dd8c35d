"""Statistics of rounds, as the About sheet defines them.

A :class:`Summary` holds what is needed to derive every figure but the percentiles from counts and moments,
so that two summaries of disjoint samples can be merged exactly; percentiles are of the pooled RTTs and are
known only to the summary that was made from them.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import sub

from netstats_xl.domain.results import Outcome, Replied, Sample, packets_of, rtts_of

P95_NEEDS = 20
"""RTTs below which a 95th percentile means nothing."""
P99_NEEDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Statistics of a set of rounds. RTTs in ms; None where there are too few to say."""

    rounds_up: int = 0
    rounds_down: int = 0
    up_s: float = 0.0
    """Time that the rounds with a reply stand for: the sum of their jobs' intervals, s."""
    down_s: float = 0.0
    sent: int = 0
    received: int = 0
    rtt_min_ms: float | None = None
    rtt_max_ms: float | None = None
    rtt_mean_ms: float | None = None
    rtt_m2: float | None = 0.0
    """Sum of squared differences of the RTTs from their mean, ms². None: it was not asked for."""
    jitter_sum_ms: float = 0.0
    """Sum of absolute differences of consecutive RTTs of a round, ms."""
    jitter_pairs: int = 0
    percentiles_of: int = 0
    """How many RTTs the percentiles rest on: as many as were received, or fewer where no histogram is left of them.
    0: the percentiles were not asked for, or are of several summaries that were merged."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    @property
    def loss_percent(self) -> float | None:
        """Lost of sent packets, %. None where none was sent."""
        return 100 * (self.sent - self.received) / self.sent if self.sent else None

    @property
    def stdev_ms(self) -> float | None:
        """Population standard deviation of the RTTs, ms."""
        if not self.received or self.rtt_m2 is None:
            return None
        return math.sqrt(max(self.rtt_m2, 0.0) / self.received)

    @property
    def jitter_ms(self) -> float | None:
        """Mean absolute difference of consecutive RTTs within a round, ms (PingPlotter's and icmplib's rule)."""
        return self.jitter_sum_ms / self.jitter_pairs if self.jitter_pairs else None

    @property
    def availability_percent(self) -> float | None:
        """Time up of time measured, %."""
        measured_s = self.up_s + self.down_s
        return 100 * self.up_s / measured_s if measured_s else None

    @property
    def mos(self) -> float | None:
        """Mean opinion score, 1 to 4.5. None without a jitter, which a MOS needs."""
        if self.rtt_mean_ms is None or self.jitter_ms is None or self.loss_percent is None:
            return None
        return mos(rtt_ms=self.rtt_mean_ms, jitter_ms=self.jitter_ms, loss_percent=self.loss_percent)


EMPTY = Summary()


def summarise(samples: Iterable[Sample]) -> Summary:
    """The summary of the samples, from their raw RTTs."""
    rtts: list[float] = []
    rounds = {True: 0, False: 0}
    seconds = {True: 0.0, False: 0.0}
    total_sent = 0
    jitter_sum_ms, jitter_pairs = 0.0, 0
    for sample in samples:
        sent, received = packets_of(sample.outcome)
        total_sent += sent
        rounds[received > 0] += 1
        seconds[received > 0] += sample.interval_s
        rtts.extend(rtt for rtt in rtts_of(sample.outcome) if rtt is not None)
        differences = jitter_differences(ordered_rtts_of(sample.outcome))
        jitter_sum_ms += math.fsum(differences)
        jitter_pairs += len(differences)
    rtts.sort()
    mean = math.fsum(rtts) / len(rtts) if rtts else None
    return Summary(
        rounds_up=rounds[True],
        rounds_down=rounds[False],
        up_s=seconds[True],
        down_s=seconds[False],
        sent=total_sent,
        received=len(rtts),
        rtt_min_ms=rtts[0] if rtts else None,
        rtt_max_ms=rtts[-1] if rtts else None,
        rtt_mean_ms=mean,
        rtt_m2=math.fsum((rtt - mean) ** 2 for rtt in rtts) if mean is not None else 0.0,
        jitter_sum_ms=jitter_sum_ms,
        jitter_pairs=jitter_pairs,
        percentiles_of=len(rtts),
        p50_ms=percentile(rtts, 50),
        p95_ms=percentile(rtts, 95) if len(rtts) >= P95_NEEDS else None,
        p99_ms=percentile(rtts, 99) if len(rtts) >= P99_NEEDS else None,
    )


def merge(one: Summary, other: Summary) -> Summary:
    """The summary of both sets of rounds, without percentiles.

    Mean and squared differences by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances" (1979).
    """
    received = one.received + other.received
    m2 = None if one.rtt_m2 is None or other.rtt_m2 is None else one.rtt_m2 + other.rtt_m2
    if one.rtt_mean_ms is None or other.rtt_mean_ms is None:
        mean = other.rtt_mean_ms if one.rtt_mean_ms is None else one.rtt_mean_ms
    else:
        delta = other.rtt_mean_ms - one.rtt_mean_ms
        mean = one.rtt_mean_ms + delta * other.received / received
        if m2 is not None:
            m2 += delta * delta * one.received * other.received / received
    lows = [low for low in (one.rtt_min_ms, other.rtt_min_ms) if low is not None]
    highs = [high for high in (one.rtt_max_ms, other.rtt_max_ms) if high is not None]
    return Summary(
        rounds_up=one.rounds_up + other.rounds_up,
        rounds_down=one.rounds_down + other.rounds_down,
        up_s=one.up_s + other.up_s,
        down_s=one.down_s + other.down_s,
        sent=one.sent + other.sent,
        received=received,
        rtt_min_ms=min(lows, default=None),
        rtt_max_ms=max(highs, default=None),
        rtt_mean_ms=mean,
        rtt_m2=m2,
        jitter_sum_ms=one.jitter_sum_ms + other.jitter_sum_ms,
        jitter_pairs=one.jitter_pairs + other.jitter_pairs,
    )


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The percentile of ascending values by linear interpolation, as Excel's PERCENTILE.INC. None of none."""
    if not ordered:
        return None
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def ordered_rtts_of(outcome: Outcome) -> tuple[float | None, ...]:
    """What a jitter may be taken of: the RTTs in the order of sending; none where that is not known."""
    return () if isinstance(outcome, Replied) and not outcome.in_order else rtts_of(outcome)


def jitter_differences(rtts_ms: Sequence[float | None]) -> list[float]:
    """Absolute differences of consecutive RTTs, ms; a pair that a lost packet separates has none."""
    if None not in rtts_ms:  # nearly always, and three times as fast
        return list(map(abs, map(sub, rtts_ms[1:], rtts_ms)))
    return [
        abs(after - before) for before, after in pairwise(rtts_ms) if before is not None and after is not None
    ]


def jitter_rfc3550(rounds: Iterable[Sequence[float | None]]) -> float | None:
    """RFC 3550's interarrival jitter, `J += (|D| - J) / 16` from 0, over the rounds in order of time, ms."""
    jitter, pairs = 0.0, 0
    for rtts_ms in rounds:
        for difference in jitter_differences(rtts_ms):
            jitter += (difference - jitter) / 16
            pairs += 1
    return jitter if pairs else None


def mos(*, rtt_ms: float, jitter_ms: float, loss_percent: float) -> float:
    """Mean opinion score, 1 to 4.5: ITU-T G.107's E-model with G.711 (Bpl 25.1)."""
    delay_ms = rtt_ms / 2 + 2 * jitter_ms + 10
    delay_impairment = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    loss_impairment = 95 * loss_percent / (loss_percent + 25.1)
    rating = 93.2 - delay_impairment - loss_impairment
    if rating <= 0:
        return 1.0
    return min(max(1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating), 1.0), 4.5)


def histogram_edges(low_ms: float, high_ms: float, bins: int = 20) -> tuple[float, ...]:
    """Ascending edges of equal bins of a round width that cover low to high, ms.

    The width is 1, 2 or 5 times a power of ten, so at most `2.5 * bins` and usually about `bins` bins result.
    """
    width = nice_step(max(high_ms - low_ms, 1e-3) / bins)
    first = math.floor(low_ms / width)
    last = max(math.floor(high_ms / width) + 1, first + 1)
    return tuple(round(index * width, 9) for index in range(first, last + 1))


def nice_step(at_least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `at_least` (> 0)."""
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= at_least)
