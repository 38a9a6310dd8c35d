"""Tables of an open workbook: where they stand, and what they hold."""

from collections.abc import Sequence

from netstats_xl.workbooks.excel.busy import Com
from netstats_xl.workbooks.excel.faults import Refused
from netstats_xl.workbooks.live.values import RawCell
from netstats_xl.workbooks.xlsx_parts import Area

Block = Sequence[Sequence[RawCell]]
"""Rows of cells, as `Value2` gives them."""

LAST_ROW = 1_048_576


class Places:
    """Which sheet each table was found on last: a user may rename sheets, and move tables."""

    def __init__(self) -> None:
        self._sheets: dict[str, str] = {}

    def find(self, sheets: Com, name: str, sheet: str = "") -> "LiveTable | None":
        """The table of this name; `sheet`: where it is to be expected. None: there is no such table.

        Three calls, if it is where it was.
        """
        expected = self._sheets.get(name.casefold(), sheet)
        if expected:
            try:
                found = _on(sheets.do("Item", expected), name)
            except Refused:
                found = None
            if found is not None:
                return LiveTable(*found, expected)
        for number in range(1, sheets.get("Count") + 1):
            each = sheets.do("Item", number)
            found = _on(each, name)
            if found is not None:
                self._sheets[name.casefold()] = str(each.get("Name"))
                return LiveTable(*found, self._sheets[name.casefold()])
        self._sheets.pop(name.casefold(), None)
        return None


def _on(sheet: Com, name: str) -> tuple[Com, Com] | None:
    try:
        return sheet, sheet.get("ListObjects").do("Item", name)
    except Refused:
        return None


class LiveTable:
    """A table of an open workbook."""

    def __init__(self, sheet: Com, table: Com, sheet_name: str) -> None:
        self.sheet = sheet
        self.table = table
        self.sheet_name = sheet_name

    def place(self) -> Area:
        """Its header and its rows; not its totals. Two calls, or four if it has no row."""
        body = self.table.get("DataBodyRange")
        if body is None:
            # What is left is a blank row to type into.
            return Area.parse(self.table.get("Range").get("Address"))
        area = Area.parse(body.get("Address"))
        return Area(area.first_row - 1, area.first_column, area.last_row, area.last_column)

    def range(self, area: Area) -> Com:
        """The cells of an area of its sheet."""
        found: Com = self.sheet.do("Range", str(area))
        return found

    def others(self) -> list[Area]:
        """Where the other tables of its sheet stand."""
        tables, name = self.sheet.get("ListObjects"), self.table.get("Name")
        found = [tables.do("Item", number) for number in range(1, tables.get("Count") + 1)]
        return [Area.parse(each.get("Range").get("Address")) for each in found if each.get("Name") != name]


def below(area: Area, rows: int) -> Area:
    """The area with so many rows more, as far as a sheet has them."""
    last_row = min(area.last_row + rows, LAST_ROW)
    return Area(area.first_row, area.first_column, last_row, area.last_column)


def block_of(cells: Com) -> Block:
    """What a range of several cells holds. A single cell has no rows: a table has two at least."""
    block: Block = cells.get("Value2")
    return block
