"""Showing what was measured in a workbook that is open: little often, everything as often as it is worth."""

from collections.abc import Callable
from threading import Lock

from netstats_xl.app.loading import Loaded
from netstats_xl.app.service import WorkbookState
from netstats_xl.companion.notices import Notices
from netstats_xl.companion.rhythm import Rhythm
from netstats_xl.companion.showing import MakeInputs
from netstats_xl.domain.tables import RowEdits
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import (
    ConfigurationError,
    NetstatsError,
    StoreError,
    WorkbookBusy,
    WorkbookClosed,
    WorkbookError,
)
from netstats_xl.parts import Live
from netstats_xl.ports import Clock, ResultStore
from netstats_xl.scheduling import Scheduler
from netstats_xl.sheets import SELECTION, Selection, selection_cells

PUSH_EVERY_S = 2
LAST_PUSH_WITHIN_S = 3.0


class LiveShowing:
    """Feeds an open workbook. Paused or closed it is left alone; then everything is shown anew."""

    def __init__(
        self,
        live: Live,
        *,
        store: ResultStore,
        inputs: MakeInputs,
        clock: Clock,
        cpu_s: Callable[[], float],
        notices: Notices,
        read_again: Callable[[], None],
        past_changes: Callable[[], int],
    ) -> None:
        """What it needs of the companion.

        Args:
            live: the workbook and what makes its views.
            store: the measurements.
            inputs: what a view is made of besides.
            clock: the time.
            cpu_s: the processor time that this process has used.
            notices: where a failure is told.
            read_again: has the workbook read.
            past_changes: a number that changes when results of the past do.
        """
        self._book = live.book
        self._views = live.views
        self._store = store
        self._inputs = inputs
        self._cpu_s = cpu_s
        self._notices = notices
        self._read_again = read_again
        self._past_changes = past_changes
        self._past = past_changes()
        self._rhythm = Rhythm(clock)
        self._scheduler: Scheduler | None = None
        self._settings = Settings()
        self._selection = Selection()
        self._paused = self._closed = False
        self._changed = True
        self._pushing = Lock()
        self._place = ""

    @property
    def paused(self) -> bool:
        """Whether nothing is pushed for now, not even what was on its way."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        resumed = self._paused and not paused
        self._paused = paused
        # What was published already waits there.
        self._book.hold(paused)
        if resumed:
            self._want_all()

    @property
    def place(self) -> str:
        """Where everything was shown last; empty before the first time."""
        return self._place

    @property
    def selection(self) -> Selection:
        """What is shown."""
        return self._selection

    def begin(self, scheduler: Scheduler) -> None:
        """Push everything at once, and then what changes."""
        self._scheduler = scheduler
        scheduler.every("push", PUSH_EVERY_S, self._push)
        scheduler.soon("push")

    def note_loaded(self, loaded: Loaded) -> None:
        """Show what was chosen, as often as the settings say; and rows that changed have another status."""
        before, self._selection = self._selection, loaded.selection
        self._settings = loaded.settings
        self._changed = True
        if before != self._selection:
            self._rhythm.want()
        self._soon()

    def note_change(self) -> None:
        """The next push tells it."""
        self._changed = True

    def note_state(self, state: WorkbookState) -> None:
        """Show everything anew where it is open again."""
        self._closed = state is WorkbookState.CLOSED
        if not self._closed:
            self._want_all()

    def show(self) -> str:
        """Push everything now; see `Showing.show`.

        Raises:
            ConfigurationError: updates are paused.
            WorkbookClosed: the workbook is not open.
        """
        if self._paused:
            raise ConfigurationError("Updates are paused: resume them, and the latest figures are shown.")
        if self._closed:
            raise WorkbookClosed("The workbook is not open: once it is, it shows the latest figures.")
        with self._pushing:
            self._views.forget()  # whoever asks for the latest wants nothing that is remembered
            self._push_all()
        return self._place

    def select(self, *, details_of: str | None, period: str | None) -> None:
        """Write the choice into the sheet, and have it read. See `Showing.select`."""
        table = self._book.read((SELECTION,)).get(SELECTION)
        if table is None:
            raise WorkbookError(
                f"The workbook has no table named {SELECTION}, which says what is shown: put it back, "
                "or take a new workbook."
            )
        cells = selection_cells(details_of=details_of, period=period)
        # A row that is blank is none: it is filled as a new one.
        row = next(iter(table.rows), None)
        self._book.edit(
            SELECTION, RowEdits(append=(cells,)) if row is None else RowEdits(replace={row.number: cells})
        )
        self._read_again()

    def end(self) -> NetstatsError | None:
        """Push how it ended, unless it is paused or closed."""
        if self._paused or self._closed:
            return None
        try:
            with self._pushing:
                self._book.publish(self._views.status(self._inputs(False)))
            self._book.flush(LAST_PUSH_WITHIN_S)
        except (WorkbookError, StoreError) as error:
            return error
        return None

    def _want_all(self) -> None:
        self._rhythm.want()
        self._soon()

    def _soon(self) -> None:
        if self._scheduler is not None:
            self._scheduler.soon("push")

    def _push(self) -> None:
        """Push what is due; what fails is pushed at a later time."""
        if self._paused or self._closed:
            return
        try:
            with self._pushing:
                if self._rhythm.due:
                    self._push_all()
                elif self._changed:
                    self._changed = False
                    self._book.publish(self._views.status(self._inputs(True)))
        except (WorkbookError, StoreError) as error:
            self._changed = True
            # A busy program takes it a moment later, and one that was closed wants nothing: nobody need know.
            if not isinstance(error, WorkbookBusy | WorkbookClosed):
                self._notices.set("report", f"The workbook does not show the latest: {error.message}")
        else:
            self._notices.clear("report")

    def _push_all(self) -> None:
        self._rhythm.begin()
        self._changed = False
        past = self._past_changes()
        if past != self._past:
            self._past = past
            self._views.forget()
        began_s = self._cpu_s()
        try:
            view = self._views.everything(self._store, self._inputs(True), self._selection)
            self._place = self._book.publish(view)
        finally:  # what fails costs as much
            self._rhythm.made(cpu_s=self._cpu_s() - began_s, every_s=self._settings.refresh_every_s)
