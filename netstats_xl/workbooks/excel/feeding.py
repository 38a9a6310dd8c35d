"""Brings what was published to the sheets, little by little, as far as Excel and its user let it."""

import logging
import time
from collections.abc import Callable, Hashable, Mapping

from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.excel.busy import Held, Patience
from netstats_xl.workbooks.excel.com_thread import ComThread
from netstats_xl.workbooks.excel.connection import Connection
from netstats_xl.workbooks.excel.delivery import Delivery, Target
from netstats_xl.workbooks.excel.faults import Gone
from netstats_xl.workbooks.live.mailbox import Mailbox
from netstats_xl.workbooks.live.updates import Update

logger = logging.getLogger(__name__)

TURN_S = 0.25
"""What is not shown after so long is shown in a turn of its own: the user may have begun to copy cells meanwhile."""
CLOSED_TICK_S = 2.0
"""How often a closed workbook is looked for."""


class Feeding:
    """What is published waits here for the next turn of the thread."""

    def __init__(
        self,
        thread: ComThread,
        connection: Connection,
        delivery: Delivery,
        *,
        make_patience: Callable[[], Patience],
        monotonic: Callable[[], float],
        tick_s: float,
    ) -> None:
        """`tick_s`: what is published is brought to the sheets so soon, and together."""
        self._thread = thread
        self._connection = connection
        self._delivery = delivery
        self._make_patience = make_patience
        self._monotonic = monotonic
        self._tick_s = tick_s
        self._mailbox: Mailbox[Update] = Mailbox()
        self._held = False

    def put(self, updates: Mapping[Hashable, Update]) -> None:
        """Show these soon; for any thread."""
        self._mailbox.put(updates)
        self._thread.wake(self._tick_s)

    def hold(self, held: bool) -> None:
        """Write nothing while held; then what waits is shown. For any thread; it returns at once."""
        self._held = held
        if not held:
            self._thread.wake(self._tick_s)

    def may_write(self) -> bool:
        """Whether it is not held."""
        return not self._held

    def flush(self, within_s: float) -> bool:
        """Wait until all that was published is shown; False: it took too long, it is held, or it is not open."""
        until = time.monotonic() + within_s
        while len(self._mailbox):
            left = until - time.monotonic()
            if left <= 0 or self._held:
                return False
            try:
                next_in = self._thread.call(lambda _: self.turn(), left)
            except WorkbookError:
                return False
            if self._connection.is_closed:
                return not len(self._mailbox)
            if len(self._mailbox) and next_in is not None:
                self._thread.pause(min(next_in, left))
        return True

    def turn(self) -> float | None:
        """Bring what waits to the sheets, as far as Excel lets it."""
        if self._held:
            return None
        messages = self._mailbox.take()
        pivots_in = self._delivery.pivots_due_in(self._monotonic())
        if not messages and pivots_in != 0:
            self._connection.takes_writes = True
            return pivots_in
        try:
            next_in = self._deliver(messages)
            self._connection.takes_writes = True
            return next_in
        except Held:
            return None
        except Gone:
            return self._tick_s  # the next turn attaches anew, and tells whether it is closed
        except WorkbookClosed:
            self._connection.note_closed()
            return CLOSED_TICK_S if messages else None
        except WorkbookBusy:
            self._connection.takes_writes = False
            return self._tick_s
        except WorkbookError as error:
            logger.warning("%s", error.message)
            return CLOSED_TICK_S
        finally:
            self._mailbox.give_back(messages)

    def _deliver(self, messages: dict[Hashable, Update]) -> float | None:
        """Take out of the messages what is done; in how many seconds to come back."""
        patience = self._make_patience().writing_if(self.may_write)
        attached = self._connection.attach(patience)
        if attached.application.get("CutCopyMode"):
            # A write would end the user's copying.
            return self._tick_s
        target, ends_at = Target.of(attached.book), self._monotonic() + TURN_S
        for key, update in list(messages.items()):
            try:
                done = self._delivery.deliver(target, update, patience, self._monotonic())
            except (WorkbookBusy, WorkbookClosed):
                raise
            except WorkbookError as error:
                if self._delivery.problems.get(key) != error.message:
                    logger.warning("%s", error.message)
                self._delivery.problems[key] = error.message
                del messages[key]
            else:
                self._delivery.problems.pop(key, None)
                if done:
                    del messages[key]
            # What the user has just typed is read before the rest is shown.
            if messages and (self._thread.is_called or self._monotonic() > ends_at):
                return 0
        self._delivery.refresh_pivots(target, self._monotonic())
        return self._tick_s if messages else self._delivery.pivots_due_in(self._monotonic())
