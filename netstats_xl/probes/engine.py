"""Sends the packets of all rounds on time, takes what comes back, and gives up what does not.

One agenda holds what is due when: a packet to send, or the end of a packet's time. One timer of the event
loop serves it, whatever the number of rounds and destinations.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netstats_xl.domain.results import Outcome
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address
from netstats_xl.probes.echo_socket import EchoChannel
from netstats_xl.probes.inflight import Flight, InFlight
from netstats_xl.probes.rounds import Progress
from netstats_xl.probes.send_failures import is_queue_full, reason_of_failure

_SLICE_PACKETS = 32
"""Sent before replies are read again: the smallest usual receive queue holds some 280 packets."""
_READ_PACKETS = 1_024
_READS = 16
"""How often so many are read before the event loop gets its turn: 16,384 packets."""
_SPACING_S = 0.000_5
"""Between the first packets of two destinations of a round, at most."""
_LONGEST_SPREAD_S = 1.0
_EARLY_S = 0.001
"""So much early a packet may go: a few at each waking cost a quarter less than one at each. Its RTT is its own."""
_FULL_QUEUE_PAUSE_S = 0.002
_FULL_QUEUE_PATIENCE_S = 1.0


@dataclass(slots=True, kw_only=True, eq=False)
class _Round:
    """The probing of some addresses, as the caller awaits it."""

    settings: EchoSettings
    unfinished: int
    over: asyncio.Future[None]


@dataclass(slots=True, kw_only=True, eq=False)
class _Channel:
    """A socket and its packets on their way."""

    socket: EchoChannel
    in_flight: "InFlight[_Line]"
    full_since: float | None = None
    """Since when the system has taken none of its packets."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Line(Progress):
    """A destination's progress in a round, and where it belongs."""

    round: _Round
    channel: _Channel
    counted: bool = False
    """Whether the round knows that it is finished."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Sending:
    """On the agenda: send a line's next packet."""

    line: _Line


@dataclass(slots=True, kw_only=True, eq=False)
class _Expiry:
    """On the agenda: a packet's time is over."""

    flight: Flight[_Line]


class EchoEngine:
    """Probes addresses over shared sockets, on one event loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, now: Callable[[], float] = time.perf_counter
    ) -> None:
        """Begin with no socket and nothing to do.

        Args:
            loop: the event loop, one that watches file descriptors (a selector event loop).
            now: the monotonic clock that the sockets use too, s.
        """
        self._loop = loop
        self._now = now
        self._channels: dict[EchoChannel, _Channel] = {}
        self._agenda: list[tuple[float, int, _Sending | _Expiry]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._paused_until = 0.0
        self._rounds: set[_Round] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that it works on."""
        return self._loop

    async def run(
        self, requests: Sequence[tuple[Address, EchoChannel]], settings: EchoSettings
    ) -> Sequence[Outcome]:
        """Probe each address over its socket; one outcome a request, in their order.

        The first packets are spread evenly over at most a packet interval and at most a second, so that they
        do not burst into the socket's queue; the first of them goes at once.

        Raises:
            BackendUnavailable: the engine was closed meanwhile.
        """
        if not requests:
            return ()
        round_ = _Round(settings=settings, unfinished=len(requests), over=self._loop.create_future())
        lines = [
            _Line(address=address, to_send=settings.packets, round=round_, channel=self._channel(sock))
            for address, sock in requests
        ]
        self._rounds.add(round_)
        try:
            spacing_s = min(
                settings.packet_interval_ms / 1_000 / len(lines), _SPACING_S, _LONGEST_SPREAD_S / len(lines)
            )
            begin = self._now()
            for position, line in enumerate(lines):
                self._put(begin + position * spacing_s, _Sending(line=line))
            self._work()
            await round_.over
        finally:
            self._forget(round_, lines)
        return [line.outcome() for line in lines]

    def close(self) -> None:
        """End every round and watch no socket any more. The sockets themselves stay open."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._agenda.clear()
        for channel in self._channels.values():
            if not self._loop.is_closed():
                self._loop.remove_reader(channel.socket.fileno())
        self._channels.clear()
        for round_ in self._rounds:
            if not round_.over.done() and not self._loop.is_closed():
                round_.over.set_exception(
                    BackendUnavailable("The prober was closed before the round was over.")
                )

    def _channel(self, sock: EchoChannel) -> _Channel:
        channel = self._channels.get(sock)
        if channel is None:
            in_flight: InFlight[_Line] = InFlight(own_identifiers=sock.own_identifiers)
            channel = self._channels[sock] = _Channel(socket=sock, in_flight=in_flight)
            self._loop.add_reader(sock.fileno(), self._read, channel)
        return channel

    def _forget(self, round_: _Round, lines: Sequence[_Line]) -> None:
        """Leave no trace of a round, whether it is over or was cancelled."""
        self._rounds.discard(round_)
        if not round_.over.done():
            round_.over.cancel()
        unfinished = {line for line in lines if not line.finished}
        if unfinished:
            for channel in {line.channel for line in unfinished}:
                channel.in_flight.forget(unfinished)

    def _put(self, due: float, what: _Sending | _Expiry) -> None:
        heapq.heappush(self._agenda, (due, next(self._order), what))

    def _work(self) -> None:
        """Do what is due, a slice of it, and set the timer for the rest."""
        now = self._now()
        if now >= self._paused_until:
            # What has arrived in time but was not read yet is not lost.
            for channel in self._channels.values():
                self._read(channel)
            sent = 0
            while self._agenda and self._is_due(now) and sent < _SLICE_PACKETS:
                due, _, what = heapq.heappop(self._agenda)
                if isinstance(what, _Expiry):
                    line = what.flight.progress
                    if line.channel.in_flight.expire(what.flight):
                        self._check(line)
                elif not what.line.round.over.done():
                    sent += 1
                    if not self._send(what.line, due):
                        self._paused_until = self._now() + _FULL_QUEUE_PAUSE_S
                        break
        self._set_timer()

    def _is_due(self, now: float) -> bool:
        due, _, what = self._agenda[0]
        return due <= (now + _EARLY_S if isinstance(what, _Sending) else now)

    def _set_timer(self) -> None:
        while self._agenda and not self._matters(self._agenda[0][2]):
            heapq.heappop(self._agenda)  # or each packet that was answered would wake us once more
        if not self._agenda:
            return
        due = max(self._agenda[0][0], self._paused_until)
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_later(max(0.0, due - self._now()), self._on_timer)

    def _matters(self, what: _Sending | _Expiry) -> bool:
        return isinstance(what, _Sending) or what.flight.progress.channel.in_flight.awaits(what.flight)

    def _on_timer(self) -> None:
        self._timer = None
        self._work()

    def _send(self, line: _Line, due: float) -> bool:
        """Send a line's next packet and plan what follows; False where the queue is full: try again."""
        settings, channel = line.round.settings, line.channel
        flight = channel.in_flight.prepare(line, timeout_s=settings.timeout_ms / 1_000)
        try:
            sent_at = channel.socket.send(
                identifier=flight.identifier,
                sequence=flight.sequence,
                head=flight.head,
                payload_bytes=settings.payload_bytes,
                to=line.address.sockaddr,
            )
        except OSError as error:
            sent_at = self._now()
            if is_queue_full(error):
                if channel.full_since is None:
                    channel.full_since = sent_at
                if sent_at - channel.full_since < _FULL_QUEUE_PATIENCE_S:
                    self._put(due, _Sending(line=line))
                    return False
            line.not_sent(reason_of_failure(error))
        else:
            channel.full_since = None
            channel.in_flight.took_off(flight, sent_at=sent_at)
            self._put(sent_at + flight.timeout_s, _Expiry(flight=flight))
        if line.to_send:
            interval_s = settings.packet_interval_ms / 1_000
            # Keeps to the plan; where sending fell behind, packets do not bunch up either.
            self._put(max(due + interval_s, sent_at + interval_s / 2), _Sending(line=line))
        self._check(line)
        return True

    def _read(self, channel: _Channel) -> None:
        """Take what has arrived, all of it if it is not unreasonably much."""
        for _ in range(_READS):
            arrivals, drained = channel.socket.receive(_READ_PACKETS)
            for arrival in arrivals:
                line = channel.in_flight.land(arrival.message, at=arrival.at, stamped_at=arrival.stamped_at)
                if line is not None:
                    self._check(line)
            if drained:
                return

    def _check(self, line: _Line) -> None:
        """Count the line as finished, once, and wake the round's caller after the last."""
        if line.finished and not line.counted:
            line.counted = True
            line.round.unfinished -= 1
            if line.round.unfinished == 0 and not line.round.over.done():
                line.round.over.set_result(None)
