"""Whether a database is whole: every byte of it read, and its tables compared with each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from netstats_xl.errors import StoreTooNew
from netstats_xl.ports import OnProgress, Progress, unheard
from netstats_xl.store.auditing import check_rollups
from netstats_xl.store.database import Cursor
from netstats_xl.store.faults import fault_of
from netstats_xl.store.migrations import SCHEMA_VERSION, version_of
from netstats_xl.store.reading import open_read_only, row_count, steps, tables

REFERENCES: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "samples": (("job", "jobs", "key"), ("destination", "destinations", "key"), ("run", "run_ids", "run")),
    "runs": (("job", "jobs", "key"), ("run", "run_ids", "run")),
    "events": (("destination", "destinations", "key"),),
    "routes": (("destination", "destinations", "key"),),
    "imported": (("job", "jobs", "key"), ("destination", "destinations", "key")),
    "pruned_runs": (("job", "jobs", "key"),),
    "roll_1m": (("job", "jobs", "key"), ("destination", "destinations", "key")),
    "roll_1h": (("job", "jobs", "key"), ("destination", "destinations", "key")),
    "roll_1d": (("job", "jobs", "key"), ("destination", "destinations", "key")),
    "roll_1mo": (("job", "jobs", "key"), ("destination", "destinations", "key")),
}
"""Which column of a table refers to which table, and to which column there."""
ONCE: Mapping[str, Sequence[str]] = {
    "destinations": ("key", "id"),
    "jobs": ("key", "id"),
    "run_ids": ("run",),
}
"""Columns in which no value may stand twice."""
_RESTORE = "`netstats-xl restore` puts back a backup, and keeps what was measured since."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verifying a database found."""

    path: Path
    schema_version: int
    rows: int
    """In all tables."""
    samples: int
    size_bytes: int
    flaws: tuple[str, ...]
    """What is wrong, each in words for the user, with what would help; none: the database is whole."""


def verify(
    path: Path, on_progress: OnProgress = unheard, *, spare_core: bool = True, rollups: bool = False
) -> Verified:
    """Read a database file, which no program has open, in full, and tell what is wrong with it.

    `rollups`: they are made again from the samples and compared, too, which takes longer than all the rest.

    Raises:
        StoreLocked: a program has it open.
        StoreCorrupt: it is no database of this program, or so damaged that it cannot be opened.
        StoreTooNew: a newer version of this program or of DuckDB wrote it.
        StoreError: there is no such file, or it cannot be read.
    """
    with open_read_only(path, spare_core=spare_core) as cursor:
        version = version_of(cursor, path)
        if version > SCHEMA_VERSION:
            raise StoreTooNew(
                f"The database {path} has schema version {version}, and this program knows versions up to "
                f"{SCHEMA_VERSION}. Update netstats_xl to verify it."
            )
        found = tables(cursor)
        counts = {name: row_count(cursor, name) for name in found}
        flaws = tuple(_unreadable(cursor, path, found, counts, on_progress))
        if not flaws:
            flaws = tuple(_inconsistent(cursor, path, found))
        if not flaws and rollups and version == SCHEMA_VERSION:
            flaws = tuple(_miscounted(cursor, path, on_progress))
    return Verified(
        path=path,
        schema_version=version,
        rows=sum(counts.values()),
        samples=counts.get("samples", 0),
        size_bytes=path.stat().st_size,
        flaws=flaws,
    )


def _unreadable(
    cursor: Cursor,
    path: Path,
    found: Mapping[str, Sequence[str]],
    counts: Mapping[str, int],
    on_progress: OnProgress,
) -> Iterator[str]:
    """Have every block read, whose checksum DuckDB then compares; tables that cannot be read to their end."""
    total, done = sum(counts.values()), 0
    for table, columns in found.items():
        # A hash of every column: counts and extremes alone would be answered without reading anything.
        every_column = ", ".join(f'"{column}"' for column in columns)
        query = (
            f'SELECT count(*), bit_xor(hash({every_column})) FROM store."{table}" '  # noqa: S608 - names of the catalogue
            "WHERE rowid >= $first AND rowid < $end"
        )
        try:
            for first, end in steps(cursor, table):
                on_progress(Progress(doing="verifying", done=done, total=total))
                [(rows, _)] = cursor.execute(query, {"first": first, "end": end}).fetchall()
                done += rows
        except duckdb.Error as error:
            fault = fault_of(error, path)
            yield f"The table {table} cannot be read to its end. {fault.error.message}"
            if fault.invalidates:
                return
    on_progress(Progress(doing="verifying", done=total, total=total))


def _inconsistent(cursor: Cursor, path: Path, found: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for table, columns in ONCE.items():
        for column in columns:
            if table in found and (count := _repeated(cursor, table, column)):
                yield f"{count:,} values of {table}.{column} in {path} stand there more than once. {_RESTORE}"
    for table, references in REFERENCES.items():
        for column, other, key in references:
            if table in found and (count := _dangling(cursor, table, column, other, key)):
                yield (
                    f"{count:,} rows of {table} in {path} name a {column} that is not in {other}: they are shown "
                    f"nowhere. {_RESTORE}"
                )


def _miscounted(cursor: Cursor, path: Path, on_progress: OnProgress) -> Iterator[str]:
    on_progress(Progress(doing="comparing the rollups", done=0, total=1))
    for difference in check_rollups(cursor):
        yield f"The rollups in {path} are not what the samples add up to: {difference}. {_RESTORE}"
    on_progress(Progress(doing="comparing the rollups", done=1, total=1))


def _repeated(cursor: Cursor, table: str, column: str) -> int:
    [(count,)] = cursor.execute(
        f"SELECT count({column}) - count(DISTINCT {column}) FROM {table}"  # noqa: S608 - built from constants
    ).fetchall()
    return int(count)


def _dangling(cursor: Cursor, table: str, column: str, other: str, key: str) -> int:
    [(count,)] = cursor.execute(
        f"SELECT count(*) FROM {table} WHERE NOT EXISTS (SELECT 1 FROM {other} WHERE {other}.{key} = {table}.{column})"  # noqa: S608 - built from constants
    ).fetchall()
    return int(count)
