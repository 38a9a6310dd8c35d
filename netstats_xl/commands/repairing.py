"""`repair`: a damaged database is brought back as far as it can be read."""

import sys
from pathlib import Path

from netstats_xl import wiring
from netstats_xl.commands.asking import say
from netstats_xl.domain.incidents import tell
from netstats_xl.domain.windows import to_local
from netstats_xl.errors import StoreError, StoreLocked
from netstats_xl.sheets import SETTINGS, read_definitions
from netstats_xl.wiring import repairing
from netstats_xl.wiring.repairing import Outcome, Repaired

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")


def repair(target: Path) -> int:
    """Repair the database of a workbook, or a database file, and what was set aside of it; 1 where results are gone.

    A healthy database is not changed.

    Raises:
        StoreError: there is none, or it cannot be repaired.
        WorkbookError: the workbook cannot be read.
    """
    zone = wiring.system_zone()
    database = target
    if target.suffix.casefold() in WORKBOOK_SUFFIXES:
        settings = read_definitions(
            wiring.file_workbook(target).read((SETTINGS,)), default_zone=zone
        ).settings
        database, zone = wiring.database_path(target, settings), settings.zone
    aside = repairing.set_aside_before(database)
    if not database.exists() and not aside:
        raise StoreError(f"There is no database at {database}. Name a workbook, or a database file.")
    done = list[Repaired]()
    locked: StoreLocked | None = None
    if database.exists():
        try:
            done.append(repairing.repair_in_place(database, _progress))
        except StoreLocked as error:
            locked = error
    done += [repairing.salvage_aside(each, _progress) for each in aside]
    _end_of_progress()
    for each in done:
        for line in _lines(each, zone, database):
            say(line)
    if locked is not None and not aside:
        raise locked
    if locked is not None:
        say(f"{database.name} itself was not looked at: {locked.message}")
    else:
        repairing.settle(database)
    return 0 if all(_is_whole(each) for each in done) else 1


def _is_whole(repaired: Repaired) -> bool:
    if repaired.outcome is Outcome.ALREADY:
        return True
    return not repaired.incidents and repaired.found is not None and repaired.found.is_whole


def _lines(repaired: Repaired, zone: str, database: Path) -> list[str]:
    name = repaired.file.name
    match repaired.outcome:
        case Outcome.HEALTHY:
            return [f"{name} is healthy ({_samples(repaired)}). Nothing was changed."]
        case Outcome.ALREADY:
            return [f"{name}: what can be read of it was saved before, in {_place(repaired)}."]
        case Outcome.UNREADABLE:
            return [
                f"{name}: nothing can be read of it. {repaired.why} It was left as it is: a backup is what helps, "
                f"`netstats-xl restore` brings it back."
            ]
        case Outcome.LOG_CUT:
            return [tell(each, zone) for each in repaired.incidents] + [
                f"{name} can be used again ({_samples(repaired)})."
            ]
        case Outcome.REPLACED:
            first = (
                f"{name} was damaged. What can be read of it is in its place now ({_samples(repaired)}); the damaged "
                f"file is kept as {repaired.kept.name if repaired.kept else ''}."
            )
        case Outcome.SALVAGED:
            first = (
                f"{name}: what can be read of it is in {_place(repaired)} now ({_samples(repaired)}). "
                f"`netstats-xl restore` can add it to {database.name}, and `netstats-xl report --database` makes a "
                "report of it. The damaged file stays."
            )
    return [first, *_gaps(repaired, zone)]


def _gaps(repaired: Repaired, zone: str) -> list[str]:
    if repaired.found is None:
        return []
    lines = [
        f"  {each.name}: {each.rows:,} rows saved, {sum(gap.rows for gap in each.gaps):,} gone"
        for each in repaired.found.tables
        if each.gaps
    ]
    for each in repaired.found.tables:
        for gap in each.gaps:
            if gap.first_at is not None and gap.last_at is not None:
                first, last = (to_local(at, zone) for at in (gap.first_at, gap.last_at))
                lines.append(
                    f"  {each.name}: gone from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S}"
                )
    if repaired.found.log_left_out:
        lines.append("  Its write-ahead log is damaged: what had been saved last is not among it.")
    return lines or ["  All of it could be read."]


def _samples(repaired: Repaired) -> str:
    return (
        f"{repaired.found.rows_of('samples'):,} samples" if repaired.found is not None else "not read again"
    )


def _place(repaired: Repaired) -> str:
    return repaired.saved_in.name if repaired.saved_in is not None else ""


def _progress(table: str, done: int, rows: int) -> None:
    """One line that is written over, for whoever looks at it."""
    if sys.stderr.isatty():
        part = f" {done * 100 // rows} %" if rows else ""
        sys.stderr.write(f"\r\x1b[KReading {table}{part}")
        sys.stderr.flush()


def _end_of_progress() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
