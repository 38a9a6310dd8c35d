"""Showing what was measured in a workbook that is open: little often, everything as often as it is worth."""

from collections.abc import Callable
from threading import Lock

from netstats_xl.app.service import WorkbookState
from netstats_xl.companion.notices import Notices
from netstats_xl.companion.rhythm import Rhythm
from netstats_xl.companion.showing import MakeInputs
from netstats_xl.domain.tables import CellValue, RawTable, RowEdits
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import (
    ConfigurationError,
    NetstatsError,
    StoreError,
    WorkbookBusy,
    WorkbookClosed,
    WorkbookError,
)
from netstats_xl.parts import DEFAULT_PERIOD, LiveViews, Selection
from netstats_xl.ports import Clock, ResultStore, Workbook
from netstats_xl.scheduling import Scheduler

PUSH_EVERY_S = 2
SELECTION = "Selection"
DETAILS_OF, PERIOD = "Details of", "Period"


class LiveShowing:
    """Feeds an open workbook. Paused or closed it is left alone; then everything is shown anew."""

    def __init__(
        self,
        *,
        workbook: Workbook,
        views: LiveViews,
        store: ResultStore,
        inputs: MakeInputs,
        clock: Clock,
        cpu_s: Callable[[], float],
        notices: Notices,
    ) -> None:
        """`cpu_s`: the processor time that this process has used."""
        self._workbook = workbook
        self._views = views
        self._store = store
        self._inputs = inputs
        self._cpu_s = cpu_s
        self._notices = notices
        self._rhythm = Rhythm(clock)
        self._scheduler: Scheduler | None = None
        self._settings = Settings()
        self._paused = self._closed = False
        self._changed = self._selection_unread = True
        self._selection = Selection()
        self._pushing = Lock()
        self._place = ""

    @property
    def paused(self) -> bool:
        """Whether nothing is pushed for now."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        if self._paused and not paused:
            self._want_all()
        self._paused = paused

    @property
    def place(self) -> str:
        """Where everything was shown last; empty before the first time."""
        return self._place

    @property
    def selection(self) -> tuple[str, str]:
        """What details are shown of, and the period that is shown."""
        return self._selection.details_of, self._selection.period

    def begin(self, scheduler: Scheduler, settings: Settings) -> None:
        """Push everything at once, and then what changes."""
        self._scheduler, self._settings = scheduler, settings
        scheduler.every("push", PUSH_EVERY_S, self._push)
        scheduler.soon("push")

    def note_settings(self, settings: Settings) -> None:
        """Refresh as often as they say; and the tables were read again, so what was chosen may have changed."""
        self._settings = settings
        self._selection_unread = self._changed = True
        self._soon()

    def note_change(self) -> None:
        """The next push tells it."""
        self._changed = True

    def note_state(self, state: WorkbookState) -> None:
        """Show everything anew where it is open again."""
        self._closed = state is WorkbookState.CLOSED
        if not self._closed:
            self._selection_unread = True
            self._want_all()

    def show(self) -> str:
        """Push everything now; see `Showing.show`.

        Raises:
            ConfigurationError: updates are paused.
        """
        if self._paused:
            raise ConfigurationError("Updates are paused: resume them, and the latest figures are shown.")
        with self._pushing:
            self._read_selection()
            self._push_all()
        return self._place

    def select(self, *, details_of: str | None, period: str | None) -> None:
        """Write the choice into the sheet, and show it. See `Showing.select`."""
        with self._pushing:
            cells: dict[str, CellValue] = {}
            if details_of is not None:
                cells[DETAILS_OF] = details_of
            if period is not None:
                cells[PERIOD] = period
            table = self._workbook.read((SELECTION,)).get(SELECTION)
            if table is None or not table.rows:
                raise WorkbookError(
                    f"The workbook has no table named {SELECTION} with a row: take a new workbook, or put it back."
                )
            self._workbook.edit(SELECTION, RowEdits(replace={table.rows[0].number: cells}))
            before = self._selection
            self._selection = Selection(
                details_of=before.details_of if details_of is None else details_of,
                period=before.period if period is None else period,
            )
        self._want_all()

    def end(self) -> NetstatsError | None:
        """Push how it ended, unless it is paused or closed."""
        if self._paused or self._closed:
            return None
        try:
            with self._pushing:
                self._workbook.publish(self._views.status(self._inputs(False)))
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
                if self._selection_unread:
                    self._read_selection()
                if self._rhythm.due:
                    self._push_all()
                elif self._changed:
                    self._changed = False
                    self._workbook.publish(self._views.status(self._inputs(True)))
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
        began_s = self._cpu_s()
        try:
            view = self._views.everything(self._store, self._inputs(True), self._selection)
            self._place = self._workbook.publish(view)
        finally:  # what fails costs as much
            self._rhythm.made(cpu_s=self._cpu_s() - began_s, every_s=self._settings.refresh_every_s)

    def _read_selection(self) -> None:
        before, self._selection = (
            self._selection,
            _selection_of(self._workbook.read((SELECTION,)).get(SELECTION)),
        )
        self._selection_unread = False
        if self._selection != before:
            self._rhythm.want()


def _selection_of(table: RawTable | None) -> Selection:
    if table is None or not table.rows:
        return Selection()
    cells = {header.casefold(): value for header, value in table.rows[0].cells.items()}
    texts = {
        header: "" if cells.get(header.casefold()) is None else str(cells[header.casefold()]).strip()
        for header in (DETAILS_OF, PERIOD)
    }
    return Selection(details_of=texts[DETAILS_OF], period=texts[PERIOD] or DEFAULT_PERIOD)
