"""Live workbooks for LibreOffice as files, and the identity that they carry."""

import zipfile
from pathlib import Path

import pytest

from netstats_xl.app.publishing import live_spec
from netstats_xl.errors import WorkbookError
from netstats_xl.sheets import INPUT_TABLES, read_definitions
from netstats_xl.workbooks.libreoffice import template as module
from netstats_xl.workbooks.libreoffice.program import Program
from netstats_xl.workbooks.libreoffice.template import read_identity, write_template
from netstats_xl.workbooks.xlsx_reader import read_tables
from tests.workbooks.office import needs_libreoffice

GUID = "0123456789ABCDEF0123456789abcdef"
CONTENT = """<?xml version="1.0"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><table:named-expressions>
 <table:named-expression table:name="Other" table:expression="&quot;{other}&quot;"/>{names}
</table:named-expressions></office:document-content>"""
NAME = '<table:named-expression table:name="netstats_ID" table:expression="{}"/>'


def ods(path: Path, *names: str, part: str = "content.xml") -> Path:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(part, CONTENT.format(other="f" * 32, names="".join(names)))
    return path


def test_an_xlsx_template_carries_an_identity_of_its_own_and_the_sheets(tmp_path: Path) -> None:
    one, other = tmp_path / "One.xlsx", tmp_path / "Other.XLSX"
    for path in (one, other):
        write_template(path)
    identities = {read_identity(one), read_identity(other)}
    assert len(identities) == 2
    assert not identities & {None, "0" * 32}
    assert read_definitions(read_tables(one, INPUT_TABLES), default_zone="UTC").errors == ()


@needs_libreoffice
def test_an_ods_template_carries_one_too_and_holds_the_same_sheets(tmp_path: Path) -> None:
    path = tmp_path / "Ann's büro.ods"
    write_template(path)
    assert len(read_identity(path) or "") == 32
    with zipfile.ZipFile(path) as package:
        assert package.read("mimetype") == b"application/vnd.oasis.opendocument.spreadsheet"
        content = package.read("content.xml").decode()
    for sheet in live_spec().sheets:
        assert f'table:name="{sheet.name}"' in content
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_libreoffice_there_is_no_ods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Program:
        raise WorkbookError("LibreOffice is not found")

    monkeypatch.setattr(module, "require_program", missing)
    with pytest.raises(WorkbookError, match="LibreOffice is not found"):
        write_template(tmp_path / "a.ods")
    assert list(tmp_path.iterdir()) == []


def test_the_identity_of_an_ods_is_that_of_its_hidden_name(tmp_path: Path) -> None:
    path = ods(tmp_path / "a.ODS", NAME.format(f"&quot;{GUID}&quot;"))
    assert read_identity(path) == GUID.lower()


@pytest.mark.parametrize("expression", ["", "$Sheet1.$A$1", "&quot;short&quot;"])
def test_a_name_that_holds_something_else_is_no_identity(tmp_path: Path, expression: str) -> None:
    assert read_identity(ods(tmp_path / "a.ods", NAME.format(expression))) is None


def test_files_without_one_and_files_that_cannot_be_read_carry_none(tmp_path: Path) -> None:
    garbage, broken = tmp_path / "garbage.ods", tmp_path / "broken.ods"
    garbage.write_bytes(b"PK\x03\x04 no workbook")
    with zipfile.ZipFile(broken, "w") as package:
        package.writestr("content.xml", "<a><b></a>")
    for path in (
        garbage,
        broken,
        tmp_path / "none.ods",
        tmp_path,
        ods(tmp_path / "without.ods"),
        ods(tmp_path / "other part.ods", part="styles.xml"),
    ):
        assert read_identity(path) is None
