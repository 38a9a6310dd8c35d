"""The double of Excel: names, sheets, workbooks, and those that are made of files."""

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from netstats_xl.workbooks.template import demo_view
from netstats_xl.workbooks.xlsx_writer import write_workbook
from tests.excel_double import (
    DISCONNECTED,
    ERRORS,
    ExcelApplication,
    Failure,
    User,
    Workbook,
    Worksheet,
    add_chart,
    add_table,
    client,
    fails,
    load_workbook,
    values,
)
from tests.excel_double.areas import Rect

NA = -2146826246
TEMPLATE = Path(__file__).parents[1] / "workbook_template" / "NetStats.xlsm"


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


# --- names, workbooks, collections -------------------------------------------------------------------------------


def test_a_hidden_name_holds_a_constant(book: Workbook, sheet: Worksheet) -> None:
    book.add_name("NetStats_id", '="00ff"', hidden=True)
    book.add_name("NetStats_state", "='Jobs'!$B$2")
    names = client(book).Names
    assert (names.Count, [name.Name for name in names]) == (2, ["NetStats_id", "NetStats_state"])
    hidden = names.Item("netstats_ID")
    assert (hidden.RefersTo, hidden.Visible) == ('="00ff"', False)
    with fails():
        _ = hidden.RefersToRange
    hidden.RefersTo = '="11aa"'
    assert book.defined_name("NetStats_id").text() == '="11aa"'
    assert names.Item("NetStats_state").RefersTo == "=Jobs!$B$2"
    with fails():
        names.Item("nothing")


def test_names_follow_their_cells(book: Workbook, sheet: Worksheet, user: User) -> None:
    book.add_name("State", "=Jobs!$B$2")
    name = client(book).Names.Item("State")
    user.insert_rows(sheet, 1, 3)
    user.rename_sheet(sheet, "My jobs")
    assert name.RefersTo == "='My jobs'!$B$5"
    user.delete_rows(sheet, 5)
    assert name.RefersTo == "=#REF!"
    with fails():
        _ = name.RefersToRange


def test_names_are_added_and_deleted(book: Workbook) -> None:
    names = client(book).Names
    names.Add("X", "=Jobs!$A$1", False)
    assert (names.Count, names.Item("X").RefersToRange.Address, names.Item(1).Visible) == (1, "$A$1", False)
    x = names.Item("X")
    x.Delete()
    with fails(DISCONNECTED):
        _ = x.Name


def test_an_item_that_is_not_there_is_an_invalid_index(excel: ExcelApplication, book: Workbook) -> None:
    for collection in (client(excel).Workbooks, client(book).Worksheets, client(book.sheets[0]).ListObjects):
        for index in ("nothing", 0, 9):
            with fails(Failure(hresult=0x80020009, scode=0x8002000B)):
                collection.Item(index)
    assert client(excel).Workbooks("netstats.XLSM").Name == "NetStats.xlsm"
    assert len(client(book).Worksheets) == 2


def test_a_workbook_is_known_by_its_full_name(excel: ExcelApplication, user: User) -> None:
    book = excel.open("https://d.docs.live.net/1234/Docs/NetStats.xlsm")
    workbook = client(book)
    assert (workbook.Name, workbook.Path) == ("NetStats.xlsm", "https://d.docs.live.net/1234/Docs")
    user.save_as(book, r"D:\Other.xlsm")
    assert (workbook.Name, workbook.FullName, workbook.Path) == ("Other.xlsm", r"D:\Other.xlsm", "D:")


def test_what_was_got_of_a_closed_workbook_is_disconnected(
    book: Workbook, sheet: Worksheet, user: User
) -> None:
    add_table(sheet, "T", ["a"], [[1]])
    held = [client(book), client(sheet), client(sheet).Range("A1"), client(sheet).ListObjects.Item("T")]
    user.close(book)
    for each in held:
        with fails(DISCONNECTED):
            _ = each.Parent
    assert client(book.application).Workbooks.Count == 0


def test_a_deleted_sheet_is_gone_with_its_tables(book: Workbook, sheet: Worksheet, user: User) -> None:
    add_table(sheet, "T", ["a"], [[1]])
    table = client(sheet).ListObjects.Item("T")
    user.delete_sheet(sheet)
    with fails(DISCONNECTED):
        _ = table.Name
    assert [each.Name for each in client(book).Worksheets] == ["Out"]


@pytest.mark.parametrize("name", ["Out", "", "a" * 32, "a/b"])
def test_a_sheet_cannot_have_every_name(sheet: Worksheet, name: str) -> None:
    with fails():
        client(sheet).Name = name
    assert sheet.name == "Jobs"


# --- workbooks from files ----------------------------------------------------------------------------------------


def test_a_workbook_file_is_opened_with_all_that_matters(excel: ExcelApplication, tmp_path: Path) -> None:
    path = tmp_path / "Net.xlsx"
    view = demo_view("UTC")
    write_workbook(view, path)
    book = load_workbook(excel, path, r"C:\Net.xlsx")
    assert [sheet.name for sheet in book.sheets] == [sheet.name for sheet in view.spec.sheets]
    jobs = book.table("Jobs")
    assert jobs.headers[:2] == ["Name", "Destinations"]
    assert values(jobs)[0][0]
    host = book.table("Destinations").column_rect("Host")
    assert book.sheet("Destinations").number_format(host.top, host.left) == "@"
    assert client(excel).ActiveWorkbook.FullName == r"C:\Net.xlsx"
    assert book.table("Destinations").column_rect("ID").left in book.sheet("Destinations").hidden_columns


def test_the_template_is_opened_with_its_names_charts_and_pivots(excel: ExcelApplication) -> None:
    book = load_workbook(excel, TEMPLATE, r"C:\NetStats.xlsm")
    workbook = client(book)
    id_name = workbook.Names.Item("NetStats_id")
    assert (id_name.RefersTo, id_name.Visible) == (f'="{"0" * 32}"', False)
    assert workbook.Names.Item("NetStats_state").RefersToRange.Count == 1
    pivots = [pivot for sheet in workbook.Worksheets for pivot in sheet.PivotTables()]
    assert pivots
    assert {pivot.PivotCache().SourceData for pivot in pivots} == {"Hourly"}
    assert workbook.PivotCaches().Count == 1
    assert pivots[0].RefreshTable() is True
    formulas = [
        series.Formula
        for sheet in workbook.Worksheets
        for frame in sheet.ChartObjects()
        for series in frame.Chart.SeriesCollection()
    ]
    assert formulas
    assert not [text for text in formulas if "#REF!" in text or ",," in text]
    assert [sheet.Name for sheet in workbook.Worksheets if sheet.Visible != -1]
    assert workbook.ActiveSheet.Visible == -1


def test_what_a_template_charts_follows_its_table(excel: ExcelApplication) -> None:
    book = load_workbook(excel, TEMPLATE, r"C:\NetStats.xlsm")
    table = client(book.table("Trend_hours"))
    table.Resize(table.Range.GetResize(25, 10))
    rows = {
        series.values.rect.rows
        for frame in book.table("Trend_hours").sheet.charts
        for series in frame.chart.series
        if series.values is not None and series.values.rect is not None
    }
    assert 24 in rows


def test_formulas_errors_dates_and_protection_come_from_the_file(
    excel: ExcelApplication, tmp_path: Path
) -> None:
    path = tmp_path / "small.xlsx"
    with xlsxwriter.Workbook(path) as file:
        sheet = file.add_worksheet("One")
        date = file.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_formula("A1", "=1+1", None, 2)
        sheet.write_datetime("A2", dt.datetime.fromisoformat("2024-01-02"), date)
        sheet.write_formula("A3", "=NA()", None, "#N/A")
        sheet.write_boolean("A4", True)
        sheet.set_column("C:D", 8, file.add_format({"num_format": "@"}), {"hidden": True})
        sheet.protect()
        file.define_name("One!Local", "=One!$A$2")
    book = load_workbook(excel, path)
    cells = client(book).Worksheets.Item("One")
    assert cells.Range("A1:A4").Value2 == ((2.0,), (45293.0,), (NA,), (True,))
    assert (cells.Range("A1").Formula, cells.Range("A1").HasFormula) == ("=1+1", True)
    assert cells.Range("A2").Value == dt.datetime.fromisoformat("2024-01-02")
    assert (cells.Range("D900").NumberFormat, cells.Range("C:D").Columns.Hidden) == ("@", True)
    assert [name.Name for name in cells.Names] == ["One!Local"]
    assert cells.ProtectContents is True
    with fails():
        cells.Range("A1").Value2 = 1


def test_a_chart_over_a_table_is_drawn_from_plain_data_too(book: Workbook, sheet: Worksheet) -> None:
    table = add_table(sheet, "T", ["At", "RTT"], [[1, 10], [2, 20]])
    add_chart(book.sheet("Out"), "Latency", table, "At", "RTT")
    charts = client(book.sheet("Out")).ChartObjects()
    series = charts.Item("Latency").Chart.SeriesCollection(1)
    assert series.Formula == '=SERIES("RTT",Jobs!$A$2:$A$3,Jobs!$B$2:$B$3,1)'
    assert (series.Values, series.XValues) == ((10.0, 20.0), (1.0, 2.0))
    assert book.sheet("Out").charts[0].chart.series[0].values is not None


def test_errors_are_known_by_their_text() -> None:
    assert ERRORS["#N/A"] == NA
    assert Rect(1, 1, 2, 2).overlaps(Rect(2, 2, 3, 3))
    assert not Rect(1, 1, 2, 2).overlaps(Rect(3, 1, 3, 3))
