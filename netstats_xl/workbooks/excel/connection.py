"""The way to the user's workbook, and what was found at its end the last time."""

from collections.abc import Callable
from typing import TypeVar

from netstats_xl.app.service import WorkbookState
from netstats_xl.errors import WorkbookBusy, WorkbookClosed
from netstats_xl.workbooks.excel.attach import Attached, Finder
from netstats_xl.workbooks.excel.busy import LONGEST_WAIT_S, Patience
from netstats_xl.workbooks.excel.com_thread import ComThread
from netstats_xl.workbooks.excel.faults import Gone

T = TypeVar("T")

ANSWER_WITHIN_S = 30.0
"""How long whoever asks waits for the thread."""

Work = Callable[[Attached, Patience], T]


class Connection:
    """Attaches anew for each piece of work, and knows how that went. Nothing is held between."""

    def __init__(
        self,
        thread: ComThread,
        finder: Finder,
        *,
        make_patience: Callable[[float], Patience],
        monotonic: Callable[[], float],
        on_opened: Callable[[], None],
    ) -> None:
        """`make_patience`: for so many seconds; `on_opened`: called, in the thread, where it was closed before."""
        self._thread = thread
        self._finder = finder
        self._make_patience = make_patience
        self._monotonic = monotonic
        self._on_opened = on_opened
        self._state = WorkbookState.CLOSED
        self.takes_writes = True
        """False: what was to be shown last was refused, though Excel may answer what is asked: a cell is edited."""
        self.contact_at = float("-inf")
        """When it answered last; monotonic."""

    @property
    def state(self) -> WorkbookState:
        """OPEN, BUSY or CLOSED, as of the last contact; CLOSED before the first."""
        if self._state is WorkbookState.OPEN and not self.takes_writes:
            return WorkbookState.BUSY
        return self._state

    @property
    def is_closed(self) -> bool:
        """Whether it was not open at the last contact."""
        return self._state is WorkbookState.CLOSED

    def note_closed(self) -> None:
        """It has gone."""
        self._state = WorkbookState.CLOSED
        self.takes_writes = True

    def note_busy(self) -> None:
        """It was reached, and then did not answer."""
        self._state = WorkbookState.BUSY

    def attach(self, patience: Patience) -> Attached:
        """The workbook, for the thread; see `Finder.attach`."""
        was_closed = self.is_closed
        try:
            attached = self._finder.attach(patience)
        except WorkbookBusy:
            self._state = WorkbookState.BUSY
            raise
        if was_closed:
            self._on_opened()
        self._state = WorkbookState.OPEN
        self.contact_at = self._monotonic()
        return attached

    def call(
        self,
        work: Work[T],
        *,
        most_s: float = LONGEST_WAIT_S,
        may_write: Callable[[], bool] = lambda: True,
    ) -> T:
        """What the work returns or raises, done in the thread; Excel is asked again for so many seconds.

        Raises:
            UnderWay: Excel has not answered, and the work is done all the same once it does.
            WorkbookBusy: Excel cannot answer now.
            WorkbookClosed: the workbook is not open.
        """
        return self._thread.call(
            lambda _: self._done(work, self._make_patience(most_s).writing_if(may_write)), ANSWER_WITHIN_S
        )

    def _done(self, work: Work[T], patience: Patience) -> T:
        """Do the work; once more where what it was attached to has gone meanwhile."""
        try:
            try:
                return work(self.attach(patience), patience)
            except Gone:
                return work(self.attach(patience), patience)
        except WorkbookClosed:
            self.note_closed()
            raise
