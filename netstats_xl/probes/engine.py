"""Sends the packets of all trains in time and takes what comes back, from one socket a family.

What is due goes in small bursts, and what has arrived is read after each. Nothing is kept for a packet but its places
in its train's arrays.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.echo_socket import EchoChannel
from netstats_xl.probes.matching import Matcher
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.packets import ECHO_REQUEST, ECHO_VARIABLES, request_template
from netstats_xl.probes.send_failures import is_queue_full, reason_of_failure
from netstats_xl.probes.sleeping import suspended_s
from netstats_xl.probes.trains import Train

_BURST = 32
"""Packets sent before replies are read: the smallest usual receive queue holds some 280."""
_READS, _READS_AT_FIRST = 16, 256
"""How often a batch of messages is read before something else gets its turn."""
_EARLY_S = 0.001
"""So much early a packet may go: a few at each waking cost less than one at each. Its RTT is its own."""
_LINGER_S = 0.001
"""Where the kernel says when it had a reply, others are waited for so long, to be read with it."""
_FULL_QUEUE_PAUSE_S = 0.002
_FULL_QUEUE_PATIENCE_S = 1.0
_IDLE_S = 60.0
_STALL_S = 2.0
"""Without receive times from the kernel, what is read after so long a pause of this program has no true RTT."""
_SLEPT = "the computer slept while the packets were on their way"
_TRIES = 3


@dataclass(slots=True, kw_only=True, eq=False)
class _Lane:
    """A socket, and what its trains share."""

    channel: EchoChannel
    matcher: Matcher
    templates: dict[int, bytearray] = field(default_factory=dict)
    """Requests by the size of their payload."""
    trains: int = 0
    """How many of its trains are not over."""
    full_since: float | None = None
    """Since when the system has taken none of its packets."""


class EchoCore:
    """What the engine's thread does, a piece at a time; it belongs to that thread."""

    def __init__(
        self,
        *,
        identifier: int,
        pacer: Pacer,
        now: Callable[[], float] = time.perf_counter,
        suspended: Callable[[], float] = suspended_s,
    ) -> None:
        """Begin with no socket and nothing to do.

        Args:
            identifier: what requests carry, 16 bits, where the kernel lets us choose.
            pacer: says how many packets may go.
            now: the monotonic clock that the sockets use too, s.
            suspended: how long the computer has slept so far, s, as far as `now` does not count it.
        """
        self._identifier = identifier
        self._pacer = pacer
        self._now = now
        self._suspended = suspended
        self._slept_s = suspended()
        self._lanes: dict[Family, _Lane] = {}
        self._trains: dict[int, Train] = {}
        self._sending: deque[Train] = deque()
        self._settled: list[Train] = []
        self._number = 0
        self._sequence = 0
        self._paused_until = 0.0
        self._awake_at = self._expected_at = now()
        """When `work` was over last, and when it is called next at the latest."""

    def open(self, channel: EchoChannel) -> None:
        """Send and receive the packets of its family with this socket from now on."""
        matcher = Matcher(
            channel.family,
            self._trains,
            identifier=self._identifier if channel.own_identifiers else None,
            ip_header=channel.ip_header,
            verify_checksum=channel.verify_checksum,
            on_settled=self._settled.append,
        )
        self._lanes[channel.family] = _Lane(channel=channel, matcher=matcher)

    @property
    def sockets(self) -> list[int]:
        """The file descriptors to watch: those of sockets that replies are awaited from."""
        return [lane.channel.fileno() for lane in self._lanes.values() if lane.trains]

    @property
    def linger_s(self) -> float:
        """How long what arrives may wait to be read: nothing where reading it is what times it."""
        return _LINGER_S if all(lane.channel.exact for lane in self._lanes.values() if lane.trains) else 0.0

    @property
    def pacer(self) -> Pacer:
        """Says how many packets may go."""
        return self._pacer

    def begin(self, train: Train) -> None:
        """Take a train in: its first packet is due now. Its family has a socket."""
        self._number = (self._number + 1) & 0xFFFF_FFFF
        train.start(self._number, self._sequence, self._now())
        self._sequence = (self._sequence + train.packets) & 0xFFFF
        self._trains[self._number] = train
        lane = self._lanes[train.family]
        if not lane.trains:
            lane.full_since = None
            # What came while nobody waited is no reply of ours, and may fill the queue.
            self._drain(lane, _READS_AT_FIRST)
        lane.trains += 1
        self._sending.append(train)

    def work(self) -> float:
        """Read what has arrived, send what is due, end what is over; in how many seconds to come again."""
        self._look_for_sleep()
        self._read()
        now = self._now()
        if now >= self._paused_until:
            self._send_due(now)
        now = self._now()
        self._end_trains(now)
        due_in_s = self._due_in(now)
        self._awake_at, self._expected_at = now, now + due_in_s
        return due_in_s

    def end_all(self) -> None:
        """End every train as it is, complete or not."""
        for train in list(self._trains.values()):
            train.cancelled = train.open > 0
            self._end(train)

    # --- Sending ------------------------------------------------------------------------------------------

    def _send_due(self, now: float) -> None:
        """Send bursts of the trains in turn until nothing is due any more, or the pace is reached."""
        idle = 0
        while self._sending and idle < len(self._sending):
            train = self._sending[0]
            allowed = 0 if train.cancelled else min(train.ready(now + _EARLY_S), _BURST)
            if allowed:
                allowed = self._pacer.allowance(now, allowed)
                if not allowed:
                    return
                self._pacer.sent(self._send(self._lanes[train.family], train, allowed))
                self._read()
                now = self._now()
                if now < self._paused_until:
                    return
            if train.cancelled or train.next == train.packets:
                self._sending.popleft()
            else:
                idle = 0 if allowed else idle + 1
                self._sending.rotate(-1)

    def _send(self, lane: _Lane, train: Train, count: int) -> int:
        """Send so many packets of a train; how many were dealt with before the queue was full."""
        channel, family, now = lane.channel, train.family, self._now
        sendto, pack = channel.sendto, ECHO_VARIABLES.pack_into
        packet = self._template(lane, train)
        request, identifier = ECHO_REQUEST[family], self._identifier
        words = (request << 8) + identifier
        tokens, sent_at, sockaddrs, lines = train.tokens, train.sent_at, train.sockaddrs, train.lines
        ttls, options = train.plan.ttls, train.plan.options
        first = train.next
        try:
            channel.apply(options)
        except OSError as error:
            for k in range(first, first + count):
                self._fail(train, k, error)
            train.next = first + count
            return count
        for k in range(first, first + count):
            line = k % lines
            sequence, token, index = (train.sequence + k) & 0xFFFF, tokens[k], train.base + k
            checksum = 0xFFFF - (words + sequence + token + index) % 0xFFFF
            pack(packet, 2, checksum, identifier, sequence, token, index)
            try:
                if ttls is not None:
                    channel.apply(replace(options, ttl=ttls[line]))
                sent_at[k] = now()
                sendto(packet, sockaddrs[line])
            except OSError as error:
                if k > first and sent_at[k - 1] == sent_at[k - 1]:
                    lane.full_since = None
                if not self._retry(lane, train, k, packet, error):
                    train.next = k
                    return k - first
        train.next = first + count
        if sent_at[train.next - 1] == sent_at[train.next - 1]:
            lane.full_since = None
        return count

    def _retry(self, lane: _Lane, train: Train, k: int, packet: bytearray, error: OSError) -> bool:
        """Deal with a packet that was not sent; False where the queue is full and it is to be tried again later."""
        sockaddr = train.sockaddrs[k % train.lines]
        if lane.channel.reports_earlier_failures:
            for _ in range(_TRIES):
                # What befell an earlier packet is reported once and has cost this one its sending.
                try:
                    train.sent_at[k] = self._now()
                    lane.channel.sendto(packet, sockaddr)
                except OSError as again:
                    error = again
                else:
                    return True
        now = self._now()
        if is_queue_full(error):
            if lane.full_since is None:
                lane.full_since = now
            if now - lane.full_since < _FULL_QUEUE_PATIENCE_S:
                train.sent_at[k] = float("nan")
                self._paused_until = now + _FULL_QUEUE_PAUSE_S
                return False
        self._fail(train, k, error)
        return True

    def _fail(self, train: Train, k: int, error: OSError) -> None:
        train.fail(k, reason_of_failure(error))
        if not train.open:
            self._settled.append(train)

    def _template(self, lane: _Lane, train: Train) -> bytearray:
        size = train.plan.payload_bytes
        found = lane.templates.get(size)
        if found is None:
            found = lane.templates[size] = request_template(train.family, self._identifier, size)
        return found

    # --- Receiving ----------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take what has arrived, all of it if it is not unreasonably much."""
        for lane in self._lanes.values():
            if lane.trains:
                self._drain(lane, _READS)

    def _drain(self, lane: _Lane, most: int) -> None:
        for _ in range(most):
            if lane.channel.receive(lane.matcher):
                return

    def _look_for_sleep(self) -> None:
        """Let what was on its way while the computer slept count for nothing."""
        slept_s = self._suspended()
        slept = slept_s - self._slept_s > _STALL_S
        self._slept_s = slept_s
        exact = all(lane.channel.exact for lane in self._lanes.values())
        if slept and exact:
            self._read()  # what was stamped before counts
        if slept or (not exact and self._now() - self._expected_at > _STALL_S):
            for train in self._trains.values():
                train.void_unanswered(_SLEPT, self._awake_at)
                if not train.open:
                    self._settled.append(train)

    # --- Ending -------------------------------------------------------------------------------------------

    def _end_trains(self, now: float) -> None:
        for train in self._settled:
            self._end(train)
        self._settled.clear()
        over = [
            train
            for train in self._trains.values()
            if train.cancelled or (train.next == train.packets and train.ends_at() < now)
        ]
        for train in over:
            self._end(train)

    def _end(self, train: Train) -> None:
        if self._trains.pop(train.number, None) is None:
            return
        self._lanes[train.family].trains -= 1
        train.complete = train.next == train.packets and not train.cancelled
        if not train.complete:
            with suppress(ValueError):
                self._sending.remove(train)
        train.on_end()

    def _due_in(self, now: float) -> float:
        due = [train.ends_at() for train in self._trains.values() if train.next == train.packets]
        if self._sending:
            sending = min(train.due_at() for train in self._sending)
            due.append(max(sending, self._pacer.free_at(), self._paused_until))
        return min(max(min(due, default=now + _IDLE_S) - now, 0.0), _IDLE_S)
