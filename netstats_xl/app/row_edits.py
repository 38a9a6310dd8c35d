"""Changes to the user's tables that the user asked for: blocks of addresses made rows, rows taken over."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from netstats_xl.domain.addresses import expand, is_block
from netstats_xl.domain.tables import CellValue, RawTable, RowEdits
from netstats_xl.errors import CellError
from netstats_xl.sheets import DESTINATION_COLUMNS, normalised

_STATUS = frozenset(normalised(column.header) for column in DESTINATION_COLUMNS if not column.typed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """The blocks of a Destinations table as rows."""

    edits: RowEdits
    blocks: int = 0
    """How many blocks were expanded."""
    skipped: int = 0
    """How many of their addresses have a row already."""
    errors: tuple[CellError, ...] = ()
    """Blocks that cannot be expanded; they stay as they are."""


def expand_blocks(table: RawTable, *, only: Collection[int] | None = None) -> Expansion:
    """Make each row of a Destinations table whose host is a block of addresses a row for each address.

    `only`: numbers of the rows to do so with; None: all.

    The first address takes the block's own row, the others new rows with the same group, thresholds and so on,
    named after the block's row and the address. An address that has a row already gets no second one; of a block
    all of whose addresses have one, nothing is changed.
    """
    written = _Headers(table)
    name_header, host_header = written["Name"], written["Host"]
    names = {_key(row.cells.get(name_header)) for row in table.rows}
    hosts = {_key(row.cells.get(host_header)) for row in table.rows}
    copied = [header for header in table.headers if normalised(header) not in _STATUS]
    append: list[Mapping[str, CellValue]] = []
    replace: dict[int, Mapping[str, CellValue]] = {}
    errors: list[CellError] = []
    blocks = skipped = 0
    for row in table.rows:
        host = row.cells.get(host_header)
        wanted = only is None or row.number in only
        if not wanted or not isinstance(host, str) or not is_block(host):
            continue
        try:
            addresses = expand(host)
        except ValueError as error:
            cell = table.address(row.number, host_header)
            errors.append(CellError(sheet=table.sheet, cell=cell, value=host, message=str(error)))
            continue
        new = [address for address in addresses if address.casefold() not in hosts]
        blocks += 1
        skipped += len(addresses) - len(new)
        hosts.update(address.casefold() for address in new)
        base = str(row.cells.get(name_header) or "").strip()
        for position, address in enumerate(new):
            cells: dict[str, CellValue] = {
                name_header: _free_name(f"{base} {address}".strip(), names),
                host_header: address,
            }
            if position == 0:
                replace[row.number] = cells
            else:
                append.append({header: row.cells.get(header) for header in copied} | cells)
    return Expansion(
        edits=RowEdits(append=tuple(append), replace=replace),
        blocks=blocks,
        skipped=skipped,
        errors=tuple(errors),
    )


def merge_rows(
    table: RawTable, incoming: Iterable[Mapping[str, CellValue]], *, key: str = "Name"
) -> RowEdits:
    """What makes the table hold these rows too: a row of the same ID, or else of the same `key`, takes the values.

    A blank ID leaves the row's own. Rows of the table that are not among them stay. `key` is a header.
    """
    written = _Headers(table)
    by_id: dict[str, int] = {}
    by_key: dict[str, int] = {}
    cells_by_number = {row.number: row.cells for row in table.rows}
    for row in table.rows:
        for index, header in ((by_id, "ID"), (by_key, key)):
            value = _key(row.cells.get(written[header]))
            if value:
                index.setdefault(value, row.number)
    append: list[Mapping[str, CellValue]] = []
    replace: dict[int, Mapping[str, CellValue]] = {}
    for cells in incoming:
        number = by_id.get(_key(cells.get("ID")), by_key.get(_key(cells.get(key))))
        if number is None:
            append.append(cells)
            continue
        present = cells_by_number[number]
        differing = {
            header: value
            for header, value in cells.items()
            if _differs(present.get(written[header]), value) and (header != "ID" or value)
        }
        if differing:
            replace[number] = differing
    return RowEdits(append=tuple(append), replace=replace)


def _differs(present: CellValue, wanted: CellValue) -> bool:
    return present != wanted and not (present is None and wanted == "")


def _free_name(wanted: str, names: set[str]) -> str:
    name, number = wanted, 2
    while name.casefold() in names:
        name, number = f"{wanted} ({number})", number + 1
    names.add(name.casefold())
    return name


def _key(value: CellValue) -> str:
    return "" if value is None else str(value).strip().casefold()


class _Headers(dict[str, str]):
    """Headers as the table writes them, by the header as we do."""

    def __init__(self, table: RawTable) -> None:
        super().__init__()
        self._by_key = {normalised(header): header for header in reversed(table.headers)}

    def __missing__(self, header: str) -> str:
        self[header] = self._by_key.get(normalised(header), header)
        return self[header]
