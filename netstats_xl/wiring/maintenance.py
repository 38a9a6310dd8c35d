"""What is done with a database as a whole: verified, restored, written anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from netstats_xl.ports import OnProgress
from netstats_xl.sheets import SETTINGS, read_definitions
from netstats_xl.wiring.files import clock, database_path, file_workbook, system_zone

if TYPE_CHECKING:
    from netstats_xl.store.compacting import Compacted
    from netstats_xl.store.restoring import Restored
    from netstats_xl.store.verifying import Verified

WORKBOOKS = (".xlsx", ".xlsm")


def database_of(source: Path) -> tuple[Path, str]:
    """The database of a workbook, or the database file that was named itself; and whose wall clock names its backups.

    Raises:
        WorkbookError: the workbook cannot be read.
    """
    if source.suffix.casefold() not in WORKBOOKS:
        return source, system_zone()
    settings = read_definitions(file_workbook(source).read((SETTINGS,)), default_zone=system_zone()).settings
    return database_path(source, settings), settings.zone


@contextmanager
def keeping_collectors_off(database: Path, what: str) -> Iterator[None]:
    """Within the block no collector can take the database; `what` is at work on it.

    Raises:
        StoreLocked: a collector has it; the message says which.
    """
    from netstats_xl.hosting.instance import InstanceLock, this_process

    with InstanceLock.take(database, this_process(what, clock().now())):
        yield


def verify_database(path: Path, on_progress: OnProgress) -> "Verified":
    """See `store.verifying.verify`; with the rollups."""
    from netstats_xl.store.verifying import verify

    return verify(path, on_progress, spare_core=False, rollups=True)


def restore_database(
    database: Path, backup: Path, aside: Path, on_progress: OnProgress, *, keep_newer: bool, now: datetime
) -> "Restored":
    """See `store.restoring.restore`."""
    from netstats_xl.store.restoring import restore

    return restore(database, backup, aside, on_progress, keep_newer=keep_newer, now=now)


def compact_database(path: Path, on_progress: OnProgress) -> "Compacted":
    """See `store.compacting.compact`."""
    from netstats_xl.store.compacting import compact

    return compact(path, on_progress)
