"""How a database's file is opened: attached to a DuckDB instance of its own, migrated, read, and signed."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from netstats_xl.errors import StoreCorrupt, StoreError, StoreLocked
from netstats_xl.store import memory
from netstats_xl.store.damage import Recovery
from netstats_xl.store.database_file import (
    HEADERS_BYTES,
    Header,
    Identity,
    check_in_place,
    identity_of,
    remove_unfinished,
)
from netstats_xl.store.faults import fault_of
from netstats_xl.store.migrations import SCHEMA_VERSION, migrate, version_of

Cursor = duckdb.DuckDBPyConnection

MEMORY = Path(":memory:")
STORAGE_VERSION = "v1.5.0"
"""Files of this version are read by DuckDB 1.5 and 2.0 alike."""


class Opener:
    """Opens one file, or memory, as often as need be. Used by one thread at a time.

    The file is attached, not connected to: that lets its storage version be chosen, keeps a second attempt in
    the same process from sharing it silently, and lets it be opened again when DuckDB has given it up.
    """

    def __init__(
        self,
        path: Path,
        *,
        spare_core: bool,
        loaded: Callable[[Cursor], None],
        recovery: Recovery | None,
        begun_anew: Callable[[Cursor, Sequence[Path]], None],
        before_migrating: Callable[[Cursor, Path], None],
    ) -> None:
        """`path` is absolute, or `MEMORY`; the rest as `database.Database` says."""
        self._path = path
        self._spare_core = spare_core
        self._loaded = loaded
        self._recovery = recovery
        self._begun_anew = begun_anew
        self._before_migrating = before_migrating
        self._opened: Identity | None = None
        self._header = Header(path)

    def check_in_place(self) -> None:
        """See that the file that was opened is in its place.

        Raises:
            StoreMoved: it is not.
        """
        check_in_place(self._path, self._opened)

    def is_back(self) -> bool:
        """Whether the file in this place is the one that was opened, by another way: its drive was away."""
        return self._header.is_in_place()

    def open(self) -> Cursor:
        """Open the file; with recovery, what can be is repaired, or a new one begun.

        Raises:
            StoreError: it cannot be opened; no result in it was changed.
        """
        try:
            return self._open_file()
        except StoreCorrupt as error:
            if self._recovery is None:
                raise
            return self._recovery.bring_back(error, self._open_file, self.open_new)

    def open_new(self, sources: Sequence[Path]) -> Cursor:
        """A new file in the place of one that was set aside."""
        self._opened = None
        instance = self._open_file()
        try:
            self._begun_anew(instance, sources)
            self._loaded(instance)
        except duckdb.Error as error:
            instance.close()
            self.release()
            raise fault_of(error, self._path).error from error
        return instance

    def release(self) -> None:
        """To be called when the instance was closed: only then may the file be let go of."""
        self._header.release()

    def _open_file(self) -> Cursor:
        self._check_path()
        if self._recovery is not None:
            self._recovery.check_not_emptied()
        if self._path != MEMORY:
            remove_unfinished(self._path, shorter_than_bytes=1)
        is_new = self._path != MEMORY and not self._path.exists()
        if is_new:
            # A file that was there and has gone is missed, not made again.
            check_in_place(self._path, self._opened)
        try:
            with letting_the_user_interrupt():
                return self._attach()
        except BaseException as error:
            if is_new and not isinstance(error, StoreLocked):
                remove_unfinished(self._path, shorter_than_bytes=HEADERS_BYTES)
            raise

    def _attach(self) -> Cursor:
        header = Header(self._path)
        instance = duckdb.connect(":memory:", config=self._settings())
        try:
            keep_as_it_is(instance)
            location = str(self._path).replace("'", "''")
            version = "" if self._path == MEMORY else f"(STORAGE_VERSION '{STORAGE_VERSION}')"
            instance.execute(f"ATTACH '{location}' AS store {version}")
            instance.execute("USE store")
            outdated = 0 < version_of(instance, self._path) < SCHEMA_VERSION
            if outdated and self._recovery is not None:
                self._recovery.compare(instance)  # while the batches have the numbers that were noted
            self._before_migrating(instance, self._path)
            migrate(instance, self._path)
            # Before anything is written: most damage shows here.
            self._loaded(instance)
            if not outdated and self._recovery is not None:
                self._recovery.compare(instance)
            self._sign(instance)
            instance.execute("PRAGMA enable_checkpoint_on_shutdown")
            self._opened = None if self._path == MEMORY else identity_of(self._path)
            self._header = header
            self._header.hold()
        except duckdb.Error as error:
            instance.close()
            raise fault_of(error, self._path).error from error
        except BaseException:
            instance.close()
            raise
        return instance

    def _check_path(self) -> None:
        if self._path == MEMORY:
            return
        if not self._path.parent.is_dir():
            check_in_place(self._path, self._opened)
            raise StoreError(
                f"The folder {self._path.parent} of the database does not exist. Create it, or choose another "
                "database in the settings."
            )
        if self._path.is_dir():
            raise StoreError(f"The database {self._path} is a folder. Choose a file in the settings.")

    def _settings(self) -> dict[str, str | bool | int | float | list[str]]:
        spill = "" if self._path == MEMORY else f"{self._path}.tmp"
        cores = os.cpu_count() or 1
        return {
            # A core for the probing: a reply that waits for the CPU would be timed too long.
            "threads": max(1, cores - 1) if self._spare_core else cores,
            "memory_limit": memory.LIMIT,
            "checkpoint_threshold": memory.CHECKPOINT_THRESHOLD,
            # To merge small row groups would hold a commit up for a second; only compacting is worth that.
            "max_vacuum_tasks": 0,
            "allocator_flush_threshold": memory.FLUSH_THRESHOLD,
            "allocator_bulk_deallocation_flush_threshold": memory.FLUSH_THRESHOLD,
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }

    def _sign(self, cursor: Cursor) -> None:
        """Write who opened the file: a file that cannot be written is found out now, not at the first result."""
        cursor.execute("BEGIN")
        cursor.execute("DELETE FROM opened")
        cursor.execute(
            "INSERT INTO opened VALUES (?, ?)", [datetime.now(UTC).replace(tzinfo=None), os.getpid()]
        )
        cursor.execute("COMMIT")


def keep_as_it_is(instance: Cursor) -> None:
    """Have closing bring nothing up to date: what may be damaged is not written to."""
    with suppress(duckdb.Error):  # an instance that is of no use any more does not write either
        instance.execute("PRAGMA disable_checkpoint_on_shutdown")


@contextmanager
def letting_the_user_interrupt() -> Iterator[None]:
    """Have Ctrl+C during a query raise what it raises elsewhere: DuckDB makes a RuntimeError of it."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != "Query interrupted":
            raise
        raise error.__cause__ or KeyboardInterrupt from error
