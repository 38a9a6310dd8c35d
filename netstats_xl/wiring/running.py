"""The companions at work: which there are, and how to ask them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PureWindowsPath

from netstats_xl.control.client import ControlClient
from netstats_xl.errors import CompanionNotRunning, ConfigurationError, ControlError
from netstats_xl.paths import DataFolder, data_folder
from netstats_xl.wiring.files import identity_of


def companions(data: DataFolder) -> Iterator[tuple[Path, ControlClient]]:
    """The user's companions at work, each with its endpoint file."""
    for path in sorted(data.endpoints.glob("*.txt")):
        with suppress(CompanionNotRunning):
            yield path, ControlClient.find(path)


def find_companion(workbook: Path | None = None, *, database: Path | None = None) -> ControlClient:
    """The companion at work for this workbook or database; without either, the only one.

    Raises:
        CompanionNotRunning: there is none that answers.
        ConfigurationError: none was named, and there are several.
    """
    if workbook is None and database is None:
        return _only(list(answering()))
    identity = identity_of(workbook) if workbook is not None else None
    for path, client in answering():
        endpoint = client.endpoint
        if (
            (identity is not None and path.stem == identity)
            or (workbook is not None and is_same(endpoint.workbook, workbook))
            or (database is not None and is_same(endpoint.database, database))
        ):
            return client
        client.close()
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


def _only(found: list[tuple[Path, ControlClient]]) -> ControlClient:
    if not found:
        raise CompanionNotRunning("No collector is at work. `netstats-xl start WORKBOOK` starts one.")
    if len(found) > 1:
        names = ", ".join(client.endpoint.workbook for _, client in found)
        for _, client in found:
            client.close()
        raise ConfigurationError(f"Several collectors are at work: name the workbook. There are: {names}.")
    return found[0][1]
