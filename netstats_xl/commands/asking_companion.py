"""`status`, `jobs`, `refresh` and `log`: what a collector at work is asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netstats_xl import wiring
from netstats_xl.commands.asking import say, takes_any_character
from netstats_xl.control.client import ControlClient
from netstats_xl.domain.results import State
from netstats_xl.errors import CompanionNotRunning

PAGE = 1_000
STATE_STYLES = {State.UP: "green", State.DEGRADED: "yellow", State.DOWN: "bold red", State.UNKNOWN: "dim"}
Json = Mapping[str, Any]


def status(workbook: Path | None, *, as_json: bool) -> None:
    """Tell of the workbook's collector, or of all there are.

    Raises:
        CompanionNotRunning: there is none.
    """
    with ExitStack() as stack:
        clients = _clients(workbook, as_json=as_json)
        collectors = [_gathered(stack.enter_context(client)) for client in clients]
    if as_json:
        typer.echo(json.dumps({"collectors": collectors}, ensure_ascii=not takes_any_character()))
    if not collectors:
        raise CompanionNotRunning("No collector is at work. `netstats-xl start WORKBOOK` starts one.")
    if not as_json:
        console = Console()
        for each in collectors:
            _print(console, each)


def jobs(action: Literal["start", "stop", "run"], names: Sequence[str], workbook: Path | None) -> None:
    """Start, stop or run jobs by name."""
    with wiring.find_companion(workbook) as client:
        ask = {"start": client.start_jobs, "stop": client.stop_jobs, "run": client.run_jobs}[action]
        say(ask(names=names)["message"])


def refresh(workbook: Path | None) -> None:
    """Have it show the latest now."""
    with wiring.find_companion(workbook) as client:
        say(client.refresh()["message"])


def log(workbook: Path | None) -> None:
    """Print where the log lies, of a collector at work or of the last one."""
    typer.echo(str(wiring.log_in_use(workbook)))


def _clients(workbook: Path | None, *, as_json: bool) -> list[ControlClient]:
    if workbook is None:
        return [client for _, client in wiring.answering()]
    try:
        return [wiring.find_companion(workbook)]
    except CompanionNotRunning:
        if as_json:
            return []
        raise


def _gathered(client: ControlClient) -> Json:
    health = {key: value for key, value in client.health().items() if key != "message"}
    return {
        **health,
        "workbook": client.endpoint.workbook,
        "destinations_by_state": health["destinations"],
        "destinations": list(_destinations(client)),
        "jobs": client.jobs()["jobs"],
    }


def _destinations(client: ControlClient) -> Iterator[Json]:
    offset = 0
    while True:
        page = client.destinations(offset=offset, limit=PAGE)
        yield from page["destinations"]
        offset += PAGE
        if offset >= page["total"]:
            return


def _print(console: Console, collector: Json) -> None:
    counts = ", ".join(
        f"{number} {state.lower()}" for state, number in collector["destinations_by_state"].items() if number
    )
    paused = ", updates paused" if collector["paused"] else ""
    console.print(Text(f"{collector['workbook']}: {counts or 'no destinations'}{paused}", style="bold"))
    since = _local(collector["started_at"])
    console.print(
        Text(
            f"Process {collector['process']} since {since}, workbook {collector['workbook_state']}",
            style="dim",
        ),
        Text(f"Database: {collector['database']}", style="dim"),
        sep="\n",
    )
    if engine := collector.get(
        "engine"
    ):  # a collector of an earlier version tells neither this nor the storage
        console.print(Text(f"Sent by: {engine}", style="dim"))
    for line in collector.get("storage", ()):
        console.print(Text(line, style="dim"))
    for warning in collector["warnings"]:
        console.print(Text(f"Warning: {warning}", style="yellow"))
    if collector["bad_cells"]:
        console.print(
            Text(
                f"Cells to put right: {collector['bad_cells']}; `netstats-xl check` lists them.",
                style="yellow",
            )
        )
    _print_jobs(console, collector["jobs"])
    _print_destinations(console, collector["destinations"])


def _print_jobs(console: Console, found: Sequence[Json]) -> None:
    table = Table(header_style="bold")
    for heading in ("Job", "State", "Last run", "Next run", "Last result", "Error"):
        table.add_column(heading, overflow="fold")
    for job in found:
        table.add_row(
            Text(job["name"]),
            Text(job["state"]),
            _local(job["last_run_at"]),
            _local(job["next_run_at"]),
            Text(job["last_result"]),
            Text(job["last_error"], style="red"),
        )
    console.print(table)


def _print_destinations(console: Console, found: Sequence[Json]) -> None:
    table = Table(header_style="bold")
    for heading in ("Destination", "Host", "State"):
        table.add_column(heading, overflow="fold")
    for heading in ("RTT (ms)", "Loss (%)"):
        table.add_column(heading, justify="right")
    for heading in ("Last seen", "Problems"):
        table.add_column(heading, overflow="fold")
    for each in found:
        table.add_row(
            Text(each["name"]),
            Text(each["host"]),
            Text(each["state"], style=STATE_STYLES[State(each["state"])] if each["enabled"] else "dim"),
            _figure(each["last_rtt_ms"]),
            _figure(each["loss_percent"]),
            _local(each["last_seen_at"]),
            Text(each["problems"]),
        )
    console.print(table)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _local(at: str | None) -> str:
    """An instant in this computer's time zone."""
    return "" if at is None else f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"
