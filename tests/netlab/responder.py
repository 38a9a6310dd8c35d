"""A process that plays a network behind a TUN device: it answers ICMP echo as told. Standard library only.

It is a process of its own, so that nothing in the tests' interpreter can delay its replies. It reads one JSON
object a line on standard input and answers each with one on standard output:

    {"hosts": {"10.77.0.5": {"delay_ms": 5, ...}}}    set these hosts, leave the others    -> {"ok": true}
    {"counts": true}                                  what was seen so far                 -> {address: ...}

It ends with its standard input.
"""

import fcntl
import heapq
import ipaddress
import itertools
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000

Settings = dict[str, float | int | str | bool | None]


class PlayedHost:
    """One host's behaviour and its counts."""

    def __init__(self, address: str) -> None:
        self.settings: Settings = {}
        self.random = random.Random(address)
        self.requests = 0
        self.since_set = 0
        self.replies = 0

    def set(self, settings: Settings) -> None:
        self.settings = settings
        self.since_set = 0
        self.random = random.Random(int(settings.get("seed") or 0))

    def loses(self) -> bool:
        """Whether the request just counted is lost."""
        every = int(self.settings.get("lose_every") or 0)
        share = float(self.settings.get("lose_share") or 0)
        return bool((every and self.since_set % every == 0) or (share and self.random.random() < share))

    def delay_s(self) -> float:
        jitter_ms = float(self.settings.get("jitter_ms") or 0)
        shift_ms = self.random.uniform(-jitter_ms, jitter_ms) if jitter_ms else 0.0
        return max(0.0, float(self.settings.get("delay_ms") or 0) + shift_ms) / 1_000


def checksum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4_packet(source: bytes, destination: bytes, icmp: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0, source, destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + icmp


def ipv6_packet(source: bytes, destination: bytes, icmp: bytes) -> bytes:
    pseudo = source + destination + struct.pack("!I3xB", len(icmp), 58)
    zeroed = icmp[:2] + bytes(2) + icmp[4:]
    icmp = icmp[:2] + struct.pack("!H", checksum(pseudo + zeroed)) + icmp[4:]
    return struct.pack("!IHBB", 6 << 28, len(icmp), 58, 64) + source + destination + icmp


def icmp_message(type_: int, code: int, rest: bytes, body: bytes) -> bytes:
    """With its checksum for IPv4; `ipv6_packet` puts IPv6's."""
    zeroed = struct.pack("!BBH", type_, code, 0) + rest + body
    return zeroed[:2] + struct.pack("!H", checksum(zeroed)) + zeroed[4:]


class Network:
    """The hosts, and the replies that are on their way."""

    def __init__(self, device: int) -> None:
        self.device = device
        self.hosts: dict[bytes, PlayedHost] = {}
        self.replies: list[tuple[float, int, PlayedHost, bytes]] = []
        self.order = itertools.count()

    def set_hosts(self, hosts: dict[str, Settings]) -> None:
        for address, settings in hosts.items():
            packed = ipaddress.ip_address(address).packed
            self.hosts.setdefault(packed, PlayedHost(address)).set(settings)

    def counts(self) -> dict[str, dict[str, int]]:
        return {
            str(ipaddress.ip_address(packed)): {"requests": host.requests, "replies": host.replies}
            for packed, host in self.hosts.items()
        }

    def take(self, packet: bytes, at: float) -> None:
        """Plan what answers a packet that came out of the device."""
        if packet[0] >> 4 == 4:
            header = (packet[0] & 15) * 4
            source, destination, protocol, icmp = packet[12:16], packet[16:20], packet[9], packet[header:]
            request, reply, unreachable = 8, 0, (3, 1)
        else:
            source, destination, protocol, icmp = packet[8:24], packet[24:40], packet[6], packet[40:]
            request, reply, unreachable = 128, 129, (1, 3)
        host = self.hosts.get(destination)
        if host is None or protocol not in (1, 58) or len(icmp) < 8 or icmp[0] != request:
            return
        build = ipv4_packet if len(source) == 4 else ipv6_packet
        host.requests += 1
        host.since_set += 1
        settings, due = host.settings, at + host.delay_s()
        if settings.get("forged"):
            # The right numbers, but not what the request carried: whoever only guesses cannot know that.
            body = bytes(len(icmp) - 8)
            self.plan(at, host, build(destination, source, icmp_message(reply, 0, icmp[4:8], body)))
        if settings.get("dead") or host.loses():
            return
        router = settings.get("unreachable_from")
        if router:
            quoted = packet[: int(settings.get("quote_bytes") or 548)]
            message = icmp_message(*unreachable, bytes(4), quoted)
            self.plan(due, host, build(ipaddress.ip_address(str(router)).packed, source, message))
            return
        answer = build(destination, source, icmp_message(reply, 0, icmp[4:8], icmp[8:]))
        for _ in range(int(settings.get("copies") or 1)):
            self.plan(due, host, answer)

    def plan(self, due: float, host: PlayedHost, packet: bytes) -> None:
        heapq.heappush(self.replies, (due, next(self.order), host, packet))

    def deliver(self) -> float | None:
        """Send what is due; the seconds until the next one, or None."""
        while self.replies:
            wait = self.replies[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, host, packet = heapq.heappop(self.replies)
            host.replies += 1
            os.write(self.device, packet)
        return None


def open_device(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def answer(network: Network, line: bytes) -> object:
    command = json.loads(line)
    if "counts" in command:
        return network.counts()
    network.set_hosts(command["hosts"])
    return {"ok": True}


def main() -> None:
    # Replies are to be on time also while the machine is busy.
    os.nice(-20)
    device = open_device(sys.argv[1])
    network = Network(device)
    print(json.dumps({"ready": True}), flush=True)
    unread = b""
    while True:
        readable, _, _ = select.select([device, 0], [], [], network.deliver())
        at = time.monotonic()
        if device in readable:
            try:
                while True:
                    network.take(os.read(device, 65_536), at)
                    at = time.monotonic()
            except BlockingIOError:
                pass
        if 0 in readable:
            received = os.read(0, 65_536)
            if not received:
                return
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                print(json.dumps(answer(network, line)), flush=True)


if __name__ == "__main__":
    main()
