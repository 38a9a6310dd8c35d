"""What every `ports.Workbook` does. A subclass gives the bench by the fixture `bench`."""

from collections.abc import Callable
from dataclasses import dataclass

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    Anchor,
    Column,
    Kind,
    SheetSpec,
    TableSpec,
    WorkbookSpec,
    WorkbookView,
)
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


@dataclass(frozen=True)
class Bench:
    """A workbook that holds the table `Destinations`, and ways to play its user and its reader."""

    workbook: Workbook
    type_rows: Callable[[list[tuple[CellValue, ...]]], None]
    """The user makes these the rows of the table, with `HEADERS`, and saves."""
    shown: Callable[[], list[tuple[object, ...]]]
    """The rows of the table `Shown` where the view was published."""


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
