"""The hosts, and the replies that are on their way."""

import base64
import errno
import heapq
import ipaddress
import itertools
import os
import time
from array import array
from collections import deque
from typing import NamedTuple

from tests.responder.fragments import Fragments, is_fragment
from tests.responder.hosts import PlayedHost
from tests.responder.settings import Host
from tests.responder.wire import parse_request, plain_reply

_MOST_LANES = 8
_READS = 256
"""Packets read before what is due gets its turn."""
_Planned = tuple[float, int, float, PlayedHost, bytes, bytes]
"""When it is due, its number, when its request was read, whose it is, the request's destination, the packet."""


class _Net(NamedTuple):
    """A network whose hosts are alike."""

    first: int
    mask: int
    size: int
    """Of an address, bytes."""
    played: PlayedHost


class Network:
    """Everything behind one TUN device.

    Made for 10,000 requests a second and more beside a prober on a machine of two cores: a plain host's reply is
    the request with a few bytes changed, and waits in a queue of those with the same delay, which needs no sorting.
    """

    def __init__(self, device: int, packet_bytes: int) -> None:
        self.device = device
        self.packet_bytes = packet_bytes
        self.hosts: dict[bytes, PlayedHost] = {}
        self.nets: list[_Net] = []
        self.names: dict[str, PlayedHost] = {}
        self.lanes: dict[float, deque[_Planned]] = {}
        self.heap: list[_Planned] = []
        self.fragments = Fragments()
        self.order = itertools.count()
        self.log: tuple[list[bytes], array[float]] | None = None

    def set_hosts(self, hosts: dict[str, Host]) -> None:
        for name, host in hosts.items():
            played = self.names.get(name)
            if played is not None:
                played.set(host)
                continue
            played = self.names[name] = PlayedHost(host)
            if "/" not in name:
                self.hosts[ipaddress.ip_address(name).packed] = played
                continue
            net = ipaddress.ip_network(name)
            played.first = int(net.network_address)
            self.nets.append(_Net(played.first, int(net.netmask), len(net.network_address.packed), played))

    def counts(self) -> dict[str, dict[str, int]]:
        return {
            name: {"requests": played.requests, "replies": played.replies}
            for name, played in self.names.items()
        }

    def set_log(self, on: bool) -> None:
        self.log = ([], array("d")) if on else None

    def take_log(self) -> dict[str, str]:
        """Whom each packet sent since then answered, and how long after its request was read; the log is empty then.

        Returns:
            `sources`, the addresses requested, joined by spaces; `delays_s`, an `array("d")` in base64.
        """
        sources, delays_s = self.log or ([], array("d"))
        self.set_log(self.log is not None)
        names = " ".join(str(ipaddress.ip_address(source)) for source in sources)
        return {"sources": names, "delays_s": base64.b64encode(delays_s.tobytes()).decode()}

    def drain(self) -> None:
        """Take the packets that have come out of the device, some of them if there are many."""
        read, device, size, clock, take = os.read, self.device, self.packet_bytes, time.monotonic, self.take
        try:
            for _ in range(_READS):
                take(read(device, size), clock())
        except BlockingIOError:
            pass

    def take(self, packet: bytes, at: float) -> None:
        """Plan what answers a packet that was read at `at`."""
        ipv4 = packet[0] == 0x45
        destination = packet[16:20] if packet[0] >> 4 == 4 else packet[24:40]
        host = self.hosts.get(destination) or self._host_in_net(destination)
        if host is None:
            return
        fragmented = is_fragment(packet)
        # What most packets are takes a short way: a whole echo request over IPv4 without options, to a plain host.
        if (
            ipv4
            and host.plain
            and not fragmented
            and packet[9] == 1
            and len(packet) >= 28
            and packet[20] == 8
        ):
            mark = (packet[1], packet[8], packet[6] & 0x40, len(packet))
            host.requests += 1
            host.marks[mark] = host.marks.get(mark, 0) + 1
            if not (host.dead_every and host.is_dead(destination)):
                self._plan(host, host.delay_s, at, destination, plain_reply(packet))
            return
        whole = self.fragments.take(packet) if fragmented else packet
        request = None if whole is None else parse_request(whole, fragmented=fragmented)
        if request is not None:
            for delay_s, answer in host.answers(request):
                self._plan(host, delay_s, at, destination, answer)

    def deliver(self) -> float | None:
        """Send what is due; the seconds until the next reply is, or None."""
        clock, nearest = time.monotonic, None
        for lane in self.lanes.values():
            while lane:
                wait = lane[0][0] - clock()
                if wait > 0:
                    nearest = wait if nearest is None else min(wait, nearest)
                    break
                self._send(lane.popleft())
        while self.heap:
            wait = self.heap[0][0] - clock()
            if wait > 0:
                return wait if nearest is None else min(wait, nearest)
            self._send(heapq.heappop(self.heap))
        return nearest

    def _plan(self, host: PlayedHost, delay_s: float, at: float, destination: bytes, packet: bytes) -> None:
        planned = (at + delay_s, next(self.order), at, host, destination, packet)
        lane = self.lanes.get(delay_s)
        if lane is None and len(self.lanes) < _MOST_LANES:
            lane = self.lanes[delay_s] = deque()
        if lane is None:
            heapq.heappush(self.heap, planned)
        else:
            lane.append(planned)

    def _send(self, planned: _Planned) -> None:
        _due, _order, at, host, destination, packet = planned
        if self.log is not None:
            self.log[0].append(destination)
            self.log[1].append(time.monotonic() - at)
        try:
            os.write(self.device, packet)
        except OSError as error:
            if error.errno not in (errno.EIO, errno.ENETDOWN):
                raise
            return  # the device is down: what was on its way is lost
        host.replies += 1

    def _host_in_net(self, destination: bytes) -> PlayedHost | None:
        number, size = int.from_bytes(destination, "big"), len(destination)
        for net in self.nets:
            if size == net.size and number & net.mask == net.first:
                return net.played
        return None
