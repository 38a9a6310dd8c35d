"""What the format cannot hold is refused with every reason, and what goes wrong is told in plain words."""

import errno
import inspect
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from xlsxwriter import exceptions as xlsx

from netstats_xl.domain.views import (
    BAD,
    BLUE,
    Aggregate,
    Anchor,
    AtLeast,
    Axis,
    Block,
    CellSpec,
    ChartKind,
    ChartSpec,
    Column,
    ColumnRef,
    FormatBy,
    NumberBetween,
    OneOf,
    PivotChartSpec,
    PivotRatio,
    PivotSpec,
    PivotValue,
    Row,
    SeriesSpec,
    SheetSpec,
    SparklineSpec,
    TableSpec,
    TextEquals,
    TextSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.errors import StoreError, ViewUnsupported, WorkbookError
from netstats_xl.workbooks import xlsx_tables
from netstats_xl.workbooks.xlsx_faults import OS_FAULTS, XLSXWRITER_FAULTS, translated, translating
from netstats_xl.workbooks.xlsx_rules import accepted
from netstats_xl.workbooks.xlsx_writer import XlsxFile, write_workbook
from tests.workbooks.written import at, number, sheet_of, table, view_of, written

THINGS = table("Name", number("n"))
SERIES = SeriesSpec(
    name="n",
    values=ColumnRef(table="Things", column="n"),
    categories=ColumnRef(table="Things", column="Name"),
    color=BLUE,
)
CHART = ChartSpec(
    name="Chart",
    anchor=at(),
    width_px=9,
    height_px=9,
    kind=ChartKind.LINE,
    title="",
    description="",
    series=(SERIES,),
)
SUM = PivotValue(column="n", aggregate=Aggregate.SUM, caption="Sum")
RATIO = PivotRatio(caption="Ratio", plus="n", divisor="n")
PIVOT = PivotSpec(name="Pivot", anchor=at(9), source="Things", rows=("Name",), values=(SUM,))
PIVOT_CHART = PivotChartSpec(
    name="Pivot chart", anchor=at(), width_px=9, height_px=9, kind=ChartKind.BAR, title="", description="",
    pivot="Pivot", colors=(BLUE,), value_axis=Axis(),
)  # fmt: skip


def with_column(**parts: object) -> TableSpec:
    return table(replace(Column(header="Name"), **parts))  # type: ignore[arg-type] # the cases name the fields


def a_sheet(name: str) -> WorkbookView:
    return WorkbookView(spec=WorkbookSpec(title="T", sheets=(SheetSpec(name=name, blocks=()),)), rows={})


@pytest.mark.parametrize(
    "name", ["", "x" * 32, "a/b", "a[b]", "a:b", "what?", "'quoted", "quoted'", "History"]
)
def test_a_sheet_name_that_excel_refuses_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ViewUnsupported, match="cannot name a sheet"):
        write_workbook(a_sheet(name), tmp_path / "x.xlsx")


@pytest.mark.parametrize("name", ["A", "x" * 31, "It's 100 % <&>", "日本語"])
def test_any_other_sheet_name_is_taken(tmp_path: Path, name: str) -> None:
    assert sheet_of(written(a_sheet(name), tmp_path), name).title == name


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "A1", "XFD99", "R1C1", "r", "C", "R7", "x" * 256])
@pytest.mark.parametrize("kind", ["table", "cell"])
def test_a_table_or_cell_name_that_excel_refuses_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    block = table("a", name=name) if kind == "table" else CellSpec(name=name, anchor=at())
    with pytest.raises(ViewUnsupported, match="cannot name a table or cell"):
        write_workbook(view_of(block), tmp_path / "x.xlsx")


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ([THINGS, table("a", name="THINGS", anchor=at(0, 5))], "two have the table, cell or list name 'THINGS'"),
        ([THINGS, CellSpec(name="things", anchor=at(0, 5))], "two have the table, cell or list name 'things'"),
        ([THINGS, CHART, replace(CHART, name="chart")], "two have the chart name 'chart'"),
        ([THINGS, PIVOT, replace(PIVOT, name="PIVOT")], "two have the pivot name 'PIVOT'"),
        ([table("Name", "NAME")], "two have the Things column name 'NAME'"),
        ([table(" ")], "a column without a header"),
        ([table("x" * 256)], "a header of more than 255 characters"),
        ([table()], "the table Things has no columns"),
        ([table("a", anchor=at(0, 16_384))], "reaches beyond the sheet"),
        ([table("a", anchor=at(1_048_575))], "reaches beyond the sheet"),
        ([TextSpec(anchor=Anchor(row=-1, column=0), text="x")], "is no cell of a sheet"),
        ([with_column(rules=(AtLeast(style=BAD, column="Limit"),))], "needs the column 'Limit'"),
        ([with_column(rules=(TextEquals(text="x" * 256, style=BAD),))], "compares with more than 255 characters"),
        ([with_column(format_by=FormatBy(column="Unit", formats={}))], "need another column"),
        ([with_column(validation=OneOf(choices=(), message=""))], "must be texts without commas"),
        ([with_column(validation=OneOf(choices=("a,b",), message=""))], "must be texts without commas"),
        ([with_column(validation=OneOf(choices=("x" * 200, "y" * 60), message=""))], "more than 255 characters"),
        ([with_column(validation=OneOf(choices=("x",), message="y" * 256))], "message of Things"),
        ([with_column(validation=NumberBetween(low=2, high=1, message=""))], "the wrong way round"),
        ([replace(THINGS, streamed=True), table("a", name="Other", anchor=at(0, 5))], "is streamed"),
        ([replace(THINGS, streamed=True), TextSpec(anchor=at(0, 5), text="x")], "is streamed"),
        ([CHART], "the chart Chart needs the table 'Things'"),
        ([table("Name"), CHART], "needs the column Things[n]"),
        ([THINGS, replace(CHART, series=())], "no series of its own kind"),
        ([THINGS, replace(CHART, series=(SERIES, replace(SERIES, kind=ChartKind.PIE)))], "other than lines and col"),
        ([THINGS, replace(CHART, kind=ChartKind.PIE, series=(SERIES, SERIES))], "a pie of several series"),
        (
            [
                THINGS,
                SparklineSpec(
                    table="Things", column="x", source="None", first_column="", last_column="", color=BLUE
                ),
            ],
            "needs the column Things[x]; the sparklines of Things needs the table 'None'",
        ),
        ([THINGS, replace(PIVOT, rows=("x",))], "needs the column Things[x]"),
        ([THINGS, replace(PIVOT, source="x")], "needs the table 'x'"),
        ([THINGS, replace(PIVOT, rows=())], "needs a row field and a value"),
        ([THINGS, replace(PIVOT, values=())], "needs a row field and a value"),
        ([THINGS, replace(PIVOT, filters=("Name",))], "two have the Pivot field name 'Name'"),
        ([THINGS, replace(PIVOT, values=(replace(SUM, caption="N"),))], "two have the Pivot value name 'n'"),
        ([THINGS, replace(PIVOT, values=(RATIO,))], "must stand after its plain values"),
        ([THINGS, replace(PIVOT, values=(RATIO, SUM))], "must stand after its plain values"),
        ([THINGS, replace(PIVOT, rows=("n",), columns=("Name",), values=(SUM, RATIO))], "no column fields"),
        ([THINGS, PIVOT_CHART], "needs the pivot 'Pivot'"),
        ([THINGS, replace(PIVOT, rows=("Name", "n")), PIVOT_CHART], "needs a pivot with one row field"),
        ([THINGS, PIVOT, replace(PIVOT_CHART, colors=())], "has no colours"),
    ],
)  # fmt: skip
def test_what_excel_would_not_open_is_refused(tmp_path: Path, blocks: list[Block], reason: str) -> None:
    with pytest.raises(ViewUnsupported) as raised:
        write_workbook(view_of(*blocks), tmp_path / "x.xlsx")
    assert reason in raised.value.message
    assert list(tmp_path.iterdir()) == []


def test_every_reason_is_given_at_once(tmp_path: Path) -> None:
    view = WorkbookView(
        spec=WorkbookSpec(title="T", sheets=(SheetSpec(name="a/b", blocks=(table(""),), hidden=True),)),
        rows={"Lost": []},
        cells={"Missing": 1},
    )
    with pytest.raises(ViewUnsupported) as raised:
        write_workbook(view, tmp_path / "x.xlsx")
    for reason in ("no visible sheet", "'a/b'", "without a header", "the table 'Lost'", "the cell 'Missing'"):
        assert reason in raised.value.message


def test_two_sheets_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ViewUnsupported, match="two have the sheet name 'SHEET'"):
        write_workbook(view_of(more=[SheetSpec(name="SHEET", blocks=())]), tmp_path / "x.xlsx")


def test_tables_that_overlap_are_refused(tmp_path: Path) -> None:
    view = view_of(table("a", name="One"), table("b", name="Two", anchor=at(1)), rows={"One": [("x",)]})
    with pytest.raises(ViewUnsupported, match="overlaps"):
        write_workbook(view, tmp_path / "x.xlsx")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("a",), "Row 2 of the table Things has 1 values for 2 columns"),
        (("a", datetime(2026, 1, 1, tzinfo=UTC)), "no time zone"),
        (("a", time(1, tzinfo=UTC)), "no time zone"),
        (("a", object()), "cannot hold a object"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(tmp_path: Path, streamed: bool, row: Row, reason: str) -> None:
    things = replace(THINGS, streamed=streamed)
    with pytest.raises(ViewUnsupported, match=reason):
        write_workbook(view_of(things, rows={"Things": [("x", 1), row]}), tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("streamed", [False, True])
def test_more_rows_than_a_sheet_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    monkeypatch.setattr(xlsx_tables, "MOST_ROWS", 10)
    things = table(number("n"), anchor=at(2), spare=1, streamed=streamed)
    written(view_of(things, rows={"Things": [(n,) for n in range(6)]}), tmp_path)
    with pytest.raises(ViewUnsupported, match="more than 6 rows, which is all that a sheet holds"):
        write_workbook(view_of(things, rows={"Things": [(n,) for n in range(7)]}), tmp_path / "x.xlsx")


def test_what_xlsxwriter_leaves_out_is_an_error() -> None:
    accepted(0, "a table")
    accepted(None, "a chart")
    with pytest.raises(ViewUnsupported, match="does not take a table"):
        accepted(-2, "a table")


def test_an_error_of_the_rows_themselves_is_left_as_it_is(tmp_path: Path) -> None:
    def rows() -> Iterator[Row]:
        yield ("a", 1)
        raise StoreError("the database went away")

    with pytest.raises(StoreError, match="went away"):
        write_workbook(view_of(THINGS, rows={"Things": rows()}), tmp_path / "x.xlsx")


def test_a_report_that_is_open_elsewhere_gets_a_numbered_sibling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.xlsx"
    path.write_text("open in Excel")
    really_replace = Path.replace

    def replace_unless_locked(self: Path, target: Path) -> Path:
        if target == path:
            raise PermissionError(errno.EACCES, "in use", str(target))
        return really_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_unless_locked)
    assert XlsxFile(path).publish(view_of(THINGS)) == str(tmp_path / "report (2).xlsx")
    assert path.read_text() == "open in Excel"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report (2).xlsx", "report.xlsx"]
    with pytest.raises(WorkbookError, match=r"may not be written\. Close the programs that have it open"):
        write_workbook(view_of(THINGS), path)


def test_a_folder_that_does_not_exist_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "report.xlsx"
    with pytest.raises(WorkbookError, match=r"its folder does not exist\. Create the folder") as raised:
        XlsxFile(path).publish(view_of(THINGS))
    assert str(path) in raised.value.message


def test_a_full_disk_keeps_the_old_report_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.xlsx"
    path.write_text("old")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(WorkbookError, match=r"the disk is full\. Free some space"):
        XlsxFile(path).publish(view_of(THINGS))
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.xlsx"]


@pytest.mark.parametrize("folder", [Path(), Path("/"), Path("..")])
def test_a_folder_in_place_of_the_file_is_named(folder: Path) -> None:
    with pytest.raises(WorkbookError, match=r"cannot be written: it is a folder\. Name a file"):
        XlsxFile(folder).publish(view_of(THINGS))
    with pytest.raises(WorkbookError, match=r"cannot be written: it is a folder\. Name a file"):
        write_workbook(view_of(THINGS), folder)


@pytest.mark.parametrize("number", OS_FAULTS)
def test_every_fault_of_the_system_names_the_file_the_reason_and_the_remedy(number: int) -> None:
    what, remedy = OS_FAULTS[number]
    error = translated(OSError(number, "in the system's words"), Path("report.xlsx"))
    assert type(error) is WorkbookError
    assert error.message == f"report.xlsx cannot be written: {what}. {remedy}"


def test_an_unknown_fault_of_the_system_is_told_in_its_own_words() -> None:
    assert "strange thing" in translated(OSError(9999, "strange thing"), Path("r")).message
    assert "no number" in translated(OSError("no number"), Path("r")).message


def test_every_exception_of_xlsxwriter_is_in_the_table() -> None:
    known = {each for _, each in inspect.getmembers(xlsx, inspect.isclass) if issubclass(each, Exception)}
    assert known == set(XLSXWRITER_FAULTS)
    for each in known:
        assert type(translated(each("why"), Path("r.xlsx"))) is XLSXWRITER_FAULTS[each]


def test_the_fault_inside_xlsxwriters_exception_is_the_one_that_counts() -> None:
    inner = OSError(errno.ENOSPC, "No space left on device")
    assert "the disk is full" in translated(xlsx.FileCreateError(inner), Path("r.xlsx")).message
    with pytest.raises(ViewUnsupported, match="too large") as raised, translating(Path("r.xlsx")):
        raise zipfile.LargeZipFile
    assert isinstance(raised.value.__cause__, zipfile.LargeZipFile)
