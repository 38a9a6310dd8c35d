"""The nightly backup, and those that somebody asks for."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from netstats_xl.app.service import BackupRequest, BackupStatus
from netstats_xl.companion.backup_files import BackupFolder, check_copy
from netstats_xl.companion.notices import Notices
from netstats_xl.domain.backups import Backup, is_due, nightly_minute
from netstats_xl.domain.windows import from_local, to_local
from netstats_xl.errors import CompanionStopping, ConfigurationError, StoreError
from netstats_xl.ports import Clock, Progress, ResultStore
from netstats_xl.scheduling import Scheduler

LOOK_EVERY_S = 300
"""How often it is seen whether a backup is due; for the first time so long after the start."""
AGAIN_AFTER = timedelta(hours=1)
"""When a backup that failed is tried again."""
NIGHTLY = "nightly backup"

logger = logging.getLogger(__name__)


class BackingUp:
    """Makes the backups of the store, one at a time. Any thread may use it; what it does takes a while."""

    def __init__(
        self,
        store: ResultStore,
        clock: Clock,
        notices: Notices,
        *,
        zone: Callable[[], str],
        own: Sequence[Path],
    ) -> None:
        """`zone`: whose nights; `own`: files of the user's that no copy may replace."""
        self._store = store
        self._clock = clock
        self._notices = notices
        self._zone = zone
        self._own = tuple(own)
        self._working = Lock()
        self._progress: Progress | None = None
        self._ending = False
        self._not_before: datetime | None = None

    def begin(self, scheduler: Scheduler) -> None:
        """Make a backup each night, or when it was missed."""
        scheduler.every(NIGHTLY, LOOK_EVERY_S, self.look)

    def look(self) -> None:
        """Make a backup if one is due. What is in memory only has none."""
        info, now = self._store.info(), self._clock.now()
        database = self._database()
        if database is None or (self._not_before is not None and now < self._not_before):
            return
        folder, zone = BackupFolder(database), self._zone()
        last = folder.newest(self._local(now))
        begun = info.first_sample_at if last is None else from_local(last.at, zone)
        if begun is None or not is_due(now, begun, zone=zone, minute=nightly_minute(database.name)):
            return
        try:
            self.make(BackupRequest())
        except CompanionStopping:
            return  # it is made after the next start
        except StoreError as error:
            self._not_before = now + AGAIN_AFTER
            self._notices.set(
                NIGHTLY, f"The nightly backup failed, and is tried again: {error.message} {_tell(last)}"
            )
            logger.warning("The nightly backup failed: %s", error.message)

    def make(self, request: BackupRequest) -> Path:
        """Write a verified copy of the store; where.

        Raises:
            ConfigurationError: it may not be written there, or no place was named and the results are in memory only.
            CompanionStopping: the companion ended meanwhile.
            StoreError: it cannot be made.
        """
        database = self._database()
        if request.output is not None:
            own = self._own if database is None else (*self._own, database)
            check_copy(request.output, own, replace=request.replace)
        elif database is None:
            raise ConfigurationError("The results are kept in memory only: name a file for the copy.")
        with self._working:
            now = self._local(self._clock.now())
            if request.output is not None:
                target = request.output
            else:
                assert database is not None, "checked above"
                target = BackupFolder(database).target(now)
            try:
                self._store.backup(target, self._note, read_only=request.read_only)
            finally:
                self._progress = None
            logger.info("Copied the database to %s", target)
            if request.output is None and database is not None:
                BackupFolder(database).rotate(now)
                self._not_before = None
                self._notices.clear(NIGHTLY)
        return target

    def status(self) -> BackupStatus:
        """What is being done, and which backup is the last."""
        database, progress = self._database(), self._progress
        if database is None:
            return BackupStatus(progress=progress)
        folder = BackupFolder(database)
        last = folder.newest(self._local(self._clock.now()))
        return BackupStatus(
            progress=progress,
            last=None if last is None else folder.path / last.name,
            last_at=None if last is None else from_local(last.at, self._zone()),
        )

    def is_backed_up(self, at: datetime) -> bool:
        """Whether the backup of the night before this instant (aware UTC) is made, or none is to be made.

        Of what is in memory only, or not there yet, there is none to be made.
        """
        database = self._database()
        if database is None:
            return True
        zone = self._zone()
        last = BackupFolder(database).newest(self._local(self._clock.now()))
        begun = self._store.info().first_sample_at if last is None else from_local(last.at, zone)
        return begun is None or not is_due(at, begun, zone=zone, minute=nightly_minute(database.name))

    def end(self) -> None:
        """Give up what is under way, and begin nothing any more."""
        self._ending = True

    def _note(self, progress: Progress) -> None:
        if self._ending:
            raise CompanionStopping("The collector is stopping: the copy was given up.")
        self._progress = progress

    def _database(self) -> Path | None:
        info = self._store.info()
        return None if info.size_bytes is None else Path(info.location)

    def _local(self, now: datetime) -> datetime:
        return to_local(now, self._zone()).replace(tzinfo=None)


def _tell(last: Backup | None) -> str:
    return "There is no backup yet." if last is None else f"The last good one is of {last.at:%Y-%m-%d %H:%M}."
