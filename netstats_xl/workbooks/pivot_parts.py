"""The parts of a package that make a PivotTable native: its definition and the definition of its cache.

The cache holds no records: whoever opens the workbook computes it (`refreshOnLoad`). Every part is serialised by
openpyxl's classes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from openpyxl.pivot.cache import CacheDefinition, CacheField, CacheSource, SharedItems, WorksheetSource
from openpyxl.pivot.table import (
    DataField,
    FieldItem,
    Location,
    PageField,
    PivotField,
    PivotTableStyle,
    RowColField,
    TableDefinition,
)
from openpyxl.xml.functions import tostring

from netstats_xl.domain.views import Aggregate, PivotRatio, PivotSpec, PivotValue
from netstats_xl.workbooks.pivots import VALUES, PivotLayout
from netstats_xl.workbooks.xlsx_references import range_name
from netstats_xl.workbooks.xlsx_values import clean_text

CACHE_CONTENT_TYPE: str = CacheDefinition.mime_type
CACHE_RELATIONSHIP: str = CacheDefinition.rel_type
TABLE_CONTENT_TYPE: str = TableDefinition.mime_type
TABLE_RELATIONSHIP: str = TableDefinition.rel_type

_VERSION = 3  # of Excel 2007: the oldest that knows these parts, so every later one takes them
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLE = "PivotStyleLight16"
_DATA_FIELDS = -2  # ECMA-376, 18.10.1.31: stands for the values in the list of row or column fields
_AxisName = Literal["axisRow", "axisCol", "axisPage"]
_SUBTOTAL: Mapping[Aggregate, Literal["sum", "average", "min", "max", "count"]] = {
    Aggregate.SUM: "sum",
    Aggregate.AVERAGE: "average",
    Aggregate.MIN: "min",
    Aggregate.MAX: "max",
    Aggregate.COUNT: "count",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotCache:
    """What pivots over one table share: its fields, and the calculated fields of all of them."""

    number: int
    """From 1."""
    table: str
    headers: Sequence[str]
    calculated: Mapping[str, PivotRatio]
    """By the name of the calculated field."""

    @property
    def fields(self) -> list[str]:
        """Names of all fields, in order."""
        return [*self.headers, *self.calculated]

    def field_of(self, value: PivotValue | PivotRatio) -> int:
        """The index of the field that a value aggregates."""
        match value:
            case PivotValue(column=column):
                return self.headers.index(column)
            case PivotRatio():
                name = next(name for name, ratio in self.calculated.items() if _same(ratio, value))
                return self.fields.index(name)
            case _:
                assert_never(value)


def caches_of(pivots: Sequence[PivotSpec], headers: Mapping[str, Sequence[str]]) -> dict[str, PivotCache]:
    """One cache for each table that is a source, by the table's name; `headers` are those of each table."""
    caches: dict[str, PivotCache] = {}
    for source in dict.fromkeys(pivot.source for pivot in pivots):
        calculated: dict[str, PivotRatio] = {}
        taken = {header.casefold() for header in headers[source]}
        for pivot in pivots:
            if pivot.source != source:
                continue
            taken |= {value.caption.casefold() for value in pivot.values}
            for value in pivot.values:
                if isinstance(value, PivotRatio) and not any(
                    _same(value, known) for known in calculated.values()
                ):
                    calculated[_free_name(value.caption, taken)] = value
        caches[source] = PivotCache(
            number=len(caches) + 1, table=source, headers=tuple(headers[source]), calculated=calculated
        )
    return caches


def cache_xml(cache: PivotCache) -> bytes:
    """The cache definition, without records."""
    fields = [
        CacheField(name=clean_text(name), numFmtId=0, sharedItems=SharedItems()) for name in cache.headers
    ]
    fields += [
        CacheField(name=name, numFmtId=0, formula=formula(ratio), databaseField=False)
        for name, ratio in cache.calculated.items()
    ]
    definition = CacheDefinition(
        saveData=False,
        refreshOnLoad=True,
        createdVersion=_VERSION,
        refreshedVersion=_VERSION,
        minRefreshableVersion=_VERSION,
        cacheSource=CacheSource(type="worksheet", worksheetSource=WorksheetSource(name=cache.table)),
        cacheFields=fields,
    )
    return _xml(definition)


def pivot_xml(
    spec: PivotSpec, layout: PivotLayout, cache: PivotCache, format_id: Callable[[str], int]
) -> bytes:
    """The definition of a pivot; `format_id` tells the number of a format code in the workbook's styles."""
    several = len(spec.values) > 1
    names = cache.fields
    top, left = spec.anchor.row + layout.body_row, spec.anchor.column
    column_fields = [RowColField(x=names.index(name)) for name in spec.columns]
    if several:
        column_fields.append(RowColField(x=_DATA_FIELDS))
    definition = TableDefinition(
        name=spec.name,
        cacheId=cache.number,
        dataCaption=VALUES,
        createdVersion=_VERSION,
        updatedVersion=_VERSION,
        minRefreshableVersion=_VERSION,
        # Tabular, as `pivots.py` lays it out.
        compact=False,
        compactData=False,
        outline=False,
        itemPrintTitles=True,
        indent=0,
        multipleFieldFilters=False,
        # A ratio of nothing is blank, not #DIV/0!.
        showError=True,
        errorCaption="",
        # The sheet's own column widths stay.
        useAutoFormatting=False,
        applyWidthHeightFormats=True,
        location=Location(
            ref=range_name(top, left, top + layout.height - 1, left + layout.width - 1),
            firstHeaderRow=1,
            firstDataRow=layout.header_rows,
            firstDataCol=layout.label_columns,
            rowPageCount=len(spec.filters) or None,
            colPageCount=1 if spec.filters else None,
        ),
        pivotFields=[_pivot_field(index, name, spec, cache) for index, name in enumerate(names)],
        rowFields=[RowColField(x=names.index(name)) for name in spec.rows],
        colFields=column_fields,
        pageFields=[PageField(fld=names.index(name), hier=-1) for name in spec.filters],
        dataFields=[
            DataField(
                name=value.caption,
                fld=cache.field_of(value),
                subtotal=_SUBTOTAL[value.aggregate] if isinstance(value, PivotValue) else "sum",
                baseField=0,
                baseItem=0,
                numFmtId=format_id(value.number_format) if value.number_format else None,
            )
            for value in spec.values
        ],
        pivotTableStyleInfo=PivotTableStyle(
            name=_STYLE,
            showRowHeaders=True,
            showColHeaders=True,
            showRowStripes=False,
            showColStripes=False,
            showLastColumn=True,
        ),
    )
    return _xml(definition)


def formula(ratio: PivotRatio) -> str:
    """The calculated field in Excel's words; Excel sums each field before it computes."""
    above = _quoted(ratio.plus)
    if ratio.minus is not None:
        above = f"({above}-{_quoted(ratio.minus)})"
    factor = "" if ratio.factor == 1 else f"{ratio.factor!r}*"
    return f"{factor}{above}/{_quoted(ratio.divisor)}"


def _pivot_field(index: int, name: str, spec: PivotSpec, cache: PivotCache) -> PivotField:
    axis: _AxisName | None = None
    if name in spec.rows:
        axis = "axisRow"
    elif name in spec.columns:
        axis = "axisCol"
    elif name in spec.filters:
        axis = "axisPage"
    is_data = any(cache.field_of(value) == index for value in spec.values)
    calculated = name in cache.calculated
    return PivotField(
        axis=axis,
        dataField=True if is_data else None,
        # A page field needs its one item; the others have none until they are computed, as they have no subtotals.
        items=[FieldItem(t="default")] if axis == "axisPage" else (),
        defaultSubtotal=axis not in ("axisRow", "axisCol"),
        compact=False,
        outline=False,
        showAll=False,
        sortType="ascending" if axis else "manual",
        dragToRow=not calculated,
        dragToCol=not calculated,
        dragToPage=not calculated,
    )


def _same(one: PivotRatio, other: PivotRatio) -> bool:
    return formula(one) == formula(other)


def _free_name(caption: str, taken: set[str]) -> str:
    """A name for a calculated field: Excel wants it to differ from every column and caption."""
    name, number = f"{caption} ratio", 2
    while name.casefold() in taken:
        name, number = f"{caption} ratio {number}", number + 1
    taken.add(name.casefold())
    return name


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _xml(definition: CacheDefinition | TableDefinition) -> bytes:
    # openpyxl serialises with lxml where it finds it, and with ElementTree otherwise, which adds a declaration.
    xml: str | bytes = tostring(definition.to_tree())
    encoded = xml.encode() if isinstance(xml, str) else xml
    return (
        _DECLARATION + encoded.partition(b"?>")[2] if encoded.startswith(b"<?xml") else _DECLARATION + encoded
    )
