"""`start` and `stop`: a collector in the background."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from netstats_xl import wiring
from netstats_xl.commands.asking import say
from netstats_xl.commands.progress import waiting
from netstats_xl.control.credentials import Endpoint
from netstats_xl.errors import CompanionNotRunning, ControlError, ControlTimeout
from netstats_xl.hosting.detached import start_detached
from netstats_xl.hosting.instance import is_held
from netstats_xl.hosting.logfile import problems_at_the_end, size
from netstats_xl.paths import FOLDER_VARIABLE, data_folder, make_private

START_WITHIN_S = 90.0
STOP_WITHIN_S = 60.0
LOOK_EVERY_S = 0.2
ABANDONED_AFTER_S = 3_600
"""Age of what a start left behind from which on nobody reads it."""


def start(workbook: Path, *, report: Path | None, database: Path | None, confirm_removals: bool) -> int:
    """Start a collector and wait until it answers, or tell why it does not; 0 where one is at work.

    Raises:
        ControlTimeout: it does not answer in time.
        ControlError: the data folder cannot be written.
    """
    workbook = workbook.absolute()
    if _is_at_work(workbook):
        return 0
    log = wiring.log_of(workbook, database)
    arguments = ["collect", "--workbook", str(workbook)]
    if wiring.is_live(workbook):
        arguments += ["--live", "--id", log.stem]
    for option, value in (("--report", report), ("--database", database)):
        if value is not None:
            arguments += [option, str(value.absolute())]
    if confirm_removals:
        arguments.append("--confirm-removals")
    return _start(arguments, workbook, log)


def start_live(workbook: Path, *, identity: str, app: str) -> int:
    """The same for a workbook that a spreadsheet program shows already; `identity`: zeros where it has none yet."""
    if _is_at_work(workbook):
        return 0
    arguments = ["collect", "--workbook", str(workbook), "--live", "--app", app, "--id", identity]
    return _start(arguments, workbook, data_folder().log(identity))


def _is_at_work(workbook: Path) -> bool:
    """Whether a collector is, of which is told then; one that is stopping is waited for."""
    try:
        with wiring.find_companion(workbook) as client:
            other, state = client.endpoint, client.health()["state"]
    except CompanionNotRunning:
        return False
    if state != "stopping":
        _tell_of(other)
        return True
    _await_end(other)
    return False


def _start(arguments: Sequence[str], workbook: Path, log: Path) -> int:
    with _told_by_this_start(log) as output:
        process = start_detached(arguments, folder=data_folder().path, output=output)
        return _await(process, workbook, log, output)


def _await(process: "subprocess.Popen[bytes]", workbook: Path, log: Path, output: Path) -> int:
    """Wait until the collector answers, or ends: then what it said is told, and its exit code returned."""
    with waiting(f"Starting to collect for {workbook.name} ..."):
        give_up_at_s = time.monotonic() + START_WITHIN_S
        while time.monotonic() < give_up_at_s:
            ended = process.poll()
            if ended is not None:
                say(output.read_text(encoding="utf-8", errors="replace").strip(), err=ended != 0)
                output.unlink()
                return ended
            try:
                with wiring.find_companion(workbook) as client:
                    health = client.health()
                    at_work = client.endpoint
                break
            except ControlError:
                time.sleep(LOOK_EVERY_S)
        else:
            raise ControlTimeout(
                f"The collector (process {process.pid}) did not answer within {START_WITHIN_S:.0f} s. "
                f"It may be busy still: `netstats-xl status` tells. Its log: {log}"
            )
    # On Windows a launcher of Python's may stand between.
    if sys.platform != "win32" and at_work.process != process.pid:
        output.unlink()
        _tell_of(at_work)
        return 0
    say(
        f"{health['message']} (process {at_work.process}). `netstats-xl status` shows more, `netstats-xl stop` ends it."
    )
    _warn(health["warnings"])
    return 0


@contextmanager
def _told_by_this_start(log: Path) -> Iterator[Path]:
    """A file for what the collector says before it has its log: another start at the same time has another one.

    Raises:
        ControlError: there can be none.
    """
    name = f"{log.stem}.start"
    try:
        make_private(log.parent)
        for old in log.parent.glob(f"{name}-*.txt"):
            with suppress(OSError):  # on Windows that of a collector at work stays
                if old.stat().st_mtime < time.time() - ABANDONED_AFTER_S:
                    old.unlink()
        output = log.with_name(f"{name}-{os.getpid()}.txt")
        output.touch(mode=0o600)
    except OSError as error:
        raise ControlError(
            f"A collector in the background keeps its log and its address in {data_folder().path}, which cannot "
            f"be written: {error.strerror or error}. Make that folder writable, or name another one in the "
            f"environment variable {FOLDER_VARIABLE}. `netstats-xl run` collects without it."
        ) from error
    try:
        yield output
    finally:
        with suppress(OSError):  # nothing was left, or on Windows the collector has it open
            output.replace(log.with_suffix(".start.txt"))


def stop(workbook: Path | None) -> int:
    """End a collector, and wait until it has let go of its database; 1 where something was not saved, else 0.

    Raises:
        CompanionNotRunning: there is none.
        ControlTimeout: it still saves.
    """
    with wiring.find_companion(workbook) as client:
        endpoint = client.endpoint
        warnings = client.health()["warnings"]
        _warn(warnings)
        log = wiring.log_in_use(workbook)
        logged_before = size(log)
        client.shutdown()
        _await_end(endpoint)
    problems = problems_at_the_end(log, logged_before)
    _warn([each for each in problems if each not in warnings])
    say(f"Stopped collecting for {endpoint.workbook}.")
    return 1 if problems else 0


def _await_end(endpoint: Endpoint) -> None:
    """Wait until a collector that is stopping has let go of its database.

    Raises:
        ControlTimeout: it still saves.
    """
    with waiting(f"Stopping to collect for {endpoint.workbook} ..."):
        give_up_at_s = time.monotonic() + STOP_WITHIN_S
        while is_held(Path(endpoint.database)):
            if time.monotonic() > give_up_at_s:
                raise ControlTimeout(
                    f"The collector (process {endpoint.process}) still saves its results after "
                    f"{STOP_WITHIN_S:.0f} s: it ends when it is done."
                )
            time.sleep(LOOK_EVERY_S)


def _tell_of(other: Endpoint) -> None:
    since = f"{other.started_at.astimezone():%Y-%m-%d %H:%M}"
    say(f"Collecting for {other.workbook} already, since {since} (process {other.process}).")


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        say(f"warning: {warning}", err=True)
