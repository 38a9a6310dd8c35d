"""ICMP messages as bytes: what an echo request carries, and what comes back. Pure.

The payload of each request begins with 16 bytes that no other request has: a random token of 8 bytes, and its index:
the number of its train and its place in it. Identifier and sequence number are 16 bits each, and on Linux's datagram
sockets the kernel replaces the identifier: they alone tell no packet from another.
"""

import struct
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from netstats_xl.probes.addresses import Family

PAYLOAD_HEAD_BYTES = 16
ECHO_HEAD = struct.Struct("!BBHHHQQ")
"""Type, code, checksum, identifier, sequence number, token, index."""
ECHO_IDENTITY = struct.Struct("!HHHHQQ")
"""The same with type and code as one word."""
ECHO_VARIABLES = struct.Struct("!HHHQQ")
"""The same from the checksum on, at offset 2."""
_IPV6_HEADER_BYTES = 40
_ICMP_HEADER_BYTES = 8
ECHO_REQUEST = {Family.IPV4: 8, Family.IPV6: 128}
ECHO_REPLY = {Family.IPV4: 0, Family.IPV6: 129}
_PROTOCOL = {Family.IPV4: 1, Family.IPV6: 58}
_ID_SEQUENCE = struct.Struct("!HH")
_TOKEN_INDEX = struct.Struct("!QQ")

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


class Complaint(NamedTuple):
    """An ICMP error about an echo request: who says what about which."""

    reporter: str
    type_: int
    code: int
    reason: str
    time_exceeded: bool
    """Whether it says that the packet passed too many routers."""
    identifier: int
    sequence: int
    destination: bytes
    """Where the request went, packed."""
    head: tuple[int, int] | None
    """Token and index of the request; None where too little of it is quoted: a router need quote only 8 bytes."""


def wanted_types(family: Family) -> tuple[int, ...]:
    """The ICMP types that concern echo requests, for the socket's filter."""
    return (ECHO_REPLY[family], *_REASONS[family])


def reason_of(family: Family, type_: int, code: int) -> str | None:
    """ICMP's reason in words, with its code; None where the message is no error (a redirect, for example)."""
    found = _REASONS[family].get(type_)
    return None if found is None else f"{found[1].get(code, found[0])} (type {type_}, code {code})"


def is_time_exceeded(family: Family, type_: int, code: int) -> bool:
    """Whether the error says that the packet passed too many routers."""
    return (type_, code) == ((11, 0) if family is Family.IPV4 else (3, 0))


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


def request_template(family: Family, identifier: int, payload_bytes: int) -> bytearray:
    """An echo request with all but what differs from one to the next; `payload_bytes` is at least 16."""
    packet = bytearray(ECHO_HEAD.size) + filler(payload_bytes - PAYLOAD_HEAD_BYTES)
    packet[0] = ECHO_REQUEST[family]
    packet[4:6] = identifier.to_bytes(2, "big")
    return packet


def sum_of_words(data: bytes | bytearray) -> int:
    """The sum of the 16-bit words of a message modulo 0xFFFF: 0 for one whose Internet checksum is right.

    2^16 is 1 modulo 0xFFFF, so the message as one number leaves the same remainder as its words (RFC 1071).
    """
    number = int.from_bytes(data, "big")
    return (number << 8 if len(data) & 1 else number) % 0xFFFF


def parse_complaint(icmp: bytes | bytearray, *, family: Family, source: bytes) -> Complaint | None:
    """What an ICMP error says, or None if it concerns no echo request of ours.

    Args:
        icmp: the message, from its ICMP header on.
        family: of the socket that it came from.
        source: the sender's address, packed.
    """
    if len(icmp) < _ICMP_HEADER_BYTES:
        return None
    type_, code = icmp[0], icmp[1]
    if type_ not in _REASONS[family]:
        return None
    quoted = icmp[_ICMP_HEADER_BYTES:]
    header_bytes = _ipv4_header_bytes(quoted) if family is Family.IPV4 else _IPV6_HEADER_BYTES
    if len(quoted) < header_bytes:
        return None
    if family is Family.IPV4:
        protocol, destination = quoted[9], bytes(quoted[16:20])
    else:
        protocol, destination = quoted[6], bytes(quoted[24:40])
    if protocol != _PROTOCOL[family]:
        return None
    return parse_quoted(
        quoted[header_bytes:],
        family=family,
        reporter=str(ip_address(source)),
        type_=type_,
        code=code,
        destination=destination,
    )


def parse_quoted(
    quoted: bytes | bytearray, *, family: Family, reporter: str, type_: int, code: int, destination: bytes
) -> Complaint | None:
    """The complaint about a request of which `quoted` is the beginning, from its ICMP header on."""
    reason = reason_of(family, type_, code)
    if reason is None or len(quoted) < _ICMP_HEADER_BYTES or quoted[0] != ECHO_REQUEST[family]:
        return None
    identifier, sequence = _ID_SEQUENCE.unpack_from(quoted, 4)
    head = _TOKEN_INDEX.unpack_from(quoted, _ICMP_HEADER_BYTES) if len(quoted) >= ECHO_HEAD.size else None
    return Complaint(
        reporter,
        type_,
        code,
        reason,
        is_time_exceeded(family, type_, code),
        identifier,
        sequence,
        destination,
        head,
    )


def _ipv4_header_bytes(data: bytes | bytearray) -> int:
    """How long the IPv4 header is that the data begin with."""
    # The low half of the first byte counts 32-bit words: options make the header longer than 20 bytes.
    return max((data[0] & 0x0F) * 4, 20) if data else 20
