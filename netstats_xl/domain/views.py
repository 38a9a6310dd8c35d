"""A workbook as data: what an adapter renders, in the terms of spreadsheets alone.

A :class:`WorkbookSpec` is the design, made once and rendered into a file or a template. A :class:`WorkbookView`
is the design with what fills it: the rows of each table and the values of the named cells, by name. An adapter
that drives a live workbook needs the names, rows and cells only; one that writes a file renders it all.

Ranges are never addresses here: a chart's series names a table and a column, and the adapter, which knows where
the table stands and how long it is, makes the reference.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from netstats_xl.domain.tables import CellValue

Row = Sequence[CellValue]
"""One value a column of the table's spec, in its order. Datetimes are naive, in the time zone of the view."""

Color = str
"""`#RRGGBB`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A cell, counted from 0."""

    row: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a cell looks. None and False leave it as it is."""

    color: Color | None = None
    fill: Color | None = None
    bold: bool = False
    italic: bool = False
    size: int | None = None
    wrap: bool = False
    align: Literal["left", "center", "right"] | None = None


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    INSTANT = "instant"
    FLAG = "flag"
    """Yes or no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEquals:
    """The cell shows this text."""

    text: str
    style: Style


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPresent:
    """The cell shows any text."""

    style: Style


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """The cell's number is not below `value`, or not below the number in `column` of the same row if that has one."""

    style: Style
    value: float | None = None
    column: str | None = None


Rule = TextEquals | TextPresent | AtLeast
"""A conditional format; of a column's rules the first that holds wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """A cell may hold one of these texts; other input is refused."""

    choices: tuple[str, ...]
    message: str
    strict: bool = True
    """False: the choices are offered, and other input is taken as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOfColumn:
    """Offers what a column of another table holds; other input is taken as well."""

    source: "ColumnRef"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBetween:
    """A cell may hold a number from `low` to `high`; other input is refused."""

    low: float
    high: float
    message: str


Validation = OneOf | OneOfColumn | NumberBetween


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatBy:
    """Number formats of the cells of a column by the text in another column of their row, such as a unit."""

    column: str
    formats: Mapping[str, str]
    """Excel's format codes. A row with another text has the column's own format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table. Its header carries the unit."""

    header: str
    kind: Kind = Kind.TEXT
    number_format: str = ""
    """Excel's format code; empty: `@` for text, General for numbers, `yyyy-mm-dd hh:mm:ss` for instants."""
    format_by: FormatBy | None = None
    """Not in a streamed table."""
    width: float = 12
    """In characters."""
    note: str = ""
    """Shown with the header cell: what the column means, or what may be typed."""
    hidden: bool = False
    typed: bool = False
    """Typed by the user: an adapter of a live workbook never writes it."""
    style: Style = Style()
    rules: tuple[Rule, ...] = ()
    validation: Validation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """A native table (ListObject). `name` is unique in the workbook."""

    name: str
    anchor: Anchor
    """Of its header's first cell."""
    columns: tuple[Column, ...]
    autofilter: bool = True
    spare_rows: int = 0
    """Blank rows kept below the last one within the table, for the user to type into."""
    streamed: bool = False
    """It may hold a great many rows and stands alone on its sheet: the adapter may write it row by row."""
    room: int = 0
    """Rows below its header that it may grow into in a live workbook: they have its formats, rules and validations."""
    key: str | None = None
    """Header of the column that tells its rows apart: in a live workbook they stay in the order the user sorted."""
    optional: bool = False
    """Live workbooks of an earlier version lack it, and nothing is amiss then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSpec:
    """A text on the sheet that never changes."""

    anchor: Anchor
    text: str
    style: Style = Style()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSpec:
    """A cell with a name, whose value the view supplies."""

    name: str
    anchor: Anchor
    kind: Kind = Kind.TEXT
    number_format: str = ""
    style: Style = Style()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRef:
    """All cells of a table's column, without its header."""

    table: str
    column: str


class ChartKind(StrEnum):
    """The kinds of native charts."""

    LINE = "line"
    COLUMN = "column"
    BAR = "bar"
    PIE = "pie"
    DOUGHNUT = "doughnut"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSpec:
    """A series of a chart."""

    name: str
    values: ColumnRef
    categories: ColumnRef
    color: Color
    kind: ChartKind | None = None
    """None: the chart's own. LINE and COLUMN may stand in one chart."""
    secondary: bool = False
    """Measured on the second value axis."""
    point_colors: tuple[Color, ...] = ()
    """A colour a point, in order, for pies."""
    scale_only: bool = False
    """It is not drawn, and makes its axis reach as far as its values. Columns only, after what is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis of a chart."""

    title: str = ""
    number_format: str = ""
    low: float | None = None
    high: float | None = None
    reverse: bool = False
    label_every: int | None = None
    """Of a category axis: label the first category and every nth after it. None: as many as fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """A native chart."""

    name: str
    anchor: Anchor
    width_px: int
    height_px: int
    kind: ChartKind
    title: str
    title_cell: str | None = None
    """Name of the cell whose text is the title instead."""
    description: str
    """Alternative text, for those who cannot see the chart."""
    series: tuple[SeriesSpec, ...]
    category_axis: Axis = Axis()
    value_axis: Axis = Axis()
    secondary_axis: Axis = Axis()
    legend: bool = True
    gap_percent: int | None = None
    """Space between columns or bars, in percent of their width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparklineSpec:
    """A sparkline in every row of a table's column, fed by the row with the same number of another table."""

    table: str
    column: str
    source: str
    first_column: str
    last_column: str
    color: Color
    kind: Literal["line", "column"] = "line"


class Aggregate(StrEnum):
    """How a pivot combines the values of a field."""

    SUM = "sum"
    AVERAGE = "average"
    MIN = "min"
    MAX = "max"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotValue:
    """A value of a pivot: an aggregate of a column of its source."""

    column: str
    aggregate: Aggregate
    caption: str
    number_format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotRatio:
    """A value of a pivot: `factor * (sum(plus) - sum(minus)) / sum(divisor)` of the rows it stands for.

    So a mean or a percentage is weighted, and right in every total. Blank where the divisor is 0. It is a
    calculated field, which some viewers lack: it stands after the plain values, in a pivot without columns.
    """

    caption: str
    plus: str
    """Columns of the source."""
    divisor: str
    minus: str | None = None
    factor: float = 1.0
    number_format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotSpec:
    """A native PivotTable over a table, computed anew when the workbook is opened."""

    name: str
    anchor: Anchor
    """Of its first cell, filters included."""
    source: str
    """Name of a table."""
    rows: tuple[str, ...]
    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    values: tuple[PivotValue | PivotRatio, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotChartSpec:
    """A native chart over the body of a pivot: a category for each item of its rows, a series for each value."""

    name: str
    anchor: Anchor
    width_px: int
    height_px: int
    kind: ChartKind
    title: str
    description: str
    pivot: str
    colors: tuple[Color, ...]
    category_axis: Axis = Axis()
    value_axis: Axis = Axis()


Block = TableSpec | TextSpec | CellSpec | ChartSpec | SparklineSpec | PivotSpec | PivotChartSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSpec:
    """A sheet: its blocks, and how it scrolls and prints."""

    name: str
    blocks: tuple[Block, ...]
    freeze: Anchor | None = None
    """The first cell that scrolls."""
    landscape: bool = True
    repeat_rows: tuple[int, int] | None = None
    """First and last row, from 0, that every printed page repeats."""
    page_starts: tuple[int, ...] = ()
    """Rows, from 0, that begin a new printed page, so that what belongs together is not torn apart."""
    column_widths: Mapping[int, float] = field(default_factory=dict)
    """In characters, by column from 0: for columns that no table of the sheet sizes."""
    tab_color: Color | None = None
    hidden: bool = False
    gridlines: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookSpec:
    """The design of a workbook."""

    title: str
    sheets: tuple[SheetSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookView:
    """A design and what fills it.

    A live workbook leaves tables without rows here, and cells without a value here, as they are.
    """

    spec: WorkbookSpec
    rows: Mapping[str, Iterable[Row]]
    """By table name; each is gone through once. A table without an entry is empty."""
    cells: Mapping[str, CellValue] = field(default_factory=dict)
    """By the cell's name."""


# --- The palette: Okabe and Ito, "Color Universal Design" (2008), told apart with every kind of colour vision ---

BLUE: Color = "#0072B2"
SKY: Color = "#56B4E9"
ORANGE: Color = "#E69F00"
VERMILLION: Color = "#D55E00"
GREEN: Color = "#009E73"
GREY: Color = "#8C8C8C"

GOOD = Style(color="#00517F", fill="#D9ECF7")
WARNING = Style(color="#6B4A00", fill="#FBE8BF")
BAD = Style(color="#8A2F00", fill="#F8D5C2", bold=True)
MUTED = Style(color="#5F5F5F", fill="#EDEDED")
READ_ONLY = Style(color="#404040", fill="#F5F5F5")
TITLE = Style(bold=True, size=16, color="#00517F")
HEADING = Style(bold=True, size=12, color="#00517F")
HINT = Style(italic=True, color="#5F5F5F")
