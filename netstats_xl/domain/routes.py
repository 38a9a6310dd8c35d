"""The route to a host, as a traceroute finds it: the routers on the way, and the loss and RTT up to each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MOST_ADDRESSES = 16
"""Of one hop that are remembered: more than any router balances its load over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopReply:
    """A router, or the host itself, answered a packet."""

    address: str
    rtt_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """The packets that were allowed so many hops."""

    ttl: int
    """From 1."""
    sent: int
    replies: tuple[HopReply, ...] = ()
    """In the order of sending; packets without a reply are left out."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Who answered, each once, in order of appearance; several where packets take several ways."""
        return tuple(dict.fromkeys(reply.address for reply in self.replies))

    @property
    def loss_percent(self) -> float:
        """Packets without a reply, %. Many routers answer only some, so a loss here that the next hop lacks is none."""
        return 100 * (self.sent - len(self.replies)) / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one traceroute found."""

    address: str
    """Of the host."""
    hops: tuple[Hop, ...]
    """From TTL 1 up to the host, or to the last one that answered."""
    reached: bool
    """Whether the host itself answered."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Host names by address, of those that have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RttStatistics:
    """The RTTs of a hop that answered at least once, ms."""

    count: int
    last_ms: float
    best_ms: float
    mean_ms: float
    worst_ms: float
    squares_ms2: float
    """Sum of the squared differences from the mean: with it the standard deviation can be merged."""

    @property
    def stdev_ms(self) -> float:
        """Population standard deviation."""
        return math.sqrt(self.squares_ms2 / self.count)

    def merged(self, later: "RttStatistics") -> "RttStatistics":
        """Those of both; `later` tells the last RTT.

        Mean and squares after Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance" (1983).
        """
        count = self.count + later.count
        apart = later.mean_ms - self.mean_ms
        return RttStatistics(
            count=count,
            last_ms=later.last_ms,
            best_ms=min(self.best_ms, later.best_ms),
            mean_ms=self.mean_ms + apart * later.count / count,
            worst_ms=max(self.worst_ms, later.worst_ms),
            squares_ms2=self.squares_ms2 + later.squares_ms2 + apart**2 * self.count * later.count / count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HopStatistics:
    """What is known of one hop over many traces, as mtr shows it; statistics of two times merge into those of both."""

    ttl: int
    sent: int
    addresses: tuple[str, ...] = ()
    """Who answered, each once, in order of appearance: the last `MOST_ADDRESSES` of them."""
    rtts: RttStatistics | None = None
    """None: nobody answered."""

    @property
    def received(self) -> int:
        """Packets with a reply."""
        return self.rtts.count if self.rtts else 0

    @property
    def loss_percent(self) -> float | None:
        """Packets without a reply, %; None where none was sent."""
        return 100 * (self.sent - self.received) / self.sent if self.sent else None

    def merged(self, later: "HopStatistics") -> "HopStatistics":
        """Those of both."""
        both = self.rtts and later.rtts and self.rtts.merged(later.rtts)
        return HopStatistics(
            ttl=self.ttl,
            sent=self.sent + later.sent,
            addresses=tuple(dict.fromkeys((*self.addresses, *later.addresses)))[-MOST_ADDRESSES:],
            rtts=both or later.rtts or self.rtts,
        )


def statistics_of(trace: Trace) -> tuple[HopStatistics, ...]:
    """The statistics of a single trace's hops."""
    return tuple(
        HopStatistics(
            ttl=hop.ttl,
            sent=hop.sent,
            addresses=hop.addresses[-MOST_ADDRESSES:],
            rtts=_rtts([reply.rtt_ms for reply in hop.replies]),
        )
        for hop in trace.hops
    )


def merge_hops(before: Iterable[HopStatistics], later: Iterable[HopStatistics]) -> tuple[HopStatistics, ...]:
    """Hop by hop the statistics of both, in order of the TTL; a hop that only one has stays as it is."""
    merged = {hop.ttl: hop for hop in before}
    for hop in later:
        merged[hop.ttl] = merged[hop.ttl].merged(hop) if hop.ttl in merged else hop
    return tuple(merged[ttl] for ttl in sorted(merged))


def _rtts(rtts_ms: Sequence[float]) -> RttStatistics | None:
    if not rtts_ms:
        return None
    mean_ms = sum(rtts_ms) / len(rtts_ms)
    return RttStatistics(
        count=len(rtts_ms),
        last_ms=rtts_ms[-1],
        best_ms=min(rtts_ms),
        mean_ms=mean_ms,
        worst_ms=max(rtts_ms),
        squares_ms2=sum((rtt_ms - mean_ms) ** 2 for rtt_ms in rtts_ms),
    )
