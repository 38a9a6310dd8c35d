"""Deleting what is kept no longer: at night, and what is more than a night's only after it was announced."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from netstats_xl.domain.retention import (
    USUAL,
    Announcement,
    Deletable,
    DeletionRecord,
    Keeping,
    is_large,
    last_night,
    next_night,
)
from netstats_xl.domain.targets import Settings
from netstats_xl.ports import Clock, ResultStore

BACKUP_WITHIN = timedelta(hours=3)
"""How long a night's deletion waits for the night's backup, at most: what fails every night must not fill the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The next deletion."""

    at: datetime
    """When it begins, or a little later; aware UTC. It may have passed a moment ago."""
    keeping: Keeping
    found: Deletable
    """What goes then, as far as it is there now."""
    announced: bool
    """Whether it is larger than those of every night, so that it waits until its user has had time to object."""

    @property
    def oldest_kept_at(self) -> datetime:
        """Older samples go."""
        return self.keeping.cutoffs(self.at).raw


class Retaining:
    """Knows what goes next, and deletes it when its time has come. One thread at a time."""

    def __init__(
        self, store: ResultStore, clock: Clock, *, backed_up: Callable[[datetime], bool] = lambda night: True
    ) -> None:
        """`backed_up`: whether the backup of the night that has its deletion then is made, or none is to be made."""
        self._store = store
        self._clock = clock
        self._backed_up = backed_up

    def next(self, settings: Settings) -> Deletion:
        """What goes next; one that is larger than usual counts as announced from now on.

        Raises:
            StoreError: the store cannot answer, or not keep when it was announced.
        """
        now, keeping = self._clock.now(), Keeping.of(settings)
        record = self._announced(keeping, now)
        at = self._time(record, now, settings.zone)
        return Deletion(
            at=at,
            keeping=keeping,
            found=self._store.deletable(keeping.cutoffs(at)),
            announced=record.announced is not None,
        )

    def delete_when_due(self, deletion: Deletion) -> int | None:
        """Delete it if its time has come; the number of samples that went, None before its time.

        Raises:
            StoreError: it cannot be deleted, or only a part of it.
        """
        now = self._clock.now()
        if now < deletion.at or not (now >= deletion.at + BACKUP_WITHIN or self._backed_up(deletion.at)):
            return None
        deleted = self._store.prune(deletion.keeping.cutoffs(deletion.at))
        self._store.save_deletions(DeletionRecord(pruned_at=now))
        return deleted

    def _announced(self, keeping: Keeping, now: datetime) -> DeletionRecord:
        """The record, in which a large deletion is announced, and no other one."""
        record = self._store.deletions()
        announcement = None
        if is_large(self._store.deletable(keeping.cutoffs(now - USUAL))):
            found = self._store.deletable(keeping.cutoffs(now))
            announcement = record.announced
            if announcement is None or not announcement.covers(keeping, found, now):
                announcement = Announcement(announced_at=now, keeping=keeping, first_at=found.first_at)
        if announcement != record.announced:
            record = record.model_copy(update={"announced": announcement})
            self._store.save_deletions(record)
        return record

    @staticmethod
    def _time(record: DeletionRecord, now: datetime, zone: str) -> datetime:
        """The first night after the last deletion that an announcement, if there is one, has left time before."""
        night = last_night(now, zone)
        # Where the clock was ahead at the last one, that does not count.
        if record.pruned_at is not None and night <= record.pruned_at <= now:
            night = next_night(now, zone)
        if record.announced is not None and night < record.announced.earliest_at:
            night = next_night(record.announced.earliest_at, zone)
        return night
