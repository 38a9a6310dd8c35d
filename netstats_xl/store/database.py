"""One DuckDB file, open for this process: its cursors, its transactions, and its recovery from a failed disk."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, RLock
from typing import TypeVar

import duckdb

from netstats_xl.errors import StoreCorrupt, StoreError, StoreMoved, StoreUnreachable
from netstats_xl.store import memory
from netstats_xl.store.damage import Recovery, is_damage
from netstats_xl.store.faults import Fault, fault_of
from netstats_xl.store.migrations import roll_back
from netstats_xl.store.opening import (
    MEMORY,
    STORAGE_VERSION,
    Cursor,
    Opener,
    keep_as_it_is,
    letting_the_user_interrupt,
)
from netstats_xl.store.right_of_way import RightOfWay
from netstats_xl.store.room import Room

__all__ = ["MEMORY", "STORAGE_VERSION", "Cursor", "Database", "letting_the_user_interrupt"]

Result = TypeVar("Result")

INTERRUPT_EVERY_S = 0.05


def _checkpoint(cursor: Cursor) -> None:
    # Refused while an answer is computed of what has been changed since: the log waits for the next time.
    with suppress(duckdb.TransactionException):
        cursor.execute("CHECKPOINT store")


class _Invalid(Exception):
    """The instance is of no use any more."""

    def __init__(self, fault: Fault, instance: Cursor) -> None:
        super().__init__(fault.error.message)
        self.fault = fault
        self.instance = instance


class Database:
    """A file, or memory, attached to a DuckDB instance of its own. Its methods may be called from any thread.

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
        self.path = MEMORY if path is None else path.absolute()
        self.right_of_way = RightOfWay()
        """Of batches that are saved, over what is read or known."""
        self._opener = Opener(
            self.path,
            spare_core=spare_core,
            loaded=loaded,
            recovery=recovery,
            begun_anew=begun_anew,
            before_migrating=before_migrating,
        )
        self._recovery = recovery
        self._room = room
        self._writing = RLock()
        self._state = Condition()
        self._cursors: set[Cursor] = set()
        self._reopening = False
        self._closed = False
        self._kept: Cursor | None = None
        self._freeing = memory.Freeing()
        self._instance: Cursor | None = self._opener.open()

    def read(self, query: Callable[[Cursor], Result]) -> Result:
        """What `query` returns of a cursor of its own; it is called again if the file had to be reopened.

        Raises:
            StoreError: DuckDB cannot answer.
        """
        self.right_of_way.give()
        return self._reopening_once(query)

    def known(self, tell: Callable[[], Result]) -> Result:
        """What `tell` returns of what is kept in memory: without a cursor, so it costs next to nothing.

        Raises:
            StoreError: the file had to be opened first, and cannot be.
        """
        self.right_of_way.give()
        with self._opened():
            pass
        return tell()

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
                self._opener.check_in_place()
                if self._room is not None:
                    self._room.check()
                self._commit(cursor)
            except BaseException:
                roll_back(cursor)
                raise
            return result

        with self._writing:
            result = self._reopening_once(transaction, keep=True)
            committed(result)
            return result

    def work_log_in(self) -> None:
        """Work the write-ahead log into the file if it is long. Whoever writes waits meanwhile.

        DuckDB would do so as part of a commit, and whoever waits for that would wait for both.

        Raises:
            StoreError: the disk is full, or nearly so, or reports an error; what was saved is safe.
        """
        if self._log_bytes() <= memory.LONG_LOG_BYTES:
            return
        with self._writing:
            if self._room is not None:
                self._room.check()
            self._reopening_once(_checkpoint, keep=True)

    def free_memory(self) -> None:
        """Give back what answers left in memory, unless something is under way; to be called every second or so."""
        with self._state:
            busy = self._cursors or self._reopening
            if self.path != MEMORY and not busy and self._instance is not None:
                self._freeing.free(self._instance)

    def close(self) -> None:
        """Wait for what is under way, bring the file up to date, and release it. Closing twice does nothing."""
        with self._writing, self._state:
            self._state.wait_for(lambda: not self._reopening and not self._cursors)
            self._closed = True
            self._close_kept()
            if self._instance is not None:
                self._instance.close()
                self._instance = None
            self._opener.release()

    def size_bytes(self) -> int | None:
        """Size of the file and its write-ahead log; None in memory."""
        if self.path == MEMORY:
            return None
        return (self.path.stat().st_size if self.path.exists() else 0) + self._log_bytes()

    def _log_bytes(self) -> int:
        """Size of the write-ahead log; 0: there is none."""
        try:
            return self.path.with_name(self.path.name + ".wal").stat().st_size
        except OSError:
            return 0

    def free_bytes(self) -> int | None:
        """Free on the file's disk; None in memory, and where the disk does not tell."""
        if self.path == MEMORY:
            return None
        try:
            return shutil.disk_usage(self.path.parent).free
        except OSError:
            return None

    def _reopening_once(self, work: Callable[[Cursor], Result], *, keep: bool = False) -> Result:
        try:
            return self._translated(work, keep=keep)
        except _Invalid as invalid:
            self._reopen(invalid.instance)
        try:
            return self._translated(work, keep=keep)
        except _Invalid as invalid:
            error = invalid.fault.error
            if self._recovery is None or not isinstance(error, StoreCorrupt):
                raise error from invalid.__cause__
            error.__cause__ = invalid.__cause__
            # Read twice, with the file opened anew in between, it is no slip of a drive or a connection.
            self._reopen(invalid.instance, damage=error)
        try:
            return self._translated(work, keep=keep)
        except _Invalid as invalid:
            raise invalid.fault.error from invalid.__cause__

    def _translated(self, work: Callable[[Cursor], Result], *, keep: bool) -> Result:
        with self._cursor(keep=keep) as (instance, cursor, is_new):
            try:
                with letting_the_user_interrupt():
                    if is_new:
                        cursor.execute("USE store")
                    return work(cursor)
            except StoreMoved as error:
                if not self._opener.is_back():
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

    def _commit(self, cursor: Cursor) -> None:
        cursor.execute("COMMIT")

    @contextmanager
    def _cursor(self, *, keep: bool) -> Iterator[tuple[Cursor, Cursor, bool]]:
        """The instance, a cursor on it that is registered as at work, and whether it is a new one.

        With `keep` it is kept for the next one who asks so, unless the work fails: to make one and tell it which
        database to use takes as long as a short statement.
        """
        with self._opened() as instance:
            kept = self._kept if keep else None
            cursor = instance.cursor() if kept is None else kept
            if kept is not None:
                self._kept = None
            self._cursors.add(cursor)
        done = False
        try:
            yield instance, cursor, kept is None
            done = True
        finally:
            with self._state:
                self._cursors.discard(cursor)
                self._freeing.note_work()
                if keep and done and self._kept is None:
                    self._kept = cursor
                else:
                    cursor.close()
                self._state.notify_all()

    @contextmanager
    def _opened(self) -> Iterator[Cursor]:
        """The instance, which stays open meanwhile."""
        if self._instance is None:
            self._reopen(None)
        with self._state:
            self._state.wait_for(lambda: not self._reopening)
            if self._closed or self._instance is None:
                raise self._not_open()
            yield self._instance

    def _close_kept(self) -> None:
        """DuckDB frees the file when its last cursor has gone."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

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
                # An interruption between two queries of a cursor has no effect on the second, so it is repeated.
                while self._cursors:
                    for cursor in self._cursors:
                        cursor.interrupt()
                    self._state.wait_for(lambda: not self._cursors, timeout=INTERRUPT_EVERY_S)
                self._close_kept()
                if self._instance is not None:
                    keep_as_it_is(self._instance)
                    self._instance.close()
                    self._instance = None
                self._opener.release()
            if damage is not None and self._recovery is not None:
                self._instance = self._recovery.begin_anew(damage, self._opener.open_new)
            else:
                self._instance = self._opener.open()
        finally:
            with self._state:
                self._reopening = False
                self._state.notify_all()

    def _not_open(self) -> StoreError:
        return StoreError(f"The database {self.path} has been closed.")
