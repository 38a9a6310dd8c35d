"""A train: the packets of one round over one socket, in the order in which they go, and what befell each. Pure.

A train of n lines (destinations, or TTLs of a trace) with m packets each has n x m packets: the first packet of each
line, then the second of each, and so on. Packet k belongs to line k % n. What is known of the packets lies in flat
arrays, so that 10,000 destinations cost no objects of their own while their packets are on the way.
"""

import os
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from netstats_xl.domain.results import NO_STRAYS, Strays
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.packets import PAYLOAD_HEAD_BYTES, Complaint, filler

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class WireOptions:
    """What the IP header of a packet says besides its addresses; None: as the system has it."""

    ttl: int | None = None
    dscp: int | None = None
    dont_fragment: bool = False


class ComplaintReceived(NamedTuple):
    """An ICMP error about a packet, and when it came after it."""

    complaint: Complaint
    rtt_ms: float


@dataclass(slots=True)
class LineStrays:
    """Replies of a line that count for nothing."""

    duplicates: int = 0
    late: int = 0
    corrupted: int = 0
    elsewhere: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """How a train's packets go."""

    packets: int
    """A line."""
    interval_s: float
    """From one packet of a line to its next."""
    timeout_s: float
    payload_bytes: int = 56
    options: WireOptions = WireOptions()
    ttls: Sequence[int] | None = None
    """The TTL of each line; None: that of the options. With TTLs, an ICMP error settles a packet as a reply does."""
    one_way: bool = False
    """Whether all packets have the same checksum: routers that share packets out over several ways by their first
    bytes then send them all the same way (as Paris traceroute does)."""
    spacing_s: float = 0.0
    """Between the first packets of two lines, at least, s."""


class Train:
    """Its plan, and what befell its packets so far."""

    __slots__ = (
        "addresses",
        "base",
        "begin",
        "cancelled",
        "complaints",
        "complete",
        "failures",
        "family",
        "filler",
        "lines",
        "next",
        "number",
        "on_end",
        "open",
        "packets",
        "plan",
        "rtts_ms",
        "sent_at",
        "sequence",
        "settling_complaints",
        "sockaddrs",
        "sources",
        "strays",
        "timeout_s",
        "tokens",
    )

    def __init__(
        self,
        addresses: Sequence[Address],
        plan: TrainPlan,
        *,
        on_end: Callable[[], None] = lambda: None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Make a train that has not begun.

        Args:
            addresses: of each line, all of one family; at least one.
            plan: how its packets go.
            on_end: called when nothing more can befall it or it was given up, on any thread, maybe twice.
            random_bytes: gives that many unpredictable bytes.
        """
        self.plan = plan
        self.addresses = addresses
        self.family: Family = addresses[0].family
        self.sockaddrs = [each.sockaddr for each in addresses]
        self.sources = [each.packed for each in addresses]
        self.filler = filler(plan.payload_bytes - PAYLOAD_HEAD_BYTES)
        """What follows token and index in each payload."""
        self.lines = len(addresses)
        self.packets = self.lines * plan.packets
        self.number = 0
        """Among the engine's trains."""
        self.base = 0
        """The index of its first packet, over all trains."""
        self.sequence = 0
        """The sequence number of its first packet."""
        self.begin = 0.0
        """When its first packet is due, s."""
        self.next = 0
        """The packet that is sent next."""
        self.open = self.packets
        """Packets that are neither answered nor failed; unsent ones are open too."""
        self.cancelled = False
        self.complete = False
        """Whether everything befell it that could, once it has ended."""
        self.tokens = array("Q", random_bytes(8 * self.packets))
        self.sent_at = array("d", (NAN,)) * self.packets
        """When each was sent, s; NaN: it was not, or does not count."""
        self.rtts_ms = array("d", (NAN,)) * self.packets
        """NaN: no reply."""
        self.complaints: dict[int, ComplaintReceived] = {}
        """The last ICMP error about each packet."""
        self.settling_complaints: Mapping[int, ComplaintReceived] = (
            {} if plan.ttls is None else self.complaints
        )
        """Those that settle their packets, as replies do."""
        self.failures: dict[int, str] = {}
        """Why a packet could not be sent."""
        self.strays: dict[int, LineStrays] = {}
        self.on_end = on_end
        self.timeout_s = plan.timeout_s

    def start(self, number: int, sequence: int, begin: float) -> None:
        """Take a place among the engine's trains."""
        self.number, self.sequence, self.begin = number, sequence, begin
        self.base = number << 32
        if self.plan.one_way:
            for k, token in enumerate(self.tokens):
                rest = token & ~0xFFFF
                # The checksum is the sum of the words: see `packets.sum_of_words`.
                self.tokens[k] = rest + -(rest + ((sequence + k) & 0xFFFF) + self.base + k) % 0xFFFF

    def ready(self, now: float) -> int:
        """How many packets, from the next one on, are due and may go at once: all of the same pass."""
        k = self.next
        if k >= self.packets:
            return 0
        pass_, line = divmod(k, self.lines)
        since = now - self.begin - pass_ * self.plan.interval_s
        if since < 0:
            return 0
        left = self.lines - line
        count = min(left, int(since / self.plan.spacing_s) + 1 - line) if self.plan.spacing_s > 0 else left
        if pass_ and count > 0:
            # Keeps to the plan; where sending fell behind, a line's packets do not bunch up either.
            latest = now - self.plan.interval_s / 2
            if self.sent_at[k - self.lines] > latest:
                return 0
            if self.sent_at[k - self.lines + count - 1] > latest:
                return 1
        return max(count, 0)

    def due_at(self) -> float:
        """When the next packet is due, s; only while there is one."""
        pass_, line = divmod(self.next, self.lines)
        due = self.begin + pass_ * self.plan.interval_s + line * self.plan.spacing_s
        if pass_:
            before = self.sent_at[self.next - self.lines]
            if before + self.plan.interval_s / 2 > due:
                return before + self.plan.interval_s / 2
        return due

    def ends_at(self) -> float:
        """When the last packet's time is over, s; only once all were sent."""
        k = self.packets
        while k and self.sent_at[k - 1] != self.sent_at[k - 1]:
            k -= 1
        return self.sent_at[k - 1] + self.plan.timeout_s if k else self.begin

    def fail(self, k: int, reason: str) -> None:
        """The packet could not be sent: it counts neither as sent nor as lost."""
        self.failures[k] = reason
        self.sent_at[k] = NAN
        self.open -= 1

    def void_unanswered(self, reason: str, since: float) -> None:
        """Let the packets that were on their way at a time, s, count for nothing: the computer slept from then on.

        A packet whose time was over by then stays lost, and one that an ICMP error has settled stays settled.
        """
        for k in range(self.next):
            if not self.sent_at[k] + self.timeout_s >= since or self.rtts_ms[k] == self.rtts_ms[k]:
                continue
            if k not in self.settling_complaints:
                self.fail(k, reason)

    def stray(self, line: int) -> LineStrays:
        """The strays of a line, to be counted up."""
        return self.strays.setdefault(line, LineStrays())

    def strays_of(self, line: int) -> Strays:
        """The strays of a line."""
        found = self.strays.get(line)
        if found is None:
            return NO_STRAYS
        return Strays(
            duplicates=found.duplicates,
            late=found.late,
            corrupted=found.corrupted,
            elsewhere=found.elsewhere,
        )
