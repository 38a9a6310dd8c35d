"""A workbook that is opened, renamed, copied and closed, and an Excel that is busy, dies, or is one of several."""

import threading
import time
from pathlib import Path

import pytest

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RowEdits
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.excel.engine import Engine, load_engine
from netstats_xl.workbooks.excel.workbook import BookRef, ExcelWorkbook
from tests.excel_double import (
    BUSY,
    CALL_FAILED,
    DISCONNECTED,
    DISTURBING,
    REFUSED,
    REJECTED,
    Call,
    Failure,
    User,
    WindowsEngine,
)
from tests.workbooks.excel.live import GUID, PATH, TYPED, Live, Pauses, book_in, live, view

ROWS = [("a", 1.0), ("b", 2.0)]
OTHER = [("c", 3.0)]


def ended(bench: Live) -> None:
    """The user closes the workbook."""
    bench.user.close(bench.book)


def test_it_is_open_while_it_is_and_known_by_its_identity(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        assert bench.workbook.state is WorkbookState.CLOSED
        assert bench.workbook.identity() == GUID
        assert (bench.workbook.state, bench.workbook.full_name) == (WorkbookState.OPEN, PATH)


def test_an_identity_is_drawn_for_a_workbook_without(engine: WindowsEngine) -> None:
    with live(engine, ref=BookRef(guid="0" * 32, full_name=PATH.upper())) as bench:
        bench.book.add_name("NetStats_id", f'="{"0" * 32}"', hidden=True)
        assert bench.workbook.identity() == "0" * 32
        bench.workbook.set_identity(GUID)
        assert bench.book.defined_name("NetStats_id").text() == f'="{GUID}"'
        bench.user.save_as(bench.book, r"D:\Else.xlsm")
        assert bench.workbook.identity() == GUID
        assert bench.workbook.full_name == r"D:\Else.xlsm"


def test_a_workbook_without_the_name_is_known_by_its_path_and_takes_no_identity(
    engine: WindowsEngine,
) -> None:
    with live(engine) as bench:
        bench.book.names.remove(bench.book.defined_name("NetStats_id"))
        assert bench.workbook.identity() == ""
        with pytest.raises(WorkbookError, match="not made from the template"):
            bench.workbook.set_identity(GUID)


def test_closed_it_says_so_and_opened_again_it_shows_the_latest(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Ranked=ROWS))
        bench.user.close(bench.book)
        bench.workbook.publish(view(Ranked=ROWS))
        bench.workbook.publish(view({"NetStats_state": "x"}, Ranked=OTHER))
        assert not bench.workbook.flush(5)
        assert bench.workbook.state is WorkbookState.CLOSED
        for ask in (
            bench.workbook.revision,
            bench.workbook.identity,
            lambda: bench.workbook.read(["Destinations"]),
            lambda: bench.workbook.edit("Destinations", RowEdits(remove=(2,))),
        ):
            with pytest.raises(WorkbookClosed):
                ask()
        bench.book = book_in(bench.excel)
        assert bench.workbook.flush(5)
        assert (bench.rows("Ranked"), bench.cell("Ranked", "A1")) == (OTHER, "x")
        assert str(bench.workbook.state) == "open"


def test_an_excel_without_a_workbook_and_one_of_another_user_are_no_matter(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.user.open_protected_view()
        bench.user.open_protected_view(own_process=False)
        engine.run()
        elevated = engine.run()
        elevated.elevated = True
        elevated.open(r"C:\Theirs.xlsx")
        bench.workbook._finder.ref = BookRef(guid=GUID, full_name=PATH)  # no hint where it is
        bench.show(view(Ranked=ROWS))
        assert bench.rows("Ranked") == ROWS


def test_of_two_excels_the_one_with_the_workbook_is_fed(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        other = engine.run()
        theirs = book_in(other, r"C:\Other\NetStats.xlsm", guid="f" * 32)
        bench.show(view(Ranked=ROWS))
        assert bench.rows("Ranked") == ROWS
        assert not other.calls.writes
        assert theirs.stored["Saved"]


def test_it_may_be_opened_again_in_another_excel(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Ranked=ROWS))
        bench.user.quit()
        bench.workbook.publish(view(Ranked=OTHER))
        assert not bench.workbook.flush(5)
        bench.book = book_in(engine.run())
        assert bench.workbook.flush(5)
        assert bench.rows("Ranked") == OTHER


def test_save_as_is_followed(engine: WindowsEngine, tmp_path: Path) -> None:
    old = tmp_path / "Old.xlsm"
    old.touch()  # Save As leaves the old file where it is
    with live(engine) as bench:
        bench.user.save_as(bench.book, str(old))
        bench.workbook._finder.ref = BookRef(guid=GUID, full_name=str(old))
        bench.show(view(Ranked=ROWS))
        bench.user.save_as(bench.book, r"https://d.docs.live.net/1/NetStats.xlsm")
        bench.show(view(Ranked=OTHER))
        assert bench.rows("Ranked") == OTHER
        assert bench.workbook.full_name == r"https://d.docs.live.net/1/NetStats.xlsm"


def test_a_copy_is_not_taken_for_a_workbook_that_is_closed_and_still_there(
    engine: WindowsEngine, tmp_path: Path
) -> None:
    original = tmp_path / "NetStats.xlsm"
    original.touch()
    with live(engine) as bench:
        bench.user.save_as(bench.book, str(original))
        bench.workbook._finder.ref = BookRef(guid=GUID, full_name=str(original))
        copy = book_in(bench.excel, r"C:\Copy of NetStats.xlsm")
        bench.show(view(Ranked=ROWS))
        assert bench.rows("Ranked") == ROWS
        assert bench.workbook.full_name == str(original)
        bench.user.close(bench.book)
        with pytest.raises(WorkbookClosed):
            bench.workbook.identity()
        original.unlink()  # then it was moved
        assert bench.workbook.identity() == GUID
        assert bench.workbook.full_name == copy.full_name


def test_another_workbook_under_the_same_path_is_not_it(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        assert bench.workbook.identity() == GUID
        bench.user.close(bench.book)
        book_in(bench.excel, guid="f" * 32)
        with pytest.raises(WorkbookClosed):
            bench.workbook.read(["Destinations"])


@pytest.mark.parametrize("failure", BUSY)
def test_a_moment_of_being_busy_is_waited_out(engine: WindowsEngine, failure: Failure) -> None:
    with live(engine) as bench:
        bench.excel.faults.every(4, failure)
        bench.excel.faults.next(failure, 3)
        bench.show(view(Ranked=ROWS))
        assert bench.rows("Ranked") == ROWS
        assert all(0.05 <= pause <= 0.5 for pause in bench.clock.taken)
        bench.excel.faults.clear()


def test_a_long_edit_of_a_cell_is_left_alone_after_two_seconds_and_the_latest_shown_at_its_end(
    engine: WindowsEngine,
) -> None:
    with live(engine) as bench:
        assert bench.workbook.identity() == GUID
        bench.user.start_editing(reads_too=True)
        started = bench.clock.now
        with pytest.raises(WorkbookBusy):
            bench.workbook.read(["Destinations"])
        assert 1 < bench.clock.now - started <= 2
        assert len(bench.clock.taken) <= 40
        bench.workbook.publish(view(Ranked=ROWS))
        assert not bench.workbook.flush(0.05)
        assert bench.workbook.state is WorkbookState.BUSY
        bench.workbook.publish(view(Ranked=OTHER))
        bench.user.finish()
        assert bench.workbook.flush(5)
        assert (bench.rows("Ranked"), bench.workbook.state) == (OTHER, WorkbookState.OPEN)


def test_a_cell_that_is_edited_is_told_although_what_is_asked_is_answered(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("a", "::1")]) as bench:
        bench.workbook.revision()
        bench.user.start_editing()
        bench.workbook.publish(view(Ranked=ROWS))
        assert not bench.workbook.flush(0.05)
        bench.workbook.note_change()
        bench.workbook.revision()
        bench.workbook.read(["Destinations"])
        assert bench.workbook.state is WorkbookState.BUSY
        bench.user.finish()
        assert bench.workbook.flush(5)
        assert (bench.rows("Ranked"), bench.workbook.state) == (ROWS, WorkbookState.OPEN)


def test_the_revision_stays_while_a_dialog_is_open_and_the_state_tells_it(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("a", "::1")]) as bench:
        revision = bench.workbook.revision()
        bench.user.open_dialog()
        bench.workbook.note_change()
        assert (bench.workbook.revision(), bench.workbook.state) == (revision, WorkbookState.BUSY)
        bench.user.finish()
        assert (bench.workbook.revision(), bench.workbook.state) == (revision, WorkbookState.OPEN)


def test_a_busy_other_excel_does_not_keep_the_workbook_from_being_fed(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        other = engine.run()
        theirs = book_in(other, r"C:\Theirs.xlsm", guid="e" * 32)
        User(other).open_dialog()
        bench.show(view(Ranked=ROWS))
        assert bench.rows("Ranked") == ROWS
        ended(bench)
        with pytest.raises(WorkbookBusy):
            bench.workbook.identity()  # nobody knows: it might be open behind the dialog
        User(other).close(theirs)
        with pytest.raises(WorkbookClosed):
            bench.workbook.identity()


def test_an_ambiguous_refusal_is_repeated_once(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        left = [1]

        def writes(call: Call) -> bool:
            return call.name == "Range.Value2" and call.access == "put"

        def once(call: Call) -> bool:
            return writes(call) and bool(left) and left.pop() == 1

        bench.excel.faults.when(once, REFUSED)
        bench.show(view(Ranked=ROWS))
        assert (bench.rows("Ranked"), bench.workbook.problems) == (ROWS, ())
        bench.excel.faults.when(writes, REFUSED)
        bench.show(view(Ranked=OTHER))
        assert "refused" in bench.workbook.problems[0]


@pytest.mark.parametrize("nth", range(1, 40, 3))
def test_an_excel_that_dies_in_mid_push_loses_nothing(engine: WindowsEngine, nth: int) -> None:
    with live(engine) as bench:
        bench.excel.faults.die_at(nth)
        bench.workbook.publish(view({"NetStats_state": "x"}, Ranked=ROWS, Runs=[(None, "a", 1.0)]))
        bench.workbook.flush(1)
        bench.workbook.publish(view(Ranked=OTHER))
        bench.workbook.flush(1)
        assert bench.workbook.state is WorkbookState.CLOSED or not bench.excel.faults.died
        if bench.excel.faults.died:
            bench.book = book_in(engine.run())
        assert bench.workbook.flush(5)
        if bench.excel.faults.died:
            # What was shown before the end went down with it; what came after is shown.
            assert bench.rows("Ranked") == OTHER


@pytest.mark.parametrize("failure", [CALL_FAILED, DISCONNECTED])
def test_a_reference_that_went_stale_is_got_anew(engine: WindowsEngine, failure: Failure) -> None:
    with live(engine, destinations=[("a", "::1")]) as bench:
        bench.excel.faults.at(12, failure)
        assert bench.workbook.read(["Destinations"])["Destinations"].rows
        bench.excel.faults.at(12, failure)
        bench.show(view(Ranked=ROWS))
        assert bench.rows("Ranked") == ROWS


def test_nothing_of_excel_is_held_between_ticks_nor_after_an_error(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("a", "::1")]) as bench:
        bench.show(view({"NetStats_state": "x"}, Ranked=ROWS))
        bench.workbook.read(["Destinations"])
        assert bench.held() == 0
        bench.user.open_dialog()
        with pytest.raises(WorkbookBusy):
            bench.workbook.read(["Destinations"])
        bench.user.finish()
        bench.excel.faults.when(lambda call: call.name == "Range.Address", DISCONNECTED)
        with pytest.raises(WorkbookClosed) as gone:
            bench.workbook.read(["Destinations"])
        assert bench.held() == 0
        assert gone.value is not None  # which an error that is held on to does not change


def test_excel_is_never_started_ended_or_disturbed(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("a", "::1")]) as bench:
        bench.user.select(bench.book.sheet("Mine"), "C3")
        bench.show(view({"NetStats_state": "x"}, Ranked=ROWS))
        bench.workbook.read(["Destinations"])
        bench.workbook.revision()
        bench.workbook.edit("Destinations", RowEdits(append=({"Name": "b"},), remove=(2,)))
        assert not DISTURBING & set(bench.excel.calls.names)
        assert (engine.started, engine.cleanup_registered) == ([], False)
        assert bench.excel.selection is not None
        assert bench.excel.selection.sheet is bench.book.sheet("Mine")


def test_excel_is_reached_from_one_thread_alone(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("a", "::1")]) as bench:
        errors: list[BaseException] = []

        def use() -> None:
            try:
                for _ in range(5):
                    bench.workbook.publish(view(Ranked=ROWS))
                    bench.workbook.read(["Destinations"])
                    bench.workbook.revision()
            except BaseException as error:
                errors.append(error)

        users = [threading.Thread(target=use) for _ in range(4)]
        for each in users:
            each.start()
        for each in users:
            each.join(30)
        assert errors == []
        assert bench.workbook.flush(5)
        assert bench.rows("Ranked") == ROWS


def test_after_it_was_closed_nothing_more_is_asked_of_it(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Ranked=ROWS))
        bench.workbook.close()
        bench.workbook.close()
        bench.workbook.publish(view(Ranked=OTHER))
        assert not bench.workbook.flush(1)
        with pytest.raises(WorkbookClosed):
            bench.workbook.revision()
        assert bench.rows("Ranked") == ROWS
        assert "excel" not in {thread.name for thread in threading.enumerate()}


def test_closing_does_not_wait_for_a_busy_excel(engine: WindowsEngine) -> None:
    excel = engine.run()
    book_in(excel)
    User(excel).open_dialog()
    workbook = ExcelWorkbook(BookRef(guid=GUID, full_name=PATH), inputs=[TYPED], tick_s=0.001)
    workbook.publish(view(Ranked=ROWS))
    caught: list[WorkbookError] = []

    def ask() -> None:
        try:
            workbook.read(["Destinations"])
        except WorkbookError as error:
            caught.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    workbook.close()
    asking.join(10)
    assert len(caught) == 1


def test_without_an_engine_every_call_says_so() -> None:
    def load() -> Engine:
        raise WorkbookError("Excel can only be driven on Windows")

    workbook = ExcelWorkbook(BookRef(guid=GUID), inputs=[TYPED], load=load, tick_s=0.001)
    with pytest.raises(WorkbookError, match="only be driven on Windows"):
        workbook.read(["Destinations"])
    workbook.publish(view(Ranked=ROWS))
    assert not workbook.flush(0.01)
    workbook.close()


def test_the_engine_says_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(WorkbookError, match="only be driven on Windows"):
        load_engine()


def test_an_internal_error_in_a_turn_does_not_end_the_thread(
    engine: WindowsEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with live(engine) as bench:
        broken = threading.Event()

        def fail(*_: object) -> bool:
            broken.set()
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(bench.workbook._delivery, "deliver", fail)
            bench.workbook.publish(view(Ranked=ROWS))
            assert broken.wait(5)
        assert bench.workbook.identity() == GUID
        assert "Internal error in the connection to Excel" in caplog.text
        bench.show(view(Ranked=ROWS))
        assert bench.rows("Ranked") == ROWS


def test_a_busy_excel_costs_next_to_no_processor_time(engine: WindowsEngine) -> None:
    """In real time: while a dialog stays open, the thread sleeps nearly all of it."""
    excel = engine.run()
    book = book_in(excel)
    user = User(excel)
    workbook = ExcelWorkbook(
        BookRef(guid=GUID, window=excel.hwnd(), full_name=PATH), inputs=[TYPED], tick_s=0.05
    )
    try:
        workbook.identity()
        user.open_dialog(REJECTED)
        workbook.publish(view(Ranked=ROWS))
        started, cpu = time.monotonic(), time.process_time()
        assert not workbook.flush(3)
        share = (time.process_time() - cpu) / (time.monotonic() - started)
        assert len(excel.calls) < 400
        assert share < 0.5
        user.finish()
        assert workbook.flush(10)
        assert book.table("Ranked").row_count == 2
    finally:
        workbook.close()


def test_a_lost_call_is_told_of_in_time(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        held = threading.Event()
        entered = threading.Event()

        def hang(_: object) -> None:
            entered.set()
            held.wait(20)

        hanging = threading.Thread(target=lambda: bench.workbook._thread.call(hang, 20))
        hanging.start()
        assert entered.wait(5)
        with pytest.raises(WorkbookBusy, match="did not answer"):
            bench.workbook._thread.call(lambda _: None, 0.01)
        held.set()
        hanging.join(20)


def test_pauses_end_when_it_is_closed() -> None:
    clock = Pauses()
    clock.pause(0.5)
    assert clock.monotonic() == 1_000.5
