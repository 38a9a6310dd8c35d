"""The user's workbook in a running Excel, as a `ports.Workbook`."""

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.views import TableSpec, WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.workbooks.excel.attach import IDENTITY, Attached, BookRef, Finder
from netstats_xl.workbooks.excel.busy import LONGEST_WAIT_S, Patience, Pause
from netstats_xl.workbooks.excel.com_thread import ComThread, UnderWay
from netstats_xl.workbooks.excel.connection import Connection
from netstats_xl.workbooks.excel.delivery import Delivery
from netstats_xl.workbooks.excel.editing import Editor
from netstats_xl.workbooks.excel.engine import Engine, load_engine
from netstats_xl.workbooks.excel.faults import Refused
from netstats_xl.workbooks.excel.feeding import Feeding
from netstats_xl.workbooks.excel.reading import Reader
from netstats_xl.workbooks.excel.tables import Places
from netstats_xl.workbooks.live.polling import Polling
from netstats_xl.workbooks.live.updates import updates_of

__all__ = ["BookRef", "ExcelWorkbook"]

TICK_S = 0.5
"""What waits is brought to the sheets so soon, and together."""
PROBE_EVERY_S = 1.0
"""How often it is looked, while nothing else is asked, whether the workbook is still open."""


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
        self._monotonic = monotonic
        self._pause: Pause = pause or self._thread.pause
        self._chance = chance or random.Random()  # noqa: S311 - it only spreads pauses
        self._polling = Polling(monotonic)
        self._connection = Connection(
            self._thread,
            self._finder,
            make_patience=self._patience,
            monotonic=monotonic,
            on_opened=self._delivery.forget,
        )
        self._feeding = Feeding(
            self._thread,
            self._connection,
            self._delivery,
            make_patience=self._patience,
            monotonic=monotonic,
            tick_s=tick_s,
        )

    # --- what it is ---

    @property
    def state(self) -> WorkbookState:
        """OPEN, BUSY or CLOSED, as of the last contact; CLOSED before the first."""
        return self._connection.state

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
        return self._connection.call(lambda attached, _: attached.identity)

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

        self._connection.call(work)

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
        asked_lately = self._monotonic() - self._connection.contact_at < PROBE_EVERY_S
        if polling.token and not polling.told and asked_lately and not self._connection.is_closed:
            return polling.token

        def work(attached: Attached, _: Patience) -> str:
            return polling.poll(lambda: self._reader.digest(attached.book.get("Worksheets")))

        try:
            return self._connection.call(work, most_s=0 if polling.token else LONGEST_WAIT_S)
        except WorkbookBusy:
            self._connection.note_busy()
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

        return self._connection.call(work)

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        """Write the hidden IDs of rows that have none yet, by row number; nothing in a table without such a column.

        Raises:
            WorkbookBusy: Excel cannot answer now, the user copies cells, the rows moved since they were read, or
                it is held.
            WorkbookClosed: the workbook is not open.
            WorkbookError: it cannot be written.
        """

        def work(attached: Attached, _: Patience) -> None:
            _refuse_while_copying(attached)
            self._editor.write_ids(attached.book.get("Worksheets"), table, ids)

        if ids:
            self._connection.call(work, may_write=self._feeding.may_write)

    def edit(self, table: str, edits: RowEdits) -> None:
        """Write rows into a table of the user's, as he asked for; row numbers are those of the last `read`.

        Held or not: it is he who asks.

        Raises:
            WorkbookBusy: Excel cannot answer now, the user copies cells, or the rows changed since they were read.
                Nothing was written.
            WorkbookClosed: the workbook is not open.
            WorkbookError: it cannot be written, or not all of it; it has no such table or column; there is no
                room; or Excel takes so long that nobody knows what will be written.
        """

        def work(attached: Attached, patience: Patience) -> None:
            _refuse_while_copying(attached)
            self._polling.note_change()
            self._editor.edit(attached.book.get("Worksheets"), table, edits, patience)

        if edits.empty:
            return
        try:
            self._connection.call(work)
        except UnderWay as error:
            # To ask for it again might write it twice.
            raise WorkbookError(
                f"The change to the table {table} may yet be written, or a part of it: look at the table before "
                f"you ask for it again. ({error.message})"
            ) from error

    # --- what it shows ---

    def publish(self, view: WorkbookView) -> str:
        """Show the tables and cells that the view has rows and values for, soon; returns at once.

        What Excel cannot take now, or while it is held, is shown later, or the newer value that came meanwhile.
        After `close` nothing is shown any more.

        Raises:
            ViewUnsupported: the view has a value that no cell can hold.
        """
        self._feeding.put(updates_of(view))
        return f"{self.full_name or 'the workbook'} in Excel"

    def hold(self, held: bool) -> None:
        """While held, nothing is written but what `edit` is asked for; then what waits is shown.

        Returns at once: a single write that Excel is asked for already cannot be taken back.
        """
        self._feeding.hold(held)

    def flush(self, within_s: float) -> bool:
        """Wait until all that was published is shown; False: it took too long, it is held, or it is not open."""
        return self._feeding.flush(within_s)

    def close(self) -> None:
        """End the thread. The workbook stays as it is, and what was not shown yet is forgotten."""
        self._thread.stop()

    def _turn(self) -> float | None:
        return self._feeding.turn()

    def _patience(self, most_s: float = LONGEST_WAIT_S) -> Patience:
        return Patience(self._thread.engine, self._pause, self._chance, most_s=most_s)


def _refuse_while_copying(attached: Attached) -> None:
    """A write would end the user's copying."""
    if attached.application.get("CutCopyMode"):
        raise WorkbookBusy(
            "Nothing was written: cells are being copied in Excel. Press Esc there, and try again."
        )
