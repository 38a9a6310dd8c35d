"""Plays the user of a LibreOffice: `uno_side` with more to ask for. Run by LibreOffice's Python."""

from __future__ import annotations

import sys
from typing import Any

sys.path.insert(0, sys.argv[1])

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.table import TableSortField
from uno_side.answering import Office, main
from uno_side.cells import values_of
from uno_side.drawn import INFOBAR, controls


def _property(name: str, value: Any) -> Any:
    found = PropertyValue()
    found.Name, found.Value = name, value
    return found


class User(Office):
    """What a user does."""

    def open(self, path: str) -> None:
        """Open a workbook, and attach to it."""
        document = self._desktop.loadComponentFromURL(uno.systemPathToFileUrl(path), "_blank", 0, ())
        self.use(document.RuntimeUID)

    def type(self, sheet: str, cell: str, rows: list[list[Any]]) -> None:
        """Type rows, of which the first cell stands there; texts are read as a user's are."""
        sheets = self._open.Sheets
        first = sheets.getByName(sheet).getCellRangeByName(cell).CellAddress
        for down, row in enumerate(rows):
            for right, value in enumerate(row):
                typed = sheets.getByName(sheet).getCellByPosition(first.Column + right, first.Row + down)
                typed.FormulaLocal = "" if value is None else str(value)

    def one_by_one(self, sheet: str, row: int, column: int, rows: list[list[Any]]) -> None:
        """Write cells as a script does that knows no better: each on its own."""
        cells = self._open.Sheets.getByName(sheet)
        for down, values in enumerate(rows):
            for right, value in enumerate(values):
                cell = cells.getCellByPosition(column + right, row + down)
                if isinstance(value, float):
                    cell.setValue(value)
                else:
                    cell.setString(value or "")

    def values(self, sheet: str, area: str) -> list[list[Any]]:
        """What cells hold."""
        return values_of(self._open.Sheets.getByName(sheet).getCellRangeByName(area))

    def formulas(self, sheet: str, area: str) -> list[list[str]]:
        """What cells hold, as it is shown in the input line."""
        return [
            list(row) for row in self._open.Sheets.getByName(sheet).getCellRangeByName(area).getFormulaArray()
        ]

    def resize(self, table: str, rows: int) -> None:
        """Have a table hold so many rows."""
        self._resize(table, self._range(table)[1], rows)

    def sheet(self, name: str, new: str | None) -> None:
        """Rename a sheet; without a name it is removed."""
        if new is None:
            self._open.Sheets.removeByName(name)
        else:
            self._open.Sheets.getByName(name).Name = new

    def unname(self, name: str) -> None:
        """Remove a defined name."""
        self._open.NamedRanges.removeByName(name)

    def untable(self, name: str) -> None:
        """Remove a table; its cells stay."""
        self._open.DatabaseRanges.removeByName(name)

    def insert_rows(self, sheet: str, row: int, count: int) -> None:
        """Insert whole rows above a row, counted from 0."""
        self._open.Sheets.getByName(sheet).Rows.insertByIndex(row, count)

    def undoable(self) -> list[str]:
        """What could be undone, the last first."""
        return list(self._open.UndoManager.getAllUndoActionTitles())

    def undo(self) -> None:
        """Undo the last."""
        self._open.UndoManager.undo()

    def selected(self) -> str:
        """The selection."""
        return str(self._open.CurrentSelection.AbsoluteName)

    def select(self, sheet: str, area: str) -> None:
        """Select cells."""
        controller = self._open.CurrentController
        controller.setActiveSheet(self._open.Sheets.getByName(sheet))
        controller.select(self._open.Sheets.getByName(sheet).getCellRangeByName(area))

    def sort(self, table: str, column: int, descending: bool) -> None:
        """Sort the rows of a table by one of its columns."""
        area = self._range(table)[1]
        sheet = self._open.Sheets.getByIndex(area.Sheet)
        body = sheet.getCellRangeByPosition(area.StartColumn, area.StartRow + 1, area.EndColumn, area.EndRow)
        field = TableSortField()
        field.Field, field.IsAscending = column, not descending
        fields = uno.Any("[]com.sun.star.table.TableSortField", (field,))
        uno.invoke(body, "sort", ((_property("SortFields", fields), _property("ContainsHeader", False)),))

    def insert_cells(self, sheet: str, area: str, right: bool) -> None:
        """Insert blank cells; those that stand there move right, or down."""
        place = self._open.Sheets.getByName(sheet)
        mode = uno.Enum("com.sun.star.sheet.CellInsertMode", "RIGHT" if right else "DOWN")
        place.insertCells(place.getCellRangeByName(area).RangeAddress, mode)

    def swap(self, sheet: str, one: str, other: str) -> None:
        """Exchange the content of two areas of one size."""
        cells = self._open.Sheets.getByName(sheet)
        first, second = cells.getCellRangeByName(one), cells.getCellRangeByName(other)
        held = first.getDataArray()
        first.setDataArray(second.getDataArray())
        second.setDataArray(held)

    def format(self, sheet: str, area: str, code: str) -> None:
        """Give cells a number format, by its code in English."""
        locale = uno.createUnoStruct("com.sun.star.lang.Locale", "en", "US", "")
        formats = self._open.NumberFormats
        key = formats.queryKey(code, locale, False)
        cells = self._open.Sheets.getByName(sheet).getCellRangeByName(area)
        cells.NumberFormat = formats.addNew(code, locale) if key == -1 else key

    def titles(self) -> dict[str, str]:
        """The titles of all charts, by the charts' names."""
        found = {}
        for sheet in self._sheets():
            charts, page = sheet.Charts, sheet.DrawPage
            for shape in (page.getByIndex(number) for number in range(page.Count)):
                if charts.hasByName(getattr(shape, "PersistName", "")):
                    chart = charts.getByName(shape.PersistName).EmbeddedObject
                    found[shape.Name] = chart.Title.String if chart.HasMainTitle else ""
        return found

    def pivots(self) -> list[list[str]]:
        """Every pivot: its sheet and its name."""
        return [[sheet.Name, name] for sheet in self._sheets() for name in sheet.DataPilotTables.ElementNames]

    def pivot(self, sheet: str, name: str) -> list[list[Any]]:
        """What a pivot shows."""
        area = self._open.Sheets.getByName(sheet).DataPilotTables.getByName(name).OutputRange
        cells = self._open.Sheets.getByName(sheet).getCellRangeByPosition(
            area.StartColumn, area.StartRow, area.EndColumn, area.EndRow
        )
        return values_of(cells)

    def where(self, sheet: str, name: str) -> list[int]:
        """The middle of a button of the active sheet, on the screen."""
        model = self._buttons(sheet)[name]
        seen = self._open.CurrentController.getControl(model).AccessibleContext
        corner, size = seen.getLocationOnScreen(), seen.getSize()
        return [corner.X + size.Width // 2, corner.Y + size.Height // 2]

    def use_open(self, path: str) -> None:
        """Attach to a workbook that is open already."""
        self.use(next(each["uid"] for each in self.documents("") if each["path"] == path))

    def active(self) -> str:
        """The sheet that is shown."""
        return str(self._open.CurrentController.ActiveSheet.Name)

    def sheets(self) -> list[str]:
        """The sheets that are shown."""
        return [each.Name for each in self._sheets() if each.IsVisible]

    def end(self) -> None:
        """End LibreOffice; what was not saved is lost."""
        for document in self.documents(""):
            self.use(document["uid"])
            self._open.setModified(False)
        self.leave()
        self._desktop.terminate()

    def press(self, sheet: str, name: str) -> None:
        """Press a button, as the program does it for its user."""
        self._buttons(sheet)[name].State = 1

    def told(self) -> bool:
        """Whether a sentence stands above the sheet."""
        return bool(self._open.CurrentController.hasInfobar(INFOBAR))

    def controls(self, sheet: str) -> list[str]:
        """The buttons of a sheet."""
        return list(self._buttons(sheet))

    def _buttons(self, sheet: str) -> dict[str, Any]:
        page = self._open.Sheets.getByName(sheet).DrawPage
        return {model.Name: model for _, model in controls(page)}

    def save(self, path: str | None, filter_name: str) -> None:
        """Save, or save as."""
        if path is None:
            self._open.store()
        else:
            self._open.storeAsURL(uno.systemPathToFileUrl(path), (_property("FilterName", filter_name),))

    def copy(self, path: str, filter_name: str) -> None:
        """Save a copy, and go on with the original."""
        self._open.storeToURL(uno.systemPathToFileUrl(path), (_property("FilterName", filter_name),))

    def close(self) -> None:
        """Close the document without saving it."""
        document = self._open
        self.leave()
        document.close(True)

    def protect(self, sheet: str, on: bool) -> None:
        """Protect a sheet, or no more."""
        found = self._open.Sheets.getByName(sheet)
        if on:
            found.protect("")
        else:
            found.unprotect("")


if __name__ == "__main__":
    main(User)
