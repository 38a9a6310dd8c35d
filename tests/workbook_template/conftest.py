"""A desk with a live workbook, and a collector that answers it: the real control server, over a service in memory."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from netstats_xl.app.service import Health
from netstats_xl.control.server import ControlServer
from netstats_xl.domain.views import (
    Anchor,
    CellSpec,
    Column,
    SheetSpec,
    TableSpec,
    WorkbookView,
)
from netstats_xl.paths import DataFolder
from netstats_xl.workbooks.macro_template import copy_template
from netstats_xl.workbooks.template import template_view
from tests.fakes.service import NOW, FakeService
from tests.workbook_template.desk import Desk
from workbook_template import build

WORKBOOK_ID = "0123456789abcdef0123456789abcdef"
TEMPLATE = Path(build.__file__).with_name("NetStats.xlsm")


def live_view() -> WorkbookView:
    """A view with everything that the macros look for."""
    view = template_view("UTC")
    top = Anchor(row=0, column=0)
    overview = TableSpec(
        name="Overview",
        anchor=Anchor(row=3, column=0),
        columns=(Column(header="Name"), Column(header="Status")),
    )
    selection = TableSpec(
        name="Selection",
        anchor=Anchor(row=3, column=0),
        columns=(Column(header="Details of", typed=True), Column(header="Period", typed=True)),
        autofilter=False,
    )
    routes = TableSpec(name="Routes", anchor=Anchor(row=3, column=0), columns=(Column(header="Destination"),))
    sheets = (
        SheetSpec(name="Routes", blocks=(routes,)),
        SheetSpec(name="Dashboard", blocks=(CellSpec(name="NetStats_state", anchor=top), overview)),
        SheetSpec(name="Details", blocks=(selection,)),
    )
    return replace(
        view,
        spec=replace(view.spec, sheets=(*view.spec.sheets, *sheets)),
        rows={
            **view.rows,
            "Overview": (("This computer", "Up"), ("localhost", "Down")),
            "Selection": (("This computer", "24h"),),
            "Routes": (("No route was traced yet.",),),
        },
        cells={"NetStats_state": "Collecting: 1 up"},
    )


def opened(path: Path) -> Workbook:
    """A workbook as openpyxl reads it; what openpyxl would not keep of it is of no interest here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return openpyxl.load_workbook(path)


@pytest.fixture(scope="session")
def live_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "NetStats.xlsm"
    path.write_bytes(build.build(live_view()))
    return path


@pytest.fixture
def workbook(live_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("netstats_xl.workbooks.macro_template.template_path", lambda: live_template)
    path = tmp_path / "Branch & Büro %1.xlsm"
    copy_template(path, workbook_id=WORKBOOK_ID)
    return path


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def desk(workbook: Path, data: DataFolder) -> Desk:
    return Desk(workbook, data.path)


class Collector(FakeService):
    """The collector of a workbook at this place."""

    def __init__(self, workbook: str) -> None:
        super().__init__()
        self.workbook = workbook
        self.stopping = False

    def health(self) -> Health:
        return replace(super().health(), workbook=self.workbook, stopping=self.stopping)


@pytest.fixture
def service(workbook: Path) -> Collector:
    service = Collector(str(workbook))
    for name, host in (("This computer", "127.0.0.1"), ("localhost", "localhost")):
        service.write_destination({"name": name, "host": host})
    service.write_job({"name": "Every 10 seconds", "destinations": "*", "interval": "10s"})
    return service


@pytest.fixture
def server(service: FakeService, data: DataFolder) -> Iterator[ControlServer]:
    server = ControlServer(
        service,
        endpoint=data.endpoint(WORKBOOK_ID),
        workbook="Net.xlsm",
        database="Net.duckdb",
        started_at=NOW,
    )
    server.start()
    yield server
    server.stop()
