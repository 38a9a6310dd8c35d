"""The workbook as XlsxWriter writes it: everything but the rows of large tables and the native pivots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import xlsxwriter

from netstats_xl.domain.views import (
    CellSpec,
    ChartSpec,
    Kind,
    PivotChartSpec,
    PivotSpec,
    Row,
    SheetSpec,
    SparklineSpec,
    Style,
    TableSpec,
    TextSpec,
    WorkbookView,
)
from netstats_xl.workbooks.macro_template import ID_NAME
from netstats_xl.workbooks.pivot_parts import caches_of
from netstats_xl.workbooks.pivots import PivotTally
from netstats_xl.workbooks.xlsx_assembly import Additions, PivotPart, SpooledRows
from netstats_xl.workbooks.xlsx_charts import (
    PlacedPivot,
    ShownTitle,
    insert_chart,
    insert_pivot_chart,
)
from netstats_xl.workbooks.xlsx_checks import blocks_of, lists_of
from netstats_xl.workbooks.xlsx_formats import ColumnFormats, Formats, XlsxSheet
from netstats_xl.workbooks.xlsx_references import (
    ChartValue,
    Placed,
    cell_formula,
    list_formula,
    list_name,
    print_area_formula,
    quoted_sheet,
    range_name,
)
from netstats_xl.workbooks.xlsx_room import column_defaults, prepare_room
from netstats_xl.workbooks.xlsx_rules import accepted
from netstats_xl.workbooks.xlsx_sheets import set_pivot_widths, set_up_sheet
from netstats_xl.workbooks.xlsx_sparklines import insert_sparklines
from netstats_xl.workbooks.xlsx_stream import spool_rows
from netstats_xl.workbooks.xlsx_tables import Tap, add_table, table_rows, write_rows, write_text, write_value
from netstats_xl.workbooks.xlsx_values import Sort, clean_text, stored

_MOST_CHART_POINTS = 32_000


def write_skeleton(
    view: WorkbookView, path: Path, *, file_name: str, identity: str | None = None
) -> Additions:
    """Write the workbook to `path`, and what the final package named `file_name` needs besides into its folder."""
    return _Skeleton(view, path).write(file_name, identity)


@dataclass(slots=True)
class _Feed:
    """What charts and pivots need of a table's rows, caught while they are written."""

    kept: dict[str, list[ChartValue]]
    positions: dict[str, tuple[int, Kind]]
    tallies: list[PivotTally] = field(default_factory=list)

    def taps(self) -> Iterator[Tap]:
        if self.kept:
            yield self._keep
        for tally in self.tallies:
            yield tally.add

    def _keep(self, row: Row) -> None:
        for header, values in self.kept.items():
            if len(values) < _MOST_CHART_POINTS:
                position, kind = self.positions[header]
                sort, plain = stored(row[position], kind)
                values.append(None if sort is Sort.BLANK else plain)


class _Skeleton:
    """The workbook that XlsxWriter writes, and what the package needs besides."""

    def __init__(self, view: WorkbookView, path: Path) -> None:
        self._view = view
        self._scratch = path.parent
        self._workbook = xlsxwriter.Workbook(
            path,
            {
                "tmpdir": str(path.parent),
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._workbook.set_properties({"title": clean_text(view.spec.title)})
        self._formats = Formats(self._workbook)
        self._sheets: Mapping[str, XlsxSheet] = {
            sheet.name: self._workbook.add_worksheet(sheet.name) for sheet in view.spec.sheets
        }
        self._feeds = {table.name: self._feed(table) for _, table in blocks_of(view.spec, TableSpec)}
        self._tables: dict[str, Placed] = {}
        self._spooled: list[SpooledRows] = []

    def write(self, file_name: str, identity: str | None) -> Additions:
        """Write everything: first the tables, then what refers to them."""
        for sheet in self._view.spec.sheets:
            defaults = column_defaults(sheet, self._formats)
            set_up_sheet(self._sheets[sheet.name], sheet, self._view.spec.title, defaults)
            self._write_cells(sheet)
        pivots = [self._write_pivot(sheet, pivot) for sheet, pivot in blocks_of(self._view.spec, PivotSpec)]
        for sheet, chart in blocks_of(self._view.spec, ChartSpec):
            insert_chart(
                self._workbook, self._sheets[sheet.name], chart, self._tables, self._shown_title(chart)
            )
        for sheet, sparklines in blocks_of(self._view.spec, SparklineSpec):
            insert_sparklines(self._sheets[sheet.name], sparklines, self._tables)
        self._define_print_areas()
        hidden = self._define_lists()
        if identity is not None:
            accepted(self._workbook.define_name(ID_NAME, f'="{identity}"'), "its identity")
            hidden.append(ID_NAME)
        visible = next(sheet.name for sheet in self._view.spec.sheets if not sheet.hidden)
        self._sheets[visible].activate()
        self._sheets[visible].set_first_sheet()
        self._workbook.close()
        headers = {
            name: [column.header for column in placed.spec.columns] for name, placed in self._tables.items()
        }
        return Additions(
            spooled=self._spooled,
            pivots=pivots,
            caches=caches_of([pivot.spec for pivot in pivots], headers),
            hidden_names=hidden,
            file_name=file_name,
        )

    def _define_lists(self) -> list[str]:
        """Define what drop-downs offer; the names."""
        tables = {table.name: (sheet.name, table) for sheet, table in blocks_of(self._view.spec, TableSpec)}
        refs = lists_of(self._view.spec)
        for ref in refs:
            sheet, table = tables[ref.table]
            formula = "=" + list_formula(sheet, table, ref.column)
            accepted(
                self._workbook.define_name(list_name(ref), formula), f"the list {ref.table}[{ref.column}]"
            )
        return [list_name(ref) for ref in refs]

    def _define_print_areas(self) -> None:
        """Keep sparklines that wait for rows off the paper."""
        for sheet, sparklines in blocks_of(self._view.spec, SparklineSpec):
            table = self._tables[sparklines.table].spec
            if table.room:
                accepted(
                    self._workbook.define_name(
                        f"{quoted_sheet(sheet.name)}!_xlnm.Print_Area",
                        "=" + print_area_formula(sheet.name, table),
                    ),
                    f"the printed area of {sheet.name}",
                )

    def _shown_title(self, chart: ChartSpec) -> ShownTitle | None:
        """What the chart's title shows, where a cell holds it."""
        if chart.title_cell is None:
            return None
        sheet, cell = next(
            (sheet, cell)
            for sheet, cell in blocks_of(self._view.spec, CellSpec)
            if cell.name == chart.title_cell
        )
        value = self._view.cells.get(cell.name)
        return ShownTitle(
            formula=cell_formula(sheet.name, cell.anchor.row, cell.anchor.column),
            text=str(value) if value else chart.title,
        )

    def _feed(self, table: TableSpec) -> _Feed:
        headers = [column.header for column in table.columns]
        charted = {
            ref.column
            for _, chart in blocks_of(self._view.spec, ChartSpec)
            for series in chart.series
            for ref in (series.values, series.categories)
            if ref.table == table.name
        }
        return _Feed(
            kept={header: [] for header in headers if header in charted},
            positions={column.header: (at, column.kind) for at, column in enumerate(table.columns)},
            tallies=[
                PivotTally(pivot, headers)
                for _, pivot in blocks_of(self._view.spec, PivotSpec)
                if pivot.source == table.name
            ],
        )

    def _write_cells(self, spec: SheetSpec) -> None:
        sheet = self._sheets[spec.name]
        for block in spec.blocks:
            if isinstance(block, TableSpec):
                self._write_table(spec, block)
            elif isinstance(block, TextSpec):
                write_text(
                    sheet, block.anchor.row, block.anchor.column, block.text, block.style, self._formats
                )
            elif isinstance(block, CellSpec):
                row, column = block.anchor.row, block.anchor.column
                style = replace(block.style, align=block.style.align or "left")
                formats = ColumnFormats(self._formats, block.kind, block.number_format, style)
                write_value(sheet, row, column, self._view.cells.get(block.name), formats)
                formula = "=" + cell_formula(spec.name, row, column)
                accepted(self._workbook.define_name(block.name, formula), f"the name {block.name}")

    def _write_table(self, sheet: SheetSpec, table: TableSpec) -> None:
        feed = self._feeds[table.name]
        rows = self._view.rows.get(table.name, ())
        if table.streamed:
            path = self._scratch / f"rows{len(self._spooled)}.xml"
            filled = spool_rows(path, table, rows, self._formats, feed.taps())
        else:
            filled = write_rows(self._sheets[sheet.name], table, rows, self._formats, feed.taps())
        total = table_rows(table, filled)
        framed = 1 if table.streamed else None
        add_table(self._sheets[sheet.name], table, total, self._formats, framed_rows=framed)
        prepare_room(self._sheets[sheet.name], sheet, table, total, self._formats)
        self._tables[table.name] = Placed(
            sheet=sheet.name, spec=table, rows=total, filled=filled, kept=feed.kept
        )
        if table.streamed:
            first, left, right = (
                table.anchor.row,
                table.anchor.column,
                table.anchor.column + len(table.columns) - 1,
            )
            self._spooled.append(
                SpooledRows(
                    sheet=sheet.name,
                    path=path,
                    framed=range_name(first, left, first + 1, right),
                    full=range_name(first, left, first + total, right),
                )
            )

    def _write_pivot(self, sheet: SheetSpec, pivot: PivotSpec) -> PivotPart:
        tally = next(each for each in self._feeds[pivot.source].tallies if each.spec is pivot)
        layout = tally.layout()
        for cell in layout.cells:
            row, column = pivot.anchor.row + cell.row, pivot.anchor.column + cell.column
            formats = ColumnFormats(self._formats, Kind.NUMBER, cell.number_format, Style())
            write_value(self._sheets[sheet.name], row, column, cell.value, formats)
        set_pivot_widths(self._sheets[sheet.name], sheet, pivot, layout)
        placed = PlacedPivot(
            sheet=sheet.name, row=pivot.anchor.row, column=pivot.anchor.column, layout=layout
        )
        formulas = [
            insert_pivot_chart(self._workbook, self._sheets[place.name], chart, placed)
            for place, chart in blocks_of(self._view.spec, PivotChartSpec)
            if chart.pivot == pivot.name
        ]
        return PivotPart(sheet=sheet.name, spec=pivot, layout=layout, chart_formulas=formulas)
