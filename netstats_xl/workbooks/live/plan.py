"""What is to be written so that a table shows what it should: pure, in numbers of rows and columns.

Columns are found by their headers, so that a user may move them and put his own between them; his own, and those
that he types into, are never written.
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import ne

from netstats_xl.domain.views import TableSpec
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.live.values import Cell, RawCell, raw_key
from netstats_xl.workbooks.xlsx_parts import Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A table as it stands: its header texts, and its rows by column, as they were read."""

    headers: Sequence[str]
    columns: Sequence[Sequence[RawCell]]
    rows: int

    @classmethod
    def of(cls, block: Sequence[Sequence[RawCell]]) -> "Present":
        """From a header and the rows below it."""
        headers = ["" if cell is None else str(cell) for cell in block[0]]
        rows = len(block) - 1
        columns = list(zip(*block[1:], strict=True)) if rows else [() for _ in headers]
        return cls(headers=headers, columns=columns, rows=rows)

    def positions(self) -> Mapping[str, int]:
        """The column of each header, as headers are compared; of equal ones the first."""
        found: dict[str, int] = {}
        for position, header in enumerate(self.headers):
            found.setdefault(normalised(header), position)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Values for some cells of a table, counted from its header's first cell as 0."""

    top: int
    left: int
    columns: Sequence[Sequence[Cell]]

    def within(self, place: Area) -> Area:
        """The cells on the sheet, of a table that stands there."""
        top, left = place.first_row + self.top, place.first_column + self.left
        return Area(top, left, top + len(self.columns[0]) - 1, left + len(self.columns) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done with a table."""

    rows: int | None = None
    """How many rows below the header it shall have; None: as many as it has."""
    writes: Sequence[Rectangle] = ()
    left_out: int = 0
    """How many rows do not fit."""

    @property
    def empty(self) -> bool:
        """Whether the table is as it should be."""
        return self.rows is None and not self.writes


def plan_output(
    spec: TableSpec, present: Present, wanted: Sequence[Sequence[Cell]], *, capacity: int | None = None
) -> Plan:
    """Make a table of ours hold these rows, given by column in the spec's order.

    With a key the rows that it holds keep their order, and new ones follow. Blank cells take the place of rows
    that are no more. `capacity`: how many rows it can have at most.
    """
    positions = present.positions()
    found = [positions.get(normalised(column.header)) for column in spec.columns]
    count = len(wanted[0]) if wanted else 0
    fitting = count if capacity is None else min(count, capacity)
    order = _order(spec, present, wanted, found)[:fitting]
    length = max(present.rows, fitting)
    final: dict[int, list[Cell]] = {}
    for position, values in zip(found, wanted, strict=True):
        if position is not None:
            final[position] = [values[row] for row in order] + [None] * (length - len(order))
    rows = max(fitting, 1)
    return Plan(
        rows=None if rows == present.rows else rows,
        writes=tuple(_rectangles(present, final, length)),
        left_out=count - fitting,
    )


def _order(
    spec: TableSpec, present: Present, wanted: Sequence[Sequence[Cell]], found: Sequence[int | None]
) -> Sequence[int]:
    """The wanted rows in the order in which the table shall hold them."""
    count = len(wanted[0]) if wanted else 0
    headers = [column.header for column in spec.columns]
    if spec.key is None or spec.key not in headers:
        return range(count)
    index = headers.index(spec.key)
    position = found[index]
    if position is None:
        return range(count)
    waiting = _by_key(map(raw_key, wanted[index]))
    held = [waiting[key].popleft() for key in map(raw_key, present.columns[position]) if waiting.get(key)]
    taken = set(held)
    return held + [row for row in range(count) if row not in taken]


def plan_typed(
    spec: TableSpec, present: Present, wanted: Sequence[Sequence[Cell]], keys: Sequence[Sequence[Hashable]]
) -> Plan:
    """Fill the columns that the user does not type into, of the rows whose typed cells the wanted rows repeat.

    `keys` gives the typed cells of the wanted rows, by column of the spec, as `value_key` makes them. A row that
    no wanted row repeats is left alone; of one with nothing typed the other cells of ours become blank.
    """
    positions = present.positions()
    found = [positions.get(normalised(column.header)) for column in spec.columns]
    typed = [
        (index, position)
        for index, (column, position) in enumerate(zip(spec.columns, found, strict=True))
        if column.typed and position is not None
    ]
    if not typed or not present.rows:
        return Plan()
    waiting = _by_key(zip(*(keys[index] for index, _ in typed), strict=True))
    rows: list[int | None] = []
    alone: set[int] = set()
    held = zip(*(map(raw_key, present.columns[position]) for _, position in typed), strict=True)
    for row, key in enumerate(held):
        if all(part is None for part in key):
            rows.append(None)
        elif waiting.get(key):
            rows.append(waiting[key].popleft())
        else:
            rows.append(None)
            alone.add(row)
    final = {
        position: [
            present.columns[position][row] if row in alone else None if source is None else values[source]
            for row, source in enumerate(rows)
        ]
        for column, position, values in zip(spec.columns, found, wanted, strict=True)
        if position is not None and not column.typed
    }
    return Plan(writes=tuple(_rectangles(present, final, present.rows)))


def _by_key(keys: Iterable[Hashable]) -> dict[Hashable, deque[int]]:
    found: dict[Hashable, deque[int]] = defaultdict(deque)
    for row, key in enumerate(keys):
        found[key].append(row)
    return dict(found)


def _rectangles(present: Present, final: Mapping[int, Sequence[Cell]], length: int) -> Iterator[Rectangle]:
    """What to write so that the columns become `final`: for adjacent columns what changes, and what is between."""
    blank = (None,) * (length - present.rows)
    changed = {
        column: _differing((*present.columns[column], *blank), values) for column, values in final.items()
    }
    for run in runs(final):
        changing = [column for column in run if changed[column]]
        if changing:
            left, right = changing[0], changing[-1]
            top = min(changed[column][0] for column in changing)
            bottom = max(changed[column][-1] for column in changing)
            columns = [final[column][top : bottom + 1] for column in range(left, right + 1)]
            yield Rectangle(top=top + 1, left=left, columns=columns)


def runs(numbers: Iterable[int]) -> Iterator[list[int]]:
    """The numbers, ascending, in runs without a gap."""
    run: list[int] = []
    for number in sorted(numbers):
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _differing(before: Sequence[RawCell], after: Sequence[Cell]) -> list[int]:
    """The rows in which a column changes. A flag is no number, though Python takes True for 1; nor is an error."""
    types = {*map(type, before), *map(type, after)}
    if types & {bool, int}:
        return [
            row
            for row, (old, new) in enumerate(zip(before, after, strict=True))
            if old != new or (old is not None and type(old) is not type(new))
        ]
    if list(before) == after:
        return []
    return list(compress(count(), map(ne, before, after)))
