"""`demo`: half a minute of measuring this computer itself, whatever this user may do."""

from datetime import timedelta
from pathlib import Path

import typer

from netstats_xl import wiring
from netstats_xl.commands.asking import parsed, say
from netstats_xl.commands.collect import collect_and_show
from netstats_xl.commands.loopback import loopback_ports
from netstats_xl.domain.windows import parse_duration


def demo(folder: Path, duration: str) -> int:
    """Write the demo's workbook into the folder, collect from it, and say where the report lies.

    Where this user may not ping, it says what grants the right, and connects to ports of its own instead.
    """
    limit = parsed(parse_duration, duration, "--for")
    folder.mkdir(parents=True, exist_ok=True)
    reason = wiring.why_no_pings()
    if reason is not None:
        return _connecting(folder, limit, duration, reason)
    workbook = folder / "NetStats-demo.xlsx"
    if not workbook.exists():
        wiring.write_demo(workbook, zone=wiring.system_zone())
    typer.echo(f"Measuring this computer's loopback addresses for {duration}, as {workbook} says ...")
    return collect_and_show(wiring.connect(workbook), limit, confirm_removals=False)


def _connecting(folder: Path, limit: timedelta, duration: str, reason: str) -> int:
    """The workbook is written anew each time: the ports are others."""
    say(reason)
    workbook = folder / "NetStats-demo-tcp.xlsx"
    with loopback_ports() as ports:
        wiring.write_tcp_demo(
            workbook, zone=wiring.system_zone(), accepting=ports.accepting, refusing=ports.refusing
        )
        typer.echo(
            f"Until then the demo needs no right: it connects to ports of this computer for {duration}, as {workbook} "
            "says ..."
        )
        return collect_and_show(wiring.connect(workbook), limit, confirm_removals=False)
