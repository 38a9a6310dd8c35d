"""Backups of a database: what they are called, when one is due, and which are kept."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from netstats_xl.domain.windows import from_local, to_local

DAILY = 7
"""Of so many days that have backups the last one of each is kept."""
WEEKLY = 4
"""And of so many weeks."""
MIGRATION_DAYS = 30
"""How long a copy is kept that was made before a migration."""
_MIGRATION_AGE = timedelta(days=MIGRATION_DAYS)
NIGHTLY_AT_H = 2
"""Local hour in which the nightly backup begins."""
_AHEAD = timedelta(days=1)
"""A name further in the future than this was given while the clock was wrong, or in another time zone."""
_NAME = re.compile(
    r"(?P<stem>.+) (?P<at>\d{4}-\d{2}-\d{2} \d{4})(?: before version (?P<version>[1-9]\d{0,5}))?\.duckdb",
    re.DOTALL,
)
_FORMAT = "%Y-%m-%d %H%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What the name of a backup says."""

    stem: str
    """The database's name without its suffix."""
    at: datetime
    """When it was begun: naive, by the wall clock, to the minute."""
    version: int | None = None
    """The schema version that the database was about to be brought to; None: an ordinary backup."""

    @property
    def name(self) -> str:
        """The file's name. Names of one database and kind sort by time."""
        before = "" if self.version is None else f" before version {self.version}"
        return f"{self.stem} {self.at:%Y-%m-%d} {self.at:%H%M}{before}.duckdb"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """What a file's name says; None: it is no name of a backup."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        try:
            at = datetime.strptime(match["at"], _FORMAT)  # noqa: DTZ007 - names are of the wall clock
        except ValueError:
            return None
        found = cls(stem=match["stem"], at=at, version=int(match["version"]) if match["version"] else None)
        return found if found.name == name else None


def folder_name(stem: str) -> str:
    """The folder beside the database that its backups lie in."""
    return f"{stem} backups"


def backups_of(stem: str, names: Collection[str]) -> tuple[Backup, ...]:
    """The backups of this database among the files of these names, the oldest first."""
    found = (Backup.parse(name) for name in names)
    return tuple(sorted((each for each in found if each is not None and each.stem == stem), key=_order))


def _order(backup: Backup) -> tuple[datetime, int]:
    return backup.at, backup.version or 0


def newest(stem: str, names: Collection[str], *, now: datetime) -> Backup | None:
    """The newest ordinary backup that was not given its name by a clock that was ahead; `now` is naive local."""
    known = [each for each in backups_of(stem, names) if each.version is None and each.at <= now + _AHEAD]
    return known[-1] if known else None


def outdated(stem: str, names: Collection[str], *, now: datetime) -> tuple[str, ...]:
    """Names of the backups that are kept no longer, at this local time (naive).

    Kept are the last one of each of the last seven days that have any, of each of the last four weeks, and for thirty
    days what was copied before a migration. Those with names in the future take no other's place.
    """
    known = [each for each in backups_of(stem, names) if each.at <= now + _AHEAD]
    ordinary = [each for each in known if each.version is None]
    days = {each.at.date(): each for each in ordinary}
    weeks = {each.at.isocalendar()[:2]: each for each in ordinary}
    kept = {
        *(days[day] for day in sorted(days)[-DAILY:]),
        *(weeks[week] for week in sorted(weeks)[-WEEKLY:]),
        *(each for each in known if each.version is not None and each.at > now - _MIGRATION_AGE),
    }
    if not ordinary:
        kept.update(known[-1:])
    return tuple(each.name for each in known if each not in kept)


def nightly_minute(name: str) -> int:
    """The minute after two at which the database of this name is backed up: not all at the same time."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[0] * 60 // 256


def last_night(now: datetime, zone: str, minute: int) -> datetime:
    """The last instant, up to `now`, at which a nightly backup was to begin; both aware UTC.

    Where the clock skips it, it is moved forward by the gap; where the clock repeats it, it is the first one.
    """
    local = to_local(now, zone).replace(tzinfo=None)
    tonight = local.replace(hour=NIGHTLY_AT_H, minute=minute, second=0, microsecond=0)
    at = from_local(tonight, zone)
    return at if at <= now else from_local(tonight - timedelta(days=1), zone)


def is_due(now: datetime, begun: datetime, *, zone: str, minute: int) -> bool:
    """Whether a nightly backup is to be made: a night has begun since the last backup, or since the first sample.

    Both instants are aware UTC.
    """
    return begun < last_night(now, zone, minute)
