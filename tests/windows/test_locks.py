"""Files that another program has open, with Windows' own locks: what the README promises about them."""

import ctypes
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes
from pathlib import Path

import pytest

from netstats_xl.companion.report_files import unused
from netstats_xl.domain.results import EVERYTHING, Period
from netstats_xl.errors import (
    BackendUnavailable,
    PrivilegeMissing,
    ReportError,
    StoreLocked,
    StoreReadOnly,
    WorkbookBusy,
    WorkbookError,
)
from netstats_xl.files import replace_or_number, replacing
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.sheets import DESTINATIONS, INPUT_TABLES, JOBS
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.wiring import clock
from netstats_xl.workbooks.template import demo_view, template_view
from netstats_xl.workbooks.xlsx import XlsxWorkbook
from netstats_xl.workbooks.xlsx_rows import append_rows
from netstats_xl.workbooks.xlsx_writer import XlsxFile, write_workbook
from tests.wine import needs_byte_locks, needs_read_only

if sys.platform != "win32":
    pytest.skip("only Windows keeps a file that is open from being replaced", allow_module_level=True)

import msvcrt

GENERIC_READ = 0x80000000
GENERIC_WRITE = 0x40000000
NOBODY = 0
READERS = 1
"""FILE_SHARE_READ: others may open the file to read it, and may neither write, replace nor delete it."""
OPEN_EXISTING = 3
PATIENCE_S = 60.0
IN_USE = "is in use by|is open in this process already"


@contextmanager
def held(path: Path, share: int = READERS) -> Iterator[None]:
    """The file is open to read and write, and others may do what `share` lets them: `READERS`, as Excel does."""
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.CreateFileW.restype = wintypes.HANDLE
    handle = kernel32.CreateFileW(
        str(path), GENERIC_READ | GENERIC_WRITE, share, None, OPEN_EXISTING, 0, None
    )
    if handle == wintypes.HANDLE(-1).value:
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        yield
    finally:
        kernel32.CloseHandle(wintypes.HANDLE(handle))


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "Net.xlsx"
    write_workbook(demo_view("UTC"), path)
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "Net.duckdb"
    DuckDbStore.open(path).close()
    return path


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def netstats(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netstats_xl", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_the_locks_of_these_tests_keep_a_file_from_being_replaced(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("a")
    other.write_text("b")
    with held(path):
        assert path.read_text() == "a"
        with pytest.raises(PermissionError):
            other.replace(path)
        with pytest.raises(PermissionError):
            path.unlink()
        with pytest.raises(PermissionError):
            path.open("r+")
    with held(path, NOBODY), pytest.raises(PermissionError):
        path.read_text()
    assert other.replace(path).read_text() == "b"


def test_a_report_open_in_excel_gets_a_numbered_sibling_until_it_is_closed(tmp_path: Path) -> None:
    path, second, third = (tmp_path / f"r{suffix}.xlsx" for suffix in ("", " (2)", " (3)"))
    report = XlsxFile(path)
    assert report.publish(demo_view("UTC")) == str(path)
    before = path.read_bytes()
    with held(path):
        assert report.publish(template_view("UTC")) == str(second)
        assert path.read_bytes() == before
        assert report.publish(template_view("UTC")) == str(second)
        with held(second):
            assert report.publish(template_view("UTC")) == str(third)
    assert report.publish(template_view("UTC")) == str(path)
    assert path.read_bytes() != before
    assert names(tmp_path) == ["r (2).xlsx", "r (3).xlsx", "r.xlsx"]


def test_a_lock_of_a_moment_gives_no_sibling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, temporary = tmp_path / "r.xlsx", tmp_path / "new"
    wanted.write_text("old")
    temporary.write_text("new")
    lock = held(wanted)
    lock.__enter__()
    monkeypatch.setattr(time, "sleep", lambda _: lock.__exit__(None, None, None))
    assert replace_or_number(temporary, wanted) == wanted
    assert wanted.read_text() == "new"


def test_a_file_that_has_no_siblings_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as temporary:
            temporary.write_text("new")

    with held(path), pytest.raises(PermissionError):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["net.yaml"]


def test_a_workbook_open_in_excel_can_be_read(workbook: Path, tmp_path: Path) -> None:
    source = XlsxWorkbook(workbook, XlsxFile(tmp_path / "r.xlsx"))
    revision = source.revision()
    tables = source.read(INPUT_TABLES)
    with held(workbook):
        assert source.revision() == revision
        assert source.read(INPUT_TABLES) == tables
        assert {DESTINATIONS, JOBS} <= set(tables)
        assert netstats("check", workbook.name, cwd=tmp_path).returncode == 0


def test_reading_does_not_leave_the_workbook_open(workbook: Path, tmp_path: Path) -> None:
    source = XlsxWorkbook(workbook, XlsxFile(tmp_path / "r.xlsx"))
    source.revision()
    source.read(INPUT_TABLES)
    # Excel saves into a new file, moves the old one away, and moves the new one into its place.
    with held(workbook, NOBODY):
        pass
    workbook.replace(tmp_path / "old.xlsx")
    write_workbook(template_view("UTC"), workbook)
    assert source.read(INPUT_TABLES)[DESTINATIONS].rows


def test_a_workbook_that_nobody_may_read_is_busy_and_read_later(workbook: Path, tmp_path: Path) -> None:
    source = XlsxWorkbook(workbook, XlsxFile(tmp_path / "r.xlsx"))
    with held(workbook, NOBODY):
        source.revision()
        with pytest.raises(WorkbookBusy, match="another program has locked it"):
            source.read(INPUT_TABLES)
    assert source.read(INPUT_TABLES)


@needs_byte_locks
def test_a_workbook_locked_in_part_is_busy(workbook: Path, tmp_path: Path) -> None:
    source = XlsxWorkbook(workbook, XlsxFile(tmp_path / "r.xlsx"))
    with workbook.open("r+b") as file:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 4_096)
        with pytest.raises(WorkbookBusy, match="another program has locked it"):
            source.read(INPUT_TABLES)
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 4_096)
    assert source.read(INPUT_TABLES)


def test_rows_are_not_written_into_a_workbook_that_is_open(workbook: Path, tmp_path: Path) -> None:
    before = workbook.read_bytes()
    with held(workbook), pytest.raises(WorkbookError, match="Close the programs that have it open"):
        append_rows(workbook, DESTINATIONS, [{"Name": "x", "Host": "127.0.0.9"}])
    assert workbook.read_bytes() == before
    append_rows(workbook, DESTINATIONS, [{"Name": "x", "Host": "127.0.0.9"}])
    assert not [name for name in names(tmp_path) if name.endswith(".tmp")]


def test_a_csv_file_open_in_excel_is_told_with_the_remedy(database: Path, tmp_path: Path) -> None:
    target = unused(tmp_path / "samples.csv")
    target.write_text("old")
    store = DuckDbStore.open(database)
    now = clock().now()
    with held(target), pytest.raises(ReportError, match="Close the program that has it open"):
        store.export_csv(target, Period(start=now.replace(year=2000), end=now), scope=EVERYTHING)
    store.close()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["Net.duckdb", "samples.csv"]


@pytest.mark.parametrize("share", [NOBODY, READERS])
def test_a_database_that_another_program_has_open_is_locked_not_read_only(database: Path, share: int) -> None:
    before = database.read_bytes()
    with held(database, share), pytest.raises(StoreLocked, match=IN_USE) as caught:
        DuckDbStore.open(database)
    assert str(database) in caught.value.message
    assert database.read_bytes() == before
    DuckDbStore.open(database).close()


@needs_read_only
def test_a_database_that_may_not_be_written_is_read_only_not_locked(database: Path) -> None:
    database.chmod(0o444)
    with pytest.raises(StoreReadOnly, match="may not be written"):
        DuckDbStore.open(database)
    database.chmod(0o666)
    DuckDbStore.open(database).close()


def test_a_command_on_a_database_in_use_ends_with_its_code_and_message(
    workbook: Path, database: Path, tmp_path: Path
) -> None:
    store = DuckDbStore.open(database)
    done = netstats("report", workbook.name, "--from", "-1h", cwd=tmp_path)
    store.close()
    assert done.returncode == 4
    assert "Net.duckdb is in use by" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path) == ["Net.duckdb", "Net.xlsx"]


def test_a_closed_database_can_be_moved_at_once(database: Path, tmp_path: Path) -> None:
    DuckDbStore.open(database).close()
    database.replace(tmp_path / "moved.duckdb")
    assert names(tmp_path) == ["moved.duckdb"]


def test_run_goes_on_beside_an_open_workbook_and_an_open_report(workbook: Path, tmp_path: Path) -> None:
    try:
        IcmpProber.open()
    except (PrivilegeMissing, BackendUnavailable) as error:
        pytest.skip(f"echo requests cannot be sent: {error.message}")
    report = tmp_path / "Net-report.xlsx"
    report.write_bytes(b"open in Excel")
    with held(workbook), held(report):
        done = netstats("run", workbook.name, "--for", "3s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Report: Net-report (2).xlsx" in done.stdout
    assert report.read_bytes() == b"open in Excel"
    assert (tmp_path / "Net-report (2).xlsx").read_bytes().startswith(b"PK")
