"""Rows of the user's tables that others than he at his sheet add, change and remove: judged as his own would be."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from netstats_xl.app.loading import Loaded, Loading
from netstats_xl.app.row_edits import Expansion, expand_blocks
from netstats_xl.app.service import RowCells
from netstats_xl.domain.tables import CellValue, RawRow, RawTable, RowEdits
from netstats_xl.domain.targets import Destination, Job
from netstats_xl.domain.views import Kind
from netstats_xl.errors import CellError, ConfigurationError, NotFound, SheetInvalid
from netstats_xl.ports import Workbook
from netstats_xl.sheets import DESTINATION_COLUMNS, DESTINATIONS, JOB_COLUMNS, JOBS, Reading, read_definitions
from netstats_xl.sheets.cells import is_blank, parse_moment, shown
from netstats_xl.sheets.columns import SheetColumn
from netstats_xl.sheets.nearest import nearest
from netstats_xl.sheets.rows import Layout, match_headers

_COLUMNS = {DESTINATIONS: DESTINATION_COLUMNS, JOBS: JOB_COLUMNS}
_WHAT = {DESTINATIONS: "destination", JOBS: "job"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """A row that may be written."""

    edits: RowEdits
    """Empty where the row is so already."""
    thing: Destination | Job
    """What it then defines; its ID is blank where the row shows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What came of writing a row."""

    id: str
    """Of what the row defines."""
    loaded: Loaded
    """What is in force from now on; the caller sees to it."""


class Editing:
    """Writes rows into the user's workbook, and reads it again. One call at a time.

    Every method raises a `WorkbookError` where the workbook cannot be read or written, `WorkbookClosed` where it
    is not open; and a `StoreError` where what is stored cannot be read.
    """

    def __init__(self, workbook: Workbook, loading: Loading, *, default_zone: str) -> None:
        """`default_zone`: as `Loading` has it."""
        self._workbook = workbook
        self._loading = loading
        self._default_zone = default_zone

    def write(self, table: str, cells: RowCells, id_: str | None = None) -> Edited:
        """Add a row to Destinations or Jobs or, with an ID, change these cells of its row.

        Who the new row is, a new destination or one that was retired, is decided as for a row that was typed.

        Raises:
            NotFound: no row has the ID.
            SheetInvalid: cells of the row would be bad; nothing was written.
            ConfigurationError: it was written, and waits with other changes for a confirmation.
        """
        before = self._loading.load()
        change = row_change(before, table, cells, id_, default_zone=self._default_zone)
        self._edit(table, change.edits)
        loaded = self._loading.load()
        found = _named(loaded, table, change.thing.name) or _read_back(before, loaded, table, id_)
        if found is None or loaded.held:
            raise _not_in_force(table, "written", loaded)
        return Edited(id=found.id, loaded=loaded)

    def remove(self, table: str, id_: str) -> Loaded:
        """Remove the row of this ID; what was measured stays.

        Raises:
            NotFound: no row has the ID.
            ConfigurationError: it was removed, and is in force still.
        """
        number = row_of(self._loading.load(), table, id_)
        self._edit(table, RowEdits(remove=(number,)))
        loaded = self._loading.load()
        if any(each.id == id_ for each in _things(loaded, table)):
            raise _not_in_force(table, "removed", loaded)
        return loaded

    def expand(self, rows: Collection[str] | None = None) -> tuple[Expansion, Loaded]:
        """Make rows of the blocks in Destinations: in all rows, or in those of these IDs or names.

        Raises:
            NotFound: no row has one of the IDs or names.
            SheetInvalid: there are blocks, and none can be expanded.
        """
        before = self._loading.load()
        table, _ = _layout(before, DESTINATIONS)
        only = None if rows is None else [_row_known_as(before, each) for each in rows]
        found = expand_blocks(table, only=only)
        if found.errors and found.edits.empty:
            raise _invalid(found.errors)
        self._edit(DESTINATIONS, found.edits)
        return found, self._loading.load()

    def _edit(self, table: str, edits: RowEdits) -> None:
        if not edits.empty:
            self._workbook.edit(table, edits)


def row_change(
    loaded: Loaded, table: str, cells: RowCells, id_: str | None = None, *, default_zone: str
) -> RowChange:
    """What writes these cells, by column key, into a new row of Destinations or Jobs or into that of the ID.

    The row is read as it would be with them, beside all other rows: what is bad of it is told as of a typed row.

    Raises:
        NotFound: no row has the ID.
        SheetInvalid: with an error for each cell of the row that would be bad.
    """
    raw, layout = _layout(loaded, table)
    number = _next_row(raw) if id_ is None else row_of(loaded, table, id_)
    typed = _by_header(layout, cells)
    present: Mapping[str, CellValue] = next((row.cells for row in raw.rows if row.number == number), {})
    row = RawRow(number=number, cells={**present, **typed})
    # Last, so that it is the one to be told of a name that another row has.
    others = [each for each in raw.rows if each.number != number]
    tables = {**loaded.tables, table: replace(raw, rows=(*others, row))}
    thing = _valid_thing(read_definitions(tables, default_zone=default_zone), layout, row)
    if id_ is None:
        filled = {header: value for header, value in typed.items() if value is not None}
        return RowChange(edits=RowEdits(append=(filled,)), thing=thing)
    differing = {header: value for header, value in typed.items() if value != present.get(header)}
    id_header = layout.headers.get("id")
    if differing and id_header is not None and not thing.id:
        # A row of a file may show no ID: after a change of its name and its host nothing else would tell it.
        differing[id_header] = id_
    return RowChange(edits=RowEdits(replace={number: differing} if differing else {}), thing=thing)


def row_of(loaded: Loaded, table: str, id_: str) -> int:
    """Number of the row of this ID.

    Raises:
        NotFound: none has it.
    """
    for (name, number), each in loaded.row_ids.items():
        if name == table and each == id_:
            return number
    raise NotFound(f"The table {table} has no row with the ID {id_!r} (any more).")


def _row_known_as(loaded: Loaded, text: str) -> int:
    """The row of Destinations of this ID or, where none has it, of this name: a row with a block has no ID."""
    raw, layout = _layout(loaded, DESTINATIONS)
    try:
        return row_of(loaded, DESTINATIONS, text)
    except NotFound:
        for row in raw.rows:
            if shown(layout.value(row, "name")).strip().casefold() == text.strip().casefold():
                return row.number
        raise


def _layout(loaded: Loaded, table: str) -> tuple[RawTable, Layout]:
    raw = loaded.tables.get(table)
    layout, errors = match_headers(raw, _COLUMNS[table]) if raw is not None else (None, [])
    if raw is None or layout is None:
        missing = errors or [each for each in loaded.cell_errors if each.sheet == table]
        raise SheetInvalid(f"The table {table} of the workbook cannot be read.", tuple(missing))
    return raw, layout


def _next_row(raw: RawTable) -> int:
    return max((row.number for row in raw.rows), default=raw.header_row) + 1


def _by_header(layout: Layout, cells: RowCells) -> dict[str, CellValue]:
    """The cells as they are to be typed.

    Raises:
        SheetInvalid: some are for no column that is typed.
    """
    found: dict[str, CellValue] = {}
    errors: list[CellError] = []
    table = layout.table
    for key, value in cells.items():
        column = layout.columns.get(key)
        header = layout.headers.get(key)
        if column is None or not column.typed:
            keys = [each.key for each in layout.columns.values() if each.typed]
            what = f"there is no such column{nearest(key, keys)}" if column is None else "nobody types it"
            problem = f"{what}: write some of {', '.join(keys)}"
        elif header is None and not is_blank(value):
            problem = f"the table {table.name} has no column {column.header!r}: add it to the sheet"
        else:
            problem = ""
        if problem:
            errors.append(CellError(sheet=table.sheet, cell=key, value=shown(value), message=problem))
        elif header is not None and column is not None:
            found[header] = _as_typed(column, value)
    if errors:
        raise _invalid(errors)
    return found


def _as_typed(column: SheetColumn, value: CellValue) -> CellValue:
    """The value as a user's spreadsheet program would have it, where it came as JSON has it."""
    if is_blank(value):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.column.kind is Kind.INSTANT and isinstance(value, str):
        try:
            moment = parse_moment(value)
        except ValueError:
            return value  # which is refused with its address
        return moment if moment.tzinfo is None else value
    return value


def _valid_thing(reading: Reading, layout: Layout, row: RawRow) -> Destination | Job:
    """What the row defines.

    Raises:
        SheetInvalid: it is not valid.
    """
    table = layout.table
    found: dict[int, Destination | Job] = (
        dict(zip(reading.destination_rows, reading.destinations, strict=True))
        if layout.columns.keys() >= {"host"}
        else dict(zip(reading.job_rows, reading.jobs, strict=True))
    )
    if row.number in found:
        return found[row.number]
    addresses = {layout.address(row.number, key) for key in layout.columns}
    errors = [each for each in reading.errors if each.sheet == table.sheet and each.cell in addresses]
    raise _invalid(
        errors
        or [
            CellError(
                sheet=table.sheet,
                cell=layout.address(row.number, key),
                value="",
                message="this must not be blank",
            )
            for key, column in layout.columns.items()
            if column.required
        ]
    )


def _invalid(errors: Collection[CellError]) -> SheetInvalid:
    return SheetInvalid(f"Nothing was written. {'; '.join(map(str, errors))}.", tuple(errors))


def _not_in_force(table: str, what: str, loaded: Loaded) -> ConfigurationError:
    why = " ".join(loaded.warnings) or "Look at its row."
    return ConfigurationError(f"The {_WHAT[table]} was {what}, which is not in force yet. {why}")


def _things(loaded: Loaded, table: str) -> tuple[Destination, ...] | tuple[Job, ...]:
    return loaded.definitions.destinations if table == DESTINATIONS else loaded.definitions.jobs


def _named(loaded: Loaded, table: str, name: str) -> Destination | Job | None:
    return next((each for each in _things(loaded, table) if each.name.casefold() == name.casefold()), None)


def _read_back(before: Loaded, loaded: Loaded, table: str, id_: str | None) -> Destination | Job | None:
    """What was written where its name is not what was sent: a sheet keeps no control characters, for example."""
    known = {each.id for each in _things(before, table)}
    found = [
        each for each in _things(loaded, table) if (each.id not in known if id_ is None else each.id == id_)
    ]
    return found[0] if len(found) == 1 else None
