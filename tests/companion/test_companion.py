"""The life of a companion, with everything outside it played: what it does when something does not work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest

from netstats_xl.companion import Companion
from netstats_xl.domain.results import Replied, RoundResult, State
from netstats_xl.domain.states import JobState
from netstats_xl.domain.targets import EchoSettings, Settings
from netstats_xl.domain.views import WorkbookView
from netstats_xl.errors import (
    PrivilegeMissing,
    SheetInvalid,
    StoreCorrupt,
    StoreFull,
    StoreLocked,
    WorkbookBusy,
    WorkbookError,
)
from netstats_xl.parts import Parts
from netstats_xl.ports import ProbeTarget, ResultStore
from netstats_xl.scheduling import Scheduler
from netstats_xl.scheduling.scheduler import OnError
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_workbook import MemoryWorkbook, raw_table

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
JOB_HEADERS = ("Name", "Destinations", "Interval")
DESTINATION_HEADERS = ("Name", "Host")
Chore = Callable[[], object]


class HandScheduler(Scheduler):
    """A scheduler whose chores and ticks are begun by hand, each to its end."""

    def __init__(self, on_error: OnError) -> None:
        super().__init__(on_error=on_error)
        self.chores: dict[str, Callable[[], object]] = {}
        self.jobs: dict[str, object] = {}

    def every(self, name: str, seconds: float, action: Callable[[], object]) -> None:
        self.chores[name] = action

    def set_jobs(self, schedules, action) -> None:  # type: ignore[no-untyped-def]  # the test's own stand-in
        self.jobs = dict(schedules)
        self.tick = action

    def do(self, name: str) -> None:
        """Do a chore now."""
        result = self.chores[name]()
        if result is not None:
            self.run(result)  # type: ignore[arg-type]  # the only chores with a result are coroutines


@dataclass
class Answering:
    """A prober that every host answers."""

    closed: bool = False
    hosts: list[str] = field(default_factory=list)

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        self.hosts += [target.host for target in targets]
        reply = Replied(address="127.0.0.1", rtts_ms=(1.0, 2.0, 1.5, 2.5))
        return [RoundResult(destination_id=target.destination_id, outcome=reply) for target in targets]

    async def close(self) -> None:
        self.closed = True


class Stage:
    """A companion and all that is around it."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.clock = FakeClock(AT)
        self.store = store or MemoryStore()
        self.spare = MemoryStore()
        self.prober = Answering()
        self.workbook = MemoryWorkbook(
            raw_table("Destinations", DESTINATION_HEADERS, ("a", "127.0.0.1"), ("b", "127.0.0.2")),
            raw_table("Jobs", JOB_HEADERS, ("All", "*", "10s")),
            raw_table("Settings", ("Setting", "Value"), ("Time zone", "Europe/Berlin")),
        )
        numbers = count()
        self.schedulers: list[HandScheduler] = []
        self.parts = Parts(
            clock=self.clock,
            workbook=self.workbook,
            workbook_name="NetStats.xlsx",
            open_prober=lambda: self.prober,
            open_store=lambda settings: self.store,
            open_memory_store=lambda: self.spare,
            make_scheduler=self._make_scheduler,
            new_id=lambda: f"{next(numbers):012x}",
            default_zone="UTC",
            report_to=lambda path: self.workbook,
            report_folder=lambda: Path("reports"),
        )

    def _make_scheduler(self, on_error: OnError) -> HandScheduler:
        self.schedulers.append(HandScheduler(on_error))
        return self.schedulers[-1]

    @property
    def scheduler(self) -> HandScheduler:
        return self.schedulers[-1]

    def tick(self) -> None:
        """Let the next tick of the only job come due, and make its round."""
        self.clock.advance(seconds=10)
        (job_id,) = self.scheduler.jobs
        self.scheduler.run(self.scheduler.tick(job_id))
        self.clock.advance(seconds=0.5)


def store_refusing(error: Exception) -> Callable[[Settings], ResultStore]:
    def refuse(_: Settings) -> ResultStore:
        raise error

    return refuse


def test_the_last_report_waits_for_one_that_is_being_written(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    began, second_began, order = Event(), Event(), list[str]()

    def publish(view: WorkbookView) -> str:
        name = "second" if began.is_set() else "first"
        if name == "first":
            began.set()
            second_began.wait(timeout=0.3)
        else:
            second_began.set()
        order.append(name)
        return name

    monkeypatch.setattr(stage.workbook, "publish", publish)
    slow = Thread(target=stage.scheduler.do, args=("report",))
    slow.start()
    assert began.wait(timeout=60)
    ending = companion.stop()
    slow.join()
    assert order == ["first", "second"]
    assert ending.report == "second"


def test_a_start_that_fails_closes_the_prober() -> None:
    stage = Stage()

    def states() -> Mapping[str, State]:
        raise StoreFull("the disk is full")

    stage.store.states = states  # type: ignore[method-assign]  # the test's own failure
    with pytest.raises(StoreFull):
        Companion(stage.parts).start()
    assert stage.prober.closed


def test_a_round_is_saved_and_reported() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.tick()
    stage.scheduler.do("save")
    stage.scheduler.do("report")
    snapshot = companion.snapshot()
    ending = companion.stop()
    assert snapshot.count(State.UP) == 2
    assert [(job.name, status.state, status.last_result) for job, status in snapshot.jobs] == [
        ("All", JobState.RUNNING, "2 up, 0 down")
    ]
    assert (snapshot.unsaved, snapshot.warnings, snapshot.zone) == (0, (), "Europe/Berlin")
    assert (ending.report, ending.problems) == ("memory", ())
    assert stage.prober.closed
    names_reported = [row[0] for row in stage.workbook.published[-1]["Destinations"]]
    assert names_reported[:2] == ["a", "b"]


def test_the_last_round_is_saved_and_reported_at_the_end() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.tick()
    assert companion.snapshot().unsaved == 2
    assert companion.stop().problems == ()
    (run,) = stage.workbook.published[-1]["Runs"]
    assert "All" in run


def test_a_changed_workbook_comes_into_force() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.workbook.set(raw_table("Destinations", DESTINATION_HEADERS, ("a", "127.0.0.9")))
    stage.scheduler.do("read the workbook")
    stage.tick()
    companion.stop()
    assert stage.prober.hosts == ["127.0.0.9"]


def test_an_unchanged_workbook_is_not_read_again() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.workbook.tables.clear()
    stage.scheduler.do("read the workbook")
    stage.tick()
    companion.stop()
    assert stage.prober.hosts == ["127.0.0.1", "127.0.0.2"]


def test_a_busy_workbook_changes_nothing_and_is_read_later() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.workbook.set(raw_table("Destinations", DESTINATION_HEADERS, ("a", "127.0.0.9")))
    stage.workbook.error = WorkbookBusy("Excel is saving.")
    stage.scheduler.do("read the workbook")
    assert companion.snapshot().warnings == ("The workbook's changes are not in force yet: Excel is saving.",)
    stage.workbook.error = None
    stage.scheduler.do("read the workbook")
    assert companion.snapshot().warnings == ()
    stage.tick()
    companion.stop()
    assert stage.prober.hosts == ["127.0.0.9"]


def test_bad_cells_are_told_and_good_rows_go_on() -> None:
    stage = Stage()
    stage.workbook.set(
        raw_table("Destinations", DESTINATION_HEADERS, ("a", "127.0.0.1"), ("b", "not a host"))
    )
    companion = Companion(stage.parts)
    companion.start()
    stage.tick()
    warnings = companion.snapshot().warnings
    companion.stop()
    assert stage.prober.hosts == ["127.0.0.1"]
    assert warnings == ("1 cell of the workbook needs attention: `netstats-xl check` lists them.",)


def test_most_rows_gone_is_held_until_confirmed() -> None:
    stage = Stage()
    many = [(f"d{number}", f"127.0.0.{number}") for number in range(1, 13)]
    stage.workbook.set(raw_table("Destinations", DESTINATION_HEADERS, *many))
    first = Companion(stage.parts)
    first.start()
    first.stop()
    stage.workbook.set(raw_table("Destinations", DESTINATION_HEADERS, *many[:2]))
    held = Companion(stage.parts)
    held.start()
    assert len(held.snapshot().destinations) == 12
    assert "10 of 12 destinations" in held.snapshot().warnings[0]
    held.stop()
    confirmed = Companion(stage.parts, confirm_removals=True)
    confirmed.start()
    assert len(confirmed.snapshot().destinations) == 2
    confirmed.stop()


def test_ids_of_new_rows_are_offered_to_the_workbook() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    companion.stop()
    assert sorted(stage.workbook.ids) == [("Destinations", 2), ("Destinations", 3), ("Jobs", 2)]


def test_a_damaged_database_is_replaced_by_memory_with_a_warning_to_the_end() -> None:
    stage = Stage()
    parts = replace(stage.parts, open_store=store_refusing(StoreCorrupt("NetStats.duckdb is damaged.")))
    companion = Companion(parts)
    companion.start()
    stage.tick()
    (warning,) = companion.snapshot().warnings
    assert "memory only" in warning
    assert "NetStats.duckdb is damaged." in warning
    ending = companion.stop()
    assert ending.problems == (warning,)
    assert warning in str(stage.workbook.cells.values())


def test_a_locked_database_ends_the_start() -> None:
    stage = Stage()
    parts = replace(stage.parts, open_store=store_refusing(StoreLocked("python (PID 7) has it open.")))
    with pytest.raises(StoreLocked, match="PID 7"):
        Companion(parts).start()


def test_a_full_disk_keeps_results_in_memory_and_says_so_until_they_are_saved() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    save = stage.store.save

    def refuse(batch: object) -> None:
        raise StoreFull("The disk is full.")

    stage.store.save = refuse  # type: ignore[method-assign]  # a disk that fills up
    stage.tick()
    stage.scheduler.do("save")
    (warning,) = companion.snapshot().warnings
    assert warning == "2 results wait in memory, and saving is tried again: The disk is full."
    stage.store.save = save  # type: ignore[method-assign]
    stage.clock.advance(seconds=5)
    stage.scheduler.do("save")
    assert companion.snapshot().warnings == ()
    assert companion.stop().problems == ()


def test_results_that_cannot_be_saved_at_the_end_are_counted() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()

    def refuse(batch: object) -> None:
        raise StoreFull("The disk is full.")

    stage.store.save = refuse  # type: ignore[method-assign]  # a disk that fills up
    stage.tick()
    assert companion.stop().problems == ("2 results could not be saved: The disk is full.",)


def test_a_report_that_cannot_be_written_is_told_and_tried_again() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.workbook.error = WorkbookError("The folder is read-only.")
    stage.scheduler.do("report")
    assert companion.snapshot().warnings == ("The report is not up to date: The folder is read-only.",)
    assert companion.snapshot().report == ""
    stage.workbook.error = None
    stage.scheduler.do("report")
    assert companion.snapshot().warnings == ()
    companion.stop()


def test_a_workbook_without_a_job_that_can_run_says_which_cells_are_bad() -> None:
    stage = Stage()
    stage.workbook.set(raw_table("Jobs", JOB_HEADERS, ("All", "*", "soon")))
    with pytest.raises(SheetInvalid, match="no job that can run") as caught:
        Companion(stage.parts).start()
    assert [error.cell for error in caught.value.cell_errors] == ["C2"]


def test_no_privilege_to_probe_ends_the_start() -> None:
    stage = Stage()

    def refuse() -> Answering:
        raise PrivilegeMissing("Run as administrator.")

    with pytest.raises(PrivilegeMissing):
        Companion(replace(stage.parts, open_prober=refuse)).start()


def test_an_internal_error_is_shown_and_collecting_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    companion._note_error("report", ZeroDivisionError("oops"))
    (warning,) = companion.snapshot().warnings
    assert "ZeroDivisionError('oops')" in warning
    stage.tick()
    assert companion.stop().report == "memory"
    assert "Internal error in report" in caplog.text


def test_results_that_grew_old_while_nothing_ran_are_pruned_at_the_start() -> None:
    stage = Stage()
    first = Companion(stage.parts)
    first.start()
    stage.tick()
    first.stop()
    assert stage.store.info().samples == 2
    stage.clock.advance(seconds=86_400 * 500)
    second = Companion(stage.parts)
    second.start()
    assert stage.store.info().samples == 0
    second.stop()


def test_old_results_are_pruned() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.tick()
    stage.scheduler.do("save")
    stage.clock.advance(seconds=86_400 * 500)
    stage.scheduler.do("prune")
    assert stage.store.info().samples == 0
    companion.stop()
