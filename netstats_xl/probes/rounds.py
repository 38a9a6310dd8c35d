"""What one round finds of one destination, folded from what befalls its packets. Pure."""

from dataclasses import dataclass, field

from netstats_xl.domain.results import Outcome, Replied, SendFailed, Timeout, Unreachable
from netstats_xl.probes.addresses import Address


@dataclass(slots=True, kw_only=True, eq=False)
class Progress:
    """The packets of one destination in one round: sent, awaited, answered, lost."""

    address: Address
    to_send: int
    """Packets that are yet to be sent."""
    awaited: int = 0
    """Packets sent and neither answered nor given up."""
    rtts_ms: list[float | None] = field(default_factory=list)
    reporter: str = ""
    complaint: str = ""
    """The last ICMP error about one of the packets, and who sent it."""
    send_failure: str = ""
    """Why the last packet that could not be sent was not."""

    @property
    def finished(self) -> bool:
        """Whether nothing more can befall it."""
        return self.to_send == 0 and self.awaited == 0

    def sent(self) -> int:
        """A packet was sent; its index."""
        self.to_send -= 1
        self.awaited += 1
        self.rtts_ms.append(None)
        return len(self.rtts_ms) - 1

    def not_sent(self, reason: str) -> None:
        """A packet could not be sent: it counts neither as sent nor as lost."""
        self.to_send -= 1
        self.send_failure = reason

    def answered(self, index: int, rtt_ms: float) -> None:
        """The packet's reply came in time."""
        self.awaited -= 1
        self.rtts_ms[index] = rtt_ms

    def lost(self) -> None:
        """A packet's time is over."""
        self.awaited -= 1

    def complained(self, *, reporter: str, reason: str) -> None:
        """An ICMP error came about a packet. It ends nothing: a reply that still comes in time counts."""
        self.reporter, self.complaint = reporter, reason

    def outcome(self) -> Outcome:
        """What the round found, once it is finished."""
        address, sent = self.address.text, len(self.rtts_ms)
        if sent == 0:
            return SendFailed(address=address, reason=self.send_failure)
        if any(rtt is not None for rtt in self.rtts_ms):
            return Replied(address=address, rtts_ms=tuple(self.rtts_ms))
        if self.complaint:
            return Unreachable(address=address, sent=sent, reporter=self.reporter, reason=self.complaint)
        return Timeout(address=address, sent=sent)
