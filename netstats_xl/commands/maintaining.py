"""`verify`, `restore` and `compact`: what is done with a database as a whole."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from netstats_xl import wiring
from netstats_xl.commands.asking import say
from netstats_xl.commands.backup import existing, find
from netstats_xl.commands.here import DEFAULT_WORKBOOK
from netstats_xl.commands.progress import shown
from netstats_xl.companion.backup_files import BackupFolder
from netstats_xl.companion.report_files import unused
from netstats_xl.control.sentences import counted
from netstats_xl.domain.results import Period
from netstats_xl.domain.windows import to_local
from netstats_xl.errors import CompanionNotRunning, StoreCorrupt, StoreError, StoreLocked

_FIRST_FLAWS = 10


def verify(source: Path | None) -> int:
    """Read a database in full and tell whether it is whole: 1 where it is not, else 0.

    One that is in use cannot be read by another program: its newest backup is verified instead.
    """
    database = existing(_named(source))
    try:
        return _verify(database)
    except StoreLocked as error:
        backups = [path for each, path in BackupFolder(database).backups() if each.version is None]
        if not backups:
            raise StoreError(
                f"{error.message} It has no backup yet that could be verified instead: `netstats-xl backup` makes and "
                "verifies one while it is in use."
            ) from error
        say(
            f"{database} is in use, so its newest backup is verified. `netstats-xl backup` makes a new one, and "
            "reads all of the database for that."
        )
        return _verify(backups[-1])


def _verify(path: Path) -> int:
    try:
        with shown() as show:
            found = wiring.verify_database(path, show)
    except StoreCorrupt as error:
        say(f"{path} is not right. {error.message}")
        return 1
    for flaw in found.flaws[:_FIRST_FLAWS]:
        say(f"- {flaw}")
    if found.flaws:
        say(f"{path} is not right: {counted(len(found.flaws), 'problem')} found.")
        return 1
    say(
        f"{path} is whole: {counted(found.samples, 'sample')}, {found.size_bytes / 1e6:,.1f} MB, schema version "
        f"{found.schema_version}."
    )
    return 0


def restore(source: Path, backup: Path | None, *, keep_newer: bool) -> int:
    """Put a backup in the place of the database; 1 where results since could not be read, else 0."""
    database, zone = wiring.database_of(source)
    now = wiring.clock().now()
    local = to_local(now, zone).replace(tzinfo=None)
    backup = backup or _newest(database)
    with wiring.keeping_collectors_off(database, "netstats-xl restore"), shown() as show:
        aside = unused(database.with_name(f"{database.stem} replaced {local:%Y-%m-%d %H%M}.duckdb"))
        done = wiring.restore_database(database, backup, aside, show, keep_newer=keep_newer, now=now)
    say(f"Restored {database} from {backup}: {counted(done.samples, 'sample')}.")
    if done.aside is not None:
        say(f"The database that was there is kept: {done.aside}")
    if done.merged is not None:
        brought = f"{counted(done.merged.samples, 'sample')} and {counted(done.merged.events, 'event')}"
        say(f"Brought over from it: {brought} that the backup had not.")
    problems = [done.not_merged] if done.not_merged else []
    if done.merged is not None:
        problems += [*_left_out(done.merged.rolled_up, done.merged.left_out, zone), *done.merged.unreadable]
    for problem in problems[:_FIRST_FLAWS]:
        say(f"warning: not brought over: {problem}", err=True)
    return 1 if problems else 0


def _left_out(rolled_up: Period | None, samples: int, zone: str) -> Iterator[str]:
    if rolled_up is not None:
        start, end = (to_local(each, zone) for each in (rolled_up.start, rolled_up.end))
        yield (
            f"what was measured from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}. The samples of that time had been "
            "deleted, and the backup is older: only the database that is kept has its rollups. A newer backup may have "
            "them, too: --list shows all."
        )
    if samples:
        yield (
            f"{counted(samples, 'sample')} of a time whose samples are deleted in the backup: its rollups may "
            "count them already."
        )


def list_backups(source: Path) -> None:
    """Print the backups that there are."""
    database, _ = wiring.database_of(source)
    folder = BackupFolder(database)
    table = Table(header_style="bold")
    for heading in ("Begun", "Kind", "File"):
        table.add_column(heading, overflow="fold")
    table.add_column("MB", justify="right")
    backups = folder.backups()
    for each, path in backups:
        kind = "backup" if each.version is None else f"before version {each.version}"
        table.add_row(f"{each.at:%Y-%m-%d %H:%M}", kind, Text(path.name), f"{path.stat().st_size / 1e6:,.1f}")
    say(f"Backups of {database} in {folder.path}:" if backups else f"There is no backup of {database} yet.")
    if backups:
        Console().print(table)


def compact(source: Path) -> None:
    """Write a database anew, without the room that deleted results left in it."""
    database = existing(wiring.database_of(source)[0])
    with wiring.keeping_collectors_off(database, "netstats-xl compact"), shown() as show:
        done = wiring.compact_database(database, show)
    say(f"{database}: {done.before_bytes:,} bytes before, {done.after_bytes:,} bytes now.")


def _named(source: Path | None) -> Path:
    if source is not None:
        return wiring.database_of(source)[0]
    try:
        with find(None) as client:
            return Path(client.endpoint.database)
    except CompanionNotRunning:
        return wiring.database_of(DEFAULT_WORKBOOK)[0]


def _newest(database: Path) -> Path:
    backups = BackupFolder(database).backups()
    ordinary = [path for each, path in backups if each.version is None] or [path for _, path in backups]
    if not ordinary:
        raise StoreError(
            f"There is no backup of {database} in {BackupFolder(database).path}. Name a copy with --from."
        )
    return ordinary[-1]
