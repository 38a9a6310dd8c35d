"""The companions at work: which there are, and how to ask them."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from netstats_xl.app.identity import NOT_DRAWN
from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint
from netstats_xl.errors import CompanionNotRunning, ConfigurationError, ControlError
from netstats_xl.hosting.records import read_record
from netstats_xl.paths import DataFolder, companion_id, data_folder
from netstats_xl.sheets import SETTINGS, read_definitions
from netstats_xl.wiring.files import database_path, file_workbook, identity_of

PATIENCE_S = 30.0


def companions(data: DataFolder) -> Iterator[tuple[Path, ControlClient]]:
    """The user's companions at work, each with its endpoint file."""
    for path in sorted(data.endpoints.glob("*.txt")):
        with suppress(CompanionNotRunning):
            yield path, ControlClient.find(path)


def find_companion(
    workbook: Path | None = None, *, database: Path | None = None, patience_s: float = PATIENCE_S
) -> ControlClient:
    """The companion at work for this workbook or database; without either, the only one.

    That of another file which carries the same identity is not it: one of the two is a copy. `patience_s` is how
    long its answers are waited for.

    Raises:
        CompanionNotRunning: there is none that answers.
        ConfigurationError: none was named, and there are several.
    """
    if workbook is None and database is None:
        return _only(list(answering()), patience_s)
    identity = identity_of(workbook) if workbook is not None else None
    found: Endpoint | None = None
    for path, client in answering():
        client.close()
        endpoint = client.endpoint
        if (workbook is not None and is_same(endpoint.workbook, workbook)) or (
            database is not None and is_same(endpoint.database, database)
        ):
            found = endpoint
            break
        if workbook is not None and path.stem == identity and _may_have_become(endpoint.workbook, workbook):
            found = endpoint
    if found is not None:
        return ControlClient(found, patience_s=patience_s)
    name = workbook.name if workbook is not None else database
    raise CompanionNotRunning(
        f"No collector is at work for {name}. `netstats-xl start` starts one, and `netstats-xl status` lists them."
    )


def answering() -> Iterator[tuple[Path, ControlClient]]:
    """The companions that answer; endpoint files of those that were killed are passed over."""
    for path, client in companions(data_folder()):
        try:
            client.health()
        except ControlError:
            client.close()
        else:
            yield path, client


def is_same(told: str, path: Path) -> bool:
    """Whether a companion's own words for a file mean this one."""
    try:
        return Path(told).resolve() == path.resolve() or PureWindowsPath(told) == PureWindowsPath(
            path.absolute()
        )
    except (OSError, ValueError):  # a web address
        return False


def _may_have_become(told: str, path: Path) -> bool:
    """Whether a file of the same identity may be the one that a companion told of, rather than a copy of it.

    It is, where it was moved. Nobody can tell whether one on the web was: its name alone decides.
    """
    if "://" in told:
        return PurePosixPath(unquote(told)).name.casefold() == path.name.casefold()
    return not _is_there(told)


def _is_there(place: str) -> bool:
    try:
        return Path(place).exists()
    except (OSError, ValueError):
        return False


def log_in_use(workbook: Path | None = None) -> Path:
    """The log of the companion at work for this workbook, or of the last one; without a workbook, of the only one.

    Raises:
        CompanionNotRunning: no workbook was named, and none is at work.
        ConfigurationError: no workbook was named, and there are several.
        WorkbookError: the workbook cannot be read.
    """
    try:
        with find_companion(workbook) as client:
            found = client.endpoint.token
    except CompanionNotRunning:
        if workbook is None:
            raise
        return log_of(workbook)
    for path, other in companions(data_folder()):
        if other.endpoint.token == found:
            return data_folder().log(path.stem)
    raise CompanionNotRunning("The collector has just ended.")


def log_of(workbook: Path, database: Path | None = None) -> Path:
    """Where the log of this workbook's companion lies, at work or not.

    Raises:
        WorkbookError: the workbook cannot be read.
    """
    return data_folder().log(known_as(workbook, database))


def known_as(workbook: Path, database: Path | None = None) -> str:
    """What the companion of this workbook, or else of this database, is known by.

    A live workbook that is a copy of one that is still there has no identity of its own yet.

    Raises:
        WorkbookError: the workbook cannot be read.
    """
    if database is None and (identity := identity_of(workbook)):
        return NOT_DRAWN if is_live(workbook) and _is_copy(workbook, identity) else identity
    if database is None and is_live(workbook):
        return NOT_DRAWN
    if database is None:
        tables = file_workbook(workbook).read((SETTINGS,))
        settings = read_definitions(tables, default_zone="UTC").settings
        return companion_id(database_path(workbook, settings))
    return companion_id(database)


def _is_copy(workbook: Path, identity: str) -> bool:
    record = read_record(data_folder().record(identity))
    return record is not None and not (
        is_same(record.place, workbook) or _may_have_become(record.place, workbook)
    )


def live_identity(workbook: Path, identity: str) -> str:
    """The identity to start with; zeros for a copy of a workbook that is still there, which gets one of its own."""
    return NOT_DRAWN if _is_copy(workbook, identity) else identity


def is_live(workbook: Path) -> bool:
    """Whether the workbook is for Excel to show, rather than a file to be read."""
    return sys.platform == "win32" and workbook.suffix.casefold() == ".xlsm"


def _only(found: list[tuple[Path, ControlClient]], patience_s: float) -> ControlClient:
    if not found:
        raise CompanionNotRunning("No collector is at work. `netstats-xl start WORKBOOK` starts one.")
    names = ", ".join(client.endpoint.workbook for _, client in found)
    for _, client in found:
        client.close()
    if len(found) > 1:
        raise ConfigurationError(f"Several collectors are at work: name the workbook. There are: {names}.")
    return ControlClient(found[0][1].endpoint, patience_s=patience_s)
