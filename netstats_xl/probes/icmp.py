"""The ICMP prober: echo requests to many IPv4 and IPv6 destinations at once, over whichever engine sends them."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

from netstats_xl.domain.results import NO_STRAYS, NameNotResolved, SendFailed
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, Settings, TraceSettings
from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.bursts import Bursts, TrainEngine
from netstats_xl.probes.echo_socket import open_echo_socket
from netstats_xl.probes.engine import EchoCore
from netstats_xl.probes.hosts import HostProber
from netstats_xl.probes.outcomes import Found
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.resolver import Resolver
from netstats_xl.probes.reverse import ReverseNames
from netstats_xl.probes.socket_engine import OpenChannel, SocketEngine
from netstats_xl.probes.traceroute import trace

OpenEngine = Callable[[float | None], TrainEngine]
"""Opens an engine that sends at most so many packets a second; None: any number."""
DEFAULT_LIMIT: float = Settings().packets_per_second


def open_socket_engine(
    packets_per_second: float | None, open_channel: OpenChannel = open_echo_socket
) -> TrainEngine:
    """The engine over ICMP sockets, which `open_channel` opens for a family; nothing is opened yet."""
    identifier = int.from_bytes(os.urandom(2), "big")
    return SocketEngine(EchoCore(identifier=identifier, pacer=Pacer(packets_per_second)), open_channel)


class IcmpProber(HostProber):
    """A `ports.Prober` of one event loop. Rounds may go on at once."""

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        names: ReverseNames | None = None,
        open_engine: OpenEngine = open_socket_engine,
        packets_per_second: float | None = DEFAULT_LIMIT,
    ) -> None:
        """Open nothing yet.

        Args:
            resolver: gives names their addresses.
            names: gives routers' addresses their names.
            open_engine: opens what sends.
            packets_per_second: at most so many are sent; None: any number.
        """
        super().__init__(resolver)
        self._names = names or ReverseNames()
        self._open_engine = open_engine
        self._limit = packets_per_second
        self._engine: TrainEngine | None = None
        self._bursts: Bursts | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        *,
        open_engine: OpenEngine = open_socket_engine,
        packets_per_second: float | None = DEFAULT_LIMIT,
    ) -> Self:
        """A prober that can send, so that a lack of privilege shows at the start.

        Raises:
            PrivilegeMissing: the system does not let this user; the message says what to do.
            BackendUnavailable: it has no ICMP.
        """
        prober = cls(open_engine=open_engine, packets_per_second=packets_per_second)
        try:
            prober.check_privilege()
        except ProbeEngineError:
            prober._close()
            raise
        return prober

    def check_privilege(self) -> None:
        """Make sure that echo requests can be sent at all, over IPv4 or IPv6.

        Raises:
            PrivilegeMissing: the system does not let this user; the message says what to do.
            BackendUnavailable: it has no ICMP, or the prober is closed.
        """
        engine = self._engine_here()
        refused = [error for family in Family if (error := engine.ready(family)) is not None]
        if len(refused) == len(Family):
            raise next((error for error in refused if isinstance(error, PrivilegeMissing)), refused[0])

    def describe(self) -> str:
        """See `ports.Prober.describe`."""
        return self._engine.describe() if self._engine is not None else ""

    async def limit(self, packets_per_second: float | None) -> None:
        """See `ports.Prober.limit`; None: any number."""
        self._limit = packets_per_second
        if self._engine is not None:
            self._engine.limit(packets_per_second)

    async def trace(self, host: str, settings: TraceSettings) -> Trace | NameNotResolved | SendFailed:
        """See `ports.Prober.trace`."""
        self.check_privilege()
        address = await self.resolve(host)
        if not isinstance(address, Address):
            return address
        engine = self._engine_here()
        if (missing := engine.ready(address.family)) is not None:
            return SendFailed(address=address.text, reason=missing.message)
        await self._bursts_here().quiet(address)
        found = await trace(engine, address, settings)
        if isinstance(found, SendFailed) or not settings.resolve_names:
            return found
        routers = {each for hop in found.hops for each in hop.addresses}
        return replace(found, names=await self._names.names_of(routers))

    async def close(self) -> None:
        """See `ports.Prober.close`. Rounds under way raise `BackendUnavailable`."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._closed = True
        if self._engine is not None:
            self._engine.close()

    async def probe_addresses(self, addresses: Sequence[Address], settings: EchoSettings) -> Sequence[Found]:
        """See `HostProber.probe_addresses`."""
        engine = self._engine_here()
        missing = {family: engine.ready(family) for family in {each.family for each in addresses}}
        if not any(missing.values()):
            return await self._bursts_here().run(addresses, settings)
        able = [each for each in addresses if missing[each.family] is None]
        found = iter(await self._bursts_here().run(able, settings))
        return [
            next(found)
            if (error := missing[each.family]) is None
            else (SendFailed(address=each.text, reason=error.message), NO_STRAYS)
            for each in addresses
        ]

    def _engine_here(self) -> TrainEngine:
        if self._closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        if self._engine is not None and not self._engine.alive:
            self._engine.close()  # its thread met a fault; what it was doing has failed, visibly
            self._engine = self._bursts = None
        if self._engine is None:
            self._engine = self._open_engine(self._limit)
        return self._engine

    def _bursts_here(self) -> Bursts:
        loop, engine = asyncio.get_running_loop(), self._engine_here()
        if self._loop not in (None, loop):
            raise BackendUnavailable(
                "The prober belongs to another event loop. Use one prober for each loop."
            )
        if self._bursts is None:
            self._loop, self._bursts = loop, Bursts(engine)
        return self._bursts
