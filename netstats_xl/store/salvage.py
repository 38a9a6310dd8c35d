"""What can still be read of a damaged database: its definitions, and its tables range by range into a new file."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from netstats_xl.errors import StoreCorrupt, StoreError, StoreLogDamaged
from netstats_xl.ports import StoredDefinitions
from netstats_xl.store import catalogue
from netstats_xl.store.damage import begun_at, last_batch
from netstats_xl.store.database import STORAGE_VERSION, Cursor, letting_the_user_interrupt
from netstats_xl.store.faults import fault_of
from netstats_xl.store.migrations import migrate
from netstats_xl.store.saved_mark import read_mark

STEP_ROWS = 122_880
"""Of one of DuckDB's row groups: a damaged block spoils no more of a table than that."""
LEAST_ROWS = 2_048
"""Rows that DuckDB reads at once."""
_OWN = ("schema_versions", "opened")
"""Tables that a new file has rows of its own in."""
_TIMES = ("tick", "bucket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Rows that cannot be read. Instants are aware UTC."""

    rows: int
    first_at: datetime | None = None
    """The tick of the first of them; None: the table has no times, or they cannot be read either."""
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFound:
    """What can be read of a table."""

    name: str
    rows: int
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What can be read of a database."""

    tables: tuple[TableFound, ...]
    log_left_out: bool = False
    """Its write-ahead log is damaged, and only what the file itself holds was looked at."""

    @property
    def is_whole(self) -> bool:
        """Whether all of it can be read."""
        return not self.log_left_out and not any(each.gaps for each in self.tables)

    def rows_of(self, table: str) -> int:
        """How many rows of this table can be read; 0 where there is no such table."""
        return sum(each.rows for each in self.tables if each.name == table)


OnProgress = Callable[[str, int, int], None]
"""Hears which table is being read, how many of its rows were, and how many there are."""


@dataclass(slots=True)
class _Table:
    name: str
    columns: Sequence[str]
    rows: int = 0
    gaps: list[Gap] = field(default_factory=list)
    gap_end: int = -1
    """Where the last gap ends."""

    def add(self, gap: Gap, first: int) -> None:
        """Take one more gap that begins at this row; it belongs to the last one where that ends there."""
        end = first + gap.rows
        if self.gap_end == first:
            last = self.gaps.pop()
            gap = Gap(
                rows=last.rows + gap.rows,
                first_at=last.first_at or gap.first_at,
                last_at=gap.last_at or last.last_at,
            )
        self.gaps.append(gap)
        self.gap_end = end


def read_definitions(path: Path) -> StoredDefinitions | None:
    """The definitions in a database, which is only read; None where they cannot be read, or there are none."""
    with suppress(duckdb.Error, StoreError), _reading(path) as cursor:
        found = catalogue.load(cursor)
        return found if found != StoredDefinitions() else None
    return None


def look(path: Path, on_progress: OnProgress = lambda table, done, rows: None) -> Found:
    """Read all of a database that no program has open, and change nothing.

    Raises:
        StoreLocked: a program has it open.
        StoreLogDamaged: its log is damaged.
        StoreCorrupt: nothing can be read of it.
        StoreError: there is no such file, or the disk reports an error.
    """
    with _translating(path), _reading(path) as cursor:
        return Found(tables=tuple(_walk(cursor, path, _probe, on_progress)))


def holds_all(path: Path) -> bool:
    """Whether a database that can be read holds all that its mark says was saved into it.

    DuckDB passes over a log whose end, or beginning, it cannot make sense of.
    """
    mark = read_mark(path)
    if mark is None:
        return True
    with _translating(path), _reading(path) as cursor:
        return mark.begun_at != begun_at(cursor) or mark.batch <= last_batch(cursor)


def salvage(damaged: Path, target: Path, on_progress: OnProgress = lambda table, done, rows: None) -> Found:
    """Copy what can be read of a damaged database into a new file, which is brought to the newest schema version.

    The damaged one is only read. Where its log is damaged, too, what is in the log is left out.

    Raises:
        StoreCorrupt: nothing can be read of it.
        StoreError: it cannot be read, or the new file not be written; there is none then.
    """
    try:
        return _salvage(damaged, target, on_progress)
    except StoreLogDamaged:
        with _without_log(damaged) as alone:
            found = _salvage(alone, target, on_progress)
        return Found(tables=found.tables, log_left_out=True)


def _salvage(damaged: Path, target: Path, on_progress: OnProgress) -> Found:
    done = False
    try:
        with _translating(damaged), _reading(damaged) as cursor:
            location = str(target).replace("'", "''")
            cursor.execute(f"ATTACH '{location}' AS saved (STORAGE_VERSION '{STORAGE_VERSION}')")
            cursor.execute("USE saved")
            migrate(cursor, target)
            cursor.execute("USE store")
            new = dict(_tables(cursor, "saved"))

            def copy(cursor: Cursor, table: _Table, first: int, end: int) -> int:
                columns = ", ".join(f'"{each}"' for each in table.columns if each in new[table.name])
                [(count,)] = cursor.execute(
                    f'INSERT INTO saved."{table.name}" ({columns}) SELECT {columns} FROM store."{table.name}" '  # noqa: S608 - names of the catalogue
                    "WHERE rowid >= ? AND rowid < ?",
                    [first, end],
                ).fetchall()
                return int(count)

            cursor.execute("DELETE FROM saved.levels")
            found = Found(tables=tuple(_walk(cursor, damaged, copy, on_progress, only=frozenset(new))))
            cursor.execute("DETACH saved")
        done = True
        return found
    finally:
        if not done:
            for each in (target, target.with_name(f"{target.name}.wal")):
                with suppress(OSError):
                    each.unlink(missing_ok=True)


Take = Callable[[Cursor, _Table, int, int], int]
"""Reads a range of a table's rows, and returns how many there are in it."""


def _probe(cursor: Cursor, table: _Table, first: int, end: int) -> int:
    columns = ", ".join(f'"{each}"' for each in table.columns)
    # A hash of every column: counts alone would be answered without reading anything.
    [(count, _)] = cursor.execute(
        f'SELECT count(*), bit_xor(hash({columns})) FROM store."{table.name}" WHERE rowid >= ? AND rowid < ?',  # noqa: S608 - names of the catalogue
        [first, end],
    ).fetchall()
    return int(count)


def _walk(
    cursor: Cursor, path: Path, take: Take, on_progress: OnProgress, *, only: frozenset[str] | None = None
) -> Iterator[TableFound]:
    for name, columns in _tables(cursor, "store"):
        if name in _OWN or (only is not None and name not in only):
            continue
        table = _Table(name, columns)
        end = _rows_end(cursor, name)
        for first in range(0, end, STEP_ROWS):
            on_progress(name, first, end)
            _take(cursor, path, table, take, first, min(first + STEP_ROWS, end))
        on_progress(name, end, end)
        yield TableFound(name=name, rows=table.rows, gaps=tuple(table.gaps))


def _take(cursor: Cursor, path: Path, table: _Table, take: Take, first: int, end: int) -> None:
    """Take the rows; of those that cannot be read, both halves, until little is left of them."""
    try:
        with letting_the_user_interrupt():
            table.rows += take(cursor, table, first, end)
            return
    except duckdb.Error as error:
        fault = fault_of(error, path)
        if not isinstance(fault.error, StoreCorrupt) or fault.invalidates:
            raise
    if end - first <= LEAST_ROWS:
        table.add(_gap(cursor, table, first, end), first)
        return
    middle = first + max(1, (end - first) // 2 // LEAST_ROWS) * LEAST_ROWS
    _take(cursor, path, table, take, first, middle)
    _take(cursor, path, table, take, middle, end)


def _gap(cursor: Cursor, table: _Table, first: int, end: int) -> Gap:
    for column in _TIMES:
        if column in table.columns:
            with suppress(duckdb.Error):
                [(earliest, latest)] = cursor.execute(
                    f'SELECT min({column}), max({column}) FROM store."{table.name}" WHERE rowid >= ? AND rowid < ?',  # noqa: S608 - names of the catalogue
                    [first, end],
                ).fetchall()
                return Gap(rows=end - first, first_at=_aware(earliest), last_at=_aware(latest))
    return Gap(rows=end - first)


def _tables(cursor: Cursor, database: str) -> Sequence[tuple[str, Sequence[str]]]:
    return [
        (name, columns)
        for name, columns in cursor.execute(
            "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
            "WHERE database_name = $database AND NOT internal AND table_name IN "
            "(SELECT table_name FROM duckdb_tables() WHERE database_name = $database) "
            "GROUP BY table_name ORDER BY table_name",
            {"database": database},
        ).fetchall()
    ]


def _rows_end(cursor: Cursor, table: str) -> int:
    """After the last row's ID."""
    [(end,)] = cursor.execute(f'SELECT coalesce(max(rowid) + 1, 0) FROM store."{table}"').fetchall()  # noqa: S608 - a name of the catalogue
    return int(end)


@contextmanager
def _reading(path: Path) -> Iterator[Cursor]:
    """A cursor on the database, which is not changed."""
    with duckdb.connect(":memory:") as cursor:
        location = str(path).replace("'", "''")
        cursor.execute(f"ATTACH '{location}' AS store (READ_ONLY)")
        cursor.execute("USE store")
        yield cursor


@contextmanager
def _without_log(path: Path) -> Iterator[Path]:
    """Another name of the same file, which has no log."""
    alias = path.with_name(f".{path.stem} without log{path.suffix}")
    try:
        try:
            os.link(path, alias)
        except OSError:
            shutil.copyfile(path, alias)
        yield alias
    finally:
        alias.unlink(missing_ok=True)


@contextmanager
def _translating(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise fault_of(error, path).error from error


def _aware(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
