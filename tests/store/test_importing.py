"""Importing into the file: each round once, whatever overlaps, is pruned, or is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstats_xl.app import importing
from netstats_xl.app.importing import Importing
from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.domain.results import Replied
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.targets import Definitions
from netstats_xl.paths import FOLDER_VARIABLE
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.contracts.result_store import ALWAYS, START, at, destination
from tests.fakes.clock import FakeClock
from tests.fakes.history import ScriptedHistory

pytestmark = pytest.mark.trials

MONTH = timedelta(days=30)
IMPORT = [sys.executable, "-m", "netstats_xl", "import"]


def rows_of(minutes: Sequence[int], source: str) -> list[HistoryRow]:
    return [
        HistoryRow(source=source, at=at(minute), outcome=Replied(address="", rtts_ms=(minute + 0.5,)))
        for minute in minutes
    ]


files = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 30), st.sampled_from(["Host 1", "192.0.2.2"]), st.booleans()
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=12)
@given(parts=files, batch_rows=st.integers(1, 12), prunings=st.lists(st.integers(0, 70), max_size=3))
def test_each_round_is_stored_once_whatever_files_and_batches_it_comes_in(
    parts: list[tuple[int, int, str, bool]], batch_rows: int, prunings: list[int]
) -> None:
    """Counted by rows and, as they are pruned in between, by the ledger, which is of the same transactions."""
    with pytest.MonkeyPatch.context() as patch, closing(DuckDbStore.open(None)) as store:
        patch.setattr(importing, "BATCH_ROWS", batch_rows)
        store.save_definitions(Definitions(destinations=(destination(1), destination(2))), at=START)
        numbers = iter(range(10_000))
        importer = Importing(store, FakeClock(START + timedelta(days=1)), lambda: f"id{next(numbers)}")
        expected: set[tuple[str, datetime]] = set()
        cut = START
        new = 0
        for index, (first, count, source, shuffled) in enumerate(parts):
            rows = rows_of(range(first, first + count), source)
            if shuffled:
                rows = Random(index).sample(rows, len(rows)) + rows[:3]
            plan = importer.plan(ScriptedHistory(rows), mapping={}, add=False)
            found = importer.carry_out(ScriptedHistory(rows), plan, retention=MONTH)
            new += sum(each.new for each in found.values())
            expected |= {(f"dest{source[-1]}", row.at) for row in rows}
            if index < len(prunings):
                cut = max(cut, at(prunings[index]))
                store.prune(Cutoffs(raw=cut))
        assert new == len(expected)
        within = {"dest1": ALWAYS, "dest2": ALWAYS}
        assert set(store.imported_ticks("import-csv", within)) == expected
        left = [(each.destination_id, each.at) for each in store.samples(ALWAYS)]
        assert len(left) == len(set(left))
        assert set(left) <= expected
        assert {key for key in expected if key[1] >= cut} <= set(left)


def test_results_of_which_only_hours_are_left_count_as_measured_here(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    with closing(DuckDbStore.open(path)) as store:
        store.save_definitions(Definitions(destinations=(destination(1), destination(2))), at=START)
    with duckdb.connect(str(path)) as connection:
        for hour, key in (("2026-03-29 05:00", 1), ("2026-03-29 07:30", 1), ("2026-03-29 09:00", 2)):
            connection.execute(
                "INSERT INTO roll_1h VALUES (?, 7, ?, 1, 0, 1, 0, 1, 0, NULL, NULL, 0, 0, 0, 0, NULL, NULL)",
                [hour, key],
            )
    with closing(DuckDbStore.open(path)) as store:
        rows = rows_of(range(4 * 60, 11 * 60, 20), "Host 1")
        importer = Importing(store, FakeClock(START + timedelta(days=1)), lambda: "id")
        history = ScriptedHistory(rows, HistoryFormat.NETSTATS)
        plan = importer.plan(history, mapping={}, add=False)
        importer.carry_out(history, plan, retention=MONTH)
        assert {each.at.hour for each in store.samples(ALWAYS)} == {4, 6, 9, 10}


def a_large_file(path: Path, rows: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with path.open("w") as file:
        file.write("time,host,rtt\n")
        for number in range(rows):
            when = start + timedelta(seconds=10 * number)
            file.write(f"{when.isoformat()},192.0.2.{1 + number % 2},{1 + number % 50}\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9 that spares the children")
def test_an_import_that_is_killed_is_finished_by_the_next_one(tmp_path: Path) -> None:
    path, file, rows = tmp_path / "results.duckdb", tmp_path / "history.csv", 60_000
    with closing(DuckDbStore.open(path)) as store:
        store.save_definitions(Definitions(destinations=(destination(1), destination(2))), at=START)
    a_large_file(file, rows)
    command = [*IMPORT, str(file), "--database", str(path)]
    environment = {**os.environ, FOLDER_VARIABLE: str(tmp_path / "data")}
    random, kills = Random(5), 0
    for _ in range(3):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stderr is not None
            if process.stderr.readline():  # it is at work
                time.sleep(random.uniform(0, 2))
            process.send_signal(signal.SIGKILL)
        finally:
            process.communicate()
        kills += process.returncode == -signal.SIGKILL
        _assert_whole_batches(path)
    assert kills
    last = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stderr
    assert _assert_whole_batches(path) == rows
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Imported 0 rounds" in again.stdout


def _assert_whole_batches(path: Path) -> int:
    """The samples and the ledger agree, and no round is there twice; how many there are."""
    with duckdb.connect(str(path)) as connection:
        [(samples, distinct, remembered)] = connection.execute(
            """
            SELECT (SELECT count(*) FROM samples),
                (SELECT count(DISTINCT (tick, job, destination)) FROM samples),
                (SELECT count(*) FROM (
                    SELECT tick, job, destination FROM samples INTERSECT SELECT tick, job, destination FROM imported
                ))
            """
        ).fetchall()
    assert samples == distinct == remembered
    assert samples % importing.BATCH_ROWS == 0
    return int(samples)
