"""Where an echo request goes: an address as the socket takes it and as the user reads it."""

import ipaddress
import socket
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

SockAddr = tuple[str, int] | tuple[str, int, int, int]


class Family(IntEnum):
    """The Internet protocol's version."""

    IPV4 = 4
    IPV6 = 6

    def __str__(self) -> str:
        return f"IPv{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A destination's address."""

    text: str
    """As results show it."""
    family: Family
    sockaddr: SockAddr
    """As `socket.sendto` takes it, with the scope of a link-local address."""
    packed: bytes
    """4 or 16 bytes, as they stand in an IP header."""


class UnknownInterfaceError(Exception):
    """A literal address names a network interface that this machine lacks; `str(error)` is the reason."""


def from_sockaddr(sockaddr: SockAddr) -> Address:
    """The address that `socket.getaddrinfo` gave. An IPv4-mapped IPv6 address becomes the IPv4 address."""
    ip = ipaddress.ip_address(sockaddr[0].partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv4Address):
        return Address(text=str(ip), family=Family.IPV4, sockaddr=(str(ip), 0), packed=ip.packed)
    scope = sockaddr[3] if len(sockaddr) == 4 else 0
    return Address(
        text=sockaddr[0], family=Family.IPV6, sockaddr=(_as_received(ip), 0, 0, scope), packed=ip.packed
    )


def _as_received(ip: ipaddress.IPv6Address) -> str:
    """The address as a socket names the sender of a packet, which not always is Python's way: `::1.2.3.4`."""
    return socket.inet_ntop(socket.AF_INET6, ip.packed)


@lru_cache(maxsize=16_384)
def _parse_unscoped(host: str) -> Address | None:
    """As `parse_literal`, for hosts without a scope: what they mean never changes, and each round asks again."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return None
    return from_sockaddr((str(ip), 0))


def parse_literal(host: str) -> Address | None:
    """The address that `host` spells out, with or without a scope (`fe80::1%eth0`), or None for a name.

    Raises:
        UnknownInterfaceError: the scope names no interface of this machine.
    """
    if "%" not in host:
        return _parse_unscoped(host)
    try:
        ip = ipaddress.IPv6Address(host)
    except ValueError:
        return None
    if ip.scope_id is None:
        return None
    try:
        scope = int(ip.scope_id) if ip.scope_id.isdecimal() else socket.if_nametoindex(ip.scope_id)
    except OSError as error:
        raise UnknownInterfaceError(f"this machine has no network interface named {ip.scope_id}") from error
    return Address(text=host, family=Family.IPV6, sockaddr=(_as_received(ip), 0, 0, scope), packed=ip.packed)
