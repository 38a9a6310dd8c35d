"""`netstats-xl trace`: through the collector at work, or right here; what it prints, and its exit code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netstats_xl import wiring
from netstats_xl.cli import main
from netstats_xl.commands import tracing
from netstats_xl.control.client import ControlClient
from netstats_xl.control.server import ControlServer
from netstats_xl.domain.results import NameNotResolved
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.targets import Definitions, Engine
from netstats_xl.errors import CompanionNotRunning, PrivilegeMissing
from tests.fakes.scripted_network import ScriptedProber
from tests.fakes.service import NOW, FakeService, route


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    """A collector at work, with one destination."""
    service = FakeService()
    service.write_destination({"name": "Router", "host": "192.0.2.9"})
    path = tmp_path / "0.txt"
    with ControlServer(service, endpoint=path, workbook="W", database="D", started_at=NOW) as server:
        endpoint = server.start()
        monkeypatch.setattr(wiring, "find_companion", lambda workbook: ControlClient(endpoint))
        yield service


@pytest.fixture
def prober(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedProber:
    """No collector, an empty folder, and a network whose answers are written down."""

    def nobody(workbook: Path | None) -> ControlClient:
        raise CompanionNotRunning("No collector is at work.")

    def opened(definitions: Definitions, engine: Engine) -> ScriptedProber:
        scripted.closed = False
        return scripted

    scripted = ScriptedProber()
    monkeypatch.setattr(wiring, "find_companion", nobody)
    monkeypatch.setattr(wiring, "open_prober", opened)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return scripted


def trace(*arguments: str) -> int:
    """The command's exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["trace", *arguments])
    return int(ended.value.code or 0)


def printed(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The words of each line of the table's body. Windows' terminals may have the same lines around its head."""
    lines = capsys.readouterr().out.splitlines()
    return [line.replace("│", " ").split() for line in lines if line.startswith("│") and "StDev" not in line]


def test_a_destination_is_traced_by_the_collector_in_shares_that_add_up(
    service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []
    traced = service.trace

    def noted(*arguments: Any, **more: Any) -> Any:
        asked.append(more["rounds"])
        return traced(*arguments, **more)

    service.trace = noted  # type: ignore[method-assign]  # the test looks on
    assert trace("router", "--json") == 0
    assert asked == [3, 3, 2, 2]
    found = json.loads(capsys.readouterr().out)
    assert {key: found[key] for key in ("name", "host", "address", "rounds", "reached", "reason")} == {
        "name": "Router",
        "host": "192.0.2.9",
        "address": "192.0.2.9",
        "rounds": 10,
        "reached": True,
        "reason": "",
    }
    first, last = found["hops"]
    assert (first["hop"], first["addresses"], first["names"]) == (1, ["192.0.2.1"], ["gateway"])
    assert (first["sent"], first["received"], first["loss_percent"]) == (10, 6, 40.0)
    # 2, 3, 4 ms twice, then 2, 3 ms twice.
    assert (last["best_ms"], last["worst_ms"], last["last_ms"]) == (2.0, 4.0, 3.0)
    assert last["mean_ms"] == pytest.approx(2.8)
    assert last["stdev_ms"] == pytest.approx(0.748331, abs=1e-6)


def test_a_host_that_is_no_destination_is_traced_as_such(
    service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    service.traced["192.0.2.77"] = Trace(address="192.0.2.77", hops=(), reached=False)
    assert trace("192.0.2.77", "--rounds", "4") == 1
    assert "192.0.2.77: 4 of 4 rounds, not reached" in capsys.readouterr().out


def test_without_a_collector_it_is_traced_right_here(
    prober: ScriptedProber, capsys: pytest.CaptureFixture[str]
) -> None:
    prober.traces["192.0.2.9"] = (route(3), route(2))
    assert trace("192.0.2.9", "--rounds", "5") == 0
    assert [(host, settings.rounds) for host, settings in prober.traced] == [
        ("192.0.2.9", 3),
        ("192.0.2.9", 2),
    ]
    assert prober.closed
    assert printed(capsys) == [
        ["1", "gateway", "(192.0.2.1)", "40.0", "5", "1.00", "1.33", "1.00", "2.00", "0.47"],
        ["2", "192.0.2.9", "0.0", "5", "3.00", "2.80", "2.00", "4.00", "0.75"],
    ]


@pytest.mark.parametrize("host", ["tcp:/x", "10.0.0.0/28", "[::1]", ""])
def test_what_is_no_host_is_refused_and_nothing_is_looked_up(
    host: str, prober: ScriptedProber, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace(host) == 3
    assert "no host" in capsys.readouterr().err
    assert prober.traced == []


def test_the_name_of_a_destination_in_the_workbook_is_known_without_a_collector(
    prober: ScriptedProber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wiring.write_template(tmp_path / "NetStats.xlsx", zone="UTC")
    prober.traces["127.0.0.1"] = (Trace(address="127.0.0.1", hops=(), reached=True),)
    assert trace("this computer", "--rounds", "1") == 0
    assert trace("this computer", "--rounds", "1", "--workbook", "NetStats.xlsx") == 0
    assert {host for host, _ in prober.traced} == {"127.0.0.1"}
    assert "This computer (127.0.0.1): 1 of 1 rounds" in capsys.readouterr().out


def test_a_name_that_does_not_exist_ends_it_at_once_and_says_why(
    prober: ScriptedProber, capsys: pytest.CaptureFixture[str]
) -> None:
    prober.traces["nowhere"] = (NameNotResolved(reason="no such name"),)
    assert trace("nowhere") == 1
    assert len(prober.traced) == 1
    assert "The route to nowhere cannot be traced: name not resolved: no such name" in capsys.readouterr().out
    assert trace("nowhere", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["reason"], found["hops"]) == ("name not resolved: no such name", [])


def test_a_silent_hop_and_one_of_several_addresses(
    prober: ScriptedProber, capsys: pytest.CaptureFixture[str]
) -> None:
    both = (HopReply(address="10.0.0.1", rtt_ms=1.0), HopReply(address="10.0.0.2", rtt_ms=2.0))
    hops = (Hop(ttl=1, sent=2, replies=both), Hop(ttl=2, sent=2))
    prober.traces["h"] = (Trace(address="192.0.2.9", hops=hops, reached=False),)
    assert trace("h", "--rounds", "2") == 1
    assert printed(capsys) == [
        ["1", "10.0.0.1", "0.0", "2", "2.00", "1.50", "1.00", "2.00", "0.50"],
        ["10.0.0.2"],
        ["2", "???", "100.0", "2"],
    ]


def test_a_name_from_the_network_cannot_move_the_cursor(
    prober: ScriptedProber, capsys: pytest.CaptureFixture[str]
) -> None:
    found = route(2)
    names = {"192.0.2.1": "\x1b[2Jevil\r\n"}
    prober.traces["h"] = (Trace(address=found.address, hops=found.hops, reached=True, names=names),)
    assert trace("h", "--rounds", "1") == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "?[2Jevil??" in shown


def test_probes_that_cannot_be_sent_end_it_with_their_exit_code(
    prober: ScriptedProber, capsys: pytest.CaptureFixture[str]
) -> None:
    prober.error = PrivilegeMissing("You may not send.")
    assert trace("h") == 5
    assert "You may not send." in capsys.readouterr().err
    assert prober.closed


def test_on_a_terminal_the_table_grows(
    prober: ScriptedProber, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setattr(tracing, "ROUNDS_AT_ONCE", 1)
    monkeypatch.setenv("TERM", "xterm")
    prober.traces["h"] = (route(2),)
    assert trace("h", "--rounds", "2") == 0
    assert "2 of 2 rounds" in capsys.readouterr().out
