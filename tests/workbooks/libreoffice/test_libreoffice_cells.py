"""A table of LibreOffice: which rows are its own, what its cells mean, and when what was typed has changed."""

import hashlib
from datetime import datetime, time, timedelta

import pytest

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.workbooks.libreoffice.cells import Cells
from tests.workbooks.libreoffice.told import cells

PERCENT, LOGICAL, DATE, TIME, DATE_TIME, DURATION, PLAIN, CURRENCY = 128, 1024, 2, 4, 6, 8196, 16, 8


def test_rows_are_numbered_as_users_see_them_and_blank_ones_are_no_rows() -> None:
    table = cells(("a", "h", None, None), (None, "", None, None), top=4, left=2).raw_table(())
    assert [(row.number, row.cells["Name"]) for row in table.rows] == [(6, "a")]
    assert (table.header_row, table.address(6, "Host")) == (5, "D6")


def test_what_stands_right_below_belongs_to_it_and_what_is_further_down_is_apart() -> None:
    beyond = [("b", None, None, None), (None,) * 4, ("c", None, None, None), ("d", None, None, None)]
    table = cells(("a", None, None, None), beyond=beyond).raw_table(())
    assert [(row.number, row.cells["Name"]) for row in table.rows] == [(2, "a"), (3, "b")]
    assert [(row.number, row.cells["Name"]) for row in table.rows_apart] == [(5, "c"), (6, "d")]


def test_nothing_below_a_row_of_totals_is_a_row() -> None:
    beyond = [("Total", None, None, None), (None,) * 4, ("c", None, None, None)]
    table = cells(("a", None, None, None), beyond=beyond, totals=True).raw_table(())
    assert [row.cells["Name"] for row in table.rows] == ["a"]
    assert table.rows_apart == ()


@pytest.mark.parametrize(
    ("held", "sort", "meant"),
    [
        (0.05, PERCENT, "5%"),
        (1.0, LOGICAL, True),
        (0.0, LOGICAL, False),
        (46353.0, DATE, datetime(2026, 11, 27)),  # noqa: DTZ001 - as a workbook holds it
        (0.5, TIME, time(12)),
        (46353.5, DATE_TIME, datetime(2026, 11, 27, 12)),  # noqa: DTZ001 - as a workbook holds it
        (1.25, DURATION, timedelta(hours=30)),
        (7.0, PLAIN, 7),
        (7.5, CURRENCY, 7.5),
        ({"error": "#N/A"}, 0, ErrorValue("#N/A")),
        ("text", 0, "text"),
        (None, 0, None),
    ],
)
def test_a_number_means_what_its_format_says(held: object, sort: int, meant: CellValue) -> None:
    formats = [[1, 1, sort]] if sort else []
    (row,) = cells(("a", held, None, None), top=3, formats=formats).raw_table(()).rows
    assert (row.cells["Host"], type(row.cells["Host"])) == (meant, type(meant))


def test_formats_of_columns_that_the_program_fills_do_not_matter() -> None:
    (row,) = cells(("a", None, 0.05, None), formats=[[1, 2, PERCENT]]).raw_table({"status"}).rows
    assert row.cells["Status"] == 0.05


def test_a_header_need_not_be_text_and_of_equal_ones_the_first_counts() -> None:
    found = cells(("a", "b", "c"), headers=("Name", None, "NAME"))
    assert list(found.headers) == ["Name", "", "NAME"]
    assert found.positions()["name"] == 0


def digest(table: Cells) -> bytes:
    found = hashlib.blake2b()
    table.digest_into(found, {"name", "host"})
    return found.digest()


def test_what_is_typed_and_where_it_stands_makes_the_digest_and_nothing_else() -> None:
    first = digest(cells(("a", "h", "Up", None)))
    assert digest(cells(("a", "h", "Down", "id"))) == first
    assert digest(cells(("a", "h", "Up", None), (None, None, "Up", None))) == first
    others = [
        cells(("a", "other", "Up", None)),
        cells(("a", "h", "Up", None), top=1),
        cells(("a", "h", "Up", None), name="Other"),
        cells(("a", "h", "Up", None), beyond=[("b", None, None, None)]),
        cells(("a", "h", "Up", None), beyond=[(None,) * 4, ("b", None, None, None)]),
        cells((None,) * 4, ("a", "h", "Up", None)),
    ]
    assert len({first, *map(digest, others)}) == len(others) + 1
