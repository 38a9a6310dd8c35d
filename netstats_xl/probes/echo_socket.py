"""ICMP sockets: the only module that sends and receives over them.

icmplib creates the sockets and names their failures. Its packets, `send` and `receive` are not used: they time with
the wall clock, resolve names, drop what belongs to another target, and build a packet in many times the time that
sending it takes (decision 24).
"""

import socket
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import Protocol

from icmplib import ICMPv4Socket, ICMPv6Socket
from icmplib import exceptions as icmplib_errors

from netstats_xl.probes.addresses import Family, SockAddr
from netstats_xl.probes.batch_receiver import BatchReceiver
from netstats_xl.probes.matching import Matcher, Message
from netstats_xl.probes.opening_failures import translate
from netstats_xl.probes.packets import parse_quoted
from netstats_xl.probes.socket_options import (
    MSG_ERRQUEUE,
    SO_TIMESTAMPNS,
    TIMESPEC,
    OptionSetter,
    ask_for_errors,
    ask_for_stamps,
    enlarge_receive_queue,
    filter_types,
    parse_extended_error,
    read_wall_lead_ns,
)
from netstats_xl.probes.trains import WireOptions

_BUFFER_BYTES = 16_384
"""More than our largest reply: 8,972 bytes of payload, 8 of ICMP header, up to 60 of IP header."""
_ANCILLARY_BYTES = 256
_READ_AT_ONCE = 64
"""Messages that are read before they are looked at."""


_EVERY_ADDRESS = {Family.IPV4: "0.0.0.0", Family.IPV6: "::"}  # noqa: S104  # ICMP has no port to expose


class Mode(StrEnum):
    """How echo requests get to the network."""

    RAW = "raw"
    DATAGRAM = "datagram"


class EchoChannel(Protocol):
    """What the engine needs of a socket."""

    family: Family
    own_identifiers: bool
    """Whether the identifier given is the one sent."""
    ip_header: bool
    """Whether an IPv4 header comes before each message."""
    verify_checksum: bool
    """Whether nobody else verifies what comes in."""
    reports_earlier_failures: bool
    """Whether sending a packet may fail for what befell an earlier one; trying again sends it."""
    exact: bool
    """Whether the kernel says when it had a packet."""

    def fileno(self) -> int:
        """What `select` watches."""
        ...

    def apply(self, options: WireOptions) -> None:
        """Have the packets from now on go with these options.

        Raises:
            OSError: the system lets them not be set.
        """
        ...

    def sendto(self, packet: bytearray, to: SockAddr) -> object:
        """Hand a message to the network.

        Raises:
            OSError: the network stack did not take it.
        """
        ...

    def receive(self, matcher: Matcher) -> bool:
        """Give a batch of the messages that arrived to the matcher; whether none is left."""
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
        self.ip_header = family is Family.IPV4 and self.own_identifiers
        self.verify_checksum = self.ip_header
        self._wrapped = wrapped
        self._socket: socket.socket = wrapped.sock
        self._socket.setblocking(False)
        enlarge_receive_queue(self._socket)
        if mode is Mode.RAW:
            filter_types(self._socket, family)
        self.exact = ask_for_stamps(self._socket)
        self.reports_earlier_failures = not self.own_identifiers and ask_for_errors(self._socket, family)
        self._options = OptionSetter(self._socket, family)
        self._batches = batch_receiver(self._socket, family) if self.exact else None
        self._buffers = [bytearray(_BUFFER_BYTES) for _ in range(1 if self._batches else _READ_AT_ONCE)]
        self._pack = partial(socket.inet_pton, socket.AF_INET if family is Family.IPV4 else socket.AF_INET6)
        self.sendto = self._socket.sendto

    def fileno(self) -> int:
        """See `EchoChannel`."""
        return self._socket.fileno()

    def apply(self, options: WireOptions) -> None:
        """See `EchoChannel`."""
        self._options.apply(options)

    def receive(self, matcher: Matcher) -> bool:
        """See `EchoChannel`."""
        if self.reports_earlier_failures:
            self._receive_errors(matcher)
        return self._receive_stamped(matcher) if self.exact else self._receive_plain(matcher)

    def describe(self) -> str:
        """See `EchoChannel`."""
        stamps = "receive times from the kernel: 1 µs" if self.exact else "timed when read: about 0.1 ms"
        return f"{self.family}: {self.mode} ICMP socket, {stamps}"

    def close(self) -> None:
        """See `EchoChannel`."""
        self._wrapped.close()

    def _receive_stamped(self, matcher: Matcher) -> bool:
        lead_s, lead_ns = divmod(read_wall_lead_ns(), 1_000_000_000)
        if self._batches is not None:
            messages, drained = self._batches.receive(lead_s, lead_ns)
            matcher.take(messages, time.perf_counter())
            return drained
        receive, parse, stamp_bytes = self._socket.recvmsg_into, TIMESPEC.unpack, TIMESPEC.size
        messages = []
        drained = False
        for buffer in self._buffers:
            try:
                size, ancillary, _, source = receive((buffer,), _ANCILLARY_BYTES)
            except BlockingIOError:
                drained = True
                break
            except OSError:  # what befell an earlier packet: this clears it
                continue
            at = None
            for _, type_, data in ancillary:
                if type_ == SO_TIMESTAMPNS and len(data) == stamp_bytes:
                    seconds, nanoseconds = parse(data)
                    at = (seconds - lead_s) + (nanoseconds - lead_ns) * 1e-9
            messages.append((buffer, 0, size, self._pack(source[0]), at))
        matcher.take(messages, time.perf_counter())
        return drained

    def _receive_plain(self, matcher: Matcher) -> bool:
        now = time.perf_counter
        messages: list[Message] = []
        drained = False
        for buffer in self._buffers:
            try:
                size, source = self._socket.recvfrom_into(buffer)
            except BlockingIOError:
                drained = True
                break
            except OSError:  # what befell an earlier packet (on Windows also one that was too long)
                continue
            messages.append((buffer, 0, size, self._pack(source[0]), now()))
        matcher.take(messages, now())
        return drained

    def _receive_errors(self, matcher: Matcher) -> None:
        for _ in range(_READ_AT_ONCE):
            try:
                quoted, ancillary, _flags, sent_to = self._socket.recvmsg(
                    _BUFFER_BYTES, _ANCILLARY_BYTES, MSG_ERRQUEUE
                )
            except OSError:
                return
            at = time.perf_counter()
            for _level, _type, data in ancillary:
                found = parse_extended_error(data, self.family)
                if found is None:
                    continue
                reporter, type_, code = found
                af = socket.AF_INET if self.family is Family.IPV4 else socket.AF_INET6
                complaint = parse_quoted(
                    quoted,
                    family=self.family,
                    reporter=reporter,
                    type_=type_,
                    code=code,
                    destination=socket.inet_pton(af, sent_to[0]),
                )
                if complaint is not None:
                    matcher.complain(complaint, at)


def batch_receiver(sock: socket.socket, family: Family) -> BatchReceiver | None:
    """What reads many messages at once, where the system has it."""
    try:
        return BatchReceiver(sock, family)
    except (OSError, AttributeError):  # another system; a C library without the call
        return None


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
