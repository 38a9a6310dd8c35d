"""Values on their way to Excel and back."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.views import Column, Kind
from netstats_xl.errors import ViewUnsupported
from netstats_xl.workbooks.excel.escaping import escaped, misread
from netstats_xl.workbooks.live.values import (
    LONGEST_TEXT,
    plain_value,
    prepared,
    prepared_cell,
    prepared_column,
    raw_key,
    value_key,
)
from tests.excel_double import ERRORS
from tests.excel_double.cells import entered, readable

MORNING = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - a workbook knows no time zone
SERIAL = (MORNING, 46349.333333333336)
OLD, ONE_THAT_NEVER_WAS = MORNING.replace(year=1899), MORNING.replace(year=1900, month=2, day=28)
AWARE = MORNING.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, None),
        ("", None),
        (math.nan, None),
        (-math.inf, None),
        (pd.NaT, None),
        (pd.NA, None),
        (np.float64("nan"), None),
        (np.float32(1.5), 1.5),
        (np.int64(2**40), float(2**40)),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (pd.Timestamp(SERIAL[0]), SERIAL[1]),
        (np.datetime64(SERIAL[0], "us"), SERIAL[1]),
        (Decimal("1.25"), 1.25),
        (Decimal("NaN"), None),
        (7, 7.0),
        (2**31, float(2**31)),
        (2**60 + 1, "1152921504606846977"),
        (True, True),
        SERIAL,
        (date(2026, 11, 23), 46349.0),
        (time(12), 0.5),
        (timedelta(hours=36), 1.5),
        (OLD, "1899-11-23 08:00:00"),
        (ErrorValue("#N/A"), "#N/A"),
        ("a\r\nb\x00", "a\nb\ufffd"),
        ("x" * 40_000, "x" * LONGEST_TEXT),
        ("😀" * 5_000, "😀" * (LONGEST_TEXT // 2)),
    ],
)
def test_a_value_becomes_what_excel_takes(value: object, cell: object) -> None:
    got = prepared_cell(value)
    assert (got, type(got)) == (cell, type(cell))


def test_flags_read_yes_and_no_in_a_column_of_flags() -> None:
    assert prepared_column([True, False, None], Kind.FLAG) == ["yes", "no", None]


@pytest.mark.parametrize("value", [AWARE, object(), b"a", 1j])
def test_what_no_cell_can_hold_is_refused(value: object) -> None:
    with pytest.raises(ViewUnsupported):
        prepared_cell(value)


MIXED: list[list[CellValue]] = [
    [1.5, None, math.nan, math.inf],
    ["a", None, "", "=b"],
    [SERIAL[0], None, ONE_THAT_NEVER_WAS],
    [SERIAL[0], None],
    [1, 2.5, "a", True],
    [None, None],
    [],
]


@pytest.mark.parametrize("values", MIXED)
def test_a_column_is_prepared_as_its_cells_are(values: list[CellValue]) -> None:
    assert prepared_column(values) == [prepared_cell(value) for value in values]


def test_an_aware_datetime_among_naive_ones_is_refused() -> None:
    with pytest.raises(ViewUnsupported):
        prepared_column([SERIAL[0], AWARE])


def test_rows_become_columns_also_where_there_is_none() -> None:
    columns = [Column(header="A"), Column(header="B", kind=Kind.NUMBER)]
    assert prepared([("a", 1), ("b", None)], columns) == [["a", "b"], [1.0, None]]
    assert prepared([], columns) == [[], []]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-x", "@SUM(A1)", "'a", " =1", "＝1", "007", "1,5", "1.2.2026", "2026-01-02", "12:30", "5 pm",
        "1e5", "123e45678901", "50%", "$1", "(1)", "1/2", "true", "FALSE", "#N/A", "MAR1", "1-Mar", "Sept 2",
        "March 5, 2026",
    ],
)  # fmt: skip
def test_text_that_excel_would_take_for_something_else_gets_an_apostrophe(text: str) -> None:
    assert misread(text)
    assert escaped(text) == "'" + text


@pytest.mark.parametrize(
    "text", ["a", "10.0.0.1", "10.0.0.0/24", "fe80::1", "host-1", "3 rounds", "Marble", "1st", "é"]
)
def test_plain_text_is_written_as_it_is(text: str) -> None:
    assert escaped(text) == text


def test_telling_what_is_misread_takes_no_longer_for_long_text() -> None:
    assert misread("1" * 8_000)
    assert not misread("1" * 8_000 + "x")
    assert not misread(" " * 8_000 + "x")


@given(text=st.text(max_size=40) | st.from_regex(r"[=+\-@'#\d ]?[\w./:,% +\-=()]{0,12}", fullmatch=True))
def test_text_is_read_back_as_it_was_written_and_never_is_a_formula(text: str) -> None:
    wanted = prepared_cell(text)
    for number_format in ("General", "@"):
        cell = entered(escaped(wanted), number_format)
        assert (None if cell is None else cell.value) == wanted
        assert cell is None or cell.formula is None


def test_what_another_cell_held_is_written_as_it_was_but_for_errors() -> None:
    assert [escaped(raw) for raw in (None, "", 1.5, True, "=a", int(ERRORS["#N/A"]))] == [
        None,
        None,
        1.5,
        True,
        "'=a",
        None,
    ]


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_is_read_by_its_name(code: str) -> None:
    assert plain_value(int(ERRORS[code])) == ErrorValue(code)


def test_plain_values_are_read_as_a_file_gives_them() -> None:
    read = [plain_value(raw) for raw in (None, "", "a", True, 2.0, 2.5, 1e20)]
    assert read == [None, None, "a", True, 2, 2.5, 1e20]
    assert [type(value) for value in read[3:]] == [bool, int, float, float]
    assert plain_value(-2146828288 + 1999) == ErrorValue("#ERROR!")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (None, ""),
        ("", None),
        (0.02, "2%"),
        ("2%", "2%"),
        (46349.3333333333, SERIAL[0]),
        (0.5, time(12)),
        (1.5, timedelta(hours=36)),
        (5.0, 5),
        (True, True),
        (int(ERRORS["#N/A"]), ErrorValue("#N/A")),
        ("a", "a"),
    ],
)
def test_what_was_read_of_a_cell_is_known_again(raw: object, value: CellValue) -> None:
    assert raw_key(raw) == value_key(value)


def test_different_contents_are_told_apart() -> None:
    raws: list[object] = [None, "1", 1.0, True, "TRUE", "a", "A", 2.0, int(ERRORS["#N/A"]), "#N/A"]
    for one, other in product(enumerate(raws), repeat=2):
        assert (raw_key(one[1]) == raw_key(other[1])) is (one[0] == other[0])


def test_the_double_reads_back_what_is_prepared() -> None:
    for value in (1.5, True, None, "a"):
        cell = entered(escaped(prepared_cell(value)), "General")
        assert (None if cell is None else readable(cell.value)) == value
