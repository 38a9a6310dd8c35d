"""Finding out what is there, before anything is planned."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from netstats_xl.errors import InstallError
from netstats_xl.installing import excel, interpreter, policies, xlwings_conf
from netstats_xl.installing.edges import Edges
from netstats_xl.installing.findings import Finding, Level
from netstats_xl.installing.interpreter import Interpreter
from netstats_xl.installing.plan import WORKBOOK_NAME, Situation, wanted_shortcuts
from netstats_xl.installing.record import Record
from netstats_xl.installing.removal import Remains
from netstats_xl.paths import DataFolder


def workbook_place(wanted: Path | None, record: Record, documents: Path) -> Path:
    """Where the workbook goes: where the user says, else where it was put before, else into the documents.

    Raises:
        InstallError: the name would keep Excel from opening it.
    """
    if wanted is None:
        there = [path for path in record.workbooks if path.exists()]
        return there[-1] if there else documents / WORKBOOK_NAME
    place = wanted.absolute()
    if place.is_dir():
        place /= WORKBOOK_NAME
    if place.suffix.casefold() != ".xlsm":
        raise InstallError(f"{place} would hold a workbook with macros: give it a name that ends in .xlsm.")
    return place


def look_around(edges: Edges, workbook: Path, python: Interpreter) -> Situation:
    """What an installation is to be planned from.

    Raises:
        InstallError: the path of this Python cannot be told to Excel.
        OSError: what is there cannot be read.
    """
    folders = edges.folders
    conf = xlwings_conf.conf_path(folders.profile())
    menu = folders.programs()
    settings = xlwings_conf.settings(
        python.python, {"LOCALAPPDATA": folders.local_data(), "USERPROFILE": folders.profile()}
    )
    wanted = wanted_shortcuts(workbook, python, menu)
    return Situation(
        workbook=workbook,
        workbook_exists=workbook.exists(),
        interpreter=python,
        menu=menu,
        conf=conf,
        conf_content=_content(conf),
        conf_values=xlwings_conf.encoded(settings, edges.code_page),
        shortcuts={path: edges.shortcuts.read(path) for path in wanted if path.exists()},
    )


def find_problems(edges: Edges, situation: Situation, *, calls_windows: bool) -> tuple[Finding, ...]:
    """What will not work once it is installed; `calls_windows`: see `policies.find_obstacles`."""
    found = excel.find_excel(edges.registry)
    version = f"{found.major}.0" if found is not None and found.major else policies.OFFICE_VERSION
    return (
        *interpreter.judge(situation.interpreter),
        *excel.judge(found),
        *policies.find_obstacles(
            edges.registry,
            situation.workbook,
            marked=situation.workbook_exists and edges.marks.marked(situation.workbook),
            calls_windows=calls_windows,
            version=version,
        ),
        *_cloud(situation.workbook, edges.folders.cloud()),
    )


def look_at_remains(edges: Edges, record: Record, data: DataFolder) -> Remains:
    """What is still there of an installation.

    Raises:
        OSError: it cannot be read.
    """
    folders = (data.endpoints, data.records, data.database("x").parent, data.log("x").parent)
    return Remains(
        shortcuts={path: edges.shortcuts.read(path) for path in record.shortcuts if path.exists()},
        conf_content=_content(record.conf.path) if record.conf is not None else None,
        workbooks=[path for path in record.workbooks if path.exists()],
        data=[folder for folder in folders if folder.is_dir()],
    )


def _content(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _cloud(workbook: Path, roots: Sequence[Path]) -> tuple[Finding, ...]:
    if not any(workbook.is_relative_to(root) for root in roots):
        return ()
    return (
        Finding(
            level=Level.NOTE,
            what="The workbook lies in OneDrive: every save goes to the cloud, and to your other computers.",
            why=f"{workbook.parent} is kept in step by OneDrive.",
            remedy="Nothing: the database stays on this computer. To keep the workbook here, too, install with "
            "--workbook and a path outside OneDrive.",
        ),
    )
