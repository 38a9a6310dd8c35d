"""The Destinations and Jobs sheets: what was typed stays, bad rows too, and the status columns are filled."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from netstats_xl.domain.results import JobTotals, MissedReason, Period, RunFailed, RunMissed, State
from netstats_xl.domain.states import DestinationStatus, JobState, JobStatus
from netstats_xl.domain.tables import CellValue, ErrorValue, RawRow, RawTable
from netstats_xl.domain.targets import Definitions
from netstats_xl.errors import CellError
from tests.app.report_world import DEAD, GATEWAY, PING, WEB, World, ago, local


def table(name: str, headers: Sequence[str], *rows: Mapping[str, CellValue]) -> RawTable:
    """A table whose header stands in row 3."""
    return RawTable(
        name=name,
        sheet=name,
        headers=headers,
        rows=[RawRow(number=number, cells=cells) for number, cells in enumerate(rows, start=4)],
        columns={header: "ABCDEFGHIJ"[index] for index, header in enumerate(headers)},
        header_row=3,
    )


@pytest.fixture
def world() -> World:
    """A gateway of which the status is known."""
    world = World()
    world.ask(
        destination_status={
            "d1": DestinationStatus(
                destination_id="d1",
                state=State.DEGRADED,
                last_rtt_ms=120.5,
                loss_percent=25,
                last_seen_at=ago(minutes=1),
                answer="200, total 35 ms, certificate 61 d",
                problems="RTT 120.5 ms is at or above the warning 100 ms",
            )
        }
    )
    return world


def test_without_a_table_the_definitions_are_rendered(world: World) -> None:
    rows = world.report().records("Destinations")

    assert [row["Name"] for row in rows] == ["Gateway", "Web shop", "Printer"]
    assert rows[0]["Host"] == "10.0.0.1"
    assert rows[0]["Tags"] == "lan"
    assert rows[0]["Status"] == "Degraded"
    assert rows[0]["Last RTT (ms)"] == 120.5
    assert rows[0]["Loss (%)"] == 25
    assert rows[0]["Answer"] == "200, total 35 ms, certificate 61 d"
    assert rows[0]["Last seen"] == local(ago(minutes=1))
    assert rows[0]["Problems"] == "RTT 120.5 ms is at or above the warning 100 ms"
    assert rows[0]["ID"] == "d1"


def test_rows_are_shown_as_typed_in_any_order_of_columns(world: World) -> None:
    raw = table(
        "Destinations",
        ["HOST", " name ", "rtt_warning_ms", "Enabled"],
        {"HOST": " 10.0.0.1", " name ": "Gateway", "rtt_warning_ms": "5 ms", "Enabled": "x"},
    )
    world.ask(tables={"Destinations": raw})

    (row,) = world.report().records("Destinations")

    assert (row["Name"], row["Host"], row["RTT warning (ms)"], row["Enabled"]) == (
        "Gateway",
        " 10.0.0.1",
        "5 ms",
        "x",
    )
    assert row["Status"] == "Degraded"
    assert row["ID"] == "d1"


def test_the_users_own_columns_are_kept_at_the_right(world: World) -> None:
    raw = table(
        "Destinations",
        ["Rack", "Name", "Host", "Cost"],
        {"Rack": "R7", "Name": "Gateway", "Host": "10.0.0.1", "Cost": 12.5},
        {"Rack": ErrorValue("#N/A"), "Name": "Web shop", "Host": "www.example.com", "Cost": None},
    )
    world.ask(tables={"Destinations": raw})

    report = world.report()

    headers = [column.header for column in report.tables["Destinations"].columns]
    assert headers[-2:] == ["Rack", "Cost"]
    assert headers[0] == "Name"
    assert report.column("Destinations", "Rack") == ["R7", ErrorValue("#N/A")]
    assert report.column("Destinations", "Cost") == [12.5, None]


def test_a_second_column_of_a_known_name_is_kept_under_a_name_of_its_own(world: World) -> None:
    raw = table(
        "Destinations", ["Name", "Host", "host", ""], {"Name": "Gateway", "Host": "a", "host": "b", "": "c"}
    )
    world.ask(tables={"Destinations": raw})

    (row,) = world.report().records("Destinations")

    assert (row["Host"], row["host (2)"], row["Column (2)"]) == ("a", "b", "c")


def test_a_bad_row_is_shown_with_what_is_wrong_and_where(world: World) -> None:
    raw = table(
        "Destinations",
        ["Name", "Host"],
        {"Name": "Gateway", "Host": "10.0.0.1"},
        {"Name": "Net", "Host": "10/8"},
    )
    errors = (
        CellError(sheet="Destinations", cell="B5", value="10/8", message="a block is no host"),
        CellError(sheet="Destinations", cell="A5", value="Net", message="too short"),
        CellError(sheet="Jobs", cell="B4", value="", message="of another sheet"),
        CellError(sheet="Destinations", cell="C3", value="", message="of the header"),
    )
    world.ask(tables={"Destinations": raw}, cell_errors=errors)

    good, bad = world.report().records("Destinations")

    assert bad["Host"] == "10/8"
    assert bad["Status"] == "Invalid"
    assert bad["Problems"] == "B5: a block is no host; A5: too short"
    assert good["Problems"] == "RTT 120.5 ms is at or above the warning 100 ms"


@pytest.mark.parametrize("copied_id", [None, "d1"])
def test_a_row_refused_for_its_name_does_not_show_the_other_rows_status(
    world: World, copied_id: str | None
) -> None:
    raw = table(
        "Destinations",
        ["Name", "Host", "ID"],
        {"Name": "Gateway", "Host": "10.0.0.1"},
        {"Name": "gateway", "Host": "10.0.0.9", "ID": copied_id},
    )
    error = CellError(sheet="Destinations", cell="A5", value="gateway", message="A4 has this name already")
    world.ask(tables={"Destinations": raw}, row_ids={("Destinations", 4): "d1"}, cell_errors=(error,))

    good, bad = world.report().records("Destinations")

    assert (good["Status"], good["Last RTT (ms)"]) == ("Degraded", 120.5)
    assert (bad["Status"], bad["Last RTT (ms)"], bad["ID"]) == ("Invalid", None, None)


def test_a_bad_row_that_was_good_before_keeps_its_status(world: World) -> None:
    raw = table("Destinations", ["Name", "Host"], {"Name": "Renamed", "Host": "10/8"})
    error = CellError(sheet="Destinations", cell="B4", value="10/8", message="a block is no host")
    world.ask(tables={"Destinations": raw}, cell_errors=(error,), row_ids={("Destinations", 4): "d1"})

    (row,) = world.report().records("Destinations")

    assert row["Status"] == "Degraded"
    assert row["Problems"] == "B4: a block is no host; RTT 120.5 ms is at or above the warning 100 ms"


def test_a_source_without_cells_has_its_problems_by_row_too(world: World) -> None:
    raw = RawTable(
        name="Destinations",
        sheet="Destinations",
        headers=["name", "host"],
        rows=[
            RawRow(number=0, cells={"name": "A", "host": "1"}),
            RawRow(number=1, cells={"name": "B", "host": "2"}),
        ],
    )
    error = CellError(sheet="Destinations", cell="destinations[1].host", value="2", message="no host")
    world.ask(tables={"Destinations": raw}, cell_errors=(error,))

    assert world.report().column("Destinations", "Problems") == [None, "destinations[1].host: no host"]


def test_the_hidden_id_of_a_row_is_used_where_none_was_assigned(world: World) -> None:
    destination = GATEWAY.model_copy(update={"id": "0123456789ab"})
    raw = table(
        "Destinations", ["Name", "Host", "ID"], {"Name": "New name", "Host": "x", "ID": "0123456789AB"}
    )
    world.ask(
        definitions=Definitions(destinations=(destination,), jobs=(PING,)),
        tables={"Destinations": raw},
        destination_status={
            "0123456789ab": DestinationStatus(destination_id="0123456789ab", state=State.UP),
        },
    )

    (row,) = world.report().records("Destinations")

    assert (row["Status"], row["ID"]) == ("Up", "0123456789ab")


def test_a_disabled_destination_says_so_and_shows_no_stale_figures(world: World) -> None:
    off = GATEWAY.model_copy(update={"enabled": False})
    world.ask(definitions=Definitions(destinations=(off, WEB, DEAD), jobs=(PING,)))

    row = world.report().records("Destinations")[0]

    assert (row["Status"], row["Last RTT (ms)"], row["Enabled"]) == ("Disabled", None, "no")


def test_jobs_show_their_status(world: World) -> None:
    world.ask(
        job_status={
            "j1": JobStatus(
                job_id="j1",
                state=JobState.RUNNING,
                last_run_at=ago(minutes=1),
                next_run_at=ago(minutes=0),
                rounds_done=1_440,
                ticks_missed=2,
                last_error="",
            )
        }
    )

    (row,) = world.report().records("Jobs")

    assert row["Name"] == "Every minute"
    assert row["Destinations"] == "*"
    assert row["Interval"] == "1m"
    assert row["State"] == "Running"
    assert row["Last run"] == local(ago(minutes=1))
    assert row["Next run"] == local(ago(minutes=0))
    assert (row["Rounds done"], row["Missed"], row["Last error"]) == (1_440, 2, None)


def test_a_bad_job_row_says_what_is_wrong_in_its_last_error(world: World) -> None:
    raw = table(
        "Jobs", ["Name", "Destinations", "Interval"], {"Name": "Fast", "Destinations": "*", "Interval": "0s"}
    )
    error = CellError(sheet="Jobs", cell="C4", value="0s", message="write 1s or more")
    world.ask(tables={"Jobs": raw}, cell_errors=(error,))

    (row,) = world.report().records("Jobs")

    assert (row["State"], row["Last error"], row["Rounds done"]) == ("Invalid", "C4: write 1s or more", None)


def test_without_a_given_status_a_job_shows_its_totals(world: World) -> None:
    off = PING.model_copy(update={"id": "j2", "name": "Off", "enabled": False})
    world.ask(definitions=Definitions(destinations=(GATEWAY,), jobs=(PING, off)))
    totals = JobTotals(rounds_done=5, ticks_missed=3, last_run_at=ago(hours=1), last_error="no socket")
    world.store.job_totals = lambda: {"j1": totals}  # type: ignore[method-assign]  # only this answer matters

    ping, disabled = world.report().records("Jobs")

    assert (ping["State"], ping["Rounds done"], ping["Missed"]) == ("Stopped", 5, 3)
    assert (ping["Last run"], ping["Last error"]) == (local(ago(hours=1)), "no socket")
    assert (disabled["State"], disabled["Rounds done"]) == ("Disabled", 0)


def test_a_past_report_shows_the_last_run_of_its_period(world: World) -> None:
    """The one after the period failed; the last in it was missed, the one before failed of something else."""
    world.run(ago(hours=3), RunFailed(error="no socket"))
    missed = RunMissed(ticks=1, reason=MissedReason.LATE, last_tick_at=ago(hours=2))
    world.run(ago(hours=2), missed)
    world.run(ago(minutes=1), RunFailed(error="disk full"))
    world.ask(period=Period(start=ago(hours=9), end=ago(hours=1)))

    (row,) = world.report().records("Jobs")

    assert (row["Last run"], row["Last error"]) == (local(ago(hours=3)), "no socket")


@pytest.mark.parametrize("hours_ago", [1, 9])
def test_a_report_of_a_period_without_a_run_shows_no_last_run(world: World, hours_ago: int) -> None:
    world.run(ago(hours=hours_ago))
    world.ask(period=Period(start=ago(hours=4), end=ago(hours=2)))

    (row,) = world.report().records("Jobs")

    assert row["Last run"] is None


def test_nothing_but_the_names_of_the_definitions_decides_about_a_job_in_another_zone(world: World) -> None:
    tokyo = PING.model_copy(
        update={
            "schedule": PING.schedule.model_copy(
                update={"zone": "Asia/Tokyo", "interval": timedelta(hours=1)}
            )
        }
    )
    world.ask(definitions=Definitions(destinations=(GATEWAY,), jobs=(tokyo,)))

    (row,) = world.report().records("Jobs")

    assert (row["Time zone"], row["Interval"]) == ("Asia/Tokyo", "1h")
