"""Where tables stand once they are written, and how formulas refer to their cells."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.domain.views import ColumnRef, TableSpec

Area = tuple[str, int, int, int, int]
"""Sheet, first row, first column, last row, last column; from 0."""

ChartValue = float | str | None

MOST_ROWS = 1_048_576
"""Of a sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A table that is written."""

    sheet: str
    spec: TableSpec
    rows: int
    """Data rows, spare ones included; at least 1, as a native table needs."""
    filled: int
    """Rows with data."""
    kept: Mapping[str, Sequence[ChartValue]]
    """The stored values of the columns that charts are made of, by header: each chart holds a copy of its values."""

    @property
    def first_row(self) -> int:
        """Its first data row, from 0."""
        return self.spec.anchor.row + 1

    def column(self, header: str) -> int:
        """The column of the sheet, from 0, that holds the table's column."""
        return self.spec.anchor.column + [each.header for each in self.spec.columns].index(header)

    def area(self, header: str) -> Area:
        """The cells of a column, without its header, and without its spare rows unless all are spare."""
        at = self.column(header)
        return self.sheet, self.first_row, at, self.first_row + max(self.filled, 1) - 1, at


def column_letters(column: int) -> str:
    """`A` for 0, `AA` for 26."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def cell_name(row: int, column: int, *, column_fixed: bool = False, row_fixed: bool = False) -> str:
    """`B7` for row 6, column 1; `$B$7` where both are fixed."""
    return f"{'$' * column_fixed}{column_letters(column)}{'$' * row_fixed}{row + 1}"


def range_name(first_row: int, first_column: int, last_row: int, last_column: int) -> str:
    """`A1:B2`."""
    return f"{cell_name(first_row, first_column)}:{cell_name(last_row, last_column)}"


def quoted_sheet(name: str) -> str:
    """A sheet's name as formulas write it, in apostrophes always."""
    return "'" + name.replace("'", "''") + "'"


def formula_of(area: Area) -> str:
    """`'Sheet'!$A$1:$A$9`."""
    sheet, first_row, first_column, last_row, last_column = area
    first = cell_name(first_row, first_column, column_fixed=True, row_fixed=True)
    last = cell_name(last_row, last_column, column_fixed=True, row_fixed=True)
    return f"{quoted_sheet(sheet)}!{first}:{last}"


def cell_formula(sheet: str, row: int, column: int) -> str:
    """`'Sheet'!$A$1`."""
    return f"{quoted_sheet(sheet)}!{cell_name(row, column, column_fixed=True, row_fixed=True)}"


def list_name(ref: ColumnRef) -> str:
    """The hidden name by which drop-downs know what a column holds."""
    return re.sub(r"\W", "_", f"List_{ref.table}_{ref.column}")


def list_formula(sheet: str, table: TableSpec, header: str) -> str:
    """The filled cells of a column, or its first one where none is: it follows the table's growth, whoever makes it.

    Only a table with nothing below it can be referred to like this.
    """
    at = table.anchor.column + [column.header for column in table.columns].index(header)
    first = table.anchor.row + 1
    area = formula_of((sheet, first, at, MOST_ROWS - 1, at))
    start = area.partition(":")[0]
    return f"{start}:INDEX({area},MAX(1,COUNTA({area})))"


def print_area_formula(sheet: str, table: TableSpec) -> str:
    """From the sheet's first cell to the last one of a table's filled rows: it follows the table's growth.

    The table is the last and the widest of its sheet, and its first column is never blank.
    """
    first, left = table.anchor.row, table.anchor.column
    right = left + max(at for at, column in enumerate(table.columns) if not column.hidden)
    filled = formula_of((sheet, first, left, MOST_ROWS - 1, left))
    last_column = formula_of((sheet, first, right, MOST_ROWS - 1, right))
    return f"{cell_formula(sheet, 0, 0)}:INDEX({last_column},COUNTA({filled}))"
