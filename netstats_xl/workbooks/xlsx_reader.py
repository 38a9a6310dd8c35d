"""Reads native tables out of .xlsx and .xlsm files, whoever wrote them: the values that their cells show."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.workbooks.xlsx_cells import CellReader
from netstats_xl.workbooks.xlsx_parts import (
    Area,
    Package,
    TablePart,
    column_letters,
    reading,
)

_LAST_ROW = 1_048_576
_FAR = 10_000
"""So many rows without a value below a table nobody takes anything for a part of it."""


def read_tables(path: Path, names: Collection[str]) -> Mapping[str, RawTable]:
    """The tables of these names (compared without case, keyed as asked for), as far as the workbook has them.

    A formula counts as the value that it had when the file was saved. Rows right below a table, without a
    blank row between, belong to it too: not every program lets a table grow while one types. Blank rows are
    left out. What stands further below is given apart.

    Raises:
        WorkbookBusy: the file is being saved or is locked; a moment later it may be readable.
        WorkbookError: the file is not there, or is no workbook that can be read.
    """
    package = Package(path)
    with reading(path):
        wanted = {name: table for name in names if (table := package.table(name)) is not None}
        cells = CellReader(package)
        found: dict[str, RawTable] = {}
        for sheet_part in dict.fromkeys(table.sheet_part for table in wanted.values()):
            gatherers = {
                name: _Gatherer(table=table, limit=_limit_below(table, package.tables))
                for name, table in wanted.items()
                if table.sheet_part == sheet_part
            }
            for number, row in _rows(package, sheet_part):
                going_on = [gatherer for gatherer in gatherers.values() if gatherer.takes(number)]
                if all(gatherer.finished(number) for gatherer in gatherers.values()):
                    break
                if going_on:
                    values = {column: cells.value(cell) for column, cell in _cells(row)}
                    for gatherer in going_on:
                        gatherer.take(number, values)
            found |= {name: gatherer.table_read() for name, gatherer in gatherers.items()}
        return {name: found[name] for name in names if name in found}


@dataclass(slots=True, kw_only=True)
class _Gatherer:
    """Takes a sheet's rows one after the other and keeps those of one table."""

    table: TablePart
    limit: int
    """The last row that could belong to the table."""
    headers: tuple[str, ...] = ()
    rows: list[RawRow] = field(default_factory=list)
    apart: list[RawRow] = field(default_factory=list)
    below: int = 0
    """The last row that was taken; below the table's own rows each must follow on the one before."""
    last_seen: int = 0
    """The last row with a value, at or below the table's end."""

    def __post_init__(self) -> None:
        self.headers = self.table.headers
        self.below = self.last_seen = self.table.last_row

    def takes(self, number: int) -> bool:
        return self.table.area.first_row <= number and not self.finished(number)

    def finished(self, number: int) -> bool:
        """Whether neither this row nor any below it matters."""
        return number > max(self.table.last_row, min(self.limit, self.last_seen + _FAR))

    def take(self, number: int, values: Mapping[int, CellValue]) -> None:
        area = self.table.area
        mine = [values.get(column) for column in range(area.first_column, area.last_column + 1)]
        if number < self.table.first_row:
            shown = zip(mine, self.table.headers, strict=False)
            self.headers = tuple(str(cell) if cell is not None else header for cell, header in shown)
            return
        if all(value is None for value in mine):
            return
        self.last_seen = max(self.last_seen, number)
        cells = dict(zip(reversed(self.headers), reversed(mine), strict=False))
        row = RawRow(number=number, cells={header: cells[header] for header in self.headers})
        if number > self.below + 1:
            self.apart.append(row)
        else:
            self.below = max(self.below, number)
            self.rows.append(row)

    def table_read(self) -> RawTable:
        first = self.table.area.first_column
        columns = {header: column_letters(first + offset) for offset, header in enumerate(self.headers)}
        return RawTable(
            name=self.table.name,
            sheet=self.table.sheet,
            headers=self.headers,
            rows=tuple(self.rows),
            columns=columns,
            header_row=self.table.area.first_row,
            rows_apart=tuple(self.apart),
        )


def _limit_below(table: TablePart, tables: Collection[TablePart]) -> int:
    """The last row that could belong to the table: rows below a totals row do not, nor do another table's."""
    if table.totals_rows:
        return table.last_row
    others = (
        other.area.first_row - 1
        for other in tables
        if other.sheet_part == table.sheet_part
        and other.area.first_row > table.area.last_row
        and other.area.shares_columns(table.area)
    )
    return min(others, default=_LAST_ROW)


def _rows(package: Package, sheet_part: str) -> Iterator[tuple[int, etree._Element]]:
    """The sheet's rows, by number; each is gone once the next one is asked for."""
    number = 0
    with closing(package.stream(sheet_part)) as stream:
        for _, row in etree.iterparse(stream, tag="{*}row", resolve_entities=False, no_network=True):
            number = int(row.get("r") or number + 1)
            yield number, row
            row.clear()
            while row.getprevious() is not None:
                parent = row.getparent()
                assert parent is not None
                del parent[0]


def _cells(row: etree._Element) -> Iterator[tuple[int, etree._Element]]:
    """The cells of a row, by column number."""
    column = 0
    for cell in row.iterfind("{*}c"):
        reference = cell.get("r")
        column = Area.parse(reference).first_column if reference else column + 1
        yield column, cell
