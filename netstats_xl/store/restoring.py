"""A backup put in the place of the database, with what was measured since."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from netstats_xl.errors import StoreCorrupt, StoreError
from netstats_xl.ports import OnProgress
from netstats_xl.store.backup import (
    check_room,
    check_target,
    copy_to,
    translating,
    unfinished_beside,
    used_bytes,
)
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.incident_log import write_incidents
from netstats_xl.store.merging_databases import Merged, merge_into
from netstats_xl.store.reading import open_read_only
from netstats_xl.store.saved_mark import forget_mark
from netstats_xl.store.verifying import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did."""

    samples: int
    """That are in the database now."""
    merged: Merged | None
    """What came over from the database that was there; None: nothing was asked for, or could be."""
    not_merged: str = ""
    """Why nothing could be."""
    aside: Path | None
    """Where the database that was there is now; None: there was none."""


def restore(
    database: Path,
    backup: Path,
    aside: Path,
    on_progress: OnProgress,
    *,
    keep_newer: bool,
    now: datetime,
) -> Restored:
    """Put a backup in the place of a database that no program has open.

    The database that is there is never deleted: it becomes `aside`. With `keep_newer`, what it has and the backup has
    not is brought over, as far as it can be read. Until the last step, which takes no time, everything is as it was.

    Raises:
        StoreLocked: a program has one of them open.
        StoreCorrupt: the backup is damaged, or no database of this program.
        StoreFull: the disk has no room for another copy.
        StoreError: the backup is the database itself, or there is none, or a file cannot be moved.
    """
    check_target(database)
    _check_other(database, backup)
    found = verify(backup, on_progress, spare_core=False)
    if found.flaws:
        raise StoreCorrupt(
            f"The backup {backup} is not right: {found.flaws[0]} Choose another one: --list shows them."
        )
    merged, why = None, ""
    with unfinished_beside(database) as fresh:
        with open_read_only(backup, spare_core=False) as cursor:
            check_room(used_bytes(cursor), database)
            copy_to(cursor, fresh, on_progress, target=database)
        if database.exists() and keep_newer:
            merged, why = _bring_over(database, fresh, on_progress, now)
        else:
            DuckDbStore.open(fresh, spare_core=False).close()  # brings it to this version
        samples = verify(fresh, on_progress, spare_core=False).samples
        was_there = database.exists()
        # What the former one held, and what befell it, is no matter of the restored one's.
        forget_mark(database)
        with translating(database):
            _swap(fresh, database, aside)
        write_incidents(database, ())
    return Restored(samples=samples, merged=merged, not_merged=why, aside=aside if was_there else None)


def _check_other(database: Path, backup: Path) -> None:
    with translating(backup):
        same = backup.resolve() == database.resolve()
    if same:
        raise StoreError(f"{backup} is the database itself. Name a backup of it.")


def _bring_over(
    database: Path, fresh: Path, on_progress: OnProgress, now: datetime
) -> tuple[Merged | None, str]:
    with suppress(StoreCorrupt):
        # Its log is worked in, and it is brought to this version, where it is whole.
        DuckDbStore.open(database, spare_core=False).close()
    store = DuckDbStore.open(fresh, spare_core=False)
    try:
        return merge_into(store, database, on_progress, now=now, newer=True), ""
    except StoreCorrupt as error:
        return None, error.message
    finally:
        store.close()


def _swap(fresh: Path, database: Path, aside: Path) -> None:
    """The database becomes `aside` and the fresh one the database, at no moment of which there is none."""
    log, aside_log = (each.with_name(f"{each.name}.wal") for each in (database, aside))
    linked = False
    if database.exists():
        if aside.exists():
            raise FileExistsError(17, "a file of this name is there already", str(aside))
        try:
            os.link(database, aside)
            linked = True
        except OSError:  # not every file system knows a second name for a file
            database.rename(aside)
    if log.exists():
        log.rename(aside_log)
    try:
        fresh.replace(database)
    except OSError:
        if aside_log.exists():
            aside_log.rename(log)
        if linked:
            aside.unlink()
        elif aside.exists():
            aside.rename(database)
        raise
