"""What a sheet's builder hands over, and the sheet that the charts are fed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Anchor, Column, ColumnRef, Row, SheetSpec, TableSpec

CHART_DATA = "Chart data"
"""Name of the hidden sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPart:
    """A sheet and what fills it."""

    spec: SheetSpec
    rows: Mapping[str, Iterable[Row]] = field(default_factory=dict)
    cells: Mapping[str, CellValue] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    """What the sheet does not show for want of room, in sentences."""


class ChartData:
    """Collects the tables that charts and sparklines read, and lays them side by side on one hidden sheet."""

    def __init__(self) -> None:
        self._tables: list[TableSpec] = []
        self._rows: dict[str, Sequence[Row]] = {}
        self._next_column = 0

    def add(self, name: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Add a table. `name` must be new."""
        if name in self._rows:
            raise ValueError(f"the feed table {name!r} exists already")
        self._tables.append(
            TableSpec(
                name=name,
                anchor=Anchor(row=0, column=self._next_column),
                columns=tuple(columns),
                autofilter=False,
            )
        )
        self._rows[name] = rows
        self._next_column += len(columns) + 1

    def part(self) -> SheetPart:
        """The sheet with everything added so far."""
        return SheetPart(
            spec=SheetSpec(
                name=CHART_DATA, blocks=tuple(self._tables), freeze=Anchor(row=1, column=0), hidden=True
            ),
            rows=dict(self._rows),
        )


def column_ref(table: str, column: Column) -> ColumnRef:
    """A reference to a column of a table."""
    return ColumnRef(table=table, column=column.header)
