"""A live workbook whose collector is a process of its own: started twice, killed, stopped by command."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

if sys.platform != "win32":
    pytest.skip("Excel and its collector are processes of their own on Windows", allow_module_level=True)

import psutil

from tests.e2e.live_in_lab import LabScene, lab_scene
from tests.e2e.live_scene import PATIENCE_S, until
from tests.excel_double.lab.client import ROOT


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabScene]:
    """One for all tests: starting it is what takes long."""
    with lab_scene(tmp_path_factory.mktemp("live")) as scene:
        yield scene


@pytest.fixture
def scene(shared_scene: LabScene) -> Iterator[LabScene]:
    """The workbook shown and fed; whatever happens, nothing of the user's is touched."""
    shared_scene.settle()
    until(lambda: shared_scene.row("Destinations", "second").get("Status") == "Up")
    yield shared_scene
    shared_scene.check_untouched()


def netstats(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "netstats_xl", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


def test_start_while_a_collector_is_at_work_leaves_it_at_work(scene: LabScene) -> None:
    process = scene.health()["process"]
    said = scene.data.log(scene.id).with_suffix(".start.txt")
    scene.press_start(scene.excel.do("book.window.handle"))
    until(lambda: said.exists() and "already" in said.read_text(encoding="utf-8", errors="replace"))
    assert scene.health()["process"] == process
    assert len(list(scene.data.endpoints.iterdir())) == 1


def test_a_collector_that_is_killed_loses_nothing_that_was_saved_and_starts_again(scene: LabScene) -> None:
    saved = scene.ask(lambda client: client.dashboard("1h"))["overall"]["received"]
    done = scene.rounds()
    until(lambda: scene.rounds() >= done + 2)
    scene.kill_collector()
    # Two packets a round and three destinations or more.
    assert scene.saved_rounds() >= done
    assert scene.data.endpoint(scene.id).exists()
    scene.start()
    assert scene.ask(lambda client: client.dashboard("1h"))["overall"]["received"] >= saved
    assert scene.rounds() >= done
    until(lambda: scene.row("Jobs", "Loop")["Rounds done"] > done + 2)


def test_the_command_stops_it_with_all_its_processes(scene: LabScene) -> None:
    done = scene.rounds()
    stopped = netstats("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert scene.place.name in stopped.stdout
    assert not scene.data.endpoint(scene.id).exists()
    scene.await_end()
    assert not [each for each in scene.processes if each.is_running()]
    assert scene.saved_rounds() >= done


def test_an_excel_killed_in_mid_push_is_let_go_of_and_the_next_one_found(scene: LabScene) -> None:
    push = "call.name == 'Range.Value2' and call.access is Access.PUT"
    scene.excel.do(f"excel.faults.when(lambda call: {push} and end_process(), REJECTED)")
    until(lambda: not psutil.pid_exists(scene.excel.process_id))
    until(lambda: scene.health()["workbook_state"] == "closed")
    done = scene.rounds()
    scene.show_workbook()
    until(lambda: (scene.row("Jobs", "Loop").get("Rounds done") or 0) > done)
