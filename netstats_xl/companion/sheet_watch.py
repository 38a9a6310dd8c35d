"""What the workbook says: read at the start and wherever it has changed, and written for those who ask."""

from collections.abc import Callable, Collection
from threading import Lock

from netstats_xl.app.editing import Editing
from netstats_xl.app.loading import Loaded, Loading
from netstats_xl.app.service import RowCells, WorkbookState
from netstats_xl.companion.notices import Notices
from netstats_xl.errors import StoreError, WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.parts import LiveWorkbook
from netstats_xl.ports import Workbook

LOOK_EVERY_S = 2


class SheetWatch:
    """Keeps what was read last. Any thread may use it; those who read or write wait for one another."""

    def __init__(
        self,
        workbook: Workbook,
        loading: Loading,
        editing: Editing,
        notices: Notices,
        *,
        live: LiveWorkbook | None,
        confirmed: bool,
        on_loaded: Callable[[Loaded], None],
        on_state: Callable[[WorkbookState], None],
    ) -> None:
        """Read nothing yet.

        Args:
            workbook: What `loading` and `editing` work on.
            loading: Reads it.
            editing: Writes rows.
            notices: Where it is told that changes are not in force.
            live: The same workbook where it is open in a spreadsheet program, or may be; None: it is a file.
            confirmed: Whether most rows may go at once, always.
            on_loaded: Told of what is to be in force from now on.
            on_state: Told that a live workbook was closed, or can be reached again.
        """
        self._workbook = workbook
        self._loading = loading
        self._editing = editing
        self._notices = notices
        self._live = live
        self._confirmed = confirmed
        self._on_loaded = on_loaded
        self._on_state = on_state
        self._reading = Lock()
        self._revision = ""
        self._wanted = False
        self.loaded: Loaded
        """What was read last."""
        self.state = WorkbookState.OPEN if live is not None else WorkbookState.FILE

    def begin(self) -> Loaded:
        """Read the workbook for the first time or, where a live one cannot be reached, recall what was read last.

        Raises:
            WorkbookError: a file cannot be read.
            StoreError: what is stored cannot be read.
        """
        try:
            self._revision = self._workbook.revision()
            self.loaded = self._loading.load(confirmed=self._confirmed)
        except WorkbookError as error:
            if self._live is None:
                raise
            self.state = WorkbookState.CLOSED if isinstance(error, WorkbookClosed) else WorkbookState.BUSY
            self._wanted = True
            self.loaded = self._loading.recall()
        return self.loaded

    def want(self) -> None:
        """Read it at the next look, whatever its revision."""
        self._wanted = True
        if self._live is not None:
            self._live.note_change()

    def hold(self, held: bool) -> None:
        """While held, new rows of a live workbook are in force without their IDs, which are written thereafter."""
        if self._live is None or held is self._loading.ids_wait:
            return
        self._loading.ids_wait = held
        if not held:
            self.want()

    def look(self) -> None:
        """Read the workbook again where it has changed; what cannot be read now is read at a later look."""
        with self._reading:
            try:
                revision = self._workbook.revision()
                self._note_reached()
                if revision == self._revision and self.loaded.saved and not self._wanted:
                    return
                self._wanted = False
                loaded = self._loading.load(confirmed=self._confirmed)
            except (WorkbookError, StoreError) as error:
                self._wanted = True
                self._take_failure(error)
                return
            self._revision = revision
            self._take(loaded)

    def sync(self, *, confirmed: bool = False) -> Loaded:
        """Read the workbook now; `confirmed`: most rows may go at once.

        Raises:
            WorkbookError: it cannot be read.
            StoreError: what is stored cannot be read.
        """
        with self._reading:
            try:
                revision = self._workbook.revision()
                self._wanted = False
                loaded = self._loading.load(confirmed=confirmed or self._confirmed)
            except WorkbookError as error:
                self._wanted = True
                self._take_failure(error)
                raise
            except StoreError:
                self._wanted = True
                raise
            self._note_reached()
            self._revision = revision
            self._take(loaded)
            return loaded

    def write(self, table: str, cells: RowCells, id_: str | None) -> str:
        """Write a row: see `Editing.write`; the ID of what it defines."""
        with self._reading:
            edited = self._editing.write(table, cells, id_)
            self._take(edited.loaded)
            return edited.id

    def delete(self, table: str, id_: str) -> None:
        """Remove a row: see `Editing.remove`."""
        with self._reading:
            self._take(self._editing.remove(table, id_))

    def expand(self, rows: Collection[str] | None) -> int:
        """Make rows of blocks: see `Editing.expand`; how many were written."""
        with self._reading:
            found, loaded = self._editing.expand(rows)
            self._take(loaded)
            return len(found.edits.append) + len(found.edits.replace)

    def _take(self, loaded: Loaded) -> None:
        self._notices.clear("workbook")
        self.loaded = loaded
        self._on_loaded(loaded)

    def _take_failure(self, error: WorkbookError | StoreError) -> None:
        if self._live is not None and isinstance(error, WorkbookClosed):
            self._note_state(WorkbookState.CLOSED)
            self._notices.clear("workbook")
        elif self._live is not None and isinstance(error, WorkbookBusy):
            # It happens whenever a cell is being edited, and goes away by itself: nobody need know.
            self._note_state(WorkbookState.BUSY)
        else:
            self._notices.set("workbook", f"The workbook's changes are not in force yet: {error.message}")

    def _note_reached(self) -> None:
        """It answered; a live one may be busy none the less: what was read before it was is answered for it."""
        if self._live is not None:
            self._note_state(self._live.state)

    def _note_state(self, state: WorkbookState) -> None:
        if self._live is None or state is self.state:
            return
        was_closed, self.state = self.state is WorkbookState.CLOSED, state
        if was_closed:
            self._wanted = True
        if was_closed or state is WorkbookState.CLOSED:
            self._on_state(state)
