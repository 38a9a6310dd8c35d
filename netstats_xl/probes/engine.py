"""Sends the packets of trains over one socket a family, and takes what comes back from it.

What is due goes in small bursts, and what has arrived is read after each. Nothing is kept for a packet but its places
in its train's arrays.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.echo_socket import EchoChannel
from netstats_xl.probes.matching import Matcher
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.packets import ECHO_REQUEST, ECHO_VARIABLES, request_template
from netstats_xl.probes.runner import FullQueue, TrainRunner
from netstats_xl.probes.send_failures import is_queue_full, reason_of_failure
from netstats_xl.probes.sleeping import suspended_s
from netstats_xl.probes.trains import NAN, Train, WireOptions

_BURST = 32
"""Packets sent before replies are read: the smallest usual receive queue holds some 280."""
_TIMED_BY_READING = 4
"""As many, where reading a reply is what times it: its RTT includes the sending of those that are sent first."""
_READS, _READS_AT_FIRST = 16, 256
"""How often a batch of messages is read before something else gets its turn."""
_LINGER_S = 0.001
"""Where the kernel says when it had a reply, others are waited for so long, to be read with it."""
_LONGEST_SLEEP_S = 2.0
"""A sleep that is longer counts."""
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
    queue: FullQueue = field(default_factory=FullQueue)


class EchoCore(TrainRunner):
    """The trains' runner over sockets."""

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
        super().__init__(pacer=pacer, burst=_BURST, now=now)
        self._identifier = identifier
        self._suspended = suspended
        self._slept_s = suspended()
        self._lanes: dict[Family, _Lane] = {}

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
        if not channel.exact:
            self._burst = _TIMED_BY_READING
        self._lanes[channel.family] = _Lane(channel=channel, matcher=matcher)

    @property
    def sockets(self) -> list[int]:
        """The file descriptors to watch: those of sockets that replies are awaited from."""
        return [lane.channel.fileno() for lane in self._lanes.values() if lane.trains]

    @property
    def linger_s(self) -> float:
        """How long what arrives may wait to be read: nothing where reading it is what times it."""
        return _LINGER_S if all(lane.channel.exact for lane in self._lanes.values() if lane.trains) else 0.0

    def begin(self, train: Train) -> None:
        """See `TrainRunner.begin`. Its family has a socket."""
        lane = self._lanes[train.family]
        if not lane.trains:
            lane.queue.taken()
            # What came while nobody waited is no reply of ours, and may fill the queue.
            self._drain(lane, _READS_AT_FIRST)
        lane.trains += 1
        super().begin(train)

    # --- Sending ------------------------------------------------------------------------------------------

    def _send(self, train: Train, count: int) -> int:
        """See `TrainRunner._send`."""
        lane = self._lanes[train.family]
        channel, family, now = lane.channel, train.family, self._now
        sendto, pack = channel.sendto, ECHO_VARIABLES.pack_into
        packet = self._template(lane, train)
        request, identifier = ECHO_REQUEST[family], self._identifier
        words = (request << 8) + identifier
        tokens, sent_at, sockaddrs, lines = train.tokens, train.sent_at, train.sockaddrs, train.lines
        ttls, options = train.plan.ttls, train.plan.options
        first, applied = train.next, None
        for k in range(first, first + count):
            line = k % lines
            wanted = options if ttls is None else replace(options, ttl=ttls[line])
            if wanted is not applied:
                if not self._apply(channel, train, k, wanted):
                    continue
                applied = wanted
            sequence, token, index = (train.sequence + k) & 0xFFFF, tokens[k], train.base + k
            checksum = 0xFFFF - (words + sequence + token + index) % 0xFFFF
            pack(packet, 2, checksum, identifier, sequence, token, index)
            try:
                sent_at[k] = now()
                sendto(packet, sockaddrs[line])
            except OSError as error:
                if k > first and sent_at[k - 1] == sent_at[k - 1]:
                    lane.queue.taken()
                if not self._retry(lane, train, k, packet, error):
                    train.next = k
                    return k - first
        train.next = first + count
        if sent_at[train.next - 1] == sent_at[train.next - 1]:
            lane.queue.taken()
        return count

    def _apply(self, channel: EchoChannel, train: Train, k: int, options: WireOptions) -> bool:
        """Have the next packets go with these options; where the system refuses, packet k fails."""
        try:
            channel.apply(options)
        except OSError as error:
            self._fail(train, k, reason_of_failure(error))
            return False
        return True

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
        if is_queue_full(error) and lane.queue.is_worth_waiting(self._now()):
            train.sent_at[k] = NAN
            self._pause()
            return False
        self._fail(train, k, reason_of_failure(error))
        return True

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
        """See `TrainRunner._look_for_sleep`."""
        slept_s = self._suspended()
        slept = slept_s - self._slept_s > _LONGEST_SLEEP_S
        self._slept_s = slept_s
        exact = all(lane.channel.exact for lane in self._lanes.values())
        if slept and exact:
            self._read()  # what was stamped before counts
        # Without receive times from the kernel, what is read after a long pause of this program has no true RTT.
        if slept or (not exact and self._stalled()):
            self._void()

    def _end(self, train: Train) -> None:
        if train.number in self._trains:
            self._lanes[train.family].trains -= 1
        super()._end(train)
