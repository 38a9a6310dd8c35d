"""The finished package: XlsxWriter's parts, the rows that were spooled beside it, and the native pivots.

XlsxWriter writes a workbook in which each large table has but its header. Here that workbook's parts are copied
into the final file one by one; large sheets get their rows on the way, from the disk, never whole in memory.
"""

import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET  # parses only what XlsxWriter wrote a moment ago
from xml.sax.saxutils import escape

from openpyxl.styles.numbers import BUILTIN_FORMATS_REVERSE

from netstats_xl.domain.views import PivotSpec
from netstats_xl.workbooks.pivot_parts import (
    CACHE_CONTENT_TYPE,
    CACHE_RELATIONSHIP,
    TABLE_CONTENT_TYPE,
    TABLE_RELATIONSHIP,
    PivotCache,
    cache_xml,
    pivot_xml,
)
from netstats_xl.workbooks.pivots import PivotLayout

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_RELATIONSHIPS = "xl/_rels/workbook.xml.rels"
_CONTENT_TYPES = "[Content_Types].xml"
_CHUNK = 1 << 18
_LARGE = 1 << 30
"""Size of a part, in bytes, from which on zip's extension for large files may be needed."""

Edit = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledRows:
    """Rows of a sheet that wait on the disk, and the table that frames them."""

    sheet: str
    path: Path
    framed: str
    """The table's range as XlsxWriter was told, `A3:F4`."""
    full: str
    """The table's range with all its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotPart:
    """A pivot and where its parts go."""

    sheet: str
    spec: PivotSpec
    layout: PivotLayout
    chart_formulas: Sequence[str]
    """A formula of each chart that belongs to the pivot, by which its part is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What the final package has and the skeleton lacks."""

    spooled: Sequence[SpooledRows] = ()
    pivots: Sequence[PivotPart] = ()
    caches: Mapping[str, PivotCache]
    """By name of the source table."""
    hidden_names: Sequence[str] = ()
    """Defined names that the user need not see."""
    file_name: str
    """Of the workbook: a chart names its pivot by file, sheet and name."""


def assemble(skeleton: Path, target: Path, additions: Additions, *, compression: int) -> None:
    """Write `target` from the workbook that XlsxWriter wrote, with the additions.

    The same input gives the same bytes: parts carry no time. `compression` is zlib's level, 1 (fast) to 9.
    """
    with (
        zipfile.ZipFile(skeleton) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=compression) as package,
    ):
        sheets = _sheet_parts(source)
        edits = _edits(source, sheets, additions)
        rows = {sheets[each.sheet]: each for each in additions.spooled}
        for name in source.namelist():
            content = source.read(name)
            for edit in edits.pop(name, ()):
                content = edit(content)
            if name in rows:
                _write_with_rows(package, name, content, rows[name])
            else:
                _write(package, name, content)
        # What is left is for parts that the skeleton does not have.
        for name, made in edits.items():
            content = _new_part(name)
            for edit in made:
                content = edit(content)
            _write(package, name, content)


def _edits(source: zipfile.ZipFile, sheets: Mapping[str, str], additions: Additions) -> dict[str, list[Edit]]:
    """What to do to each part, by its name."""
    edits: dict[str, list[Edit]] = {}

    def add(part: str, edit: Edit) -> None:
        edits.setdefault(part, []).append(edit)

    add("docProps/core.xml", _without_times)
    add(_WORKBOOK, _without_recalculation)
    for hidden in additions.hidden_names:
        add(_WORKBOOK, _replaced(f'<definedName name="{hidden}"', f'<definedName name="{hidden}" hidden="1"'))
    for name in source.namelist():
        if name.startswith("xl/charts/chart"):
            add(name, _gaps_as_gaps)
            add(name, _upright)
            for pivot in additions.pivots:
                add(name, _of_pivot(pivot, additions.file_name))
    for spooled in additions.spooled:
        for part in _targets(source, sheets[spooled.sheet], "/table"):
            add(part, _replaced(f'ref="{spooled.framed}"', f'ref="{spooled.full}"'))
    if additions.pivots:
        _add_pivots(add, source, sheets, additions)
    return edits


def _add_pivots(
    add: Callable[[str, Edit], None],
    source: zipfile.ZipFile,
    sheets: Mapping[str, str],
    additions: Additions,
) -> None:
    formats = _format_numbers(source)
    for cache in additions.caches.values():
        part = f"xl/pivotCache/pivotCacheDefinition{cache.number}.xml"
        add(part, _content(cache_xml(cache)))
        add(_CONTENT_TYPES, _content_type(part, CACHE_CONTENT_TYPE))
        target = f"pivotCache/pivotCacheDefinition{cache.number}.xml"
        add(
            _WORKBOOK_RELATIONSHIPS, _relationship(f"rIdPivotCache{cache.number}", CACHE_RELATIONSHIP, target)
        )
    add(_WORKBOOK, _pivot_caches(additions.caches.values()))
    for number, pivot in enumerate(additions.pivots, start=1):
        cache = additions.caches[pivot.spec.source]
        name = f"pivotTable{number}.xml"
        part = f"xl/pivotTables/{name}"
        add(part, _content(pivot_xml(pivot.spec, pivot.layout, cache, formats.__getitem__)))
        add(_CONTENT_TYPES, _content_type(part, TABLE_CONTENT_TYPE))
        target = f"../pivotCache/pivotCacheDefinition{cache.number}.xml"
        add(f"xl/pivotTables/_rels/{name}.rels", _relationship("rId1", CACHE_RELATIONSHIP, target))
        add(
            _relationships_of(sheets[pivot.sheet]),
            _relationship(f"rIdPivot{number}", TABLE_RELATIONSHIP, f"../pivotTables/{name}"),
        )


def _write(package: zipfile.ZipFile, name: str, content: bytes) -> None:
    # Opened by name, a part has the earliest time that a zip file can tell: the same at every run.
    with package.open(name, "w") as part:
        part.write(content)


def _write_with_rows(package: zipfile.ZipFile, name: str, content: bytes, rows: SpooledRows) -> None:
    """Write a sheet with the spooled rows after those that XlsxWriter wrote."""
    content = re.sub(rb'<dimension ref="[^"]*"', f'<dimension ref="{rows.full}"'.encode(), content, count=1)
    head, end, tail = content.partition(b"</sheetData>")
    large = len(content) + rows.path.stat().st_size > _LARGE
    with package.open(name, "w", force_zip64=large) as part, rows.path.open("rb") as spooled:
        part.write(head)
        shutil.copyfileobj(spooled, part, _CHUNK)
        part.write(end + tail)


def _new_part(name: str) -> bytes:
    if name.endswith(".rels"):
        return f'{_DECLARATION}<Relationships xmlns="{_RELATIONSHIPS}"></Relationships>'.encode()
    return b""


def _sheet_parts(source: zipfile.ZipFile) -> dict[str, str]:
    """The part of each sheet, by the sheet's name."""
    relations = ET.fromstring(source.read(_WORKBOOK_RELATIONSHIPS))  # noqa: S314 - see the import
    targets = {each.attrib["Id"]: f"xl/{each.attrib['Target']}" for each in relations}
    workbook = ET.fromstring(source.read(_WORKBOOK))  # noqa: S314 - see the import
    return {
        sheet.attrib["name"]: targets[sheet.attrib[f"{_RELATION}id"]]
        for sheet in workbook.iterfind(f"{_MAIN}sheets/{_MAIN}sheet")
    }


def _targets(source: zipfile.ZipFile, sheet_part: str, relation: str) -> list[str]:
    """The parts that a sheet refers to by this kind of relationship."""
    relations = ET.fromstring(source.read(_relationships_of(sheet_part)))  # noqa: S314 - see the import
    return [
        "xl/" + each.attrib["Target"].removeprefix("../")
        for each in relations
        if each.attrib["Type"].endswith(relation)
    ]


def _format_numbers(source: zipfile.ZipFile) -> dict[str, int]:
    """The number of each format code in the workbook's styles."""
    styles = ET.fromstring(source.read("xl/styles.xml"))  # noqa: S314 - see the import
    custom = {
        each.attrib["formatCode"]: int(each.attrib["numFmtId"])
        for each in styles.iterfind(f"{_MAIN}numFmts/{_MAIN}numFmt")
    }
    return {**BUILTIN_FORMATS_REVERSE, **custom}


def _relationships_of(part: str) -> str:
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels"


def _content(xml: bytes) -> Edit:
    return lambda _: xml


def _content_type(part: str, content_type: str) -> Edit:
    return _before("</Types>", f'<Override PartName="/{part}" ContentType="{content_type}"/>')


def _relationship(identifier: str, relation: str, target: str) -> Edit:
    return _before(
        "</Relationships>", f'<Relationship Id="{identifier}" Type="{relation}" Target="{target}"/>'
    )


def _pivot_caches(caches: Iterable[PivotCache]) -> Edit:
    each = "".join(
        f'<pivotCache cacheId="{cache.number}" r:id="rIdPivotCache{cache.number}"/>' for cache in caches
    )
    return lambda xml: re.sub(
        rb"<calcPr[^>]*/>",
        lambda found: found[0] + f"<pivotCaches>{each}</pivotCaches>".encode(),
        xml,
        count=1,
    )


def _of_pivot(pivot: PivotPart, file_name: str) -> Edit:
    """Mark a chart as the pivot's, if it is one of its charts."""
    name = escape(f"[{file_name}]{pivot.sheet}!{pivot.spec.name}")
    mark = f'<c:pivotSource><c:name>{name}</c:name><c:fmtId val="0"/></c:pivotSource>'.encode()
    formulas = [f"<c:f>{escape(formula)}</c:f>".encode() for formula in pivot.chart_formulas]

    def edit(xml: bytes) -> bytes:
        return (
            xml.replace(b"<c:chart>", mark + b"<c:chart>", 1)
            if any(each in xml for each in formulas)
            else xml
        )

    return edit


def _gaps_as_gaps(xml: bytes) -> bytes:
    """Say that blanks are gaps and hidden cells are drawn.

    XlsxWriter leaves both out, as Excel 2007 did; for other readers the standard's defaults are the opposite.
    """
    return _before("</c:chart>", '<c:plotVisOnly val="0"/><c:dispBlanksAs val="gap"/>')(xml)


def _upright(xml: bytes) -> bytes:
    """Write the angle of upright labels as 0: XlsxWriter can only say 360°, and LibreOffice takes it for none."""
    return _replaced('rot="21600000"', 'rot="0"')(xml)


def _without_times(xml: bytes) -> bytes:
    """Leave out when the file was made: the same view gives the same bytes."""
    return re.sub(rb"<dcterms:(created|modified)\b[^>]*>.*?</dcterms:\1>", b"", xml)


def _without_recalculation(xml: bytes) -> bytes:
    """No cell has a formula, so nothing needs to be computed at the start."""
    return xml.replace(b' fullCalcOnLoad="1"', b"", 1)


def _before(end: str, addition: str) -> Edit:
    return _replaced(end, addition + end)


def _replaced(old: str, new: str) -> Edit:
    return lambda xml: xml.replace(old.encode(), new.encode())
