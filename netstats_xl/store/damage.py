"""What is done about a damaged database so that collecting goes on: nothing is deleted, and an account is given.

Decision 29 says when which is done.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from netstats_xl.domain.incidents import Incident, IncidentKind
from netstats_xl.errors import StoreCorrupt, StoreDamaged, StoreLogDamaged, StoreUnrecognised
from netstats_xl.ports import StoreWatcher
from netstats_xl.store.database_file import HEADERS_BYTES
from netstats_xl.store.incident_log import add_incident, read_incidents
from netstats_xl.store.saved_mark import Mark, forget_mark, mark_path, read_mark, write_mark
from netstats_xl.store.set_aside import LOG_SUFFIXES, copy_aside, files_of, newest_backup, rename_aside
from netstats_xl.store.wal import LogContent, read_log

Cursor = duckdb.DuckDBPyConnection
Attach = Callable[[], Cursor]
AttachNew = Callable[[Sequence[Path]], Cursor]
"""Makes a new database where nothing lies any more; the files are such as its definitions may be read from."""

_POSITION = re.compile(r"at byte position (\d+)")
MOST_CUTS = 20
"""How often a log is cut off, each time before the place at which it was found damaged; then all of it is left out."""


def is_damage(error: Exception) -> bool:
    """Whether the error says that the database is damaged, rather than that the file is something else."""
    return isinstance(error, StoreDamaged | StoreLogDamaged)


class Recovery:
    """Brings one database back to work after damage. Only whoever opens the database uses it."""

    def __init__(
        self,
        database: Path,
        watcher: StoreWatcher,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """What was not dealt with since earlier runs is told at once."""
        self._database = database
        self._watcher = watcher
        self._now = now
        self._begun_at: datetime | None = None
        self._cutting = False
        for incident in read_incidents(database):
            watcher.note_incident(incident)

    def check_not_emptied(self) -> None:
        """DuckDB would take a file without content for a new one.

        Raises:
            StoreDamaged: the file is there and has none, although something was saved into it.
        """
        if not mark_path(self._database).exists() or not self._database.is_file():
            return
        if self._database.stat().st_size < HEADERS_BYTES:
            raise StoreDamaged(
                f"The database {self._database} is damaged: results were saved into it, and it is empty now."
            )

    def bring_back(self, error: StoreCorrupt, attach: Attach, attach_new: AttachNew) -> Cursor:
        """Open the database although `error` was met: as it is, without the end of its log, or a new one.

        Raises:
            StoreError: it cannot be done. Nothing is lost by that.
        """
        if not is_damage(error) and not (
            isinstance(error, StoreUnrecognised) and mark_path(self._database).exists()
        ):
            raise error
        try:
            # What was misread once may be read now: a drive, a connection or a virus scanner was in the way.
            return attach()
        except StoreLogDamaged as again:
            return self._without_the_end_of_the_log(again, attach, attach_new)
        except (StoreDamaged, StoreUnrecognised) as again:
            return self.begin_anew(again, attach_new)

    def begin_anew(self, error: StoreCorrupt, attach_new: AttachNew) -> Cursor:
        """Set the database aside and make a new one in its place.

        Raises:
            StoreCorrupt: it cannot be set aside.
            StoreError: none can be made.
        """
        at = self._now()
        mark = read_mark(self._database)
        try:
            kept = rename_aside(self._database, at)
        except OSError as refused:
            raise type(error)(
                f"{error.message} It could not be set aside ({refused.strerror or refused})."
            ) from error
        forget_mark(self._database)
        backup = newest_backup(self._database)
        instance = attach_new([each for each in (kept[0], backup) if each is not None])
        self._note(
            Incident(
                kind=IncidentKind.SET_ASIDE,
                at=at,
                database=str(self._database),
                reason=_reason(error),
                kept=tuple(map(str, kept)),
                lost_until=mark.at if mark is not None else None,
                backup=str(backup) if backup is not None else "",
            )
        )
        return instance

    def compare(self, cursor: Cursor) -> None:
        """See whether all is there that was saved. To be called before anything is written to the database."""
        self._begun_at, stored = begun_at(cursor), last_batch(cursor)
        mark = read_mark(self._database)
        if self._cutting or mark is None or mark.begun_at != self._begun_at or mark.batch <= stored:
            return
        kept = tuple[Path, ...]()
        with suppress(OSError):  # the account is worth more than the copy
            kept = copy_aside(self._database, self._now(), log_alone=True)
        self._note(
            Incident(
                kind=IncidentKind.LOG_LOST,
                at=self._now(),
                database=str(self._database),
                kept=tuple(map(str, kept)),
                saved_until=_newest_tick(cursor),
                lost_until=mark.at,
            )
        )
        self.saved(stored)

    def saved(self, batch: int) -> None:
        """Note that the batch of this number is safe, and that there is none after it; 0: there is none at all."""
        if self._begun_at is not None:
            write_mark(self._database, Mark(batch=batch, at=self._now(), begun_at=self._begun_at))

    def _without_the_end_of_the_log(
        self, error: StoreLogDamaged, attach: Attach, attach_new: AttachNew
    ) -> Cursor:
        at = self._now()
        log = self._database.with_name(self._database.name + LOG_SUFFIXES[0])
        mark = read_mark(self._database)
        self._cutting = True
        try:
            found = log.stat()
            content = read_log(log)
            kept = copy_aside(self._database, at)
            instance, cut_at = self._cut(error, log, content, attach)
        except OSError as refused:
            raise StoreLogDamaged(
                f"{error.message} It could not be repaired ({refused.strerror or refused})."
            ) from error
        except StoreDamaged as worse:
            return self.begin_anew(worse, attach_new)
        finally:
            self._cutting = False
        self._note(
            Incident(
                kind=IncidentKind.LOG_CUT,
                at=at,
                database=str(self._database),
                reason=_reason(error),
                kept=tuple(map(str, kept)),
                saved_until=_newest_tick(instance),
                lost_until=mark.at if mark is not None else datetime.fromtimestamp(found.st_mtime, UTC),
                lost_commits=content.commits_after
                if content is not None and content.is_counted and content.whole_bytes == cut_at
                else None,
                lost_bytes=found.st_size - cut_at,
            )
        )
        self.saved(last_batch(instance))
        return instance

    def _cut(
        self, error: StoreLogDamaged, log: Path, content: LogContent | None, attach: Attach
    ) -> tuple[Cursor, int]:
        """Open the database with what is whole of its log, or else without it; how many bytes of it are left."""
        size = log.stat().st_size
        for _ in range(MOST_CUTS):
            position = _POSITION.search(_reason(error))
            if content is not None and content.whole_bytes < size:
                wanted = content.whole_bytes
            else:
                wanted = int(position[1]) if position else size
            if wanted >= size:
                break
            with log.open("rb+") as file:
                size = file.truncate(wanted)
            try:
                return attach(), size
            except StoreLogDamaged as again:
                error = again
        for each, suffix in files_of(self._database):
            if suffix:
                each.unlink()  # its copy is kept
        return attach(), 0

    def _note(self, incident: Incident) -> None:
        add_incident(self._database, incident)
        self._watcher.note_incident(incident)


def begun_at(cursor: Cursor) -> datetime | None:
    """When the database was made, as it says itself, naive UTC."""
    at: datetime | None
    [(at,)] = cursor.execute("SELECT min(applied_at) FROM schema_versions").fetchall()
    return at


def last_batch(cursor: Cursor) -> int:
    """The number of the last batch that is in the database, which may be an older version's; 0: there is none."""
    older = cursor.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND table_name = 'batches'"
    ).fetchall()
    numbers = "ordinal FROM batches" if older else "run FROM run_ids"
    [(batch,)] = cursor.execute(
        f"SELECT coalesce(max(number), 0) FROM (SELECT {numbers}) AS _(number)"  # noqa: S608 - built from constants
    ).fetchall()
    return int(batch)


def _newest_tick(cursor: Cursor) -> datetime | None:
    try:
        [(tick,)] = cursor.execute("SELECT max(tick) FROM samples").fetchall()
    except duckdb.Error:
        return None  # damaged as well, which is found out when it is read
    return None if tick is None else tick.replace(tzinfo=UTC)


def _reason(error: StoreCorrupt) -> str:
    """DuckDB's own words."""
    lines = str(error.__cause__ or error.message).strip().splitlines()
    return re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", lines[0]) if lines else ""
