"""The double of Excel: what it logs, how it fails on demand, and the state that calls must not disturb."""

from collections.abc import Callable

import pytest

from tests.excel_double import (
    BUSY,
    DISCONNECTED,
    DISTURBING,
    GONE,
    IGNORED,
    IGNORED_IN_DETAILS,
    REFUSED,
    REJECTED,
    RETRY_LATER,
    Access,
    ExcelApplication,
    Failure,
    User,
    Workbook,
    Worksheet,
    client,
    fails,
)
from tests.excel_double.pywin32.interfaces import com_error

NA = -2146826246


@pytest.fixture
def excel() -> ExcelApplication:
    return ExcelApplication()


@pytest.fixture
def book(excel: ExcelApplication) -> Workbook:
    return excel.open(r"C:\Data\NetStats.xlsm", "Jobs", "Out")


@pytest.fixture
def sheet(book: Workbook) -> Worksheet:
    return book.sheet("Jobs")


@pytest.fixture
def user(excel: ExcelApplication) -> User:
    return User(excel)


# --- the user's state --------------------------------------------------------------------------------------------


def test_a_write_from_outside_empties_the_undo_list_and_ends_copy_mode(
    excel: ExcelApplication, sheet: Worksheet, user: User
) -> None:
    user.type(sheet, "A1", "typed")
    user.copy(sheet, "A1:A2")
    application = client(excel)
    assert (application.CutCopyMode, excel.undo) == (1, ["Typing in A1"])
    _ = client(sheet).Range("A1").Value2
    assert (application.CutCopyMode, excel.undo_lost, excel.copy_modes_ended) == (1, 0, 0)
    client(sheet).Range("B1").Value2 = 1
    assert (application.CutCopyMode, excel.undo, excel.undo_lost, excel.copy_modes_ended) == (0, [], 1, 1)


def test_the_selection_stays_where_the_user_put_it(
    excel: ExcelApplication, book: Workbook, user: User
) -> None:
    jobs, out = book.sheets
    user.select(jobs, "B2:C3")
    client(out).Range("A1:Z9").Value2 = 1
    application = client(excel)
    assert (application.Selection.Address, application.ActiveCell.Address) == ("$B$2:$C$3", "$B$2")
    assert application.ActiveSheet.Name == "Jobs"
    with fails():
        client(out).Range("A1").Select()
    client(out).Activate()
    client(out).Range("D4").Select()
    assert application.Selection.Address == "$D$4"
    assert {"Worksheet.Activate", "Range.Select"} <= DISTURBING & set(excel.calls.names)


def test_what_only_keeps_its_value_keeps_it(excel: ExcelApplication) -> None:
    application = client(excel)
    assert (application.EnableEvents, application.ScreenUpdating, application.Ready) == (True, True, True)
    application.EnableEvents = False
    assert application.EnableEvents is False
    assert [call.name for call in excel.calls.writes] == ["Application.EnableEvents"]


# --- the log and failures on demand ------------------------------------------------------------------------------


def test_every_call_is_logged_and_the_users_doing_is_not(
    excel: ExcelApplication, sheet: Worksheet, user: User
) -> None:
    sheet_ = client(sheet)
    with excel.calls.during() as calls:
        sheet_.Range("A1").Value2 = 1
        user.type(sheet, "A2", 2)
        _ = sheet_.Range("A1:A2").Value2
    assert calls.names == ["Worksheet.Range", "Range.Value2", "Worksheet.Range", "Range.Value2"]
    assert [call.access for call in calls] == [Access.CALL, Access.PUT, Access.CALL, Access.GET]
    assert calls.counts["Range.Value2"] == 2
    assert [call.number for call in calls.writes] == [2]


def failures(of: Callable[[], object], count: int) -> list[bool]:
    """Which of so many calls failed."""
    outcome = []
    for _ in range(count):
        try:
            of()
        except com_error:
            outcome.append(True)
        else:
            outcome.append(False)
    return outcome


@pytest.mark.parametrize("failure", [*BUSY, REFUSED, GONE, DISCONNECTED])
def test_a_failure_has_the_shape_that_pywin32_gives_it(excel: ExcelApplication, failure: Failure) -> None:
    excel.faults.next(failure)
    with fails(failure) as caught:
        _ = client(excel).Ready
    hresult, text, details, argument = caught.value.args
    assert (hresult, text) == (caught.value.hresult, caught.value.strerror)
    assert -(1 << 31) <= hresult < 0
    assert argument is None
    assert (details is None) is (failure.scode is None)
    assert client(excel).Ready is True
    assert excel.faults.raised == {failure: 1}


def test_failures_come_where_they_were_demanded(excel: ExcelApplication) -> None:
    application = client(excel)

    def read() -> object:
        return application.Ready

    excel.faults.every(3, REJECTED)
    assert failures(read, 6) == [False, False, True] * 2
    excel.faults.clear()
    excel.faults.at(2, RETRY_LATER)
    assert failures(read, 3) == [False, True, False]
    excel.faults.clear()
    excel.faults.next(IGNORED, times=2)
    assert failures(read, 3) == [True, True, False]
    excel.faults.clear()
    excel.faults.when(lambda call: call.member == "Hwnd", REJECTED)
    assert failures(read, 1) + failures(lambda: application.Hwnd, 1) == [False, True]


def test_random_failures_repeat_with_their_seed(excel: ExcelApplication) -> None:
    runs = []
    for seed in (1, 1, 2):
        excel.faults.clear()
        excel.faults.randomly(0.5, seed=seed)
        runs.append(failures(lambda: client(excel).Ready, 40))
    assert runs[0] == runs[1] != runs[2]
    assert 5 < sum(runs[0]) < 35
    assert set(excel.faults.raised) == set(BUSY)


def test_a_call_that_fails_does_nothing(excel: ExcelApplication, sheet: Worksheet) -> None:
    cell = client(sheet).Range("A1")
    excel.faults.next(IGNORED_IN_DETAILS)
    with fails(IGNORED_IN_DETAILS):
        cell.Value2 = 1
    assert sheet.cells == {}
    assert excel.calls.names[-1] == "Range.Value2"


def test_an_excel_that_died_answers_nothing_any_more(excel: ExcelApplication, sheet: Worksheet) -> None:
    excel.faults.die_at(2)
    assert failures(lambda: client(sheet).Name, 4) == [False, True, True, True]
    with fails(GONE):
        _ = client(excel).Ready
    assert excel.gone


def test_quit_ends_excel(excel: ExcelApplication, user: User) -> None:
    client(excel).Quit()
    with fails(GONE):
        _ = client(excel).Ready
    assert "Application.Quit" in DISTURBING & set(excel.calls.names)


def test_while_a_cell_is_edited_excel_is_ready_and_takes_nothing(
    excel: ExcelApplication, sheet: Worksheet, user: User
) -> None:
    cell = client(sheet).Range("A1")
    user.start_editing()
    assert client(excel).Ready is True
    assert cell.Value2 is None
    with fails(IGNORED_IN_DETAILS):
        cell.Value2 = 1
    with fails(IGNORED_IN_DETAILS):
        cell.ClearContents()
    user.start_editing(REJECTED, reads_too=True)
    with fails(REJECTED):
        _ = cell.Value2
    user.finish()
    cell.Value2 = 1
    assert cell.Value2 == 1.0


def test_while_a_dialog_is_open_every_call_is_rejected(excel: ExcelApplication, user: User) -> None:
    user.open_dialog()
    with fails(REJECTED):
        _ = client(excel).Ready
    user.finish()
    assert client(excel).Ready is True
