"""Deleting what is older than the user wants to keep, a part at a time."""

from dataclasses import replace
from datetime import datetime, timedelta

from netstats_xl.domain.levels import Level, bucket_of
from netstats_xl.domain.retention import Cutoffs, Deletable
from netstats_xl.store import frontier as frontiers
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.frontier import Frontier
from netstats_xl.store.ingest import IDS_REMEMBERED
from netstats_xl.store.queries import RUN_FIGURES
from netstats_xl.store.rolling import TABLES
from netstats_xl.store.selection import aware

ROWS_A_PART = 500_000
"""How many rows are deleted at once: results that are saved meanwhile wait for it."""
BY_SAMPLES = (Level.MINUTE, Level.HOUR)
"""The levels that are made of samples."""


def prune_runs(cursor: Cursor, frontier: Frontier, cutoffs: Cutoffs) -> tuple[None, Frontier]:
    """Delete runs, events and routes, which are few.

    The figures of the deleted runs stay in the jobs' totals, and each destination keeps its last event, since its
    state is the one after it, and its last route. DuckDB reuses the room, the file does not shrink.
    """
    parameters = {"before": utc_naive(cutoffs.raw)}
    cursor.execute(
        f"INSERT INTO pruned_runs SELECT {RUN_FIGURES} FROM runs WHERE tick < $before GROUP BY job",  # noqa: S608 - built from constants
        parameters,
    )
    cursor.execute("DELETE FROM runs WHERE tick < $before", parameters)
    cursor.execute(
        """
        DELETE FROM routes WHERE last_tick < $before AND ordinal NOT IN (
            SELECT max(ordinal) FROM routes GROUP BY destination
        )
        """,
        parameters,
    )
    cursor.execute(
        """
        DELETE FROM events WHERE tick < $before AND ordinal NOT IN (
            SELECT max_by(ordinal, {'tick': tick, 'ordinal': ordinal}) FROM events GROUP BY destination
        )
        """,
        parameters,
    )
    return None, frontier


def prune_samples(
    cursor: Cursor, frontier: Frontier, cutoffs: Cutoffs, *, rows: int = ROWS_A_PART
) -> tuple[int, Frontier]:
    """Delete some of the old samples that are in the rollups; how many, and what can be made again after it.

    Call it until it deletes none: then the IDs of their runs go, too, and those of their batches but the last ones.
    """
    before = _sealed_before(cursor, frontier, cutoffs.raw)
    deleted, last = _delete_part(cursor, "samples", "tick", before, rows)
    if last is None:
        cursor.execute(
            "DELETE FROM run_ids WHERE tick < $before AND run <= (SELECT max(run) FROM run_ids) - $last",
            {"before": utc_naive(before), "last": IDS_REMEMBERED},
        )
        return 0, frontier
    after = frontier.made_again_from(last + timedelta(microseconds=1), BY_SAMPLES)
    frontiers.save(cursor, after)
    return deleted, after


def prune_rollups(
    cursor: Cursor, frontier: Frontier, cutoffs: Cutoffs, *, rows: int = ROWS_A_PART
) -> tuple[int, Frontier]:
    """Delete some of the old buckets; how many rows. Call it until it deletes none."""
    after, deleted = frontier, 0
    for level, before in _rollups_before(frontier, cutoffs).items():
        deleted, last = _delete_part(cursor, TABLES[level], "bucket", before, rows)
        if last is None:
            continue
        after = replace(frontier, kept_from={**frontier.kept_from, level: before})
        coarser = [each for each in (Level.DAY, Level.MONTH) if level is not Level.MINUTE]
        after = after.made_again_from(before, coarser)
        frontiers.save(cursor, after)
        break
    return deleted, after


def deletable(cursor: Cursor, frontier: Frontier, cutoffs: Cutoffs) -> Deletable:
    """What is older than the cutoffs."""
    [(samples, first)] = cursor.execute(
        "SELECT count(*), min(tick) FROM samples WHERE tick < ?", [utc_naive(cutoffs.raw)]
    ).fetchall()
    rows = dict.fromkeys(Level, 0)
    for level, before in _rollups_before(frontier, cutoffs).items():
        [(rows[level],)] = cursor.execute(
            f"SELECT count(*) FROM {TABLES[level]} WHERE bucket < ?",  # noqa: S608 - a table of this package
            [utc_naive(before)],
        ).fetchall()
    return Deletable(
        samples=samples,
        first_at=None if first is None else aware(first),
        minutes=rows[Level.MINUTE],
        rollups=sum(rows.values()) - rows[Level.MINUTE],
    )


def _sealed_before(cursor: Cursor, frontier: Frontier, before: datetime) -> datetime:
    """The last instant until `before` that no sample before it is in no rollup yet."""
    until = frontier.samples_until
    if until is None:
        [(first,)] = cursor.execute("SELECT min(tick) FROM samples").fetchall()
        until = before if first is None else aware(first)
    return min(before, until)


def _rollups_before(frontier: Frontier, cutoffs: Cutoffs) -> dict[Level, datetime]:
    """Buckets of each level that begin before these instants are not kept any more.

    Hours and days go with their month: days and months can be made again from what is left of them.
    """
    before = {}
    if cutoffs.minutes is not None:
        before[Level.MINUTE] = bucket_of(Level.MINUTE, cutoffs.minutes, frontier.zone)
    if cutoffs.rollups is not None:
        month = bucket_of(Level.MONTH, cutoffs.rollups, frontier.zone)
        before |= dict.fromkeys((Level.HOUR, Level.DAY, Level.MONTH), month)
    return before


def _delete_part(
    cursor: Cursor, table: str, column: str, before: datetime, rows: int
) -> tuple[int, datetime | None]:
    """Delete about so many of the rows before the instant: how many, and when the last of them was; None: none."""
    parameters = {"before": utc_naive(before)}
    # Rows lie in the order in which they came, so that a part of them lies together.
    [(row, last)] = cursor.execute(
        f"SELECT max(row), max({column}) FROM (SELECT rowid AS row, {column} FROM {table} WHERE {column} < $before "  # noqa: S608 - a table of this package
        "LIMIT $rows)",
        parameters | {"rows": rows},
    ).fetchall()
    if row is None:
        return 0, None
    [(deleted,)] = cursor.execute(
        f"DELETE FROM {table} WHERE {column} < $before AND rowid <= $row",  # noqa: S608 - a table of this package
        parameters | {"row": row},
    ).fetchall()
    return int(deleted), aware(last)
