"""How the Trends sheet looks, in a report and in a live workbook."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from netstats_xl.app.views import columns
from netstats_xl.app.views.parts import column_ref
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
    CellSpec,
    ChartKind,
    ChartSpec,
    Color,
    Column,
    SeriesSpec,
    SheetSpec,
    TableSpec,
    TextSpec,
)
from netstats_xl.domain.windows import day_edges, hour_edges

SHEET = "Trends"

HOURLY_SPAN = timedelta(days=31)
DAILY_SPAN = timedelta(days=732)

_CHARTS_ROW = 4
_CHART_ROWS = 13
_TABLE_ROW = _CHARTS_ROW + 2 * (_CHART_ROWS + 1) + 2
_CHART_HEIGHT_PX = 20 * _CHART_ROWS
_CHARTS = ((0, 500), (6, 545), (14, 539))
"""The column that each chart begins in, and its width in pixels: side by side, as wide as the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
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


HOURS = Steps(
    table="Trend_hours",
    unit="Hour",
    number_format=columns.MINUTE_FORMAT,
    column=0,
    span=HOURLY_SPAN,
    edges=hour_edges,
    kind=ChartKind.LINE,
)
DAYS = Steps(
    table="Trend_days",
    unit="Day",
    number_format=columns.DATE_FORMAT,
    column=11,
    span=DAILY_SPAN,
    edges=day_edges,
    kind=ChartKind.COLUMN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendsLook:
    """What differs from one Trends sheet to the next."""

    texts: Sequence[str | CellSpec]
    """What stands below the title, a line each: a text, or a cell of the view's."""
    axes: dict[str, Axis] = field(default_factory=dict)
    """Of the times, by table."""
    compared: frozenset[str] = frozenset((HOURS.table, DAYS.table))
    """The tables in which the previous period has data: else it would show as nothing but a legend."""
    room: int = 0
    """Rows that each table may grow into."""


def trends_sheet(look: TrendsLook) -> SheetSpec:
    """The sheet."""
    blocks: list[Block] = [
        TextSpec(
            anchor=Anchor(row=0, column=0), text="Trends, this period beside the previous one", style=TITLE
        ),
    ]
    for row, text in enumerate(look.texts, start=1):
        anchor = Anchor(row=row, column=0)
        blocks.append(
            TextSpec(anchor=anchor, text=text, style=HINT)
            if isinstance(text, str)
            else replace(text, anchor=anchor, style=HINT)
        )
    for position, steps in enumerate((HOURS, DAYS)):
        charts_row = _CHARTS_ROW + position * (_CHART_ROWS + 1)
        blocks += _charts(steps, charts_row, look.axes[steps.table], compared=steps.table in look.compared)
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
                room=look.room,
            )
        )
    return SheetSpec(
        name=SHEET,
        blocks=tuple(blocks),
        freeze=Anchor(row=3, column=0),
        column_widths={10: 3},
        repeat_rows=(_TABLE_ROW, _TABLE_ROW),
        gridlines=False,
    )


def _charts(steps: Steps, row: int, axis: Axis, *, compared: bool) -> tuple[ChartSpec, ...]:
    time, mean, p95, loss, _, _, previous_mean, previous_p95, previous_loss, _ = steps.columns

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
            category_axis=axis,
            value_axis=Axis(title=unit, number_format="General", low=0),
            legend=compared,
            gap_percent=60,
        )

    return (
        chart(_CHARTS[0], steps.kind, "Mean RTT", "ms", mean, previous_mean, BLUE),
        chart(_CHARTS[1], steps.kind, "p95 RTT", "ms", p95, previous_p95, ORANGE),
        chart(_CHARTS[2], ChartKind.COLUMN, "Loss", "%", loss, previous_loss, VERMILLION),
    )
