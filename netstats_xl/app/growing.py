"""New rows for the user's own tables, at the user's request: of blocks of addresses, and of imported definitions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from netstats_xl.domain.addresses import expand, is_block
from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.domain.targets import Definitions
from netstats_xl.errors import CellError, SheetInvalid
from netstats_xl.sheets import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    JOB_COLUMNS,
    JOBS,
    SheetColumn,
    destination_cells,
    job_cells,
    normalised,
)

Cells = Mapping[str, CellValue]
"""Values by the header as the table writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What to write into a table."""

    replaced: Mapping[int, Cells] = field(default_factory=dict)
    """New values of rows that are there, by row number."""
    added: Sequence[Cells] = ()
    skipped: Sequence[str] = ()
    """What is in the table already: addresses or names."""


def grow_blocks(table: RawTable, new_id: Callable[[], str]) -> Growth:
    """Rows for each address of the blocks and ranges in the Destinations table.

    The block's own row becomes its first address; the others are added with the same group, tags, thresholds
    and notes, each named `BLOCK'S NAME ADDRESS`. Addresses that the table holds already are skipped.

    Raises:
        SheetInvalid: a block cannot be understood, or is too large; nothing is to be written.
    """
    headers = _headers(table, DESTINATION_COLUMNS)
    host_header, name_header = headers.get("host"), headers.get("name")
    if host_header is None or name_header is None:
        return Growth()
    hosts = {_text(row, host_header).casefold() for row in table.rows}
    taken = {_text(row, name_header).casefold() for row in table.rows}
    replaced: dict[int, Cells] = {}
    added: list[Cells] = []
    skipped: list[str] = []
    errors: list[CellError] = []
    for row in table.rows:
        block = _text(row, host_header)
        if not is_block(block):
            continue
        try:
            addresses = expand(block)
        except ValueError as error:
            cell = table.address(row.number, host_header)
            errors.append(CellError(sheet=table.sheet, cell=cell, value=block, message=str(error)))
            continue
        kept = {headers[each.key]: row.cells.get(headers[each.key]) for each in _copied(headers)}
        for address in addresses:
            if address in hosts:
                skipped.append(address)
                continue
            hosts.add(address)
            name = _unused(f"{_text(row, name_header)} {address}".strip(), taken)
            if row.number in replaced:
                cells = {**kept, name_header: name, host_header: address}
                added.append({**cells, **({headers["id"]: new_id()} if "id" in headers else {})})
            else:
                replaced[row.number] = {name_header: name, host_header: address}
    if errors:
        raise SheetInvalid("Nothing was expanded: some blocks cannot be understood.", tuple(errors))
    return Growth(replaced=replaced, added=added, skipped=skipped)


def grow_definitions(
    tables: Mapping[str, RawTable], imported: Definitions, new_id: Callable[[], str]
) -> dict[str, Growth]:
    """Rows for the imported destinations and jobs whose names the tables do not hold, by table."""
    cells_by_table: dict[str, list[tuple[str, dict[str, CellValue]]]] = {
        DESTINATIONS: [(each.name, destination_cells(each)) for each in imported.destinations],
        JOBS: [(each.name, job_cells(each)) for each in imported.jobs],
    }
    columns = {DESTINATIONS: DESTINATION_COLUMNS, JOBS: JOB_COLUMNS}
    growths: dict[str, Growth] = {}
    for name, things in cells_by_table.items():
        table = tables.get(name)
        if table is None:
            continue
        headers = _headers(table, columns[name])
        own = {each.column.header: headers[each.key] for each in columns[name] if each.key in headers}
        taken = {_text(row, headers["name"]).casefold() for row in table.rows} if "name" in headers else set()
        added: list[Cells] = []
        for thing_name, cells in things:
            if thing_name.casefold() not in taken:
                row = {own[header]: value for header, value in cells.items() if header in own}
                added.append({**row, **({headers["id"]: new_id()} if "id" in headers else {})})
        skipped = [thing_name for thing_name, _ in things if thing_name.casefold() in taken]
        growths[name] = Growth(added=added, skipped=skipped)
    return growths


def _headers(table: RawTable, columns: Sequence[SheetColumn]) -> dict[str, str]:
    """The table's own header of each column that it has, by the column's key."""
    written = {normalised(header): header for header in table.headers}
    return {
        each.key: written[normalised(each.header)] for each in columns if normalised(each.header) in written
    }


def _copied(headers: Mapping[str, str]) -> list[SheetColumn]:
    return [each for each in DESTINATION_COLUMNS if each.typed and each.key in headers]


def _text(row: RawRow, header: str) -> str:
    value = row.cells.get(header)
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _unused(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate, number = f"{name} ({number})", number + 1
    taken.add(candidate.casefold())
    return candidate
