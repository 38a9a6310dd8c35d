"""Edits of the user's tables, as steps for `uno_side`: into the very rows that were read."""

from collections.abc import Collection, Mapping, Sequence

from netstats_xl.domain.tables import CellValue, RowEdits
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.libreoffice.cells import Cells
from netstats_xl.workbooks.live.plan import runs
from netstats_xl.workbooks.live.rows import ID, same_row
from netstats_xl.workbooks.live.values import Cell, RawCell, prepared_cell

LAST_ROW = 1_048_575
"""Counted from 0."""

Known = Mapping[int, Mapping[str, RawCell]]
"""What was read of a table: by the row's number, and the header as compared."""
Steps = list[tuple[str, dict[str, object]]]


def known_of(cells: Cells) -> Known:
    """What to compare with before the rows are written."""
    keys = [normalised(header) for header in cells.headers]
    return {number: dict(zip(reversed(keys), reversed(row), strict=True)) for number, row in cells.rows()}


def refuse_moved(cells: Cells, known: Known, typed: Collection[str] | None, numbers: Collection[int]) -> None:
    """Refuse rows that do not hold any more what was read of them: by what was typed, and by their ID.

    Raises:
        WorkbookBusy: so it is.
    """
    present, positions = dict(cells.rows()), cells.positions()
    for number in numbers:
        before, now = known.get(number), present.get(number)
        if before is None or now is None or not same_row(before, now, positions, typed):
            raise WorkbookBusy(
                f"The rows of the table {cells.name} changed or moved just now. Try again in a moment."
            )


def id_steps(cells: Cells, ids: Mapping[int, str]) -> Steps:
    """Write IDs into rows that have none; none in a table without such a column."""
    position = cells.positions().get(ID)
    if position is None:
        return []
    blocks = [
        [number - 1, cells.left + position, [[ids[number]]]]
        for number, row in cells.rows()
        if number in ids and number <= cells.bottom + 1 and not row[position]
    ]
    return [("write", _within(cells, blocks))] if blocks else []


def edit_steps(
    cells: Cells, edits: RowEdits, *, typed: Collection[str] | None, ours: Collection[str], free_below: int
) -> Steps:
    """What an edit comes to. `free_below`: how many rows below the table no other table has.

    Raises:
        WorkbookError: it has no such column, or the sheet has no room.
    """
    steps: Steps = []
    blocks: list[list[object]] = []
    for number, row in edits.replace.items():
        blocks += _blocks(cells, number - 1, [_by_position(cells, row)])
    new = [_by_position(cells, row) for row in edits.append]
    area = cells.area
    if new:
        first = _first_free(cells, typed)
        last = first + len(new) - 1
        grown = last - cells.bottom
        if grown > 0:
            if last > LAST_ROW:
                raise WorkbookError(
                    "The sheet has no room for so many rows. Delete rows that are not needed."
                )
            steps += _growth(cells, grown, first - 1 - cells.bottom, free_below)
            area = [cells.top, cells.left, last, cells.right]
        ours_too = {position for header, position in cells.positions().items() if header in ours}
        blocks += _blocks(cells, first, new, also=ours_too)
    within = [number - 1 for number in edits.remove if number - 1 <= cells.bottom]
    width = len(cells.headers)
    # Rows that the table never took in.
    blocks += [[n - 1, cells.left, [[None] * width]] for n in edits.remove if n - 1 > cells.bottom]
    if blocks:
        steps.append(("write", {**_within(cells, blocks), "area": area}))
    if within:
        steps.append(("delete", {"table": cells.name, "area": area, "rows": within}))
    return steps


def _growth(cells: Cells, rows: int, attached: int, free_below: int) -> Steps:
    """Over blank cells, and rows that belong to it already; else by rows that move what is below down.

    `attached`: how many rows right below it, which it did not take in, hold something typed.
    """
    # What stands apart shall not touch it.
    in_the_way = [number for number, _ in cells.apart() if number - 1 <= cells.bottom + rows + 1]
    if not (cells.totals or in_the_way or free_below < rows):
        return [("write", {**_within(cells, []), "before": cells.bottom - cells.top + rows})]
    steps: Steps = []
    area = cells.area
    if attached > 0:
        steps.append(("write", {**_within(cells, []), "before": cells.bottom - cells.top + attached}))
        area = [cells.top, cells.left, cells.bottom + attached, cells.right]
    else:
        attached = 0
    steps.append(("insert", {"table": cells.name, "area": area, "rows": rows - attached}))
    return steps


def _within(cells: Cells, blocks: Sequence[object]) -> dict[str, object]:
    return {"table": cells.name, "area": cells.area, "before": None, "blocks": blocks, "after": None}


def _first_free(cells: Cells, typed: Collection[str] | None) -> int:
    """The row after the last one with something typed in it, counted from 0."""
    compared = [
        position
        for position, header in enumerate(cells.headers)
        if typed is None or normalised(header) in typed
    ]
    used = (
        number - 1
        for number, row in cells.rows()
        if any(row[position] not in (None, "") for position in compared)
    )
    return max(used, default=cells.top) + 1


def _blocks(
    cells: Cells, first: int, rows: Sequence[Mapping[int, Cell]], also: Collection[int] = ()
) -> list[list[object]]:
    columns = {position for row in rows for position in row} | set(also)
    return [
        [first, cells.left + run[0], [[row.get(position) for position in run] for row in rows]]
        for run in runs(columns)
    ]


def _by_position(cells: Cells, row: Mapping[str, CellValue]) -> dict[int, Cell]:
    positions, found = cells.positions(), dict[int, Cell]()
    for header, value in row.items():
        position = positions.get(normalised(header))
        if position is not None:
            found[position] = prepared_cell(value)
        elif value is not None:
            raise WorkbookError(
                f"The table {cells.name} has no column {header!r}. Give a column this header, and try again."
            )
    return found
