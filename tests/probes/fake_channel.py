"""An echo socket without a network, for the engine's tests on virtual time."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netstats_xl.probes.addresses import Family, SockAddr
from netstats_xl.probes.echo_socket import Arrival
from netstats_xl.probes.packets import Complaint, Message, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that the fake took."""

    at: float
    to: str
    identifier: int
    sequence: int
    head: bytes
    payload_bytes: int

    def reply(self) -> Reply:
        """What its destination would send back."""
        return Reply(self.identifier, self.sequence, self.head)

    def complaint(self, *, head: bytes | None = None) -> Complaint:
        """What a router would say."""
        packed = socket.inet_aton(self.to)
        return Complaint("192.0.2.254", "host unreachable", self.identifier, self.sequence, packed, head)


Answers = Sequence[tuple[float, Message]]
"""Messages and how many seconds after the request they come."""


class FakeChannel:
    """An `EchoChannel` whose answers to each request a function gives; it works on the running loop."""

    def __init__(
        self,
        answer: Callable[[Sent], Answers],
        *,
        family: Family = Family.IPV4,
        own_identifiers: bool = True,
    ) -> None:
        self.family = family
        self.own_identifiers = own_identifiers
        self.answer = answer
        self.sent: list[Sent] = []
        self.failures: list[OSError] = []
        """Raised one after the other by the next sendings."""
        self.always_fails: OSError | None = None
        self.stamp_lag_s: float | None = None
        """How long messages wait before they are read; None: the kernel does not say."""
        self.closed = False
        self._arrivals: list[Arrival] = []
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)

    def fileno(self) -> int:
        return self._ours.fileno()

    def send(self, *, identifier: int, sequence: int, head: bytes, payload_bytes: int, to: SockAddr) -> float:
        if self.failures:
            raise self.failures.pop(0)
        if self.always_fails is not None:
            raise self.always_fails
        loop = asyncio.get_running_loop()
        sent = Sent(
            at=loop.time(),
            to=to[0],
            identifier=identifier,
            sequence=sequence,
            head=head,
            payload_bytes=payload_bytes,
        )
        self.sent.append(sent)
        for delay_s, message in self.answer(sent):
            loop.call_later(delay_s, self._arrive, message)
        return sent.at

    def receive(self, limit: int) -> tuple[Sequence[Arrival], bool]:
        with contextlib.suppress(BlockingIOError):
            self._ours.recv(65_536)
        taken, self._arrivals = self._arrivals[:limit], self._arrivals[limit:]
        return taken, not self._arrivals

    def describe(self) -> str:
        return f"{self.family}: fake"

    def close(self) -> None:
        self.closed = True
        self._ours.close()
        self._theirs.close()

    def _arrive(self, message: Message) -> None:
        now = asyncio.get_running_loop().time()
        stamp = None if self.stamp_lag_s is None else now - self.stamp_lag_s
        self._arrivals.append(Arrival(message, now, stamp))
        self._theirs.send(b"!")


def answers_after(delay_s: float) -> Callable[[Sent], Answers]:
    """Every request is answered after so long."""
    return lambda sent: [(delay_s, sent.reply())]


def answers_nothing(_sent: Sent) -> Answers:
    """No request is answered."""
    return []
