"""Areas and cells as lines of JSON tell them."""

from __future__ import annotations

import re
from typing import Any

from com.sun.star.table import CellRangeAddress

TIME, DURATION = 4, 8196
"""`com.sun.star.util.NumberFormat`."""
ELAPSED = re.compile(r"\[(\w)\1*\]")
"""In the code of a number format: hours, minutes or seconds that go on counting, in any language."""


class Unrecorded:
    """Keeps what is written from the user's list of Undo. Writing itself may end the lock, and so does leaving."""

    def __init__(self, document: Any) -> None:
        self._manager = document.UndoManager

    def __enter__(self) -> None:
        self._manager.lock()

    def __exit__(self, *exception: object) -> None:
        self._manager.unlock()


def area_of(sheet: int, top: int, left: int, bottom: int, right: int) -> Any:
    """An area of a sheet, by its number and its corners, as UNO takes it."""
    return CellRangeAddress(sheet, left, top, right, bottom)


def without_totals(table: Any) -> Any:
    """The area of a table with its header and without its row of totals."""
    area = table.DataArea
    area.EndRow -= int(table.TotalsRow)
    return area


def corners(area: Any) -> list[int]:
    """`[top, left, bottom, right]`."""
    return [area.StartRow, area.StartColumn, area.EndRow, area.EndColumn]


def values_of(cells: Any) -> list[list[Any]]:
    """What cells hold, as JSON can tell it."""
    held = cells.getDataArray()
    found = [[None if cell == "" else cell for cell in row] for row in held]
    for row, values in enumerate(held):
        if None in values:  # an error
            for column, value in enumerate(values):
                if value is None:
                    found[row][column] = {"error": cells.getCellByPosition(column, row).String}
    return found


def stored(value: Any) -> Any:
    """A value as `setDataArray` takes it, which reads no text as anything else."""
    if value is None:
        return ""
    return float(value) if isinstance(value, (int, float)) else value


def sort_of(form: Any) -> int:
    """The sort of a number format; LibreOffice takes a duration for a time of day."""
    sort = int(form.Type)
    return sort | DURATION if sort & TIME and ELAPSED.search(form.FormatString) else sort
