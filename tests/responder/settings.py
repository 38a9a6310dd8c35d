"""How the hosts and routers of the network behave, as data."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A router on the way to a host. It answers the packets whose TTL (hop limit) ends at it."""

    address: str
    """Empty: it never answers."""
    or_address: str = ""
    """Every second answer comes from this one: packets take two ways."""
    delay_ms: float = 0.0
    """From the packet's leaving the machine to the answer's entering it, ms."""
    lose_every: int = 0
    """Every so manieth packet is not answered, counted from when the host was set: exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """How a host of the lab, or every host of a network, behaves."""

    delay_ms: float = 0.0
    """From the request's leaving the machine to the reply's entering it, ms."""
    delays_ms: tuple[float, ...] = ()
    """These delays take turns instead: replies come in another order than their requests went, ms."""
    jitter_ms: float = 0.0
    """The delay varies by up to this much either way, evenly, ms."""
    lose_every: int = 0
    """Every so manieth request is lost, counted from when the host was set: exact."""
    lose_share: float = 0.0
    """So many of all requests are lost, by chance from `seed`."""
    dead: bool = False
    dead_every: int = 0
    """Of a network: the hosts whose number in it (the last one of 10.78.1.2/16 is 258) this divides are dead."""
    answers_from: str = ""
    """Replies come from this address instead of the host's own."""
    truncate_to: int | None = None
    """Replies are cut to this many bytes of ICMP, header included; their checksums are right."""
    corrupt: Literal["", "checksum", "payload"] = ""
    """The payload's last bit is flipped in replies. `checksum`: the checksum is left and so gives it away;
    `payload`: the checksum is made anew, and only the payload tells."""
    unreachable_from: str = ""
    """A router of this address says that the host is unreachable."""
    unreachable_code: int | None = None
    """The code that it says so with; None: host unreachable (IPv4: 1, IPv6: 3)."""
    time_exceeded_from: str = ""
    """A router of this address says of every packet that its time to live is exceeded, as in a loop."""
    quote_bytes: int = 548
    """How much of the request routers quote, IP header included."""
    path: tuple[Router, ...] = ()
    """The routers on the way, the nearest first."""
    mtu: int = 0
    """The largest packet that the path lets pass whole, bytes, IP header included; 0: any. A larger one is dropped
    and complained of by `mtu_from`; an IPv4 packet that may be fragmented passes, and so does what came in
    fragments."""
    mtu_from: str | None = None
    """The router that says so. None: the last one of the path, or the lab's; empty: none does, a black hole."""
    copies: int = 1
    """Each reply comes so often."""
    forged: bool = False
    """A reply with the right numbers and the wrong payload comes first, at once."""
    seed: int = 1


def parse_host(settings: dict[str, Any]) -> Host:
    """The host that `dataclasses.asdict` made `settings` of, after a way through JSON."""
    path = tuple(Router(**router) for router in settings.pop("path"))
    return Host(**{**settings, "path": path, "delays_ms": tuple(settings["delays_ms"])})
