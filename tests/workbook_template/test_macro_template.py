"""New live workbooks: copies of the template, each with an identity of its own."""

import zipfile
from pathlib import Path

import pytest

from netstats_xl.errors import WorkbookError
from netstats_xl.workbooks import macro_template
from netstats_xl.workbooks.macro_template import ID_NAME, UNDRAWN, copy_template, template_path
from tests.workbook_template.conftest import TEMPLATE, WORKBOOK_ID, opened


def identity(path: Path) -> str:
    return str(opened(path).defined_names[ID_NAME].value).strip('"')


def test_the_template_is_found_where_it_is_worked_on() -> None:
    assert template_path() == TEMPLATE
    assert identity(TEMPLATE) == UNDRAWN


def test_an_installed_template_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(macro_template, "__file__", str(tmp_path / "a" / "b" / "macro_template.py"))
    with pytest.raises(WorkbookError, match="lacks its template"):
        template_path()
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "NetStats.xlsm").touch()
    assert template_path() == tmp_path / "a" / "b" / "NetStats.xlsm"


def test_a_copy_has_the_identity_that_it_is_given_and_is_else_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "Net.xlsm"
    copy_template(copy, workbook_id=WORKBOOK_ID)
    assert identity(copy) == WORKBOOK_ID
    with zipfile.ZipFile(TEMPLATE) as one, zipfile.ZipFile(copy) as other:
        assert one.namelist() == other.namelist()
        assert [name for name in one.namelist() if one.read(name) != other.read(name)] == ["xl/workbook.xml"]
        assert other.testzip() is None


def test_each_copy_draws_an_identity_of_its_own(tmp_path: Path) -> None:
    for name in ("a.xlsm", "b.xlsm"):
        copy_template(tmp_path / name)
    drawn = {identity(tmp_path / "a.xlsm"), identity(tmp_path / "b.xlsm"), UNDRAWN}
    assert len(drawn) == 3
    assert all(len(each) == 32 for each in drawn)


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "Net.xlsm").mkdir()
    with pytest.raises(WorkbookError):
        copy_template(tmp_path / "Net.xlsm")
    assert [each.name for each in tmp_path.iterdir()] == ["Net.xlsm"]


@pytest.mark.parametrize("bad", ["", "0" * 31, "G" * 32, '"&A1&"' + "0" * 26])
def test_what_is_no_identity_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="identity"):
        copy_template(tmp_path / "Net.xlsm", workbook_id=bad)
    assert list(tmp_path.iterdir()) == []
