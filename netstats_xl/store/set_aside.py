"""The files of a damaged database, kept under a name of their own; and where its backups lie."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

LOG_SUFFIXES = (".wal", ".checkpoint.wal", ".recovery.wal")
"""What DuckDB writes beside a database, in the order in which it is of use."""
COPIED_BYTES = 256 << 20
"""A database up to this size is copied before its log is cut off; of a larger one the log alone is kept."""


def files_of(database: Path) -> Iterator[tuple[Path, str]]:
    """The database's files that exist, each with its suffix: the database itself has none."""
    for suffix in ("", *LOG_SUFFIXES):
        file = database.with_name(database.name + suffix)
        if file.exists():
            yield file, suffix


def rename_aside(database: Path, at: datetime) -> tuple[Path, ...]:
    """Rename the database and its logs, and return their new places: the database's first.

    Raises:
        OSError: it cannot be done, on Windows as long as another program has one open; nothing was renamed.
    """
    target = _free_name(database, at)
    renamed = list[tuple[Path, Path]]()
    try:
        for file, suffix in files_of(database):
            renamed.append((file, file.rename(target.with_name(target.name + suffix))))
    except OSError:
        for file, aside in reversed(renamed):
            aside.rename(file)
        raise
    return tuple(aside for _, aside in renamed)


def copy_aside(database: Path, at: datetime, *, log_alone: bool = False) -> tuple[Path, ...]:
    """Copy the logs and, where that is little beside the room on the disk, the database; where the copies lie.

    Raises:
        OSError: the logs cannot be copied.
    """
    target = _free_name(database, at)
    copies = list[Path]()
    for file, suffix in files_of(database):
        if suffix or (not log_alone and _is_little(file)):
            copy = target.with_name(target.name + suffix)
            shutil.copyfile(file, copy)
            copies.append(copy)
    return tuple(copies)


def damaged_files(database: Path) -> tuple[Path, ...]:
    """The databases that were set aside, the newest last."""
    prefix, end = f"{database.stem} damaged ", database.suffix
    with suppress(OSError):
        found = [
            each
            for each in database.parent.iterdir()
            if each.name.startswith(prefix) and each.suffix == end and each.is_file()
        ]
        return tuple(sorted(found, key=lambda each: (each.stat().st_mtime, each.name)))
    return ()


def newest_backup(database: Path) -> Path | None:
    """The newest of the database's backups, which lie in a folder of their own beside it; None: there are none."""
    folder = database.with_name(f"{database.stem} backups")
    with suppress(OSError):
        found = [each for each in folder.iterdir() if each.suffix == ".duckdb" and each.is_file()]
        return max(found, key=lambda each: (each.stat().st_mtime, each.name), default=None)
    return None


def _is_little(file: Path) -> bool:
    size = file.stat().st_size
    return size <= COPIED_BYTES and size * 4 <= shutil.disk_usage(file.parent).free


def _free_name(database: Path, at: datetime) -> Path:
    """A name beside the database under which neither it nor one of its logs lies yet."""
    wanted = f"{database.stem} damaged {at.astimezone():%Y-%m-%d %H%M}"
    number = 1
    while True:
        stem = wanted if number == 1 else f"{wanted} ({number})"
        target = database.with_name(f"{stem}{database.suffix}")
        if not any(True for _ in files_of(target)):
            return target
        number += 1
