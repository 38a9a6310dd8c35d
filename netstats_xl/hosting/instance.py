"""One companion a database: a lock of the system's, which ends with its process however that ends."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from netstats_xl.errors import StoreLocked
from netstats_xl.files import replacing
from netstats_xl.paths import holder_path, lock_path

SETTLED_AFTER_S = 0.3
"""How long after a lock was found taken its holder has told who it is, or a moment's holder has let go of it."""
_LONGEST_FILE = 65_536
"""Bytes: more does not tell of a holder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a database."""

    process: int
    since: datetime
    workbook: str
    """Name or path of the workbook that it collects for."""


class HeldElsewhere(StoreLocked):
    """Another process collects into the database."""

    def __init__(self, database: Path, holder: Holder | None) -> None:
        """`holder`: None where nobody can tell who it is."""
        self.database, self.holder = database, holder
        if holder is None:
            super().__init__(
                f"The database {database} is in use by another process that collects. "
                "Stop that one first: `netstats-xl stop` ends a collector in the background."
            )
        else:
            super().__init__(
                f"The database {database} is in use by process {holder.process}, which collects for "
                f"{holder.workbook} since {holder.since.astimezone():%Y-%m-%d %H:%M}. "
                "`netstats-xl stop` ends it."
            )


class InstanceLock:
    """Holds a database for this process. A context manager; releasing twice does nothing."""

    def __init__(self, lock: FileLock | None, told: Path | None = None) -> None:
        """`told`: the file that tells who holds it."""
        self._lock = lock
        self._told = told

    @classmethod
    def take(cls, database: Path, holder: Holder) -> Self:
        """Take the database's lock, and tell beside it who has it.

        Where the file system makes or locks no file there, nothing is held: the store then says what is wrong
        with the place, or takes its own lock.

        Raises:
            HeldElsewhere: another process holds it.
        """
        try:
            lock = _acquired(database)
        except Timeout:
            time.sleep(SETTLED_AFTER_S)
            try:
                lock = _acquired(database)
            except Timeout as error:
                raise HeldElsewhere(database, read_holder(database)) from error
        if lock is None:
            return cls(None)
        told = holder_path(database)
        _tell(told, holder)
        return cls(lock, told)

    def release(self) -> None:
        """Let others have it. The file stays: removing it could let two processes each hold one of that name."""
        if self._lock is not None:
            if self._told is not None and self._lock.is_locked:
                _remove(self._told)
            with suppress(OSError):
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(database: Path) -> bool:
    """Whether a process collects into the database."""
    try:
        lock = _acquired(database)
    except Timeout:
        return True
    InstanceLock(lock).release()
    return False


def read_holder(database: Path) -> Holder | None:
    """Who holds the database, or held it when it was killed; None where nothing tells."""
    try:
        with holder_path(database).open("rb") as file:
            text = file.read(_LONGEST_FILE).decode("utf-8", "surrogateescape")
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return Holder(
            process=int(values["process"]),
            since=datetime.fromisoformat(values["since"]),
            workbook=values["workbook"],
        )
    except (OSError, KeyError, ValueError):
        return None


def this_process(workbook: str, since: datetime) -> Holder:
    """This one, which collects for the workbook."""
    return Holder(process=os.getpid(), since=since, workbook=workbook)


def _acquired(database: Path) -> FileLock | None:
    """The lock, taken; None where there can be none.

    Raises:
        Timeout: another process has it.
    """
    # Not `thread_local`: it is taken in one thread and released in another.
    lock = FileLock(lock_path(database), blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise
    except (OSError, NotImplementedError):
        return None
    return lock


def _tell(path: Path, holder: Holder) -> None:
    """Not in the locked file itself: Windows lets nobody read what is locked."""
    lines = {
        "process": str(holder.process),
        "since": holder.since.isoformat(),
        "workbook": " ".join(holder.workbook.splitlines()),
    }
    text = "".join(f"{key}={value}\r\n" for key, value in lines.items())
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
    except OSError:
        _remove(path)  # what tells of another one must not stay


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
