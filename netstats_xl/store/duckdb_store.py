"""The result store in a DuckDB file."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Self, TypeVar

import duckdb

from netstats_xl.domain.backups import backups_of, folder_name
from netstats_xl.domain.forecast import StoreUsage
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import (
    EVERYTHING,
    Batch,
    JobRun,
    JobTotals,
    LatestSample,
    Period,
    Sample,
    Scope,
    State,
    StateChanged,
    StoreInfo,
)
from netstats_xl.domain.retention import Cutoffs, Deletable, DeletionRecord
from netstats_xl.domain.route_records import RouteRecord
from netstats_xl.domain.targets import Definitions, DestinationId, JobId, Settings
from netstats_xl.errors import StoreError
from netstats_xl.ports import Dimension, GroupSummary, OnProgress, StoredDefinitions, StoreWatcher, unheard
from netstats_xl.store import (
    catalogue,
    csv_export,
    history,
    ingest,
    parquet_export,
    pruning,
    queries,
    routes,
    statistics,
    usage,
)
from netstats_xl.store.backup import check_room, copy_to, used_bytes, write_copy
from netstats_xl.store.before_migrating import keep_copy
from netstats_xl.store.coverage import coverage_of
from netstats_xl.store.damage import Recovery
from netstats_xl.store.database import MEMORY, Cursor, Database
from netstats_xl.store.last_known import LastKnown, look_back
from netstats_xl.store.migrations import SCHEMA_VERSION
from netstats_xl.store.room import Room
from netstats_xl.store.rounds import rows_of
from netstats_xl.store.salvage import read_definitions
from netstats_xl.store.sealer import Now, Sealer
from netstats_xl.store.standing import NOTHING, Extent, load_extent, load_standing
from netstats_xl.store.stretch import Present
from netstats_xl.store.stretches import Stretches

STEPS_BEFORE_PRUNING = 8
"""How often it is tried to bring the rollups past what is to be deleted: what is not in them then stays."""
_LONGER_THAN_A_BUCKET = timedelta(hours=4)


def _now() -> datetime:
    return datetime.now(UTC)


Result = TypeVar("Result")


class DuckDbStore:
    """A `ports.ResultStore` in a DuckDB file that this process has for itself, or in memory.

    Readers see what was committed before they began, and neither wait for a batch that is being saved nor keep it
    waiting.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        spare_core: bool = True,
        watcher: StoreWatcher | None = None,
        room: Room | None = None,
        now: Now = _now,
    ) -> None:
        self._ledger = ingest.Ledger()
        self._stretches = Stretches()
        self._ready_for: int | None = None
        """What was saved, as `Present.saved`, when answers were made ready last."""
        self._sealer = Sealer(now)
        self._last_known = LastKnown()
        self._standing = NOTHING
        self._backing_up = Lock()
        self._known: StoredDefinitions | None = None
        self._recovery = None if path is None or watcher is None else Recovery(path.absolute(), watcher)
        if room is None and path is not None:
            room = Room(path.absolute()) if watcher is None else Room(path.absolute(), note=watcher.note_room)
        self._database = Database(
            path,
            spare_core=spare_core,
            loaded=self._load,
            recovery=self._recovery,
            begun_anew=self._begin_anew,
            room=room,
            before_migrating=keep_copy,
        )

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        spare_core: bool = True,
        watcher: StoreWatcher | None = None,
        room: Room | None = None,
        now: Now = _now,
    ) -> Self:
        """Open the file, and create or migrate it as need be; None: keep everything in memory.

        `spare_core` leaves one core to a prober in this process. With a `watcher` a damaged file ends nothing, now
        or later: what can be is repaired, else it is set aside and a new one begun, and the watcher is told. `room`
        watches the disk in place of the usual one; `now` tells the present instant, aware UTC.

        Raises:
            StoreLocked: another process, or this one, has it open.
            StoreCorrupt: it is damaged, or no database of this program.
            StoreTooNew: a newer version of this program or of DuckDB wrote it.
            StoreFull: the disk is full.
            StoreReadOnly: the file or its folder may not be written.
            MigrationFailed: its tables cannot be brought to this version.
            StoreError: its folder does not exist, or the disk reports another error.
        """
        return cls(path, spare_core=spare_core, watcher=watcher, room=room, now=now)

    def save_definitions(self, definitions: Definitions, *, at: datetime) -> None:
        """As `ports.ResultStore.save_definitions`."""
        self._database.write(
            lambda cursor: catalogue.save(cursor, definitions, at=at, keys=self._ledger.keys),
            committed=lambda new: self._ledger.keys.add(new),
        )
        self._know()

    def save_retired(self, definitions: Definitions, *, at: datetime) -> None:
        """As `ports.ResultStore.save_retired`."""
        self._database.write(
            lambda cursor: catalogue.save_retired(cursor, definitions, at=at, keys=self._ledger.keys),
            committed=lambda new: self._ledger.keys.add(new),
        )

    def save_settings(self, settings: Settings) -> None:
        """As `ports.ResultStore.save_settings`."""
        self._database.write(
            lambda cursor: catalogue.save_settings(cursor, settings),
            committed=lambda _: self._sealer.follow(settings.zone),
        )
        self._know()

    def save_stopped(self, jobs: Collection[JobId]) -> None:
        """As `ports.ResultStore.save_stopped`."""
        self._database.write(lambda cursor: catalogue.save_stopped(cursor, jobs), committed=lambda _: None)
        self._know()

    def definitions(self) -> StoredDefinitions:
        """As `ports.ResultStore.definitions`."""
        return self._database.read(catalogue.load)

    def save(self, batch: Batch) -> None:
        """As `ports.ResultStore.save`.

        A destination or job that was never defined gets a placeholder without a definition: no measurement is lost.
        """

        with self._database.right_of_way.taken():
            self._save(batch)

    def _save(self, batch: Batch) -> None:
        rows = rows_of(batch.samples)

        def save(cursor: Cursor) -> ingest.Saved | None:
            saved = ingest.save(cursor, batch, rows, self._ledger)
            if saved is not None:
                self._sealer.add_late(cursor, rows.ticks, self._ledger.next_run)
            return saved

        def entered(saved: ingest.Saved | None) -> None:
            if saved is None:
                return
            ingest.enter(self._ledger, batch, saved)
            self._last_known.note(rows)
            self._standing = self._standing.after(batch, rows)
            if self._recovery is not None:
                self._recovery.saved(saved.number)
            self._sealer.entered(rows.ticks)

        self._database.write(save, committed=entered)

    def roll_up(self) -> bool:
        """As `ports.ResultStore.roll_up`."""
        may_be_more = self._sealer.step(self._database)
        self._database.work_log_in()
        self._last_known.settle()
        self._keep_ready()
        self._database.free_memory()
        return may_be_more

    def latest(self, period: Period) -> Mapping[DestinationId, LatestSample]:
        """As `ports.ResultStore.latest`."""
        self._database.right_of_way.give()
        return self._last_known.latest(
            period, lambda asked: self._database.read(lambda cursor: look_back(cursor, asked))
        )

    def states(self) -> Mapping[DestinationId, State]:
        """As `ports.ResultStore.states`."""
        return self._database.known(lambda: self._standing).states

    def job_totals(self) -> Mapping[JobId, JobTotals]:
        """As `ports.ResultStore.job_totals`."""
        return self._database.known(lambda: self._standing).totals

    def summaries(
        self,
        period: Period,
        *,
        scope: Scope = EVERYTHING,
        by: Collection[Dimension] = (),
        edges: Sequence[datetime] = (),
        percentiles: bool = True,
    ) -> Sequence[GroupSummary]:
        """As `ports.ResultStore.summaries`."""
        known = self._database.known(
            lambda: statistics.remembered(
                period,
                scope,
                by,
                edges,
                percentiles=percentiles,
                stretches=self._stretches,
                present=self._present(),
            )
        )
        if known is not None:
            return known
        return self._database.read(
            lambda cursor: statistics.summaries(
                cursor,
                period,
                scope,
                by,
                edges,
                percentiles=percentiles,
                stretches=self._stretches,
                present=self._present(),
            )
        )

    def jitter_rfc3550(
        self, period: Period, *, scope: Scope = EVERYTHING
    ) -> Mapping[tuple[JobId, DestinationId], float]:
        """As `ports.ResultStore.jitter_rfc3550`."""
        return self._database.read(
            lambda cursor: statistics.jitter_rfc3550(cursor, period, scope, self._ledger.keys)
        )

    def histogram(
        self, period: Period, edges_ms: Sequence[float], *, scope: Scope = EVERYTHING
    ) -> Sequence[int]:
        """As `ports.ResultStore.histogram`."""
        return self._database.read(
            lambda cursor: statistics.histogram(cursor, period, scope, edges_ms, self._ledger.keys)
        )

    def samples(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[Sample]:
        """As `ports.ResultStore.samples`."""
        return self._database.read(lambda cursor: queries.samples(cursor, period, scope, limit))

    def imported_ticks(
        self, job_id: JobId, within: Mapping[DestinationId, Period]
    ) -> Collection[tuple[DestinationId, datetime]]:
        """As `ports.ResultStore.imported_ticks`."""
        return self._database.read(lambda cursor: history.imported_ticks(cursor, job_id, within))

    def measured_hours(
        self, within: Mapping[DestinationId, Period], *, apart_from: Collection[JobId] = ()
    ) -> Collection[tuple[DestinationId, datetime]]:
        """As `ports.ResultStore.measured_hours`."""
        return self._database.read(lambda cursor: history.measured_hours(cursor, within, apart_from))

    def runs(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[JobRun]:
        """As `ports.ResultStore.runs`."""
        return self._database.read(lambda cursor: queries.runs(cursor, period, scope, limit))

    def events(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[StateChanged]:
        """As `ports.ResultStore.events`."""
        return self._database.read(lambda cursor: queries.events(cursor, period, scope, limit))

    def current_routes(
        self, before: datetime, *, scope: Scope = EVERYTHING
    ) -> Mapping[DestinationId, RouteRecord]:
        """As `ports.ResultStore.current_routes`."""
        return self._database.read(lambda cursor: routes.current(cursor, before, scope))

    def routes(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[RouteRecord]:
        """As `ports.ResultStore.routes`."""
        return self._database.read(lambda cursor: routes.found_first(cursor, period, scope, limit))

    def export_csv(self, path: Path, period: Period, *, scope: Scope = EVERYTHING, zone: str = "UTC") -> int:
        """As `ports.ResultStore.export_csv`; a `ReportError` where the CSV file cannot be written."""
        return self._database.read(lambda cursor: csv_export.export(cursor, path, period, scope, zone))

    def export_parquet(
        self, path: Path, period: Period, *, scope: Scope = EVERYTHING, rollup: Level | None = None
    ) -> int:
        """As `ports.ResultStore.export_parquet`; a `ReportError` where the file cannot be written."""
        return self._database.read(lambda cursor: parquet_export.export(cursor, path, period, scope, rollup))

    def prune(self, cutoffs: Cutoffs) -> int:
        """As `ports.ResultStore.prune`."""
        for _ in range(STEPS_BEFORE_PRUNING):
            until = self._sealer.frontier.samples_until
            if until is not None and until >= cutoffs.raw:
                break
            if not self._sealer.step(self._database, by_clock_until=cutoffs.raw + _LONGER_THAN_A_BUCKET):
                break
        self._sealer.change(
            self._database, lambda cursor, frontier: pruning.prune_runs(cursor, frontier, cutoffs)
        )
        deleted = 0
        while part := self._sealer.change(
            self._database, lambda cursor, frontier: pruning.prune_samples(cursor, frontier, cutoffs)
        ):
            deleted += part
        while self._sealer.change(
            self._database, lambda cursor, frontier: pruning.prune_rollups(cursor, frontier, cutoffs)
        ):
            pass
        # As one writes: what is saved meanwhile is counted, too.
        self._database.write(load_extent, committed=self._note_pruned)
        return deleted

    def deletable(self, cutoffs: Cutoffs) -> Deletable:
        """As `ports.ResultStore.deletable`."""
        return self._database.read(lambda cursor: pruning.deletable(cursor, self._sealer.frontier, cutoffs))

    def backup(self, path: Path, on_progress: OnProgress = unheard, *, read_only: bool = False) -> None:
        """As `ports.ResultStore.backup`. One at a time: a second one waits for the first."""
        if path.absolute() == self._database.path:
            raise StoreError(f"{path} is the database itself. Choose another place for the copy.")

        def copy(temporary: Path) -> int:
            check_room(self._database.read(used_bytes), path)
            return self._database.read(lambda cursor: copy_to(cursor, temporary, on_progress, target=path))

        with self._backing_up:
            write_copy(copy, path, on_progress, read_only=read_only)

    def deletions(self) -> DeletionRecord:
        """As `ports.ResultStore.deletions`."""
        return self._database.read(catalogue.load_deletions)

    def save_deletions(self, record: DeletionRecord) -> None:
        """As `ports.ResultStore.save_deletions`."""
        self._database.write(
            lambda cursor: catalogue.save_deletions(cursor, record), committed=lambda _: None
        )

    def usage(self, since: datetime) -> StoreUsage:
        """As `ports.ResultStore.usage`."""
        return self._database.read(lambda cursor: usage.usage(cursor, self._database, since))

    def info(self) -> StoreInfo:
        """As `ports.ResultStore.info`."""
        extent = self._database.known(lambda: self._standing).extent
        return StoreInfo(
            location="memory" if self._database.path == MEMORY else str(self._database.path),
            schema_version=SCHEMA_VERSION,
            samples=extent.samples,
            first_sample_at=extent.first_at,
            last_sample_at=extent.last_at,
            size_bytes=self._database.size_bytes(),
            details={"engine": f"DuckDB {duckdb.__version__}"} | self._last_backup(),
        )

    def ask(self, query: Callable[[Cursor], Result]) -> Result:
        """For maintenance in this package: what the query returns of a cursor of its own.

        Raises:
            StoreError: it cannot be answered.
        """
        return self._database.read(query)

    def change(self, change: Callable[[Cursor], object]) -> None:
        """For maintenance in this package: change the tables in a transaction, and read again what is kept of them.

        Raises:
            StoreError: nothing was changed.
        """
        self._database.write(change, committed=lambda _: self._database.read(self._load))

    def close(self) -> None:
        """As `ports.ResultStore.close`."""
        self._database.close()

    def _keep_ready(self) -> None:
        """Have answers ready that are likely to be asked for: as far as it is worth it, nothing is done twice."""
        newest_at, present = self._standing.extent.last_at, self._present()
        if present.saved == self._ready_for and not self._stretches.lags(present):
            return
        begun = self._database.read(
            lambda cursor: statistics.keep_ready(cursor, self._stretches, present, newest_at)
        )
        self._ready_for = present.saved
        if begun is not None:
            self.latest(begun)

    def _present(self) -> Present:
        return Present(self._ledger.next_run, coverage_of(self._sealer.frontier), self._ledger.keys)

    def _last_backup(self) -> dict[str, str]:
        """When the last backup was begun, where there is any."""
        path = self._database.path
        try:
            names = (
                []
                if path == MEMORY
                else [each.name for each in path.with_name(folder_name(path.stem)).iterdir()]
            )
        except OSError:  # there is no such folder yet, or it cannot be looked into
            names = []
        ats = [each.at for each in backups_of(path.stem, names) if each.version is None]
        return {"last backup": f"{max(ats):%Y-%m-%d %H:%M}"} if ats else {}

    def _load(self, cursor: Cursor) -> None:
        self._ledger = ingest.load_ledger(cursor)
        self._standing = load_standing(cursor)
        self._last_known.forget(self._standing.extent.last_at)
        self._stretches = Stretches()
        self._ready_for = None
        self._sealer.load(cursor)

    def _note_pruned(self, extent: Extent) -> None:
        self._standing = replace(self._standing, extent=extent)
        self._last_known.forget(extent.last_at)

    def _know(self) -> None:
        """Keep in memory what a new file would have to be told in place of a damaged one."""
        if self._recovery is not None:
            self._known = self.definitions()

    def _begin_anew(self, cursor: Cursor, sources: Sequence[Path]) -> None:
        known = self._known or next(filter(None, map(read_definitions, sources)), None)
        if known is None:
            return
        cursor.execute("BEGIN")
        catalogue.save_all(cursor, known, at=datetime.now(UTC))
        cursor.execute("COMMIT")
