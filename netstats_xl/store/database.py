"""One DuckDB file, open for this process: its cursors, its transactions, and its recovery from a failed disk."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, RLock
from typing import TypeVar

import duckdb

from netstats_xl.errors import StoreCorrupt, StoreError, StoreLocked, StoreMoved, StoreUnreachable
from netstats_xl.store import memory
from netstats_xl.store.damage import Recovery, is_damage
from netstats_xl.store.database_file import (
    HEADERS_BYTES,
    Header,
    Identity,
    check_in_place,
    identity_of,
    remove_unfinished,
)
from netstats_xl.store.faults import Fault, fault_of
from netstats_xl.store.migrations import migrate, roll_back
from netstats_xl.store.room import Room

Cursor = duckdb.DuckDBPyConnection
Result = TypeVar("Result")

MEMORY = Path(":memory:")
STORAGE_VERSION = "v1.5.0"
"""Files of this version are read by DuckDB 1.5 and 2.0 alike."""

INTERRUPT_EVERY_S = 0.05


class _Invalid(Exception):
    """The instance is of no use any more."""

    def __init__(self, fault: Fault, instance: Cursor) -> None:
        super().__init__(fault.error.message)
        self.fault = fault
        self.instance = instance


class Database:
    """A file, or memory, attached to a DuckDB instance of its own. Its methods may be called from any thread.

    The file is attached, not connected to: that lets its storage version be chosen, keeps a second attempt in
    the same process from sharing it silently, and lets it be opened again when DuckDB has given it up.

    `loaded` is called whenever the file has been opened, so that what is kept in memory of its content can be
    read again.

    Raises:
        StoreError: it cannot be opened; no result in it was changed.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        spare_core: bool,
        loaded: Callable[[Cursor], None],
        recovery: Recovery | None = None,
        begun_anew: Callable[[Cursor, Sequence[Path]], None] = lambda cursor, sources: None,
        room: Room | None = None,
        before_migrating: Callable[[Cursor, Path], None] = lambda _instance, _path: None,
    ) -> None:
        """`spare_core`: leave one core to the probing; `before_migrating` is called before tables are changed.

        With `recovery` a damaged file does not end the work: see `store/damage.py`. `begun_anew` is called with a
        new file in the place of a damaged one before `loaded` is, and with files that may tell what was in that one.
        """
        self._spare_core = spare_core
        self._before_migrating = before_migrating
        self.path = MEMORY if path is None else path.absolute()
        self._loaded = loaded
        self._recovery = recovery
        self._begun_anew = begun_anew
        self._room = room
        self._writing = RLock()
        self._state = Condition()
        self._cursors: set[Cursor] = set()
        self._reopening = False
        self._closed = False
        self._opened: Identity | None = None
        self._header = Header(self.path)
        self._instance: Cursor | None = self._open()

    def read(self, query: Callable[[Cursor], Result]) -> Result:
        """What `query` returns of a cursor of its own; it is called again if the file had to be reopened.

        Raises:
            StoreError: DuckDB cannot answer.
        """
        try:
            return self._reopening_once(lambda cursor: query(cursor))
        finally:
            self._free_memory()

    def write(self, change: Callable[[Cursor], Result], *, committed: Callable[[Result], None]) -> Result:
        """What `change` returns, once the transaction that it runs in is safe on the disk. One at a time.

        `change` is called again if the file had to be reopened, even when the first call had been committed:
        it must then change nothing. `committed` is called with what `change` returned before anything else is
        written.

        Raises:
            StoreMoved: the file is not in its place any more; nothing was changed.
            StoreFull: the disk is full, or nearly so; nothing was changed.
            StoreError: nothing was changed, unless the message says that it is safe.
        """

        def transaction(cursor: Cursor) -> Result:
            cursor.execute("BEGIN")
            try:
                result = change(cursor)
                check_in_place(self.path, self._opened)
                if self._room is not None:
                    self._room.check()
                self._commit(cursor)
            except BaseException:
                roll_back(cursor)
                raise
            return result

        with self._writing:
            result = self._reopening_once(transaction)
            committed(result)
            return result

    def close(self) -> None:
        """Wait for what is under way, bring the file up to date, and release it. Closing twice does nothing."""
        with self._writing, self._state:
            self._state.wait_for(lambda: not self._reopening and not self._cursors)
            self._closed = True
            if self._instance is not None:
                self._instance.close()
                self._instance = None
            self._header.release()

    def size_bytes(self) -> int | None:
        """Size of the file and its write-ahead log; None in memory."""
        if self.path == MEMORY:
            return None
        files = (self.path, self.path.with_name(self.path.name + ".wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def free_bytes(self) -> int | None:
        """Free on the file's disk; None in memory, and where the disk does not tell."""
        if self.path == MEMORY:
            return None
        try:
            return shutil.disk_usage(self.path.parent).free
        except OSError:
            return None

    def _reopening_once(self, work: Callable[[Cursor], Result]) -> Result:
        try:
            return self._translated(work)
        except _Invalid as invalid:
            self._reopen(invalid.instance)
        try:
            return self._translated(work)
        except _Invalid as invalid:
            error = invalid.fault.error
            if self._recovery is None or not isinstance(error, StoreCorrupt):
                raise error from invalid.__cause__
            error.__cause__ = invalid.__cause__
            # Read twice, with the file opened anew in between, it is no slip of a drive or a connection.
            self._reopen(invalid.instance, damage=error)
        try:
            return self._translated(work)
        except _Invalid as invalid:
            raise invalid.fault.error from invalid.__cause__

    def _translated(self, work: Callable[[Cursor], Result]) -> Result:
        with self._cursor() as (instance, cursor):
            try:
                with letting_the_user_interrupt():
                    cursor.execute("USE store")
                    return work(cursor)
            except StoreMoved as error:
                if not self._header.is_in_place():
                    raise
                # The same file, by another way: its drive was away, and is back.
                fault = Fault(error=error, invalidates=True, row=None)
                raise _Invalid(fault, instance) from error
            except duckdb.Error as error:
                fault = fault_of(error, self.path)
                interrupted = isinstance(error, duckdb.InterruptException)
                # A reopening waits for this cursor, so it is still under way where it was what interrupted.
                if interrupted and not self._reopening:
                    raise KeyboardInterrupt from error
                if fault.invalidates or interrupted or self._is_worth_reopening(fault.error):
                    raise _Invalid(fault, instance) from error
                raise fault.error from error

    def _is_worth_reopening(self, error: StoreError) -> bool:
        """Whether the same may go well with the file opened anew: after a drive was away, it has to be."""
        return isinstance(error, StoreUnreachable) or (self._recovery is not None and is_damage(error))

    def _free_memory(self) -> None:
        with self._state:
            idle = not self._cursors and not self._reopening
            if idle and self._instance is not None and self.path != MEMORY:
                memory.free(self._instance)

    def _commit(self, cursor: Cursor) -> None:
        cursor.execute("COMMIT")

    @contextmanager
    def _cursor(self) -> Iterator[tuple[Cursor, Cursor]]:
        """The instance, and a cursor on it that is registered as at work."""
        if self._instance is None:
            self._reopen(None)
        with self._state:
            self._state.wait_for(lambda: not self._reopening)
            if self._closed or self._instance is None:
                raise self._not_open()
            instance = self._instance
            cursor = instance.cursor()
            self._cursors.add(cursor)
        try:
            yield instance, cursor
        finally:
            with self._state:
                self._cursors.discard(cursor)
                cursor.close()
                self._state.notify_all()

    def _reopen(self, broken: Cursor | None, *, damage: StoreCorrupt | None = None) -> None:
        """Open the file again in place of the broken instance, unless another thread has done so.

        With `damage` the file itself is replaced by a new one.
        """
        with self._state:
            self._state.wait_for(lambda: not self._reopening)
            if self._closed:
                raise self._not_open()
            if self._instance is not broken:
                return
            self._reopening = True
        try:
            with self._state:
                # DuckDB frees the file when its last cursor has gone. An interruption between two queries of a
                # cursor has no effect on the second, so it is repeated.
                while self._cursors:
                    for cursor in self._cursors:
                        cursor.interrupt()
                    self._state.wait_for(lambda: not self._cursors, timeout=INTERRUPT_EVERY_S)
                if self._instance is not None:
                    _keep_as_it_is(self._instance)
                    self._instance.close()
                    self._instance = None
                self._header.release()
            if damage is not None and self._recovery is not None:
                self._instance = self._recovery.begin_anew(damage, self._open_new)
            else:
                self._instance = self._open()
        finally:
            with self._state:
                self._reopening = False
                self._state.notify_all()

    def _open(self) -> Cursor:
        try:
            return self._open_file()
        except StoreCorrupt as error:
            if self._recovery is None:
                raise
            return self._recovery.bring_back(error, self._open_file, self._open_new)

    def _open_new(self, sources: Sequence[Path]) -> Cursor:
        """A new file in the place of one that was set aside."""
        self._opened = None
        instance = self._open_file()
        try:
            self._begun_anew(instance, sources)
            self._loaded(instance)
        except duckdb.Error as error:
            instance.close()
            self._header.release()
            raise fault_of(error, self.path).error from error
        return instance

    def _open_file(self) -> Cursor:
        self._check_path()
        if self._recovery is not None:
            self._recovery.check_not_emptied()
        if self.path != MEMORY:
            remove_unfinished(self.path, shorter_than_bytes=1)
        is_new = self.path != MEMORY and not self.path.exists()
        if is_new:
            # A file that was there and has gone is missed, not made again.
            check_in_place(self.path, self._opened)
        try:
            with letting_the_user_interrupt():
                return self._attach()
        except BaseException as error:
            if is_new and not isinstance(error, StoreLocked):
                remove_unfinished(self.path, shorter_than_bytes=HEADERS_BYTES)
            raise

    def _attach(self) -> Cursor:
        header = Header(self.path)
        instance = duckdb.connect(":memory:", config=self._settings())
        try:
            _keep_as_it_is(instance)
            location = str(self.path).replace("'", "''")
            version = "" if self.path == MEMORY else f"(STORAGE_VERSION '{STORAGE_VERSION}')"
            instance.execute(f"ATTACH '{location}' AS store {version}")
            instance.execute("USE store")
            self._before_migrating(instance, self.path)
            migrate(instance, self.path)
            # Before anything is written: most damage shows here.
            self._loaded(instance)
            if self._recovery is not None:
                self._recovery.compare(instance)
            self._sign(instance)
            instance.execute("PRAGMA enable_checkpoint_on_shutdown")
            self._opened = None if self.path == MEMORY else identity_of(self.path)
            self._header = header
            self._header.hold()
        except duckdb.Error as error:
            instance.close()
            raise fault_of(error, self.path).error from error
        except BaseException:
            instance.close()
            raise
        return instance

    def _check_path(self) -> None:
        if self.path == MEMORY:
            return
        if not self.path.parent.is_dir():
            check_in_place(self.path, self._opened)
            raise StoreError(
                f"The folder {self.path.parent} of the database does not exist. Create it, or choose another "
                "database in the settings."
            )
        if self.path.is_dir():
            raise StoreError(f"The database {self.path} is a folder. Choose a file in the settings.")

    def _settings(self) -> dict[str, str | bool | int | float | list[str]]:
        spill = "" if self.path == MEMORY else f"{self.path}.tmp"
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

    def _not_open(self) -> StoreError:
        return StoreError(f"The database {self.path} has been closed.")


def _keep_as_it_is(instance: Cursor) -> None:
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
