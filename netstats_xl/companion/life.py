"""Collecting from start to stop: who is called when, and what happens when something does not work."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from netstats_xl import __version__
from netstats_xl.app.backlog import Backlog
from netstats_xl.app.loading import Loaded, Loading
from netstats_xl.app.monitoring import Monitoring
from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.reporting import Reporting
from netstats_xl.domain.results import EVERYTHING, Period, State
from netstats_xl.domain.states import DestinationStatus, JobStatus
from netstats_xl.domain.targets import Job, Settings
from netstats_xl.errors import SheetInvalid, StoreError, StoreLocked, WorkbookError
from netstats_xl.ports import Prober, ResultStore
from netstats_xl.sheets import DESTINATIONS, JOBS, SETTINGS, read_definitions
from netstats_xl.wiring import Parts

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 1
REFRESH_EVERY_S = 2
PRUNE_EVERY_S = 3_600
STOP_WITHIN_S = 10
LATEST_WITHIN = timedelta(days=7)
"""How far back the last sample of a destination is looked for at start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a display shows of a companion at work."""

    at: datetime
    jobs: Sequence[tuple[Job, JobStatus]]
    destinations: dict[str, DestinationStatus]
    unsaved: int
    warnings: tuple[str, ...]
    report: str
    """Where the last report lies; empty before the first."""
    database: str
    zone: str

    def count(self, state: State) -> int:
        """How many destinations are in this state."""
        return sum(status.state is state for status in self.destinations.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How collecting ended."""

    report: str
    """Where the report lies; empty where none could be written."""
    problems: tuple[str, ...]
    """What the user should act on: results that were not saved, a report that could not be written."""


class Companion:
    """Collects until it is stopped. `start`, `snapshot` and `stop` are called from one thread."""

    def __init__(self, parts: Parts, *, confirm_removals: bool = False) -> None:
        self._parts = parts
        self._confirmed = confirm_removals
        self._notices: dict[str, str] = {}
        """By topic; a topic's notice goes when its cause has gone."""
        self._report = ""
        # A chore that takes longer than stopping waits for it goes on in its thread meanwhile.
        self._saving = Lock()
        self._publishing = Lock()
        self._store: ResultStore
        self._prober: Prober
        self._loaded: Loaded
        self._revision = ""
        self._scheduler = parts.make_scheduler(self._note_error)

    def start(self) -> None:
        """Read the workbook, open the database and the sockets, and begin.

        Raises:
            WorkbookError: the workbook cannot be read.
            SheetInvalid: it has no job that can run.
            StoreLocked: another process has the database open.
            ProbeEngineError: no probe can be sent.
        """
        parts = self._parts
        with ExitStack() as undo:
            settings = self._settings_for_start()
            self._store = self._open_store(settings)
            undo.callback(self._store.close)
            self._location = self._store.info().location
            self._loading = Loading(
                parts.workbook, self._store, parts.clock, parts.new_id, default_zone=parts.default_zone
            )
            self._revision = parts.workbook.revision()
            self._loaded = self._loading.load(confirmed=self._confirmed)
            if not self._loaded.definitions.jobs:
                raise SheetInvalid(
                    f"{parts.workbook_name} has no job that can run. "
                    "Fill in a row of the Jobs table, save the workbook, and start again.",
                    self._loaded.cell_errors,
                )
            self._prober = parts.open_prober()
            undo.callback(lambda: asyncio.run(self._prober.close()))
            self._backlog = Backlog(self._store, parts.clock, parts.new_id)
            now = parts.clock.now()
            self._monitoring = Monitoring(
                self._prober,
                parts.clock,
                self._backlog,
                parts.new_id,
                states=self._store.states(),
                latest=self._store.latest(Period(start=now - LATEST_WITHIN, end=now)),
                totals=self._store.job_totals(),
            )
            self._monitoring.load(self._loaded.definitions, self._loaded.settings)
            self._reporting = Reporting(self._store, parts.workbook)
            self._begin(settings)
            undo.pop_all()

    def _begin(self, settings: Settings) -> None:
        scheduler = self._scheduler
        scheduler.every("save", FLUSH_EVERY_S, self._flush)
        scheduler.every("read the workbook", REFRESH_EVERY_S, self._refresh)
        scheduler.every("report", settings.report_every_s, self._publish)
        scheduler.every("prune", PRUNE_EVERY_S, self._prune)
        self._prune()
        scheduler.start()
        self._schedule_jobs()

    def _settings_for_start(self) -> Settings:
        tables = self._parts.workbook.read((DESTINATIONS, JOBS, SETTINGS))
        return read_definitions(tables, default_zone=self._parts.default_zone).settings

    def _open_store(self, settings: Settings) -> ResultStore:
        try:
            return self._parts.open_store(settings)
        except StoreLocked:
            raise
        except StoreError as error:
            self._notices["store"] = (
                f"Results are kept in memory only and will be lost at the end, but for the report: {error.message}"
            )
            return self._parts.open_memory_store()

    def _schedule_jobs(self) -> None:
        jobs = self._loaded.definitions.jobs
        self._scheduler.set_jobs({job.id: job.schedule for job in jobs if job.enabled}, self._monitoring.tick)

    def _flush(self) -> None:
        with self._saving:
            self._backlog.flush()
        if self._backlog.error is None:
            self._notices.pop("save", None)
        else:
            self._notices["save"] = (
                f"{self._backlog.unsaved} results wait in memory, and saving is tried again: "
                f"{self._backlog.error.message}"
            )
        if self._backlog.dropped:
            self._notices["dropped"] = (
                f"{self._backlog.dropped} results were given up because memory ran out."
            )

    async def _refresh(self) -> None:
        """Read the workbook again where it has changed; what cannot be read now is tried at the next time."""
        try:
            revision = await asyncio.to_thread(self._parts.workbook.revision)
            if revision == self._revision and self._loaded.saved:
                return
            loaded = await asyncio.to_thread(self._loading.load, confirmed=self._confirmed)
        except (WorkbookError, StoreError) as error:
            self._notices["workbook"] = f"The workbook's changes are not in force yet: {error.message}"
            return
        self._notices.pop("workbook", None)
        self._revision, self._loaded = revision, loaded
        self._monitoring.load(loaded.definitions, loaded.settings)
        self._schedule_jobs()

    def _publish(self, *, running: bool = True) -> None:
        try:
            with self._publishing:  # the last report must not be replaced by an older one that took longer
                self._report = self._reporting.publish(self._report_inputs(running=running))
        except (WorkbookError, StoreError) as error:
            self._notices["report"] = f"The report is not up to date: {error.message}"
        else:
            self._notices.pop("report", None)

    def _report_inputs(self, *, running: bool) -> ReportInputs:
        loaded, now = self._loaded, self._parts.clock.now()
        return ReportInputs(
            definitions=self._monitoring.definitions,
            retired=self._store.definitions().retired,
            settings=loaded.settings,
            tables=loaded.tables,
            cell_errors=loaded.cell_errors,
            destination_status=self._monitoring.destination_status(),
            job_status=self._monitoring.job_status(running=running),
            row_ids=loaded.row_ids,
            period=Period(start=now - timedelta(hours=loaded.settings.report_period_h), end=now),
            scope=EVERYTHING,
            generated_at=now,
            version=__version__,
            source=self._parts.workbook_name,
            warnings=self._warnings(),
        )

    def _prune(self) -> None:
        before = self._parts.clock.now() - timedelta(days=self._loaded.settings.retention_days)
        try:
            self._store.prune(before)
        except StoreError as error:
            self._notices["prune"] = f"Old results could not be deleted: {error.message}"
        else:
            self._notices.pop("prune", None)

    def _warnings(self) -> tuple[str, ...]:
        # A copy first: other threads add and remove notices.
        return (*self._notices.copy().values(), *self._loaded.warnings)

    def snapshot(self) -> Snapshot:
        """What goes on now."""
        status = self._monitoring.job_status(running=True)
        jobs = self._monitoring.definitions.jobs
        bad = len(self._loaded.cell_errors)
        noun = "cell of the workbook needs" if bad == 1 else "cells of the workbook need"
        cells = (f"{bad} {noun} attention: `netstats-xl check` lists them.",) if bad else ()
        return Snapshot(
            at=self._parts.clock.now(),
            jobs=[(job, status[job.id]) for job in jobs if job.id in status],
            destinations=self._monitoring.destination_status(),
            unsaved=self._backlog.unsaved,
            warnings=(*self._warnings(), *cells),
            report=self._report,
            database=self._location,
            zone=self._loaded.settings.zone,
        )

    def stop(self) -> Ending:
        """End the rounds under way, save what waits, write the report, and close everything."""
        scheduler, problems = self._scheduler, list[str]()
        scheduler.drain(STOP_WITHIN_S)
        scheduler.run(self._prober.close())
        scheduler.stop(STOP_WITHIN_S)
        with self._saving:
            saved = self._backlog.flush(now=True)
        if not saved and self._backlog.error is not None:
            problems.append(
                f"{self._backlog.unsaved} results could not be saved: {self._backlog.error.message}"
            )
        self._publish(running=False)
        notices = self._notices.copy()
        problems.extend(notices[topic] for topic in ("store", "dropped", "report") if topic in notices)
        try:
            self._store.close()
        except StoreError as error:
            problems.append(error.message)
        return Ending(report=self._report, problems=tuple(problems))

    def _note_error(self, name: str, error: Exception) -> None:
        """What nobody foresaw, of a job or a chore: it is shown, and collecting goes on."""
        job = self._monitoring.definitions.job(name)
        name = f"job {job.name}" if job else name
        logger.error("Internal error in %s", name, exc_info=error)
        self._notices[f"internal {name}"] = f"Internal error in {name}, please report it: {error!r}"
