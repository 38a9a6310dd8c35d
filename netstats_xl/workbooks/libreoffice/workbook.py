"""The user's workbook in a running LibreOffice, as a `ports.Workbook`."""

import hashlib
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.views import TableSpec, WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.libreoffice.cells import Cells
from netstats_xl.workbooks.libreoffice.child import (
    ANSWER_WITHIN_S,
    Gone,
    Missing,
    Moved,
    Told,
    UnderWay,
)
from netstats_xl.workbooks.libreoffice.connection import Button, Connection
from netstats_xl.workbooks.libreoffice.delivery import CHART_TITLES, Delivery, titles_of
from netstats_xl.workbooks.libreoffice.editing import (
    Known,
    Steps,
    edit_steps,
    id_steps,
    known_of,
    refuse_moved,
)
from netstats_xl.workbooks.libreoffice.feeding import Feeding, Message
from netstats_xl.workbooks.libreoffice.finding import DocumentRef
from netstats_xl.workbooks.live.polling import Polling
from netstats_xl.workbooks.live.updates import updates_of

TICK_S = 0.5
"""What waits is brought to the sheets so soon, and together."""
POLL_WITHIN_S = 5.0
"""How long the question whether something changed may take: it is asked again soon."""
FAR = 500
"""So many rows below a table are looked at: for rows that it did not take in, and for rows apart from it."""


class LibreOfficeWorkbook:
    """A `ports.Workbook` over a workbook that is open in LibreOffice. Its methods may be called from any thread.

    LibreOffice is never started or ended here. It is attached to where the workbook is found open, anew where it was
    closed or LibreOffice ended.
    """

    def __init__(
        self,
        book: DocumentRef,
        *,
        address: Callable[[], str],
        python: Callable[[], str],
        inputs: Sequence[TableSpec],
        buttons: Mapping[str, Sequence[Button]] | None = None,
        pressed: Callable[[str], None] = lambda _: None,
        changed: Callable[[], None] = lambda: None,
        pivots_every_s: float = 60,
        tick_s: float = TICK_S,
        exists: Callable[[str], bool] = lambda path: Path(path).exists(),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is attached to before the first question.

        Args:
            book: The workbook.
            address: Where a LibreOffice that runs can be reached, as UNO's URLs tell it.
            python: Finds a Python that can import `uno`.
            inputs: The tables that the user types into, whose typed cells make the revision.
            buttons: By sheet; they are added where they are missing.
            pressed: Hears the name of a button that was pressed, in a thread of its own.
            changed: Hears, in a thread of its own, that the next `revision` may differ, once before each.
            pivots_every_s: Pivots are computed anew where their source changed, no more often.
            tick_s: How soon what is published is shown.
            exists: Whether there is a file at a path.
            monotonic: Seconds.
        """
        self._inputs = {spec.name.casefold(): spec for spec in inputs}
        self._pressed = pressed
        self._changed = changed
        self._connection = Connection(
            book,
            address=address,
            python=python,
            buttons=buttons or {},
            exists=exists,
            told=self._told,
            attached=self._attached,
        )
        self._ask = self._connection.ask
        self._known: dict[str, Known] = {}
        self._polling = Polling(monotonic)
        self._delivery = Delivery(pivots_every_s, monotonic)
        self._feeding = Feeding(self._delivery, self._bring, tick_s)

    # --- what it is ---

    @property
    def state(self) -> WorkbookState:
        """OPEN, BUSY or CLOSED, as of the last contact; CLOSED before the first."""
        return self._connection.state

    @property
    def full_name(self) -> str:
        """Its path, or its address on the web, when it was seen last; it changes with Save As."""
        return self._connection.ref.path

    @property
    def problems(self) -> tuple[str, ...]:
        """What of the views cannot be shown, and what would help."""
        return tuple(dict.fromkeys(self._delivery.problems.copy().values()))

    @property
    def child_process(self) -> int | None:
        """The process of LibreOffice's Python; None: there is none now."""
        return self._connection.pid

    def identity(self) -> str:
        """What its hidden name holds, in lower case; empty where the workbook has no such name.

        Raises:
            WorkbookBusy: LibreOffice cannot answer now.
            WorkbookClosed: the workbook is not open.
        """
        return self._connection.identity()

    def set_identity(self, guid: str) -> None:
        """Make `guid` what its hidden name holds; from now on the workbook is known by it.

        Raises:
            WorkbookBusy: LibreOffice cannot answer now.
            WorkbookClosed: the workbook is not open.
        """
        self._connection.identify(guid)

    # --- what the user typed ---

    def note_change(self) -> None:
        """The user changed something: the next `revision` looks at once."""
        self._polling.note_change()

    def revision(self) -> str:
        """A token that changes when what the user typed into `inputs`, or where it stands, may have changed.

        LibreOffice tells of changes; without one the tables are read now and then all the same. While it is busy the
        token stays.

        Raises:
            WorkbookBusy: LibreOffice cannot answer now, and never did.
            WorkbookClosed: the workbook is not open.
        """
        polling = self._polling
        try:
            self._connection.place(POLL_WITHIN_S if polling.token else ANSWER_WITHIN_S)
            return polling.poll(self._digest)
        except WorkbookBusy:
            if not polling.token:
                raise
            return polling.token

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for name in self._inputs:
            cells = self._cells(name, formats=False)
            if cells is not None:
                cells.digest_into(digest, self._headers(name, typed=True) or ())
        return digest.hexdigest()

    def read(self, tables: Collection[str]) -> Mapping[str, RawTable]:
        """The tables of these names, on whatever sheet, as far as they exist.

        Raises:
            WorkbookBusy: LibreOffice cannot answer now.
            WorkbookClosed: the workbook is not open.
        """
        found: dict[str, RawTable] = {}
        for name in tables:
            cells = self._cells(name, formats=True)
            if cells is not None:
                self._known[name.casefold()] = known_of(cells)
                found[name] = cells.raw_table(self._headers(name, typed=False) or ())
        return found

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        """Write the hidden IDs of rows that have none yet, by row number; nothing in a table without such a column.

        Raises:
            WorkbookBusy: LibreOffice cannot answer now, the rows moved since they were read, or it is held.
            WorkbookClosed: the workbook is not open.
            WorkbookError: it cannot be written.
        """
        if not ids:
            return
        if self._feeding.held:
            raise WorkbookBusy("Updates are paused.")
        cells = self._present(table)
        known = self._known.get(table.casefold(), {})
        refuse_moved(cells, known, self._headers(table, typed=True), ids)
        self._carry_out(cells, id_steps(cells, ids))
        self._known[table.casefold()] = known_of(self._present(table))

    def edit(self, table: str, edits: RowEdits) -> None:
        """Write rows into a table of the user's, as he asked for; row numbers are those of the last `read`.

        Held or not: it is he who asks.

        Raises:
            WorkbookBusy: LibreOffice cannot answer now, or the rows changed since they were read. Nothing was written.
            WorkbookClosed: the workbook is not open.
            WorkbookError: it cannot be written, or not all of it; it has no such table or column; there is no room;
                or LibreOffice takes so long that nobody knows what will be written.
        """
        if edits.empty:
            return
        cells = self._present(table)
        typed = self._headers(table, typed=True)
        known = self._known.get(table.casefold(), {})
        refuse_moved(cells, known, typed, (*edits.replace, *edits.remove))
        steps = edit_steps(
            cells,
            edits,
            typed=typed,
            ours=self._headers(table, typed=False) or (),
            free_below=self._free_below(cells),
        )
        self._polling.note_change()
        self._carry_out(cells, steps)

    def _present(self, table: str) -> Cells:
        cells = self._cells(table, formats=False)
        if cells is None:
            raise WorkbookError(f"The workbook has no table named {table}. Undo its removal.")
        return cells

    def _cells(self, table: str, *, formats: bool) -> Cells | None:
        answer = self._ask("read", table=table, far=FAR, rows=0, formats=formats)
        if answer is None:
            return None
        cells = Cells.told(answer)
        # What another table below holds is none of this one's.
        return replace(cells, beyond=cells.beyond[: self._free_below(cells)]) if cells.beyond else cells

    def _free_below(self, cells: Cells) -> int:
        """How many rows below the table no other one has in its columns."""
        tops = (
            top - cells.bottom - 1
            for name, (sheet, top, left, _, right) in self._ask("tables").items()
            if name != cells.name and sheet == cells.sheet and top > cells.bottom
            if left <= cells.right and right >= cells.left
        )
        return min(tops, default=FAR * FAR)

    def _carry_out(self, cells: Cells, steps: Steps) -> None:
        if not steps:
            return
        try:
            self._ask("steps", steps=steps)
        except Moved as error:
            raise WorkbookBusy(
                f"The rows of the table {cells.name} changed or moved just now. Try again in a moment."
            ) from error
        except Missing as error:
            raise WorkbookError(f"The workbook has no table named {cells.name}. Undo its removal.") from error
        except UnderWay as error:
            # To ask for it again might write it twice.
            raise WorkbookError(
                f"The change to the table {cells.name} may yet be written: look at the table before you ask for it "
                f"again. ({error.message})"
            ) from error

    def _headers(self, table: str, *, typed: bool) -> frozenset[str] | None:
        """The headers that the user types under, or that the program fills, as compared; None: nobody said so."""
        spec = self._inputs.get(table.casefold())
        if spec is None:
            return None
        return frozenset(normalised(column.header) for column in spec.columns if column.typed is typed)

    # --- what it shows ---

    def publish(self, view: WorkbookView) -> str:
        """Show the tables and cells that the view has rows and values for, soon; returns at once.

        What LibreOffice cannot take now, or while it is held, is shown later, or the newer value that came meanwhile.
        After `close` nothing is shown any more.

        Raises:
            ViewUnsupported: the view has a value that no cell can hold.
        """
        messages: dict[Hashable, Message] = dict(updates_of(view))
        if titles := titles_of(view):
            messages[CHART_TITLES] = titles
        self._feeding.put(messages)
        return f"{self.full_name or 'the workbook'} in LibreOffice"

    def tell(self, sentence: str, *, bad: bool) -> None:
        """Show the user a sentence above the sheet, until he closes it or the next one comes.

        Raises:
            WorkbookError: LibreOffice cannot answer now, or the workbook is not open.
        """
        self._ask("tell", sentence=sentence, bad=bad)

    def hold(self, held: bool) -> None:
        """While held, nothing is written but what `edit` is asked for; then what waits is shown."""
        self._feeding.hold(held)

    def flush(self, within_s: float) -> bool:
        """Wait until all that was published is shown; False: it took too long, it is held, or it is not open."""
        return self._feeding.flush(within_s)

    def close(self) -> None:
        """Let go of it. The workbook stays as it is, and what was not shown yet is forgotten."""
        self._feeding.stop()
        self._connection.close()

    def _bring(self, messages: dict[Hashable, Message], may_go_on: Callable[[], bool]) -> None:
        self._delivery.deliver(self._ask, messages, may_go_on)

    # --- what it tells by itself ---

    def _attached(self) -> None:
        self._delivery.forget()
        self._polling.note_change()

    def _press(self, name: str) -> None:
        # Drawn anew first, not pressed any more.
        with suppress(WorkbookError, Gone):
            self._connection.show_buttons()
        self._pressed(name)

    def _told(self, told: Told) -> None:
        match told["event"]:
            case "changed":
                told_already = self._polling.told
                self._polling.note_change()
                if not told_already:
                    Thread(target=self._changed, name="change", daemon=True).start()
            case "pressed":
                # What it sets off asks LibreOffice, whose answers are read by this thread.
                Thread(target=self._press, args=(told["name"],), name="button", daemon=True).start()
