"""A workbook in LibreOffice is saved, copied, closed and opened again; LibreOffice hangs, crashes and comes back."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RowEdits
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.libreoffice import child as module
from netstats_xl.workbooks.libreoffice.connection import Button
from netstats_xl.workbooks.libreoffice.finding import DocumentRef
from netstats_xl.workbooks.libreoffice.workbook import LibreOfficeWorkbook
from tests.workbooks.excel.live import GUID, TYPED, view
from tests.workbooks.libreoffice.live import Live, live, until
from tests.workbooks.libreoffice.office import ODS, XLSX, Office, office
from tests.workbooks.libreoffice.written import live_book
from tests.workbooks.office import needs_libreoffice

pytestmark = pytest.mark.libreoffice

BUTTONS = (
    Button(name="Go", label="Go", explanation="Starts."),
    Button(name="Halt", label="Halt", explanation="Stops."),
)


@pytest.fixture
def bench(running: Office, tmp_path: Path) -> Iterator[Live]:
    with live(running, live_book(tmp_path / "Book.xlsx")) as found:
        yield found


def shown(bench: Live) -> object:
    """What the cell NetStats_state holds."""
    return bench.values("Ranked", "A1")[0][0]


# --- its file ---


@pytest.mark.parametrize(("suffix", "filter_name"), [(".xlsx", XLSX), (".ods", ODS)])
def test_it_stays_attached_after_save_as_and_its_path_follows(
    bench: Live, tmp_path: Path, suffix: str, filter_name: str
) -> None:
    bench.show(view({"NetStats_state": "before"}))
    bench.workbook.revision()
    assert bench.workbook.full_name == str(bench.path)
    other = tmp_path / f"Ann's büro{suffix}"
    bench.user("save", path=str(other), filter_name=filter_name)
    bench.show(view({"NetStats_state": "after"}))
    bench.workbook.revision()
    assert bench.workbook.full_name == str(other)
    assert shown(bench) == "after"


def test_a_copy_that_is_opened_beside_it_is_not_taken_for_it(
    bench: Live, running: Office, tmp_path: Path
) -> None:
    copy = tmp_path / "Copy.xlsx"
    shutil.copy(bench.path, copy)
    bench.user("close")
    bench.user("open", path=str(copy))
    with pytest.raises(WorkbookClosed, match=r"Book\.xlsx is not open in LibreOffice"):
        bench.workbook.revision()
    assert bench.state() is WorkbookState.CLOSED
    bench.user("close")
    bench.user("open", path=str(bench.path))
    bench.show(view({"NetStats_state": "mine"}))
    assert shown(bench) == "mine"


def test_a_file_that_was_moved_and_opened_there_is_found_by_its_identity(
    running: Office, tmp_path: Path
) -> None:
    moved = live_book(tmp_path / "Moved.xlsx")
    ref = DocumentRef(path=str(tmp_path / "Where it was.xlsx"), guid=GUID)
    with live(running, moved, ref=ref) as bench:
        bench.workbook.revision()
        assert bench.workbook.full_name == str(moved)


# --- closed and opened again ---


def test_a_workbook_that_was_closed_and_opened_again_shows_everything(bench: Live) -> None:
    bench.show(view({"NetStats_state": "on"}, Runs=[(None, "j", 1.0)]))
    assert bench.state() is WorkbookState.OPEN
    bench.user("close")
    with pytest.raises(WorkbookClosed, match="`netstats-xl open` opens it"):
        bench.read()
    assert bench.state() is WorkbookState.CLOSED
    for ask in (bench.workbook.revision, bench.workbook.identity):
        with pytest.raises(WorkbookClosed):
            ask()
    with pytest.raises(WorkbookClosed):
        bench.workbook.tell("nobody sees it", bad=True)
    bench.workbook.publish(view({"NetStats_state": "on"}, Runs=[(None, "j", 1.0)]))
    assert not bench.workbook.flush(10)
    bench.user("open", path=str(bench.path))
    assert bench.workbook.flush(10)
    assert (shown(bench), bench.values("Runs", "C4:D4")) == ("on", [["j", 1.0]])
    assert bench.state() is WorkbookState.OPEN


def test_nothing_is_shown_after_the_end(bench: Live) -> None:
    bench.show(view({"NetStats_state": "on"}))
    bench.workbook.close()
    assert bench.workbook._connection._child.pid is None
    bench.workbook.publish(view({"NetStats_state": "off"}))
    assert bench.workbook.flush(0.1)
    assert shown(bench) == "on"


# --- buttons, and what is told ---


@pytest.mark.parametrize(("suffix", "filter_name"), [(".xlsx", XLSX), (".ods", ODS)])
def test_buttons_are_added_once_and_found_again_in_a_saved_file(
    running: Office, tmp_path: Path, suffix: str, filter_name: str
) -> None:
    saved = tmp_path / f"Saved{suffix}"
    with live(running, live_book(tmp_path / "Book.xlsx"), buttons=BUTTONS) as bench:
        bench.workbook.revision()
        assert bench.user("controls", sheet="Ranked") == ["Go", "Halt"]
        assert bench.user("undoable") == []
        bench.user("press", sheet="Ranked", name="Go")
        until(lambda: bench.pressed == ["Go"])
        bench.user("save", path=str(saved), filter_name=filter_name)
    with live(running, saved, buttons=BUTTONS) as bench:
        bench.workbook.revision()
        assert bench.user("controls", sheet="Ranked") == ["Go", "Halt"]
        for name in ("Halt", "Go", "Go"):
            count = len(bench.pressed) + 1
            bench.user("press", sheet="Ranked", name=name)
            until(lambda count=count: len(bench.pressed) == count)  # type: ignore[misc]  # mypy knows no type of it
        assert bench.pressed == ["Halt", "Go", "Go"]


def test_buttons_work_after_its_child_was_renewed(
    running: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live(running, live_book(tmp_path / "Book.xlsx"), buttons=BUTTONS) as bench:
        bench.workbook.revision()
        child = bench.workbook._connection._child
        first = child.pid
        with monkeypatch.context() as patch:
            patch.setattr(module, "QUESTIONS_A_LIFE", 1)
            bench.workbook.revision()
        assert child.pid not in (None, first)
        assert bench.user("controls", sheet="Ranked") == ["Go", "Halt"]
        assert bench.user("undoable") == []
        for count, name in enumerate(("Halt", "Go"), start=1):
            bench.user("press", sheet="Ranked", name=name)
            until(lambda count=count: len(bench.pressed) == count)  # type: ignore[misc]  # mypy knows no type of it
        assert bench.pressed == ["Halt", "Go"]


def test_buttons_of_a_sheet_that_is_not_there_are_no_obstacle(running: Office, tmp_path: Path) -> None:
    with live(running, live_book(tmp_path / "Book.xlsx"), buttons=BUTTONS) as bench:
        bench.user("sheet", name="Ranked", new="Renamed")
        bench.workbook.revision()
        assert bench.user("controls", sheet="Renamed") == []


def test_a_sentence_is_told_above_the_sheet_and_the_next_one_takes_its_place(bench: Live) -> None:
    for sentence, bad in (("Started.", False), ("It did not work.", True)):
        bench.workbook.tell(sentence, bad=bad)
        assert bench.user("told")


# --- LibreOffice hangs ---


def test_a_libreoffice_that_hangs_is_busy_and_goes_on_where_it_was(bench: Live, running: Office) -> None:
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    token = bench.workbook.revision()
    child = bench.workbook._connection._child
    os.kill(running.process.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(WorkbookBusy, match="cannot answer now") as caught:
            bench.workbook._ask("place", within_s=0.3)
        assert caught.value.retryable
        assert bench.state() is WorkbookState.BUSY
        # What the user typed cannot have changed: the token stays, and whoever asks is not kept waiting.
        assert bench.workbook.revision() == token
        assert time.monotonic() - started < 10
        bench.workbook.publish(view({"NetStats_state": "later"}))
        assert not bench.workbook.flush(0.2)
    finally:
        os.kill(running.process.pid, signal.SIGCONT)
    assert bench.workbook.flush(20)
    assert shown(bench) == "later"
    assert bench.workbook.revision() == token
    assert bench.state() is WorkbookState.OPEN
    assert child is bench.workbook._connection._child


def test_an_edit_that_libreoffice_does_not_confirm_may_yet_be_written_and_is_written_once(
    bench: Live, running: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    ask = bench.workbook._ask

    def hanging(what: str, /, **question: object) -> object:
        if what == "steps":
            os.kill(running.process.pid, signal.SIGSTOP)
            question["within_s"] = 0.3
        return ask(what, **question)  # type: ignore[arg-type]  # what it was asked with

    monkeypatch.setattr(bench.workbook, "_ask", hanging)
    try:
        with pytest.raises(WorkbookError, match="may yet be written: look at the table") as caught:
            bench.workbook.edit("Destinations", RowEdits(append=({"Name": "b"},)))
    finally:
        os.kill(running.process.pid, signal.SIGCONT)
    assert not caught.value.retryable
    until(lambda: [row[0] for row in bench.values("Destinations", "A2:A4")] == ["a", "b", None])
    assert [row.cells["Name"] for row in bench.read().rows] == ["a", "b"]


# --- LibreOffice crashes ---


@needs_libreoffice
def test_a_libreoffice_that_is_killed_while_it_is_written_to_is_closed_and_the_next_one_is_fed(
    tmp_path: Path,
) -> None:
    path = live_book(tmp_path / "Book.xlsx")
    where: list[str] = []
    workbook = LibreOfficeWorkbook(
        DocumentRef(path=str(path), guid=GUID),
        address=lambda: where[-1],
        python=lambda: first.python,
        inputs=[TYPED],
        tick_s=0.01,
    )
    rows = [(None, f"j{number}", float(number)) for number in range(3_000)]
    with office(tmp_path) as first:
        where.append(first.address)
        first.do("open", path=str(path))
        try:
            assert workbook.revision()
            asked = threading.Event()
            ask = workbook._connection._child.ask

            def killing(what: str, **question: object) -> object:
                if what == "write" and not asked.is_set():
                    asked.set()
                    threading.Timer(0.01, first.kill).start()
                return ask(what, **question)  # type: ignore[arg-type]  # what it was asked with

            workbook._connection._child.ask = killing  # type: ignore[method-assign]  # it stands in between
            workbook.publish(view({"NetStats_state": "on"}, Runs=rows))
            assert asked.wait(20)
            first.process.wait(20)
            started = time.monotonic()
            with pytest.raises(WorkbookClosed):
                workbook.read(["Destinations"])
            with pytest.raises(WorkbookClosed):
                workbook.revision()
            assert time.monotonic() - started < 10
            assert workbook.state is WorkbookState.CLOSED
            workbook.publish(view({"NetStats_state": "on"}, Runs=rows))
            with office(tmp_path, address=first.address) as second:
                second.do("open", path=str(path))
                assert workbook.flush(30)
                assert second.do("values", sheet="Ranked", area="A1") == [["on"]]
                assert second.do("values", sheet="Runs", area="C3003") == [["j2999"]]
                assert workbook.revision()
        finally:
            workbook.close()


def test_a_child_that_was_killed_is_started_anew(bench: Live) -> None:
    bench.show(view({"NetStats_state": "on"}))
    pid = bench.workbook._connection._child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    bench.show(view({"NetStats_state": "off"}))
    assert shown(bench) == "off"
    assert bench.workbook._connection._child.pid not in (None, pid)


def test_its_child_is_renewed_after_so_many_questions_and_nothing_is_lost(
    bench: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.show(view({"NetStats_state": "0"}))
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    token = bench.workbook.revision()
    child = bench.workbook._connection._child
    pids = {child.pid}
    monkeypatch.setattr(module, "QUESTIONS_A_LIFE", 8)
    for number in range(1, 16):
        bench.show(view({"NetStats_state": str(number)}))
        assert shown(bench) == str(number)
        assert bench.workbook.revision() == token
        pids.add(child.pid)
    assert 3 <= len(pids) <= 16
    assert None not in pids
    bench.type("Destinations", "A3", ["b", "h2"])
    until(lambda: bench.workbook.revision() != token)
