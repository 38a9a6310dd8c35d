"""What became of results when the database was damaged: what happened, what was saved, what is gone."""

from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import assert_never

from netstats_xl.domain.targets import Model
from netstats_xl.domain.windows import to_local


class IncidentKind(StrEnum):
    """What happened."""

    LOG_CUT = "log cut"
    """The write-ahead log was damaged, and was cut off there."""
    LOG_LOST = "log lost"
    """Results that had been saved are not in the database any more, and DuckDB reports no damage."""
    SET_ASIDE = "set aside"
    """The database was damaged; a new one is in its place."""


class Incident(Model):
    """One damage to the database and what was done about it. Instants are aware UTC."""

    kind: IncidentKind
    at: datetime
    database: str
    """Where it lies, and collecting goes on."""
    reason: str = ""
    """DuckDB's own words."""
    kept: tuple[str, ...] = ()
    """The files as they were before anything was done about it: the database first, where it was kept."""
    saved_until: datetime | None = None
    """The newest tick in the database as it is now; None: it holds none, or that is not known."""
    lost_until: datetime | None = None
    """When something was saved last that is gone; None: not known."""
    lost_commits: int | None = None
    """How many transactions went; None: not known."""
    lost_bytes: int = 0
    """How much of the log was cut off."""
    backup: str = ""
    """The newest backup; empty: none was found."""

    @property
    def name(self) -> str:
        """By which it is told apart from others."""
        return f"{self.kind} {self.at.isoformat()}"


def tell(incident: Incident, zone: str) -> str:
    """The account in sentences, with the wall-clock times of this zone."""
    match incident.kind:
        case IncidentKind.LOG_CUT:
            happened = (
                f"The write-ahead log of the database was found damaged {_on(incident.at, zone)} and was cut off "
                f"there ({_amount(incident)})."
            )
        case IncidentKind.LOG_LOST:
            happened = (
                f"Results that had been saved were found missing {_on(incident.at, zone)}: the disk lost what it had "
                "confirmed, or an older copy of the database was put in its place."
            )
        case IncidentKind.SET_ASIDE:
            return _set_aside(incident, zone)
        case _:
            assert_never(incident.kind)
    safe = "What was saved before is safe, and collecting goes on."
    return f"{happened} {_gone(incident, zone)} {safe} {_kept(incident)}"


def _set_aside(incident: Incident, zone: str) -> str:
    aside = incident.kept[0] if incident.kept else ""
    restore = (
        f"`netstats-xl restore` brings back the newest backup ({PurePath(incident.backup).name}) and adds what was "
        "measured since."
        if incident.backup
        else "There is no backup of it."
    )
    return (
        f"The database was found damaged {_on(incident.at, zone)} ({incident.reason}). It was set aside whole, as "
        f"{aside}, and collecting goes on in a new database in its place: earlier results are missing from it until "
        f"they are brought back. {restore} `netstats-xl repair` saves what can still be read of the damaged one. If "
        "only a drive or a connection was disturbed, stop the collector and give the old file its name back."
    )


def _amount(incident: Incident) -> str:
    cut = f"{incident.lost_bytes:,} bytes"
    if incident.lost_commits is None:
        return cut
    return f"{cut}, {incident.lost_commits:,} {'commit' if incident.lost_commits == 1 else 'commits'}"


def _gone(incident: Incident, zone: str) -> str:
    since = f"after {_time(incident.saved_until, zone)}" if incident.saved_until else "since it was begun"
    until = f" until about {_time(incident.lost_until, zone)}" if incident.lost_until else ""
    return f"Results saved {since}{until} are gone."


def _kept(incident: Incident) -> str:
    if not incident.kept:
        return "`netstats-xl repair` ends this message."
    return (
        f"As it was before, it is kept in {' and '.join(PurePath(each).name for each in incident.kept)} beside the "
        "database; once that is deleted or moved elsewhere, this message ends with the next start."
    )


def _on(at: datetime, zone: str) -> str:
    return f"on {to_local(at, zone):%Y-%m-%d at %H:%M}"


def _time(at: datetime, zone: str) -> str:
    return f"{to_local(at, zone):%Y-%m-%d %H:%M:%S}"
