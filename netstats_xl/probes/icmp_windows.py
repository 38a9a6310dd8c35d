"""The ICMP prober for Windows without elevation: Windows' own echo service, on one thread."""

import asyncio
import heapq
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

from netstats_xl.domain.results import Outcome, SendFailed
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.echo_api import EchoReply, OnReply, WindowsEchoApi
from netstats_xl.probes.hosts import HostProber
from netstats_xl.probes.resolver import Resolver
from netstats_xl.probes.rounds import Progress

_IDLE_S = 60.0
_START_WITHIN_S = 10.0
_CLOSE_WITHIN_S = 2.0
_SPACING_S = 0.000_5
"""Between the first packets of two destinations of a round, at most."""
_TIMED_OUT = 11_010
_COMPLAINTS = {
    11_002: "network unreachable",
    11_003: "host unreachable",
    11_004: "protocol unreachable",
    11_005: "port unreachable",
    11_009: "the packet is larger than a link on the way takes",
    11_012: "no route to the host",
    11_013: "time to live exceeded",
    11_014: "reassembly time exceeded",
    11_015: "parameter problem",
    11_018: "not an address that can be probed",
}
"""IP_STATUS values that are a router's or the host's word, by number (ipexport.h)."""
_NOT_SENT = {
    5: "not permitted",
    87: "not an address that can be probed",
    1_231: "no route to its network",
    1_232: "no route to the host",
    1_450: "the system is out of memory",
}
"""Windows' error numbers of a request that was not sent (winerror.h)."""


class EchoApi(Protocol):
    """What the engine needs of Windows: see `echo_api.WindowsEchoApi`."""

    def open(self, family: Family) -> None:
        """Get ready for a family."""
        ...

    def send(self, key: int, address: Address, payload: bytes, timeout_ms: int) -> int:
        """Send a request."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for replies, for `wake`, or so long."""
        ...

    def wake(self) -> None:
        """End a wait."""
        ...

    def close(self) -> None:
        """Give up what is on its way."""
        ...


OpenApi = Callable[[OnReply], EchoApi]


@dataclass(slots=True, kw_only=True, eq=False)
class _Round:
    """The probing of some addresses, as the caller awaits it."""

    lines: "list[_Line]"
    settings: EchoSettings
    unfinished: int
    finish: Callable[[], None]
    given_up: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class _Line(Progress):
    """A destination's progress, and the round that it belongs to."""

    round: _Round
    next_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """A request on its way."""

    line: _Line
    index: int
    sent_at: float


class ApiEngine:
    """Probes addresses from a thread of its own, which `close` ends."""

    def __init__(
        self, open_api: OpenApi = WindowsEchoApi, *, now: Callable[[], float] = time.perf_counter
    ) -> None:
        """Start the thread.

        Raises:
            BackendUnavailable: the system has no echo service.
        """
        self._open_api = open_api
        self._now = now
        self._orders: deque[_Round] = deque()
        self._agenda: list[tuple[float, int, _Line]] = []
        self._flights: dict[int, _Flight] = {}
        self._keys = itertools.count(1)
        self._order = itertools.count()
        self._closing = False
        self._missing: dict[Family, str] = {}
        self._ready = threading.Event()
        self._failure: ProbeEngineError | None = None
        self._api: EchoApi
        self._thread = threading.Thread(target=self._serve, name="netstats-echo", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_WITHIN_S):
            raise BackendUnavailable("Windows' echo service did not begin. Start the program again.")
        if self._failure is not None:
            raise self._failure

    async def run(self, addresses: Sequence[Address], settings: EchoSettings) -> Sequence[Outcome]:
        """Probe each address; one outcome each, in their order.

        Raises:
            BackendUnavailable: the engine was closed.
        """
        if not addresses:
            return ()
        if self._closing:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def finish() -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: None if over.done() else over.set_result(None))

        round_ = _Round(lines=[], settings=settings, unfinished=len(addresses), finish=finish)
        round_.lines += [_Line(address=each, to_send=settings.packets, round=round_) for each in addresses]
        self._orders.append(round_)
        self._api.wake()
        try:
            await over
        finally:
            round_.given_up = True
        if round_.unfinished:
            raise BackendUnavailable("The prober was closed while a round was under way.")
        return [self._outcome(line) for line in round_.lines]

    def close(self) -> None:
        """End every round and the thread."""
        self._closing = True
        if self._failure is None:
            self._api.wake()
        self._thread.join(_CLOSE_WITHIN_S)

    def _outcome(self, line: _Line) -> Outcome:
        reason = self._missing.get(line.address.family)
        return SendFailed(address=line.address.text, reason=reason) if reason else line.outcome()

    # From here on, all on the engine's thread.

    def _serve(self) -> None:
        try:
            self._api = self._open_api(self._arrived)
            self._open_families()
        except ProbeEngineError as error:
            self._failure = error
            return
        except Exception as error:  # noqa: BLE001 - the edge of a thread: whoever waits for it must hear of it
            self._failure = BackendUnavailable(f"Windows' echo service cannot be used: {error!r}.")
            return
        finally:
            self._ready.set()
        while not self._closing:
            self._take_orders()
            self._send_due()
            due_in_s = self._agenda[0][0] - self._now() if self._agenda else _IDLE_S
            # A wait while packets were sent may have swallowed the call to wake up for a new order.
            self._api.wait(0.0 if self._orders or self._closing else min(max(due_in_s, 0.0), _IDLE_S))
        self._end()

    def _open_families(self) -> None:
        for family in Family:
            try:
                self._api.open(family)
            except BackendUnavailable as error:
                self._missing[family] = error.message
        if len(self._missing) == len(Family):
            raise BackendUnavailable(self._missing[Family.IPV4])

    def _take_orders(self) -> None:
        while self._orders:
            round_ = self._orders.popleft()
            interval_s = round_.settings.packet_interval_ms / 1_000
            spacing_s = min(_SPACING_S, interval_s / len(round_.lines))
            begin = self._now()
            for position, line in enumerate(round_.lines):
                if line.address.family in self._missing:
                    self._finished(line)
                    continue
                line.next_at = begin + position * spacing_s
                self._put(line)

    def _put(self, line: _Line) -> None:
        heapq.heappush(self._agenda, (line.next_at, next(self._order), line))

    def _send_due(self) -> None:
        while self._agenda and self._agenda[0][0] <= self._now():
            _, _, line = heapq.heappop(self._agenda)
            if line.round.given_up:
                continue
            self._send(line)
            if line.to_send:
                line.next_at += line.round.settings.packet_interval_ms / 1_000
                self._put(line)
            elif line.finished:
                self._finished(line)
            self._api.wait(0)  # replies that came meanwhile are told, and so timed, only while waiting

    def _send(self, line: _Line) -> None:
        settings = line.round.settings
        payload = os.urandom(8) + bytes(settings.payload_bytes - 8)
        key = next(self._keys)
        sent_at = self._now()
        code = self._api.send(key, line.address, payload, round(settings.timeout_ms))
        if code:
            line.not_sent(_NOT_SENT.get(code) or f"Windows refused (error {code})")
        else:
            self._flights[key] = _Flight(line=line, index=line.sent(), sent_at=sent_at)

    def _arrived(self, key: int, reply: EchoReply) -> None:
        flight = self._flights.pop(key, None)
        if flight is None:
            return
        line = flight.line
        rtt_ms = (reply.at - flight.sent_at) * 1_000
        if reply.status == 0 and rtt_ms <= line.round.settings.timeout_ms:
            line.answered(flight.index, rtt_ms)
        else:
            line.lost()
            if reply.status in _COMPLAINTS:
                line.complained(reporter=reply.reporter, reason=_COMPLAINTS[reply.status])
        if line.finished:
            self._finished(line)

    def _finished(self, line: _Line) -> None:
        line.round.unfinished -= 1
        if not line.round.unfinished:
            line.round.finish()

    def _end(self) -> None:
        self._api.close()
        rounds = {id(flight.line.round): flight.line.round for flight in self._flights.values()}
        rounds |= {id(line.round): line.round for _, _, line in self._agenda}
        rounds |= {id(round_): round_ for round_ in self._orders}
        for round_ in rounds.values():
            round_.finish()
        # Windows still writes into the buffers of what is on its way: they stay until it has told us.
        ends_at = self._now() + _CLOSE_WITHIN_S / 2
        while self._flights and self._now() < ends_at:
            self._api.wait(0.05)


class WindowsEchoProber(HostProber):
    """A `ports.Prober` that needs no rights: Windows sends, this program times."""

    def __init__(self, engine: ApiEngine, *, resolver: Resolver | None = None) -> None:
        """`engine` is closed with it."""
        super().__init__(resolver)
        self._engine = engine
        self._closed = False

    @classmethod
    def open(cls) -> Self:
        """A prober that can send.

        Raises:
            BackendUnavailable: this system has no echo service.
        """
        return cls(ApiEngine())

    def check_privilege(self) -> None:
        """See `HostProber.check_privilege`."""
        if self._closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")

    async def probe_addresses(
        self, addresses: Sequence[Address], settings: EchoSettings
    ) -> Sequence[Outcome]:
        """See `HostProber.probe_addresses`."""
        return await self._engine.run(addresses, settings)

    async def close(self) -> None:
        """See `ports.Prober.close`."""
        self._closed = True
        await asyncio.to_thread(self._engine.close)
