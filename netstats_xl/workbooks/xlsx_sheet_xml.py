"""The XML of one sheet, edited in place: cells written, ranges extended, all else left as it was."""

import re
from bisect import bisect
from collections.abc import Mapping
from datetime import date, time, timedelta

from lxml import etree
from openpyxl.utils.datetime import to_excel

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.errors import WorkbookError
from netstats_xl.workbooks.xlsx_cells import CellReader
from netstats_xl.workbooks.xlsx_parts import Area, column_letters
from netstats_xl.workbooks.xlsx_values import clean_text

_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


class SheetXml:
    """A worksheet part."""

    def __init__(self, root: etree._Element, cells: CellReader) -> None:
        self._root = root
        self._cells = cells
        self._namespace = str(root.tag).partition("}")[0] + "}"
        data = root.find("{*}sheetData")
        if data is None:
            raise ValueError("the sheet has no cells")
        self._data = data
        self._rows: dict[int, etree._Element] = {}
        number = 0
        for row in data.iterfind("{*}row"):
            number = int(row.get("r") or number + 1)
            row.set("r", str(number))
            self._rows[number] = row
        self._numbers = sorted(self._rows)
        self._by_row: dict[int, dict[int, etree._Element]] = {}

    def bytes(self) -> bytes:
        """The part as it is to be saved."""
        return etree.tostring(self._root, xml_declaration=True, encoding="UTF-8", standalone=True)

    def value(self, row: int, column: int) -> CellValue:
        """What a cell holds, counted from 1."""
        cell = self._in_row(row).get(column)
        return None if cell is None else self._cells.value(cell)

    def has_formula(self, row: int, column: int) -> bool:
        """Whether a cell is computed."""
        cell = self._in_row(row).get(column)
        return cell is not None and cell.find("{*}f") is not None

    def is_blank(self, row: int, area: Area) -> bool:
        """Whether no cell of the row holds a value, within the area's columns."""
        values = (self.value(row, column) for column in range(area.first_column, area.last_column + 1))
        return all(value is None or (isinstance(value, str) and not value.strip()) for value in values)

    def merged(self) -> list[Area]:
        """The areas that are one cell each."""
        return [Area.parse(each.get("ref", "")) for each in self._root.iterfind("{*}mergeCells/{*}mergeCell")]

    def write(self, row: int, values: Mapping[int, CellValue], *, pattern_row: int) -> None:
        """Write values, by column; a new cell takes the format of the cell in the same column of `pattern_row`."""
        if values:
            self._widen_dimension(Area(row, min(values), row, max(values)))
        pattern = self._in_row(pattern_row)
        for column, value in sorted(values.items()):
            cell = self._cell(row, column)
            like = pattern.get(column)
            if cell.get("s") is None and like is not None and like.get("s") is not None:
                cell.set("s", like.get("s", ""))
            self._fill(cell, value)

    def write_formula(self, row: int, column: int, formula: str, *, pattern_row: int) -> None:
        """Write a formula, which the spreadsheet program calculates when it opens the file."""
        self.write(row, {column: None}, pattern_row=pattern_row)
        etree.SubElement(self._cell(row, column), f"{self._namespace}f").text = formula

    def extend_ranges(self, area: Area, last_row: int) -> None:
        """Let conditional formats and validations that end with the area's last row end with `last_row`."""
        for element in self._root.iter("{*}conditionalFormatting", "{*}dataValidation"):
            if (ranges := element.get("sqref")) is not None:
                element.set("sqref", _extended(ranges, area, last_row))
        for element in self._root.iter("{http://schemas.microsoft.com/office/excel/2006/main}sqref"):
            element.text = _extended(element.text or "", area, last_row)

    def _in_row(self, number: int) -> dict[int, etree._Element]:
        """The row's cells by column."""
        if number in self._by_row:
            return self._by_row[number]
        found: dict[int, etree._Element] = {}
        column = 0
        row = self._rows.get(number)
        for cell in row.iterfind("{*}c") if row is not None else ():
            reference = cell.get("r")
            column = Area.parse(reference).first_column if reference else column + 1
            cell.set("r", f"{column_letters(column)}{number}")
            found[column] = cell
        self._by_row[number] = found
        return found

    def _cell(self, row_number: int, column: int) -> etree._Element:
        """The cell, made where it is not there."""
        cells = self._in_row(row_number)
        if column in cells:
            return cells[column]
        row = self._row(row_number)
        row.attrib.pop("spans", "")  # an optional hint, wrong from now on
        cell = row.makeelement(f"{self._namespace}c", {"r": f"{column_letters(column)}{row_number}"})
        before = max((each for each in cells if each < column), default=None)
        if before is not None:
            cells[before].addnext(cell)
        else:
            row.insert(0, cell)
        cells[column] = cell
        return cell

    def _row(self, number: int) -> etree._Element:
        if number not in self._rows:
            row = self._data.makeelement(f"{self._namespace}row", {"r": str(number)})
            place = bisect(self._numbers, number)
            if place == 0:
                self._data.insert(0, row)
            else:
                self._rows[self._numbers[place - 1]].addnext(row)
            self._numbers.insert(place, number)
            self._rows[number] = row
        return self._rows[number]

    def _widen_dimension(self, written: Area) -> None:
        dimension = self._root.find("{*}dimension")
        if dimension is not None:
            area = Area.parse(dimension.get("ref", ""))
            wider = Area(
                min(area.first_row, written.first_row),
                min(area.first_column, written.first_column),
                max(area.last_row, written.last_row),
                max(area.last_column, written.last_column),
            )
            dimension.set("ref", str(wider))

    def _fill(self, cell: etree._Element, value: CellValue) -> None:
        if cell.find("{*}f") is not None:
            raise WorkbookError(
                f"The cell {cell.get('r')} holds a formula, which would be lost. Put a plain value there, and retry."
            )
        for child in list(cell):
            cell.remove(child)
        cell.attrib.pop("t", "")
        if value is None or value == "":
            return
        if isinstance(value, str):
            cell.set("t", "inlineStr")
            text = etree.SubElement(etree.SubElement(cell, f"{self._namespace}is"), f"{self._namespace}t")
            text.text = _LOOKS_ESCAPED.sub("_x005F_", clean_text(value))
            text.set(_SPACE, "preserve")
            return
        stored = etree.SubElement(cell, f"{self._namespace}v")
        match value:
            case bool():
                cell.set("t", "b")
                stored.text = "1" if value else "0"
            case ErrorValue(code=code):
                cell.set("t", "e")
                stored.text = code
            case date() | time() | timedelta():
                stored.text = repr(to_excel(value, self._cells.epoch))  # type: ignore[no-untyped-call]  # openpyxl
            case _:
                stored.text = repr(value)


def _extended(ranges: str, area: Area, last_row: int) -> str:
    found = []
    for each in ranges.split():
        part = Area.parse(each)
        inside = part.first_row >= area.first_row and area.first_column <= part.first_column
        if part.last_row == area.last_row and inside and part.last_column <= area.last_column:
            part = Area(part.first_row, part.first_column, last_row, part.last_column)
            each = str(part)
        found.append(each)
    return " ".join(found)
