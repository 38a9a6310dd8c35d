"""Writes a view as an .xlsx file, with everything in it native: tables, charts, sparklines, PivotTables.

Large tables go row by row to the disk, the rest through XlsxWriter; `xlsx_assembly` puts both into one file.
"""

import tempfile
from pathlib import Path

from netstats_xl.domain.views import WorkbookView
from netstats_xl.files import replace_or_number, replacing, temporary_beside
from netstats_xl.workbooks.xlsx_assembly import assemble
from netstats_xl.workbooks.xlsx_checks import check
from netstats_xl.workbooks.xlsx_faults import translating
from netstats_xl.workbooks.xlsx_skeleton import write_skeleton

FAST = 1
"""zlib's fastest level: a file a quarter larger than with its usual one, in two thirds of the time."""


class XlsxFile:
    """A report file. Each view that is published replaces the one before."""

    def __init__(self, path: Path, *, compression: int = FAST) -> None:
        self._path = path
        self._compression = compression

    @property
    def path(self) -> Path:
        """Where the report goes, unless that file is locked."""
        return self._path

    def publish(self, view: WorkbookView) -> str:
        """Write the view; the path of the file.

        The old file stays whole until the new one is finished. Where it cannot be replaced, for example because
        it is open in Excel, the new one stands beside it as `name (2).xlsx`.

        Raises:
            ViewUnsupported: the format cannot hold the view.
            WorkbookError: the file cannot be written.
        """
        with translating(self._path), temporary_beside(self._path) as temporary:
            _write(view, temporary, file_name=self._path.name, compression=self._compression)
            return str(replace_or_number(temporary, self._path))


def write_workbook(
    view: WorkbookView, path: Path, *, compression: int = FAST, identity: str | None = None
) -> None:
    """Write the view to a file, replacing it atomically. The same view and file name give the same bytes.

    `identity`: what the hidden name of a live workbook holds; None: it is none.

    Raises:
        ViewUnsupported: the format cannot hold the view.
        WorkbookError: the file cannot be written.
    """
    with translating(path), replacing(path) as temporary:
        _write(view, temporary, file_name=path.name, compression=compression, identity=identity)


def _write(
    view: WorkbookView, target: Path, *, file_name: str, compression: int, identity: str | None = None
) -> None:
    check(view)
    with tempfile.TemporaryDirectory(prefix="netstats-xl-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        skeleton = scratch / "skeleton.xlsx"
        additions = write_skeleton(view, skeleton, file_name=file_name, identity=identity)
        assemble(skeleton, target, additions, compression=compression)
