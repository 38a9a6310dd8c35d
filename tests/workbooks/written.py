"""Views for tests, and what became of them in a file: read with openpyxl, checked, shown by LibreOffice."""

import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell import Cell
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from openxml_audit import OpenXmlValidator

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    Anchor,
    Block,
    Column,
    Kind,
    Row,
    SheetSpec,
    TableSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.workbooks.xlsx_writer import write_workbook

needs_libreoffice = pytest.mark.skipif(
    shutil.which("soffice") is None, reason="needs LibreOffice's soffice on the path"
)


def at(row: int = 0, column: int = 0) -> Anchor:
    return Anchor(row=row, column=column)


def number(header: str, number_format: str = "") -> Column:
    return Column(header=header, kind=Kind.NUMBER, number_format=number_format)


def table(
    *columns: Column | str,
    name: str = "Things",
    anchor: Anchor | None = None,
    streamed: bool = False,
    spare: int = 0,
) -> TableSpec:
    """A table; a text makes a column of texts."""
    return TableSpec(
        name=name,
        anchor=anchor or at(),
        columns=tuple(Column(header=each) if isinstance(each, str) else each for each in columns),
        streamed=streamed,
        spare_rows=spare,
    )


def view_of(
    *blocks: Block,
    rows: Mapping[str, Iterable[Row]] | None = None,
    cells: Mapping[str, CellValue] | None = None,
    more: Iterable[SheetSpec] = (),
) -> WorkbookView:
    """A workbook whose first sheet is `Sheet` with these blocks."""
    sheets = (SheetSpec(name="Sheet", blocks=tuple(blocks)), *more)
    return WorkbookView(spec=WorkbookSpec(title="Test", sheets=sheets), rows=rows or {}, cells=cells or {})


def written(view: WorkbookView, folder: Path, name: str = "written.xlsx") -> Path:
    """Write the view, and have every schema and package rule checked."""
    path = folder / name
    write_workbook(view, path)
    audit(path)
    return path


def audit(path: Path) -> None:
    """Fail where Excel would have something to repair."""
    result = OpenXmlValidator().validate(path)
    found = [
        f"{each.part_uri}: {each.description}" for each in result.errors if each.severity.value == "error"
    ]
    assert not found, found
    assert result.is_valid


def opened(path: Path) -> Workbook:
    """As openpyxl reads it."""
    return openpyxl.load_workbook(path)


def sheet_of(path: Path, name: str = "Sheet") -> Worksheet:
    sheet = opened(path)[name]
    assert isinstance(sheet, Worksheet)
    return sheet


def cell(sheet: Worksheet, address: str) -> Cell:
    found = sheet[address]
    assert isinstance(found, Cell)
    return found


def part(path: Path, name: str) -> str:
    """The text of a part of the package."""
    with zipfile.ZipFile(path) as package:
        return package.read(name).decode()


def parts(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as package:
        return package.namelist()


def converted(path: Path, kind: str, folder: Path) -> Path:
    """What LibreOffice makes of the file, which it opens, computes and saves as another kind."""
    target = folder / "converted"
    how = "csv:Text - txt - csv (StarCalc):44,34,76" if kind == "csv" else kind  # commas, quotes, UTF-8
    profile = (folder / "profile").as_uri()
    command = [
        "soffice",
        f"-env:UserInstallation={profile}",
        "--headless",
        "--convert-to",
        how,
        "--outdir",
        str(target),
    ]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=180)
    made = target / f"{path.stem}.{kind}"
    assert made.exists(), "LibreOffice could not open the file"
    return made
