"""Databases that are only looked at: opened read-only, in an instance of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from netstats_xl.errors import StoreError
from netstats_xl.store.database import Cursor, letting_the_user_interrupt
from netstats_xl.store.faults import fault_of

MEMORY_LIMIT = "512MB"
ROWS_A_STEP = 4 * 122_880
"""Four of DuckDB's row groups: a second's work."""


@contextmanager
def open_read_only(path: Path, *, spare_core: bool = True) -> Iterator[Cursor]:
    """A cursor on the database file, which no other program has open; its tables are in `store`.

    What DuckDB says within the block is translated, too.

    Raises:
        StoreLocked: another process, or this one, has it open.
        StoreCorrupt: it is damaged, or no database.
        StoreTooNew: a newer version of DuckDB wrote it.
        StoreError: there is no such file, or it cannot be read.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a database file.")
    if not path.exists():
        raise StoreError(f"There is no database at {path}.")
    cores = os.cpu_count() or 1
    instance = duckdb.connect(
        ":memory:",
        config={
            "threads": max(1, cores - 1) if spare_core else cores,
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        with letting_the_user_interrupt():
            instance.execute(f"ATTACH '{quoted(path)}' AS store (READ_ONLY)")
            instance.execute("USE store")
            yield instance
    except duckdb.Error as error:
        raise fault_of(error, path).error from error
    finally:
        instance.close()


def quoted(path: Path) -> str:
    """The path as it stands between quotes in a statement: DuckDB binds no values there."""
    return str(path).replace("'", "''")


def tables(cursor: Cursor) -> dict[str, tuple[str, ...]]:
    """The tables of `store`, each with its columns, by name."""
    found: dict[str, tuple[str, ...]] = {}
    for table, column in cursor.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'store' AND NOT internal "
        "AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE database_name = 'store') "
        "ORDER BY table_name, column_index"
    ).fetchall():
        found[table] = (*found.get(table, ()), column)
    return found


def row_count(cursor: Cursor, table: str, *, of: str = "store") -> int:
    """How many rows a table of `store`, or of another attached database, has; cheap."""
    [(count,)] = cursor.execute(f'SELECT count(*) FROM {of}."{table}"').fetchall()  # noqa: S608 - a name of the catalogue
    return int(count)


def steps(cursor: Cursor, table: str) -> Iterator[tuple[int, int]]:
    """Ranges of row numbers (first, behind the last) that cover a table of `store`, each a second's work."""
    [(first, last)] = cursor.execute(
        f'SELECT min(rowid), max(rowid) FROM store."{table}"'  # noqa: S608 - a name of the catalogue
    ).fetchall()
    if first is None:
        return
    for begin in range(first - first % ROWS_A_STEP, last + 1, ROWS_A_STEP):
        yield begin, begin + ROWS_A_STEP
