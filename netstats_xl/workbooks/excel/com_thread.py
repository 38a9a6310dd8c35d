"""The one thread that talks to Excel: it answers calls, and between them has its turns."""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition, Event, Thread, current_thread
from typing import Protocol, TypeVar

from netstats_xl.errors import NetstatsError, WorkbookBusy, WorkbookClosed
from netstats_xl.workbooks.excel.engine import Engine

logger = logging.getLogger(__name__)

T = TypeVar("T")

IDLE_S = 5.0
"""How often a thread with nothing to do sees to its window's messages: others on the desktop may wait for it."""
_STOP_WITHIN_S = 10


class UnderWay(WorkbookBusy):
    """Excel has not answered in time, and what was asked of it is done all the same once it does."""


class Turn(Protocol):
    """What the thread does by itself."""

    def __call__(self) -> float | None:
        """In how many seconds it is the next turn; None: when it is woken."""
        ...


class ComThread:
    """A single-threaded apartment. COM objects are got, used and dropped within one call or turn."""

    def __init__(self, load: Callable[[], Engine], turn: Turn) -> None:
        """`load` gives the engine; it is called in the thread, at its first call or turn."""
        self._load = load
        self._turn = turn
        self._changed = Condition()
        self._calls: deque[tuple[Future[object], Callable[[Engine], object]]] = deque()
        self._due_at: float | None = None
        self._thread: Thread | None = None
        self._engine: Engine | None = None
        self._stopping = Event()

    @property
    def engine(self) -> Engine:
        """For the thread itself."""
        if self._engine is None:
            self._engine = self._load()
            self._engine.pythoncom.CoInitialize()
        return self._engine

    @property
    def is_called(self) -> bool:
        """Whether calls wait; a turn that takes long had better end, and be taken up again."""
        return bool(self._calls)

    def call(self, work: Callable[[Engine], T], within_s: float) -> T:
        """What `work` returns or raises, done in the thread.

        Raises:
            UnderWay: it was begun, and was not done in time.
            WorkbookBusy: it was not begun in time, and never will be.
            WorkbookClosed: the thread has ended.
        """
        if current_thread() is self._thread:
            return work(self.engine)
        future: Future[T] = Future()
        with self._changed:
            self._begin()
            self._calls.append((future, work))  # type: ignore[arg-type]  # a future takes what its own work gives
            self._changed.notify()
        try:
            return future.result(within_s)
        except TimeoutError:
            message = f"Excel did not answer within {within_s:.0f} s. Is a dialog open, or does it calculate?"
            if future.cancel():
                raise WorkbookBusy(message) from None
            if not future.done():
                raise UnderWay(message) from None
            return future.result()
        finally:
            # It holds what is raised here, which holds this frame: both would stay until garbage is looked for.
            del future

    def wake(self, within_s: float) -> None:
        """Have a turn in so many seconds at the latest."""
        with self._changed:
            if self._stopping.is_set():
                return
            self._begin()
            due_at = time.monotonic() + within_s
            self._due_at = due_at if self._due_at is None else min(self._due_at, due_at)
            self._changed.notify()

    def pause(self, seconds: float) -> None:
        """Wait, in the thread; not once it is to end."""
        self._stopping.wait(seconds)

    def stop(self) -> None:
        """End the thread after what it does now. Stopping twice does nothing."""
        with self._changed:
            self._stopping.set()
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join(_STOP_WITHIN_S)

    def _begin(self) -> None:
        if self._stopping.is_set():
            raise WorkbookClosed("The connection to Excel was closed.")
        if self._thread is None:
            # A daemon: an Excel that never answers must not keep the process from ending.
            self._thread = Thread(target=self._run, name="excel", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._wait()
                while self._calls and not self._stopping.is_set():
                    future, work = self._calls.popleft()
                    if future.set_running_or_notify_cancel():
                        self._answer(future, work)
                        del future
                if self._is_due():
                    self._take_turn()
                self._see_to_messages()
        finally:
            self._refuse_calls()
            if self._engine is not None:
                self._engine.pythoncom.CoUninitialize()

    def _see_to_messages(self) -> None:
        if self._engine is None:
            return
        try:
            self._engine.pythoncom.PumpWaitingMessages()
        except Exception as error:  # noqa: BLE001 - the edge of the thread, which must go on
            _without_frames(error)

    def _refuse_calls(self) -> None:
        """Answer those who wait; whoever comes later is refused at once."""
        with self._changed:
            self._stopping.set()
            calls, self._calls = self._calls, deque()
        for future, _ in calls:
            if future.set_running_or_notify_cancel():
                future.set_exception(WorkbookClosed("The connection to Excel was closed."))

    def _wait(self) -> None:
        with self._changed:
            if not self._calls and not self._stopping.is_set():
                due_in = IDLE_S if self._due_at is None else self._due_at - time.monotonic()
                if due_in > 0:
                    self._changed.wait(min(due_in, IDLE_S))

    def _is_due(self) -> bool:
        with self._changed:
            if self._due_at is None or self._due_at > time.monotonic() or self._stopping.is_set():
                return False
            self._due_at = None
            return True

    def _answer(self, future: "Future[object]", work: Callable[[Engine], object]) -> None:
        try:
            future.set_result(work(self.engine))
        except Exception as error:  # noqa: BLE001 - the edge of the thread: it is raised where it was called
            future.set_exception(_without_frames(error))

    def _take_turn(self) -> None:
        try:
            next_in = self._turn()
        except Exception as error:  # noqa: BLE001 - the edge of the thread, which must go on
            _without_frames(error)
            return
        if next_in is not None:
            self.wake(next_in)


def _without_frames(error: Exception) -> Exception:
    """The error without its frames: they hold COM objects, which may not be freed in another thread.

    What nobody foresaw is logged with them.
    """
    if not isinstance(error, NetstatsError):
        logger.error(
            "Internal error in the connection to Excel:\n%s", "".join(traceback.format_exception(error))
        )
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            waiting += [linked for linked in (each.__cause__, each.__context__) if linked is not None]
    return error
