"""A control server over a service in memory, on a real socket of this computer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from netstats_xl.app.service import Service
from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.server import ControlServer
from tests.fakes.service import NOW, FakeService


class _Switch:
    """Passes everything on to the service of the test that runs: ending a server takes a fifth of a second."""

    current = FakeService()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current, name)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def endpoint_file(tmp_path: Path) -> Path:
    return tmp_path / "companions" / "0.txt"


@pytest.fixture
def server(service: FakeService, endpoint_file: Path) -> Iterator[ControlServer]:
    """A server of the test's own."""
    each = ControlServer(
        service, endpoint=endpoint_file, workbook="Net.xlsm", database="Net.duckdb", started_at=NOW
    )
    each.start()
    yield each
    each.stop()


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Switch, Endpoint]]:
    switch = _Switch()
    path = tmp_path_factory.mktemp("companions") / "0.txt"
    shared = ControlServer(cast(Service, switch), endpoint=path, workbook="W", database="D", started_at=NOW)
    yield switch, shared.start()
    shared.stop()


@pytest.fixture
def endpoint(request: pytest.FixtureRequest, service: FakeService) -> Endpoint:
    """Of the test's own server where it has one, else of one that the module's tests share."""
    if "server" in request.fixturenames:
        own: ControlServer = request.getfixturevalue("server")
        return own.start()  # it runs: this tells where
    switch, endpoint = request.getfixturevalue("_shared")
    switch.current = service
    assert isinstance(endpoint, Endpoint)
    return endpoint


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[ControlClient]:
    with ControlClient(endpoint, patience_s=20) as each:
        yield each
