"""Charts and sparklines are native, fed from ranges, and say what the view says."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from netstats_xl.domain.views import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    VERMILLION,
    Axis,
    ChartKind,
    ChartSpec,
    Column,
    ColumnRef,
    Kind,
    Row,
    SeriesSpec,
    SheetSpec,
    SparklineSpec,
)
from netstats_xl.workbooks.xlsx_charts import literal
from tests.workbooks.written import at, number, part, parts, table, view_of, written

C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
START = datetime(2026, 11, 23)  # noqa: DTZ001 - a workbook knows no time zone
FEED = table(
    Column(header="Time", kind=Kind.INSTANT),
    number("Mean (ms)"),
    number("Max (ms)"),
    number("Loss (%)"),
    name="Feed",
)
FEED_SHEET = SheetSpec(name="Chart data", blocks=(FEED,), hidden=True)


def feed_rows(count: int) -> list[Row]:
    return [(START + timedelta(minutes=n), None if n == 1 else 10.5 + n, 20.0 + n, 0) for n in range(count)]


def series(column: str, color: str = BLUE, **parts: Any) -> SeriesSpec:
    return SeriesSpec(
        name=column,
        values=ColumnRef(table="Feed", column=column),
        categories=ColumnRef(table="Feed", column="Time"),
        color=color,
        **parts,
    )


def chart(*given: SeriesSpec, kind: ChartKind = ChartKind.LINE, **parts: Any) -> ChartSpec:
    return ChartSpec(
        name="RTT over time",
        anchor=at(3, 1),
        width_px=640,
        height_px=320,
        kind=kind,
        title="RTT",
        description="RTT over time, in ms",
        series=given,
        **parts,
    )


def drawn(spec: ChartSpec, folder: Path, rows: int = 100) -> ET.Element:
    """The chart's part."""
    path = written(view_of(spec, rows={"Feed": feed_rows(rows)}, more=[FEED_SHEET]), folder)
    return ET.fromstring(part(path, "xl/charts/chart1.xml"))


def texts(root: ET.Element, path: str) -> list[str | None]:
    return [each.text for each in root.iterfind(path)]


def values(root: ET.Element, path: str) -> list[str | None]:
    return [each.get("val") for each in root.iterfind(path)]


def test_rtt_as_lines_and_loss_as_columns_stand_on_two_axes_of_one_chart(tmp_path: Path) -> None:
    root = drawn(
        chart(
            series("Mean (ms)"),
            series("Max (ms)", SKY),
            series("Loss (%)", VERMILLION, kind=ChartKind.COLUMN, secondary=True),
            category_axis=Axis(title="Time", number_format="hh:mm"),
            value_axis=Axis(title="RTT (ms)", low=0),
            secondary_axis=Axis(title="Loss (%)", low=0, high=100),
        ),
        tmp_path,
    )
    plot = root.find(f"{C}chart/{C}plotArea")
    assert plot is not None
    lines, columns = plot.find(f"{C}lineChart"), plot.find(f"{C}barChart")
    assert lines is not None
    assert columns is not None
    assert texts(lines, f"{C}ser/{C}val/{C}numRef/{C}f") == [
        "'Chart data'!$B$2:$B$101",
        "'Chart data'!$C$2:$C$101",
    ]
    assert texts(columns, f"{C}ser/{C}val/{C}numRef/{C}f") == ["'Chart data'!$D$2:$D$101"]
    assert set(texts(plot, f".//{C}cat/{C}numRef/{C}f")) == {"'Chart data'!$A$2:$A$101"}
    assert values(lines, f"{C}ser/{C}spPr/{A}ln/{A}solidFill/{A}srgbClr") == ["0072B2", "56B4E9"]
    axes = {str(each.get("val")) for group in (lines, columns) for each in group.iterfind(f"{C}axId")}
    assert len(axes) == 4
    titles = texts(plot, f".//{C}title//{A}t")
    assert titles == ["Time", "RTT (ms)", "Loss (%)"]
    assert values(plot, f"{C}valAx/{C}scaling/{C}max") == ["100"]
    assert values(plot, f"{C}valAx/{C}scaling/{C}min") == ["0", "0"]
    formats = [each.get("formatCode") for each in plot.iterfind(f"{C}catAx/{C}numFmt")]
    assert formats[0] == "hh:mm"


def test_times_are_never_a_date_axis_which_would_merge_a_day_into_one_point(tmp_path: Path) -> None:
    root = drawn(chart(series("Mean (ms)")), tmp_path)
    assert root.find(f".//{C}dateAx") is None
    assert values(root, f".//{C}catAx/{C}auto") in ([], ["0"])


def test_gaps_are_gaps_and_hidden_feeds_are_shown(tmp_path: Path) -> None:
    root = drawn(chart(series("Mean (ms)")), tmp_path)
    assert values(root, f".//{C}dispBlanksAs") == ["gap"]
    assert values(root, f".//{C}plotVisOnly") == ["0"]
    cached = root.find(f".//{C}val/{C}numRef/{C}numCache")
    assert cached is not None
    points = {each.get("idx"): each.findtext(f"{C}v") for each in cached.iterfind(f"{C}pt")}
    assert "1" not in points
    assert float(str(points["2"])) == 12.5
    assert len(points) == 99


def test_long_lines_have_no_markers_and_none_is_smoothed(tmp_path: Path) -> None:
    long = drawn(chart(series("Mean (ms)")), tmp_path)
    short = drawn(chart(series("Mean (ms)")), tmp_path, rows=20)
    assert values(long, f".//{C}marker/{C}symbol") == ["none"]
    assert values(short, f".//{C}marker/{C}symbol") == ["circle"]
    assert "1" not in values(long, f".//{C}smooth") + values(short, f".//{C}smooth")


def test_bars_begin_with_the_first_row_on_top(tmp_path: Path) -> None:
    spec = chart(
        series("Loss (%)"), kind=ChartKind.BAR, category_axis=Axis(reverse=True), value_axis=Axis(title="Loss (%)"),
        legend=False, gap_percent=30,
    )  # fmt: skip
    root = drawn(spec, tmp_path)
    assert values(root, f".//{C}barDir") == ["bar"]
    assert values(root, f".//{C}catAx/{C}scaling/{C}orientation") == ["maxMin"]
    assert values(root, f".//{C}valAx/{C}crosses") == ["max"]  # which keeps the value axis below
    assert values(root, f".//{C}gapWidth") == ["30"]
    assert texts(root, f".//{C}valAx/{C}title//{A}t") == ["Loss (%)"]
    assert root.find(f".//{C}legend") is None


@pytest.mark.parametrize(
    ("kind", "tag"), [(ChartKind.PIE, "pieChart"), (ChartKind.DOUGHNUT, "doughnutChart")]
)
def test_slices_have_their_own_colours(tmp_path: Path, kind: ChartKind, tag: str) -> None:
    colors = (BLUE, ORANGE, VERMILLION, GREY)
    root = drawn(chart(series("Max (ms)", point_colors=colors), kind=kind), tmp_path, rows=4)
    found = values(root, f".//{C}{tag}/{C}ser/{C}dPt/{C}spPr/{A}solidFill/{A}srgbClr")
    assert found == [color[1:] for color in colors]
    assert values(root, f".//{C}dLbls/{C}showVal") == ["1"]


def test_columns_may_have_a_colour_a_point(tmp_path: Path) -> None:
    root = drawn(
        chart(series("Max (ms)", point_colors=(BLUE, ORANGE)), kind=ChartKind.COLUMN), tmp_path, rows=2
    )
    assert values(root, f".//{C}dPt/{C}spPr/{A}solidFill/{A}srgbClr") == ["0072B2", "E69F00"]


def test_a_chart_has_its_name_its_place_and_words_for_those_who_cannot_see_it(tmp_path: Path) -> None:
    spec = chart(series("Mean (ms)"))
    path = written(view_of(spec, rows={"Feed": feed_rows(9)}, more=[FEED_SHEET]), tmp_path)
    drawing = part(path, "xl/drawings/drawing1.xml")
    assert 'descr="RTT over time, in ms"' in drawing
    assert 'name="RTT over time"' in drawing
    assert "<xdr:from><xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>3</xdr:row>" in drawing
    assert 'editAs="oneCell"' in drawing
    root = ET.fromstring(part(path, "xl/charts/chart1.xml"))
    assert texts(root, f"{C}chart/{C}title//{A}t") == ["RTT"]
    assert not [name for name in parts(path) if "media" in name]


def test_a_chart_without_a_title_has_none(tmp_path: Path) -> None:
    untitled = chart(series("Mean (ms)"))
    root = drawn(type(untitled)(**{**_fields(untitled), "title": ""}), tmp_path)
    assert values(root, f"{C}chart/{C}autoTitleDeleted") == ["1"]


def _fields(spec: ChartSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_chart_over_an_empty_table_points_at_its_blank_row(tmp_path: Path, streamed: bool) -> None:
    feed = table(*FEED.columns, name="Feed", streamed=streamed)
    path = written(
        view_of(chart(series("Mean (ms)")), more=[SheetSpec(name="Chart data", blocks=(feed,))]), tmp_path
    )
    root = ET.fromstring(part(path, "xl/charts/chart1.xml"))
    assert texts(root, f".//{C}val/{C}numRef/{C}f") == ["'Chart data'!$B$2:$B$2"]


def test_a_chart_over_a_streamed_table_holds_its_values_too(tmp_path: Path) -> None:
    feed = table(*FEED.columns, name="Feed", streamed=True)
    view = view_of(
        chart(series("Max (ms)")),
        rows={"Feed": feed_rows(3)},
        more=[SheetSpec(name="Chart data", blocks=(feed,))],
    )
    root = ET.fromstring(part(written(view, tmp_path), "xl/charts/chart1.xml"))
    assert [float(str(each)) for each in texts(root, f".//{C}val//{C}v")] == [20, 21, 22]


@pytest.mark.parametrize(("kind", "in_file"), [("line", None), ("column", "column")])
def test_each_row_has_the_sparkline_of_its_row_in_the_source(
    tmp_path: Path, kind: Any, in_file: str | None
) -> None:
    overview = table("Name", "Trend", name="Overview", anchor=at(4))
    hours = table(*(number(f"{n} h") for n in range(24)), name="Hours", anchor=at(0, 2))
    spark = SparklineSpec(
        table="Overview",
        column="Trend",
        source="Hours",
        first_column="0 h",
        last_column="23 h",
        color=BLUE,
        kind=kind,
    )
    names: list[Row] = [("a", None), ("b", None), ("no data yet", None)]
    view = view_of(
        overview, spark, rows={"Overview": names, "Hours": [[1.0] * 24, [2.0] * 24]},
        more=[SheetSpec(name="Chart data", blocks=(hours,), hidden=True)],
    )  # fmt: skip
    xml = part(written(view, tmp_path), "xl/worksheets/sheet1.xml")
    pairs = re.findall("<xm:f>([^<]*)</xm:f><xm:sqref>([^<]*)</xm:sqref>", xml)
    assert pairs == [("'Chart data'!C2:Z2", "B6"), ("'Chart data'!C3:Z3", "B7")]
    assert '<x14:colorSeries rgb="FF0072B2"/>' in xml
    assert 'displayEmptyCellsAs="gap"' in xml
    assert re.findall(r'<x14:sparklineGroup[^>]* type="(\w+)"', xml) == ([in_file] if in_file else [])


def test_no_rows_have_no_sparklines(tmp_path: Path) -> None:
    things = table("Trend", number("n"))
    spark = SparklineSpec(
        table="Things", column="Trend", source="Things", first_column="n", last_column="n", color=BLUE
    )
    assert "sparkline" not in part(written(view_of(things, spark), tmp_path), "xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", ["RTT", "Loss!", "a!b", "=1+1"])
def test_a_title_is_shown_as_it_is(text: str) -> None:
    assert literal(text) == text


@pytest.mark.parametrize("text", ["=Sheet!A1", "x!$B$2", "a b!C3 and more"])
def test_a_title_that_looks_like_a_reference_is_kept_from_being_one(text: str) -> None:
    assert literal(text) != text
    assert literal(text).replace("\u2060", "") == text


def test_an_axis_labels_as_many_categories_as_it_is_told(tmp_path: Path) -> None:
    given = chart(series("Mean (ms)"), kind=ChartKind.BAR, category_axis=Axis(label_every=1))
    root = drawn(given, tmp_path, 10)
    assert [each.get("val") for each in root.iter(f"{C}tickLblSkip")] == ["1"]
    [labels] = root.iterfind(f".//{C}catAx/{C}txPr/{A}bodyPr")
    assert labels.get("rot") == "0"
