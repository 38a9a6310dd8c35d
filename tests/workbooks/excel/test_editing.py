"""Rows written into the user's tables, at his request."""

import threading
from concurrent.futures import Future

import pytest

from netstats_xl.domain.tables import CellValue, RowEdits
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.workbooks.excel import com_thread, connection
from tests.excel_double import REFUSED, REJECTED, Call, WindowsEngine, add_table
from tests.workbooks.excel.live import Live, live, view

TWO = [("a", "::1"), ("b", "::2", None, None, "Up", 1.5, "0123456789ab")]
NEW: dict[str, CellValue] = {"Name": "n", "host": "::9", "Loss warning (%)": 5, "ID": None}


def read(bench: Live) -> list[int]:
    return [row.number for row in bench.workbook.read(["Destinations"])["Destinations"].rows]


def edit(bench: Live, **edits: object) -> None:
    bench.workbook.edit("Destinations", RowEdits(**edits))  # type: ignore[arg-type]  # as given


def names(bench: Live) -> list[object]:
    return [row[0] for row in bench.rows("Destinations")]


def test_blank_rows_at_the_end_are_filled_before_the_table_grows(engine: WindowsEngine) -> None:
    with live(engine, destinations=[*TWO, (), ()]) as bench:
        read(bench)
        edit(bench, append=(NEW, {"Name": "o"}, {"Name": "p"}))
        assert names(bench) == ["a", "b", "n", "o", "p"]
        assert bench.rows("Destinations")[2] == ("n", "::9", 5.0, None, None, None, None)


def test_what_was_left_of_a_row_that_the_user_cleared_goes_with_a_new_one(engine: WindowsEngine) -> None:
    with live(engine, destinations=[*TWO, (None, None, None, None, "Down", 9.0, "ffffffffffff")]) as bench:
        read(bench)
        edit(bench, append=(NEW,))
        assert bench.rows("Destinations")[2] == ("n", "::9", 5.0, None, None, None, None)


def test_a_calculated_column_of_the_users_is_left_to_excel(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        table = bench.book.table("Destinations")
        bench.user.insert_columns(table.sheet, 2)
        bench.user.add_column(table, "Double", ["=1+1", "=1+1"])
        read(bench)
        edit(bench, append=({**NEW, "Double": 7},))
        row = dict(zip(table.headers, bench.rows("Destinations")[2], strict=True))
        assert (row["Name"], row["Host"], row["Double"]) == ("n", "::9", None)
        assert [cell.formula for cell in table.sheet.cells.values() if cell.formula] == ["=1+1"] * 2


def test_text_that_begins_like_a_formula_is_no_calculated_column(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("'=a", "::1")]) as bench:
        read(bench)
        edit(bench, append=(NEW,))
        assert names(bench) == ["=a", "n"]


def test_what_stands_below_the_table_moves_down(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        sheet = bench.book.sheet("Destinations")
        bench.user.type(sheet, "A5", "mine")
        read(bench)
        edit(bench, append=(NEW, NEW, NEW))
        assert names(bench) == ["a", "b", "n", "n", "n"]
        mine = [row for (row, _), cell in sheet.cells.items() if cell.value == "mine"]
        assert mine
        assert mine[0] > 6


def test_a_table_below_moves_down_or_is_told_to_be_in_the_way(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        below = add_table(bench.book.sheet("Destinations"), "Below", ["A", "B"], [["x", "y"]], at="A4")
        read(bench)
        bench.excel.faults.when(lambda call: call.name == "ListRows.Add", REFUSED)
        with pytest.raises(WorkbookError) as caught:
            edit(bench, append=(NEW,))
        assert "in the way" in caught.value.message
        assert not caught.value.retryable
        assert below.headers == ["A", "B"]
        assert names(bench) == ["a", "b"]


def test_rows_above_a_totals_row_are_added_by_excel(engine: WindowsEngine) -> None:
    with live(engine, destinations=[*TWO, ("Total",)]) as bench:
        bench.book.table("Destinations").totals = True
        read(bench)
        edit(bench, append=(NEW,))
        assert names(bench) == ["a", "b", "n"]
        assert bench.cell("Destinations", "A5") == "Total"


def test_rows_right_below_the_table_are_edited_and_taken_in(engine: WindowsEngine) -> None:
    with live(engine, destinations=[*TWO, ("c", "::3"), ("d", "::4")]) as bench:
        rect = bench.book.sheet("Destinations").area("A1:G3").rect
        assert rect is not None
        bench.book.table("Destinations").resize(rect)
        numbers = read(bench)
        assert len(numbers) == 4
        edit(bench, replace={numbers[2]: {"Host": "::33"}}, remove=(numbers[3],))
        assert bench.cell("Destinations", "B4") == "::33"
        assert bench.cell("Destinations", "A5") is None
        read(bench)
        edit(bench, append=(NEW,))
        assert names(bench) == ["a", "b", "c", "n"]


def test_cells_apart_are_written_without_those_between(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        first, _ = read(bench)
        edit(bench, replace={first: {"Name": "=A", "Loss warning (%)": 1.5}})
        assert bench.rows("Destinations")[0][:3] == ("=A", "::1", 1.5)


def test_rows_that_were_never_read_or_have_changed_are_refused(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        with pytest.raises(WorkbookBusy):
            edit(bench, remove=(2,))
        numbers = read(bench)
        bench.show(view(Destinations=[("a", "::1", None, None, "Up", 1.0, "aaaaaaaaaaaa")]))
        edit(bench, replace={numbers[0]: {"Host": "::11"}})  # a status is no change
        bench.user.sort(bench.book.table("Destinations"), "Name", descending=True)
        for edits in ({"replace": {numbers[0]: {"Host": "x"}}}, {"remove": (numbers[1],)}):
            with pytest.raises(WorkbookBusy):
                edit(bench, **edits)
        with pytest.raises(WorkbookBusy):
            bench.workbook.write_ids("Destinations", {numbers[0]: "0" * 12})
        assert names(bench) == ["b", "a"]


def test_a_column_that_went_since_the_reading_is_noticed(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        first, _ = read(bench)
        bench.user.delete_columns(bench.book.sheet("Destinations"), 2)
        with pytest.raises(WorkbookBusy):
            edit(bench, replace={first: {"Name": "x"}})


def test_without_a_design_every_column_tells_rows_apart(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO, inputs=()) as bench:
        first, second = read(bench)
        bench.user.type(bench.book.sheet("Destinations"), "E2", "changed")
        with pytest.raises(WorkbookBusy):
            edit(bench, replace={first: {"Name": "x"}})
        edit(bench, replace={second: {"Name": "x"}}, append=(NEW,))
        assert names(bench) == ["a", "x", "n"]


def test_ids_are_written_to_rows_without_one_in_one_call(engine: WindowsEngine) -> None:
    rows = [("a", "::1"), ("b", "::2", None, None, None, None, "bbbbbbbbbbbb"), ("c", "::3")]
    with live(engine, destinations=rows) as bench:
        first, _, third = read(bench)
        with bench.excel.calls.during() as calls:
            bench.workbook.write_ids("Destinations", {first: "123456789012", third: "123e45678901"})
        assert len(calls.writes) == 1
        assert [row[6] for row in bench.rows("Destinations")] == [
            "123456789012",
            "bbbbbbbbbbbb",
            "123e45678901",
        ]
        edit(bench, replace={first: {"Host": "::11"}})  # the IDs are known from now on
        bench.workbook.write_ids("Destinations", {})


def test_ids_wait_while_cells_are_copied_and_need_a_column(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        first, _ = read(bench)
        bench.user.copy(bench.book.sheet("Mine"), "A1")
        with pytest.raises(WorkbookBusy, match="copied"):
            bench.workbook.write_ids("Destinations", {first: "0" * 12})
        bench.excel.cut_copy_mode = 0
        bench.user.delete_columns(bench.book.sheet("Destinations"), 7)
        bench.workbook.write_ids("Destinations", {first: "0" * 12})
        assert bench.excel.calls.writes == []


def test_nothing_is_edited_while_cells_are_copied(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        first, _ = read(bench)
        bench.user.copy(bench.book.sheet("Mine"), "A1")
        for edits in ({"append": (NEW,)}, {"replace": {first: {"Host": "::3"}}}, {"remove": (first,)}):
            with pytest.raises(WorkbookBusy, match="Press Esc"):
                edit(bench, **edits)
        assert (bench.excel.calls.writes, bench.excel.cut_copy_mode) == ([], 1)
        bench.excel.cut_copy_mode = 0
        edit(bench, append=(NEW,))
        assert names(bench) == ["a", "b", "n"]


def test_an_edit_that_goes_on_for_too_long_is_not_to_be_repeated(
    engine: WindowsEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live(engine, destinations=TWO) as bench:
        read(bench)
        begun, go_on = threading.Event(), threading.Event()

        def hangs(call: Call) -> bool:
            if call.access == "put":
                begun.set()
                assert go_on.wait(10)
            return False

        class BegunFirst(Future[object]):
            def result(self, timeout: float | None = None) -> object:
                assert begun.wait(10)
                return super().result(timeout)

        bench.excel.faults.when(hangs, REJECTED)
        with monkeypatch.context() as patch:
            patch.setattr(com_thread, "Future", BegunFirst)
            patch.setattr(connection, "ANSWER_WITHIN_S", 0.01)
            with pytest.raises(WorkbookError, match="look at the table before") as error:
                edit(bench, append=(NEW,))
        assert not error.value.retryable
        go_on.set()
        bench.workbook.identity()
        assert names(bench) == ["a", "b", "n"]


def test_an_edit_that_excel_interrupts_before_its_first_write_may_be_repeated(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        read(bench)
        bench.user.start_editing()
        with pytest.raises(WorkbookBusy):
            edit(bench, append=(NEW,))
        bench.user.finish()
        edit(bench, append=(NEW,))
        assert names(bench) == ["a", "b", "n"]


def test_an_edit_that_excel_interrupts_later_is_told_of_and_not_repeatable(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        first, second = read(bench)
        writes = 0

        def second_write(call: Call) -> bool:
            nonlocal writes
            if call.name == "Range.Value2" and call.access == "put":
                writes += 1
            return writes > 1

        bench.excel.faults.when(second_write, REJECTED)
        with pytest.raises(WorkbookError, match="Only a part") as caught:
            edit(bench, replace={first: {"Name": "x"}, second: {"Name": "y"}})
        assert not caught.value.retryable
        assert names(bench) == ["x", "b"]
        assert sum(bench.clock.taken) > 5  # once begun, it waits longer


def test_a_protected_sheet_is_told_of(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench:
        first, _ = read(bench)
        bench.user.protect(bench.book.sheet("Destinations"))
        with pytest.raises(WorkbookError, match="protected"):
            edit(bench, replace={first: {"Name": "x"}})


def test_a_table_that_is_not_there_is_told_of(engine: WindowsEngine) -> None:
    with live(engine, destinations=TWO) as bench, pytest.raises(WorkbookError, match="no table named"):
        bench.workbook.write_ids("Nothing", {2: "0" * 12})
