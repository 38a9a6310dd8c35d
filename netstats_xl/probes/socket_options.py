"""What the operating systems can do for an ICMP socket, and how they say it: of use, but not needed."""

import contextlib
import socket
import struct
import sys
import time
from collections.abc import Sequence

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.packets import reason_of, wanted_types

MSG_ERRQUEUE = 0x2000
"""Reads the error queue of a socket (Linux)."""
_RECEIVE_QUEUE_BYTES = 4 << 20

# Linux constants that Python's socket module lacks
# (include/uapi: asm-generic/socket.h, linux/icmp.h, linux/in.h, linux/in6.h).
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_SOL_RAW, _ICMP_FILTER = 255, 1
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_TIMESPEC = struct.Struct("@ll")
_EXTENDED_ERR = struct.Struct("@IBBBBII")
_FROM_THE_NETWORK = (2, 3)
"""SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6 (linux/errqueue.h)."""
_ICMP6_FILTER = {"linux": 1, "darwin": 18}


def ask_for_stamps(sock: socket.socket) -> bool:
    """Have each packet carry the wall time at which the kernel got it; whether it will."""
    return sys.platform == "linux" and _try_option(sock, socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def ask_for_errors(sock: socket.socket, family: Family) -> bool:
    """Have ICMP errors queued on a datagram socket, which gets none otherwise; whether they will be."""
    if sys.platform != "linux":
        return False
    if family is Family.IPV4:
        return _try_option(sock, socket.IPPROTO_IP, _IP_RECVERR, 1)
    return _try_option(sock, socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)


def enlarge_receive_queue(sock: socket.socket) -> None:
    """Let as many replies wait as the system allows: the usual queue holds some 280."""
    # RCVBUFFORCE passes the system's limit, but only root may use it.
    if not (
        sys.platform == "linux"
        and _try_option(sock, socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_QUEUE_BYTES)
    ):
        _try_option(sock, socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_QUEUE_BYTES)


def filter_types(sock: socket.socket, family: Family) -> None:
    """Spare us the messages that concern no echo request, our own requests on the loopback among them."""
    if family is Family.IPV4:
        if sys.platform == "linux":
            blocked = 0xFFFFFFFF
            for type_ in wanted_types(family):
                blocked &= ~(1 << type_)
            _try_option(sock, _SOL_RAW, _ICMP_FILTER, struct.pack("@I", blocked))
    elif sys.platform in _ICMP6_FILTER:
        bits = [0] * 8
        for type_ in wanted_types(family):
            bits[type_ >> 5] |= 1 << (type_ & 31)
        if sys.platform == "linux":  # where a set bit blocks; on BSD and macOS it lets pass
            bits = [each ^ 0xFFFFFFFF for each in bits]
        _try_option(sock, socket.IPPROTO_ICMPV6, _ICMP6_FILTER[sys.platform], struct.pack("@8I", *bits))


def _try_option(sock: socket.socket, level: int, option: int, value: int | bytes) -> bool:
    """Set an option that is of use but not needed; whether the system has it."""
    with contextlib.suppress(OSError):
        sock.setsockopt(level, option, value)
        return True
    return False


def read_wall_lead_ns() -> int:
    """By how much the wall clock is ahead of the monotonic clock now, ns.

    The kernel stamps packets with the wall clock, and RTTs are measured on the monotonic one. This converts
    between them over the short time that a packet waited in the socket, so that a busy interpreter does not
    lengthen RTTs. The closest of three readings, as the thread may be interrupted within one.
    """
    best_gap = best_lead = 0
    for attempt in range(3):
        before = time.perf_counter_ns()
        wall = time.time_ns()
        gap = time.perf_counter_ns() - before
        if attempt == 0 or gap < best_gap:
            best_gap, best_lead = gap, wall - before - gap // 2
    return best_lead


def stamped_at(ancillary: Sequence[tuple[int, int, bytes]], wall_lead_ns: int) -> float | None:
    """When the kernel got the packet, on the monotonic clock, s; None where it does not say."""
    for level, type_, data in ancillary:
        if level == socket.SOL_SOCKET and type_ == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            since_start_ns: int = seconds * 1_000_000_000 + nanoseconds - wall_lead_ns
            return since_start_ns / 1e9
    return None


def parse_extended_error(data: bytes, family: Family) -> tuple[str, str] | None:
    """Who complained and why, of a `sock_extended_err` and the address after it (man 7 ip, IP_RECVERR)."""
    offset = 4 if family is Family.IPV4 else 8
    size = 4 if family is Family.IPV4 else 16
    start = _EXTENDED_ERR.size + offset
    if len(data) < start + size:
        return None
    _errno, origin, type_, code, _pad, _info, _data = _EXTENDED_ERR.unpack_from(data)
    reason = reason_of(family, type_, code) if origin in _FROM_THE_NETWORK else None
    if reason is None:
        return None
    af = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
    return socket.inet_ntop(af, data[start : start + size]), reason
