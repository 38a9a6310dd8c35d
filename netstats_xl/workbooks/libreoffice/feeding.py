"""The thread that shows what was published, a moment later and together."""

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from threading import Condition, Thread, current_thread

from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.libreoffice.delivery import Delivery, Titles
from netstats_xl.workbooks.live.mailbox import Mailbox
from netstats_xl.workbooks.live.updates import Update

logger = logging.getLogger(__name__)

CLOSED_TICK_S = 2.0
"""How often a closed workbook is looked for."""

Message = Update | Titles
Bring = Callable[[dict[Hashable, Message], Callable[[], bool]], None]


class Feeding:
    """What is published waits here for the thread, which starts with the first of it."""

    def __init__(self, delivery: Delivery, bring: Bring, tick_s: float) -> None:
        """`bring` delivers messages to the workbook, and takes out those that are done."""
        self._delivery = delivery
        self._bring = bring
        self._tick_s = tick_s
        self._mailbox: Mailbox[Message] = Mailbox()
        self._woken = Condition()
        self._wanted = self._stopped = False
        self._held = False
        self._thread: Thread | None = None
        self._turns = 0
        self._state_closed = False

    def put(self, messages: Mapping[Hashable, Message]) -> None:
        """Show these soon; for any thread. After `stop` nothing is shown any more."""
        with self._woken:
            if self._stopped:
                return
            self._mailbox.put(messages)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="LibreOffice's sheets", daemon=True)
                self._thread.start()
            self._wanted = True
            self._woken.notify_all()

    def hold(self, held: bool) -> None:
        """Write nothing while held; then what waits is shown."""
        with self._woken:
            self._held = held
            self._wanted = True
            self._woken.notify_all()

    @property
    def held(self) -> bool:
        """Whether nothing is to be written."""
        return self._held

    def flush(self, within_s: float) -> bool:
        """Wait until all that was published is shown; False: it took too long, it is held, or it is not open."""
        until = time.monotonic() + within_s
        with self._woken:
            self._wanted = True
            self._woken.notify_all()
            turns = self._turns
            while len(self._mailbox):
                left = until - time.monotonic()
                if left <= 0 or self._held or self._stopped:
                    return False
                if self._turns > turns + 1 and self._state_closed:
                    return False
                self._woken.wait(min(left, 0.2))
        return True

    def stop(self) -> None:
        """End the thread; what was not shown yet is forgotten. Stopping twice does nothing."""
        with self._woken:
            self._stopped = True
            self._woken.notify_all()
            thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join()

    def _run(self) -> None:
        next_in: float | None = 0
        while True:
            with self._woken:
                if not self._wanted and not self._stopped:
                    self._woken.wait(next_in)
                if self._stopped:
                    return
                self._wanted = False
            next_in = self._turn()
            with self._woken:
                self._turns += 1
                self._woken.notify_all()
                # What comes meanwhile is shown together with what follows.
                if not self._stopped:
                    self._woken.wait_for(lambda: self._stopped, self._tick_s)

    def _turn(self) -> float | None:
        """Show what waits; in how many seconds to come back; None: when something is put."""
        messages = {} if self._held else self._mailbox.take()
        if not messages and (self._held or self._delivery.pivots_due_in() != 0):
            return None if self._held else self._delivery.pivots_due_in()
        try:
            self._bring(messages, lambda: not self._held and not self._stopped)
        except WorkbookClosed:
            self._state_closed = True
            return CLOSED_TICK_S if messages else None
        except WorkbookBusy:
            return self._tick_s
        except WorkbookError as error:
            logger.warning("%s", error.message)
            return CLOSED_TICK_S
        finally:
            self._mailbox.give_back(messages)
        self._state_closed = False
        return self._tick_s if messages else self._delivery.pivots_due_in()
