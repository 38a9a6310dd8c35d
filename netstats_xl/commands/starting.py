"""`start` and `stop`: a collector in the background."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netstats_xl import wiring
from netstats_xl.commands.asking import say
from netstats_xl.errors import (
    CompanionNotRunning,
    ControlError,
    ControlTimeout,
    StoreLocked,
)
from netstats_xl.hosting.detached import start_detached
from netstats_xl.hosting.instance import InstanceLock
from netstats_xl.paths import data_folder

START_WITHIN_S = 90.0
STOP_WITHIN_S = 60.0
LOOK_EVERY_S = 0.2


def start(workbook: Path, *, report: Path | None, database: Path | None, confirm_removals: bool) -> int:
    """Start a collector and wait until it answers, or tell why it does not; 0 where one is at work."""
    workbook = workbook.absolute()
    try:
        with wiring.find_companion(workbook) as client:
            other = client.endpoint
    except CompanionNotRunning:
        pass
    else:
        say(
            f"Collecting for {other.workbook} already, since {other.started_at.astimezone():%Y-%m-%d %H:%M} "
            f"(process {other.process})."
        )
        return 0
    live = wiring.is_live(workbook)
    log = wiring.log_of(workbook, database)
    arguments = ["collect", "--workbook", str(workbook)]
    if live:
        arguments += ["--live", "--id", log.stem]
    for option, value in (("--report", report), ("--database", database)):
        if value is not None:
            arguments += [option, str(value.absolute())]
    if confirm_removals:
        arguments.append("--confirm-removals")
    output = log.with_suffix(".start.txt")
    output.parent.mkdir(parents=True, exist_ok=True)
    process = start_detached(arguments, folder=data_folder().path, output=output)
    with _progress(f"Starting to collect for {workbook.name} ..."):
        give_up_at_s = time.monotonic() + START_WITHIN_S
        while time.monotonic() < give_up_at_s:
            ended = process.poll()
            if ended is not None:
                say(output.read_text(encoding="utf-8", errors="replace").strip(), err=ended != 0)
                return ended
            try:
                with wiring.find_companion(workbook) as client:
                    message = client.health()["message"]
                    number = client.endpoint.process
                break
            except ControlError:
                time.sleep(LOOK_EVERY_S)
        else:
            raise ControlTimeout(
                f"The collector (process {process.pid}) did not answer within {START_WITHIN_S:.0f} s. "
                f"It may be busy still: `netstats-xl status` tells. Its log: {log}"
            )
    say(f"{message} (process {number}). `netstats-xl status` shows more, `netstats-xl stop` ends it.")
    return 0


def stop(workbook: Path | None) -> None:
    """End a collector, and wait until it has let go of its database."""
    with wiring.find_companion(workbook) as client:
        endpoint = client.endpoint
        client.shutdown()
        with _progress(f"Stopping to collect for {endpoint.workbook} ..."):
            give_up_at_s = time.monotonic() + STOP_WITHIN_S
            while _at_work(client.endpoint.database):
                if time.monotonic() > give_up_at_s:
                    raise ControlTimeout(
                        f"The collector (process {endpoint.process}) still saves its results after "
                        f"{STOP_WITHIN_S:.0f} s: it ends when it is done."
                    )
                time.sleep(LOOK_EVERY_S)
    say(f"Stopped collecting for {endpoint.workbook}.")


def _at_work(database: str) -> bool:
    try:
        with InstanceLock.take(Path(database)):
            return False
    except StoreLocked:
        return True


@contextmanager
def _progress(text: str) -> Iterator[None]:
    """Show that something goes on, where somebody looks."""
    if not sys.stdout.isatty():
        yield
        return
    from rich.console import Console

    with Console().status(text):
        yield
