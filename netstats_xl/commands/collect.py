"""`run` and `demo`: collect until told to stop."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import FrameType

import typer
from rich.console import Console

from netstats_xl import wiring
from netstats_xl.commands.asking import parsed, say
from netstats_xl.companion import Companion
from netstats_xl.domain.windows import parse_duration
from netstats_xl.terminal import Display

DRAW_EVERY_S = 0.5


def run(
    workbook: Path,
    *,
    duration: str | None,
    report: Path | None,
    database: Path | None,
    confirm_removals: bool,
) -> int:
    """Collect until Ctrl+C or for the duration; 1 where something was not saved, else 0."""
    limit = parsed(parse_duration, duration, "--for") if duration is not None else None
    parts = wiring.connect(workbook, report=report, database=database)
    return _collect(Companion(parts, confirm_removals=confirm_removals), limit)


def demo(folder: Path, duration: str) -> int:
    """Write the demo's workbook into the folder, collect from it, and say where the report lies."""
    limit = parsed(parse_duration, duration, "--for")
    workbook = folder / "NetStats-demo.xlsx"
    folder.mkdir(parents=True, exist_ok=True)
    if not workbook.exists():
        wiring.write_demo(workbook, zone=wiring.system_zone())
    typer.echo(f"Measuring this computer's loopback addresses for {duration}, as {workbook} says ...")
    return _collect(Companion(wiring.connect(workbook)), limit)


def _collect(companion: Companion, limit: timedelta | None) -> int:
    companion.start()
    with _stop_on_signals() as stop:
        ends_at_s = time.monotonic() + limit.total_seconds() if limit else None
        with Display(Console(), time.monotonic) as display:
            while not stop.is_set() and (ends_at_s is None or time.monotonic() < ends_at_s):
                with suppress(OSError):  # a terminal that was closed does not end the measurement
                    display.show(companion.snapshot())
                left_s = DRAW_EVERY_S if ends_at_s is None else ends_at_s - time.monotonic()
                stop.wait(max(0.0, min(DRAW_EVERY_S, left_s)))
        say("Stopping: saving the last results and writing the report ...")
        ending = companion.stop()
    for problem in ending.problems:
        say(f"warning: {problem}", err=True)
    if ending.report:
        say(f"Report: {ending.report}")
    return 1 if ending.problems else 0


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that Ctrl+C and the system's requests to end set. A second Ctrl+C interrupts at once."""
    stop = threading.Event()
    wanted = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        wanted.append(signal.SIGBREAK)
    else:
        wanted.append(signal.SIGHUP)  # the terminal was closed
    before = {number: signal.getsignal(number) for number in wanted}

    def ask_to_stop(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in wanted:
        signal.signal(number, ask_to_stop)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
