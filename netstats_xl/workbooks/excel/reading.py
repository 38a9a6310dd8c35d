"""Reads tables of an open workbook as `xlsx_reader` reads them from a file."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.domain.views import TableSpec
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.excel.busy import Com
from netstats_xl.workbooks.excel.tables import Block, LiveTable, Places, below, block_of
from netstats_xl.workbooks.live.values import RawCell, plain_value
from netstats_xl.workbooks.xlsx_cells import format_sort, number_shown
from netstats_xl.workbooks.xlsx_parts import Area, column_letters

FAR = 500
"""So many rows below a table are looked at: for rows that it did not take in, and for rows apart from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCells:
    """A table as it stands, with what stands below it in its columns."""

    live: LiveTable
    place: Area
    """Header and rows."""
    totals: bool
    headers: Sequence[str]
    body: Block
    beyond: Block
    """Rows below it that no other table has, down to the last one with a value."""

    def rows(self) -> Iterator[tuple[int, Sequence[RawCell]]]:
        """The rows by their number on the sheet, the blank ones too; and those right below the table."""
        yield from enumerate(self.body, start=self.place.first_row + 1)
        for number, row in enumerate(self.beyond, start=self.place.last_row + 1):
            if _is_blank(row):
                return
            yield number, row

    def apart(self) -> Iterator[tuple[int, Sequence[RawCell]]]:
        """Rows below the table, a blank row or more apart."""
        attached = True
        for number, row in enumerate(self.beyond, start=self.place.last_row + 1):
            attached = attached and not _is_blank(row)
            if not attached and not _is_blank(row):
                yield number, row

    def positions(self) -> Mapping[str, int]:
        """The column of each header, as headers are compared."""
        found: dict[str, int] = {}
        for position, header in enumerate(self.headers):
            found.setdefault(normalised(header), position)
        return found


def _is_blank(row: Sequence[RawCell]) -> bool:
    return all(value is None or value == "" for value in row)


def cells_of(live: LiveTable) -> TableCells:
    """What a table holds. Its number of calls does not depend on the number of rows."""
    place, totals = live.place(), bool(live.table.get("ShowTotals"))
    block = block_of(live.range(place if totals else below(place, FAR)))
    count = place.last_row - place.first_row
    beyond = block[count + 1 :]
    if any(not _is_blank(row) for row in beyond):
        beyond = beyond[: _rows_to_the_next(live, place, len(beyond))]
    while beyond and _is_blank(beyond[-1]):
        beyond = beyond[:-1]
    return TableCells(
        live=live,
        place=place,
        totals=totals,
        headers=["" if cell is None else str(cell) for cell in block[0]],
        body=block[1 : count + 1],
        beyond=beyond,
    )


def _rows_to_the_next(live: LiveTable, place: Area, most: int) -> int:
    """How many rows there are before another table in the same columns."""
    tops = (
        other.first_row - 1 - place.last_row
        for other in live.others()
        if other.first_row > place.last_row and other.shares_columns(place)
    )
    return min(tops, default=most)


class Reader:
    """Reads tables, and remembers what was read last, as plain data."""

    def __init__(self, places: Places, inputs: Sequence[TableSpec]) -> None:
        self._places = places
        self._inputs = {spec.name.casefold(): spec for spec in inputs}
        self.known: dict[str, dict[int, dict[str, RawCell]]] = {}
        """The rows that `read` gave last: by the table's name, the row's number and the header as compared."""

    def typed(self, table: str) -> frozenset[str] | None:
        """The headers that the user types under, as compared; None: nobody said so."""
        return self._headers(table, typed=True)

    def ours(self, table: str) -> frozenset[str]:
        """The headers of the columns that the program fills."""
        return self._headers(table, typed=False) or frozenset()

    def _headers(self, table: str, *, typed: bool) -> frozenset[str] | None:
        spec = self._inputs.get(table.casefold())
        if spec is None:
            return None
        return frozenset(normalised(column.header) for column in spec.columns if column.typed is typed)

    def read(self, sheets: Com, name: str) -> RawTable | None:
        """The table of this name; None: the workbook has none."""
        live = self._places.find(sheets, name, name)
        if live is None:
            return None
        cells = cells_of(live)
        kept = {number: row for number, row in cells.rows() if not _is_blank(row)}
        apart = dict(cells.apart())
        meanings = _meanings(cells, {**kept, **apart}, self.ours(name))
        keys = [normalised(header) for header in cells.headers]
        self.known[name.casefold()] = {
            number: dict(zip(reversed(keys), reversed(row), strict=True)) for number, row in kept.items()
        }

        def raw_row(number: int, row: Sequence[RawCell]) -> RawRow:
            values = [
                meanings.get((number, position)) if isinstance(cell, float) else plain_value(cell)
                for position, cell in enumerate(row)
            ]
            return RawRow(number=number, cells=dict(zip(cells.headers, values, strict=True)))

        first_column = cells.place.first_column
        return RawTable(
            name=str(live.table.get("Name")),
            sheet=str(live.sheet.get("Name")),
            headers=tuple(cells.headers),
            rows=tuple(raw_row(number, row) for number, row in kept.items()),
            columns={
                header: column_letters(first_column + offset) for offset, header in enumerate(cells.headers)
            },
            header_row=cells.place.first_row,
            rows_apart=tuple(raw_row(number, row) for number, row in apart.items()),
        )

    def digest(self, sheets: Com) -> str:
        """The same as long as nothing changed in what is typed into the inputs, nor in where it stands."""
        digest = hashlib.blake2b(digest_size=16)
        for name in self._inputs:
            live = self._places.find(sheets, name, name)
            if live is None:
                continue
            cells, typed = cells_of(live), self.typed(name) or frozenset()
            wanted = [position for header, position in cells.positions().items() if header in typed]
            content = [[row[position] for position in wanted] for row in (*cells.body, *cells.beyond)]
            headers = [(cells.place.first_column + position, cells.headers[position]) for position in wanted]
            found = (name, live.sheet_name, cells.place.first_row, headers, content)
            digest.update(repr(found).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def _meanings(
    cells: TableCells, rows: Mapping[int, Sequence[RawCell]], ours: frozenset[str]
) -> dict[tuple[int, int], CellValue]:
    """What each number means under its cell's format, by row number and column position.

    In the columns that the program fills the format does not matter.
    """
    found: dict[tuple[int, int], CellValue] = {}
    for position, header in enumerate(cells.headers):
        numbers = {number: row[position] for number, row in rows.items() if isinstance(row[position], float)}
        if not numbers:
            continue
        if normalised(header) in ours:
            found |= {(number, position): plain_value(value) for number, value in numbers.items()}
            continue
        column = cells.place.first_column + position
        for part, code in _formats(cells.live, column, list(numbers)):
            sort = format_sort(code)
            for number in part:
                value = plain_value(numbers[number])
                found[number, position] = number_shown(numbers[number], sort) if sort else value
    return found


def _formats(live: LiveTable, column: int, numbers: Sequence[int]) -> Iterator[tuple[Sequence[int], str]]:
    """The number formats of the cells of a column in these rows, ascending: one question where they are alike."""
    code = live.range(Area(numbers[0], column, numbers[-1], column)).get("NumberFormat")
    if code is not None:
        yield numbers, str(code)
    elif len(numbers) == 1:
        yield numbers, "General"
    else:
        half = len(numbers) // 2
        yield from _formats(live, column, numbers[:half])
        yield from _formats(live, column, numbers[half:])
