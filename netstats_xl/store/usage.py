"""What the tables hold, and the room that they take."""

from datetime import datetime

from netstats_xl.domain.forecast import StoreUsage
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor, Database
from netstats_xl.store.selection import aware


def usage(cursor: Cursor, database: Database, since: datetime) -> StoreUsage:
    """As `ports.ResultStore.usage`. DuckDB counts rows and blocks without reading them."""
    [(samples, first, recent)] = cursor.execute(
        "SELECT count(*), min(tick), (SELECT count(*) FROM samples WHERE tick >= ?) FROM samples",
        [utc_naive(since)],
    ).fetchall()
    [(minutes, rollups)] = cursor.execute(
        """
        SELECT (SELECT count(*) FROM roll_1m),
            (SELECT count(*) FROM roll_1h) + (SELECT count(*) FROM roll_1d) + (SELECT count(*) FROM roll_1mo)
        """
    ).fetchall()
    file_bytes = database.size_bytes()
    return StoreUsage(
        samples=samples,
        first_at=None if first is None else aware(first),
        recent_samples=recent,
        minutes=minutes,
        rollups=rollups,
        file_bytes=file_bytes,
        reusable_bytes=0 if file_bytes is None else _reusable_bytes(cursor),
        free_bytes=database.free_bytes(),
    )


def _reusable_bytes(cursor: Cursor) -> int:
    rows = cursor.execute(
        "SELECT free_blocks * block_size FROM pragma_database_size() WHERE database_name = current_database()"
    ).fetchall()
    return int(rows[0][0]) if rows else 0
