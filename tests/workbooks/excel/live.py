"""A workbook in the double of Excel, and the adapter over it, with pauses that take no time."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    Aggregate,
    Anchor,
    CellSpec,
    Column,
    Kind,
    PivotSpec,
    PivotValue,
    SheetSpec,
    TableSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.workbooks.excel.workbook import BookRef, ExcelWorkbook
from tests.excel_double import (
    ExcelApplication,
    User,
    WindowsEngine,
    Workbook,
    add_pivot,
    add_table,
    values,
)

GUID = "0123456789abcdef0123456789abcdef"
PATH = r"C:\Users\Ann\NetStats.xlsm"

TYPED = TableSpec(
    name="Destinations",
    anchor=Anchor(row=0, column=0),
    columns=(
        Column(header="Name", typed=True),
        Column(header="Host", typed=True),
        Column(header="Loss warning (%)", kind=Kind.NUMBER, typed=True),
        Column(header="Start", kind=Kind.INSTANT, typed=True),
        Column(header="Status"),
        Column(header="Last RTT (ms)", kind=Kind.NUMBER),
        Column(header="ID"),
    ),
)
RUNS = TableSpec(
    name="Runs",
    anchor=Anchor(row=2, column=1),
    columns=(
        Column(header="At", kind=Kind.INSTANT),
        Column(header="Job"),
        Column(header="RTT (ms)", kind=Kind.NUMBER),
    ),
)
RANKED = TableSpec(
    name="Ranked",
    anchor=Anchor(row=0, column=0),
    key="Name",
    columns=(Column(header="Name"), Column(header="Loss (%)", kind=Kind.NUMBER)),
    room=50,
)
STATE = CellSpec(name="NetStats_state", anchor=Anchor(row=0, column=0))
PIVOT = PivotSpec(
    name="ByJob",
    anchor=Anchor(row=0, column=0),
    source="Runs",
    rows=("Job",),
    values=(PivotValue(column="RTT (ms)", aggregate=Aggregate.AVERAGE, caption="Mean"),),
)
SPEC = WorkbookSpec(
    title="Live",
    sheets=(
        SheetSpec(name="Destinations", blocks=(TYPED,)),
        SheetSpec(name="Runs", blocks=(RUNS,)),
        SheetSpec(name="Ranked", blocks=(RANKED, STATE)),
        SheetSpec(name="Pivot", blocks=(PIVOT,)),
    ),
)


def view(cells: dict[str, CellValue] | None = None, **rows: Sequence[Sequence[CellValue]]) -> WorkbookView:
    """A view of some of the tables and cells of `SPEC`."""
    return WorkbookView(spec=SPEC, rows=rows, cells=cells or {})


def book_in(
    excel: ExcelApplication,
    full_name: str = PATH,
    guid: str = GUID,
    destinations: Sequence[Sequence[object]] = (),
) -> Workbook:
    """A workbook with the tables of `SPEC`, opened in an Excel."""
    book = excel.open(full_name, "Destinations", "Runs", "Ranked", "Pivot", "Mine")
    headers = {spec.name: [column.header for column in spec.columns] for spec in (TYPED, RUNS, RANKED)}
    text = ("Name", "Host", "ID", "Status", "Job")
    typed = [list(row) + [None] * (7 - len(row)) for row in destinations]
    add_table(book.sheet("Destinations"), "Destinations", headers["Destinations"], typed, text=text)
    add_table(book.sheet("Runs"), "Runs", headers["Runs"], at="B3", text=text)
    add_table(book.sheet("Ranked"), "Ranked", headers["Ranked"], text=text, at="A3")
    add_pivot(book.sheet("Pivot"), "ByJob", "Runs")
    book.add_name("NetStats_id", f'="{guid}"', hidden=True)
    book.add_name("NetStats_state", "=Ranked!$A$1")
    return book


@dataclass
class Pauses:
    """A clock that only the adapter's pauses, and the test, move."""

    now: float = 1_000.0
    taken: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.now += seconds
        time.sleep(0)


@dataclass
class Live:
    """All that a test plays with."""

    engine: WindowsEngine
    excel: ExcelApplication
    book: Workbook
    user: User
    workbook: ExcelWorkbook
    clock: Pauses

    def rows(self, table: str) -> list[tuple[object, ...]]:
        """What a table shows."""
        return values(self.book.table(table))

    def show(self, shown: WorkbookView) -> None:
        """Publish, and wait until it is shown."""
        self.workbook.publish(shown)
        assert self.workbook.flush(10)

    def held(self) -> int:
        """How many COM references are held between two turns: asked in the thread that has them."""
        return self.workbook._thread.call(lambda _: self.engine.references, 10)

    def cell(self, sheet: str, address: str) -> object:
        """What a cell shows."""
        return self.book.sheet(sheet).range(address).value2()


@contextmanager
def live(
    engine: WindowsEngine,
    *,
    destinations: Sequence[Sequence[object]] = (),
    ref: BookRef | None = None,
    tick_s: float = 0.001,
    pivots_every_s: float = 60,
    inputs: Sequence[TableSpec] = (TYPED,),
) -> Iterator[Live]:
    """The adapter over a workbook in a running Excel."""
    excel = engine.run()
    book = book_in(excel, destinations=destinations)
    clock = Pauses()
    workbook = ExcelWorkbook(
        ref or BookRef(guid=GUID, window=excel.hwnd(), full_name=PATH),
        inputs=inputs,
        tick_s=tick_s,
        pivots_every_s=pivots_every_s,
        monotonic=clock.monotonic,
        pause=clock.pause,
        chance=random.Random(1),
    )
    try:
        yield Live(engine=engine, excel=excel, book=book, user=User(excel), workbook=workbook, clock=clock)
    finally:
        workbook.close()
