"""What the user typed is read as a file of it would be."""

from datetime import datetime, time, timedelta

import pytest

from netstats_xl.domain.tables import ErrorValue, RawTable
from netstats_xl.errors import WorkbookBusy
from tests.excel_double import ERRORS, REJECTED, WindowsEngine, add_table
from tests.workbooks.excel.live import Live, live, view

MORNING = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - a workbook knows no time zone
SERIAL = 46349 + 1 / 3
THREE = [("a", "::1", 2.5, SERIAL), ("b", "::2"), ("c", "::3", None, None, "Up", 1.5, "0123456789ab")]


def table(bench: Live, name: str = "Destinations") -> RawTable:
    return bench.workbook.read([name])[name]


def column(raw: RawTable, header: str) -> list[object]:
    return [row.cells[header] for row in raw.rows]


def formatted(bench: Live, header: str, number_format: str, row: int | None = None) -> None:
    """The user formats a column of the table, or the cell in one of its rows, from 1."""
    destinations = bench.book.table("Destinations")
    rect = destinations.column_rect(header)
    top, bottom = (rect.top, rect.bottom) if row is None else (rect.top + row - 1, rect.top + row - 1)
    letter = chr(ord("A") + rect.left - 1)
    bench.user.format(destinations.sheet, f"{letter}{top}:{letter}{bottom}", number_format)


def test_rows_have_their_numbers_and_blank_ones_are_left_out(engine: WindowsEngine) -> None:
    with live(engine, destinations=[THREE[0], (), THREE[1]]) as bench:
        bench.user.insert_rows(bench.book.sheet("Destinations"), 1, 3)
        raw = table(bench)
        assert (raw.header_row, [row.number for row in raw.rows]) == (4, [5, 7])
        assert raw.address(7, "Host") == "B7"
        assert column(raw, "Name") == ["a", "b"]


def test_numbers_mean_what_their_format_shows(engine: WindowsEngine) -> None:
    rows = [("a", 0.5, 0.02, SERIAL), ("b", 1.5, 5.0, 46349.0), ("c", SERIAL, 2.5, 1e9)]
    with live(engine, destinations=rows) as bench:
        formatted(bench, "Host", "General")
        for number, value in enumerate((0.5, 1.5, SERIAL), start=2):
            bench.user.type(bench.book.sheet("Destinations"), f"B{number}", value)
        formatted(bench, "Host", "hh:mm", 1)
        formatted(bench, "Host", "[h]:mm", 2)
        formatted(bench, "Loss warning (%)", "0%", 1)
        formatted(bench, "Start", "yyyy-mm-dd hh:mm")
        raw = table(bench)
        assert column(raw, "Host") == [time(12), timedelta(hours=36), SERIAL]
        assert column(raw, "Loss warning (%)") == ["2%", 5, 2.5]
        assert column(raw, "Start") == [MORNING, MORNING.replace(hour=0), 1e9]


def test_errors_flags_and_text_are_read_as_they_are(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("'=x", "'007", ERRORS["#N/A"], True)]) as bench:
        (row,) = table(bench).rows
        assert list(row.cells.values())[:4] == ["=x", "007", ErrorValue("#N/A"), True]


def test_a_status_pushed_finds_rows_with_percentages_and_dates(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("a", "::1", 0.02, SERIAL), ("b", "::2", 0.02)]) as bench:
        formatted(bench, "Loss warning (%)", "0%")
        formatted(bench, "Start", "yyyy-mm-dd hh:mm")
        rows = [[*list(row.cells.values())[:4], "Up", 1.0, "id"] for row in table(bench).rows]
        assert rows[0][2:4] == ["2%", MORNING]
        bench.show(view(Destinations=rows))
        assert [row[4:] for row in bench.rows("Destinations")] == [("Up", 1.0, "id")] * 2


def test_rows_right_below_a_table_belong_to_it_and_others_are_told_apart(engine: WindowsEngine) -> None:
    with live(engine, destinations=THREE[:1]) as bench:
        sheet = bench.book.sheet("Destinations")
        with bench.excel.lock:  # as after the user took back that the table grew
            for row, name in ((3, "right below"), (4, "too"), (7, "apart")):
                sheet.write(sheet.area(f"A{row}").rect, name, by_user=True)  # type: ignore[arg-type]  # a rectangle
            below = bench.book.table("Destinations")
            below.resize(sheet.area("A1:G2").rect)  # type: ignore[arg-type]  # a rectangle
        raw = table(bench)
        assert column(raw, "Name") == ["a", "right below", "too"]
        assert [(row.number, row.cells["Name"]) for row in raw.rows_apart] == [(7, "apart")]
        add_table(sheet, "Another", ["A"], [["x"]], at="A4")
        raw = table(bench)
        assert column(raw, "Name") == ["a", "right below"]
        assert not raw.rows_apart


def test_a_totals_row_is_no_row(engine: WindowsEngine) -> None:
    with live(engine, destinations=THREE) as bench:
        bench.book.table("Destinations").totals = True
        bench.user.type(bench.book.sheet("Destinations"), "A5", "below the totals")
        raw = table(bench)
        assert column(raw, "Name") == ["a", "b"]
        assert not raw.rows_apart


def test_a_table_is_found_on_any_sheet_and_told_where(engine: WindowsEngine) -> None:
    with live(engine, destinations=THREE) as bench:
        bench.user.move_table(bench.book.table("Destinations"), bench.book.sheet("Mine"), 3, 3)
        bench.user.rename_sheet(bench.book.sheet("Mine"), "Elsewhere")
        raw = table(bench)
        assert (raw.sheet, raw.address(4, "Name")) == ("Elsewhere", "C4")
        assert table(bench, "destinations").name == "Destinations"


def test_reading_costs_no_more_calls_for_more_rows(engine: WindowsEngine) -> None:
    counts = []
    for rows in (2, 400):
        with live(engine, destinations=[("a", "::1", 1.5, SERIAL)] * rows) as bench:
            table(bench)
            with bench.excel.calls.during() as calls:
                assert len(table(bench).rows) == rows
            counts.append(len(calls))
    assert counts[0] == counts[1]


def test_formats_that_differ_in_a_column_are_found_out_by_halves(engine: WindowsEngine) -> None:
    rows = [("a", "::1", 0.02)] * 256
    with live(engine, destinations=rows) as bench:
        formatted(bench, "Loss warning (%)", "0%", 200)
        with bench.excel.calls.during() as calls:
            found = column(table(bench), "Loss warning (%)")
        assert found == [0.02] * 199 + ["2%"] + [0.02] * 56
        assert calls.counts["Range.NumberFormat"] < 20


# --- the revision ---


def test_the_revision_is_that_of_what_is_typed_and_where(engine: WindowsEngine) -> None:
    with live(engine, destinations=THREE) as bench:
        seen = set()

        def revision() -> str:
            bench.workbook.note_change()
            seen.add(token := bench.workbook.revision())
            return token

        first = revision()
        bench.show(view(Destinations=[("a", "::1", 2.5, SERIAL, "Down", 9.0, "x")]))
        bench.user.add_column(bench.book.table("Destinations"), "Mine", ["own"] * 3)
        assert revision() == first
        bench.user.type(bench.book.sheet("Destinations"), "B3", "::9")
        revision()
        bench.user.sort(bench.book.table("Destinations"), "Host", descending=True)
        revision()
        bench.user.insert_rows(bench.book.sheet("Destinations"), 1)
        revision()
        bench.user.delete_table(bench.book.table("Destinations"))
        revision()
        assert len(seen) == 5


def test_without_a_word_tables_are_read_again_after_two_seconds_and_with_one_at_once(
    engine: WindowsEngine,
) -> None:
    with live(engine, destinations=THREE) as bench:
        first = bench.workbook.revision()
        bench.user.type(bench.book.sheet("Destinations"), "B3", "::9")
        bench.excel.calls.clear()
        bench.clock.now += 0.9
        assert bench.workbook.revision() == first
        assert not len(bench.excel.calls)
        bench.clock.now += 1
        assert bench.workbook.revision() == first
        assert "Range.Value2" not in bench.excel.calls.names
        bench.clock.now += 1
        second = bench.workbook.revision()
        assert second != first
        bench.user.type(bench.book.sheet("Destinations"), "B3", "::10")
        assert bench.workbook.revision() == second
        bench.workbook.note_change()
        assert bench.workbook.revision() not in (first, second)


def test_slow_readings_are_made_seldom(engine: WindowsEngine) -> None:
    with live(engine, destinations=THREE) as bench:
        read = bench.workbook._reader.digest

        def slow(sheets: object) -> str:
            bench.clock.now += 0.5
            return read(sheets)  # type: ignore[arg-type]  # what the adapter gives

        bench.workbook._reader.digest = slow  # type: ignore[method-assign]  # so that it takes time
        bench.workbook.revision()
        bench.user.type(bench.book.sheet("Destinations"), "B3", "::9")
        bench.excel.calls.clear()
        for _ in range(48):
            bench.clock.now += 1
            bench.workbook.revision()
        assert "Range.Value2" not in bench.excel.calls.names
        bench.clock.now += 2
        bench.workbook.revision()
        assert "Range.Value2" in bench.excel.calls.names


def test_the_revision_stays_while_excel_is_busy_and_a_change_is_not_forgotten(engine: WindowsEngine) -> None:
    with live(engine, destinations=THREE) as bench:
        bench.user.open_dialog()
        with pytest.raises(WorkbookBusy):
            bench.workbook.revision()
        bench.user.finish()
        first = bench.workbook.revision()
        bench.user.type(bench.book.sheet("Destinations"), "B3", "::9")
        bench.user.open_dialog()
        bench.workbook.note_change()
        pauses = len(bench.clock.taken)
        assert bench.workbook.revision() == first
        assert len(bench.clock.taken) == pauses  # nobody waits for it
        bench.user.finish()
        bench.excel.faults.when(lambda call: call.name == "ListObject.ShowTotals", REJECTED)
        assert bench.workbook.revision() == first
        bench.excel.faults.clear()
        assert bench.workbook.revision() != first


def test_inputs_that_are_no_table_of_the_workbook_do_not_matter(engine: WindowsEngine) -> None:
    with live(engine, destinations=THREE, inputs=()) as bench:
        assert bench.workbook.revision() == bench.workbook.revision()
        assert len(table(bench).rows) == 3
