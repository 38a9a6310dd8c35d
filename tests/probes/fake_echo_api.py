"""Windows' echo service, played, on a clock that goes on only while it is waited for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from ipaddress import ip_address
from threading import Event, current_thread

from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.echo_api import EchoReply
from netstats_xl.probes.echo_status import TIMED_OUT
from netstats_xl.probes.trains import WireOptions

IDLE_S = 60.0
"""A wait of so long for nothing is one for an order: it is a real one."""
NOBODY = bytes(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request that the engine handed over."""

    key: int
    to: str
    at: float
    payload: bytes
    timeout_ms: int
    options: WireOptions
    number: int
    """Among those to its address, from 0."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What comes back: after so many ms, with this IP_STATUS, from this host (None: the one asked)."""

    after_ms: float
    status: int = 0
    reporter: str | None = None
    payload: bytes | None = None
    """None: what was sent."""


Answer = Callable[[SentRequest], Answered | int | None]
"""What befalls a request; a number: why it is not sent; None: silence, until Windows gives it up."""


def answers_after(ms: float) -> Answer:
    """Every host replies after so long."""
    return lambda request: Answered(ms)


def answers_nothing(request: SentRequest) -> None:
    """No host replies."""


class PlayedApi:
    """An `icmp_windows.EchoApi`."""

    def __init__(self, answer: Answer, *, missing: Sequence[Family] = ()) -> None:
        """`missing`: the families that the computer lacks."""
        self.answer = answer
        self.missing = set(missing)
        self.now_s = 1_000.0
        self.sending_takes_s = 0.0
        self.sent: list[SentRequest] = []
        self.most_under_way = 0
        self.opened: list[Family] = []
        self.closed = False
        self.threads: set[str] = set()
        self.waits = 0
        """Those that let time pass."""
        self.woken = Event()
        self._counts: dict[str, int] = {}
        self._coming: list[tuple[float, int, EchoReply]] = []
        """A heap by time."""
        self._told: list[EchoReply] = []

    def now(self) -> float:
        """The clock, s."""
        return self.now_s

    @property
    def under_way(self) -> int:
        return len(self._coming) + len(self._told)

    def open(self, family: Family) -> None:
        if family in self.missing:
            raise BackendUnavailable(f"Windows lets no {family} echo request be sent.")
        self.opened.append(family)

    def send(self, key: int, address: Address, payload: bytes, timeout_ms: int, options: WireOptions) -> int:
        self.threads.add(current_thread().name)
        number = self._counts[address.text] = self._counts.get(address.text, -1) + 1
        request = SentRequest(
            key=key,
            to=address.text,
            at=self.now_s,
            payload=payload,
            timeout_ms=timeout_ms,
            options=options,
            number=number,
        )
        answer = self.answer(request)
        self.now_s += self.sending_takes_s
        if isinstance(answer, int):
            return answer
        self.sent.append(request)
        if answer is None:
            reply = EchoReply(key, TIMED_OUT, NOBODY, b"", 0.0)
            heappush(self._coming, (request.at + timeout_ms / 1_000, key, reply))
        else:
            reporter = ip_address(answer.reporter).packed if answer.reporter else address.packed
            back = payload if answer.payload is None else answer.payload
            reply = EchoReply(key, answer.status, reporter, back if answer.status == 0 else b"", 0.0)
            heappush(self._coming, (request.at + answer.after_ms / 1_000, key, reply))
        self.most_under_way = max(self.most_under_way, self.under_way)
        return 0

    def wait(self, seconds: float) -> None:
        if seconds >= IDLE_S and not self._coming:
            self.woken.wait(10)
            self.woken.clear()
            return
        if seconds:
            self.waits += 1
            ends_at = self.now_s + max(round(seconds, 3), 0.001)
            first = self._coming[0][0] if self._coming else ends_at
            self.now_s = max(self.now_s, min(first, ends_at))
        while self._coming and self._coming[0][0] <= self.now_s:
            _, _, reply = heappop(self._coming)
            self._told.append(reply._replace(at=self.now_s))

    def replies(self) -> Sequence[EchoReply]:
        told, self._told = self._told, []
        return told

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self.closed = True
