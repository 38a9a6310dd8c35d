"""A live workbook from the ribbon's Start to Stop on loopback, with nothing played but Excel itself."""

import sys
import time
from collections.abc import Iterator

import pytest

from tests.e2e.live_scene import Scene, until
from tests.e2e.test_run import needs_privilege

pytestmark = needs_privilege

if sys.platform == "win32":
    from tests.e2e.live_in_lab import lab_scene as open_scene
else:
    from tests.e2e.live_in_process import near_scene as open_scene


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all stories: starting it is what takes long."""
    with open_scene(tmp_path_factory.mktemp("live")) as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: Scene) -> Iterator[Scene]:
    """The workbook shown and fed; whatever the story, nothing of the user's is touched."""
    shared_scene.settle()
    yield shared_scene
    shared_scene.check_untouched()


def is_up(scene: Scene, name: str) -> bool:
    return scene.row("Destinations", name).get("Status") == "Up"


def last_seen(scene: Scene, name: str) -> float:
    """When it answered last, as the sheet tells it; 0 where it says nothing."""
    return float(scene.row("Destinations", name).get("Last seen") or 0)


def rounds_shown(scene: Scene) -> float:
    return scene.row("Jobs", "Loop").get("Rounds done") or 0


def test_what_is_measured_appears_beside_the_rows(scene: Scene) -> None:
    until(lambda: all(row["Status"] == "Up" for row in scene.rows("Destinations")[:3]))
    first, second, _ = scene.rows("Destinations")[:3]
    assert (first["Loss (%)"], first["Problems"]) == (0, None)
    assert 0 < first["Last RTT (ms)"] < 1_000
    assert len({first["ID"], second["ID"]}) == 2
    until(lambda: rounds_shown(scene) >= 1)
    assert scene.row("Jobs", "Loop")["State"] == "Running"
    until(lambda: str(scene.excel.do("cell('NetStats_state')")).startswith("Collecting: "))


def test_every_sheet_is_filled_and_its_pivots_computed(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    until(lambda: scene.ask(lambda client: client.dashboard("1h"))["overall"]["received"])
    scene.ask(lambda client: client.refresh())
    until(lambda: scene.row("Overview", "second").get("24 h mean (ms)"))
    overview = scene.row("Overview", "second")
    assert (overview["Status"], overview["24 h loss (%)"]) == ("Up", 0)
    assert overview["24 h mean (ms)"] > 0
    totals = {row["State"]: row["Destinations"] for row in scene.rows("Totals")}
    assert totals["Up"] >= 3
    until(lambda: any(row["Destination"] == "second" and row["Received"] > 0 for row in scene.rows("Hourly")))
    assert {"second", "third"} <= {row["Details of"] for row in scene.excel.do("rows('Choices')")}
    assert any(row["Job"] == "Loop" and row["Outcome"] == "Completed" for row in scene.rows("Runs")), (
        scene.rows("Runs")
    )
    until(
        lambda: all(refreshed >= 1 and seen >= 3 for refreshed, seen in scene.excel.do("pivots()")),
        90,
        scene.excel.do("pivots()"),
    )


def test_a_row_that_is_typed_has_its_status_at_once(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    scene.type("Destinations", 3, Name="typed", Host="127.0.0.4")
    began = time.monotonic()
    scene.ask(lambda client: client.workbook_event("changed"))
    until(lambda: scene.row("Destinations", "typed")["Status"], 20)
    print(f"typed to Status: {time.monotonic() - began:.2f} s")
    until(lambda: is_up(scene, "typed"))
    assert scene.row("Destinations", "typed")["ID"]


def test_a_cell_that_is_wrong_is_told_in_its_row(scene: Scene) -> None:
    scene.type("Destinations", 4, Name="wrong", Host="999.0.0.1")
    began = time.monotonic()
    scene.ask(lambda client: client.workbook_event("changed"))
    until(lambda: scene.row("Destinations", "wrong")["Problems"], 20)
    print(f"typed to Problems: {time.monotonic() - began:.2f} s")
    assert "looks like an IPv4 address" in scene.row("Destinations", "wrong")["Problems"]
    scene.type("Destinations", 4, Host="127.0.0.5")
    scene.ask(lambda client: client.workbook_event("changed"))
    until(lambda: is_up(scene, "wrong"))
    assert scene.row("Destinations", "wrong")["Problems"] is None


@pytest.mark.parametrize(
    "busy", ["user.start_editing()", "user.start_editing(reads_too=True)", "user.open_dialog()"]
)
def test_what_is_measured_while_excel_is_busy_is_shown_afterwards(scene: Scene, busy: str) -> None:
    until(lambda: is_up(scene, "second"))
    scene.excel.do(busy)
    seen, done = last_seen(scene, "second"), scene.rounds()
    until(lambda: scene.rounds() >= done + 3)
    assert last_seen(scene, "second") - seen < 2 / 86_400
    scene.excel.do("user.finish()")
    until(lambda: rounds_shown(scene) >= done + 3)
    assert last_seen(scene, "second") > seen


def test_copying_is_not_ended(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    scene.excel.do("user.copy(book.sheet('Mine'), 'B2')")
    done = scene.rounds()
    until(lambda: scene.rounds() >= done + 3)
    assert scene.excel.do("excel.cut_copy_mode") != 0
    scene.excel.do("excel.cut_copy_mode = 0")
    until(lambda: rounds_shown(scene) >= done + 3)


def test_paused_updates_leave_the_sheets_and_resumed_ones_show_the_latest(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    scene.ask(lambda client: client.pause_updates(True))
    # It is read when a write that was under way has ended.
    scene.ask(lambda client: client.sync())
    written = scene.excel.do("len(excel.calls.writes)")
    scene.type("Destinations", 5, Name="paused", Host="127.0.0.7")
    scene.ask(lambda client: client.workbook_event("changed"))
    done = scene.rounds()
    until(lambda: scene.rounds() >= done + 4)
    until(lambda: scene.ask(lambda client: client.destinations(text="paused"))["total"] == 1)
    assert scene.excel.do("len(excel.calls.writes)") == written
    assert scene.row("Destinations", "paused")["ID"] is None
    scene.ask(lambda client: client.pause_updates(False))
    until(lambda: rounds_shown(scene) >= done + 4)
    until(lambda: scene.row("Destinations", "paused")["ID"])


def test_the_ribbons_buttons_do_what_they_say(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    tested = scene.ask(lambda client: client.test(names=["second"]))
    assert [(each["name"], each["answered"]) for each in tested["results"]] == [("second", True)]
    scene.ask(lambda client: client.stop_jobs(names=["Loop"]))
    until(lambda: scene.row("Jobs", "Loop")["State"] == "Stopped")
    done = scene.rounds()
    scene.ask(lambda client: client.run_jobs(names=["Loop"]))
    assert scene.rounds() == done + 1
    until(lambda: rounds_shown(scene) == done + 1)
    scene.ask(lambda client: client.start_jobs(names=["Loop"]))
    until(lambda: scene.row("Jobs", "Loop")["State"] == "Running")
    until(lambda: scene.rounds() > done + 1)


def test_what_is_asked_for_over_the_channel_is_written_into_the_sheet(scene: Scene) -> None:
    made = scene.ask(lambda client: client.create_destination(name="asked", host="127.0.0.6", notes="=1+1"))
    row = scene.row("Destinations", "asked")
    assert (row["Host"], row["Notes"], row["ID"]) == ("127.0.0.6", "=1+1", made["destination"]["id"])
    until(lambda: is_up(scene, "asked"))
    scene.ask(lambda client: client.select(details_of="second", period="7d"))
    (chosen,) = scene.excel.do("rows('Selection')")
    assert (chosen["Details of"], chosen["Period"]) == ("second", "7d")
    until(lambda: "second" in str(scene.excel.do("cell('Details_heading')")))
    scene.ask(lambda client: client.delete_destination(made["destination"]["id"]))
    assert not scene.row("Destinations", "asked")


def test_collecting_goes_on_while_the_workbook_is_closed_and_is_shown_once_it_is_open(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    scene.ask(lambda client: client.workbook_event("closing"))
    scene.excel.do("user.close(book)")
    until(lambda: scene.health()["workbook_state"] == "closed")
    done = scene.rounds()
    until(lambda: scene.rounds() >= done + 3)
    scene.excel.do("reopen()")
    scene.ask(lambda client: client.workbook_event("opened"))
    until(lambda: rounds_shown(scene) >= done + 3)


def test_another_excel_that_shows_the_workbook_is_attached_to(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    scene.kill_excel()
    until(lambda: scene.health()["workbook_state"] == "closed")
    done = scene.rounds()
    scene.show_workbook()
    until(lambda: is_up(scene, "second"))
    until(lambda: rounds_shown(scene) > done)


def test_what_was_measured_is_kept_when_the_collector_is_stopped(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    done = scene.rounds()
    scene.stop()
    assert not scene.data.endpoint(scene.id).exists()
    assert scene.saved_rounds() >= done
    until(lambda: str(scene.excel.do("cell('NetStats_state')")).startswith("Stopped at "))
    scene.start()
    assert scene.rounds() >= done


def test_it_ends_with_the_workbook_where_the_settings_say_so(scene: Scene) -> None:
    until(lambda: is_up(scene, "second"))
    number = next(
        i for i, row in enumerate(scene.rows("Settings")) if row["Setting"] == "When the workbook is closed"
    )
    scene.type("Settings", number, Value="stop")
    scene.ask(lambda client: client.sync())
    done = scene.rounds()
    scene.excel.do("user.close(book)")
    scene.await_end()
    assert scene.saved_rounds() >= done
    scene.excel.do("reopen()")
    scene.type("Settings", number, Value="collect")
