"""The charts of details, and the feed tables that they read."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from netstats_xl.app.views import columns
from netstats_xl.app.views.parts import Title, column_ref
from netstats_xl.app.views.statistics import STATISTICS_ROWS
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    BLUE,
    SKY,
    VERMILLION,
    Anchor,
    Axis,
    ChartKind,
    ChartSpec,
    Color,
    Column,
    Row,
    SeriesSpec,
)

TIME = columns.instant("Time")
MEAN = columns.milliseconds("Mean RTT (ms)")
MAX = columns.milliseconds("Max RTT (ms)")
LOSS = columns.loss("Loss (%)")
BIN = columns.text("RTT from (ms)", note="The range that begins here and ends before the next one.")
REPLIES = columns.count("Replies")

HEIGHT_PX = 20 * (STATISTICS_ROWS + 1)
"""As high as a statistics block of every metric, with its header."""
_LINE_COLUMN, _LINE_WIDTH_PX = 4, 630
_HISTOGRAM_COLUMN, _HISTOGRAM_WIDTH_PX = 14, 380


def line_chart(name: str, *, suffix: str, row: int, series: Sequence[Row]) -> ChartSpec:
    """The chart over time of a report's block. `series`: the rows of the feed table."""
    title = f"RTT and loss over time – {name}"
    if not any(row[1] is not None for row in series):
        title = f"{name}: no reply in this period"
    times = [row[0] for row in series]
    return line_chart_over(
        f"Series_{suffix}",
        name=f"RTT {suffix}",
        anchor=Anchor(row=row, column=_LINE_COLUMN),
        title=Title(text=title),
        subject=name,
        axis=Axis(number_format=columns.time_axis_format(times), label_every=columns.time_label_step(times)),
        loss_axis_high=_loss_axis_high(series),
    )


def line_chart_over(
    table: str,
    *,
    name: str,
    anchor: Anchor,
    title: Title,
    subject: str,
    axis: Axis,
    times: Column = TIME,
    loss_axis_high: float | None = None,
    loss_axis_column: Column | None = None,
) -> ChartSpec:
    """RTT over time as lines, loss as columns on a second axis; `axis`: that of the times.

    The second axis ends at a value, or where a column of the feed table says.
    """

    def line(column: Column, color: Color) -> SeriesSpec:
        return SeriesSpec(
            name=column.header,
            values=column_ref(table, column),
            categories=column_ref(table, times),
            color=color,
        )

    def scale(column: Column) -> SeriesSpec:
        return replace(line(column, VERMILLION), kind=ChartKind.COLUMN, secondary=True, scale_only=True)

    return ChartSpec(
        name=name,
        anchor=anchor,
        width_px=_LINE_WIDTH_PX,
        height_px=HEIGHT_PX,
        kind=ChartKind.LINE,
        title=title.text,
        title_cell=title.cell,
        description=(
            f"{subject}: mean and maximum RTT in ms of each time step as lines, "
            "loss in % as columns on the second axis."
        ),
        series=(
            line(MAX, SKY),
            line(MEAN, BLUE),
            SeriesSpec(
                name=LOSS.header,
                values=column_ref(table, LOSS),
                categories=column_ref(table, times),
                color=VERMILLION,
                kind=ChartKind.COLUMN,
                secondary=True,
            ),
            *(() if loss_axis_column is None else (scale(loss_axis_column),)),
        ),
        category_axis=axis,
        value_axis=Axis(title="RTT (ms)", number_format="General", low=0),
        secondary_axis=Axis(title="Loss (%)", number_format="General", low=0, high=loss_axis_high),
        gap_percent=0,
    )


def _loss_axis_high(series: Sequence[Row]) -> float:
    return loss_axis_high([loss for *_, loss in series])


def loss_axis_high(losses: Iterable[CellValue]) -> float:
    """An end of the loss axis that keeps the columns in its lower half, below the lines, as far as can be."""
    most = max((loss for loss in losses if isinstance(loss, float)), default=0.0)
    return next(high for high in (10, 20, 50, 100) if 2 * most <= high or high == 100)


def histogram_chart(name: str, *, suffix: str, row: int, replies: bool) -> ChartSpec:
    """The histogram of a report's block."""
    return histogram_chart_over(
        f"Histogram_{suffix}",
        name=f"Histogram {suffix}",
        anchor=Anchor(row=row, column=_HISTOGRAM_COLUMN),
        title=Title(text="RTT histogram" if replies else "No replies"),
        subject=name,
    )


def histogram_chart_over(table: str, *, name: str, anchor: Anchor, title: Title, subject: str) -> ChartSpec:
    """How many replies fell into each range of RTTs."""
    return ChartSpec(
        name=name,
        anchor=anchor,
        width_px=_HISTOGRAM_WIDTH_PX,
        height_px=HEIGHT_PX,
        kind=ChartKind.COLUMN,
        title=title.text,
        title_cell=title.cell,
        description=f"{subject}: how many replies had an RTT within each range, in ms.",
        series=(
            SeriesSpec(
                name=REPLIES.header,
                values=column_ref(table, REPLIES),
                categories=column_ref(table, BIN),
                color=BLUE,
            ),
        ),
        category_axis=Axis(title=BIN.header),
        value_axis=Axis(title="Replies", number_format="#,##0", low=0),
        legend=False,
        gap_percent=5,
    )
