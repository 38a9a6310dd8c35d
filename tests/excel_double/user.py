"""What the user of the double does in Excel, beside the COM calls: none of it is logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.excel_double.areas import MAX_COLUMNS, MAX_ROWS, Area, Rect
from tests.excel_double.calls import Access, Call
from tests.excel_double.cells import Cell
from tests.excel_double.errors import IGNORED_IN_DETAILS, REJECTED, Failure
from tests.excel_double.tables import ListObject
from tests.excel_double.windows import ProtectedViewWindow

if TYPE_CHECKING:
    from tests.excel_double.application import ExcelApplication
    from tests.excel_double.workbook import Workbook
    from tests.excel_double.worksheet import Worksheet

COPY, CUT = 1, 2


class User:
    """Hands at the keyboard of one Excel."""

    def __init__(self, application: ExcelApplication) -> None:
        self.application = application

    @contextmanager
    def _acting(self, what: str = "") -> Iterator[None]:
        with self.application.lock:
            yield
            if what:
                self.application.undo.append(what)

    # --- cells ---

    def type(self, sheet: Worksheet, address: str, value: object) -> None:
        """Type a value into a cell, or paste an array into a range, and leave it; a filled row below joins a table."""
        with self._acting(f"Typing in {address}"):
            rect = sheet.area(address).rect
            assert rect is not None
            sheet.write(rect, value, by_user=True)

    def format(self, sheet: Worksheet, address: str, number_format: str) -> None:
        """Give cells a number format."""
        with self._acting("Format Cells"):
            rect = sheet.area(address).rect
            assert rect is not None
            sheet.set_number_format(rect, number_format)

    def select(self, sheet: Worksheet, address: str) -> None:
        """Select cells."""
        with self._acting():
            sheet.book.active_sheet = sheet
            self.application.activate(sheet.book)
            self.application.selection = sheet.area(address)

    def copy(self, sheet: Worksheet, address: str, *, cut: bool = False) -> None:
        """Copy or cut cells: Excel is in copy mode until something is written."""
        with self._acting():
            self.select(sheet, address)
            self.application.cut_copy_mode = CUT if cut else COPY

    def insert_rows(self, sheet: Worksheet, before: int, count: int = 1) -> None:
        """Insert whole rows."""
        with self._acting("Insert"):
            sheet.shift_down(before, count, 1, MAX_COLUMNS)

    def delete_rows(self, sheet: Worksheet, first: int, count: int = 1) -> None:
        """Delete whole rows."""
        with self._acting("Delete"):
            sheet.shift_up(first, count, 1, MAX_COLUMNS)

    def insert_columns(self, sheet: Worksheet, before: int, count: int = 1) -> None:
        """Insert whole columns; within a table they become columns of it."""
        with self._acting("Insert"):
            sheet.insert_columns(before, count, 1, MAX_ROWS)
            for table in sheet.tables:
                table.name_headers()

    def delete_columns(self, sheet: Worksheet, first: int, count: int = 1) -> None:
        """Delete whole columns."""
        with self._acting("Delete"):
            sheet.delete_columns(first, count, 1, MAX_ROWS)

    def protect(self, sheet: Worksheet, protected: bool = True) -> None:
        """Protect a sheet, or no longer."""
        with self._acting():
            sheet.protected = protected

    # --- tables ---

    def sort(self, table: ListObject, header: str, *, descending: bool = False) -> None:
        """Sort a table's rows by a column; blanks come last."""
        with self._acting("Sort"):
            column = table.column_rect(header).left
            rows = self._rows(table)
            filled = [row for row in rows if row.get(column) is not None]
            blank = [row for row in rows if row.get(column) is None]
            filled.sort(key=lambda row: _sort_key(row[column]), reverse=descending)
            self._put_rows(table, [*filled, *blank])

    def reorder(self, table: ListObject, order: Sequence[int]) -> None:
        """Put the table's rows into this order, given by their numbers from 1."""
        with self._acting("Move"):
            rows = self._rows(table)
            self._put_rows(table, [rows[number - 1] for number in order])

    def move_column(self, table: ListObject, header: str, before: str) -> None:
        """Drag a column of a table to before another one."""
        with self._acting("Move"):
            order = [text for text in table.headers if text != header]
            order.insert(order.index(before), header)
            sheet, rect = table.sheet, table.rect
            columns = {text: table.column_rect(text).left for text in table.headers}
            cells = {place: sheet.cells.pop(place) for place in list(sheet.within(rect))}
            formats = {
                (row, column): sheet.number_format(row, column)
                for row in range(rect.top, rect.bottom + 1)
                for column in range(rect.left, rect.right + 1)
            }
            for new, text in enumerate(order, start=rect.left):
                for row in range(rect.top, rect.bottom + 1):
                    if (row, columns[text]) in cells:
                        sheet.cells[row, new] = cells[row, columns[text]]
                    sheet.formats[row, new] = formats[row, columns[text]]

    def add_column(self, table: ListObject, header: str, values: Sequence[object] = ()) -> None:
        """Type a header right of a table, which takes the column in, and values below it."""
        with self._acting("Typing"):
            sheet, rect = table.sheet, table.rect
            sheet.cells[rect.top, rect.right + 1] = Cell(header)
            table.resize(Rect(rect.top, rect.left, rect.bottom, rect.right + 1))
            for row, value in enumerate(values, start=table.body.top):
                sheet.write(Rect(row, rect.right + 1, row, rect.right + 1), value, by_user=True)

    def add_row(self, table: ListObject, values: Sequence[object], *, at: int | None = None) -> None:
        """Insert a row into a table and fill it from its first column on; at the end unless `at` is given."""
        with self._acting("Insert"):
            number = at or table.row_count + 1
            table.add_row(number)
            row, left = table.body.top + number - 1, table.rect.left
            table.sheet.write(Rect(row, left, row, left + len(values) - 1), [list(values)], by_user=True)

    def delete_row(self, table: ListObject, number: int) -> None:
        """Delete a row of a table, counted from 1."""
        with self._acting("Delete"):
            rect = table.rect
            table.sheet.shift_up(table.body.top + number - 1, 1, rect.left, rect.right)

    def move_table(self, table: ListObject, sheet: Worksheet, row: int, column: int) -> None:
        """Cut a whole table and paste it elsewhere, on this sheet or another; names and series follow it."""
        with self._acting("Paste"):
            source, rect = table.sheet, table.rect
            down, right = row - rect.top, column - rect.left
            cells = {place: source.cells.pop(place) for place in list(source.within(rect))}
            for (old_row, old_column), cell in cells.items():
                sheet.cells[old_row + down, old_column + right] = cell
            for place in list(source.formats):
                if rect.holds(*place):
                    sheet.formats[place[0] + down, place[1] + right] = source.formats.pop(place)
            for area in list(source.areas):
                if area.rect is not None and rect.holds(area.rect.top, area.rect.left):
                    _move_area(area, sheet, down, right)
            source.tables.remove(table)
            sheet.tables.append(table)
            table.sheet = table.parent = sheet

    def delete_table(self, table: ListObject) -> None:
        """Delete a table with its cells."""
        with self._acting("Delete"):
            for place in list(table.sheet.within(table.rect)):
                del table.sheet.cells[place]
            table.sheet.tables.remove(table)
            table.deleted = True

    def _rows(self, table: ListObject) -> list[dict[int, Cell | None]]:
        body, cells = table.body, table.sheet.cells
        return [
            {column: cells.get((row, column)) for column in range(body.left, body.right + 1)}
            for row in range(body.top, body.bottom + 1)
        ]

    def _put_rows(self, table: ListObject, rows: Sequence[dict[int, Cell | None]]) -> None:
        for number, row in enumerate(rows, start=table.body.top):
            for column, cell in row.items():
                if cell is None:
                    table.sheet.cells.pop((number, column), None)
                else:
                    table.sheet.cells[number, column] = cell
        self.application.changed(table.sheet.book, by_user=True)

    # --- sheets, workbooks, Excel ---

    def rename_sheet(self, sheet: Worksheet, name: str) -> None:
        """Rename a sheet."""
        with self._acting():
            sheet.book.rename_sheet(sheet, name)

    def delete_sheet(self, sheet: Worksheet) -> None:
        """Delete a sheet with all that stands on it."""
        with self._acting():
            sheet.deleted = True
            sheet.book.sheets.remove(sheet)
            for area in list(sheet.areas):
                area.rect = None

    def save_as(self, book: Workbook, full_name: str) -> None:
        """Save the workbook under another name, which it has from now on."""
        with self._acting():
            book.full_name = full_name
            book.saves += 1
            book.stored["Saved"] = True

    def close(self, book: Workbook) -> None:
        """Close a workbook, and its window with it."""
        with self._acting():
            self.application.close(book)

    def reopen(self, book: Workbook) -> None:
        """Open a workbook anew that was closed: it is as it was then."""
        with self._acting():
            book.closed = False
            self.application.books.append(book)
            self.application.activate(book)

    def quit(self) -> None:
        """Close Excel, or kill it: its windows vanish, and every call finds no server."""
        with self._acting():
            self.application.shut()

    def open_protected_view(self, *, own_process: bool = True) -> ProtectedViewWindow:
        """Open a file from the net in front of the others: a window that answers nothing, in a process of its own."""
        with self._acting():
            window = ProtectedViewWindow(self.application, own_process=own_process)
            self.application.protected_views.append(window)
            return window

    # --- busy ---

    def start_editing(self, failure: Failure = IGNORED_IN_DETAILS, *, reads_too: bool = False) -> None:
        """Enter a cell and stay in it: puts and methods fail, and reads as well where `reads_too`; Ready stays True."""
        self._refuse(lambda call: failure if reads_too or not _reads(call) else None)

    def open_dialog(self, failure: Failure = REJECTED) -> None:
        """Open a dialog and leave it open: every call fails."""
        self._refuse(lambda _: failure)
        self.application.ready = False

    def finish(self) -> None:
        """Leave the cell, close the dialog."""
        self._refuse(None)
        self.application.ready = True

    def _refuse(self, refusal: Callable[[Call], Failure | None] | None) -> None:
        with self._acting():
            self.application.refusal = refusal


READING_METHODS = frozenset(
    {
        "Range.Address",
        "Range.Item",
        "Range.Offset",
        "Range.Range",
        "Range.Resize",
        "Worksheet.ChartObjects",
        "Worksheet.PivotTables",
        "Worksheet.Range",
        "PivotTable.PivotCache",
        "Chart.SeriesCollection",
    }
)


def _reads(call: Call) -> bool:
    """Whether a call only looks: such are answered while a cell is edited."""
    return (
        call.access is Access.GET or call.name in READING_METHODS or call.member in ("Item", "_NewEnum.Next")
    )


def _sort_key(cell: Cell | None) -> tuple[int, float, str]:
    """Excel's order: numbers, texts without case, flags."""
    value = None if cell is None else cell.value
    if isinstance(value, bool):
        return 2, value, ""
    return (1, 0.0, value.casefold()) if isinstance(value, str) else (0, float(value or 0), "")


def _move_area(area: Area, sheet: Worksheet, down: int, right: int) -> None:
    assert area.rect is not None
    area.sheet.areas.discard(area)
    rect = area.rect
    area.sheet, area.rect = (
        sheet,
        Rect(rect.top + down, rect.left + right, rect.bottom + down, rect.right + right),
    )
    sheet.areas.add(area)
