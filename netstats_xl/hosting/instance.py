"""One companion a database: a lock of the system's, which ends with its process however that ends."""

from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from netstats_xl.errors import StoreLocked
from netstats_xl.paths import lock_path


class InstanceLock:
    """Holds a database for this process. A context manager; releasing twice does nothing."""

    def __init__(self, lock: FileLock | None) -> None:
        self._lock = lock

    @classmethod
    def take(cls, database: Path) -> Self:
        """Take the database's lock, at once or not at all.

        Where the file system makes or locks no file there, nothing is held: the store then says what is wrong
        with the place, or takes its own lock.

        Raises:
            StoreLocked: another process holds it.
        """
        # Not `thread_local`: it is taken in one thread and released in another.
        lock = FileLock(lock_path(database), blocking=False, thread_local=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise StoreLocked(
                f"The database {database} is in use by another process that collects. "
                "Stop that one first: `netstats-xl stop` ends a collector in the background."
            ) from error
        except (OSError, NotImplementedError):
            return cls(None)
        return cls(lock)

    @property
    def held(self) -> bool:
        """Whether something is held."""
        return self._lock is not None and self._lock.is_locked

    def release(self) -> None:
        """Let others have it. The file stays: removing it could let two processes each hold one of that name."""
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
