"""What a pivot shows: its values, computed from the rows of its source, and how they are laid out.

A viewer that computes pivots when it opens a workbook replaces all this; one that does not shows it. The layout
is the tabular one, without subtotals, that spreadsheets give such a pivot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import assert_never

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.views import Aggregate, PivotRatio, PivotSpec, PivotValue, Row
from netstats_xl.errors import ViewUnsupported

GRAND_TOTAL = "Grand Total"
BLANK = "(blank)"
ALL = "(All)"
VALUES = "Values"
_MOST_GROUPS = 200_000

Key = tuple[CellValue, ...]
_SortKey = tuple[int, float, str]


@dataclass(slots=True)
class _Tally:
    """Of one column over the rows of one group; what is no number counts only."""

    count: int = 0
    numbers: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None

    def add(self, value: CellValue) -> None:
        if value is None or value == "":
            return
        self.count += 1
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.numbers += 1
            self.total += value
            self.low = value if self.low is None or value < self.low else self.low
            self.high = value if self.high is None or value > self.high else self.high

    def result(self, aggregate: Aggregate) -> float | None:
        match aggregate:
            case Aggregate.SUM:
                return self.total if self.count else None
            case Aggregate.AVERAGE:
                return self.total / self.numbers if self.numbers else None
            case Aggregate.MIN:
                return self.low
            case Aggregate.MAX:
                return self.high
            case Aggregate.COUNT:
                return self.count or None
            case _:
                assert_never(aggregate)


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotCell:
    """A cell of the output, relative to the pivot's first cell."""

    row: int
    column: int
    value: CellValue
    number_format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotLayout:
    """The output of a pivot. Rows and columns are relative to its first cell, filters included."""

    cells: Sequence[PivotCell]
    body_row: int
    """Where the pivot begins below its filters."""
    header_rows: int
    label_columns: int
    items: int
    """Rows without the grand total."""
    series: Sequence[str]
    """Captions of the value columns, left to right, grand totals left out."""
    width: int
    height: int
    """Of the body, filters left out."""

    @property
    def first_item_row(self) -> int:
        """The row of the first item."""
        return self.body_row + self.header_rows


@dataclass(slots=True)
class PivotTally:
    """Adds up the rows of a pivot's source. `add` them all, then ask for the `layout`."""

    spec: PivotSpec
    headers: Sequence[str]
    _groups: dict[tuple[Key, Key], dict[str, _Tally]] = field(default_factory=dict)
    _rows_at: tuple[int, ...] = ()
    _columns_at: tuple[int, ...] = ()
    _needed_at: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows_at = tuple(self.headers.index(each) for each in self.spec.rows)
        self._columns_at = tuple(self.headers.index(each) for each in self.spec.columns)
        self._needed_at = {name: self.headers.index(name) for name in _columns_needed(self.spec)}

    def add(self, row: Row) -> None:
        """Count a row of the source.

        Raises:
            ViewUnsupported: the pivot would have too many rows or columns.
        """
        rows = tuple([row[at] for at in self._rows_at])
        columns = tuple([row[at] for at in self._columns_at])
        totals: Sequence[tuple[Key, Key]] = ((rows, ()), ((), columns)) if columns else ()
        for key in ((rows, columns), *totals, ((), ())):
            tallies = self._groups.get(key)
            if tallies is None:
                if len(self._groups) >= _MOST_GROUPS:
                    raise ViewUnsupported(
                        f"The pivot {self.spec.name} would have more than {_MOST_GROUPS:,} groups."
                    )
                tallies = self._groups[key] = {name: _Tally() for name in self._needed_at}
            for name, at in self._needed_at.items():
                tallies[name].add(row[at])

    def layout(self) -> PivotLayout:
        """Lay out what was counted so far."""
        spec = self.spec
        rows = sorted({key[0] for key in self._groups if key[0]}, key=_sort_key)
        columns = sorted({key[1] for key in self._groups if key[1]}, key=_sort_key) if spec.columns else [()]
        several = len(spec.values) > 1
        body = len(spec.filters) + 1 if spec.filters else 0
        header_rows = 1 + bool(spec.columns) * len(spec.columns) + several
        labels = len(spec.rows)
        blocks: list[Key] = [*columns, ()] if spec.columns else [()]
        cells = [
            cell
            for at, name in enumerate(spec.filters)
            for cell in (PivotCell(row=at, column=0, value=name), PivotCell(row=at, column=1, value=ALL))
        ]
        cells += self._header(body, header_rows, blocks)
        for at, key in enumerate([*rows, ()], start=body + header_rows):
            shown = key or (GRAND_TOTAL,)
            before: Key = rows[at - body - header_rows - 1] if key and at > body + header_rows else ()
            for column, value in enumerate(shown):
                # Only the innermost label stands in every row.
                if column < labels - 1 and key and before[: column + 1] == key[: column + 1]:
                    continue
                cells.append(PivotCell(row=at, column=column, value=BLANK if value in (None, "") else value))
            cells += self._values(at, key, blocks)
        width = labels + len(blocks) * len(spec.values)
        return PivotLayout(
            cells=cells,
            body_row=body,
            header_rows=header_rows,
            label_columns=labels,
            items=len(rows),
            series=self._series(columns),
            width=width,
            height=header_rows + len(rows) + 1,
        )

    def _header(self, body: int, header_rows: int, blocks: Sequence[Key]) -> list[PivotCell]:
        spec, labels, several = self.spec, len(self.spec.rows), len(self.spec.values) > 1
        last = body + header_rows - 1
        cells = [PivotCell(row=last, column=at, value=name) for at, name in enumerate(spec.rows)]
        if not spec.columns:
            if several:
                cells.append(PivotCell(row=body, column=labels, value=VALUES))
            cells += [
                PivotCell(row=last, column=labels + at, value=value.caption)
                for at, value in enumerate(spec.values)
            ]
            return cells
        if not several:
            cells.append(PivotCell(row=body, column=0, value=spec.values[0].caption))
        cells += [PivotCell(row=body, column=labels + at, value=name) for at, name in enumerate(spec.columns)]
        for block, key in enumerate(blocks):
            left = labels + block * len(spec.values)
            for at, value in enumerate(key or (GRAND_TOTAL,)):
                shown = BLANK if value in (None, "") else value
                cells.append(PivotCell(row=body + 1 + at, column=left, value=shown))
            if several:
                cells += [
                    PivotCell(row=last, column=left + at, value=value.caption)
                    for at, value in enumerate(spec.values)
                ]
        return cells

    def _values(self, at: int, rows: Key, blocks: Sequence[Key]) -> list[PivotCell]:
        labels, count = len(self.spec.rows), len(self.spec.values)
        cells = []
        for block, columns in enumerate(blocks):
            tallies = self._groups.get((rows, columns), {})
            for offset, value in enumerate(self.spec.values):
                result = _result(value, tallies)
                # Totals are there even where they are blank: every value's format is then among the workbook's.
                if result is not None or not rows:
                    column = labels + block * count + offset
                    cells.append(
                        PivotCell(row=at, column=column, value=result, number_format=value.number_format)
                    )
        return cells

    def _series(self, columns: Sequence[Key]) -> list[str]:
        captions = [value.caption for value in self.spec.values]
        if not self.spec.columns:
            return captions
        names = [" - ".join(label(part) for part in key) for key in columns]
        if len(captions) == 1:
            return names
        return [f"{name} - {caption}" for name in names for caption in captions]


def _columns_needed(spec: PivotSpec) -> tuple[str, ...]:
    needed: dict[str, None] = {}
    for value in spec.values:
        match value:
            case PivotValue(column=column):
                needed[column] = None
            case PivotRatio(plus=plus, minus=minus, divisor=divisor):
                needed |= dict.fromkeys(name for name in (plus, minus, divisor) if name is not None)
            case _:
                assert_never(value)
    return tuple(needed)


def label(value: CellValue) -> str:
    """A label in words, for the name of a series."""
    return BLANK if value in (None, "") else value.code if isinstance(value, ErrorValue) else str(value)


def _result(value: PivotValue | PivotRatio, tallies: Mapping[str, _Tally]) -> float | None:
    if not tallies:
        return None
    match value:
        case PivotValue(column=column, aggregate=aggregate):
            return tallies[column].result(aggregate)
        case PivotRatio(plus=plus, minus=minus, divisor=divisor, factor=factor):
            below = tallies[divisor].total
            above = tallies[plus].total - (tallies[minus].total if minus is not None else 0.0)
            return factor * above / below if below else None
        case _:
            assert_never(value)


def _sort_key(key: Key) -> tuple[_SortKey, ...]:
    """Ascending as spreadsheets sort: numbers, texts without case, flags, blanks last."""
    return tuple(_part_key(part) for part in key)


def _part_key(part: CellValue) -> _SortKey:
    if part is None or part == "":
        return 9, 0.0, ""
    if isinstance(part, bool):
        return 3, float(part), ""
    if isinstance(part, (int, float)):
        return 0, float(part), ""
    if isinstance(part, timedelta):
        return 0, part.total_seconds(), ""
    if isinstance(part, (datetime, date, time)):
        return 1, 0.0, part.isoformat()
    if isinstance(part, ErrorValue):
        return 4, 0.0, part.code
    return 2, 0.0, f"{part.casefold()}\0{part}"
