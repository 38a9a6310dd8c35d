"""The double of Excel: tables that grow and shrink, what follows them, and what users do with them."""

import pytest

from tests.excel_double import (
    DISCONNECTED,
    ExcelApplication,
    User,
    Workbook,
    Worksheet,
    add_chart,
    add_pivot,
    add_table,
    client,
    fails,
    values,
)
from tests.excel_double.areas import Rect
from tests.excel_double.tables import ListObject

HEADERS = ("Name", "Host")
ROWS = [["a", "h1"], ["b", "h2"], ["c", "h3"]]


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
def table(sheet: Worksheet) -> ListObject:
    """At B3:C6."""
    return add_table(sheet, "T", HEADERS, ROWS, at="B3", text=["Host"])


@pytest.fixture
def user(excel: ExcelApplication) -> User:
    return User(excel)


def where(table: ListObject) -> str:
    return str(client(table).Range.Address)


# --- Resize ------------------------------------------------------------------------------------------------------


def test_a_table_tells_its_parts(table: ListObject) -> None:
    lo = client(table)
    assert (lo.Name, lo.Range.Address, lo.HeaderRowRange.Value2) == ("T", "$B$3:$C$6", (HEADERS,))
    assert (lo.DataBodyRange.Address, lo.ListRows.Count, lo.ShowTotals) == ("$B$4:$C$6", 3, False)
    assert [column.Name for column in lo.ListColumns] == list(HEADERS)
    assert lo.ListColumns.Item("Host").DataBodyRange.Address == "$C$4:$C$6"
    assert (lo.ListColumns("Host").Index, lo.ListColumns("Host").Range.Address) == (2, "$C$3:$C$6")
    assert lo.TotalsRowRange is None
    assert client(table.sheet).Range("C5").ListObject == lo
    assert client(table.sheet).Range("A1").ListObject is None


def test_a_table_that_shrinks_leaves_what_its_cells_held(table: ListObject) -> None:
    lo = client(table)
    lo.Resize(lo.Range.GetResize(3, 2))
    assert where(table) == "$B$3:$C$5"
    assert client(table.sheet).Range("B6:C6").Value2 == (("c", "h3"),)


def test_a_table_that_grows_to_the_right_names_its_new_columns(table: ListObject, sheet: Worksheet) -> None:
    sheet_ = client(sheet)
    sheet_.Range("D3").Value2 = "name"
    sheet_.Range("F3").Value2 = 12
    client(table).Resize(sheet_.Range("B3:F6"))
    assert table.headers == ["Name", "Host", "name2", "Column4", "12"]


@pytest.mark.parametrize("target", ["B2:C6", "B4:C6", "B3:C3", "E3:F6", "B3:F6"])
def test_excel_refuses_what_its_rules_forbid(table: ListObject, sheet: Worksheet, target: str) -> None:
    add_table(sheet, "Other", ["x"], [[1]], at="F5")
    with fails():
        client(table).Resize(client(sheet).Range(target))
    assert where(table) == "$B$3:$C$6"


def test_a_table_stays_on_its_sheet_and_takes_a_range(table: ListObject, book: Workbook) -> None:
    for target in (client(book.sheet("Out")).Range("B3:C9"), "B3:C9"):
        with fails():
            client(table).Resize(target)


def test_a_table_with_totals_is_not_resized_over_them(sheet: Worksheet, book: Workbook) -> None:
    client(sheet).Range("B3:B6").Value2 = (("n",), (1,), (2,), ("Total",))
    table = book.add_table(sheet, "T", Rect(3, 2, 6, 2), totals=True)
    lo = client(table)
    assert (lo.ShowTotals, lo.TotalsRowRange.Address, lo.ListRows.Count) == (True, "$B$6", 2)
    with fails():
        lo.Resize(client(sheet).Range("B3:B9"))
    lo.ListRows.Add().Range.Value2 = 3
    assert (lo.TotalsRowRange.Value2, values(table)) == ("Total", [(1.0,), (2.0,), (3.0,)])


def test_headers_stay_unique_texts(table: ListObject, sheet: Worksheet) -> None:
    client(sheet).Range("B3:C3").Value2 = (("x", "X"),)
    assert table.headers == ["x", "X2"]
    client(sheet).Range("B3:C3").ClearContents()
    assert table.headers == ["Column1", "Column2"]


def test_what_is_written_right_below_a_table_joins_it(table: ListObject, sheet: Worksheet) -> None:
    client(sheet).Range("B7:C8").Value2 = (("d", "h4"), ("e", None))
    assert where(table) == "$B$3:$C$8"
    client(sheet).Range("B9").Value2 = None
    client(sheet).Range("A9:B9").Value2 = "no"
    assert where(table) == "$B$3:$C$8"


# --- rows --------------------------------------------------------------------------------------------------------


def test_a_row_is_added_where_the_row_below_is_free(table: ListObject, sheet: Worksheet) -> None:
    client(sheet).Range("B9").Value2 = "below"
    row = client(table).ListRows.Add()
    assert (row.Index, row.Range.Address, where(table)) == (4, "$B$7:$C$7", "$B$3:$C$7")
    assert client(sheet).Range("B9").Value2 == "below"


def test_a_row_is_added_before_what_stands_below(table: ListObject, sheet: Worksheet) -> None:
    client(sheet).Range("B8:C8").Value2 = (("below", "it"),)
    client(sheet).Range("D7").Value2 = "beside"
    client(table).ListRows.Add(None, True)
    client(table).ListRows.Add()
    assert where(table) == "$B$3:$C$8"
    assert client(sheet).Range("B9").Value2 == "below"
    assert client(sheet).Range("D7").Value2 == "beside"


def test_a_row_is_inserted_at_its_position(table: ListObject) -> None:
    client(table).ListRows.Add(1).Range.Value2 = (("new", "h0"),)
    assert values(table) == [("new", "h0"), ("a", "h1"), ("b", "h2"), ("c", "h3")]
    for position in (0, 6):
        with fails():
            client(table).ListRows.Add(position)


def test_deleting_a_row_moves_up_what_is_below_within_the_tables_columns(
    table: ListObject, sheet: Worksheet
) -> None:
    client(sheet).Range("B8").Value2 = "below"
    client(sheet).Range("D8").Value2 = "beside"
    second = client(table).ListRows.Item(2)
    client(table).ListRows.Item(1).Delete()
    assert values(table) == [("b", "h2"), ("c", "h3")]
    assert second.Index == 1
    assert (client(sheet).Range("B7").Value2, client(sheet).Range("D8").Value2) == ("below", "beside")
    with fails():
        client(table).ListRows.Item(3)


def test_a_deleted_row_is_no_row_any_more(table: ListObject) -> None:
    row = client(table).ListRows.Item(2)
    row.Delete()
    with fails():
        _ = row.Range


def test_rows_are_not_shifted_through_half_a_table(table: ListObject, sheet: Worksheet) -> None:
    add_table(sheet, "Wide", ["x", "y", "z"], [[1, 2, 3]], at="B9")
    with fails():
        client(table).ListRows.Item(1).Delete()
    with fails():
        client(table).ListRows.Add(1)
    client(table).ListRows.Add()
    assert where(table) == "$B$3:$C$7"


def test_the_last_row_leaves_a_blank_one_that_counts_as_none(table: ListObject, sheet: Worksheet) -> None:
    lo = client(table)
    for _ in ROWS:
        lo.ListRows.Item(1).Delete()
    assert (lo.ListRows.Count, lo.DataBodyRange, lo.Range.Address) == (0, None, "$B$3:$C$4")
    assert values(table) == []
    lo.ListRows.Add()
    assert (lo.ListRows.Count, lo.Range.Address) == (1, "$B$3:$C$4")
    lo.ListRows.Item(1).Delete()
    client(sheet).Range("B4").Value2 = "x"
    assert lo.ListRows.Count == 1
    lo.ListRows.Item(1).Delete()
    lo.Resize(lo.Range.GetResize(4, 2))
    assert lo.ListRows.Count == 3


# --- what follows a table ----------------------------------------------------------------------------------------


def test_a_series_over_a_whole_column_follows_the_table(table: ListObject, book: Workbook) -> None:
    frame = add_chart(book.sheet("Out"), "C", table, "Name", "Host")
    series = frame.chart.series[0]
    lo = client(table)
    lo.Resize(lo.Range.GetResize(9, 2))
    assert series.formula() == '=SERIES("Host",Jobs!$B$4:$B$11,Jobs!$C$4:$C$11,1)'
    lo.Resize(lo.Range.GetResize(2, 2))
    assert series.formula() == '=SERIES("Host",Jobs!$B$4,Jobs!$C$4,1)'
    lo.ListRows.Add(1)
    assert series.formula() == '=SERIES("Host",Jobs!$B$4:$B$5,Jobs!$C$4:$C$5,1)'


def test_a_series_over_part_of_a_column_stays(table: ListObject, book: Workbook) -> None:
    frame = add_chart(book.sheet("Out"), "C", table, "Name", "Host")
    values_area = frame.chart.series[0].values
    assert values_area is not None
    values_area.rect = Rect(4, 3, 5, 3)
    client(table).Resize(client(table).Range.GetResize(9, 2))
    assert frame.chart.series[0].formula() == '=SERIES("Host",Jobs!$B$4:$B$11,Jobs!$C$4:$C$5,1)'


def test_pivots_of_one_source_share_a_cache_that_sees_the_tables_rows(
    table: ListObject, book: Workbook
) -> None:
    out = book.sheet("Out")
    pivots = [add_pivot(out, name, "T") for name in ("One", "Two")]
    seen = client(out).PivotTables()
    assert (seen.Count, client(out).PivotTables("Two").Name, client(book).PivotCaches().Count) == (
        2,
        "Two",
        1,
    )
    assert seen.Item("One").PivotCache().SourceData == "T"
    assert seen.Item("One").RefreshTable() is True
    assert [pivot.refreshes for pivot in pivots] == [1, 0]
    assert (pivots[1].cache.refreshes, pivots[1].cache.rows_seen) == (1, 3)
    with fails():
        client(out).PivotTables("Three")


def test_a_pivot_without_its_source_is_not_refreshed(table: ListObject, book: Workbook, user: User) -> None:
    pivot = add_pivot(book.sheet("Out"), "P", "T")
    user.delete_table(table)
    with fails():
        client(pivot).RefreshTable()
    by_range = add_pivot(book.sheet("Out"), "Q", "Jobs!B3:C6")
    client(by_range).RefreshTable()
    assert by_range.cache.rows_seen == 3


# --- the user ----------------------------------------------------------------------------------------------------


def test_a_user_sorts_a_table(table: ListObject, user: User, sheet: Worksheet) -> None:
    user.type(sheet, "B4:B6", [[None], ["b"], [3]])
    user.sort(table, "Name")
    assert values(table) == [(3.0, "h3"), ("b", "h2"), (None, "h1")]
    user.sort(table, "Name", descending=True)
    assert values(table) == [("b", "h2"), (3.0, "h3"), (None, "h1")]
    user.reorder(table, [3, 1, 2])
    assert values(table) == [(None, "h1"), ("b", "h2"), (3.0, "h3")]


def test_a_user_inserts_rows_above_a_table_and_within(
    table: ListObject, user: User, sheet: Worksheet
) -> None:
    user.insert_rows(sheet, 1, 2)
    assert where(table) == "$B$5:$C$8"
    user.insert_rows(sheet, 7)
    assert (where(table), values(table)[1]) == ("$B$5:$C$9", (None, None))
    user.delete_rows(sheet, 7)
    assert where(table) == "$B$5:$C$8"


def test_a_users_number_formats_move_with_the_cells(table: ListObject, user: User, sheet: Worksheet) -> None:
    user.insert_rows(sheet, 1)
    assert sheet.number_format(5, 3) == "@"
    assert sheet.number_format(4, 3) == "General"
    user.format(sheet, "C:C", "0.0")
    assert client(sheet).Range("C2:C90").NumberFormat == "0.0"
    assert client(sheet).Range("B2:C2").NumberFormat is None


def test_a_user_reorders_and_adds_columns(table: ListObject, user: User, sheet: Worksheet) -> None:
    user.add_column(table, "Mine", [1, 2, 3])
    user.move_column(table, "Host", "Name")
    assert table.headers == ["Host", "Name", "Mine"]
    assert values(table)[0] == ("h1", "a", 1.0)
    assert sheet.number_format(4, 2) == "@"
    user.insert_columns(sheet, 3)
    assert (table.headers, where(table)) == (["Host", "Column2", "Name", "Mine"], "$B$3:$E$6")
    user.delete_columns(sheet, 3)
    assert table.headers == ["Host", "Name", "Mine"]


def test_a_user_adds_and_deletes_rows(table: ListObject, user: User) -> None:
    user.add_row(table, ["d"])
    user.add_row(table, ["z", "h0"], at=1)
    user.delete_row(table, 2)
    assert values(table) == [("z", "h0"), ("b", "h2"), ("c", "h3"), ("d", None)]


def test_a_table_is_moved_with_what_refers_to_it(table: ListObject, book: Workbook, user: User) -> None:
    frame = add_chart(book.sheet("Out"), "C", table, "Name", "Host")
    book.add_name("First", "=Jobs!$B$4")
    user.move_table(table, book.sheet("Out"), 10, 5)
    assert (where(table), client(table).Parent.Name) == ("$E$10:$F$13", "Out")
    assert values(table) == [("a", "h1"), ("b", "h2"), ("c", "h3")]
    assert book.sheet("Out").number_format(11, 6) == "@"
    assert client(book).Names.Item("First").RefersTo == "=Out!$E$11"
    assert frame.chart.series[0].formula() == '=SERIES("Host",Out!$E$11:$E$13,Out!$F$11:$F$13,1)'
    assert client(book.sheet("Jobs")).ListObjects.Count == 0


def test_a_deleted_table_is_disconnected(table: ListObject, user: User) -> None:
    lo = client(table)
    user.delete_table(table)
    with fails(DISCONNECTED):
        _ = lo.Name
