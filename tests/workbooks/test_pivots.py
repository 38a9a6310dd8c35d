"""What a pivot shows, computed here as pandas computes it, and as native parts of the package."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.pivot.table import TableDefinition

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.views import (
    BLUE,
    ORANGE,
    Aggregate,
    Axis,
    Block,
    ChartKind,
    PivotChartSpec,
    PivotRatio,
    PivotSpec,
    PivotValue,
    Row,
    SheetSpec,
    WorkbookView,
)
from netstats_xl.errors import ViewUnsupported
from netstats_xl.workbooks import pivots
from netstats_xl.workbooks.pivot_parts import caches_of, formula
from netstats_xl.workbooks.pivots import PivotLayout, PivotTally
from tests.workbooks.written import at, number, part, parts, sheet_of, table, view_of, written

HEADERS = ("Destination", "Group", "Hour", "Sent", "Received", "p95 (ms)")
SOURCE = table("Destination", "Group", *(number(each) for each in HEADERS[2:]), name="Hourly", streamed=True)
ROWS: list[Row] = [
    ("web", "core", 1, 100, 90, 40.0),
    ("Alpha", "edge", 1, 50, 50, 10.0),
    ("web", "core", 2, 300, 300, 60.0),
    ("Alpha", "edge", 10, 50, 0, None),
]
MAX = PivotValue(column="p95 (ms)", aggregate=Aggregate.MAX, caption="Worst p95 (ms)", number_format="0.0")
SENT = PivotValue(column="Sent", aggregate=Aggregate.SUM, caption="Packets sent", number_format="#,##0")
LOSS = PivotRatio(
    caption="Loss (%)", plus="Sent", minus="Received", divisor="Sent", factor=100, number_format="0.000"
)
BY_DESTINATION = PivotSpec(
    name="By_destination", anchor=at(2, 1), source="Hourly", rows=("Destination",), filters=("Group",),
    values=(MAX, SENT, LOSS),
)  # fmt: skip
BY_HOUR = PivotSpec(
    name="By_hour", anchor=at(2, 8), source="Hourly", rows=("Hour",), columns=("Group",), values=(MAX,)
)
CHART = PivotChartSpec(
    name="Pivot chart", anchor=at(20), width_px=480, height_px=300, kind=ChartKind.COLUMN, title="Worst p95",
    description="Worst p95 by hour", pivot="By_hour", colors=(BLUE, ORANGE), value_axis=Axis(title="ms"),
)  # fmt: skip


def laid_out(spec: PivotSpec, rows: Sequence[Row] = ROWS, headers: Sequence[str] = HEADERS) -> PivotLayout:
    tally = PivotTally(spec, headers)
    for row in rows:
        tally.add(row)
    return tally.layout()


def grid(layout: PivotLayout) -> list[list[CellValue]]:
    """The body as rows of cells."""
    shown: list[list[CellValue]] = [[None] * layout.width for _ in range(layout.height)]
    for cell in layout.cells:
        if cell.row >= layout.body_row:
            shown[cell.row - layout.body_row][cell.column] = cell.value
    return shown


def test_several_values_stand_side_by_side_below_a_row_that_says_so() -> None:
    assert grid(laid_out(BY_DESTINATION)) == [
        [None, "Values", None, None],
        ["Destination", "Worst p95 (ms)", "Packets sent", "Loss (%)"],
        ["Alpha", 10.0, 100, 50.0],
        ["web", 60.0, 400, 2.5],
        ["Grand Total", 60.0, 500, 12.0],
    ]


def test_filters_stand_above_with_a_blank_row_between() -> None:
    layout = laid_out(BY_DESTINATION)
    assert [(cell.row, cell.column, cell.value) for cell in layout.cells if cell.row < layout.body_row] == [
        (0, 0, "Group"),
        (0, 1, "(All)"),
    ]
    assert layout.body_row == 2


def test_column_fields_spread_the_value_and_have_a_total() -> None:
    assert grid(laid_out(BY_HOUR)) == [
        ["Worst p95 (ms)", "Group", None, None],
        ["Hour", "core", "edge", "Grand Total"],
        [1, 40.0, 10.0, 40.0],
        [2, 60.0, None, 60.0],
        [10, None, None, None],
        ["Grand Total", 60.0, 10.0, 60.0],
    ]


def test_columns_of_several_values_have_a_caption_each() -> None:
    layout = laid_out(replace(BY_HOUR, values=(MAX, SENT)))
    assert grid(layout)[:4] == [
        [None, "Group", None, None, None, None, None],
        [None, "core", None, "edge", None, "Grand Total", None],
        ["Hour", *["Worst p95 (ms)", "Packets sent"] * 3],
        [1, 40.0, 100, 10.0, 50, 40.0, 150],
    ]
    assert layout.series == [
        "core - Worst p95 (ms)", "core - Packets sent", "edge - Worst p95 (ms)", "edge - Packets sent",
    ]  # fmt: skip


def test_outer_labels_are_not_repeated_and_there_are_no_subtotals() -> None:
    layout = laid_out(replace(BY_DESTINATION, rows=("Group", "Destination"), values=(SENT,), filters=()))
    assert grid(layout) == [
        ["Group", "Destination", "Packets sent"],
        ["core", "web", 400],
        ["edge", "Alpha", 100],
        ["Grand Total", None, 500],
    ]
    twice = [*ROWS, ("db", "core", 1, 7, 7, 1.0)]
    layout = laid_out(
        replace(BY_DESTINATION, rows=("Group", "Destination"), values=(SENT,), filters=()), twice
    )
    assert [row[:2] for row in grid(layout)[1:3]] == [["core", "db"], [None, "web"]]


def test_every_aggregate_leaves_blanks_out() -> None:
    values = tuple(PivotValue(column="p95 (ms)", aggregate=each, caption=each.value) for each in Aggregate)
    total = grid(laid_out(replace(BY_HOUR, columns=(), values=values)))[-1]
    assert dict(zip([each.value for each in Aggregate], total[1:], strict=True)) == {
        "sum": 110.0, "average": pytest.approx(110 / 3), "min": 10.0, "max": 60.0, "count": 3,
    }  # fmt: skip


def test_a_ratio_of_nothing_is_blank() -> None:
    rows: list[Row] = [("a", "g", 1, 0, 0, None)]
    assert grid(laid_out(BY_DESTINATION, rows))[2] == ["a", None, 0, None]


def test_a_pivot_of_no_rows_is_its_headers_and_a_blank_total() -> None:
    layout = laid_out(BY_DESTINATION, [])
    assert grid(layout)[2:] == [["Grand Total", None, None, None]]
    assert layout.items == 0


def test_items_are_sorted_as_spreadsheets_sort_them() -> None:
    labels: list[CellValue] = [None, "b", "A", 10, 9.5, True, date(2026, 1, 2), ErrorValue("#N/A"), "", "a"]
    layout = laid_out(
        replace(BY_HOUR, rows=("Label",), columns=(), values=(SENT,)),
        [(each, 1) for each in labels],
        ("Label", "Sent"),
    )
    shown = [row[0] for row in grid(layout)[1:-1]]
    assert shown == [9.5, 10, date(2026, 1, 2), "A", "a", "b", True, ErrorValue("#N/A"), "(blank)", "(blank)"]


def test_a_pivot_with_too_many_groups_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pivots, "_MOST_GROUPS", 3)
    with pytest.raises(ViewUnsupported, match="By_hour would have more than 3 groups"):
        laid_out(BY_HOUR)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 3), st.integers(0, 100), st.integers(0, 100),
            st.none() | st.floats(-1e6, 1e6),
        ),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from(Aggregate),
)  # fmt: skip
def test_groups_agree_with_pandas(rows: list[Row], aggregate: Aggregate) -> None:
    value = PivotValue(column="p95 (ms)", aggregate=aggregate, caption="Value")
    layout = laid_out(replace(BY_HOUR, rows=("Destination", "Hour"), values=(value,)), rows)
    frame = pd.DataFrame(rows, columns=list(HEADERS)).astype({"p95 (ms)": float})
    grouped = frame.groupby(["Destination", "Hour", "Group"])["p95 (ms)"]
    expected = {
        Aggregate.SUM: grouped.sum(min_count=1),
        Aggregate.AVERAGE: grouped.mean(),
        Aggregate.MIN: grouped.min(),
        Aggregate.MAX: grouped.max(),
        Aggregate.COUNT: grouped.count().where(lambda count: count > 0),
    }[aggregate].dropna()
    body = grid(layout)
    groups = body[1][2:-1]
    found: dict[object, CellValue] = {}
    label: CellValue = None
    for row in body[2:-1]:
        label = row[0] if row[0] is not None else label
        found |= {
            (label, row[1], group): each
            for group, each in zip(groups, row[2:-1], strict=True)
            if each is not None
        }
    assert found == pytest.approx(expected.to_dict(), abs=1e-6)


def pivots_of(path: Path, sheet: str = "Sheet") -> list[TableDefinition]:
    found: list[TableDefinition] = sheet_of(path, sheet)._pivots  # type: ignore[attr-defined] # there is no public way
    return found


def both(chart: bool = True) -> WorkbookView:
    blocks: list[Block] = [BY_DESTINATION, BY_HOUR, *([CHART] if chart else [])]
    return view_of(*blocks, rows={"Hourly": ROWS}, more=[SheetSpec(name="Hourly", blocks=(SOURCE,))])


def test_pivots_are_native_parts_that_openpyxl_knows(tmp_path: Path) -> None:
    path = written(both(), tmp_path)
    assert [name for name in parts(path) if "ivot" in name and "rels" not in name] == [
        "xl/pivotCache/pivotCacheDefinition1.xml",
        "xl/pivotTables/pivotTable1.xml",
        "xl/pivotTables/pivotTable2.xml",
    ]
    first, second = pivots_of(path)
    assert (first.name, second.name) == ("By_destination", "By_hour")
    assert (first.location.ref, second.location.ref) == ("B5:E9", "I3:L8")
    assert (first.location.rowPageCount, first.location.firstDataRow, first.location.firstDataCol) == (
        1,
        2,
        1,
    )
    assert (second.location.firstHeaderRow, second.location.firstDataRow) == (1, 2)
    assert first.cache.cacheSource.worksheetSource.name == "Hourly"
    assert [each.name for each in first.cache.cacheFields] == [*HEADERS, "Loss (%) ratio"]
    assert first.cache.cacheFields[-1].formula == "100*('Sent'-'Received')/'Sent'"
    assert [(each.name, each.subtotal, each.fld) for each in first.dataFields] == [
        ("Worst p95 (ms)", "max", 5),
        ("Packets sent", "sum", 3),
        ("Loss (%)", "sum", 6),
    ]


def test_a_pivot_is_computed_when_the_workbook_is_opened_and_keeps_no_copy_of_its_source(
    tmp_path: Path,
) -> None:
    cache = part(written(both(), tmp_path), "xl/pivotCache/pivotCacheDefinition1.xml")
    assert 'refreshOnLoad="1"' in cache
    assert 'saveData="0"' in cache
    assert not [name for name in parts(tmp_path / "written.xlsx") if "Records" in name]
    workbook = part(tmp_path / "written.xlsx", "xl/workbook.xml")
    assert re.search(
        r'<calcPr calcId="\d+"/><pivotCaches><pivotCache cacheId="1" r:id="\w+"/></pivotCaches>', workbook
    )


def test_values_have_their_number_formats_before_and_after_they_are_computed_anew(tmp_path: Path) -> None:
    path = written(both(), tmp_path)
    styles = part(path, "xl/styles.xml")
    codes = {int(n): code for n, code in re.findall(r'numFmtId="(\d+)" formatCode="([^"]*)"', styles)}
    first = pivots_of(path)[0]
    shown = [codes.get(each.numFmtId, each.numFmtId) for each in first.dataFields]
    assert shown == ["0.0", "#,##0", "0.000"]
    sheet = sheet_of(path)
    assert [sheet[each].number_format for each in ("C7", "D7", "E7")] == ["0.0", "#,##0", "0.000"]


@pytest.mark.parametrize("rows", [[], ROWS])
@pytest.mark.parametrize("code", ["", "General", "0", "0.00", "0.00%", "#,##0.0 [$ms]", 'yyyy "<&>"'])
def test_any_number_format_is_found_with_or_without_rows(tmp_path: Path, rows: list[Row], code: str) -> None:
    pivot = replace(BY_HOUR, values=(replace(MAX, number_format=code),))
    path = written(
        view_of(pivot, rows={"Hourly": rows}, more=[SheetSpec(name="Hourly", blocks=(SOURCE,))]), tmp_path
    )
    assert pivots_of(path)


def test_the_result_stands_in_the_cells_for_viewers_that_compute_nothing(tmp_path: Path) -> None:
    sheet = sheet_of(written(both(), tmp_path))
    assert [[each.value for each in row] for row in sheet["B3:E9"]] == [
        ["Group", "(All)", None, None],
        [None, None, None, None],
        [None, "Values", None, None],
        ["Destination", "Worst p95 (ms)", "Packets sent", "Loss (%)"],
        ["Alpha", 10, 100, 50],
        ["web", 60, 400, 2.5],
        ["Grand Total", 60, 500, 12],
    ]
    assert sheet.column_dimensions["C"].width > len("Worst p95 (ms)")


def test_a_pivot_chart_names_its_pivot_and_draws_its_body(tmp_path: Path) -> None:
    xml = part(written(both(), tmp_path), "xl/charts/chart1.xml")
    assert "<c:pivotSource><c:name>[written.xlsx]Sheet!By_hour</c:name>" in xml
    names = {"c": "http://schemas.openxmlformats.org/drawingml/2006/chart"}
    root = ET.fromstring(xml)
    assert [each.text for each in root.iterfind(".//c:val/c:numRef/c:f", names)] == [
        "'Sheet'!$J$5:$J$7", "'Sheet'!$K$5:$K$7",
    ]  # fmt: skip
    assert {each.text for each in root.iterfind(".//c:cat//c:f", names)} == {"'Sheet'!$I$5:$I$7"}
    assert [each.text for each in root.iterfind(".//c:ser/c:tx//c:v", names)] == ["core", "edge"]


def test_a_chart_over_a_table_is_no_pivot_chart_and_a_pivot_needs_no_chart(tmp_path: Path) -> None:
    assert not [name for name in parts(written(both(chart=False), tmp_path)) if "chart" in name]


def test_pivots_of_one_source_share_a_cache_and_others_have_their_own(tmp_path: Path) -> None:
    other = table("Name", number("n"), name="Other", anchor=at(0, 10))
    count = PivotValue(column="n", aggregate=Aggregate.COUNT, caption="Number")
    third = PivotSpec(name="Third", anchor=at(30), source="Other", rows=("Name",), values=(count,))
    view = view_of(
        other,
        rows={"Hourly": ROWS},
        more=[
            SheetSpec(name="Pivots", blocks=(BY_DESTINATION, BY_HOUR, third)),
            SheetSpec(name="Hourly", blocks=(SOURCE,)),
        ],
    )
    path = written(view, tmp_path)
    assert len([name for name in parts(path) if "pivotCacheDefinition" in name]) == 2
    found = pivots_of(path, "Pivots")
    assert [each.cacheId for each in found] == [1, 1, 2]


def test_calculated_fields_have_names_of_their_own() -> None:
    clash = (*HEADERS, "Loss (%) RATIO")
    same = replace(LOSS, number_format="0")
    other = PivotRatio(caption="Loss (%)", plus="Received", divisor="It's")
    specs = [replace(BY_DESTINATION, values=(MAX, LOSS)), replace(BY_DESTINATION, values=(MAX, same, other))]
    cache = caches_of(specs, {"Hourly": clash})["Hourly"]
    assert list(cache.calculated) == ["Loss (%) ratio 2", "Loss (%) ratio 3"]
    assert cache.field_of(same) == cache.field_of(LOSS) == len(clash)
    assert formula(other) == "'Received'/'It''s'"


def test_a_pivot_chart_over_dates_is_refused(tmp_path: Path) -> None:
    things = table("Day", number("n"))
    total = PivotValue(column="n", aggregate=Aggregate.SUM, caption="Sum")
    pivot = PivotSpec(name="By_day", anchor=at(9), source="Things", rows=("Day",), values=(total,))
    chart = replace(CHART, pivot="By_day")
    with pytest.raises(ViewUnsupported, match="make it a text or a number"):
        written(view_of(things, pivot, chart, rows={"Things": [(date(2026, 1, 1), 1)]}), tmp_path)


@pytest.mark.parametrize("kind", [ChartKind.PIE, ChartKind.LINE, ChartKind.BAR])
def test_a_pivot_chart_may_be_of_any_kind(tmp_path: Path, kind: ChartKind) -> None:
    pivot = replace(BY_HOUR, columns=(), values=(SENT,))
    view = view_of(
        pivot,
        replace(CHART, kind=kind),
        rows={"Hourly": ROWS},
        more=[SheetSpec(name="Hourly", blocks=(SOURCE,))],
    )
    assert f"<c:{kind.value}Chart>" in part(written(view, tmp_path), "xl/charts/chart1.xml")
