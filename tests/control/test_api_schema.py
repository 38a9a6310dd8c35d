"""The whole API against its own description, with requests that are right and requests that are not.

Once with the tests' service behind it, whose events and end can be had at will, once with a companion's own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import GenerationConfig, SchemathesisConfig

from netstats_xl.app.service import Service
from netstats_xl.control.api import create_application
from netstats_xl.control.companion_routes import LONGEST_LISTENING_S
from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.describing import describe
from netstats_xl.control.events import Listening
from netstats_xl.control.server import ControlServer
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import EVERYTHING, Period, Scope
from netstats_xl.ports import OnProgress, Progress, unheard
from netstats_xl.sheets import DESTINATION_COLUMNS, DESTINATIONS, JOB_COLUMNS, JOBS
from tests.companion.stage import Stage
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_workbook import raw_table
from tests.fakes.service import NOW, FakeService

pytestmark = pytest.mark.trials

EXAMPLES = 25
WELL_FORMED_AND_REFUSED = ["2xx", "401", "403", "404", "409", "422"]
"""422: the sheets' rules (a name stands once, a period can be understood) go beyond what a schema can say."""
MALFORMED_AND_REFUSED = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
"""413: schemathesis tries a text that is longer than a whole body may be."""


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as each:
        yield each


class _WritesNoFiles(MemoryStore):
    """Paths of generated requests are anywhere on this computer."""

    def export_csv(self, path: Path, period: Period, *, scope: Scope = EVERYTHING, zone: str = "UTC") -> int:
        return 0

    def backup(self, path: Path, on_progress: OnProgress = unheard, *, read_only: bool = False) -> None:
        on_progress(Progress(doing="copying", done=1, total=1))

    def export_parquet(
        self, path: Path, period: Period, *, scope: Scope = EVERYTHING, rollup: Level | None = None
    ) -> int:
        return 0


def _serve(service: Service, folder: Path) -> ControlServer:
    service.write_destination({"name": "Router", "host": "127.0.0.1", "group": "Lab", "tags": "voip"})
    return ControlServer(service, endpoint=folder / "0.txt", workbook="W", database="D", started_at=NOW)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    service = FakeService()
    with _serve(service, tmp_path_factory.mktemp("companions")) as server:
        service.write_job({"name": "All", "destinations": "*", "interval": "10s"})
        yield server.start()  # it runs: this tells where


@pytest.fixture(scope="module")
def companion_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Of a companion whose workbook, database and network are played: nothing is written, nothing sent."""
    stage = Stage(_WritesNoFiles(), live=True)
    stage.book.set(raw_table(DESTINATIONS, [column.header for column in DESTINATION_COLUMNS]))
    stage.book.set(raw_table(JOBS, [column.header for column in JOB_COLUMNS]))
    companion = stage.start()
    with _serve(companion.service, tmp_path_factory.mktemp("companions")) as server:
        companion.service.write_job({"name": "All", "destinations": "*", "interval": "10s"})
        stage.tick()
        yield server.start()
    assert companion.snapshot().warnings == ()
    companion.stop()


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


bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@schema.parametrize()  # type: ignore[untyped-decorator] # schemathesis's own
@bounded
def test_every_answer_is_as_the_description_says(
    case: Any, endpoint: Endpoint, session: requests.Session
) -> None:
    if case.path == "/v1/events":
        _bound(case)
    _check(case, endpoint, session)


@schema.exclude(path=["/v1/events", "/v1/shutdown"]).parametrize()  # type: ignore[untyped-decorator]
@bounded
def test_every_answer_of_a_companion_is_as_the_description_says(
    case: Any, companion_endpoint: Endpoint, session: requests.Session
) -> None:
    _check(case, companion_endpoint, session)


def _check(case: Any, endpoint: Endpoint, session: requests.Session) -> None:
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
