"""A companion's life: what begins in which order, what happens when something does not work, and the end."""

import asyncio
import logging
from contextlib import ExitStack
from dataclasses import dataclass

from netstats_xl.app.backlog import RoundRecord
from netstats_xl.app.editing import Editing
from netstats_xl.app.loading import Loaded, Loading
from netstats_xl.app.reporting import Reporting
from netstats_xl.app.retaining import Retaining
from netstats_xl.app.service import Event, EventKind, WorkbookState
from netstats_xl.companion.backing_up import BackingUp
from netstats_xl.companion.collecting import Collecting
from netstats_xl.companion.events import EventHub
from netstats_xl.companion.live_showing import LiveShowing
from netstats_xl.companion.notices import Notices
from netstats_xl.companion.retaining import RetainingChore
from netstats_xl.companion.service import CompanionService
from netstats_xl.companion.sheet_watch import LOOK_EVERY_S, SheetWatch
from netstats_xl.companion.showing import FileShowing, Showing
from netstats_xl.companion.store_notices import StoreNotices
from netstats_xl.companion.telling import Snapshot, Telling
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import ControlError, SheetInvalid, StoreError, StoreLocked, WorkbookError
from netstats_xl.hosting.endings import StopRequest
from netstats_xl.hosting.logfile import AT_THE_END
from netstats_xl.parts import Parts, Server
from netstats_xl.ports import ResultStore
from netstats_xl.sheets import DESTINATIONS, JOBS, SETTINGS, read_definitions

logger = logging.getLogger(__name__)

STOP_WITHIN_S = 10


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
        self._name = parts.workbook_name
        self._store: ResultStore
        self._collecting: Collecting
        self._retaining: RetainingChore
        self._watch: SheetWatch
        self._backing_up: BackingUp
        self._telling: Telling
        self._showing: Showing
        self._scheduler = parts.make_scheduler(self._note_error)

    def start(self) -> None:
        """Read the workbook, open the database and the sockets, and begin.

        Raises:
            WorkbookError: a workbook file cannot be read.
            SheetInvalid: it has no job that can run, or nothing is known of a live workbook that is closed.
            StoreLocked: another process collects into the database, or has it open.
            ConfigurationError: the environment asks for an engine that there is not.
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
            prober = parts.open_prober(loaded.definitions, loaded.settings.engine)
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
                engine=loaded.settings.engine,
                on_record=self._note_record,
                on_error=self._note_error,
            )
            self._backing_up = BackingUp(
                self._store,
                parts.clock,
                self._notices,
                zone=lambda: self._watch.loaded.settings.zone,
                own=parts.own_files,
            )
            self._retaining = RetainingChore(
                Retaining(self._store, parts.clock, backed_up=self._backing_up.is_backed_up),
                store=self._store,
                clock=parts.clock,
                collecting=self._collecting,
                notices=self._notices,
            )
            self._telling = Telling(
                parts,
                store=self._store,
                collecting=self._collecting,
                watch=self._watch,
                notices=self._notices,
                outlook=lambda: self._retaining.outlook,
                name=lambda: self._name,
                summary=lambda: self.service.health().summary,
            )
            self._showing = self._make_showing()
            self._begin(loaded)
            self._undo = undo.pop_all()

    def _begin(self, loaded: Loaded) -> None:
        scheduler = self._scheduler
        self.service = self._make_service()
        self._put_in_force(loaded)
        self._showing.note_state(self._watch.state)
        self._collecting.begin()
        self._backing_up.begin(scheduler)
        self._retaining.begin(scheduler)
        self._showing.begin(scheduler)
        scheduler.every("read the workbook", LOOK_EVERY_S, self._look)
        self._serve(loaded.settings)
        if self._parts.live is not None:
            self._parts.live.serve(self.service)
        logger.info("Collecting for %s into %s", self._name, self._location)
        self._note_place()

    def _make_watch(self) -> SheetWatch:
        parts = self._parts
        zone = parts.default_zone
        loading = Loading(parts.workbook, self._store, parts.clock, parts.new_id, default_zone=zone)
        return SheetWatch(
            parts.workbook,
            loading,
            Editing(parts.workbook, loading, default_zone=zone),
            self._notices,
            live=parts.live.book if parts.live is not None else None,
            confirmed=self._confirmed,
            on_loaded=self._put_in_force,
            on_state=self._note_state,
        )

    def _make_showing(self) -> Showing:
        parts = self._parts
        if parts.live is None:
            return FileShowing(Reporting(self._store, parts.workbook), self._telling.inputs, self._notices)
        return LiveShowing(
            parts.live,
            store=self._store,
            inputs=self._telling.inputs,
            clock=parts.clock,
            cpu_s=parts.cpu_s,
            notices=self._notices,
            read_again=self._read_again,
            past_changes=lambda: self._collecting.past_changes + self._retaining.deletions,
        )

    def _settings_for_start(self) -> Settings:
        """What tells where the database is; where a live workbook cannot be reached, what held the last time."""
        parts = self._parts
        try:
            tables = parts.workbook.read((DESTINATIONS, JOBS, SETTINGS))
        except WorkbookError:
            if parts.live is None:
                raise
            return parts.live.last_settings()
        return read_definitions(tables, default_zone=parts.default_zone).settings

    def _open_store(self, settings: Settings) -> ResultStore:
        watcher = StoreNotices(
            self._notices,
            zone=lambda: self._in_force[1].zone if self._in_force is not None else settings.zone,
            changed=self._note_past_change,
        )
        try:
            return self._parts.open_store(settings, watcher)
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
        if loaded.definitions.jobs or self._watch.state in (WorkbookState.OPEN, WorkbookState.BUSY):
            return
        if self._watch.state is WorkbookState.CLOSED:
            raise SheetInvalid(
                f"{self._name} is not open, and nothing is known of it yet. Open it, and start again."
            )
        raise SheetInvalid(
            f"{self._name} has no job that can run. Fill in a row of the Jobs table, save the workbook, and start "
            "again.",
            loaded.cell_errors,
        )

    def _make_service(self) -> CompanionService:
        return CompanionService(
            collecting=self._collecting,
            watch=self._watch,
            showing=self._showing,
            hub=self._hub,
            store=self._store,
            clock=self._parts.clock,
            workbook=lambda: self._name,
            storage=self._telling.storage,
            warnings=self._telling.warnings,
            write_report=self._telling.write_report,
            backing_up=self._backing_up,
            look_soon=lambda: self._scheduler.soon("read the workbook"),
            stop=self._stop_request.ask,
        )

    def _serve(self, settings: Settings) -> None:
        """Without a control channel it collects none the less."""
        if self._parts.make_server is None:
            return
        server = self._parts.make_server(self.service, settings, self.service.started_at)
        try:
            server.start()
        except ControlError as error:
            self._notices.set("control", f"Neither the ribbon nor other commands reach it: {error.message}")
            logger.warning("No control channel: %s", error.message)
        else:
            self._server = server

    def _look(self) -> None:
        self._watch.look()
        live = self._parts.live
        if live is not None and live.book.full_name not in ("", self._name):
            self._name = live.book.full_name
            self._note_place()

    def _read_again(self) -> None:
        self._watch.want()
        self._watch.look()

    def _note_place(self) -> None:
        """Tell others where a live workbook is; it is saved under another name now and then."""
        live = self._parts.live
        if live is not None:
            live.note_place(self._name, self._location)
            if self._server is not None:
                self._server.rename(self._name)

    def _put_in_force(self, loaded: Loaded) -> None:
        self._collecting.put_in_force(loaded.definitions, loaded.settings)
        self._retaining.put_in_force(loaded.definitions, loaded.settings)
        self._showing.note_loaded(loaded)
        in_force = loaded.definitions, loaded.settings
        if self._in_force is not None and self._in_force != in_force:
            self._hub.tell(Event(kind=EventKind.JOBS))
        self._in_force = in_force

    def _note_past_change(self) -> None:
        if self._in_force is not None:  # else nothing is remembered yet that could be wrong
            self._collecting.note_past_change()

    def _note_record(self, record: RoundRecord) -> None:
        self._hub.tell_record(record)
        self._showing.note_change()

    def _note_state(self, state: WorkbookState) -> None:
        logger.info("The workbook is %s", state)
        self._hub.tell(Event(kind=EventKind.WORKBOOK, data={"state": state}))
        self._showing.note_state(state)
        if state is WorkbookState.CLOSED and self._watch.loaded.settings.when_closed == "stop":
            self._stop_request.ask()

    def snapshot(self) -> Snapshot:
        """What goes on now."""
        return self._telling.snapshot(place=self._showing.place)

    def stop(self) -> Ending:
        """End the rounds under way, save what waits, show how it ended, and close everything."""
        problems = list[str]()
        self._backing_up.end()  # a copy of a large database takes longer than its calls are waited for
        self.service.end()  # before what its calls need comes to an end
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
            logger.warning("%s%s", AT_THE_END, problem)
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
