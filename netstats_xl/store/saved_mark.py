"""How far results were saved, noted beside the database: what is missing from it later had been there.

A write-ahead log that was cut short looks as if nothing had come after it. The mark is written after each batch, not
forced to the disk: a power cut may leave it behind the database, which tells nothing, but never ahead of it.
"""

import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_LINE = re.compile(r"netstats-xl saved batch (\d{19}) at (\S{26}) into (\S{26}) ([0-9a-f]{8})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The last batch that was saved into a database."""

    batch: int
    """Its number: see `store/ingest.py`."""
    at: datetime
    """When it was saved, aware UTC."""
    begun_at: datetime
    """When the database was made, as it says itself; copies of it say the same. Naive UTC."""


def mark_path(database: Path) -> Path:
    """Where the mark of a database lies."""
    return database.with_name(f"{database.name}.saved.txt")


def read_mark(database: Path) -> Mark | None:
    """The mark beside a database; None: there is none that can be read."""
    try:
        text = mark_path(database).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    match = _LINE.fullmatch(text)
    if match is None or match[4] != _check(text):
        return None
    return Mark(
        batch=int(match[1]),
        at=datetime.fromisoformat(match[2]).replace(tzinfo=UTC),
        begun_at=datetime.fromisoformat(match[3]),
    )


def write_mark(database: Path, mark: Mark) -> None:
    """Replace the mark; one that cannot be written is behind then, which harms nothing."""
    at, begun_at = (
        each.replace(tzinfo=None).isoformat(timespec="microseconds") for each in (mark.at, mark.begun_at)
    )
    text = f"netstats-xl saved batch {mark.batch:019d} at {at} into {begun_at} "
    line = f"{text}{_check(text)}\n".encode("ascii")
    with suppress(OSError):
        try:
            # In place: a full disk has room for that, too.
            with mark_path(database).open("r+b", buffering=0) as file:
                file.write(line)
        except FileNotFoundError:
            mark_path(database).write_bytes(line)


def forget_mark(database: Path) -> None:
    """Remove the mark: the database was replaced on purpose."""
    with suppress(OSError):
        mark_path(database).unlink(missing_ok=True)


def _check(text: str) -> str:
    """The checksum of a mark's line, or of what comes before it there."""
    return f"{zlib.crc32(text.rpartition(' ')[0].encode('ascii')):08x}"
