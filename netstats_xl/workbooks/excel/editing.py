"""Writes into the user's tables, at the user's request: into the very rows that were read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from netstats_xl.domain.tables import CellValue, RowEdits
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.excel.busy import Com, Patience
from netstats_xl.workbooks.excel.escaping import escaped
from netstats_xl.workbooks.excel.faults import Refused
from netstats_xl.workbooks.excel.reading import Reader, TableCells, cells_of
from netstats_xl.workbooks.excel.tables import LAST_ROW, LiveTable, Places
from netstats_xl.workbooks.live.plan import runs
from netstats_xl.workbooks.live.rows import ID, same_row
from netstats_xl.workbooks.live.values import Cell, RawCell, prepared_cell
from netstats_xl.workbooks.xlsx_parts import Area

_TO_END_S = 10
"""Once a part is written, so long is tried to write the rest."""

Cells = Mapping[str, CellValue]
"""By header."""


class Editor:
    """Writes rows and IDs."""

    def __init__(self, places: Places, reader: Reader) -> None:
        self._places = places
        self._reader = reader

    def write_ids(self, sheets: Com, table: str, ids: Mapping[int, str]) -> None:
        """Write IDs into rows that have none; a table without such a column stays as it is."""
        cells = self._cells(sheets, table)
        position = cells.positions().get(ID)
        self._refuse_moved(cells, table, ids)
        body = dict(enumerate(cells.body, start=cells.place.first_row + 1))
        new = {row: id_ for row, id_ in ids.items() if row in body}
        if position is None or not new:
            return
        rows = range(min(new), max(new) + 1)
        # Rows between have an ID, which is written as it is: one call for all.
        column = [escaped(body[row][position] or new.get(row)) for row in rows]
        _write(cells, rows[0], position, [[value] for value in column])
        known = self._reader.known.get(table.casefold(), {})
        for row, value in zip(rows, column, strict=True):
            if row in known:
                known[row][ID] = value.removeprefix("'") if isinstance(value, str) else value

    def edit(self, sheets: Com, table: str, edits: RowEdits, patience: Patience) -> None:
        """See `ports.Workbook.edit`. All is checked before the first cell is written."""
        cells = self._cells(sheets, table)
        self._refuse_moved(cells, table, (*edits.replace, *edits.remove))
        replace = {number: _by_position(cells, table, row) for number, row in edits.replace.items()}
        append = [_by_position(cells, table, row) for row in edits.append]
        work = _Edit(
            cells=cells, ours=self._reader.ours(table), typed=self._reader.typed(table), patience=patience
        )
        with work.as_a_whole(table):
            for number, values in replace.items():
                work.replace(number, values)
            if append:
                work.append(append)
            work.remove(edits.remove)

    def _cells(self, sheets: Com, table: str) -> TableCells:
        live = self._places.find(sheets, table, table)
        if live is None:
            raise WorkbookError(f"The workbook has no table named {table}. Undo its removal.")
        return cells_of(live)

    def _refuse_moved(self, cells: TableCells, table: str, numbers: Collection[int]) -> None:
        """Refuse rows that do not hold any more what was read of them: by what was typed, and by their ID."""
        known = self._reader.known.get(table.casefold(), {})
        typed, present = self._reader.typed(table), dict(cells.rows())
        positions = cells.positions()
        for number in numbers:
            before, now = known.get(number), present.get(number)
            if before is None or now is None or not same_row(before, now, positions, typed):
                raise WorkbookBusy(
                    f"The rows of the table {table} changed or moved just now. Try again in a moment."
                )


def _by_position(cells: TableCells, table: str, row: Cells) -> dict[int, Cell]:
    positions, found = cells.positions(), dict[int, Cell]()
    for header, value in row.items():
        position = positions.get(normalised(header))
        if position is not None:
            found[position] = escaped(prepared_cell(value))
        elif value is not None:
            raise WorkbookError(
                f"The table {table} has no column {header!r}. Give a column this header, and try again."
            )
    return found


def _write(cells: TableCells, row: int, position: int, block: Sequence[Sequence[Cell]]) -> None:
    left = cells.place.first_column + position
    area = Area(row, left, row + len(block) - 1, left + len(block[0]) - 1)
    cells.live.range(area).put("Value2", block)


@dataclass(slots=True, kw_only=True)
class _Edit:
    """An edit of one table."""

    cells: TableCells
    ours: frozenset[str]
    """Headers of the columns that the program fills."""
    typed: frozenset[str] | None
    patience: Patience
    began: bool = False
    """Whether anything was written."""

    @contextmanager
    def as_a_whole(self, table: str) -> Iterator[None]:
        """Tell where only a part could be written: to try it all again would write that part twice."""
        try:
            yield
        except (WorkbookBusy, WorkbookClosed) as error:
            if self.began:
                raise WorkbookError(
                    f"Only a part of the change to the table {table} was written: look at the table, and finish "
                    f"it by hand. ({error.message})"
                ) from error
            raise
        except Refused as error:
            raise WorkbookError(
                f"The table {table} cannot be changed: its sheet is protected, or what stands below the table "
                f"is in the way. ({error.message})"
            ) from error

    def replace(self, number: int, values: Mapping[int, Cell]) -> None:
        """Write cells of a row."""
        for run in runs(values):
            self._write(number, run[0], [[values[position] for position in run]])

    def append(self, rows: Sequence[Mapping[int, Cell]]) -> None:
        """Fill blank rows at the end first; then the table grows."""
        first = self._first_free()
        last = first + len(rows) - 1
        if last > self.cells.place.last_row:
            self._grow(last)
        columns = self._columns_of(rows, first)
        for run in runs(columns):
            self._write(first, run[0], [[row.get(position) for position in run] for row in rows])

    def remove(self, numbers: Collection[int]) -> None:
        """Delete rows, the last one first, so that the numbers of the others stay."""
        place = self.cells.place
        for number in sorted(numbers, reverse=True):
            if number > place.last_row:
                # It was never taken in by the table.
                self._write(number, 0, [[None] * len(self.cells.headers)])
                continue
            self.cells.live.table.get("ListRows").do("Item", number - place.first_row).act(
                "Delete", writes=True
            )
            self._note_written()

    def _first_free(self) -> int:
        """The row after the last one with something typed in it."""
        compared = [
            position
            for position, header in enumerate(self.cells.headers)
            if self.typed is None or normalised(header) in self.typed
        ]
        used = (
            number
            for number, row in self.cells.rows()
            if any(row[position] not in (None, "") for position in compared)
        )
        return max(used, default=self.cells.place.first_row) + 1

    def _grow(self, last_row: int) -> None:
        """Have the table reach to this row, over blank cells or by rows that move what is below down."""
        place, live = self.cells.place, self.cells.live
        if last_row > LAST_ROW:
            raise WorkbookError("The sheet has no room for so many rows. Delete rows that are not needed.")
        grown = Area(place.first_row, place.first_column, last_row, place.last_column)
        if not self.cells.totals and self._is_free_below(live, last_row):
            live.table.do("Resize", live.range(grown), writes=True)
            self._note_written()
            return
        rows = live.table.get("ListRows")
        for _ in range(last_row - place.last_row):
            rows.act("Add", writes=True)
            self._note_written()

    def _is_free_below(self, live: LiveTable, last_row: int) -> bool:
        """Whether the table can grow over the cells below it: blank ones, and rows that belong to it already."""
        place = self.cells.place
        grown = Area(place.last_row + 1, place.first_column, last_row, place.last_column)
        if any(number <= last_row for number, _ in self.cells.apart()):
            return False
        if any(other.overlaps(grown) for other in live.others()):
            return False
        known = place.last_row + len(self.cells.beyond)
        rest = Area(known + 1, place.first_column, last_row, place.last_column)
        if rest.first_row > last_row:
            return True
        block = live.range(rest).get("Value2")
        values = [value for row in block for value in row] if isinstance(block, tuple) else [block]
        return all(value is None for value in values)

    def _columns_of(self, rows: Sequence[Mapping[int, Cell]], first: int) -> set[int]:
        """The columns that are written in new rows: those given, and ours, but no calculated ones."""
        given = {position for row in rows for position in row}
        ours = {
            position for position, header in enumerate(self.cells.headers) if normalised(header) in self.ours
        }
        pattern = max(self.cells.place.first_row + 1, first - 1)
        place = self.cells.place
        area = Area(pattern, place.first_column, pattern, place.last_column)
        cells = self.cells.live.range(area)
        formulas, values = (_first_row(cells.get(name)) for name in ("Formula", "Value2"))
        calculated = {
            position
            for position, (formula, value) in enumerate(zip(formulas, values, strict=True))
            # A text that begins with = is its own formula text.
            if isinstance(formula, str) and formula.startswith("=") and formula != value
        }
        return (given | ours) - calculated

    def _write(self, number: int, position: int, block: Sequence[Sequence[Cell]]) -> None:
        _write(self.cells, number, position, block)
        self._note_written()

    def _note_written(self) -> None:
        """The first write may be given up; once it is done, the others had better be done too."""
        self.began = True
        self.patience.extend(_TO_END_S)


def _first_row(block: RawCell) -> Sequence[RawCell]:
    return block[0] if isinstance(block, tuple) else (block,)
