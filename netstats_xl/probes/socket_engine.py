"""The thread that the echo engine works on, its sockets, and how others talk to it."""

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.echo_socket import EchoChannel, open_echo_socket
from netstats_xl.probes.engine import EchoCore
from netstats_xl.probes.trains import Train

_CLOSE_WITHIN_S = 3.0

OpenChannel = Callable[[Family], EchoChannel]


class SocketEngine:
    """Runs trains on a thread of its own, which `close` ends, over sockets that it opens when they are needed."""

    def __init__(self, core: EchoCore, open_channel: OpenChannel = open_echo_socket) -> None:
        """Start the thread.

        Args:
            core: does the work; it is the thread's own from now on.
            open_channel: opens a family's socket.
        """
        self._core = core
        self._open_channel = open_channel
        self._channels: dict[Family, EchoChannel] = {}
        self._orders: deque[Callable[[], None]] = deque()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="netstats-echo", daemon=True)
        self._thread.start()

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

    def limit(self, packets_per_second: float | None) -> None:
        """Let at most so many packets a second go; None: any number."""
        self._order(lambda: self._core.pacer.limit(packets_per_second))

    def begin(self, train: Train) -> None:
        """Run a train, of a family that is ready; its `on_end` is called when it is over, maybe more than once.

        Raises:
            BackendUnavailable: the engine was closed.
        """
        if self._closing:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        self._order(lambda: self._core.begin(train))
        if self._closing:  # meanwhile: nobody may be left to take it
            train.on_end()

    def give_up(self, train: Train) -> None:
        """End a train early; nothing happens where it is over."""
        train.cancelled = True
        self._wake()

    def close(self) -> None:
        """End every train, the thread and the sockets. Closing twice does nothing."""
        self._closing = True
        self._wake()
        self._thread.join(_CLOSE_WITHIN_S)
        if self._thread.is_alive():
            return
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        self._ours.close()
        self._theirs.close()

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it wakes anyway; closed: it has ended
            self._theirs.send(b"!")

    def _serve(self) -> None:
        try:
            while not self._closing:
                while self._orders:
                    self._orders.popleft()()
                wait_s = self._core.work()
                orders, began = self._ours.fileno(), time.perf_counter()
                readable, _, _ = select.select([orders, *self._core.sockets], (), (), wait_s)
                linger_s = min(self._core.linger_s, began + wait_s - time.perf_counter())
                if readable and orders not in readable and linger_s > 0:
                    readable, _, _ = select.select([orders], (), (), linger_s)
                if orders in readable:
                    with suppress(BlockingIOError):
                        self._ours.recv(4_096)
        finally:
            # Whatever ends the thread, nobody waits for a train for ever; what was ordered last is ended with it.
            self._closing = True
            while self._orders:
                self._orders.popleft()()
            self._core.end_all()
