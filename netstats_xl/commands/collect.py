"""`run`, `demo` and `collect`: collect until told to stop."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import typer

from netstats_xl import wiring
from netstats_xl.commands.asking import parsed, say
from netstats_xl.companion import Companion, Ending
from netstats_xl.domain.windows import parse_duration
from netstats_xl.errors import ControlError, NetstatsError, StoreLocked
from netstats_xl.hosting.endings import StopRequest, ending_on_signals
from netstats_xl.hosting.logfile import logging_to
from netstats_xl.parts import Parts
from netstats_xl.paths import data_folder

DRAW_EVERY_S = 0.5

logger = logging.getLogger(__name__)


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
    return _collect_and_show(parts, limit, confirm_removals=confirm_removals)


def demo(folder: Path, duration: str) -> int:
    """Write the demo's workbook into the folder, collect from it, and say where the report lies."""
    limit = parsed(parse_duration, duration, "--for")
    workbook = folder / "NetStats-demo.xlsx"
    folder.mkdir(parents=True, exist_ok=True)
    if not workbook.exists():
        wiring.write_demo(workbook, zone=wiring.system_zone())
    typer.echo(f"Measuring this computer's loopback addresses for {duration}, as {workbook} says ...")
    return _collect_and_show(wiring.connect(workbook), limit, confirm_removals=False)


def collect(workbook: Path, *, report: Path | None, database: Path | None, confirm_removals: bool) -> int:
    """Collect from a workbook file without a terminal; 1 where something was not saved, else 0."""
    log = wiring.log_of(workbook, database)
    return _collect_unseen(
        lambda: wiring.connect(workbook, report=report, database=database),
        log,
        str(workbook),
        confirm_removals=confirm_removals,
    )


def collect_live(workbook: str, *, identity: str, window: int) -> int:
    """Collect for a workbook that Excel shows, or will show; 1 where something was not saved, else 0."""
    return _collect_unseen(
        lambda: wiring.connect_live(workbook, identity=identity, window=window),
        data_folder().log(identity),
        workbook,
        confirm_removals=False,
    )


def _collect_and_show(parts: Parts, limit: timedelta | None, *, confirm_removals: bool) -> int:
    from rich.console import Console

    from netstats_xl.terminal import Display

    stop = StopRequest()
    companion = Companion(parts, confirm_removals=confirm_removals, stop=stop)
    companion.start()
    with ending_on_signals(stop):
        ends_at_s = time.monotonic() + limit.total_seconds() if limit else None
        with Display(Console(), time.monotonic) as display:
            while not stop.asked and (ends_at_s is None or time.monotonic() < ends_at_s):
                with suppress(OSError):  # a terminal that was closed does not end the measurement
                    display.show(companion.snapshot())
                left_s = DRAW_EVERY_S if ends_at_s is None else ends_at_s - time.monotonic()
                stop.wait(max(0.0, min(DRAW_EVERY_S, left_s)))
        say("Stopping: saving the last results and writing the report ...")
        ending = companion.stop()
    return _tell(ending)


def _collect_unseen(
    make_parts: Callable[[], Parts], log: Path, workbook: str, *, confirm_removals: bool
) -> int:
    """The log hears of what ends the start, too: nobody may be looking."""
    stop = StopRequest()
    with ending_on_signals(stop):
        try:
            companion = Companion(make_parts(), confirm_removals=confirm_removals, stop=stop)
            companion.start()
        except NetstatsError as error:
            if isinstance(error, StoreLocked) and _greet(Path(workbook)):
                return 0
            with suppress(OSError), logging_to(log):
                logger.error("Collecting for %s cannot start: %s", workbook, error.message)
            raise
        stop.wait()
        ending = companion.stop()
    return _tell(ending)


def _greet(workbook: Path) -> bool:
    """Tell the companion that collects for the workbook already that it is open; whether there is one."""
    try:
        with wiring.find_companion(workbook) as client:
            client.workbook_event("opened")
            process = client.endpoint.process
    except (ControlError, NetstatsError):
        return False
    say(f"Process {process} collects for {workbook} already.")
    return True


def _tell(ending: Ending) -> int:
    for problem in ending.problems:
        say(f"warning: {problem}", err=True)
    if ending.report:
        say(f"Report: {ending.report}")
    return 1 if ending.problems else 0
