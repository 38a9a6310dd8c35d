"""Rounds over services: TCP ports, DNS questions and web addresses, each in tasks of the event loop."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from typing import assert_never
from weakref import WeakValueDictionary

from netstats_xl.domain.endpoints import DnsQuestion, EchoHost, TcpPort, WebAddress, parse_endpoint
from netstats_xl.domain.results import NameNotResolved, Outcome, SendFailed
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, UnknownInterfaceError, parse_literal
from netstats_xl.probes.attempts import Attempt, Room, make_attempts
from netstats_xl.probes.resolver import Resolver, Unresolved
from netstats_xl.probes.tcp import connect
from netstats_xl.probes.turns import Turns

Service = TcpPort | DnsQuestion | WebAddress

_PACKETS: Mapping[type[Service], int] = {TcpPort: 3, DnsQuestion: 1, WebAddress: 20}
"""What an attempt is counted as: SYN, ACK and FIN; a question; TLS, a request, and a page of some packets."""
_PLACES: Mapping[type[Service], int] = {TcpPort: 200, DnsQuestion: 150, WebAddress: 50}
"""Attempts at once: together below what `select` takes on Windows, 512, and what a Linux process may open, 1,024.

Of web requests fewer: each needs a share of the processor for TLS, and would lengthen the others' times.
"""


class ServiceProber:
    """Probes what is no ICMP echo. It belongs to the event loop of its first round."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        packets_per_second: float,
        trust: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Load nothing yet: what speaks DNS and HTTP takes memory that many users need not spend.

        Args:
            resolver: gives names their addresses.
            packets_per_second: as `limit` changes it.
            trust: makes what says which certificates are trusted; by default those that the system trusts.
        """
        self._resolver = resolver
        self._turns = Turns(packets_per_second)
        self._trust = trust
        self._rooms = {
            kind: Room(turns=self._turns, places=asyncio.Semaphore(places), packets=_PACKETS[kind])
            for kind, places in _PLACES.items()
        }
        self._loading = asyncio.Lock()
        self._loaded: set[str] = set()
        self._tls: ssl.SSLContext | None = None
        self._bursts: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """One for each service that is being probed, so that it has one round's attempts at a time."""
        self._rounds: set[asyncio.Task[list[Outcome]]] = set()
        self._closed = False

    async def probe(self, hosts: Sequence[str], settings: EchoSettings) -> list[Outcome]:
        """Probe each of these canonical texts; one outcome each, in their order.

        Raises:
            BackendUnavailable: the prober is closed, or was meanwhile.
        """
        if self._closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        made = asyncio.ensure_future(self._round(hosts, settings))
        self._rounds.add(made)
        try:
            return await made
        except asyncio.CancelledError as error:
            if self._closed and made.cancelled():
                raise BackendUnavailable("The prober was closed before the round was over.") from error
            raise
        finally:
            made.cancel()
            self._rounds.discard(made)

    def limit(self, packets_per_second: float) -> None:
        """Send no more packets a second from now on."""
        self._turns.packets_per_second = packets_per_second

    async def close(self) -> None:
        """End the rounds under way, which raise `BackendUnavailable`. Closing twice does nothing."""
        self._closed = True
        rounds = tuple(self._rounds)
        for each in rounds:
            each.cancel()
        await asyncio.gather(*rounds, return_exceptions=True)

    async def _round(self, hosts: Sequence[str], settings: EchoSettings) -> list[Outcome]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._probe_one(host, settings)) for host in hosts]
        return [task.result() for task in tasks]

    async def _probe_one(self, host: str, settings: EchoSettings) -> Outcome:
        try:
            service = service_of(host)
        except ValueError as error:
            return SendFailed(address=host, reason=str(error))
        address = await resolved(service.host, self._resolver)
        if not isinstance(address, Address):
            return address
        attempt = await self._attempt(address, service, timeout_s=settings.timeout_ms / 1_000)
        room = self._rooms[type(service)]
        burst = self._bursts.setdefault(host, asyncio.Lock())
        async with burst:
            return await make_attempts(attempt, address=address.text, settings=settings, room=room)

    async def _attempt(self, address: Address, service: Service, *, timeout_s: float) -> Attempt:
        match service:
            case TcpPort(port=port):
                return partial(connect, address, port)
            case DnsQuestion():
                await self._load("netstats_xl.probes.dns")
                from netstats_xl.probes.dns import ask

                return partial(ask, address, service, timeout_s=timeout_s)
            case WebAddress():
                await self._load("netstats_xl.probes.http")
                from netstats_xl.probes.http import request

                return partial(request, address, service, tls=await self._trusted(), timeout_s=timeout_s)
            case _:
                assert_never(service)

    async def _load(self, module: str) -> None:
        """Import it in a thread: that takes a while, in which replies to other probes would wait."""
        async with self._loading:
            if module not in self._loaded:
                await asyncio.to_thread(import_module, module)
                self._loaded.add(module)

    async def _trusted(self) -> ssl.SSLContext:
        from netstats_xl.probes.http import trusted, warm_up

        async with self._loading:
            if self._tls is None:
                await asyncio.to_thread(warm_up)
                self._tls = await asyncio.to_thread(self._trust or trusted)
            return self._tls


@lru_cache(maxsize=10_000)
def service_of(host: str) -> Service:
    """What a canonical text asks to be probed.

    Raises:
        ValueError: it asks for ICMP echo, or for nothing that is known here.
    """
    endpoint = parse_endpoint(host)
    if isinstance(endpoint, EchoHost):
        raise ValueError(f"{host} is no service")
    return endpoint


async def resolved(host: str, resolver: Resolver) -> Address | NameNotResolved | SendFailed:
    """The host's address, or the outcome where it has none."""
    try:
        literal = parse_literal(host)
    except UnknownInterfaceError as error:
        return SendFailed(address=host, reason=str(error))
    if literal is not None:
        return literal
    found = await resolver.resolve(host)
    return NameNotResolved(reason=found.reason) if isinstance(found, Unresolved) else found
