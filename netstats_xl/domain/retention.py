"""How long results are kept, and what goes when they are no longer, and when."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from pydantic import AwareDatetime

from netstats_xl.domain.targets import Model, Settings
from netstats_xl.domain.zones import from_local, to_local

NOTICE = timedelta(hours=24)
"""How long before it is done a deletion is announced that is larger than those of every night."""
USUAL = timedelta(days=3)
"""What a night takes away is a day's results, and those of two nights more when nothing ran then."""
AT_NIGHT = time(3)
"""When a night's deletion begins, by the wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """What is older than these instants (aware UTC) is not kept any more. None: it is kept for ever."""

    raw: datetime
    """Of samples, runs, events and routes."""
    minutes: datetime | None = None
    """Of the rollups by the minute."""
    rollups: datetime | None = None
    """Of the rollups by the hour, day and month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletable:
    """What a deletion takes away."""

    samples: int = 0
    first_at: datetime | None = None
    """The tick of the oldest of these samples."""
    minutes: int = 0
    """Rows of the rollups by the minute."""
    rollups: int = 0
    """Rows of the rollups by the hour, day and month."""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to delete."""
        return not (self.samples or self.minutes or self.rollups)


class Keeping(Model):
    """For how many days the user keeps results. None: for ever."""

    raw_days: int
    minutes_days: int | None = None
    rollups_days: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Keeping":
        """As the settings say."""
        return cls(
            raw_days=settings.retention_days,
            minutes_days=settings.minutes_retention_days,
            rollups_days=settings.rollups_retention_days,
        )

    def cutoffs(self, at: datetime) -> Cutoffs:
        """What is too old at an instant."""
        return Cutoffs(
            raw=at - timedelta(days=self.raw_days),
            minutes=None if self.minutes_days is None else at - timedelta(days=self.minutes_days),
            rollups=None if self.rollups_days is None else at - timedelta(days=self.rollups_days),
        )

    def keeps_no_less_than(self, other: "Keeping") -> bool:
        """Whether nothing is kept for a shorter time than `other` keeps it."""
        return all(
            ours is None or (theirs is not None and ours >= theirs)
            for ours, theirs in (
                (self.raw_days, other.raw_days),
                (self.minutes_days, other.minutes_days),
                (self.rollups_days, other.rollups_days),
            )
        )


class Announcement(Model):
    """A deletion that the user was told of before it is done."""

    announced_at: AwareDatetime
    keeping: Keeping
    """The settings that ask for it."""
    first_at: AwareDatetime | None
    """The tick of the oldest sample that goes; None where only rollups go."""

    @property
    def earliest_at(self) -> datetime:
        """Not before this is it done."""
        return self.announced_at + NOTICE

    def covers(self, keeping: Keeping, found: Deletable, now: datetime) -> bool:
        """Whether what would go under these settings was announced: nothing of it is older, and nothing is newer."""
        if self.announced_at > now:
            return False  # the clock was ahead then
        older = found.first_at is not None and (self.first_at is None or found.first_at < self.first_at)
        return keeping.keeps_no_less_than(self.keeping) and not older


class DeletionRecord(Model):
    """What is remembered of deletions over restarts."""

    pruned_at: AwareDatetime | None = None
    """When the last one was done."""
    announced: Announcement | None = None


def is_large(beyond_usual: Deletable) -> bool:
    """Whether a deletion is more than that of a night, given what of it is older than its cutoffs by `USUAL`.

    Age decides, not how much it is: a network that grew may take in as much in a day as it did in a year.
    """
    return not beyond_usual.nothing


def last_night(at: datetime, zone: str) -> datetime:
    """The last time at or before an instant that a night's deletion was to begin, aware UTC."""
    return max(night for night in _nights(at, zone) if night <= at)


def next_night(at: datetime, zone: str) -> datetime:
    """The first time after an instant that a night's deletion is to begin, aware UTC."""
    return min(night for night in _nights(at, zone) if night > at)


def _nights(at: datetime, zone: str) -> list[datetime]:
    today = to_local(at, zone).date()
    return [from_local(datetime.combine(today + timedelta(days=days), AT_NIGHT), zone) for days in (-1, 0, 1)]
