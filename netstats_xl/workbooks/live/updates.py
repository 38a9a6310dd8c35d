"""What a view shows, prepared: one table or cell at a time."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import CellSpec, PivotSpec, Row, SheetSpec, TableSpec, WorkbookView
from netstats_xl.workbooks.live.values import Cell, prepared, prepared_cell, value_key


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUpdate:
    """What a table shall show."""

    sheet: str
    """Where the design puts it."""
    spec: TableSpec
    columns: Sequence[Sequence[Cell]]
    """Prepared values, by column of the spec."""
    keys: Sequence[Sequence[Hashable]] = ()
    """Of a table that the user types into: the typed cells by column, as `value_key` makes them."""
    pivots: Sequence[tuple[str, PivotSpec]] = ()
    """The pivots over it, and the sheets where the design puts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellUpdate:
    """What a named cell shall show."""

    name: str
    value: Cell


Update = TableUpdate | CellUpdate


def updates_of(view: WorkbookView) -> dict[Hashable, Update]:
    """What a view has rows and values for, prepared, by what it is about.

    Raises:
        ViewUnsupported: a value that no cell can hold.
    """
    found: dict[Hashable, Update] = {}
    pivots = [
        (sheet.name, block)
        for sheet in view.spec.sheets
        for block in sheet.blocks
        if isinstance(block, PivotSpec)
    ]
    for sheet in view.spec.sheets:
        for block in sheet.blocks:
            if isinstance(block, TableSpec) and block.name in view.rows:
                rows = list(view.rows[block.name])
                found["table", block.name.casefold()] = _table_update(sheet, block, rows, pivots)
            elif isinstance(block, CellSpec) and block.name in view.cells:
                value = prepared_cell(view.cells[block.name], block.kind)
                found["cell", block.name.casefold()] = CellUpdate(name=block.name, value=value)
    return found


def _table_update(
    sheet: SheetSpec, spec: TableSpec, rows: Sequence[Row], pivots: Sequence[tuple[str, PivotSpec]]
) -> TableUpdate:
    typed = any(column.typed for column in spec.columns)
    by_column: list[Sequence[CellValue]] = list(zip(*rows, strict=True)) or [() for _ in spec.columns]
    return TableUpdate(
        sheet=sheet.name,
        spec=spec,
        columns=prepared(rows, spec.columns),
        keys=[[value_key(value) for value in values] for values in by_column] if typed else (),
        pivots=[(where, pivot) for where, pivot in pivots if pivot.source == spec.name],
    )
