"""The double of Excel as a real COM server in another process: attached through its windows by xlwings' own code."""

import faulthandler
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("COM is Windows' own", allow_module_level=True)

import pythoncom
import pywintypes
import xlwings

from tests.excel_double import (
    GONE,
    IGNORED,
    IGNORED_IN_DETAILS,
    REFUSED_BARE,
    REJECTED,
    RETRY_LATER,
    Failure,
)
from tests.excel_double.errors import signed
from tests.excel_double.lab.client import LabDesktop, LabExcel

BOOK = r"C:\Data\NetStats.xlsm"
OPEN = f"book = excel.open({BOOK!r}, 'Jobs')"
TABLE = "table = add_table(book.sheet('Jobs'), 'T', ['Name', 'At'], [['a', 45293.5], ['b', None]])"
NA = -2146826246
SERVER_DIED = {signed(code) for code in (0x800706BA, 0x800706BE, 0x80010108, 0x80010012, 0x80004002)}


@pytest.fixture(scope="module", autouse=True)
def no_dumps_of_handled_exceptions() -> Iterator[None]:
    """COM raises and handles exceptions of its own, which faulthandler would print as fatal ones."""
    was_enabled = faulthandler.is_enabled()
    faulthandler.disable()
    yield
    if was_enabled:
        faulthandler.enable(sys.__stderr__)


@pytest.fixture(autouse=True)
def attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlwings._xlwindows, "N_COM_ATTEMPTS", 1)


@pytest.fixture(scope="module")
def shared_desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDesktop]:
    made = LabDesktop(tmp_path_factory.mktemp("excels"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def shared_excel(shared_desktop: LabDesktop) -> LabExcel:
    """An Excel for all tests that leave one behind: starting it is what takes long."""
    return shared_desktop.start_excel()


@pytest.fixture
def desktop(shared_desktop: LabDesktop) -> LabDesktop:
    return shared_desktop


@pytest.fixture
def excel(shared_excel: LabExcel) -> LabExcel:
    for line in (
        "excel.faults.clear(); user.finish(); [excel.close(book) for book in list(excel.books)]",
        OPEN,
        TABLE,
    ):
        shared_excel.do(line)
    return shared_excel


@pytest.fixture
def other(desktop: LabDesktop) -> Iterator[LabExcel]:
    """An Excel of the test's own."""
    started = desktop.start_excel(r"book = excel.open(r'C:\Data\Other.xlsx', 'Jobs')")
    yield started
    started.kill()


def sheet() -> Any:
    """The sheet Jobs of the first Excel that xlwings finds."""
    return xlwings.apps.active.books["NetStats.xlsm"].api.Worksheets.Item("Jobs")


def failure_of(call: Any) -> tuple[int, int | None]:
    """The HRESULT that a call fails with, and the scode of its details."""
    with pytest.raises(pywintypes.com_error) as caught:
        call()
    details = caught.value.excepinfo
    return caught.value.hresult, details[5] if details else None


def test_an_excel_is_attached_through_its_window(desktop: LabDesktop, excel: LabExcel) -> None:
    def attach() -> None:
        assert xlwings.apps.keys() == [excel.process_id]
        book = xlwings.apps[excel.process_id].books[0]
        assert (book.name, book.api.FullName) == ("NetStats.xlsm", BOOK)
        assert book.app.hwnd == excel.do("book.window.handle")

    desktop.call(attach)


def test_blocks_are_read_and_written_as_excel_keeps_them(desktop: LabDesktop, excel: LabExcel) -> None:
    def work() -> None:
        jobs = sheet()
        table = jobs.ListObjects.Item("T")
        assert table.Range.Value2 == (("Name", "At"), ("a", 45293.5), ("b", None))
        table.Resize(table.Range.GetResize(5, 2))
        assert table.Range.Address == "$A$1:$B$5"
        table.Range.Range("A2:B5").Value2 = (("c", 1), (None, True), ("#N/A", 2.5), ("'=x", "12"))
        assert table.DataBodyRange.Value2 == (("c", 1.0), (None, True), (NA, 2.5), ("=x", 12.0))
        assert [each.Name for each in table.ListColumns] == ["Name", "At"]
        assert jobs.Range(jobs.Cells(1, 1), jobs.Cells(2, 2)).Count == 4

    desktop.call(work)
    assert excel.do("values(table)")[0] == ("c", 1.0)


def test_a_thousand_rows_of_twenty_columns_take_the_calls_of_one(
    desktop: LabDesktop, excel: LabExcel
) -> None:
    block = tuple(
        tuple([f"h{row}", row, row / 7, row % 2 == 0, None, 45_293 + row / 86_400] + [row * 1.5] * 14)
        for row in range(1_000)
    )

    def push() -> object:
        target = sheet().Range("D2:W1001")
        target.Value2 = block
        return target.Value2

    excel.do("excel.calls.clear()")
    assert desktop.call(push) == block
    assert excel.do("excel.calls.counts['Range.Value2']") == 2


def test_what_excel_has_not_is_refused(desktop: LabDesktop, excel: LabExcel) -> None:
    def work() -> None:
        jobs = sheet()
        assert failure_of(lambda: jobs.Rnage) == (signed(0x80020006), None)
        with pytest.raises(AttributeError):
            jobs.Index = 3
        assert failure_of(lambda: jobs.Range("A1", "B2", "C3"))[0] == signed(0x8002000E)
        # Excel has this code in the details; see `lab.server`.
        assert failure_of(lambda: jobs.ListObjects.Item("nothing")) == (signed(0x8002000B), None)

    desktop.call(work)


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("REJECTED", REJECTED),
        ("RETRY_LATER", RETRY_LATER),
        ("IGNORED", IGNORED),
        ("IGNORED_IN_DETAILS", IGNORED_IN_DETAILS),
        ("REFUSED_BARE", REFUSED_BARE),
        ("GONE", GONE),
    ],
)
def test_a_busy_excels_answer_arrives_as_it_is(
    desktop: LabDesktop, excel: LabExcel, name: str, failure: Failure
) -> None:
    def work() -> None:
        target = sheet().Range("A1")
        _ = target.Value2
        excel.do(f"excel.faults.when(lambda call: call.name == 'Range.Value2', {name})")
        hresult, scode = failure_of(lambda: target._oleobj_.Invoke(*value2(target), 2, True))
        assert hresult == signed(failure.hresult)
        assert scode == (None if failure.scode is None else signed(failure.scode))
        excel.do("excel.faults.clear()")
        assert target.Value2 == "Name"

    desktop.call(work)


def test_while_a_dialog_is_open_names_cannot_be_looked_up_and_puts_fail_as_unknown_attributes(
    desktop: LabDesktop, excel: LabExcel
) -> None:
    def work() -> None:
        target = sheet().Range("A1")
        assert target.Value2 == "Name"
        excel.do("user.open_dialog()")
        with pytest.raises(xlwings._xlwindows.ExcelBusyError):
            _ = target.Row
        with pytest.raises(AttributeError, match="can not be set"):
            target.Value2 = "x"
        excel.do("user.finish()")
        target.Value2 = "y"
        assert target.Value2 == "y"

    desktop.call(work)


def value2(target: Any) -> tuple[int, int]:
    """The number of Value2, and the locale."""
    return target._oleobj_.GetIDsOfNames(0, "Value2"), 0


def test_two_excels_are_told_apart(desktop: LabDesktop, excel: LabExcel, other: LabExcel) -> None:
    def work() -> None:
        assert set(xlwings.apps.keys()) == {excel.process_id, other.process_id}
        names = {pid: [book.name for book in xlwings.apps[pid].books] for pid in xlwings.apps.keys()}  # noqa: SIM118
        assert names == {excel.process_id: ["NetStats.xlsm"], other.process_id: ["Other.xlsx"]}

    desktop.call(work)


def test_a_window_that_closes_is_found_no_more(desktop: LabDesktop, excel: LabExcel) -> None:
    excel.do(r"excel.open(r'C:\Data\Second.xlsx')")

    def names() -> list[str]:
        return [book.name for app in xlwings.apps for book in app.books]

    assert set(desktop.call(names)) == {"NetStats.xlsm", "Second.xlsx"}
    excel.do("user.close(book)")
    assert desktop.call(names) == ["Second.xlsx"]


def test_an_excel_killed_in_mid_call_fails_the_call_and_those_after_it(
    desktop: LabDesktop, excel: LabExcel, other: LabExcel
) -> None:
    def work() -> None:
        book = next(book for app in xlwings.apps for book in app.books if book.name == "Other.xlsx")
        target = book.api.Worksheets.Item("Jobs").Range("A1")
        assert target.Value2 is None
        other.do("excel.faults.when(lambda call: call.name == 'Range.Value2' and end_process(), REJECTED)")
        for _ in range(2):
            hresult, _scode = failure_of(lambda: target.Value2)
            assert hresult in SERVER_DIED, hex(hresult & 0xFFFFFFFF)
        assert xlwings.apps.keys() == [excel.process_id]

    desktop.call(work)


def test_an_excel_that_is_slow_to_answer_is_waited_for(desktop: LabDesktop, excel: LabExcel) -> None:
    def work() -> object:
        target = sheet().Range("A1")
        excel.do("excel.faults.when(lambda call: call.name == 'Range.Value2' and sleep(0.5), REJECTED)")
        return target.Value2

    assert desktop.call(work) == "Name"


def test_a_reference_does_not_cross_threads(desktop: LabDesktop, excel: LabExcel) -> None:
    def work() -> None:
        jobs = sheet()
        failed: list[int] = []

        def elsewhere() -> None:
            pythoncom.CoInitialize()
            try:
                jobs._oleobj_.GetIDsOfNames(0, "Name")
            except pywintypes.com_error as error:
                failed.append(error.hresult)
            pythoncom.CoUninitialize()

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert failed == [signed(0x8001010E)]

    desktop.call(work)
