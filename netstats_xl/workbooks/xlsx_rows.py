"""Writes rows into a table of the user's workbook, at the user's request, and touches nothing else in the file.

Only the XML of the table's sheet and of the table itself is edited; all other parts are copied byte by byte, so
that macros, charts, sparklines and whatever else this program does not know survive.
"""

import shutil
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from lxml import etree

from netstats_xl.domain.tables import CellValue
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.files import replacing
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.xlsx_cells import CellReader
from netstats_xl.workbooks.xlsx_faults import translating
from netstats_xl.workbooks.xlsx_parts import Area, Package, TablePart, reading
from netstats_xl.workbooks.xlsx_sheet_xml import SheetXml

Cells = Mapping[str, CellValue]
"""By header."""
_LAST_ROW = 1_048_576
_MOST_COPIES = 999


def append_rows(
    path: Path,
    table: str,
    rows: Sequence[Cells],
    *,
    replace: Mapping[int, Cells] | None = None,
    remove: Collection[int] = (),
    reason: str = "expand",
    keep_once: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Path:
    """Write new rows below the last one of a table, and into cells of rows that exist; clear rows that are to go.

    Blank rows at the table's end are filled first; then the table grows, if the rows below it are free. New
    cells look like the ones above them. Of `replace`, by row number, only the named cells are written. Rows to
    `remove` become blank, but for calculated columns: rows that move would pull formulas elsewhere along, which
    only a spreadsheet program can do. The workbook as it was is kept beside it as `NAME (before REASON).xlsx`.

    Args:
        keep_once: Where there is such a copy already, leave it, and make no other.
        check: Called when the workbook was read and before it is written; what it raises ends the edit.

    Returns:
        The path of that copy.

    Raises:
        WorkbookBusy: the workbook is open in a spreadsheet program, or locked.
        WorkbookError: it cannot be read or written, it has no such table or column, or there is no room.
    """
    _refuse_open(path)
    package = Package(path)
    check()
    with reading(path):
        found = package.table(table)
        if found is None:
            raise WorkbookError(f"{path} has no table named {table}.")
        edited = _Edit(package, found).edited(rows, replace or {}, remove)
    with translating(path):
        backup = _copy_name(path, reason) if keep_once else _backup_path(path, reason)
        if not backup.exists():
            # What was read, not what lies there by now: another program may have saved meanwhile.
            backup.write_bytes(package.data)
            shutil.copystat(path, backup)
        with replacing(path) as temporary:
            _write(package, edited, temporary)
            if path.read_bytes() != package.data:
                raise WorkbookBusy(f"{path} was saved by another program just now. Try again.")
    return backup


class _Edit:
    """An edit of one table."""

    def __init__(self, package: Package, table: TablePart) -> None:
        self._package = package
        self._table = table
        self._sheet = SheetXml(package.xml(table.sheet_part), CellReader(package))
        self._xml = package.xml(table.part)
        self._columns = self._find_columns()
        self._formulas = self._find_formulas()
        self._wrote_formula = False

    def edited(
        self, rows: Sequence[Cells], replace: Mapping[int, Cells], remove: Collection[int]
    ) -> dict[str, bytes | None]:
        """The parts that change; None for one that goes."""
        table, sheet = self._table, self._sheet
        for number in remove:
            self._clear_row(number)
        last_used = self._last_used()
        last_row = max(table.last_row, last_used + len(rows)) if rows else table.last_row
        if last_row > table.last_row:
            self._refuse_no_room(last_used, last_row)
        for number, cells in replace.items():
            sheet.write(number, self._by_column(cells), pattern_row=number)
        pattern_row = max(table.first_row, last_used)
        for number, cells in enumerate(rows, start=last_used + 1):
            self._write_row(number, self._by_column(cells), pattern_row)
        edited: dict[str, bytes | None] = {}
        if last_row > table.last_row:
            sheet.extend_ranges(table.area, last_row)
            edited[table.part] = self._grown_table(last_row)
        edited[table.sheet_part] = sheet.bytes()
        return edited | (_recalculated(self._package) if self._wrote_formula else {})

    def _find_columns(self) -> dict[str, int]:
        """The column of each header, as headers are compared."""
        area = self._table.area
        found: dict[str, int] = {}
        for offset, header in enumerate(self._table.headers):
            column = area.first_column + offset
            shown = self._sheet.value(area.first_row, column) if self._table.header_rows else None
            found.setdefault(normalised(shown if isinstance(shown, str) else header), column)
        return found

    def _find_formulas(self) -> dict[int, str]:
        """The formulas of the table's calculated columns, by column."""
        first = self._table.area.first_column
        columns = enumerate(self._xml.iterfind("{*}tableColumns/{*}tableColumn"), start=first)
        found = {number: column.findtext("{*}calculatedColumnFormula") for number, column in columns}
        return {number: formula for number, formula in found.items() if formula}

    def _last_used(self) -> int:
        """The last row with a value: within the table or, where it is full, in the rows right below it."""
        table, sheet = self._table, self._sheet
        for row in range(table.last_row, table.first_row - 1, -1):
            if not self._is_free(row):
                break
        else:
            return table.first_row - 1
        while row >= table.last_row and not table.totals_rows and not sheet.is_blank(row + 1, table.area):
            row += 1
        return row

    def _is_free(self, row: int) -> bool:
        """Whether a row of the table holds nothing but what its calculated columns give."""
        area = self._table.area
        return all(
            self._sheet.has_formula(row, column) or self._sheet.value(row, column) is None
            for column in range(area.first_column, area.last_column + 1)
        )

    def _refuse_no_room(self, last_used: int, last_row: int) -> None:
        table = self._table
        more = f"The table {table.name} needs {last_row - table.last_row} more rows"
        if table.totals_rows:
            raise WorkbookError(f"{more}, and has a totals row. Turn the totals row off, and try again.")
        if last_row > _LAST_ROW:
            raise WorkbookError(f"{more}, which the sheet does not have.")
        wanted = Area(table.last_row + 1, table.area.first_column, last_row, table.area.last_column)
        others = [each.area for each in self._package.tables if each.sheet_part == table.sheet_part]
        others.remove(table.area)
        blocked = [each.first_row for each in (*others, *self._sheet.merged()) if each.overlaps(wanted)]
        first_new = max(last_used, table.last_row) + 1
        blocked += [
            row for row in range(first_new, last_row + 1) if not self._sheet.is_blank(row, table.area)
        ]
        if blocked:
            raise WorkbookError(
                f"{more}, and row {min(blocked)} of the sheet {table.sheet} is in the way. "
                "Move what stands below the table, and try again."
            )

    def _by_column(self, cells: Cells) -> dict[int, CellValue]:
        found = {}
        for header, value in cells.items():
            column = self._columns.get(normalised(header))
            if column is not None:
                found[column] = value
            elif value is not None:
                raise WorkbookError(
                    f"The table {self._table.name} has no column {header!r}. Give a column this header, and try again."
                )
        return found

    def _write_row(self, number: int, values: Mapping[int, CellValue], pattern_row: int) -> None:
        area = self._table.area
        computed = set(self._formulas)
        computed |= {column for column in values if self._sheet.has_formula(number, column)}
        complete = {
            column: values.get(column)
            for column in range(area.first_column, area.last_column + 1)
            if column not in computed
        }
        self._sheet.write(number, complete, pattern_row=pattern_row)
        for column, formula in self._formulas.items():
            if not self._sheet.has_formula(number, column):
                self._sheet.write_formula(number, column, formula, pattern_row=pattern_row)
                self._wrote_formula = True

    def _clear_row(self, number: int) -> None:
        area, sheet = self._table.area, self._sheet
        columns = [
            column
            for column in range(area.first_column, area.last_column + 1)
            if column not in self._formulas and sheet.value(number, column) is not None
        ]
        if any(sheet.has_formula(number, column) for column in columns):
            raise WorkbookError(
                f"Row {number} of the sheet {self._table.sheet} holds formulas, which are not removed from here. "
                "Delete the row in the spreadsheet program."
            )
        sheet.write(number, dict.fromkeys(columns), pattern_row=number)

    def _grown_table(self, last_row: int) -> bytes:
        area = self._table.area
        grown = Area(area.first_row, area.first_column, last_row, area.last_column)
        for element in self._xml.iter("{*}table", "{*}autoFilter"):
            element.set("ref", str(grown))
        return etree.tostring(self._xml, xml_declaration=True, encoding="UTF-8", standalone=True)


def _recalculated(package: Package) -> dict[str, bytes | None]:
    """What has the program calculate new formulas on opening: no chain of the old ones, and a request for it."""
    edited: dict[str, bytes | None] = {}
    chain = package.part_of_type("calcChain")
    if chain is not None:
        relations_part = package.relations_part(package.workbook_part)
        relations, types = package.xml(relations_part), package.xml("[Content_Types].xml")
        for relation in relations.findall("{*}Relationship"):
            if relation.get("Type", "").endswith("/calcChain"):
                relations.remove(relation)
        for override in types.findall("{*}Override"):
            if override.get("PartName", "").lower() == f"/{chain}".lower():
                types.remove(override)
        edited = {
            chain: None,
            relations_part: _serialised(relations),
            "[Content_Types].xml": _serialised(types),
        }
    properties = package.workbook.find("{*}calcPr")
    if properties is not None:
        properties.set("fullCalcOnLoad", "1")
        edited[package.workbook_part] = _serialised(package.workbook)
    return edited


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _write(package: Package, edited: Mapping[str, bytes | None], target: Path) -> None:
    """Write the package with the edited parts; names of parts are compared without case."""
    by_name = {part.lower(): content for part, content in edited.items()}
    with zipfile.ZipFile(target, "w") as out:
        for entry in package.entries():
            name = entry.filename.lower()
            content = by_name[name] if name in by_name else package.bytes(entry.filename)
            if content is not None:
                copy = zipfile.ZipInfo(entry.filename, entry.date_time)
                copy.compress_type = zipfile.ZIP_DEFLATED
                copy.external_attr = entry.external_attr
                out.writestr(copy, content)


def _refuse_open(path: Path) -> None:
    """Refuse a workbook that a spreadsheet program shows: it would overwrite our rows when it saves."""
    for lock, program in ((f"~${path.name}", "Excel"), (f".~lock.{path.name}#", "LibreOffice")):
        if path.with_name(lock).exists():
            raise WorkbookBusy(
                f"{path} is open in {program}: close it there, and try again. "
                f"If it is not, a crash left the file {lock} behind: delete it."
            )


def _backup_path(path: Path, reason: str) -> Path:
    for number in range(1, _MOST_COPIES + 1):
        copy = _copy_name(path, reason if number == 1 else f"{reason} {number}")
        if not copy.exists():
            return copy
    raise WorkbookError(f"{path} has {_MOST_COPIES} copies from before earlier changes. Delete some of them.")


def _copy_name(path: Path, reason: str) -> Path:
    return path.with_name(f"{path.stem} (before {reason}){path.suffix}")
