"""A control server over a service in memory, on a real socket of this computer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.server import ControlServer
from tests.fakes.service import NOW, FakeService


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def endpoint_file(tmp_path: Path) -> Path:
    return tmp_path / "companions" / "0.txt"


@pytest.fixture
def server(service: FakeService, endpoint_file: Path) -> Iterator[ControlServer]:
    each = ControlServer(
        service, endpoint=endpoint_file, workbook="Net.xlsm", database="Net.duckdb", started_at=NOW
    )
    each.start()
    yield each
    each.stop()


@pytest.fixture
def endpoint(server: ControlServer) -> Endpoint:
    return server.start()  # it runs: this tells where


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[ControlClient]:
    with ControlClient(endpoint, patience_s=20) as each:
        yield each
