"""The measuring itself: jobs on time, and their results saved."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import timedelta
from threading import Lock
from typing import TypeVar

from netstats_xl.app.backlog import Backlog, RoundRecord
from netstats_xl.app.finding import destination_of, job_of
from netstats_xl.app.monitoring import Monitoring
from netstats_xl.app.path_tests import PathMtu, PayloadSweep, host_of, path_mtu, payload_sweep
from netstats_xl.app.service import TestResult, TraceResult
from netstats_xl.app.tracing import Tracing
from netstats_xl.companion.notices import Notices
from netstats_xl.domain.results import Period
from netstats_xl.domain.targets import Definitions, DestinationId, Engine, JobId, Settings
from netstats_xl.errors import ProbeEngineError, StoreError
from netstats_xl.ports import Clock, Prober, ResultStore
from netstats_xl.scheduling import Scheduler

SAVE, FLUSH_EVERY_S = "save", 1
"""A chore, and how often it is done where little comes."""
ROLL_UP, ROLL_UP_AFTER_S = "roll up", 10
"""A chore, and how long it waits for a save that takes long."""
SLOW_S = 5.0
"""How long the database may take for a batch before the user is told."""
LATEST_WITHIN = timedelta(days=7)
"""How far back the last sample of a destination is looked for at start."""
ROUND_WITHIN_S = 3.0
"""How long somebody who asked for a round is kept waiting; a longer one ends by itself."""

Result = TypeVar("Result")


class Collecting:
    """Makes the rounds of the jobs in force. Its methods may be called from any thread but the scheduler's own."""

    def __init__(
        self,
        *,
        store: ResultStore,
        prober: Prober,
        scheduler: Scheduler,
        clock: Clock,
        new_id: Callable[[], str],
        notices: Notices,
        engine: Engine,
        on_record: Callable[[RoundRecord], None],
        on_error: Callable[[str, Exception], None],
    ) -> None:
        """The scheduler runs already; `on_record` hears of each tick's record, on its thread.

        `engine` is what the prober was opened with.
        """
        self._on_record = on_record
        self._store = store
        self._prober = prober
        self._scheduler = scheduler
        self._clock = clock
        self._notices = notices
        self._engine = engine
        self._on_error = on_error
        self._backlog = Backlog(store, clock, new_id)
        # A chore that takes longer than stopping waits for it goes on in its thread meanwhile.
        self._saving, self._stopping = Lock(), Lock()
        self._late: set[asyncio.Task[object]] = set()
        self._past_changes = 0
        self._tracing = Tracing(prober, clock, self._backlog, warnings=notices, on_error=on_error)
        now = clock.now()
        self.monitoring = Monitoring(
            prober,
            clock,
            self._backlog,
            new_id,
            states=store.states(),
            latest=store.latest(Period(start=now - LATEST_WITHIN, end=now)),
            totals=store.job_totals(),
            on_record=self._note_record,
        )
        self._do(self._set_stopped(store.definitions().stopped))

    @property
    def unsaved(self) -> int:
        """Results that are in memory only."""
        return self._backlog.unsaved

    @property
    def engine(self) -> str:
        """What sends the probes and how exactly it times, in words; empty before that is known."""
        return self._prober.describe()

    @property
    def past_changes(self) -> int:
        """How often results of the past were saved late: what is remembered of it is wrong then."""
        return self._past_changes

    def note_past_change(self) -> None:
        """Results of the past are others than they were."""
        self._past_changes += 1

    def begin(self) -> None:
        """Save every second, or more often where much comes, and roll up after it, not beside it: both would wait."""
        self._scheduler.every(SAVE, FLUSH_EVERY_S, self._flush)
        self._scheduler.every(ROLL_UP, ROLL_UP_AFTER_S, self.roll_up)

    def put_in_force(self, definitions: Definitions, settings: Settings) -> None:
        """Measure this from now on."""
        self._do(self._load(definitions, settings))
        if settings.engine is self._engine:
            self._notices.clear("engine")
        else:
            self._notices.set(
                "engine",
                "The Echo engine of the sheet Settings holds from the next start of the collector on.",
            )

    def start_jobs(self, job_ids: Collection[JobId]) -> None:
        """See `Service.start_jobs`."""
        self._change_stopped(job_ids, lambda stopped: stopped.difference(job_ids))

    def stop_jobs(self, job_ids: Collection[JobId]) -> None:
        """See `Service.stop_jobs`."""
        self._change_stopped(job_ids, lambda stopped: stopped.union(job_ids))

    def run_jobs(self, job_ids: Collection[JobId]) -> None:
        """Make one round of each job; it is waited for, unless it takes long.

        Raises:
            NotFound: a job is not in force: none is run.
            RoundUnderWay: a round of one of them is going on.
        """
        self._check_jobs(job_ids)
        self._do(self._run_now(tuple(dict.fromkeys(job_ids))))

    def test(self, destination_ids: Collection[DestinationId]) -> Sequence[TestResult]:
        """See `Service.test`."""
        return self._do(self.monitoring.test(destination_ids))

    def path_mtu(self, host: str) -> PathMtu:
        """See `Service.path_mtu`."""
        return self._do(path_mtu(self._prober, host_of(self.monitoring.definitions, host)))

    def sweep(self, host: str, sizes: Sequence[int]) -> PayloadSweep:
        """See `Service.sweep`."""
        return self._do(payload_sweep(self._prober, host_of(self.monitoring.definitions, host), sizes))

    def trace(
        self, destination_ids: Collection[DestinationId], *, hosts: Collection[str], rounds: int
    ) -> Sequence[TraceResult]:
        """See `Service.trace`: what was found is saved when this returns."""
        definitions = self.monitoring.definitions
        destinations = [destination_of(definitions, each) for each in dict.fromkeys(destination_ids)]
        others = tuple(dict.fromkeys(host_of(Definitions(), each) for each in hosts))
        found = self._do(self._tracing.trace(destinations, hosts=others, rounds=rounds))
        self._flush()
        return found

    def roll_up(self) -> None:
        """Add some of what was saved up to the rollups."""
        try:
            self._store.roll_up()
        except StoreError as error:
            self._notices.set("rollups", f"Results could not be added up: {error.message}")
        else:
            self._notices.clear("rollups")

    def end(self, within_s: float) -> StoreError | None:
        """End the rounds under way and the scheduler, and save what waits; why it could not be saved."""
        self._scheduler.drain(within_s)
        self._do(self._give_up_late())
        self._do(self._tracing.close())
        self._do(self._prober.close())
        self._scheduler.stop(within_s)
        with self._saving:
            return None if self._backlog.flush(now=True) else self._backlog.error

    def _flush(self) -> None:
        with self._saving:
            late = self._backlog.error is not None
            self._backlog.flush()
            self._past_changes += late and self._backlog.error is None
        if self._backlog.error is None:
            self._notices.clear("save")
        else:
            self._notices.set(
                "save",
                f"{self._backlog.unsaved} results wait in memory, and saving is tried again: "
                f"{self._backlog.error.message}",
            )
        self._scheduler.soon(ROLL_UP)

    def _tell_of_backlog(self) -> None:
        """What a flush that takes long cannot tell itself."""
        backlog = self._backlog
        if (saving_for_s := backlog.saving_for_s) >= SLOW_S:
            self._notices.set(
                "save",
                f"{backlog.unsaved} results wait in memory: the database has been writing for {saving_for_s:.0f} s. "
                "Is its disk busy, or a network drive that is slow?",
            )
        if backlog.dropped_rounds or backlog.dropped_routes:
            self._notices.set(
                "dropped",
                f"{backlog.dropped_rounds} rounds with {backlog.dropped_samples} samples, and "
                f"{backlog.dropped_routes} routes, are not stored: the database did not take them in time, and there "
                "was no more room in memory.",
            )

    def _change_stopped(
        self, job_ids: Collection[JobId], change: Callable[[frozenset[JobId]], frozenset[JobId]]
    ) -> None:
        """Save first: what was promised to hold over restarts must do so."""
        self._check_jobs(job_ids)
        with self._stopping:
            stopped = change(self.monitoring.stopped)
            self._store.save_stopped(stopped)
            self._do(self._set_stopped(stopped))

    def _check_jobs(self, job_ids: Collection[JobId]) -> None:
        for job_id in job_ids:
            job_of(self.monitoring.definitions, job_id)

    def _do(self, coroutine: Coroutine[object, None, Result]) -> Result:
        return self._scheduler.run(coroutine)

    # From here on, all on the scheduler's thread.

    async def _load(self, definitions: Definitions, settings: Settings) -> None:
        await self._prober.limit(settings.packets_per_second)
        self.monitoring.load(definitions, settings)
        self._tracing.load(definitions, settings)
        self._set_jobs()

    def _note_record(self, record: RoundRecord) -> None:
        self._tracing.note(record)
        if self._backlog.has_many:
            self._scheduler.soon(SAVE)
        self._tell_of_backlog()
        self._on_record(record)

    async def _set_stopped(self, stopped: frozenset[JobId]) -> None:
        self.monitoring.set_stopped(stopped)
        self._set_jobs()

    def _set_jobs(self) -> None:
        monitoring = self.monitoring
        jobs = [
            job for job in monitoring.definitions.jobs if job.enabled and job.id not in monitoring.stopped
        ]
        self._scheduler.set_jobs({job.id: job.schedule for job in jobs}, monitoring.tick)

    async def _run_now(self, job_ids: Sequence[JobId]) -> None:
        rounds = {asyncio.ensure_future(self.monitoring.run_once(job_id)) for job_id in job_ids}
        if not rounds:
            return
        done, late = await asyncio.wait(rounds, timeout=ROUND_WITHIN_S)
        for task in late:
            self._late.add(task)  # the loop itself keeps no hold of a task
            task.add_done_callback(self._take_late)
        errors = [error for task in done if (error := task.exception())]
        if errors:
            raise errors[0]

    async def _give_up_late(self) -> None:
        for task in self._late:
            task.cancel()

    def _take_late(self, task: "asyncio.Task[object]") -> None:
        self._late.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and not isinstance(error, ProbeEngineError):
            self._on_error("a round on demand", error)
