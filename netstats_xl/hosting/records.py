"""What is known lastingly of a live workbook: where it was, and where its results lie, in lines `key=value`."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from netstats_xl.files import replacing
from netstats_xl.paths import make_private

_LONGEST_FILE = 65_536
"""Bytes: more is no record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookRecord:
    """Where a workbook was seen last."""

    place: str
    """Its path or web address, as Excel names it."""
    database: str = ""
    """Path of its database; empty: not known."""


def read_record(path: Path) -> WorkbookRecord | None:
    """The record in this file; None where there is none, or none that can be read."""
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_FILE).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    place = values.get("path", "")
    return WorkbookRecord(place=place, database=values.get("database", "")) if place else None


def write_record(path: Path, record: WorkbookRecord) -> None:
    """Write the record, replacing it in one step. Where that cannot be done, the one before stays."""
    lines = {"path": record.place, "database": record.database}
    text = "".join(f"{key}={' '.join(value.splitlines())}\r\n" for key, value in lines.items())
    with suppress(OSError):
        make_private(path.parent)
        with replacing(path) as temporary:
            temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
