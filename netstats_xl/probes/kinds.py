"""The prober of every kind of destination: pings by an ICMP engine, everything else by attempts."""

import asyncio
from collections.abc import Callable, Sequence

from netstats_xl.domain.endpoints import is_echo, parse_endpoint
from netstats_xl.domain.results import NameNotResolved, Outcome, RoundResult, SendFailed
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, Settings, TraceSettings
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.ports import Prober, ProbeTarget
from netstats_xl.probes.resolver import Resolver
from netstats_xl.probes.services import ServiceProber

SHARE_OF_SERVICES = 0.5
"""Of the packets a second, once there is anything else than pings: the rest is for these."""


class KindsProber:
    """A `ports.Prober` over one that pings, which may be one that this user may not use."""

    def __init__(self, open_echo: Callable[[], Prober], *, services: ServiceProber | None = None) -> None:
        """Open nothing yet.

        Args:
            open_echo: opens what pings; raises a `ProbeEngineError` where that cannot be.
            services: probes everything else.
        """
        self._open_echo = open_echo
        self._packets_per_second = Settings().packets_per_second
        self._services = services or ServiceProber(
            resolver=Resolver(), packets_per_second=SHARE_OF_SERVICES * Settings().packets_per_second
        )
        self._echo: Prober | None = None
        self._refused = ""
        """Why there is nothing that pings."""
        self._shared = False
        """Whether the packets a second are shared."""
        self._closed = False

    def open_echo(self) -> Prober:
        """What pings, opened now if need be; where that fails, it is tried again the next time.

        Raises:
            PrivilegeMissing: the system does not let this user; the message says what to do.
            BackendUnavailable: it has no ICMP, or the prober is closed.
        """
        if self._closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        if self._echo is None:
            try:
                self._echo = self._open_echo()
            except ProbeEngineError as error:
                self._refused = error.message
                raise
        return self._echo

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """See `ports.Prober.probe`. Where pings cannot be sent, that is an error only if nothing else was asked for."""
        if self._closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        services = [number for number, target in enumerate(targets) if not is_echo(target.host)]
        if not targets:
            return ()
        if not services:
            echo = await self._opened()
            return await echo.probe(targets, settings)
        await self._share()
        others = frozenset(services)
        pinged = [number for number in range(len(targets)) if number not in others]
        async with asyncio.TaskGroup() as group:
            pings = group.create_task(self._ping([targets[number] for number in pinged], settings))
            found = group.create_task(self._serve([targets[number] for number in services], settings))
        results = dict(zip(pinged, pings.result(), strict=True))
        outcomes = found.result()
        if isinstance(outcomes, ProbeEngineError):
            raise outcomes
        for number, outcome in zip(services, outcomes, strict=True):
            results[number] = RoundResult(destination_id=targets[number].destination_id, outcome=outcome)
        return [results[number] for number in range(len(targets))]

    async def trace(self, host: str, settings: TraceSettings) -> Trace | NameNotResolved | SendFailed:
        """See `ports.Prober.trace`: of a service, the route to its host."""
        try:
            traced = host if is_echo(host) else parse_endpoint(host).host
        except ValueError as error:
            return SendFailed(address=host, reason=str(error))
        echo = await self._opened()
        return await echo.trace(traced, settings)

    async def limit(self, packets_per_second: int) -> None:
        """See `ports.Prober.limit`."""
        self._packets_per_second = packets_per_second
        self._services.limit(SHARE_OF_SERVICES * packets_per_second)
        if self._echo is not None:
            await self._limit(self._echo)

    def describe(self) -> str:
        """See `ports.Prober.describe`: what pings, or why nothing does."""
        return self._echo.describe() if self._echo is not None else self._refused

    async def close(self) -> None:
        """See `ports.Prober.close`."""
        self._closed = True
        await self._services.close()
        if self._echo is not None:
            await self._echo.close()

    async def _ping(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """The results of pings; where they cannot be sent at all, each says so."""
        if not targets:
            return ()
        try:
            echo = await self._opened()
            return await echo.probe(targets, settings)
        except ProbeEngineError as error:
            return [
                RoundResult(
                    destination_id=target.destination_id,
                    outcome=SendFailed(address=target.host, reason=error.message),
                )
                for target in targets
            ]

    async def _serve(
        self, targets: Sequence[ProbeTarget], settings: EchoSettings
    ) -> list[Outcome] | ProbeEngineError:
        """An error is given back: raised, it would come out as a group of errors."""
        try:
            return await self._services.probe([target.host for target in targets], settings)
        except ProbeEngineError as error:
            return error

    async def _opened(self) -> Prober:
        new = self._echo is None
        echo = self.open_echo()
        if new:
            await self._limit(echo)
        return echo

    async def _share(self) -> None:
        """From the first round with a service on, pings leave these their share."""
        if not self._shared:
            self._shared = True
            if self._echo is not None:
                await self._limit(self._echo)

    async def _limit(self, echo: Prober) -> None:
        share = 1 - SHARE_OF_SERVICES if self._shared else 1
        await echo.limit(max(1, int(share * self._packets_per_second)))
