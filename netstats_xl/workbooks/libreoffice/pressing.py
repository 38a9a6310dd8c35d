"""The buttons of the sheets, which stand in for the ribbon that LibreOffice does not show."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from netstats_xl.app.service import ReportRequest, Service, WorkbookEvent
from netstats_xl.app.views.dashboard_sheet import SHEET as DASHBOARD
from netstats_xl.errors import NetstatsError, WorkbookError
from netstats_xl.sheets import DESTINATIONS, JOBS
from netstats_xl.workbooks.libreoffice.connection import Button

START, STOP, REFRESH, REPORT = "NetStats_start", "NetStats_stop", "NetStats_refresh", "NetStats_report"

BUTTONS: Sequence[Button] = (
    Button(name=START, label="Start", explanation="Lets all jobs run again, at their times."),
    Button(name=STOP, label="Stop", explanation="Makes no more rounds, until they are started again."),
    Button(name=REFRESH, label="Refresh", explanation="Writes the latest figures into all sheets."),
    Button(
        name=REPORT,
        label="Save report",
        explanation="Saves a workbook beside this one that anybody can open.",
    ),
)
SHEETS = (DASHBOARD, DESTINATIONS, JOBS)
"""Where they stand."""

Tell = Callable[[str, bool], None]
"""Shows the user a sentence; True: something did not work."""


class Pressing:
    """Does what a button is for. Before `serve` and after the collector's end it says that nobody is there."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._service: Service | None = None

    def serve(self, service: Service) -> None:
        """From now on this is asked."""
        self._service = service

    def note_change(self) -> None:
        """Its user changed something: have it read soon."""
        if self._service is not None:
            with suppress(NetstatsError):  # it ends
                self._service.workbook_event(WorkbookEvent.CHANGED)

    def press(self, name: str) -> None:
        """Do it, and tell how it went; takes some seconds at most."""
        if self._service is None:
            self._say("The collector is starting. Try again in a moment.", bad=True)
            return
        try:
            self._say(_done(self._service, name), bad=False)
        except NetstatsError as error:
            self._say(error.message, bad=True)

    def _say(self, sentence: str, *, bad: bool) -> None:
        with suppress(WorkbookError):  # whoever pressed it sees that the workbook cannot answer
            self._tell(sentence, bad)


def _done(service: Service, name: str) -> str:
    match name:
        case _ if name == START:
            jobs = [each.job.id for each in service.jobs()]
            service.start_jobs(jobs)
            return _counted(len(jobs), "runs again, at its times.", "run again, at their times.")
        case _ if name == STOP:
            jobs = [each.job.id for each in service.jobs()]
            service.stop_jobs(jobs)
            return _counted(
                len(jobs), "is stopped, until Start is pressed.", "are stopped, until Start is pressed."
            )
        case _ if name == REFRESH:
            service.refresh()
            return "The sheets show the latest figures in a moment."
        case _:
            path = service.report(ReportRequest(start=f"-{service.health().period}"))
            return f"Saved {path}"


def _counted(count: int, one: str, more: str) -> str:
    if not count:
        return "There is no job that can run: fill in a row on the sheet Jobs."
    return f"1 job {one}" if count == 1 else f"{count} jobs {more}"
