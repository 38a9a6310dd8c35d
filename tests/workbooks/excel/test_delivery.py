"""What is published stands on the sheets, written politely."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.views import (
    Anchor,
    CellSpec,
    Column,
    Kind,
    SheetSpec,
    TableSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.errors import ViewUnsupported
from tests.excel_double import DISTURBING, Access, CallLog, WindowsEngine, add_chart
from tests.excel_double.ranges import Range
from tests.workbooks.excel.live import RUNS, SPEC, Live, live, view

AT = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - a workbook knows no time zone
SERIAL = 46349 + 8 / 24
ROWS = [(AT, f"job {number}", float(number)) for number in range(5)]
BLANK = [(None, None, None)]
SHOWN: list[tuple[object, ...]] = [(SERIAL, f"job {number}", float(number)) for number in range(5)]


def calls_of(bench: Live, shown: WorkbookView) -> list[str]:
    """The calls that showing a view takes."""
    bench.held()  # what goes on is at its end by then
    with bench.excel.calls.during() as calls:
        bench.show(shown)
    assert not DISTURBING & set(calls.names)
    return members(calls)


def members(calls: CallLog) -> list[str]:
    """The calls of members: what pywin32 asks of each object's type, where it binds late, is left out."""
    return [name for name in calls.names if not name.endswith((".GetTypeInfo", ".GetIDsOfNames"))]


def test_a_table_grows_shrinks_and_is_emptied(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        table = bench.book.table("Runs")
        chart = add_chart(bench.book.sheet("Runs"), "Chart", table, "At", "RTT (ms)")
        for count in (5, 2, 3, 0):
            bench.show(view(Runs=ROWS[:count]))
            assert bench.rows("Runs") == (SHOWN[:count] or BLANK)
            followed = chart.chart.series[0].values
            assert followed is not None
            assert followed.rect == table.column_rect("RTT (ms)")
            assert bench.cell("Runs", "B10") is None
        assert bench.workbook.problems == ()


def test_blanks_errors_flags_and_suspicious_text_are_shown_as_they_are(engine: WindowsEngine) -> None:
    rows: list[tuple[CellValue, ...]] = [
        (None, "=cmd()", None),
        (AT, ErrorValue("#N/A"), float("nan")),
        (AT, "'quoted", 1),
    ]
    with live(engine) as bench:
        bench.show(view(Runs=rows))
        assert bench.rows("Runs") == [
            (None, "=cmd()", None),
            (SERIAL, "#N/A", None),
            (SERIAL, "'quoted", 1.0),
        ]
        assert all(cell.formula is None for cell in bench.book.sheet("Runs").cells.values())


def test_what_the_cells_show_already_is_not_written(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view({"NetStats_state": "Collecting"}, Runs=ROWS))
        bench.excel.undo.append("Typing")
        bench.excel.calls.clear()
        bench.show(view({"NetStats_state": "Collecting"}, Runs=ROWS))
        assert bench.excel.calls.writes == []
        assert bench.excel.undo_lost == 0


def test_only_the_rectangle_that_changed_is_written(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=ROWS))
        changed = [*ROWS[:2], (AT, "job 2", 20.0), (AT, "job 3", 30.0), ROWS[4]]
        with bench.excel.calls.during() as calls:
            bench.show(view(Runs=changed))
        assert len(calls.writes) == 1
        assert [row[2] for row in bench.rows("Runs")] == [0.0, 1.0, 20.0, 30.0, 4.0]


ATTACHING = 9
"""Calls that every tick begins with: the workbook is found, and the copy mode asked for."""


def ticks(names: list[str]) -> list[list[str]]:
    """The calls of each tick, without those that every tick begins with."""
    found: list[list[str]] = []
    for name in names:
        if name == "Window.Parent":
            found.append([])
        found[-1].append(name)
    return [tick[ATTACHING:] for tick in found]


@pytest.mark.parametrize("rows", [1, 40, 2_000])
def test_a_table_costs_at_most_ten_calls_whatever_its_rows(engine: WindowsEngine, rows: int) -> None:
    full = [(AT, f"job {number}", float(number)) for number in range(rows)]
    changed = [(AT, "job", float(number)) for number in range(rows)]
    with live(engine, pivots_every_s=10_000) as bench:
        bench.show(view(Runs=ROWS[:2]))
        for shown in (full, changed, changed):
            assert all(len(calls) <= 10 for calls in ticks(calls_of(bench, view(Runs=shown))))
        both = ticks(calls_of(bench, view(Runs=full, Ranked=[("a", 1.0), ("b", 2.0)])))
        assert all(len(calls) <= 20 for calls in both)


@pytest.mark.parametrize("rows", [3, 300])
def test_shrinking_with_columns_of_the_users_between_takes_more_ticks_of_ten_calls(
    engine: WindowsEngine, rows: int
) -> None:
    with live(engine, pivots_every_s=10_000) as bench:
        bench.show(view(Runs=[(AT, "job", float(number)) for number in range(rows)]))
        bench.user.insert_columns(bench.book.sheet("Runs"), 3)
        calls = ticks(calls_of(bench, view(Runs=[(None, "changed", 0.5)])))
        assert len(calls) > 1
        assert max(map(len, calls)) <= 10
        assert bench.rows("Runs") == [(None, None, "changed", 0.5)]


def test_a_column_that_the_user_moved_or_put_between_is_respected(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=ROWS))
        table = bench.book.table("Runs")
        bench.user.move_column(table, "RTT (ms)", "At")
        bench.user.add_column(table, "Mine", ["a", "b", "c", "d", "e"])
        bench.show(view(Runs=[(AT, "x", 9.0), *ROWS[1:], (AT, "new", 1.0)]))
        assert bench.rows("Runs")[0] == (9.0, SERIAL, "x", "a")
        assert [row[3] for row in bench.rows("Runs")] == ["a", "b", "c", "d", "e", None]


MANY = [(AT, f"job {number}", float(number)) for number in range(4_000)]


def read_cells(bench: Live, shown: WorkbookView) -> int:
    """How many cells Excel had to hand over to show a view."""
    bench.held()
    handed: list[int] = []
    value2 = Range.served["Value2", Access.GET]

    def counting(target: Range) -> object:
        handed.append(target.rect.rows * target.rect.columns)
        return value2(target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Range, "served", {**Range.served, ("Value2", Access.GET): counting})
        bench.show(shown)
    return sum(handed)


def test_a_large_table_is_not_read_as_a_whole_for_a_change_in_its_last_row(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        for shown in (MANY, MANY):
            assert read_cells(bench, view(Runs=shown)) >= len(MANY) * 3  # it grew, and was read once more
        changed = [*MANY[:-1], (AT, "the last", 0.0)]
        taken = calls_of(bench, view(Runs=changed))
        assert max(map(len, ticks(taken))) <= 10
        assert bench.rows("Runs")[-1] == (SERIAL, "the last", 0.0)
        assert read_cells(bench, view(Runs=MANY)) < 100
        assert read_cells(bench, view(Runs=MANY)) == 0
        bench.clock.now += 601
        assert read_cells(bench, view(Runs=MANY)) > 10_000


def test_a_large_table_that_the_user_sorted_or_changed_is_read_again(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=MANY))
        bench.show(view(Runs=MANY))
        table = bench.book.table("Runs")
        acts: tuple[Callable[[], None], ...] = (
            lambda: bench.user.sort(table, "RTT (ms)", descending=True),
            lambda: bench.user.move_column(table, "RTT (ms)", "At"),
            lambda: bench.user.move_column(table, "At", "RTT (ms)"),
            lambda: bench.user.insert_rows(table.sheet, 1),
            lambda: bench.user.type(table.sheet, f"C{table.rect.bottom}", "mine"),
        )
        for number, act in enumerate(acts):
            act()
            changed = [*MANY[:-1], (AT, f"the last {number}", float(number))]
            bench.show(view(Runs=changed))
            order = [table.headers.index(column.header) for column in RUNS.columns]
            shown = [tuple(row[position] for position in order) for row in bench.rows("Runs")]
            assert shown == [(SERIAL, *row[1:]) for row in changed]


def test_a_table_that_moved_to_another_sheet_is_found_there(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=ROWS[:1]))
        bench.user.move_table(bench.book.table("Runs"), bench.book.sheet("Mine"), 7, 4)
        bench.user.rename_sheet(bench.book.sheet("Mine"), "My own")
        bench.show(view(Runs=ROWS))
        assert bench.rows("Runs") == SHOWN
        assert bench.cell("My own", "D8") == SERIAL
        names = calls_of(bench, view(Runs=ROWS))
        assert names.count("Worksheets.Count") == names.count("Sheets.Count") == 0  # it is looked for once


def test_what_the_user_wrote_below_a_table_is_never_overwritten(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.user.type(bench.book.sheet("Runs"), "C7", "mine")
        bench.show(view(Runs=ROWS))
        assert bench.cell("Runs", "C7") == "mine"
        assert bench.rows("Runs") == SHOWN[:3]
        (problem,) = bench.workbook.problems
        assert "no room for 2 of its rows" in problem
        bench.user.type(bench.book.sheet("Runs"), "C7", None)
        bench.show(view(Runs=ROWS))
        assert bench.rows("Runs") == SHOWN
        assert bench.workbook.problems == ()


def test_a_totals_row_stays_and_the_rows_that_fit_are_shown(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=ROWS[:3]))
        table = bench.book.table("Runs")
        table.totals = True  # its last row is the totals row from now on
        bench.show(view(Runs=ROWS))
        assert bench.rows("Runs") == SHOWN[:2]


def test_a_table_whose_rows_were_all_deleted_is_filled_again(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=ROWS[:1]))
        table = bench.book.table("Runs")
        table.sheet.clear_contents(table.body)
        table.vacant = True
        bench.show(view(Runs=ROWS))
        assert bench.rows("Runs") == SHOWN


def test_rows_beyond_the_room_of_a_table_are_left_out_and_told_of(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Ranked=[(f"n{number:02}", 1.0) for number in range(60)]))
        assert len(bench.rows("Ranked")) == 50
        assert "no room for 10" in bench.workbook.problems[0]


def test_rows_with_a_key_stay_in_the_order_that_the_user_sorted(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Ranked=[("a", 3.0), ("b", 1.0), ("c", 2.0)]))
        bench.user.sort(bench.book.table("Ranked"), "Loss (%)")
        bench.show(view(Ranked=[("a", 4.0), ("c", 0.5), ("d", 9.0), ("b", 2.0)]))
        assert bench.rows("Ranked") == [("b", 2.0), ("c", 0.5), ("a", 4.0), ("d", 9.0)]
        bench.show(view(Ranked=[("d", 1.0), ("a", 2.0)]))
        assert bench.rows("Ranked") == [("a", 2.0), ("d", 1.0)]


def test_nothing_is_written_while_the_user_copies_cells(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=ROWS[:1]))
        bench.user.copy(bench.book.sheet("Mine"), "A1")
        bench.workbook.publish(view(Runs=ROWS))
        assert not bench.workbook.flush(0.05)
        assert (bench.excel.cut_copy_mode, bench.rows("Runs")) == (1, SHOWN[:1])
        bench.excel.cut_copy_mode = 0
        assert bench.workbook.flush(5)
        assert bench.rows("Runs") == SHOWN


def test_a_named_cell_follows_its_cell_and_is_written_when_it_changes(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view({"NetStats_state": "Collecting"}))
        bench.user.insert_rows(bench.book.sheet("Ranked"), 1)
        bench.show(view({"NetStats_state": "=Stopped"}))
        assert bench.cell("Ranked", "A2") == "=Stopped"
        bench.show(view({"NetStats_state": None}))
        assert bench.cell("Ranked", "A2") is None


def test_a_table_or_cell_that_is_missing_is_told_of_and_the_others_are_shown(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.user.delete_table(bench.book.table("Ranked"))
        bench.book.names.remove(bench.book.defined_name("NetStats_state"))
        bench.show(view({"NetStats_state": "x"}, Ranked=[("a", 1.0)], Runs=ROWS))
        assert bench.rows("Runs") == SHOWN
        cell, table = sorted(bench.workbook.problems)
        assert "no cell named NetStats_state" in cell
        assert "no table Ranked" in table


def test_a_table_that_a_workbook_of_an_earlier_version_lacks_is_not_missed(engine: WindowsEngine) -> None:
    later = TableSpec(
        name="Later", anchor=Anchor(row=0, column=0), columns=(Column(header="Fact"),), optional=True
    )
    spec = replace(SPEC, sheets=(*SPEC.sheets, SheetSpec(name="Settings", blocks=(later,))))
    with live(engine) as bench:
        bench.show(WorkbookView(spec=spec, rows={"Later": [("a",)], "Runs": ROWS}))
        assert bench.rows("Runs") == SHOWN
        assert bench.workbook.problems == ()


def test_a_protected_sheet_is_told_of_until_it_can_be_written(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.user.protect(bench.book.sheet("Runs"))
        bench.show(view(Runs=ROWS))
        assert "protected" in bench.workbook.problems[0]
        bench.user.protect(bench.book.sheet("Runs"), False)
        bench.show(view(Runs=ROWS))
        assert (bench.rows("Runs"), bench.workbook.problems) == (SHOWN, ())


def test_pivots_are_computed_anew_after_a_change_and_not_too_often(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        (pivot,) = bench.book.sheet("Pivot").pivots
        bench.user.rename_sheet(bench.book.sheet("Pivot"), "My pivots")
        bench.show(view(Runs=ROWS))
        assert pivot.refreshes == 1
        bench.show(view(Runs=ROWS))
        bench.clock.now += 61
        bench.show(view(Runs=ROWS))
        assert pivot.refreshes == 1  # nothing changed
        bench.show(view(Runs=ROWS[:2]))
        assert pivot.refreshes == 2
        bench.show(view(Runs=ROWS))
        assert pivot.refreshes == 2  # too soon
        bench.clock.now += 61
        bench.show(view({"NetStats_state": "any"}))
        assert pivot.refreshes == 3


def test_a_pivot_that_the_user_deleted_is_no_matter(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.book.sheet("Pivot").pivots.clear()
        bench.show(view(Runs=ROWS))
        assert (bench.rows("Runs"), bench.workbook.problems) == (SHOWN, ())


def test_what_excel_does_not_take_as_written_is_not_written_again_and_again(engine: WindowsEngine) -> None:
    with live(engine) as bench:
        bench.show(view(Runs=ROWS))
        sheet = bench.book.sheet("Runs")
        for _ in range(3):
            sheet.cells[4, 3].value = "made something else by Excel"
            with bench.excel.calls.during() as calls:
                bench.show(view(Runs=ROWS))
        assert calls.writes == []
        bench.clock.now += 16
        bench.show(view(Runs=ROWS))
        assert bench.rows("Runs") == SHOWN


def test_a_value_that_no_cell_can_hold_is_refused_at_once(engine: WindowsEngine) -> None:
    with live(engine) as bench, pytest.raises(ViewUnsupported):
        bench.workbook.publish(view(Runs=[(AT.astimezone(), "a", 1.0)]))


def test_flags_in_a_named_cell_follow_its_kind(engine: WindowsEngine) -> None:
    cell = CellSpec(name="NetStats_state", anchor=Anchor(row=0, column=0), kind=Kind.FLAG)
    spec = WorkbookSpec(title="", sheets=(SheetSpec(name="Ranked", blocks=(cell, RUNS)),))
    with live(engine) as bench:
        bench.show(WorkbookView(spec=spec, rows={}, cells={"NetStats_state": True}))
        assert bench.cell("Ranked", "A1") == "yes"
