"""A workbook file as `ports.Workbook`."""

import os
from datetime import date
from pathlib import Path

import pytest

from netstats_xl.domain.tables import RowEdits
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


def test_edits_of_one_day_keep_one_copy_the_file_as_it_was_before_the_first(source: Path) -> None:
    today = [date(2026, 11, 23)]
    workbook = XlsxWorkbook(source, MemoryWorkbook(), today=lambda: today[0])
    before = source.read_bytes()

    def add(name: str) -> None:
        workbook.read(INPUT_TABLES)
        workbook.edit(DESTINATIONS, RowEdits(append=({"Name": name, "Host": "::1"},)))

    add("a")
    add("b")
    copy = source.with_name("NetStats (before changes of 2026-11-23).xlsx")
    assert copy.read_bytes() == before
    assert len(list(source.parent.iterdir())) == 2
    between = source.read_bytes()
    today[0] = date(2026, 11, 24)
    add("c")
    assert source.with_name("NetStats (before changes of 2026-11-24).xlsx").read_bytes() == between
    assert [row.cells["Name"] for row in workbook.read([DESTINATIONS])[DESTINATIONS].rows][-3:] == [
        "a",
        "b",
        "c",
    ]


def test_a_copy_bears_todays_date(source: Path) -> None:
    workbook = XlsxWorkbook(source, MemoryWorkbook())
    first = date.today()  # noqa: DTZ011 - the user's own date
    workbook.read(INPUT_TABLES)
    workbook.edit(DESTINATIONS, RowEdits(append=({"Name": "a", "Host": "::1"},)))
    last = date.today()  # noqa: DTZ011 - the user's own date
    (copy,) = set(source.parent.iterdir()) - {source}
    assert copy.name in {f"NetStats (before changes of {day}).xlsx" for day in (first, last)}


def test_a_file_that_was_saved_since_it_was_read_is_not_edited(source: Path) -> None:
    workbook = XlsxWorkbook(source, MemoryWorkbook())
    workbook.read(INPUT_TABLES)
    write_workbook(demo_view("UTC"), source)
    before = source.read_bytes()
    with pytest.raises(WorkbookBusy, match="was saved since it was read"):
        workbook.edit(DESTINATIONS, RowEdits(remove=(5,)))
    assert source.read_bytes() == before
    assert list(source.parent.iterdir()) == [source]
    workbook.read(INPUT_TABLES)
    workbook.edit(DESTINATIONS, RowEdits(remove=(5,)))
    with pytest.raises(WorkbookBusy):
        workbook.edit(DESTINATIONS, RowEdits(remove=(6,)))


def test_a_file_that_is_gone_or_open_elsewhere_is_not_edited(source: Path) -> None:
    workbook = XlsxWorkbook(source, MemoryWorkbook())
    workbook.read(INPUT_TABLES)
    lock = source.with_name("~$NetStats.xlsx")
    lock.write_text("me")
    with pytest.raises(WorkbookBusy, match="open in Excel"):
        workbook.edit(DESTINATIONS, RowEdits(remove=(5,)))
    lock.unlink()
    source.unlink()
    with pytest.raises(WorkbookBusy, match="is gone"):
        workbook.edit(DESTINATIONS, RowEdits(remove=(5,)))
