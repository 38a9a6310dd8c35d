"""Workbook files, databases, templates and YAML: which adapter serves each."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tzlocal import get_localzone_name

from netstats_xl.app.identity import NOT_DRAWN
from netstats_xl.domain.history import HistoryFormat, HistoryOptions
from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.domain.windows import parse_zone
from netstats_xl.errors import WorkbookError
from netstats_xl.paths import data_folder
from netstats_xl.ports import Clock, HistoryFile, Publisher, ResultStore, StoreWatcher, Workbook
from netstats_xl.scheduling import SystemClock


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


def open_store(
    path: Path | None, *, spare_core: bool = True, watcher: StoreWatcher | None = None
) -> ResultStore:
    """The database at the path, made if it is not there; None: one in memory. `spare_core`: for a prober.

    With a `watcher` damage is dealt with, and told to it; without one it is an error.
    """
    from netstats_xl.store.duckdb_store import DuckDbStore

    return DuckDbStore.open(path, spare_core=spare_core, watcher=watcher)


def open_history(path: Path, kind: HistoryFormat | None, options: HistoryOptions) -> HistoryFile:
    """A file of earlier measurements; without a kind, of the kind that its content tells."""
    from netstats_xl.importing.opening import open_history

    return open_history(path, kind, options)


def report_path(workbook: Path) -> Path:
    """`NetStats-report.xlsx` for `NetStats.xlsx`."""
    return workbook.with_name(f"{workbook.stem}-report.xlsx")


def database_path(workbook: Path, settings: Settings, override: Path | None = None) -> Path:
    """The override, or what the settings name beside the workbook, or `NetStats.duckdb` for `NetStats.xlsx`.

    That of a live workbook lies in the user's data folder, under its identity.
    """
    if override is not None:
        return override
    if settings.database:
        return workbook.parent / Path(settings.database).expanduser()
    identity = identity_of(workbook)
    return data_folder().database(identity) if identity else workbook.with_suffix(".duckdb")


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


def write_tcp_demo(path: Path, *, zone: str, accepting: Sequence[str], refusing: str) -> None:
    """Write the workbook of the demo that connects to these ports."""
    from netstats_xl.workbooks.template import tcp_demo_view
    from netstats_xl.workbooks.xlsx_writer import write_workbook

    write_workbook(tcp_demo_view(zone, accepting=accepting, refusing=refusing), path)


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


def copy_macro_template(path: Path) -> None:
    """Write a new live workbook with an identity of its own."""
    from netstats_xl.workbooks.macro_template import copy_template

    copy_template(path)


def write_libreoffice_template(path: Path) -> None:
    """Write a new live workbook for LibreOffice, .xlsx or .ods, with an identity of its own.

    Raises:
        WorkbookError: it cannot be written; for .ods there is no LibreOffice.
    """
    from netstats_xl.workbooks.libreoffice.template import write_template

    write_template(path)


def libreoffice_identity(workbook: Path) -> str | None:
    """The identity that a live workbook for LibreOffice carries; None where it has none, or none was drawn yet."""
    from netstats_xl.workbooks.libreoffice.template import read_identity

    found = read_identity(workbook)
    return found if found and found != NOT_DRAWN else None


def identity_of(workbook: Path) -> str | None:
    """The identity that a workbook file carries; None where it has none, or none was drawn yet."""
    if workbook.suffix.casefold() != ".xlsm":
        return None
    from netstats_xl.workbooks.xlsx_identity import read_identity

    found = read_identity(workbook)
    return found if found and found != NOT_DRAWN else None
