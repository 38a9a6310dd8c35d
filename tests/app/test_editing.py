"""Rows that are written for others than the user at his sheet."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from netstats_xl.app.editing import Editing
from netstats_xl.app.loading import Loading
from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.errors import ConfigurationError, NotFound, SheetInvalid, WorkbookBusy, WorkbookClosed
from netstats_xl.sheets import DESTINATION_COLUMNS, DESTINATIONS, JOB_COLUMNS, JOBS, SETTINGS
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_workbook import MemoryWorkbook, raw_table

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HEADERS = {
    DESTINATIONS: tuple(each.header for each in DESTINATION_COLUMNS),
    JOBS: tuple(each.header for each in JOB_COLUMNS),
}


def table(name: str, *rows: Mapping[str, CellValue]) -> RawTable:
    headers = HEADERS[name]
    return raw_table(name, headers, *(tuple(row.get(header) for header in headers) for row in rows))


class Bench:
    """A workbook with two destinations and a job, and what is needed to edit it."""

    def __init__(self, kind: type[MemoryWorkbook] = MemoryWorkbook) -> None:
        self.book = kind(
            table(
                DESTINATIONS,
                {"Name": "a", "Host": "a.example", "Notes": "first", "ID": "0000000000aa"},
                {"Name": "b", "Host": "b.example", "Group": "LAN"},
            ),
            table(JOBS, {"Name": "All", "Destinations": "*", "Interval": "10s", "ID": "0000000000cc"}),
            raw_table(SETTINGS, ("Setting", "Value")),
        )
        self.store = MemoryStore()
        numbers = count(1)
        loading = Loading(
            self.book, self.store, FakeClock(NOW), lambda: f"{next(numbers):012x}", default_zone="UTC"
        )
        self.editing = Editing(self.book, loading, default_zone="UTC")
        self.b_id = loading.load().row_ids[DESTINATIONS, 3]

    def row(self, number: int, name: str = DESTINATIONS) -> dict[str, CellValue]:
        """The cells of a row that are not blank."""
        rows = {row.number: row for row in self.book.tables[name].rows}
        return {header: value for header, value in rows[number].cells.items() if value is not None}

    def names(self) -> list[CellValue]:
        return [row.cells["Name"] for row in self.book.tables[DESTINATIONS].rows]

    def problems(
        self, cells: Mapping[str, CellValue], id_: str | None = None, name: str = DESTINATIONS
    ) -> dict[str, str]:
        """The message of each bad cell; nothing may have been written."""
        before = self.book.tables[name]
        with pytest.raises(SheetInvalid) as caught:
            self.editing.write(name, cells, id_)
        assert self.book.tables[name] is before
        assert caught.value.message.startswith("Nothing was written. ")
        assert {error.sheet for error in caught.value.cell_errors} == {name}
        return {error.cell: error.message for error in caught.value.cell_errors}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_new_row_is_written_below_the_last_and_in_force_at_once(bench: Bench) -> None:
    cells: dict[str, CellValue] = {
        "name": "c",
        "host": "::1",
        "enabled": False,
        "rtt_warning_ms": 20,
        "tags": "",
        "notes": None,
    }
    edited = bench.editing.write(DESTINATIONS, cells)
    assert bench.row(4) == {"Name": "c", "Host": "::1", "Enabled": "no", "RTT warning (ms)": 20}
    found = edited.loaded.definitions.destination(edited.id)
    assert found is not None
    assert (found.name, found.enabled, found.thresholds.rtt_warning_ms) == ("c", False, 20)
    assert bench.store.definitions().active == edited.loaded.definitions
    assert bench.book.ids[DESTINATIONS, 4] == edited.id


def test_a_new_row_of_the_name_of_a_retired_destination_takes_up_its_history(bench: Bench) -> None:
    bench.editing.remove(DESTINATIONS, bench.b_id)
    assert bench.editing.write(DESTINATIONS, {"name": "B", "host": "other.example"}).id == bench.b_id


def test_only_the_given_cells_of_a_row_change(bench: Bench) -> None:
    edited = bench.editing.write(DESTINATIONS, {"host": "192.0.2.1", "notes": ""}, "0000000000aa")
    assert edited.id == "0000000000aa"
    assert bench.row(2) == {"Name": "a", "Host": "192.0.2.1", "ID": "0000000000aa"}
    found = edited.loaded.definitions.destination(edited.id)
    assert found is not None
    assert (found.host, found.notes) == ("192.0.2.1", "")


def test_a_row_that_shows_no_id_keeps_its_own_when_name_and_host_both_change(bench: Bench) -> None:
    edited = bench.editing.write(DESTINATIONS, {"name": "new", "host": "new.example"}, bench.b_id)
    assert edited.id == bench.b_id
    assert bench.row(3) == {"Name": "new", "Host": "new.example", "Group": "LAN", "ID": bench.b_id}


def test_what_a_row_says_already_is_not_written_again(bench: Bench) -> None:
    before = bench.book.tables[DESTINATIONS]
    edited = bench.editing.write(DESTINATIONS, {"name": "a", "notes": "first", "tags": None}, "0000000000aa")
    assert edited.id == "0000000000aa"
    assert bench.book.tables[DESTINATIONS] is before


def test_a_new_row_is_judged_as_the_sheet_would_with_the_address_that_it_would_have(bench: Bench) -> None:
    assert bench.problems({"name": "A", "host": "not a host", "rtt_warning_ms": "soon"}) == {
        "A4": "A2 has this name already, and names differ by more than case: choose another one",
        "B4": bench.problems({"name": "c", "host": "not a host"})["B4"],
        "F4": "this is no number: write for example 10 or 10 ms",
    }
    assert set(bench.problems({"name": "c"})) == {"B4"}


def test_a_row_with_nothing_in_it_is_no_row(bench: Bench) -> None:
    wanted = {"A4": "this must not be blank", "B4": "this must not be blank"}
    assert bench.problems({}) == wanted
    assert bench.problems({"name": " ", "tags": None}) == wanted
    blank: dict[str, CellValue] = {"name": None, "host": None, "notes": None}
    assert set(bench.problems(blank, "0000000000aa")) == {"A2", "B2"}


def test_a_changed_row_is_told_of_its_own_errors_whoever_stands_above_or_below(bench: Bench) -> None:
    assert set(bench.problems({"name": "b"}, "0000000000aa")) == {"A2"}
    assert set(bench.problems({"name": "a"}, bench.b_id)) == {"A3"}


def test_errors_of_other_rows_keep_no_row_from_being_written(bench: Bench) -> None:
    bad = table(DESTINATIONS, {"Name": "a", "Host": "no host"}, {"Name": "b", "Host": "b.example"})
    bench.book.set(bad)
    edited = bench.editing.write(DESTINATIONS, {"host": "c.example"}, bench.b_id)
    assert [error.cell for error in edited.loaded.cell_errors] == ["B2"]


def test_a_job_may_name_rows_that_are_bad_but_none_that_are_not_there(bench: Bench) -> None:
    bench.book.set(table(DESTINATIONS, {"Name": "a", "Host": "no host"}, {"Name": "b", "Host": "b.example"}))
    cells: dict[str, CellValue] = {"name": "New", "destinations": "a", "interval": "1m"}
    edited = bench.editing.write(JOBS, cells)
    assert edited.loaded.definitions.job(edited.id) is not None
    cells = {"name": "Next", "destinations": "c", "interval": "1m"}
    assert set(bench.problems(cells, name=JOBS)) == {"B4"}


def test_a_jobs_times_are_written_as_times(bench: Bench) -> None:
    cells: dict[str, CellValue] = {
        "start": "2026-11-23T08:00",
        "end": "2026-12-01T08:00:00+01:00",
        "enabled": True,
    }
    edited = bench.editing.write(JOBS, cells, "0000000000cc")
    row = bench.row(2, JOBS)
    assert row["Start"] == datetime(2026, 11, 23, 8)  # noqa: DTZ001 - a workbook knows no time zone
    assert row["End"] == "2026-12-01T08:00:00+01:00"
    job = edited.loaded.definitions.job("0000000000cc")
    assert job is not None
    assert job.schedule.end_at == datetime(2026, 12, 1, 7, tzinfo=UTC)
    assert set(bench.problems({"start": "tomorrow"}, "0000000000cc", JOBS)) == {"C2"}


def test_columns_that_nobody_types_or_that_are_not_there_are_named_by_their_keys(bench: Bench) -> None:
    found = bench.problems({"name": "c", "hosts": "x", "status": "Up", "id": "1"})
    assert set(found) == {"hosts", "status", "id"}
    assert found["hosts"].startswith(
        "there is no such column (did you mean 'host'?): write some of name, host,"
    )
    assert found["id"].startswith("nobody types it: ")


def test_a_column_that_the_users_table_lacks_is_told_unless_nothing_is_to_stand_there(bench: Bench) -> None:
    bench.book.set(raw_table(DESTINATIONS, ("host", "NAME"), ("a.example", "a")))
    assert bench.problems({"name": "c", "host": "c.example", "notes": "x"}) == {
        "notes": "the table Destinations has no column 'Notes': add it to the sheet"
    }
    edited = bench.editing.write(DESTINATIONS, {"name": "c", "host": "c.example", "notes": None})
    assert bench.row(3) == {"NAME": "c", "host": "c.example"}
    again = bench.editing.write(DESTINATIONS, {"host": "d.example"}, edited.id)
    assert again.id == edited.id


def test_a_row_that_is_removed_is_retired(bench: Bench) -> None:
    loaded = bench.editing.remove(DESTINATIONS, bench.b_id)
    assert bench.names() == ["a"]
    assert [each.name for each in loaded.definitions.destinations] == ["a"]
    assert [each.name for each in bench.store.definitions().retired.destinations] == ["b"]
    assert bench.editing.remove(JOBS, "0000000000cc").definitions.jobs == ()


def test_an_id_that_no_row_has_is_not_found(bench: Bench) -> None:
    for table_name in (DESTINATIONS, JOBS):
        with pytest.raises(NotFound, match=rf"The table {table_name} has no row with the ID 'gone'"):
            bench.editing.write(table_name, {"name": "x"}, "gone")
        with pytest.raises(NotFound):
            bench.editing.remove(table_name, "gone")


def test_a_table_that_is_missing_or_lacks_a_column_is_told(bench: Bench) -> None:
    bench.book.set(raw_table(DESTINATIONS, ("Name",), ("a",)))
    with pytest.raises(SheetInvalid, match="The table Destinations of the workbook cannot be read") as caught:
        bench.editing.write(DESTINATIONS, {"name": "c", "host": "::1"})
    assert [error.cell for error in caught.value.cell_errors] == ["A1"]
    del bench.book.tables[JOBS]
    with pytest.raises(SheetInvalid) as caught:
        bench.editing.write(JOBS, {"name": "c"})
    assert "has no table named Jobs" in caught.value.cell_errors[0].message


def test_while_removals_wait_for_a_confirmation_no_edit_seems_to_be_in_force(bench: Bench) -> None:
    rows = [{"Name": f"d{number}", "Host": f"d{number}.example"} for number in range(12)]
    bench.book.set(table(DESTINATIONS, *rows))
    last = bench.editing.write(DESTINATIONS, {"notes": "x"}, _id_of(bench, "d11")).id
    bench.book.set(table(DESTINATIONS, rows[11]))
    with pytest.raises(
        ConfigurationError, match=r"was written, which is not in force yet.*--confirm-removals"
    ):
        bench.editing.write(DESTINATIONS, {"name": "new", "host": "new.example"})
    with pytest.raises(ConfigurationError, match="was removed, which is not in force yet"):
        bench.editing.remove(DESTINATIONS, last)


def _id_of(bench: Bench, name: str) -> str:
    _, loaded = bench.editing.expand()
    return next(each.id for each in loaded.definitions.destinations if each.name == name)


def test_blocks_are_expanded_in_all_rows_or_in_those_that_are_named(bench: Bench) -> None:
    rows: list[dict[str, CellValue]] = [
        {"Name": "a", "Host": "a.example", "ID": "0000000000aa"},
        {"Name": "lan", "Host": "10.0.0.1-2"},
        {"Name": "wan", "Host": "10.0.1.1-2"},
    ]
    bench.book.set(table(DESTINATIONS, *rows))
    found, loaded = bench.editing.expand(["LAN ", "0000000000aa"])
    assert (found.blocks, len(found.edits.append)) == (1, 1)
    assert [each.name for each in loaded.definitions.destinations] == ["a", "lan 10.0.0.1", "lan 10.0.0.2"]
    found, loaded = bench.editing.expand()
    assert len(loaded.definitions.destinations) == 5
    found, _ = bench.editing.expand()
    assert found.edits.empty
    with pytest.raises(NotFound):
        bench.editing.expand(["nobody"])


def test_blocks_that_cannot_be_expanded_are_told_where_nothing_else_is_done(bench: Bench) -> None:
    bench.book.set(table(DESTINATIONS, {"Name": "big", "Host": "10.0.0.0/8"}))
    with pytest.raises(SheetInvalid) as caught:
        bench.editing.expand()
    assert [error.cell for error in caught.value.cell_errors] == ["B2"]
    bench.book.set(
        table(DESTINATIONS, {"Name": "big", "Host": "10.0.0.0/8"}, {"Name": "lan", "Host": "10.0.0.1-2"})
    )
    found, _ = bench.editing.expand()
    assert (len(found.errors), len(found.edits.replace)) == (1, 1)


def test_a_workbook_that_cannot_be_reached_changes_nothing(bench: Bench) -> None:
    for error in (WorkbookClosed("closed"), WorkbookBusy("busy")):
        bench.book.error = error
        before = bench.store.definitions()
        for call in (
            lambda: bench.editing.write(DESTINATIONS, {"name": "c", "host": "::1"}),
            lambda: bench.editing.remove(DESTINATIONS, bench.b_id),
            lambda: bench.editing.expand(),
        ):
            with pytest.raises(type(error)):
                call()
        assert bench.store.definitions() == before


def test_the_first_row_of_an_empty_table_is_right_below_its_header(bench: Bench) -> None:
    bench.book.set(table(DESTINATIONS))
    assert set(bench.problems({"name": "c", "host": "no host"})) == {"B2"}
    bench.editing.write(DESTINATIONS, {"name": "c", "host": "::1"})
    assert bench.book.tables[DESTINATIONS].rows == [
        RawRow(number=2, cells=dict.fromkeys(HEADERS[DESTINATIONS]) | {"Name": "c", "Host": "::1"})
    ]


class _KeepsNoControlCharacters(MemoryWorkbook):
    """What XML, and so a sheet, cannot hold stands in it as another character."""

    def read(self, tables: Collection[str]) -> Mapping[str, RawTable]:
        found = super().read(tables)
        return {
            name: replace(each, rows=[replace(row, cells=_readable(row.cells)) for row in each.rows])
            for name, each in found.items()
        }


def _readable(cells: Mapping[str, CellValue]) -> Mapping[str, CellValue]:
    return {
        header: value.replace("\1", "\ufffd") if isinstance(value, str) else value
        for header, value in cells.items()
    }


def test_a_row_is_found_whose_name_the_sheet_shows_otherwise_than_it_was_sent() -> None:
    bench = Bench(_KeepsNoControlCharacters)
    edited = bench.editing.write(DESTINATIONS, {"name": "c\1d", "host": "::1"})
    found = edited.loaded.definitions.destination(edited.id)
    assert found is not None
    assert (found.name, found.host) == ("c\ufffdd", "::1")
    again = bench.editing.write(DESTINATIONS, {"name": "e\1"}, edited.id)
    changed = again.loaded.definitions.destination(edited.id)
    assert again.id == edited.id
    assert changed is not None
    assert changed.name == "e\ufffd"
