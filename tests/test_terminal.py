import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.console import Console

from netstats_xl.companion import Snapshot
from netstats_xl.domain.results import State
from netstats_xl.domain.states import DestinationStatus, JobState, JobStatus
from netstats_xl.domain.targets import Job, Selector
from netstats_xl.domain.windows import Schedule
from netstats_xl.terminal import PLAIN_EVERY_S, Display, clock_time, render

AT = datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)


def snapshot(*, warnings: tuple[str, ...] = (), error: str = "", unsaved: int = 0) -> Snapshot:
    job = Job(
        id="j",
        name="All [hosts]",
        selectors=(Selector(kind="all"),),
        schedule=Schedule(interval=timedelta(seconds=10)),
    )
    status = JobStatus(
        job_id="j",
        state=JobState.FAILING if error else JobState.RUNNING,
        last_run_at=AT,
        next_run_at=AT + timedelta(seconds=10),
        rounds_done=12,
        ticks_missed=3,
        last_error=error,
        last_result="2 up, 1 down",
    )
    return Snapshot(
        at=AT,
        jobs=[(job, status)],
        destinations={
            "a": DestinationStatus(destination_id="a", state=State.UP),
            "b": DestinationStatus(destination_id="b", state=State.DOWN),
        },
        unsaved=unsaved,
        warnings=warnings,
        report="NetStats-report.xlsx",
        database="NetStats.duckdb",
        engine="raw ICMP socket: 1 microsecond",
        zone="Europe/Berlin",
    )


def rendered(shown: Snapshot, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(render(shown))
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


def test_the_table_shows_each_jobs_state_runs_result_and_error_in_local_time() -> None:
    text = rendered(snapshot(error="no privilege", warnings=("The disk is full.",), unsaved=7))
    (row,) = [line for line in text.splitlines() if "All [hosts]" in line]
    cells = ("Failing", "09:00:05", "09:00:15", "2 up, 1 down", "12", "3", "no privilege")
    assert [cell for cell in cells if cell not in row] == []
    assert "Destinations: 1 up, 0 degraded, 1 down, 0 unknown" in text
    assert "Warning: The disk is full." in text
    assert "Not saved yet: 7 results" in text
    assert "Report: NetStats-report.xlsx" in text
    assert "Sent by: raw ICMP socket: 1 microsecond" in text


def test_without_a_terminal_a_line_is_written_now_and_then_and_each_warning_once() -> None:
    now_s = 0.0
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    with Display(console, lambda: now_s) as display:
        for waiting in range(5):
            display.show(snapshot(warnings=(f"The disk is full: {waiting} results wait.",)))
            now_s += PLAIN_EVERY_S / 4
    output = console.file
    assert isinstance(output, io.StringIO)
    line = "2026-11-23 09:00:05 1 up, 0 degraded, 1 down, 0 unknown; jobs: All [hosts]: running"
    warning = "2026-11-23 09:00:05 warning: The disk is full: 0 results wait."
    engine = "2026-11-23 09:00:05 sent by: raw ICMP socket: 1 microsecond"
    assert output.getvalue().splitlines() == [engine, warning, line, line]


def test_a_run_on_another_day_is_shown_with_its_day() -> None:
    assert clock_time(AT + timedelta(days=2), snapshot()) == "Wed 09:00"
    assert clock_time(AT + timedelta(days=200), snapshot()) == "2027-06-11"
    assert clock_time(None, snapshot()) == ""


def test_on_a_small_screen_totals_and_warnings_stand_above_the_jobs() -> None:
    lines = rendered(snapshot(warnings=("The disk is full.",)), width=80).splitlines()
    assert lines[0].startswith("Destinations: 1 up")
    assert lines[1] == "Warning: The disk is full."
    assert any("09:00:05" in line and "09:00:15" in line for line in lines)


def test_on_a_terminal_the_table_is_live() -> None:
    console = Console(file=io.StringIO(), width=160, force_terminal=True)
    with Display(console, lambda: 0.0) as display:
        display.show(snapshot())
    output = console.file
    assert isinstance(output, io.StringIO)
    assert "All [hosts]" in output.getvalue()
    assert "Ctrl+C stops" in output.getvalue()


def test_nothing_is_said_of_an_engine_that_is_not_known_yet() -> None:
    assert "Sent by" not in rendered(replace(snapshot(), engine=""))
