"""Updates are paused: nothing is written, whatever waits, and then the latest is shown."""

import threading

import pytest

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RowEdits
from netstats_xl.errors import WorkbookBusy
from tests.excel_double import REJECTED, Call, WindowsEngine
from tests.workbooks.excel.live import GUID, Live, live, view

PATIENCE_S = 10.0
BEFORE = view({"NetStats_state": "before"}, Runs=[(None, "j", 1.0)], Ranked=[("a", 1.0)])
LATEST = view({"NetStats_state": "latest"}, Runs=[(None, "j", 2.0)], Ranked=[("b", 2.0)])


def shown(bench: Live) -> tuple[object, object, object]:
    return bench.cell("Ranked", "A1"), bench.rows("Runs"), bench.rows("Ranked")


def take_turns(bench: Live) -> None:
    """Have the thread's turns come and go."""
    bench.workbook._thread.wake(0)
    for _ in range(3):
        bench.workbook._thread.call(lambda _: bench.workbook._turn(), PATIENCE_S)


def test_what_waited_when_it_was_held_is_not_written_and_the_latest_is_afterwards(
    engine: WindowsEngine,
) -> None:
    with live(engine) as bench:
        bench.user.open_dialog()
        bench.workbook.publish(BEFORE)
        bench.workbook.hold(True)
        bench.user.finish()
        take_turns(bench)
        bench.workbook.publish(LATEST)
        assert not bench.workbook.flush(PATIENCE_S)
        assert bench.excel.calls.writes == []
        bench.workbook.hold(False)
        assert bench.workbook.flush(PATIENCE_S)
        assert shown(bench) == ("latest", [(None, "j", 2.0)], [("b", 2.0)])


def test_what_waits_is_shown_without_anything_new(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.workbook.hold(True)
        bench.workbook.publish(LATEST)
        written = threading.Event()

        def writes(call: Call) -> bool:
            if call.name == "Range.Value2" and call.access == "put":
                written.set()
            return False

        bench.excel.faults.when(writes, REJECTED)
        bench.workbook.hold(False)
        assert written.wait(PATIENCE_S)


def test_a_push_under_way_ends_before_its_next_write(engine: WindowsEngine) -> None:
    with live(engine) as bench:

        def hold(call: Call) -> bool:
            if call.access == "put":
                bench.workbook.hold(True)
            return False

        bench.excel.faults.when(hold, REJECTED)
        bench.workbook.publish(BEFORE)
        assert not bench.workbook.flush(PATIENCE_S)
        take_turns(bench)
        assert len(bench.excel.calls.writes) == 1
        bench.excel.faults.clear()
        bench.workbook.hold(False)
        assert bench.workbook.flush(PATIENCE_S)
        assert shown(bench) == ("before", [(None, "j", 1.0)], [("a", 1.0)])


def test_a_write_that_a_busy_excel_refused_is_not_tried_again(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        refused = list[Call]()

        def refuse(call: Call) -> bool:
            if call.access == "put":
                refused.append(call)
                bench.workbook.hold(True)
            return call.access == "put"

        bench.excel.faults.when(refuse, REJECTED)
        bench.workbook.publish(BEFORE)
        assert not bench.workbook.flush(PATIENCE_S)
        take_turns(bench)
        assert len(refused) == 1
        assert bench.workbook.state is WorkbookState.OPEN


def test_pivots_are_not_computed_while_held(engine: WindowsEngine) -> None:
    with live(engine, pivots_every_s=60) as bench:

        def computed() -> int:
            return bench.excel.calls.counts["PivotTable.RefreshTable"]

        bench.show(BEFORE)
        bench.show(LATEST)
        assert computed() == 1
        bench.workbook.hold(True)
        bench.clock.now += 61
        take_turns(bench)
        assert computed() == 1
        bench.workbook.hold(False)
        take_turns(bench)
        assert computed() == 2


def test_what_the_user_asks_for_is_written_and_ids_are_not(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("a", "::1")]) as bench:
        bench.workbook.hold(True)
        (row,) = bench.workbook.read(["Destinations"])["Destinations"].rows
        with pytest.raises(WorkbookBusy, match="paused"):
            bench.workbook.write_ids("Destinations", {row.number: "0" * 12})
        assert bench.excel.calls.writes == []
        bench.workbook.edit("Destinations", RowEdits(append=({"Name": "b", "Host": "::2"},)))
        assert [each[0] for each in bench.rows("Destinations")] == ["a", "b"]
        assert bench.workbook.identity() == GUID
        bench.workbook.hold(False)
        bench.workbook.read(["Destinations"])
        bench.workbook.write_ids("Destinations", {row.number: "0" * 12})
        assert bench.rows("Destinations")[0][-1] == "0" * 12


def test_held_or_not_it_can_be_closed(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.workbook.hold(True)
        bench.workbook.close()
        bench.workbook.hold(False)
        bench.workbook.publish(LATEST)
        assert bench.excel.calls.writes == []
