"""The real command on a network whose delays and losses are known: the report must say what was set."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl.workbook import Workbook as OpenpyxlWorkbook

from tests.e2e.reports import by, number, open_report, table
from tests.netlab import Host, MakeLab, NetworkLab, why_unavailable

pytestmark = pytest.mark.network

CONFIG = """
settings:
  zone: Europe/Berlin
  report_every: 10s
destinations:
  - {name: near, host: 10.77.0.5, group: lan, tags: a}
  - {name: far, host: 10.77.0.20, group: wan, tags: "a, b"}
  - {name: farther, host: 10.77.0.80, group: wan}
  - {name: lossy, host: 10.77.0.10, group: wan}
  - {name: dead, host: 10.77.0.99, group: lan}
  - {name: refused, host: 10.77.0.98, group: lan}
  - {name: six, host: "fd77::5", group: lan}
  - {name: nameless, host: no-such-host.invalid, group: lan}
  - {name: "=SUM(A1)", host: 10.77.0.6, group: "+1", notes: "@risk"}
jobs:
  - {name: Everything, destinations: "*", interval: 2s, packets: 10, packet_interval_ms: 50, timeout_ms: 400}
  - {name: Closed, destinations: near, interval: 1s, packets: 1, timeout_ms: 200, windows: "%s 00:00-00:01"}
"""
HOSTS = {
    "10.77.0.5": Host(delay_ms=5),
    "10.77.0.6": Host(delay_ms=1),
    "10.77.0.20": Host(delay_ms=20),
    "10.77.0.80": Host(delay_ms=80),
    "10.77.0.10": Host(delay_ms=10, lose_every=10),
    "10.77.0.99": Host(dead=True),
    "10.77.0.98": Host(unreachable_from="10.77.0.254"),
    "fd77::5": Host(delay_ms=5),
}
COMMAND = (sys.executable, "-m", "netstats_xl")
RTT_TOLERANCE_MS = 3.0
"""What the responder, the scheduler of a busy two-core machine and the TUN device may add to a mean."""


@dataclass(frozen=True)
class Measured:
    """What is left after a run: the report, the folder, and what the network saw."""

    report: OpenpyxlWorkbook
    folder: Path
    requests: Mapping[str, int]
    output: str


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    reason = why_unavailable()
    if reason is not None:
        pytest.skip(f"no network lab: {reason}")
    folder = tmp_path_factory.mktemp("measured")
    in_three_days = datetime.now(UTC) + timedelta(days=3)
    (folder / "net.yaml").write_text(CONFIG % f"{in_three_days:%a}", encoding="utf-8")
    with NetworkLab(HOSTS) as lab:
        made = lab.run([*COMMAND, "config", "import", "net.yaml", "Net.xlsx"], timeout=60, cwd=folder)
        assert made.returncode == 0, made.stderr
        before = (folder / "Net.xlsx").read_bytes()
        ran = lab.run([*COMMAND, "run", "Net.xlsx", "--for", "16s"], timeout=120, cwd=folder)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        requests = {address: counts.requests for address, counts in lab.counts().items()}
        assert (folder / "Net.xlsx").read_bytes() == before
    book = open_report(folder / "Net-report.xlsx")
    return Measured(report=book, folder=folder, requests=requests, output=ran.stdout)


@pytest.mark.parametrize(
    ("name", "rtt_ms"),
    [("near", 5), ("far", 20), ("farther", 80), ("six", 5), ("=SUM(A1)", 1), ("lossy", 10)],
)
def test_mean_rtt_is_what_the_network_was_set_to(measured: Measured, name: str, rtt_ms: float) -> None:
    row = by(table(measured.report, "Overview"), "Name")[name]
    assert rtt_ms <= number(row["1 h mean (ms)"]) <= rtt_ms + RTT_TOLERANCE_MS


def test_loss_is_exactly_what_the_network_lost(measured: Measured) -> None:
    rows = by(table(measured.report, "Overview"), "Name")
    assert number(rows["lossy"]["1 h loss (%)"]) == pytest.approx(10)
    assert {
        name: rows[name]["1 h loss (%)"] for name in ("near", "far", "farther", "six", "dead", "refused")
    } == {
        "near": 0,
        "far": 0,
        "farther": 0,
        "six": 0,
        "dead": 100,
        "refused": 100,
    }
    assert rows["nameless"]["1 h loss (%)"] is None


def test_states_and_availability_agree_with_the_network(measured: Measured) -> None:
    rows = by(table(measured.report, "Overview"), "Name")
    assert {name: row["Status"] for name, row in rows.items()} == {
        "near": "Up",
        "far": "Up",
        "farther": "Up",
        "six": "Up",
        "=SUM(A1)": "Up",
        "lossy": "Degraded",
        "dead": "Down",
        "refused": "Down",
        "nameless": "Down",
    }
    available = {name: row["1 h avail. (%)"] for name, row in rows.items()}
    assert {name for name, share in available.items() if share == 0} == {"dead", "refused", "nameless"}
    assert {share for name, share in available.items() if name not in {"dead", "refused", "nameless"}} == {
        100
    }


def test_every_packet_that_the_network_saw_is_in_the_report(measured: Measured) -> None:
    hourly = table(measured.report, "Hourly")
    sent: dict[object, float] = {}
    for row in hourly:
        sent[row["Destination"]] = sent.get(row["Destination"], 0) + number(row["Sent"])
    assert sent["near"] == measured.requests["10.77.0.5"]
    assert sent["lossy"] == measured.requests["10.77.0.10"]
    # When it went down its route was traced: 8 TTLs at once, then two more rounds of the only hop.
    assert sent["dead"] + 8 + 2 == measured.requests["10.77.0.99"]
    assert sent["six"] == measured.requests["fd77::5"]
    # 16 s hold 7 or 8 ticks of 2 s, 10 packets each; stopping may cut the last round off.
    assert 60 <= sent["near"] <= 90


def test_problems_say_why_there_was_no_answer(measured: Measured) -> None:
    rows = by(table(measured.report, "Destinations"), "Name")
    assert "no reply" in str(rows["dead"]["Problems"])
    assert "10.77.0.254" in str(rows["refused"]["Problems"])
    assert "name not resolved" in str(rows["nameless"]["Problems"])
    assert rows["near"]["Problems"] in (None, "")
    assert number(rows["far"]["Last RTT (ms)"]) == pytest.approx(20, abs=RTT_TOLERANCE_MS)


def test_events_tell_each_change_of_state_once(measured: Measured) -> None:
    changes = [(row["Destination"], row["From"], row["To"]) for row in table(measured.report, "Events")]
    assert sorted(map(str, changes)) == sorted(
        map(
            str,
            [
                *((name, "Unknown", "Up") for name in ("near", "far", "farther", "six", "=SUM(A1)", "lossy")),
                *((name, "Unknown", "Down") for name in ("dead", "refused", "nameless")),
                ("lossy", "Up", "Degraded"),
            ],
        )
    )


def test_the_job_outside_its_window_made_no_round(measured: Measured) -> None:
    jobs = by(table(measured.report, "Jobs"), "Name")
    assert jobs["Closed"]["Rounds done"] == 0
    assert number(jobs["Everything"]["Rounds done"]) in range(6, 10)
    assert jobs["Everything"]["Missed"] == 0
    assert {row["Job"] for row in table(measured.report, "Runs")} == {"Everything"}


def test_no_text_of_the_users_became_a_formula(measured: Measured) -> None:
    book = open_report(measured.folder / "Net-report.xlsx", values=False)
    formulas = [
        (sheet.title, cell.coordinate)
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert formulas == []


def test_a_second_run_goes_on_with_the_same_history(measured: Measured, network_lab: MakeLab) -> None:
    rounds_before = number(by(table(measured.report, "Jobs"), "Name")["Everything"]["Rounds done"])
    lab = network_lab(HOSTS)
    ran = lab.run([*COMMAND, "run", "Net.xlsx", "--for", "5s"], timeout=120, cwd=measured.folder)
    assert ran.returncode == 0, ran.stderr
    book = open_report(measured.folder / "Net-report.xlsx")
    jobs = by(table(book, "Jobs"), "Name")
    assert number(jobs["Everything"]["Rounds done"]) > rounds_before
    seen_down = [row for row in table(book, "Events") if row["Destination"] == "dead"]
    assert len(seen_down) == 1, "a known state is not entered anew after a restart"


def test_raw_samples_of_a_range_come_as_csv(measured: Measured, network_lab: MakeLab) -> None:
    lab = network_lab({})
    command = [*COMMAND, "report", "Net.xlsx", "--from", "-1h", "--format", "csv", "--destination", "lossy"]
    done = lab.run([*command, "--output", "lossy.csv"], timeout=60, cwd=measured.folder)
    assert done.returncode == 0, done.stderr
    lines = (measured.folder / "lossy.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) > 6
    assert all("lossy" in line for line in lines[1:])
