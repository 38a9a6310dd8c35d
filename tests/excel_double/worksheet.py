"""A worksheet: its cells, and the tables, charts and pivots that stand on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from tests.excel_double.areas import MAX_COLUMNS, MAX_ROWS, Area, Rect, parse_address, sized
from tests.excel_double.cells import Cell, entered, grid_of, picked
from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import Child, getter, method, setter
from tests.excel_double.errors import DISCONNECTED, ExcelError, refuse
from tests.excel_double.grid import Grid
from tests.excel_double.ranges import Range, spanning

if TYPE_CHECKING:
    from tests.excel_double.charts import ChartObject
    from tests.excel_double.pivots import PivotTable
    from tests.excel_double.tables import ListObject
    from tests.excel_double.workbook import Workbook

VISIBLE = -1
WHOLE = Rect(1, 1, MAX_ROWS, MAX_COLUMNS)


class Worksheet(Grid, Child):
    """A worksheet. `protected`: nothing may be written."""

    type_name = "Worksheet"
    stored_defaults: ClassVar[Mapping[str, object]] = {"Visible": VISIBLE, "EnableCalculation": True}

    def __init__(self, book: Workbook, name: str) -> None:
        Child.__init__(self, book)
        Grid.__init__(self)
        self.book = book
        self.name = name
        self.code_name = f"Sheet{len(book.sheets) + 1}"
        self.protected = False
        self.deleted = False
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()
        self.tables: list[ListObject] = []
        self.charts: list[ChartObject] = []
        self.pivots: list[PivotTable] = []

    def check_alive(self) -> None:
        self.book.check_alive()
        if self.deleted:
            raise ExcelError(DISCONNECTED)

    # --- what is in the cells ---

    def area(self, reference: str) -> Area:
        """The cells of an address, a defined name or a table's reference, as seen from this sheet."""
        rect = parse_address(reference)
        if rect is not None:
            return Area(self, rect)
        found = self.book.find_area(reference, self)
        if found is None:
            raise refuse(f"{reference!r} is no range")
        return found

    def range(self, reference: str) -> Range:
        """The Range object of a reference."""
        return Range(self.area(reference))

    def write(self, rect: Rect, value: object, *, by_user: bool = False) -> None:
        """Put a value, or an array, into cells. Excel's own consequences follow; all of it or nothing is written."""
        self._check_protection()
        grid = grid_of(value)
        changes: dict[tuple[int, int], Cell | None] = {}
        for row in range(rect.rows):
            for column in range(rect.columns):
                place = rect.top + row, rect.left + column
                item = value if grid is None else picked(grid, row, column)
                changes[place] = entered(item, self.number_format(*place))
        for place, cell in changes.items():
            if cell is None:
                self.cells.pop(place, None)
            else:
                self.cells[place] = cell
        for table in self.tables:
            table.cells_written(rect)
        self.application.changed(self.book, by_user=by_user)

    def clear_contents(self, rect: Rect) -> None:
        """Empty the cells; their formats stay."""
        self._check_protection()
        for place in list(self.within(rect)):
            del self.cells[place]
        for table in self.tables:
            table.cells_written(rect)
        self.application.changed(self.book)

    def set_number_format(self, rect: Rect, number_format: str) -> None:
        """Give the cells a number format; their contents stay as they are."""
        self._check_protection()
        if rect.rows == MAX_ROWS:
            for column in range(rect.left, rect.right + 1):
                self.column_formats[column] = number_format
                for place in [place for place in self.formats if place[1] == column]:
                    del self.formats[place]
            return
        for row in range(rect.top, rect.bottom + 1):
            for column in range(rect.left, rect.right + 1):
                self.formats[row, column] = number_format

    def _check_protection(self) -> None:
        if self.protected:
            raise refuse(f"The sheet {self.name!r} is protected.")

    def shift_down(self, at: int, count: int, left: int, right: int) -> None:
        """Insert cells, unless that would tear a table apart."""
        self._check_protection()
        self._check_tables(Rect(at, left, MAX_ROWS, right))
        self.insert_rows(at, count, left, right)

    def shift_up(self, at: int, count: int, left: int, right: int) -> None:
        """Delete cells, unless that would tear a table apart."""
        self._check_protection()
        self._check_tables(Rect(at + count, left, MAX_ROWS, right))
        self.delete_rows(at, count, left, right)

    def _check_tables(self, moving: Rect) -> None:
        for table in self.tables:
            rect = table.rect
            torn = rect.left < moving.left or rect.right > moving.right
            if rect.top >= moving.top and rect.overlaps(moving) and torn:
                raise refuse(
                    "This operation is not allowed. It would shift cells in a table on the worksheet."
                )

    def table(self, name: str) -> ListObject:
        """The table of that name; KeyError."""
        for table in self.tables:
            if table.name.casefold() == name.casefold():
                return table
        raise KeyError(name)

    # --- its COM members ---

    @getter("Name")
    def _name(self) -> str:
        return self.name

    @setter("Name")
    def _put_name(self, name: str) -> None:
        self.book.rename_sheet(self, name)
        self.application.changed(self.book)

    @getter("CodeName")
    def _code_name(self) -> str:
        return self.code_name

    @getter("Index")
    def _index(self) -> int:
        return self.book.sheets.index(self) + 1

    @getter("ProtectContents")
    def _protect_contents(self) -> bool:
        return self.protected

    @getter("ListObjects")
    def _list_objects(self) -> Collection:
        return ListObjects(self, lambda: self.tables)

    @method("ChartObjects")
    def _chart_objects(self, index: object) -> object:
        charts = ChartObjects(self, lambda: self.charts)
        return charts if index is None else charts.find(index)

    @method("PivotTables")
    def _pivot_tables(self, index: object) -> object:
        pivots = PivotTables(self, lambda: self.pivots)
        return pivots if index is None else pivots.find(index)

    @method("Range")
    def _range(self, first: object, second: object) -> Range:
        return Range(spanning(self, first, second))

    @getter("Cells")
    def _cells(self) -> Range:
        return self._whole("cells")

    @getter("Rows")
    def _rows(self) -> Range:
        return self._whole("rows")

    @getter("Columns")
    def _columns(self) -> Range:
        return self._whole("columns")

    def _whole(self, unit: str) -> Range:
        return Range(Area(self, WHOLE), unit)

    @getter("UsedRange")
    def _used_range(self) -> Range:
        return Range(Area(self, self.used() or sized(1, 1, 1, 1)))

    @method("Activate")
    def _activate(self) -> None:
        self.book.active_sheet = self
        self.application.activate(self.book)

    @method("Select")
    def _select(self, replace: object) -> None:
        self._activate()

    @getter("Names")
    def _names(self) -> Collection:
        return self.book.names_of(self)


class Sheets(Collection):
    """The sheets of a workbook."""

    type_name = "Sheets"


class ListObjects(Collection):
    """The tables of a sheet."""

    type_name = "ListObjects"


class ChartObjects(Collection):
    """The charts of a sheet."""

    type_name = "ChartObjects"


class PivotTables(Collection):
    """The pivots of a sheet."""

    type_name = "PivotTables"
    missing = "Unable to get the PivotTables property of the Worksheet class"
