"""What a collector answers that is ending."""

import logging

import httpx
import pytest

from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint
from netstats_xl.errors import CompanionStopping
from tests.fakes.service import FakeService


def test_its_health_says_so_in_either_form(client: ControlClient, endpoint: Endpoint) -> None:
    assert client.health()["state"] == "collecting"
    client.pause_updates(True)
    assert client.health()["state"] == "paused"
    client.shutdown()
    health = client.health()
    assert (health["state"], health["message"]) == ("stopping", "Stopping: the results are being saved")
    headers = {"Authorization": f"Bearer {endpoint.token}", "Accept": "text/plain"}
    plain = httpx.get(f"{endpoint.url}/v1/health", headers=headers, trust_env=False, timeout=20)
    assert "state=stopping\r\n" in plain.text


def test_what_it_refuses_may_be_asked_again_later_and_leaves_no_trace_in_the_log(
    client: ControlClient, endpoint: Endpoint, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    def before(_: str) -> None:
        raise CompanionStopping("The collector is stopping: start it again once it has ended.")

    service.before = before
    with pytest.raises(CompanionStopping, match="The collector is stopping"):
        client.jobs()
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    answer = httpx.get(f"{endpoint.url}/v1/jobs", headers=headers, trust_env=False, timeout=20)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (answer.json()["code"], answer.json()["retryable"]) == ("companion_stopping", True)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
