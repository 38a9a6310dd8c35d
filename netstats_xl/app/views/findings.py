"""Asks the store everything that more than one sheet shows, in few queries, however many destinations there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from netstats_xl.app.views.columns import DISABLED, RETIRED
from netstats_xl.app.views.inputs import ReportInputs
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.domain.results import (
    JobRun,
    JobTotals,
    LatestSample,
    Period,
    RunFailed,
    RunMissed,
    Scope,
    State,
    StoreInfo,
)
from netstats_xl.domain.rollups import EMPTY, Summary
from netstats_xl.domain.states import DestinationStatus, JobState, JobStatus, Tracker, status_of
from netstats_xl.domain.targets import Destination, DestinationId, Job, JobId, Thresholds
from netstats_xl.domain.windows import to_local
from netstats_xl.ports import Dimension

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Pair = tuple[JobId, DestinationId]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDestination:
    """A destination that the report is about."""

    destination: Destination
    label: str
    """Its name; a retired one is marked."""
    state: str
    """A `State`, or why it has none."""
    status: DestinationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the store knows of the report's period and scope."""

    inputs: ReportInputs
    info: StoreInfo
    overall: Summary
    """All samples of the period, pooled."""
    last_hour: Mapping[DestinationId, Summary]
    """The 1 h that ends with the period."""
    last_day: Mapping[DestinationId, Summary]
    """The 24 h that end with the period."""
    whole: Mapping[DestinationId, Summary]
    """The whole period."""
    pairs: Mapping[Pair, Summary]
    """The whole period by job and destination."""
    destinations: Sequence[ShownDestination]
    """The active ones in scope in the user's order, then retired ones with data."""
    job_totals: Mapping[JobId, JobTotals]
    destination_labels: Mapping[DestinationId, str]
    job_labels: Mapping[JobId, str]

    @property
    def day(self) -> Period:
        """The 24 h that end with the report's period."""
        return trailing(self.inputs.period, DAY)

    def local(self, at: datetime | None) -> datetime | None:
        """The instant, if there is one, as a naive time in the report's zone, as a workbook holds it."""
        return None if at is None else self.local_time(at)

    def local_time(self, at: datetime) -> datetime:
        """The instant as a naive time in the report's zone."""
        return to_local(at, self.inputs.settings.zone)

    def destination_label(self, destination_id: DestinationId) -> str:
        """The destination's name; one that nothing is known of is shown by its ID."""
        return self.destination_labels.get(destination_id) or f"(unknown destination {destination_id})"

    def job_label(self, job_id: JobId) -> str:
        """The job's name; one that nothing is known of is shown by its ID."""
        return self.job_labels.get(job_id) or f"(unknown job {job_id})"

    def job_status(self, job: Job) -> JobStatus:
        """The job's status, from its totals where the caller knows none."""
        given = self.inputs.job_status.get(job.id)
        if given is not None:
            return given
        totals = self.job_totals.get(job.id, JobTotals())
        return JobStatus(
            job_id=job.id,
            state=JobState.STOPPED if job.enabled else JobState.DISABLED,
            last_run_at=totals.last_run_at,
            rounds_done=totals.rounds_done,
            ticks_missed=totals.ticks_missed,
            last_error=totals.last_error,
        )


def trailing(period: Period, length: timedelta) -> Period:
    """The period of this length that ends with `period`."""
    return Period(start=period.end - length, end=period.end)


def gather(store: Measurements, inputs: ReportInputs) -> Findings:
    """Ask the store.

    Raises:
        StoreError: the store cannot answer.
    """
    period, scope = inputs.period, inputs.scope
    day = trailing(period, DAY)

    def by_destination(asked: Period) -> dict[DestinationId, Summary]:
        groups = store.summaries(asked, scope=scope, by=(Dimension.DESTINATION,))
        return {group.destination_id: group.summary for group in groups if group.destination_id is not None}

    pairs = {
        (group.job_id, group.destination_id): group.summary
        for group in store.summaries(period, scope=scope, by=(Dimension.JOB, Dimension.DESTINATION))
        if group.job_id is not None and group.destination_id is not None
    }
    whole = _by_destination(store, inputs, pairs)
    last_day = whole if day == period else by_destination(day)
    overall = next((group.summary for group in store.summaries(period, scope=scope)), EMPTY)
    return Findings(
        inputs=inputs,
        info=store.info(),
        overall=overall,
        last_hour=by_destination(trailing(period, HOUR)),
        last_day=last_day,
        whole=whole,
        pairs=pairs,
        destinations=_shown_destinations(store, inputs, {**last_day, **whole}),
        job_totals=_job_totals(store, inputs),
        destination_labels=_labels(inputs.definitions.destinations, inputs.retired.destinations),
        job_labels=_labels(inputs.definitions.jobs, inputs.retired.jobs),
    )


def _job_totals(store: Measurements, inputs: ReportInputs) -> dict[JobId, JobTotals]:
    """Each job's totals; its last run, unless the caller knows the job's status, is the last of the period."""
    period = inputs.period
    totals = dict(store.job_totals())
    for job_id, known in totals.items():
        if job_id in inputs.job_status or known.last_run_at is None:
            continue
        if known.last_run_at < period.start:
            totals[job_id] = replace(known, last_run_at=None)
        elif known.last_run_at >= period.end:
            run = _last_run(store, period, job_id)
            totals[job_id] = replace(
                known,
                last_run_at=run.tick_at if run else None,
                last_error=run.outcome.error if run and isinstance(run.outcome, RunFailed) else "",
            )
    return totals


def _last_run(store: Measurements, period: Period, job_id: JobId) -> JobRun | None:
    """The job's last run in the period that was not missed."""
    scope = Scope(job_ids=frozenset({job_id}))
    limit = 1
    while True:
        found = store.runs(period, scope=scope, limit=limit)
        for run in reversed(found):
            if not isinstance(run.outcome, RunMissed):
                return run
        if len(found) < limit:
            return None
        # Rows of missed ticks seldom follow each other: asking for all runs would be a waste.
        limit *= 10


def _by_destination(
    store: Measurements, inputs: ReportInputs, pairs: Mapping[Pair, Summary]
) -> dict[DestinationId, Summary]:
    """The whole period by destination: the pair's summary, and a query for those that several jobs measure.

    Percentiles cannot be merged, and a query over the whole period is what takes a report's time.
    """
    jobs = Counter(destination_id for _, destination_id in pairs)
    whole = {destination_id: summary for (_, destination_id), summary in pairs.items()}
    several = frozenset(destination_id for destination_id, number in jobs.items() if number > 1)
    if several:
        scope = Scope(job_ids=inputs.scope.job_ids, destination_ids=several)
        for group in store.summaries(inputs.period, scope=scope, by=(Dimension.DESTINATION,)):
            if group.destination_id is not None:
                whole[group.destination_id] = group.summary
    return whole


def _labels(active: Sequence[Destination | Job], retired: Sequence[Destination | Job]) -> dict[str, str]:
    labels = {thing.id: f"{thing.name} (retired)" for thing in retired}
    return labels | {thing.id: thing.name for thing in active}


def _shown_destinations(
    store: Measurements, inputs: ReportInputs, measured: Mapping[DestinationId, Summary]
) -> tuple[ShownDestination, ...]:
    active = _in_scope(inputs, measured)
    active_ids = {destination.id for destination in inputs.definitions.destinations}
    retired = [
        each for each in inputs.retired.destinations if each.id in measured and each.id not in active_ids
    ]
    statuses = _statuses(store, inputs, [*active, *retired])
    shown = [
        ShownDestination(
            destination=destination,
            label=destination.name,
            state=statuses[destination.id].state if destination.enabled else DISABLED,
            status=statuses[destination.id],
        )
        for destination in active
    ]
    shown += [
        ShownDestination(
            destination=destination,
            label=f"{destination.name} (retired)",
            state=RETIRED,
            status=statuses[destination.id],
        )
        for destination in retired
    ]
    return tuple(shown)


def _in_scope(inputs: ReportInputs, measured: Mapping[DestinationId, Summary]) -> list[Destination]:
    scope, definitions = inputs.scope, inputs.definitions
    wanted = [
        destination
        for destination in definitions.destinations
        if scope.destination_ids is None or destination.id in scope.destination_ids
    ]
    if scope.job_ids is None:
        return wanted
    selected = {
        destination.id
        for job in definitions.jobs
        if job.id in scope.job_ids
        for destination in job.select(wanted)
    }
    return [destination for destination in wanted if destination.id in selected or destination.id in measured]


def _statuses(
    store: Measurements, inputs: ReportInputs, destinations: Sequence[Destination]
) -> dict[DestinationId, DestinationStatus]:
    """Each destination's status at the period's end: the caller's, or else what samples and events tell."""
    known = inputs.destination_status
    if all(destination.id in known for destination in destinations):
        return {destination.id: known[destination.id] for destination in destinations}
    period = inputs.period
    latest = store.latest(Period(start=min(period.start, period.end - DAY), end=period.end))
    states = dict(store.states())
    later = Period(start=period.end, end=max(period.end, inputs.generated_at))
    for event in reversed(store.events(later, scope=Scope(destination_ids=inputs.scope.destination_ids))):
        states[event.destination_id] = event.before
    return {
        destination.id: known.get(destination.id)
        or _derived_status(
            destination,
            latest.get(destination.id),
            states.get(destination.id, State.UNKNOWN),
            destination.thresholds.or_else(inputs.settings.thresholds),
        )
        for destination in destinations
    }


def _derived_status(
    destination: Destination, latest: LatestSample | None, state: State, thresholds: Thresholds
) -> DestinationStatus:
    # Without a round in the period nothing is known of its end, whatever was before.
    tracker = Tracker(state=State.UNKNOWN if latest is None else state)
    return status_of(
        destination.id, tracker=tracker, latest=latest, thresholds=thresholds, host=destination.host
    )
