"""A workbook file as the user's workbook: definitions are read from it, views go to a report beside it."""

from collections.abc import Collection, Mapping
from pathlib import Path

from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.views import WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.ports import Publisher
from netstats_xl.workbooks.xlsx_parts import reading
from netstats_xl.workbooks.xlsx_reader import read_tables
from netstats_xl.workbooks.xlsx_writer import XlsxFile


class XlsxWorkbook:
    """A `ports.Workbook` over a file that is only ever read."""

    def __init__(self, source: Path, report: Publisher) -> None:
        """`report` shows the views.

        Raises:
            WorkbookError: the report would overwrite the workbook.
        """
        if isinstance(report, XlsxFile) and report.path.resolve() == source.resolve():
            raise WorkbookError(
                f"The report {report.path} would overwrite the workbook itself. Choose another name."
            )
        self._source = source
        self._report = report
        self._seen = False

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
        self._refuse_vanished()
        found = read_tables(self._source, tables)
        self._seen = True
        return found

    def publish(self, view: WorkbookView) -> str:
        """Show the view in the report; where."""
        return self._report.publish(view)

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        """Does nothing: the user's own file is never touched, and its rows are known by name and host."""

    def close(self) -> None:
        """Does nothing: the file is open only while it is read."""

    def _refuse_vanished(self) -> None:
        if self._seen and not self._source.exists():
            raise WorkbookBusy(
                f"{self._source} is gone: it is being saved just now, or was moved or deleted. Put it back."
            )
