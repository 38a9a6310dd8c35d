"""The template as a package: the same from the same sources, whole, and nobody's but ours and xlwings'."""

import re
import subprocess
import sys
import warnings
import zipfile
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pyopenvba import ExcelFile, check_file
from pyopenvba.cfb import CFB

from tests.workbook_template.conftest import TEMPLATE, opened
from tests.workbooks.office import audit, needs_libreoffice, saved_by_libreoffice
from workbook_template import build

SHEET_NAMES = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER = re.compile(r"(?:Attribute VB_[^\r\n]*\r\n)+")


def content_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def package() -> dict[str, bytes]:
    return content_of(TEMPLATE)


def read_back(path: Path) -> dict[str, str]:
    """Each module's source as olevba reads it, with its stream's name."""
    with warnings.catch_warnings():
        # oletools uses old names of pyparsing's.
        warnings.simplefilter("ignore", DeprecationWarning)
        from oletools.olevba import VBA_Parser

        parser = VBA_Parser(str(path))
    try:
        return {
            stream.partition("/")[2]: code.replace("\r\n", "\n").replace("\n", "\r\n")
            for _, stream, _, code in parser.extract_macros()
        }
    finally:
        parser.close()


def test_the_committed_template_is_what_its_sources_make(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = tmp_path / "NetStats.xlsm"
    monkeypatch.setattr(build, "TARGET", made)
    build.main()
    # Part by part: another zlib compresses the same content into other bytes.
    stale = [
        name
        for name in content_of(made) | content_of(TEMPLATE)
        if content_of(made).get(name) != content_of(TEMPLATE).get(name)
    ]
    assert stale == [], "run: python workbook_template/build.py"
    assert list(content_of(made)) == list(content_of(TEMPLATE))


def test_the_same_sources_make_the_same_bytes() -> None:
    assert build.build() == build.build()


def test_excel_would_have_nothing_to_repair(live_template: Path) -> None:
    for path in (TEMPLATE, live_template):
        assert audit(path) == []
        assert check_file(path).issues == ()
        with ExcelFile(path) as book:
            assert book.validate() == []


def test_olevba_reads_back_what_was_built() -> None:
    found = read_back(TEMPLATE)
    for name in build.MODULES:
        assert found[name] == build.source_of(f"{name}.bas")
    assert HEADER.sub("", found["ThisWorkbook"], count=1) == build.source_of("ThisWorkbook.cls")
    sheets = len(opened(TEMPLATE).sheetnames)
    documents = {f"Sheet{number}" for number in range(1, sheets + 1)}
    assert set(found) == {*build.MODULES, "ThisWorkbook", "xlwings", "Dictionary", *documents}
    assert all(HEADER.fullmatch(found[name]) for name in documents)


def test_xlwings_part_is_the_one_of_its_standalone_quick_start_but_for_the_projects_name() -> None:
    theirs = read_back(Path(str(files("xlwings") / "quickstart_standalone.xlsm")))
    ours = read_back(TEMPLATE)
    assert ours["Dictionary"] == theirs["Dictionary"]
    changed = [
        (one, other)
        for one, other in zip(theirs["xlwings"].splitlines(), ours["xlwings"].splitlines(), strict=True)
        if one != other
    ]
    assert changed == [
        (
            'Public Const PROJECT_NAME As String = "xlwings"',
            'Public Const PROJECT_NAME As String = "netstats_xl"',
        )
    ]
    assert "Redistributions in binary form must reproduce the above copyright" in ours["xlwings"]


def test_office_compiles_the_macros_anew(package: dict[str, bytes]) -> None:
    project = CFB.from_bytes(package["xl/vbaProject.bin"])
    assert project.get_stream_in_storage("VBA", "_VBA_PROJECT").hex() == "cc61ffff000000"
    assert not [name for name in project.list_streams() if name.startswith("__SRP")]


def test_each_sheet_has_its_module(package: dict[str, bytes]) -> None:
    project = CFB.from_bytes(package["xl/vbaProject.bin"])
    declared = project.get_stream("PROJECT").decode("cp1252")
    code_names = [
        re.search(rb'<sheetPr[^>]* codeName="(\w+)"', package[f"xl/worksheets/sheet{number}.xml"])
        for number in range(1, 1 + sum(name.startswith("xl/worksheets/sheet") for name in package))
    ]
    names = [found[1].decode() for found in code_names if found]
    assert names == [f"Sheet{number}" for number in range(1, len(code_names) + 1)]
    assert re.findall(r"Document=(\w+)/&H00000000\r\n", declared) == ["ThisWorkbook", *names]
    assert re.findall(r"(?:Module|Class)=(\w+)\r\n", declared) == ["xlwings", "Dictionary", *build.MODULES]
    windows = declared.partition("[Workspace]\r\n")[2].splitlines()
    assert len(windows) == len(names) + 3 + len(build.MODULES)
    assert all(" = " not in line and "=" in line for line in windows)
    assert b'<workbookPr codeName="ThisWorkbook"' in package["xl/workbook.xml"]


def test_the_workbook_has_an_identity_that_is_not_drawn_yet() -> None:
    book = opened(TEMPLATE)
    name = book.defined_names["NetStats_id"]
    assert (name.value, name.hidden) == (f'"{"0" * 32}"', True)


def test_xlwings_settings_are_hidden_and_name_nothing_beside_the_workbook() -> None:
    book = opened(TEMPLATE)
    sheet = book["netstats_xl.conf"]
    settings = {row[0]: row[1] for row in sheet.iter_rows(max_col=2, values_only=True)}
    assert sheet.sheet_state == "hidden"
    assert settings["SHOW CONSOLE"] is False
    assert settings["USE UDF SERVER"] is False
    assert settings["ADD_WORKBOOK_TO_PYTHONPATH"] == "false"
    assert {key for key, value in settings.items() if value is None} == {
        key for key, value in build.SETTINGS.items() if value == ""
    }
    # That is this computer's business: `netstats-xl install` writes it down for its user.
    assert "INTERPRETER_WIN" not in settings
    assert not [name for name in book.sheetnames if name.endswith(".py")]


def test_the_settings_are_those_that_the_installer_writes_for() -> None:
    from netstats_xl.installing.xlwings_conf import PROJECT_NAME

    assert build.PROJECT_NAME == PROJECT_NAME


def test_the_ribbon_is_tied_to_the_package(package: dict[str, bytes]) -> None:
    relations = ET.fromstring(package["_rels/.rels"])
    [part] = [
        each.attrib["Target"] for each in relations if each.attrib["Type"].endswith("/ui/extensibility")
    ]
    assert package[part] == build.RIBBON.read_bytes()


def test_nothing_tells_when_and_where_it_was_built(package: dict[str, bytes]) -> None:
    with zipfile.ZipFile(TEMPLATE) as archive:
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    whole = b"".join(content for name, content in package.items() if name.endswith((".xml", ".rels")))
    assert not re.search(rb"absPath|fullCalcOnLoad|dcterms:(created|modified)|:\\Users|/tmp/", whole)


@needs_libreoffice
def test_libreoffice_opens_it(tmp_path: Path) -> None:
    saved = saved_by_libreoffice(TEMPLATE, tmp_path / "saved")
    book = opened(saved.with_suffix(".xlsx"))
    assert {"Destinations", "Jobs", "Settings"} <= set(book.sheetnames)
    assert book["Destinations"]["A5"].value == "This computer"


def test_the_command_works_from_any_folder(tmp_path: Path) -> None:
    script = (
        "import pathlib, runpy, sys; module = runpy.run_path(sys.argv[1]); "
        "module['main'].__globals__['TARGET'] = pathlib.Path('made.xlsm'); module['main']()"
    )
    subprocess.run(
        [sys.executable, "-c", script, build.__file__],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert content_of(tmp_path / "made.xlsm").keys() == content_of(TEMPLATE).keys()
