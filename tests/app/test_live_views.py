"""The views of a live workbook: one design, whatever fills it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from netstats_xl.app.publishing import LiveViews, live_spec, live_view, status_view
from netstats_xl.app.views import live_sheets, logs
from netstats_xl.domain.results import Replied, RunFailed, State
from netstats_xl.domain.states import DestinationStatus, JobState, JobStatus
from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.domain.targets import Definitions, Destination, Job, Metric, Selector, Settings
from netstats_xl.domain.views import (
    CellSpec,
    ChartSpec,
    OneOfColumn,
    PivotSpec,
    SparklineSpec,
    TableSpec,
    WorkbookView,
)
from netstats_xl.domain.windows import Schedule
from netstats_xl.errors import CellError
from netstats_xl.sheets import DESTINATION_COLUMNS, JOB_COLUMNS, Selection
from tests.app.report_world import DEAD, END, GATEWAY, PING, WEB, WORLD, World, ago, local, replied, timed_out
from tests.app.view_checks import CheckedView, check_view

FAST = Job(
    id="j2",
    name="Fast",
    selectors=(Selector(kind="name", value="Gateway"),),
    schedule=Schedule(interval=timedelta(seconds=10)),
    metrics=(Metric.MEAN, Metric.LOSS),
)


@pytest.fixture
def world() -> World:
    """Two jobs; the last half hour of three destinations, one of which never answers."""
    world = World(WORLD.model_copy(update={"jobs": (PING, FAST)}))
    world.ask(definitions=world.store.definitions().active, collector="Collecting: 2 up, 1 down")
    world.rounds(GATEWAY, ago(minutes=30), *[replied(10.0, 12.0, 14.0, None)] * 30)
    world.rounds(GATEWAY, ago(minutes=30), *[replied(20.0, 22.0)] * 180, job=FAST)
    world.rounds(WEB, ago(minutes=30), *[replied(100.0, 101.0)] * 30)
    world.rounds(DEAD, ago(minutes=30), *[timed_out()] * 30)
    world.run(ago(minutes=1))
    world.event(DEAD, ago(minutes=29), State.UNKNOWN, State.DOWN, "no reply")
    return world


def live(world: World, details_of: str = "", period_h: int = 24) -> CheckedView:
    inputs = replace(world.inputs, outlook=world.outlook())
    return check_view(live_view(world.store, inputs, Selection(details_of=details_of, period_h=period_h)))


def as_read(name: str, headers: Sequence[str], *rows: Mapping[str, CellValue]) -> RawTable:
    return RawTable(
        name=name,
        sheet=name,
        headers=headers,
        rows=[RawRow(number=number, cells=row) for number, row in enumerate(rows, start=5)],
        columns={header: chr(ord("A") + at) for at, header in enumerate(headers)},
        header_row=4,
    )


def destinations_as_read(*rows: Mapping[str, CellValue]) -> RawTable:
    return as_read("Destinations", [column.header for column in DESTINATION_COLUMNS], *rows)


def statistics_of(shown: CheckedView) -> dict[CellValue, CellValue]:
    return {figure: value for figure, value, _ in shown.rows["Details_statistics"]}


# --- The design


def test_the_design_is_the_same_whatever_is_shown(world: World) -> None:
    busy = live_view(world.store, world.inputs, Selection(details_of="Fast", period_h=168))
    quiet = World(Definitions())
    empty = live_view(quiet.store, quiet.inputs, Selection())
    assert busy.spec is empty.spec is status_view(world.inputs).spec is live_spec()


def test_the_sheets_stand_in_their_order(world: World) -> None:
    assert list(live(world).sheets) == [
        "Dashboard", "Destinations", "Jobs", "Details", "Trends", "Routes", "Pivot", "Runs", "Events", "Settings",
        "Hourly", "About", "Help", "Chart data",
    ]  # fmt: skip


def test_a_report_and_a_live_workbook_share_the_overview_and_the_trends(world: World) -> None:
    report, shown = world.report(), live(world)
    for table in ("Overview", "Totals", "Trend_hours", "Trend_days", "Hourly", "About_figures"):
        assert report.tables[table].columns == shown.tables[table].columns


def test_a_table_that_grows_is_the_last_of_its_columns() -> None:
    for sheet in live_spec().sheets:
        tables = [block for block in sheet.blocks if isinstance(block, TableSpec | PivotSpec)]
        for table in (each for each in tables if isinstance(each, TableSpec) and each.room):
            columns = range(table.anchor.column, table.anchor.column + len(table.columns))
            below = [
                block.name
                for block in sheet.blocks
                if isinstance(block, TableSpec | CellSpec | ChartSpec)
                and block.anchor.row > table.anchor.row
                and block.anchor.column in columns
            ]
            assert below == [], (sheet.name, table.name)


def test_every_table_that_changes_its_length_has_room(world: World) -> None:
    fixed = {
        "Totals",
        "StorageFacts",
        "Details_statistics",
        "About_report",
        "About_notes",
        "About_figures",
        "About_colours",
    } | {"Route_changes"}
    typed = {"Settings", "Selection"}
    spec = {
        block.name: block
        for sheet in live_spec().sheets
        for block in sheet.blocks
        if isinstance(block, TableSpec)
    }
    assert {name for name, table in spec.items() if not table.room} == fixed | typed
    rows = [live(each).rows for each in (world, World(Definitions()))]
    for name in fixed:
        assert len(rows[0][name]) == len(rows[1][name]) > 0, name


def test_titles_that_tell_of_the_data_stand_in_cells(world: World) -> None:
    charts = [block for sheet in live_spec().sheets for block in sheet.blocks if isinstance(block, ChartSpec)]
    cells = live(world).cells
    shown = {chart.name: cells[chart.title_cell] for chart in charts if chart.title_cell}
    assert shown == {
        "States": "Destinations by state",
        "Worst by loss": "Destinations by loss (%)",
        "Worst by p95": "Destinations by p95 RTT (ms)",
        "Details over time": "Every minute: Printer (the worst): no reply in this period",
        "Details histogram": "No replies",
        "Details by RTT": "RTT (ms): destinations of Every minute",
        "Details by loss": "Loss (%): destinations of Every minute",
        "Route by RTT": "No route was traced yet.",
        "Route by loss": "No route was traced yet.",
    }


def test_what_drop_downs_offer_is_fed(world: World) -> None:
    columns = {
        (table.name, column.header): column.validation.source
        for sheet in live_spec().sheets
        for table in sheet.blocks
        if isinstance(table, TableSpec)
        for column in table.columns
        if isinstance(column.validation, OneOfColumn)
    }
    assert set(columns) == {("Destinations", "Group"), ("Jobs", "Destinations"), ("Selection", "Details of")}
    shown = live(world)
    offered = {where: shown.column(ref.table, ref.column) for where, ref in columns.items()}
    assert offered["Destinations", "Group"][:3] == ["Core", "Internet", None]
    assert offered["Jobs", "Destinations"][:4] == ["*", "group:Core", "group:Internet", "tag:lan"]
    assert offered["Selection", "Details of"][:5] == [
        "Gateway",
        "Web shop",
        "Printer",
        "Every minute",
        "Fast",
    ]


# --- What the period is


def test_the_period_is_the_one_chosen_up_to_now(world: World) -> None:
    world.rounds(WEB, ago(hours=100), replied(1.0))
    assert live(world, period_h=1).cells["NetStats_period"] == (
        "2026-11-23 13:00:00 to 2026-11-23 14:00:00  (Europe/Berlin)"
    )
    assert live(world, period_h=1).cells["Total_rounds"] == 270
    assert live(world, period_h=168).cells["Total_rounds"] == 271


def test_hours_are_whole_so_that_those_that_are_over_stay_the_same(world: World) -> None:
    first = END - timedelta(hours=3)
    world.rounds(WEB, first, *[replied(1.0)] * 60)
    world.ask(generated_at=END + timedelta(minutes=40))
    hours = [row for row in live(world, period_h=3).records("Hourly") if row["Destination"] == "Web shop"]
    assert [(row["Hour start"], row["Rounds"]) for row in hours] == [
        (local(first), 60),
        (local(ago(hours=1)), 30),
    ]
    world.ask(generated_at=END + timedelta(minutes=-20))
    hours = [row for row in live(world, period_h=3).records("Hourly") if row["Destination"] == "Web shop"]
    assert [(row["Hour start"], row["Rounds"]) for row in hours] == [
        (local(first), 60),
        (local(ago(hours=1)), 10),
    ]


def test_a_live_hourly_table_is_kept_short_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netstats_xl.app.views.live.HOURLY_ROWS", 8)
    for hours in (1, 2, 3, 4):
        world.rounds(WEB, ago(hours=hours), replied(1.0))
    shown = live(world)
    assert shown.column("Hourly", "Hour start")[0] == local(ago(hours=2))
    assert any("the last 2 of 24 hours are shown" in str(row[0]) for row in shown.rows["About_notes"])


# --- Dashboard


def test_the_dashboard_tells_the_collectors_state_and_the_warnings(world: World) -> None:
    assert live(world).cells["NetStats_state"] == "Collecting: 2 up, 1 down"
    assert live(world).cells["NetStats_warnings"] == ""
    world.ask(warnings=("The disk is full.",))
    assert live(world).cells["NetStats_warnings"] == "The disk is full."


def test_the_overviews_rows_are_told_apart_by_the_destinations_id(world: World) -> None:
    shown = live(world)
    assert shown.column("Overview", "ID") == ["d1", "d2", "d3"]
    overview = shown.tables["Overview"]
    assert overview.key == "ID"
    assert next(column for column in overview.columns if column.header == "ID").hidden


def test_sparklines_read_hidden_columns_of_their_own_row(world: World) -> None:
    shown = live(world)
    [sparkline] = [block for block in shown.blocks["Dashboard"] if isinstance(block, SparklineSpec)]
    assert (sparkline.table, sparkline.source, sparkline.kind) == ("Overview", "Overview", "line")
    hidden = {column.header for column in shown.tables["Overview"].columns if column.hidden}
    assert {sparkline.first_column, sparkline.last_column} <= hidden
    assert shown.column("Overview", sparkline.last_column) == [pytest.approx(19.2), 100.5, None]


def test_an_hours_view_still_shows_the_last_day_beside_it(world: World) -> None:
    day = live(world)
    hour = live(world, period_h=1)
    assert hour.rows["Overview"] == day.rows["Overview"]


# --- Details


def test_without_a_choice_the_worst_pair_is_shown(world: World) -> None:
    shown = live(world)
    assert shown.cells["Details_heading"] == "Every minute: Printer (the worst), the last 24h"
    assert shown.column("Details_pairs", "Destination") == ["Printer"]
    assert shown.column("Details_comparison", "Name") == ["Printer", "Gateway", "Web shop"]


def test_a_destination_is_shown_by_all_its_jobs_pooled(world: World) -> None:
    shown = live(world, "gateway")
    statistics = {row[0]: row[1:] for row in shown.rows["Details_statistics"]}
    assert shown.cells["Details_heading"] == "Gateway (10.0.0.1), the last 24h"
    assert statistics["Rounds"] == (210, "")
    assert statistics["Packets received"] == (450, "")
    assert statistics["Mean RTT"] == ((30 * 36 + 180 * 42) / 450, "ms")
    assert statistics["Jitter (RFC 3550)"] == (None, "ms")
    assert shown.rows["Details_comparison"] == [("Every minute", 12, 14, 25.0), ("Fast", 21, 22, 0.0)]
    assert shown.column("Details_pairs", "ID") == ["j1 d1", "j2 d1"]
    assert shown.cells["Details_pairs_heading"] == "2 pairs of job and destination"
    assert shown.cells["Details_rtt_title"] == "RTT (ms): Gateway, by job"


def test_a_job_is_shown_with_all_its_destinations_pooled(world: World) -> None:
    shown = live(world, "every minute")
    statistics = statistics_of(shown)
    assert shown.cells["Details_heading"] == "Every minute, all destinations, the last 24h"
    assert (statistics["Rounds"], statistics["Loss"]) == (90, 50.0)
    assert shown.column("Details_pairs", "Destination") == ["Printer", "Gateway", "Web shop"]
    assert shown.column("Details_pairs", "Status") == ["Down", "Unknown", "Unknown"]
    assert sum(int(str(row[1])) for row in shown.rows["Details_histogram"]) == 150


def test_a_job_of_one_destination_shows_that_pairs_figures_as_far_as_it_asks_for_them(world: World) -> None:
    shown = live(world, "Fast")
    statistics = statistics_of(shown)
    assert statistics["Mean RTT"] == 21
    assert statistics["Loss"] == 0
    assert statistics["p95 RTT"] is None
    assert len(statistics) == 15
    assert shown.cells["Details_pairs_heading"] == "1 pair of job and destination"


def test_a_job_that_asks_for_it_shows_the_jitter_of_rfc_3550(world: World) -> None:
    shown = live(world, period_h=1)
    assert statistics_of(shown)["Jitter (RFC 3550)"] is None
    only_web = WORLD.model_copy(update={"destinations": (WEB,), "jobs": (PING,)})
    world = World(only_web)
    world.rounds(WEB, ago(minutes=30), *[replied(100.0, 101.0)] * 30)
    statistics = statistics_of(live(world, "Every minute"))
    assert statistics["Jitter (RFC 3550)"] == pytest.approx(1 - (15 / 16) ** 30, abs=1e-3)


def test_a_name_that_is_not_known_shows_the_worst(world: World) -> None:
    assert live(world, "Nobody").cells == live(world).cells


def test_the_series_has_as_many_rows_always_and_a_round_holds_for_its_interval(world: World) -> None:
    for details_of, period_h in (("Fast", 1), ("Every minute", 24), ("Gateway", 720), ("", 5)):
        assert len(live(world, details_of, period_h).rows["Details_series"]) == 360
    rows = live(world, "Web shop", 1).rows["Details_series"]
    # A step is 10 s, a round every minute: its figures hold for six steps, and blank is where nothing was sent.
    assert [row[1] for row in rows] == [None] * 179 + [100.5] * 180 + [None]
    assert (rows[0][0], rows[-1][0]) == ("13:00", "14:00")


def test_the_labels_of_a_long_period_name_the_day(world: World) -> None:
    assert live(world, "Fast", 48).rows["Details_series"][-1][0] == "13:56"
    assert live(world, "Fast", 72).rows["Details_series"][-1][0] == "11-23 14:00"


def test_the_loss_axis_reaches_twice_as_far_as_the_loss(world: World) -> None:
    ends = [live(world, name, 1).rows["Details_series"][0][4] for name in ("Fast", "Every minute", "Printer")]
    assert ends == [9, 90, 90]


def test_of_many_destinations_the_worst_are_compared() -> None:
    many = tuple(
        Destination(id=f"m{number}", name=f"Host {number:02}", host="10.0.0.1") for number in range(30)
    )
    world = World(Definitions(destinations=many, jobs=(PING,)))
    for number, destination in enumerate(many):
        world.rounds(
            destination, ago(minutes=number + 1), Replied(address="a", rtts_ms=(1.0, *[None] * number))
        )
    shown = live(world, "Every minute")
    assert shown.column("Details_comparison", "Name") == [f"Host {number:02}" for number in range(29, 9, -1)]
    assert shown.cells["Details_loss_title"] == "Loss (%): the worst 20 of 30 destinations of Every minute"
    assert len(shown.rows["Details_pairs"]) == 30


def test_where_there_is_nothing_everything_is_blank() -> None:
    world = World(Definitions())
    shown = live(world)
    assert str(shown.cells["Details_heading"]).startswith("Nothing to show")
    assert shown.rows["Details_pairs"] == []
    assert {row[1:4] for row in shown.rows["Details_series"]} == {(None, None, None)}
    assert shown.rows["Details_comparison"] == [("", None, None, None)]
    assert shown.cells["States_title"] == "No destinations"


# --- Trends


def test_the_trends_show_whole_hours_and_days_beside_those_before(world: World) -> None:
    world.rounds(WEB, ago(hours=25), replied(50.0))
    world.ask(generated_at=END - timedelta(minutes=10))
    shown = live(world, period_h=24)
    hours, days = shown.rows["Trend_hours"], shown.rows["Trend_days"]
    assert len(hours) == 24
    assert (hours[-1][0], hours[-1][5]) == (local(ago(hours=1)), local(ago(hours=25)))
    assert (hours[-1][6], hours[0][1]) == (50, None)
    assert [(row[0], row[5]) for row in days] == [
        (local(END).replace(hour=0), local(END).replace(day=22, hour=0))
    ]
    assert days[0][6] == 50
    assert shown.cells["Trends_explanation"] == (
        "All destinations pooled. The last 24 hours beside the 24 before, today beside yesterday (Europe/Berlin). "
        "This hour and today are not over yet."
    )
    assert shown.cells["Trends_left_out"] == ""


def test_long_trends_are_cut_and_say_so(world: World) -> None:
    shown = live(world, period_h=24 * 40)
    assert (len(shown.rows["Trend_hours"]), len(shown.rows["Trend_days"])) == (31 * 24, 40)
    assert shown.cells["Trends_left_out"] == ("Trends: by hour, the last 31 days of the period are shown.")


def test_a_single_hour_stands_beside_the_one_before(world: World) -> None:
    shown = live(world, period_h=1)
    assert len(shown.rows["Trend_hours"]) == 1
    assert "This hour beside the one before, today beside yesterday" in str(shown.cells["Trends_explanation"])


# --- Logs and About


def test_the_newest_runs_and_events_are_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netstats_xl.app.views.live.LOG_ROWS", 2)
    world.run(ago(minutes=3), RunFailed(error="no socket"))
    world.run(ago(minutes=2))
    shown = live(world)
    assert shown.column("Runs", "Tick") == [local(ago(minutes=1)), local(ago(minutes=2))]
    assert shown.column("Events", "Destination") == ["Printer"]
    assert any(str(row[0]).startswith("Runs: the newest 2") for row in shown.rows["About_notes"])


def test_the_log_says_how_many_rows_it_shows_at_most() -> None:
    limits = {
        sheet.name: str(table.columns[0].note)
        for sheet in live_spec().sheets
        for table in sheet.blocks
        if isinstance(table, TableSpec) and sheet.name in ("Runs", "Events")
    }
    assert all(note.endswith("Newest first; at most 500 rows.") for note in limits.values())
    assert live_sheets.LOG_ROWS == 500 < logs.LIMIT


def test_more_notes_than_there_is_room_for_are_counted(world: World) -> None:
    world.ask(warnings=tuple(f"Warning {number}." for number in range(14)))
    notes = [row[0] for row in live(world).rows["About_notes"]]
    assert notes == [*(f"Warning {number}." for number in range(9)), "And 5 more."]


# --- The tables of the user


def test_status_columns_stand_in_the_rows_as_they_were_read(world: World) -> None:
    table = destinations_as_read(
        {"Name": "web shop ", "Host": "www.example.com", "ID": "d2", "Status": "old"},
        {"Name": None, "Host": None, "Status": "Up", "ID": "d9"},
        {"Name": "Bad", "Host": "not a host", "ID": "d7"},
        {"Name": "Gateway", "Host": "10.0.0.1", "Enabled": True},
    )
    world.ask(
        tables={"Destinations": table},
        row_ids={("Destinations", 5): "d2", ("Destinations", 8): "d1"},
        cell_errors=(CellError(sheet="Destinations", cell="B7", value="not a host", message="no host"),),
        destination_status={
            "d2": DestinationStatus(destination_id="d2", state=State.DEGRADED, last_rtt_ms=101.0),
            "d1": DestinationStatus(destination_id="d1", state=State.UP, last_seen_at=END),
        },
    )
    for view in (status_view(world.inputs), live_view(world.store, world.inputs, Selection())):
        web, emptied, bad, gateway = records(view, "Destinations")
        assert (web["Name"], web["Status"], web["Last RTT (ms)"], web["ID"]) == (
            "web shop ",
            "Degraded",
            101,
            "d2",
        )
        assert set(emptied.values()) == {None}
        assert (bad["Status"], bad["Problems"], bad["ID"]) == ("Invalid", "B7: no host", "d7")
        assert (gateway["Enabled"], gateway["Last seen"], gateway["ID"]) == (True, local(END), "d1")


def test_a_job_shows_its_state_once_it_is_known(world: World) -> None:
    table = as_read(
        "Jobs",
        [column.header for column in JOB_COLUMNS],
        {"Name": "Every minute", "Destinations": "*", "Interval": "1m", "ID": "j1"},
        {"Name": "Fast", "Destinations": "Gateway", "Interval": "10s", "ID": "j2"},
    )
    status = JobStatus(job_id="j1", state=JobState.RUNNING, rounds_done=7, ticks_missed=1)
    world.ask(tables={"Jobs": table}, job_status={"j1": status})
    known, unknown = records(status_view(world.inputs), "Jobs")
    assert (known["State"], known["Rounds done"], known["Missed"], known["Interval"]) == (
        "Running",
        7,
        1,
        "1m",
    )
    assert (unknown["State"], unknown["ID"]) == (None, "j2")
    # With the store at hand, what was done so far is known anyhow.
    assert records(live_view(world.store, world.inputs, Selection()), "Jobs")[1]["State"] == "Stopped"


def test_the_users_own_columns_are_none_of_the_views(world: World) -> None:
    headers = [column.header for column in DESTINATION_COLUMNS]
    table = as_read(
        "Destinations", ["Owner", *headers], {"Owner": "me", "Name": "Gateway", "Host": "10.0.0.1"}
    )
    world.ask(tables={"Destinations": table})
    [row] = list(status_view(world.inputs).rows["Destinations"])
    assert len(row) == len(headers)


def test_tables_that_were_not_read_are_left_alone(world: World) -> None:
    assert set(status_view(world.inputs).rows) == {"Choices"}
    rows = live_view(world.store, world.inputs, Selection()).rows
    assert not {"Destinations", "Jobs", "Settings", "Selection"} & set(rows)


def test_the_status_view_asks_no_store_and_tells_the_collectors_state(world: World) -> None:
    world.ask(collector="Stopped 2026-11-23 14:00")
    assert status_view(world.inputs).cells == {"NetStats_state": "Stopped 2026-11-23 14:00"}


def records(view: WorkbookView, table: str) -> list[dict[str, CellValue]]:
    spec = next(
        block
        for sheet in view.spec.sheets
        for block in sheet.blocks
        if isinstance(block, TableSpec) and block.name == table
    )
    return [
        dict(zip((column.header for column in spec.columns), row, strict=True)) for row in view.rows[table]
    ]


# --- From view to view


def test_views_that_follow_each_other_show_what_a_first_view_would(world: World) -> None:
    views = LiveViews()
    for minutes in range(0, 40, 4):
        inputs = replace(world.inputs, generated_at=END + timedelta(minutes=minutes))
        selection = Selection(details_of="Gateway", period_h=1)
        followed = check_view(views.everything(world.store, inputs, selection))
        first = check_view(live_view(world.store, inputs, selection))
        assert followed.rows == first.rows
        assert followed.cells == first.cells
    assert views.status(world.inputs).rows == status_view(world.inputs).rows


def test_another_store_is_not_taken_for_the_one_before(world: World) -> None:
    views = LiveViews()
    views.everything(world.store, world.inputs, Selection())
    empty = World(WORLD)
    shown = views.everything(empty.store, empty.inputs, Selection())
    assert shown.cells["Total_rounds"] == 0


def test_samples_that_come_late_show_once_the_past_is_forgotten(world: World) -> None:
    views = LiveViews()
    views.everything(world.store, world.inputs, Selection())
    world.rounds(WEB, ago(hours=5), *[replied(1.0)] * 10)
    assert views.everything(world.store, world.inputs, Selection()).cells["Total_rounds"] == 270
    views.forget()
    assert views.everything(world.store, world.inputs, Selection()).cells["Total_rounds"] == 280


def test_the_zone_is_that_of_the_settings(world: World) -> None:
    world.ask(settings=Settings(zone="Asia/Tokyo"))
    assert str(live(world).cells["NetStats_generated"]).endswith("22:00:00  (Asia/Tokyo)")


def test_no_named_cell_begins_like_an_address_in_r1c1_notation() -> None:
    # Some of Excel's dialogs take a name that begins with R or C for a reference.
    names = [
        block.name for sheet in live_spec().sheets for block in sheet.blocks if isinstance(block, CellSpec)
    ]
    assert len(names) > 5
    assert not [name for name in names if name[0] in "RC"]
