"""The Details sheet: statistics, RTT over time and a histogram for each job and destination, worst first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from netstats_xl.app.views.details_charts import (
    BIN,
    LOSS,
    MAX,
    MEAN,
    REPLIES,
    TIME,
    histogram_chart,
    line_chart,
)
from netstats_xl.app.views.findings import Findings, Pair
from netstats_xl.app.views.hourly import HourlyRollup, span_with_data
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import ChartData, SheetPart
from netstats_xl.app.views.statistics import STATISTICS_COLUMNS, STATISTICS_ROWS, statistics_rows
from netstats_xl.domain.results import Period, Scope, State
from netstats_xl.domain.rollups import EMPTY, Summary, histogram_edges
from netstats_xl.domain.steps import steps_for
from netstats_xl.domain.targets import Job
from netstats_xl.domain.views import (
    HEADING,
    HINT,
    TITLE,
    Anchor,
    Block,
    Row,
    SheetSpec,
    TableSpec,
    TextSpec,
)
from netstats_xl.ports import Dimension

SHEET = "Details"
STEPS = 360
"""Points of a chart over time at most: what fits its width."""

_FIRST_BLOCK_ROW = 3
_BLOCK_ROWS = STATISTICS_ROWS + 3
"""A heading, the table with its header, and a blank row."""

_PAGE_BLOCKS = 2
"""Blocks that fit a printed page."""

_WIDTHS = {at: column.width for at, column in enumerate(STATISTICS_COLUMNS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A pair with its figures."""

    pair: Pair
    number: int
    """From 1, in the order shown."""
    summary: Summary
    job: Job | None

    @property
    def suffix(self) -> str:
        return f"{self.number:03d}"


def details(store: Measurements, findings: Findings, rollup: HourlyRollup, feeds: ChartData) -> SheetPart:
    """The sheet; what its charts read is added to `feeds`."""
    inputs = findings.inputs
    pairs = worst_first(findings)
    limit = inputs.settings.details_limit
    jobs = {job.id: job for job in (*inputs.retired.jobs, *inputs.definitions.jobs)}
    shown = [
        _Shown(pair=pair, number=number, summary=findings.pairs.get(pair, EMPTY), job=jobs.get(pair[0]))
        for number, pair in enumerate(pairs[:limit], start=1)
    ]
    rfc3550 = store.jitter_rfc3550(inputs.period, scope=_scope_of(pairs[:limit])) if shown else {}
    series = _series(store, findings, rollup, shown)
    blocks: list[Block] = []
    rows: dict[str, Sequence[Row]] = {}
    for each in shown:
        rows[f"Stats_{each.suffix}"] = statistics_rows(
            each.summary,
            jitter_rfc3550_ms=rfc3550.get(each.pair),
            metrics=None if each.job is None else each.job.metrics,
        )
        feeds.add(f"Series_{each.suffix}", (TIME, MEAN, MAX, LOSS), series[each.pair])
        feeds.add(f"Histogram_{each.suffix}", (BIN, REPLIES), _histogram(store, inputs.period, each))
        blocks += _block(findings, each, series[each.pair])
    stated, left_out = _limit_stated(len(pairs), limit)
    return SheetPart(
        spec=SheetSpec(
            name=SHEET,
            blocks=(
                TextSpec(anchor=Anchor(row=0, column=0), text="Details by job and destination", style=TITLE),
                TextSpec(anchor=Anchor(row=1, column=0), text=stated, style=HINT),
                *blocks,
            ),
            freeze=Anchor(row=2, column=0),
            repeat_rows=(0, _FIRST_BLOCK_ROW - 1),
            page_starts=tuple(
                _FIRST_BLOCK_ROW + number * _BLOCK_ROWS
                for number in range(_PAGE_BLOCKS, len(shown), _PAGE_BLOCKS)
            ),
            column_widths={**_WIDTHS, 3: 2},
            gridlines=False,
        ),
        rows=rows,
        left_out=left_out,
    )


def _limit_stated(pairs: int, limit: int) -> tuple[str, tuple[str, ...]]:
    if not pairs:
        return "No data in this period, and no enabled job has an enabled destination.", ()
    order = "Worst first: down, degraded, then by loss, then by p95."
    if pairs <= limit:
        shown = "the only pair" if pairs == 1 else f"all {pairs} pairs"
        return f"Showing {shown} of job and destination. {order}", ()
    more = pairs - limit
    stated = (
        f"Showing {limit} of {pairs} pairs of job and destination; {more} {'is' if more == 1 else 'are'} left out "
        "(the setting 'Details shown' is the limit)."
    )
    return f"{stated} {order}", (f"{SHEET}: {stated}",)


def worst_first(findings: Findings) -> list[Pair]:
    """Pairs with data, and pairs that an enabled job selects now; those without data last."""
    inputs = findings.inputs
    pairs = set(findings.pairs)
    for job in inputs.definitions.jobs:
        if job.enabled:
            pairs.update(
                (job.id, destination.id)
                for destination in job.select(inputs.definitions.destinations)
                if inputs.scope.includes(job_id=job.id, destination_id=destination.id)
            )
    severity = {State.DOWN: 0, State.DEGRADED: 1}
    states = {shown.destination.id: shown.state for shown in findings.destinations}

    def badness(pair: Pair) -> tuple[bool, int, float, float, str, str]:
        summary = findings.pairs.get(pair, EMPTY)
        job_id, destination_id = pair
        state = states.get(destination_id, State.UNKNOWN)
        return (
            pair not in findings.pairs,
            next((rank for bad, rank in severity.items() if bad == state), len(severity)),
            -(summary.loss_percent or 0.0),
            -(summary.p95_ms or 0.0),
            findings.job_label(job_id).casefold(),
            findings.destination_label(destination_id).casefold(),
        )

    return sorted(pairs, key=badness)


def _series(
    store: Measurements, findings: Findings, rollup: HourlyRollup, shown: Sequence[_Shown]
) -> dict[Pair, tuple[Row, ...]]:
    """Each pair's mean and max RTT and loss by time step, on one time axis from the first sample to the last.

    A step is no shorter than the job's interval, so that every step can have data; steps without any are
    there and blank, so that the time axis is true.
    """
    span = span_with_data(findings, rollup)
    if span is None:
        return {each.pair: () for each in shown}
    zone = findings.inputs.settings.zone
    by_edges: dict[tuple[datetime, ...], list[Pair]] = {}
    for each in shown:
        interval = timedelta(seconds=1) if each.job is None else each.job.schedule.interval
        by_edges.setdefault(_steps(span, interval, zone), []).append(each.pair)
    series: dict[Pair, tuple[Row, ...]] = {}
    for edges, pairs in by_edges.items():
        found: dict[tuple[Pair, datetime], Summary] = {}
        both = (Dimension.JOB, Dimension.DESTINATION)
        groups = store.summaries(span, scope=_scope_of(pairs), by=both, edges=edges, percentiles=False)
        for group in groups:
            if group.job_id is not None and group.destination_id is not None and group.bucket_at is not None:
                found[(group.job_id, group.destination_id), group.bucket_at] = group.summary
        times = [findings.local_time(edge) for edge in edges]
        for pair in pairs:
            steps_of_pair = [found.get((pair, edge), EMPTY) for edge in edges]
            series[pair] = tuple(
                (time, step.rtt_mean_ms, step.rtt_max_ms, step.loss_percent)
                for time, step in zip(times, steps_of_pair, strict=True)
            )
    return series


def _steps(span: Period, interval: timedelta, zone: str) -> tuple[datetime, ...]:
    """The starts of at most `STEPS` steps, none of them shorter than the interval."""
    ticks = max(1, -(-span.length // interval))
    edges = steps_for(span.start, span.start + ticks * interval, min(STEPS, ticks), zone)
    return tuple(edge for edge in edges if edge < span.end)


def _scope_of(pairs: Sequence[Pair]) -> Scope:
    return Scope(
        job_ids=frozenset(job_id for job_id, _ in pairs),
        destination_ids=frozenset(destination_id for _, destination_id in pairs),
    )


def _histogram(store: Measurements, period: Period, shown: _Shown) -> tuple[Row, ...]:
    return histogram_rows(store, period, _scope_of([shown.pair]), shown.summary)


def histogram_rows(store: Measurements, period: Period, scope: Scope, summary: Summary) -> tuple[Row, ...]:
    """How many RTTs fall into each bin; what is above the 99th percentile's bin is in a last, open one."""
    low_ms, high_ms = summary.rtt_min_ms, summary.rtt_max_ms
    if low_ms is None or high_ms is None:
        return (("", None),)
    edges = histogram_edges(low_ms, summary.p99_ms or high_ms)
    labels = [f"{low:g}" for low in edges[:-1]]
    if high_ms >= edges[-1]:
        labels.append(f"≥{edges[-1]:g}")
        edges = (*edges, high_ms + 1)
    counts = store.histogram(period, edges, scope=scope)
    return tuple(zip(labels, counts, strict=True))


def _block(findings: Findings, shown: _Shown, series: Sequence[Row]) -> tuple[Block, ...]:
    job_id, destination_id = shown.pair
    name = f"{findings.job_label(job_id)}: {findings.destination_label(destination_id)}"
    row = _FIRST_BLOCK_ROW + (shown.number - 1) * _BLOCK_ROWS
    note = "" if shown.summary != EMPTY else "   (no data in this period)"
    return (
        TextSpec(anchor=Anchor(row=row, column=0), text=f"{name}{note}", style=HEADING),
        TableSpec(
            name=f"Stats_{shown.suffix}",
            anchor=Anchor(row=row + 1, column=0),
            columns=STATISTICS_COLUMNS,
            autofilter=False,
        ),
        line_chart(name, suffix=shown.suffix, row=row + 1, series=series),
        histogram_chart(name, suffix=shown.suffix, row=row + 1, replies=shown.summary.received > 0),
    )
