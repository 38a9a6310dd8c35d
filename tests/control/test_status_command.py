"""What `netstats-xl status` prints of a collector at work."""

import json
from pathlib import Path

import pytest

from netstats_xl import wiring
from netstats_xl.commands.asking_companion import status
from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint
from tests.fakes.service import FakeService

LINES = ("Database size: 1.00 GB, 29 MB a day", "Next deletion: 2026-11-27: nothing is old enough")


@pytest.fixture
def told(endpoint: Endpoint, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that tells of its database, and is the only one."""
    service.storage = LINES
    monkeypatch.setattr(
        wiring, "answering", lambda: [(Path("0.txt"), ControlClient(endpoint, patience_s=20))]
    )
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.usefixtures("told")
def test_the_size_and_the_next_deletion_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    status(None, as_json=False)
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    at = printed.index(LINES[0])
    assert printed[at + 1] == LINES[1]


@pytest.mark.usefixtures("told")
def test_they_are_in_the_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    status(None, as_json=True)
    [collector] = json.loads(capsys.readouterr().out)["collectors"]
    assert collector["storage"] == list(LINES)
