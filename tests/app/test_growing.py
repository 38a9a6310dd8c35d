from itertools import count

import pytest

from netstats_xl.app.growing import grow_blocks, grow_definitions
from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.domain.targets import Definitions, Destination
from netstats_xl.errors import SheetInvalid

HEADERS = ("Name", "Host", "Group", "Enabled", "Site", "Status", "ID")


def table(*rows: dict[str, CellValue]) -> RawTable:
    letters = dict(zip(HEADERS, "ABCDEFG", strict=True))
    return RawTable(
        name="Destinations",
        sheet="Destinations",
        headers=HEADERS,
        rows=[RawRow(number=number, cells=cells) for number, cells in enumerate(rows, start=2)],
        columns=letters,
    )


def test_a_block_becomes_a_row_an_address_with_what_the_user_typed_for_it() -> None:
    numbers = count(1)
    block: dict[str, CellValue] = {
        "Name": "lab",
        "Host": "192.0.2.0/30",
        "Group": "rack",
        "Site": "Ulm",
        "Status": "Up",
        "ID": "old",
    }
    growth = grow_blocks(table({"Name": "a", "Host": "10.0.0.1"}, block), lambda: f"new{next(numbers)}")
    assert growth.replaced == {3: {"Name": "lab 192.0.2.1", "Host": "192.0.2.1"}}
    (added,) = growth.added
    assert {header: value for header, value in added.items() if value is not None} == {
        "Name": "lab 192.0.2.2",
        "Host": "192.0.2.2",
        "Group": "rack",
        "ID": "new1",
    }


def test_addresses_that_have_rows_already_are_skipped_and_told() -> None:
    growth = grow_blocks(
        table({"Name": "a", "Host": "192.0.2.1"}, {"Name": None, "Host": "192.0.2.1-3"}), lambda: "new"
    )
    assert growth.skipped == ["192.0.2.1"]
    assert growth.replaced == {3: {"Name": "192.0.2.2", "Host": "192.0.2.2"}}
    assert [cells["Host"] for cells in growth.added] == ["192.0.2.3"]


def test_names_that_are_taken_get_a_number() -> None:
    growth = grow_blocks(
        table({"Name": "x 192.0.2.1", "Host": "far.example"}, {"Name": "x", "Host": "192.0.2.1-1"}), lambda: "new"
    )
    assert growth.replaced == {3: {"Name": "x 192.0.2.1 (2)", "Host": "192.0.2.1"}}


def test_a_table_without_blocks_does_not_grow() -> None:
    growth = grow_blocks(table({"Name": "a", "Host": "192.0.2.1"}, {"Name": "b", "Host": 5}), lambda: "new")
    assert (growth.replaced, growth.added, growth.skipped) == ({}, [], [])


def test_every_block_that_cannot_be_understood_is_named_and_nothing_grows() -> None:
    blocks = table(
        {"Name": "a", "Host": "192.0.2.0/30"}, {"Name": "b", "Host": "10.0.0.0/33"}, {"Name": "c", "Host": "10.0.0.9-3"}
    )
    with pytest.raises(SheetInvalid) as caught:
        grow_blocks(blocks, lambda: "new")
    assert [(error.cell, error.value) for error in caught.value.cell_errors] == [
        ("B3", "10.0.0.0/33"),
        ("B4", "10.0.0.9-3"),
    ]


def test_only_imported_names_that_are_not_there_are_added() -> None:
    imported = Definitions(
        destinations=(
            Destination(id="", name="A", host="192.0.2.1"),
            Destination(id="", name="b", host="192.0.2.2", enabled=False),
        )
    )
    growths = grow_definitions({"Destinations": table({"Name": "a", "Host": "192.0.2.9"})}, imported, lambda: "new")
    assert set(growths) == {"Destinations"}
    growth = growths["Destinations"]
    assert growth.skipped == ["A"]
    assert [{header: cell for header, cell in cells.items() if cell is not None} for cells in growth.added] == [
        {"Name": "b", "Host": "192.0.2.2", "Enabled": "no", "ID": "new"}
    ]
