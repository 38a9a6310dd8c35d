"""`netstats-xl repair`: a damaged database, in its place or set aside, brought back as far as it can be read."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from netstats_xl.domain.incidents import Incident
from netstats_xl.errors import StoreCorrupt, StoreDamaged, StoreError, StoreLogDamaged
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.incident_log import read_incidents, write_incidents
from netstats_xl.store.salvage import Found, OnProgress, holds_all, look, salvage
from netstats_xl.store.saved_mark import forget_mark
from netstats_xl.store.set_aside import damaged_files, rename_aside


class Outcome(StrEnum):
    """What became of one database file."""

    HEALTHY = "healthy"
    LOG_CUT = "log cut"
    """The end of its log was cut off; it is whole now."""
    REPLACED = "replaced"
    """What could be read of it is in its place now; it was set aside."""
    SALVAGED = "salvaged"
    """What could be read of it is in a new file."""
    ALREADY = "already"
    """That was done before."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What was found and done about one file."""

    file: Path
    outcome: Outcome
    found: Found | None = None
    saved_in: Path | None = None
    """Where what could be read is now."""
    kept: Path | None = None
    """Where the damaged file is now."""
    incidents: tuple[Incident, ...] = ()
    why: str = ""
    """Why nothing can be read."""


@dataclass
class _Heard:
    incidents: list[Incident]

    def note_incident(self, incident: Incident) -> None:
        self.incidents.append(incident)

    def note_room(self, free_bytes: int | None) -> None:
        """Saving nothing, a repair is not stopped by it."""


def repair_in_place(
    database: Path, on_progress: OnProgress, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Repaired:
    """Look at a database that no program has open, and repair it where it is damaged.

    Raises:
        StoreLocked: a program has it open.
        StoreCorrupt: it is no database of this program, or it is damaged and cannot be set aside.
        StoreError: it is not there, or the disk reports an error.
    """
    try:
        found = look(database, on_progress)
    except StoreLogDamaged:
        return _without_the_end_of_the_log(database, on_progress)
    except StoreDamaged as error:
        return Repaired(file=database, outcome=Outcome.UNREADABLE, why=error.message)
    if found.is_whole:
        if not holds_all(database):
            return _without_the_end_of_the_log(database, on_progress)
        return Repaired(file=database, outcome=Outcome.HEALTHY, found=found)
    saved = _beside(database, "repaired")
    found = salvage(database, saved, on_progress)
    try:
        kept = rename_aside(database, now())
    except OSError as error:
        raise StoreDamaged(
            f"{database} could not be set aside ({error.strerror or error}). What can be read of it is in {saved}."
        ) from error
    saved.rename(database)
    forget_mark(database)
    return Repaired(file=database, outcome=Outcome.REPLACED, found=found, saved_in=database, kept=kept[0])


def salvage_aside(damaged: Path, on_progress: OnProgress) -> Repaired:
    """Save what can be read of a database that was set aside into a new file beside it; it stays as it is.

    Raises:
        StoreLocked: a program has it open.
        StoreError: the new file cannot be written.
    """
    saved = damaged.with_name(f"{damaged.stem} repaired{damaged.suffix}")
    if saved.exists():
        return Repaired(file=damaged, outcome=Outcome.ALREADY, saved_in=saved)
    try:
        found = salvage(damaged, saved, on_progress)
    except StoreCorrupt as error:
        return Repaired(file=damaged, outcome=Outcome.UNREADABLE, why=error.message)
    return Repaired(file=damaged, outcome=Outcome.SALVAGED, found=found, saved_in=saved)


def set_aside_before(database: Path) -> tuple[Path, ...]:
    """The damaged databases beside this one that collecting went on without."""
    return tuple(each for each in damaged_files(database) if not each.stem.endswith(" repaired"))


def settle(database: Path) -> None:
    """Tell no more of what befell the database: its user has been told, and what could be done was done."""
    write_incidents(database, ())


def _without_the_end_of_the_log(database: Path, on_progress: OnProgress) -> Repaired:
    before = read_incidents(database)
    heard = _Heard([])
    DuckDbStore.open(database, spare_core=False, watcher=heard).close()
    found = None
    with suppress(StoreError):
        found = look(database, on_progress)
    return Repaired(
        file=database,
        outcome=Outcome.LOG_CUT,
        found=found,
        saved_in=database,
        incidents=tuple(each for each in heard.incidents if each not in before),
    )


def _beside(database: Path, what: str) -> Path:
    number = 1
    while True:
        name = f"{database.stem} {what}" if number == 1 else f"{database.stem} {what} ({number})"
        if not database.with_name(name + database.suffix).exists():
            return database.with_name(name + database.suffix)
        number += 1
