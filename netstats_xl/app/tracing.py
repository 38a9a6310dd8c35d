"""Which routes are traced, and when: what is asked for, with a job's rounds, and when a destination gets worse."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from netstats_xl.app.backlog import Backlog, RoundRecord
from netstats_xl.app.service import TraceResult
from netstats_xl.app.trace_queue import MOST_AT_ONCE, TraceQueue, WantedTrace
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

SCHEDULED_APART = timedelta(minutes=1)
"""From one scheduled trace of a destination to the next, at least."""
BY_ITSELF_APART_S = 300.0
"""From one trace of a destination that got worse to the next, at least, s."""
LOOKING_UP_S = 60.0
"""How long the host's name and the routers' may take besides, s; what takes longer hangs."""

_FAILED, _LEFT_OUT = "trace", "traces left out"


Known = TypeVar("Known")


class Warnings(Protocol):
    """What the user is told, a sentence a topic."""

    def set(self, topic: str, text: str) -> None:
        """Tell this of the topic from now on."""
        ...

    def clear(self, topic: str) -> None:
        """Tell nothing of the topic any more."""
        ...


class Tracing:
    """Traces routes beside the rounds; one that was found goes to the backlog. All on the probing thread."""

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
        self._queue = TraceQueue(self._make, on_left_out=self._note_left_out, on_empty=self._note_empty)
        self._jobs: dict[JobId, Job] = {}
        self._destinations: dict[DestinationId, Destination] = {}
        self._critical_ms: dict[DestinationId, float] = {}
        self._critical: dict[DestinationId, set[JobId]] = {}
        """Whose RTT is critical, by which jobs, and was traced since it became so."""
        self._scheduled_at: dict[DestinationId, datetime] = {}
        self._by_itself_at_s: dict[DestinationId, float] = {}
        self._left_out = 0
        self._packets_per_second = Settings().packets_per_second

    def load(self, definitions: Definitions, settings: Settings) -> None:
        """Put definitions in force."""
        self._packets_per_second = settings.packets_per_second
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
        self._critical = self._of_those_in_force(self._critical)
        self._scheduled_at = self._of_those_in_force(self._scheduled_at)
        self._by_itself_at_s = self._of_those_in_force(self._by_itself_at_s)

    def _of_those_in_force(self, known: dict[DestinationId, Known]) -> dict[DestinationId, Known]:
        return {id_: each for id_, each in known.items() if id_ in self._destinations}

    def note(self, record: RoundRecord) -> None:
        """Want what is to be traced after this round; returns at once."""
        if not isinstance(record.run.outcome, RunCompleted):
            return
        for event in record.events:
            if event.after is State.DOWN:
                self._want_by_itself(event.destination_id, TraceReason.DOWN)
        for sample in record.samples:
            if self._became_critical(sample) and self._want_by_itself(
                sample.destination_id, TraceReason.CRITICAL
            ):
                self._critical[sample.destination_id] = {sample.job_id}
        job = self._jobs.get(record.run.job_id)
        if job is not None and job.trace_routes:
            self._want_scheduled(job, record)

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
        await self._queue.close()

    # --- What is wanted -----------------------------------------------------------------------------------

    async def _ask(self, host: str, destination: Destination | None, settings: TraceSettings) -> TraceResult:
        answer: asyncio.Future[TraceResult] = asyncio.get_running_loop().create_future()
        wanted = WantedTrace(
            host=host, settings=settings, reason=TraceReason.ASKED, destination=destination, answer=answer
        )
        if not self._queue.want(wanted):
            raise RoundUnderWay("Too many routes are to be traced already: try again in a moment.")
        return await answer

    def _became_critical(self, sample: Sample) -> bool:
        """Whether its RTT is critical, and no trace was made for that yet; a round without a reply says nothing."""
        jobs = self._critical.get(sample.destination_id, set())
        rtt_ms, limit_ms = mean_rtt_ms(sample.outcome), self._critical_ms.get(sample.destination_id)
        if rtt_ms is None:
            return False
        if limit_ms is None or rtt_ms < limit_ms:
            jobs.discard(sample.job_id)
            return False
        if jobs:
            jobs.add(sample.job_id)
        return not jobs

    def _want_by_itself(self, destination_id: DestinationId, reason: TraceReason) -> bool:
        """Whether it is traced now; not where that was done a short time ago."""
        destination = self._destinations.get(destination_id)
        last_s, now_s = self._by_itself_at_s.get(destination_id), self._clock.monotonic()
        if destination is None or (last_s is not None and now_s - last_s < BY_ITSELF_APART_S):
            return False
        wanted = WantedTrace(
            host=destination.host, settings=TraceSettings(), reason=reason, destination=destination
        )
        if not self._queue.want(wanted):
            self._note_left_out(wanted)
            return False
        self._by_itself_at_s[destination_id] = now_s
        return True

    def _want_scheduled(self, job: Job, record: RoundRecord) -> None:
        """Those of the round that are due, the longest untraced first: so each has its turn where not all can."""
        tick_at, last_at = record.run.tick_at, self._scheduled_at
        measured = (self._destinations.get(sample.destination_id) for sample in record.samples)
        due = [each for each in measured if each is not None and _is_due(last_at.get(each.id), tick_at)]
        due.sort(key=lambda each: last.timestamp() if (last := last_at.get(each.id)) else 0.0)
        settings = TraceSettings(dscp=job.echo.dscp)
        for destination in due:
            wanted = WantedTrace(
                host=destination.host,
                settings=settings,
                reason=TraceReason.SCHEDULED,
                destination=destination,
            )
            if self._queue.want(wanted):
                last_at[destination.id] = tick_at
            else:
                self._note_left_out(wanted)

    def _note_left_out(self, wanted: WantedTrace) -> None:
        if wanted.destination is not None and wanted.reason is TraceReason.SCHEDULED:
            self._scheduled_at.pop(wanted.destination.id, None)
        self._left_out += 1
        number = (
            "1 trace of a route was" if self._left_out == 1 else f"{self._left_out} traces of routes were"
        )
        self._warnings.set(
            _LEFT_OUT,
            f"{number} left out, because more are due than can be made: trace fewer destinations (the metric route on "
            "the sheet Jobs), or less often.",
        )

    def _note_empty(self) -> None:
        if self._left_out:
            self._left_out = 0
            self._warnings.clear(_LEFT_OUT)

    # --- Making it ----------------------------------------------------------------------------------------

    async def _make(self, wanted: WantedTrace) -> None:
        at, answer = self._clock.now(), wanted.answer
        try:
            found = await self._found(wanted)
        except Exception as error:  # noqa: BLE001 - the edge of a trace: it reaches who asked, and disturbs no round
            self._tell_failure(wanted, error)
            return
        self._warnings.clear(_FAILED)
        if wanted.destination is not None and isinstance(found, Trace):
            self._backlog.add_route(
                TracedRoute(at=at, destination_id=wanted.destination.id, reason=wanted.reason, trace=found)
            )
        if answer is not None and not answer.done():
            answer.set_result(
                TraceResult(destination=wanted.destination, host=wanted.host, at=at, found=found)
            )

    async def _found(self, wanted: WantedTrace) -> Trace | NameNotResolved | SendFailed:
        settings = wanted.settings
        longest_s = _longest_s(settings, self._packets_per_second) + LOOKING_UP_S
        try:
            async with asyncio.timeout(longest_s):
                return await self._prober.trace(wanted.host, settings)
        except TimeoutError as error:
            raise BackendUnavailable(
                f"The trace to {wanted.host} did not end within {longest_s:g} s: start the program again."
            ) from error

    def _tell_failure(self, wanted: WantedTrace, error: Exception) -> None:
        if wanted.answer is not None:
            if not wanted.answer.done():
                wanted.answer.set_exception(error)
        elif isinstance(error, ProbeEngineError):
            self._warnings.set(_FAILED, f"The route to {wanted.host} could not be traced: {error.message}")
        else:
            self._on_error("tracing routes", error)


def _longest_s(settings: TraceSettings, packets_per_second: int) -> float:
    """How long a trace may take while as many others as can be go on too, s: its rounds and time-outs, and its turn."""
    waits_ms = settings.rounds * settings.interval_ms + settings.max_hops * settings.timeout_ms
    return waits_ms / 1_000 + MOST_AT_ONCE * settings.rounds * settings.max_hops / packets_per_second


def _is_due(last_at: datetime | None, tick_at: datetime) -> bool:
    """A clock that was set back is no reason to wait."""
    return last_at is None or not timedelta(0) <= tick_at - last_at < SCHEDULED_APART
