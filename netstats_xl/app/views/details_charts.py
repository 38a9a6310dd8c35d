"""The charts of the Details sheet, and the feed tables that they read."""

from collections.abc import Sequence

from netstats_xl.app.views import columns
from netstats_xl.app.views.parts import column_ref
from netstats_xl.app.views.statistics import STATISTICS_ROWS
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

_HEIGHT_PX = 20 * (STATISTICS_ROWS + 1)
"""As high as a statistics block of every metric, with its header."""
_LINE_COLUMN, _LINE_WIDTH_PX = 4, 630
_HISTOGRAM_COLUMN, _HISTOGRAM_WIDTH_PX = 14, 380


def line_chart(name: str, *, suffix: str, row: int, series: Sequence[Row]) -> ChartSpec:
    """RTT over time as lines, loss as columns on a second axis. `series`: the rows of the feed table."""
    table = f"Series_{suffix}"
    title = f"RTT and loss over time – {name}"
    if not any(row[1] is not None for row in series):
        title = f"{name}: no reply in this period"
    times = [row[0] for row in series]

    def line(column: Column, color: Color) -> SeriesSpec:
        return SeriesSpec(
            name=column.header,
            values=column_ref(table, column),
            categories=column_ref(table, TIME),
            color=color,
        )

    return ChartSpec(
        name=f"RTT {suffix}",
        anchor=Anchor(row=row, column=_LINE_COLUMN),
        width_px=_LINE_WIDTH_PX,
        height_px=_HEIGHT_PX,
        kind=ChartKind.LINE,
        title=title,
        description=(
            f"{name}: mean and maximum RTT in ms of each time step as lines, "
            "loss in % as columns on the second axis."
        ),
        series=(
            line(MAX, SKY),
            line(MEAN, BLUE),
            SeriesSpec(
                name=LOSS.header,
                values=column_ref(table, LOSS),
                categories=column_ref(table, TIME),
                color=VERMILLION,
                kind=ChartKind.COLUMN,
                secondary=True,
            ),
        ),
        category_axis=Axis(
            number_format=columns.time_axis_format(times), label_every=columns.time_label_step(times)
        ),
        value_axis=Axis(title="RTT (ms)", number_format="General", low=0),
        secondary_axis=Axis(title="Loss (%)", number_format="General", low=0, high=_loss_axis_high(series)),
        gap_percent=0,
    )


def _loss_axis_high(series: Sequence[Row]) -> float:
    """An end of the loss axis that keeps the columns in its lower half, below the lines, as far as can be."""
    most = max((loss for *_, loss in series if isinstance(loss, float)), default=0.0)
    return next(high for high in (10, 20, 50, 100) if 2 * most <= high or high == 100)


def histogram_chart(name: str, *, suffix: str, row: int, replies: bool) -> ChartSpec:
    """How many replies fell into each range of RTTs."""
    table = f"Histogram_{suffix}"
    return ChartSpec(
        name=f"Histogram {suffix}",
        anchor=Anchor(row=row, column=_HISTOGRAM_COLUMN),
        width_px=_HISTOGRAM_WIDTH_PX,
        height_px=_HEIGHT_PX,
        kind=ChartKind.COLUMN,
        title="RTT histogram" if replies else "No replies",
        description=f"{name}: how many replies had an RTT within each range, in ms.",
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
