"""Windows' libraries, as far as `echo_api` calls them, played: what they write lies as `ipexport.h` has it.

The structures are packed here by hand, from the header, so that a wrong idea of them in `echo_api` shows.
"""

import ctypes
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

_OPTIONS = struct.Struct("=BBBB4xQ")
_REPLY = struct.Struct("=4sLLHHQ16x")
"""ICMP_ECHO_REPLY: address, status, ms, size of the data, reserved, where they are, and their options."""
_REPLY6 = struct.Struct("=HL16sL2xLL")
"""ICMPV6_ECHO_REPLY: port, flow, address, scope; then, aligned, status, ms. The data follow it."""
_PROCEDURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
PENDING = 997


class Function:
    """A function of a library, with the attributes that ctypes' have."""

    def __init__(self, call: Callable[..., object]) -> None:
        self.call = call
        self.argtypes: object = None
        self.restype: object = None

    def __call__(self, *arguments: object) -> object:
        return self.call(*arguments)


@dataclass
class Request:
    """What `IcmpSendEcho2` or `Icmp6SendEcho2` was given."""

    key: int
    to: bytes
    scope: int
    payload: bytes
    options: tuple[int, ...] | None
    """TTL, TOS, flags, size and place of the data."""
    reply_bytes: int
    timeout_ms: int
    address_of_reply: int
    procedure: int


@dataclass
class PlayedWindows:
    """What all libraries share. A request waits in `sent` until the test answers it."""

    last_error: int = 0
    fails_with: int = 0
    """The number that sending fails with."""
    without: frozenset[str] = frozenset()
    """Functions that are not there."""
    sent: list[Request] = field(default_factory=list)
    answered: list[Request] = field(default_factory=list)
    """Their procedures are called in the next wait."""
    waits: list[tuple[object, ...]] = field(default_factory=list)
    """How long, ms, and whether alertable."""
    calls: list[str] = field(default_factory=list)
    """Of other functions, by name."""
    parsed: int = 1
    """How many replies parsing finds."""
    handle: int | None = 4_711

    def answer4(
        self, request: Request, status: int, host: bytes, payload: bytes, *, elsewhere: int = 0
    ) -> None:
        place = request.address_of_reply + _REPLY.size + elsewhere
        raw = _REPLY.pack(host, status, 7, len(payload), 0, place) + payload
        self._write(request, raw)

    def answer6(self, request: Request, status: int, host: bytes, payload: bytes) -> None:
        self._write(request, _REPLY6.pack(0, 0, host, 0, status, 7) + payload)

    def _write(self, request: Request, raw: bytes) -> None:
        assert len(raw) <= request.reply_bytes
        ctypes.memmove(request.address_of_reply, raw, len(raw))
        self.sent.remove(request)
        self.answered.append(request)

    def library(self, name: str, use_last_error: bool = False) -> "PlayedLibrary":
        return PlayedLibrary(self)

    def told(self) -> None:
        """Call the procedures that are due, as a wait does."""
        while self.answered:
            request = self.answered.pop(0)
            _PROCEDURE(request.procedure)(request.key, None, 0)

    def send(self, ipv6: bool, *arguments: object) -> int:
        assert self.last_error == 0, "an earlier error must not be taken for this call's"
        if self.fails_with:
            self.last_error = self.fails_with
            return 0
        handle, event, procedure, key, *rest = arguments
        assert (handle, event) == (self.handle, None)
        if ipv6:
            _, sockaddr, *rest = rest
            assert isinstance(sockaddr, bytes)
            _, _, _, to, scope = struct.unpack("=HHL16sL", sockaddr)
        else:
            number, *rest = rest
            to, scope = struct.pack("=L", number), 0
        payload, size, options, reply, reply_bytes, timeout_ms = rest
        assert isinstance(payload, bytes)
        assert len(payload) == size
        self.sent.append(
            Request(
                key=int(str(key)),
                to=to,
                scope=scope,
                payload=payload,
                options=_OPTIONS.unpack(options._obj) if options is not None else None,  # type: ignore[attr-defined]  # ctypes.byref's
                reply_bytes=int(str(reply_bytes)),
                timeout_ms=int(str(timeout_ms)),
                address_of_reply=ctypes.addressof(reply),  # type: ignore[arg-type]  # a buffer of ctypes'
                procedure=procedure.value,  # type: ignore[attr-defined]  # a c_void_p
            )
        )
        self.last_error = PENDING
        return 0


class PlayedLibrary:
    """Any of the libraries."""

    def __init__(self, windows: PlayedWindows) -> None:
        self._windows = windows
        self._functions: dict[str, Function] = {}

    def __getattr__(self, name: str) -> Function:
        if name in self._windows.without:
            raise AttributeError(name)
        return self._functions.setdefault(name, Function(lambda *arguments: self._call(name, *arguments)))

    def _call(self, name: str, *arguments: object) -> object:
        windows = self._windows
        match name:
            case "IcmpCreateFile" | "Icmp6CreateFile":
                windows.calls.append(name)
                return windows.handle
            case "IcmpSendEcho2" | "Icmp6SendEcho2":
                return windows.send(name == "Icmp6SendEcho2", *arguments)
            case "IcmpParseReplies" | "Icmp6ParseReplies":
                return windows.parsed
            case "SleepEx" | "WaitForSingleObjectEx":
                windows.waits.append(tuple(arguments[-2:]))
                windows.told()
            case _:
                windows.calls.append(name)
        return 1
