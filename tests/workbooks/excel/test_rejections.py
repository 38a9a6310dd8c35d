"""Ten thousand calls that Excel rejects, for each way of binding: nothing is lost, nothing hangs, nothing spins."""

import random
import time

import pytest

from netstats_xl.domain.tables import RowEdits
from netstats_xl.errors import WorkbookBusy, WorkbookError
from tests.excel_double import BUSY, WindowsEngine
from tests.workbooks.excel.live import Live, live, view

pytestmark = pytest.mark.untraced

MOST_CPU_MS = 20
"""Of processor time for each rejection, the double's own included: a loop without pauses has no such bound."""


def disturbed(bench: Live, chance: random.Random, number: int) -> None:
    """One thing or another that the companion does."""
    match chance.randrange(4):
        case 0:
            bench.workbook.publish(view({"NetStats_state": f"state {number}"}, Ranked=[("a", float(number))]))
        case 1:
            bench.workbook.publish(
                view(Runs=[(None, f"job {number}", float(row)) for row in range(number % 7)])
            )
        case 2:
            bench.workbook.read(["Destinations"])
        case _:
            bench.workbook.note_change()
            bench.workbook.revision()


@pytest.mark.parametrize(("share", "rejections"), [(0.05, 1_000), (0.3, 4_000), (0.7, 5_000)])
def test_no_latest_value_is_lost_and_nothing_spins(
    engine: WindowsEngine, share: float, rejections: int
) -> None:
    destinations = [("a", "::1"), ("b", "::2")]
    with live(engine, destinations=destinations) as bench:
        faults, chance = bench.excel.faults, random.Random(share)
        started = time.process_time()
        faults.randomly(share, seed=7, failures=BUSY)
        number = 0
        while faults.raised.total() < rejections:
            number += 1
            try:
                disturbed(bench, chance, number)
                bench.workbook.flush(0.02)
            except WorkbookBusy:
                pass
            assert number < 10 * rejections
        last = view(
            {"NetStats_state": "last"},
            Ranked=[("last", 1.0)],
            Runs=[(None, "last", 2.0)],
            Destinations=[(*row, None, None, "Up", 1.5, "0123456789ab") for row in destinations],
        )
        bench.workbook.publish(last)
        rejected = faults.raised.total()
        faults.clear()
        assert bench.workbook.flush(30)
        assert (bench.cell("Ranked", "A1"), bench.rows("Ranked")) == ("last", [("last", 1.0)])
        assert bench.rows("Runs") == [(None, "last", 2.0)]
        assert [row[4] for row in bench.rows("Destinations")] == ["Up", "Up"]
        assert [row.cells["Host"] for row in bench.workbook.read(["Destinations"])["Destinations"].rows] == [
            "::1",
            "::2",
        ]
        assert time.process_time() - started < rejected * MOST_CPU_MS / 1_000
        # Every rejection but the last of each try was followed by a pause.
        assert len(bench.clock.taken) > rejected / 3
        assert bench.held() == 0


def test_edits_under_rejections_are_written_once_or_not_at_all(engine: WindowsEngine) -> None:
    with live(engine, destinations=[("first", "::1")]) as bench:
        written, parts = ["first"], list[str]()
        for number in range(150):
            bench.excel.faults.clear()
            bench.workbook.read(["Destinations"])
            bench.excel.faults.randomly(0.35, seed=number)
            try:
                bench.workbook.edit("Destinations", RowEdits(append=({"Name": f"n{number}", "Host": "::1"},)))
            except WorkbookBusy:
                continue
            except WorkbookError as error:
                parts.append(error.message)
                written = [str(row[0]) for row in bench.rows("Destinations") if row[0] is not None]
            else:
                written.append(f"n{number}")
            assert [row[0] for row in bench.rows("Destinations") if row[0] is not None] == written
        assert len(written) > 30
        assert all("Only a part" in told for told in parts)
