"""A companion, and all that is around it played by fakes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from netstats_xl.app.service import Service, WorkbookState
from netstats_xl.app.views.live import LiveViews
from netstats_xl.companion import Companion
from netstats_xl.domain.results import Outcome, Replied, RoundResult
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Definitions, EchoSettings, Engine, Settings, TraceSettings
from netstats_xl.errors import ControlError, ProbeEngineError, WorkbookBusy, WorkbookClosed
from netstats_xl.hosting.endings import StopRequest
from netstats_xl.parts import Live, Parts
from netstats_xl.ports import ProbeTarget
from netstats_xl.scheduling import Scheduler
from netstats_xl.scheduling.scheduler import OnError
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_workbook import MemoryWorkbook, raw_table

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
PLACE = r"C:\Users\Ann\NetStats.xlsm"
JOB_HEADERS = ("Name", "Destinations", "Interval")
DESTINATION_HEADERS = ("Name", "Host")
ENGINE = "scripted network, exact"
REPLY = Replied(address="127.0.0.1", rtts_ms=(1.0, 2.0, 1.5, 2.5))


def settings_table(*rows: tuple[str, str]) -> RawTable:
    return raw_table("Settings", ("Setting", "Value"), ("Time zone", "Europe/Berlin"), *rows)


class HandScheduler(Scheduler):
    """A scheduler whose chores and ticks are begun by hand, each to its end."""

    def __init__(self, on_error: OnError) -> None:
        super().__init__(on_error=on_error)
        self.chores: dict[str, Callable[[], object]] = {}
        self.times: dict[str, float] = {}
        self.wanted: list[str] = []
        """The chores that were wanted before their time."""
        self.jobs: dict[str, object] = {}

    def every(self, name: str, seconds: float, action: Callable[[], object]) -> None:
        self.chores[name], self.times[name] = action, seconds

    def soon(self, name: str) -> None:
        self.wanted.append(name)

    def set_jobs(self, schedules, action) -> None:  # type: ignore[no-untyped-def]  # the test's own stand-in
        self.jobs = dict(schedules)
        self.tick = action

    def do(self, name: str) -> None:
        """Do a chore now."""
        self.chores[name]()


@dataclass
class Answering:
    """A prober that every host answers, unless told otherwise."""

    closed: bool = False
    hosts: list[str] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)
    outcome: Outcome = REPLY
    error: ProbeEngineError | None = None
    answers: int | None = None
    """How many targets of a round it has a result for; None: all."""
    held: asyncio.Event | None = None
    """Where there is one, rounds wait for it."""
    limits: list[int] = field(default_factory=list)
    """Every limit that was set, in packets a second."""

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        self.hosts += [target.host for target in targets]
        if self.held is not None:
            await self.held.wait()
        if self.error is not None:
            raise self.error
        answered = targets[: self.answers]
        return [
            RoundResult(destination_id=target.destination_id, outcome=self.outcome) for target in answered
        ]

    async def trace(self, host: str, settings: TraceSettings) -> Trace:
        """One hop away, whoever it is."""
        self.traced.append(host)
        if self.held is not None:
            await self.held.wait()
        if self.error is not None:
            raise self.error
        reply = HopReply(address="127.0.0.1", rtt_ms=0.25)
        hop = Hop(ttl=1, sent=settings.rounds, replies=(reply,) * settings.rounds)
        return Trace(address="127.0.0.1", hops=(hop,), reached=True)

    async def limit(self, packets_per_second: int) -> None:
        self.limits.append(packets_per_second)

    def describe(self) -> str:
        return ENGINE

    async def close(self) -> None:
        self.closed = True


class OpenWorkbook(MemoryWorkbook):
    """A workbook that is open in a spreadsheet program, until it is closed there."""

    def __init__(self, *tables: RawTable) -> None:
        super().__init__(*tables)
        self.full_name = PLACE
        self.problems: tuple[str, ...] = ()
        self.changes_noted = 0
        self.flushed = self.held = False
        self.busy = False
        """Whether a cell is being edited, although what is asked is answered."""

    @property
    def state(self) -> WorkbookState:
        if isinstance(self.error, WorkbookClosed):
            return WorkbookState.CLOSED
        return WorkbookState.BUSY if self.busy or self.error is not None else WorkbookState.OPEN

    def hold(self, held: bool) -> None:
        self.held = held

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        if self.held:
            raise WorkbookBusy("Updates are paused.")
        super().write_ids(table, ids)

    def close_in_excel(self) -> None:
        self.error = WorkbookClosed("The workbook is not open.")

    def open_in_excel(self) -> None:
        self.error = None

    def note_change(self) -> None:
        self.changes_noted += 1

    def flush(self, within_s: float) -> bool:
        self.flushed = True
        return True


@dataclass
class FakeServer:
    """A control channel that nobody reaches."""

    stage: "Stage"
    service: Service
    names: list[str] = field(default_factory=list)
    error: ControlError | None = None

    def start(self) -> None:
        if self.error is not None:
            raise self.error
        self.stage.order.append("serves")

    def rename(self, workbook: str) -> None:
        self.names.append(workbook)

    def stop(self) -> None:
        self.stage.order.append(f"serves no more, {self.stage.store.info().samples} samples saved")


class Stage:
    """A companion and all that is around it."""

    def __init__(self, store: MemoryStore | None = None, *, live: bool = False) -> None:
        self.clock = FakeClock(AT)
        self.store = store or MemoryStore()
        self.spare = MemoryStore()
        self.prober = Answering()
        self.engines: list[Engine] = []
        """Which engine was asked for, each time."""
        self.book = OpenWorkbook(
            raw_table("Destinations", DESTINATION_HEADERS, ("a", "127.0.0.1"), ("b", "127.0.0.2")),
            raw_table("Jobs", JOB_HEADERS, ("All", "*", "10s")),
            settings_table(),
            raw_table("Selection", ("Details of", "Period"), (None, None)),
        )
        self.workbook: MemoryWorkbook = self.book
        self.stop_request = StopRequest()
        self.order: list[str] = []
        self.servers: list[FakeServer] = []
        self.server_error: ControlError | None = None
        self.places: list[tuple[str, str]] = []
        self.cpu_s = 0.0
        self.live_views = LiveViews()
        numbers = count()
        self.schedulers: list[HandScheduler] = []
        self.parts = Parts(
            clock=self.clock,
            workbook=self.book,
            workbook_name=PLACE if live else "NetStats.xlsx",
            open_prober=self._open_prober,
            open_store=lambda settings, watcher: self.store,
            open_memory_store=lambda: self.spare,
            make_scheduler=self._make_scheduler,
            new_id=lambda: f"{next(numbers):012x}",
            default_zone="UTC",
            report_to=lambda path: self.workbook,
            report_folder=lambda: Path("reports"),
            make_server=self._make_server,
            live=self._live() if live else None,
            cpu_s=lambda: self.cpu_s,
        )

    def _live(self) -> Live:
        return Live(
            book=self.book,
            views=self.live_views,
            last_settings=Settings,
            note_place=lambda place, database: self.places.append((place, database)),
        )

    def _open_prober(self, definitions: Definitions, engine: Engine) -> Answering:
        self.engines.append(engine)
        return self.prober

    def _make_scheduler(self, on_error: OnError) -> HandScheduler:
        self.schedulers.append(HandScheduler(on_error))
        return self.schedulers[-1]

    def _make_server(self, service: Service, settings: Settings, started_at: datetime) -> FakeServer:
        self.servers.append(FakeServer(self, service, error=self.server_error))
        return self.servers[-1]

    @property
    def scheduler(self) -> HandScheduler:
        return self.schedulers[-1]

    @property
    def server(self) -> FakeServer:
        return self.servers[-1]

    def start(self) -> Companion:
        companion = Companion(self.parts, stop=self.stop_request)
        companion.start()
        return companion

    def tick(self) -> None:
        """Let the next tick of the only job come due, and make its round."""
        self.clock.advance(seconds=10)
        (job_id,) = self.scheduler.jobs
        self.scheduler.run(self.scheduler.tick(job_id))
        self.clock.advance(seconds=0.5)

    def look(self) -> None:
        """Let the companion look at its workbook."""
        self.scheduler.do("read the workbook")

    def push(self) -> None:
        """Let the companion push what is due."""
        self.scheduler.do("push")
