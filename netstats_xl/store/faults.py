"""DuckDB's exceptions, translated into ours by one table.

DuckDB has few exception types for files and disks, and a newer version raises its base type where an older one
raised `IOException`; so most rows go by the message. The messages are those of DuckDB 1.5 and 2.0, and of
Windows and POSIX beneath them. Windows words its part in the user's language: a row that must work there goes
by DuckDB's own words, or by the state of the disk.
"""

import ctypes
import os
import re
import shutil
import sys
from collections.abc import Callable
from ctypes import wintypes
from dataclasses import dataclass
from pathlib import Path

import duckdb

from netstats_xl.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreLogDamaged,
    StoreReadOnly,
    StoreTooNew,
    StoreUnreachable,
    StoreUnrecognised,
)

_ROOM_BYTES = 4 << 20
"""A failed write with less room than this on the disk is taken for a full disk, whatever its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What went wrong, in our terms."""

    error: StoreError
    invalidates: bool
    """The open database is of no use until it has been opened again."""
    row: int | None
    """Which row of `TABLE` knew it; None: none did, and `error` is a plain `StoreError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one kind of DuckDB's exceptions becomes."""

    message: str
    """Regular expression, searched for in DuckDB's message without regard to case."""
    error: type[StoreError]
    says: str | Callable[[re.Match[str], Path], str]
    """Our message; `{path}` and `{reason}` (DuckDB's first line) are filled in."""
    raised: type[duckdb.Error] = duckdb.Error
    only_if: Callable[[re.Match[str], Path], bool] | None = None
    """What the state of the file and its disk must be as well."""


def _locked(match: re.Match[str], path: Path) -> str:
    name = re.split(r"[\\/]", match["name"].strip())[-1]
    if int(match["pid"]) == os.getpid():
        return f"The database {path} is open in this process already: close it there first."
    by = match.groupdict().get("user")
    owner = f" of user {by}" if by else ""
    return (
        f"The database {path} is in use by {name} (process {match['pid']}{owner}). Only one program at a time can "
        "have it open. Stop it first, or wait until it ends."
    )


def _no_room(_match: re.Match[str], path: Path) -> bool:
    """Whether the disk has next to no room left."""
    try:
        return shutil.disk_usage(path.parent).free <= _ROOM_BYTES
    except OSError:
        return False


def _held(_match: re.Match[str], path: Path) -> bool:
    return _is_held(path)


def _past_the_end(match: re.Match[str], path: Path) -> bool:
    """Whether the database, not a file beside it, was to be read where it has ended already."""
    try:
        return (
            re.split(r"[\\/]", match["file"])[-1] == path.name
            and int(match["location"]) >= path.stat().st_size
        )
    except OSError:
        return False


_FULL = (
    "The disk that holds {path} is full. Free some space, or choose a database on another disk; "
    "what was saved before is safe."
)
_DAMAGED = (
    "The database {path} is damaged ({reason}). `netstats-xl restore` brings back a backup, and `netstats-xl repair` "
    "saves what can still be read. The next start of a collector keeps the file aside and goes on in a new one."
)
_WAL_DAMAGED = (
    "The write-ahead log {path}.wal is damaged ({reason}). Nothing was changed: `netstats-xl repair`, or the next "
    "start of a collector, keeps a copy of it and opens the database without the results that were saved last."
)
_READ_ONLY = (
    "The database {path} may not be written ({reason}). Give this user the right to change the file and its "
    "folder, or choose a database in another folder."
)
_IN_USE = (
    "The database {path} is in use by another program, which did not say its name. Only one program at a time can "
    "have it open, often another netstats-xl, a DuckDB shell, a backup or a virus scan. Stop it first, or wait until "
    "it ends."
)

TABLE: tuple[Row, ...] = (
    Row(
        message=r"Conflicting lock is held in (?P<name>.+?) \(PID (?P<pid>\d+)\)(?: by user (?P<user>[^\s.]+))?",
        error=StoreLocked,
        says=_locked,
    ),
    Row(
        message=r"File is already open in\s*(?P<name>.+?) \(PID (?P<pid>\d+)\)",
        error=StoreLocked,
        says=_locked,
    ),
    Row(
        message=r"Unique file handle conflict",
        error=StoreLocked,
        says="The database {path} is open in this process already: close it there first.",
    ),
    Row(
        message=r"Could not set lock on file|being used by another process|another process has locked",
        error=StoreLocked,
        says=_IN_USE,
    ),
    # Windows says so in the user's language, and does not name a program on another computer.
    Row(message=r"Cannot open file", only_if=_held, error=StoreLocked, says=_IN_USE),
    Row(
        message=r"No space left on device|not enough space on the disk|Disk quota exceeded|File too large",
        error=StoreFull,
        says=_FULL,
    ),
    Row(
        message=r"failed to offload|max_temp_directory_size",
        error=StoreFull,
        says="The disk that holds {path} has no room for the temporary files of this query. Free some space, or "
        "ask for a shorter period.",
    ),
    Row(message=r"Could not (write|sync|truncate)", only_if=_no_room, error=StoreFull, says=_FULL),
    Row(
        message=r"newer version of DuckDB|storage version greater than|lower than what the database itself uses|"
        r"we can only read versions? ",
        error=StoreTooNew,
        says="The database {path} was written by a newer version of DuckDB. Update netstats_xl, or choose another "
        "database in the settings; the file was not changed.",
    ),
    Row(
        message=r"Corrupt (Encrypted )?WAL|replaying (checkpoint )?WAL|WAL does not match|Failed to read WAL",
        error=StoreLogDamaged,
        says=_WAL_DAMAGED,
    ),
    Row(
        message=r"not a valid DuckDB database file",
        error=StoreUnrecognised,
        says="The file {path} is no DuckDB database. It was not changed: choose another path in the settings, or move "
        "the file aside.",
    ),
    # A temporary file that a query put beside the database: the database itself is none the worse for it.
    Row(
        message=r"Could not \w+ [^\"]*\"[^\"]*\.tmp[\\/]",
        error=StoreUnreachable,
        says="The disk that holds {path} reports an error with temporary files ({reason}). Check the disk and its "
        "connection.",
    ),
    # Not the bare words: a message may name a column, and one is called `corrupted`.
    Row(
        message=r"Corrupt(ed)? (database|file|block|metadata|data)|computed checksum|Could not read (enough|all) bytes|"
        r"Failed to deserialize|Failed to load metadata",
        error=StoreDamaged,
        says=_DAMAGED,
    ),
    # Windows says in the user's language that a file ends before a place; it ended there if it was cut short.
    Row(
        message=r'Could not read file "(?P<file>[^"]+)" \(error in ReadFile\(location: (?P<location>\d+)',
        only_if=_past_the_end,
        error=StoreDamaged,
        says=_DAMAGED,
    ),
    Row(raised=duckdb.SerializationException, message=r"", error=StoreDamaged, says=_DAMAGED),
    Row(
        message=r"Read-only file system|Permission denied|Operation not permitted|Access is denied|"
        r"attached in read-only mode|The media is write protected",
        error=StoreReadOnly,
        says=_READ_ONLY,
    ),
    Row(
        message=r"No such file or directory|cannot find the (path|file)|Not a directory|Is a directory|"
        r"Too many levels of symbolic links|File name too long",
        error=StoreError,
        says="The database {path} cannot be opened ({reason}). Correct its path in the settings.",
    ),
    # What else can keep a file in an existing folder from being opened is a right that is missing, which Windows
    # words in the user's language.
    Row(message=r"Cannot open file", error=StoreReadOnly, says=_READ_ONLY),
    Row(
        raised=duckdb.OutOfMemoryException,
        message=r"",
        error=StoreError,
        says="There is not enough memory for this query of {path} ({reason}). Ask for a shorter period or fewer "
        "destinations.",
    ),
    Row(
        message=r"Connection (already|has already been) closed|Connection Error: .*closed",
        error=StoreError,
        says="The database {path} has been closed.",
    ),
    Row(
        message=r"has been invalidated|must be restarted|autocheckpoint failed|Checkpoint failed|"
        r"Failed to create checkpoint",
        error=StoreError,
        says="The database {path} could not be brought up to date on the disk ({reason}). What was saved is safe; "
        "saving is tried again.",
    ),
    Row(
        message=r"Could not (write|sync|truncate|read|move|remove|close)|Input/output error|Stale file handle",
        error=StoreUnreachable,
        says="The disk that holds {path} reports an error ({reason}). Check the disk and its connection; what waits to "
        "be saved is tried again.",
    ),
)

_INVALIDATES = re.compile(
    r"has been invalidated|must be restarted|autocheckpoint failed|Checkpoint failed|Failed to create checkpoint",
    re.I,
)


def fault_of(error: duckdb.Error, path: Path) -> Fault:
    """What DuckDB's exception means for the database at `path`; nothing is raised."""
    message = str(error)
    invalidates = isinstance(error, duckdb.FatalException | duckdb.InternalException) or bool(
        _INVALIDATES.search(message)
    )
    for number, row in enumerate(TABLE):
        match = re.search(row.message, message, re.I | re.S)
        if match is None or not isinstance(error, row.raised):
            continue
        if row.only_if is not None and not row.only_if(match, path):
            continue
        says = row.says if isinstance(row.says, str) else row.says(match, path)
        text = says.replace("{path}", str(path)).replace("{reason}", _reason(message))
        return Fault(error=row.error(text), invalidates=invalidates, row=number)
    text = f"The database {path} reports an error that this program does not know: {_reason(message)}"
    return Fault(error=StoreError(text), invalidates=invalidates, row=None)


def _reason(message: str) -> str:
    """DuckDB's first line without the exception's type and the full stop."""
    first = message.strip().splitlines()[0] if message.strip() else "no reason given"
    return re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", first).rstrip(".")


def _is_held(path: Path) -> bool:
    """Whether another program has the file open in such a way that nobody else can open it to write."""
    if sys.platform != "win32":
        return False
    read_and_write, share_everything, open_existing, sharing_violation = 0xC0000000, 0x7, 3, 32
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.CreateFileW.restype = wintypes.HANDLE
    handle = kernel32.CreateFileW(str(path), read_and_write, share_everything, None, open_existing, 0, None)
    if handle == wintypes.HANDLE(-1).value:
        return ctypes.get_last_error() == sharing_violation
    kernel32.CloseHandle(wintypes.HANDLE(handle))
    return False
