"""A network whose answers are written down beforehand."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.domain.results import NameNotResolved, Outcome, Replied, RoundResult, SendFailed
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.ports import ProbeTarget

Script = Outcome | Sequence[Outcome] | Callable[[int], Outcome]
"""An outcome for every round; outcomes that are gone through again and again; or a function of the host's
round number, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedRound:
    """A round that was asked for."""

    targets: tuple[ProbeTarget, ...]
    settings: EchoSettings


def replied(*rtts_ms: float | None, address: str = "192.0.2.1") -> Replied:
    """A round with these RTTs, ms; None for a lost packet."""
    return Replied(address=address, rtts_ms=rtts_ms)


class ScriptedProber:
    """A `ports.Prober` without a network: hosts answer by their scripts, at once."""

    def __init__(
        self,
        scripts: Mapping[str, Script] | None = None,
        *,
        before_round: Callable[[ScriptedRound], Awaitable[None]] | None = None,
    ) -> None:
        """Write down what is to come.

        Args:
            scripts: by host. A host without a script is a name that does not exist.
            before_round: awaited within each round, for example to hold it up.
        """
        self.scripts: dict[str, Script] = dict(scripts or {})
        self.rounds: list[ScriptedRound] = []
        """Every round that was asked for, in order."""
        self.error: ProbeEngineError | None = None
        """What every round raises from now on; None: nothing."""
        self.closed = False
        self.traces: dict[str, Sequence[Trace | NameNotResolved | SendFailed]] = {}
        """What each trace of a host finds; a host without one is a name that does not exist."""
        self.traced: list[tuple[str, TraceSettings]] = []
        """Every trace that was asked for, in order."""
        self.limits: list[int] = []
        """Every limit that was set, in packets a second."""
        self._before_round = before_round
        self._played: dict[str, int] = {}

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """See `ports.Prober.probe`."""
        if self.closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        asked = ScriptedRound(targets=tuple(targets), settings=settings)
        self.rounds.append(asked)
        if self._before_round is not None:
            await self._before_round(asked)
        if self.error is not None:
            raise self.error
        return [
            RoundResult(destination_id=target.destination_id, outcome=self._play(target.host))
            for target in targets
        ]

    async def trace(self, host: str, settings: TraceSettings) -> Trace | NameNotResolved | SendFailed:
        """See `ports.Prober.trace`: the script of `traces`, each trace in turn and the last one for ever."""
        if self.closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        self.traced.append((host, settings))
        if self.error is not None:
            raise self.error
        script = self.traces.get(host, (NameNotResolved(reason="no such name"),))
        number = sum(asked == host for asked, _ in self.traced)
        return script[min(number, len(script)) - 1]

    async def limit(self, packets_per_second: int) -> None:
        """See `ports.Prober.limit`."""
        self.limits.append(packets_per_second)

    async def close(self) -> None:
        """See `ports.Prober.close`."""
        self.closed = True

    def describe(self) -> str:
        """How it reaches the network: not at all."""
        return "scripted network"

    def _play(self, host: str) -> Outcome:
        number = self._played.get(host, 0)
        self._played[host] = number + 1
        script = self.scripts.get(host, NameNotResolved(reason="no such name"))
        if callable(script):
            return script(number)
        if isinstance(script, Sequence) and not isinstance(script, Replied):  # which is a tuple itself
            return script[number % len(script)]
        return script
