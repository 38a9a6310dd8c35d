"""The Trends sheet: hourly and daily figures of all destinations pooled, beside the previous period's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.parts import SheetPart, column_ref
from netstats_xl.domain.results import Period
from netstats_xl.domain.rollups import EMPTY, Summary
from netstats_xl.domain.views import (
    BLUE,
    GREY,
    HEADING,
    HINT,
    ORANGE,
    TITLE,
    VERMILLION,
    Anchor,
    Axis,
    Block,
    ChartKind,
    ChartSpec,
    Color,
    Column,
    Row,
    SeriesSpec,
    SheetSpec,
    TableSpec,
    TextSpec,
)
from netstats_xl.domain.windows import day_edges, from_local, hour_edges
from netstats_xl.ports import ResultStore

SHEET = "Trends"

_Place = tuple[timedelta, int]
"""The time since its period began, and a number for those that share it: the same places stand side by side."""

HOURLY_SPAN = timedelta(days=31)
DAILY_SPAN = timedelta(days=732)

_CHARTS_ROW = 4
_CHART_ROWS = 13
_TABLE_ROW = _CHARTS_ROW + 2 * (_CHART_ROWS + 1) + 2
_CHART_HEIGHT_PX = 20 * _CHART_ROWS
_CHARTS = ((0, 500), (6, 545), (14, 539))
"""The column that each chart begins in, and its width in pixels: side by side, as wide as the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """The two tables' differences."""

    table: str
    unit: str
    """`Hour` or `Day`."""
    number_format: str
    column: int
    """Where its table begins."""
    span: timedelta
    """How much of the period's end it covers at most."""
    edges: Callable[[datetime, datetime, str], Sequence[datetime]]
    kind: ChartKind
    """Of the charts of RTTs."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """This period's five, then the previous one's."""
        return (
            columns.instant(self.unit, number_format=self.number_format, width=16),
            columns.milliseconds("Mean (ms)", note=columns.MEAN_RULE, width=9),
            columns.milliseconds("p95 (ms)", note=columns.P95_RULE, width=9),
            columns.loss("Loss (%)", width=9),
            columns.availability("Avail. (%)", width=10),
            columns.instant(f"{self.unit} before", number_format=self.number_format, width=16),
            columns.milliseconds("Mean before (ms)", note=columns.MEAN_RULE, width=9),
            columns.milliseconds("p95 before (ms)", note=columns.P95_RULE, width=9),
            columns.loss("Loss before (%)", width=9),
            columns.availability("Avail. before (%)", width=10),
        )


_HOURS = _Steps(
    table="Trend_hours",
    unit="Hour",
    number_format=columns.MINUTE_FORMAT,
    column=0,
    span=HOURLY_SPAN,
    edges=hour_edges,
    kind=ChartKind.LINE,
)
_DAYS = _Steps(
    table="Trend_days",
    unit="Day",
    number_format=columns.DATE_FORMAT,
    column=11,
    span=DAILY_SPAN,
    edges=day_edges,
    kind=ChartKind.COLUMN,
)


def trends(store: ResultStore, findings: Findings) -> SheetPart:
    """The sheet."""
    blocks: list[Block] = [
        TextSpec(
            anchor=Anchor(row=0, column=0), text="Trends, this period beside the previous one", style=TITLE
        ),
        TextSpec(anchor=Anchor(row=1, column=0), text=_explanation(findings), style=HINT),
    ]
    rows: dict[str, Sequence[Row]] = {}
    left_out: list[str] = []
    for position, steps in enumerate((_HOURS, _DAYS)):
        charts_row = _CHARTS_ROW + position * (_CHART_ROWS + 1)
        rows[steps.table] = _rows(store, findings, steps)
        blocks += _charts(steps, charts_row, rows[steps.table])
        blocks.append(
            TextSpec(
                anchor=Anchor(row=_TABLE_ROW - 1, column=steps.column),
                text=f"By {steps.unit.lower()}",
                style=HEADING,
            )
        )
        blocks.append(
            TableSpec(
                name=steps.table,
                anchor=Anchor(row=_TABLE_ROW, column=steps.column),
                columns=steps.columns,
                autofilter=False,
            )
        )
        if findings.inputs.period.length > steps.span:
            left_out.append(
                f"{SHEET}: by {steps.unit.lower()}, the last {steps.span.days} days of the period are shown."
            )
    if left_out:
        blocks.append(TextSpec(anchor=Anchor(row=2, column=0), text=" ".join(left_out), style=HINT))
    return SheetPart(
        spec=SheetSpec(
            name=SHEET,
            blocks=tuple(blocks),
            freeze=Anchor(row=3, column=0),
            column_widths={10: 3},
            repeat_rows=(_TABLE_ROW, _TABLE_ROW),
            gridlines=False,
        ),
        rows=rows,
        left_out=tuple(left_out),
    )


def _explanation(findings: Findings) -> str:
    inputs = findings.inputs
    days = _whole_days(findings)
    previous = _previous(findings, days)
    beside = (
        "its first hour or day stands beside this period's first, and so on. "
        "The first and the last may be cut by the period."
        if days is None
        else f"beside each hour or day stands the same one of the local clock, {days} day{'s'[: days > 1]} before."
    )
    return (
        "All destinations of the report pooled. "
        f"Previous: {findings.local(previous.start):%Y-%m-%d %H:%M} to "
        f"{findings.local(previous.end):%Y-%m-%d %H:%M} ({inputs.settings.zone}); "
        f"{beside}"
    )


def _whole_days(findings: Findings) -> int | None:
    """How many local days the period is, where it begins and ends with one; on some the clock changes."""
    start, end = (
        datetime.combine(findings.local_time(at).date(), time())
        for at in (findings.inputs.period.start, findings.inputs.period.end)
    )
    zone = findings.inputs.settings.zone
    if Period(start=from_local(start, zone), end=from_local(end, zone)) != findings.inputs.period:
        return None
    return (end - start).days


def _previous(findings: Findings, days: int | None) -> Period:
    """As many local days before the period where it is whole days; else as long a time."""
    period = findings.inputs.period
    if days is None:
        return period.previous()
    return Period(start=_days_before(findings, period.start, days), end=period.start)


def _days_before(findings: Findings, at: datetime, days: int) -> datetime:
    """The midnight so many local days before the day that begins at this instant."""
    midnight = datetime.combine(findings.local_time(at).date(), time())
    return from_local(midnight - timedelta(days=days), findings.inputs.settings.zone)


def _rows(store: ResultStore, findings: Findings, steps: _Steps) -> tuple[Row, ...]:
    days = _whole_days(findings)

    def figures(period: Period) -> dict[_Place, Row]:
        end, span = period.end, steps.span
        start = end - span if days is None else _days_before(findings, end, span.days)
        shown = Period(start=max(period.start, start), end=end)
        edges = steps.edges(shown.start, shown.end, findings.inputs.settings.zone)
        rows = _figures(store, findings, shown, edges)
        return dict(zip(_places(findings, steps, edges, period, days), rows, strict=True))

    now, before = figures(findings.inputs.period), figures(_previous(findings, days))
    blank: Row = (None,) * (len(steps.columns) // 2)
    return tuple((*now.get(place, blank), *before.get(place, blank)) for place in sorted({**now, **before}))


def _places(
    findings: Findings, steps: _Steps, edges: Sequence[datetime], period: Period, days: int | None
) -> list[_Place]:
    """Where each step stands: by the local clock since the period's first day, or else by its position."""
    if days is None:
        return [(timedelta(), position) for position in range(len(edges))]
    first = datetime.combine(findings.local_time(period.start).date(), time())
    step = timedelta(hours=1) if steps is _HOURS else timedelta(days=1)
    # An hour that the clock repeats comes after itself; one that begins late, for the clock skips, is that hour.
    since = [(findings.local_time(edge) - first) // step * step for edge in edges]
    return [(each, since[:position].count(each)) for position, each in enumerate(since)]


def _figures(store: ResultStore, findings: Findings, period: Period, edges: Sequence[datetime]) -> list[Row]:
    """Time, mean, p95, loss and availability of each step of the period; blank where it has no data."""
    found: dict[datetime | None, Summary] = {
        group.bucket_at: group.summary
        for group in (store.summaries(period, scope=findings.inputs.scope, edges=edges) if edges else ())
    }
    return [
        (
            findings.local(edge),
            (summary := found.get(edge, EMPTY)).rtt_mean_ms,
            summary.p95_ms,
            summary.loss_percent,
            summary.availability_percent,
        )
        for edge in edges
    ]


def _charts(steps: _Steps, row: int, rows: Sequence[Row]) -> tuple[ChartSpec, ...]:
    time, mean, p95, loss, _, _, previous_mean, previous_p95, previous_loss, _ = steps.columns
    times = [each[0] for each in rows]
    axis_format = columns.time_axis_format(times) if steps is _HOURS else "mm-dd"
    half = len(steps.columns) // 2
    compared = any(value is not None for each in rows for value in each[half + 1 :])

    def series(name: str, values: Column, color: Color) -> SeriesSpec:
        return SeriesSpec(
            name=name,
            values=column_ref(steps.table, values),
            categories=column_ref(steps.table, time),
            color=color,
        )

    def chart(
        place: tuple[int, int],
        kind: ChartKind,
        what: str,
        unit: str,
        now: Column,
        before: Column,
        color: Color,
    ) -> ChartSpec:
        return ChartSpec(
            name=f"{what} by {steps.unit.lower()}",
            anchor=Anchor(row=row, column=place[0]),
            width_px=place[1],
            height_px=_CHART_HEIGHT_PX,
            kind=kind,
            title=f"{what} by {steps.unit.lower()}" + ("" if compared else " (no data before)"),
            description=(f"{what} in {unit} of all destinations, this period and the previous one."),
            # A previous period without data would show as nothing but a legend.
            series=(series("This period", now, color), series("Previous period", before, GREY))[
                : 1 + compared
            ],
            category_axis=Axis(number_format=axis_format, label_every=columns.time_label_step(times)),
            value_axis=Axis(title=unit, number_format="General", low=0),
            legend=compared,
            gap_percent=60,
        )

    return (
        chart(_CHARTS[0], steps.kind, "Mean RTT", "ms", mean, previous_mean, BLUE),
        chart(_CHARTS[1], steps.kind, "p95 RTT", "ms", p95, previous_p95, ORANGE),
        chart(_CHARTS[2], ChartKind.COLUMN, "Loss", "%", loss, previous_loss, VERMILLION),
    )
