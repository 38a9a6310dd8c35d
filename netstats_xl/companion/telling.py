"""What a companion tells of itself and of what it measured: to a display, to views, in report files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PureWindowsPath

from netstats_xl import __version__
from netstats_xl.app.outlook import Outlook
from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.service import ReportRequest
from netstats_xl.app.views.storage import status_lines
from netstats_xl.companion.collecting import Collecting
from netstats_xl.companion.notices import Notices
from netstats_xl.companion.report_files import ReportSource, write_report
from netstats_xl.companion.sheet_watch import SheetWatch
from netstats_xl.domain.results import EVERYTHING, Period, State
from netstats_xl.domain.states import DestinationStatus, JobStatus
from netstats_xl.domain.targets import Job
from netstats_xl.domain.windows import to_local
from netstats_xl.parts import Parts
from netstats_xl.ports import ResultStore


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
    engine: str
    """What sends the probes and how exactly it times, in words; empty before that is known."""
    zone: str

    def count(self, state: State) -> int:
        """How many destinations are in this state."""
        return sum(status.state is state for status in self.destinations.values())


class Telling:
    """Gathers what is known now. Any thread may use it."""

    def __init__(
        self,
        parts: Parts,
        *,
        store: ResultStore,
        collecting: Collecting,
        watch: SheetWatch,
        notices: Notices,
        outlook: Callable[[], Outlook | None],
        name: Callable[[], str],
        summary: Callable[[], str],
    ) -> None:
        """What it asks for is known later, or changes.

        Args:
            parts: The technologies.
            store: Keeps the results.
            collecting: Makes the rounds.
            watch: Knows the workbook.
            notices: What the user should know.
            outlook: How large the store is and becomes.
            name: The workbook's name.
            summary: How the companion is, in one line.
        """
        self._parts = parts
        self._store = store
        self._monitoring = collecting.monitoring
        self._collecting = collecting
        self._watch = watch
        self._notices = notices
        self._outlook = outlook
        self._name = name
        self._summary = summary
        self._location = store.info().location

    def warnings(self) -> tuple[str, ...]:
        """What the user should know."""
        live = self._parts.live
        problems = live.book.problems if live is not None else ()
        return (*self._notices.texts(), *self._watch.loaded.warnings, *problems)

    def storage(self) -> tuple[str, ...]:
        """How large the store is and becomes, and what is deleted next, in lines; none before that is known."""
        outlook = self._outlook()
        return () if outlook is None else status_lines(outlook)

    def inputs(self, running: bool) -> ReportInputs:
        """What views of the present are made of; `running`: whether rounds are made still."""
        loaded, now = self._watch.loaded, self._parts.clock.now()
        stopped = f"Stopped at {to_local(now, loaded.settings.zone):%Y-%m-%d %H:%M}"
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
            source=PureWindowsPath(self._name()).name,
            collector=self._summary() if running else stopped,
            engine=self._collecting.engine,
            outlook=self._outlook(),
            warnings=self.warnings(),
        )

    def snapshot(self, *, place: str) -> Snapshot:
        """What goes on now; `place`: where it was shown last."""
        status = self._monitoring.job_status(running=True)
        bad = len(self._watch.loaded.cell_errors)
        noun = "cell of the workbook needs" if bad == 1 else "cells of the workbook need"
        cells = (f"{bad} {noun} attention: `netstats-xl check` lists them.",) if bad else ()
        return Snapshot(
            at=self._parts.clock.now(),
            jobs=[(job, status[job.id]) for job in self._monitoring.definitions.jobs if job.id in status],
            destinations=self._monitoring.destination_status(),
            unsaved=self._collecting.unsaved,
            warnings=(*self.warnings(), *cells),
            report=place,
            database=self._location,
            engine=self._collecting.engine,
            zone=self._watch.loaded.settings.zone,
        )

    def write_report(self, request: ReportRequest) -> Path:
        """Write a report, or raw samples, of any time range; see `report_files.write_report`."""
        loaded = self._watch.loaded
        source = ReportSource(
            name=PureWindowsPath(self._name()).name,
            stem=PureWindowsPath(self._name()).stem,
            folder=self._parts.report_folder(),
            own=(*self._parts.own_files, Path(self._location)),
            settings=loaded.settings,
            tables=loaded.tables,
            row_ids=loaded.row_ids,
            cell_errors=loaded.cell_errors,
            outlook=self._outlook(),
        )
        now = self._parts.clock.now()
        return write_report(self._store, request, source, now=now, report_to=self._parts.report_to).path
