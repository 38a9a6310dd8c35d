"""A workbook in LibreOffice, its user, and what is shown to him: little is written, and nothing of his is lost."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from netstats_xl.domain.tables import CellValue, ErrorValue, RowEdits
from netstats_xl.domain.views import WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookError
from tests.workbooks.excel.live import GUID, view
from tests.workbooks.libreoffice.live import Live, live
from tests.workbooks.libreoffice.office import Office
from tests.workbooks.libreoffice.written import live_book

pytestmark = pytest.mark.libreoffice

RUNS: list[tuple[CellValue, ...]] = [(None, "j", 1.0), (None, "k", 2.0), (None, "l", 3.0)]
TEXT = "@"


@pytest.fixture
def bench(running: Office, tmp_path: Path) -> Iterator[Live]:
    with live(running, live_book(tmp_path / "Book.xlsx")) as found:
        yield found


def status(*rows: tuple[CellValue, ...]) -> WorkbookView:
    """The rows of Destinations, of which a user typed the name and the host."""
    return view(Destinations=[(name, host, None, None, shown, 1.5, None) for name, host, shown in rows])


# --- little is written ---


def test_only_what_changed_is_written(bench: Live) -> None:
    bench.show(view({"NetStats_state": "on"}, Runs=RUNS))
    asked: list[tuple[str, dict[str, Any]]] = []
    bench.before_asking(lambda what, question: asked.append((what, question)))
    bench.show(view({"NetStats_state": "on"}, Runs=RUNS))
    assert "write" not in [what for what, _ in asked]
    bench.show(view(Runs=[RUNS[0], (None, "k", 9.0), RUNS[2]]))
    (written,) = [question["blocks"] for what, question in asked if what == "write"]
    assert written == [[4, 3, [[9.0]]]]
    assert bench.values("Runs", "C4:D6") == [["j", 1.0], ["k", 9.0], ["l", 3.0]]


def test_a_write_adds_nothing_to_undo_and_what_the_user_did_can_be_undone(bench: Live) -> None:
    bench.type("Mine", "B2", ["his"])
    before = bench.user("undoable")
    assert before
    bench.show(view({"NetStats_state": "on"}, Runs=RUNS))
    bench.show(view({"NetStats_state": "off"}, Runs=RUNS[:1]))
    assert bench.user("undoable") == before
    bench.user("undo")
    assert bench.values("Mine", "B2") == [[None]]
    assert bench.values("Runs", "C4:D5") == [["j", 1.0], [None, None]]


def test_neither_the_selection_nor_the_sheet_that_is_shown_moves(bench: Live) -> None:
    bench.user("select", sheet="Mine", area="B2:C4")
    bench.show(view({"NetStats_state": "on"}, Runs=RUNS, Ranked=[("a", 1.0)]))
    assert (bench.user("active"), bench.user("selected")) == ("Mine", "$Mine.$B$2:$C$4")


def test_a_table_grows_and_shrinks(bench: Live) -> None:
    for rows in (RUNS, RUNS[:1], [], RUNS[:2]):
        bench.show(view(Runs=rows))
        shown = [[None, job, rtt] for _, job, rtt in rows]
        assert bench.values("Runs", "B4:D7") == shown + [[None] * 3] * (4 - len(rows))
        assert len(bench.read("Runs").rows) == len(rows)
        top, _, bottom, _ = bench.office.user.ask("tables")["Runs"][1:]
        assert bottom - top == max(1, len(rows))


# --- the user's own order, columns and places ---


def test_rows_keep_the_order_that_the_user_gave_them(bench: Live) -> None:
    bench.show(view(Ranked=[("a", 1.0), ("b", 2.0), ("c", 3.0)]))
    bench.user("sort", table="Ranked", column=1, descending=True)
    assert [row[0] for row in bench.values("Ranked", "A4:A6")] == ["c", "b", "a"]
    bench.show(view(Ranked=[("a", 10.0), ("c", 30.0), ("d", 40.0)]))
    assert bench.values("Ranked", "A4:B6") == [["c", 30.0], ["a", 10.0], ["d", 40.0]]


def test_statuses_follow_the_rows_that_the_user_sorts(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"], ["b", "h2"])
    bench.user("resize", table="Destinations", rows=2)
    bench.show(status(("a", "h1", "Up"), ("b", "h2", "Down")))
    bench.user("sort", table="Destinations", column=0, descending=True)
    bench.show(status(("a", "h1", "Slow"), ("b", "h2", "Down")))
    shown = [[row[0], row[4]] for row in bench.values("Destinations", "A2:E3")]
    assert shown == [["b", "Down"], ["a", "Slow"]]


def test_columns_of_the_users_and_columns_that_he_moved_are_left_alone(bench: Live) -> None:
    bench.user("insert_cells", sheet="Runs", area="C1:C9", right=True)
    bench.type("Runs", "C3", ["Mine"], ["=1+1"])
    bench.user("swap", sheet="Runs", one="D3:D4", other="E3:E4")
    bench.show(view(Runs=RUNS))
    assert bench.values("Runs", "B3:E6") == [
        ["At", "Mine", "RTT (ms)", "Job"],
        [None, 2.0, 1.0, "j"],
        [None, None, 2.0, "k"],
        [None, None, 3.0, "l"],
    ]
    assert bench.user("formulas", sheet="Runs", area="C4:C4") == [["=1+1"]]


def test_a_renamed_sheet_and_a_table_that_moved_down_are_found(bench: Live) -> None:
    bench.show(view(Runs=RUNS[:1]))
    bench.user("sheet", name="Runs", new="My runs")
    bench.user("insert_rows", sheet="My runs", row=0, count=4)
    bench.show(view(Runs=RUNS))
    assert bench.values("My runs", "C8:D10") == [["j", 1.0], ["k", 2.0], ["l", 3.0]]
    assert bench.read("Runs").sheet == "My runs"
    assert bench.problems() == ()


def test_a_table_that_moves_between_the_reading_and_the_writing_is_shown_the_next_time(bench: Live) -> None:
    bench.show(view(Runs=RUNS[:1]))
    moved: list[str] = []

    def move(what: str, _: dict[str, Any]) -> None:
        if what == "write" and not moved:
            moved.append(what)
            bench.user("insert_rows", sheet="Runs", row=0, count=1)

    bench.before_asking(move)
    bench.show(view(Runs=RUNS))
    assert moved
    assert bench.values("Runs", "C4:D7") == [["Job", "RTT (ms)"], ["j", 1.0], ["k", 2.0], ["l", 3.0]]


# --- what cannot be shown ---


def test_a_table_that_was_removed_is_told_of_until_it_is_back(bench: Live) -> None:
    bench.user("untable", name="Runs")
    bench.show(view(Runs=RUNS))
    assert bench.problems() == (
        "The workbook has no table Runs any more: undo its removal, or start again from a new workbook.",
    )
    bench.user("undo")
    bench.show(view(Runs=RUNS))
    assert bench.problems() == ()
    assert bench.values("Runs", "C4:D4") == [["j", 1.0]]


def test_a_name_of_a_cell_that_was_removed_is_told_of_until_it_is_back(bench: Live) -> None:
    bench.user("unname", name="NetStats_state")
    bench.show(view({"NetStats_state": "on"}))
    assert bench.problems() == (
        "The workbook has no cell named NetStats_state any more: undo its removal, "
        "or start again from a new workbook.",
    )
    bench.user("undo")
    bench.show(view({"NetStats_state": "on"}))
    assert bench.problems() == ()
    assert bench.values("Ranked", "A1") == [["on"]]


def test_a_sheet_that_was_removed_is_told_of_until_it_is_back(bench: Live) -> None:
    shown = view({"NetStats_state": "on"}, Destinations=[], Ranked=[("a", 1.0)])
    bench.user("sheet", name="Ranked", new=None)
    bench.show(shown)
    assert [each.split(": ")[0] for each in bench.problems()] == [
        "The workbook has no cell named NetStats_state any more",
        "The workbook has no table Ranked any more",
    ]
    assert bench.values("Mine", "A1") == [["mine"]]
    bench.user("undo")
    bench.show(shown)
    assert bench.problems() == ()
    assert bench.values("Ranked", "A4:B4") == [["a", 1.0]]


def test_cells_below_a_table_are_not_written_over(bench: Live) -> None:
    bench.type("Runs", "C6", ["his note"])
    bench.show(view(Runs=RUNS))
    assert bench.values("Runs", "C4:D6") == [["j", 1.0], ["k", 2.0], ["his note", None]]
    assert bench.problems() == ("The table Runs has no room for 1 of its rows: clear the cells below it.",)
    bench.type("Runs", "C6", [None])
    bench.show(view(Runs=RUNS))
    assert bench.problems() == ()
    assert bench.values("Runs", "C6:D6") == [["l", 3.0]]


def test_a_protected_sheet_is_told_of_in_plain_words(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    for sheet in ("Destinations", "Runs", "Ranked"):
        bench.user("protect", sheet=sheet, on=True)
    bench.show(view({"NetStats_state": "on"}, Runs=RUNS))
    runs, cells = sorted(bench.problems(), key=lambda each: "Ranked" in each)
    assert runs == "The sheet Runs is protected. Remove its protection: Tools, Protect Sheet."
    assert cells == "The sheet Ranked is protected. Remove its protection: Tools, Protect Sheet."
    with pytest.raises(WorkbookError, match="The sheet Destinations is protected") as caught:
        bench.workbook.edit("Destinations", RowEdits(append=({"Name": "b"},)))
    assert not caught.value.retryable
    with pytest.raises(WorkbookError, match="The sheet Destinations is protected"):
        bench.workbook.edit("Destinations", RowEdits(remove=(2,)))
    for sheet in ("Destinations", "Runs", "Ranked"):
        bench.user("protect", sheet=sheet, on=False)
    bench.show(view({"NetStats_state": "on"}, Runs=RUNS))
    assert bench.problems() == ()
    assert bench.values("Ranked", "A1") == [["on"]]


# --- reading ---


def test_text_that_looks_like_something_else_stays_text(bench: Live) -> None:
    texts = ["=1+1", "007", "1/2", "TRUE", "'x", "+1", "=cmd|' /C calc'!A0"]
    bench.show(view({"NetStats_state": "=1+1"}, Runs=[(None, text, None) for text in texts]))
    assert [row[0] for row in bench.values("Runs", "C4:C10")] == texts
    assert bench.values("Ranked", "A1") == [["=1+1"]]
    assert [row.cells["Job"] for row in bench.read("Runs").rows] == texts


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("=1/0", ErrorValue("#DIV/0!")),
        ("=NA()", ErrorValue("#N/A")),
        ("5%", "5%"),
        ("7", 7),
        ("7.5", 7.5),
        ("=TRUE()", True),
        ("2026-11-27", datetime(2026, 11, 27)),  # noqa: DTZ001 - as a workbook holds it
        ("08:30:00", time(8, 30)),
        ("30:00:00", timedelta(hours=30)),
        ("2026-11-27 08:30:00", datetime(2026, 11, 27, 8, 30)),  # noqa: DTZ001 - as a workbook holds it
        ("abc", "abc"),
    ],
)
def test_what_the_user_types_means_what_it_means_in_a_file(bench: Live, typed: str, meant: CellValue) -> None:
    bench.type("Destinations", "A2", ["a", typed])
    (row,) = bench.read().rows
    assert (row.cells["Host"], type(row.cells["Host"])) == (meant, type(meant))


def test_numbers_of_many_formats_in_one_column_are_told_apart(bench: Live) -> None:
    typed = ["5%", 1.5, "08:30:00", None, "text", "2026-11-27", 7, 8, 9]
    bench.type("Destinations", "A2", *[["a", each] for each in typed])
    assert [row.cells["Host"] for row in bench.read().rows] == [
        *("5%", 1.5, time(8, 30), None, "text"),
        *(datetime(2026, 11, 27), 7, 8, 9),  # noqa: DTZ001 - as a workbook holds it
    ]


def test_a_row_below_the_table_belongs_to_it_and_one_further_down_is_apart(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"], ["b", "h2"], [None, None], ["far", "h3"])
    table = bench.read()
    assert [row.cells["Name"] for row in table.rows] == ["a", "b"]
    assert [row.cells["Name"] for row in table.rows_apart] == ["far"]
    bench.workbook.edit("Destinations", RowEdits(append=({"Name": "c"},)))
    table = bench.read()
    assert [row.cells["Name"] for row in table.rows] == ["a", "b", "c"]
    assert [row.cells["Name"] for row in table.rows_apart] == ["far"]


def test_the_revision_follows_what_is_typed_and_not_what_is_shown(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"])
    first = bench.workbook.revision()
    bench.show(status(("a", "h1", "Up")))
    bench.workbook.note_change()
    assert bench.workbook.revision() == first
    bench.type("Destinations", "A2", ["b"])
    assert bench.workbook.revision() != first


# --- his rows, edited for him ---


def test_new_rows_move_what_stands_below_the_table_down(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"], [None], [None], ["below"])
    bench.read()
    new = tuple({"Name": f"n{each}"} for each in range(4))
    bench.workbook.edit("Destinations", RowEdits(append=new))
    assert [row[0] for row in bench.values("Destinations", "A2:A9")] == [
        *("a", "n0", "n1", "n2", "n3"),
        *(None, None, "below"),
    ]


def test_rows_that_are_removed_for_the_user_leave_the_others_in_order(bench: Live) -> None:
    bench.type("Destinations", "A2", *[[name, "h"] for name in "abcd"])
    bench.user("resize", table="Destinations", rows=3)
    bench.read()
    bench.workbook.edit("Destinations", RowEdits(remove=(2, 4, 5)))
    assert [row.cells["Name"] for row in bench.read().rows] == ["b"]
    assert bench.office.user.ask("tables")["Destinations"][1:] == [0, 0, 1, 6]


def test_the_last_row_can_be_removed_and_the_table_stays(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    bench.workbook.edit("Destinations", RowEdits(remove=(2,)))
    assert bench.read().rows == ()
    bench.workbook.edit("Destinations", RowEdits(append=({"Name": "b"},)))
    assert [row.cells["Name"] for row in bench.read().rows] == ["b"]


def test_rows_that_changed_since_they_were_read_are_not_written(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    bench.type("Destinations", "A2", ["b", "h1"])
    with pytest.raises(WorkbookBusy, match="changed or moved just now"):
        bench.workbook.edit("Destinations", RowEdits(replace={2: {"Host": "h2"}}))
    with pytest.raises(WorkbookBusy, match="changed or moved just now"):
        bench.workbook.write_ids("Destinations", {2: "0123456789ab"})
    assert bench.values("Destinations", "A2:B2") == [["b", "h1"]]


def test_ids_are_written_once_and_a_row_that_has_one_keeps_it(bench: Live) -> None:
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    bench.workbook.write_ids("Destinations", {2: "0123456789ab"})
    bench.workbook.write_ids("Destinations", {2: "ba9876543210"})
    bench.workbook.write_ids("Destinations", {})
    assert bench.values("Destinations", "G2") == [["0123456789ab"]]


def test_a_table_that_is_not_there_cannot_be_edited(bench: Live) -> None:
    with pytest.raises(WorkbookError, match="no table named Nothing"):
        bench.workbook.edit("Nothing", RowEdits(append=({"Name": "a"},)))


def test_a_row_of_totals_is_no_row_and_is_never_written(running: Office, tmp_path: Path) -> None:
    book = load_workbook(live_book(tmp_path / "Book.xlsx"))
    for sheet, corner, last in (("Destinations", "A2", "A1:G3"), ("Runs", "C4", "B3:D5")):
        book[sheet][corner], book[sheet][corner].offset(1).value = "a", "Total"
        table = book[sheet].tables[sheet]
        table.ref, table.totalsRowCount = last, 1
    book.save(tmp_path / "Totals.xlsx")
    with live(running, tmp_path / "Totals.xlsx") as bench:
        assert [row.cells["Name"] for row in bench.read().rows] == ["a"]
        bench.workbook.edit("Destinations", RowEdits(append=({"Name": "b"}, {"Name": "c"})))
        assert [row.cells["Name"] for row in bench.read().rows] == ["a", "b", "c"]
        assert bench.values("Destinations", "A5") == [["Total"]]
        bench.workbook.edit("Destinations", RowEdits(remove=(2, 3)))
        assert [row.cells["Name"] for row in bench.read().rows] == ["c"]
        assert bench.values("Destinations", "A2:A4") == [["c"], ["Total"], [None]]
        bench.show(view(Runs=RUNS))
        assert bench.values("Runs", "C4:C6") == [["j"], ["Total"], [None]]
        assert bench.problems() == (
            "The table Runs has no room for 2 of its rows: clear the cells below it.",
        )


# --- holding ---


def test_while_held_nothing_is_shown_and_then_the_newest_is(bench: Live) -> None:
    bench.show(view(Runs=RUNS[:1]))
    bench.workbook.hold(True)
    bench.workbook.publish(view(Runs=RUNS[:2]))
    bench.workbook.publish(view(Runs=RUNS))
    assert not bench.workbook.flush(1)
    with pytest.raises(WorkbookBusy, match="Updates are paused"):
        bench.workbook.write_ids("Destinations", {2: "0123456789ab"})
    assert bench.values("Runs", "C5") == [[None]]
    bench.type("Destinations", "A2", ["a", "h1"])
    bench.read()
    bench.workbook.edit("Destinations", RowEdits(replace={2: {"Host": "he asked for it"}}))
    assert bench.values("Destinations", "B2") == [["he asked for it"]]
    bench.workbook.hold(False)
    assert bench.workbook.flush(10)
    assert bench.values("Runs", "C6") == [["l"]]


def test_its_identity_is_read_and_changed(bench: Live) -> None:
    assert bench.workbook.identity() == GUID
    bench.workbook.set_identity("f" * 32)
    assert bench.workbook.identity() == "f" * 32
    assert bench.user("undoable") == []
