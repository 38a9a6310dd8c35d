"""The live adapter over real COM: an Excel (the double) in another process, reached by its windows."""

import faulthandler
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("COM is Windows' own", allow_module_level=True)

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import CellValue, ErrorValue, RowEdits
from netstats_xl.domain.views import Anchor, Column, Kind, SheetSpec, TableSpec, WorkbookSpec, WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookClosed
from netstats_xl.workbooks.excel.workbook import BookRef, ExcelWorkbook
from tests.excel_double.lab.client import LabDesktop, LabExcel
from tests.workbooks.excel.live import GUID, PATH, TYPED, view

MORNING = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - a workbook knows no time zone
DESTINATIONS = [("a", "::1", 2.5), ("'=b", "::2")]
OPEN = (
    "from tests.workbooks.excel.live import book_in",
    f"book = book_in(excel, destinations={DESTINATIONS!r})",
)
WIDE = TableSpec(
    name="Wide",
    anchor=Anchor(row=0, column=0),
    columns=tuple(
        Column(header=f"C{number}", kind=(Kind.TEXT, Kind.INSTANT, Kind.NUMBER, Kind.NUMBER)[number % 4])
        for number in range(20)
    ),
)
WIDE_SPEC = WorkbookSpec(title="Wide", sheets=(SheetSpec(name="Mine", blocks=(WIDE,)),))
ROWS = [("a", 1.0), ("b", 2.0)]


@pytest.fixture(scope="module", autouse=True)
def no_dumps_of_handled_exceptions() -> Iterator[None]:
    """COM raises and handles exceptions of its own, which faulthandler would print as fatal ones."""
    was_enabled = faulthandler.is_enabled()
    faulthandler.disable()
    yield
    if was_enabled:
        faulthandler.enable(sys.__stderr__)


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDesktop]:
    made = LabDesktop(tmp_path_factory.mktemp("excels"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def shared(desktop: LabDesktop) -> LabExcel:
    """An Excel for all tests that leave one behind: starting it is what takes long."""
    return desktop.start_excel()


@pytest.fixture
def excel(shared: LabExcel) -> LabExcel:
    shared.do("excel.faults.clear(); user.finish(); [excel.close(book) for book in list(excel.books)]")
    for line in OPEN:
        shared.do(line)
    return shared


@pytest.fixture
def other(desktop: LabDesktop) -> Iterator[LabExcel]:
    """An Excel of the test's own."""
    started = desktop.start_excel(*OPEN[:1])
    yield started
    started.kill()


@contextmanager
def attached(desktop: LabDesktop, excel: LabExcel, **changed: Any) -> Iterator[ExcelWorkbook]:
    """The adapter, whose thread is on the desktop where Excel stands."""
    ref = BookRef(**({"guid": GUID, "full_name": PATH} | changed))
    workbook = ExcelWorkbook(ref, inputs=[TYPED], tick_s=0.02)
    with desktop.joined_by_new_threads():
        try:
            workbook._thread.call(lambda _: None, 120)  # importing xlwings takes its time here
            yield workbook
        finally:
            workbook.close()


def shown(excel: LabExcel, table: str) -> list[tuple[object, ...]]:
    return list(excel.do(f"values(book.table({table!r}))"))


def test_the_workbook_is_found_read_edited_and_fed(desktop: LabDesktop, excel: LabExcel) -> None:
    with attached(desktop, excel, window=excel.do("book.window.handle")) as workbook:
        assert workbook.identity() == GUID
        raw = workbook.read(["Destinations"])["Destinations"]
        assert [(row.cells["Name"], row.cells["Loss warning (%)"]) for row in raw.rows] == [
            ("a", 2.5),
            ("=b", None),
        ]
        first = workbook.revision()
        workbook.write_ids("Destinations", {raw.rows[0].number: "0123456789ab"})
        workbook.edit("Destinations", RowEdits(append=({"Name": "-c", "Host": "::3"},)))
        workbook.note_change()
        assert workbook.revision() != first
        rows: list[Sequence[CellValue]] = [("=b", "::2", None, None, "Up", 1.5, "ffffffffffff")]
        workbook.publish(view({"NetStats_state": "Collecting"}, Destinations=rows, Ranked=ROWS))
        assert workbook.flush(60)
        assert shown(excel, "Destinations") == [
            ("a", "::1", 2.5, None, None, None, "0123456789ab"),
            ("=b", "::2", None, None, "Up", 1.5, "ffffffffffff"),
            ("-c", "::3", None, None, None, None, None),
        ]
        assert shown(excel, "Ranked") == ROWS
        assert excel.do("book.sheet('Ranked').range('A1').value2()") == "Collecting"
        assert workbook.state is WorkbookState.OPEN
        assert excel.do("len(DISTURBING & set(excel.calls.names))") == 0


def test_twenty_thousand_cells_with_dates_blanks_and_errors_arrive_as_they_are(
    desktop: LabDesktop, excel: LabExcel
) -> None:
    excel.do(f"wide = add_table(book.sheet('Mine'), 'Wide', {[c.header for c in WIDE.columns]!r})")
    rows = [
        (
            *(f"=t{row}", MORNING + timedelta(seconds=row), None if row % 3 else row / 7, float("nan")),
            *(ErrorValue("#N/A"), None, 2**40, -0.5) * 4,
        )
        for row in range(1_000)
    ]
    with attached(desktop, excel) as workbook:
        excel.do("excel.calls.clear()")
        workbook.publish(WorkbookView(spec=WIDE_SPEC, rows={"Wide": rows}))
        assert workbook.flush(120)
        # Without a type library pywin32 tries each look-up as a property first.
        calls = [name for name in excel.do("excel.calls.names") if "GetIDs" not in name]
        assert calls.count("Range.Value2") == 2
        assert len(calls) <= 30
        serial = 46349 + 1 / 3
        for number, row in enumerate(shown(excel, "Wide")):
            assert row[0] == f"=t{number}"
            assert row[1] == pytest.approx(serial + number / 86_400, abs=1e-9)
            assert row[2:4] == (None if number % 3 else number / 7, None)
            assert row[4:] == ("#N/A", None, float(2**40), -0.5) * 4
        workbook.publish(WorkbookView(spec=WIDE_SPEC, rows={"Wide": rows}))
        excel.do("excel.calls.clear()")
        assert workbook.flush(120)
        assert excel.do("len(excel.calls.writes)") == 0


@pytest.mark.parametrize("failure", ["REJECTED", "RETRY_LATER", "IGNORED", "IGNORED_IN_DETAILS"])
def test_a_storm_of_busy_answers_loses_nothing(desktop: LabDesktop, excel: LabExcel, failure: str) -> None:
    with attached(desktop, excel) as workbook:
        assert workbook.identity() == GUID
        excel.do(f"excel.faults.randomly(0.3, seed=5, failures=[{failure}])")
        for number in range(5):
            workbook.publish(view({"NetStats_state": f"state {number}"}, Ranked=[("a", float(number))]))
            workbook.flush(1)
        excel.do("excel.faults.clear()")
        assert workbook.flush(60)
        assert shown(excel, "Ranked") == [("a", 4.0)]
        assert excel.do("book.sheet('Ranked').range('A1').value2()") == "state 4"


def test_a_dialog_that_stays_open_is_told_of_and_waited_out(desktop: LabDesktop, excel: LabExcel) -> None:
    with attached(desktop, excel, window=excel.do("book.window.handle")) as workbook:
        assert workbook.identity() == GUID
        excel.do("user.open_dialog()")
        with pytest.raises(WorkbookBusy):
            workbook.read(["Destinations"])
        workbook.publish(view(Ranked=ROWS))
        assert not workbook.flush(0.5)
        excel.do("user.finish()")
        assert workbook.flush(60)
        assert shown(excel, "Ranked") == ROWS


def test_an_excel_that_dies_in_mid_push_is_left_and_the_latest_shown_in_the_next(
    desktop: LabDesktop, excel: LabExcel, other: LabExcel
) -> None:
    excel.do("user.close(book)")
    other.do(OPEN[1])
    with attached(desktop, other) as workbook:
        assert workbook.identity() == GUID
        other.do("excel.faults.when(lambda call: call.name == 'Range.Value2' and end_process(), REJECTED)")
        workbook.publish(view(Ranked=[("old", 0.0)]))
        assert not workbook.flush(20)
        with pytest.raises(WorkbookClosed):
            workbook.identity()
        assert str(workbook.state) == "closed"
        workbook.publish(view(Ranked=ROWS))
        excel.do(OPEN[1])
        assert workbook.flush(60)
        assert shown(excel, "Ranked") == ROWS


def test_of_two_excels_the_one_with_the_workbook_is_fed(
    desktop: LabDesktop, excel: LabExcel, other: LabExcel
) -> None:
    other.do(r"book = book_in(excel, r'C:\Other\NetStats.xlsm', guid='f' * 32)")
    with attached(desktop, excel) as workbook:
        workbook.publish(view(Ranked=ROWS))
        assert workbook.flush(60)
        assert shown(excel, "Ranked") == ROWS
        assert other.do("len(excel.calls.writes)") == 0
        other.do("user.open_dialog()")
        workbook.publish(view(Ranked=ROWS[:1]))
        assert workbook.flush(60)
        assert shown(excel, "Ranked") == ROWS[:1]


def test_save_as_and_closing_are_noticed(desktop: LabDesktop, excel: LabExcel) -> None:
    with attached(desktop, excel) as workbook:
        assert workbook.identity() == GUID
        excel.do(r"user.save_as(book, r'C:\Else\Renamed.xlsm')")
        assert workbook.identity() == GUID
        assert workbook.full_name == r"C:\Else\Renamed.xlsm"
        excel.do("user.close(book)")
        with pytest.raises(WorkbookClosed):
            workbook.revision()
