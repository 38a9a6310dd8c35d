"""What each table holds: how far the levels are sealed, and what was deleted."""

from datetime import datetime

from netstats_xl.domain.levels import Level
from netstats_xl.store.database import Cursor
from netstats_xl.store.planning import Coverage, Source
from netstats_xl.store.selection import aware


def load_coverage(cursor: Cursor) -> Coverage:
    """What the tables hold, as the cursor's transaction sees it."""
    rows = cursor.execute("SELECT level, sealed_until, made_from, kept_from, zone FROM levels").fetchall()
    zone = str(rows[0][4])
    sealed_until: dict[Level, datetime] = {}
    kept_from: dict[Source, datetime] = {}
    for name, until, made_from, kept, _ in rows:
        level = Level(name)
        if until is not None:
            sealed_until[level] = aware(until)
        if kept is not None:
            kept_from[level] = aware(kept)
        if level is Level.MINUTE and made_from is not None:
            # Minutes are made of samples, which were deleted before this.
            kept_from[None] = aware(made_from)
    return Coverage(sealed_until=sealed_until, kept_from=kept_from, zone=zone)
