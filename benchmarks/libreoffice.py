"""A push of a dashboard of 1,000 destinations into LibreOffice, beside writing its cells one by one, in one run.

    python benchmarks/libreoffice.py [--full] [--json]

A LibreOffice without a window shows a new live workbook. A push is what the collector does: the table is read, what
differs is found (every figure, each time) and written, and it is waited for. One by one is what a script does over
UNO: a call to find each cell, and one to set it, from LibreOffice's own Python; of so many cells it is measured for the
first rows alone, and told for a cell. Both write the same table in the same document. By default 20 pushes are made,
with `--full` 1,000, after five that count nowhere; the resident memory of LibreOffice and of both sides of ours is
compared between the tenth of the pushes that comes first and the last one.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).parent.parent)
)  # for the tests' LibreOffice, when this is run as a script

import psutil

from netstats_xl.app.publishing import live_spec
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Kind, TableSpec, WorkbookView
from netstats_xl.workbooks.libreoffice.finding import DocumentRef
from netstats_xl.workbooks.libreoffice.template import write_template
from netstats_xl.workbooks.libreoffice.workbook import LibreOfficeWorkbook
from tests.workbooks.libreoffice.office import Office, office

GOAL_TIMES = 50
GOAL_GROWTH_MB = 10
DESTINATIONS = 1_000
ONE_BY_ONE_ROWS = 15
WARM_UP = 5
SPEC = next(
    block
    for sheet in live_spec().sheets
    for block in sheet.blocks
    if isinstance(block, TableSpec) and block.name == "Overview"
)
MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a run found."""

    push_s: Sequence[float]
    cell_s: float
    growth_mb: dict[str, float]


def rows(push: int) -> list[list[CellValue]]:
    """The dashboard's rows: names that stay, and figures of which every one changes."""
    return [
        [
            f"host-{row}" if column.kind is Kind.TEXT else float(row % 97) + push / 7 + number / 100
            for number, column in enumerate(SPEC.columns)
        ]
        for row in range(DESTINATIONS)
    ]


def measure(pushes: int) -> Measured:
    """Push so many times, and write the first rows one by one."""
    with tempfile.TemporaryDirectory() as name, office(Path(name)) as running:
        path = Path(name) / "Live.xlsx"
        write_template(path)
        running.do("open", path=str(path))
        book = LibreOfficeWorkbook(
            DocumentRef(path=str(path)),
            address=lambda: running.address,
            python=lambda: running.python,
            inputs=(),
            tick_s=0,
        )
        try:
            return _measured(running, book, pushes)
        finally:
            book.close()


def _measured(running: Office, book: LibreOfficeWorkbook, pushes: int) -> Measured:
    for number in range(WARM_UP):
        push(book, -1 - number)
    took: list[float] = []
    early: dict[str, float] = {}
    for number in range(pushes):
        took.append(push(book, number))
        if number + 1 == max(1, pushes // 10):
            early = memory_mb(running, book)
    growth = {who: now - early[who] for who, now in memory_mb(running, book).items()}
    place = running.do("tables")[SPEC.name]
    first = [list(row) for row in rows(pushes)[:ONE_BY_ONE_ROWS]]
    began = time.perf_counter()
    running.do("one_by_one", sheet=place[0], row=place[1] + 1, column=place[2], rows=first)
    one_by_one_s = time.perf_counter() - began
    return Measured(push_s=took, cell_s=one_by_one_s / (len(first) * len(SPEC.columns)), growth_mb=growth)


def push(book: LibreOfficeWorkbook, number: int) -> float:
    """Show a dashboard, and wait until it is shown; s."""
    view = WorkbookView(spec=live_spec(), rows={SPEC.name: rows(number)})
    began = time.perf_counter()
    book.publish(view)
    if not book.flush(60):
        raise RuntimeError("a push was not shown within a minute")
    return time.perf_counter() - began


def memory_mb(running: Office, book: LibreOfficeWorkbook) -> dict[str, float]:
    """Resident memory, MB."""
    processes = {"LibreOffice": running.process.pid, "collector": None, "its other half": book.child_process}
    return {who: psutil.Process(pid).memory_info().rss / MB for who, pid in processes.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--full", action="store_true", help="1,000 pushes: ten minutes")
    parser.add_argument("--json", action="store_true", help="print a JSON object last")
    options = parser.parse_args()
    pushes = 1_000 if options.full else 20
    found = measure(pushes)
    cells = DESTINATIONS * len(SPEC.columns)
    push_s = statistics.median(found.push_s)
    times = found.cell_s * cells / push_s
    growth = max(found.growth_mb.values())
    print(f"{cells:,} cells, {pushes:,} pushes\n")
    print(f"{'':<44}{'one by one':>14}{'ours':>14}{'times':>10}{'goal':>8}")
    print(
        f"{'writing all of them (s; median of pushes)':<44}{found.cell_s * cells:>14.1f}{push_s:>14.3f}"
        f"{times:>10.0f}{GOAL_TIMES:>8}"
    )
    print(f"{'slowest push (s)':<44}{'':>14}{max(found.push_s):>14.3f}")
    for who, grown in found.growth_mb.items():
        print(
            f"{f'memory of {who}: growth (MB)':<44}{'':>14}{grown:>14.1f}{'':>10}{f'< {GOAL_GROWTH_MB}':>8}"
        )
    if options.json:
        measures = {
            "push_times_one_by_one": {
                "value": round(times, 1),
                "goal": GOAL_TIMES,
                "met": times >= GOAL_TIMES,
            },
            "memory_growth_mb": {
                "value": round(growth, 1),
                "goal": GOAL_GROWTH_MB,
                "met": growth < GOAL_GROWTH_MB,
            },
        }
        print(json.dumps(measures))


if __name__ == "__main__":
    main()
