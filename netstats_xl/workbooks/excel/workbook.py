"""The user's workbook in a running Excel, as a `ports.Workbook`."""

import logging
import random
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import TypeVar

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.views import TableSpec, WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.excel.attach import IDENTITY, Attached, BookRef, Finder
from netstats_xl.workbooks.excel.busy import LONGEST_WAIT_S, Patience, Pause
from netstats_xl.workbooks.excel.com_thread import ComThread
from netstats_xl.workbooks.excel.delivery import Delivery, Target, Update, updates_of
from netstats_xl.workbooks.excel.editing import Editor
from netstats_xl.workbooks.excel.engine import Engine, load_engine
from netstats_xl.workbooks.excel.faults import Gone, Refused
from netstats_xl.workbooks.excel.mailbox import Mailbox
from netstats_xl.workbooks.excel.polling import Polling
from netstats_xl.workbooks.excel.reading import Reader
from netstats_xl.workbooks.excel.tables import Places

__all__ = ["BookRef", "ExcelWorkbook"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

TICK_S = 0.5
"""What waits is brought to the sheets so soon, and together."""
TURN_S = 0.25
"""What is not shown after so long is shown in a turn of its own: the user may have begun to copy cells meanwhile."""
CLOSED_TICK_S = 2.0
"""How often a closed workbook is looked for."""
PROBE_EVERY_S = 1.0
"""How often it is looked, while nothing else is asked, whether the workbook is still open."""
ANSWER_WITHIN_S = 30.0


class ExcelWorkbook:
    """A `ports.Workbook` over a workbook that is open in Excel. Its methods may be called from any thread.

    One thread of its own talks to Excel; it starts at the first call, and `close` ends it.
    """

    def __init__(
        self,
        book: BookRef,
        *,
        inputs: Sequence[TableSpec],
        pivots_every_s: float = 60,
        tick_s: float = TICK_S,
        load: Callable[[], Engine] = load_engine,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Pause | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """`inputs`: the tables that the user types into, whose typed cells make the revision.

        Pivots are computed anew where their source changed, at most every `pivots_every_s`. The other arguments
        are for tests.
        """
        self._thread = ComThread(load, self._turn)
        self._finder = Finder(book)
        places = Places()
        self._reader = Reader(places, inputs)
        self._editor = Editor(places, self._reader)
        self._delivery = Delivery(places, pivots_every_s)
        self._mailbox: Mailbox[Update] = Mailbox()
        self._tick_s = tick_s
        self._monotonic = monotonic
        self._pause: Pause = pause or self._thread.pause
        self._chance = chance or random.Random()  # noqa: S311 - it only spreads pauses
        self._state = WorkbookState.CLOSED
        self._contact_at = float("-inf")
        self._polling = Polling(monotonic)

    # --- what it is ---

    @property
    def state(self) -> WorkbookState:
        """OPEN, BUSY or CLOSED, as of the last contact; CLOSED before the first."""
        return self._state

    @property
    def full_name(self) -> str:
        """`Workbook.FullName` when it was seen last; it changes with Save As."""
        return self._finder.ref.full_name

    @property
    def problems(self) -> tuple[str, ...]:
        """What of the views cannot be shown, and what would help."""
        return tuple(dict.fromkeys(self._delivery.problems.copy().values()))

    def identity(self) -> str:
        """What `NetStats_id` holds, in lower case; empty where the workbook has no such name.

        Raises:
            WorkbookBusy: Excel cannot answer now.
            WorkbookClosed: the workbook is not open.
        """
        return self._call(lambda attached, _: attached.identity)

    def set_identity(self, guid: str) -> None:
        """Make `guid` what `NetStats_id` holds; from now on the workbook is known by it.

        Raises:
            WorkbookBusy: Excel cannot answer now.
            WorkbookClosed: the workbook is not open.
            WorkbookError: it has no such name.
        """

        def work(attached: Attached, _: Patience) -> None:
            try:
                attached.book.get("Names").act("Item", IDENTITY).put("RefersTo", f'="{guid}"')
            except Refused as error:
                raise WorkbookError(
                    f"{attached.full_name} has no name {IDENTITY}: it was not made from the template of this program."
                ) from error
            self._finder.identify(guid)

        self._call(work)

    # --- what the user typed ---

    def note_change(self) -> None:
        """The user changed something (the workbook's own code told so): the next `revision` looks at once."""
        self._polling.note_change()

    def revision(self) -> str:
        """A token that changes when what the user typed into `inputs`, or where it stands, may have changed.

        Reading takes at most about 1 % of the time: between readings the token stays, unless `note_change` was
        called. While Excel is busy it stays too.

        Raises:
            WorkbookBusy: Excel cannot answer now, and never did.
            WorkbookClosed: the workbook is not open.
        """
        polling = self._polling
        asked_lately = self._monotonic() - self._contact_at < PROBE_EVERY_S
        if polling.token and not polling.told and asked_lately and self._state is not WorkbookState.CLOSED:
            return polling.token

        def work(attached: Attached, _: Patience) -> str:
            return polling.poll(lambda: self._reader.digest(attached.book.get("Worksheets")))

        try:
            return self._call(work, most_s=0 if polling.token else LONGEST_WAIT_S)
        except WorkbookBusy:
            if not polling.token:
                raise
            return polling.token

    def read(self, tables: Collection[str]) -> Mapping[str, RawTable]:
        """The tables of these names, on whatever sheet, as far as they exist.

        Raises:
            WorkbookBusy: Excel cannot answer now.
            WorkbookClosed: the workbook is not open.
        """

        def work(attached: Attached, _: Patience) -> Mapping[str, RawTable]:
            sheets = attached.book.get("Worksheets")
            found = {name: self._reader.read(sheets, name) for name in tables}
            return {name: table for name, table in found.items() if table is not None}

        return self._call(work)

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        """Write the hidden IDs of rows that have none yet, by row number; nothing in a table without such a column.

        Raises:
            WorkbookBusy: Excel cannot answer now, the user copies cells, or the rows moved since they were read.
            WorkbookClosed: the workbook is not open.
            WorkbookError: it cannot be written.
        """

        def work(attached: Attached, _: Patience) -> None:
            if attached.application.get("CutCopyMode"):
                raise WorkbookBusy("Cells are being copied in Excel. Press Esc there to end it.")
            self._editor.write_ids(attached.book.get("Worksheets"), table, ids)

        if ids:
            self._call(work)

    def edit(self, table: str, edits: RowEdits) -> None:
        """Write rows into a table of the user's, as he asked for; row numbers are those of the last `read`.

        Raises:
            WorkbookBusy: Excel cannot answer now, or the rows changed since they were read. Nothing was written.
            WorkbookClosed: the workbook is not open.
            WorkbookError: it cannot be written, or not all of it; it has no such table or column; there is no room.
        """

        def work(attached: Attached, patience: Patience) -> None:
            self._polling.note_change()
            self._editor.edit(attached.book.get("Worksheets"), table, edits, patience)

        if not edits.empty:
            self._call(work)

    # --- what it shows ---

    def publish(self, view: WorkbookView) -> str:
        """Show the tables and cells that the view has rows and values for, soon; returns at once.

        What Excel cannot take now is shown later, or the newer value that came meanwhile.

        Raises:
            ViewUnsupported: the view has a value that no cell can hold.
            WorkbookClosed: `close` was called.
        """
        self._mailbox.put(updates_of(view))
        self._thread.wake(self._tick_s)
        return f"{self.full_name or 'the workbook'} in Excel"

    def flush(self, within_s: float) -> bool:
        """Wait until all that was published is shown; False: it took too long, or the workbook is not open."""
        until = time.monotonic() + within_s
        while len(self._mailbox):
            left = until - time.monotonic()
            if left <= 0:
                return False
            try:
                next_in = self._thread.call(lambda _: self._turn(), left)
            except WorkbookError:
                return False
            if self._state is WorkbookState.CLOSED:
                return not len(self._mailbox)
            if len(self._mailbox) and next_in is not None:
                self._thread.pause(min(next_in, left))
        return True

    def close(self) -> None:
        """End the thread. The workbook stays as it is, and what was not shown yet is forgotten."""
        self._thread.stop()

    def _turn(self) -> float | None:
        """Bring what waits to the sheets, as far as Excel lets it."""
        messages = self._mailbox.take()
        pivots_in = self._delivery.pivots_due_in(self._monotonic())
        if not messages and pivots_in != 0:
            return pivots_in
        try:
            return self._deliver(messages)
        except Gone:
            return self._tick_s  # the next turn attaches anew, and tells whether it is closed
        except WorkbookClosed:
            self._state = WorkbookState.CLOSED
            return CLOSED_TICK_S if messages else None
        except WorkbookBusy:
            self._state = WorkbookState.BUSY
            return self._tick_s
        except WorkbookError as error:
            logger.warning("%s", error.message)
            return CLOSED_TICK_S
        finally:
            self._mailbox.give_back(messages)

    def _deliver(self, messages: dict[Hashable, Update]) -> float | None:
        """Take out of the messages what is done; in how many seconds to come back."""
        patience = self._patience(LONGEST_WAIT_S)
        attached = self._attach(patience)
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

    # --- the way to Excel ---

    def _call(self, work: Callable[[Attached, Patience], T], *, most_s: float = LONGEST_WAIT_S) -> T:
        return self._thread.call(lambda _: self._done(work, most_s), ANSWER_WITHIN_S)

    def _done(self, work: Callable[[Attached, Patience], T], most_s: float) -> T:
        """Do the work, in the thread; once more where what it was attached to has gone meanwhile."""
        patience = self._patience(most_s)
        try:
            try:
                return work(self._attach(patience), patience)
            except Gone:
                return work(self._attach(patience), patience)
        except WorkbookClosed:
            self._state = WorkbookState.CLOSED
            raise

    def _patience(self, most_s: float) -> Patience:
        return Patience(self._thread.engine, self._pause, self._chance, most_s=most_s)

    def _attach(self, patience: Patience) -> Attached:
        was_closed = self._state is WorkbookState.CLOSED
        try:
            attached = self._finder.attach(patience)
        except WorkbookBusy:
            self._state = WorkbookState.BUSY
            raise
        if was_closed:
            self._delivery.forget()
        self._state = WorkbookState.OPEN
        self._contact_at = self._monotonic()
        return attached
