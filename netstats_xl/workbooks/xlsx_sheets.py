"""How a sheet scrolls, how wide its columns are, and how it prints."""

import math
from collections.abc import Mapping

from netstats_xl.domain.views import (
    CellSpec,
    ChartSpec,
    PivotChartSpec,
    PivotSpec,
    SheetSpec,
    TableSpec,
    TextSpec,
)
from netstats_xl.workbooks.pivots import PivotLayout, label
from netstats_xl.workbooks.xlsx_formats import XlsxFormat, XlsxSheet
from netstats_xl.workbooks.xlsx_tables import header_height_px
from netstats_xl.workbooks.xlsx_values import clean_text

_A4 = 9
_DEFAULT_WIDTH = 8.43
_CHARACTER_PX = 7
_LINE_PX = 20
_LINE_PX_PER_POINT = 5 / 3
_PAGE_CHARACTERS = {True: 145, False: 98}
"""How many characters of the usual font a landscape or portrait A4 page holds side by side."""
_SMALLEST_SCALE = 0.6
"""A sheet that would print smaller than this is printed on several pages side by side."""
_LONGEST_HEADING = 120
_WIDEST_LABEL = 40.0


def set_up_sheet(
    sheet: XlsxSheet, spec: SheetSpec, title: str, defaults: Mapping[int, XlsxFormat] | None = None
) -> None:
    """Set everything about the sheet that is not a block; `defaults`: formats of whole columns."""
    defaults = defaults or {}
    if spec.hidden:
        sheet.hide()
    if spec.tab_color:
        sheet.set_tab_color(spec.tab_color)
    if spec.freeze:
        sheet.freeze_panes(spec.freeze.row, spec.freeze.column)
    # 1 hides them on paper, 2 everywhere.
    sheet.hide_gridlines(1 if spec.gridlines else 2)
    widths, hidden = _widths(spec)
    for column in sorted(widths.keys() | hidden | defaults.keys()):
        options = {"hidden": True} if column in hidden else {}
        width = widths.get(column, _DEFAULT_WIDTH)
        sheet.set_column(column, column, width, defaults.get(column), options)
    for row, height in _row_heights_px(spec).items():
        sheet.set_row_pixels(row, height)
    _set_up_print(sheet, spec, title, widths, hidden)


def set_pivot_widths(sheet: XlsxSheet, spec: SheetSpec, pivot: PivotSpec, layout: PivotLayout) -> None:
    """Make the columns of a pivot as wide as what it shows, where the sheet does not size them itself."""
    sized, _ = _widths(spec)
    longest: dict[int, float] = {}
    for cell in layout.cells:
        at = pivot.anchor.column + cell.column
        # Numbers are formatted, so their digits say little.
        length = len(label(cell.value)) if not isinstance(cell.value, float) else 8
        longest[at] = max(longest.get(at, _DEFAULT_WIDTH), min(length + 3.0, _WIDEST_LABEL))
    for at, width in longest.items():
        if at not in sized:
            sheet.set_column(at, at, width)


def _row_heights_px(spec: SheetSpec) -> dict[int, int]:
    """The height of each row that must be higher than a line: not every program sees to it by itself."""
    heights: dict[int, int] = {}
    for block in spec.blocks:
        match block:
            case TableSpec():
                height = header_height_px(block)
            case TextSpec(style=style) | CellSpec(style=style):
                height = math.ceil((style.size or 0) * _LINE_PX_PER_POINT)
            case _:
                continue
        if height > _LINE_PX:
            heights[block.anchor.row] = max(height, heights.get(block.anchor.row, 0))
    return heights


def _widths(spec: SheetSpec) -> tuple[dict[int, float], set[int]]:
    """The width of each column that has one, and the columns that are hidden: those hidden in all their tables."""
    widths = dict(spec.column_widths)
    sized: dict[int, float] = {}
    shown: set[int] = set()
    hidden: set[int] = set()
    for table in (block for block in spec.blocks if isinstance(block, TableSpec)):
        for at, column in enumerate(table.columns, start=table.anchor.column):
            (hidden if column.hidden else shown).add(at)
            if not column.hidden:
                sized[at] = max(sized.get(at, 0.0), column.width)
    return widths | sized, hidden - shown


def _set_up_print(
    sheet: XlsxSheet, spec: SheetSpec, title: str, widths: dict[int, float], hidden: set[int]
) -> None:
    sheet.set_paper(_A4)
    if spec.landscape:
        sheet.set_landscape()
    else:
        sheet.set_portrait()
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
    sheet.set_header(f"&L&8{_heading(title)}&R&8{_heading(spec.name)}")
    sheet.set_footer("&L&8&A&R&8Page &P of &N")
    if spec.repeat_rows:
        sheet.repeat_rows(*spec.repeat_rows)
    pages = max(
        1, math.ceil(_width(spec, widths, hidden) * _SMALLEST_SCALE / _PAGE_CHARACTERS[spec.landscape])
    )
    # As many pages downwards as it takes: with a number of them, Excel would not heed the breaks.
    sheet.fit_to_pages(pages, 0)
    if spec.page_starts:
        sheet.set_h_pagebreaks(list(spec.page_starts))
    if pages > 1 and spec.freeze and spec.freeze.column:
        sheet.repeat_columns(0, spec.freeze.column - 1)


def _width(spec: SheetSpec, widths: dict[int, float], hidden: set[int]) -> float:
    """How wide what the sheet shows is, in characters."""

    def left_of(column: int) -> float:
        return sum(widths.get(at, _DEFAULT_WIDTH) for at in range(column) if at not in hidden)

    edge = 0.0
    for block in spec.blocks:
        match block:
            case TableSpec(anchor=anchor, columns=columns):
                edge = max(edge, left_of(anchor.column + len(columns)))
            case ChartSpec(anchor=anchor, width_px=width) | PivotChartSpec(anchor=anchor, width_px=width):
                edge = max(edge, left_of(anchor.column) + width / _CHARACTER_PX)
            case TextSpec(anchor=anchor) | CellSpec(anchor=anchor):
                edge = max(edge, left_of(anchor.column + 1))
            case _:
                pass
    return edge


def _heading(text: str) -> str:
    """A text as headers and footers hold it: there `&` begins a code, and a digit after a size belongs to it."""
    text = clean_text(text).replace("\n", " ")[:_LONGEST_HEADING].replace("&", "&&")
    return f" {text}" if text[:1].isdigit() else text
