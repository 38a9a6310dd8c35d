"""The cells of a sheet: contents and number formats, and what moves when cells are inserted or deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from weakref import WeakSet

from tests.excel_double.areas import Area, Rect
from tests.excel_double.cells import Cell

GENERAL = "General"
Place = tuple[int, int]


class Grid:
    """Cells by (row, column), counted from 1, and the areas that follow them."""

    def __init__(self) -> None:
        self.cells: dict[Place, Cell] = {}
        self.formats: dict[Place, str] = {}
        self.column_formats: dict[int, str] = {}
        self.areas: WeakSet[Area] = WeakSet()

    def number_format(self, row: int, column: int) -> str:
        """The number format of a cell."""
        return self.formats.get((row, column)) or self.column_formats.get(column, GENERAL)

    def within(self, rect: Rect) -> Iterator[Place]:
        """The places in a rectangle that are not empty."""
        if rect.rows * rect.columns <= len(self.cells):
            places = (
                (r, c) for r in range(rect.top, rect.bottom + 1) for c in range(rect.left, rect.right + 1)
            )
            return (place for place in places if place in self.cells)
        return (place for place in list(self.cells) if rect.holds(*place))

    def used(self) -> Rect | None:
        """The smallest rectangle that holds every cell that is not empty."""
        if not self.cells:
            return None
        rows, columns = zip(*self.cells, strict=True)
        return Rect(min(rows), min(columns), max(rows), max(columns))

    def insert_rows(self, at: int, count: int, left: int, right: int) -> None:
        """Insert cells before row `at` in these columns; what is below moves down."""
        self._move(lambda r, c: (r + count, c) if left <= c <= right and r >= at else (r, c))
        for area in list(self.areas):
            if area.rect is not None and left <= area.rect.left and area.rect.right <= right:
                area.inserted(at, count)

    def delete_rows(self, at: int, count: int, left: int, right: int) -> None:
        """Delete the cells of these rows in these columns; what is below moves up."""

        def moved(row: int, column: int) -> Place | None:
            if not left <= column <= right or row < at:
                return row, column
            return None if row < at + count else (row - count, column)

        self._move(moved)
        for area in list(self.areas):
            if area.rect is not None and left <= area.rect.left and area.rect.right <= right:
                area.deleted(at, count)

    def insert_columns(self, at: int, count: int, top: int, bottom: int) -> None:
        """Insert cells before column `at` in these rows; what is right of them moves right."""
        self._move(lambda r, c: (r, c + count) if top <= r <= bottom and c >= at else (r, c))
        for area in list(self.areas):
            if area.rect is not None and top <= area.rect.top and area.rect.bottom <= bottom:
                area.inserted(at, count, columns=True)

    def delete_columns(self, at: int, count: int, top: int, bottom: int) -> None:
        """Delete the cells of these columns in these rows; what is right of them moves left."""

        def moved(row: int, column: int) -> Place | None:
            if not top <= row <= bottom or column < at:
                return row, column
            return None if column < at + count else (row, column - count)

        self._move(moved)
        for area in list(self.areas):
            if area.rect is not None and top <= area.rect.top and area.rect.bottom <= bottom:
                area.deleted(at, count, columns=True)

    def _move(self, moved: Callable[[int, int], Place | None]) -> None:
        self.cells = {place: cell for old, cell in self.cells.items() if (place := moved(*old)) is not None}
        self.formats = {
            place: text for old, text in self.formats.items() if (place := moved(*old)) is not None
        }
