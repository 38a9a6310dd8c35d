"""The Dashboard: totals, the worst, and a row for each destination with exact figures."""

from datetime import timedelta

import pytest

from netstats_xl.domain.results import Period, State
from netstats_xl.domain.states import DestinationStatus
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import Definitions, Thresholds
from netstats_xl.domain.views import (
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    AtLeast,
    ChartKind,
    SparklineSpec,
    TableSpec,
)
from tests.app.report_world import DEAD, END, GATEWAY, PING, WEB, World, ago, local, replied, timed_out
from tests.app.view_checks import CheckedView


@pytest.fixture
def world() -> World:
    """Ten minutes in this hour, and ten minutes that are three hours old."""
    world = World()
    world.rounds(GATEWAY, ago(minutes=10), *[replied(10.0, 12.0, 14.0, 16.0)] * 10)
    world.rounds(GATEWAY, ago(hours=3), *[replied(20.0, 22.0, None, 24.0)] * 5, *[timed_out()] * 5)
    world.rounds(WEB, ago(minutes=10), *[replied(100.0, None, None, None)] * 10)
    return world


def test_a_row_shows_the_last_hour_and_the_last_day_exactly(world: World) -> None:
    gateway = world.report().records("Overview")[0]

    assert gateway["Name"] == "Gateway"
    assert gateway["Group"] == "Core"
    assert gateway["Last RTT (ms)"] == 13
    assert gateway["1 h mean (ms)"] == 13
    assert gateway["1 h p95 (ms)"] == 16
    assert gateway["1 h jitter (ms)"] == 2
    assert gateway["1 h loss (%)"] == 0
    assert gateway["1 h avail. (%)"] == 100
    assert gateway["24 h mean (ms)"] == pytest.approx((40 * 13 + 15 * 22) / 55)
    assert gateway["24 h p95 (ms)"] == 24
    assert gateway["24 h jitter (ms)"] == 2  # 22 to 24 is a pair that the lost packet separates
    assert gateway["24 h loss (%)"] == pytest.approx(100 * 25 / 80)
    assert gateway["24 h avail. (%)"] == 75


def test_a_destination_without_data_has_blanks_not_zeros(world: World) -> None:
    printer = world.report().records("Overview")[2]

    assert printer["Name"] == "Printer"
    assert [
        printer[header] for header in ("Last RTT (ms)", "1 h mean (ms)", "1 h loss (%)", "24 h avail. (%)")
    ] == [None] * 4


def test_p95_is_blank_below_twenty_rtts(world: World) -> None:
    web = world.report().records("Overview")[1]

    assert web["1 h p95 (ms)"] is None
    assert web["1 h mean (ms)"] == 100


def hours(report: CheckedView) -> list[tuple[CellValue, ...]]:
    """What the sparkline of each row reads."""
    (sparkline,) = (block for block in report.blocks["Dashboard"] if isinstance(block, SparklineSpec))
    headers = [column.header for column in report.tables[sparkline.source].columns]
    first, last = headers.index(sparkline.first_column), headers.index(sparkline.last_column)
    assert (sparkline.table, sparkline.source) == ("Overview", "Overview")
    return [row[first : last + 1] for row in report.rows["Overview"]]


def test_the_sparkline_has_a_point_for_each_of_24_hours_and_gaps_between(world: World) -> None:
    report = world.report()

    points = hours(report)[0]
    assert len(points) == 24
    assert points[-1] == 13
    assert points[-3] == 22
    assert [index for index, point in enumerate(points) if point is not None] == [21, 23]
    assert hours(report)[2] == (None,) * 24


@pytest.mark.parametrize(("hours", "kind"), [(0, "line"), (1, "column"), (2, "column"), (3, "line")])
def test_too_few_hours_for_a_line_are_shown_as_columns(hours: int, kind: str) -> None:
    world = World()
    world.rounds(GATEWAY, ago(hours=hours), *[replied(1.0)] * hours, every=timedelta(hours=1))

    (sparkline,) = (block for block in world.report().blocks["Dashboard"] if isinstance(block, SparklineSpec))

    assert sparkline.kind == kind


def test_the_figures_say_that_rounds_are_those_of_all_destinations(world: World) -> None:
    assert "Rounds (all destinations)" in world.report().texts("Dashboard")


def test_totals_count_enabled_destinations_by_the_state_given(world: World) -> None:
    off = DEAD.model_copy(update={"enabled": False})
    world.ask(
        definitions=Definitions(destinations=(GATEWAY, WEB, off), jobs=(PING,)),
        destination_status={
            "d1": DestinationStatus(destination_id="d1", state=State.UP, last_rtt_ms=7.5),
            "d2": DestinationStatus(destination_id="d2", state=State.DEGRADED, problems="loss 75 %"),
            "d3": DestinationStatus(destination_id="d3"),
        },
    )

    report = world.report()

    assert report.rows["Totals"] == [("Up", 1), ("Degraded", 1), ("Down", 0), ("Unknown", 0)]
    assert report.column("Overview", "Status") == ["Up", "Degraded", "Disabled"]
    assert report.column("Overview", "Problems")[1] == "loss 75 %"
    assert report.column("Overview", "Last RTT (ms)")[0] == 7.5
    assert report.cells["Total_disabled"] == 1


def test_the_pie_has_a_fixed_colour_for_each_state(world: World) -> None:
    pie = next(chart for chart in world.report().charts("Dashboard") if chart.kind is ChartKind.PIE)

    assert pie.series[0].point_colors == (BLUE, ORANGE, VERMILLION, GREY)


def test_without_a_given_status_the_state_is_that_at_the_periods_end(world: World) -> None:
    world.event(GATEWAY, ago(hours=3), State.UNKNOWN, State.UP)
    world.event(GATEWAY, ago(hours=2), State.UP, State.DOWN)
    world.event(GATEWAY, ago(minutes=5), State.DOWN, State.UP)
    world.ask(period=Period(start=END - timedelta(days=1), end=END - timedelta(hours=1)))

    gateway, web, _ = world.report().records("Overview")

    assert gateway["Status"] == "Down"
    assert gateway["Last RTT (ms)"] is None
    assert gateway["Problems"] == "no reply in time"
    assert web["Status"] == "Unknown"


def test_only_what_the_caller_leaves_out_is_derived(world: World) -> None:
    world.event(WEB, ago(minutes=9), State.UNKNOWN, State.DEGRADED)
    world.ask(destination_status={"d1": DestinationStatus(destination_id="d1", state=State.DOWN)})

    report = world.report()

    assert report.column("Overview", "Status") == ["Down", "Degraded", "Unknown"]
    assert report.column("Overview", "Last RTT (ms)") == [None, 100, None]


def test_the_worst_are_sorted_worst_first_and_without_those_that_have_no_figure(world: World) -> None:
    report = world.report()

    assert report.rows["Worst_loss"] == [("Web shop", 75.0), ("Gateway", pytest.approx(31.25))]
    assert report.rows["Worst_p95"] == [("Gateway", 24.0)]


def test_the_worst_are_ten_at_most() -> None:
    several = tuple(GATEWAY.model_copy(update={"id": f"d{n}", "name": f"D{n:02d}"}) for n in range(14))
    world = World(Definitions(destinations=several, jobs=(PING,)))
    for number, destination in enumerate(several):
        world.rounds(destination, ago(minutes=5), replied(*[1.0] * (number + 1), *[None] * (20 - number)))

    report = world.report()

    worst = report.rows["Worst_loss"]
    assert [name for name, _ in worst] == [f"D{n:02d}" for n in range(10)]
    assert worst[0][1] == pytest.approx(100 * 20 / 21)
    assert "Worst ten by loss (%)" in [chart.title for chart in report.charts("Dashboard")]


def test_a_chart_of_the_worst_leaves_out_those_without_loss_and_is_not_called_ten() -> None:
    world = World(Definitions(destinations=(GATEWAY, WEB), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=50), *[replied(1.0)] * 30)
    world.rounds(WEB, ago(minutes=50), replied(1.0, None), *[replied(2.0)] * 29)

    report = world.report()

    assert report.column("Worst_loss", "Name") == ["Web shop"]
    assert report.column("Worst_loss", "Loss (%)") == [pytest.approx(100 / 31)]
    titles = [chart.title for chart in report.charts("Dashboard")]
    assert titles[1:] == ["Destinations by loss (%)", "Destinations by p95 RTT (ms)"]


def test_a_chart_of_the_worst_without_bars_says_why_in_its_title() -> None:
    world = World(Definitions(destinations=(GATEWAY, DEAD), jobs=(PING,)))
    assert [chart.title for chart in world.report().charts("Dashboard")][1:] == [
        "No packets sent in this period",
        "No replies in this period",
    ]

    world.rounds(GATEWAY, ago(minutes=5), replied(1.0))

    assert [chart.title for chart in world.report().charts("Dashboard")][1:] == [
        "No loss in this period",
        "Too few replies for a p95 in this period",
    ]


def test_every_bar_has_its_label(world: World) -> None:
    bars = [chart for chart in world.report().charts("Dashboard") if chart.kind is ChartKind.BAR]

    assert [chart.category_axis.label_every for chart in bars] == [1, 1]


def test_all_charts_are_seen_on_a_small_screen_and_little_of_it_is_frozen(world: World) -> None:
    report = world.report()
    sheet = report.sheets["Dashboard"]
    widths = [7 * column.width + 5 for column in report.tables["Overview"].columns]

    for chart in report.charts("Dashboard"):
        assert sum(widths[: chart.anchor.column]) + chart.width_px <= 1_330
    assert sheet.freeze is not None
    assert sheet.freeze.row <= 5


def test_a_degraded_destination_says_which_threshold_its_last_round_crossed(world: World) -> None:
    world.event(WEB, ago(minutes=9), State.UNKNOWN, State.DEGRADED)

    [web] = [row for row in world.report().records("Overview") if row["Name"] == "Web shop"]

    assert "RTT 100 ms is at or above the warning 100 ms" in str(web["Problems"])


def test_the_worst_is_on_top_of_its_chart(world: World) -> None:
    bars = [chart for chart in world.report().charts("Dashboard") if chart.kind is ChartKind.BAR]

    assert len(bars) == 2
    assert all(chart.category_axis.reverse for chart in bars)


def test_thresholds_are_the_destinations_own_or_else_the_settings(world: World) -> None:
    own = GATEWAY.model_copy(update={"thresholds": Thresholds(rtt_warning_ms=5, rtt_critical_ms=9)})
    world.ask(definitions=Definitions(destinations=(own, WEB), jobs=(PING,)))

    report = world.report()

    gateway, web = report.records("Overview")
    assert (gateway["RTT warning (ms)"], gateway["RTT critical (ms)"]) == (5, 9)
    assert (gateway["Loss warning (%)"], gateway["Loss critical (%)"]) == (2, 10)
    assert (web["RTT warning (ms)"], web["RTT critical (ms)"]) == (100, 250)
    table = next(
        block
        for block in report.blocks["Dashboard"]
        if isinstance(block, TableSpec) and block.name == "Overview"
    )
    columns = {column.header: column for column in table.columns}
    assert columns["RTT warning (ms)"].hidden
    rules = [rule for rule in columns["24 h loss (%)"].rules if isinstance(rule, AtLeast)]
    assert [rule.column for rule in rules] == ["Loss critical (%)", "Loss warning (%)"]


def test_the_head_says_what_the_report_covers_in_local_time(world: World) -> None:
    report = world.report()

    assert report.cells["NetStats_period"] == "2026-11-22 14:00:00 to 2026-11-23 14:00:00  (Europe/Berlin)"
    assert report.cells["NetStats_generated"] == f"{local(END):%Y-%m-%d %H:%M:%S}  (Europe/Berlin)"
    assert report.cells["NetStats_warnings"] == "none"
    assert report.cells["Total_measured"] == 2
    assert report.cells["Total_rounds"] == 30
    assert report.cells["Total_availability_percent"] == pytest.approx(100 * 25 / 30)


def test_a_longer_period_has_its_own_worst_while_the_rows_stay_at_24_hours(world: World) -> None:
    world.rounds(GATEWAY, ago(days=2), *[timed_out()] * 100)
    world.ask(period=Period(start=END - timedelta(days=7), end=END))

    report = world.report()

    assert report.rows["Worst_loss"][0][0] == "Gateway"
    assert report.records("Overview")[0]["24 h loss (%)"] == pytest.approx(31.25)


def test_a_destination_of_two_jobs_is_shown_pooled(world: World) -> None:
    other = PING.model_copy(update={"id": "j2", "name": "Other"})
    world.ask(definitions=Definitions(destinations=(GATEWAY, WEB), jobs=(PING, other)))
    world.rounds(GATEWAY, ago(minutes=10), *[replied(*[100.0] * 4)] * 10, job=other)

    report = world.report()

    gateway = report.records("Overview")[0]
    assert gateway["1 h mean (ms)"] == (13 + 100) / 2
    assert gateway["1 h p95 (ms)"] == 100
    assert gateway["24 h loss (%)"] == pytest.approx(100 * 25 / 120)
    assert ("Gateway", 100.0) in report.rows["Worst_p95"]
    assert hours(report)[0][-1] == (13 + 100) / 2


def test_a_report_of_one_hour_still_shows_24_hours_beside_it(world: World) -> None:
    whole_day = hours(world.report())
    world.ask(period=Period(start=END - timedelta(hours=1), end=END))

    report = world.report()

    assert hours(report) == whole_day
    assert report.records("Overview")[0]["24 h avail. (%)"] == 75
    assert report.cells["Total_rounds"] == 20


def test_the_hours_of_the_sparkline_are_those_of_the_clock(world: World) -> None:
    end = END - timedelta(minutes=30)
    world.ask(period=Period(start=end - timedelta(days=1), end=end))
    world.rounds(GATEWAY, end - timedelta(minutes=30), replied(99.0))
    world.rounds(GATEWAY, end - timedelta(minutes=31), replied(1.0))

    assert hours(world.report())[0][-2:] == (1, 99)
