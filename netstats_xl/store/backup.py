"""A consistent copy of the database while it is written, verified before it takes its place."""

import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import duckdb

from netstats_xl.errors import StoreCorrupt, StoreError, StoreFull, StoreReadOnly
from netstats_xl.files import put_in_place
from netstats_xl.ports import OnProgress, Progress
from netstats_xl.store.database import STORAGE_VERSION, Cursor
from netstats_xl.store.database_file import remove_unless_open
from netstats_xl.store.faults import fault_of
from netstats_xl.store.migrations import roll_back
from netstats_xl.store.reading import quoted, row_count, steps, tables
from netstats_xl.store.verifying import verify

Rewriting = Callable[[Cursor], Iterator[tuple[str, dict[str, object]]]]
"""The queries, with what is bound to them, whose rows are a table's in the copy."""
NOT_REWRITTEN: Mapping[str, Rewriting] = {}
UNFINISHED = ".unfinished"
"""Ends the name of a copy that is being made."""
SPARE_BYTES = 32 << 20
"""Room that stays free on the disk beside the copy: a collector may write to it, too."""


def write_copy(
    copy: Callable[[Path], int], target: Path, on_progress: OnProgress, *, read_only: bool
) -> None:
    """Have `copy` write a database to a temporary file, verify it, and put it in the target's place in one step.

    `copy` returns how many rows it wrote.

    Whatever goes wrong, what was at `target` stays and the temporary file goes.

    Raises:
        StoreError: the target's folder does not exist, the copy is not right, or it cannot be put in its place.
    """
    check_target(target)
    with unfinished_beside(target) as temporary:
        rows = copy(temporary)
        found = verify(temporary, on_progress)
        if found.flaws or found.rows != rows:
            what = found.flaws[0] if found.flaws else f"{found.rows:,} of {rows:,} rows are in it."
            raise StoreCorrupt(
                f"The copy of the database was not right, and was not kept: {what} "
                "`netstats-xl verify` tells whether the database itself is."
            )
        with translating(target):
            _put(temporary, target)
            if read_only:  # not sooner: what is write-protected cannot be brought to the disk
                target.chmod(stat.S_IREAD | stat.S_IRGRP | stat.S_IROTH)


def copy_to(
    cursor: Cursor,
    file: Path,
    on_progress: OnProgress,
    *,
    target: Path,
    rewritten: Mapping[str, Rewriting] = NOT_REWRITTEN,
) -> int:
    """Copy `store`, as it is at this moment, into a new database file, table by table; how many rows.

    `target` is what the file becomes, and what errors speak of; `rewritten` are tables whose rows are put together.

    A transaction of its own, so that what is saved meanwhile is not in it and is not kept waiting.

    Raises:
        StoreError: the file cannot be written; what is left of it is the caller's to remove.
        duckdb.Error: the database cannot be read.
    """
    try:
        cursor.execute(f"ATTACH '{quoted(file)}' AS copy (STORAGE_VERSION '{STORAGE_VERSION}')")
        try:
            cursor.execute("COPY FROM DATABASE store TO copy (SCHEMA)")
            cursor.execute("BEGIN")
            rows = _copy_rows(cursor, on_progress, rewritten)
            cursor.execute("COMMIT")
        except BaseException:
            roll_back(cursor)
            raise
        finally:
            cursor.execute("DETACH copy")
    except duckdb.Error as error:
        fault = fault_of(error, target)
        # What invalidates the instance, or is damage, is the database's own matter.
        if (
            fault.invalidates
            or isinstance(fault.error, StoreCorrupt)
            or isinstance(error, duckdb.InterruptException)
        ):
            raise
        if isinstance(fault.error, StoreFull):
            raise StoreFull(
                f"The disk that holds {target.parent} became full before the copy was finished. The database is as it "
                "was, and so is an earlier copy. Free some space, or choose another disk."
            ) from error
        raise fault.error from error
    return rows


def _copy_rows(cursor: Cursor, on_progress: OnProgress, rewritten: Mapping[str, Rewriting]) -> int:
    names = list(tables(cursor))
    total, done, copied = sum(row_count(cursor, name) for name in names), 0, 0
    for name in names:
        for query, parameters in rewritten.get(name, partial(_as_they_are, table=name))(cursor):
            on_progress(Progress(doing="copying", done=done + copied, total=total))
            [(rows,)] = cursor.execute(f'INSERT INTO copy."{name}" BY NAME {query}', parameters).fetchall()
            copied += rows
        if name in rewritten:
            done += row_count(cursor, name) - row_count(cursor, name, of="copy")
    on_progress(Progress(doing="copying", done=total, total=total))
    return copied


def _as_they_are(cursor: Cursor, table: str) -> Iterator[tuple[str, dict[str, object]]]:
    for first, end in steps(cursor, table):
        query = f'SELECT * FROM store."{table}" WHERE rowid >= $first AND rowid < $end'  # noqa: S608 - a name of the catalogue
        yield query, {"first": first, "end": end}


def check_room(needed_bytes: int, target: Path) -> None:
    """See that the target's disk has room for a copy of so many bytes.

    Raises:
        StoreFull: it has not.
    """
    with translating(target):
        free_bytes = shutil.disk_usage(target.parent).free
    if free_bytes < needed_bytes + SPARE_BYTES:
        raise StoreFull(
            f"The disk that holds {target.parent} has {_megabytes(free_bytes)} free, and a copy of the database needs "
            f"{_megabytes(needed_bytes + SPARE_BYTES)}. Free some space, or choose another disk."
        )


def used_bytes(cursor: Cursor) -> int:
    """How large a copy of `store` becomes, about: blocks that are free are not copied."""
    [(used,)] = cursor.execute(
        "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = 'store'"
    ).fetchall()
    return int(used)


def check_target(target: Path) -> None:
    """See that a file can have this name.

    Raises:
        StoreError: its folder does not exist, or it is a folder.
    """
    if not target.parent.is_dir():
        raise StoreError(
            f"The folder {target.parent} does not exist. Create it, or choose another place for the copy."
        )
    if target.is_dir():
        raise StoreError(f"{target} is a folder. Name a file for the copy.")


@contextmanager
def unfinished_beside(target: Path) -> Iterator[Path]:
    """A file's name in the same folder for what is not finished; what is there at the end of the block goes.

    Those that a killed process left there go first.
    """
    for left_over in target.parent.glob(f".*{UNFINISHED}"):
        if f".{os.getpid()}." not in left_over.name:  # this process may be at work on another one
            with suppress(OSError):
                left_over.chmod(stat.S_IREAD | stat.S_IWRITE)
                remove_unless_open(left_over)
                left_over.with_name(left_over.name + ".wal").unlink(missing_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}{UNFINISHED}")
    _remove(temporary)
    try:
        yield temporary
    finally:
        _remove(temporary)


def _remove(temporary: Path) -> None:
    for each in (temporary, temporary.with_name(temporary.name + ".wal")):
        # What cannot be removed now goes before the next copy is made; it must not hide why this one failed.
        with suppress(OSError):
            each.unlink(missing_ok=True)


def _put(temporary: Path, target: Path) -> None:
    """Move it into place; on Windows a file that is write-protected has to be freed of that first."""
    protected = sys.platform == "win32" and target.exists() and not target.stat().st_mode & stat.S_IWRITE
    if protected:
        target.chmod(stat.S_IREAD | stat.S_IWRITE)
    try:
        put_in_place(temporary, target)
    except OSError:
        if protected:
            target.chmod(stat.S_IREAD)
        raise


@contextmanager
def translating(target: Path) -> Iterator[None]:
    """What the system has against writing the target, as an error of ours.

    Raises:
        StoreError: it has something against it.
    """
    try:
        yield
    except PermissionError as error:
        raise StoreReadOnly(
            f"{target} cannot be written: {error.strerror or error}. On Windows a program that has it open keeps it: "
            "close it there. Otherwise choose another place for the copy."
        ) from error
    except OSError as error:
        kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreError
        raise kind(f"{target} cannot be written: {error.strerror or error}.") from error


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"
