"""One burst a destination: no host is sent a round's packets while those of another round are unanswered."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.outcomes import Found, found_of
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions

_FRESH_S = 1.0
"""A burst that began no longer ago may serve another round with the same settings."""


class TrainEngine(Protocol):
    """What runs trains: see `socket_engine.SocketEngine`."""

    @property
    def alive(self) -> bool:
        """Whether it takes trains."""
        ...

    def ready(self, family: Family) -> ProbeEngineError | None:
        """Get ready for a family."""
        ...

    def begin(self, train: Train) -> None:
        """Run a train."""
        ...

    def give_up(self, train: Train) -> None:
        """End a train early."""
        ...

    def limit(self, packets_per_second: float | None) -> None:
        """Let at most so many packets a second go."""
        ...

    def describe(self) -> str:
        """How it reaches the network."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class _Burst:
    """A train, and the rounds that wait for it."""

    train: Train
    settings: EchoSettings
    began_at: float
    over: "asyncio.Future[None]"
    lines: dict[str, int]
    """By the text of the address."""
    users: int = 0
    found: Sequence[Found] = field(default=())

    def results(self) -> Sequence[Found]:
        """What it found of each line, once it is over.

        Raises:
            BackendUnavailable: it was ended before it was over.
        """
        if not self.train.complete:
            raise BackendUnavailable("The prober was closed before the round was over.")
        if not self.found:
            self.found = found_of(self.train)
        return self.found


def plan_of(settings: EchoSettings) -> TrainPlan:
    """How the packets of a round go."""
    return TrainPlan(
        packets=settings.packets,
        interval_s=settings.packet_interval_ms / 1_000,
        timeout_s=settings.timeout_ms / 1_000,
        payload_bytes=settings.payload_bytes,
        options=WireOptions(settings.ttl, settings.dscp, settings.dont_fragment),
    )


async def run_train(engine: TrainEngine, train: Train) -> None:
    """Run a train to its end; cancelling gives it up."""
    over = _ends(train)
    engine.begin(train)
    try:
        await over
    finally:
        if not over.done() or over.cancelled():
            engine.give_up(train)


def _ends(train: Train) -> "asyncio.Future[None]":
    """A future of the running loop that is done when the train is over."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if over.done() else over.set_result(None))

    train.on_end = end
    return over


class Bursts:
    """Makes rounds over an engine, on one event loop.

    An address that another round is probing is waited for. Where that round has the same settings and has just
    begun, its burst serves both; the same address twice in a round is probed once.
    """

    def __init__(self, engine: TrainEngine, *, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is a monotonic clock, s."""
        self._engine = engine
        self._now = now
        self._active: dict[str, _Burst] = {}

    async def quiet(self, address: Address) -> None:
        """Wait until the round that is probing the address, if there is one, is over."""
        burst = self._active.get(address.text)
        if burst is not None:
            await asyncio.shield(burst.over)

    async def run(self, addresses: Sequence[Address], settings: EchoSettings) -> Sequence[Found]:
        """What was found of each address, in their order. Their families are ready.

        Raises:
            BackendUnavailable: the engine was closed.
        """
        if not addresses:
            return ()
        wanted = {each.text: each for each in addresses}
        found = await self._run(wanted, settings)
        return list(map(found.__getitem__, (each.text for each in addresses)))

    async def _run(self, wanted: dict[str, Address], settings: EchoSettings) -> dict[str, Found]:
        active = self._active
        free = (
            [each for text, each in wanted.items() if text not in active] if active else list(wanted.values())
        )
        busy = {} if len(free) == len(wanted) else self._busy(wanted)
        fresh_since = self._now() - _FRESH_S
        uses = self._start(free, settings)
        waits: dict[_Burst, list[Address]] = {}
        for burst, those in busy.items():
            if burst.settings == settings and burst.began_at >= fresh_since:
                uses[burst] = [each.text for each in those]
            else:
                waits[burst] = those
        parts = [self._use(burst, texts, wanted, settings) for burst, texts in uses.items()]
        parts += [self._wait(burst, those, settings) for burst, those in waits.items()]
        if len(parts) == 1:
            return await parts[0]
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            found: dict[str, Found] = {}
            for part in await asyncio.gather(*tasks):
                found |= part
            return found
        finally:
            for task in tasks:
                task.cancel()

    def _busy(self, wanted: dict[str, Address]) -> dict[_Burst, list[Address]]:
        busy: dict[_Burst, list[Address]] = {}
        for text, address in wanted.items():
            if (burst := self._active.get(text)) is not None:
                busy.setdefault(burst, []).append(address)
        return busy

    def _start(self, addresses: Sequence[Address], settings: EchoSettings) -> dict[_Burst, list[str]]:
        """Begin a burst for each family among the addresses."""
        started = {}
        for family in Family:
            those = [each for each in addresses if each.family is family]
            if not those:
                continue
            train = Train(those, plan_of(settings))
            texts = [each.text for each in those]
            burst = _Burst(
                train=train,
                settings=settings,
                began_at=self._now(),
                over=_ends(train),
                lines=dict(zip(texts, range(len(texts)), strict=True)),
            )
            self._engine.begin(train)
            self._active.update(dict.fromkeys(texts, burst))
            burst.over.add_done_callback(partial(self._forget, burst))
            started[burst] = texts
        return started

    def _forget(self, burst: _Burst, _over: "asyncio.Future[None]") -> None:
        for text in burst.lines:
            if self._active.get(text) is burst:
                del self._active[text]

    async def _use(
        self, burst: _Burst, texts: Sequence[str], wanted: dict[str, Address], settings: EchoSettings
    ) -> dict[str, Found]:
        """Wait for a burst, and take its results of these addresses."""
        if burst.train.cancelled:  # its other rounds gave it up meanwhile
            return await self._wait(burst, [wanted[text] for text in texts], settings)
        burst.users += 1
        try:
            await asyncio.shield(burst.over)
        finally:
            burst.users -= 1
            if not burst.users and not burst.over.done():
                self._engine.give_up(burst.train)
        results, lines = burst.results(), burst.lines
        if len(texts) == len(lines):  # all of them, in the order of the lines
            return dict(zip(lines, results, strict=True))
        return {text: results[lines[text]] for text in texts}

    async def _wait(
        self, burst: _Burst, addresses: Sequence[Address], settings: EchoSettings
    ) -> dict[str, Found]:
        """Wait until a burst is over, then probe these addresses."""
        await asyncio.shield(burst.over)
        return await self._run({each.text: each for each in addresses}, settings)
