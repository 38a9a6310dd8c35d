"""Tables and named cells: what they hold, and what is written into them."""

from __future__ import annotations

from typing import Any

import uno
from com.sun.star.beans.PropertyState import AMBIGUOUS_VALUE as DIFFERING
from com.sun.star.uno import RuntimeException

from .attaching import Attached
from .cells import Unrecorded, area_of, corners, sort_of, stored, values_of, without_totals
from .faults import Missing, Moved, Protected

MOST_CELLS = 4000
"""So many are written at once: LibreOffice answers its user in between."""
LAST_ROW = 1048575


class Tables(Attached):
    """The tables of the document."""

    # --- reading ---

    def tables(self) -> dict[str, list[Any]]:
        """Every table: its name, and the sheet and the area where it stands: with its header, without its totals."""
        ranges, sheets = self._open.DatabaseRanges, self._open.Sheets.ElementNames
        found = {}
        for name in ranges.ElementNames:
            area = without_totals(ranges.getByName(name))
            found[name] = [sheets[area.Sheet], *corners(area)]
        return found

    def read(self, table: str, far: int, rows: int, formats: bool) -> dict[str, Any] | None:
        """A table and the blank or other cells below it; null: there is none of this name, compared without case.

        As far down as `far` rows below it, and as so many `rows` below its header, without blank rows at the end.
        With `formats` the sorts of number formats (`com.sun.star.util.NumberFormat`) of its numbers are told, as
        far as they are more than plain: by row and column within what is told.
        """
        found = self._range(table)
        if found is None:
            return None
        name, area = found
        sheet = self._open.Sheets.getByIndex(area.Sheet)
        top, left, bottom, right = corners(area)
        last = min(max(bottom + far, top + rows), LAST_ROW)
        cells = sheet.getCellRangeByPosition(left, top, right, last)
        found_rows = values_of(cells)
        while len(found_rows) > bottom - top + 1 and all(cell is None for cell in found_rows[-1]):
            found_rows.pop()
        return {
            "name": name,
            "sheet": sheet.Name,
            "area": [top, left, bottom, right],
            "totals": bool(self._open.DatabaseRanges.getByName(name).TotalsRow),
            "rows": found_rows,
            "formats": self._formats(cells, found_rows) if formats else [],
            "first_day": _day(self._open.NullDate),
        }

    def _range(self, table: str) -> tuple[str, Any] | None:
        ranges = self._open.DatabaseRanges
        for name in ranges.ElementNames:
            if name.casefold() == table.casefold():
                return name, without_totals(ranges.getByName(name))
        return None

    def _formats(self, cells: Any, rows: list[list[Any]]) -> list[list[int]]:
        known: dict[int, int] = {}
        found: list[list[int]] = []
        for column in range(len(rows[0])):
            numbers = [row for row in range(1, len(rows)) if isinstance(rows[row][column], float)]
            waiting = [numbers] if numbers else []
            while waiting:
                part = waiting.pop()
                cells_of_part = cells.getCellRangeByPosition(column, part[0], column, part[-1])
                # Where formats differ, what it gives for the property is a default.
                if len(part) > 1 and cells_of_part.getPropertyState("NumberFormat") == DIFFERING:
                    half = len(part) // 2
                    waiting += [part[:half], part[half:]]
                    continue
                key = cells_of_part.NumberFormat
                if key not in known:
                    known[key] = sort_of(self._open.NumberFormats.getByKey(key))
                found += [[row, column, known[key]] for row in part]
        return found

    def _named(self, name: str) -> Any:
        names = self._open.NamedRanges
        if not names.hasByName(name):
            return None
        found = names.getByName(name)
        # Of a cell that was removed with its sheet LibreOffice gives the one that took its place.
        return None if "#REF!" in found.Content else found.ReferredCells

    # --- writing: never recorded for Undo, as far as LibreOffice can be kept from it ---

    def write(
        self,
        table: str,
        area: list[int],
        before: int | None,
        blocks: list[list[Any]],
        after: int | None,
    ) -> None:
        """Write blocks `[row, column, rows]` of cells into a table that still stands there.

        `before`, `after`: how many rows below its header it has from now on, before and after they are written.
        """
        found = self._range(table)
        if found is None:
            raise Missing(table)
        name, place = found
        if corners(place) != area:
            raise Moved(table)
        if before is not None:
            self._resize(name, place, before)
        sheet = self._open.Sheets.getByIndex(place.Sheet)
        try:
            for row, column, rows in blocks:
                self._write_rows(sheet, row, column, rows)
        except Protected:
            if before is not None:
                self._resize(name, place, place.EndRow - place.StartRow)
            raise
        if after is not None:
            self._resize(name, place, after)

    def put(self, cells: dict[str, Any]) -> dict[str, Any]:
        """Write named cells that hold something else.

        What was not written: the names that are `missing`, and by name the sheets that are `protected`.
        """
        missing, protected = [], {}
        for name, value in cells.items():
            cell = self._named(name)
            if cell is None:
                missing.append(name)
            elif values_of(cell)[0][0] != value:
                address = cell.RangeAddress
                sheet = self._open.Sheets.getByIndex(address.Sheet)
                try:
                    self._write_rows(sheet, address.StartRow, address.StartColumn, [[value]])
                except Protected as error:
                    protected[name] = str(error)
        return {"missing": missing, "protected": protected}

    def insert(self, table: str, area: list[int], rows: int) -> None:
        """Have a table grow by so many rows at its end; what stands below it within its columns moves down."""
        name, place = self._unmoved(table, area)
        sheet = self._unprotected(place.Sheet)
        below = area_of(
            place.Sheet, place.EndRow + 1, place.StartColumn, place.EndRow + rows, place.EndColumn
        )
        sheet.insertCells(below, uno.Enum("com.sun.star.sheet.CellInsertMode", "DOWN"))
        self._resize(name, place, place.EndRow - place.StartRow + rows)

    def delete(self, table: str, area: list[int], rows: list[int]) -> None:
        """Delete rows of a table, by their number on the sheet; what stands below within its columns moves up."""
        name, place = self._unmoved(table, area)
        sheet = self._unprotected(place.Sheet)
        for row in sorted(rows, reverse=True):
            cells = area_of(place.Sheet, row, place.StartColumn, row, place.EndColumn)
            sheet.removeRange(cells, uno.Enum("com.sun.star.sheet.CellDeleteMode", "UP"))
        left = without_totals(self._open.DatabaseRanges.getByName(name))
        wanted = area[2] - len(rows)
        if left.EndRow != wanted or left.StartRow != area[0]:
            self._resize(name, place, wanted - area[0])

    def _unprotected(self, number: int) -> Any:
        sheet = self._open.Sheets.getByIndex(number)
        if sheet.isProtected():  # it would do nothing, and tell nothing
            raise Protected(sheet.Name)
        return sheet

    def _unmoved(self, table: str, area: list[int]) -> tuple[str, Any]:
        found = self._range(table)
        if found is None:
            raise Missing(table)
        if corners(found[1]) != area:
            raise Moved(table)
        return found

    def _resize(self, name: str, place: Any, rows: int) -> None:
        found = self._open.DatabaseRanges.getByName(name)
        last = place.StartRow + rows + int(found.TotalsRow)
        area = area_of(place.Sheet, place.StartRow, place.StartColumn, last, place.EndColumn)
        with Unrecorded(self._open):
            found.DataArea = area

    def _write_rows(self, sheet: Any, row: int, column: int, rows: list[list[Any]]) -> None:
        width = len(rows[0])
        step = max(1, MOST_CELLS // width)
        for first in range(0, len(rows), step):
            part = tuple(tuple(map(stored, each)) for each in rows[first : first + step])
            top = row + first
            cells = sheet.getCellRangeByPosition(column, top, column + width - 1, top + len(part) - 1)
            try:
                with Unrecorded(self._open):
                    cells.setDataArray(part)
            except RuntimeException as error:
                if sheet.isProtected():
                    raise Protected(sheet.Name) from error
                raise


def _day(date: Any) -> list[int]:
    return [date.Year, date.Month, date.Day]
