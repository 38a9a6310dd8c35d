"""What the use cases need of the world, named by capability."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from netstats_xl.domain.forecast import StoreUsage
from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.domain.incidents import Incident
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import (
    EVERYTHING,
    Batch,
    JobRun,
    JobTotals,
    LatestSample,
    NameNotResolved,
    Period,
    RoundResult,
    Sample,
    Scope,
    SendFailed,
    State,
    StateChanged,
    StoreInfo,
)
from netstats_xl.domain.retention import Cutoffs, Deletable, DeletionRecord
from netstats_xl.domain.rollups import Summary
from netstats_xl.domain.route_records import RouteRecord
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.targets import (
    Definitions,
    DestinationId,
    EchoSettings,
    JobId,
    Settings,
    TraceSettings,
)
from netstats_xl.domain.views import WorkbookView


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back: for durations."""
        ...


# --- Prober -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTarget:
    """One destination of a round."""

    destination_id: DestinationId
    host: str
    """What the host cell says: an address or a host name for ICMP echo, or `tcp://`, `dns://` or `http(s)://`."""


class Prober(Protocol):
    """Sends the probes of a round to many destinations at once."""

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """Probe every target; one result a target, in their order.

        Several rounds may be under way at once. What befalls one target is its outcome and spoils no other.
        Ends within `settings.longest_round_s` and the name-resolution deadline, plus the time that sending takes.

        Raises:
            ProbeEngineError: no probe can be sent at all.
        """
        ...

    async def trace(self, host: str, settings: TraceSettings) -> Trace | NameNotResolved | SendFailed:
        """Find the route to a host by its address or name: ICMP echo requests with TTLs from 1 on.

        Raises:
            ProbeEngineError: no packet can be sent at all.
        """
        ...

    async def limit(self, packets_per_second: int) -> None:
        """Send no more packets a second from now on, over all rounds and traces."""
        ...

    def describe(self) -> str:
        """Which engine sends and how exactly it times, in words; empty before anything is known."""
        ...

    async def close(self) -> None:
        """End what is under way and free the sockets. Closing twice does nothing."""
        ...


# --- ResultStore ------------------------------------------------------------------------------------------


class Dimension(StrEnum):
    """What a summary is made for each of."""

    JOB = "job"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSummary:
    """The summary of one group; None in a key: not grouped by it."""

    job_id: JobId | None = None
    destination_id: DestinationId | None = None
    bucket_at: datetime | None = None
    """The edge that the bucket begins at."""
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDefinitions:
    """The last definitions and settings saved, what was retired since, and which jobs the user stopped."""

    active: Definitions = Definitions()
    retired: Definitions = Definitions()
    settings: Settings | None = None
    """None: none were saved yet."""
    stopped: frozenset[JobId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far work on the whole store is."""

    doing: str
    """What is being done, in words: `copying`."""
    done: int
    """Rows."""
    total: int


OnProgress = Callable[[Progress], None]
"""Hears of progress a few times a second at most; what it raises ends the work, which leaves everything as it was."""


def unheard(progress: Progress) -> None:
    """Nobody wants to know."""


class StoreWatcher(Protocol):
    """Hears what befalls a store. Called from whichever thread uses the store then."""

    def note_incident(self, incident: Incident) -> None:
        """The database was damaged, now or before and was not dealt with yet, and this was done about it."""
        ...

    def note_room(self, free_bytes: int | None) -> None:
        """So little room is left on the disk that saving will stop before long; None: there is enough again."""
        ...


class ResultStore(Protocol):
    """Keeps definitions and measurements. Its methods may be called from any thread.

    Every method raises a `StoreError` when the store cannot do its part.
    """

    def save_definitions(self, definitions: Definitions, *, at: datetime) -> None:
        """Make these the active definitions; what was active and is not among them is retired, and kept."""
        ...

    def save_retired(self, definitions: Definitions, *, at: datetime) -> None:
        """Keep definitions that no workbook holds, as retired since then; one whose ID is known stays as it is."""
        ...

    def save_settings(self, settings: Settings) -> None:
        """Keep the settings, for a start without the workbook."""
        ...

    def save_stopped(self, jobs: Collection[JobId]) -> None:
        """Keep which jobs the user stopped: these, and no others."""
        ...

    def definitions(self) -> StoredDefinitions:
        """What was saved last."""
        ...

    def save(self, batch: Batch) -> None:
        """Save a batch in one transaction; it is safe once this returns. A batch saved before is left alone.

        Of its routes a new record is kept only where the route changed: see `domain.route_records`.
        """
        ...

    def roll_up(self) -> bool:
        """Add some of what was saved up to the rollups, or put them right; whether there may be more to do.

        It takes a fraction of a second, for which those who save wait now and then, and else some milliseconds.
        """
        ...

    def latest(self, period: Period) -> Mapping[DestinationId, LatestSample]:
        """The last sample of each destination that has one within the period."""
        ...

    def states(self) -> Mapping[DestinationId, State]:
        """The state after each destination's last event."""
        ...

    def job_totals(self) -> Mapping[JobId, JobTotals]:
        """What was done so far of each job that ever ran."""
        ...

    def summaries(
        self,
        period: Period,
        *,
        scope: Scope = EVERYTHING,
        by: Collection[Dimension] = (),
        edges: Sequence[datetime] = (),
        percentiles: bool = True,
    ) -> Sequence[GroupSummary]:
        """Statistics of the samples in the period and scope, for each group that has any.

        With `edges` (ascending, aware UTC) also for each bucket that begins at an edge and ends before the next
        one, or at the period's end; samples before the first edge are left out. Ordered by bucket, then by job
        ID, then by destination ID.

        Without `percentiles` these and the deviation are left out, which is cheaper.

        Of long periods and of many samples, percentiles are right to 1 % of their value, means and deviations to a
        microsecond, and everything else exactly; always, the jitter of each round is kept to a microsecond. Where raw
        samples have been deleted, a minute belongs to the period and the bucket that it begins in.
        """
        ...

    def jitter_rfc3550(
        self, period: Period, *, scope: Scope = EVERYTHING
    ) -> Mapping[tuple[JobId, DestinationId], float]:
        """`domain.rollups.jitter_rfc3550` of each job's rounds against each destination, ms; absent without any.

        Of the rounds of which there are raw samples.
        """
        ...

    def histogram(
        self, period: Period, edges_ms: Sequence[float], *, scope: Scope = EVERYTHING
    ) -> Sequence[int]:
        """How many RTTs fall into each bin `edges_ms[i] <= rtt < edges_ms[i + 1]`; what is outside counts nowhere.

        Of long periods and of many samples, an RTT may be taken for one that is up to 1 % away from it.
        """
        ...

    def samples(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[Sample]:
        """Raw samples by time, then job ID, then destination ID; with `limit`, the last that many."""
        ...

    def imported_ticks(
        self, job_id: JobId, within: Mapping[DestinationId, Period]
    ) -> Collection[tuple[DestinationId, datetime]]:
        """Destination and tick of each sample of the job that was imported, of those that were pruned since, too."""
        ...

    def measured_hours(
        self, within: Mapping[DestinationId, Period], *, apart_from: Collection[JobId] = ()
    ) -> Collection[tuple[DestinationId, datetime]]:
        """Each destination, and when each hour of UTC began in which other jobs than these have results of it.

        Results of which only rollups are left count, too. An hour that overlaps the period is told whole.
        """
        ...

    def runs(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[JobRun]:
        """Runs whose tick is in the period, by time; with `limit`, the last that many."""
        ...

    def events(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[StateChanged]:
        """Changes of state in the period, by time; with `limit`, the last that many."""
        ...

    def current_routes(
        self, before: datetime, *, scope: Scope = EVERYTHING
    ) -> Mapping[DestinationId, RouteRecord]:
        """The route to each destination that was found last before this instant, with all that is known of it now.

        Routes belong to no job: the scope's destinations alone count.
        """
        ...

    def routes(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[RouteRecord]:
        """Routes that were found first in the period, by time; with `limit`, the last that many."""
        ...

    def export_csv(self, path: Path, period: Period, *, scope: Scope = EVERYTHING, zone: str = "UTC") -> int:
        """Write raw samples to a CSV file, replacing it atomically; the number of rows.

        No cell can be taken for a formula: see `docs/decisions` on text from the network.
        """
        ...

    def export_parquet(
        self, path: Path, period: Period, *, scope: Scope = EVERYTHING, rollup: Level | None = None
    ) -> int:
        """Write raw samples, or a level of rollups, to a Parquet file, replacing it atomically; the number of rows.

        Times are UTC; `docs/open-data.md` tells the columns. A bucket belongs to the period that it begins in.
        """
        ...

    def prune(self, cutoffs: Cutoffs) -> int:
        """Delete what is older than the cutoffs, a part at a time; the number of samples deleted.

        What is last known of a destination stays: the state after its last event, and its last route. Samples that
        are not in the rollups yet stay, too.
        """
        ...

    def deletable(self, cutoffs: Cutoffs) -> Deletable:
        """What `prune` would delete now."""
        ...

    def backup(self, path: Path, on_progress: OnProgress = unheard, *, read_only: bool = False) -> None:
        """Write a consistent copy of everything to a file, replacing one that is there in one step; saving goes on.

        The copy has been read back in full, and found to be right, before it takes its place; what was there stays
        where that fails. `read_only`: the file is write-protected, for other programs to look at.
        """
        ...

    def deletions(self) -> DeletionRecord:
        """What was saved last of the deletions that were done and announced."""
        ...

    def save_deletions(self, record: DeletionRecord) -> None:
        """Keep this, over restarts."""
        ...

    def usage(self, since: datetime) -> StoreUsage:
        """What there is, and the room that it takes; the samples since an instant are counted, too."""
        ...

    def info(self) -> StoreInfo:
        """About the store itself."""
        ...

    def close(self) -> None:
        """Release the store. Closing twice does nothing."""
        ...


# --- History ----------------------------------------------------------------------------------------------


class HistoryFile(Protocol):
    """Measurements that another program, or another database, kept in a file."""

    @property
    def format(self) -> HistoryFormat:
        """What kind of file it is."""
        ...

    @property
    def part_read(self) -> float:
        """How much of the file the last reading has come to, 0 to 1."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What the last reading left out, and why, in sentences."""
        ...

    def rows(self) -> Iterator[HistoryRow]:
        """The rounds, in the file's order; each call reads the file anew, a part at a time.

        Raises:
            HistoryInvalid: it cannot be understood; the message names the place and the remedy.
        """
        ...


# --- Workbook ---------------------------------------------------------------------------------------------


class Publisher(Protocol):
    """Shows views to the user."""

    def publish(self, view: WorkbookView) -> str:
        """Show the view; where, in words or as a path.

        A live workbook may show it a little later: of several views of the same table it shows the last.

        Raises:
            WorkbookError: it cannot be shown; a retryable one may go away by itself.
        """
        ...


class Workbook(Publisher, Protocol):
    """The user's workbook: where the definitions come from, and a place to show views."""

    def revision(self) -> str:
        """A token that changes when the tables may have changed; cheap to ask.

        Raises:
            WorkbookError: the workbook cannot be reached.
        """
        ...

    def read(self, tables: Collection[str]) -> Mapping[str, RawTable]:
        """The tables of these names (compared without case, keyed as asked for), as far as they exist.

        Raises:
            WorkbookError: the workbook cannot be read.
        """
        ...

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        """Write the hidden IDs of rows that have none yet, by row number.

        An adapter that may not touch the user's file does nothing: such rows are known by name and host.

        Raises:
            WorkbookError: the workbook cannot be written now.
        """
        ...

    def edit(self, table: str, edits: RowEdits) -> None:
        """Write rows into a table of the user's, as he asked for; row numbers are those of the last reading.

        Raises:
            WorkbookBusy: the workbook cannot be written now, or the rows moved since they were read.
            WorkbookError: it cannot be written, it has no such table or column, or there is no room.
        """
        ...

    def close(self) -> None:
        """Let go of the workbook, which stays as it is. Closing twice does nothing."""
        ...
