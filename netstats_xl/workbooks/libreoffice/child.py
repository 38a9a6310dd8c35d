"""The child process in LibreOffice's Python: questions to it, and what it tells by itself."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Any

from netstats_xl.errors import WorkbookBusy, WorkbookError

logger = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("uno_side")
"""A folder that Python runs."""
ANSWER_WITHIN_S = 30.0
QUESTIONS_A_LIFE = 20_000
"""A process that was asked so many is worn: with each call of LibreOffice its library keeps some 64 bytes for ever,
1.5 KB with the reading of a table, 16 KB with a look at where all tables stand."""
_END_WITHIN_S = 5.0

Told = Mapping[str, Any]
"""What the child tells without being asked: `event`, and what belongs to it."""


class Gone(Exception):
    """LibreOffice, the document or the child has ended. It may be tried again, after attaching anew."""


class Moved(Exception):
    """A table stands elsewhere than it did when it was read."""


class Missing(Exception):
    """The document has no such table."""


class UnderWay(WorkbookBusy):
    """LibreOffice has not answered in time, and what was asked of it is done all the same once it does."""


class Child:
    """Starts the process when it is first asked, and anew where it has ended. For any thread."""

    def __init__(
        self,
        python: Callable[[], str],
        told: Callable[[Told], None],
        *,
        script: Sequence[Path | str] = (SCRIPT,),
    ) -> None:
        """Nothing is started yet.

        Args:
            python: Finds a Python that can import `uno`.
            told: Hears of events, in the thread that reads the answers: it must not wait for one.
            script: What to run in it, and its arguments.
        """
        self._python = python
        self._told = told
        self._script = [str(each) for each in script]
        self._asking = Lock()
        self._changed = Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._ended = True
        self._number = self._born_at = 0
        self._owed: int | None = None

    @property
    def pid(self) -> int | None:
        """The process; None: there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def end_if_worn(self) -> bool:
        """Whether it was worn and is ended, which it is between two questions alone; the next one starts another."""
        if self._number - self._born_at < QUESTIONS_A_LIFE or not self._asking.acquire(blocking=False):
            return False
        try:
            if self._owed is not None:
                return False
            self.close()
            self._born_at = self._number
        finally:
            self._asking.release()
        return True

    def ask(self, what: str, *, within_s: float = ANSWER_WITHIN_S, **asked: object) -> Any:
        """What `uno_side` answers.

        Raises:
            Gone, Moved, Missing: see there.
            UnderWay: no answer came in time.
            WorkbookBusy: an earlier question is not answered yet; nothing was asked.
            WorkbookError: LibreOffice refuses it, or there is no Python that can reach it.
        """
        until = time.monotonic() + within_s
        if not self._asking.acquire(timeout=within_s):
            raise WorkbookBusy(_NO_ANSWER)
        try:
            process = self._running()
            if self._owed is not None:
                if self._wait(self._owed, until) is None:
                    raise WorkbookBusy(_NO_ANSWER)
                self._owed = None
            self._number += 1
            self._send(process, {"id": self._number, "do": what, **asked})
            answer = self._wait(self._number, until)
            if answer is None:
                self._owed = self._number
                raise UnderWay(_NO_ANSWER)
        finally:
            self._asking.release()
        return _result(answer)

    def close(self) -> None:
        """End the process. Closing twice does nothing, and a later question starts another one."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):  # it may have ended by itself
            process.stdin.close()
        try:
            process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and not self._ended:
            return self._process
        self.close()
        self._owed = None
        command = [self._python(), *self._script]
        try:
            process = subprocess.Popen(  # noqa: S603 - our own script, and no shell
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=_FLAGS
            )
        except OSError as error:
            raise WorkbookError(f"LibreOffice's Python {command[0]} cannot be started: {error}") from error
        with self._changed:
            self._ended, self._answers = False, {}
            self._process, self._born_at = process, self._number
        Thread(target=self._read, args=(process,), name="LibreOffice's answers", daemon=True).start()
        return process

    def _send(self, process: "subprocess.Popen[bytes]", question: Mapping[str, object]) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question, separators=(",", ":")).encode("ascii") + b"\n")
            process.stdin.flush()
        except (OSError, ValueError) as error:
            raise Gone("LibreOffice's Python has ended") from error

    def _wait(self, number: int, until: float) -> Mapping[str, Any] | None:
        """The answer to a question; None: it did not come until then."""
        with self._changed:
            while number not in self._answers:
                if self._ended:
                    raise Gone("LibreOffice's Python has ended")
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
            return self._answers.pop(number)

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                message = _message(line)
                if "event" in message:
                    self._told(message)
                    continue
                with self._changed:
                    if process is self._process and "id" in message:
                        self._answers[message["id"]] = message
                        self._changed.notify_all()
        with self._changed:
            if self._process is None or process is self._process:
                self._ended = True
                self._changed.notify_all()


if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0
_NO_ANSWER = "LibreOffice cannot answer now: it loads, saves or computes, or shows a dialog. Wait, or close the dialog."


def _message(line: bytes) -> Mapping[str, Any]:
    """What a line tells; nothing: it is none of ours, but of LibreOffice's libraries."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    logger.warning("LibreOffice's Python says: %s", line.decode("utf-8", "replace").strip())
    return {}


def _result(answer: Mapping[str, Any]) -> Any:
    match answer.get("error"):
        case None:
            return answer["is"]
        case "gone":
            raise Gone(answer["message"])
        case "moved":
            raise Moved(answer["message"])
        case "missing":
            raise Missing(answer["message"])
        case "protected":
            raise WorkbookError(protected(answer["message"]))
        case _:
            raise WorkbookError(f"LibreOffice refuses it: {answer['message']}")


def protected(sheet: str) -> str:
    """Why nothing can be written on the sheet."""
    return f"The sheet {sheet} is protected. Remove its protection: Tools, Protect Sheet."


def can_reach_libreoffice(python: str, *, timeout_s: float = 20.0) -> bool:
    """Whether this Python can import `uno`."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command, and no shell
            [python, "-c", "import uno, unohelper"], capture_output=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def first_that_can(pythons: Sequence[str], can: Callable[[str], bool] = can_reach_libreoffice) -> str:
    """The first Python that can import `uno`.

    Raises:
        WorkbookError: none can.
    """
    for python in pythons:
        if can(python):
            return python
    raise WorkbookError(
        "No Python here can reach LibreOffice. Install the one that belongs to it: the package python3-uno of Debian "
        "and Ubuntu, libreoffice-pyuno of Fedora; elsewhere it comes with LibreOffice."
    )
