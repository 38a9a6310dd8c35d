"""Cell formats: of styles, of kinds of values, of headers."""

from typing import Any

from netstats_xl.domain.views import Kind, Style
from netstats_xl.workbooks.xlsx_values import Sort

_GENERAL = "General"
_TEXT = "@"
_BY_SORT = {
    Sort.INSTANT: "yyyy-mm-dd hh:mm:ss",
    Sort.DATE: "yyyy-mm-dd",
    Sort.TIME: "hh:mm:ss",
    Sort.DURATION: "[h]:mm:ss",
}
_MAIN_SORT = {
    Kind.TEXT: Sort.TEXT,
    Kind.NUMBER: Sort.NUMBER,
    Kind.INSTANT: Sort.INSTANT,
    Kind.FLAG: Sort.TEXT,
}
_INDENTED: dict[str, object] = {"align": "left", "indent": 1}
_HEADER_FILL = "#00517F"
_READ_ONLY_HEADER_FILL = "#595959"

# XlsxWriter has no type information, so its objects are `Any` here and in the modules that draw with it.
XlsxFormat = Any
XlsxWorkbook = Any
XlsxSheet = Any
XlsxChart = Any


def number_format(sort: Sort, kind: Kind, wanted: str) -> str:
    """The format code of a value of this sort in a column of this kind, for which `wanted` was asked.

    What was asked for is meant for values of the column's kind: a stray date in a column of numbers still reads
    as a date, a stray number in a column of instants as a number.
    """
    if sort is Sort.BLANK:
        sort = _MAIN_SORT[kind]
    if sort in _BY_SORT:
        return wanted if wanted and kind is Kind.INSTANT else _BY_SORT[sort]
    if sort is Sort.TEXT:
        return wanted if wanted and kind is Kind.TEXT else _TEXT
    return wanted if wanted and kind in (Kind.NUMBER, Kind.TEXT) else _GENERAL


class Formats:
    """The formats of a workbook, each made once."""

    def __init__(self, workbook: XlsxWorkbook) -> None:
        self._workbook = workbook
        self._made: dict[object, XlsxFormat] = {}

    def cell(self, style: Style, sort: Sort, kind: Kind, wanted: str = "") -> XlsxFormat:
        """The format of a cell that holds a value of this sort."""
        code = number_format(sort, kind, wanted)
        properties = _properties(style) | ({} if code == _GENERAL else {"num_format": code})
        # Numbers stand right; what stands beside them keeps its distance.
        left = not style.align and (code == _TEXT or sort in _BY_SORT)
        return self._once((style, code, left), properties | (_INDENTED if left else {}))

    def text(self, style: Style) -> XlsxFormat:
        """The format of a text that never changes."""
        return self._once((style, _GENERAL), _properties(style))

    def header(self, *, read_only: bool) -> XlsxFormat:
        """The format of a table's header cell; that of a column that is not typed in may look different."""
        fill = _READ_ONLY_HEADER_FILL if read_only else _HEADER_FILL
        look = {
            "bold": True,
            "font_color": "#FFFFFF",
            "bg_color": fill,
            "text_wrap": True,
            "valign": "vcenter",
        }
        return self._once(("header", read_only), look | _INDENTED | {"border": 1, "border_color": "#BFBFBF"})

    def added_row(self, style: Style, kind: Kind, wanted: str) -> XlsxFormat:
        """What a table gives to the cells of a row that is added to it."""
        code = number_format(Sort.BLANK, kind, wanted)
        properties = _properties(style) | ({} if code == _GENERAL else {"num_format": code})
        return self._once(("added", style, code), properties)

    def conditional(self, style: Style) -> XlsxFormat:
        """The format that a rule lays over a cell."""
        return self._once(("conditional", style), _properties(style))

    def _once(self, key: object, properties: dict[str, object]) -> XlsxFormat:
        if key not in self._made:
            self._made[key] = self._workbook.add_format(properties)
        return self._made[key]


class ColumnFormats:
    """The formats of the values of one column."""

    def __init__(self, formats: Formats, kind: Kind, wanted: str, style: Style) -> None:
        self.kind = kind
        self._of = {sort: formats.cell(style, sort, kind, wanted) for sort in Sort}

    def of(self, sort: Sort) -> XlsxFormat:
        """The format of a value of this sort."""
        return self._of[sort]

    def style_index(self, sort: Sort) -> int:
        """The number by which a sheet's XML names the format."""
        # XlsxWriter gives a format its number when it first needs it, and has no public way to ask for it.
        return int(self._of[sort]._get_xf_index())


def _properties(style: Style) -> dict[str, object]:
    properties: dict[str, object] = {}
    if style.color:
        properties["font_color"] = style.color
    if style.fill:
        properties["bg_color"] = style.fill
    if style.bold:
        properties["bold"] = True
    if style.italic:
        properties["italic"] = True
    if style.size:
        properties["font_size"] = style.size
    if style.align:
        properties["align"] = style.align
    if style.wrap:
        properties |= {"text_wrap": True, "valign": "top"}
    return properties
