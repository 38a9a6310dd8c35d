"""A workbook file as `ports.Workbook`."""

import os
from pathlib import Path

import pytest

from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.ports import Workbook
from netstats_xl.sheets import DESTINATIONS, INPUT_TABLES
from netstats_xl.workbooks.template import demo_view, template_view
from netstats_xl.workbooks.xlsx import XlsxWorkbook
from netstats_xl.workbooks.xlsx_writer import XlsxFile, write_workbook
from tests.fakes.memory_workbook import MemoryWorkbook


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "NetStats.xlsx"
    write_workbook(template_view("UTC"), path)
    return path


def test_it_reads_the_tables_as_they_are_asked_for(source: Path) -> None:
    workbook: Workbook = XlsxWorkbook(source, MemoryWorkbook())
    tables = workbook.read(["destinations", "JOBS", "Nothing"])
    assert list(tables) == ["destinations", "JOBS"]
    assert tables["destinations"].name == DESTINATIONS


def test_the_revision_changes_when_the_file_is_saved_and_only_then(source: Path) -> None:
    workbook = XlsxWorkbook(source, MemoryWorkbook())
    first = workbook.revision()
    workbook.read(INPUT_TABLES)
    assert workbook.revision() == first
    write_workbook(demo_view("UTC"), source)
    second = workbook.revision()
    assert second != first
    status = source.stat()
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    assert workbook.revision() != second


def test_views_go_to_the_report_and_the_users_file_is_never_touched(source: Path, tmp_path: Path) -> None:
    before = source.read_bytes()
    workbook = XlsxWorkbook(source, XlsxFile(tmp_path / "NetStats-report.xlsx"))
    assert workbook.publish(demo_view("UTC")) == str(tmp_path / "NetStats-report.xlsx")
    workbook.write_ids(DESTINATIONS, {5: "0123456789ab"})
    assert source.read_bytes() == before
    assert XlsxWorkbook(tmp_path / "NetStats-report.xlsx", MemoryWorkbook()).read([DESTINATIONS])


def test_a_report_in_the_place_of_the_workbook_is_refused(source: Path, tmp_path: Path) -> None:
    before = source.read_bytes()
    (tmp_path / "folder").mkdir()
    for report in (source, tmp_path / "folder" / ".." / source.name):
        with pytest.raises(WorkbookError, match="would overwrite the workbook itself"):
            XlsxWorkbook(source, XlsxFile(report))
    assert source.read_bytes() == before


def test_a_file_that_was_never_there_is_an_error_and_one_that_vanished_may_come_back(source: Path) -> None:
    nowhere = XlsxWorkbook(source.with_name("none.xlsx"), MemoryWorkbook())
    for ask in (nowhere.revision, lambda: nowhere.read(INPUT_TABLES)):
        with pytest.raises(WorkbookError, match="There is no workbook") as caught:
            ask()
        assert not caught.value.retryable
    workbook = XlsxWorkbook(source, MemoryWorkbook())
    workbook.read(INPUT_TABLES)
    content = source.read_bytes()
    source.unlink()
    for ask in (workbook.revision, lambda: workbook.read(INPUT_TABLES)):
        with pytest.raises(WorkbookBusy, match="is gone"):
            ask()
    source.write_bytes(content)
    assert set(workbook.read(INPUT_TABLES)) == set(INPUT_TABLES)
