"""What every `ports.Workbook` does. A subclass gives the bench by the fixture `bench`."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from netstats_xl.domain.tables import CellValue, RowEdits
from netstats_xl.domain.views import (
    Anchor,
    Column,
    Kind,
    SheetSpec,
    TableSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.ports import Workbook

HEADERS = ("Name", "Host", "ID")
VIEW = WorkbookView(
    spec=WorkbookSpec(
        title="Report",
        sheets=(
            SheetSpec(
                name="Shown",
                blocks=(
                    TableSpec(
                        name="Shown",
                        anchor=Anchor(row=0, column=0),
                        columns=(Column(header="Name"), Column(header="RTT (ms)", kind=Kind.NUMBER)),
                    ),
                ),
            ),
        ),
    ),
    rows={"Shown": [("=a", 1.5)]},
)


THREE: list[tuple[CellValue, ...]] = [
    ("a", "127.0.0.1", "00000000000a"),
    ("b", "127.0.0.2", "00000000000b"),
    ("c", "127.0.0.3", "00000000000c"),
]


@dataclass(frozen=True)
class Bench:
    """A workbook that holds the table `Destinations`, and ways to play its user and its reader."""

    workbook: Workbook
    type_rows: Callable[[list[tuple[CellValue, ...]]], None]
    """The user makes these the rows of the table, with `HEADERS`, and saves."""
    shown: Callable[[], list[tuple[object, ...]]]
    """The rows of the table `Shown` where the view was published."""

    def numbers(self) -> list[int]:
        """Reads the table; the numbers of its rows."""
        return [row.number for row in self.workbook.read(["Destinations"])["Destinations"].rows]

    def rows(self) -> list[tuple[CellValue, ...]]:
        """Reads the table; its rows."""
        rows = self.workbook.read(["Destinations"])["Destinations"].rows
        return [tuple(row.cells.get(header) for header in HEADERS) for row in rows]


class WorkbookContract:
    """Runs over the fake and over every adapter."""

    def test_a_table_is_read_with_its_headers_cells_and_addresses(self, bench: Bench) -> None:
        bench.type_rows([("a", "127.0.0.1", None), (None, "::1", "0123456789ab")])
        table = bench.workbook.read(["Destinations"])["Destinations"]
        assert (table.name, table.sheet, tuple(table.headers)) == ("Destinations", "Destinations", HEADERS)
        cells = [tuple(row.cells.get(header) for header in HEADERS) for row in table.rows]
        assert cells == [("a", "127.0.0.1", None), (None, "::1", "0123456789ab")]
        first = table.rows[0].number
        assert [row.number for row in table.rows] == [first, first + 1]
        assert table.address(first, "Host") == f"B{first}"

    def test_names_are_compared_without_case_and_absent_tables_are_left_out(self, bench: Bench) -> None:
        bench.type_rows([("a", "127.0.0.1", None)])
        assert list(bench.workbook.read(["DESTINATIONS", "Nothing"])) == ["DESTINATIONS"]

    def test_the_revision_changes_with_what_the_user_saves_and_not_by_reading(self, bench: Bench) -> None:
        bench.type_rows([("a", "127.0.0.1", None)])
        first = bench.workbook.revision()
        bench.workbook.read(["Destinations"])
        assert bench.workbook.revision() == first
        bench.type_rows([("a", "127.0.0.1", None), ("b", "127.0.0.2", None)])
        assert bench.workbook.revision() != first

    def test_a_view_is_shown_and_its_place_is_told_and_the_input_stays(self, bench: Bench) -> None:
        bench.type_rows([("a", "127.0.0.1", None)])
        before = bench.workbook.revision()
        assert bench.workbook.publish(VIEW)
        assert bench.shown() == [("=a", 1.5)]
        assert bench.workbook.revision() == before

    def test_ids_are_taken_without_disturbing_what_the_user_typed(self, bench: Bench) -> None:
        bench.type_rows([("a", "127.0.0.1", None)])
        (row,) = bench.workbook.read(["Destinations"])["Destinations"].rows
        bench.workbook.write_ids("Destinations", {row.number: "0123456789ab"})
        (after,) = bench.workbook.read(["Destinations"])["Destinations"].rows
        assert (after.cells["Name"], after.cells["Host"]) == ("a", "127.0.0.1")

    def test_new_rows_stand_below_the_last_one(self, bench: Bench) -> None:
        bench.type_rows(THREE[:1])
        bench.numbers()
        bench.workbook.edit(
            "Destinations",
            RowEdits(append=({"Name": "b", "Host": "127.0.0.2", "ID": "00000000000b"}, {"Name": "c"})),
        )
        assert bench.rows() == [*THREE[:2], ("c", None, None)]

    def test_of_a_row_that_exists_only_the_named_cells_change(self, bench: Bench) -> None:
        bench.type_rows(THREE)
        second = bench.numbers()[1]
        bench.workbook.edit("DESTINATIONS", RowEdits(replace={second: {"host": "::1", "ID": None}}))
        assert bench.rows() == [THREE[0], ("b", "::1", None), THREE[2]]

    def test_a_removed_row_is_gone_and_the_others_stay_in_order(self, bench: Bench) -> None:
        bench.type_rows(THREE)
        first, second, _ = bench.numbers()
        bench.workbook.edit("Destinations", RowEdits(remove=(second, first)))
        assert bench.rows() == THREE[2:]

    def test_rows_are_removed_changed_and_added_at_once_by_the_numbers_of_the_reading(
        self, bench: Bench
    ) -> None:
        bench.type_rows(THREE)
        first, _, third = bench.numbers()
        bench.workbook.edit(
            "Destinations",
            RowEdits(remove=(first,), replace={third: {"Name": "C"}}, append=({"Name": "d"},)),
        )
        assert bench.rows() == [THREE[1], ("C", *THREE[2][1:]), ("d", None, None)]

    def test_text_stays_text_whatever_it_looks_like(self, bench: Bench) -> None:
        bench.type_rows(THREE[:1])
        (only,) = bench.numbers()
        texts = ("=1+1", "007", "1/2", "@x", "TRUE")
        edits = RowEdits(
            replace={only: {"Name": "+1"}}, append=tuple({"Name": text, "Host": "h"} for text in texts)
        )
        bench.workbook.edit("Destinations", edits)
        assert [row[0] for row in bench.rows()] == ["+1", *texts]

    def test_rows_that_moved_since_they_were_read_are_not_mistaken_for_others(self, bench: Bench) -> None:
        bench.type_rows(THREE)
        second = bench.numbers()[1]
        moved: list[tuple[CellValue, ...]] = [("new", "127.0.0.9", None), *THREE]
        bench.type_rows(moved)
        edits = RowEdits(replace={second: {"Host": "::1"}})
        try:
            bench.workbook.edit("Destinations", edits)
        except WorkbookBusy:
            assert bench.rows() == moved
        else:
            assert bench.rows() == [*moved[:2], ("b", "::1", THREE[1][2]), moved[3]]

    def test_an_edit_of_an_unknown_table_or_column_writes_nothing(self, bench: Bench) -> None:
        bench.type_rows(THREE)
        for table, edits in (
            ("Nothing", RowEdits(append=({"Name": "d"},))),
            ("Destinations", RowEdits(append=({"Name": "d"}, {"Name": "e", "Rack": 7}))),
        ):
            bench.numbers()
            with pytest.raises(WorkbookError) as caught:
                bench.workbook.edit(table, edits)
            assert not caught.value.retryable
        assert bench.rows() == THREE

    def test_an_empty_edit_changes_nothing(self, bench: Bench) -> None:
        bench.type_rows(THREE)
        bench.numbers()
        before = bench.workbook.revision()
        bench.workbook.edit("Destinations", RowEdits())
        assert (bench.rows(), bench.workbook.revision()) == (THREE, before)

    def test_closing_leaves_the_workbook_as_it_is_and_closing_twice_does_nothing(self, bench: Bench) -> None:
        bench.type_rows(THREE)
        assert bench.rows() == THREE
        bench.workbook.close()
        bench.workbook.close()
