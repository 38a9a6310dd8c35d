"""`run` and `collect`: collect until told to stop."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from netstats_xl import wiring
from netstats_xl.commands.asking import parsed, say
from netstats_xl.companion import Companion, Ending
from netstats_xl.domain.windows import parse_duration
from netstats_xl.errors import NetstatsError, StoreLocked
from netstats_xl.hosting.endings import StopRequest, ending_on_signals
from netstats_xl.hosting.instance import HeldElsewhere, is_held
from netstats_xl.hosting.logfile import logging_to
from netstats_xl.parts import Parts
from netstats_xl.paths import data_folder
from netstats_xl.wiring.running import is_same

DRAW_EVERY_S = 0.5
ANSWERS_WITHIN_S = 10.0
"""How long a collector that was started a moment ago is given to answer."""
LOOK_EVERY_S = 0.2

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
    return collect_and_show(parts, limit, confirm_removals=confirm_removals)


def collect(workbook: Path, *, report: Path | None, database: Path | None, confirm_removals: bool) -> int:
    """Collect from a workbook file without a terminal; 1 where something was not saved, else 0."""
    log = wiring.log_of(workbook, database)
    return _collect_unseen(
        lambda: wiring.connect(workbook, report=report, database=database),
        lambda: log,
        str(workbook),
        confirm_removals=confirm_removals,
    )


def collect_live(workbook: str, *, identity: str, window: int, app: str) -> int:
    """Collect for a workbook that Excel or LibreOffice shows, or will; 1 where something was not saved, else 0."""
    known_as = [identity]

    def connect() -> Parts:
        if app == "libreoffice":
            return wiring.connect_libreoffice(workbook, identity=identity, settled=known_as.append)
        return wiring.connect_live(workbook, identity=identity, window=window, settled=known_as.append)

    return _collect_unseen(
        connect,
        # Whoever looks for it knows the identity that the workbook has by then.
        lambda: data_folder().log(known_as[-1]),
        workbook,
        confirm_removals=False,
    )


def collect_and_show(parts: Parts, limit: timedelta | None, *, confirm_removals: bool) -> int:
    """Collect and show how it goes until Ctrl+C or the limit; 1 where something was not saved, else 0."""
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
    make_parts: Callable[[], Parts], log: Callable[[], Path], workbook: str, *, confirm_removals: bool
) -> int:
    """The log hears of what ends the start, too: nobody may be looking."""
    stop = StopRequest()
    with ending_on_signals(stop):
        try:
            companion = Companion(make_parts(), confirm_removals=confirm_removals, stop=stop)
            companion.start()
        except NetstatsError as error:
            if isinstance(error, StoreLocked) and _greet(workbook, error):
                return 0
            # Of a collector that is at work it may be the log, too: there it is no error.
            level = logging.WARNING if isinstance(error, StoreLocked) else logging.ERROR
            with suppress(OSError), logging_to(log()):
                logger.log(level, "Collecting for %s cannot start: %s", workbook, error.message)
            raise
        stop.wait()
        ending = companion.stop()
    return _tell(ending)


def _greet(workbook: str, error: StoreLocked) -> bool:
    """Tell the companion that collects for the workbook already that it is open; whether there is one.

    One that was started at the same moment is waited for: it takes a while until it answers.
    """
    own = error.holder if isinstance(error, HeldElsewhere) else None
    if own is not None and not is_same(own.workbook, Path(workbook)):
        own = None
    give_up_at_s = time.monotonic() + ANSWERS_WITHIN_S
    while (process := _answering(workbook)) is None:
        if own is None or not isinstance(error, HeldElsewhere) or not is_held(error.database):
            return False
        if time.monotonic() >= give_up_at_s:
            process = own.process  # which is at it still, whatever takes so long
            break
        time.sleep(LOOK_EVERY_S)
    say(f"Process {process} collects for {workbook} already.")
    return True


def _answering(workbook: str) -> int | None:
    """The process that collects for the workbook, if it answers; it then knows that the workbook is open."""
    try:
        with wiring.find_companion(Path(workbook)) as client:
            client.workbook_event("opened")
            return client.endpoint.process
    except NetstatsError:
        return None


def _tell(ending: Ending) -> int:
    for problem in ending.problems:
        say(f"warning: {problem}", err=True)
    if ending.report:
        say(f"Report: {ending.report}")
    return 1 if ending.problems else 0
