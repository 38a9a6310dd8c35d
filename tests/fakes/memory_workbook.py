"""A workbook in memory: tables that a test sets, views that it looks at."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from netstats_xl.domain.tables import CellValue, RawRow, RawTable, RowEdits
from netstats_xl.domain.views import Row, WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.sheets import normalised


def raw_table(name: str, headers: Sequence[str], *rows: Sequence[CellValue], sheet: str = "") -> RawTable:
    """A table whose header is row 1 and whose first column is A."""
    return RawTable(
        name=name,
        sheet=sheet or name,
        headers=headers,
        rows=[
            RawRow(number=number, cells=dict(zip(headers, row, strict=True)))
            for number, row in enumerate(rows, start=2)
        ],
        columns={header: chr(ord("A") + index) for index, header in enumerate(headers)},
    )


class MemoryWorkbook:
    """A `ports.Workbook`. `error`, when set, is raised by every method."""

    def __init__(self, *tables: RawTable) -> None:
        self.tables = {table.name: table for table in tables}
        self.error: WorkbookError | None = None
        self.published: list[dict[str, list[Row]]] = []
        self.cells: dict[str, CellValue] = {}
        self.ids: dict[tuple[str, int], str] = {}
        self.closed = False
        self._changes = self._read_at = 0

    def set(self, table: RawTable) -> None:
        """Put another table in the place of the one of its name, as a user who saves does."""
        self.tables[table.name] = table
        self._changes += 1

    def revision(self) -> str:
        self._refuse()
        return str(self._changes)

    def read(self, tables: Collection[str]) -> Mapping[str, RawTable]:
        self._refuse()
        self._read_at = self._changes
        by_name = {name.casefold(): table for name, table in self.tables.items()}
        return {name: by_name[name.casefold()] for name in tables if name.casefold() in by_name}

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        self._refuse()
        self.ids |= {(table, row): id_ for row, id_ in ids.items()}

    def publish(self, view: WorkbookView) -> str:
        self._refuse()
        self.published.append({name: list(rows) for name, rows in view.rows.items()})
        self.cells = dict(view.cells)
        return "memory"

    def edit(self, table: str, edits: RowEdits) -> None:
        """Rows that are removed move those below them up, as a spreadsheet program does."""
        self._refuse()
        if edits.empty:
            return
        if self._changes != self._read_at:
            raise WorkbookBusy("The rows moved since they were read.")
        found = next(
            (each for name, each in self.tables.items() if name.casefold() == table.casefold()), None
        )
        if found is None:
            raise WorkbookError(f"There is no table {table}.")
        changed = {number: _by_header(found, cells) for number, cells in edits.replace.items()}
        rows: list[Mapping[str, CellValue]] = [
            {**row.cells, **changed.get(row.number, {})}
            for row in found.rows
            if row.number not in edits.remove
        ]
        rows += [dict.fromkeys(found.headers) | _by_header(found, cells) for cells in edits.append]
        first = min((row.number for row in found.rows), default=found.header_row + 1)
        numbered = [RawRow(number=number, cells=cells) for number, cells in enumerate(rows, start=first)]
        self.set(replace(found, rows=numbered))

    def close(self) -> None:
        self.closed = True

    def _refuse(self) -> None:
        if self.error is not None:
            raise self.error


def _by_header(table: RawTable, cells: Mapping[str, CellValue]) -> dict[str, CellValue]:
    written = {normalised(header): header for header in table.headers}
    try:
        return {
            written[normalised(header)]: None if value == "" else value for header, value in cells.items()
        }
    except KeyError as error:
        raise WorkbookError(f"The table {table.name} has no column {error}.") from error
