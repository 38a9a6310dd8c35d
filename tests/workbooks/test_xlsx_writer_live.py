"""What the template of a live workbook has besides a report: room to grow, lists that follow, titles from cells."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl.workbook.defined_name import DefinedName

from netstats_xl.domain.views import (
    Block,
    CellSpec,
    ChartKind,
    ChartSpec,
    Column,
    ColumnRef,
    Kind,
    OneOf,
    OneOfColumn,
    Row,
    SeriesSpec,
    SheetSpec,
    SparklineSpec,
    Style,
    TableSpec,
    TextEquals,
    TextSpec,
    WorkbookView,
)
from netstats_xl.errors import ViewUnsupported
from tests.workbooks.written import (
    at,
    cell,
    converted,
    needs_libreoffice,
    number,
    opened,
    part,
    sheet_of,
    table,
    view_of,
    written,
)

CHOICES = SheetSpec(
    name="Chart data",
    blocks=(table("Jobs", "Details of", name="Choices", anchor=at(0, 1)),),
    hidden=True,
)
OFFERED = OneOfColumn(source=ColumnRef(table="Choices", column="Details of"), message="A name.")


def roomy(*columns: Column, room: int = 50, name: str = "Things", row: int = 0) -> TableSpec:
    return replace(table(*columns, name=name, anchor=at(row)), room=room)


def offering(tmp_path: Path) -> Path:
    typed = table(Column(header="What", typed=True, validation=OFFERED))
    rows: dict[str, list[Row]] = {
        "Things": [("Web",)],
        "Choices": [("*", "Web"), (None, "Job"), (None, "Gateway")],
    }
    return written(view_of(typed, rows=rows, more=[CHOICES]), tmp_path)


def test_a_drop_down_of_a_column_goes_through_a_hidden_name_that_follows_the_column(tmp_path: Path) -> None:
    path = offering(tmp_path)
    [validation] = sheet_of(path).data_validations.dataValidation
    assert (validation.type, validation.formula1) == ("list", "List_Choices_Details_of")
    name = opened(path).defined_names["List_Choices_Details_of"]
    cells = "'Chart data'!$C$2:$C$1048576"
    assert name.hidden
    assert name.value == f"'Chart data'!$C$2:INDEX({cells},MAX(1,COUNTA({cells})))"


def test_a_drop_down_of_a_column_takes_other_input(tmp_path: Path) -> None:
    [validation] = sheet_of(offering(tmp_path)).data_validations.dataValidation
    assert not validation.showErrorMessage


@pytest.mark.parametrize("strict", [True, False])
def test_choices_that_are_not_strict_take_other_input(tmp_path: Path, strict: bool) -> None:
    choice = OneOf(choices=("10s", "1m"), message="So often.", strict=strict)
    typed = table(Column(header="Interval", typed=True, validation=choice))
    path = written(view_of(typed, rows={"Things": [("10s",)]}), tmp_path)
    [validation] = sheet_of(path).data_validations.dataValidation
    assert bool(validation.showErrorMessage) is strict


@pytest.mark.libreoffice
@needs_libreoffice
def test_libreoffice_offers_the_filled_cells_of_the_column(tmp_path: Path) -> None:
    # What a drop-down offers shows only on screen; what its name stands for can be computed.
    book = opened(offering(tmp_path))
    sheet = book["Sheet"]
    for row, header in enumerate(("Details_of", "Jobs"), start=1):
        sheet[f"F{row}"] = f"=ROWS(List_Choices_{header})"
    sheet["F3"] = '=INDEX(List_Choices_Details_of,3)&""'
    book.defined_names["List_Choices_Jobs"] = DefinedName(
        "List_Choices_Jobs",
        attr_text=book.defined_names["List_Choices_Details_of"].value.replace("$C$", "$B$"),
    )
    computed = tmp_path / "computed.xlsx"
    book.save(computed)
    with converted(computed, "csv", tmp_path).open(encoding="utf-8") as file:
        assert [row[5] for row in csv.reader(file)][:3] == ["3", "1", "Gateway"]


def test_conditional_formats_and_drop_downs_reach_into_the_room(tmp_path: Path) -> None:
    choice = OneOf(choices=("Up",), message="A state.")
    red = TextEquals(text="Down", style=Style(color="#FF0000"))
    path = written(
        view_of(roomy(Column(header="State", rules=(red,), validation=choice)), rows={"Things": [("Up",)]}),
        tmp_path,
    )
    sheet = sheet_of(path)
    assert [str(each.sqref) for each in sheet.conditional_formatting] == ["A2:A51"]
    assert [str(each.sqref) for each in sheet.data_validations.dataValidation] == ["A2:A51"]
    assert sheet.tables["Things"].ref == "A1:A2"


def test_room_has_the_columns_formats_and_costs_no_cells(tmp_path: Path) -> None:
    columns = (number("Loss (%)", "0.000"), Column(header="Seen", kind=Kind.INSTANT, width=30))
    path = written(view_of(roomy(*columns, room=100_000), rows={"Things": [(1.0, None)]}), tmp_path)
    sheet = sheet_of(path)
    assert (cell(sheet, "A2").number_format, sheet.max_row) == ("0.000", 2)
    xml = part(path, "xl/worksheets/sheet1.xml")
    styles = [xml.split(f'<col min="{at}"')[1].split("/>")[0] for at in (1, 2)]
    assert all('style="' in style for style in styles)
    assert sheet.column_dimensions["A"].number_format == "0.000"
    assert sheet.column_dimensions["B"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert 'width="30' in styles[1]


def test_the_fill_of_a_column_does_not_colour_the_sheet_below_its_table(tmp_path: Path) -> None:
    grey = Column(header="Status", style=Style(fill="#EEEEEE", color="#404040"))
    path = written(view_of(roomy(grey), rows={"Things": [("Up",)]}), tmp_path)
    sheet = sheet_of(path)
    assert cell(sheet, "A2").fill.fgColor.rgb == "FFEEEEEE"
    assert sheet.column_dimensions["A"].fill.fill_type is None
    assert 'dataDxfId="0"' in part(path, "xl/tables/table1.xml")
    assert "EEEEEE" in part(path, "xl/styles.xml").split("<dxfs")[1]


def test_of_tables_that_share_columns_only_the_lowest_uses_the_columns_format(tmp_path: Path) -> None:
    upper = roomy(number("Loss (%)", "0.000"), name="Upper", room=3)
    lower = roomy(number("RTT (ms)", "0.0"), name="Lower", row=10)
    path = written(view_of(upper, lower, rows={"Upper": [(1.0,)], "Lower": [(2.0,)]}), tmp_path)
    sheet = sheet_of(path)
    assert [cell(sheet, f"A{row}").number_format for row in (2, 3, 4, 12)] == [
        "0.000",
        "0.000",
        "0.000",
        "0.0",
    ]
    assert sheet.column_dimensions["A"].number_format == "0.0"


def test_sparklines_stand_ready_in_the_room(tmp_path: Path) -> None:
    things = roomy(Column(header="Name"), Column(header="Trend"), number("1"), number("2"), room=4)
    spark = SparklineSpec(
        table="Things", column="Trend", source="Things", first_column="1", last_column="2", color="#0000FF"
    )
    path = written(view_of(things, spark, rows={"Things": [("a", None, 1.0, 2.0)]}), tmp_path)
    xml = part(path, "xl/worksheets/sheet1.xml")
    assert [f"<xm:sqref>B{row}</xm:sqref>" in xml for row in range(2, 7)] == [True] * 4 + [False]
    assert "<xm:f>Sheet!C5:D5</xm:f>" in xml.replace("'", "")


def titled(title: str | None, cell_value: str | None) -> WorkbookView:
    things = table("Name", number("Loss (%)"))
    series = SeriesSpec(
        name="Loss (%)",
        values=ColumnRef(table="Things", column="Loss (%)"),
        categories=ColumnRef(table="Things", column="Name"),
        color="#0000FF",
    )
    chart = ChartSpec(
        name="Worst",
        anchor=at(0, 4),
        width_px=300,
        height_px=200,
        kind=ChartKind.BAR,
        title="No data yet",
        title_cell=title,
        description="Loss by name.",
        series=(series,),
    )
    blocks: tuple[Block, ...] = (things, CellSpec(name="Worst_title", anchor=at(9, 3)), chart)
    return view_of(*blocks, rows={"Things": [("a", 1.0)]}, cells={"Worst_title": cell_value})


@pytest.mark.parametrize(("held", "shown"), [("Worst & best", "Worst &amp; best"), (None, "No data yet")])
def test_a_title_shows_what_its_cell_holds(tmp_path: Path, held: str | None, shown: str) -> None:
    path = written(titled("Worst_title", held), tmp_path)
    title = part(path, "xl/charts/chart1.xml").split("<c:title>")[1].split("</c:title>")[0]
    assert "<c:f>'Sheet'!$D$10</c:f>" in title
    assert f"<c:v>{shown}</c:v>" in title


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (replace(table("Name"), key="ID"), "the key of the table Things is no column of it"),
        (replace(table("Name"), room=1_048_576), "reaches beyond the sheet"),
        (table(Column(header="What", validation=OFFERED)), "needs the table 'Choices'"),
    ],
)
def test_what_a_live_table_needs_is_checked(tmp_path: Path, block: TableSpec, problem: str) -> None:
    with pytest.raises(ViewUnsupported, match=problem):
        written(view_of(block), tmp_path)


def test_a_title_needs_its_cell(tmp_path: Path) -> None:
    with pytest.raises(ViewUnsupported, match="the title of the chart Worst needs the cell 'Elsewhere'"):
        written(titled("Elsewhere", None), tmp_path)


def test_a_list_and_a_cell_do_not_share_a_name(tmp_path: Path) -> None:
    typed = table(Column(header="What", validation=OFFERED))
    rival = CellSpec(name="list_choices_details_of", anchor=at(9))
    with pytest.raises(ViewUnsupported, match="two have the table, cell or list name"):
        written(view_of(typed, rival, TextSpec(anchor=at(8), text="x"), more=[CHOICES]), tmp_path)
