"""The thread that an engine works on, and how others talk to it."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.runner import TrainRunner
from netstats_xl.probes.trains import Train

_CLOSE_WITHIN_S = 3.0


class EngineThread(ABC):
    """Runs trains on a thread of its own, which `close` ends."""

    def __init__(self, core: TrainRunner) -> None:
        """Start the thread: whatever `_wait` and `_wake` need is there already.

        Args:
            core: does the work; it is the thread's own from now on.
        """
        self._runner = core
        self._orders: deque[Callable[[], None]] = deque()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="netstats-echo", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it takes trains: it was not closed, and its thread met no fault."""
        return not self._closing

    def limit(self, packets_per_second: float | None) -> None:
        """Let at most so many packets a second go; None: any number."""
        self._order(lambda: self._runner.pacer.limit(packets_per_second))

    def begin(self, train: Train) -> None:
        """Run a train, of a family that is ready; its `on_end` is called when it is over, maybe more than once.

        Raises:
            BackendUnavailable: the engine is not alive any more.
        """
        if self._closing:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        self._order(lambda: self._runner.begin(train))
        if self._closing:  # meanwhile: nobody may be left to take it
            train.on_end()

    def give_up(self, train: Train) -> None:
        """End a train early; nothing happens where it is over."""
        train.cancelled = True
        self._wake()

    def close(self) -> None:
        """End every train and the thread. Closing twice does nothing."""
        self._closing = True
        self._wake()
        self._thread.join(_CLOSE_WITHIN_S)

    @abstractmethod
    def _wait(self, seconds: float) -> None:
        """Wait until something arrives, for `_wake`, or so long. On the engine's thread."""

    @abstractmethod
    def _wake(self) -> None:
        """End the wait under way, or else the next one. From any thread."""

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        self._wake()

    def _serve(self) -> None:
        try:
            while not self._closing:
                while self._orders:
                    self._orders.popleft()()
                self._wait(self._runner.work())
        finally:
            # Whatever ends the thread, nobody waits for a train for ever; what was ordered last is ended with it.
            self._closing = True
            while self._orders:
                self._orders.popleft()()
            self._runner.end_all()
