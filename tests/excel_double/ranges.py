"""Ranges: rectangles of cells, read and written as COM clients do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.excel_double.areas import MAX_COLUMNS, MAX_ROWS, Area, Rect, address, quoted, sized
from tests.excel_double.cells import EPOCH, Cell, readable, shown, shows_dates
from tests.excel_double.dispatch import ExcelObject, getter, method, setter
from tests.excel_double.errors import TYPE_MISMATCH, ExcelError, refuse

if TYPE_CHECKING:
    from tests.excel_double.worksheet import Worksheet

SHIFT_UP = -4162
SHIFT_DOWN = -4121


class Range(ExcelObject):
    """A rectangle of cells; `unit` is what it counts and enumerates: cells, rows or columns."""

    type_name = "Range"

    def __init__(self, area: Area, unit: str = "cells") -> None:
        super().__init__(area.sheet.application)
        self.area = area
        self.sheet = area.sheet
        self.unit = unit

    @property
    def rect(self) -> Rect:
        """Where it stands now; refused once its cells were deleted."""
        if self.area.rect is None:
            raise refuse("The cells of the range were deleted.")
        return self.area.rect

    @property
    def sheet_reference(self) -> str:
        """`=Sheet!$A$1`."""
        return f"={quoted(self.sheet.name)}!{address(self.rect)}"

    def check_alive(self) -> None:
        self.sheet.check_alive()

    def _at(self, rect: Rect, unit: str = "cells") -> Range:
        if not rect.fits:
            raise refuse("beyond the sheet")
        return Range(Area(self.sheet, rect), unit)

    # --- what it holds ---

    def _cell(self, row: int, column: int) -> Cell | None:
        return self.sheet.cells.get((row, column))

    def _map(self, value_at: object) -> object:
        assert callable(value_at)
        rect = self.rect
        if rect.rows == rect.columns == 1:
            return value_at(rect.top, rect.left)
        if rect.rows * rect.columns > 50_000_000:
            raise refuse("not enough memory")
        return tuple(
            tuple(value_at(row, column) for column in range(rect.left, rect.right + 1))
            for row in range(rect.top, rect.bottom + 1)
        )

    @getter("Value2")
    def value2(self) -> object:
        """A value, or a tuple of rows."""
        cells = self.sheet.cells

        def value_at(row: int, column: int) -> object:
            cell = cells.get((row, column))
            return None if cell is None else readable(cell.value)

        return self._map(value_at)

    @getter("Value")
    def _value(self) -> object:
        def value_at(row: int, column: int) -> object:
            cell = self._cell(row, column)
            if cell is None:
                return None
            if isinstance(cell.value, float) and shows_dates(self.sheet.number_format(row, column)):
                return self.application.com_time(EPOCH, cell.value)
            return readable(cell.value)

        return self._map(value_at)

    @setter("Value2")
    @setter("Value")
    @setter("Formula")
    def put_value2(self, value: object) -> None:
        """Write a value, or an array of rows."""
        if isinstance(value, Range):
            value = value.value2()
        self.sheet.write(self.rect, value)

    @getter("Formula")
    def _formula(self) -> object:
        def formula_at(row: int, column: int) -> str:
            cell = self._cell(row, column)
            if cell is None:
                return ""
            return cell.formula or shown(cell)

        return self._map(formula_at)

    @getter("HasFormula")
    def _has_formula(self) -> bool | None:
        rect = self.rect
        places = list(self.sheet.within(rect))
        with_formula = sum(self.sheet.cells[place].formula is not None for place in places)
        if with_formula == rect.rows * rect.columns:
            return True
        return None if with_formula else False

    @getter("Text")
    def _text(self) -> str | None:
        rect = self.rect
        if rect.rows * rect.columns > 1:
            return None
        cell = self._cell(rect.top, rect.left)
        return "" if cell is None else shown(cell)

    @getter("PrefixCharacter")
    def _prefix_character(self) -> str:
        rect = self.rect
        prefixes = {
            "" if (cell := self._cell(row, column)) is None else cell.prefix
            for row in range(rect.top, rect.bottom + 1)
            for column in range(rect.left, rect.right + 1)
        }
        return prefixes.pop() if len(prefixes) == 1 else ""

    @getter("NumberFormat")
    def _number_format(self) -> str | None:
        rect = self.rect
        formats = {
            self.sheet.number_format(row, column)
            for row in range(rect.top, rect.bottom + 1)
            for column in range(rect.left, rect.right + 1)
        }
        return formats.pop() if len(formats) == 1 else None

    @setter("NumberFormat")
    def _put_number_format(self, number_format: str) -> None:
        self.sheet.set_number_format(self.rect, number_format)
        self.application.changed(self.sheet.book)

    # --- where it is ---

    @getter("Row")
    def _row(self) -> int:
        return self.rect.top

    @getter("Column")
    def _column(self) -> int:
        return self.rect.left

    @getter("Rows")
    def _rows(self) -> Range:
        return Range(self.area, "rows")

    @getter("Columns")
    def _columns(self) -> Range:
        return Range(self.area, "columns")

    @getter("Cells")
    def _cells(self) -> Range:
        return Range(self.area)

    @getter("EntireRow")
    def _entire_row(self) -> Range:
        return self._at(Rect(self.rect.top, 1, self.rect.bottom, MAX_COLUMNS), "rows")

    @getter("EntireColumn")
    def _entire_column(self) -> Range:
        return self._at(Rect(1, self.rect.left, MAX_ROWS, self.rect.right), "columns")

    @getter("Count")
    def _count(self) -> int:
        count: int = self._count_large()
        if count >= 1 << 31:
            raise refuse("Overflow")
        return count

    @getter("CountLarge")
    def _count_large(self) -> int:
        rect = self.rect
        match self.unit:
            case "rows":
                return rect.rows
            case "columns":
                return rect.columns
        return rect.rows * rect.columns

    @getter("Worksheet")
    @getter("Parent")
    def _worksheet(self) -> Worksheet:
        return self.sheet

    @getter("Address")
    @method("Address")
    def _address(
        self,
        row_absolute: object = None,
        column_absolute: object = None,
        style: object = None,
        external: object = None,
        relative_to: object = None,
    ) -> str:
        if style not in (None, 1) or relative_to is not None:
            raise NotImplementedError("addresses in the style R1C1")
        text = address(
            self.rect, absolute_row=row_absolute is not False, absolute_column=column_absolute is not False
        )
        return f"[{self.sheet.book.name}]{quoted(self.sheet.name)}!{text}" if external else text

    @getter("ListObject")
    def _list_object(self) -> ExcelObject | None:
        rect = self.rect
        return next((table for table in self.sheet.tables if table.rect.holds(rect.top, rect.left)), None)

    # --- other ranges ---

    @getter("Resize")
    @method("Resize")
    def _resize(self, rows: object = None, columns: object = None) -> Range:
        rect = self.rect
        return self._at(sized(rect.top, rect.left, whole(rows, rect.rows), whole(columns, rect.columns)))

    @getter("Offset")
    @method("Offset")
    def _offset(self, rows: object = None, columns: object = None) -> Range:
        rect = self.rect
        return self._at(
            sized(rect.top + whole(rows, 0), rect.left + whole(columns, 0), rect.rows, rect.columns)
        )

    @method("Range")
    def _range(self, first: object, second: object) -> Range:
        return Range(spanning(self.sheet, first, second, origin=self.rect))

    @method("Item")
    def item(self, row: object, column: object) -> Range:
        """A cell counted from the corner, also outside; with one number counted row by row."""
        rect = self.rect
        number = whole(row, 1)
        if self.unit == "rows" and column is None:
            return self._at(sized(rect.top + number - 1, rect.left, 1, rect.columns), "rows")
        if self.unit == "columns" and column is None:
            return self._at(sized(rect.top, rect.left + number - 1, rect.rows, 1), "columns")
        if column is None:
            down, across = divmod(number - 1, rect.columns)
            return self._at(sized(rect.top + down, rect.left + across, 1, 1))
        return self._at(sized(rect.top + number - 1, rect.left + whole(column, 1) - 1, 1, 1))

    def items(self) -> Sequence[Range]:
        return [self.item(number, None) for number in range(1, self._count() + 1)]

    # --- what changes it ---

    @method("ClearContents")
    def _clear_contents(self) -> None:
        self.sheet.clear_contents(self.rect)

    @method("Insert")
    def _insert(self, shift: object, origin: object) -> None:
        rect = self.rect
        if shift not in (None, SHIFT_DOWN):
            raise NotImplementedError("cells that move right")
        self.sheet.shift_down(rect.top, rect.rows, rect.left, rect.right)
        self.application.changed(self.sheet.book)

    @method("Delete")
    def _delete(self, shift: object) -> None:
        rect = self.rect
        if shift not in (None, SHIFT_UP):
            raise NotImplementedError("cells that move left")
        self.sheet.shift_up(rect.top, rect.rows, rect.left, rect.right)
        self.application.changed(self.sheet.book)

    @method("Select")
    @method("Activate")
    def _select(self) -> bool:
        if (
            self.application.active_book is not self.sheet.book
            or self.sheet.book.active_sheet is not self.sheet
        ):
            raise refuse("Select method of Range class failed")
        self.application.selection = self.area
        return True

    @getter("Hidden")
    def _hidden(self) -> bool:
        rect = self.rect
        if self.unit == "rows":
            return all(row in self.sheet.hidden_rows for row in range(rect.top, rect.bottom + 1))
        if self.unit == "columns":
            return all(column in self.sheet.hidden_columns for column in range(rect.left, rect.right + 1))
        raise refuse("Unable to get the Hidden property of the Range class")


def whole(value: object, default: int) -> int:
    """A number of rows or columns; None: the default."""
    if value is None:
        return default
    if not isinstance(value, int | float):
        raise ExcelError(TYPE_MISMATCH)
    return int(value)


def spanning(sheet: Worksheet, first: object, second: object, *, origin: Rect | None = None) -> Area:
    """The cells from one corner to another, given as addresses or ranges; addresses count from `origin`'s corner."""
    areas = [_corner(sheet, corner, origin) for corner in (first, second) if corner is not None]
    if any(area.sheet is not areas[0].sheet for area in areas):
        raise refuse("corners on two sheets")
    rects = [area.rect for area in areas if area.rect is not None]
    rect = Rect(
        min(rect.top for rect in rects),
        min(rect.left for rect in rects),
        max(rect.bottom for rect in rects),
        max(rect.right for rect in rects),
    )
    if origin is not None and isinstance(first, str):
        down, right = origin.top - 1, origin.left - 1
        rect = Rect(rect.top + down, rect.left + right, rect.bottom + down, rect.right + right)
        if not rect.fits:
            raise refuse("beyond the sheet")
    return Area(areas[0].sheet, rect)


def _corner(sheet: Worksheet, corner: object, origin: Rect | None) -> Area:
    if isinstance(corner, Range):
        return Area(corner.sheet, corner.rect)
    if isinstance(corner, str):
        return sheet.area(corner)
    raise refuse("a corner that is neither an address nor a range")
