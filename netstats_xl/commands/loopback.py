"""Ports of this computer's own for the demo: some that accept connections, and one that refuses them."""

import socket
import socketserver
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

from netstats_xl.domain.endpoints import TcpPort, canonical

_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackPorts:
    """Host cells of the ports, `tcp://127.0.0.1:40000`."""

    accepting: tuple[str, ...]
    """Over IPv4, and over IPv6 where this computer has it."""
    refusing: str


@contextmanager
def loopback_ports() -> Iterator[LoopbackPorts]:
    """Listen within the block, on loopback addresses alone.

    Raises:
        OSError: not even IPv4's loopback address lets this user listen.
    """
    with ExitStack() as stack:
        accepting = [stack.enter_context(_accepting(socket.AF_INET))]
        if socket.has_ipv6:
            with suppress(OSError):  # IPv6 is switched off: the demo goes without
                accepting.append(stack.enter_context(_accepting(socket.AF_INET6)))
        refusing = stack.enter_context(socket.socket())
        refusing.bind(
            (_LOOPBACK[socket.AF_INET], 0)
        )  # taken, so that nobody else listens at it; we do not either
        yield LoopbackPorts(accepting=tuple(accepting), refusing=_cell(refusing))


@contextmanager
def _accepting(family: socket.AddressFamily) -> Iterator[str]:
    class Server(socketserver.TCPServer):
        """Accepts each connection and closes it."""

        address_family = family
        request_queue_size = 128

    with Server((_LOOPBACK[family], 0), socketserver.BaseRequestHandler) as server:
        thread = Thread(target=server.serve_forever, name="demo-listener", daemon=True)
        thread.start()
        try:
            yield _cell(server.socket)
        finally:
            server.shutdown()
            thread.join()


def _cell(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return canonical(TcpPort(host=host, port=port))
