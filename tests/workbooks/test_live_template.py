"""The sheets of a live workbook before it was ever started, and once they are filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from netstats_xl.app.publishing import live_spec, live_view
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.domain.views import Block, ChartSpec, SparklineSpec, TableSpec, TextSpec
from netstats_xl.sheets import INPUT_TABLES, SELECTION, Selection, read_definitions, read_selection
from netstats_xl.workbooks.template import SPARE_ROWS, live_template_view, template_view
from netstats_xl.workbooks.xlsx_reader import read_tables
from tests.app.report_world import GATEWAY, World, ago, replied
from tests.workbooks.written import cell, converted, needs_libreoffice, opened, part, parts, sheet_of, written

# openpyxl reads the files; what it would not write again is no matter: sparklines, a printed area that grows.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Sparkline Group extension:UserWarning"),
    pytest.mark.filterwarnings("ignore:Print area cannot be set:UserWarning"),
]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a file, which Excel would open without a complaint."""
    return written(live_template_view(), tmp_path_factory.mktemp("template"))


def blocks() -> Iterator[Block]:
    for sheet in live_spec().sheets:
        yield from sheet.blocks


def test_the_template_has_the_design_of_the_live_views() -> None:
    assert live_template_view().spec is live_spec()


def test_its_examples_are_those_of_a_workbook_file(template: Path) -> None:
    tables = read_tables(template, (*INPUT_TABLES, SELECTION))
    reading = read_definitions(tables, default_zone="Asia/Tokyo")
    assert reading.errors == ()
    assert [each.host for each in reading.destinations] == ["127.0.0.1", "::1", "localhost"]
    assert [each.name for each in reading.jobs] == ["Every 10 seconds"]
    assert len(list(template_view("UTC").rows["Destinations"])) == 3
    made = Definitions(destinations=reading.destinations, jobs=reading.jobs)
    assert read_selection(tables[SELECTION], definitions=made, default_period_h=1) == (
        Selection(period_h=24),
        (),
    )


def test_its_time_zone_is_that_of_the_computer_that_collects(template: Path) -> None:
    reading = read_definitions(read_tables(template, INPUT_TABLES), default_zone="Asia/Tokyo")
    assert reading.settings == Settings(zone="Asia/Tokyo")


def test_it_says_how_to_start(template: Path) -> None:
    dashboard = sheet_of(template, "Dashboard")
    assert "press Start" in str(cell(dashboard, "B2").value)


def test_charts_have_their_full_size_before_they_are_fed(template: Path) -> None:
    tables = {table.name: table for table in blocks() if isinstance(table, TableSpec)}
    data = opened(template)["Chart data"]
    assert isinstance(data, Worksheet)
    fed = {
        series.values.table for chart in blocks() if isinstance(chart, ChartSpec) for series in chart.series
    }
    for name in fed & set(data.tables):
        rows = len(list(live_template_view().rows[name]))
        assert rows == tables[name].room
        first, last = data.tables[name].ref.split(":")
        assert int("".join(filter(str.isdigit, last))) == rows + 1, first


def test_the_drop_downs_offer_the_examples_at_once(template: Path) -> None:
    offered = read_tables(template, ("Choices",))["Choices"]
    assert [row.cells["Details of"] for row in offered.rows if row.cells.get("Details of")] == [
        "This computer",
        "This computer (IPv6)",
        "localhost",
        "Every 10 seconds",
    ]


def test_what_a_user_types_into_has_spare_rows_and_room() -> None:
    typed = {table.name: table for table in blocks() if isinstance(table, TableSpec)}
    for name, room in (("Destinations", 2_000), ("Jobs", 500)):
        assert (typed[name].spare_rows, typed[name].room, typed[name].key) == (SPARE_ROWS, room, "ID")


def test_sparklines_that_wait_for_rows_are_not_printed(template: Path) -> None:
    assert any(isinstance(block, SparklineSpec) for block in blocks())
    names = part(template, "xl/workbook.xml")
    assert (
        '<definedName name="_xlnm.Print_Area" localSheetId="0">'
        "'Dashboard'!$A$1:INDEX('Dashboard'!$P$23:$P$1048576,COUNTA('Dashboard'!$A$23:$A$1048576))"
        "</definedName>"
    ) in names


def test_the_template_is_small(template: Path) -> None:
    assert template.stat().st_size < 200_000


def test_the_chart_over_time_keeps_the_scale_of_its_second_axis_out_of_sight(template: Path) -> None:
    charts = [name for name in parts(template) if name.startswith("xl/charts/chart")]
    [chart] = [xml for xml in (part(template, name) for name in charts) if "Loss axis" in xml]
    series = chart.split("<c:ser>")
    [scale] = [each for each in series if "Loss axis" in each]
    assert "<c:spPr><a:noFill/><a:ln><a:noFill/></a:ln></c:spPr>" in scale
    assert '<c:overlap val="100"/>' in chart
    assert '<c:legendEntry><c:idx val="3"/><c:delete val="1"/></c:legendEntry>' in chart


def test_the_help_tells_of_the_ribbon() -> None:
    texts = [block.text for block in live_spec().sheets[-2].blocks if isinstance(block, TextSpec)]
    assert all(len(text) <= 115 for text in texts)
    for button in (
        "Start",
        "Add",
        "Expand range",
        "Test now",
        "Show details",
        "Pause updates",
        "Save report",
    ):
        assert any(button in text for text in texts), button


def test_a_filled_view_can_be_a_file(tmp_path: Path) -> None:
    world = World()
    world.rounds(GATEWAY, ago(minutes=30), *[replied(10.0, 12.0)] * 30)
    path = written(live_view(world.store, world.inputs, Selection()), tmp_path)
    overview = sheet_of(path, "Dashboard").tables["Overview"]
    assert overview.ref.startswith("A23:")
    assert cell(sheet_of(path, "Dashboard"), "A24").value == "Gateway"


@pytest.mark.libreoffice
@needs_libreoffice
def test_libreoffice_opens_the_template(template: Path, tmp_path: Path) -> None:
    path = converted(template, "xlsx", tmp_path)
    assert opened(path).sheetnames == [sheet.name for sheet in live_spec().sheets]
    assert set(sheet_of(path, "Details").tables) == {"Selection", "Details_statistics", "Details_pairs"}
