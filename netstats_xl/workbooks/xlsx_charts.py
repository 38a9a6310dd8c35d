"""Native charts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.domain.views import (
    Axis,
    ChartKind,
    ChartSpec,
    ColumnRef,
    PivotChartSpec,
    SeriesSpec,
)
from netstats_xl.errors import ViewUnsupported
from netstats_xl.workbooks.pivots import PivotLayout
from netstats_xl.workbooks.xlsx_formats import XlsxChart, XlsxSheet, XlsxWorkbook
from netstats_xl.workbooks.xlsx_references import (
    Area,
    ChartValue,
    Placed,
    formula_of,
)
from netstats_xl.workbooks.xlsx_rules import accepted
from netstats_xl.workbooks.xlsx_values import clean_text

_MARKED_POINTS = 60
"""Up to so many points a line shows each of them, so that one between two gaps is seen."""
_PIES = (ChartKind.PIE, ChartKind.DOUGHNUT)
_TEXT_COLOR = "#404040"
_AXIS_FONT = {"size": 9, "color": _TEXT_COLOR}
_GRID = {"visible": True, "line": {"color": "#D9D9D9", "width": 0.75}}
_FORMULA_LIKE = re.compile(r"^=?[^!]+!\$?[A-Z]+\$?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """A series with its cells found."""

    name: str
    values: Area
    categories: Area
    values_data: Sequence[ChartValue]
    categories_data: Sequence[ChartValue]
    color: str
    kind: ChartKind
    secondary: bool = False
    point_colors: tuple[str, ...] = ()
    scale_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTitle:
    """The title of a chart that shows what a cell holds."""

    formula: str
    """The cell: `'Sheet'!$A$1`."""
    text: str
    """What it holds now."""


def insert_chart(
    workbook: XlsxWorkbook,
    sheet: XlsxSheet,
    spec: ChartSpec,
    tables: Mapping[str, Placed],
    title: ShownTitle | None = None,
) -> None:
    """Draw a chart over columns of tables; with a title that a cell holds instead of its own."""
    series = [_found(each, spec.kind, tables) for each in spec.series]
    axes = (spec.category_axis, spec.value_axis, spec.secondary_axis)
    first = [each for each in series if each.kind is spec.kind]
    others = [each for each in series if each.kind is not spec.kind]
    chart = _drawn(workbook, spec.kind, first, spec, axes)
    if others:
        chart.combine(_drawn(workbook, others[0].kind, others, spec, axes))
    _place(sheet, chart, spec, legend=spec.legend, title=title)


def insert_pivot_chart(
    workbook: XlsxWorkbook, sheet: XlsxSheet, spec: PivotChartSpec, pivot: "PlacedPivot"
) -> str:
    """Draw a chart over the body of a pivot; the formula of its first series, by which its part is known."""
    colors = spec.colors
    series = [
        _Series(
            name=name,
            values=pivot.area(column),
            categories=pivot.area(None),
            values_data=pivot.data(column),
            categories_data=pivot.data(None),
            color=colors[column % len(colors)],
            kind=spec.kind,
            point_colors=colors if spec.kind in _PIES else (),
        )
        for column, name in enumerate(pivot.layout.series)
    ]
    axes = (spec.category_axis, spec.value_axis, Axis())
    chart = _drawn(workbook, spec.kind, series, spec, axes)
    _place(sheet, chart, spec, legend=len(series) > 1 or spec.kind in _PIES)
    return formula_of(pivot.area(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPivot:
    """A pivot whose output is written."""

    sheet: str
    row: int
    column: int
    layout: PivotLayout

    def area(self, series: int | None) -> Area:
        """The items' cells of a series, or of the labels for None; totals left out."""
        first = self.row + self.layout.first_item_row
        at = self.column + (0 if series is None else self.layout.label_columns + series)
        return self.sheet, first, at, first + max(self.layout.items, 1) - 1, at

    def data(self, series: int | None) -> list[ChartValue]:
        """The values of that area."""
        at = 0 if series is None else self.layout.label_columns + series
        first = self.layout.first_item_row
        found = {cell.row: cell.value for cell in self.layout.cells if cell.column == at}
        return [_plain(found.get(first + item)) for item in range(max(self.layout.items, 1))]


def literal(text: str) -> str:
    """A title or name that XlsxWriter takes as the text it is: it takes what looks like `Sheet!A1` for a reference."""
    text = clean_text(text)
    return text.replace("!", "!\u2060") if _FORMULA_LIKE.match(text) else text


def _found(spec: SeriesSpec, chart_kind: ChartKind, tables: Mapping[str, Placed]) -> _Series:
    def data(ref: ColumnRef) -> Sequence[ChartValue]:
        return tables[ref.table].kept.get(ref.column, ())

    return _Series(
        name=spec.name,
        values=tables[spec.values.table].area(spec.values.column),
        categories=tables[spec.categories.table].area(spec.categories.column),
        values_data=data(spec.values),
        categories_data=data(spec.categories),
        color=spec.color,
        kind=spec.kind or chart_kind,
        secondary=spec.secondary,
        point_colors=spec.point_colors,
        scale_only=spec.scale_only,
    )


def _drawn(
    workbook: XlsxWorkbook,
    kind: ChartKind,
    series: Sequence[_Series],
    spec: ChartSpec | PivotChartSpec,
    axes: tuple[Axis, Axis, Axis],
) -> XlsxChart:
    """A chart of one kind, with its series and axes."""
    chart = workbook.add_chart({"type": kind.value, "name": clean_text(spec.name)})
    for each in series:
        chart.add_series(_series_options(each, spec))
    if kind in _PIES:
        return chart
    category, value, secondary = axes
    category_options = _axis_options(category) | {
        # Dates are labels of equal steps here; Excel's date axis knows no time of day.
        "text_axis": True,
        "label_position": "low",
        "major_gridlines": {"visible": False},
        "major_tick_mark": "none",
    }
    value_options = _axis_options(value) | {"major_gridlines": _GRID, "major_tick_mark": "none"}
    if kind is ChartKind.BAR:
        # Upright by decree (360 stands for 0): LibreOffice would leave labels out beside one that it wraps.
        category_options["num_font"] = _AXIS_FONT | {"rotation": 360}
    if category.reverse and kind is ChartKind.BAR:
        # The first bar on top, and the value axis still below.
        category_options["crossing"] = "max"
    # Of a bar chart XlsxWriter calls the vertical axis, that of the categories, y.
    set_category, set_value = (
        (chart.set_y_axis, chart.set_x_axis)
        if kind is ChartKind.BAR
        else (chart.set_x_axis, chart.set_y_axis)
    )
    set_category(category_options)
    set_value(value_options)
    if any(each.secondary for each in series):
        chart.set_y2_axis(_axis_options(secondary) | {"major_gridlines": {"visible": False}})
    return chart


def _series_options(series: _Series, spec: ChartSpec | PivotChartSpec) -> dict[str, object]:
    options: dict[str, object] = {
        "name": literal(series.name),
        "values": "=" + formula_of(series.values),
        "categories": "=" + formula_of(series.categories),
        "values_data": list(series.values_data),
        "categories_data": list(series.categories_data),
        "y2_axis": series.secondary,
    }
    if series.kind is ChartKind.LINE:
        options["line"] = {"color": series.color, "width": 1.75}
        few = series.values[3] - series.values[1] < _MARKED_POINTS
        fill = {"color": series.color}
        options["marker"] = (
            {"type": "circle", "size": 4, "fill": fill, "border": fill} if few else {"type": "none"}
        )
        return options
    if series.kind in _PIES:
        options["points"] = [
            {"fill": {"color": color}, "border": {"color": "#FFFFFF"}}
            for color in series.point_colors or (series.color,)
        ]
        # The two semicolons hide zeros, which would pile up where no slice is.
        labels = {"value": True, "num_format": "#,##0;;", "font": {"size": 10, "bold": True}}
        outside = {"position": "outside_end"} if series.kind is ChartKind.PIE else {}
        options["data_labels"] = labels | outside
        return options
    if series.scale_only:
        return options | {"fill": {"none": True}, "border": {"none": True}}
    # Columns behind a line on the other axis must not hide it.
    transparency = 30 if series.secondary else 0
    options["fill"] = {"color": series.color, "transparency": transparency}
    options["border"] = {"none": True}
    if series.point_colors:
        options["points"] = [{"fill": {"color": color}} for color in series.point_colors]
    gap = spec.gap_percent if isinstance(spec, ChartSpec) else None
    options["gap"] = 60 if gap is None else gap
    if isinstance(spec, ChartSpec) and any(each.scale_only for each in spec.series):
        options["overlap"] = 100  # what is not drawn takes no room beside it
    return options


def _axis_options(axis: Axis) -> dict[str, object]:
    options: dict[str, object] = {
        "num_font": _AXIS_FONT,
        "line": {"color": "#8C8C8C"},
    }
    if axis.title:
        options["name"] = literal(axis.title)
        options["name_font"] = {"size": 9, "bold": False, "color": _TEXT_COLOR}
    if axis.number_format:
        options["num_format"] = axis.number_format
    if axis.low is not None:
        options["min"] = axis.low
    if axis.high is not None:
        options["max"] = axis.high
    if axis.reverse:
        options["reverse"] = True
    if axis.label_every is not None:
        options["interval_unit"] = axis.label_every
    return options


def _place(
    sheet: XlsxSheet,
    chart: XlsxChart,
    spec: ChartSpec | PivotChartSpec,
    *,
    legend: bool,
    title: ShownTitle | None = None,
) -> None:
    shown: dict[str, object] = (
        {"name": literal(spec.title)}
        if title is None
        else {"name": f"={title.formula}", "data": [clean_text(title.text)]}
    )
    font = {"name_font": {"size": 12, "bold": True, "color": _TEXT_COLOR}}
    chart.set_title(shown | font if spec.title or title else {"none": True})
    unnamed = [
        at for at, each in enumerate(spec.series if isinstance(spec, ChartSpec) else ()) if each.scale_only
    ]
    shown_legend = {"position": "bottom", "font": {"size": 9}, "delete_series": unnamed}
    chart.set_legend(shown_legend if legend else {"none": True})
    chart.set_size({"width": spec.width_px, "height": spec.height_px})
    chart.set_chartarea({"border": {"color": "#D9D9D9"}})
    # Feed columns and feed sheets may be hidden.
    chart.show_hidden_data()
    placed = sheet.insert_chart(
        spec.anchor.row,
        spec.anchor.column,
        chart,
        # Moves with the cells, but a filter that hides rows must not squash it.
        {"description": clean_text(spec.description), "object_position": 2},
    )
    accepted(placed, f"the chart {spec.name}")


def _plain(value: object) -> ChartValue:
    if value is None or isinstance(value, (str, float)):
        return value
    if isinstance(value, int):
        return float(value)
    raise ViewUnsupported(
        f"A chart over a pivot cannot show the label {value!r}: make it a text or a number."
    )
