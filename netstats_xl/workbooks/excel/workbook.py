"""The user's workbook in a running Excel, as a `ports.Workbook`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RawTable, RowEdits
from netstats_xl.domain.views import TableSpec, WorkbookView


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRef:
    """How a workbook is found among all that are open."""

    guid: str = ""
    """What its hidden name `NetStats_id` holds: 32 hexadecimal digits; all zeros, or empty: none was drawn yet."""
    window: int = 0
    """A window of the Excel that showed it last (`Application.Hwnd`), where it is looked for first; 0: unknown."""
    full_name: str = ""
    """`Workbook.FullName` when it was seen last: a path, or a web address."""


class ExcelWorkbook:
    """A `ports.Workbook` over a workbook that is open in Excel. Its methods may be called from any thread.

    One thread of its own talks to Excel; it starts at the first call, and `close` ends it.
    """

    def __init__(self, book: BookRef, *, inputs: Sequence[TableSpec], pivots_every_s: float = 60) -> None:
        """`inputs`: the tables that the user types into, whose typed cells make the revision.

        Pivots are computed anew where their source changed, at most every `pivots_every_s`.
        """
        raise NotImplementedError

    @property
    def state(self) -> WorkbookState:
        """OPEN, BUSY or CLOSED, as of the last contact; CLOSED before the first."""
        raise NotImplementedError

    @property
    def full_name(self) -> str:
        """`Workbook.FullName` when it was seen last; it changes with Save As."""
        raise NotImplementedError

    def identity(self) -> str:
        """What `NetStats_id` holds, in lower case; empty where the workbook has no such name.

        Raises:
            WorkbookBusy, WorkbookClosed, WorkbookError
        """
        raise NotImplementedError

    def set_identity(self, guid: str) -> None:
        """Make `guid` what `NetStats_id` holds; from now on the workbook is known by it.

        Raises:
            WorkbookBusy, WorkbookClosed, WorkbookError
        """
        raise NotImplementedError

    def note_change(self) -> None:
        """The user changed something (the workbook's own code told so): the next `revision` looks at once."""
        raise NotImplementedError

    def revision(self) -> str:
        """A token that changes when what the user typed into `inputs`, or where it stands, may have changed.

        Reading takes at most about 1 % of the time: between readings the token stays, unless `note_change` was
        called.
        """
        raise NotImplementedError

    def read(self, tables: Collection[str]) -> Mapping[str, RawTable]:
        """The tables of these names, on whatever sheet, as far as they exist."""
        raise NotImplementedError

    def publish(self, view: WorkbookView) -> str:
        """Show the tables and cells that the view has rows and values for, soon; returns at once.

        What Excel cannot take now is shown later, or the newer value that came meanwhile.
        """
        raise NotImplementedError

    def flush(self, within_s: float) -> bool:
        """Wait until all that was published is shown, or cannot be; False: it took too long."""
        raise NotImplementedError

    def write_ids(self, table: str, ids: Mapping[int, str]) -> None:
        """Write the hidden IDs; WorkbookBusy also while the user copies cells."""
        raise NotImplementedError

    def edit(self, table: str, edits: RowEdits) -> None:
        """Write rows into a table of the user's: see `ports.Workbook.edit`."""
        raise NotImplementedError

    def close(self) -> None:
        """End the thread. The workbook stays as it is, and what was not shown yet is forgotten."""
        raise NotImplementedError
