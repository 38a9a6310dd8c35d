"""What is wrong with a request is told in words that a user of a workbook understands too."""

import httpx
import pytest

from netstats_xl.control.credentials import Endpoint
from netstats_xl.errors import RoundUnderWay
from tests.fakes.service import FakeService


def refused(endpoint: Endpoint, path: str, body: object) -> dict[str, str]:
    """What is told of each field."""
    response = httpx.post(
        f"{endpoint.url}{path}",
        json=body,
        headers={"Authorization": f"Bearer {endpoint.token}"},
        trust_env=False,
        timeout=20,
    )
    assert response.status_code == 422, response.text
    problem = response.json()
    found = {cell["cell"]: cell["message"] for cell in problem["cells"]}
    assert len(found) == len(problem["cells"])
    assert all(f"{cell}: {message}" in problem["message"] for cell, message in found.items())
    return found


@pytest.mark.parametrize("interval", [True, [], {}])
def test_a_field_that_could_be_of_several_types_is_told_of_once_by_its_own_name(
    endpoint: Endpoint, interval: object
) -> None:
    job = {"name": "All", "destinations": "*", "interval": interval}
    assert refused(endpoint, "/v1/jobs", job) == {
        "interval": "Input should be a valid string, or: Input should be a valid number"
    }


def test_a_bad_item_of_a_list_is_told_by_its_number(endpoint: Endpoint) -> None:
    told = refused(endpoint, "/v1/destinations/test", {"ids": ["a", ""]})
    assert list(told) == ["ids.1"]


def test_a_body_that_is_missing_is_told_of(endpoint: Endpoint) -> None:
    assert list(refused(endpoint, "/v1/destinations/test", None)) == ["body"]


def test_a_job_whose_round_goes_on_is_no_mistake_of_who_asks(
    endpoint: Endpoint, service: FakeService
) -> None:
    def before(name: str) -> None:
        if name == "run_jobs":
            raise RoundUnderWay("A round of the job All is going on: try again when it has ended.")

    service.write_job({"name": "All", "destinations": "*", "interval": "10s"})
    service.before = before
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    answer = httpx.post(
        f"{endpoint.url}/v1/jobs/run", json={"names": ["All"]}, headers=headers, trust_env=False, timeout=20
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "round_under_way")
    assert answer.json()["retryable"]
