"""What fills the Details sheet of a live workbook: one destination, one job, or the pair that is worst off."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from netstats_xl.app.views.details import histogram_rows, worst_first
from netstats_xl.app.views.details_charts import loss_axis_high
from netstats_xl.app.views.findings import Findings, Pair
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import Filling, title_cells
from netstats_xl.app.views.selected_sheet import (
    COMPARED,
    COMPARISON,
    HEADING_CELL,
    HISTOGRAM,
    HISTOGRAM_TITLE,
    LINE_TITLE,
    LOSS_TITLE,
    PAIRS,
    PAIRS_CELL,
    POINTS,
    RTT_TITLE,
    SERIES,
    STATISTICS,
)
from netstats_xl.app.views.statistics import statistics_rows
from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.rollups import EMPTY, Summary
from netstats_xl.domain.steps import BY_MINUTES, steps_for
from netstats_xl.domain.targets import Destination, Job, Metric
from netstats_xl.domain.views import Row
from netstats_xl.sheets import Selection, chosen

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_LABELS_WITHOUT_DATE_H = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What the sheet is about."""

    name: str
    """For headings and titles."""
    scope: Scope
    pairs: Sequence[Pair]
    """Worst first."""
    compared: str
    """What the columns of the comparison are, for a title."""
    comparison: Sequence[tuple[str, Pair]]
    """Each with its label, worst first."""


def selected(store: Measurements, findings: Findings, selection: Selection) -> Filling:
    """Everything that the sheet shows."""
    subject = _subject(findings, selection)
    if subject is None:
        nothing = "Nothing to show: no enabled job has an enabled destination, and nothing was measured."
        subject = _Subject(
            name="Nothing", scope=Scope(job_ids=frozenset()), pairs=(), compared="nothing", comparison=()
        )
        return _filling(store, findings, selection, subject, nothing)
    return _filling(store, findings, selection, subject, f"{subject.name}, the last {selection.period}")


def _filling(
    store: Measurements, findings: Findings, selection: Selection, subject: _Subject, heading: str
) -> Filling:
    period = findings.inputs.period
    summary = _summary(store, findings, subject)
    titles = {
        LINE_TITLE: (
            f"RTT and loss over time – {subject.name}"
            if summary.received
            else f"{subject.name}: no reply in this period"
        ),
        HISTOGRAM_TITLE: "RTT histogram" if summary.received else "No replies",
        RTT_TITLE: f"RTT (ms): {subject.compared}",
        LOSS_TITLE: f"Loss (%): {subject.compared}",
    }
    return Filling(
        rows={
            STATISTICS: _statistics(store, findings, subject, summary),
            SERIES: _series(store, findings, selection, subject),
            HISTOGRAM: histogram_rows(store, period, subject.scope, summary),
            COMPARISON: _comparison(findings, subject),
            PAIRS: _pairs(findings, subject),
        },
        cells={
            HEADING_CELL: heading,
            PAIRS_CELL: _counted(
                len(subject.pairs), "pair of job and destination", "pairs of job and destination"
            ),
            **title_cells(titles),
        },
    )


def _subject(findings: Findings, selection: Selection) -> _Subject | None:
    pairs = worst_first(findings)
    thing = chosen(selection.details_of, findings.inputs.definitions) if selection.details_of else None
    match thing:
        case Destination():
            own = [pair for pair in pairs if pair[1] == thing.id]
            return _Subject(
                name=f"{thing.name} ({thing.host})" if thing.host != thing.name else thing.name,
                scope=Scope(destination_ids=frozenset({thing.id})),
                pairs=own,
                compared=f"{thing.name}, by job",
                comparison=[(findings.job_label(pair[0]), pair) for pair in own[:COMPARED]],
            )
        case Job():
            return _of_job(findings, pairs, thing.id, f"{thing.name}, all destinations")
        case None if not pairs:
            return None
        case _:
            job_id, destination_id = worst = pairs[0]
            name = f"{findings.job_label(job_id)}: {findings.destination_label(destination_id)}"
            whole_job = _of_job(findings, pairs, job_id, name)
            return _Subject(
                name=f"{name} (the worst)",
                scope=Scope(job_ids=frozenset({job_id}), destination_ids=frozenset({destination_id})),
                pairs=[worst],
                compared=whole_job.compared,
                comparison=whole_job.comparison,
            )


def _of_job(findings: Findings, pairs: Sequence[Pair], job_id: str, name: str) -> _Subject:
    own = [pair for pair in pairs if pair[0] == job_id]
    what = f"destinations of {findings.job_label(job_id)}"
    return _Subject(
        name=name,
        scope=Scope(job_ids=frozenset({job_id})),
        pairs=own,
        compared=what if len(own) <= COMPARED else f"the worst {COMPARED} of {len(own)} {what}",
        comparison=[(findings.destination_label(pair[1]), pair) for pair in own[:COMPARED]],
    )


def _summary(store: Measurements, findings: Findings, subject: _Subject) -> Summary:
    """Of all pairs pooled; percentiles cannot be merged, so several pairs need a question."""
    with_data = [pair for pair in subject.pairs if pair in findings.pairs]
    if len(with_data) < 2:
        return findings.pairs[with_data[0]] if with_data else EMPTY
    if subject.scope.job_ids is None:
        return findings.whole[with_data[0][1]]
    groups = store.summaries(findings.inputs.period, scope=subject.scope)
    return next((group.summary for group in groups), EMPTY)


def _statistics(
    store: Measurements, findings: Findings, subject: _Subject, summary: Summary
) -> tuple[Row, ...]:
    """Every figure, always in the same row; blank where the jobs do not ask for it."""
    jobs = _jobs(findings, subject)
    wanted = {metric for job in jobs for metric in job.metrics} or set(Metric)
    jitter = None
    if len(subject.pairs) == 1 and Metric.JITTER_RFC3550 in wanted:
        jitter = store.jitter_rfc3550(findings.inputs.period, scope=subject.scope).get(subject.pairs[0])
    shown = {row[0] for row in statistics_rows(summary, jitter_rfc3550_ms=jitter, metrics=wanted)}
    return tuple(
        (figure, value if figure in shown else None, unit)
        for figure, value, unit in statistics_rows(summary, jitter_rfc3550_ms=jitter, metrics=None)
    )


def _series(
    store: Measurements, findings: Findings, selection: Selection, subject: _Subject
) -> tuple[Row, ...]:
    """Mean and max RTT and loss at each of `POINTS` equal steps up to now; blank where there is nothing.

    Where a job's interval is longer than a step, a round's figures hold for as many steps, so that the line shows; and
    so do an hour's and a day's in a long period.
    """
    end = findings.inputs.period.end
    step = timedelta(hours=selection.period_h) / POINTS
    interval = min((job.schedule.interval for job in _jobs(findings, subject)), default=step)
    times = [_floor(end, step) - number * step for number in reversed(range(POINTS))]
    edges = _edges(times[0], end, step, interval, findings.inputs.settings.zone)
    groups = (
        store.summaries(Period(start=edges[0], end=end), scope=subject.scope, edges=edges, percentiles=False)
        if subject.pairs
        else ()
    )
    found = {group.bucket_at: group.summary for group in groups}
    form = "%H:%M" if selection.period_h <= _LABELS_WITHOUT_DATE_H else "%m-%d %H:%M"
    steps = [
        found.get(edges[bisect_right(edges, time) - 1], EMPTY) if time < end else EMPTY for time in times
    ]
    # Programs round the end of an axis up.
    axis_end = 0.9 * loss_axis_high(step.loss_percent for step in steps)
    return tuple(
        (
            findings.local_time(time).strftime(form),
            step.rtt_mean_ms,
            step.rtt_max_ms,
            step.loss_percent,
            None if number else axis_end,
        )
        for number, (time, step) in enumerate(zip(times, steps, strict=True))
    )


def _floor(at: datetime, step: timedelta) -> datetime:
    """The last multiple of the step, counted from 1970, that is not after the instant."""
    return _EPOCH + (at - _EPOCH) // step * step


def _edges(
    start: datetime, end: datetime, step: timedelta, interval: timedelta, zone: str
) -> Sequence[datetime]:
    """When the steps begin whose figures are asked for: none of them shorter than a point's, or than the interval."""
    coarse = max(1, -(-interval // step)) * step
    whole = coarse < _MINUTE or not coarse % _MINUTE
    if end - start <= BY_MINUTES and whole:
        first = _floor(start, coarse)
        return [first + number * coarse for number in range(max(1, -(-(end - first) // coarse)))]
    return steps_for(start, end, max(1, min(POINTS, (end - start) // coarse)), zone)


def _comparison(findings: Findings, subject: _Subject) -> tuple[Row, ...]:
    rows: list[Row] = []
    for label, pair in subject.comparison:
        summary = findings.pairs.get(pair, EMPTY)
        rows.append((label, summary.rtt_mean_ms, summary.p95_ms, summary.loss_percent))
    return tuple(rows) or (("", None, None, None),)


def _pairs(findings: Findings, subject: _Subject) -> tuple[Row, ...]:
    states = {shown.destination.id: shown.state for shown in findings.destinations}
    rows: list[Row] = []
    for job_id, destination_id in subject.pairs:
        summary = findings.pairs.get((job_id, destination_id), EMPTY)
        rows.append(
            (
                findings.destination_label(destination_id),
                findings.job_label(job_id),
                states.get(destination_id),
                summary.rounds_up + summary.rounds_down,
                summary.rtt_mean_ms,
                summary.p95_ms,
                summary.rtt_max_ms,
                summary.jitter_ms,
                summary.loss_percent,
                summary.availability_percent,
                f"{job_id} {destination_id}",
            )
        )
    return tuple(rows)


def _jobs(findings: Findings, subject: _Subject) -> list[Job]:
    """The jobs that measure it, retired ones too."""
    inputs = findings.inputs
    ids = {job_id for job_id, _ in subject.pairs}
    by_id = {job.id: job for job in (*inputs.retired.jobs, *inputs.definitions.jobs)}
    return [job for job_id, job in by_id.items() if job_id in ids]


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
