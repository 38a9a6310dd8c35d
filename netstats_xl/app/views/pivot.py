"""The Pivot sheet: native PivotTables over the Hourly table, and a chart of one of them."""

from netstats_xl.app.views import columns, hourly
from netstats_xl.app.views.parts import SheetPart
from netstats_xl.domain.views import (
    BLUE,
    HEADING,
    HINT,
    ORANGE,
    TITLE,
    Aggregate,
    Anchor,
    Axis,
    ChartKind,
    Column,
    PivotChartSpec,
    PivotRatio,
    PivotSpec,
    PivotValue,
    SheetSpec,
    TextSpec,
)

SHEET = "Pivot"

_CHART_ROW, _CHART_ROWS = 3, 15
_HEADING_ROW = _CHART_ROW + _CHART_ROWS + 1
_BY_DESTINATION_COLUMN, _BY_HOUR_COLUMN, _WEEK_COLUMN = 0, 8, 12
_WIDTHS = {
    0: 28.0,
    1: 19.0,
    **dict.fromkeys(range(2, 5), 14.0),
    **dict.fromkeys(range(5, 7), 19.0),
    7: 2.0,
    8: 13.0,
    9: 19.0,
    10: 14.0,
    11: 2.0,
    12: 19.0,
    **dict.fromkeys(range(13, 21), 10.0),
}


def _value(column: Column, aggregate: Aggregate, caption: str, number_format: str) -> PivotValue:
    return PivotValue(column=column.header, aggregate=aggregate, caption=caption, number_format=number_format)


_SENT_COLUMN, _RECEIVED_COLUMN = hourly.SENT.header, hourly.RECEIVED.header
_MEAN = _value(hourly.MEAN, Aggregate.AVERAGE, "Mean of means (ms)", "#,##0.00")
_P95 = _value(hourly.P95, Aggregate.MAX, "Worst p95 (ms)", "#,##0.00")
_LOSS = _value(hourly.LOSS, Aggregate.MAX, "Worst loss (%)", "0.000")
_LOST = _value(hourly.LOST, Aggregate.SUM, "Packets lost", columns.COUNT_FORMAT)
_TRUE_MEAN = PivotRatio(
    caption="Weighted mean (ms)",
    plus=hourly.RTT_SUM.header,
    divisor=_RECEIVED_COLUMN,
    number_format="#,##0.00",
)
_TRUE_LOSS = PivotRatio(
    caption="Weighted loss (%)",
    plus=_SENT_COLUMN,
    minus=_RECEIVED_COLUMN,
    divisor=_SENT_COLUMN,
    factor=100,
    number_format="0.000",
)


def pivot(*, computed: str = "when the workbook is opened") -> SheetPart:
    """The sheet. Its figures are computed from the Hourly table by the program that shows the workbook."""
    headings = (
        (_BY_DESTINATION_COLUMN, "By destination"),
        (_BY_HOUR_COLUMN, "By hour of the day"),
        (_WEEK_COLUMN, "Hour of the day by weekday: mean of means (ms)"),
    )
    explanation = (
        f"Computed anew {computed}. In the mean of means each row of Hourly weighs alike, in weighted "
        "figures each packet does. The worst p95 and loss are those of the worst hour: an overall p95 cannot be made "
        "of hourly ones."
    )
    return SheetPart(
        spec=SheetSpec(
            name=SHEET,
            blocks=(
                TextSpec(anchor=Anchor(row=0, column=0), text="Pivots over the Hourly table", style=TITLE),
                TextSpec(anchor=Anchor(row=1, column=0), text=explanation, style=HINT),
                _CHART,
                *(
                    TextSpec(anchor=Anchor(row=_HEADING_ROW, column=column), text=text, style=HEADING)
                    for column, text in headings
                ),
                _BY_DESTINATION,
                _BY_HOUR,
                _WEEK,
            ),
            freeze=Anchor(row=2, column=0),
            column_widths=_WIDTHS,
            gridlines=False,
        )
    )


def _pivot(
    name: str,
    row: Column,
    at_column: int,
    values: tuple[PivotValue | PivotRatio, ...],
    across: tuple[str, ...] = (),
) -> PivotSpec:
    return PivotSpec(
        name=name,
        anchor=Anchor(row=_HEADING_ROW + 1, column=at_column),
        source=hourly.TABLE,
        rows=(row.header,),
        columns=across,
        filters=(hourly.GROUP.header, hourly.JOB.header, hourly.DATE.header),
        values=values,
    )


_BY_DESTINATION = _pivot(
    "Pivot_destinations",
    hourly.DESTINATION,
    _BY_DESTINATION_COLUMN,
    (_MEAN, _P95, _LOSS, _LOST, _TRUE_MEAN, _TRUE_LOSS),
)
_BY_HOUR = _pivot("Pivot_hours", hourly.HOUR, _BY_HOUR_COLUMN, (_MEAN, _P95))
_WEEK = _pivot("Pivot_week", hourly.HOUR, _WEEK_COLUMN, (_MEAN,), across=(hourly.WEEKDAY.header,))
_CHART = PivotChartSpec(
    name="Pivot chart",
    anchor=Anchor(row=_CHART_ROW, column=0),
    width_px=1_000,
    height_px=20 * _CHART_ROWS,
    kind=ChartKind.COLUMN,
    title="RTT by hour of the day: the mean, and the worst p95 of any destination",
    description="Mean of hourly means and worst hourly p95 in ms, as columns by hour of the day.",
    pivot=_BY_HOUR.name,
    colors=(BLUE, ORANGE),
    category_axis=Axis(title="Hour of the day"),
    value_axis=Axis(title="RTT (ms)", number_format="General", low=0),
)
