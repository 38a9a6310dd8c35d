"""Who a workbook file is."""

import zipfile
from pathlib import Path

import pytest

from netstats_xl.workbooks.macro_template import copy_template, template_path
from netstats_xl.workbooks.xlsx_identity import read_identity

ID = "0123456789abcdef" * 2


def test_a_copy_of_the_template_tells_its_id(tmp_path: Path) -> None:
    copy_template(tmp_path / "Net.xlsm", workbook_id=ID)
    assert read_identity(tmp_path / "Net.xlsm") == ID


def test_the_template_itself_carries_zeros() -> None:
    assert read_identity(template_path()) == "0" * 32


@pytest.mark.parametrize(
    "names",
    [
        "",
        "<definedNames><definedName name='Other'>\"0\"</definedName></definedNames>",
        "<definedNames><definedName name='NetStats_id'>Sheet1!$A$1</definedName></definedNames>",
        "<definedNames><definedName name='NetStats_id'/></definedNames>",
    ],
)
def test_a_workbook_without_an_id_has_none(tmp_path: Path, names: str) -> None:
    path = tmp_path / "Net.xlsm"
    with zipfile.ZipFile(path, "w") as package:
        namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        package.writestr("xl/workbook.xml", f"<workbook xmlns='{namespace}'>{names}</workbook>")
    assert read_identity(path) is None


def test_what_is_no_workbook_has_none(tmp_path: Path) -> None:
    (tmp_path / "text.xlsm").write_text("no workbook")
    with zipfile.ZipFile(tmp_path / "other.xlsm", "w") as package:
        package.writestr("readme.txt", "no workbook either")
    with zipfile.ZipFile(tmp_path / "broken.xlsm", "w") as package:
        package.writestr("xl/workbook.xml", "<workbook")
    for name in ("text", "other", "broken", "absent"):
        assert read_identity(tmp_path / f"{name}.xlsm") is None
