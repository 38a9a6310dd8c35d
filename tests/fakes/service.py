"""A companion's service in memory: rows that the sheets' own rules judge, and a network that always answers."""

import queue
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from netstats_xl.app.figures import period_of
from netstats_xl.app.finding import (
    destination_entry,
    destination_of,
    find_destinations,
    job_entries,
    job_entry,
    job_of,
    named,
)
from netstats_xl.app.path_tests import PathMtu, PayloadSweep, SizeFigures, host_of
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
    WorkbookState,
)
from netstats_xl.domain.addresses import expand, is_block
from netstats_xl.domain.results import NameNotResolved, Replied, State
from netstats_xl.domain.rollups import EMPTY, Summary
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.states import JobState, JobStatus
from netstats_xl.domain.tables import CellValue, RawTable
from netstats_xl.domain.targets import Definitions, DestinationId, JobId
from netstats_xl.errors import SheetInvalid, WorkbookError
from netstats_xl.sheets import DESTINATION_COLUMNS, DESTINATIONS, JOB_COLUMNS, JOBS, read_definitions
from tests.fakes.memory_workbook import raw_table

NOW: Final = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ROOM: Final = 60
"""Rows that the tables have room for."""
_KEYS = {
    DESTINATIONS: [column.key for column in DESTINATION_COLUMNS if column.typed] + ["id"],
    JOBS: [column.key for column in JOB_COLUMNS if column.typed] + ["id"],
}


def route(rounds: int) -> Trace:
    """A route of two hops, the first of which answers one packet less than the second."""
    return Trace(
        address="192.0.2.9",
        hops=tuple(
            Hop(
                ttl=ttl,
                sent=rounds,
                replies=tuple(HopReply(address=address, rtt_ms=ttl + number) for number in range(answered)),
            )
            for ttl, address, answered in ((1, "192.0.2.1", rounds - 1), (2, "192.0.2.9", rounds))
        ),
        reached=True,
        names={"192.0.2.1": "gateway"},
    )


class FakeService:
    """An `app.service.Service`. `before`, when set, is called with a method's name before it does anything."""

    def __init__(self) -> None:
        self.before: Callable[[str], None] = lambda _: None
        self.rows: dict[str, list[dict[str, CellValue]]] = {DESTINATIONS: [], JOBS: []}
        self.stopped: set[JobId] = set()
        self.ran: list[JobId] = []
        self.paused = False
        self.storage: tuple[str, ...] = ()
        self.details_of, self.period = "", "24h"
        self.reports: list[ReportRequest] = []
        self.backups: list[BackupRequest] = []
        self.status = BackupStatus()
        self.news: list[WorkbookEvent] = []
        self.confirmed: list[bool] = []
        self.ended = threading.Event()
        self.traced: dict[str, Trace | NameNotResolved] = {}
        """What tracing a host finds; others are two hops away."""
        self.heartbeat_s = 0.05
        self.listeners = 0
        self._queues: list[queue.SimpleQueue[Event | None]] = []
        self._lock = threading.RLock()
        self._listened = threading.Condition(self._lock)
        self._ids = 0
        self._definitions = Definitions()

    # --- rows ---------------------------------------------------------------------------------------------

    def destinations(self, wanted: Wanted) -> DestinationPage:
        self.before("destinations")
        return find_destinations(self._definitions, {}, wanted)

    def destination(self, destination_id: DestinationId) -> DestinationEntry:
        self.before("destination")
        return destination_entry(self._definitions, {}, destination_id)

    def write_destination(
        self, cells: RowCells, destination_id: DestinationId | None = None
    ) -> DestinationEntry:
        self.before("write_destination")
        if destination_id is not None:
            destination_of(self._definitions, destination_id)
        written = self._write(DESTINATIONS, cells, destination_id)
        return destination_entry(self._definitions, {}, written)

    def delete_destination(self, destination_id: DestinationId) -> None:
        self.before("delete_destination")
        destination_of(self._definitions, destination_id)
        self._remove(DESTINATIONS, destination_id)

    def expand(self, destination_ids: Collection[DestinationId] | None = None) -> int:
        self.before("expand")
        found = [
            row
            for row in self.rows[DESTINATIONS]
            if is_block(str(row["host"]))
            and (not destination_ids or {row["id"], row["name"]} & set(destination_ids))
        ]
        return sum(len(expand(str(row["host"]))) for row in found)

    def test(self, destination_ids: Collection[DestinationId]) -> Sequence[TestResult]:
        self.before("test")
        found = [destination_of(self._definitions, each) for each in destination_ids]
        outcome = Replied(address="127.0.0.1", rtts_ms=(1.0, None, 3.0, 2.0))
        return [TestResult(destination=each, at=NOW, outcome=outcome) for each in found]

    def path_mtu(self, host: str) -> PathMtu:
        self.before("path_mtu")
        return PathMtu(host=host_of(self._definitions, host), address="127.0.0.1", mtu=1_500)

    def sweep(self, host: str, sizes: Sequence[int]) -> PayloadSweep:
        self.before("sweep")
        return PayloadSweep(
            host=host_of(self._definitions, host),
            address="127.0.0.1",
            sizes=tuple(
                SizeFigures(
                    payload_bytes=size,
                    sent=10,
                    received=10,
                    loss_percent=0.0,
                    rtt_min_ms=size / 1_000,
                    rtt_mean_ms=size / 500,
                    rtt_max_ms=size / 250,
                )
                for size in sizes
            ),
        )

    def trace(
        self, destination_ids: Collection[DestinationId], *, hosts: Collection[str] = (), rounds: int = 3
    ) -> Sequence[TraceResult]:
        self.before("trace")
        found = [destination_of(self._definitions, each) for each in destination_ids]
        targets = [*((each, each.host) for each in found), *((None, host) for host in hosts)]
        return [
            TraceResult(destination=each, host=host, at=NOW, found=self.traced.get(host) or route(rounds))
            for each, host in targets
        ]

    def jobs(self) -> Sequence[JobEntry]:
        self.before("jobs")
        return job_entries(self._definitions, self._job_statuses())

    def job(self, job_id: JobId) -> JobEntry:
        self.before("job")
        return job_entry(self._definitions, self._job_statuses(), job_id)

    def write_job(self, cells: RowCells, job_id: JobId | None = None) -> JobEntry:
        self.before("write_job")
        if job_id is not None:
            job_of(self._definitions, job_id)
        written = self._write(JOBS, cells, job_id)
        return job_entry(self._definitions, self._job_statuses(), written)

    def delete_job(self, job_id: JobId) -> None:
        self.before("delete_job")
        job_of(self._definitions, job_id)
        self._remove(JOBS, job_id)

    def start_jobs(self, job_ids: Collection[JobId]) -> None:
        self.before("start_jobs")
        self.stopped -= set(self._known(job_ids))

    def stop_jobs(self, job_ids: Collection[JobId]) -> None:
        self.before("stop_jobs")
        self.stopped |= set(self._known(job_ids))

    def run_jobs(self, job_ids: Collection[JobId]) -> None:
        self.before("run_jobs")
        self.ran += self._known(job_ids)

    # --- figures ------------------------------------------------------------------------------------------

    def job_figures(self, job_id: JobId, period: str) -> Figures:
        self.before("job_figures")
        return self._figures(period, job_of(self._definitions, job_id).select(self._definitions.destinations))

    def dashboard(self, period: str) -> Figures:
        self.before("dashboard")
        return self._figures(period, self._definitions.destinations)

    # --- the companion ------------------------------------------------------------------------------------

    def health(self) -> Health:
        self.before("health")
        counts = dict.fromkeys(State, 0) | {State.UNKNOWN: len(self._definitions.destinations)}
        return Health(
            version="0.0",
            process=1,
            started_at=NOW,
            workbook="Net.xlsm",
            workbook_state=WorkbookState.OPEN,
            database="Net.duckdb",
            engine="scripted network",
            updates_paused=self.paused,
            shown=self.details_of,
            period=self.period,
            destinations=counts,
            jobs=len(self._definitions.jobs),
            bad_cells=0,
            unsaved=0,
            storage=self.storage,
            warnings=(),
            stopping=self.ended.is_set(),
        )

    def sync(self, *, confirmed: bool = False) -> Synced:
        self.before("sync")
        self.confirmed.append(confirmed)
        return Synced(
            destinations=len(self._definitions.destinations),
            jobs=len(self._definitions.jobs),
            warnings=() if confirmed else ("The row Old is gone.",),
        )

    def refresh(self) -> str:
        self.before("refresh")
        return "Net.xlsm"

    def pause_updates(self, paused: bool) -> None:
        self.before("pause_updates")
        self.paused = paused

    def show(self, *, details_of: str | None = None, period: str | None = None) -> None:
        self.before("show")
        if details_of is not None:
            self.details_of = named(self._definitions, details_of).name
        if period is not None:
            period_of(period, NOW)
            self.period = period

    def report(self, request: ReportRequest) -> Path:
        self.before("report")
        for name in (*request.jobs, *request.destinations):
            named(self._definitions, name)
        self.reports.append(request)
        return request.output or Path(f"/reports/Net-report.{request.file_format}")

    def backup(self, request: BackupRequest) -> Path:
        self.before("backup")
        self.backups.append(request)
        return request.output or Path("/backups/Net 2026-11-23 0900.duckdb")

    def backup_status(self) -> BackupStatus:
        self.before("backup_status")
        return self.status

    def workbook_event(self, event: WorkbookEvent) -> None:
        self.before("workbook_event")
        self.news.append(event)

    @contextmanager
    def events(self) -> Iterator[Iterator[Event | None]]:
        self.before("events")
        mine: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        with self._lock:
            self._queues.append(mine)
            self.listeners += 1
            self._listened.notify_all()
        try:
            yield self._events(mine)
        finally:
            with self._lock:
                self._queues.remove(mine)
                self.listeners -= 1
                self._listened.notify_all()

    def shutdown(self) -> None:
        self.before("shutdown")
        self.ended.set()
        self.tell(Event(kind=EventKind.STOPPING))

    def wait_for_listeners(self, number: int) -> bool:
        """Wait until so many listen; whether they do within ten seconds."""
        with self._listened:
            return self._listened.wait_for(lambda: self.listeners == number, timeout=10)

    def tell(self, event: Event) -> None:
        """Let something happen."""
        with self._lock:
            for each in self._queues:
                each.put(event)

    # --- parts --------------------------------------------------------------------------------------------

    def _events(self, mine: "queue.SimpleQueue[Event | None]") -> Iterator[Event | None]:
        while True:
            try:
                event = mine.get(timeout=self.heartbeat_s)
            except queue.Empty:
                yield None
                continue
            yield event
            if event is not None and event.kind is EventKind.STOPPING:
                return

    def _write(self, table: str, cells: RowCells, id_: str | None) -> str:
        with self._lock:
            rows = [dict(row) for row in self.rows[table]]
            if id_ is None:
                if len(rows) >= ROOM:
                    raise WorkbookError(f"The table {table} is full: delete rows that are not needed.")
                self._ids += 1
                id_ = f"{self._ids:012x}"
                rows.append(dict.fromkeys(_KEYS[table]) | {"id": id_})
            next(row for row in rows if row["id"] == id_).update(cells)
            self._judge({**self.rows, table: rows}, table, id_)
            return id_

    def _remove(self, table: str, id_: str) -> None:
        with self._lock:
            self.rows[table] = [row for row in self.rows[table] if row["id"] != id_]
            self._read(self.rows)

    def _judge(self, rows: dict[str, list[dict[str, CellValue]]], table: str, id_: str) -> None:
        """Put the rows in force, if this one of them is valid."""
        number = 2 + [row["id"] for row in rows[table]].index(id_)
        reading = read_definitions(_tables(rows), default_zone="UTC")
        errors = tuple(
            error
            for error in reading.errors
            if error.sheet == table and error.cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == str(number)
        )
        if any(row.table == table and row.number == number for row in reading.invalid) or errors:
            raise SheetInvalid("; ".join(map(str, errors)), errors)
        self.rows = rows
        self._read(rows)

    def _read(self, rows: Mapping[str, list[dict[str, CellValue]]]) -> None:
        reading = read_definitions(_tables(rows), default_zone="UTC")
        self._definitions = Definitions(destinations=reading.destinations, jobs=reading.jobs)
        self.stopped &= {job.id for job in reading.jobs}

    def _known(self, job_ids: Collection[JobId]) -> list[JobId]:
        return [job_of(self._definitions, each).id for each in job_ids]

    def _job_statuses(self) -> dict[JobId, JobStatus]:
        return {
            job.id: JobStatus(
                job_id=job.id,
                state=JobState.STOPPED if job.id in self.stopped else JobState.RUNNING,
                last_run_at=NOW,
                rounds_done=3,
            )
            for job in self._definitions.jobs
        }

    def _figures(self, period: str, destinations: Sequence[object]) -> Figures:
        entries = [
            destination_entry(self._definitions, {}, each.id)
            for each in self._definitions.destinations
            if each in destinations
        ]
        measured = Summary(
            rounds_up=3, rounds_down=1, up_s=30, down_s=10, sent=16, received=12, rtt_mean_ms=2.5
        )
        return Figures(
            period=period_of(period, NOW),
            overall=measured if entries else EMPTY,
            destinations=[(entry, EMPTY if index else measured) for index, entry in enumerate(entries)],
        )


def _tables(rows: Mapping[str, list[dict[str, CellValue]]]) -> dict[str, RawTable]:
    return {
        name: raw_table(name, _KEYS[name], *([row.get(key) for key in _KEYS[name]] for row in each))
        for name, each in rows.items()
    }
