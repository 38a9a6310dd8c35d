"""A companion of a workbook that is open: what is pushed when, and what closing it does."""

from dataclasses import replace

import pytest

from netstats_xl.app.service import Event, EventKind, WorkbookState
from netstats_xl.companion import Companion
from netstats_xl.domain.results import Batch
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import (
    ConfigurationError,
    SheetInvalid,
    StoreFull,
    WorkbookBusy,
    WorkbookClosed,
    WorkbookError,
)
from netstats_xl.ports import ResultStore, StoreWatcher
from tests.companion.stage import DESTINATION_HEADERS, JOB_HEADERS, PLACE, Stage, settings_table
from tests.fakes.memory_workbook import raw_table


def pushes(stage: Stage) -> list[str]:
    """What each push was: of everything, or of the status alone."""
    return ["all" if "Runs" in rows else "status" for rows in stage.book.published]


def test_everything_is_shown_at_the_start_then_what_changes_and_everything_again_now_and_then() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    stage.push()
    assert pushes(stage) == ["all"]
    stage.tick()
    stage.push()
    stage.push()
    assert pushes(stage) == ["all", "status"]
    stage.clock.advance(seconds=30)
    stage.push()
    assert pushes(stage) == ["all", "status", "all"]
    companion.stop()


def test_a_view_that_costs_much_is_made_less_often() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    costs = iter((0.0, 1.0))  # before and after the first view
    companion._showing._cpu_s = lambda: next(costs, 1.0)  # type: ignore[attr-defined]  # a slow machine
    stage.push()
    stage.clock.advance(seconds=199)
    stage.push()
    assert pushes(stage) == ["all"]
    stage.clock.advance(seconds=1)
    stage.push()
    assert pushes(stage) == ["all", "all"]
    companion.stop()


def test_nothing_is_pushed_while_updates_are_paused_and_everything_thereafter() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    companion.service.pause_updates(True)
    stage.tick()
    stage.clock.advance(seconds=60)
    stage.push()
    with pytest.raises(ConfigurationError, match="paused"):
        companion.service.refresh()
    assert pushes(stage) == ["all"]
    assert companion.service.health().updates_paused
    companion.service.pause_updates(False)
    assert "push" in stage.scheduler.wanted
    stage.push()
    assert pushes(stage) == ["all", "all"]
    companion.stop()


def test_rows_typed_while_updates_are_paused_are_measured_and_have_their_ids_thereafter() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    written = dict(stage.book.ids)
    companion.service.pause_updates(True)
    assert stage.book.held
    typed = (("a", "127.0.0.1"), ("b", "127.0.0.2"), ("new", "127.0.0.3"))
    stage.book.set(raw_table("Destinations", DESTINATION_HEADERS, *typed))
    stage.look()
    stage.tick()
    assert stage.prober.hosts == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    companion.service.sync()
    made = companion.service.write_destination({"name": "asked", "host": "127.0.0.4"})
    assert [row.cells["Name"] for row in stage.book.tables["Destinations"].rows][-1] == "asked"
    assert stage.book.ids == written
    assert companion.snapshot().warnings == ()
    stage.scheduler.wanted.clear()
    companion.service.pause_updates(False)
    assert not stage.book.held
    assert stage.scheduler.wanted == ["push", "read the workbook"]
    stage.look()
    assert len(stage.book.ids) == len(written) + 2
    assert made.destination.id in stage.book.ids.values()
    companion.stop()


def test_a_workbook_is_not_read_again_and_again_while_updates_are_paused() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    companion.service.pause_updates(True)
    companion.service.pause_updates(True)
    stage.book.set(raw_table("Destinations", DESTINATION_HEADERS, ("new", "127.0.0.3")))
    stage.look()
    loaded = companion._watch.loaded
    stage.look()
    assert companion._watch.loaded is loaded
    companion.stop()


def test_at_a_refresh_everything_is_shown_at_once() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    assert companion.service.refresh() == "memory"
    assert pushes(stage) == ["all", "all"]
    companion.stop()


def test_a_workbook_that_is_closed_is_left_alone_and_measured_on_until_it_is_open_again() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    with companion.service.events() as events:
        stage.book.close_in_excel()
        stage.look()
        assert next(events) == Event(kind=EventKind.WORKBOOK, data={"state": "closed"})
        assert companion.service.health().workbook_state is WorkbookState.CLOSED
        with pytest.raises(WorkbookClosed):
            companion.service.refresh()
        stage.tick()
        stage.scheduler.do("save")
        stage.push()
        assert pushes(stage) == ["all"]
        assert companion.snapshot().warnings == ()
        assert not stage.stop_request.asked
        stage.book.open_in_excel()
        stage.look()
        kinds = [event.kind for event in (next(events) for _ in range(5)) if event is not None]
    assert kinds == [*[EventKind.RESULT] * 2, *[EventKind.STATE] * 2, EventKind.WORKBOOK]
    assert companion.service.health().workbook_state is WorkbookState.OPEN
    stage.push()
    assert pushes(stage) == ["all", "all"]
    assert len(stage.book.published[-1]["Runs"]) == 1  # what was measured meanwhile
    companion.stop()


def test_closing_ends_it_where_the_settings_say_so() -> None:
    stage = Stage(live=True)
    stage.book.set(settings_table(("When the workbook is closed", "stop")))
    companion = stage.start()
    stage.look()
    assert not stage.stop_request.asked
    stage.book.close_in_excel()
    stage.look()
    assert stage.stop_request.asked
    assert companion.stop().problems == ()


def test_what_the_workbook_said_last_is_measured_while_it_is_closed_at_the_start() -> None:
    stage = Stage(live=True)
    first = stage.start()
    first.stop()
    stage.book.close_in_excel()
    second = Companion(stage.parts)
    second.start()
    stage.tick()
    assert stage.prober.hosts == ["127.0.0.1", "127.0.0.2"]
    assert second.service.health().workbook_state is WorkbookState.CLOSED
    stage.book.open_in_excel()
    stage.book.set(raw_table("Destinations", DESTINATION_HEADERS, ("a", "127.0.0.9")))
    stage.look()
    stage.tick()
    assert stage.prober.hosts[2:] == ["127.0.0.9"]
    second.stop()


def test_a_closed_workbook_of_which_nothing_is_known_ends_the_start() -> None:
    stage = Stage(live=True)
    stage.book.close_in_excel()
    with pytest.raises(SheetInvalid, match="is not open, and nothing is known of it yet"):
        stage.start()


def test_a_workbook_that_is_busy_at_the_start_is_read_when_it_can_be() -> None:
    stage = Stage(live=True)
    stage.book.error = WorkbookBusy("A cell is being edited.")
    companion = stage.start()
    assert companion.service.health().workbook_state is WorkbookState.BUSY
    stage.look()
    assert companion.snapshot().jobs == []
    assert companion.snapshot().warnings == ()  # it happens all the time
    stage.book.error = None
    stage.look()
    stage.tick()
    assert stage.prober.hosts == ["127.0.0.1", "127.0.0.2"]
    companion.stop()


def test_a_live_workbook_without_a_job_waits_for_one_to_be_typed() -> None:
    stage = Stage(live=True)
    jobs = stage.book.tables["Jobs"]
    stage.book.set(raw_table("Jobs", JOB_HEADERS))
    companion = stage.start()
    assert companion.snapshot().jobs == []
    stage.book.set(jobs)
    stage.look()
    stage.tick()
    assert companion.snapshot().jobs[0][1].last_result == "2 up, 0 down"
    companion.stop()


def test_what_the_workbook_tells_of_a_change_is_looked_at_in_a_moment() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    companion.service.workbook_event("changed")  # type: ignore[arg-type]  # as JSON has it
    assert stage.book.changes_noted == 1
    assert stage.scheduler.wanted[-1] == "read the workbook"
    companion.stop()


def test_another_choice_on_the_sheet_is_shown_at_once() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    stage.book.set(raw_table("Selection", ("Details of", "Period"), ("b", "7d")))
    stage.look()
    stage.push()
    assert pushes(stage) == ["all", "all"]
    assert (companion.service.health().shown, companion.service.health().period) == ("b", "7d")
    companion.stop()


def test_a_choice_made_elsewhere_is_written_into_the_sheet() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    companion.service.show(details_of="b", period="1h")
    (row,) = stage.book.tables["Selection"].rows
    assert row.cells == {"Details of": "b", "Period": "1h"}
    assert (companion.service.health().shown, companion.service.health().period) == ("b", "1h")
    with pytest.raises(ConfigurationError, match="bb"):
        companion.service.show(details_of="bb")
    with pytest.raises(ConfigurationError, match="period"):
        companion.service.show(period="soon")
    del stage.book.tables["Selection"]
    with pytest.raises(WorkbookError, match="no table named Selection"):
        companion.service.show(period="24h")
    companion.stop()


def test_a_push_that_fails_is_told_tried_again_and_stops_no_round() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.book.error = WorkbookError("Excel says no.")
    stage.push()
    assert companion.snapshot().warnings == ("The workbook does not show the latest: Excel says no.",)
    stage.tick()
    stage.book.error = None
    stage.push()
    assert companion.snapshot().warnings == ()
    assert companion.snapshot().jobs[0][1].last_result == "2 up, 0 down"
    assert pushes(stage)[-1] == "status"
    companion.stop()


def test_a_busy_workbook_is_nothing_that_a_user_need_know() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.book.error = WorkbookBusy("A cell is being edited.")
    stage.push()
    stage.look()
    assert companion.snapshot().warnings == ()
    assert companion.service.health().workbook_state is WorkbookState.BUSY
    companion.stop()


def test_a_workbook_in_which_a_cell_is_edited_is_busy_until_it_is_left() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.book.busy = True
    stage.look()
    assert companion.service.health().workbook_state is WorkbookState.BUSY
    companion.service.sync()
    stage.book.busy = False
    stage.look()
    states = [companion.service.health().workbook_state]
    assert states == [WorkbookState.OPEN]
    companion.stop()


def test_a_store_that_cannot_answer_spoils_no_more_than_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(live=True)
    companion = stage.start()

    def refuse(*_: object, **__: object) -> None:
        raise StoreFull("the disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(stage.store, "summaries", refuse)
        stage.push()
    assert companion.snapshot().warnings == ("The workbook does not show the latest: the disk is full.",)
    stage.tick()
    stage.push()
    assert pushes(stage) == ["status"]
    companion.stop()


def test_a_workbook_saved_under_another_name_is_told_by_that_name() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.look()
    assert stage.places == [(PLACE, "memory")]
    stage.book.full_name = r"D:\Other.xlsm"
    stage.look()
    assert stage.places[1:] == [(r"D:\Other.xlsm", "memory")]
    assert stage.server.names[-1] == r"D:\Other.xlsm"
    assert companion.service.health().workbook == r"D:\Other.xlsm"
    companion.stop()


def test_what_cannot_be_shown_is_told() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.book.problems = ("There is no table named Runs any more.",)
    assert companion.service.health().warnings == stage.book.problems
    companion.stop()


def test_at_the_end_the_workbook_says_so_and_is_let_go_of() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.push()
    assert stage.book.cells["NetStats_state"] == "Collecting: 2 unknown"
    companion.stop()
    assert stage.book.cells["NetStats_state"] == "Stopped at 2026-11-23 09:00"
    assert stage.book.flushed
    assert stage.book.closed


def test_a_workbook_that_is_closed_or_paused_is_not_touched_at_the_end() -> None:
    for closed in (True, False):
        stage = Stage(live=True)
        companion = stage.start()
        if closed:
            stage.book.close_in_excel()
            stage.look()
        companion.service.pause_updates(not closed)
        stage.book.error = None
        assert companion.stop().problems == ()
        assert stage.book.published == []


def test_a_failure_at_the_end_is_no_problem_of_the_results() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    stage.book.error = WorkbookBusy("A dialog is open.")
    assert companion.stop().problems == ()


def test_a_busy_workbook_names_its_database_as_it_did_the_last_time() -> None:
    stage = Stage(live=True)
    assert stage.parts.live is not None
    asked = list[str]()
    live = replace(stage.parts.live, last_settings=lambda: Settings(database="last.duckdb"))

    def open_store(settings: Settings, watcher: StoreWatcher) -> ResultStore:
        asked.append(settings.database)
        return stage.store

    stage.book.error = WorkbookBusy("A cell is being edited.")
    companion = Companion(replace(stage.parts, live=live, open_store=open_store))
    companion.start()
    companion.stop()
    assert asked == ["last.duckdb"]


def test_a_choice_fills_the_selection_s_row_where_it_is_blank() -> None:
    stage = Stage(live=True)
    stage.book.set(raw_table("Selection", ("Details of", "Period")))
    companion = stage.start()
    companion.service.show(details_of="b", period="7d")
    assert [dict(row.cells) for row in stage.book.tables["Selection"].rows] == [
        {"Details of": "b", "Period": "7d"}
    ]
    companion.stop()


def test_what_was_saved_late_or_deleted_is_asked_for_anew() -> None:
    stage = Stage(live=True)
    companion = stage.start()
    forgotten: list[None] = []
    views = stage.live_views
    views.forget = lambda: forgotten.append(None)  # type: ignore[method-assign]  # to hear of it
    stage.push()
    stage.tick()
    save = stage.store.save

    def refuse(batch: Batch) -> None:
        raise StoreFull("The disk is full.")

    stage.store.save = refuse  # type: ignore[method-assign]  # the disk is full for a while
    stage.scheduler.do("save")
    stage.store.save = save  # type: ignore[method-assign]  # and has room again
    stage.clock.advance(seconds=60)
    stage.push()
    assert forgotten == []
    stage.scheduler.do("save")
    for _ in range(2):
        stage.clock.advance(seconds=60)
        stage.push()
    assert len(forgotten) == 1
    stage.clock.advance(seconds=32 * 86_400)
    stage.scheduler.do("retention")
    stage.push()
    assert len(forgotten) == 2
    companion.service.refresh()
    assert len(forgotten) == 3
    companion.stop()
