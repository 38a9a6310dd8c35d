"""The life of a companion, with everything outside it played: what it does when something does not work."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import NoReturn

import pytest

from netstats_xl.app import backlog
from netstats_xl.companion import Companion
from netstats_xl.domain.results import Batch, State
from netstats_xl.domain.states import JobState
from netstats_xl.domain.targets import Definitions, Engine, Settings
from netstats_xl.domain.views import WorkbookView
from netstats_xl.errors import (
    BackendUnavailable,
    ControlError,
    PrivilegeMissing,
    SheetInvalid,
    StoreCorrupt,
    StoreFull,
    StoreLocked,
    WorkbookBusy,
    WorkbookError,
)
from netstats_xl.ports import ResultStore, StoreWatcher
from tests.companion.stage import DESTINATION_HEADERS, ENGINE, JOB_HEADERS, Answering, Stage, settings_table
from tests.fakes.memory_workbook import raw_table


def store_refusing(error: Exception) -> Callable[[Settings, StoreWatcher], ResultStore]:
    def refuse(_: Settings, watcher: StoreWatcher) -> ResultStore:
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


def test_the_prober_is_told_the_limit_before_the_first_round_and_whenever_it_changes() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    assert stage.prober.limits == [2_000]
    stage.workbook.set(settings_table(("Packets a second", "500")))
    stage.scheduler.do("read the workbook")
    companion.stop()
    assert stage.prober.limits == [2_000, 500]


def test_the_engine_is_the_one_of_the_settings_and_shown() -> None:
    stage = Stage()
    stage.workbook.set(settings_table(("Echo engine", "raw")))
    companion = Companion(stage.parts)
    companion.start()
    assert stage.engines == [Engine.RAW]
    assert (companion.snapshot().engine, companion.service.health().engine) == (ENGINE, ENGINE)
    stage.scheduler.do("report")
    assert ("Sent by", ENGINE) in stage.workbook.published[-1]["About_report"]
    companion.stop()


def test_another_engine_holds_from_the_next_start_on_which_is_told() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    for engine, told in (("raw", True), ("automatic", False)):
        stage.workbook.set(settings_table(("Echo engine", engine)))
        stage.scheduler.do("read the workbook")
        assert any("next start" in warning for warning in companion.snapshot().warnings) is told
    companion.stop()
    assert stage.engines == [Engine.AUTOMATIC]


def test_jobs_that_ask_for_too_much_make_a_warning_wherever_warnings_are() -> None:
    stage = Stage()
    # 2 destinations, 4 packets each, every 10 s.
    stage.workbook.set(settings_table(("Packets a second", "10")))
    stage.workbook.set(
        raw_table("Jobs", JOB_HEADERS, ("All", "*", "10s"), *((f"All {n}", "*", "3s") for n in range(4)))
    )
    companion = Companion(stage.parts)
    companion.start()
    (warning,) = companion.snapshot().warnings
    assert warning.startswith("All jobs together send 12 packets a second while they run")
    assert companion.service.health().warnings == (warning,)
    stage.scheduler.do("report")
    assert (warning,) in stage.workbook.published[-1]["About_notes"]
    companion.stop()


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


def test_where_much_comes_it_is_saved_at_once_and_rolled_up_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    stage.tick()
    assert "save" not in stage.scheduler.wanted, "two samples wait for their second"
    monkeypatch.setattr(backlog, "MANY", 4)
    stage.clock.advance(seconds=10)
    stage.tick()
    assert stage.scheduler.wanted.count("save") == 1
    stage.scheduler.wanted.clear()
    stage.scheduler.do("save")
    assert stage.scheduler.wanted == ["roll up"]
    assert stage.store.info().samples == 4
    assert companion.stop().problems == ()


def test_a_slow_database_is_told_of_while_it_saves_and_rounds_go_on() -> None:
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    save = stage.store.save
    warnings: list[tuple[str, ...]] = []

    def save_slowly(batch: Batch) -> None:
        stage.store.save = save  # type: ignore[method-assign]
        stage.tick()
        warnings.append(companion.snapshot().warnings)
        save(batch)

    stage.store.save = save_slowly  # type: ignore[method-assign]  # a disk that is busy
    stage.tick()
    stage.scheduler.do("save")
    assert warnings[0] == (
        "4 results wait in memory: the database has been writing for 10 s. Is its disk busy, or a network drive that "
        "is slow?",
    )
    assert companion.snapshot().warnings == ()
    companion.stop()


def test_rounds_that_find_no_more_room_in_memory_are_counted_and_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "MOST_ROUNDS", 2)
    stage = Stage()
    companion = Companion(stage.parts)
    companion.start()
    for _ in range(4):
        stage.tick()
    assert companion.snapshot().warnings == (
        "2 rounds with 4 samples, and 0 routes, are not stored: the database did not take them in time, and there was "
        "no more room in memory.",
    )
    assert companion.stop().problems == companion.snapshot().warnings


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

    def refuse(definitions: Definitions, engine: Engine) -> Answering:
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


def test_the_control_channel_serves_from_the_start_until_all_is_saved() -> None:
    stage = Stage()
    companion = stage.start()
    assert stage.server.service is companion.service
    stage.tick()
    companion.stop()
    assert stage.order == ["serves", "serves no more, 2 samples saved"]
    assert stage.book.closed


def test_without_a_control_channel_it_collects_and_says_so() -> None:
    stage = Stage()
    stage.server_error = ControlError("no port is free.")
    companion = stage.start()
    stage.tick()
    assert companion.snapshot().warnings == (
        "Neither the ribbon nor other commands reach it: no port is free.",
    )
    assert companion.stop().problems == ()
    assert stage.store.info().samples == 2


def test_the_database_is_held_from_before_it_is_opened_until_after_it_was_closed() -> None:
    stage = Stage()
    order = stage.order

    @contextmanager
    def hold(_: Settings) -> Iterator[None]:
        order.append("held")
        yield
        order.append("free")

    def open_store(_: Settings, watcher: StoreWatcher) -> ResultStore:
        order.append("opened")
        return stage.store

    parts = replace(stage.parts, hold=hold, open_store=open_store, make_server=None)
    companion = Companion(parts)
    companion.start()
    stage.store.close = lambda: order.append("closed")  # type: ignore[method-assign]  # to see when
    companion.stop()
    assert list(dict.fromkeys(order)) == ["held", "opened", "closed", "free"]


def test_a_database_that_another_companion_holds_is_not_opened() -> None:
    stage = Stage()

    def refuse(_: Settings) -> NoReturn:
        raise StoreLocked("process 7 collects into it.")

    opened = list[Settings]()

    def open_store(settings: Settings, watcher: StoreWatcher) -> ResultStore:
        opened.append(settings)
        return stage.store

    parts = replace(stage.parts, hold=refuse, open_store=open_store)
    with pytest.raises(StoreLocked, match="process 7"):
        Companion(parts).start()
    assert opened == []


def test_a_round_that_cannot_be_probed_is_told_and_the_next_one_is_made() -> None:
    stage = Stage()
    companion = stage.start()
    stage.prober.error = BackendUnavailable("The process that sends the probes has ended.")
    stage.tick()
    ((_, status),) = companion.snapshot().jobs
    assert (status.state, status.last_error) == (JobState.FAILING, stage.prober.error.message)
    stage.prober.error = None
    stage.tick()
    ((_, status),) = companion.snapshot().jobs
    assert (status.state, status.last_result) == (JobState.RUNNING, "2 up, 0 down")
    companion.stop()


def test_an_internal_error_that_comes_back_every_second_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    companion = stage.start()
    for _ in range(3):
        companion._note_error("save", ZeroDivisionError("oops"))
    assert caplog.text.count("Internal error in save") == 1
    companion.stop()
