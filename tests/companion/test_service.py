"""What a companion at work answers, with everything outside it played."""

import asyncio
import threading
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

import pytest

from netstats_xl.app.path_tests import PathMtu
from netstats_xl.app.service import (
    BackupRequest,
    Event,
    EventKind,
    ReportRequest,
    Service,
    Wanted,
    WorkbookEvent,
)
from netstats_xl.companion import Companion, collecting
from netstats_xl.companion import service as service_module
from netstats_xl.domain.results import State, Timeout
from netstats_xl.domain.states import JobState
from netstats_xl.errors import (
    BackendUnavailable,
    CompanionStopping,
    ConfigurationError,
    NotFound,
    ReportError,
    RoundUnderWay,
    SheetInvalid,
    WorkbookBusy,
    WorkbookClosed,
)
from tests.companion.stage import AT, DESTINATION_HEADERS, Stage, settings_table
from tests.fakes.memory_workbook import raw_table


def names(service: Service) -> list[str]:
    return [entry.destination.name for entry in service.destinations(Wanted()).entries]


def test_it_is_a_service() -> None:
    stage = Stage()
    companion = stage.start()
    service: Service = companion.service
    stage.tick()
    health = service.health()
    assert (health.workbook, health.database, health.jobs, health.unsaved) == (
        "NetStats.xlsx",
        "memory",
        1,
        2,
    )
    assert health.summary == "Collecting: 2 up"
    assert (health.shown, health.period) == ("", "24h")
    companion.stop()


def test_disabled_destinations_are_not_counted() -> None:
    stage = Stage()
    stage.book.set(
        raw_table(
            "Destinations", ("Name", "Host", "Enabled"), ("a", "127.0.0.1", "yes"), ("b", "127.0.0.2", "no")
        )
    )
    companion = stage.start()
    assert sum(companion.service.health().destinations.values()) == 1
    companion.stop()


def test_rows_written_through_it_stand_in_the_sheet_and_are_in_force() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    with service.events() as events:
        created = service.write_destination({"name": "c", "host": "127.0.0.3"})
        assert next(events) == Event(kind=EventKind.JOBS)
    assert names(service) == ["a", "b", "c"]
    assert [row.cells["Host"] for row in stage.book.tables["Destinations"].rows][-1] == "127.0.0.3"
    changed = service.write_destination({"host": "127.0.0.4"}, created.destination.id)
    assert changed.destination.id == created.destination.id
    stage.tick()
    assert stage.prober.hosts == ["127.0.0.1", "127.0.0.2", "127.0.0.4"]
    service.delete_destination(created.destination.id)
    assert names(service) == ["a", "b"]
    assert len(stage.book.tables["Destinations"].rows) == 2
    with pytest.raises(NotFound):
        service.destination(created.destination.id)
    companion.stop()


def test_a_bad_row_is_refused_and_changes_nothing() -> None:
    stage = Stage()
    companion = stage.start()
    with pytest.raises(SheetInvalid):
        companion.service.write_destination({"name": "c", "host": "no host"})
    assert names(companion.service) == ["a", "b"]
    companion.stop()


def test_blocks_are_expanded() -> None:
    stage = Stage()
    stage.book.set(raw_table("Destinations", DESTINATION_HEADERS, ("lan", "192.0.2.0/30")))
    companion = stage.start()
    assert companion.service.expand() == 2
    assert names(companion.service) == ["lan 192.0.2.1", "lan 192.0.2.2"]
    companion.stop()


def test_jobs_written_through_it_run() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    created = service.write_job({"name": "More", "destinations": "a", "interval": "1m"})
    assert [entry.job.name for entry in service.jobs()] == ["All", "More"]
    assert created.job.id in stage.scheduler.jobs
    service.delete_job(created.job.id)
    assert created.job.id not in stage.scheduler.jobs
    companion.stop()


def test_a_job_that_was_stopped_rests_over_a_restart_until_it_is_started() -> None:
    stage = Stage()
    companion = stage.start()
    (entry,) = companion.service.jobs()
    companion.service.stop_jobs([entry.job.id])
    assert stage.scheduler.jobs == {}
    companion.stop()
    again = Companion(stage.parts)
    again.start()
    assert stage.scheduler.jobs == {}
    assert again.service.job(entry.job.id).status.state is JobState.STOPPED
    again.service.start_jobs([entry.job.id])
    stage.tick()
    assert again.service.job(entry.job.id).status.rounds_done == 1
    again.stop()


def test_only_jobs_in_force_are_started_stopped_or_run() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    for command in (service.start_jobs, service.stop_jobs, service.run_jobs):
        with pytest.raises(NotFound):
            command(["unknown"])
    service.run_jobs([])
    assert stage.store.definitions().stopped == frozenset()
    companion.stop()


def test_a_job_can_be_run_once_and_the_round_is_saved() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    (entry,) = service.jobs()
    service.run_jobs([entry.job.id])
    assert service.job(entry.job.id).status.rounds_done == 1
    companion.stop()
    assert stage.store.info().samples == 2


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "ROUND_WITHIN_S", 0.01)


async def done(event: asyncio.Event) -> None:
    event.set()


@pytest.mark.usefixtures("impatient")
def test_a_round_on_demand_that_takes_long_is_not_waited_for_and_told_when_it_ends() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    (entry,) = service.jobs()
    stage.prober.held = asyncio.Event()
    with service.events() as events:
        service.run_jobs([entry.job.id])
        assert service.job(entry.job.id).status.rounds_done == 0
        with pytest.raises(RoundUnderWay):
            service.run_jobs([entry.job.id])
        stage.scheduler.run(done(stage.prober.held))
        assert next(events) is not None
    companion.stop()
    assert stage.store.info().samples == 2


@pytest.mark.usefixtures("impatient")
def test_a_round_on_demand_that_outlasts_the_companion_is_given_up() -> None:
    stage = Stage()
    companion = stage.start()
    stage.prober.held = asyncio.Event()
    companion.service.run_jobs([companion.service.jobs()[0].job.id])
    assert companion.stop().problems == ()
    assert stage.store.info().samples == 0


@pytest.mark.usefixtures("impatient")
def test_an_internal_error_of_a_late_round_on_demand_is_told() -> None:
    stage = Stage()
    companion = stage.start()
    stage.prober.held = asyncio.Event()
    stage.prober.answers = 1  # too few: one a target is promised
    companion.service.run_jobs([companion.service.jobs()[0].job.id])
    stage.scheduler.run(done(stage.prober.held))
    stage.scheduler.run(asyncio.sleep(0.01))
    assert "Internal error in a round on demand" in companion.snapshot().warnings[0]
    companion.stop()


def test_a_test_tells_what_it_found_and_saves_nothing() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    stage.prober.outcome = Timeout(address="127.0.0.1", sent=4)
    first = service.destinations(Wanted()).entries[0].destination
    (result,) = service.test([first.id])
    assert (result.destination, result.outcome) == (first, stage.prober.outcome)
    assert "no reply" in service.destination(first.id).status.problems
    companion.stop()
    assert stage.store.info().samples == 0


def test_a_trace_tells_what_it_found_and_saves_the_routes_of_destinations() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    first = service.destinations(Wanted()).entries[0].destination
    mine, other = service.trace([first.id, first.id], hosts=["127.0.0.9", "127.0.0.9"], rounds=2)
    assert (mine.destination, mine.host, other.destination, other.host) == (
        first,
        "127.0.0.1",
        None,
        "127.0.0.9",
    )
    # Saved already, so that what is shown next tells it.
    assert {id_: each.traces for id_, each in stage.store.current_routes(AT + timedelta(days=1)).items()} == {
        first.id: 1
    }
    stage.prober.error = BackendUnavailable("There is no network.")
    with pytest.raises(BackendUnavailable):
        service.trace([first.id])
    with pytest.raises(NotFound):
        service.trace(["nobody"])
    companion.stop()


def test_a_job_with_the_metric_route_traces_with_its_rounds() -> None:
    stage = Stage()
    stage.book.set(
        raw_table("Jobs", ("Name", "Destinations", "Interval", "Metrics"), ("All", "*", "10s", "all, route"))
    )
    companion = stage.start()
    stage.tick()
    stage.tick()
    stage.scheduler.run(asyncio.sleep(0))
    assert stage.prober.traced == ["127.0.0.1", "127.0.0.2"]
    stage.scheduler.do("save")
    assert len(stage.store.current_routes(AT + timedelta(days=1))) == 2
    companion.stop()


def test_a_trace_that_is_under_way_does_not_hold_up_the_end() -> None:
    stage = Stage()
    stage.book.set(
        raw_table("Jobs", ("Name", "Destinations", "Interval", "Metrics"), ("All", "*", "10s", "route"))
    )
    companion = stage.start()
    stage.tick()
    stage.prober.held = asyncio.Event()
    stage.scheduler.run(asyncio.sleep(0))
    companion.stop()
    assert stage.prober.closed


def test_figures_are_those_of_what_was_saved() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    stage.tick()
    stage.scheduler.do("save")
    (entry,) = service.jobs()
    for figures in (service.dashboard("1h"), service.job_figures(entry.job.id, "24h")):
        assert figures.overall.rounds_up == 2
        assert [each.destination.name for each, _ in figures.destinations] == ["a", "b"]
    with pytest.raises(ConfigurationError):
        service.dashboard("soon")
    companion.stop()


def test_the_workbook_is_read_when_asked_for() -> None:
    stage = Stage()
    companion = stage.start()
    stage.book.set(raw_table("Destinations", DESTINATION_HEADERS, ("a", "127.0.0.9"), ("b", "bad host")))
    synced = companion.service.sync()
    assert (synced.destinations, synced.jobs, len(synced.cell_errors), synced.held) == (2, 1, 1, False)
    stage.book.error = WorkbookBusy("It is being saved.")
    with pytest.raises(WorkbookBusy):
        companion.service.sync()
    assert companion.service.health().warnings == (
        "The workbook's changes are not in force yet: It is being saved.",
    )
    stage.book.error = None
    companion.service.sync()
    assert companion.service.health().warnings == ()
    companion.stop()


def test_most_rows_gone_are_held_until_a_sync_confirms_it() -> None:
    stage = Stage()
    many = [(f"d{number}", f"127.0.0.{number}") for number in range(1, 13)]
    stage.book.set(raw_table("Destinations", DESTINATION_HEADERS, *many))
    companion = stage.start()
    stage.book.set(raw_table("Destinations", DESTINATION_HEADERS, *many[:2]))
    assert companion.service.sync().held
    assert len(names(companion.service)) == 12
    assert not companion.service.sync(confirmed=True).held
    assert len(names(companion.service)) == 2
    companion.stop()


def test_the_report_is_written_at_a_refresh_and_not_by_itself_while_paused() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    service.pause_updates(True)
    stage.scheduler.do("report")
    assert stage.book.published == []
    assert service.refresh() == "memory"
    assert len(stage.book.published) == 1
    stage.book.error = WorkbookBusy("It is locked.")
    with pytest.raises(WorkbookBusy):
        service.refresh()
    companion.stop()


def test_the_report_is_written_as_often_as_the_settings_say() -> None:
    stage = Stage()
    companion = stage.start()
    assert stage.scheduler.times["report"] == 60
    stage.book.set(settings_table(("Report every", "5m")))
    stage.look()
    assert stage.scheduler.times["report"] == 300
    companion.stop()


def test_a_file_shows_nothing_that_could_be_chosen() -> None:
    stage = Stage()
    companion = stage.start()
    with pytest.raises(WorkbookClosed, match="read as a file"):
        companion.service.show(period="7d")
    companion.stop()


def test_reports_of_any_time_are_written_where_they_harm_nothing(tmp_path: Path) -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    stage.tick()
    stage.scheduler.do("save")
    path = tmp_path / "a.csv"
    assert service.report(ReportRequest(file_format="csv", output=path)) == path
    assert path.read_text(encoding="utf-8-sig").count("127.0.0.") >= 2
    with pytest.raises(ConfigurationError, match="exists already"):
        service.report(ReportRequest(file_format="csv", output=path))
    assert service.report(ReportRequest(output=tmp_path / "a.xlsx")) == Path("memory")
    with pytest.raises(ConfigurationError, match=r"ends in \.xlsx"):
        service.report(ReportRequest(output=path, replace=True))
    with pytest.raises(ReportError):
        service.report(ReportRequest(start="soon"))
    with pytest.raises(ReportError):
        service.report(ReportRequest(jobs=("unknown",)))
    companion.stop()


def test_events_tell_results_changes_and_the_end() -> None:
    stage = Stage()
    companion = stage.start()
    with companion.service.events() as events:
        stage.tick()
        companion.stop()
        kinds = [event.kind for event in events if event is not None]
    assert kinds == [
        EventKind.RESULT,
        EventKind.RESULT,
        EventKind.STATE,
        EventKind.STATE,
        EventKind.STOPPING,
    ]


def test_a_saved_file_is_read_in_a_moment_and_a_closing_one_is_only_looked_at() -> None:
    stage = Stage()
    companion = stage.start()
    stage.scheduler.wanted.clear()
    companion.service.workbook_event(WorkbookEvent.SAVED)
    assert stage.scheduler.wanted == ["read the workbook"]
    stage.book.tables["Destinations"] = raw_table("Destinations", DESTINATION_HEADERS, ("z", "127.0.0.1"))
    stage.look()
    assert names(companion.service) == ["z"]
    stage.book.tables["Destinations"] = raw_table("Destinations", DESTINATION_HEADERS, ("y", "127.0.0.1"))
    companion.service.workbook_event(WorkbookEvent.CLOSING)
    stage.look()
    assert names(companion.service) == ["z"]
    companion.stop()


def test_the_way_to_a_destination_or_to_any_host_is_tested_with_the_prober_at_work() -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    assert service.path_mtu("A") == PathMtu(host="127.0.0.1", address="127.0.0.1", mtu=9_000, is_least=True)
    swept = service.sweep("127.0.0.7", (16, 64))
    assert [(each.payload_bytes, each.received) for each in swept.sizes] == [(16, 4), (64, 4)]
    assert stage.prober.hosts == ["127.0.0.1"] * 4 + ["127.0.0.7"] * 2
    with pytest.raises(ConfigurationError, match="name of no destination"):
        service.path_mtu("no host")
    companion.stop()


def test_shutting_down_asks_for_it_and_returns() -> None:
    stage = Stage()
    companion = stage.start()
    companion.service.shutdown()
    assert stage.stop_request.asked
    stage.tick()
    assert companion.service.health().destinations[State.UP] == 2
    companion.stop()


def calls_of(service: Service) -> dict[str, Callable[[], object]]:
    """Everything that a service can be asked for, but for its health, its events and its end."""
    (job,), (first, _) = service.jobs(), service.destinations(Wanted()).entries
    job_id, id_ = job.job.id, first.destination.id
    calls: dict[str, Callable[[], object]] = {
        "destinations": lambda: service.destinations(Wanted()),
        "destination": lambda: service.destination(id_),
        "write_destination": lambda: service.write_destination({"name": "c", "host": "127.0.0.3"}),
        "delete_destination": lambda: service.delete_destination(id_),
        "expand": service.expand,
        "test": lambda: service.test([id_]),
        "path_mtu": lambda: service.path_mtu("a"),
        "sweep": lambda: service.sweep("a", (16, 64)),
        "trace": lambda: service.trace([id_]),
        "jobs": service.jobs,
        "job": lambda: service.job(job_id),
        "write_job": lambda: service.write_job({"name": "b", "destinations": "*", "interval": 10}),
        "delete_job": lambda: service.delete_job(job_id),
        "start_jobs": lambda: service.start_jobs([job_id]),
        "stop_jobs": lambda: service.stop_jobs([job_id]),
        "run_jobs": lambda: service.run_jobs([job_id]),
        "job_figures": lambda: service.job_figures(job_id, "1h"),
        "dashboard": lambda: service.dashboard("1h"),
        "sync": service.sync,
        "refresh": service.refresh,
        "pause_updates": lambda: service.pause_updates(True),
        "show": lambda: service.show(period="1h"),
        "report": lambda: service.report(ReportRequest()),
        "backup": lambda: service.backup(BackupRequest()),
        "backup_status": service.backup_status,
        "workbook_event": lambda: service.workbook_event(WorkbookEvent.SAVED),
    }
    named = {name for name in vars(Service) if not name.startswith("_")}
    assert calls.keys() == named - {"health", "events", "shutdown"}
    return calls


@pytest.mark.parametrize("by", ["shutdown", "stop"])
def test_a_companion_that_is_stopping_says_so_and_does_nothing_more(by: str) -> None:
    stage = Stage()
    companion = stage.start()
    service = companion.service
    calls = calls_of(service)
    rows, stopped = stage.book.tables["Destinations"], stage.store.definitions().stopped
    assert not service.health().stopping
    if by == "shutdown":
        service.shutdown()
    else:
        companion.stop()
    health = service.health()
    assert (health.stopping, health.summary) == (True, "Stopping: the results are being saved")
    for call in calls.values():
        with pytest.raises(CompanionStopping, match="is stopping: start it again once it has ended"):
            call()
    assert stage.book.tables["Destinations"] is rows
    assert stage.store.definitions().stopped == stopped
    assert stage.book.published == [] or by == "stop"
    service.shutdown()
    if by == "shutdown":
        companion.stop()


def test_what_is_under_way_is_done_before_the_companion_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    companion = stage.start()
    (entry,) = companion.service.jobs()
    saving, go_on = threading.Event(), threading.Event()
    save = stage.store.save_stopped

    def save_slowly(stopped: Collection[str]) -> None:
        saving.set()
        go_on.wait(20)
        save(stopped)

    monkeypatch.setattr(stage.store, "save_stopped", save_slowly)
    asking = threading.Thread(target=companion.service.stop_jobs, args=([entry.job.id],))
    asking.start()
    assert saving.wait(20)
    companion.service.shutdown()
    ending = threading.Thread(target=go_on.set)
    ending.start()
    assert companion.service.end()
    assert stage.store.definitions().stopped == {entry.job.id}
    assert stage.scheduler.jobs == {}
    asking.join(20)
    ending.join(20)
    companion.stop()


def test_what_outlasts_the_companion_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service_module, "CALLS_WITHIN_S", 0.0)
    stage = Stage()
    companion = stage.start()
    (entry,) = companion.service.jobs()

    def end_meanwhile(stopped: Collection[str]) -> None:
        companion.stop()

    monkeypatch.setattr(stage.store, "save_stopped", end_meanwhile)
    with pytest.raises(CompanionStopping):
        companion.service.stop_jobs([entry.job.id])
    told = [record for record in caplog.records if "given up at the end" in record.message]
    assert [record.exc_info for record in told] == [None]


def test_an_internal_error_of_a_call_is_none_of_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    companion = Stage().start()
    monkeypatch.setattr(service_module, "find_destinations", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        companion.service.destinations(Wanted())
    companion.stop()
