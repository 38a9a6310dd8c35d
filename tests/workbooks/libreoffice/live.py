"""A workbook that a user has open in LibreOffice, and the adapter over it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netstats_xl.app.service import WorkbookState
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.views import TableSpec, WorkbookView
from netstats_xl.errors import NetstatsError
from netstats_xl.workbooks.libreoffice.child import Gone
from netstats_xl.workbooks.libreoffice.connection import Button
from netstats_xl.workbooks.libreoffice.finding import DocumentRef
from netstats_xl.workbooks.libreoffice.workbook import LibreOfficeWorkbook
from tests.workbooks.excel.live import GUID, TYPED
from tests.workbooks.libreoffice.office import Office

WITHIN_S = 20.0


@dataclass
class Live:
    """All that a test plays with."""

    office: Office
    path: Path
    workbook: LibreOfficeWorkbook
    pressed: list[str] = field(default_factory=list)

    def user(self, what: str, **asked: Any) -> Any:
        """What its user does, or sees."""
        return self.office.do(what, **asked)

    def show(self, view: WorkbookView) -> None:
        """Publish, and wait until it is shown."""
        self.workbook.publish(view)
        assert self.workbook.flush(WITHIN_S)

    def values(self, sheet: str, area: str) -> list[list[Any]]:
        """What cells hold."""
        found: list[list[Any]] = self.user("values", sheet=sheet, area=area)
        return found

    def type(self, sheet: str, cell: str, *rows: Sequence[object]) -> None:
        """Type rows, of which the first cell stands there; texts are read as a user's are."""
        self.user("type", sheet=sheet, cell=cell, rows=[list(row) for row in rows])
        # LibreOffice tells of what is typed in its window, not of what a program does in its user's place.
        self.workbook.note_change()

    def problems(self) -> tuple[str, ...]:
        """What cannot be shown."""
        return self.workbook.problems

    def state(self) -> WorkbookState:
        """As of the last contact."""
        return self.workbook.state

    def before_asking(self, hear: Callable[[str, dict[str, Any]], None]) -> None:
        """Have something happen just before LibreOffice is asked for something."""
        ask = self.workbook._connection._child.ask

        def hearing(what: str, **question: Any) -> Any:
            hear(what, question)
            return ask(what, **question)

        self.workbook._connection._child.ask = hearing  # type: ignore[method-assign]  # it stands in between

    def read(self, table: str = "Destinations") -> RawTable:
        """A table."""
        return self.workbook.read([table])[table]


@contextmanager
def live(
    office: Office,
    path: Path,
    *,
    ref: DocumentRef | None = None,
    inputs: Sequence[TableSpec] = (TYPED,),
    buttons: Sequence[Button] = (),
    pivots_every_s: float = 60,
) -> Iterator[Live]:
    """The adapter over a workbook, which is opened."""
    office.do("open", path=str(path))
    pressed: list[str] = []
    workbook = LibreOfficeWorkbook(
        ref or DocumentRef(path=str(path), guid=GUID),
        address=lambda: office.address,
        python=lambda: office.python,
        inputs=inputs,
        buttons={"Ranked": buttons} if buttons else None,
        pressed=pressed.append,
        pivots_every_s=pivots_every_s,
        tick_s=0.01,
    )
    try:
        yield Live(office=office, path=path, workbook=workbook, pressed=pressed)
    finally:
        workbook.close()
        with suppress(Gone, NetstatsError):  # the test closed it, or ended LibreOffice
            office.do("close")


def until(holds: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Wait for something that another process does."""
    give_up_at_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < give_up_at_s, "it never came to be"
        time.sleep(0.02)
