"""The companion's log: what went on, for the user and for whoever helps him."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from netstats_xl.paths import make_private

LARGEST_BYTES = 1_000_000
KEPT = 3
"""How many older parts stay beside the log."""

AT_THE_END = "At the end: "
"""What the companion's last warnings begin with."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_TALKATIVE = ("apscheduler", "httpx", "httpcore", "uvicorn.access", "filelock", "asyncio")
"""Loggers of others: what they tell below a warning is of no use here, and may hold addresses with secrets."""
_log = logging.getLogger(__name__)


class _Handler(RotatingFileHandler):
    """Goes on where the log cannot be written or rotated: on Windows whoever reads it may hold it."""

    def _open(self) -> TextIOWrapper:
        """As the standard library's, but for the user's eyes only."""
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(file, "a", encoding=self.encoding, errors=self.errors)  # noqa: PTH123 - not a path

    def doRollover(self) -> None:  # noqa: N802 - the standard library's name
        with suppress(OSError):
            super().doRollover()
        if self.stream is None:
            with suppress(OSError):
                self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """A full disk must not end the measurement, nor fill anybody's terminal."""


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Log to the file within the block, with errors of any thread that nobody catches.

    Raises:
        OSError: the file cannot be made.
    """
    make_private(path.parent)
    handler = _Handler(
        path, maxBytes=LARGEST_BYTES, backupCount=KEPT, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    root, level = logging.getLogger(), logging.getLogger().level
    levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
    hooks = sys.excepthook, threading.excepthook
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, levels[name]))
    sys.excepthook, threading.excepthook = _tell, _tell_of_thread
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = hooks
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        root.setLevel(level)
        root.removeHandler(handler)
        with suppress(OSError):  # a full disk
            handler.close()


def size(path: Path) -> int:
    """How much was logged so far, in bytes; 0 where there is no log."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def problems_at_the_end(path: Path, logged_before: int) -> list[str]:
    """What a companion told at its end, of what was logged after so many bytes."""
    try:
        with path.open("rb") as file:
            if logged_before <= size(path):  # else another log was begun meanwhile
                file.seek(logged_before)
            text = file.read(LARGEST_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    return [line.partition(AT_THE_END)[2] for line in text.splitlines() if AT_THE_END in line]


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        _log.critical("The program ends: an error that nobody foresaw", exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


def _tell_of_thread(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value
    if isinstance(error, Exception):
        name = arguments.thread.name if arguments.thread else "of which nothing is known"
        trace = (arguments.exc_type, error, arguments.exc_traceback)
        _log.critical("The thread %s ends: an error that nobody foresaw", name, exc_info=trace)
