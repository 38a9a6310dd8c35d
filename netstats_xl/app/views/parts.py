"""What a sheet's builder hands over, and the sheet that the charts are fed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Anchor, Block, CellSpec, Column, ColumnRef, Row, SheetSpec, TableSpec

CHART_DATA = "Chart data"
"""Name of the hidden sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What fills a sheet."""

    rows: Mapping[str, Iterable[Row]] = field(default_factory=dict)
    cells: Mapping[str, CellValue] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    """What the sheet does not show for want of room, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPart(Filling):
    """A sheet and what fills it."""

    spec: SheetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """The title of a chart: a text, or what a cell of the hidden sheet holds."""

    text: str
    """Of a title in a cell: what it says before there is anything."""
    cell: str | None = None


def title_cells(titles: Mapping[Title, str]) -> dict[str, CellValue]:
    """What the cells of these titles say."""
    return {title.cell: text for title, text in titles.items() if title.cell is not None}


class ChartData:
    """Collects the tables that charts and drop-downs read, and lays them side by side on one hidden sheet.

    Titles that change while a workbook is open stand in its first column.
    """

    def __init__(self, titles: Sequence[Title] = ()) -> None:
        self._titles = [title.cell for title in titles if title.cell is not None]
        self._tables: list[TableSpec] = []
        self._rows: dict[str, Sequence[Row]] = {}
        self._next_column = 2 if self._titles else 0

    def add(self, name: str, columns: Sequence[Column], rows: Sequence[Row] = (), *, room: int = 0) -> None:
        """Add a table. `name` must be new."""
        if name in self._rows:
            raise ValueError(f"the feed table {name!r} exists already")
        self._tables.append(
            TableSpec(
                name=name,
                anchor=Anchor(row=0, column=self._next_column),
                columns=tuple(columns),
                autofilter=False,
                room=room,
            )
        )
        self._rows[name] = rows
        self._next_column += len(columns) + 1

    def part(self) -> SheetPart:
        """The sheet with everything added so far."""
        titles: list[Block] = [
            CellSpec(name=cell, anchor=Anchor(row=row, column=0)) for row, cell in enumerate(self._titles)
        ]
        return SheetPart(
            spec=SheetSpec(
                name=CHART_DATA, blocks=(*titles, *self._tables), freeze=Anchor(row=1, column=0), hidden=True
            ),
            rows=dict(self._rows),
        )


def column_ref(table: str, column: Column) -> ColumnRef:
    """A reference to a column of a table."""
    return ColumnRef(table=table, column=column.header)
