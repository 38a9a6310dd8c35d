"""The database as a file of its folder: whether it is still there, and what a failed start left of it."""

import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from netstats_xl.errors import StoreMoved

if sys.platform != "win32":
    import fcntl

HEADER_BYTES = 4096
HEADERS_BYTES = 3 * HEADER_BYTES
"""DuckDB writes three headers into a new file; one that is shorter holds nothing yet."""


class Identity(NamedTuple):
    """Which file it is, whatever its name."""

    device: int
    inode: int


def identity_of(path: Path) -> Identity | None:
    """The file's identity; None where the file system gives files none, or does not say.

    Raises:
        StoreMoved: there is no such file.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _moved(path) from error
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino) if found.st_ino else None


def check_in_place(path: Path, opened: Identity | None) -> None:
    """See that `path` still leads to the file that was opened: elsewhere, nobody would find what is saved.

    Raises:
        StoreMoved: it leads to another file, or to none.
    """
    # Where the system does not say, it is for the writing to fail, or not.
    if opened is not None and identity_of(path) not in (opened, None):
        raise _moved(path)


def _moved(path: Path) -> StoreMoved:
    return StoreMoved(
        f"The database {path} was deleted or moved while it was in use, or its drive is away. Put it back, or stop and "
        "start again: results since then wait in memory."
    )


class Header:
    """What DuckDB writes first of all into a new file and never again: it tells files apart, wherever they lie.

    A process that closes a file gives up all its locks on it, but for Windows: DuckDB's own, too. So what this class
    opened stays open for as long as DuckDB has the file.
    """

    def __init__(self, path: Path) -> None:
        """To be made before DuckDB opens the file."""
        self._path = path
        self._held: FileIO | None = None
        # On Windows nobody can read a file that DuckDB has open; elsewhere it may be this process that has it.
        self._content = _header_of(path) if sys.platform == "win32" else None

    def hold(self) -> None:
        """Read it; to be called when DuckDB has opened the file. What cannot be read is like no other."""
        if sys.platform != "win32":
            with suppress(OSError):
                self._held = FileIO(self._path)
                self._content = self._held.read(HEADER_BYTES) or None

    def release(self) -> None:
        """Close what is held open; to be called when DuckDB has closed the file. Twice does nothing."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def is_in_place(self) -> bool:
        """Whether the path, which led to another file or to none, leads to this one: by another way, then."""
        return self._content is not None and _header_of(self._path) == self._content


def _header_of(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(HEADER_BYTES) or None
    except OSError:
        return None


def remove_unfinished(path: Path, *, shorter_than_bytes: int) -> None:
    """Remove a database file that a start on a full disk left without content: DuckDB would refuse it for ever.

    It stays where it has a write-ahead log, where another process has it open, and where it cannot be removed.
    """
    with suppress(OSError):
        file = path.resolve()
        if (
            file.is_file()
            and file.stat().st_size < shorter_than_bytes
            and not path.with_name(path.name + ".wal").exists()
        ):
            remove_unless_open(file)


def remove_unless_open(file: Path) -> None:
    """Remove a database file.

    Raises:
        OSError: another process has it open, or it cannot be removed.
    """
    if sys.platform == "win32":
        # Windows itself refuses it while the file is open.
        file.unlink()
        return
    with file.open("rb+") as held:
        # DuckDB's lock: another process may be about to write its first header.
        fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()
