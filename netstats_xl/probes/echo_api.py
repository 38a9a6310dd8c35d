"""Windows' own echo service (iphlpapi), which lets every user send ICMP echo requests.

`IcmpSendEcho2` and `Icmp6SendEcho2` return at once; their replies arrive as asynchronous procedure calls while
the sending thread waits alertably. So everything but `wake` belongs to one thread.
https://learn.microsoft.com/windows/win32/api/icmpapi/nf-icmpapi-icmpsendecho2
"""

import ctypes
import ipaddress
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, Family

_PENDING = 997  # ERROR_IO_PENDING
_IO_STATUS_BLOCK = 16  # bytes, in a 64-bit process
_INVALID_HANDLE = ctypes.c_void_p(-1).value
_AF_INET6 = 23


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoReply:
    """What became of a request."""

    status: int
    """An IP_STATUS: 0 for a reply."""
    reporter: str
    """Address of the host that answered, or complained."""
    at: float
    """When we were told, on the monotonic clock, s."""


OnReply = Callable[[int, EchoReply], None]
"""Is given the request's key and its reply."""


class WindowsEchoApi:
    """Sends echo requests and hears of their replies. Its thread alone may use it, but for `wake`."""

    def __init__(self, on_reply: OnReply) -> None:
        """Load the system's library.

        Raises:
            BackendUnavailable: this system has none.
        """
        load: Any = getattr(ctypes, "WinDLL", None)
        if load is None:
            raise BackendUnavailable("Windows' echo service is not there: this is another system.")
        self._on_reply = on_reply
        self._iphlpapi = load("iphlpapi.dll", use_last_error=True)
        self._kernel32 = load("kernel32.dll", use_last_error=True)
        self._declare()
        self._wakeup = self._kernel32.CreateEventW(None, False, False, None)
        # Windows calls it: it must live as long as a request is on its way.
        self._apc = ctypes.WINFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)(self._arrived)  # type: ignore[attr-defined]  # on Windows alone
        self._handles: dict[Family, int] = {}
        self._buffers: dict[int, tuple[Family, Any, bytes]] = {}

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
        kernel.SetEvent.argtypes = [pointer]
        kernel.WaitForSingleObjectEx.argtypes = [pointer, dword, ctypes.c_int]

    def open(self, family: Family) -> None:
        """Get ready for a family, once.

        Raises:
            BackendUnavailable: the system has it not.
        """
        if family in self._handles:
            return
        functions = self._functions.get(family)
        handle = functions.create() if functions else None
        if handle is None or handle == _INVALID_HANDLE:
            code = ctypes.get_last_error()  # type: ignore[attr-defined]  # on Windows alone
            raise BackendUnavailable(
                f"Windows lets no {family} echo request be sent (error {code}). "
                f"Enable {family} on this computer, or leave its destinations out."
            )
        self._handles[family] = handle

    def send(self, key: int, address: Address, payload: bytes, timeout_ms: int) -> int:
        """Send a request; 0, or Windows' number of why it was not. `key` is new, and not 0."""
        family = address.family
        reply_type = _REPLIES[family]
        # The size that the facts of the interface ask for: a reply, its data or an error's, and a status block.
        size = ctypes.sizeof(reply_type) + max(len(payload), 8 + _IO_STATUS_BLOCK) + 16
        buffer = ctypes.create_string_buffer(size)
        self._buffers[key] = (family, buffer, payload)
        apc = ctypes.cast(self._apc, ctypes.c_void_p)
        head: tuple[object, ...] = struct.unpack("=L", address.packed) if family is Family.IPV4 else ()
        if family is Family.IPV6:
            head = (_sockaddr6(bytes(16), 0), _sockaddr6(address.packed, _scope(address)))
        # Argument by argument: handle, event, procedure and its context, addresses, request, options, reply.
        self._functions[family].send(
            self._handles[family], None, apc, key, *head,
            payload, len(payload), None, buffer, size, timeout_ms,
        )  # fmt: skip
        code: int = ctypes.get_last_error()  # type: ignore[attr-defined]  # on Windows alone
        if code in (0, _PENDING):
            return 0
        del self._buffers[key]
        return code

    def wait(self, seconds: float) -> None:
        """Wait for replies, for `wake`, or so long."""
        self._kernel32.WaitForSingleObjectEx(self._wakeup, max(0, round(seconds * 1_000)), True)

    def wake(self) -> None:
        """End a wait. From any thread."""
        self._kernel32.SetEvent(self._wakeup)

    def close(self) -> None:
        """Give up what is on its way."""
        for handle in self._handles.values():
            self._iphlpapi.IcmpCloseHandle(handle)
        self._handles.clear()

    def _arrived(self, key: int | None, _status: int | None, _reserved: int) -> None:
        at = time.perf_counter()
        found = self._buffers.pop(key or 0, None)
        if found is None or key is None:
            return
        family, buffer, _ = found
        self._functions[family].parse(buffer, len(buffer))
        reply = _REPLIES[family].from_buffer(buffer)
        address = bytes(reply.address)
        packed = address if family is Family.IPV4 else address[6:22]
        reporter = str(ipaddress.ip_address(packed))
        self._on_reply(key, EchoReply(status=reply.status, reporter=reporter, at=at))


def _sockaddr6(packed: bytes, scope: int) -> bytes:
    """A `sockaddr_in6`."""
    return struct.pack("=HHL16sL", _AF_INET6, 0, 0, packed, scope)


def _scope(address: Address) -> int:
    return address.sockaddr[3] if len(address.sockaddr) == 4 else 0
