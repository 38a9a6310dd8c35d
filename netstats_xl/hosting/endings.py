"""Being told to end: Ctrl+C, the system's signals, the end of the user's session, another thread."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType

_POLL_S = 0.5
"""Waiting in such pieces lets Ctrl+C through on Windows, where a wait for a lock cannot be interrupted."""


class StopRequest:
    """Whether this process shall end. Any thread may ask for it, and a signal's handler; one thread waits."""

    def __init__(self) -> None:
        self._asked = False
        # Unlike an event's lock it may be used in a handler that interrupts its own use.
        self._wake: SimpleQueue[None] = SimpleQueue()

    @property
    def asked(self) -> bool:
        """Whether somebody asked."""
        return self._asked

    def ask(self) -> None:
        """Ask for it. Asking twice does nothing."""
        self._asked = True
        self._wake.put(None)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until somebody asks, or the time is over; whether somebody asked."""
        left_s = float("inf") if timeout_s is None else timeout_s
        while not self._asked and left_s > 0:
            with suppress(Empty):
                self._wake.get(timeout=min(left_s, _POLL_S))
            left_s -= _POLL_S
        return self._asked


@contextmanager
def ending_on_signals(stop: StopRequest) -> Iterator[None]:
    """Within the block, Ctrl+C and the system's requests to end ask for it. A second Ctrl+C interrupts at once.

    On Windows the end of the user's session is one of these requests, and it waits for the block to end. The main
    thread only.
    """
    wanted = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        wanted.append(signal.SIGBREAK)
    else:
        wanted.append(signal.SIGHUP)  # the terminal was closed
    before = {number: signal.getsignal(number) for number in wanted}

    def ask_to_stop(number: int, _frame: FrameType | None) -> None:
        stop.ask()
        signal.signal(number, before[signal.Signals(number)])

    with ExitStack() as undo:
        for number, handler in before.items():
            undo.callback(signal.signal, number, handler)
            signal.signal(number, ask_to_stop)
        if sys.platform == "win32":
            from netstats_xl.hosting.session_end import SessionEnd

            undo.enter_context(SessionEnd(stop.ask))
        yield
