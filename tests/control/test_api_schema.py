"""The whole API against its own description, with requests that are right and requests that are not."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import GenerationConfig, SchemathesisConfig

from netstats_xl.control.api import create_application
from netstats_xl.control.companion_routes import LONGEST_LISTENING_S
from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.describing import describe
from netstats_xl.control.events import Listening
from netstats_xl.control.server import ControlServer
from tests.fakes.service import NOW, FakeService

EXAMPLES = 25
WELL_FORMED_AND_REFUSED = ["2xx", "401", "403", "404", "409", "422"]
"""422: the sheets' rules (a name stands once, a period can be understood) go beyond what a schema can say."""
MALFORMED_AND_REFUSED = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
"""413: schemathesis tries a text that is longer than a whole body may be."""


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as each:
        yield each


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    path = tmp_path_factory.mktemp("companions") / "0.txt"
    service = FakeService()
    service.write_destination({"name": "Router", "host": "127.0.0.1", "group": "Lab", "tags": "voip"})
    service.write_job({"name": "All", "destinations": "*", "interval": "10s"})
    server = ControlServer(service, endpoint=path, workbook="W", database="D", started_at=NOW)
    yield server.start()
    server.stop()


def _schema() -> Any:
    service = FakeService()
    config = SchemathesisConfig()
    config.projects.default.checks.positive_data_acceptance.expected_statuses = WELL_FORMED_AND_REFUSED
    config.projects.default.checks.negative_data_rejection.expected_statuses = MALFORMED_AND_REFUSED
    config.projects.default.generation = GenerationConfig(
        deterministic=True, max_examples=EXAMPLES, with_security_parameters=False
    )
    application, _ = create_application(service, Listening(service))
    return schemathesis.openapi.from_dict(describe(application), config=config)


schema = _schema()


@schema.parametrize()  # type: ignore[untyped-decorator] # schemathesis's own
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_description_says(
    case: Any, endpoint: Endpoint, session: requests.Session
) -> None:
    if case.path == "/v1/events":
        _bound(case)
    case.call_and_validate(
        base_url=endpoint.url, session=session, headers={"Authorization": f"Bearer {endpoint.token}"}
    )


def _bound(case: Any) -> None:
    """A stream has no end of its own: where the request is right, it ends at once."""
    given = case.query.get("seconds")
    try:
        right = given is None or 0 <= float(given) <= LONGEST_LISTENING_S
    except (TypeError, ValueError):
        right = False
    if right:
        case.query["seconds"] = 0
