"""How the Details sheet of a live workbook looks: one destination or job, as the user chose."""

from netstats_xl.app.views import columns
from netstats_xl.app.views.details_charts import (
    BIN,
    LOSS,
    MAX,
    MEAN,
    REPLIES,
    histogram_chart_over,
    line_chart_over,
)
from netstats_xl.app.views.parts import ChartData, Title, column_ref
from netstats_xl.app.views.statistics import STATISTICS_COLUMNS, STATISTICS_ROWS
from netstats_xl.domain.views import (
    BLUE,
    HEADING,
    HINT,
    ORANGE,
    SKY,
    TITLE,
    VERMILLION,
    Anchor,
    Axis,
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
from netstats_xl.sheets import offering, selection_spec

SHEET = "Details"
STATISTICS, SERIES, HISTOGRAM, COMPARISON, PAIRS = (
    "Details_statistics",
    "Details_series",
    "Details_histogram",
    "Details_comparison",
    "Details_pairs",
)
HEADING_CELL = "Details_heading"
PAIRS_CELL = "Details_pairs_heading"
POINTS = 360
"""Rows of the series, always: what fits the chart's width."""
MOST_BINS = 51
COMPARED = 20
"""Bars of a comparison at most, the worst."""
PAIRS_ROOM = 2_000

LINE_TITLE = Title(text="RTT and loss over time", cell="Details_line_title")
HISTOGRAM_TITLE = Title(text="RTT histogram", cell="Details_histogram_title")
RTT_TITLE = Title(text="RTT (ms)", cell="Details_rtt_title")
LOSS_TITLE = Title(text="Loss (%)", cell="Details_loss_title")
TITLES = (LINE_TITLE, HISTOGRAM_TITLE, RTT_TITLE, LOSS_TITLE)

_SELECTION_ROW = 3
_HEADING_ROW = 6
_STATISTICS_ROW = 7
_COMPARISON_ROW = _STATISTICS_ROW + STATISTICS_ROWS + 3
_COMPARISON_ROWS = 18
_PAIRS_ROW = _COMPARISON_ROW + _COMPARISON_ROWS + 3
_LINE_COLUMN, _HISTOGRAM_COLUMN, _LOSS_COLUMN = 4, 14, 7

_LABEL = columns.text("At", width=12)
_LOSS_AXIS = columns.loss("Loss axis (%)", note="Where the axis is to end: in the first row.")
_NAME = columns.text("Name", width=24)
_P95 = columns.milliseconds("p95 RTT (ms)")

SERIES_COLUMNS = (_LABEL, MEAN, MAX, LOSS, _LOSS_AXIS)

_PAIR_COLUMNS = (
    columns.text("Destination", width=26),
    columns.text("Job", width=18),
    columns.text("Status", width=11, note="Of the destination.", rules=columns.STATE_RULES),
    columns.count("Rounds"),
    columns.milliseconds("Mean (ms)", note=columns.MEAN_RULE),
    columns.milliseconds("p95 (ms)", note=columns.P95_RULE),
    columns.milliseconds("Max (ms)"),
    columns.milliseconds("Jitter (ms)", note=columns.JITTER_RULE),
    columns.loss("Loss (%)"),
    columns.availability("Avail. (%)", width=10),
    Column(header="ID", hidden=True),
)


def add_selected_feeds(feeds: ChartData) -> None:
    """Add what the sheet's charts read."""
    feeds.add(SERIES, SERIES_COLUMNS, room=POINTS)
    feeds.add(HISTOGRAM, (BIN, REPLIES), room=MOST_BINS)
    feeds.add(COMPARISON, (_NAME, MEAN, _P95, LOSS), room=COMPARED)


def selected_sheet() -> SheetSpec:
    """The sheet."""
    return SheetSpec(
        name=SHEET,
        blocks=(
            TextSpec(anchor=Anchor(row=0, column=0), text="Details", style=TITLE),
            TextSpec(
                anchor=Anchor(row=1, column=0),
                text="Choose a destination or a job, and the period that all sheets show.",
                style=HINT,
            ),
            offering(selection_spec(Anchor(row=_SELECTION_ROW, column=0))),
            CellSpec(name=HEADING_CELL, anchor=Anchor(row=_HEADING_ROW, column=0), style=HEADING),
            TableSpec(
                name=STATISTICS,
                anchor=Anchor(row=_STATISTICS_ROW, column=0),
                columns=STATISTICS_COLUMNS,
                autofilter=False,
            ),
            line_chart_over(
                SERIES,
                name="Details over time",
                anchor=Anchor(row=_STATISTICS_ROW, column=_LINE_COLUMN),
                title=LINE_TITLE,
                subject="What was chosen",
                axis=Axis(label_every=POINTS // 6),
                times=_LABEL,
                loss_axis_column=_LOSS_AXIS,
            ),
            histogram_chart_over(
                HISTOGRAM,
                name="Details histogram",
                anchor=Anchor(row=_STATISTICS_ROW, column=_HISTOGRAM_COLUMN),
                title=HISTOGRAM_TITLE,
                subject="What was chosen",
            ),
            _comparison("Details by RTT", 0, RTT_TITLE, "ms", 690, ((MEAN, BLUE), (_P95, ORANGE))),
            _comparison("Details by loss", _LOSS_COLUMN, LOSS_TITLE, "%", 690, ((LOSS, VERMILLION),)),
            CellSpec(name=PAIRS_CELL, anchor=Anchor(row=_PAIRS_ROW - 1, column=0), style=HEADING),
            TableSpec(
                name=PAIRS,
                anchor=Anchor(row=_PAIRS_ROW, column=0),
                columns=_PAIR_COLUMNS,
                room=PAIRS_ROOM,
                key="ID",
            ),
        ),
        freeze=Anchor(row=_SELECTION_ROW + 2, column=0),
        repeat_rows=(0, _SELECTION_ROW + 1),
        page_starts=(_PAIRS_ROW - 1,),
        tab_color=SKY,
        gridlines=False,
    )


def _comparison(
    name: str,
    column: int,
    title: Title,
    unit: str,
    width_px: int,
    series: tuple[tuple[Column, Color], ...],
) -> ChartSpec:
    return ChartSpec(
        name=name,
        anchor=Anchor(row=_COMPARISON_ROW, column=column),
        width_px=width_px,
        height_px=20 * _COMPARISON_ROWS,
        kind=ChartKind.COLUMN,
        title=title.text,
        title_cell=title.cell,
        description=(
            f"{' and '.join(each.header for each, _ in series)} of each destination of the job that was "
            "chosen, or of the destination by each of its jobs, as columns; the worst first."
        ),
        series=tuple(
            SeriesSpec(
                name=each.header,
                values=column_ref(COMPARISON, each),
                categories=column_ref(COMPARISON, _NAME),
                color=color,
            )
            for each, color in series
        ),
        category_axis=Axis(label_every=1),
        value_axis=Axis(title=unit, number_format="General", low=0),
        legend=len(series) > 1,
        gap_percent=60,
    )
