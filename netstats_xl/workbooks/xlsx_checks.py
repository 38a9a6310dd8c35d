"""Whether a view can be a workbook: Excel's limits, and names that lead somewhere. Every problem is found."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from netstats_xl.domain.views import (
    Anchor,
    AtLeast,
    Block,
    CellSpec,
    ChartKind,
    ChartSpec,
    Column,
    ColumnRef,
    NumberBetween,
    OneOf,
    OneOfColumn,
    PivotChartSpec,
    PivotRatio,
    PivotSpec,
    PivotValue,
    SheetSpec,
    SparklineSpec,
    TableSpec,
    TextSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.errors import ViewUnsupported
from netstats_xl.workbooks.xlsx_references import MOST_ROWS, list_name
from netstats_xl.workbooks.xlsx_tables import header_text

B = TypeVar("B", bound=Block)

_MOST_COLUMNS = 16_384
_SHEET_NAME = re.compile(r"[^\[\]:*?/\\]{1,31}")
_NAME = re.compile(r"[^\W\d][\w.]{0,254}")
_LIKE_A_CELL = re.compile(r"[a-z]{1,3}\d+|[rc]|r\d*c\d*", re.IGNORECASE)
_LONGEST_HEADER = 255
_LONGEST_LITERAL = 255
"""Of a text in a formula, of a validation's message, of a list of choices."""


def check(view: WorkbookView) -> None:
    """Check what can be known before the rows are read.

    Raises:
        ViewUnsupported: with every problem.
    """
    spec = view.spec
    tables = {block.name: block for _, block in blocks_of(spec, TableSpec)}
    problems = [
        *_sheet_problems(spec),
        *_name_problems(spec),
        *(problem for table in tables.values() for problem in _table_problems(table)),
        *(problem for sheet in spec.sheets for problem in _stream_problems(sheet)),
        *(
            problem
            for sheet in spec.sheets
            for block in sheet.blocks
            for problem in _block_problems(block, tables)
        ),
        *_list_problems(spec, tables),
        *_title_problems(spec),
        *_pivot_problems(spec, tables),
        *_filling_problems(view, tables),
    ]
    if problems:
        raise ViewUnsupported("The workbook cannot be written: " + "; ".join(problems) + ".")


def blocks_of(spec: WorkbookSpec, kind: type[B]) -> Iterator[tuple[SheetSpec, B]]:
    """The blocks of one kind, with their sheets, in order."""
    for sheet in spec.sheets:
        for block in sheet.blocks:
            if isinstance(block, kind):
                yield sheet, block


def _sheet_problems(spec: WorkbookSpec) -> Iterator[str]:
    if all(sheet.hidden for sheet in spec.sheets):
        yield "it has no visible sheet"
    for sheet in spec.sheets:
        name = sheet.name
        # Excel keeps "History" for itself.
        if (
            not _SHEET_NAME.fullmatch(name)
            or name[0] == "'"
            or name[-1] == "'"
            or name.casefold() == "history"
        ):
            yield f"{name!r} cannot name a sheet (1 to 31 characters, none of [ ] : * ? / \\)"
    yield from _doubles("sheet", [sheet.name for sheet in spec.sheets])


def _name_problems(spec: WorkbookSpec) -> Iterator[str]:
    tables = [block.name for _, block in blocks_of(spec, TableSpec)]
    cells = [block.name for _, block in blocks_of(spec, CellSpec)]
    for name in (*tables, *cells):
        if not _NAME.fullmatch(name) or _LIKE_A_CELL.fullmatch(name):
            yield f"{name!r} cannot name a table or cell (letters, digits, _ and ., and unlike A1 and R1C1)"
    lists = [list_name(ref) for ref in lists_of(spec)]
    yield from _doubles("table, cell or list", [*tables, *cells, *lists])
    charts = [block.name for _, block in blocks_of(spec, ChartSpec)]
    charts += [block.name for _, block in blocks_of(spec, PivotChartSpec)]
    yield from _doubles("chart", charts)
    yield from _doubles("pivot", [block.name for _, block in blocks_of(spec, PivotSpec)])


def _doubles(what: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            yield f"two have the {what} name {name!r}"
        seen.add(name.casefold())


def _table_problems(table: TableSpec) -> Iterator[str]:
    where = f"the table {table.name}"
    if not table.columns:
        yield f"{where} has no columns"
    last = table.anchor.column + len(table.columns)
    rows = max(table.spare_rows + 1, table.room)
    if last > _MOST_COLUMNS or table.anchor.row + 1 + rows > MOST_ROWS:
        yield f"{where} reaches beyond the sheet"
    headers = [header_text(column) for column in table.columns]
    yield from _doubles(f"{table.name} column", headers)
    if table.key is not None and table.key not in headers:
        yield f"the key of {where} is no column of it"
    for column, header in zip(table.columns, headers, strict=True):
        if not header.strip():
            yield f"{where} has a column without a header"
        if len(header) > _LONGEST_HEADER:
            yield f"{where} has a header of more than {_LONGEST_HEADER} characters"
        if column.format_by is not None and (table.streamed or column.format_by.column not in headers):
            yield f"the formats of {table.name}[{column.header}] by row need another column, of a table not streamed"
        yield from _rule_problems(
            f"{table.name}[{column.header}]", column, [each.header for each in table.columns]
        )


def _rule_problems(where: str, column: Column, headers: Sequence[str]) -> Iterator[str]:
    for rule in column.rules:
        if isinstance(rule, AtLeast) and rule.column is not None and rule.column not in headers:
            yield f"a rule of {where} needs the column {rule.column!r}"
        if len(getattr(rule, "text", "")) > _LONGEST_LITERAL:
            yield f"a rule of {where} compares with more than {_LONGEST_LITERAL} characters"
    match column.validation:
        case OneOf(choices=choices, message=message):
            if not choices or any("," in choice or not choice.strip() for choice in choices):
                yield f"the choices of {where} must be texts without commas"
            if len(",".join(choices)) > _LONGEST_LITERAL:
                yield f"the choices of {where} have more than {_LONGEST_LITERAL} characters"
        case OneOfColumn(message=message):
            pass
        case NumberBetween(low=low, high=high, message=message):
            if not low <= high:
                yield f"the limits of {where} are the wrong way round"
        case _:
            return
    if len(message) > _LONGEST_LITERAL:
        yield f"the message of {where} has more than {_LONGEST_LITERAL} characters"


def _stream_problems(sheet: SheetSpec) -> Iterator[str]:
    """A streamed table owns every row from its header down."""
    streamed = [block for block in sheet.blocks if isinstance(block, TableSpec) and block.streamed]
    for table in streamed:
        for block in sheet.blocks:
            rivals = isinstance(block, (TableSpec, PivotSpec)) and block is not table
            below = isinstance(block, (TextSpec, CellSpec)) and block.anchor.row >= table.anchor.row
            if rivals or below:
                yield f"the table {table.name} is streamed, so nothing else may stand in its rows on {sheet.name!r}"


def _block_problems(block: Block, tables: Mapping[str, TableSpec]) -> Iterator[str]:
    anchor = getattr(block, "anchor", None)
    if isinstance(anchor, Anchor) and not (
        0 <= anchor.row < MOST_ROWS and 0 <= anchor.column < _MOST_COLUMNS
    ):
        yield f"{anchor} is no cell of a sheet"
    if isinstance(block, ChartSpec):
        refs = [(ref.table, ref.column) for each in block.series for ref in (each.values, each.categories)]
        yield from _ref_problems(f"the chart {block.name}", refs, tables)
        yield from _series_problems(block)
    if isinstance(block, SparklineSpec):
        refs = [(block.table, block.column)]
        refs += [(block.source, column) for column in (block.first_column, block.last_column)]
        yield from _ref_problems(f"the sparklines of {block.table}", refs, tables)


def lists_of(spec: WorkbookSpec) -> list[ColumnRef]:
    """The columns that drop-downs offer, each once, in order."""
    return list(
        dict.fromkeys(
            column.validation.source
            for _, table in blocks_of(spec, TableSpec)
            for column in table.columns
            if isinstance(column.validation, OneOfColumn)
        )
    )


def _list_problems(spec: WorkbookSpec, tables: Mapping[str, TableSpec]) -> Iterator[str]:
    yield from _ref_problems("a drop-down", [(ref.table, ref.column) for ref in lists_of(spec)], tables)


def _title_problems(spec: WorkbookSpec) -> Iterator[str]:
    cells = {cell.name for _, cell in blocks_of(spec, CellSpec)}
    for _, chart in blocks_of(spec, ChartSpec):
        if chart.title_cell is not None and chart.title_cell not in cells:
            yield f"the title of the chart {chart.name} needs the cell {chart.title_cell!r}"


def _series_problems(chart: ChartSpec) -> Iterator[str]:
    kinds = {each.kind or chart.kind for each in chart.series}
    if not any((each.kind or chart.kind) is chart.kind for each in chart.series):
        yield f"the chart {chart.name} has no series of its own kind"
    if len(kinds) > 1 and kinds != {ChartKind.LINE, ChartKind.COLUMN}:
        yield f"the chart {chart.name} combines kinds other than lines and columns"
    if chart.kind in (ChartKind.PIE, ChartKind.DOUGHNUT) and len(chart.series) != 1:
        yield f"the chart {chart.name} is a pie of several series"


def _ref_problems(
    what: str, refs: Iterable[tuple[str, str]], tables: Mapping[str, TableSpec]
) -> Iterator[str]:
    for table, column in refs:
        if table not in tables:
            yield f"{what} needs the table {table!r}"
        elif column not in [each.header for each in tables[table].columns]:
            yield f"{what} needs the column {table}[{column}]"


def _pivot_problems(spec: WorkbookSpec, tables: Mapping[str, TableSpec]) -> Iterator[str]:
    pivots = {block.name: block for _, block in blocks_of(spec, PivotSpec)}
    for pivot in pivots.values():
        yield from _one_pivot_problems(pivot, tables)
    for _, chart in blocks_of(spec, PivotChartSpec):
        if chart.pivot not in pivots:
            yield f"the chart {chart.name} needs the pivot {chart.pivot!r}"
        elif len(pivots[chart.pivot].rows) != 1:
            yield f"the chart {chart.name} needs a pivot with one row field"
        if not chart.colors:
            yield f"the chart {chart.name} has no colours"


def _one_pivot_problems(pivot: PivotSpec, tables: Mapping[str, TableSpec]) -> Iterator[str]:
    what = f"the pivot {pivot.name}"
    fields = (*pivot.rows, *pivot.columns, *pivot.filters)
    used = [*fields]
    for value in pivot.values:
        if isinstance(value, PivotValue):
            used.append(value.column)
        else:
            used += [name for name in (value.plus, value.minus, value.divisor) if name is not None]
    yield from _ref_problems(what, [(pivot.source, name) for name in used], tables)
    yield from _doubles(f"{pivot.name} field", fields)
    headers = [column.header for column in tables[pivot.source].columns] if pivot.source in tables else []
    yield from _doubles(f"{pivot.name} value", [*(value.caption for value in pivot.values), *headers])
    if not pivot.rows or not pivot.values:
        yield f"{what} needs a row field and a value"
    ratios = [isinstance(value, PivotRatio) for value in pivot.values]
    if ratios != sorted(ratios) or all(ratios) or (any(ratios) and pivot.columns):
        yield f"the ratios of {what} must stand after its plain values, and it must have no column fields"


def _filling_problems(view: WorkbookView, tables: Mapping[str, TableSpec]) -> Iterator[str]:
    for name in view.rows:
        if name not in tables:
            yield f"there are rows for the table {name!r}, which it lacks"
    cells = {block.name for _, block in blocks_of(view.spec, CellSpec)}
    for name in view.cells:
        if name not in cells:
            yield f"there is a value for the cell {name!r}, which it lacks"
