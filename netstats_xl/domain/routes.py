"""The route to a host, as a traceroute finds it: the routers on the way, and the loss and RTT up to each."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
