"""Deleting what is older than the user wants to keep."""

from datetime import datetime

from netstats_xl.domain.retention import Cutoffs, Deletable
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.ingest import BATCHES_REMEMBERED
from netstats_xl.store.queries import RUN_FIGURES
from netstats_xl.store.selection import aware


def prune(cursor: Cursor, before: datetime) -> int:
    """Delete samples, runs, events and routes older than `before`, and return the number of samples deleted.

    The figures of the deleted runs stay in the jobs' totals, and each destination keeps its last event, since its
    state is the one after it, and its last route. DuckDB reuses the room, the file does not shrink.
    """
    parameters = {"before": utc_naive(before)}
    cursor.execute(
        f"INSERT INTO pruned_runs SELECT {RUN_FIGURES} FROM runs WHERE tick < $before GROUP BY job",  # noqa: S608 - built from constants
        parameters,
    )
    cursor.execute("DELETE FROM runs WHERE tick < $before", parameters)
    cursor.execute("DELETE FROM run_ids WHERE tick < $before", parameters)
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
    cursor.execute(
        "DELETE FROM batches WHERE ordinal NOT IN (SELECT ordinal FROM batches ORDER BY ordinal DESC LIMIT ?)",
        [BATCHES_REMEMBERED],
    )
    [(deleted,)] = cursor.execute("DELETE FROM samples WHERE tick < $before", parameters).fetchall()
    return int(deleted)


def deletable(cursor: Cursor, cutoffs: Cutoffs) -> Deletable:
    """What is older than the cutoffs."""
    [(samples, first)] = cursor.execute(
        "SELECT count(*), min(tick) FROM samples WHERE tick < ?", [utc_naive(cutoffs.raw)]
    ).fetchall()
    return Deletable(samples=samples, first_at=None if first is None else aware(first))
