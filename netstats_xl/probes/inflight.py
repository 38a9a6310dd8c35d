"""The packets that are on their way, and which of them a message is about. Pure."""

import os
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from netstats_xl.probes.packets import Complaint, Message, Reply
from netstats_xl.probes.rounds import Progress

_COUNTER = struct.Struct("!Q")
_EchoKey = tuple[int, int, bytes]
P = TypeVar("P", bound=Progress)


@dataclass(slots=True, kw_only=True, eq=False)
class Flight(Generic[P]):
    """One echo request that was, or is about to be, sent."""

    progress: P
    identifier: int
    sequence: int
    head: bytes
    index: int = -1
    """Of the packet within its round."""
    sent_at: float = 0.0
    """On the monotonic clock, s."""
    timeout_s: float


class InFlight(Generic[P]):
    """Every packet of one socket that is on its way, of all rounds.

    No two of them have the same head, nor the same identifier, sequence number and destination: the latter is
    all that an ICMP error may quote.
    """

    def __init__(self, *, own_identifiers: bool, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        """Begin with none.

        Args:
            own_identifiers: whether our identifier is what is sent. Where not (Linux's datagram sockets), the
                kernel puts the socket's own there, and sequence numbers alone tell requests apart.
            random_bytes: gives that many unpredictable bytes.
        """
        self._own_identifiers = own_identifiers
        self._random_bytes = random_bytes
        self._counter = int.from_bytes(random_bytes(4), "big")
        self._by_head: dict[bytes, Flight[P]] = {}
        self._by_echo: dict[_EchoKey, Flight[P]] = {}

    def __len__(self) -> int:
        return len(self._by_head)

    def prepare(self, progress: P, *, timeout_s: float) -> Flight[P]:
        """A packet with numbers that no other one on its way has. It is not on its way yet."""
        identifier = sequence = 0
        for _ in range(0x10000):  # were every number taken, the newest packet would own its ICMP errors
            self._counter += 1
            identifier = (self._counter >> 16) & 0xFFFF if self._own_identifiers else 0
            sequence = self._counter & 0xFFFF
            if (identifier, sequence, progress.address.packed) not in self._by_echo:
                break
        head = _COUNTER.pack(self._counter) + self._random_bytes(8)
        return Flight(
            progress=progress, identifier=identifier, sequence=sequence, head=head, timeout_s=timeout_s
        )

    def took_off(self, flight: Flight[P], *, sent_at: float) -> None:
        """The packet was handed to the network."""
        flight.sent_at = sent_at
        flight.index = flight.progress.sent()
        self._by_head[flight.head] = flight
        self._by_echo[self._echo_key(flight)] = flight

    def land(self, message: Message, *, at: float, stamped_at: float | None) -> P | None:
        """Take note of a message; whose progress it changed, or None where it was about no packet on its way.

        Late, duplicate and forged replies find none. A late one may come before `expire` is told of its time:
        it is left to that.

        Args:
            message: what came.
            at: when it was read, s.
            stamped_at: when the kernel had it, s, if that is known. It is believed only between the sending
                and `at`: a wall clock that was set in between would make it nonsense.
        """
        if isinstance(message, Complaint):
            return self._take_complaint(message)
        return self._take_reply(message, at=at, stamped_at=stamped_at)

    def awaits(self, flight: Flight[P]) -> bool:
        """Whether the packet is on its way."""
        return self._by_head.get(flight.head) is flight

    def expire(self, flight: Flight[P]) -> bool:
        """The packet's time is over; whether it was still awaited and so is lost."""
        if not self.awaits(flight):
            return False
        self._remove(flight)
        flight.progress.lost()
        return True

    def forget(self, progresses: Collection[P]) -> None:
        """Drop the packets of these: their round was given up."""
        for flight in [each for each in self._by_head.values() if each.progress in progresses]:
            self._remove(flight)

    def _take_reply(self, reply: Reply, *, at: float, stamped_at: float | None) -> P | None:
        flight = self._by_head.get(reply.head)
        if flight is None or reply.sequence != flight.sequence:
            return None
        if self._own_identifiers and reply.identifier != flight.identifier:
            return None
        if stamped_at is not None and flight.sent_at < stamped_at <= at:
            at = stamped_at
        elapsed_s = at - flight.sent_at
        if elapsed_s > flight.timeout_s:
            return None
        self._remove(flight)
        # A clock with coarse steps can show no time between the two: a nanosecond is nearer the truth.
        flight.progress.answered(flight.index, max(elapsed_s, 1e-9) * 1_000)
        return flight.progress

    def _take_complaint(self, complaint: Complaint) -> P | None:
        identifier = complaint.identifier if self._own_identifiers else 0
        flight = self._by_echo.get((identifier, complaint.sequence, complaint.destination))
        if flight is None or (complaint.head is not None and complaint.head != flight.head):
            return None
        flight.progress.complained(reporter=complaint.reporter, reason=complaint.reason)
        return flight.progress

    def _echo_key(self, flight: Flight[P]) -> _EchoKey:
        return flight.identifier, flight.sequence, flight.progress.address.packed

    def _remove(self, flight: Flight[P]) -> None:
        del self._by_head[flight.head]
        key = self._echo_key(flight)
        if self._by_echo.get(key) is flight:
            del self._by_echo[key]
