"""What holds of every view, whatever it shows: names are unique, references exist, rows fit, nothing overlaps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    AtLeast,
    Block,
    CellSpec,
    ChartSpec,
    Column,
    ColumnRef,
    PivotChartSpec,
    PivotRatio,
    PivotSpec,
    Row,
    SheetSpec,
    SparklineSpec,
    TableSpec,
    TextSpec,
    WorkbookView,
)
from netstats_xl.sheets import INPUT_TABLES

MOST_POINTS = 2_000
"""Of a chart's series."""
ROW_PX, COLUMN_PX = 20, 64


@dataclass(frozen=True)
class CheckedView:
    """A view whose rows were gone through once."""

    sheets: dict[str, SheetSpec]
    tables: dict[str, TableSpec]
    rows: dict[str, list[tuple[CellValue, ...]]]
    cells: dict[str, CellValue]
    blocks: dict[str, list[Block]]

    def column(self, table: str, header: str) -> list[CellValue]:
        """A column's values."""
        index = [column.header for column in self.tables[table].columns].index(header)
        return [row[index] for row in self.rows[table]]

    def records(self, table: str) -> list[dict[str, CellValue]]:
        """The rows of a table by header."""
        headers = [column.header for column in self.tables[table].columns]
        return [dict(zip(headers, row, strict=True)) for row in self.rows[table]]

    def texts(self, sheet: str) -> list[str]:
        """The fixed texts of a sheet, top to bottom."""
        texts = [block for block in self.blocks[sheet] if isinstance(block, TextSpec)]
        return [text.text for text in sorted(texts, key=lambda text: (text.anchor.row, text.anchor.column))]

    def charts(self, sheet: str) -> list[ChartSpec]:
        """The charts of a sheet that are fed from tables."""
        return [block for block in self.blocks[sheet] if isinstance(block, ChartSpec)]


def check_view(view: WorkbookView) -> CheckedView:
    """Check the view, and give back what it holds."""
    blocks = {sheet.name: list(sheet.blocks) for sheet in view.spec.sheets}
    tables = {block.name: block for block in _all(blocks) if isinstance(block, TableSpec)}
    rows = {name: [tuple(row) for row in table_rows] for name, table_rows in view.rows.items()}
    checked = CheckedView(
        sheets={sheet.name: sheet for sheet in view.spec.sheets},
        tables=tables,
        rows={name: rows.get(name, []) for name in tables},
        cells=dict(view.cells),
        blocks=blocks,
    )
    assert set(rows) <= set(tables), "rows of tables that stand nowhere"
    _check_names(view, checked)
    for table in tables.values():
        _check_table(table, checked.rows[table.name])
    for sheet, sheet_blocks in blocks.items():
        for block in sheet_blocks:
            _check_references(checked, sheet, block)
        _check_overlaps(checked, view_sheet=checked.sheets[sheet])
    return checked


def _all(blocks: dict[str, list[Block]]) -> Iterable[Block]:
    for sheet_blocks in blocks.values():
        yield from sheet_blocks


def _unique(names: Sequence[str], what: str) -> None:
    folded = [name.casefold() for name in names]
    assert len(set(folded)) == len(folded), f"{what} are not unique: {sorted(names)}"


def _check_names(view: WorkbookView, checked: CheckedView) -> None:
    everything = list(_all(checked.blocks))
    _unique([sheet.name for sheet in view.spec.sheets], "sheet names")
    named = [block.name for block in everything if isinstance(block, TableSpec | CellSpec | PivotSpec)]
    _unique(named, "names of tables, cells and pivots")
    for name in named:
        assert name.replace("_", "").isalnum(), name
        assert not name[0].isdigit()
    _unique(
        [block.name for block in everything if isinstance(block, ChartSpec | PivotChartSpec)], "chart names"
    )
    cells = {block.name for block in everything if isinstance(block, CellSpec)}
    assert cells == set(view.cells), "named cells and their values differ"
    for sheet in view.spec.sheets:
        assert 0 < len(sheet.name) <= 31


def _check_table(table: TableSpec, rows: Sequence[Row]) -> None:
    headers = [column.header for column in table.columns]
    _unique(headers, f"headers of {table.name}")
    assert all(header.strip() for header in headers)
    for row in rows:
        assert len(row) == len(headers), (table.name, row)
        for value in row:
            assert not isinstance(value, datetime) or value.tzinfo is None, (table.name, value)
    if table.key is not None:
        keys = [row[headers.index(table.key)] for row in rows]
        assert len(set(keys)) == len(keys) or table.name in INPUT_TABLES, f"keys of {table.name} repeat"
    for column in table.columns:
        for rule in column.rules:
            assert not isinstance(rule, AtLeast) or rule.column is None or rule.column in headers
    if any(column.hidden is False and column.number_format for column in table.columns):
        for column in table.columns:
            _check_unit(column)


def _check_unit(column: Column) -> None:
    """A header of a measured figure names its unit."""
    words = column.header.lower()
    if any(figure in words for figure in ("rtt (", "mean", "p95", "jitter", "loss", "avail")):
        assert "(ms)" in words or "(%)" in words or column.header == "RTT, last 24 h", column.header


def _check_reference(checked: CheckedView, reference: ColumnRef) -> None:
    table = checked.tables[reference.table]
    assert reference.column in [column.header for column in table.columns], reference


def _check_references(checked: CheckedView, sheet: str, block: Block) -> None:
    match block:
        case ChartSpec():
            assert block.series
            assert block.description
            for series in block.series:
                _check_reference(checked, series.values)
                _check_reference(checked, series.categories)
                assert len(checked.rows[series.values.table]) <= MOST_POINTS
        case SparklineSpec():
            for reference in (
                ColumnRef(table=block.table, column=block.column),
                ColumnRef(table=block.source, column=block.first_column),
                ColumnRef(table=block.source, column=block.last_column),
            ):
                _check_reference(checked, reference)
            assert len(checked.rows[block.table]) == len(checked.rows[block.source])
        case PivotSpec():
            _check_pivot(checked, block)
        case PivotChartSpec():
            pivots = {each.name: each for each in _all(checked.blocks) if isinstance(each, PivotSpec)}
            assert len(pivots[block.pivot].rows) == 1
            assert not any(isinstance(value, PivotRatio) for value in pivots[block.pivot].values)
            assert len(block.colors) >= len(pivots[block.pivot].values)
        case TableSpec(streamed=True):
            assert [each for each in checked.blocks[sheet] if each is not block] == [], "it stands alone"


def _check_pivot(checked: CheckedView, pivot: PivotSpec) -> None:
    headers = [column.header for column in checked.tables[pivot.source].columns]
    fields = [*pivot.rows, *pivot.columns, *pivot.filters]
    assert len(set(fields)) == len(fields)
    captions = [value.caption for value in pivot.values]
    _unique([*captions, *headers], f"captions of {pivot.name} and headers of {pivot.source}")
    ratios = [isinstance(value, PivotRatio) for value in pivot.values]
    assert ratios == sorted(ratios), "ratios come last"
    assert not ratios[0]
    assert not (any(ratios) and pivot.columns)
    for value in pivot.values:
        used = (
            [value.plus, value.divisor, *([value.minus] if value.minus else [])]
            if isinstance(value, PivotRatio)
            else [value.column]
        )
        assert set(used) <= set(headers)
    assert set(fields) <= set(headers)


Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _check_overlaps(checked: CheckedView, *, view_sheet: SheetSpec) -> None:
    """No chart or table covers another, as far as the sizes of cells tell."""
    widths = {column: 7 * width + 5 for column, width in view_sheet.column_widths.items()}
    for block in view_sheet.blocks:
        if isinstance(block, TableSpec):
            for offset, column in enumerate(block.columns):
                width = 0 if column.hidden else 7 * column.width + 5
                widths[block.anchor.column + offset] = max(widths.get(block.anchor.column + offset, 0), width)
    areas = {
        f"{type(block).__name__} {getattr(block, 'name', '')}": area
        for block in view_sheet.blocks
        if (area := _area(checked, block, widths)) is not None
    }
    for (one, first), (other, second) in combinations(areas.items(), 2):
        apart = (
            first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]
        )
        assert apart, f"on {view_sheet.name}, {one} {first} and {other} {second} overlap"


def _area(checked: CheckedView, block: Block, widths: dict[int, float]) -> Rectangle | None:
    def left_of(column: int) -> float:
        return sum(widths.get(each, COLUMN_PX) for each in range(column))

    match block:
        case ChartSpec() | PivotChartSpec():
            left, top = left_of(block.anchor.column), block.anchor.row * ROW_PX
            return left, top, left + block.width_px, top + block.height_px
        case TableSpec():
            rows = max(1, len(checked.rows[block.name]), block.room) + 1
            return (
                left_of(block.anchor.column),
                block.anchor.row * ROW_PX,
                left_of(block.anchor.column + len(block.columns)),
                (block.anchor.row + rows) * ROW_PX,
            )
        case PivotSpec():
            across = 1 + len(block.values) if not block.columns else 9
            return (
                left_of(block.anchor.column),
                block.anchor.row * ROW_PX,
                left_of(block.anchor.column + across),
                (block.anchor.row + 10_000) * ROW_PX,
            )
        case _:
            return None
