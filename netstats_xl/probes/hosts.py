"""Rounds over hosts as users write them: addresses, and names that are resolved on the way."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence

from netstats_xl.domain.results import NameNotResolved, Outcome, RoundResult, SendFailed
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.addresses import Address, UnknownInterfaceError, parse_literal
from netstats_xl.probes.resolver import Resolver, Unresolved


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
    async def probe_addresses(
        self, addresses: Sequence[Address], settings: EchoSettings
    ) -> Sequence[Outcome]:
        """Probe each address; one outcome each, in their order."""

    @abstractmethod
    async def close(self) -> None:
        """See `ports.Prober.close`. Rounds under way raise `BackendUnavailable`."""

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """See `ports.Prober.probe`.

        Addresses and names known already go first, together; each other name goes when it is resolved.
        """
        self.check_privilege()
        outcomes: dict[int, Outcome] = {}
        ready: list[tuple[int, Address]] = []
        unknown: dict[str, list[int]] = {}
        for position, target in enumerate(targets):
            found = self._known(target.host)
            if isinstance(found, Address):
                ready.append((position, found))
            elif found is not None:
                outcomes[position] = found
            else:
                unknown.setdefault(target.host, []).append(position)
        parts = [asyncio.ensure_future(self._probe_places(ready, settings))]
        parts += [
            asyncio.ensure_future(self._probe_name(host, positions, settings))
            for host, positions in unknown.items()
        ]
        try:
            for part in await asyncio.gather(*parts):
                outcomes.update(part)
        finally:
            for task in parts:
                task.cancel()
        return [
            RoundResult(destination_id=target.destination_id, outcome=outcomes[position])
            for position, target in enumerate(targets)
        ]

    def _known(self, host: str) -> Address | Outcome | None:
        try:
            literal = parse_literal(host)
        except UnknownInterfaceError as error:
            return SendFailed(address=host, reason=str(error))
        if literal is not None:
            return literal
        found = self._resolver.known(host)
        return NameNotResolved(reason=found.reason) if isinstance(found, Unresolved) else found

    async def _probe_name(
        self, host: str, positions: Sequence[int], settings: EchoSettings
    ) -> dict[int, Outcome]:
        found = await self._resolver.resolve(host)
        if isinstance(found, Unresolved):
            return dict.fromkeys(positions, NameNotResolved(reason=found.reason))
        return await self._probe_places([(position, found) for position in positions], settings)

    async def _probe_places(
        self, places: Sequence[tuple[int, Address]], settings: EchoSettings
    ) -> dict[int, Outcome]:
        self.check_privilege()  # it may have been closed while a name was looked up
        found = await self.probe_addresses([address for _, address in places], settings)
        return {position: outcome for (position, _), outcome in zip(places, found, strict=True)}
