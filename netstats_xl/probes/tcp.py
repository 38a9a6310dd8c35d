"""TCP connections: how long one takes to be made."""

import asyncio
import errno
import os
import socket
import time

from netstats_xl.domain.results import Refused, Replied, SendFailed, Timeout, Unreachable
from netstats_xl.probes.addresses import Address, SockAddr
from netstats_xl.probes.attempts import Finding
from netstats_xl.probes.send_failures import is_lack_of_sockets, reason_of_failure

CONNECTED = "connected"

_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, 10035})
_REFUSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, 10061, 10054})
_TIMED_OUT = frozenset({errno.ETIMEDOUT, 10060})
_UNREACHABLE = {
    errno.ENETUNREACH: "network unreachable",
    errno.EHOSTUNREACH: "host unreachable",
    errno.EHOSTDOWN: "host unreachable",
    errno.EACCES: "communication administratively prohibited",
    errno.EPERM: "communication administratively prohibited",
    10051: "network unreachable",
    10065: "host unreachable",
}
"""What an error means that comes after the first packet left. Numbers above 10,000 are Windows Sockets' own."""


async def connect(address: Address, port: int) -> Finding:
    """Connect once, and close the connection at once; the RTT is the time until it was there.

    It is closed as any program closes one, with FIN: a reset would spare this machine a minute of TIME_WAIT, and
    fill the server's log with broken connections.
    """
    loop = asyncio.get_running_loop()
    try:
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    except OSError as error:
        return not_sent(address, error)
    with sock:
        sock.setblocking(False)
        began_at = time.perf_counter()
        number = sock.connect_ex(with_port(address.sockaddr, port))
        ended_at = time.perf_counter()
        left = number in _UNDER_WAY
        if left:
            ended_at = await writable(loop, sock)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number == 0:
            rtt_ms = (ended_at - began_at) * 1_000
            return Replied(address=address.text, rtts_ms=(rtt_ms,), answer=CONNECTED)
    return failure(address, number, left=left)


def failure(address: Address, number: int, *, left: bool) -> Finding:
    """What an error number of a connection means; `left`: whether a packet had left before."""
    if number in _REFUSED:
        return Refused(address=address.text, sent=1)
    if number in _TIMED_OUT:
        return Timeout(address=address.text, sent=1)
    if left and number in _UNREACHABLE:
        return Unreachable(address=address.text, sent=1, reporter="", reason=_UNREACHABLE[number])
    return not_sent(address, OSError(number, os.strerror(number)))


def not_sent(address: Address, error: OSError) -> SendFailed:
    """Why nothing left this machine."""
    remedy = (
        ": allow this program more open files, or probe fewer TCP, DNS and web destinations at once"
        if is_lack_of_sockets(error)
        else ""
    )
    return SendFailed(address=address.text, reason=f"{reason_of_failure(error)}{remedy}")


def has_route(address: Address) -> bool:
    """Whether this machine knows a way to the address; no packet is sent."""
    try:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
            sock.connect(with_port(address.sockaddr, 9))
    except OSError:
        return False
    return True


def family_of(address: Address) -> socket.AddressFamily:
    """The address's family, as sockets call it."""
    return socket.AF_INET if len(address.sockaddr) == 2 else socket.AF_INET6


def with_port(sockaddr: SockAddr, port: int) -> SockAddr:
    """The socket address with this port."""
    return (sockaddr[0], port) if len(sockaddr) == 2 else (sockaddr[0], port, sockaddr[2], sockaddr[3])


async def writable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> float:
    """Wait until the socket is connected, or could not be; when the event loop saw it, s.

    That is before this task has its turn again, for which it may have to wait while many others have theirs.
    """
    ready: asyncio.Future[float] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(time.perf_counter())

    loop.add_writer(sock.fileno(), settle)
    try:
        return await ready
    finally:
        loop.remove_writer(sock.fileno())
