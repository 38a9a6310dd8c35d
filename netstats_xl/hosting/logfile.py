"""The companion's log: what went on, for the user and for whoever helps him."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

LARGEST_BYTES = 1_000_000
KEPT = 3
"""How many older parts stay beside the log."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_TALKATIVE = ("apscheduler", "httpx", "httpcore", "uvicorn.access", "filelock", "asyncio")
"""Loggers of others: what they tell below a warning is of no use here, and may hold addresses with secrets."""
_log = logging.getLogger(__name__)


class _Handler(RotatingFileHandler):
    """Goes on where the log cannot be written or rotated: on Windows whoever reads it may hold it."""

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
    path.parent.mkdir(parents=True, exist_ok=True)
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
