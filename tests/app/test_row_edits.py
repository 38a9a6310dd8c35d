"""Blocks made rows, and rows taken over."""

from netstats_xl.app.row_edits import expand_blocks, merge_rows
from netstats_xl.domain.tables import CellValue, RowEdits
from netstats_xl.sheets import DESTINATIONS, destination_cells, read_definitions
from tests.sheets.tables import destinations, read, table


def test_a_block_becomes_a_row_for_each_address_with_what_its_row_says() -> None:
    lan: dict[str, CellValue] = {
        "Name": "lan",
        "Host": "10.0.0.0/30",
        "Group": "Offices",
        "Status": "Up",
        "ID": "0123456789ab",
    }
    found = expand_blocks(destinations(lan, {"Name": "web", "Host": "192.0.2.1"}))
    assert found.errors == ()
    assert (found.blocks, found.skipped) == (1, 0)
    assert found.edits.replace == {5: {"Name": "lan 10.0.0.1", "Host": "10.0.0.1"}}
    (new,) = found.edits.append
    assert {key: value for key, value in new.items() if value is not None} == {
        "Name": "lan 10.0.0.2",
        "Host": "10.0.0.2",
        "Group": "Offices",
    }
    assert "ID" not in new
    assert "Status" not in new


def test_the_rows_that_come_of_it_are_valid() -> None:
    block: dict[str, CellValue] = {
        "Name": "lan",
        "Host": "10.0.0.1-5",
        "Tags": "a, b",
        "Loss warning (%)": "3%",
    }
    edits = expand_blocks(destinations(block)).edits
    reading = read(destinations({**block, **edits.replace[5]}, *edits.append))
    assert reading.errors == ()
    assert [each.host for each in reading.destinations] == [f"10.0.0.{last}" for last in range(1, 6)]
    assert {each.tags for each in reading.destinations} == {("a", "b")}


def test_the_users_own_columns_and_spellings_are_kept() -> None:
    odd = table(DESTINATIONS, ("NAME", "Rack", " host"), {"NAME": "lan", "Rack": 7, " host": "::1-::2"})
    edits = expand_blocks(odd).edits
    assert edits.replace == {5: {"NAME": "lan ::1", " host": "::1"}}
    assert edits.append == ({"NAME": "lan ::2", "Rack": 7, " host": "::2"},)


def test_addresses_that_have_a_row_get_no_second_one() -> None:
    found = expand_blocks(
        destinations({"Name": "lan", "Host": "10.0.0.1-3"}, {"Name": "x", "Host": "10.0.0.1"})
    )
    assert found.skipped == 1
    assert found.edits.replace[5]["Host"] == "10.0.0.2"
    assert [row["Host"] for row in found.edits.append] == ["10.0.0.3"]
    nothing = expand_blocks(
        destinations({"Name": "lan", "Host": "10.0.0.1-1"}, {"Name": "x", "Host": "10.0.0.1"})
    )
    assert nothing.edits.empty
    assert (nothing.blocks, nothing.skipped) == (1, 1)


def test_names_stay_unique_and_a_block_without_a_name_is_named_after_its_addresses() -> None:
    found = expand_blocks(
        destinations(
            {"Name": None, "Host": "10.0.0.1-2"},
            {"Name": "10.0.0.1", "Host": "a"},
            {"Name": "b", "Host": "c"},
        )
    )
    assert found.edits.replace[5]["Name"] == "10.0.0.1 (2)"
    assert found.edits.append[0]["Name"] == "10.0.0.2"


def test_a_block_that_cannot_be_expanded_is_told_and_left() -> None:
    found = expand_blocks(destinations({"Name": "big", "Host": "10.0.0.0/8"}, {"Name": "n", "Host": 10.5}))
    assert found.edits.empty
    assert [(error.sheet, error.cell, error.value) for error in found.errors] == [
        (DESTINATIONS, "B5", "10.0.0.0/8")
    ]
    assert "16,777,216" in found.errors[0].message


def test_merging_updates_rows_by_id_then_by_name_and_appends_the_rest() -> None:
    present = destinations(
        {"Name": "a", "Host": "h1", "ID": "000000000001", "Notes": "kept"},
        {"Name": "B", "Host": "h2"},
        {"Name": "c", "Host": "h3"},
    )
    edits = merge_rows(
        present,
        [
            {"Name": "renamed", "Host": "h1", "ID": "000000000001"},
            {"Name": "b", "Host": "new", "ID": None},
            {"Name": "c", "Host": "h3", "Group": None, "ID": None},
            {"Name": "d", "Host": "h4"},
        ],
    )
    assert edits.replace == {5: {"Name": "renamed"}, 6: {"Name": "b", "Host": "new"}}
    assert edits.append == ({"Name": "d", "Host": "h4"},)


def test_merging_what_is_there_changes_nothing() -> None:
    reading = read(destinations({"Name": "a", "Host": "::1", "Enabled": "yes", "Tags": "x, y"}))
    edits = merge_rows(
        destinations({"Name": "a", "Host": "::1", "Enabled": "yes", "Tags": "x, y"}),
        map(destination_cells, reading.destinations),
    )
    assert edits == RowEdits()
    assert edits.empty


def test_what_was_merged_reads_back_as_it_was_given() -> None:
    wanted = read(destinations({"Name": "a", "Host": "::1"}, {"Name": "b", "Host": "::2"})).destinations
    present: dict[str, CellValue] = {"Name": "A", "Host": "old", "Enabled": "no"}
    edits = merge_rows(destinations(present), map(destination_cells, wanted))
    merged = destinations({**present, **edits.replace[5]}, *edits.append)
    assert read_definitions({DESTINATIONS: merged}, default_zone="UTC").destinations == wanted


def test_a_service_is_no_block_and_stays_as_it_is() -> None:
    hosts = ("tcp://10.0.0.1:443", "dns://10.0.0.1?name=a-b.example", "https://10.0.0.1/a-b/28")
    found = expand_blocks(destinations(*({"Name": host, "Host": host} for host in hosts)))
    assert (found.blocks, found.errors, found.edits.empty) == (0, (), True)
