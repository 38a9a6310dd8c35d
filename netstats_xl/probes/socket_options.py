"""What the operating systems can do for an ICMP socket, and how they say it: of use, but not needed."""

import contextlib
import errno
import socket
import struct
import sys
import time
from dataclasses import replace

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.packets import wanted_types
from netstats_xl.probes.trains import WireOptions

MSG_ERRQUEUE = 0x2000
"""Reads the error queue of a socket (Linux)."""
_RECEIVE_QUEUE_BYTES = 4 << 20

# Linux constants that Python's socket module lacks
# (include/uapi: asm-generic/socket.h, linux/icmp.h, linux/in.h, linux/in6.h).
SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_SOL_RAW, _ICMP_FILTER = 255, 1
_IP_RECVERR, _IPV6_RECVERR = 11, 25
TIMESPEC = struct.Struct("@ll")
_EXTENDED_ERR = struct.Struct("@IBBBBII")
_FROM_THE_NETWORK = (2, 3)
"""SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6 (linux/errqueue.h)."""
_ICMP6_FILTER = {"linux": 1, "darwin": 18}
# Linux cuts packets that are larger than the path takes, unless it is told to probe (man 7 ip, IP_MTU_DISCOVER).
_DONT_FRAGMENT = 3 if sys.platform == "linux" else 1
# in.h, in6.h; netinet/in.h of macOS; ws2ipdef.h. Windows leaves the type of service to its policies.
_FRAGMENT_OPTIONS = {"linux": (10, 23), "darwin": (28, 62), "win32": (14, 14)}.get(sys.platform)
_HEADER_OPTIONS: dict[Family, tuple[int, dict[str, int]]] = {
    Family.IPV4: (socket.IPPROTO_IP, {"ttl": socket.IP_TTL}),
    Family.IPV6: (socket.IPPROTO_IPV6, {"ttl": socket.IPV6_UNICAST_HOPS}),
}
if sys.platform != "win32":
    _HEADER_OPTIONS[Family.IPV4][1]["tos"] = socket.IP_TOS
    _HEADER_OPTIONS[Family.IPV6][1]["tos"] = socket.IPV6_TCLASS
if _FRAGMENT_OPTIONS is not None:
    _HEADER_OPTIONS[Family.IPV4][1]["dont_fragment"] = _FRAGMENT_OPTIONS[0]
    _HEADER_OPTIONS[Family.IPV6][1]["dont_fragment"] = _FRAGMENT_OPTIONS[1]


def ask_for_stamps(sock: socket.socket) -> bool:
    """Have each packet carry the wall time at which the kernel got it; whether it will."""
    return sys.platform == "linux" and _try_option(sock, socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


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


class OptionSetter:
    """Sets what the IP headers of a socket's packets say, where it is not so already."""

    def __init__(self, sock: socket.socket, family: Family) -> None:
        """Remember how the system has it, to return to it."""
        self._socket = sock
        self._level, self._numbers = _HEADER_OPTIONS[family]
        self._defaults = {name: self._read(number) for name, number in self._numbers.items()}
        self._current = WireOptions()

    def apply(self, options: WireOptions) -> None:
        """Have the packets from now on go with these options; a DSCP only where the system lets programs set it.

        Raises:
            OSError: the system does not let one of the others be set.
        """
        if options == self._current:
            return
        current = self._current
        # Each is noted by itself: one that fails must not hide those before it, which are to be put back.
        if options.ttl != current.ttl:
            self._write("ttl", options.ttl)
            self._current = replace(self._current, ttl=options.ttl)
        if options.dscp != current.dscp:
            if "tos" in self._numbers:
                # The two bits below the DSCP are those of congestion notification (RFC 3168).
                self._write("tos", None if options.dscp is None else options.dscp << 2)
            self._current = replace(self._current, dscp=options.dscp)
        if options.dont_fragment != current.dont_fragment:
            self._write("dont_fragment", _DONT_FRAGMENT if options.dont_fragment else None)
            self._current = replace(self._current, dont_fragment=options.dont_fragment)

    def _read(self, number: int) -> int | None:
        try:
            return self._socket.getsockopt(self._level, number)
        except OSError:
            return None

    def _write(self, name: str, value: int | None) -> None:
        number = self._numbers.get(name)
        wanted = self._defaults.get(name) if value is None else value
        if number is None or wanted is None:
            raise OSError(errno.ENOPROTOOPT, "this system has no such option")
        self._socket.setsockopt(self._level, number, wanted)


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


def parse_extended_error(data: bytes, family: Family) -> tuple[str, int, int] | None:
    """Who complained, and ICMP's type and code: of a `sock_extended_err` and the address after it (man 7 ip)."""
    offset = 4 if family is Family.IPV4 else 8
    size = 4 if family is Family.IPV4 else 16
    start = _EXTENDED_ERR.size + offset
    if len(data) < start + size:
        return None
    _errno, origin, type_, code, _pad, _info, _data = _EXTENDED_ERR.unpack_from(data)
    if origin not in _FROM_THE_NETWORK:
        return None
    af = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
    return socket.inet_ntop(af, data[start : start + size]), type_, code
