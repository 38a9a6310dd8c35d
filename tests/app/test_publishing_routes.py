"""The Routes sheet of a report and of a live workbook."""

import zipfile
from pathlib import Path

import pytest

from netstats_xl.app.publishing import live_view, report_view
from netstats_xl.app.views import live_sheets, routes, routes_sheet
from netstats_xl.domain.results import Scope, TraceReason
from netstats_xl.domain.targets import Definitions, Thresholds
from netstats_xl.sheets import Selection
from netstats_xl.workbooks.xlsx_writer import write_workbook
from tests.app.report_world import DEAD, GATEWAY, PING, WEB, WORLD, World, ago, local
from tests.app.view_checks import CheckedView, check_view


@pytest.fixture
def world() -> World:
    """A web shop behind two routers, a gateway beside, and a printer that cannot be reached."""
    world = World()
    names = {"10.0.0.1": "gw.example", "198.51.100.7": "www.example"}
    for minutes in (50, 40):
        world.trace(WEB, ago(minutes=minutes), "10.0.0.1", "", "198.51.100.7?", names=names)
    world.trace(GATEWAY, ago(minutes=30), "10.0.0.1")
    world.trace(DEAD, ago(minutes=20), "10.0.0.1", reached=False, reason=TraceReason.DOWN)
    return world


def live(world: World, details_of: str = "") -> CheckedView:
    return check_view(live_view(world.store, world.inputs, Selection(details_of=details_of, period_h=24)))


def feed(shown: CheckedView) -> list[tuple[object, ...]]:
    return list(shown.rows["Route_hops"])


def test_there_is_a_row_for_each_hop_with_the_figures_of_all_traces(world: World) -> None:
    rows = world.report().records("Routes")
    assert [(row["Destination"], row["Host"], row["Hop"]) for row in rows] == [
        ("Gateway", "10.0.0.1", 1),
        ("Web shop", "www.example.com", 1),
        ("Web shop", "www.example.com", 2),
        ("Web shop", "www.example.com", 3),
        ("Printer", "10.0.0.9", 1),
        ("Printer", "10.0.0.9", None),
    ]
    first, silent, last = rows[1:4]
    assert (first["Address"], first["Name"], first["Loss (%)"], first["Sent"]) == (
        "10.0.0.1",
        "gw.example",
        0,
        8,
    )
    figures = ("Last RTT (ms)", "Mean RTT (ms)", "Best RTT (ms)", "Worst RTT (ms)", "Stdev RTT (ms)")
    assert [first[each] for each in figures] == [1.0, 1.0, 1.0, 1.0, 0.0]
    assert (silent["Address"], silent["Name"], silent["Loss (%)"], silent["Sent"]) == ("", "", 100.0, 8)
    assert [silent[each] for each in figures] == [None] * 5
    assert (last["Address"], last["Name"], last["Loss (%)"]) == ("198.51.100.7", "www.example", 50.0)
    assert (last["Since"], last["Last traced"]) == (local(ago(minutes=50)), local(ago(minutes=40)))


def test_a_host_that_is_not_reached_is_told_in_a_row_of_its_own(world: World) -> None:
    row = world.report().records("Routes")[-1]
    assert (row["Address"], row["Name"], row["Hop"], row["Sent"]) == ("10.0.0.9", "not reached", None, None)


def test_several_addresses_of_a_hop_and_their_names_stand_side_by_side(world: World) -> None:
    world.trace(GATEWAY, ago(minutes=3), "10.0.0.1")
    for address in ("10.0.0.4", "10.0.0.5"):
        world.trace(DEAD, ago(minutes=2), "10.0.0.1", address, reached=False, names={address: f"r-{address}"})
    rows = [row for row in world.report().records("Routes") if row["Destination"] == "Printer"]
    # The second is another route: nothing that was known answered there.
    assert [(row["Address"], row["Name"]) for row in rows[1:]] == [
        ("10.0.0.5", "r-10.0.0.5"),
        ("10.0.0.9", "not reached"),
    ]


def test_only_a_loss_that_lasts_to_the_end_is_coloured(world: World) -> None:
    world.trace(GATEWAY, ago(minutes=3), "10.0.0.9?", "10.0.0.1")
    rows = [
        (row["Destination"], row["Hop"], row["Loss critical (%)"]) for row in world.report().records("Routes")
    ]
    assert rows[:5] == [
        ("Gateway", 1, None),
        ("Gateway", 2, None),
        ("Web shop", 1, None),
        ("Web shop", 2, 10.0),
        ("Web shop", 3, 10.0),
    ]


def test_a_destinations_own_thresholds_colour_its_hops(world: World) -> None:
    own = WEB.model_copy(update={"thresholds": Thresholds(rtt_critical_ms=2, loss_critical_percent=60)})
    definitions = WORLD.model_copy(update={"destinations": (GATEWAY, own, DEAD)})
    world.store.save_definitions(definitions, at=ago(minutes=1))
    world.ask(definitions=definitions)
    row = world.report().records("Routes")[3]
    assert (row["RTT critical (ms)"], row["Loss critical (%)"], row["Loss warning (%)"]) == (2, None, 2)


def test_changes_are_told_newest_first_with_what_changed_and_why(world: World) -> None:
    world.trace(WEB, ago(minutes=9), "10.0.0.2", "", "198.51.100.7", reason=TraceReason.CRITICAL)
    world.trace(DEAD, ago(minutes=5), "10.0.0.1", "10.0.0.9", reason=TraceReason.ASKED)
    report = world.report()
    assert report.records("Route_changes") == [
        {
            "When": local(ago(minutes=5)),
            "Destination": "Printer",
            "Hops": 2,
            "Reason": "Asked for",
            "What changed": "reached",
        },
        {
            "When": local(ago(minutes=9)),
            "Destination": "Web shop",
            "Hops": 3,
            "Reason": "RTT critical",
            "What changed": "hop 1: 10.0.0.1 -> 10.0.0.2",
        },
    ]


def test_what_changed_before_or_after_the_period_is_not_told(world: World) -> None:
    world.trace(WEB, ago(hours=-1), "10.0.0.2", "", "198.51.100.7")
    report = world.report()
    assert report.records("Route_changes")[0]["What changed"] == "No route changed."
    # The route as it was within the period.
    assert report.records("Routes")[1]["Address"] == "10.0.0.1"


def test_without_a_trace_the_sheet_says_so() -> None:
    for shown in (World().report(), World(Definitions()).report(), live(World())):
        assert shown.records("Routes")[0]["Destination"] == "No route was traced yet."
        assert shown.records("Route_changes")[0]["What changed"] == "No route changed."
        assert feed(shown) == [("", None, None, None)]


def test_a_report_of_some_destinations_shows_their_routes_alone(world: World) -> None:
    world.trace(WEB, ago(minutes=9), "10.0.0.2", "", "198.51.100.7")
    world.trace(DEAD, ago(minutes=5), "10.0.0.1", "10.0.0.9")
    world.ask(scope=Scope(destination_ids=frozenset({WEB.id})))
    report = world.report()
    assert {row["Destination"] for row in report.records("Routes")} == {"Web shop"}
    assert [row["Destination"] for row in report.records("Route_changes")] == ["Web shop"]
    world.ask(scope=Scope(job_ids=frozenset({PING.id})))
    assert {row["Destination"] for row in world.report().records("Routes")} == {
        "Gateway",
        "Web shop",
        "Printer",
    }
    world.ask(scope=Scope(job_ids=frozenset({"another job"})))
    assert world.report().records("Routes")[0]["Destination"] == "No route was traced yet."


# --- Charts


def test_the_charts_of_a_report_show_the_worst_route(world: World) -> None:
    report = world.report()
    assert feed(report) == [("1", 1.0, 1.0, 0.0)]
    assert [chart.title for chart in report.charts("Routes")] == [
        "RTT by hop (ms): Printer (the worst), not reached",
        "Loss by hop (%): Printer (the worst), not reached",
    ]


@pytest.mark.parametrize(
    ("details_of", "title", "hops"),
    [
        ("Web shop", "Web shop", ["1", "2", "3"]),
        ("Gateway", "Gateway", ["1"]),
        ("Every minute", "Printer (the worst), not reached", ["1"]),
        ("", "Printer (the worst), not reached", ["1"]),
    ],
)
def test_the_charts_of_a_live_workbook_show_what_was_chosen(
    world: World, details_of: str, title: str, hops: list[str]
) -> None:
    shown = live(world, details_of)
    assert [row[0] for row in feed(shown)] == hops
    assert shown.cells["Hops_rtt_title"] == f"RTT by hop (ms): {title}"
    assert shown.cells["Hops_loss_title"] == f"Loss by hop (%): {title}"


def test_a_chosen_destination_or_job_without_a_route_is_named() -> None:
    world = World()
    world.trace(WEB, ago(minutes=9), "10.0.0.2", "198.51.100.7")
    assert live(world, "Gateway").cells["Hops_rtt_title"] == "Gateway: no route was traced yet"
    assert live(world, "Web shop").cells["Hops_rtt_title"] == "RTT by hop (ms): Web shop"
    none = live(World(), "Every minute")
    assert none.cells["Hops_rtt_title"] == "Every minute: no route was traced yet"
    assert live(world).cells["Hops_rtt_title"] == "RTT by hop (ms): Web shop"


def test_a_route_on_which_nobody_answers_is_the_worst_of_all(world: World) -> None:
    world.trace(GATEWAY, ago(minutes=1), reached=False)
    shown = live(world)
    assert shown.cells["Hops_rtt_title"] == "RTT by hop (ms): Gateway (the worst), not reached"
    assert feed(shown) == [("", None, None, None)]


# --- Bounds


def test_a_live_workbook_shows_as_many_whole_routes_as_there_is_room_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netstats_xl.app.views.live.ROUTE_ROWS", 3)
    shown = live(world)
    assert {row["Destination"] for row in shown.records("Routes")} == {"Gateway"}
    left_out = "Routes: those to the first 1 of 3 destinations are shown."
    assert shown.cells["Hops_left_out"] == left_out
    assert (left_out,) in shown.rows["About_notes"]


def test_the_newest_changes_are_shown_and_the_rest_is_said_to_be_left_out(world: World) -> None:
    for number in range(routes_sheet.LIVE_CHANGES + 2):
        world.trace(GATEWAY, ago(minutes=29 - number), f"10.0.1.{number}", "10.0.0.1")
    shown = live(world)
    rows = shown.records("Route_changes")
    assert len(rows) == routes_sheet.LIVE_CHANGES
    assert rows[0]["When"] == local(ago(minutes=18))
    assert shown.cells["Hops_left_out"] == (
        "Routes: the newest 10 changes of the period are shown; there may be older ones."
    )
    assert len(world.report().records("Route_changes")) == 12


def test_changes_among_many_first_routes_may_be_older_than_what_is_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "REPORT_CHANGES", 1)
    monkeypatch.setattr(routes, "_LOOKED_AT", 2)
    report = world.report()
    assert "Routes: the newest 0 changes of the period are shown; there may be older ones." in report.texts(
        "Routes"
    )


def test_the_tables_of_a_live_workbook_have_their_size_whatever_there_is(world: World) -> None:
    assert len(live(world).rows["Route_changes"]) == len(live(World()).rows["Route_changes"]) == 10
    table = next(
        block
        for sheet in live_sheets.live_spec().sheets
        for block in sheet.blocks
        if getattr(block, "name", "") == "Routes"
    )
    assert getattr(table, "room", 0) == live_sheets.ROUTE_ROWS


# --- Text from the network


def test_a_name_from_the_network_never_becomes_a_formula(world: World, tmp_path: Path) -> None:
    evil = "=HYPERLINK(1)"
    world.trace(GATEWAY, ago(minutes=1), "10.0.0.1", names={"10.0.0.1": evil})
    path = tmp_path / "report.xlsx"
    write_workbook(report_view(world.store, world.inputs), path)
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name).decode() for name in package.namelist() if name.endswith(".xml")}
    assert any(evil in text for text in parts.values())
    assert not any("<f>" in text and "HYPERLINK" in text.split("<f>", 1)[1] for text in parts.values())
