"""xlwings' own Windows engine over the double: finding Excels by their windows, busy errors, threads, references."""

import atexit
import ctypes
import datetime as dt
import gc
import importlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.excel_double import (
    GONE,
    IGNORED_IN_DETAILS,
    REJECTED,
    RETRY_LATER,
    ExcelApplication,
    User,
    WindowsEngine,
    Workbook,
    add_table,
    fails,
    windows_engine,
)
from tests.excel_double.errors import Failure, signed
from tests.excel_double.pywin32.interfaces import com_error

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-ins for pywin32 are for systems without it"
)
MODULES = ("pythoncom", "pywintypes", "win32com.client", "win32gui", "win32process", "xlwings._xlwindows")


def module(name: str) -> Any:
    """A module that may be a stand-in."""
    return importlib.import_module(name)


@pytest.fixture(params=["early", "late"])
def engine(request: pytest.FixtureRequest) -> Iterator[WindowsEngine]:
    with windows_engine(request.param) as entered:
        yield entered


@pytest.fixture
def excel(engine: WindowsEngine) -> ExcelApplication:
    return engine.run()


@pytest.fixture
def book(excel: ExcelApplication) -> Workbook:
    opened = excel.open(r"C:\Data\NetStats.xlsm", "Jobs")
    add_table(opened.sheet("Jobs"), "T", ["Name", "At"], [["a", 45293.5], ["b", None]])
    return opened


@pytest.fixture
def xw(engine: WindowsEngine, monkeypatch: pytest.MonkeyPatch) -> Any:
    xlwings = module("xlwings")
    monkeypatch.setattr(xlwings._xlwindows, "N_COM_ATTEMPTS", 1)
    return xlwings


def test_the_stand_ins_are_gone_afterwards() -> None:
    xlwings = module("xlwings")
    before = xlwings.engines.active, list(xlwings.engines.engines), atexit.register, vars(ctypes).keys()
    with windows_engine() as entered:
        assert entered.cleanup_registered
        assert xlwings.engines.active.name == "excel"
        assert all(name in sys.modules for name in MODULES)
        assert "excel_double" not in (xlwings._xlwindows.__file__ or "")
    assert not any(name in sys.modules for name in MODULES)
    assert not hasattr(xlwings, "_xlwindows")
    assert not hasattr(ctypes, "windll")
    assert before == (
        xlwings.engines.active,
        list(xlwings.engines.engines),
        atexit.register,
        vars(ctypes).keys(),
    )


def test_the_stand_ins_are_gone_after_a_failure_too() -> None:
    with pytest.raises(ZeroDivisionError), windows_engine():
        _ = 1 / 0
    assert not any(name in sys.modules for name in MODULES)


def test_excels_are_found_by_their_windows(engine: WindowsEngine, xw: Any) -> None:
    first, second, bare = (engine.run() for _ in range(3))
    first.open(r"C:\a.xlsx")
    first.open(r"C:\b.xlsx")
    second.open(r"C:\c.xlsx")
    assert set(xw.apps.keys()) == {first.process_id, second.process_id}
    assert [book.name for book in xw.apps[first.process_id].books] == ["a.xlsx", "b.xlsx"]
    assert xw.apps.active.pid == second.process_id
    handle = first.books[0].window.handle
    assert xw._xlwindows.App(xl=handle).books("b.xlsx").name == "b.xlsx"
    assert bare.process_id not in xw.apps.keys()  # noqa: SIM118  (no mapping)


def test_windows_that_close_while_they_are_looked_at_are_passed_over(engine: WindowsEngine, xw: Any) -> None:
    first, second = engine.run(), engine.run()
    first.open(r"C:\a.xlsx")
    second.open(r"C:\b.xlsx")
    engine.desktop.vanishing.add(second.books[0].window.handle)
    assert xw.apps.keys() == [first.process_id]


def test_an_excel_without_a_workbook_an_elevated_one_and_a_protected_view_cannot_be_attached(
    engine: WindowsEngine, xw: Any
) -> None:
    elevated = engine.run(ExcelApplication(elevated=True))
    elevated.open(r"C:\a.xlsx")
    with pytest.raises(OSError, match="denied"):
        _ = xw._xlwindows.App(xl=elevated.books[0].window.handle).xl
    view = User(engine.run()).open_protected_view()
    with pytest.raises((com_error, AttributeError)):
        _ = xw._xlwindows.App(xl=view.handle).xl
    bare = engine.run()
    with pytest.raises(OSError, match="Unspecified"):
        _ = xw._xlwindows.App(xl=bare.bare_handle).xl


def test_a_protected_view_of_the_same_process_hides_its_excel_from_xlwings(
    engine: WindowsEngine, xw: Any, book: Workbook
) -> None:
    user = User(book.application)
    assert xw.apps.active.books[0].name == "NetStats.xlsm"
    view = user.open_protected_view(own_process=False)
    assert next(iter(xw._xlwindows.get_excel_hwnds())) == view.handle
    assert xw._xlwindows.App(xl=book.window.handle).books("NetStats.xlsm").name == "NetStats.xlsm"


def test_an_excel_that_ended_has_no_windows(xw: Any, excel: ExcelApplication, book: Workbook) -> None:
    held = xw.apps.active.books[0]
    User(excel).quit()
    assert len(xw.apps) == 0
    with fails(GONE):
        _ = held.name


def test_xlwings_reads_and_writes_through_its_own_code(xw: Any, book: Workbook) -> None:
    sheet = xw.apps.active.books["NetStats.xlsm"].sheets["Jobs"]
    sheet["B2:B3"].number_format = "yyyy-mm-dd"
    assert sheet["A1:B3"].value == [
        ["Name", "At"],
        ["a", dt.datetime.fromisoformat("2024-01-02 12:00")],
        ["b", None],
    ]
    sheet["D1"].value = [[1, None], ["x", dt.datetime.fromisoformat("2024-01-02 12:00")]]
    assert sheet.api.Range("D1:E2").Value2 == ((1.0, None), ("x", 45293.5))
    assert sheet.tables["T"].range.address == "$A$1:$B$3"
    assert sheet["A1"].get_address(False, False) == "A1"
    assert [name.name for name in sheet.book.names] == []


@pytest.mark.parametrize("failure", [REJECTED, RETRY_LATER, IGNORED_IN_DETAILS])
def test_a_busy_excel_reaches_the_client(xw: Any, book: Workbook, failure: Failure) -> None:
    sheet = xw.apps.active.books[0].api.Worksheets.Item("Jobs")
    _ = sheet.Name
    book.application.faults.next(failure)
    with fails(failure):
        _ = sheet.Name
    book.application.faults.next(failure)
    with fails(failure):
        sheet.Name = "X"
    assert sheet.Name == "Jobs"


def test_xlwings_tries_again_for_ever_unless_it_is_told_not_to(xw: Any, book: Workbook) -> None:
    sheet = xw.apps.active.books[0].api.Worksheets.Item("Jobs")
    xw._xlwindows.N_COM_ATTEMPTS = 0
    book.application.faults.next(REJECTED, times=500)
    with book.application.calls.during() as calls:
        assert sheet.Name == "Jobs"
    assert len(calls) == 501


def test_bound_late_a_busy_look_up_is_an_unknown_attribute() -> None:
    with windows_engine("late") as engine:
        book = engine.run().open(r"C:\a.xlsx")
        xlwings = module("xlwings")
        xlwings._xlwindows.N_COM_ATTEMPTS = 1
        api = xlwings.apps.active.books[0].api
        faults = book.application.faults
        # An object whose type cannot be asked for looks every name up.
        faults.when(lambda call: call.member == "GetTypeInfo", REJECTED)
        sheet = api.Worksheets.Item(1)
        assert sheet.Name == "Sheet1"
        assert sheet.Range("A1:B2").Value2 == ((None, None), (None, None))
        faults.when(lambda call: call.member == "GetIDsOfNames", REJECTED)
        with pytest.raises(xlwings._xlwindows.ExcelBusyError):
            _ = sheet.Name
        with pytest.raises(AttributeError, match="can not be set"):
            sheet.Name = "X"
        faults.clear()
        sheet.Name = "X"
        assert book.sheets[0].name == "X"


def test_references_belong_to_the_thread_that_got_them(xw: Any, book: Workbook) -> None:
    pythoncom = module("pythoncom")
    sheet = xw.apps.active.books[0].api.Worksheets.Item("Jobs")
    failed: list[int] = []

    def elsewhere() -> None:
        pythoncom.CoInitialize()
        try:
            _ = sheet.Name
        except com_error as error:
            failed.append(error.hresult)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert failed == [signed(0x8001010E)]
    assert sheet.Name == "Jobs"


def test_a_thread_that_left_com_cannot_use_its_references(xw: Any, book: Workbook) -> None:
    pythoncom = module("pythoncom")
    result: list[str] = []

    def work() -> None:
        sheet = xw.apps.active.books[0].api.Worksheets.Item("Jobs")
        while pythoncom.PumpWaitingMessages():
            pass
        for _ in range(20):
            pythoncom.CoUninitialize()
        with fails(Failure(hresult=0x800401F0)):
            _ = sheet.Name
        result.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert result == ["done"]


def test_references_that_are_held_are_counted(engine: WindowsEngine, xw: Any, book: Workbook) -> None:
    held = xw.apps.active.books[0].api.Worksheets.Item("Jobs")
    gc.collect()
    assert engine.references == 1
    del held
    gc.collect()
    assert engine.references == 0


def test_it_is_told_whether_xlwings_would_kill_excels_at_the_end(engine: WindowsEngine, xw: Any) -> None:
    assert engine.cleanup_registered
    atexit.unregister(xw._xlwindows.cleanup)
    assert not engine.cleanup_registered


def test_no_excel_is_started(engine: WindowsEngine, xw: Any) -> None:
    with pytest.raises(com_error):
        xw.App(add_book=False)
    assert engine.started == ["Excel.Application"]
