"""ICMP messages as bytes: what an echo request carries, and what comes back. Pure.

The payload of each request begins with a head of 16 bytes that no other request has: 8 bytes of a counter and
8 random ones. A reply is ours only if it brings back a head that is in flight: identifier and sequence number
are 16 bits each, and on Linux's datagram sockets the kernel replaces the identifier.
"""

import struct
from functools import lru_cache
from typing import NamedTuple

from netstats_xl.probes.addresses import Family

HEAD_BYTES = 16
_IPV6_HEADER_BYTES = 40
_ICMP_HEADER_BYTES = 8
_ECHO_REQUEST = {Family.IPV4: 8, Family.IPV6: 128}
_ECHO_REPLY = {Family.IPV4: 0, Family.IPV6: 129}
_PROTOCOL = {Family.IPV4: 1, Family.IPV6: 58}
_ID_SEQUENCE = struct.Struct("!HH")

_REASONS: dict[Family, dict[int, tuple[str, dict[int, str]]]] = {
    # Types and codes: RFC 792, RFC 1122 and RFC 1812 for IPv4, RFC 4443 for IPv6.
    Family.IPV4: {
        3: (
            "destination unreachable",
            {
                0: "network unreachable",
                1: "host unreachable",
                2: "protocol unreachable",
                3: "port unreachable",
                4: "packet too big for the path, and fragmenting is not allowed",
                5: "source route failed",
                6: "network unknown",
                7: "host unknown",
                8: "source host isolated",
                9: "network administratively prohibited",
                10: "host administratively prohibited",
                11: "network unreachable for this type of service",
                12: "host unreachable for this type of service",
                13: "administratively filtered",
                14: "host precedence violation",
                15: "precedence cut-off in effect",
            },
        ),
        11: ("time exceeded", {0: "time to live exceeded", 1: "fragments not reassembled in time"}),
        12: ("parameter problem", {}),
    },
    Family.IPV6: {
        1: (
            "destination unreachable",
            {
                0: "no route to the destination",
                1: "administratively prohibited",
                2: "beyond the scope of the source address",
                3: "host unreachable",
                4: "port unreachable",
                5: "source address refused by policy",
                6: "route to the destination rejected",
            },
        ),
        2: ("packet too big for the path", {}),
        3: ("time exceeded", {0: "hop limit exceeded", 1: "fragments not reassembled in time"}),
        4: ("parameter problem", {}),
    },
}


class Reply(NamedTuple):
    """An echo reply."""

    identifier: int
    sequence: int
    head: bytes


class Complaint(NamedTuple):
    """An ICMP error about an echo request: who says what about which."""

    reporter: str
    reason: str
    identifier: int
    sequence: int
    destination: bytes
    """Where the request went, packed."""
    head: bytes | None
    """Of the request's payload; None where too little of it is quoted: a router need quote only 8 bytes."""


Message = Reply | Complaint


def wanted_types(family: Family) -> tuple[int, ...]:
    """The ICMP types that concern echo requests, for the socket's filter."""
    return (_ECHO_REPLY[family], *_REASONS[family])


def reason_of(family: Family, type_: int, code: int) -> str | None:
    """ICMP's reason in words; None where the message is no error (a redirect, for example)."""
    found = _REASONS[family].get(type_)
    return None if found is None else found[1].get(code, found[0])


@lru_cache(maxsize=64)
def filler(size: int) -> bytes:
    """`size` bytes that leave the checksum as it is, whatever stands before them at an even offset.

    The Internet checksum is the sum of 16-bit words modulo 0xFFFF (RFC 1071), so a word and its complement
    add nothing. So a packet's cost does not grow with its payload, and the bytes still vary.
    """
    words = bytearray()
    word = 0x1D0F
    while len(words) + 4 <= size:
        words += struct.pack("!HH", word, word ^ 0xFFFF)
        word = (word * 25173 + 13849) & 0xFFFF
    return bytes(words) + bytes(size - len(words))


def parse_message(data: bytes, *, family: Family, ip_header: bool, source: str) -> Message | None:
    """What a received packet says, or None if it can concern no echo request of ours.

    Args:
        data: the packet.
        family: of the socket that it came from.
        ip_header: whether an IPv4 header comes first, as raw sockets deliver it.
        source: the sender's address.
    """
    if ip_header:
        data = data[_ipv4_header_bytes(data) :]
    if len(data) < _ICMP_HEADER_BYTES:
        return None
    type_, code = data[0], data[1]
    if type_ == _ECHO_REPLY[family]:
        if len(data) < _ICMP_HEADER_BYTES + HEAD_BYTES:
            return None
        identifier, sequence = _ID_SEQUENCE.unpack_from(data, 4)
        return Reply(identifier, sequence, data[_ICMP_HEADER_BYTES : _ICMP_HEADER_BYTES + HEAD_BYTES])
    reason = reason_of(family, type_, code)
    if reason is None:
        return None
    quoted = data[_ICMP_HEADER_BYTES:]
    header_bytes = _ipv4_header_bytes(quoted) if family is Family.IPV4 else _IPV6_HEADER_BYTES
    if len(quoted) < header_bytes:
        return None
    if family is Family.IPV4:
        protocol, destination = quoted[9], quoted[16:20]
    else:
        protocol, destination = quoted[6], quoted[24:40]
    if protocol != _PROTOCOL[family]:
        return None
    return parse_quoted(
        quoted[header_bytes:], family=family, reporter=source, reason=reason, destination=destination
    )


def parse_quoted(
    quoted: bytes, *, family: Family, reporter: str, reason: str, destination: bytes
) -> Complaint | None:
    """The complaint about a request of which `quoted` is the beginning, from its ICMP header on."""
    if len(quoted) < _ICMP_HEADER_BYTES or quoted[0] != _ECHO_REQUEST[family]:
        return None
    identifier, sequence = _ID_SEQUENCE.unpack_from(quoted, 4)
    head = quoted[_ICMP_HEADER_BYTES : _ICMP_HEADER_BYTES + HEAD_BYTES]
    return Complaint(
        reporter, reason, identifier, sequence, destination, head if len(head) == HEAD_BYTES else None
    )


def _ipv4_header_bytes(data: bytes) -> int:
    # The low half of the first byte counts 32-bit words: options make the header longer than 20 bytes.
    return max((data[0] & 0x0F) * 4, 20) if data else 20
