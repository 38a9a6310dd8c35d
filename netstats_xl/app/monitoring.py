"""Runs the jobs' rounds: when a tick comes due, probe, judge the results, and hand them on to be saved."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from netstats_xl.app.backlog import Backlog, RoundRecord
from netstats_xl.app.finding import destination_of, job_of
from netstats_xl.app.judging import Judging
from netstats_xl.app.progress import Progress
from netstats_xl.app.service import TestResult
from netstats_xl.app.testing import probe_now
from netstats_xl.domain.results import (
    JobRun,
    JobTotals,
    LatestSample,
    MissedReason,
    RoundResult,
    RunCompleted,
    RunFailed,
    RunMissed,
    RunOutcome,
    Sample,
    State,
    StateChanged,
    packets_of,
)
from netstats_xl.domain.states import DestinationStatus, JobStatus
from netstats_xl.domain.targets import Definitions, Destination, DestinationId, Job, JobId, Settings
from netstats_xl.domain.windows import count_ticks, last_tick, next_tick
from netstats_xl.errors import ProbeEngineError, RoundUnderWay
from netstats_xl.ports import Clock, Prober, ProbeTarget

LONGEST_LATENESS = timedelta(seconds=5)
"""A tick that is noticed later than this, or than half the interval, is missed: a round now would be off the grid."""

CLOCK_SET_BACK = timedelta(minutes=1)
"""A wall clock that was set back by less repeats no tick; by more, ticks are made anew from there."""


def _nobody(record: RoundRecord) -> None:
    """Hears of no round."""


class Monitoring:
    """Holds the definitions in force and makes the rounds.

    `load`, `set_stopped`, `tick`, `run_once` and `test` belong to the probing thread. The status methods may be
    called from any thread: what they read is replaced, never changed in place.
    """

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        backlog: Backlog,
        new_id: Callable[[], str],
        *,
        states: Mapping[DestinationId, State],
        latest: Mapping[DestinationId, LatestSample],
        totals: Mapping[JobId, JobTotals],
        on_record: Callable[[RoundRecord], None] = _nobody,
    ) -> None:
        """`states`, `latest` and `totals` are what the store knows from before.

        `on_record` is told of every record, on the probing thread, after the statuses show it; it must be quick.
        """
        self._prober = prober
        self._clock = clock
        self._backlog = backlog
        self._new_id = new_id
        self._on_record = on_record
        self._definitions = Definitions()
        self._settings = Settings()
        self._judging = Judging(states, latest)
        self._totals_before = dict(totals)
        self._progress: dict[JobId, Progress] = {}
        self._stopped: frozenset[JobId] = frozenset()

    @property
    def definitions(self) -> Definitions:
        """The definitions in force."""
        return self._definitions

    @property
    def stopped(self) -> frozenset[JobId]:
        """The jobs that the user stopped."""
        return self._stopped

    def load(self, definitions: Definitions, settings: Settings) -> None:
        """Put definitions in force; a job whose schedule is as it was goes on undisturbed."""
        now = self._clock.now()
        progress: dict[JobId, Progress] = {}
        for job in definitions.jobs:
            before = self._progress.get(job.id)
            if before is None:
                totals = self._totals_before.get(job.id, JobTotals())
                before = Progress(schedule=job.schedule, handled_at=now, totals=totals)
            elif before.schedule != job.schedule:
                before.schedule = job.schedule
                before.handled_at = now
            progress[job.id] = before
        self._definitions, self._settings, self._progress = definitions, settings, progress
        self._judging.forget_tests(definitions)

    def set_stopped(self, job_ids: Collection[JobId]) -> None:
        """Make no rounds of these jobs, and let all others run; ticks of a job that was stopped are not missed."""
        now = self._clock.now()
        for job_id in self._stopped.difference(job_ids):
            if progress := self._progress.get(job_id):
                progress.handled_at = now
        self._stopped = frozenset(job_ids)

    async def tick(self, job_id: JobId) -> None:
        """Deal with the ticks of a job that have come due: make the last one's round, count the missed ones.

        Called when a tick is due, or later; called without need it does nothing.
        """
        job = self._definitions.job(job_id)
        progress = self._progress.get(job_id)
        if job is None or progress is None or not job.enabled or job_id in self._stopped:
            return
        now = self._clock.now()
        due_at = last_tick(job.schedule, now)
        if progress.handled_at - now > CLOCK_SET_BACK:
            progress.handled_at = now
        if due_at is None or due_at <= progress.handled_at:
            return
        before, progress.handled_at = progress.handled_at, due_at
        if progress.running:
            self._record_missed(job, progress, after=before, until=due_at, reason=MissedReason.OVERRUN)
            return
        if now - due_at > min(LONGEST_LATENESS, job.schedule.interval / 2):
            self._record_missed(job, progress, after=before, until=due_at, reason=MissedReason.LATE)
            return
        just_before = due_at - timedelta(microseconds=1)
        self._record_missed(job, progress, after=before, until=just_before, reason=MissedReason.LATE)
        progress.running = True
        try:
            await self._make_round(job, progress, due_at, interval=job.schedule.interval)
        finally:
            progress.running = False

    async def run_once(self, job_id: JobId) -> JobRun:
        """Make a round of the job now, also where it is stopped, disabled or outside its windows; how it went.

        It stands for no time: availability is that of the rounds on the job's grid.

        Raises:
            NotFound: no job of this ID is in force.
            RoundUnderWay: a round of the job is going on.
        """
        job, progress = job_of(self._definitions, job_id), self._progress[job_id]
        if progress.running or progress.run_once:
            raise RoundUnderWay(f"A round of the job {job.name} is going on: try again when it has ended.")
        progress.run_once = True
        try:
            return await self._make_round(job, progress, self._clock.now(), interval=timedelta(0))
        finally:
            progress.run_once = False

    async def test(self, destination_ids: Collection[DestinationId]) -> Sequence[TestResult]:
        """Probe these destinations now, in the order given; their rows tell the result until their next round.

        Raises:
            NotFound: one of them is not in force.
            ProbeEngineError: no probe can be sent.
        """
        wanted = [destination_of(self._definitions, each) for each in dict.fromkeys(destination_ids)]
        results = await probe_now(self._prober, self._clock, self._definitions, wanted)
        self._judging.take_tests(results)
        return results

    async def _make_round(
        self, job: Job, progress: Progress, tick_at: datetime, *, interval: timedelta
    ) -> JobRun:
        run_id = self._new_id()
        started_at = self._clock.now()
        destinations = job.select(self._definitions.destinations)
        targets = [ProbeTarget(destination_id=each.id, host=each.host) for each in destinations]
        try:
            results = await self._prober.probe(targets, job.echo)
            samples, events = self._judge(job, destinations, results, run_id, tick_at, interval)
        except ProbeEngineError as error:
            return self._fail(job, progress, run_id, tick_at, started_at, error.message)
        except Exception as error:
            # The edge of a job: what nobody foresaw is recorded as this job's failure, then reported above.
            self._fail(job, progress, run_id, tick_at, started_at, f"internal error: {error!r}")
            raise
        up = sum(packets_of(result.outcome)[1] > 0 for result in results)
        outcome = RunCompleted(up=up, down=len(results) - up)
        run = self._run(run_id, job, tick_at, started_at, outcome)
        return self._finish(progress, RoundRecord(run=run, samples=samples, events=events))

    def _fail(
        self,
        job: Job,
        progress: Progress,
        run_id: str,
        tick_at: datetime,
        started_at: datetime,
        message: str,
    ) -> JobRun:
        run = self._run(run_id, job, tick_at, started_at, RunFailed(error=message))
        return self._finish(progress, RoundRecord(run=run))

    def _judge(
        self,
        job: Job,
        destinations: tuple[Destination, ...],
        results: Sequence[RoundResult],
        run_id: str,
        tick_at: datetime,
        interval: timedelta,
    ) -> tuple[list[Sample], list[StateChanged]]:
        samples: list[Sample] = []
        events: list[StateChanged] = []
        for destination, result in zip(destinations, results, strict=True):
            sample = Sample(
                at=tick_at,
                job_id=job.id,
                destination_id=destination.id,
                run_id=run_id,
                interval_s=interval.total_seconds(),
                outcome=result.outcome,
                strays=result.strays,
            )
            samples.append(sample)
            event = self._judging.take(destination, sample, self._settings)
            if event is not None:
                events.append(event)
        return samples, events

    def _record_missed(
        self, job: Job, progress: Progress, *, after: datetime, until: datetime, reason: MissedReason
    ) -> None:
        """Record the ticks in (after, until], if there are any."""
        ticks = count_ticks(job.schedule, after, until)
        first, last = next_tick(job.schedule, after), last_tick(job.schedule, until)
        if ticks == 0 or first is None or last is None:
            return
        now = self._clock.now()
        outcome = RunMissed(ticks=ticks, reason=reason, last_tick_at=last)
        self._finish(progress, RoundRecord(run=self._run(self._new_id(), job, first, now, outcome)))

    def _run(
        self, run_id: str, job: Job, tick_at: datetime, started_at: datetime, outcome: RunOutcome
    ) -> JobRun:
        return JobRun(
            run_id=run_id,
            job_id=job.id,
            tick_at=tick_at,
            started_at=started_at,
            finished_at=self._clock.now(),
            outcome=outcome,
        )

    def _finish(self, progress: Progress, record: RoundRecord) -> JobRun:
        progress.take(record.run)
        self._backlog.add(record)
        self._on_record(record)
        return record.run

    def destination_status(self) -> dict[DestinationId, DestinationStatus]:
        """The status of every destination in force."""
        return self._judging.statuses(self._definitions.destinations, self._settings)

    def job_status(self, *, running: bool) -> dict[JobId, JobStatus]:
        """The status of every job in force; `running`: whether ticks are being dealt with at all."""
        now = self._clock.now()
        progress, stopped = self._progress, self._stopped
        return {
            job.id: progress[job.id].status(job, now, running=running, stopped=job.id in stopped)
            for job in self._definitions.jobs
            if job.id in progress
        }
