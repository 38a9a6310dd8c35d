"""Tables that are written cell by cell, and single cells."""

import math
from collections.abc import Callable, Iterable

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Column, Row, Style, TableSpec
from netstats_xl.errors import ViewUnsupported
from netstats_xl.workbooks.xlsx_formats import ColumnFormats, Formats, XlsxSheet
from netstats_xl.workbooks.xlsx_references import MOST_ROWS
from netstats_xl.workbooks.xlsx_rules import accepted, add_rules
from netstats_xl.workbooks.xlsx_values import Sort, clean_text, stored

TABLE_STYLE = "TableStyleLight1"
Tap = Callable[[Row], None]
"""Is given each row as it is written."""

_HEADER_LINE_PX = 20
_NOTE_WIDTH = 46  # characters in a line of a note of twice the usual width
_NOTE_LINES = 4.6  # lines in a note of the usual height


def checked_rows(table: TableSpec, rows: Iterable[Row]) -> Iterable[Row]:
    """The rows, each with one value a column, and no more than the sheet holds.

    Raises:
        ViewUnsupported: they are not.
    """
    width = len(table.columns)
    room = MOST_ROWS - table.anchor.row - 1 - table.spare_rows
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise ViewUnsupported(
                f"Row {number} of the table {table.name} has {len(row)} values for {width} columns."
            )
        if number > room:
            raise ViewUnsupported(
                f"The table {table.name} has more than {room:,} rows, which is all that a sheet holds. "
                "Choose a shorter time range."
            )
        yield row


def write_rows(
    sheet: XlsxSheet, table: TableSpec, rows: Iterable[Row], formats: Formats, taps: Iterable[Tap]
) -> int:
    """Write the rows of a table and its spare rows; how many of them hold data."""
    taps = tuple(taps)
    columns = [column_formats(formats, column) for column in table.columns]
    by_row = _formats_by_row(table, formats)
    at = table.anchor.row
    for row in checked_rows(table, rows):
        at += 1
        for tap in taps:
            tap(row)
        for offset, (value, column) in enumerate(zip(row, columns, strict=True)):
            if offset in by_row:
                told_by, chosen = by_row[offset]
                column = chosen.get(row[told_by], column)
            write_value(sheet, at, table.anchor.column + offset, value, column)
    filled = at - table.anchor.row
    for spare in range(filled, table_rows(table, filled)):
        for offset, column in enumerate(columns, start=table.anchor.column):
            write_value(sheet, table.anchor.row + 1 + spare, offset, None, column)
    return filled


def _formats_by_row(
    table: TableSpec, formats: Formats
) -> dict[int, tuple[int, dict[CellValue, ColumnFormats]]]:
    """For each column whose rows differ: the column that tells, and the formats by what it holds."""
    headers = [column.header for column in table.columns]
    return {
        offset: (
            headers.index(column.format_by.column),
            {
                text: ColumnFormats(formats, column.kind, code, column.style)
                for text, code in column.format_by.formats.items()
            },
        )
        for offset, column in enumerate(table.columns)
        if column.format_by is not None
    }


def table_rows(table: TableSpec, filled: int) -> int:
    """How many data rows a table has: a native table has at least one."""
    return max(1, filled + table.spare_rows)


def column_formats(formats: Formats, column: Column) -> ColumnFormats:
    """The formats of a column's cells."""
    return ColumnFormats(formats, column.kind, column.number_format, column.style)


def write_value(sheet: XlsxSheet, row: int, column: int, value: CellValue, formats: ColumnFormats) -> None:
    """Write a value as what it is; a text is never taken for a formula, a link or a number."""
    sort, plain = stored(value, formats.kind)
    cell_format = formats.of(sort)
    if sort is Sort.BLANK:
        sheet.write_blank(row, column, None, cell_format)
    elif sort is Sort.TEXT:
        sheet.write_string(row, column, plain_text(str(plain)), cell_format)
    elif sort is Sort.FLAG:
        sheet.write_boolean(row, column, plain, cell_format)
    else:
        sheet.write_number(row, column, plain, cell_format)


def plain_text(text: str) -> str:
    """The text as XlsxWriter writes it as it is.

    It writes what looks like `<r>...</r>` unescaped, as the rich text that it makes itself: a space after it
    keeps a text of that form from becoming markup.
    """
    return text + " " if text.startswith("<r>") and text.endswith("</r>") else text


def add_table(
    sheet: XlsxSheet, table: TableSpec, rows: int, formats: Formats, *, framed_rows: int | None = None
) -> None:
    """Make the cells a native table of this many data rows, with header, notes, rules and validations.

    With `framed_rows` the native table frames only so many rows, and whoever writes the others moves its end.
    """
    first, left = table.anchor.row, table.anchor.column
    some_typed = any(column.typed for column in table.columns)
    grows = table.room > 0
    options = {
        "name": table.name,
        "style": TABLE_STYLE,
        "autofilter": table.autofilter,
        "columns": [
            {
                "header": header_text(column),
                "header_format": formats.header(read_only=some_typed and not column.typed),
                # What Excel gives to the cells of rows that are added.
                "format": formats.added_row(column.style, column.kind, column.number_format)
                if grows
                else None,
            }
            for column in table.columns
        ],
    }
    last = first + (rows if framed_rows is None else framed_rows)
    accepted(
        sheet.add_table(first, left, last, left + len(table.columns) - 1, options), f"table {table.name}"
    )
    for offset, column in enumerate(table.columns):
        if column.note and not column.hidden:
            accepted(
                sheet.write_comment(first, left + offset, clean_text(column.note), _note_size(column.note)),
                f"the note of {table.name}[{column.header}]",
            )
    add_rules(sheet, table, first + 1, first + max(rows, table.room), formats)


def header_text(column: Column) -> str:
    """The header as both the cell and the table's definition hold it; they must agree."""
    # In the definition Excel would decode `_x0041_` to `A`, and XlsxWriter does not escape it there.
    return plain_text(clean_text(column.header).replace("_x", "_\u200bx"))


def header_height_px(table: TableSpec) -> int:
    """How high the header row must be for its longest header to be read, wrapped in its column, px."""
    lines = 1
    for column in table.columns:
        if not column.hidden:
            # About two characters go to the filter's button, and words break early.
            room = max(4.0, column.width - (2.5 if table.autofilter else 0.5))
            lines = max(lines, _wrapped_lines(column.header, room))
    return _HEADER_LINE_PX * min(lines, 5)


def write_text(sheet: XlsxSheet, row: int, column: int, text: str, style: Style, formats: Formats) -> None:
    """Write a text that never changes."""
    sheet.write_string(row, column, plain_text(clean_text(text)), formats.text(style))


def _wrapped_lines(text: str, room: float) -> int:
    lines, used = 1, 0.0
    for word in text.split():
        width = len(word) * 1.1  # bold
        if used and used + 1 + width > room:
            lines, used = lines + 1, 0.0
        used += width + (1 if used else 0)
        while used > room:
            lines, used = lines + 1, used - room
    return lines


def _note_size(note: str) -> dict[str, object]:
    lines = sum(math.ceil(max(1, len(line)) / _NOTE_WIDTH) for line in note.splitlines())
    return {"author": "", "x_scale": 2, "y_scale": max(0.4, (lines + 0.8) / _NOTE_LINES)}
