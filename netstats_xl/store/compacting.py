"""A database written anew, smaller."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from netstats_xl.domain.levels import Level
from netstats_xl.ports import OnProgress
from netstats_xl.store.backup import Rewriting, check_room, copy_to, used_bytes, write_copy
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.reading import open_read_only
from netstats_xl.store.rolling import TABLES, Bucketing, merged

ROWS_AT_ONCE = 200_000
"""How many rows of a rollup are put together at once: histograms take room in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """Sizes of the file."""

    before_bytes: int
    after_bytes: int


def compact(database: Path, on_progress: OnProgress) -> Compacted:
    """Write a database anew that no program has open: without what was deleted, which DuckDB keeps room for.

    Rows of the rollups that belong together, which late samples leave, become one.

    The old file stays until the new one has been read back in full and takes its place, in one step.

    Raises:
        StoreLocked: a program has it open.
        StoreCorrupt: it is damaged.
        StoreFull: the disk has no room for another copy.
        StoreError: it is not there, or cannot be written.
    """
    with open_read_only(database, spare_core=False):
        pass  # not to be made where it is not there
    DuckDbStore.open(database, spare_core=False).close()  # works its log in
    before = database.stat().st_size

    def copy(temporary: Path) -> int:
        with open_read_only(database, spare_core=False) as cursor:
            check_room(used_bytes(cursor), database)
            return copy_to(cursor, temporary, on_progress, target=database, rewritten=ROLLUPS)

    write_copy(copy, database, on_progress, read_only=False)
    return Compacted(before_bytes=before, after_bytes=database.stat().st_size)


def _one_row_each(cursor: Cursor, level: Level) -> Iterator[tuple[str, dict[str, object]]]:
    for start, end in _stretches(cursor, TABLES[level]):
        yield (
            merged(level, "bucket >= $start AND bucket <= $end", Bucketing.OWN, into=level),
            {"start": start, "end": end},
        )


def _stretches(cursor: Cursor, table: str) -> Iterator[tuple[datetime, datetime]]:
    """The first and the last bucket of stretches that cover the table, each of about so many rows."""
    rows = cursor.execute(
        f"""
        SELECT min(bucket), max(bucket) FROM (
            SELECT bucket, sum(count(*)) OVER (ORDER BY bucket) // $most AS part FROM {table} GROUP BY bucket
        ) GROUP BY part ORDER BY part
        """,  # noqa: S608 - a table of this package
        {"most": ROWS_AT_ONCE},
    ).fetchall()
    yield from rows


ROLLUPS: Mapping[str, Rewriting] = {TABLES[level]: partial(_one_row_each, level=level) for level in Level}
