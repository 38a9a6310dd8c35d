"""The only module that names adapters: which technology serves which port."""

import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path

from tzlocal import get_localzone_name

from netstats_xl.app.service import Service
from netstats_xl.control.client import ControlClient
from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.domain.windows import parse_zone
from netstats_xl.errors import (
    CompanionNotRunning,
    ConfigurationError,
    InstallError,
    StoreLocked,
    WorkbookError,
)
from netstats_xl.installing.edges import Edges
from netstats_xl.parts import Parts, Server
from netstats_xl.paths import DataFolder, companion_id, data_folder
from netstats_xl.ports import Clock, Prober, Publisher, ResultStore, Workbook
from netstats_xl.scheduling import Scheduler, SystemClock


def connect(workbook: Path, *, report: Path | None = None, database: Path | None = None) -> Parts:
    """The parts for collecting from a workbook file; `database` goes before the Settings sheet's."""

    def path_of(settings: Settings) -> Path:
        path = database_path(workbook, settings, database)
        target = report or report_path(workbook)
        if target.resolve() == path.resolve():
            raise ConfigurationError(f"{target} is the database: choose another name for the report.")
        return path

    def make_server(service: Service, settings: Settings, location: str, started_at: datetime) -> Server:
        id_ = companion_id(path_of(settings))
        return control_server(
            service, id_, workbook=str(workbook.resolve()), database=location, at=started_at
        )

    return Parts(
        clock=clock(),
        workbook=file_workbook(workbook, report),
        workbook_name=workbook.name,
        open_prober=open_prober,
        open_store=lambda settings: open_store(path_of(settings)),
        open_memory_store=lambda: open_store(None),
        make_scheduler=lambda on_error: Scheduler(on_error=on_error),
        new_id=new_id,
        default_zone=system_zone(),
        report_to=report_file,
        report_folder=workbook.parent,
        own_files=(workbook,),
        hold=lambda settings: hold(path_of(settings)),
        make_server=make_server,
    )


def open_prober() -> Prober:
    """What sends the probes, in a process of its own."""
    from netstats_xl.probes.process import ProcessProber

    return ProcessProber.open()


def hold(database: Path) -> AbstractContextManager[object]:
    """Keep other companions off the database.

    Raises:
        StoreLocked: one collects into it; the message says which.
    """
    from netstats_xl.hosting.instance import InstanceLock

    try:
        return InstanceLock.take(database)
    except StoreLocked as error:
        for _, client in companions(data_folder()):
            with client:
                other = client.endpoint
            if Path(other.database).resolve() == database.resolve():
                raise StoreLocked(
                    f"The database {database} is in use by process {other.process}, which collects for "
                    f"{other.workbook} since {other.started_at.astimezone():%Y-%m-%d %H:%M}. "
                    "`netstats-xl stop` ends it."
                ) from error
        raise


def control_server(service: Service, id_: str, *, workbook: str, database: str, at: datetime) -> Server:
    """The control channel of the companion that is known by this ID."""
    from netstats_xl.control.server import ControlServer

    endpoint = data_folder().endpoint(id_)
    return ControlServer(service, endpoint=endpoint, workbook=workbook, database=database, started_at=at)


def file_workbook(source: Path, report: Path | None = None) -> Workbook:
    """A workbook file whose views go to a report file beside it."""
    from netstats_xl.workbooks.xlsx import XlsxWorkbook

    if source.is_dir():
        raise WorkbookError(f"{source} is a folder: name a workbook file.")
    return XlsxWorkbook(source, report_file(report or report_path(source)))


def report_file(path: Path) -> Publisher:
    """A report file."""
    from netstats_xl.workbooks.xlsx_writer import XlsxFile

    return XlsxFile(path)


def open_store(path: Path | None, *, spare_core: bool = True) -> ResultStore:
    """The database at the path, made if it is not there; None: one in memory. `spare_core`: for a prober."""
    from netstats_xl.store.duckdb_store import DuckDbStore

    return DuckDbStore.open(path, spare_core=spare_core)


def report_path(workbook: Path) -> Path:
    """`NetStats-report.xlsx` for `NetStats.xlsx`."""
    return workbook.with_name(f"{workbook.stem}-report.xlsx")


def database_path(workbook: Path, settings: Settings, override: Path | None = None) -> Path:
    """The override, or what the settings name beside the workbook, or `NetStats.duckdb` for `NetStats.xlsx`."""
    if override is not None:
        return override
    if settings.database:
        return workbook.parent / Path(settings.database).expanduser()
    return workbook.with_suffix(".duckdb")


def clock() -> Clock:
    """The system's clock."""
    return SystemClock()


def new_id() -> str:
    """A new identity for a row, a run or a batch."""
    return uuid.uuid4().hex[:12]


def system_zone() -> str:
    """IANA name of this computer's time zone; UTC where it has none that we know."""
    try:
        return parse_zone(get_localzone_name() or "UTC")
    except (ValueError, LookupError, OSError):
        return "UTC"


def write_template(
    path: Path, *, zone: str, definitions: Definitions | None = None, settings: Settings | None = None
) -> None:
    """Write a workbook to fill in: with these definitions, or with a few examples."""
    from netstats_xl.workbooks.template import template_view
    from netstats_xl.workbooks.xlsx_writer import write_workbook

    write_workbook(template_view(zone, definitions=definitions, settings=settings), path)


def write_demo(path: Path, *, zone: str) -> None:
    """Write the demo's workbook."""
    from netstats_xl.workbooks.template import demo_view
    from netstats_xl.workbooks.xlsx_writer import write_workbook

    write_workbook(demo_view(zone), path)


def edit_workbook(path: Path, table: str, edits: RowEdits, *, reason: str) -> Path:
    """Write rows into the user's workbook; where the copy of it as it was is kept."""
    from netstats_xl.workbooks.xlsx_rows import append_rows

    return append_rows(path, table, edits.append, replace=edits.replace, reason=reason)


def read_yaml(path: Path) -> Mapping[str, RawTable]:
    """The tables that a YAML file holds."""
    from netstats_xl.workbooks.yaml_file import read_yaml

    return read_yaml(path)


def write_yaml(path: Path, definitions: Definitions, settings: Settings) -> None:
    """Write definitions and settings as YAML."""
    from netstats_xl.workbooks.yaml_file import write_yaml

    write_yaml(path, definitions, settings)


def render_yaml(definitions: Definitions, settings: Settings, *, ascii_only: bool = False) -> str:
    """Definitions and settings as the text of a YAML file; see `yaml_file.render_yaml`."""
    from netstats_xl.workbooks.yaml_file import render_yaml

    return render_yaml(definitions, settings, ascii_only=ascii_only)


def companions(data: DataFolder) -> Iterator[tuple[Path, ControlClient]]:
    """The user's companions at work, each with its endpoint file."""
    for path in sorted(data.endpoints.glob("*.txt")):
        with suppress(CompanionNotRunning):
            yield path, ControlClient.find(path)


def installer_edges() -> Edges:
    """What the installer asks of this Windows.

    Raises:
        InstallError: this is no Windows.
    """
    if sys.platform == "win32":
        from netstats_xl.installing.windows import windows_edges

        return windows_edges()
    raise InstallError(
        "The live workbook needs Excel for Windows. Here, `netstats-xl new` and `netstats-xl run` work with a "
        "workbook file."
    )


def copy_macro_template(path: Path) -> None:
    """Write a new live workbook with an identity of its own."""
    from netstats_xl.workbooks.macro_template import copy_template

    copy_template(path)


def template_calls_windows() -> bool:
    """Whether the live workbook's macros declare functions of Windows, which some policies refuse."""
    return True
