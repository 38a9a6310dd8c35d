"""Windows' own echo service (iphlpapi), which lets every user send ICMP echo requests.

`IcmpSendEcho2` and `Icmp6SendEcho2` return at once; their replies arrive as asynchronous procedure calls while
the sending thread waits alertably. So everything but `open` and `wake` belongs to one thread.
https://learn.microsoft.com/windows/win32/api/icmpapi/nf-icmpapi-icmpsendecho2
"""

import ctypes
import struct
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.echo_status import GENERAL_FAILURE, REPLIED
from netstats_xl.probes.packets import PAYLOAD_HEAD_BYTES
from netstats_xl.probes.trains import WireOptions

_PENDING = 997  # ERROR_IO_PENDING
_NO_SUCH_FUNCTION = 127  # ERROR_PROC_NOT_FOUND
_IO_STATUS_BLOCK = 16  # bytes, in a 64-bit process
_INVALID_HANDLE = ctypes.c_void_p(-1).value
_AF_INET6 = 23
_DONT_FRAGMENT = 0x2  # IP_FLAG_DF
_USUAL_TTL = 128
"""Windows' own, where another option is asked for and no TTL: it goes by the same structure."""
_PRECISE_BELOW_S = 1.0
"""Shorter waits are to end on the millisecond, not on a clock tick of 16."""
_CLOSE_WITHIN_S = 1.0


class _Options(ctypes.Structure):
    _fields_ = (
        ("ttl", ctypes.c_ubyte),
        ("tos", ctypes.c_ubyte),
        ("flags", ctypes.c_ubyte),
        ("size", ctypes.c_ubyte),
        ("data", ctypes.c_void_p),
    )


class _EchoReply(ctypes.Structure):
    """ICMP_ECHO_REPLY."""

    _fields_ = (
        ("address", ctypes.c_ubyte * 4),
        ("status", ctypes.c_uint32),
        ("round_trip_ms", ctypes.c_uint32),
        ("data_size", ctypes.c_uint16),
        ("reserved", ctypes.c_uint16),
        ("data", ctypes.c_void_p),
        ("options", _Options),
    )


class _Echo6Reply(ctypes.Structure):
    """ICMPV6_ECHO_REPLY; its address is a packed IPV6_ADDRESS_EX of 26 bytes."""

    _fields_ = (
        ("address", ctypes.c_ubyte * 26),
        ("status", ctypes.c_uint32),
        ("round_trip_ms", ctypes.c_uint32),
    )


_REPLIES: Mapping[Family, Any] = {Family.IPV4: _EchoReply, Family.IPV6: _Echo6Reply}


@dataclass(frozen=True, slots=True)
class _Functions:
    """The library's functions for a family."""

    create: Any
    send: Any
    parse: Any


class EchoReply(NamedTuple):
    """What became of a request."""

    key: int
    """The request's."""
    status: int
    """An IP_STATUS: 0 for a reply."""
    reporter: bytes
    """Address of the host that answered, or complained, packed."""
    payload: bytes
    """What a reply brought back. Of an IPv6 reply its first 16 bytes: how many came Windows does not say."""
    at: float
    """When we were told, on the performance counter, s."""


class WindowsEchoApi:
    """Sends echo requests and hears of their replies. One thread may use it, but for `open` and `wake`."""

    def __init__(self) -> None:
        """Load the system's libraries.

        Raises:
            BackendUnavailable: this system has none.
        """
        load: Any = getattr(ctypes, "WinDLL", None)
        if load is None:
            raise BackendUnavailable("Windows' echo service is not there: this is another system.")
        self._iphlpapi = load("iphlpapi.dll", use_last_error=True)
        self._kernel32 = load("kernel32.dll", use_last_error=True)
        self._winmm = load("winmm.dll")
        self._declare()
        self._wakeup = self._kernel32.CreateEventW(None, False, False, None)
        weakref.finalize(self, self._kernel32.CloseHandle, self._wakeup)
        self._precise = False
        self._arrivals: deque[tuple[int, float]] = deque()
        arrived, clock = self._arrivals.append, time.perf_counter
        # Windows calls it: it must live as long as a request is on its way. It does next to nothing: where several
        # replies are there, each is timed after the calls of those before it.
        procedure = ctypes.WINFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)  # type: ignore[attr-defined]  # on Windows alone
        self._apc = procedure(lambda key, _status, _reserved: arrived((key, clock())))
        self._apc_address = ctypes.cast(self._apc, ctypes.c_void_p)
        self._handles: dict[Family, int] = {}
        self._flights: dict[int, _Flight] = {}

    def _declare(self) -> None:
        pointer, word, dword = ctypes.c_void_p, ctypes.c_uint16, ctypes.c_uint32
        tail = [ctypes.c_char_p, word, pointer, pointer, dword, dword]
        self._functions: dict[Family, _Functions] = {}
        for family, names, head in (
            (Family.IPV4, ("IcmpCreateFile", "IcmpSendEcho2", "IcmpParseReplies"), [dword]),
            (Family.IPV6, ("Icmp6CreateFile", "Icmp6SendEcho2", "Icmp6ParseReplies"), [pointer, pointer]),
        ):
            found = [getattr(self._iphlpapi, name, None) for name in names]
            if None in found:  # a stand-in for Windows may lack IPv6
                continue
            functions = _Functions(*found)
            functions.create.restype = pointer
            functions.send.argtypes = [pointer, pointer, pointer, pointer, *head, *tail]
            functions.parse.argtypes = [pointer, dword]
            self._functions[family] = functions
        self._iphlpapi.IcmpCloseHandle.argtypes = [pointer]
        kernel = self._kernel32
        kernel.CreateEventW.restype = pointer
        kernel.CloseHandle.argtypes = [pointer]
        kernel.SetEvent.argtypes = [pointer]
        kernel.WaitForSingleObjectEx.argtypes = [pointer, dword, ctypes.c_int]
        kernel.SleepEx.argtypes = [dword, ctypes.c_int]

    def open(self, family: Family) -> None:
        """Get ready for a family, once. From any thread.

        Raises:
            BackendUnavailable: the system has it not.
        """
        if family in self._handles:
            return
        functions = self._functions.get(family)
        handle = functions.create() if functions else None
        if handle is None or handle == _INVALID_HANDLE:
            code = ctypes.get_last_error() if functions else _NO_SUCH_FUNCTION  # type: ignore[attr-defined]  # on Windows alone
            raise BackendUnavailable(
                f"Windows lets no {family} echo request be sent (error {code}). "
                f"Enable {family} on this computer, or leave its destinations out."
            )
        self._handles[family] = handle

    @property
    def under_way(self) -> int:
        """How many requests are on their way: Windows holds a buffer of each."""
        return len(self._flights)

    def send(self, key: int, address: Address, payload: bytes, timeout_ms: int, options: WireOptions) -> int:
        """Send a request; 0, or Windows' number of why it was not.

        Args:
            key: names it; new, not 0, and of at most 64 bits.
            address: where to; its family is open.
            payload: at most 65,500 bytes.
            timeout_ms: after which Windows gives it up.
            options: Windows ignores the DSCP (https://learn.microsoft.com/windows/win32/api/ipexport/ns-ipexport-ip_option_information).
        """
        family = address.family
        # The size that the facts of the interface ask for: a reply, its data or an error's, and a status block.
        size = ctypes.sizeof(_REPLIES[family]) + max(len(payload), 8 + _IO_STATUS_BLOCK) + 16
        buffer = ctypes.create_string_buffer(size)
        information = _information(options)
        self._flights[key] = _Flight(family, buffer, payload, information)
        head: tuple[object, ...] = struct.unpack("=L", address.packed) if family is Family.IPV4 else ()
        if family is Family.IPV6:
            head = (_sockaddr6(bytes(16), 0), _sockaddr6(address.packed, _scope(address)))
        ctypes.set_last_error(0)  # type: ignore[attr-defined]  # on Windows alone; success leaves an earlier one
        # Argument by argument: handle, event, procedure and its context, addresses, request, options, reply.
        self._functions[family].send(
            self._handles[family], None, self._apc_address, key, *head,
            payload, len(payload), information and ctypes.byref(information), buffer, size, timeout_ms,
        )  # fmt: skip
        code: int = ctypes.get_last_error()  # type: ignore[attr-defined]  # on Windows alone
        if code in (0, _PENDING):
            return 0
        del self._flights[key]
        return code

    def wait(self, seconds: float) -> None:
        """Wait for replies, for `wake`, or so long, s. With 0, what is there is told, and a `wake` stays."""
        if not seconds:
            self._kernel32.SleepEx(0, True)
            return
        self._be_precise(seconds < _PRECISE_BELOW_S)
        self._kernel32.WaitForSingleObjectEx(self._wakeup, max(1, round(seconds * 1_000)), True)

    def _be_precise(self, wanted: bool) -> None:
        """Have the waits of this process end on the millisecond, which costs power."""
        if wanted is not self._precise:
            (self._winmm.timeBeginPeriod if wanted else self._winmm.timeEndPeriod)(1)
            self._precise = wanted

    def wake(self) -> None:
        """End the wait under way, or else the next one. From any thread."""
        self._kernel32.SetEvent(self._wakeup)

    def replies(self) -> Sequence[EchoReply]:
        """What the waits since the last call brought."""
        found = []
        while self._arrivals:
            key, at = self._arrivals.popleft()
            flight = self._flights.pop(key)
            found.append(self._read(flight, key, at))
        return found

    def close(self) -> None:
        """Give up what is on its way. Until Windows has said of each that it is, it writes into their buffers."""
        for handle in self._handles.values():
            self._iphlpapi.IcmpCloseHandle(handle)
        self._handles.clear()
        ends_at = time.perf_counter() + _CLOSE_WITHIN_S
        while self._flights and time.perf_counter() < ends_at:
            self.wait(0.05)
            self.replies()
        self._be_precise(False)

    def _read(self, flight: "_Flight", key: int, at: float) -> EchoReply:
        family, buffer = flight.family, flight.buffer
        count = self._functions[family].parse(buffer, len(buffer))
        code: int = ctypes.get_last_error()  # type: ignore[attr-defined]  # on Windows alone
        reply = _REPLIES[family].from_buffer(buffer)
        status: int = reply.status
        if status == REPLIED and not count:
            status = code or GENERAL_FAILURE
        address = bytes(reply.address)
        reporter = address if family is Family.IPV4 else address[6:22]
        payload = _payload(flight, reply) if status == REPLIED else b""
        return EchoReply(key, status, reporter, payload, at)


@dataclass(slots=True)
class _Flight:
    """A request on its way, and the memory of ours that Windows uses meanwhile."""

    family: Family
    buffer: Any
    payload: bytes
    information: _Options | None


def _payload(flight: _Flight, reply: Any) -> bytes:
    """What a reply brought back; nothing where it does not lie in its buffer."""
    buffer = flight.buffer
    begin = ctypes.addressof(buffer)
    if flight.family is Family.IPV4:
        start, size = (reply.data or 0) - begin, reply.data_size
    else:
        start, size = ctypes.sizeof(reply), PAYLOAD_HEAD_BYTES
    if start < 0 or start + size > len(buffer):
        return b""
    return ctypes.string_at(begin + start, size)


@lru_cache(maxsize=512)
def _information(options: WireOptions) -> _Options | None:
    """The options as Windows takes them; None: as it has them."""
    if options == WireOptions():
        return None
    flags = _DONT_FRAGMENT if options.dont_fragment else 0
    return _Options(options.ttl or _USUAL_TTL, (options.dscp or 0) << 2, flags, 0, None)


def _sockaddr6(packed: bytes, scope: int) -> bytes:
    """A `sockaddr_in6`."""
    return struct.pack("=HHL16sL", _AF_INET6, 0, 0, packed, scope)


def _scope(address: Address) -> int:
    return address.sockaddr[3] if len(address.sockaddr) == 4 else 0
