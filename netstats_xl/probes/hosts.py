"""Rounds over hosts as users write them: addresses, and names that are resolved on the way."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from netstats_xl.domain.results import NO_STRAYS, NameNotResolved, RoundResult, SendFailed
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.addresses import Address, UnknownInterfaceError, parse_literal
from netstats_xl.probes.outcomes import Found
from netstats_xl.probes.resolver import Resolution, Resolver, Unresolved

_TOGETHER_S = 0.1


class HostProber(ABC):
    """A `ports.Prober` over whatever probes addresses."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        """`resolver` gives names their addresses."""
        self._resolver = resolver or Resolver()

    @abstractmethod
    def check_privilege(self) -> None:
        """Make sure that probes can be sent at all.

        Raises:
            ProbeEngineError: they cannot, or the prober is closed.
        """

    @abstractmethod
    async def probe_addresses(self, addresses: Sequence[Address], settings: EchoSettings) -> Sequence[Found]:
        """Probe each address; an outcome and strays each, in their order."""

    @abstractmethod
    async def close(self) -> None:
        """See `ports.Prober.close`. Rounds under way raise `BackendUnavailable`."""

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """See `ports.Prober.probe`.

        Addresses and names known already go first, together; each other name goes when it is resolved.
        """
        self.check_privilege()
        known = [self._known(target.host) for target in targets]
        addresses = [each for each in known if isinstance(each, Address)]
        if len(addresses) == len(known):
            found = await self.probe_addresses(addresses, settings)
        else:
            found = await self._probe_each(targets, known, addresses, settings)
        return [
            RoundResult(target.destination_id, outcome, strays)
            for target, (outcome, strays) in zip(targets, found, strict=True)
        ]

    async def _probe_each(
        self,
        targets: Sequence[ProbeTarget],
        known: Sequence[Address | NameNotResolved | SendFailed | None],
        addresses: Sequence[Address],
        settings: EchoSettings,
    ) -> Sequence[Found]:
        """Probe the addresses at once, and look up what is not known."""
        unknown: dict[str, list[int]] = {}
        ready: list[int] = []
        found: dict[int, Found] = {}
        for position, each in enumerate(known):
            if isinstance(each, Address):
                ready.append(position)
            elif each is not None:
                found[position] = (each, NO_STRAYS)
            else:
                unknown.setdefault(targets[position].host, []).append(position)
        parts = [asyncio.ensure_future(self._probe_places(ready, addresses, settings))]
        try:
            async with aclosing(self._looked_up(unknown)) as batches:
                async for batch in batches:
                    places = {position: each for position, each in batch.items() if isinstance(each, Address)}
                    if places:
                        going = self._probe_places(tuple(places), tuple(places.values()), settings)
                        parts.append(asyncio.ensure_future(going))
                    for place, resolution in batch.items():
                        if isinstance(resolution, Unresolved):
                            found[place] = (NameNotResolved(reason=resolution.reason), NO_STRAYS)
            for positions, results in await asyncio.gather(*parts):
                found.update(zip(positions, results, strict=True))
        finally:
            for task in parts:
                task.cancel()
        return [found[position] for position in range(len(targets))]

    async def _looked_up(
        self, hosts: Mapping[str, Sequence[int]]
    ) -> AsyncGenerator[dict[int, Resolution], None]:
        """What becomes of the hosts' names, by their positions, as it is known.

        Names that are known at about the same time come together: a burst for each of thousands would be costly.
        """
        lookups = {asyncio.ensure_future(self._resolver.resolve(host)): hosts[host] for host in hosts}
        waiting = set(lookups)
        try:
            while waiting:
                known, waiting = await asyncio.wait(waiting, timeout=_TOGETHER_S)
                if known:
                    yield {position: each.result() for each in known for position in lookups[each]}
        finally:
            for task in lookups:
                task.cancel()

    async def resolve(self, host: str) -> Address | NameNotResolved | SendFailed:
        """The host's address, or why it has none, within the resolver's deadline."""
        known = self._known(host)
        if known is not None:
            return known
        found = await self._resolver.resolve(host)
        return NameNotResolved(reason=found.reason) if isinstance(found, Unresolved) else found

    def _known(self, host: str) -> Address | NameNotResolved | SendFailed | None:
        try:
            literal = parse_literal(host)
        except UnknownInterfaceError as error:
            return SendFailed(address=host, reason=str(error))
        if literal is not None:
            return literal
        found = self._resolver.known(host)
        return NameNotResolved(reason=found.reason) if isinstance(found, Unresolved) else found

    async def _probe_places(
        self, positions: Sequence[int], addresses: Sequence[Address], settings: EchoSettings
    ) -> tuple[Sequence[int], Sequence[Found]]:
        self.check_privilege()  # it may have been closed while a name was looked up
        return positions, await self.probe_addresses(addresses, settings)
