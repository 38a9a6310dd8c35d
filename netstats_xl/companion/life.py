"""A companion's life: what begins in which order, what happens when something does not work, and the end."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from netstats_xl import __version__
from netstats_xl.app.backlog import RoundRecord
from netstats_xl.app.editing import Editing
from netstats_xl.app.loading import Loaded, Loading
from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.reporting import Reporting
from netstats_xl.app.service import Event, EventKind, ReportRequest, WorkbookState
from netstats_xl.companion.collecting import Collecting
from netstats_xl.companion.events import EventHub
from netstats_xl.companion.live_showing import LiveShowing
from netstats_xl.companion.notices import Notices
from netstats_xl.companion.report_files import ReportSource, write_report
from netstats_xl.companion.service import CompanionService
from netstats_xl.companion.sheet_watch import LOOK_EVERY_S, SheetWatch
from netstats_xl.companion.showing import FileShowing, Showing
from netstats_xl.domain.results import EVERYTHING, Period, State
from netstats_xl.domain.states import DestinationStatus, JobStatus
from netstats_xl.domain.targets import Definitions, Job, Settings
from netstats_xl.errors import ControlError, SheetInvalid, StoreError, StoreLocked, WorkbookError
from netstats_xl.hosting.endings import StopRequest
from netstats_xl.parts import Parts, Server
from netstats_xl.ports import ResultStore
from netstats_xl.sheets import DESTINATIONS, JOBS, SETTINGS, read_definitions

logger = logging.getLogger(__name__)

STOP_WITHIN_S = 10


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

    def __init__(
        self, parts: Parts, *, confirm_removals: bool = False, stop: StopRequest | None = None
    ) -> None:
        """`stop` is asked when the companion is told to end; it is for the caller to call :meth:`stop` then."""
        self._parts = parts
        self._confirmed = confirm_removals
        self._stop_request = stop or StopRequest()
        self._notices = Notices()
        self._hub = EventHub()
        self._errors_logged: dict[str, str] = {}
        self._in_force: tuple[Definitions, Settings] | None = None
        self._undo = ExitStack()
        self._server: Server | None = None
        self._store: ResultStore
        self._collecting: Collecting
        self._watch: SheetWatch
        self._showing: Showing
        self._scheduler = parts.make_scheduler(self._note_error)

    def start(self) -> None:
        """Read the workbook, open the database and the sockets, and begin.

        Raises:
            WorkbookError: a workbook file cannot be read.
            SheetInvalid: it has no job that can run, or nothing is known of a live workbook that is closed.
            StoreLocked: another process collects into the database, or has it open.
            ProbeEngineError: no probe can be sent.
        """
        parts = self._parts
        with ExitStack() as undo:
            settings = self._settings_for_start()
            undo.enter_context(parts.hold(settings))
            self._store = self._open_store(settings)
            undo.callback(self._store.close)
            undo.callback(parts.workbook.close)
            self._location = self._store.info().location
            self._watch = self._make_watch()
            loaded = self._watch.begin()
            self._check_can_begin(loaded)
            prober = parts.open_prober()
            self._scheduler.start()
            undo.callback(self._scheduler.stop, 0)
            undo.callback(lambda: asyncio.run(prober.close()))
            self._collecting = Collecting(
                store=self._store,
                prober=prober,
                scheduler=self._scheduler,
                clock=parts.clock,
                new_id=parts.new_id,
                notices=self._notices,
                on_record=self._note_record,
                on_error=self._note_error,
            )
            self._showing = self._make_showing()
            self._begin(loaded)
            self._undo = undo.pop_all()
        logger.info("Collecting for %s into %s", parts.workbook_name, self._location)

    def _begin(self, loaded: Loaded) -> None:
        scheduler = self._scheduler
        self._collecting.begin()
        self._showing.note_state(self._watch.state)
        self._showing.begin(scheduler, loaded.settings)
        scheduler.every("read the workbook", LOOK_EVERY_S, self._watch.look)
        self._put_in_force(loaded)
        self._collecting.prune()
        self._serve(loaded.settings)

    def _make_watch(self) -> SheetWatch:
        parts = self._parts
        zone = parts.default_zone
        loading = Loading(parts.workbook, self._store, parts.clock, parts.new_id, default_zone=zone)
        return SheetWatch(
            parts.workbook,
            loading,
            Editing(parts.workbook, loading, default_zone=zone),
            self._notices,
            live=parts.live_views is not None,
            confirmed=self._confirmed,
            on_loaded=self._put_in_force,
            on_state=self._note_state,
        )

    def _make_showing(self) -> Showing:
        parts = self._parts
        if parts.live_views is None:
            return FileShowing(Reporting(self._store, parts.workbook), self._report_inputs, self._notices)
        return LiveShowing(
            workbook=parts.workbook,
            views=parts.live_views,
            store=self._store,
            inputs=self._report_inputs,
            clock=parts.clock,
            cpu_s=parts.cpu_s,
            notices=self._notices,
        )

    def _settings_for_start(self) -> Settings:
        """What tells where the database is; where a live workbook cannot be reached, what held the last time."""
        parts = self._parts
        try:
            tables = parts.workbook.read((DESTINATIONS, JOBS, SETTINGS))
        except WorkbookError:
            if parts.live_views is None:
                raise
            return parts.last_settings()
        return read_definitions(tables, default_zone=parts.default_zone).settings

    def _open_store(self, settings: Settings) -> ResultStore:
        try:
            return self._parts.open_store(settings)
        except StoreLocked:
            raise
        except StoreError as error:
            self._notices.set(
                "store",
                "Results are kept in memory only and will be lost at the end, but for the report: "
                f"{error.message}",
            )
            return self._parts.open_memory_store()

    def _check_can_begin(self, loaded: Loaded) -> None:
        """A live workbook may be filled in while it is watched; of a file, somebody has to hear now."""
        name = self._parts.workbook_name
        if loaded.definitions.jobs or self._watch.state in (WorkbookState.OPEN, WorkbookState.BUSY):
            return
        if self._watch.state is WorkbookState.CLOSED:
            raise SheetInvalid(
                f"{name} is not open, and nothing is known of it yet. Open it, and start again."
            )
        raise SheetInvalid(
            f"{name} has no job that can run. Fill in a row of the Jobs table, save the workbook, and start again.",
            loaded.cell_errors,
        )

    def _serve(self, settings: Settings) -> None:
        """Without a control channel it collects none the less."""
        self.service = CompanionService(
            collecting=self._collecting,
            watch=self._watch,
            showing=self._showing,
            hub=self._hub,
            store=self._store,
            clock=self._parts.clock,
            workbook=self._parts.workbook_name,
            warnings=self._warnings,
            write_report=self._write_report,
            look_soon=lambda: self._scheduler.soon("read the workbook"),
            stop=self._stop_request.ask,
        )
        if self._parts.make_server is None:
            return
        server = self._parts.make_server(self.service, settings, self._location, self.service.started_at)
        try:
            server.start()
        except ControlError as error:
            self._notices.set("control", f"Neither the ribbon nor other commands reach it: {error.message}")
            logger.warning("No control channel: %s", error.message)
        else:
            self._server = server

    def _put_in_force(self, loaded: Loaded) -> None:
        self._collecting.put_in_force(loaded.definitions, loaded.settings)
        self._showing.note_settings(loaded.settings)
        in_force = loaded.definitions, loaded.settings
        if self._in_force is not None and self._in_force != in_force:
            self._hub.tell(Event(kind=EventKind.JOBS))
        self._in_force = in_force

    def _note_record(self, record: RoundRecord) -> None:
        self._hub.tell_record(record)
        self._showing.note_change()

    def _note_state(self, state: WorkbookState) -> None:
        logger.info("The workbook is %s", state)
        self._hub.tell(Event(kind=EventKind.WORKBOOK, data={"state": state}))
        self._showing.note_state(state)
        if state is WorkbookState.CLOSED and self._watch.loaded.settings.when_closed == "stop":
            self._stop_request.ask()

    def _report_inputs(self, running: bool) -> ReportInputs:
        loaded, now = self._watch.loaded, self._parts.clock.now()
        monitoring = self._collecting.monitoring
        return ReportInputs(
            definitions=monitoring.definitions,
            retired=self._store.definitions().retired,
            settings=loaded.settings,
            tables=loaded.tables,
            cell_errors=loaded.cell_errors,
            destination_status=monitoring.destination_status(),
            job_status=monitoring.job_status(running=running),
            row_ids=loaded.row_ids,
            period=Period(start=now - timedelta(hours=loaded.settings.report_period_h), end=now),
            scope=EVERYTHING,
            generated_at=now,
            version=__version__,
            source=self._parts.workbook_name,
            warnings=self._warnings(),
        )

    def _write_report(self, request: ReportRequest) -> Path:
        loaded = self._watch.loaded
        source = ReportSource(
            name=self._parts.workbook_name,
            stem=Path(self._parts.workbook_name).stem,
            folder=self._parts.report_folder,
            own=(*self._parts.own_files, Path(self._location)),
            settings=loaded.settings,
            tables=loaded.tables,
            row_ids=loaded.row_ids,
            cell_errors=loaded.cell_errors,
        )
        now = self._parts.clock.now()
        return write_report(self._store, request, source, now=now, report_to=self._parts.report_to).path

    def _warnings(self) -> tuple[str, ...]:
        return (*self._notices.texts(), *self._watch.loaded.warnings)

    def snapshot(self) -> Snapshot:
        """What goes on now."""
        monitoring = self._collecting.monitoring
        status = monitoring.job_status(running=True)
        bad = len(self._watch.loaded.cell_errors)
        noun = "cell of the workbook needs" if bad == 1 else "cells of the workbook need"
        cells = (f"{bad} {noun} attention: `netstats-xl check` lists them.",) if bad else ()
        return Snapshot(
            at=self._parts.clock.now(),
            jobs=[(job, status[job.id]) for job in monitoring.definitions.jobs if job.id in status],
            destinations=monitoring.destination_status(),
            unsaved=self._collecting.unsaved,
            warnings=(*self._warnings(), *cells),
            report=self._showing.place,
            database=self._location,
            zone=self._watch.loaded.settings.zone,
        )

    def stop(self) -> Ending:
        """End the rounds under way, save what waits, show how it ended, and close everything."""
        problems = list[str]()
        self._hub.tell(Event(kind=EventKind.STOPPING))
        self._hub.close()
        unsaved = self._collecting.end(STOP_WITHIN_S)
        if unsaved is not None:
            problems.append(f"{self._collecting.unsaved} results could not be saved: {unsaved.message}")
        self._showing.end()
        # Not sooner: who waits for the endpoint to go knows then that all is saved.
        if self._server is not None:
            self._server.stop()
        problems.extend(self._notices.texts("store", "dropped", "report"))
        try:
            self._store.close()
        except StoreError as error:
            problems.append(error.message)
        for problem in problems:
            logger.warning("At the end: %s", problem)
        logger.info("Ended")
        self._undo.close()
        return Ending(report=self._showing.place, problems=tuple(problems))

    def _note_error(self, name: str, error: Exception) -> None:
        """What nobody foresaw, of a job or a chore: it is shown, and collecting goes on."""
        job = self._collecting.monitoring.definitions.job(name)
        name = f"job {job.name}" if job else name
        if self._errors_logged.get(name) != repr(error):  # what fails every second is told once
            self._errors_logged[name] = repr(error)
            logger.error("Internal error in %s", name, exc_info=error)
        self._notices.set(f"internal {name}", f"Internal error in {name}, please report it: {error!r}")
