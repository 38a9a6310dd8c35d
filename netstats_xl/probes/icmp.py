"""The ICMP prober: echo requests to many IPv4 and IPv6 destinations at once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Self

from netstats_xl.domain.results import Outcome, SendFailed
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.echo_socket import EchoChannel, open_echo_socket
from netstats_xl.probes.engine import EchoEngine
from netstats_xl.probes.hosts import HostProber
from netstats_xl.probes.resolver import Resolver

OpenChannel = Callable[[Family], EchoChannel]


class IcmpProber(HostProber):
    """A `ports.Prober` with one socket for each family, raw where the system grants it, else datagram.

    It belongs to the event loop of its first round; that loop must watch file descriptors, which a
    `SelectorEventLoop` does on every system. Rounds may go on at once.
    """

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        open_channel: OpenChannel = open_echo_socket,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Open nothing yet.

        Args:
            resolver: gives names their addresses.
            open_channel: opens a family's socket.
            now: the monotonic clock that the sockets use too, s.
        """
        super().__init__(resolver)
        self._open_channel = open_channel
        self._now = now
        self._channels: dict[Family, EchoChannel] = {}
        self._engine: EchoEngine | None = None
        self._closed = False

    @classmethod
    def open(cls) -> Self:
        """A prober that can send, so that a lack of privilege shows at the start.

        Raises:
            PrivilegeMissing: the system does not let this user; the message says what to do.
            BackendUnavailable: it has no ICMP sockets.
        """
        prober = cls()
        prober.check_privilege()
        return prober

    def check_privilege(self) -> None:
        """Make sure that echo requests can be sent at all, over IPv4 or IPv6.

        Raises:
            PrivilegeMissing: the system does not let this user; the message says what to do.
            BackendUnavailable: it has no ICMP sockets, or the prober is closed.
        """
        if self._closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        if self._channels:
            return
        refused: list[ProbeEngineError] = []
        for family in Family:
            channel = self._channel(family)
            if not isinstance(channel, ProbeEngineError):
                return
            refused.append(channel)
        raise next((error for error in refused if isinstance(error, PrivilegeMissing)), refused[0])

    def describe(self) -> str:
        """How it reaches the network, in words; empty before the first socket is open."""
        return "; ".join(self._channels[family].describe() for family in sorted(self._channels))

    async def close(self) -> None:
        """See `ports.Prober.close`. Rounds under way raise `BackendUnavailable`."""
        self._closed = True
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()

    async def probe_addresses(
        self, addresses: Sequence[Address], settings: EchoSettings
    ) -> Sequence[Outcome]:
        """See `HostProber.probe_addresses`."""
        channels = {family: self._channel(family) for family in {address.family for address in addresses}}
        outcomes: dict[int, Outcome] = {}
        requests: list[tuple[Address, EchoChannel]] = []
        positions: list[int] = []
        for position, address in enumerate(addresses):
            channel = channels[address.family]
            if isinstance(channel, ProbeEngineError):
                outcomes[position] = SendFailed(address=address.text, reason=channel.message)
            else:
                requests.append((address, channel))
                positions.append(position)
        found = await self._engine_here().run(requests, settings)
        outcomes.update(zip(positions, found, strict=True))
        return [outcomes[position] for position in range(len(addresses))]

    def _engine_here(self) -> EchoEngine:
        loop = asyncio.get_running_loop()
        if self._engine is None:
            self._engine = EchoEngine(loop, now=self._now)
        elif self._engine.loop is not loop:
            raise BackendUnavailable(
                "The prober belongs to another event loop. Use one prober for each loop."
            )
        return self._engine

    def _channel(self, family: Family) -> EchoChannel | ProbeEngineError:
        """The family's socket, opened now if need be, or why there is none: that is tried again next time."""
        channel = self._channels.get(family)
        if channel is None:
            try:
                channel = self._channels[family] = self._open_channel(family)
            except ProbeEngineError as error:
                return error
        return channel
