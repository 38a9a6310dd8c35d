"""The double of Excel: what it refuses, and what it makes of what is written into cells."""

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from tests.excel_double import (
    Access,
    ExcelApplication,
    Failure,
    NotDoubled,
    User,
    Workbook,
    Worksheet,
    add_table,
    client,
    fails,
    object_model,
    values,
)
from tests.excel_double.areas import address, parse_address, quoted, split_sheet
from tests.excel_double.cells import serial
from tests.excel_double.dispatch import ExcelObject, invoke
from tests.excel_double.errors import ExcelError, signed

NA = -2146826246


@pytest.fixture
def excel() -> ExcelApplication:
    return ExcelApplication()


@pytest.fixture
def book(excel: ExcelApplication) -> Workbook:
    return excel.open(r"C:\Data\NetStats.xlsm", "Jobs", "Out")


@pytest.fixture
def sheet(book: Workbook) -> Worksheet:
    return book.sheet("Jobs")


@pytest.fixture
def user(excel: ExcelApplication) -> User:
    return User(excel)


# --- what is refused -------------------------------------------------------------------------------------------


def test_every_member_that_the_double_serves_is_in_excels_model() -> None:
    classes = [each for each in _subclasses(ExcelObject) if each.type_name]
    assert {each.type_name for each in classes} >= {"Application", "Range", "ListObject", "PivotTables"}
    for each in classes:
        members = object_model().members(each.type_name)
        for name, access in each.served:
            member = members[name]
            assert access is not Access.PUT or not member.readonly, f"{each.type_name}.{name} is read-only"
            assert access is not Access.CALL or member.is_method or member.optional_property


def _subclasses(cls: type[ExcelObject]) -> list[type[ExcelObject]]:
    return [cls, *(each for child in cls.__subclasses__() for each in _subclasses(child))]


@pytest.mark.parametrize("name", ["Vlaue2", "value2", "Value3", "GetValue2", "GetRange", "Hwnd"])
def test_a_name_that_excel_has_not_is_no_attribute(sheet: Worksheet, name: str) -> None:
    cell = client(sheet).Range("A1")
    with pytest.raises(AttributeError):
        getattr(cell, name)
    with pytest.raises(AttributeError):
        setattr(cell, name, 1)


def test_a_name_that_excel_has_not_is_an_unknown_name_to_com(
    sheet: Worksheet, excel: ExcelApplication
) -> None:
    with fails(Failure(hresult=0x80020006)):
        client(sheet)._oleobj_.GetIDsOfNames(0, "Rnage")
    with pytest.raises(ExcelError) as caught:
        invoke(sheet, "Rnage", Access.GET)
    assert caught.value.hresult == signed(0x80020006)
    with fails(Failure(hresult=0x80020003)):
        client(sheet)._oleobj_.Invoke(9_999, 0, 2, True)


def test_what_excel_only_reads_cannot_be_put(sheet: Worksheet, excel: ExcelApplication) -> None:
    for target, name in ((excel, "Hwnd"), (sheet, "Index"), (sheet.book, "FullName")):
        with pytest.raises(AttributeError):
            setattr(client(target), name, 1)
        with pytest.raises(ExcelError) as caught:
            invoke(target, name, Access.PUT, [1])
        assert caught.value.hresult == signed(0x80020003)


def test_parameters_that_excel_has_not_are_fails(sheet: Worksheet) -> None:
    range_ = client(sheet).Range("A1:B2")
    wrongs: list[Callable[[], object]] = [
        lambda: client(sheet).Range(),
        lambda: client(sheet).Range("A1", "B2", "C3"),
        lambda: client(sheet).Range(Cell="A1"),
        lambda: range_.GetResize(1, 2, 3),
        lambda: range_.GetAddress(Absolute=True),
    ]
    for wrong in wrongs:
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ExcelError) as caught:
        invoke(sheet, "Range", Access.CALL, ["A1", "B2", "C3"])
    assert caught.value.hresult == signed(0x8002000E)
    assert range_.GetAddress(RowAbsolute=False, ColumnAbsolute=False) == "A1:B2"


def test_constants_that_excel_has_not_are_fails(excel: ExcelApplication) -> None:
    application = client(excel)
    application.Calculation = object_model().constant("xlCalculationManual")
    assert application.Calculation == -4135
    with fails(Failure(hresult=0x80020005)):
        application.Calculation = 12
    with pytest.raises(AttributeError, match="xlCalculationSometimes"):
        object_model().constant("xlCalculationSometimes")


def test_what_excel_has_and_the_double_does_not_do_says_so(sheet: Worksheet) -> None:
    with pytest.raises(NotDoubled, match=r"call Range\.AutoFit"):
        client(sheet).Range("A1").AutoFit()


def test_a_method_is_called_and_a_property_is_not(sheet: Worksheet) -> None:
    assert client(sheet).ChartObjects().Count == 0
    with pytest.raises(ExcelError) as caught:
        invoke(sheet, "Name", Access.CALL)
    assert caught.value.hresult == signed(0x80020003)


def test_resize_and_offset_take_arguments_by_their_getters_alone_as_pywin32_has_it(sheet: Worksheet) -> None:
    range_ = client(sheet).Range("B2:C3")
    assert range_.Resize(3, 2).Address == "$C$4", "the cell (3, 2) of the unchanged range"
    assert range_.GetResize(3, 2).Address == "$B$2:$C$4"
    assert range_.GetOffset(1, 0).Address == "$B$3:$C$4"


# --- reading and writing cells ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (3, 3.0),
        (2.5, 2.5),
        (True, True),
        (None, None),
        ("", None),
        ("text", "text"),
        ("12", 12.0),
        ("-1,234.5", -1234.5),
        ("1e3", 1000.0),
        ("5%", 0.05),
        ("true", True),
        ("#N/A", NA),
        ("2024-01-02", 45293.0),
        ("2024-01-02 06:00", 45293.25),
        ("1/2/2024", 45293.0),
        ("12:00", 0.5),
        ("2024-13-02", "2024-13-02"),
        ("12:75", "12:75"),
        ("1.2.3.4", "1.2.3.4"),
        ("'=a", "=a"),
        ("'12", "12"),
        ("''a", "'a"),
        ("=1", 1.0),
        ("+5", 5.0),
        ('="a""b"', 'a"b'),
        ("=host", -2146826259),
        ("@host", -2146826259),
        ("-a.example", -2146826259),
        ("-", "-"),
        ("=", "="),
        (NA, float(NA)),
        (math.nan, -2146826252),
        (Decimal("1.5"), 1.5),
        (dt.datetime.fromisoformat("2024-01-02 12:00"), 45293.5),
    ],
)
def test_what_is_written_into_a_general_cell_is_read_as_excel_keeps_it(
    sheet: Worksheet, written: object, read: object
) -> None:
    cell = client(sheet).Range("B2")
    cell.Value2 = written
    assert cell.Value2 == read
    assert type(cell.Value2) is type(read)


def test_text_cells_keep_text_and_make_text_of_numbers(sheet: Worksheet) -> None:
    cells = client(sheet).Range("A1:A4")
    cells.NumberFormat = "@"
    cells.Value2 = (("=1+1",), ("12",), (12,), ("'x",))
    assert cells.Value2 == (("=1+1",), ("12",), ("12",), ("x",))
    assert client(sheet).Range("A4").PrefixCharacter == "'"
    assert client(sheet).Range("A1").PrefixCharacter == ""
    assert cells.HasFormula is False


def test_a_formula_is_kept_as_one(sheet: Worksheet) -> None:
    cell = client(sheet).Range("A1")
    cell.Value2 = "=cmd|' /C calc'!A0"
    assert (cell.Formula, cell.HasFormula, cell.Text) == ("=cmd|' /C calc'!A0", True, "#NAME?")
    cell.Value2 = "'=x"
    assert (cell.Formula, cell.HasFormula, cell.PrefixCharacter) == ("=x", False, "'")
    client(sheet).Range("A2").Value2 = "=1"
    assert client(sheet).Range("A1:A2").HasFormula is None


@pytest.mark.parametrize("text", ["=(", '="a', "=1+", "-a("])
def test_a_formula_that_is_not_built_right_is_refused_and_nothing_is_written(
    sheet: Worksheet, text: str
) -> None:
    with fails():
        client(sheet).Range("A1:B1").Value2 = (("x", text),)
    assert sheet.cells == {}


def test_one_cell_gives_a_value_and_several_give_rows(sheet: Worksheet) -> None:
    sheet_ = client(sheet)
    sheet_.Range("A1:B2").Value2 = [[1, "a"], [None, False]]
    assert sheet_.Range("A1").Value2 == 1.0
    assert sheet_.Range("A1:B1").Value2 == ((1.0, "a"),)
    assert sheet_.Range("A1:A2").Value2 == ((1.0,), (None,))
    assert sheet_.Range("A1:B2").Value2 == ((1.0, "a"), (None, False))


@pytest.mark.parametrize(
    ("array", "read"),
    [
        ([[1, 2], [3, 4]], ((1.0, 2.0, NA), (3.0, 4.0, NA), (NA, NA, NA))),
        ([[1, 2, 3, 9]] * 4, ((1.0, 2.0, 3.0),) * 3),
        ([[1, 2, 3]], ((1.0, 2.0, 3.0),) * 3),
        ([1, 2, 3], ((1.0, 2.0, 3.0),) * 3),
        ([[1], [2], [3]], ((1.0,) * 3, (2.0,) * 3, (3.0,) * 3)),
        (7, ((7.0,) * 3,) * 3),
    ],
)
def test_an_array_of_another_size_is_cut_repeated_or_filled(
    sheet: Worksheet, array: object, read: object
) -> None:
    cells = client(sheet).Range("A1:C3")
    cells.Value2 = array
    assert cells.Value2 == read


def test_text_that_is_too_long_is_fails(sheet: Worksheet) -> None:
    cell = client(sheet).Range("A1")
    cell.Value2 = "x" * 32_767
    cell.Value2 = [["y" * 8_203]]
    for value in ("x" * 32_768, [["y" * 8_204]]):
        with fails():
            cell.Value2 = value
    assert cell.Value2 == "y" * 8_203


@pytest.mark.parametrize(
    ("value", "error"),
    [(object(), TypeError), ({1}, TypeError), ([[{}]], TypeError)],
)
def test_what_pywin32_cannot_convert_never_reaches_excel(
    sheet: Worksheet, excel: ExcelApplication, value: object, error: type[Exception]
) -> None:
    cell = client(sheet).Range("A1:B2")
    excel.calls.clear()
    with pytest.raises(error):
        cell.Value2 = value
    assert len(excel.calls) == 0


@pytest.mark.parametrize("value", [[[1, 2], [3]], [[1], "a"], [], [[]]])
def test_rows_of_different_lengths_are_refused(sheet: Worksheet, value: object) -> None:
    with fails():
        client(sheet).Range("A1:B2").Value2 = value
    assert sheet.cells == {}


@pytest.mark.parametrize("value", [b"x", [[b"x"]], [[[1]]]])
def test_values_of_other_types_are_refused(sheet: Worksheet, value: object) -> None:
    with fails(Failure(hresult=0x80020005)):
        client(sheet).Range("A1").Value2 = value


def test_numbers_of_numpy_arrive_as_numbers(sheet: Worksheet) -> None:
    cells = client(sheet).Range("A1:B1")
    cells.Value2 = [[np.int64(3), np.float64(2.5)]]
    assert cells.Value2 == ((3.0, 2.5),)


def test_whole_numbers_of_64_bits_are_fails(sheet: Worksheet) -> None:
    with fails():
        client(sheet).Range("A1").Value2 = 1 << 31


def test_dates_are_read_as_such_by_value_alone(sheet: Worksheet) -> None:
    cell = client(sheet).Range("A1")
    cell.NumberFormat = "yyyy-mm-dd hh:mm:ss"
    cell.Value2 = serial(dt.datetime.fromisoformat("2024-01-02 12:00"))
    assert cell.Value2 == 45293.5
    assert cell.Value == dt.datetime.fromisoformat("2024-01-02 12:00")


def test_ranges_are_reached_from_ranges(sheet: Worksheet, book: Workbook) -> None:
    sheet_ = client(sheet)
    range_ = sheet_.Range("$B$2:D5")
    assert (range_.Row, range_.Column, range_.Count) == (2, 2, 12)
    assert (range_.Rows.Count, range_.Columns.Count, range_.Rows.Item(2).Address) == (4, 3, "$B$3:$D$3")
    assert [column.Address for column in range_.Columns] == ["$B$2:$B$5", "$C$2:$C$5", "$D$2:$D$5"]
    assert range_.Range("A1:B2").Address == "$B$2:$C$3"
    assert range_.Range(sheet_.Range("A1"), "B2").Address == "$A$1:$B$2"
    assert range_.Item(2, 2).Address == range_(2, 2).Address == "$C$3"
    assert range_.Item(4).Address == "$B$3"
    assert sheet_.Range(sheet_.Cells(1, 2), sheet_.Cells(3, 4)).GetAddress(False, False) == "B1:D3"
    assert range_.GetAddress(True, True, 1, True) == "[NetStats.xlsm]Jobs!$B$2:$D$5"
    assert range_.EntireRow.Address == "$2:$5"
    assert range_.EntireColumn.Address == "$B:$D"
    assert range_.Worksheet == sheet_
    assert sheet_.UsedRange.Address == "$A$1"
    for beyond in ("A0", "XFE1", "A1048577", "nonsense", "A1:B2:C3"):
        with fails():
            sheet_.Range(beyond)
    with fails():
        range_.GetOffset(-2, 0)


def test_names_and_tables_are_references(sheet: Worksheet, book: Workbook) -> None:
    add_table(sheet, "T", ["a", "b"], [[1, 2], [3, 4]], at="C3")
    book.add_name("State", "=Out!$B$1")
    seen = client(book.sheet("Out"))
    assert seen.Range("State").Address == "$B$1"
    assert seen.Range("T").Address == seen.Range("T[#Data]").Address == "$C$4:$D$5"
    assert seen.Range("T[#All]").Address == "$C$3:$D$5"
    assert seen.Range("T[#Headers]").Address == "$C$3:$D$3"
    assert seen.Range("T[b]").Address == "$D$4:$D$5"
    assert seen.Range("Jobs!B2").Worksheet.Name == "Jobs"
    for unknown in ("T[c]", "Nowhere!A1"):
        with fails():
            seen.Range(unknown)


def test_a_protected_sheet_is_not_written(sheet: Worksheet, user: User) -> None:
    add_table(sheet, "T", ["a"], [[1], [2]])
    user.protect(sheet)
    table = client(sheet).ListObjects.Item("T")
    for write in (
        lambda: setattr(client(sheet).Range("A1"), "Value2", 1),
        lambda: client(sheet).Range("A1").ClearContents(),
        lambda: table.Resize(client(sheet).Range("A1:A5")),
        lambda: table.ListRows.Item(1).Delete(),
    ):
        with fails():
            write()
    assert values(sheet.table("T")) == [(1.0,), (2.0,)]


@pytest.mark.parametrize("text", ["$B$2:$D$5", "$A$1", "$C:$D", "$3:$9", "$AA$10:$XFD$1048576"])
def test_addresses_are_read_as_they_are_written(text: str) -> None:
    rect = parse_address(text)
    assert rect is not None
    assert address(rect) == text


def test_sheets_names_are_quoted_where_they_must_be() -> None:
    assert quoted("Jobs") == "Jobs"
    assert quoted("Ann's jobs") == "'Ann''s jobs'"
    assert split_sheet("='Ann''s jobs'!$A$1") == ("Ann's jobs", "$A$1")
