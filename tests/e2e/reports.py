"""Reading reports as a reader would."""

import warnings
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet


def open_report(path: Path, *, values: bool = True) -> Workbook:
    """The workbook; with `values` the results in the place of formulas."""
    with warnings.catch_warnings():
        # openpyxl says that it would not save what it does not know, sparklines for one: it is not to save.
        warnings.filterwarnings("ignore", message=".* extension is not supported", category=UserWarning)
        # Nor does it know a printed area that a formula tells.
        warnings.filterwarnings("ignore", message="Print area cannot be set", category=UserWarning)
        return load_workbook(path, data_only=values)


def table(book: Workbook, name: str) -> list[dict[str, object]]:
    """The rows of a native table, by header."""
    sheet: Worksheet
    for sheet in book.worksheets:
        if name in sheet.tables:
            (headers, *rows) = [[cell.value for cell in row] for row in sheet[sheet.tables[name].ref]]
            return [dict(zip(map(str, headers), row, strict=True)) for row in rows]
    raise AssertionError(f"the report has no table {name}")


def by(rows: list[dict[str, object]], header: str) -> dict[object, dict[str, object]]:
    """The rows by the value in a column."""
    return {row[header]: row for row in rows}


def number(value: object) -> float:
    """The value, which must be a number."""
    assert isinstance(value, int | float), value
    return float(value)
