"""Builds NetStats.xlsm without Excel: `python workbook_template/build.py`.

The sheets come from the product's own view, written by its own writer. Added here are what only a live workbook
has: the ribbon, the VBA project, the workbook's identity, and xlwings' settings. The same sources give the same
bytes.
"""

import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET  # parses only what our own writer wrote a moment ago
from xml.sax.saxutils import escape

from pyopenvba import ExcelFile, VBAModuleKind
from pyopenvba.cfb import CFB

from netstats_xl.domain.views import SheetSpec, WorkbookView
from netstats_xl.workbooks.macro_template import ID_NAME, UNDRAWN
from netstats_xl.workbooks.template import live_template_view
from netstats_xl.workbooks.xlsx_writer import write_workbook

HERE = Path(__file__).resolve().parent
TARGET = HERE / "NetStats.xlsm"
RIBBON = HERE / "ribbon.xml"
MODULES = ("Ribbon", "Tables", "ControlClient")
"""The standard modules in `vba/`, in the order of the project."""

PROJECT_NAME = "netstats_xl"
"""What xlwings calls our settings: those of the user's other xlwings projects are none of ours."""
SETTINGS: Mapping[str, str | bool] = {
    "PYTHONPATH": "",
    "ADD_WORKBOOK_TO_PYTHONPATH": "false",
    "CONDA PATH": "",
    "CONDA ENV": "",
    "SHOW CONSOLE": False,
    "USE UDF SERVER": False,
    "ONEDRIVE_CONSUMER_WIN": "",
    "ONEDRIVE_COMMERCIAL_WIN": "",
    "SHAREPOINT_WIN": "",
}
"""What xlwings is told on every computer. Which Python to start differs: `netstats-xl install` writes that down."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TIME = (1980, 1, 1, 0, 0, 0)
_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_RELATIONSHIPS = "xl/_rels/workbook.xml.rels"
_CONTENT_TYPES = "[Content_Types].xml"
_ROOT_RELATIONSHIPS = "_rels/.rels"
_RIBBON_PART = "customUI/customUI.xml"
_RIBBON_RELATIONSHIP = "http://schemas.microsoft.com/office/2006/relationships/ui/extensibility"
_VBA_PART = "xl/vbaProject.bin"
_VBA_RELATIONSHIP = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
_VBA_CONTENT_TYPE = "application/vnd.ms-office.vbaProject"
_PLAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_NO_CACHE = bytes.fromhex("cc61ffff000000")
"""[MS-OVBA] 2.3.4.1: of no known version, so every Office compiles the sources anew."""
_DOCUMENT = (
    'Attribute VB_Name = "{name}"\r\nAttribute VB_Base = "0{{00020820-0000-0000-C000-000000000046}}"\r\n'
    "Attribute VB_GlobalNameSpace = False\r\nAttribute VB_Creatable = False\r\n"
    "Attribute VB_PredeclaredId = True\r\nAttribute VB_Exposed = True\r\n"
    "Attribute VB_TemplateDerived = False\r\nAttribute VB_Customizable = True\r\n"
)
"""The header that Excel gives the module of a worksheet."""

Parts = dict[str, bytes]


def main() -> None:
    """Write the template beside this file."""
    TARGET.write_bytes(build())
    sys.stdout.write(f"Wrote {TARGET}\n")


def build(view: WorkbookView | None = None) -> bytes:
    """The template, as the bytes of its file; `view`: another one than the product's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = _written(_with_settings(view or live_template_view()), folder / TARGET.name)
        sheets = _sheet_parts(parts)
        for number, part in enumerate(sheets.values(), start=1):
            parts[part] = _with_code_name(parts[part], "sheetPr", "worksheet", f"Sheet{number}")
        settings = sheets[f"{PROJECT_NAME}.conf"]
        parts[settings] = _with_flags(parts[settings])
        parts[_VBA_PART] = vba_project([f"Sheet{number}" for number in range(1, len(sheets) + 1)], folder)
        parts[_RIBBON_PART] = RIBBON.read_bytes()
        _tie_together(parts)
        return _packed(parts, folder / "packed.xlsm")


def vba_project(sheets: Sequence[str], folder: Path) -> bytes:
    """The project of xlwings' standalone quick start with our modules, and a module for each of these sheets."""
    source, edited = folder / "quickstart.xlsm", folder / "edited.xlsm"
    source.write_bytes((files("xlwings") / "quickstart_standalone.xlsm").read_bytes())
    with ExcelFile(source) as book:
        project = book.vba_project()
        project.delete_module("Module1")
        present = project.module_names()
        added = [name for name in sheets if name not in present]
        for name in added:
            project.add_module(name, _DOCUMENT.format(name=name), kind=VBAModuleKind.other)
        for name in MODULES:
            project.add_module(name, source_of(f"{name}.bas"))
        book.set_module("ThisWorkbook", source_of("ThisWorkbook.cls"))
        xlwings = book.get_module("xlwings")
        book.set_module("xlwings", _replaced(xlwings, _constant("xlwings"), _constant(PROJECT_NAME)))
        book.save(edited)
    with ExcelFile(edited) as book:
        problems = book.validate()
        if problems:
            raise ValueError("; ".join(problems))
    with zipfile.ZipFile(edited) as package:
        container = CFB.from_bytes(package.read(_VBA_PART))
    declared = container.get_stream("PROJECT").decode("cp1252")
    for name in added:
        # pyOpenVBA declares every class module as one that is nobody's; these are sheets'.
        declared = _replaced(declared, f"Class={name}\r\n", f"Document={name}/&H00000000\r\n")
    # The quick start ends with a blank line, and the windows of the new modules were added below it.
    head, mark, windows = declared.partition("[Workspace]\r\n")
    declared = head + mark + re.sub(r"(\r\n)+", "\r\n", windows)
    container.write_stream("PROJECT", declared.encode("cp1252"))
    container.write_stream_in_storage("VBA", "_VBA_PROJECT", _NO_CACHE)
    return bytes(container.to_bytes())


def source_of(name: str) -> str:
    """A file of `vba/`: ASCII, with the line ends that VBA wants."""
    return (HERE / "vba" / name).read_bytes().decode("ascii")


def _written(view: WorkbookView, path: Path) -> Parts:
    write_workbook(view, path)
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def _with_settings(view: WorkbookView) -> WorkbookView:
    """The view with an empty sheet for xlwings' settings."""
    sheet = SheetSpec(name=f"{PROJECT_NAME}.conf", blocks=(), hidden=True)
    return replace(view, spec=replace(view.spec, sheets=(*view.spec.sheets, sheet)))


def _with_flags(xml: bytes) -> bytes:
    """The sheet with xlwings' settings, which begin in A1; flags as flags, whatever Excel's language calls them."""
    rows = []
    for number, (key, value) in enumerate(SETTINGS.items(), start=1):
        cell = (
            f'<c r="B{number}" t="b"><v>{value:d}</v></c>'
            if isinstance(value, bool)
            else _text(f"B{number}", value)
        )
        rows.append(f'<row r="{number}">{_text(f"A{number}", key)}{cell}</row>')
    filled = f"<sheetData>{''.join(rows)}</sheetData>".encode()
    dimension = f'<dimension ref="A1:B{len(SETTINGS)}"/>'.encode()
    return _substituted(_substituted(xml, rb"<sheetData\s*/>", filled), rb"<dimension [^>]*/>", dimension)


def _text(cell: str, text: str) -> str:
    return f'<c r="{cell}" t="inlineStr"><is><t>{escape(text)}</t></is></c>' if text else ""


def _sheet_parts(parts: Parts) -> dict[str, str]:
    """The part of each sheet by the sheet's name, in the workbook's order."""
    targets = {
        each.attrib["Id"]: f"xl/{each.attrib['Target']}"
        for each in ET.fromstring(parts[_WORKBOOK_RELATIONSHIPS])  # noqa: S314 - see the import
    }
    workbook = ET.fromstring(parts[_WORKBOOK])  # noqa: S314 - see the import
    return {
        sheet.attrib["name"]: targets[sheet.attrib[f"{_RELATION}id"]]
        for sheet in workbook.iterfind(f"{_MAIN}sheets/{_MAIN}sheet")
    }


def _with_code_name(xml: bytes, element: str, root: str, name: str) -> bytes:
    """Say which module of the VBA project belongs to the part."""
    attribute = f' codeName="{name}"'.encode()
    if f"<{element}".encode() in xml:
        return _substituted(xml, f"<{element}\\b".encode(), f"<{element}".encode() + attribute)
    return _substituted(
        xml, f"<{root}\\b[^>]*>".encode(), lambda found: found[0] + f"<{element}".encode() + attribute + b"/>"
    )


def _tie_together(parts: Parts) -> None:
    """Name the new parts wherever the package lists its parts, and give the workbook its identity."""
    workbook = _with_code_name(parts[_WORKBOOK], "workbookPr", "workbook", "ThisWorkbook")
    workbook = _with_name(workbook, ID_NAME, f'"{UNDRAWN}"')
    workbook = re.sub(rb' fullCalcOnLoad="[^"]*"', b"", workbook)
    parts[_WORKBOOK] = workbook
    parts[_WORKBOOK_RELATIONSHIPS] = _before(
        parts[_WORKBOOK_RELATIONSHIPS],
        "</Relationships>",
        f'<Relationship Id="rIdVba" Type="{_VBA_RELATIONSHIP}" Target="vbaProject.bin"/>',
    )
    parts[_ROOT_RELATIONSHIPS] = _before(
        parts[_ROOT_RELATIONSHIPS],
        "</Relationships>",
        f'<Relationship Id="rIdRibbon" Type="{_RIBBON_RELATIONSHIP}" Target="{_RIBBON_PART}"/>',
    )
    types = _replaced(parts[_CONTENT_TYPES].decode(), _PLAIN, _MACROS).encode()
    parts[_CONTENT_TYPES] = _before(
        types, "</Types>", f'<Override PartName="/{_VBA_PART}" ContentType="{_VBA_CONTENT_TYPE}"/>'
    )


def _with_name(workbook: bytes, name: str, refers_to: str) -> bytes:
    """Add a hidden name of the workbook's, among the others in their order."""
    made = f'<definedName name="{name}" hidden="1">{escape(refers_to)}</definedName>'.encode()
    names = re.findall(rb"<definedName .*?</definedName>", workbook)
    if not names:
        return _before(workbook, "<calcPr", f"<definedNames>{made.decode()}</definedNames>")
    ordered = sorted([*names, made], key=_name_key)
    return _substituted(
        workbook,
        rb"<definedNames>.*</definedNames>",
        lambda _: b"<definedNames>" + b"".join(ordered) + b"</definedNames>",
    )


def _name_key(element: bytes) -> str:
    found = re.search(rb'name="(?:_xlnm\.)?([^"]*)"', element)
    assert found is not None
    return found[1].decode().casefold()


def _packed(parts: Parts, path: Path) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, date_time=_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(info, content)
    return path.read_bytes()


def _constant(project: str) -> str:
    return f'Public Const PROJECT_NAME As String = "{project}"'


def _before(xml: bytes, end: str, addition: str) -> bytes:
    return _replaced(xml.decode(), end, addition + end).encode()


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"{old!r} stands {text.count(old)} times where it should stand once.")
    return text.replace(old, new)


def _substituted(xml: bytes, pattern: bytes, new: bytes | Callable[[re.Match[bytes]], bytes]) -> bytes:
    made, count = re.subn(pattern, new if callable(new) else lambda _: new, xml, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"There is no {pattern!r}.")
    return made


if __name__ == "__main__":
    main()
