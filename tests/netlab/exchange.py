"""Sends echo requests through raw sockets of its own and prints what comes back: a program for inside a lab.

    echo '{"to": "10.77.0.5", "packets": 3, "ttl": 4, "expect": 3}' | python exchange.py

The answers are a JSON list of `Answer`'s fields. It is no prober: what it takes in is not judged.
"""

import json
import select
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23  # linux/in.h, linux/in6.h
NEVER_FRAGMENT, MAY_FRAGMENT = 3, 0  # IP_PMTUDISC_PROBE, IP_PMTUDISC_DONT
IDENTIFIER = 0x7E57


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to send and how long to listen."""

    to: str
    also: tuple[str, ...] = ()
    """More addresses of the same family; each packet goes to all of them."""
    packets: int = 1
    interval_ms: float = 0.0
    payload_bytes: int = 56
    ttl: int = 64
    traffic_class: int = 0
    dont_fragment: bool = False
    """Only of IPv4."""
    fragment: bool = False
    """Whether a packet above the interface's MTU is sent in fragments over IPv6; over IPv4 it is."""
    expect: int = 0
    """It ends after so many answers."""
    wait_ms: float = 10_000.0
    """It ends so long after the last packet at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An ICMP message that came."""

    source: str
    type: int
    code: int
    sequence: int
    body: str
    """What follows the ICMP header, hexadecimal."""
    rest: str
    """The last four bytes of the ICMP header, hexadecimal."""
    right: bool
    """Whether the checksum is; IPv6: always, or the kernel would have dropped it."""
    rtt_ms: float
    """Since the packet of this sequence number was sent; of an error: since the first one was."""


def total(data: bytes) -> int:
    """The ones' complement sum: 0xFFFF over a message with its right checksum."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2))
    return (sum(words) - 1) % 0xFFFF + 1 if any(words) else 0


def payload(size: int) -> bytes:
    return bytes(number & 0xFF for number in range(size))


def open_socket(order: Order) -> socket.socket:
    if ":" in order.to:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, order.ttl)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, order.traffic_class)
        sock.setsockopt(
            socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, MAY_FRAGMENT if order.fragment else NEVER_FRAGMENT
        )
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, order.ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, order.traffic_class)
        sock.setsockopt(
            socket.IPPROTO_IP, IP_MTU_DISCOVER, NEVER_FRAGMENT if order.dont_fragment else MAY_FRAGMENT
        )
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return sock


def request(order: Order, sequence: int) -> bytes:
    type_ = 128 if ":" in order.to else 8
    body = payload(order.payload_bytes)
    zeroed = struct.pack("!BBHHH", type_, 0, 0, IDENTIFIER, sequence) + body
    return zeroed[:2] + struct.pack("!H", total(zeroed) ^ 0xFFFF) + zeroed[4:]  # IPv6: the kernel's own


def parse(data: bytes, source: str, sent_at: list[float]) -> Answer | None:
    ipv4 = ":" not in source
    icmp = data[(data[0] & 15) * 4 :] if ipv4 else data
    type_, code = icmp[0], icmp[1]
    if type_ in ((8,) if ipv4 else (128, *range(130, 144))):
        return None
    is_reply = type_ == (0 if ipv4 else 129)
    sequence = int.from_bytes(icmp[6:8], "big") if is_reply else 0
    since = sent_at[sequence] if sequence < len(sent_at) else sent_at[0]
    return Answer(
        source=source.partition("%")[0],
        type=type_,
        code=code,
        sequence=sequence,
        body=icmp[8:].hex(),
        rest=icmp[4:8].hex(),
        right=not ipv4 or total(icmp) == 0xFFFF,
        rtt_ms=(time.perf_counter() - since) * 1_000,
    )


def exchange(order: Order) -> list[Answer]:
    sock = open_socket(order)
    sent_at: list[float] = []
    answers: list[Answer] = []
    next_at = time.perf_counter()
    ends_at = next_at + order.packets * order.interval_ms / 1_000 + order.wait_ms / 1_000
    while time.perf_counter() < ends_at and (not order.expect or len(answers) < order.expect):
        if len(sent_at) < order.packets and time.perf_counter() >= next_at:
            sent_at.append(time.perf_counter())
            for address in (order.to, *order.also):
                sock.sendto(request(order, len(sent_at) - 1), (address, 0))
            next_at += order.interval_ms / 1_000
        until = next_at if len(sent_at) < order.packets else ends_at
        if select.select([sock], [], [], max(0.0, until - time.perf_counter()))[0]:
            data, sender = sock.recvfrom(65_535)
            answer = parse(data, sender[0], sent_at)
            if answer is not None:
                answers.append(answer)
    return answers


if __name__ == "__main__":
    fields = json.load(sys.stdin)
    order = Order(**{**fields, "also": tuple(fields.get("also", ()))})
    print(json.dumps([asdict(answer) for answer in exchange(order)]))
