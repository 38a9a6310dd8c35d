"""Which routes are traced, and when: what is asked for, with a job's rounds, and when a destination gets worse."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from netstats_xl.app.backlog import Backlog, RoundRecord
from netstats_xl.app.service import TraceResult
from netstats_xl.domain.results import (
    NameNotResolved,
    RunCompleted,
    Sample,
    SendFailed,
    State,
    TracedRoute,
    TraceReason,
)
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.states import mean_rtt_ms
from netstats_xl.domain.targets import (
    Definitions,
    Destination,
    DestinationId,
    Job,
    JobId,
    Settings,
    TraceSettings,
)
from netstats_xl.errors import BackendUnavailable, ProbeEngineError, RoundUnderWay
from netstats_xl.ports import Clock, Prober

MOST_AT_ONCE = 8
MOST_WAITING = 1_000
SCHEDULED_APART = timedelta(minutes=1)
"""From one scheduled trace of a destination to the next, at least."""
BY_ITSELF_APART_S = 300.0
"""From one trace of a destination that got worse to the next, at least, s."""
LOOKING_UP_S = 60.0
"""How long the host's name and the routers' may take besides, s; what takes longer hangs."""

_FAILED, _LEFT_OUT = "trace", "traces left out"


class Warnings(Protocol):
    """What the user is told, a sentence a topic."""

    def set(self, topic: str, text: str) -> None:
        """Tell this of the topic from now on."""
        ...

    def clear(self, topic: str) -> None:
        """Tell nothing of the topic any more."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class _Wanted:
    """A trace that is to be made."""

    host: str
    settings: TraceSettings
    reason: TraceReason
    destination: Destination | None
    answer: "asyncio.Future[TraceResult] | None" = None
    """Where somebody waits for it."""


class Tracing:
    """Traces routes beside the rounds, some at once and no host twice at once. All on the probing thread.

    What is asked for comes first, then destinations that got worse, then what is scheduled; where too many wait,
    they are left out in the opposite order. A route that was found goes to the backlog.
    """

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        backlog: Backlog,
        *,
        warnings: Warnings,
        on_error: Callable[[str, Exception], None],
    ) -> None:
        """`on_error` is told of what nobody foresaw, with what it befell."""
        self._prober = prober
        self._clock = clock
        self._backlog = backlog
        self._warnings = warnings
        self._on_error = on_error
        self._jobs: dict[JobId, Job] = {}
        self._destinations: dict[DestinationId, Destination] = {}
        self._critical_ms: dict[DestinationId, float] = {}
        self._critical: set[tuple[JobId, DestinationId]] = set()
        """Whose RTT is critical, and was traced since it became so."""
        self._scheduled_at: dict[DestinationId, datetime] = {}
        self._by_itself_at_s: dict[DestinationId, float] = {}
        self._asked: deque[_Wanted] = deque()
        self._worse: dict[str, _Wanted] = {}
        self._scheduled: dict[str, _Wanted] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._left_out = 0
        self._closed = False

    def load(self, definitions: Definitions, settings: Settings) -> None:
        """Put definitions in force."""
        self._jobs = {job.id: job for job in definitions.jobs}
        self._destinations = {each.id: each for each in definitions.destinations}
        limits = {
            thresholds: thresholds.or_else(settings.thresholds).rtt_critical_ms
            for thresholds in {each.thresholds for each in definitions.destinations}
        }
        self._critical_ms = {
            each.id: limit
            for each in definitions.destinations
            if (limit := limits[each.thresholds]) is not None
        }
        self._critical = {pair for pair in self._critical if pair[1] in self._destinations}
        for known in (self._scheduled_at, self._by_itself_at_s):
            for gone in known.keys() - self._destinations.keys():
                del known[gone]

    def note(self, record: RoundRecord) -> None:
        """Want what is to be traced after this round; returns at once."""
        if self._closed or not isinstance(record.run.outcome, RunCompleted):
            return
        for event in record.events:
            if event.after is State.DOWN:
                self._want_by_itself(event.destination_id, TraceReason.DOWN)
        for sample in record.samples:
            if self._became_critical(sample) and self._want_by_itself(
                sample.destination_id, TraceReason.CRITICAL
            ):
                self._critical.add((sample.job_id, sample.destination_id))
        job = self._jobs.get(record.run.job_id)
        if job is not None and job.trace_routes:
            self._want_scheduled(job, record)
        self._begin_what_may()

    async def trace(
        self, destinations: Sequence[Destination], *, hosts: Sequence[str] = (), rounds: int
    ) -> list[TraceResult]:
        """Trace the routes to these now, in this order; those to destinations are stored. `rounds`: packets a hop.

        Raises:
            RoundUnderWay: too many are asked for already.
            ProbeEngineError: no packet can be sent.
        """
        settings = TraceSettings(rounds=rounds)
        targets = [*((each, each.host) for each in destinations), *((None, host) for host in hosts)]
        return await asyncio.gather(*(self._ask(host, each, settings) for each, host in targets))

    async def close(self) -> None:
        """Begin nothing any more, and give up what waits and what is under way."""
        self._closed = True
        for wanted in self._asked:
            if wanted.answer is not None:
                wanted.answer.cancel()
        for waiting in (self._asked, self._worse, self._scheduled):
            waiting.clear()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- What is wanted -----------------------------------------------------------------------------------

    async def _ask(self, host: str, destination: Destination | None, settings: TraceSettings) -> TraceResult:
        if self._closed or not self._has_room(self._worse, self._scheduled):
            raise RoundUnderWay("Too many routes are to be traced already: try again in a moment.")
        answer: asyncio.Future[TraceResult] = asyncio.get_running_loop().create_future()
        self._asked.append(
            _Wanted(
                host=host,
                settings=settings,
                reason=TraceReason.ASKED,
                destination=destination,
                answer=answer,
            )
        )
        self._begin_what_may()
        return await answer

    def _became_critical(self, sample: Sample) -> bool:
        """Whether its RTT is critical, and no trace was made for that yet; a round without a reply says nothing."""
        pair = sample.job_id, sample.destination_id
        rtt_ms, limit_ms = mean_rtt_ms(sample.outcome), self._critical_ms.get(sample.destination_id)
        if rtt_ms is None:
            return False
        if limit_ms is None or rtt_ms < limit_ms:
            self._critical.discard(pair)
            return False
        return pair not in self._critical

    def _want_by_itself(self, destination_id: DestinationId, reason: TraceReason) -> bool:
        """Whether it is traced, or is about to be; not where that was done a short time ago."""
        destination = self._destinations.get(destination_id)
        last_s, now_s = self._by_itself_at_s.get(destination_id), self._clock.monotonic()
        if destination is None or (last_s is not None and now_s - last_s < BY_ITSELF_APART_S):
            return False
        key = _key(destination.host)
        if key not in self._running and key not in self._worse:
            if not self._has_room(self._scheduled):
                self._leave_out(1)
                return False
            self._scheduled.pop(key, None)
            self._worse[key] = _Wanted(
                host=destination.host, settings=TraceSettings(), reason=reason, destination=destination
            )
        self._by_itself_at_s[destination_id] = now_s
        return True

    def _want_scheduled(self, job: Job, record: RoundRecord) -> None:
        """Those of the round that are due, the longest untraced first: so each has its turn where not all can."""
        tick_at = record.run.tick_at
        due = [
            each
            for sample in record.samples
            if (each := self._destinations.get(sample.destination_id)) is not None
            and _is_due(self._scheduled_at.get(each.id), tick_at)
        ]
        due.sort(key=lambda each: last.timestamp() if (last := self._scheduled_at.get(each.id)) else 0.0)
        for number, destination in enumerate(due):
            key = _key(destination.host)
            if key in self._running or key in self._worse or key in self._scheduled:
                continue
            if not self._has_room():
                self._leave_out(len(due) - number)
                return
            self._scheduled_at[destination.id] = tick_at
            self._scheduled[key] = _Wanted(
                host=destination.host,
                settings=TraceSettings(dscp=job.echo.dscp),
                reason=TraceReason.SCHEDULED,
                destination=destination,
            )

    def _has_room(self, *instead_of: dict[str, _Wanted]) -> bool:
        """Whether one more may wait; of those that may be left out instead, the last one is."""
        if len(self._asked) + len(self._worse) + len(self._scheduled) < MOST_WAITING:
            return True
        for waiting in reversed(instead_of):
            if waiting:
                _, wanted = waiting.popitem()
                if wanted.destination is not None and wanted.reason is TraceReason.SCHEDULED:
                    self._scheduled_at.pop(wanted.destination.id, None)
                self._leave_out(1)
                return True
        return False

    def _leave_out(self, number: int) -> None:
        self._left_out += number
        self._warnings.set(
            _LEFT_OUT,
            f"{self._left_out} traces of routes were left out, because more are due than can be made: trace fewer "
            "destinations (the metric route on the sheet Jobs), or less often.",
        )

    # --- Making them --------------------------------------------------------------------------------------

    def _begin_what_may(self) -> None:
        while len(self._running) < MOST_AT_ONCE and (wanted := self._next()) is not None:
            task = asyncio.get_running_loop().create_task(self._make(wanted))
            self._running[_key(wanted.host)] = task
            task.add_done_callback(lambda _, key=_key(wanted.host): self._note_end(key))
        if self._left_out and not self._scheduled and not self._worse:
            self._left_out = 0
            self._warnings.clear(_LEFT_OUT)

    def _next(self) -> _Wanted | None:
        for wanted in self._waiting():
            if _key(wanted.host) in self._running:
                continue
            if wanted.answer is not None:
                self._asked.remove(wanted)
            else:
                waiting = self._scheduled if wanted.reason is TraceReason.SCHEDULED else self._worse
                del waiting[_key(wanted.host)]
            return wanted
        return None

    def _waiting(self) -> Iterator[_Wanted]:
        """Most urgent first."""
        yield from self._asked
        yield from self._worse.values()
        yield from self._scheduled.values()

    def _note_end(self, key: str) -> None:
        del self._running[key]
        if not self._closed:
            self._begin_what_may()

    async def _make(self, wanted: _Wanted) -> None:
        at = self._clock.now()
        try:
            found = await self._traced(wanted)
        except asyncio.CancelledError:
            if wanted.answer is not None:
                wanted.answer.cancel()
            raise
        except Exception as error:
            # The edge of a trace: a failure must reach who asked, or the user, and disturb no round.
            self._tell_failure(wanted, error)
            return
        self._warnings.clear(_FAILED)
        if wanted.destination is not None and isinstance(found, Trace):
            self._backlog.add_route(
                TracedRoute(at=at, destination_id=wanted.destination.id, reason=wanted.reason, trace=found)
            )
        if wanted.answer is not None and not wanted.answer.done():
            wanted.answer.set_result(
                TraceResult(destination=wanted.destination, host=wanted.host, at=at, found=found)
            )

    async def _traced(self, wanted: _Wanted) -> Trace | NameNotResolved | SendFailed:
        settings = wanted.settings
        longest_s = (settings.rounds * settings.interval_ms + settings.timeout_ms) / 1_000 + LOOKING_UP_S
        try:
            async with asyncio.timeout(longest_s):
                return await self._prober.trace(wanted.host, settings)
        except TimeoutError as error:
            raise BackendUnavailable(
                f"The trace to {wanted.host} did not end within {longest_s:g} s."
            ) from error

    def _tell_failure(self, wanted: _Wanted, error: Exception) -> None:
        if wanted.answer is not None:
            if not wanted.answer.done():
                wanted.answer.set_exception(error)
        elif isinstance(error, ProbeEngineError):
            self._warnings.set(_FAILED, f"The route to {wanted.host} could not be traced: {error.message}")
        else:
            self._on_error("tracing routes", error)


def _key(host: str) -> str:
    """What tells hosts apart."""
    return host.strip().casefold()


def _is_due(last_at: datetime | None, tick_at: datetime) -> bool:
    """A clock that was set back is no reason to wait."""
    return last_at is None or not timedelta(0) <= tick_at - last_at < SCHEDULED_APART
