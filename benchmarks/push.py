"""How long it takes to make 100,000 cells ready for Excel, beside xlwings' own `range.value = rows`, in one run.

    python benchmarks/push.py [--full] [--json]

Both end with the block that a single `Value2` takes, and neither hands it to Excel. xlwings' part is the pipeline
behind `.value` (`xlwings.conversion.write`), with the Windows engine's own preparation of each cell; elsewhere than
on Windows that runs over stand-ins for pywin32. Ours is measured in two parts: preparing the values, which is what
xlwings' pipeline does, and the whole push, which besides finds out what differs from the sheet (here nearly every
cell) and escapes what Excel would take for a formula. The table is the sheet Hourly's, the largest one of a live
workbook. Both in turn; the least of each is compared.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the tests' Excel, when this is run as a script

from netstats_xl.app.publishing import live_spec
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Kind, TableSpec
from netstats_xl.workbooks.excel.escaping import block_to_write
from netstats_xl.workbooks.live.plan import Present, plan_output
from netstats_xl.workbooks.live.values import prepared
from tests.excel_double import windows_engine

GOAL_TIMES = 10
CELLS = 100_000
SPEC = next(
    block
    for sheet in live_spec().sheets
    for block in sheet.blocks
    if isinstance(block, TableSpec) and block.name == "Hourly"
)
BEGIN = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - a workbook knows no time zone


def rows() -> list[list[CellValue]]:
    """Texts, hours, and statistics of which some are blank."""
    return [
        [_value(column.kind, row, number) for number, column in enumerate(SPEC.columns)]
        for row in range(CELLS // len(SPEC.columns))
    ]


def _value(kind: Kind, row: int, column: int) -> CellValue:
    if kind is Kind.TEXT:
        return f"host-{row % 100}"
    if kind is Kind.INSTANT:
        return BEGIN + timedelta(hours=row // 100)
    if column % 3 == 0:
        return row
    return None if row % 50 == 0 else row / (column + 7)


def ours_prepared(values: Sequence[Sequence[CellValue]]) -> Callable[[], object]:
    return lambda: prepared(values, SPEC.columns)


def ours_whole(values: list[list[CellValue]]) -> Callable[[], object]:
    before = prepared(values[1:] + values[:1], SPEC.columns)
    present = (tuple(column.header for column in SPEC.columns), *zip(*before, strict=True))

    def push() -> object:
        plan = plan_output(SPEC, Present.of(present), prepared(values, SPEC.columns))
        (rectangle,) = plan.writes
        return block_to_write(rectangle)

    return push


def xlwings_value(values: Sequence[Sequence[CellValue]]) -> Callable[[], object]:
    import xlwings.conversion

    write: Callable[..., object] = xlwings.conversion.write
    return lambda: write(values, None, {})


def seconds(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def measured(repetitions: int) -> dict[str, list[float]]:
    values = rows()
    with windows_engine() if sys.platform != "win32" else nullcontext():
        works = {
            "xlwings: range.value = rows": xlwings_value(values),
            "netstats_xl: prepared": ours_prepared(values),
            "netstats_xl: the whole push": ours_whole(values),
        }
        times: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(repetitions):
            for name, work in works.items():
                times[name].append(seconds(work))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more repetitions")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    times = measured(25 if arguments.full else 7)
    peer = min(next(iter(times.values())))
    print(f"{'100,000 cells':<32}{'least (ms)':>12}{'median (ms)':>13}{'times less':>12}")
    for name, each in times.items():
        least, median = min(each) * 1_000, sorted(each)[len(each) // 2] * 1_000
        print(f"{name:<32}{least:>12.1f}{median:>13.1f}{peer * 1_000 / least:>12.1f}")
    preparing, whole = (peer / min(times[name]) for name in list(times)[1:])
    print(
        f"Preparing takes {preparing:.0f} times less (goal: {GOAL_TIMES}), the whole push {whole:.0f} times less"
    )
    if arguments.json:
        value = round(preparing, 1)
        print(
            json.dumps(
                {
                    "push_prepare_times_less": {
                        "value": value,
                        "goal": GOAL_TIMES,
                        "met": value >= GOAL_TIMES,
                    }
                }
            )
        )


if __name__ == "__main__":
    main()
