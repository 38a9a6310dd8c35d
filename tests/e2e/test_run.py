"""The real command on loopback: how it starts, ends, fails, and goes on."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openxml_audit import OpenXmlValidator

from netstats_xl.errors import PrivilegeMissing
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.store.saved_mark import read_mark
from tests.e2e.reports import by, number, open_report, table
from tests.netlab import MakeLab
from tests.wine import on_wine

COMMAND = (sys.executable, "-m", "netstats_xl")
ORDER = [
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
]
CONFIG = """
destinations:
  - {name: here, host: 127.0.0.1}
  - {name: there, host: 127.0.0.2}
jobs:
  - {name: Loop, destinations: "*", interval: 1s, packets: 2, packet_interval_ms: 50, timeout_ms: 300}
"""
PATIENCE_S = 60.0


def can_probe() -> bool:
    try:
        IcmpProber.open()
    except PrivilegeMissing:
        return False
    return True


needs_privilege = pytest.mark.skipif(not can_probe(), reason="this user may not send ICMP echo requests")


def netstats(
    *arguments: str | Path, cwd: Path, timeout: float = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a workbook of two loopback destinations."""
    (tmp_path / "net.yaml").write_text(CONFIG, encoding="utf-8")
    made = netstats("config", "import", "net.yaml", "Net.xlsx", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `run` in the folder; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, "run", "Net.xlsx", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # for Ctrl+Break
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def interrupt(process: subprocess.Popen[str]) -> None:
    """Press Ctrl+C, or Ctrl+Break on Windows, where Ctrl+C reaches every program of a console."""
    if sys.platform != "win32":
        process.send_signal(signal.SIGINT)
        return
    try:
        process.send_signal(signal.CTRL_BREAK_EVENT)
    except OSError as error:
        pytest.skip(f"there is no console to press Ctrl+Break in: {error}")


def has_samples(folder: Path) -> Callable[[], bool]:
    """Whether the mark beside the database says that several rounds were committed."""
    return lambda: last_number(folder) > 20


def last_number(folder: Path) -> int:
    """Of the last batch that was committed; those of its runs count, too."""
    mark = read_mark(folder / "Net.duckdb")
    return 0 if mark is None else mark.batch


@needs_privilege
def test_ctrl_c_saves_writes_the_report_and_is_a_success(
    folder: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    wait_until(has_samples(folder), process)
    interrupt(process)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    assert "Report: Net-report.xlsx" in output
    rows = by(table(open_report(folder / "Net-report.xlsx"), "Overview"), "Name")
    assert {name: row["Status"] for name, row in rows.items()} == {"here": "Up", "there": "Up"}


@needs_privilege
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no hang-up signal")
def test_a_terminal_that_is_closed_ends_it_like_ctrl_c(
    folder: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    wait_until(has_samples(folder), process)
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=PATIENCE_S) == 0
    assert table(open_report(folder / "Net-report.xlsx"), "Overview")


@needs_privilege
def test_after_a_kill_nothing_that_was_saved_is_lost_and_the_next_run_goes_on(
    folder: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    wait_until(has_samples(folder), process)
    process.kill()
    process.communicate()
    killed = netstats("report", "Net.xlsx", "--from", "-1h", "--output", "after.xlsx", cwd=folder)
    assert killed.returncode == 0, killed.stderr
    rounds = number(by(table(open_report(folder / "after.xlsx"), "Jobs"), "Name")["Loop"]["Rounds done"])
    assert rounds >= 2
    again = netstats("run", "Net.xlsx", "--for", "3s", cwd=folder)
    assert again.returncode == 0, again.stderr
    jobs = by(table(open_report(folder / "Net-report.xlsx"), "Jobs"), "Name")
    assert number(jobs["Loop"]["Rounds done"]) > rounds


@needs_privilege
def test_a_second_run_on_the_same_database_is_refused_and_names_the_first(
    folder: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    wait_until(has_samples(folder), process)
    second = netstats("run", "Net.xlsx", "--for", "2s", cwd=folder)
    assert second.returncode == 4
    assert "in use by" in second.stderr
    assert on_wine() or str(process.pid) in second.stderr  # Wine does not tell who has a file open
    assert process.poll() is None


@needs_privilege
def test_a_change_to_the_workbook_comes_into_force_while_it_runs(
    folder: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    wait_until(has_samples(folder), process)
    (folder / "more.yaml").write_text(
        CONFIG.replace("there, host: 127.0.0.2", "new, host: 127.0.0.3"), encoding="utf-8"
    )
    assert netstats("config", "import", "more.yaml", "Net.xlsx", cwd=folder).returncode == 0
    before = last_number(folder)
    wait_until(lambda: last_number(folder) > before + 12, process)
    interrupt(process)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    rows = by(table(open_report(folder / "Net-report.xlsx"), "Overview"), "Name")
    assert rows["new"]["Status"] == "Up"


@needs_privilege
def test_a_damaged_database_is_left_alone_and_the_figures_reach_the_report(folder: Path) -> None:
    damaged = b"this is no database" * 1_000
    (folder / "Net.duckdb").write_bytes(damaged)
    ran = netstats("run", "Net.xlsx", "--for", "3s", cwd=folder)
    assert ran.returncode == 1
    assert "memory only" in ran.stderr
    assert (folder / "Net.duckdb").read_bytes() == damaged
    book = open_report(folder / "Net-report.xlsx")
    assert number(by(table(book, "Jobs"), "Name")["Loop"]["Rounds done"]) >= 1


@pytest.mark.network
def test_without_the_privilege_the_remedy_is_named(folder: Path, network_lab: MakeLab) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    dropped = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"]
    done = network_lab({}).run([*dropped, *COMMAND, "run", "Net.xlsx", "--for", "1s"], timeout=60, cwd=folder)
    assert done.returncode == 5, done.stderr
    assert "net.ipv4.ping_group_range" in done.stderr


@pytest.mark.network
def test_datagram_sockets_serve_where_raw_ones_are_not_allowed(folder: Path, network_lab: MakeLab) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    dropped = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"]
    lab = network_lab({}, ping_group_range=(0, 2_147_483_647))
    done = lab.run([*dropped, *COMMAND, "run", "Net.xlsx", "--for", "3s"], timeout=60, cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = by(table(open_report(folder / "Net-report.xlsx"), "Overview"), "Name")
    assert {name: row["Status"] for name, row in rows.items()} == {"here": "Up", "there": "Up"}


@pytest.mark.network
def test_the_demo_writes_a_report_that_excel_opens_cleanly_and_says_where(
    tmp_path: Path, network_lab: MakeLab
) -> None:
    # In a lab, so that the question for the name that cannot be resolved stays on this machine.
    done = network_lab({}).run([*COMMAND, "demo", "demo", "--for", "8s"], timeout=PATIENCE_S, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "demo" / "NetStats-demo-report.xlsx"
    assert str(path.relative_to(tmp_path)) in done.stdout
    for written in (path, tmp_path / "demo" / "NetStats-demo.xlsx"):
        found = OpenXmlValidator().validate(str(written))
        assert found.errors == [], written
    book = open_report(path)
    assert book.sheetnames[: len(ORDER)] == ORDER
    rows = by(table(book, "Overview"), "Name")
    assert {rows[name]["Status"] for name in ("Loopback IPv4", "Loopback IPv6", "Branch 1")} == {"Up"}
    assert rows["No such host"]["Status"] == "Down"


@pytest.mark.network
def test_the_demo_works_for_a_user_who_may_not_ping_and_names_the_remedy(
    tmp_path: Path, network_lab: MakeLab
) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    # Without any privilege, rather than as another user, who may not reach the Python of the tests.
    dropped = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
    lab = network_lab({}, ping_group_range=(1, 0))
    done = lab.run([*dropped, *COMMAND, "demo", "demo", "--for", "8s"], timeout=PATIENCE_S, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"' in done.stdout
    book = open_report(tmp_path / "demo" / "NetStats-demo-tcp-report.xlsx")
    rows = by(table(book, "Overview"), "Name")
    assert {rows[name]["Status"] for name in ("Port 1", "Port 2")} == {"Up"}
    assert rows["Closed port"]["Status"] == "Down"
    typed = by(table(book, "Destinations"), "Name")
    assert typed["Port 1"]["Answer"] == "connected"
    assert typed["Closed port"]["Problems"] == "connection refused"
