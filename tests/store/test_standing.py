"""Totals, states and extent that are kept in memory are those of the tables."""

import random
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.results import (
    Batch,
    JobRun,
    MissedReason,
    RunCompleted,
    RunFailed,
    RunMissed,
    RunOutcome,
    State,
)
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.selection import greatest, least
from netstats_xl.store.standing import load_standing
from tests.contracts.result_store import OUTCOMES, at, changed, run, sample
from tests.fakes.memory_store import MemoryStore


def a_run(rng: random.Random, minute: int) -> JobRun:
    outcomes: tuple[RunOutcome, ...] = (
        RunCompleted(up=1, down=0),
        RunFailed(error=f"error {minute}"),
        RunMissed(ticks=minute % 7 + 1, reason=MissedReason.LATE, last_tick_at=at(minute)),
    )
    return run(minute, rng.choice(outcomes), job=f"job{rng.randrange(3)}")


@pytest.mark.parametrize("seed", range(15))
def test_what_is_kept_in_memory_is_what_the_tables_tell(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    minutes = sorted(rng.sample(range(1_000), 60), key=lambda minute: minute + rng.choice((0, 0, 300)))
    store, expected = DuckDbStore.open(tmp_path / "results.duckdb"), MemoryStore()
    for number in range(0, len(minutes), 10):
        some = minutes[number : number + 10]
        batch = Batch(
            batch_id=f"{number}",
            samples=[sample(minute, OUTCOMES[0]) for minute in some],
            runs=[a_run(rng, minute) for minute in some],
            events=[
                changed(minute, rng.choice(tuple(State)), destination=f"dest{rng.randrange(3)}")
                for minute in some
            ],
        )
        for _ in range(2):  # the second time changes nothing
            store.save(batch)
            expected.save(batch)
        if rng.random() < 0.4:
            cutoffs = Cutoffs(raw=at(rng.uniform(0, max(some))))
            assert store.prune(cutoffs) == expected.prune(cutoffs)
        assert store.job_totals() == expected.job_totals()
        assert store.states() == expected.states()
        info, other = store.info(), expected.info()
        assert (info.samples, info.first_sample_at, info.last_sample_at) == (
            other.samples,
            other.first_sample_at,
            other.last_sample_at,
        )
        assert store._database.read(load_standing) == store._standing
        if rng.random() < 0.3:
            store.close()
            store = DuckDbStore.open(tmp_path / "results.duckdb")
            assert store.job_totals() == expected.job_totals()
            assert store.states() == expected.states()
    store.close()


@pytest.mark.parametrize("checkpointed", [False, True])
def test_the_ends_of_a_column_are_found_whatever_rows_were_deleted(
    tmp_path: Path, checkpointed: bool
) -> None:
    rng = random.Random(1)
    with duckdb.connect(str(tmp_path / "x.duckdb")) as cursor:
        cursor.execute("CREATE TABLE things (n BIGINT)")
        assert (least(cursor, "things", "n"), greatest(cursor, "things", "n")) == (None, None)
        for number in range(12):
            first = 100 * number - rng.choice((0, 0, 250))
            cursor.execute("INSERT INTO things SELECT unnest(range($1, $1 + 100))", [first])
            if checkpointed:
                cursor.execute("CHECKPOINT")
            if number % 3 == 2:
                low = rng.randrange(-250, first + 100)
                cursor.execute(
                    "DELETE FROM things WHERE n < $1 OR n > $2", [low, low + rng.choice((90, 9_999))]
                )
            [ends] = cursor.execute("SELECT min(n), max(n) FROM things").fetchall()
            assert (least(cursor, "things", "n"), greatest(cursor, "things", "n")) == ends
