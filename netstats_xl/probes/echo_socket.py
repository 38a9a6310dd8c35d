"""ICMP sockets: the only module that knows icmplib and the operating systems' socket options.

icmplib creates the sockets, names their failures and builds the packets. Its `send` and `receive` are not
used: they time with the wall clock, resolve names, and drop what belongs to another target.
"""

import errno
import socket
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from icmplib import ICMPv4Socket, ICMPv6Socket
from icmplib import exceptions as icmplib_errors

from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.probes.addresses import Family, SockAddr
from netstats_xl.probes.packets import HEAD_BYTES, Message, filler, parse_message, parse_quoted
from netstats_xl.probes.socket_options import (
    MSG_ERRQUEUE,
    ask_for_errors,
    ask_for_stamps,
    enlarge_receive_queue,
    filter_types,
    parse_extended_error,
    read_wall_lead_ns,
    stamped_at,
)

_BUFFER_BYTES = 4_096
"""More than our largest reply: 1,472 bytes of payload, 8 of ICMP header, up to 60 of IP header."""
_ANCILLARY_BYTES = 256


_EVERY_ADDRESS = {Family.IPV4: "0.0.0.0", Family.IPV6: "::"}  # noqa: S104  # ICMP has no port to expose


class Mode(StrEnum):
    """How echo requests get to the network."""

    RAW = "raw"
    DATAGRAM = "datagram"


class Arrival(NamedTuple):
    """A message and when it came, on the monotonic clock, s."""

    message: Message
    at: float
    """When it was read."""
    stamped_at: float | None
    """When the kernel had it, where the kernel says so."""


class EchoChannel(Protocol):
    """What the engine needs of a socket."""

    family: Family
    own_identifiers: bool
    """Whether the identifier given is the one sent."""

    def fileno(self) -> int:
        """What an event loop watches."""
        ...

    def send(self, *, identifier: int, sequence: int, head: bytes, payload_bytes: int, to: SockAddr) -> float:
        """Send an echo request; the moment just before, on the monotonic clock, s.

        Raises:
            OSError: the network stack did not take it.
        """
        ...

    def receive(self, limit: int) -> tuple[Sequence[Arrival], bool]:
        """Read at most `limit` packets; those that may concern us, and whether none is left."""
        ...

    def describe(self) -> str:
        """The mode in words."""
        ...

    def close(self) -> None:
        """Free the socket. Closing twice does nothing."""
        ...


class EchoSocket:
    """A non-blocking ICMP socket of one family, shared by all rounds."""

    def __init__(self, wrapped: ICMPv4Socket | ICMPv6Socket, *, family: Family, mode: Mode) -> None:
        """Take over an open socket of icmplib's."""
        self.family = family
        self.mode = mode
        # Linux replaces the identifier on a datagram socket and delivers no IP header; macOS does neither.
        self.own_identifiers = not (mode is Mode.DATAGRAM and sys.platform == "linux")
        self._ip_header = family is Family.IPV4 and self.own_identifiers
        self._wrapped = wrapped
        self._socket: socket.socket = wrapped.sock
        self._socket.setblocking(False)
        enlarge_receive_queue(self._socket)
        if mode is Mode.RAW:
            filter_types(self._socket, family)
        self._has_stamps = ask_for_stamps(self._socket)
        self._has_error_queue = not self.own_identifiers and ask_for_errors(self._socket, family)

    def fileno(self) -> int:
        """See `EchoChannel`."""
        return self._socket.fileno()

    def send(self, *, identifier: int, sequence: int, head: bytes, payload_bytes: int, to: SockAddr) -> float:
        """See `EchoChannel`."""
        packet = self._wrapped._create_packet(identifier, sequence, head) + filler(payload_bytes - HEAD_BYTES)
        # With an error queue, `sendto` may report what befell an earlier packet instead of sending this one.
        # Each such report is given once, so trying again tells the two apart.
        tries = 3 if self._has_error_queue else 1
        while True:
            tries -= 1
            sent_at = time.perf_counter()
            try:
                self._socket.sendto(packet, to)
            except BlockingIOError:
                raise
            except OSError:
                if not tries:
                    raise
            else:
                return sent_at

    def receive(self, limit: int) -> tuple[Sequence[Arrival], bool]:
        """See `EchoChannel`."""
        arrivals: list[Arrival] = self._receive_errors(limit) if self._has_error_queue else []
        wall_lead_ns = read_wall_lead_ns() if self._has_stamps else 0
        for _ in range(limit):
            try:
                data, ancillary, source = self._read()
            except BlockingIOError:
                return arrivals, True
            except OSError:
                # What befell an earlier packet (on Windows also a packet that was too long): this clears it.
                continue
            at = time.perf_counter()
            message = parse_message(data, family=self.family, ip_header=self._ip_header, source=source)
            if message is not None:
                arrivals.append(Arrival(message, at, stamped_at(ancillary, wall_lead_ns)))
        return arrivals, False

    def describe(self) -> str:
        """See `EchoChannel`."""
        stamps = ", receive times from the kernel" if self._has_stamps else ""
        return f"{self.family}: {self.mode} ICMP socket{stamps}"

    def close(self) -> None:
        """See `EchoChannel`."""
        self._wrapped.close()

    def _read(self) -> tuple[bytes, Sequence[tuple[int, int, bytes]], str]:
        if not self._has_stamps:  # Windows has no recvmsg
            data, sender = self._socket.recvfrom(_BUFFER_BYTES)
            return data, (), sender[0]
        data, ancillary, _flags, sender = self._socket.recvmsg(_BUFFER_BYTES, _ANCILLARY_BYTES)
        return data, ancillary, sender[0]

    def _receive_errors(self, limit: int) -> list[Arrival]:
        arrivals = []
        for _ in range(limit):
            try:
                quoted, ancillary, _flags, sent_to = self._socket.recvmsg(
                    _BUFFER_BYTES, _ANCILLARY_BYTES, MSG_ERRQUEUE
                )
            except OSError:
                break
            at = time.perf_counter()
            for _level, _type, data in ancillary:
                found = parse_extended_error(data, self.family)
                if found is None:
                    continue
                reporter, reason = found
                af = socket.AF_INET if self.family is Family.IPV4 else socket.AF_INET6
                message = parse_quoted(
                    quoted,
                    family=self.family,
                    reporter=reporter,
                    reason=reason,
                    destination=socket.inet_pton(af, sent_to[0]),
                )
                if message is not None:
                    arrivals.append(Arrival(message, at, None))
        return arrivals


def open_echo_socket(family: Family, modes: Sequence[Mode] = tuple(Mode)) -> EchoSocket:
    """Open a socket in the first of these modes that the system grants.

    Raises:
        PrivilegeMissing: none of them is granted.
        BackendUnavailable: the system has no such sockets, for example no IPv6.
    """
    refused: icmplib_errors.SocketPermissionError | None = None
    for mode in modes:
        if mode is Mode.DATAGRAM and sys.platform == "win32":
            continue
        # Windows fails to read from a raw socket that is bound to no address (WSAEINVAL).
        bind_to = _EVERY_ADDRESS[family] if sys.platform == "win32" else None
        kind = ICMPv4Socket if family is Family.IPV4 else ICMPv6Socket
        try:
            return EchoSocket(kind(address=bind_to, privileged=mode is Mode.RAW), family=family, mode=mode)
        except icmplib_errors.SocketPermissionError as error:
            refused = error
        except icmplib_errors.ICMPLibError as error:
            if refused is None:
                raise translate(error, family) from error
    raise translate(refused or icmplib_errors.SocketPermissionError(True), family) from refused


_TRANSLATION: dict[type[Exception], type[ProbeEngineError]] = {
    icmplib_errors.ICMPLibError: BackendUnavailable,
    icmplib_errors.NameLookupError: BackendUnavailable,
    icmplib_errors.ICMPSocketError: BackendUnavailable,
    icmplib_errors.SocketAddressError: BackendUnavailable,
    icmplib_errors.SocketPermissionError: PrivilegeMissing,
    icmplib_errors.SocketUnavailableError: BackendUnavailable,
    icmplib_errors.SocketBroadcastError: BackendUnavailable,
    icmplib_errors.TimeoutExceeded: BackendUnavailable,
    icmplib_errors.ICMPError: BackendUnavailable,
    icmplib_errors.DestinationUnreachable: BackendUnavailable,
    icmplib_errors.ICMPv4DestinationUnreachable: BackendUnavailable,
    icmplib_errors.ICMPv6DestinationUnreachable: BackendUnavailable,
    icmplib_errors.TimeExceeded: BackendUnavailable,
    icmplib_errors.ICMPv4TimeExceeded: BackendUnavailable,
    icmplib_errors.ICMPv6TimeExceeded: BackendUnavailable,
}


def translate(error: Exception, family: Family) -> ProbeEngineError:
    """Our error for one of icmplib's.

    Raises:
        KeyError: the table lacks it.
    """
    kind = _TRANSLATION[type(error)]
    if kind is PrivilegeMissing:
        return PrivilegeMissing(f"This user may not send ICMP echo requests. {remedy(sys.platform)}")
    cause = error.__context__
    if isinstance(cause, OSError) and cause.errno in (
        errno.EAFNOSUPPORT,
        errno.EPROTONOSUPPORT,
        10047,
        10043,
    ):
        return kind(f"This system has no {family}. Enable {family}, or leave its destinations out.")
    return kind(f"The system opens no ICMP socket for {family}: {error}. Check its network set-up.")


def remedy(platform: str) -> str:
    """What to do on this platform (`sys.platform`) to be allowed to send echo requests."""
    if platform == "win32":
        return "Start the program as administrator (right-click it, then Run as administrator)."
    if platform == "linux":
        python = Path(sys.executable).resolve()
        return (
            'Allow it for all users with: sudo sysctl -w net.ipv4.ping_group_range="0 2147483647" '
            f"- or for this Python alone with: sudo setcap cap_net_raw+ep {python}"
        )
    return "Run the program with sudo."
