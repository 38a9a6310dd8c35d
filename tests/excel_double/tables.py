"""ListObjects: native tables, which keep their header, grow and shrink, and are followed by charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from tests.excel_double.areas import Area, Rect
from tests.excel_double.cells import Cell, general
from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import Child, getter, method, setter
from tests.excel_double.errors import DISCONNECTED, ExcelError, refuse
from tests.excel_double.list_rows import ListRows
from tests.excel_double.ranges import Range

if TYPE_CHECKING:
    from tests.excel_double.worksheet import Worksheet


class ListObject(Child):
    """A table: a header row, at least one row of data (blank in a new table), and a totals row if it shows one."""

    type_name = "ListObject"
    stored_defaults: ClassVar[Mapping[str, object]] = {
        "ShowAutoFilter": True,
        "ShowHeaders": True,
        "TableStyle": "TableStyleMedium2",
        "Comment": "",
    }

    def __init__(self, sheet: Worksheet, name: str, rect: Rect, *, totals: bool = False) -> None:
        super().__init__(sheet)
        self.sheet = sheet
        self.name = name
        self.area = Area(sheet, rect)
        self.totals = totals
        self.vacant = False
        """Its last row was deleted: a blank row is left to type into, and counts as none."""
        self.deleted = False

    def check_alive(self) -> None:
        self.sheet.check_alive()
        if self.deleted or self.area.rect is None:
            raise ExcelError(DISCONNECTED)

    @property
    def rect(self) -> Rect:
        """Header, data and totals."""
        assert self.area.rect is not None
        return self.area.rect

    @property
    def body(self) -> Rect:
        """The rows of data."""
        rect = self.rect
        return Rect(rect.top + 1, rect.left, rect.bottom - self.totals, rect.right)

    @property
    def row_count(self) -> int:
        """How many rows of data it has."""
        return 0 if self.vacant else self.body.rows

    @property
    def headers(self) -> list[str]:
        """The texts of its header cells."""
        rect = self.rect
        cells = (self.sheet.cells.get((rect.top, column)) for column in range(rect.left, rect.right + 1))
        return ["" if cell is None else str(cell.value) for cell in cells]

    def column_rect(self, header: str) -> Rect:
        """The data of a column; KeyError."""
        headers = [text.casefold() for text in self.headers]
        if header.casefold() not in headers:
            raise KeyError(header)
        column = self.rect.left + headers.index(header.casefold())
        return Rect(self.body.top, column, self.body.bottom, column)

    def cells_written(self, rect: Rect) -> None:
        """Excel keeps headers unique texts, and takes in what is written right below the table."""
        if rect.overlaps(Rect(self.rect.top, self.rect.left, self.rect.top, self.rect.right)):
            self.name_headers()
        if self.vacant and rect.overlaps(self.body) and any(True for _ in self.sheet.within(self.body)):
            self.vacant = False
        below = rect.top == self.rect.bottom + 1 and not self.totals
        within = self.rect.left <= rect.left and rect.right <= self.rect.right
        written = Rect(rect.top, rect.left, rect.top, rect.right)
        if below and within and any(True for _ in self.sheet.within(written)):
            self._set(Rect(self.rect.top, self.rect.left, rect.bottom, self.rect.right))

    def name_headers(self) -> None:
        """Blank headers become Column1 and so on, repeated ones get a number, numbers become text."""
        rect = self.rect
        taken: set[str] = set()
        for number, column in enumerate(range(rect.left, rect.right + 1), start=1):
            cell = self.sheet.cells.get((rect.top, column))
            value = None if cell is None else cell.value
            text = general(value) if isinstance(value, float) else str(value or f"Column{number}")
            unique, tries = text, 1
            while unique.casefold() in taken:
                tries += 1
                unique = f"{text}{tries}"
            taken.add(unique.casefold())
            if unique != value:
                self.sheet.cells[rect.top, column] = Cell(unique)

    def resize(self, rect: Rect) -> None:
        """Make the table cover another rectangle, as Excel allows it; cells left behind keep what they hold."""
        old = self.rect
        if rect.top != old.top:
            raise refuse("The table's header row must remain in the same row.")
        if not rect.overlaps(old):
            raise refuse("The resulting table must overlap the original table.")
        if rect.rows < 2 + self.totals:
            raise refuse("The table needs at least one row of data.")
        if self.totals and rect.bottom != old.bottom:
            raise refuse("The totals row is in the way.")
        for other in self.sheet.tables:
            if other is not self and other.rect.overlaps(rect):
                raise refuse("A table can't overlap another table.")
        self._set(rect)
        self.name_headers()

    def add_row(self, number: int, *, always_insert: bool = False) -> None:
        """Insert a row of data before that one, or after the last; what is below the table moves down if it must."""
        if self.vacant:
            self.vacant = False
            return
        rect, at = self.rect, self.body.top + number - 1
        below = Rect(rect.bottom + 1, rect.left, rect.bottom + 1, rect.right)
        free = not any(True for _ in self.sheet.within(below))
        free = free and not any(
            other.rect.overlaps(below) for other in self.sheet.tables if other is not self
        )
        followers = self._followers()
        if self.totals or at <= rect.bottom or always_insert or not free:
            self.sheet.shift_down(at, 1, rect.left, rect.right)
        self.area.rect = Rect(rect.top, rect.left, rect.bottom + 1, rect.right)
        self._lead(followers)

    def _set(self, rect: Rect) -> None:
        followers = self._followers()
        self.area.rect = rect
        self.vacant = self.vacant and self.body.rows == 1
        self._lead(followers)

    def _lead(self, followers: Sequence[tuple[Area, int]]) -> None:
        body = self.body
        for area, column in followers:
            if body.left <= column <= body.right:
                area.rect = Rect(body.top, column, body.bottom, column)

    def _followers(self) -> list[tuple[Area, int]]:
        """Areas of series that cover a whole column of the table, with that column."""
        body = self.body
        covered = [
            area
            for sheet in self.sheet.book.sheets
            for chart in sheet.charts
            for series in chart.chart.series
            for area in (series.categories, series.values)
            if area is not None and area.sheet is self.sheet and area.rect is not None
        ]
        return [
            (area, area.rect.left)
            for area in covered
            if area.rect is not None
            and (area.rect.top, area.rect.bottom) == (body.top, body.bottom)
            and area.rect.left == area.rect.right
            and body.left <= area.rect.left <= body.right
        ]

    # --- its COM members ---

    @getter("Name")
    @getter("DisplayName")
    @getter("_Default")
    def _name(self) -> str:
        return self.name

    @setter("Name")
    @setter("DisplayName")
    def _put_name(self, name: str) -> None:
        self.name = name
        self.application.changed(self.sheet.book)

    @getter("Range")
    def _range(self) -> Range:
        return Range(Area(self.sheet, self.rect))

    @getter("DataBodyRange")
    def _data_body_range(self) -> Range | None:
        return None if self.vacant else Range(Area(self.sheet, self.body))

    @getter("HeaderRowRange")
    def _header_row_range(self) -> Range:
        rect = self.rect
        return Range(Area(self.sheet, Rect(rect.top, rect.left, rect.top, rect.right)))

    @getter("TotalsRowRange")
    def _totals_row_range(self) -> Range | None:
        rect = self.rect
        if not self.totals:
            return None
        return Range(Area(self.sheet, Rect(rect.bottom, rect.left, rect.bottom, rect.right)))

    @getter("ShowTotals")
    def _show_totals(self) -> bool:
        return self.totals

    @getter("ListRows")
    def _list_rows(self) -> ListRows:
        return ListRows(self)

    @getter("ListColumns")
    def _list_columns(self) -> Collection:
        return ListColumns(self, self._columns)

    def _columns(self) -> Sequence[ListColumn]:
        return [ListColumn(self, header) for header in self.headers]

    @method("Resize")
    def _resize(self, target: object) -> None:
        if not isinstance(target, Range):
            raise refuse("Resize takes a Range.")
        if target.sheet is not self.sheet:
            raise refuse("The range is on another sheet.")
        if self.sheet.protected:
            raise refuse("The sheet is protected.")
        self.resize(target.rect)
        self.application.changed(self.sheet.book)


class ListColumns(Collection):
    """The columns of a table."""

    type_name = "ListColumns"


class ListColumn(Child):
    """A column of a table, by its header."""

    type_name = "ListColumn"

    def __init__(self, table: ListObject, header: str) -> None:
        super().__init__(table)
        self.table = table
        self.name = header

    def check_alive(self) -> None:
        self.table.check_alive()

    @getter("Name")
    @getter("_Default")
    def _name(self) -> str:
        return self.name

    @getter("Index")
    def _index(self) -> int:
        return self.table.headers.index(self.name) + 1

    @getter("DataBodyRange")
    def _data_body_range(self) -> Range:
        return Range(Area(self.table.sheet, self.table.column_rect(self.name)))

    @getter("Range")
    def _range(self) -> Range:
        rect, column = self.table.rect, self.table.column_rect(self.name).left
        return Range(Area(self.table.sheet, Rect(rect.top, column, rect.bottom, column)))
