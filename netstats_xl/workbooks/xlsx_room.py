"""The rows that a table of a live workbook may grow into: they look like its rows before there are any.

A column's default format costs nothing however many rows it prepares, so blank cells are written only where two
tables share columns.
"""

from dataclasses import replace

from netstats_xl.domain.views import SheetSpec, TableSpec
from netstats_xl.workbooks.xlsx_formats import Formats, XlsxFormat, XlsxSheet
from netstats_xl.workbooks.xlsx_tables import column_formats, write_value
from netstats_xl.workbooks.xlsx_values import Sort


def column_defaults(sheet: SheetSpec, formats: Formats) -> dict[int, XlsxFormat]:
    """The default format of each column of the sheet in which a table has room, and is the last one."""
    defaults: dict[int, XlsxFormat] = {}
    for table in _with_room(sheet):
        for at, column in enumerate(table.columns, start=table.anchor.column):
            if _last_in(sheet, at) is table:
                # A fill would colour the whole column.
                plain = replace(column, style=replace(column.style, fill=None))
                defaults[at] = column_formats(formats, plain).of(Sort.BLANK)
    return defaults


def prepare_room(sheet: XlsxSheet, spec: SheetSpec, table: TableSpec, rows: int, formats: Formats) -> None:
    """Write blank cells of the table's formats below its `rows` rows, in the columns that have no default format."""
    for at, column in enumerate(table.columns, start=table.anchor.column):
        if table.room > rows and _last_in(spec, at) is not table:
            of_column = column_formats(formats, column)
            for row in range(table.anchor.row + 1 + rows, table.anchor.row + 1 + table.room):
                write_value(sheet, row, at, None, of_column)


def _with_room(sheet: SheetSpec) -> list[TableSpec]:
    return [block for block in sheet.blocks if isinstance(block, TableSpec) and block.room]


def _last_in(sheet: SheetSpec, column: int) -> TableSpec | None:
    """The lowest table with room in this column."""
    found = [table for table in _with_room(sheet) if 0 <= column - table.anchor.column < len(table.columns)]
    return max(found, key=lambda table: table.anchor.row, default=None)
