"""`mtu` and `sweep`, with the network played, by a collector at work and without one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from netstats_xl import wiring
from netstats_xl.cli import main
from netstats_xl.control.client import ControlClient
from netstats_xl.control.server import ControlServer
from netstats_xl.domain.results import Outcome, Timeout
from netstats_xl.domain.targets import Definitions, Engine
from netstats_xl.errors import CompanionNotRunning
from tests.fakes.scripted_network import ScriptedProber, ScriptedRound, replied
from tests.fakes.service import NOW, FakeService

ROUTER = "192.0.2.1"
Netstats = Callable[..., int]


class Network:
    """What takes packets of up to 1,500 bytes to one host."""

    def __init__(self) -> None:
        self.probers: list[ScriptedProber] = []
        self.engines: list[Engine] = []

    def open(self, definitions: Definitions, engine: Engine) -> ScriptedProber:
        self.engines.append(engine)
        self.probers.append(ScriptedProber(before_round=self._prepare))
        return self.probers[-1]

    async def _prepare(self, asked: ScriptedRound) -> None:
        payload = asked.settings.payload_bytes
        outcome: Outcome = replied(payload / 1_000, address=ROUTER)
        if payload > 1_472:
            outcome = Timeout(address=ROUTER, sent=asked.settings.packets)
        self.probers[-1].scripts[ROUTER] = outcome


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """The network of this computer, where no collector is at work."""
    network = Network()

    def nobody(workbook: Path | None) -> NoReturn:
        raise CompanionNotRunning("No collector is at work.")

    monkeypatch.setattr(wiring, "open_prober", network.open)
    monkeypatch.setattr(wiring, "find_companion", nobody)
    return network


@pytest.fixture
def netstats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Netstats:
    """Runs the command in a folder of its own, and returns its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int | None)
        return ended.value.code or 0

    return run


def test_the_path_mtu_to_a_host_needs_no_workbook(
    network: Network, netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("mtu", ROUTER) == 0
    assert f"The path to {ROUTER} takes packets of up to 1,500 bytes" in capsys.readouterr().out
    assert network.engines == [Engine.AUTOMATIC]
    assert [prober.closed for prober in network.probers] == [True]


def test_a_host_that_does_not_answer_is_code_1(
    network: Network, netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("mtu", "192.0.2.9", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["mtu"], found["problem"]) == (None, "name not resolved: no such name")
    assert netstats("sweep", "192.0.2.9") == 1
    assert "192.0.2.9 does not answer: name not resolved" in capsys.readouterr().out


def test_a_destination_is_known_by_its_name_and_the_engine_is_the_workbooks(
    network: Network, netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"settings: {{engine: raw}}\ndestinations: [{{name: Router, host: {ROUTER}}}]"
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    for workbook in ("Other.xlsx", "NetStats.xlsx"):
        assert netstats("config", "import", "net.yaml", workbook) == 0
    capsys.readouterr()
    assert netstats("mtu", "router", "--workbook", "Other.xlsx", "--json") == 0
    assert json.loads(capsys.readouterr().out)["host"] == ROUTER
    assert netstats("mtu", "router", "--json") == 0
    assert network.engines == [Engine.RAW, Engine.RAW]


def test_a_sweep_shows_a_row_a_size_and_the_slope(
    network: Network, netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("sweep", ROUTER, "--sizes", "100,1100,2000") == 0
    output = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")] for line in output.splitlines() if "│" in line]
    # Windows' terminals may have the same lines around the table's head.
    rows = rows[[row[1] for row in rows].index("100") :]
    assert [row[1] for row in rows] == ["100", "1,100", "2,000", ""]
    assert rows[1][2:7] == ["1", "0", "1.100", "1.100", "1.100"]
    assert rows[2][3] == "100"
    assert f"{ROUTER} answers 2 of 3 sizes; 1,000 bytes more add 1 ms." in output


def test_a_sweep_is_told_to_programs_too(
    network: Network, netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("sweep", ROUTER, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["payload_bytes"] for each in found["sizes"]] == [56, 512, 1_024, 1_472]
    assert found["slope_ms_per_1000_bytes"] == pytest.approx(1)


def test_what_cannot_be_tested_is_refused_before_anything_is_sent(
    network: Network, netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("sweep", ROUTER, "--sizes", "1") == 2
    assert netstats("mtu", "10.0.0.0/28") == 3
    assert netstats("mtu", "[/x]") == 3
    assert netstats("mtu", "Router", "--workbook", "Absent.xlsx") == 3
    assert "Absent.xlsx" in capsys.readouterr().err
    assert network.probers == []


def test_a_collector_at_work_is_asked_where_there_is_one(
    netstats: Netstats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = FakeService()
    service.write_destination({"name": "Router", "host": ROUTER})
    endpoint = tmp_path / "companions" / "0.txt"
    monkeypatch.setattr(wiring, "find_companion", lambda workbook: ControlClient.find(endpoint))
    with ControlServer(
        service, endpoint=endpoint, workbook="Net.xlsm", database="Net.duckdb", started_at=NOW
    ):
        assert netstats("mtu", "router", "--json") == 0
        assert json.loads(capsys.readouterr().out)["mtu"] == 1_500
        assert netstats("sweep", "router", "--sizes", "100,1100") == 0
        assert "answers 2 of 2 sizes; 1,000 bytes more add 1 ms." in capsys.readouterr().out
        assert netstats("mtu", "no host") == 3
