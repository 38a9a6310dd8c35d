"""Tests of the way to a host, on demand: the largest packet that it takes, and loss and RTT by payload size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression

from netstats_xl.domain.endpoints import parse_endpoint
from netstats_xl.domain.results import (
    NameNotResolved,
    Outcome,
    Replied,
    SendFailed,
    Unreachable,
    describe,
    packets_of,
    rtts_of,
)
from netstats_xl.domain.targets import Definitions, EchoSettings
from netstats_xl.errors import ConfigurationError
from netstats_xl.ports import Prober, ProbeTarget

SMALLEST_PAYLOAD, LARGEST_PAYLOAD = 16, 8_972
"""Bytes of an echo request's data; the largest fills a jumbo frame of 9,000 bytes (IPv4)."""
DEFAULT_SIZES = (56, 512, 1_024, 1_472)
MOST_SIZES = 20
_MOST_TRIES = 3
_LIKELY_MTUS = (1_500, 1_501, 9_000)
"""Tried first: most paths are Ethernet's, and this settles it after three sizes."""
_TOO_LARGE = ("too big", "larger than")
"""How the engines put it that a packet is too large for a link: trying again would only take longer."""
_IPV4_HEADERS, _IPV6_HEADERS = 28, 48
"""Bytes of the IP header without options and of the ICMP header."""


def _nobody(payload_bytes: int, passed: bool) -> None:
    """Hears of no size."""


OnSize = Callable[[int, bool], None]
"""Told of each size that was tried: its payload, and whether it was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMtu:
    """The path MTU to a host, or why it was not found."""

    host: str
    address: str = ""
    """Empty where the host has none."""
    mtu: int | None = None
    """The largest IP packet that the path takes in one piece, bytes; None: not found."""
    is_least: bool = False
    """Whether the largest packet that was tried passed: the MTU may be larger."""
    refused_by: str = ""
    """Who refuses larger packets and why, in words; empty where they are lost without a word."""
    problem: str = ""
    """Why the MTU was not found, in words."""

    def __str__(self) -> str:
        """One sentence."""
        if self.mtu is None:
            return f"The path MTU to {self.host} was not found: {self.problem}."
        if self.is_least:
            return (
                f"The path to {self.host} takes packets of {self.mtu:,} bytes, the largest that were tried."
            )
        why = (
            f"larger ones are refused: {self.refused_by}"
            if self.refused_by
            else "larger ones are lost without a word, by a router that does not tell, or the host does not answer them"
        )
        return f"The path to {self.host} takes packets of up to {self.mtu:,} bytes; {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeFigures:
    """What was found with one payload size."""

    payload_bytes: int
    sent: int
    received: int
    loss_percent: float | None
    """None where nothing was sent."""
    rtt_min_ms: float | None = None
    """None, as the next two, without a reply."""
    rtt_mean_ms: float | None = None
    rtt_max_ms: float | None = None
    reason: str = ""
    """Why there was no reply; empty where there was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadSweep:
    """Loss and RTT by payload size."""

    host: str
    address: str
    """Empty where the host has none."""
    sizes: tuple[SizeFigures, ...]

    @property
    def slope_ms_per_1000_bytes(self) -> float | None:
        """How much 1,000 bytes more lengthen the RTT, ms; None where fewer than two sizes were answered.

        By least squares over the least RTT of each size: what waits in queues on the way only ever adds to it. The
        bytes go there and back, so that a slowest link of r bit/s has a slope of 16,000,000 / r.
        """
        points = [(each.payload_bytes, each.rtt_min_ms) for each in self.sizes if each.rtt_min_ms is not None]
        if len({size for size, _ in points}) < 2:
            return None
        return linear_regression(*zip(*points, strict=True)).slope * 1_000

    def __str__(self) -> str:
        """One sentence."""
        silent = [each for each in self.sizes if not each.received]
        if len(silent) == len(self.sizes):
            return f"{self.host} does not answer: {silent[-1].reason}."
        slope = self.slope_ms_per_1000_bytes
        told = f"{self.host} answers {len(self.sizes) - len(silent)} of {len(self.sizes)} sizes"
        if slope is None:
            return f"{told}."
        return (
            f"{told}; 1,000 bytes more add {slope:.3g} ms."
            if slope > 0
            else f"{told}; larger ones take no longer."
        )


async def path_mtu(prober: Prober, host: str, *, on_size: OnSize = _nobody) -> PathMtu:
    """Find the path MTU by packets that must not be cut; a size counts as too large after three tries.

    It takes some seconds where larger packets are refused, and up to a minute where they are lost.

    Raises:
        ProbeEngineError: no packet can be sent at all.
    """
    search = _Search(prober, host, on_size)
    first = await search.outcome(SMALLEST_PAYLOAD)
    if not isinstance(first, Replied):
        address = "" if isinstance(first, NameNotResolved) else first.address
        return PathMtu(host=host, address=address, problem=_silence(first))
    headers = _IPV6_HEADERS if ":" in first.address else _IPV4_HEADERS
    passes, fails = SMALLEST_PAYLOAD, LARGEST_PAYLOAD + 1
    likely = [mtu - headers for mtu in _LIKELY_MTUS]
    while fails - passes > 1:
        inside = [size for size in likely if passes < size < fails]
        size = inside[0] if inside else (passes + fails) // 2
        if isinstance(await search.outcome(size), Replied):
            passes = size
        else:
            fails = size
    return PathMtu(
        host=host,
        address=first.address,
        mtu=passes + headers,
        is_least=passes == LARGEST_PAYLOAD,
        refused_by=search.refused_by(fails),
    )


class _Search:
    """Tries sizes, and remembers who refused them."""

    def __init__(self, prober: Prober, host: str, on_size: OnSize) -> None:
        self._prober = prober
        self._host = host
        self._on_size = on_size
        self._refused: dict[int, Unreachable | SendFailed] = {}

    def refused_by(self, payload_bytes: int) -> str:
        """Who refused this size, in words; empty: nobody.

        Where this computer did, it may know from a router that refused a larger one: the router is named then.
        """
        found = self._refused.get(payload_bytes)
        if found is None:
            return ""
        routers = [size for size, refusal in self._refused.items() if isinstance(refusal, Unreachable)]
        if isinstance(found, SendFailed) and routers:
            found = self._refused[min(routers)]
        return describe(found)

    async def outcome(self, payload_bytes: int) -> Outcome:
        """The reply to a size, or what befell the last of three tries; of fewer, where it is said to be too large."""
        settings = EchoSettings(packets=1, payload_bytes=payload_bytes, dont_fragment=True)
        for _ in range(_MOST_TRIES):
            outcome = await _probe(self._prober, self._host, settings)
            if isinstance(outcome, (Replied, NameNotResolved)):
                break
            if isinstance(outcome, Unreachable):
                self._refused[payload_bytes] = outcome
            elif isinstance(outcome, SendFailed):
                self._refused.setdefault(payload_bytes, outcome)
            if any(words in describe(outcome) for words in _TOO_LARGE):
                break
        self._on_size(payload_bytes, isinstance(outcome, Replied))
        return outcome


async def payload_sweep(
    prober: Prober, host: str, sizes: Sequence[int] = DEFAULT_SIZES, *, on_size: OnSize = _nobody
) -> PayloadSweep:
    """Send ten packets of each size, and find loss and RTT of each; larger ones than the path takes may be cut.

    `sizes`: bytes of payload, at least one. Each takes a second or two.

    Raises:
        ProbeEngineError: no packet can be sent at all.
    """
    rows: list[SizeFigures] = []
    address = ""
    for size in sizes:
        settings = EchoSettings(packets=10, packet_interval_ms=100, payload_bytes=size)
        outcome = await _probe(prober, host, settings)
        rows.append(_figures(size, outcome))
        on_size(size, isinstance(outcome, Replied))
        if isinstance(outcome, NameNotResolved):
            break
        address = outcome.address
    return PayloadSweep(host=host, address=address, sizes=tuple(rows))


def parse_sizes(text: str) -> tuple[int, ...]:
    """Payload sizes as a user writes them, ascending, each once: `56,512,1024,1472`.

    Raises:
        ValueError: what is wrong with them.
    """
    words = [word for word in text.replace(";", ",").replace(",", " ").split() if word]
    if not words or not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise ValueError("this is no list of sizes: write bytes separated by commas, for example 56,512,1472")
    sizes = sorted({int(word) for word in words})
    if not SMALLEST_PAYLOAD <= sizes[0] <= sizes[-1] <= LARGEST_PAYLOAD:
        raise ValueError(f"a payload has {SMALLEST_PAYLOAD} to {LARGEST_PAYLOAD:,} bytes")
    if len(sizes) > MOST_SIZES:
        raise ValueError(f"these are {len(sizes)} sizes, and at most {MOST_SIZES} are tried: leave some out")
    return tuple(sizes)


def host_of(definitions: Definitions, text: str) -> str:
    """The host that is meant: that of the destination of this name, or else of the text itself; of a service, its host.

    Raises:
        ConfigurationError: it is no host that can be pinged.
    """
    wanted = text.strip()
    by_name = {each.name.casefold(): each.host for each in definitions.destinations}
    host = by_name.get(wanted.casefold(), wanted)
    try:
        return parse_endpoint(host).host
    except ValueError as error:
        raise ConfigurationError(
            f"{wanted[:80]!r} is the name of no destination, and no host: {error}."
        ) from error


async def _probe(prober: Prober, host: str, settings: EchoSettings) -> Outcome:
    (result,) = await prober.probe([ProbeTarget(destination_id="", host=host)], settings)
    return result.outcome


def _silence(outcome: Outcome) -> str:
    if isinstance(outcome, NameNotResolved):
        return describe(outcome)
    return f"the host does not answer ({describe(outcome)})"


def _figures(size: int, outcome: Outcome) -> SizeFigures:
    sent, received = packets_of(outcome)
    rtts_ms = [rtt for rtt in rtts_of(outcome) if rtt is not None]
    return SizeFigures(
        payload_bytes=size,
        sent=sent,
        received=received,
        loss_percent=100 * (1 - received / sent) if sent else None,
        rtt_min_ms=min(rtts_ms, default=None),
        rtt_mean_ms=fmean(rtts_ms) if rtts_ms else None,
        rtt_max_ms=max(rtts_ms, default=None),
        reason=describe(outcome),
    )
