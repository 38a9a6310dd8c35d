"""The engine over ICMP sockets."""

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from netstats_xl.errors import ProbeEngineError
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.echo_socket import EchoChannel, open_echo_socket
from netstats_xl.probes.engine import EchoCore
from netstats_xl.probes.engine_thread import EngineThread

OpenChannel = Callable[[Family], EchoChannel]


class SocketEngine(EngineThread):
    """Runs trains over sockets that it opens when they are needed."""

    def __init__(self, core: EchoCore, open_channel: OpenChannel = open_echo_socket) -> None:
        """Start the thread.

        Args:
            core: does the work; it is the thread's own from now on.
            open_channel: opens a family's socket.
        """
        self._core = core
        self._open_channel = open_channel
        self._channels: dict[Family, EchoChannel] = {}
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        super().__init__(core)

    def ready(self, family: Family) -> ProbeEngineError | None:
        """Get ready for a family; why it cannot be, if it cannot: that is tried again next time."""
        if family in self._channels:
            return None
        try:
            channel = self._open_channel(family)
        except ProbeEngineError as error:
            return error
        self._channels[family] = channel
        self._order(lambda: self._core.open(channel))
        return None

    def describe(self) -> str:
        """How it reaches the network, in words; empty before the first socket is open."""
        return "; ".join(self._channels[family].describe() for family in sorted(self._channels))

    def close(self) -> None:
        """End every train, the thread and the sockets. Closing twice does nothing."""
        super().close()
        if self._thread.is_alive():
            return
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        self._ours.close()
        self._theirs.close()

    def _wait(self, seconds: float) -> None:
        """See `EngineThread._wait`."""
        orders, began = self._ours.fileno(), time.perf_counter()
        readable, _, _ = select.select([orders, *self._core.sockets], (), (), seconds)
        linger_s = min(self._core.linger_s, began + seconds - time.perf_counter())
        if readable and orders not in readable and linger_s > 0:
            readable, _, _ = select.select([orders], (), (), linger_s)
        if orders in readable:
            with suppress(BlockingIOError):
                self._ours.recv(4_096)

    def _wake(self) -> None:
        """See `EngineThread._wake`."""
        with suppress(OSError):  # full: it wakes anyway; closed: it has ended
            self._theirs.send(b"!")
