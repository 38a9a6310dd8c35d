"""What a companion at work answers to those who ask."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from netstats_xl import __version__
from netstats_xl.app import figures
from netstats_xl.app.finding import (
    destination_entry,
    find_destinations,
    job_entries,
    job_entry,
    named,
)
from netstats_xl.app.path_tests import PathMtu, PayloadSweep
from netstats_xl.app.service import (
    BackupRequest,
    BackupStatus,
    DestinationEntry,
    DestinationPage,
    Event,
    EventKind,
    Figures,
    Health,
    JobEntry,
    ReportRequest,
    RowCells,
    Synced,
    TestResult,
    TraceResult,
    Wanted,
    WorkbookEvent,
)
from netstats_xl.companion.backing_up import BackingUp
from netstats_xl.companion.calls import Calls
from netstats_xl.companion.collecting import Collecting
from netstats_xl.companion.events import EventHub
from netstats_xl.companion.sheet_watch import SheetWatch
from netstats_xl.companion.showing import Showing
from netstats_xl.domain.results import State
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.ports import Clock, ResultStore
from netstats_xl.sheets import DESTINATIONS, JOBS, chosen

CALLS_WITHIN_S = 2.0
"""How long calls that are under way may hold up the end."""

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


def _while_at_work(
    method: "Callable[Concatenate[CompanionService, Asked], Result]",
) -> "Callable[Concatenate[CompanionService, Asked], Result]":
    """Refuse the call once the companion is ending: what it needs may have ended already."""

    @wraps(method)
    def call(self: "CompanionService", /, *args: Asked.args, **kwargs: Asked.kwargs) -> Result:
        with self._calls.one():
            return method(self, *args, **kwargs)

    return call


class CompanionService:
    """A `Service`: passes on what is asked for to the part of the companion that it is a matter of."""

    def __init__(
        self,
        *,
        collecting: Collecting,
        watch: SheetWatch,
        showing: Showing,
        hub: EventHub,
        store: ResultStore,
        clock: Clock,
        workbook: Callable[[], str],
        storage: Callable[[], tuple[str, ...]],
        warnings: Callable[[], tuple[str, ...]],
        write_report: Callable[[ReportRequest], Path],
        backing_up: BackingUp,
        look_soon: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        """Hand over the parts.

        Args:
            collecting: Makes the rounds.
            watch: Knows the workbook.
            showing: Shows what was measured.
            hub: Tells what happens.
            store: Keeps the results.
            clock: Tells the time.
            workbook: The workbook's name, which may change.
            storage: How large the database is and becomes, in lines.
            warnings: What the user should know.
            write_report: Writes a report file.
            backing_up: Makes copies of the database.
            look_soon: Has the workbook looked at in a moment.
            stop: Has the companion end.
        """
        self._collecting = collecting
        self._monitoring = collecting.monitoring
        self._watch = watch
        self._showing = showing
        self._hub = hub
        self._store = store
        self._clock = clock
        self._workbook = workbook
        self._storage = storage
        self._warnings = warnings
        self._write_report = write_report
        self._backing_up = backing_up
        self._look_soon = look_soon
        self._stop = stop
        self._calls = Calls()
        self._started_at: datetime = clock.now()
        self._location = store.info().location

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return self._started_at

    def health(self) -> Health:
        """See `Service.health`."""
        definitions = self._monitoring.definitions
        enabled = {each.id for each in definitions.destinations if each.enabled}
        states = [each.state for id_, each in self._monitoring.destination_status().items() if id_ in enabled]
        selection = self._showing.selection
        return Health(
            version=__version__,
            process=os.getpid(),
            started_at=self._started_at,
            workbook=self._workbook(),
            workbook_state=self._watch.state,
            database=self._location,
            engine=self._collecting.engine,
            updates_paused=self._showing.paused,
            shown=selection.details_of,
            period=selection.period,
            destinations={state: states.count(state) for state in State},
            jobs=len(definitions.jobs),
            bad_cells=len(self._watch.loaded.cell_errors),
            unsaved=self._collecting.unsaved,
            storage=self._storage(),
            warnings=self._warnings(),
            stopping=self._calls.refused,
        )

    @_while_at_work
    def destinations(self, wanted: Wanted) -> DestinationPage:
        """See `Service.destinations`."""
        return find_destinations(self._monitoring.definitions, self._monitoring.destination_status(), wanted)

    @_while_at_work
    def destination(self, destination_id: DestinationId) -> DestinationEntry:
        """See `Service.destination`."""
        return self._destination(destination_id)

    @_while_at_work
    def write_destination(
        self, cells: RowCells, destination_id: DestinationId | None = None
    ) -> DestinationEntry:
        """See `Service.write_destination`."""
        return self._destination(self._watch.write(DESTINATIONS, cells, destination_id))

    @_while_at_work
    def delete_destination(self, destination_id: DestinationId) -> None:
        """See `Service.delete_destination`."""
        self._watch.delete(DESTINATIONS, destination_id)

    @_while_at_work
    def expand(self, destination_ids: Collection[DestinationId] | None = None) -> int:
        """See `Service.expand`."""
        return self._watch.expand(destination_ids)

    @_while_at_work
    def test(self, destination_ids: Collection[DestinationId]) -> Sequence[TestResult]:
        """See `Service.test`."""
        results = self._collecting.test(destination_ids)
        self._showing.note_change()
        return results

    @_while_at_work
    def path_mtu(self, host: str) -> PathMtu:
        """See `Service.path_mtu`."""
        return self._collecting.path_mtu(host)

    @_while_at_work
    def sweep(self, host: str, sizes: Sequence[int]) -> PayloadSweep:
        """See `Service.sweep`."""
        return self._collecting.sweep(host, sizes)

    @_while_at_work
    def trace(
        self, destination_ids: Collection[DestinationId], *, hosts: Collection[str] = (), rounds: int = 3
    ) -> Sequence[TraceResult]:
        """See `Service.trace`."""
        return self._collecting.trace(destination_ids, hosts=hosts, rounds=rounds)

    @_while_at_work
    def jobs(self) -> Sequence[JobEntry]:
        """See `Service.jobs`."""
        return job_entries(self._monitoring.definitions, self._monitoring.job_status(running=True))

    @_while_at_work
    def job(self, job_id: JobId) -> JobEntry:
        """See `Service.job`."""
        return self._job(job_id)

    @_while_at_work
    def write_job(self, cells: RowCells, job_id: JobId | None = None) -> JobEntry:
        """See `Service.write_job`."""
        return self._job(self._watch.write(JOBS, cells, job_id))

    @_while_at_work
    def delete_job(self, job_id: JobId) -> None:
        """See `Service.delete_job`."""
        self._watch.delete(JOBS, job_id)

    @_while_at_work
    def start_jobs(self, job_ids: Collection[JobId]) -> None:
        """See `Service.start_jobs`."""
        self._collecting.start_jobs(job_ids)
        self._note_jobs()

    @_while_at_work
    def stop_jobs(self, job_ids: Collection[JobId]) -> None:
        """See `Service.stop_jobs`."""
        self._collecting.stop_jobs(job_ids)
        self._note_jobs()

    @_while_at_work
    def run_jobs(self, job_ids: Collection[JobId]) -> None:
        """See `Service.run_jobs`."""
        self._collecting.run_jobs(job_ids)

    @_while_at_work
    def job_figures(self, job_id: JobId, period: str) -> Figures:
        """See `Service.job_figures`."""
        return figures.job_figures(
            self._store,
            self._monitoring.definitions,
            self._monitoring.destination_status(),
            figures.period_of(period, self._clock.now()),
            job_id,
        )

    @_while_at_work
    def dashboard(self, period: str) -> Figures:
        """See `Service.dashboard`."""
        return figures.dashboard(
            self._store,
            self._monitoring.definitions,
            self._monitoring.destination_status(),
            figures.period_of(period, self._clock.now()),
        )

    @_while_at_work
    def sync(self, *, confirmed: bool = False) -> Synced:
        """See `Service.sync`."""
        loaded = self._watch.sync(confirmed=confirmed)
        return Synced(
            destinations=len(loaded.definitions.destinations),
            jobs=len(loaded.definitions.jobs),
            cell_errors=loaded.cell_errors,
            warnings=loaded.warnings,
            held=loaded.held,
        )

    @_while_at_work
    def refresh(self) -> str:
        """See `Service.refresh`."""
        return self._showing.show()

    @_while_at_work
    def pause_updates(self, paused: bool) -> None:
        """See `Service.pause_updates`."""
        self._watch.hold(paused)
        self._showing.paused = paused
        if not paused:
            self._look_soon()

    @_while_at_work
    def show(self, *, details_of: str | None = None, period: str | None = None) -> None:
        """See `Service.show`."""
        if details_of and chosen(details_of.strip(), self._monitoring.definitions) is None:
            named(self._monitoring.definitions, details_of)  # says which name may be meant
        if period:
            figures.period_of(period, self._clock.now())
        self._showing.select(details_of=details_of, period=period)

    @_while_at_work
    def report(self, request: ReportRequest) -> Path:
        """See `Service.report`."""
        return self._write_report(request)

    @_while_at_work
    def backup(self, request: BackupRequest) -> Path:
        """See `Service.backup`."""
        return self._backing_up.make(request)

    @_while_at_work
    def backup_status(self) -> BackupStatus:
        """See `Service.backup_status`."""
        return self._backing_up.status()

    @_while_at_work
    def workbook_event(self, event: WorkbookEvent) -> None:
        """See `Service.workbook_event`."""
        if event is not WorkbookEvent.CLOSING:
            self._watch.want()
        self._look_soon()

    def events(self) -> AbstractContextManager[Iterator[Event | None]]:
        """See `Service.events`."""
        return self._hub.listen()

    def shutdown(self) -> None:
        """See `Service.shutdown`."""
        self._calls.refuse()
        self._stop()

    def end(self) -> bool:
        """Do nothing more that is asked for, and wait a little for what is under way; whether it ended in time."""
        return self._calls.finish(CALLS_WITHIN_S)

    def _destination(self, destination_id: DestinationId) -> DestinationEntry:
        statuses = self._monitoring.destination_status()
        return destination_entry(self._monitoring.definitions, statuses, destination_id)

    def _job(self, job_id: JobId) -> JobEntry:
        return job_entry(self._monitoring.definitions, self._monitoring.job_status(running=True), job_id)

    def _note_jobs(self) -> None:
        self._hub.tell(Event(kind=EventKind.JOBS))
        self._showing.note_change()
