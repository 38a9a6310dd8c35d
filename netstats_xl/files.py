"""Files that replace others: the old one stays whole until the new one is finished."""

import errno
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ABANDONED_AFTER_S = 3600
"""Age of a temporary file from which on nothing can still be writing it, s since its last change."""
_MOST_SIBLINGS = 99
_PAUSES_S = (0.05, 0.1, 0.2) if sys.platform == "win32" else ()
"""Before a refused move is tried again: on Windows virus scanners and indexers hold a new file for a moment."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to instead of `path`, in the same folder; what was written there then replaces `path`.

    The new file is on disk before it replaces the old one, in one step: a reader sees the old content or the
    new, nothing between. Where the block fails, the old file stays and the temporary one is removed. Temporary
    files that a killed process left behind are removed, too.

    Raises:
        IsADirectoryError: `path` is a folder, or names none of its files.
        OSError: the block raised it, or `path` cannot be replaced (on Windows: it is open elsewhere).
    """
    with temporary_beside(path) as temporary:
        yield temporary
        put_in_place(temporary, path)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A path in the same folder that does not exist yet; what is there at the end of the block is removed.

    Raises:
        IsADirectoryError: `path` is a folder, or names none of its files.
    """
    # Found out now, not after the work: Windows would take the folder for a file that is locked.
    if not path.name or path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    _remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        yield temporary
    finally:
        # What cannot be removed now is removed as abandoned later; it must not hide why the block failed.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path) -> None:
    """Have the finished file put on the disk, then move it to `path`, over a file that is there, in one step.

    Raises:
        OSError: it cannot be moved (on Windows: the file at `path` is open elsewhere).
    """
    _sync(temporary)
    _move(temporary, path)


def replace_or_number(temporary: Path, wanted: Path) -> Path:
    """Move `temporary` over `wanted` or, where that is locked, to `stem (2).ext`, `stem (3).ext` ...

    Returns:
        Where it went.

    Raises:
        PermissionError: each of these is locked, or the folder may not be written.
        OSError: the file cannot be moved for another reason.
    """
    _sync(temporary)
    try:
        return _move(temporary, wanted)
    except PermissionError as locked:
        for number in range(2, _MOST_SIBLINGS + 1):
            with suppress(PermissionError):
                return temporary.replace(wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}"))
        raise locked


def _move(temporary: Path, target: Path) -> Path:
    """Move over the target; a moment's lock is waited out."""
    for pause_s in _PAUSES_S:
        try:
            return temporary.replace(target)
        except PermissionError:
            time.sleep(pause_s)
    return temporary.replace(target)


def _sync(path: Path) -> None:
    """Have the file's content put on the disk, so that a power cut cannot leave the file empty."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _remove_abandoned(path: Path) -> None:
    oldest = time.time() - _ABANDONED_AFTER_S
    prefix, suffix = f".{path.name}.", ".tmp"
    # Whatever goes wrong here is no reason not to write the file.
    with suppress(OSError):
        for each in path.parent.iterdir():
            if each.name.startswith(prefix) and each.name.endswith(suffix):
                with suppress(OSError):
                    if each.stat().st_mtime < oldest:
                        each.unlink()
