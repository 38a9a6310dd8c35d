"""What the terminal shows while results are collected."""

from collections.abc import Callable
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from netstats_xl.companion import Snapshot
from netstats_xl.domain.results import State
from netstats_xl.domain.states import JobState
from netstats_xl.domain.windows import to_local

JOB_STYLES = {
    JobState.RUNNING: "bold blue",
    JobState.FAILING: "bold red",
    JobState.SCHEDULED: "cyan",
    JobState.OUTSIDE: "dim",
    JobState.FINISHED: "dim",
    JobState.DISABLED: "dim",
    JobState.STOPPED: "dim",
}
PLAIN_EVERY_S = 10.0


class Display:
    """Shows snapshots: a live table on a terminal, else a line now and then.

    A context manager; `show` may be called as often as one likes.
    """

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        """`clock`: monotonic seconds."""
        self._console = console
        self._clock = clock
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._last_line_at_s: float | None = None
        self._said: set[str] = set()

    def __enter__(self) -> "Display":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Show the present state of things."""
        if self._live:
            self._live.update(render(snapshot))
            return
        for warning in snapshot.warnings:
            if warning not in self._said:
                self._said.add(warning)
                self._console.print(Text(f"warning: {warning}"))
        now_s = self._clock()
        if self._last_line_at_s is None or now_s - self._last_line_at_s >= PLAIN_EVERY_S:
            self._last_line_at_s = now_s
            self._console.print(Text(in_one_line(snapshot)))


def in_one_line(snapshot: Snapshot) -> str:
    """The snapshot in a line, for logs."""
    jobs = ", ".join(f"{job.name}: {status.state.lower()}" for job, status in snapshot.jobs)
    return f"{totals(snapshot)}; jobs: {jobs}"


def totals(snapshot: Snapshot) -> str:
    """How many destinations are in which state."""
    return ", ".join(f"{snapshot.count(state)} {state.lower()}" for state in State)


def render(snapshot: Snapshot) -> Group:
    """The snapshot as a table of jobs, with the totals above and the warnings below."""
    table = Table(expand=True, header_style="bold")
    for heading in ("Job", "State", "Last run", "Next run", "Last result", "Rounds", "Missed", "Error"):
        table.add_column(
            heading, justify="right" if heading in ("Rounds", "Missed") else "left", overflow="fold"
        )
    for job, status in snapshot.jobs:
        table.add_row(
            Text(job.name),
            Text(status.state, style=JOB_STYLES[status.state]),
            clock_time(status.last_run_at, snapshot.zone),
            clock_time(status.next_run_at, snapshot.zone),
            Text(status.last_result),
            str(status.rounds_done),
            str(status.ticks_missed),
            Text(status.last_error, style="red"),
        )
    lines = [Text(f"Destinations: {totals(snapshot)}"), Text(f"Database: {snapshot.database}", style="dim")]
    if snapshot.report:
        lines.append(Text(f"Report: {snapshot.report}", style="dim"))
    if snapshot.unsaved:
        lines.append(Text(f"Not saved yet: {snapshot.unsaved} results", style="dim"))
    lines.extend(Text(f"Warning: {warning}", style="yellow") for warning in snapshot.warnings)
    return Group(table, *lines, Text("Ctrl+C stops and writes the report.", style="dim"))


def clock_time(at: datetime | None, zone: str) -> str:
    """The local time of day; with the date where it is not a time of this day's hours: `Mon 08:00:00`."""
    if at is None:
        return ""
    return to_local(at, zone).strftime("%a %H:%M:%S")
