"""Fills workbooks of the double: from plain data, or from a workbook file."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet as FileSheet

from tests.excel_double.application import ExcelApplication
from tests.excel_double.areas import Area, Rect, column_number, parse_address, sized
from tests.excel_double.cells import ERRORS, TEXT_FORMAT, Cell, entered, readable, serial
from tests.excel_double.charts import ChartObject, Series
from tests.excel_double.grid import GENERAL
from tests.excel_double.pivots import PivotTable
from tests.excel_double.tables import ListObject
from tests.excel_double.workbook import Workbook
from tests.excel_double.worksheet import Worksheet

_HIDDEN = {"visible": -1, "hidden": 0, "veryHidden": 2}


# --- from plain data ---


def add_table(
    sheet: Worksheet,
    name: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[object]] = (),
    *,
    at: str = "A1",
    text: Sequence[str] = (),
) -> ListObject:
    """A table with its rows (one blank row where there are none); columns named in `text` have the format `@`."""
    corner = parse_address(at)
    assert corner is not None
    body = [list(row) for row in rows] or [[None] * len(headers)]
    rect = sized(corner.top, corner.left, 1 + len(body), len(headers))
    for column, header in enumerate(headers, start=rect.left):
        sheet.cells[rect.top, column] = Cell(header)
        if header in text:
            sheet.set_number_format(Rect(rect.top + 1, column, rect.bottom, column), TEXT_FORMAT)
    for number, row in enumerate(body, start=rect.top + 1):
        for column, value in enumerate(row, start=rect.left):
            cell = entered(value, sheet.number_format(number, column))
            if cell is not None:
                sheet.cells[number, column] = cell
    return sheet.book.add_table(sheet, name, rect)


def add_pivot(sheet: Worksheet, name: str, source: str) -> PivotTable:
    """A pivot over a table, named by it; pivots of one source share a cache."""
    pivot = PivotTable(sheet, name, sheet.book.add_cache(source))
    sheet.pivots.append(pivot)
    return pivot


def add_chart(sheet: Worksheet, name: str, table: ListObject, categories: str, *columns: str) -> ChartObject:
    """A chart with a series over each of these columns of a table."""
    frame = ChartObject(sheet, name)
    for column in columns:
        areas = [Area(table.sheet, table.column_rect(header)) for header in (categories, column)]
        frame.chart.series.append(Series(frame.chart, title=column, categories=areas[0], values=areas[1]))
    sheet.charts.append(frame)
    return frame


def values(table: ListObject) -> list[tuple[object, ...]]:
    """The rows of a table as `Value2` gives them, looked at without a COM call."""
    if table.vacant:
        return []
    body, cells = table.body, table.sheet.cells
    return [
        tuple(
            readable(cells[row, column].value) if (row, column) in cells else None
            for column in range(body.left, body.right + 1)
        )
        for row in range(body.top, body.bottom + 1)
    ]


# --- from a file ---


def load_workbook(application: ExcelApplication, path: Path, full_name: str | None = None) -> Workbook:
    """Open a file in the double under a full name: sheets, cells, number formats, tables, names, charts, pivots."""
    with warnings.catch_warnings():
        # openpyxl warns of what it leaves out, such as sparklines.
        warnings.simplefilter("ignore", UserWarning)
        shown = openpyxl.load_workbook(path, data_only=True, keep_links=False)
        formulas = openpyxl.load_workbook(path, keep_links=False)
    book = Workbook(application, full_name or str(path))
    book.stored["FileFormat"] = 52 if path.suffix == ".xlsm" else 51
    for file_sheet in shown.worksheets:
        sheet = book.add_sheet(file_sheet.title)
        sheet.stored["Visible"] = _HIDDEN[file_sheet.sheet_state]
        _load_cells(sheet, file_sheet, formulas[file_sheet.title])
    for file_sheet in shown.worksheets:
        _load_tables(book.sheet(file_sheet.title), file_sheet)
    _load_names(book, shown)
    for file_sheet in shown.worksheets:
        _load_charts(book.sheet(file_sheet.title), file_sheet)
        _load_pivots(book.sheet(file_sheet.title), file_sheet)
    visible = [sheet for sheet in book.sheets if sheet.stored["Visible"] == -1]
    if visible:
        book.active_sheet = next(
            (s for s in visible if s.name == getattr(shown.active, "title", "")), visible[0]
        )
    application.books.append(book)
    application.activate(book)
    return book


def _load_cells(sheet: Worksheet, shown: FileSheet, formulas: FileSheet) -> None:
    for letters, dimension in shown.column_dimensions.items():
        first = dimension.min or column_number(letters)
        for column in range(first, (dimension.max or first) + 1):
            if dimension.number_format != GENERAL:
                sheet.column_formats[column] = dimension.number_format
            if dimension.hidden:
                sheet.hidden_columns.add(column)
    sheet.hidden_rows.update(row for row, dimension in shown.row_dimensions.items() if dimension.hidden)
    sheet.protected = bool(shown.protection.sheet)
    for number, row in enumerate(shown.iter_rows(), start=shown.min_row):
        for column, each in enumerate(row, start=shown.min_column):
            place = number, column
            if each.has_style and each.number_format != sheet.number_format(*place):
                sheet.formats[place] = each.number_format
            formula = formulas.cell(*place).value
            content = _content(each.value)
            if (
                isinstance(formula, str)
                and formula.startswith("=")
                and formulas.cell(*place).data_type == "f"
            ):
                sheet.cells[place] = Cell(0.0 if content is None else content, formula=formula)
            elif content is not None:
                sheet.cells[place] = Cell(content, prefix="'" if each.quotePrefix else "")


def _content(value: object) -> Any:
    match value:
        case None | bool():
            return value
        case int() | float():
            return float(value)
        case dt.datetime():
            return serial(value)
        case dt.date():
            return serial(dt.datetime(value.year, value.month, value.day))  # noqa: DTZ001
        case dt.time():
            return dt.timedelta(hours=value.hour, minutes=value.minute, seconds=value.second) / dt.timedelta(
                days=1
            )
        case dt.timedelta():
            return value / dt.timedelta(days=1)
    text = str(value)
    return ERRORS.get(text, text)


def _load_tables(sheet: Worksheet, shown: FileSheet) -> None:
    for table in shown.tables.values():
        rect = parse_address(table.ref)
        assert rect is not None
        loaded = sheet.book.add_table(sheet, table.displayName, rect, totals=bool(table.totalsRowCount))
        loaded.vacant = bool(table.insertRow)


def _load_names(book: Workbook, shown: openpyxl.Workbook) -> None:
    scopes = [
        (None, shown.defined_names),
        *((sheet, shown[sheet.name].defined_names) for sheet in book.sheets),
    ]
    for scope, names in scopes:
        for name in names.values():
            book.add_name(name.name, f"={name.attr_text}", hidden=bool(name.hidden), scope=scope)


def _load_charts(sheet: Worksheet, shown: FileSheet) -> None:
    for number, chart in enumerate(getattr(shown, "_charts", ()), start=1):
        frame = ChartObject(sheet, f"Chart {number}")
        for part in [chart, *(each for each in getattr(chart, "_charts", ()) if each is not chart)]:
            for series in getattr(part, "series", ()):
                title = _reference(getattr(series.tx, "strRef", None)) if series.tx is not None else None
                frame.chart.series.append(
                    Series(
                        frame.chart,
                        title=_area(sheet, title) or (series.tx.v if series.tx is not None else None) or "",
                        categories=_area(sheet, _data_reference(series.cat)),
                        values=_area(sheet, _data_reference(series.val)),
                    )
                )
        sheet.charts.append(frame)


def _reference(source: Any) -> str | None:
    return None if source is None else source.f


def _data_reference(source: Any) -> str | None:
    if source is None:
        return None
    return _reference(getattr(source, "numRef", None)) or _reference(getattr(source, "strRef", None))


def _area(sheet: Worksheet, reference: str | None) -> Area | None:
    return None if reference is None else sheet.book.find_area(re.sub(r"\$", "", reference), sheet)


def _load_pivots(sheet: Worksheet, shown: FileSheet) -> None:
    for pivot in getattr(shown, "_pivots", ()):
        source = pivot.cache.cacheSource.worksheetSource
        name = source.name or f"'{source.sheet}'!{source.ref}"
        loaded = add_pivot(sheet, pivot.name, name)
        loaded.cache.stored["RefreshOnFileOpen"] = bool(pivot.cache.refreshOnLoad)
