"""What is in the view is in the file, native and valid."""

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from openpyxl.utils import get_column_letter

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.views import (
    BAD,
    BLUE,
    GOOD,
    WARNING,
    AtLeast,
    CellSpec,
    Column,
    FormatBy,
    Kind,
    NumberBetween,
    OneOf,
    Row,
    SheetSpec,
    Style,
    TextEquals,
    TextPresent,
    TextSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.workbooks.xlsx_references import cell_name, column_letters
from netstats_xl.workbooks.xlsx_writer import XlsxFile, write_workbook
from tests.workbooks.written import at, audit, cell, number, opened, part, sheet_of, table, view_of, written

BOTH_WAYS = pytest.mark.parametrize("streamed", [False, True], ids=["cell by cell", "streamed"])
MOMENT = datetime(2026, 11, 23, 13, 45, 30)  # noqa: DTZ001 - a workbook knows no time zone


@BOTH_WAYS
def test_every_sort_of_value_is_read_back_as_itself(tmp_path: Path, streamed: bool) -> None:
    values: list[CellValue] = [
        "text", 7, 0, -1.25, 1 / 3, 1e-300, 1e308, True, False, MOMENT, date(2026, 11, 23), time(8, 30), None, 2**53,
    ]  # fmt: skip
    things = table(number("Value"), streamed=streamed)
    path = written(view_of(things, rows={"Things": [(value,) for value in values]}), tmp_path)
    sheet = sheet_of(path)
    read = [cell(sheet, f"A{row}").value for row in range(2, 2 + len(values))]
    expected = [
        MOMENT.replace(hour=0, minute=0, second=0) if value == date(2026, 11, 23) else value
        for value in values
    ]
    assert read == expected
    assert [type(each) for each in read] == [type(each) for each in expected]


@BOTH_WAYS
def test_what_no_cell_can_hold_is_blank_or_a_text(tmp_path: Path, streamed: bool) -> None:
    values: list[CellValue] = [
        math.nan, math.inf, -math.inf, "", ErrorValue("#N/A"), 2**53 + 1, date(1899, 5, 1),
        MOMENT.replace(year=1900, month=1),
    ]  # fmt: skip
    things = table(number("Value"), streamed=streamed)
    sheet = sheet_of(written(view_of(things, rows={"Things": [(value,) for value in values]}), tmp_path))
    read = [(each.value, each.data_type) for (each,) in sheet.iter_rows(min_row=2, max_row=9)]
    assert [value for value, _ in read] == [
        None, None, None, None, "#N/A", "9007199254740993", "1899-05-01", "1900-01-23 13:45:30",
    ]  # fmt: skip
    # A text, not the error itself.
    assert part(tmp_path / "written.xlsx", "xl/worksheets/sheet1.xml").count('t="e"') == 0


@BOTH_WAYS
def test_a_duration_is_a_number_of_days_shown_in_hours(tmp_path: Path, streamed: bool) -> None:
    things = table(number("Value"), streamed=streamed)
    sheet = sheet_of(written(view_of(things, rows={"Things": [(timedelta(hours=36),)]}), tmp_path))
    assert cell(sheet, "A2").number_format == "[h]:mm:ss"
    assert cell(sheet, "A2").value == timedelta(hours=36)


@BOTH_WAYS
def test_flags_read_yes_and_no_in_their_own_columns(tmp_path: Path, streamed: bool) -> None:
    things = table(Column(header="On", kind=Kind.FLAG), streamed=streamed)
    sheet = sheet_of(written(view_of(things, rows={"Things": [(True,), (False,), (None,)]}), tmp_path))
    assert [cell(sheet, f"A{row}").value for row in (2, 3, 4)] == ["yes", "no", None]


@BOTH_WAYS
def test_cells_have_the_format_of_their_column_and_strays_their_own(tmp_path: Path, streamed: bool) -> None:
    things = table(
        "Text",
        number("RTT (ms)", "0.00"),
        Column(header="At", kind=Kind.INSTANT, number_format="hh:mm"),
        Column(header="Seen", kind=Kind.INSTANT),
        streamed=streamed,
    )
    rows: list[Row] = [("a", 1.5, MOMENT, MOMENT), (MOMENT, MOMENT, 1.5, "never"), (None, None, None, None)]
    sheet = sheet_of(written(view_of(things, rows={"Things": rows}), tmp_path))
    formats = [[each.number_format for each in row] for row in sheet.iter_rows(min_row=2, max_row=4)]
    instant = "yyyy-mm-dd hh:mm:ss"
    assert formats == [
        ["@", "0.00", "hh:mm", instant],
        [instant, instant, "General", "@"],
        ["@", "0.00", "hh:mm", instant],
    ]


@BOTH_WAYS
def test_a_table_is_native_and_frames_all_its_rows(tmp_path: Path, streamed: bool) -> None:
    things = table("Name", number("RTT (ms)"), anchor=at(2, 1), streamed=streamed, spare=2)
    rows: list[Row] = [(f"host {n}", n) for n in range(600)]
    path = written(view_of(TextSpec(anchor=at(), text="Title"), things, rows={"Things": rows}), tmp_path)
    sheet = sheet_of(path)
    native = sheet.tables["Things"]
    assert native.ref == "B3:C605"
    assert native.autoFilter.ref == "B3:C605"
    assert native.column_names == ["Name", "RTT (ms)"]
    assert [each.value for each in sheet["B3:C3"][0]] == ["Name", "RTT (ms)"]
    assert [each.value for each in sheet["B603:C603"][0]] == ["host 599", 599]
    assert [each.value for each in sheet["B605:C605"][0]] == [None, None]
    assert cell(sheet, "B605").number_format == "@"
    assert sheet["A1"].value == "Title"
    assert sheet.dimensions.endswith("C605")


@BOTH_WAYS
def test_a_table_without_rows_has_one_blank_row(tmp_path: Path, streamed: bool) -> None:
    sheet = sheet_of(written(view_of(table("Name", streamed=streamed)), tmp_path))
    assert sheet.tables["Things"].ref == "A1:A2"
    assert cell(sheet, "A2").value is None


def test_rows_are_taken_from_any_iterable_once(tmp_path: Path) -> None:
    taken: list[int] = []

    def rows() -> Iterator[Row]:
        for n in range(3):
            taken.append(n)
            yield (n,)

    written(view_of(table(number("N"), streamed=True), rows={"Things": rows()}), tmp_path)
    assert taken == [0, 1, 2]


def test_several_streamed_tables_stand_on_their_own_sheets(tmp_path: Path) -> None:
    second = table("Other", name="Others", streamed=True)
    view = view_of(
        table("Name", streamed=True),
        rows={"Things": [("a",)], "Others": [("b",), ("c",)]},
        more=[SheetSpec(name="Second & last", blocks=(second,))],
    )
    path = written(view, tmp_path)
    assert sheet_of(path)["A2"].value == "a"
    assert sheet_of(path, "Second & last").tables["Others"].ref == "A1:A3"
    assert sheet_of(path, "Second & last")["A3"].value == "c"


def test_the_filter_can_be_left_out(tmp_path: Path) -> None:
    things = table("Name")
    plain = type(things)(name="Plain", anchor=at(0, 3), columns=things.columns, autofilter=False)
    sheet = sheet_of(written(view_of(things, plain), tmp_path))
    assert sheet.tables["Things"].autoFilter is not None
    assert sheet.tables["Plain"].autoFilter is None


@BOTH_WAYS
def test_rules_become_conditional_formats_in_their_order(tmp_path: Path, streamed: bool) -> None:
    things = table(
        Column(header="Status", rules=(TextEquals(text='Up "now"', style=GOOD), TextPresent(style=WARNING))),
        Column(
            header="RTT",
            kind=Kind.NUMBER,
            rules=(AtLeast(style=BAD, value=250, column="Limit"), AtLeast(style=WARNING, value=0.5)),
        ),
        Column(header="Limit", kind=Kind.NUMBER, rules=(AtLeast(style=BAD), AtLeast(style=BAD, column="RTT"))),
        streamed=streamed,
    )  # fmt: skip
    path = written(view_of(things, rows={"Things": [("Up", 1, None), ("Down", 2, 3)]}), tmp_path)
    found = {
        str(area.sqref): [
            (rule.formula[0], rule.stopIfTrue) for rule in sorted(area.rules, key=lambda r: r.priority)
        ]
        for area in sheet_of(path).conditional_formatting
    }
    assert found == {
        "A2:A3": [('$A2="Up ""now"""', True), ("LEN($A2)>0", True)],
        "B2:B3": [
            ("AND(ISNUMBER($B2),$B2>=IF(ISNUMBER($C2),$C2,250))", True),
            ("AND(ISNUMBER($B2),$B2>=0.5)", True),
        ],
        "C2:C3": [("FALSE", True), ("AND(ISNUMBER($C2),ISNUMBER($B2),$C2>=$B2)", True)],
    }
    styles = [rule.dxf for area in sheet_of(path).conditional_formatting for rule in area.rules]
    assert styles[0].font.color.rgb == "FF" + str(GOOD.color)[1:]
    assert styles[0].fill.bgColor.rgb == "FF" + str(GOOD.fill)[1:]


def test_validations_refuse_other_input_in_every_row_to_type_into(tmp_path: Path) -> None:
    things = table(
        Column(header="Enabled", validation=OneOf(choices=("yes", "no"), message="Write yes or no.")),
        Column(
            header="Loss",
            kind=Kind.NUMBER,
            validation=NumberBetween(low=0, high=100, message="From 0 to 100."),
        ),
        spare=5,
    )
    found = sheet_of(written(view_of(things), tmp_path)).data_validations.dataValidation
    choice, limits = found
    assert (str(choice.sqref), choice.type, choice.formula1, choice.error) == (
        "A2:A6", "list", '"yes,no"', "Write yes or no.",
    )  # fmt: skip
    assert (str(limits.sqref), limits.type, limits.formula1, limits.formula2) == (
        "B2:B6",
        "decimal",
        "0",
        "100",
    )
    assert limits.error == "From 0 to 100."
    assert choice.showErrorMessage


def test_notes_are_comments_of_the_header_cells(tmp_path: Path) -> None:
    things = table(
        Column(header="p95 (ms)", note="95th percentile.\nBlank below 20 RTTs."),
        Column(header="ID", note="Hidden.", hidden=True),
    )
    sheet = sheet_of(written(view_of(things), tmp_path))
    comment = cell(sheet, "A1").comment
    assert comment is not None
    assert comment.text == "95th percentile.\nBlank below 20 RTTs."
    assert cell(sheet, "B1").comment is None


def test_columns_have_their_widths_and_hidden_ones_are_hidden(tmp_path: Path) -> None:
    things = table(
        Column(header="A", width=30), Column(header="B", width=5, hidden=True), Column(header="C", width=7)
    )
    below = table(Column(header="A2", width=40), Column(header="B2", width=9), name="Below", anchor=at(5, 0))
    aside = table(Column(header="ID", hidden=True), name="Aside", anchor=at(0, 6))
    sheets = (SheetSpec(name="Sheet", blocks=(things, below, aside), column_widths={0: 99, 4: 50}),)
    sheet = sheet_of(written(WorkbookView(spec=WorkbookSpec(title="T", sheets=sheets), rows={}), tmp_path))
    widths = {letter: round(sheet.column_dimensions[letter].width) for letter in "ACE"}
    assert widths == {"A": 41, "C": 8, "E": 51}  # Excel stores 5 px more than it shows
    assert not sheet.column_dimensions["B"].hidden  # the table below shows it
    assert sheet.column_dimensions["G"].hidden


def test_a_header_row_is_high_enough_for_its_longest_header(tmp_path: Path) -> None:
    long = Column(header="Availability in the last 24 hours (%)", width=12)
    sheet = sheet_of(written(view_of(table("Short", long)), tmp_path))
    assert (sheet.row_dimensions[1].height or 0) >= 45
    assert sheet_of(written(view_of(table("Short")), tmp_path)).row_dimensions[1].height is None


def test_headers_tell_what_is_typed_from_what_is_read_only(tmp_path: Path) -> None:
    mixed = table(Column(header="Name", typed=True), "Status")
    plain = table("Name", name="Plain", anchor=at(0, 4))
    sheet = sheet_of(written(view_of(mixed, plain), tmp_path))
    typed, read_only, other = (cell(sheet, each).fill.fgColor.rgb for each in ("A1", "B1", "E1"))
    assert typed != read_only
    assert other == typed


def test_texts_and_named_cells_stand_in_their_places_with_their_looks(tmp_path: Path) -> None:
    title = TextSpec(anchor=at(0, 0), text="=Title", style=Style(bold=True, size=16, color=BLUE, wrap=True))
    period = CellSpec(
        name="Report_from", anchor=at(1, 2), kind=Kind.INSTANT, style=Style(italic=True, fill="#FFEECC")
    )
    count = CellSpec(
        name="Total", anchor=at(2, 2), kind=Kind.NUMBER, number_format="#,##0", style=Style(align="center")
    )
    unset = CellSpec(name="Unset", anchor=at(3, 2))
    path = written(
        view_of(title, period, count, unset, cells={"Report_from": MOMENT, "Total": 1200}), tmp_path
    )
    book, sheet = opened(path), sheet_of(path)
    places = {name: each.attr_text.replace("'", "") for name, each in book.defined_names.items()}
    assert places == {"Report_from": "Sheet!$C$2", "Total": "Sheet!$C$3", "Unset": "Sheet!$C$4"}
    first = cell(sheet, "A1")
    assert (first.value, first.data_type, first.font.b, first.font.sz) == ("=Title", "s", True, 16)
    assert first.font.color is not None
    assert first.font.color.rgb == "FF0072B2"
    assert first.alignment.wrap_text
    assert cell(sheet, "C2").value == MOMENT
    assert cell(sheet, "C2").font.i
    assert cell(sheet, "C2").fill.fgColor.rgb == "FFFFEECC"
    assert (cell(sheet, "C3").value, cell(sheet, "C3").number_format) == (1200, "#,##0")
    assert cell(sheet, "C3").alignment.horizontal == "center"
    assert cell(sheet, "C4").value is None


def test_a_sheet_scrolls_prints_and_looks_as_specified(tmp_path: Path) -> None:
    sheets = (
        SheetSpec(name="Feed", blocks=(), hidden=True),
        SheetSpec(
            name="Main",
            blocks=(table("Name"),),
            freeze=at(1, 1),
            repeat_rows=(0, 0),
            tab_color=BLUE,
            gridlines=False,
        ),
        SheetSpec(name="Tall", blocks=(), landscape=False),
    )
    spec = WorkbookSpec(title="R&D 2026", sheets=sheets)
    path = written(WorkbookView(spec=spec, rows={}), tmp_path)
    book = opened(path)
    feed, main, tall = (sheet_of(path, name) for name in ("Feed", "Main", "Tall"))
    assert feed.sheet_state == "hidden"
    assert book.active is not None
    assert book.active.title == "Main"
    assert main.freeze_panes == "B2"
    assert main.print_title_rows == "$1:$1"
    assert (main.page_setup.orientation, main.page_setup.paperSize) == ("landscape", 9)
    assert (main.page_setup.fitToWidth or 1, main.page_setup.fitToHeight) == (1, 0)
    assert main.sheet_properties.pageSetUpPr is not None
    assert main.sheet_properties.pageSetUpPr.fitToPage
    assert main.sheet_properties.tabColor is not None
    assert main.sheet_properties.tabColor.rgb == "FF0072B2"
    assert not main.sheet_view.showGridLines
    assert tall.page_setup.orientation == "portrait"
    assert tall.sheet_view.showGridLines is not False
    xml = part(path, "xl/worksheets/sheet2.xml")
    assert "<oddHeader>&amp;L&amp;8R&amp;&amp;D 2026&amp;R&amp;8Main</oddHeader>" in xml
    assert "<oddFooter>&amp;L&amp;8&amp;A&amp;R&amp;8Page &amp;P of &amp;N</oddFooter>" in xml


def test_a_heading_that_begins_with_a_digit_does_not_change_the_font_size(tmp_path: Path) -> None:
    spec = WorkbookSpec(title="24 hours", sheets=(SheetSpec(name="1 h", blocks=()),))
    path = written(WorkbookView(spec=spec, rows={}), tmp_path)
    assert "&amp;L&amp;8 24 hours&amp;R&amp;8 1 h" in part(path, "xl/worksheets/sheet1.xml")


def test_a_sheet_too_wide_to_be_read_on_one_page_prints_on_several_with_its_first_column_on_each(
    tmp_path: Path,
) -> None:
    wide = table(*(Column(header=f"Column {n}", width=20) for n in range(30)))
    sheets = (SheetSpec(name="Sheet", blocks=(wide,), freeze=at(1, 1)),)
    sheet = sheet_of(written(WorkbookView(spec=WorkbookSpec(title="T", sheets=sheets), rows={}), tmp_path))
    assert sheet.page_setup.fitToWidth == 3
    assert sheet.print_title_cols == "$A:$A"


def test_a_page_begins_where_the_sheet_says_and_the_sheet_is_still_one_page_wide(tmp_path: Path) -> None:
    sheets = (SheetSpec(name="Sheet", blocks=(table("Name"),), page_starts=(3, 39)),)
    sheet = sheet_of(written(WorkbookView(spec=WorkbookSpec(title="T", sheets=sheets), rows={}), tmp_path))
    assert [each.id for each in sheet.row_breaks.brk] == [3, 39]  # Excel counts the rows above
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)


def test_a_row_is_as_high_as_its_largest_text_needs(tmp_path: Path) -> None:
    blocks = (
        TextSpec(anchor=at(0), text="Title", style=Style(size=16)),
        TextSpec(anchor=at(0, 1), text="small", style=Style(size=13)),
        TextSpec(anchor=at(1), text="plain"),
    )
    sheet = sheet_of(written(view_of(*blocks), tmp_path))
    height_points = sheet.row_dimensions[1].height
    assert height_points is not None
    assert height_points >= 16 * 1.25
    assert not sheet.row_dimensions[2].customHeight


def test_the_text_in_another_column_chooses_the_number_format_of_a_row(tmp_path: Path) -> None:
    by_unit = FormatBy(column="Unit", formats={"ms": "0.00", "%": "0.000"})
    value = Column(header="Value", kind=Kind.NUMBER, number_format="#,##0", format_by=by_unit)
    rows: list[Row] = [(1.5, "ms"), (2.5, "%"), (1000, ""), (None, "ms"), (7, None)]
    sheet = sheet_of(written(view_of(table(value, "Unit"), rows={"Things": rows}), tmp_path))
    formats = [cell(sheet, f"A{row}").number_format for row in range(2, 7)]
    assert formats == ["0.00", "0.000", "#,##0", "0.00", "#,##0"]


def test_the_same_view_gives_the_same_bytes(tmp_path: Path) -> None:
    def make(folder: str) -> bytes:
        (tmp_path / folder).mkdir()
        things = table("Name", Column(header="n", note="note"), streamed=True)
        view = view_of(things, rows={"Things": [("a", "b")] * 1000})
        return written(view, tmp_path / folder).read_bytes()

    assert make("one") == make("two")


def test_a_higher_compression_makes_a_smaller_file_of_the_same_content(tmp_path: Path) -> None:
    view = view_of(
        table("Name", number("n"), streamed=True), rows={"Things": [(f"host {n}", n) for n in range(5000)]}
    )
    write_workbook(view, tmp_path / "fast.xlsx")
    write_workbook(view, tmp_path / "small.xlsx", compression=9)
    assert (tmp_path / "small.xlsx").stat().st_size < (tmp_path / "fast.xlsx").stat().st_size
    sheet = "xl/worksheets/sheet1.xml"
    assert part(tmp_path / "small.xlsx", sheet) == part(tmp_path / "fast.xlsx", sheet)


def test_publishing_replaces_the_report_and_says_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "NetStats-report.xlsx"
    report = XlsxFile(path)
    for name in ("first", "second"):
        assert report.publish(view_of(TextSpec(anchor=at(), text=name))) == str(path)
    audit(path)
    assert sheet_of(path)["A1"].value == "second"
    assert [each.name for each in tmp_path.iterdir()] == ["NetStats-report.xlsx"]


@pytest.mark.parametrize("column", [0, 25, 26, 51, 701, 702, 16_383])
def test_columns_are_lettered_as_spreadsheets_letter_them(column: int) -> None:
    assert column_letters(column) == get_column_letter(column + 1)
    assert cell_name(6, column, row_fixed=True) == f"{get_column_letter(column + 1)}$7"
