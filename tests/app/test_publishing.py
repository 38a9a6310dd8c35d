"""The report as a whole: its sheets, their order, what is left out, what never breaks it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from netstats_xl.domain.results import NameNotResolved, Period, Scope, State
from netstats_xl.domain.targets import Definitions
from netstats_xl.domain.views import PivotSpec, TableSpec
from netstats_xl.errors import CellError
from netstats_xl.ports import GroupSummary
from tests.app.report_world import DAY, DEAD, END, GATEWAY, PING, WEB, World, ago, local, replied, timed_out

SHEETS = [
    "Dashboard",
    "Destinations",
    "Jobs",
    "Details",
    "Trends",
    "Routes",
    "Pivot",
    "Runs",
    "Events",
    "About",
    "Hourly",
    "Chart data",
]


@pytest.fixture
def world() -> World:
    """A gateway that answers, a web shop that loses packets, a printer that is dead: for an hour."""
    world = World()
    world.rounds(GATEWAY, ago(minutes=60), *[replied(1.0, 2.0, 1.0, 2.0)] * 60)
    world.rounds(WEB, ago(minutes=60), *[replied(20.0, None, 30.0, 40.0)] * 60)
    world.rounds(DEAD, ago(minutes=60), *[timed_out()] * 60)
    world.run(ago(minutes=1))
    world.event(DEAD, ago(minutes=58), State.UNKNOWN, State.DOWN, "no reply in time")
    world.event(GATEWAY, ago(minutes=60), State.UNKNOWN, State.UP)
    world.event(WEB, ago(minutes=58), State.UNKNOWN, State.DEGRADED)
    return world


def test_the_sheets_come_in_the_promised_order_and_only_the_chart_data_is_hidden(world: World) -> None:
    report = world.report()

    assert list(report.sheets) == SHEETS
    assert [name for name, sheet in report.sheets.items() if sheet.hidden] == ["Chart data"]


def test_every_sheet_has_frozen_headers(world: World) -> None:
    assert all(sheet.freeze is not None for sheet in world.report().sheets.values())


def test_an_empty_store_makes_a_report_that_says_so() -> None:
    world = World(Definitions())

    report = world.report()

    assert list(report.sheets) == SHEETS
    assert [chart.title for chart in report.charts("Dashboard")] == [
        "No destinations",
        "No packets sent in this period",
        "No replies in this period",
    ]
    assert (
        report.texts("Details")[1] == "No data in this period, and no enabled job has an enabled destination."
    )
    assert report.column("Totals", "Destinations") == [0, 0, 0, 0]
    assert report.rows["Hourly"] == []
    assert report.cells["Total_loss_percent"] is None
    assert len(report.rows["Trend_hours"]) == 24
    assert set(report.column("Trend_hours", "Mean (ms)")) == {None}


def test_a_period_before_any_measurement_shows_destinations_without_figures(world: World) -> None:
    world.ask(period=Period(start=DAY.start - timedelta(days=9), end=DAY.start - timedelta(days=8)))

    report = world.report()

    rows = report.records("Overview")
    assert [row["Name"] for row in rows] == ["Gateway", "Web shop", "Printer"]
    assert {row["Status"] for row in rows} == {"Unknown"}
    assert {row["24 h loss (%)"] for row in rows} == {None}
    assert report.texts("Details")[2].endswith("(no data in this period)")


def test_an_empty_period_at_one_instant_does_not_break_the_report(world: World) -> None:
    world.ask(period=Period(start=END, end=END))

    assert world.report().rows["Trend_hours"] == []


def test_a_round_whose_name_has_no_address_is_down_but_no_loss(world: World) -> None:
    nameless = GATEWAY.model_copy(update={"id": "d4", "name": "No such host"})
    world.ask(definitions=Definitions(destinations=(nameless, DEAD), jobs=(PING,)))
    world.rounds(nameless, ago(minutes=5), *[NameNotResolved(reason="no such name")] * 5)

    unresolved, dead = world.report().records("Overview")

    assert (unresolved["1 h loss (%)"], unresolved["1 h avail. (%)"]) == (None, 0)
    assert (dead["1 h loss (%)"], dead["1 h avail. (%)"]) == (100, 0)
    assert unresolved["Problems"] == "name not resolved: no such name"


def test_text_from_the_network_is_passed_on_untouched_as_text(world: World) -> None:
    evil = '=HYPERLINK("http://x")\x00\t+1'
    definitions = Definitions(destinations=(WEB.model_copy(update={"name": evil}), GATEWAY), jobs=(PING,))
    world.ask(definitions=definitions)
    world.event(WEB, ago(minutes=5), State.DEGRADED, State.DOWN, "@SUM(1)")

    report = world.report()

    assert evil in report.column("Overview", "Name")
    assert evil in report.column("Worst_loss", "Name")
    assert evil in report.column("Hourly", "Destination")
    assert report.column("Events", "Reason")[0] == "@SUM(1)"


def test_retired_destinations_with_data_are_labelled_and_others_are_left_out(world: World) -> None:
    idle = GATEWAY.model_copy(update={"id": "d9", "name": "Never measured"})
    world.ask(
        definitions=Definitions(destinations=(GATEWAY,), jobs=(PING,)),
        retired=Definitions(destinations=(WEB, idle), jobs=()),
    )

    report = world.report()

    overview = {row["Name"]: row for row in report.records("Overview")}
    assert list(overview) == ["Gateway", "Web shop (retired)"]
    assert overview["Web shop (retired)"]["Status"] == "Retired"
    assert overview["Web shop (retired)"]["1 h mean (ms)"] == 30
    assert "Web shop (retired)" in report.column("Hourly", "Destination")
    assert "(unknown destination d3)" in report.column("Hourly", "Destination")
    assert report.column("Destinations", "Name") == ["Gateway"]
    assert sum(report.column("Totals", "Destinations")) == 1  # type: ignore[arg-type]  # numbers


def test_a_scope_limits_every_sheet(world: World) -> None:
    world.ask(scope=Scope(destination_ids=frozenset({"d2"})))

    report = world.report()

    assert report.column("Overview", "Name") == ["Web shop"]
    assert set(report.column("Hourly", "Destination")) == {"Web shop"}
    assert report.column("Events", "Destination") == ["Web shop"]
    assert report.cells["Total_rounds"] == 60
    assert "Covers" in report.column("About_report", "Fact")
    assert ("Covers", "all jobs, destination Web shop") in report.rows["About_report"]


def test_a_job_in_scope_shows_the_destinations_that_it_measures(world: World) -> None:
    other = PING.model_copy(update={"id": "j2", "name": "Other", "selectors": ()})
    world.ask(
        definitions=Definitions(destinations=(GATEWAY, WEB, DEAD), jobs=(other,)),
        scope=Scope(job_ids=frozenset({"j2"})),
    )
    world.rounds(GATEWAY, ago(minutes=10), replied(5.0), job=other)
    world.run(ago(minutes=10), job=other)

    report = world.report()

    assert report.column("Overview", "Name") == ["Gateway"]
    assert report.column("Runs", "Job") == ["Other"]
    assert report.column("Events", "Destination") == ["Gateway"]
    assert report.cells["Total_mean_ms"] == 5


def test_hourly_holds_a_row_for_each_hour_job_and_destination(world: World) -> None:
    report = world.report()

    rows = report.records("Hourly")
    assert len(rows) == 3
    web = next(row for row in rows if row["Destination"] == "Web shop")
    assert web == {
        "Destination": "Web shop",
        "Group": "Internet",
        "Job": "Every minute",
        "Hour start": local(ago(hours=1)),
        "Date": local(END).replace(hour=0),
        "Hour": 13,
        "Weekday": "1 Mon",
        "Rounds": 60,
        "Sent": 240,
        "Received": 180,
        "Lost": 60,
        "Mean RTT (ms)": 30,
        "p95 RTT (ms)": 40,
        "Max RTT (ms)": 40,
        "Jitter (ms)": 10,
        "Loss (%)": 25,
        "Availability (%)": 100,
        "RTT sum (ms)": 5_400,
    }
    dead = next(row for row in rows if row["Destination"] == "Printer")
    assert (dead["Mean RTT (ms)"], dead["RTT sum (ms)"], dead["Loss (%)"]) == (None, None, 100)


def test_too_many_hours_are_cut_to_the_last_and_about_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netstats_xl.app.views.hourly.ROWS_LIMIT", 3)
    world.rounds(GATEWAY, ago(minutes=90), replied(1.0))

    report = world.report()

    assert len(report.rows["Hourly"]) == 3
    assert any("the last 1 of 24 hours" in str(note) for note in report.column("About_notes", "Note"))


def test_the_pivots_read_the_hourly_table(world: World) -> None:
    pivots = [block for block in world.report().blocks["Pivot"] if isinstance(block, PivotSpec)]

    assert {pivot.source for pivot in pivots} == {"Hourly"}
    assert [pivot.rows for pivot in pivots] == [("Destination",), ("Hour",), ("Hour",)]
    assert pivots[2].columns == ("Weekday",)


def test_about_names_the_period_the_database_the_version_and_every_bad_cell(world: World) -> None:
    bad = CellError(sheet="Destinations", cell="B7", value="10.0.0.0/28", message="a block is no host")
    world.ask(cell_errors=(bad,), warnings=("The disk is full.",))

    report = world.report()

    facts = {fact: value for fact, value in report.rows["About_report"]}  # noqa: C416  # dict() loses the types
    assert facts["Period from"] == "2026-11-22 14:00:00 (inclusive)"
    assert facts["Period to"] == "2026-11-23 14:00:00 (exclusive)"
    assert facts["Time zone"] == "Europe/Berlin"
    assert facts["Workbook"] == "NetStats.xlsx"
    assert facts["Program"] == "netstats_xl 1.2.3"
    assert facts["Rounds in the database"] == "180"
    assert report.rows["About_problems"] == [("Destinations!B7", "10.0.0.0/28", "a block is no host")]
    assert report.column("About_notes", "Note") == ["The disk is full."]
    assert report.cells["NetStats_warnings"] == "The disk is full. 1 bad cell in the workbook: see About."


def test_about_says_on_how_many_rtts_the_percentiles_rest_where_not_on_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = world.store.summaries

    def without_some(*asked: Period, **more: Any) -> Sequence[GroupSummary]:  # what the store itself takes
        return [
            replace(group, summary=replace(group.summary, percentiles_of=400))
            for group in answer(*asked, **more)
        ]

    assert world.report().column("About_notes", "Note") == ["Nothing was left out."]
    monkeypatch.setattr(world.store, "summaries", without_some)

    [note] = world.report().column("About_notes", "Note")
    assert str(note).startswith("The percentiles rest on 400 of the 420 RTTs of the period")


def test_about_defines_every_figure_that_the_headers_name(world: World) -> None:
    report = world.report()

    defined = " ".join(str(figure) for figure in report.column("About_figures", "Figure") if figure).lower()
    for figure in ("rtt", "p95", "jitter", "loss", "availability", "mos", "stdev", "state", "round"):
        assert figure in defined


def test_every_figure_of_the_dashboard_carries_its_rule_as_a_note(world: World) -> None:
    overview = next(
        block
        for block in world.report().blocks["Dashboard"]
        if isinstance(block, TableSpec) and block.name == "Overview"
    )

    unexplained = [
        column.header
        for column in overview.columns
        if ("(ms)" in column.header or "(%)" in column.header) and not column.hidden and not column.note
    ]
    assert unexplained == []


def test_the_same_store_and_inputs_make_the_same_report(world: World) -> None:
    assert world.report() == world.report()


def test_the_number_of_queries_does_not_grow_with_the_destinations() -> None:
    few, many = _queries(3), _queries(60)

    assert few == many


def _queries(destinations: int) -> int:
    """How often the store is asked, histograms in detail aside."""
    several = tuple(GATEWAY.model_copy(update={"id": f"d{n}", "name": f"D{n}"}) for n in range(destinations))
    world = World(Definitions(destinations=several, jobs=(PING,)))
    for destination in several:
        world.rounds(destination, ago(minutes=10), replied(1.0))
    world.ask(settings=world.inputs.settings.model_copy(update={"details_limit": 2}))
    calls = 0
    ask = world.store.summaries

    def counted(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        return ask(*arguments, **options)  # type: ignore[arg-type]  # passed on as they are

    world.store.summaries = counted  # type: ignore[method-assign, assignment]  # counts, and asks the store
    world.report()
    return calls
