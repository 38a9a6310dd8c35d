"""A collector in the background on loopback, through the real command: started, asked, killed, stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from netstats_xl.control.client import ControlClient
from tests.e2e.reports import by, number, open_report, table
from tests.e2e.test_run import CONFIG, PATIENCE_S, needs_privilege, netstats

pytestmark = needs_privilege


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a workbook, and a data folder of its own; what still collects at the end is killed."""
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))
    (tmp_path / "net.yaml").write_text(CONFIG, encoding="utf-8")
    made = netstats("config", "import", "net.yaml", "Net.xlsx", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    yield tmp_path
    for path in (tmp_path / "data" / "companions").glob("*.txt"):
        kill(process_of(path))


def process_of(endpoint: Path) -> int:
    return ControlClient.find(endpoint).endpoint.process


def kill(process: int) -> None:
    try:
        found = psutil.Process(process)
        found.kill()
        psutil.wait_procs([found], timeout=PATIENCE_S)
    except psutil.NoSuchProcess:
        pass


def endpoint_of(folder: Path) -> Path:
    (path,) = (folder / "data" / "companions").glob("*.txt")
    return path


def start(folder: Path) -> subprocess.CompletedProcess[str]:
    return netstats("start", "Net.xlsx", cwd=folder, timeout=120)


def status(folder: Path) -> Any:
    """What the only collector says."""
    told = netstats("status", "--json", cwd=folder)
    assert told.returncode == 0, told.stderr
    (collector,) = json.loads(told.stdout)["collectors"]
    return collector


def wait_until(holds: Callable[[], bool]) -> None:
    give_up_at_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_at_s, "it took too long"
        time.sleep(0.2)


def rounds_saved(folder: Path) -> int:
    """How many rounds are safe in the database: two or more, once there are so many.

    The collector is asked directly: results wait for a part of each second, in which a command's start could fall
    every time.
    """
    with ControlClient.find(endpoint_of(folder)) as client:

        def rounds_done() -> int:
            [job] = client.jobs()["jobs"]
            return int(job["rounds_done"])

        wait_until(lambda: rounds_done() >= 2)
        done = rounds_done()
        wait_until(lambda: client.health()["unsaved"] == 0)
    return done


def test_a_collector_is_started_asked_and_stopped(folder: Path) -> None:
    started = start(folder)
    assert started.returncode == 0, started.stderr
    assert "Collecting" in started.stdout
    again = start(folder)
    assert (again.returncode, "already" in again.stdout) == (0, True)

    wait_until(lambda: status(folder)["destinations_by_state"]["Up"] == 2)
    told = status(folder)
    assert told["workbook"] == str((folder / "Net.xlsx").resolve())
    assert {each["name"]: each["state"] for each in told["destinations"]} == {"here": "Up", "there": "Up"}
    shown = netstats("status", "Net.xlsx", cwd=folder)
    assert "2 up" in shown.stdout
    assert "127.0.0.2" in shown.stdout

    tested = netstats("test", "here", "there", cwd=folder)
    assert tested.returncode == 0, tested.stderr
    assert "here (127.0.0.1): 2 of 2 replies" in tested.stdout

    stopped = netstats("jobs", "stop", "Loop", cwd=folder)
    assert stopped.returncode == 0, stopped.stderr
    assert status(folder)["jobs"][0]["state"] == "Stopped"
    assert netstats("jobs", "run", "Loop", cwd=folder).returncode == 0
    assert netstats("jobs", "start", "Loop", cwd=folder).returncode == 0
    assert netstats("jobs", "start", "unknown", cwd=folder).returncode == 3

    reported = netstats("report", "Net.xlsx", "--from", "-1h", "--output", "now.xlsx", cwd=folder)
    assert reported.returncode == 0, reported.stderr
    assert number(by(table(open_report(folder / "now.xlsx"), "Jobs"), "Name")["Loop"]["Rounds done"]) >= 2
    exported = netstats("report", "Net.xlsx", "--format", "csv", cwd=folder)
    assert exported.returncode == 0, exported.stderr
    assert len(list(folder.glob("Net-*.csv"))) == 1
    assert netstats("refresh", cwd=folder).returncode == 0
    assert (folder / "Net-report.xlsx").exists()

    log = Path(netstats("log", cwd=folder).stdout.strip())
    ended = netstats("stop", cwd=folder, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert list((folder / "data" / "companions").iterdir()) == []
    written = log.read_text(encoding="utf-8")
    assert "Collecting for" in written
    assert written.rstrip().endswith("Ended")
    assert "token" not in written
    after = netstats("report", "Net.xlsx", "--from", "-1h", "--output", "after.xlsx", cwd=folder)
    assert after.returncode == 0, after.stderr


def test_after_a_kill_it_starts_again_without_loss_of_what_was_saved(folder: Path) -> None:
    assert start(folder).returncode == 0
    rounds = rounds_saved(folder)
    killed = process_of(endpoint_of(folder))
    kill(killed)
    assert netstats("status", cwd=folder).returncode == 7
    assert netstats("stop", cwd=folder).returncode == 7
    assert start(folder).returncode == 0
    assert process_of(endpoint_of(folder)) != killed
    assert status(folder)["jobs"][0]["rounds_done"] >= rounds
    assert netstats("stop", cwd=folder, timeout=120).returncode == 0


def test_a_second_collector_of_the_same_database_does_no_harm(folder: Path) -> None:
    assert start(folder).returncode == 0
    first = process_of(endpoint_of(folder))
    second = netstats("collect", "--workbook", "Net.xlsx", cwd=folder)
    assert second.returncode == 0
    assert f"Process {first} collects for Net.xlsx already" in second.stdout
    foreground = netstats("run", "Net.xlsx", "--for", "1s", cwd=folder)
    assert foreground.returncode == 4
    assert f"in use by process {first}" in foreground.stderr
    (folder / "Other.xlsx").write_bytes((folder / "Net.xlsx").read_bytes())
    other = netstats("start", "Other.xlsx", "--database", "Net.duckdb", cwd=folder, timeout=120)
    assert other.returncode == 4
    assert f"in use by process {first}" in other.stderr
    assert process_of(endpoint_of(folder)) == first
    assert status(folder)["process"] == first


def test_of_two_starts_at_once_one_collects_and_the_other_says_so(folder: Path) -> None:
    command = [sys.executable, "-m", "netstats_xl", "start", "Net.xlsx"]
    starts = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [each.communicate(timeout=120) for each in starts]
    assert [each.returncode for each in starts] == [0, 0], told
    process = process_of(endpoint_of(folder))
    assert all(f"process {process}" in out or f"Process {process}" in out for out, _ in told), told
    log = Path(netstats("log", cwd=folder).stdout.strip())
    assert "ERROR" not in log.read_text(encoding="utf-8")


def test_a_collector_of_another_data_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert start(folder).returncode == 0
    first = process_of(endpoint_of(folder))
    monkeypatch.setenv("NETSTATS_XL_DATA", str(folder / "other"))
    foreground = netstats("run", "Net.xlsx", "--for", "1s", cwd=folder)
    assert foreground.returncode == 4
    assert f"in use by process {first}, which collects for {folder / 'Net.xlsx'} since" in foreground.stderr


def test_results_that_are_in_memory_only_are_told_of_at_the_start_and_at_the_end(folder: Path) -> None:
    (folder / "Net.duckdb").write_bytes(b"no database" * 1_000)
    started = start(folder)
    assert started.returncode == 0
    assert "warning: Results are kept in memory only" in started.stderr
    stopped = netstats("stop", cwd=folder, timeout=120)
    assert stopped.returncode == 1
    assert stopped.stderr.count("warning: Results are kept in memory only") == 1
    assert "Stopped collecting" in stopped.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that ends a program cleanly")
def test_the_systems_request_to_end_saves_everything(folder: Path) -> None:
    assert start(folder).returncode == 0
    wait_until(lambda: status(folder)["jobs"][0]["rounds_done"] >= 1)
    process = process_of(endpoint_of(folder))
    os.kill(process, signal.SIGTERM)
    wait_until(lambda: not psutil.pid_exists(process))
    assert list((folder / "data" / "companions").iterdir()) == []
    assert (
        number(by(table(open_report(folder / "Net-report.xlsx"), "Jobs"), "Name")["Loop"]["Rounds done"]) >= 1
    )


def test_a_change_to_the_file_and_one_through_the_channel_are_both_in_force(folder: Path) -> None:
    assert start(folder).returncode == 0
    with ControlClient.find(endpoint_of(folder)) as client:
        client.create_destination(name="third", host="127.0.0.3")
    (folder / "more.yaml").write_text(CONFIG.replace("there, host: 127.0.0.2", "new, host: 127.0.0.4"))
    assert netstats("config", "import", "more.yaml", "Net.xlsx", cwd=folder).returncode == 0
    wait_until(lambda: len(status(folder)["destinations"]) == 4)
    names = [each["name"] for each in status(folder)["destinations"]]
    assert names == ["here", "there", "third", "new"]


def test_a_start_that_fails_says_why(folder: Path) -> None:
    (folder / "bad.yaml").write_text("destinations:\n  - {name: here, host: 127.0.0.1}\n")
    assert netstats("config", "import", "bad.yaml", "Bad.xlsx", cwd=folder).returncode == 0
    failed = netstats("start", "Bad.xlsx", cwd=folder, timeout=120)
    assert failed.returncode == 3
    assert "Bad.xlsx has no job that can run" in failed.stderr
    log = Path(netstats("log", "Bad.xlsx", cwd=folder).stdout.strip())
    assert "cannot start: Bad.xlsx has no job that can run" in log.read_text(encoding="utf-8")
    absent = netstats("start", "Absent.xlsx", cwd=folder, timeout=120)
    assert absent.returncode == 3
    assert "Absent.xlsx" in absent.stderr


def test_without_a_collector_a_test_is_made_here_and_everything_else_says_so(folder: Path) -> None:
    tested = netstats("test", "here", "--workbook", "Net.xlsx", "--json", cwd=folder)
    assert tested.returncode == 0, tested.stderr
    (result,) = json.loads(tested.stdout)["results"]
    assert (result["name"], result["answered"], result["sent"]) == ("here", True, 2)
    assert netstats("test", "nobody", "--workbook", "Net.xlsx", cwd=folder).returncode == 3
    for command in (("status",), ("stop",), ("refresh",), ("jobs", "run", "Loop"), ("log",)):
        told = netstats(*command, cwd=folder)
        assert told.returncode == 7, command
        assert "No collector is at work" in told.stderr
    assert json.loads(netstats("status", "--json", cwd=folder).stdout) == {"collectors": []}


def test_a_collector_at_work_copies_its_database_and_is_not_disturbed(folder: Path) -> None:
    assert start(folder).returncode == 0
    assert rounds_saved(folder) >= 2
    made = netstats("backup", cwd=folder)
    assert made.returncode == 0, made.stderr
    [backup] = (folder / "Net backups").iterdir()
    assert str(backup) in made.stdout
    seen = netstats("snapshot", "Net.xlsx", cwd=folder)
    assert seen.returncode == 0, seen.stderr
    assert netstats("verify", "Net snapshot.duckdb", cwd=folder).returncode == 0
    verified = netstats("verify", cwd=folder)
    assert (verified.returncode, "newest backup is verified" in verified.stdout) == (0, True), verified.stderr
    assert netstats("backup", "--to", "net.yaml", cwd=folder).returncode == 3
    for command in ("restore", "compact"):
        refused = netstats(command, "Net.xlsx", cwd=folder)
        assert refused.returncode == 4, refused.stdout
        assert "netstats-xl stop" in refused.stderr
    assert netstats("stop", cwd=folder, timeout=120).returncode == 0
    restored = netstats("restore", "Net.xlsx", cwd=folder)
    assert restored.returncode == 0, restored.stderr
    assert netstats("verify", "Net.xlsx", cwd=folder).returncode == 0
    assert len(list(folder.glob("Net replaced *.duckdb"))) == 1
