"""What the terminal shows while results are collected."""

import re
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
        now_s = self._clock()
        if snapshot.engine and snapshot.engine not in self._said:
            self._said.add(snapshot.engine)
            self._line(snapshot, f"sent by: {snapshot.engine}")
        for warning in snapshot.warnings:
            topic = re.sub(r"\d+", "#", warning)  # a count that changes makes no new warning
            if topic not in self._said:
                self._said.add(topic)
                self._line(snapshot, f"warning: {warning}")
        if self._last_line_at_s is None or now_s - self._last_line_at_s >= PLAIN_EVERY_S:
            self._last_line_at_s = now_s
            self._line(snapshot, in_one_line(snapshot))

    def _line(self, snapshot: Snapshot, text: str) -> None:
        at = to_local(snapshot.at, snapshot.zone)
        self._console.print(Text(f"{at:%Y-%m-%d %H:%M:%S} {text}"), soft_wrap=True)


def in_one_line(snapshot: Snapshot) -> str:
    """The snapshot in a line, for logs."""
    jobs = ", ".join(f"{job.name}: {status.state.lower()}" for job, status in snapshot.jobs)
    return f"{totals(snapshot)}; jobs: {jobs}"


def totals(snapshot: Snapshot) -> str:
    """How many destinations are in which state."""
    return ", ".join(f"{snapshot.count(state)} {state.lower()}" for state in State)


def render(snapshot: Snapshot) -> Group:
    """The snapshot: totals and warnings first, where a small screen shows them, then a table of jobs."""
    lines = [Text.assemble(("Destinations: ", "bold"), totals(snapshot))]
    lines.extend(Text(f"Warning: {warning}", style="yellow") for warning in snapshot.warnings)
    lines.append(Text("Ctrl+C stops and writes the report.", style="dim"))
    if snapshot.unsaved:
        lines.append(Text(f"Not saved yet: {snapshot.unsaved} results", style="dim"))
    table = Table(expand=True, header_style="bold")
    table.add_column("Job", overflow="fold", ratio=2)
    for heading in ("State", "Last run", "Next run"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Last result", overflow="fold", ratio=1)
    for heading in ("Rounds", "Missed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Error", overflow="fold", ratio=2)
    for job, status in snapshot.jobs:
        table.add_row(
            Text(job.name),
            Text(status.state, style=JOB_STYLES[status.state]),
            clock_time(status.last_run_at, snapshot),
            clock_time(status.next_run_at, snapshot),
            Text(status.last_result),
            str(status.rounds_done),
            str(status.ticks_missed),
            Text(status.last_error, style="red"),
        )
    places = [Text(f"Report: {snapshot.report}", style="dim")] if snapshot.report else []
    places.append(Text(f"Database: {snapshot.database}", style="dim"))
    if snapshot.engine:
        places.append(Text(f"Sent by: {snapshot.engine}", style="dim"))
    return Group(*lines, table, *places)


def clock_time(at: datetime | None, snapshot: Snapshot) -> str:
    """The local time of day; with the weekday or the date where it is not today's."""
    if at is None:
        return ""
    local, today = to_local(at, snapshot.zone), to_local(snapshot.at, snapshot.zone).date()
    days = abs((local.date() - today).days)
    return f"{local:%H:%M:%S}" if days == 0 else f"{local:%a %H:%M}" if days < 7 else f"{local:%Y-%m-%d}"
