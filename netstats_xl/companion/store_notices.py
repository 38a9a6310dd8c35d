"""What befell the store, told to the user."""

import logging
from collections.abc import Callable

from netstats_xl.companion.notices import Notices
from netstats_xl.domain.incidents import Incident, tell

logger = logging.getLogger(__name__)


class StoreNotices:
    """A `ports.StoreWatcher` that tells in the notices and in the log."""

    def __init__(self, notices: Notices, *, zone: Callable[[], str], changed: Callable[[], None]) -> None:
        """`zone`: whose wall clock to tell times by; `changed` hears that results of the past are others now."""
        self._notices = notices
        self._zone = zone
        self._changed = changed

    def note_incident(self, incident: Incident) -> None:
        """Tell it until the next start, which tells it again unless its user has dealt with it."""
        text = tell(incident, self._zone())
        logger.warning("%s", text)
        self._notices.set(f"incident {incident.name}", text)
        self._changed()

    def note_room(self, free_bytes: int | None) -> None:
        """Warn while room runs out."""
        if free_bytes is None:
            self._notices.clear("room")
            return
        self._notices.set(
            "room",
            f"Only {free_bytes / 1e6:,.0f} MB are left on the disk of the database. Free some space: before the disk "
            "is full, results are no longer saved but wait in memory.",
        )
