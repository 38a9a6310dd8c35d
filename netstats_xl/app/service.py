"""What a companion at work can be asked for: by the ribbon, the command line, and a user's own scripts.

The control channel serves a :class:`Service` and knows nothing of what stands behind it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from netstats_xl.app.path_tests import PathMtu, PayloadSweep
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import NameNotResolved, Outcome, Period, SendFailed, State
from netstats_xl.domain.rollups import Summary
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.states import DestinationStatus, JobStatus
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import Destination, DestinationId, Job, JobId
from netstats_xl.errors import CellError
from netstats_xl.ports import Progress

RowCells = Mapping[str, CellValue]
"""What the user would type into a row, by the column's key (`host`, `rtt_warning_ms`): see `sheets.columns`."""


class WorkbookState(StrEnum):
    """What becomes of the workbook that the companion belongs to."""

    FILE = "file"
    """A file that is read when it is saved."""
    OPEN = "open"
    """It is open in a spreadsheet program, and fed there."""
    BUSY = "busy"
    """It is open, and cannot answer now: a cell is being edited, or a dialog is open."""
    CLOSED = "closed"
    """It is not open: what was last read of it stays in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the companion is."""

    version: str
    process: int
    """Its process ID."""
    started_at: datetime
    workbook: str
    """Name or path of the workbook."""
    workbook_state: WorkbookState
    database: str
    engine: str
    """What sends the probes and how exactly it times, in words; empty before that is known."""
    updates_paused: bool
    shown: str
    """What the Details sheet shows."""
    period: str
    """The period that the sheets show, as the user writes it: `24h`."""
    destinations: Mapping[State, int]
    """How many enabled destinations are in each state."""
    jobs: int
    bad_cells: int
    unsaved: int
    """Results that are in memory only."""
    storage: tuple[str, ...] = ()
    """How large the database is and becomes, and what is deleted from it next; empty before that is known."""
    warnings: tuple[str, ...] = ()
    stopping: bool = False
    """Whether it is ending: it saves its results, and does nothing more that it is asked for."""

    @property
    def summary(self) -> str:
        """In one line: `Collecting: 12 up, 1 down`."""
        if self.stopping:
            return "Stopping: the results are being saved"
        counts = ", ".join(
            f"{number} {state.lower()}" for state, number in self.destinations.items() if number
        )
        paused = " (updates paused)" if self.updates_paused else ""
        return f"Collecting: {counts or 'no destinations'}{paused}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationEntry:
    """A destination in force, and how it is."""

    destination: Destination
    status: DestinationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEntry:
    """A job in force, and how it goes."""

    job: Job
    status: JobStatus
    destinations: int
    """How many enabled destinations it selects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which destinations are asked for; an empty text: any. Texts are compared without case."""

    text: str = ""
    """Part of the name, the host, the group, a tag or the notes."""
    group: str = ""
    tag: str = ""
    state: State | None = None
    enabled: bool | None = None
    offset: int = 0
    limit: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationPage:
    """Some of the destinations that were asked for."""

    total: int
    """How many match in all."""
    entries: Sequence[DestinationEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What a test of one destination found."""

    destination: Destination
    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceResult:
    """What tracing the route to one host found."""

    destination: Destination | None
    """None: a host that is none."""
    host: str
    at: datetime
    """When the trace began."""
    found: Trace | NameNotResolved | SendFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Statistics of a period, in all and by destination."""

    period: Period
    overall: Summary
    destinations: Sequence[tuple[DestinationEntry, Summary]]
    """In the user's order; those without samples have `rollups.EMPTY`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What came of reading the workbook."""

    destinations: int
    jobs: int
    cell_errors: tuple[CellError, ...] = ()
    warnings: tuple[str, ...] = ()
    held: bool = False
    """Whether nothing was changed because most rows would go at once: a warning says so, sync `confirmed` does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A report, or raw samples, of any time range; texts as a user writes them."""

    file_format: Literal["xlsx", "csv", "parquet"] = "xlsx"
    rollup: Level | None = None
    """Of a Parquet file: what it holds in the place of raw samples."""
    output: Path | None = None
    """None: beside the workbook, under a name that is free."""
    start: str = "-24h"
    end: str = "now"
    jobs: tuple[str, ...] = ()
    """Names; none: all."""
    destinations: tuple[str, ...] = ()
    replace: bool = False
    """Whether `output` may replace a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRequest:
    """A verified copy of the database."""

    output: Path | None = None
    """None: a backup in the folder beside the database, where the nightly ones are."""
    read_only: bool = False
    """Whether the copy is write-protected, for other programs to look at."""
    replace: bool = False
    """Whether `output` may replace a file that can be written; a write-protected one it always may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStatus:
    """How a backup goes, and which is the last one."""

    progress: Progress | None = None
    """None: none is being made."""
    last: Path | None = None
    last_at: datetime | None = None
    """When it was begun, to the minute."""


class EventKind(StrEnum):
    """What the stream of events tells."""

    RESULT = "result"
    """A round of a job against a destination: `destination`, `job`, `at`, `sent`, `received`, `rtt_ms`, `reason`."""
    STATE = "state"
    """A destination's state changed: `destination`, `at`, `before`, `after`, `reason`."""
    JOBS = "jobs"
    """Definitions changed, or a job was started or stopped: ask again."""
    WORKBOOK = "workbook"
    """The workbook was opened or closed: `state`."""
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, with its facts as JSON knows them."""

    kind: EventKind
    data: Mapping[str, str | int | float | None] = field(default_factory=dict)


class WorkbookEvent(StrEnum):
    """What the workbook's own code tells the companion."""

    CHANGED = "changed"
    SAVED = "saved"
    CLOSING = "closing"
    OPENED = "opened"


class Service(Protocol):
    """Its methods may be called from any thread, and may wait for some seconds.

    Each raises a `NetstatsError`: `CompanionStopping` once the companion is ending, but for `health`, `events` and
    `shutdown`; `NotFound` for an ID that is not in force, `SheetInvalid` for rows with bad
    cells, `WorkbookClosed` or `WorkbookBusy` where the workbook is needed and cannot be reached.
    """

    def health(self) -> Health:
        """How the companion is."""
        ...

    def destinations(self, wanted: Wanted) -> DestinationPage:
        """The destinations in force that match, in the user's order."""
        ...

    def destination(self, destination_id: DestinationId) -> DestinationEntry:
        """One of them."""
        ...

    def write_destination(
        self, cells: RowCells, destination_id: DestinationId | None = None
    ) -> DestinationEntry:
        """Write a new row into the Destinations table, or these cells of the row of that ID; what came of it."""
        ...

    def delete_destination(self, destination_id: DestinationId) -> None:
        """Remove its row; its results stay."""
        ...

    def expand(self, destination_ids: Collection[DestinationId] | None = None) -> int:
        """Make rows of the blocks and ranges in the Destinations table; how many rows were written.

        Of these rows alone where any are given, by ID or by name: a row with a block has no ID yet.
        """
        ...

    def test(self, destination_ids: Collection[DestinationId]) -> Sequence[TestResult]:
        """Probe these destinations now, besides their jobs; nothing is stored, and their rows show the result."""
        ...

    def path_mtu(self, host: str) -> PathMtu:
        """Find the path MTU to a destination by its name, or to any host; it may take a minute."""
        ...

    def sweep(self, host: str, sizes: Sequence[int]) -> PayloadSweep:
        """Loss and RTT by payload size, of a destination by its name or of any host."""
        ...

    def trace(
        self, destination_ids: Collection[DestinationId], *, hosts: Collection[str] = (), rounds: int = 3
    ) -> Sequence[TraceResult]:
        """Trace the routes to these destinations now, and to these hosts, which need not be any.

        The destinations' routes are stored. `rounds`: packets a hop.
        """
        ...

    def jobs(self) -> Sequence[JobEntry]:
        """The jobs in force, in the user's order."""
        ...

    def job(self, job_id: JobId) -> JobEntry:
        """One of them."""
        ...

    def write_job(self, cells: RowCells, job_id: JobId | None = None) -> JobEntry:
        """As `write_destination`, for the Jobs table."""
        ...

    def delete_job(self, job_id: JobId) -> None:
        """Remove its row; its results stay."""
        ...

    def start_jobs(self, job_ids: Collection[JobId]) -> None:
        """Let jobs that were stopped run again, at their times."""
        ...

    def stop_jobs(self, job_ids: Collection[JobId]) -> None:
        """Make no more rounds of these jobs, until they are started again; it holds over restarts."""
        ...

    def run_jobs(self, job_ids: Collection[JobId]) -> None:
        """Make one round of each of these jobs now, whatever their times."""
        ...

    def job_figures(self, job_id: JobId, period: str) -> Figures:
        """A job's statistics in a period such as `24h`."""
        ...

    def dashboard(self, period: str) -> Figures:
        """The statistics of all destinations in a period such as `1h`."""
        ...

    def sync(self, *, confirmed: bool = False) -> Synced:
        """Read the workbook now, and put what it says in force; `confirmed`: most rows may go at once."""
        ...

    def refresh(self) -> str:
        """Show the latest figures now; where."""
        ...

    def pause_updates(self, paused: bool) -> None:
        """Push nothing into the workbook, or push again."""
        ...

    def show(self, *, details_of: str | None = None, period: str | None = None) -> None:
        """Choose what the sheets show: details of a destination or a job by name, and the period."""
        ...

    def report(self, request: ReportRequest) -> Path:
        """Write a report or raw samples to a file; where."""
        ...

    def backup(self, request: BackupRequest) -> Path:
        """Make a verified copy of the database while results are saved, which takes a while; where."""
        ...

    def backup_status(self) -> BackupStatus:
        """How that goes."""
        ...

    def workbook_event(self, event: WorkbookEvent) -> None:
        """Take note of what happened to the workbook; returns at once."""
        ...

    def events(self) -> AbstractContextManager[Iterator[Event | None]]:
        """What happens from now on; None every few seconds in which nothing does. It ends when the companion stops.

        A listener that is too slow loses the oldest.
        """
        ...

    def shutdown(self) -> None:
        """End the companion: results are saved first. Returns at once; from now on it does nothing else."""
        ...
