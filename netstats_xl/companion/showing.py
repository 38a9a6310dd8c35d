"""Showing what was measured: in a report file, every so often."""

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from netstats_xl.app.loading import Loaded
from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.reporting import Reporting
from netstats_xl.app.service import WorkbookState
from netstats_xl.companion.notices import Notices
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import NetstatsError, StoreError, WorkbookClosed, WorkbookError
from netstats_xl.scheduling import Scheduler
from netstats_xl.sheets import Selection

MakeInputs = Callable[[bool], ReportInputs]
"""What a view is made of now; whether ticks are being dealt with still."""


class Showing(Protocol):
    """Shows the user what was measured. Any thread may use it."""

    paused: bool
    """Whether it shows nothing by itself for now."""

    @property
    def place(self) -> str:
        """Where it was shown last; empty before the first time."""
        ...

    def begin(self, scheduler: Scheduler) -> None:
        """Show at its times from now on; `note_loaded` was called before."""
        ...

    def note_loaded(self, loaded: Loaded) -> None:
        """The workbook was read: its settings, and what is to be shown, may be others."""
        ...

    def note_change(self) -> None:
        """Something is to be shown that was not before."""
        ...

    def note_state(self, state: WorkbookState) -> None:
        """The workbook was closed, or can be reached again."""
        ...

    def show(self) -> str:
        """Show everything now; where.

        Raises:
            WorkbookError: it cannot be shown now.
            StoreError: the store cannot answer.
        """
        ...

    def select(self, *, details_of: str | None, period: str | None) -> None:
        """Choose what is shown: see `Service.show`."""
        ...

    @property
    def selection(self) -> Selection:
        """What is shown."""
        ...

    def end(self) -> NetstatsError | None:
        """Show how it ended; why that cannot be done."""
        ...


class FileShowing:
    """Keeps a report file fresh."""

    def __init__(self, reporting: Reporting, inputs: MakeInputs, notices: Notices) -> None:
        self.paused = False
        self._reporting = reporting
        self._inputs = inputs
        self._notices = notices
        self._settings = Settings()
        self._scheduler: Scheduler | None = None
        # The last report must not be replaced by an older one that took longer.
        self._publishing = Lock()
        self._place = ""

    @property
    def place(self) -> str:
        """Where the report lies; empty before the first."""
        return self._place

    def begin(self, scheduler: Scheduler) -> None:
        """Write it every so often."""
        self._scheduler = scheduler
        scheduler.every("report", self._settings.report_every_s, self._publish_unless_paused)

    def note_loaded(self, loaded: Loaded) -> None:
        """Write it as often as the settings say."""
        before, self._settings = self._settings, loaded.settings
        if self._scheduler is not None and before.report_every_s != self._settings.report_every_s:
            self.begin(self._scheduler)

    def note_change(self) -> None:
        """The next report tells it."""

    def note_state(self, state: WorkbookState) -> None:
        """A file is always there."""

    def show(self) -> str:
        """Write the report now; see `Showing.show`."""
        error = self._publish(running=True)
        if error is not None:
            raise error
        return self._place

    def select(self, *, details_of: str | None, period: str | None) -> None:
        """Refuse it: a report shows many in detail, and the period that the settings name."""
        raise WorkbookClosed(
            "The workbook is read as a file, so nothing is chosen on its sheets: a report of any period shows what "
            "is wanted."
        )

    @property
    def selection(self) -> Selection:
        """A report shows many in detail, of the period that the settings name."""
        return Selection(period_h=self._settings.report_period_h)

    def end(self) -> NetstatsError | None:
        """Write the last report, paused or not."""
        return self._publish(running=False)

    def _publish_unless_paused(self) -> None:
        if not self.paused:
            self._publish(running=True)

    def _publish(self, *, running: bool) -> WorkbookError | StoreError | None:
        try:
            with self._publishing:
                self._place = self._reporting.publish(self._inputs(running))
        except (WorkbookError, StoreError) as error:
            self._notices.set("report", f"The report is not up to date: {error.message}")
            return error
        self._notices.clear("report")
        return None
