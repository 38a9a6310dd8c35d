"""What each table holds: how far the levels are sealed, and what was deleted."""

from datetime import datetime

from netstats_xl.domain.levels import Level
from netstats_xl.store import frontier as frontiers
from netstats_xl.store.database import Cursor
from netstats_xl.store.frontier import Frontier
from netstats_xl.store.planning import Coverage, Source


def load_coverage(cursor: Cursor) -> Coverage:
    """What the tables hold, as the cursor's transaction sees it."""
    return coverage_of(frontiers.load(cursor))


def coverage_of(frontier: Frontier) -> Coverage:
    """What the tables hold by this frontier."""
    kept_from: dict[Source, datetime] = {
        level: at for level, at in frontier.kept_from.items() if at is not None
    }
    deleted = frontier.made_from[Level.MINUTE]
    if deleted is not None:
        # Minutes are made of samples.
        kept_from[None] = deleted
    return Coverage(
        sealed_until={level: until for level, until in frontier.until.items() if until is not None},
        kept_from=kept_from,
        zone=frontier.zone,
    )
