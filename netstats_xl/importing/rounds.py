"""Packets that were sent one by one -> rounds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from netstats_xl.domain.history import HistoryRow
from netstats_xl.domain.results import Replied, Timeout

ROUND_S = 60
"""How long a round is where nobody says: long enough for a jitter, short enough for a chart."""
MOST_PACKETS = 10_000
"""In a round."""
MOST_HOSTS = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def address_in(text: str) -> str:
    """The text where it is an IP address; else nothing."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


class Rounds:
    """Puts packets of a destination into rounds of whole stretches of the clock, so that files which overlap agree.

    The order of a round's packets is known where their numbers follow each other without a gap.
    """

    def __init__(self, round_s: int) -> None:
        self._length = timedelta(seconds=round_s)
        self._open: dict[str, _Round] = {}

    def add(self, source: str, at: datetime, number: int, rtt_ms: float | None) -> Iterator[HistoryRow]:
        """Take a packet by its number and its RTT, None where it was lost; the round that it ends, if any.

        Raises:
            ValueError: a round gets too long, or there are too many destinations.
        """
        tick = at - (at - _EPOCH) % self._length
        current = self._open.get(source)
        if current is not None and current.tick != tick:
            yield current.row(source)
        if current is None or current.tick != tick:
            if current is None and len(self._open) >= MOST_HOSTS:
                raise ValueError(f"there are more than {MOST_HOSTS:,} destinations")
            current = self._open[source] = _Round(tick)
        if len(current.packets) >= MOST_PACKETS:
            raise ValueError(
                f"a round has more than {MOST_PACKETS:,} packets: say a shorter one, for example --round 10s"
            )
        current.packets.append((number, rtt_ms))

    def rest(self) -> Iterator[HistoryRow]:
        """The rounds that are open still."""
        for source, current in self._open.items():
            yield current.row(source)
        self._open.clear()


class _Round:
    def __init__(self, tick: datetime) -> None:
        self.tick = tick
        self.packets: list[tuple[int, float | None]] = []

    def row(self, source: str) -> HistoryRow:
        numbers = sorted(number for number, _ in self.packets)
        in_order = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        # A lost packet is told later than those that were sent after it.
        packets = sorted(self.packets, key=lambda packet: packet[0]) if in_order else self.packets
        rtts = tuple(rtt for _, rtt in packets)
        address = address_in(source)
        if all(rtt is None for rtt in rtts):
            return HistoryRow(source=source, at=self.tick, outcome=Timeout(address=address, sent=len(rtts)))
        return HistoryRow(
            source=source, at=self.tick, outcome=Replied(address=address, rtts_ms=rtts, in_order=in_order)
        )
