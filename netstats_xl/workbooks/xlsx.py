"""A workbook file as the user's workbook: definitions are read from it, views go to a report beside it."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from pathlib import Path

from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.views import WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.ports import Publisher
from netstats_xl.workbooks.xlsx_parts import reading
from netstats_xl.workbooks.xlsx_reader import read_tables
from netstats_xl.workbooks.xlsx_rows import append_rows
from netstats_xl.workbooks.xlsx_writer import XlsxFile


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a file's name tells the user's own date


class XlsxWorkbook:
    """A `ports.Workbook` over a file that is read, and written only where the user asks for it."""

    def __init__(self, source: Path, report: Publisher, *, today: Callable[[], date] = _today) -> None:
        """`report` shows the views; `today` is the local date.

        Raises:
            WorkbookError: the report would overwrite the workbook.
        """
        if isinstance(report, XlsxFile) and report.path.resolve() == source.resolve():
            raise WorkbookError(
                f"The report {report.path} would overwrite the workbook itself. Choose another name."
            )
        self._source = source
        self._report = report
        self._today = today
        self._seen = False
        self._read_revision = ""

    def revision(self) -> str:
        """A token that changes when the file was saved.

        Raises:
            WorkbookBusy: a file that was there is gone; programs may replace a file in two steps to save it.
            WorkbookError: there is no such file.
        """
        self._refuse_vanished()
        with reading(self._source):
            status = self._source.stat()
        return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"

    def read(self, tables: Collection[str]) -> Mapping[str, RawTable]:
        """The tables of these names, as far as they exist: see `xlsx_reader.read_tables`."""
        # Asked for first: a file that is saved while it is read has another one afterwards.
        revision = self.revision()
        found = read_tables(self._source, tables)
        self._seen = True
        self._read_revision = revision
        return found

    def publish(self, view: WorkbookView) -> str:
        """Show the view in the report; where."""
        return self._report.publish(view)

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        """Does nothing: the user's own file is never touched, and its rows are known by name and host."""

    def edit(self, table: str, edits: RowEdits) -> None:
        """As `ports.Workbook.edit`; the file as it was before the first edit of a day is kept beside it.

        Removed rows become blank. Rows count as moved when the file was saved since the last reading.
        """
        if edits.empty:
            return
        self._refuse_vanished()
        append_rows(
            self._source,
            table,
            edits.append,
            replace=edits.replace,
            remove=edits.remove,
            reason=f"changes of {self._today():%Y-%m-%d}",
            keep_once=True,
            check=self._refuse_changed,
        )
        self._read_revision = ""

    def close(self) -> None:
        """Does nothing: the file is open only while it is read."""

    def _refuse_changed(self) -> None:
        if self.revision() != self._read_revision:
            raise WorkbookBusy(f"{self._source} was saved since it was read. Try again.")

    def _refuse_vanished(self) -> None:
        if self._seen and not self._source.exists():
            raise WorkbookBusy(
                f"{self._source} is gone: it is being saved just now, or was moved or deleted. Put it back."
            )
