"""A push that takes long, and what is asked or pushed meanwhile."""

import threading
import time

import pytest

from netstats_xl.app.service import WorkbookState
from netstats_xl.errors import WorkbookBusy
from netstats_xl.workbooks.excel.feeding import TURN_S
from tests.excel_double import IGNORED_IN_DETAILS, REJECTED, Access, Call, Failure, WindowsEngine
from tests.workbooks.excel.live import live, view

PATIENCE_S = 10.0
BLANK = [(None, None)]
MEASURED = [(45_293.5, "j", 1.5)]


def writes(call: Call) -> bool:
    return call.name == "Range.Value2" and call.access is Access.PUT


def test_what_is_asked_during_a_push_is_answered_before_the_rest_is_shown(engine: WindowsEngine) -> None:
    with live(engine) as at:
        thread = at.workbook._thread
        shown_then = list[object]()

        def ask() -> None:
            shown_then.append(thread.call(lambda _: at.rows("Ranked"), PATIENCE_S))

        asking, writing = threading.Thread(target=ask), threading.Event()

        def ask_during_the_first_write(call: Call) -> bool:
            if writes(call) and asking.ident is None:
                asking.start()
                writing.set()
                give_up_at_s = time.monotonic() + PATIENCE_S
                while not thread.is_called and time.monotonic() < give_up_at_s:
                    time.sleep(0)
            return False

        at.excel.faults.when(ask_during_the_first_write, REJECTED)
        at.workbook.publish(view(Runs=MEASURED, Ranked=[("a", 0.5)]))
        # Whoever waits for all to be shown asks the thread as well, and might be the one that is answered.
        assert writing.wait(PATIENCE_S)
        asking.join(PATIENCE_S)
        assert shown_then == [BLANK]
        assert at.workbook.flush(PATIENCE_S)
        assert (at.rows("Runs"), at.rows("Ranked")) == (MEASURED, [("a", 0.5)])


def test_the_newest_is_shown_first(engine: WindowsEngine) -> None:
    with live(engine) as at:
        at.user.open_dialog()
        at.workbook.publish(view(Runs=MEASURED, Ranked=[("a", 0.5)]))
        before = list[object]()

        def note_write(call: Call) -> bool:
            if writes(call):
                before.append(at.rows("Ranked"))
            return False

        def between_two_turns(_: object) -> None:
            at.workbook.publish(view(Ranked=[("b", 0.75)]))
            at.excel.faults.when(note_write, REJECTED)
            at.user.finish()

        at.workbook._thread.call(between_two_turns, PATIENCE_S)
        assert at.workbook.flush(PATIENCE_S)
        assert before == [BLANK, [("b", 0.75)]]
        assert at.rows("Runs") == MEASURED


def test_cells_that_are_copied_during_a_long_push_stay_so(engine: WindowsEngine) -> None:
    with live(engine) as at:
        written = list[Call]()

        def copy_after_the_first_write(call: Call) -> bool:
            if not written and writes(call):
                written.append(call)
                at.clock.now += TURN_S + 1
            elif written and call.name == "Application.CutCopyMode":
                at.user.copy(at.book.sheet("Mine"), "A1")
            return False

        at.excel.faults.when(copy_after_the_first_write, REJECTED)
        at.workbook.publish(view(Runs=MEASURED, Ranked=[("a", 0.5)]))
        assert not at.workbook.flush(0.2)
        assert (at.rows("Runs"), at.rows("Ranked")) == (MEASURED, BLANK)
        assert (at.excel.cut_copy_mode, at.excel.copy_modes_ended) == (1, 0)


@pytest.mark.parametrize("failure", [IGNORED_IN_DETAILS, Failure(hresult=0x80004005)])
def test_a_workbook_whose_excel_fails_is_not_called_closed(engine: WindowsEngine, failure: Failure) -> None:
    with live(engine) as at:
        at.workbook.read(["Destinations"])
        at.user.start_editing(failure, reads_too=True)
        with pytest.raises(WorkbookBusy):
            at.workbook.read(["Destinations"])
        assert at.workbook.state is WorkbookState.BUSY
        at.user.finish()
        assert at.workbook.read(["Destinations"])
