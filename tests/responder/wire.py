"""The packets of the network as bytes. Pure."""

import struct
from typing import NamedTuple

HEADER_V4, HEADER_V6 = 20, 40
_ADDED = [bytes((0, 0, first + 8)) for first in range(0xF7)]
"""What stands for type, code and the checksum's first byte in a reply, by that byte of the request."""


class Marks(NamedTuple):
    """What the IP header of a request says."""

    traffic_class: int
    """The TOS byte of IPv4: six bits of DSCP, two of ECN."""
    ttl: int
    """IPv6: the hop limit."""
    dont_fragment: bool
    """Always of IPv6, unless it came in fragments."""
    length: int
    """Of the packet with its IP header, bytes; of the whole one where it came in fragments."""


class Request(NamedTuple):
    """An echo request."""

    packet: bytes
    source: bytes
    destination: bytes
    icmp: bytes
    """From its ICMP header on."""
    marks: Marks


def checksum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def parse_request(packet: bytes, *, fragmented: bool = False) -> Request | None:
    """The echo request that this packet is, or None; `fragmented`: it was put together."""
    if packet[0] >> 4 == 4 and len(packet) >= HEADER_V4 + 8:
        header = (packet[0] & 15) * 4
        icmp = packet[header:]
        if packet[9] != 1 or len(icmp) < 8 or icmp[0] != 8:
            return None
        marks = Marks(packet[1], packet[8], bool(packet[6] & 0x40), len(packet))
        return Request(packet, packet[12:16], packet[16:20], icmp, marks)
    if packet[0] >> 4 == 6 and len(packet) >= HEADER_V6 + 8 and packet[6] == 58 and packet[40] == 128:
        traffic_class = (packet[0] & 15) << 4 | packet[1] >> 4
        marks = Marks(traffic_class, packet[7], not fragmented, len(packet))
        return Request(packet, packet[8:24], packet[24:40], packet[40:], marks)
    return None


def plain_reply(packet: bytes) -> bytes:
    """The reply to a whole echo request without IP options: addresses swapped, the checksum adjusted.

    Swapped addresses leave the sums as they are, and so do the TTL and traffic class, which are kept. The checksum
    is a sum modulo 0xFFFF (RFC 1624), and takes in that the type is another.
    """
    if packet[0] == 0x45:
        first = packet[22]
        if first < 0xF7:  # or there may be a carry
            return b"".join((packet[:12], packet[16:20], packet[12:16], _ADDED[first], packet[23:]))
        total = ((first << 8 | packet[23]) + 0x0800) % 0xFFFF
        rest = bytes(2) + total.to_bytes(2, "big") + packet[24:]
        return packet[:12] + packet[16:20] + packet[12:16] + rest
    total = (int.from_bytes(packet[42:44], "big") - 0x0100) % 0xFFFF
    head = packet[:8] + packet[24:40] + packet[8:24]
    return head + b"\x81\0" + total.to_bytes(2, "big") + packet[44:]


def ip_packet(source: bytes, destination: bytes, icmp: bytes) -> bytes:
    """An ICMP message in a packet of its addresses' family, with the header's checksum."""
    if len(source) == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0, source, destination)
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + icmp
    return struct.pack("!IHBB", 6 << 28, len(icmp), 58, 64) + source + destination + icmp


def icmp_message(
    type_: int, code: int, rest: bytes, body: bytes, *, source: bytes, destination: bytes
) -> bytes:
    """An ICMP message of the addresses' family, with its checksum."""
    zeroed = struct.pack("!BBH", type_, code, 0) + rest + body
    pseudo = b"" if len(source) == 4 else source + destination + struct.pack("!I3xB", len(zeroed), 58)
    return zeroed[:2] + struct.pack("!H", checksum(pseudo + zeroed)) + zeroed[4:]
