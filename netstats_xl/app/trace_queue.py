"""Traces of routes that wait for their turn: some are made at once, the urgent first, none of a host twice at once."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from enum import IntEnum

from netstats_xl.app.service import TraceResult
from netstats_xl.domain.results import TraceReason
from netstats_xl.domain.targets import Destination, TraceSettings

MOST_AT_ONCE = 8
MOST_WAITING = 1_000


class Urgency(IntEnum):
    """In which order traces are made; in the opposite one they are left out where too many wait."""

    ASKED = 0
    WORSE = 1
    """Its destination got worse."""
    SCHEDULED = 2


@dataclass(slots=True, kw_only=True, eq=False)
class WantedTrace:
    """A trace that is to be made."""

    host: str
    settings: TraceSettings
    reason: TraceReason
    destination: Destination | None
    """None: a host that is none."""
    answer: "asyncio.Future[TraceResult] | None" = None
    """Where somebody waits for it."""

    @property
    def key(self) -> str:
        """What tells hosts apart."""
        return self.host.strip().casefold()

    @property
    def urgency(self) -> Urgency:
        """How urgent it is."""
        if self.answer is not None:
            return Urgency.ASKED
        return Urgency.SCHEDULED if self.reason is TraceReason.SCHEDULED else Urgency.WORSE


class TraceQueue:
    """Bounded in what waits and in what is under way. All on one event loop."""

    def __init__(
        self,
        make: Callable[[WantedTrace], Coroutine[object, object, None]],
        *,
        on_left_out: Callable[[WantedTrace], None],
        on_empty: Callable[[], None],
    ) -> None:
        """`make` makes a trace, and raises nothing; `on_empty`: nothing waits any more but what was asked for."""
        self._make = make
        self._on_left_out = on_left_out
        self._on_empty = on_empty
        self._waiting: dict[Urgency, list[WantedTrace]] = {urgency: [] for urgency in Urgency}
        self._hosts: dict[str, Urgency] = {}
        """Of those that nobody asked for; each host waits at most once."""
        self._running: dict[str, WantedTrace] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def want(self, wanted: WantedTrace) -> bool:
        """Have it made in its turn; False where it is left out, for want of room or because this has ended.

        What nobody asked for is made by a trace of its host that is under way, or waits and is as urgent.
        """
        if self._closed:
            return False
        urgency, key = wanted.urgency, wanted.key
        if urgency is not Urgency.ASKED:
            if key in self._running or self._hosts.get(key, Urgency.SCHEDULED + 1) <= urgency:
                return True
            self._remove_host(key)
        if not self._make_room(urgency):
            return False
        if urgency is not Urgency.ASKED:
            self._hosts[key] = urgency
        self._waiting[urgency].append(wanted)
        self._begin()
        return True

    async def close(self) -> None:
        """Begin nothing any more, and give up what waits and what is under way."""
        self._closed = True
        for wanted in (*self._waiting[Urgency.ASKED], *self._running.values()):
            if wanted.answer is not None:
                wanted.answer.cancel()
        self._waiting = {urgency: [] for urgency in Urgency}
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _remove_host(self, key: str) -> None:
        urgency = self._hosts.pop(key, None)
        if urgency is not None:
            self._waiting[urgency] = [each for each in self._waiting[urgency] if each.key != key]

    def _make_room(self, urgency: Urgency) -> bool:
        """Whether one more may wait; of those that are less urgent, the last one is left out instead."""
        if sum(map(len, self._waiting.values())) < MOST_WAITING:
            return True
        for less in sorted(Urgency, reverse=True):
            if less > urgency and self._waiting[less]:
                left_out = self._waiting[less].pop()
                del self._hosts[left_out.key]
                self._on_left_out(left_out)
                return True
        return False

    def _begin(self) -> None:
        while len(self._running) < MOST_AT_ONCE and (wanted := self._next()) is not None:
            self._running[wanted.key] = wanted
            task = asyncio.get_running_loop().create_task(self._run(wanted))
            self._tasks.add(task)  # the loop itself keeps no hold of a task
            task.add_done_callback(self._tasks.discard)
        if not self._waiting[Urgency.SCHEDULED] and not self._waiting[Urgency.WORSE]:
            self._on_empty()

    def _next(self) -> WantedTrace | None:
        """The most urgent one whose host is not being traced; at most as many are passed over as are under way."""
        for wanted in self._in_order():
            if wanted.key not in self._running:
                urgency = wanted.urgency
                self._waiting[urgency].remove(wanted)
                if urgency is not Urgency.ASKED:
                    del self._hosts[wanted.key]
                return wanted
        return None

    def _in_order(self) -> Iterator[WantedTrace]:
        for urgency in sorted(Urgency):
            yield from self._waiting[urgency]

    async def _run(self, wanted: WantedTrace) -> None:
        try:
            await self._make(wanted)
        finally:
            del self._running[wanted.key]
            if not self._closed:
                self._begin()
