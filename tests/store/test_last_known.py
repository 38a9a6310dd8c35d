"""What is last known of each destination is the same from memory, through the rollups, and by looking at every row."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from netstats_xl.domain.results import Batch, Period, Replied, Sample, Timeout
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.store import duckdb_store, last_known
from netstats_xl.store.appending import append
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.last_known import Known
from tests.contracts.result_store import OUTCOMES, START, at, sample
from tests.fakes.memory_store import MemoryStore

HOUR = timedelta(hours=1)
UP, DOWN = OUTCOMES[0], OUTCOMES[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


@pytest.fixture
def looked_back(monkeypatch: pytest.MonkeyPatch) -> list[Period]:
    """The periods that were looked for in the tables."""
    periods: list[Period] = []

    def look_back(cursor: Cursor, period: Period) -> tuple[Known, bool]:
        periods.append(period)
        return last_known.look_back(cursor, period)

    monkeypatch.setattr(duckdb_store, "look_back", look_back)
    return periods


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[datetime, datetime, frozenset[str]]]:
    """The rows that were looked at: from, until, and of which destinations."""
    windows: list[tuple[datetime, datetime, frozenset[str]]] = []
    look_at = last_known._Search._look_at

    def note(
        self: last_known._Search, lower: datetime, upper: datetime, destination_ids: Iterable[str]
    ) -> None:
        ids = frozenset(destination_ids)
        windows.append((lower, upper, ids))
        look_at(self, lower, upper, ids)

    monkeypatch.setattr(last_known._Search, "_look_at", note)
    return windows


def day_until(minutes: float) -> Period:
    return Period(start=at(minutes) - timedelta(days=1), end=at(minutes))


def test_while_results_are_saved_the_tables_are_asked_once(path: Path, looked_back: list[Period]) -> None:
    store = DuckDbStore.open(path)
    for minute in range(5):
        outcome = UP if minute < 3 else DOWN
        store.save(
            Batch(
                batch_id=f"{minute}",
                samples=[sample(minute, outcome), sample(minute, UP, destination="dest2")],
            )
        )
        found = store.latest(day_until(minute + 0.5))
        assert {each.at for each in found.values()} == {at(minute)}
        assert found["dest1"].last_reply_at == at(min(minute, 2))
    assert len(looked_back) == 1
    store.close()


def test_after_a_start_the_tables_are_asked_once_and_then_known_with_what_is_saved(
    path: Path, looked_back: list[Period]
) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, UP), sample(0, DOWN, destination="dest2")]))
    store.close()
    store = DuckDbStore.open(path)
    assert looked_back == []
    assert set(store.latest(day_until(1))) == {"dest1", "dest2"}
    store.save(Batch(batch_id="b", samples=[sample(2, DOWN)]))
    found = store.latest(day_until(3))
    assert (found["dest1"].at, found["dest1"].last_reply_at, found["dest2"].at) == (at(2), at(0), at(0))
    assert len(looked_back) == 1
    store.close()


def test_a_longer_period_than_was_asked_for_is_looked_up_again(looked_back: list[Period]) -> None:
    store = DuckDbStore.open(None)
    old, new = sample(-100, UP, destination="dest2"), sample(0, DOWN)
    store.save(Batch(batch_id="a", samples=[old, new]))
    assert set(store.latest(Period(start=at(-50), end=at(1)))) == {"dest1"}
    assert set(store.latest(Period(start=at(-150), end=at(1)))) == {"dest1", "dest2"}
    assert set(store.latest(Period(start=at(-50), end=at(1)))) == {"dest1"}
    assert [each.start for each in looked_back] == [at(-50), at(-150)]
    store.close()


def test_a_reply_before_the_period_is_none_within_it() -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(0, UP), sample(9, DOWN)]))
    assert store.latest(Period(start=at(0), end=at(10)))["dest1"].last_reply_at == at(0)
    assert store.latest(Period(start=at(1), end=at(10)))["dest1"].last_reply_at is None
    store.close()


def test_a_period_of_the_past_is_not_told_of_the_present(looked_back: list[Period]) -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(0, UP), sample(5, DOWN)]))
    store.latest(day_until(6))
    assert store.latest(day_until(5))["dest1"].at == at(0)
    assert len(looked_back) == 2
    store.close()


def test_late_results_do_not_hide_newer_ones() -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(5, DOWN)]))
    store.latest(day_until(6))
    store.save(Batch(batch_id="b", samples=[sample(2, UP)]))
    found = store.latest(day_until(6))["dest1"]
    assert (found.at, found.outcome, found.last_reply_at) == (at(5), DOWN, at(2))
    store.close()


def test_what_was_pruned_is_known_no_more() -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(0, UP), sample(5, UP, destination="dest2")]))
    store.latest(day_until(6))
    store.prune(Cutoffs(raw=at(3)))
    assert set(store.latest(day_until(6))) == {"dest2"}
    assert (store.info().samples, store.info().first_sample_at) == (1, at(5))
    store.prune(Cutoffs(raw=at(30)))
    assert store.latest(day_until(6)) == {}
    assert (store.info().samples, store.info().first_sample_at, store.info().last_sample_at) == (
        0,
        None,
        None,
    )
    store.close()


def test_rows_that_are_pruned_while_they_are_looked_up_are_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(0, UP)]))

    def look_back(cursor: Cursor, period: Period) -> tuple[Known, bool]:
        found = last_known.look_back(cursor, period)
        store.prune(Cutoffs(raw=at(3)))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(duckdb_store, "look_back", look_back)
        # As the tables were when the question began.
        assert set(store.latest(day_until(6))) == {"dest1"}
    assert store.latest(day_until(6)) == {}
    store.close()


def test_rows_that_are_saved_while_older_ones_are_looked_up_are_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(0, UP)]))

    def look_back(cursor: Cursor, period: Period) -> tuple[Known, bool]:
        found = last_known.look_back(cursor, period)
        store.save(Batch(batch_id="b", samples=[sample(1, DOWN)]))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(duckdb_store, "look_back", look_back)
        # The new row is not of the period that was asked for.
        assert store.latest(day_until(1))["dest1"].at == at(0)
    assert store.latest(day_until(2))["dest1"].at == at(1)
    store.close()


def seal_hours(store: DuckDbStore, samples: Iterable[Sample], until: datetime) -> None:
    """Put into `roll_1h` what the search asks of it, as decision 26 says, in UTC."""
    counts: dict[tuple[datetime, str], list[int]] = {}
    for each in samples:
        if each.at < until:
            bucket = each.at.replace(minute=0, second=0, microsecond=0)
            counts.setdefault((bucket, each.destination_id), [0, 0])[type(each.outcome) is not Replied] += 1
    keys = store._ledger.keys.destinations

    def seal(cursor: Cursor) -> None:
        cursor.execute("DELETE FROM roll_1h")
        zeros = [0] * len(counts)
        append(
            cursor,
            "roll_1h",
            [
                ("bucket", "TIMESTAMP", [bucket for bucket, _ in counts]),
                ("destination", "INTEGER", [keys[each] for _, each in counts]),
                ("up", "BIGINT", [up for up, _ in counts.values()]),
                ("down", "BIGINT", [down for _, down in counts.values()]),
                ("job", "INTEGER", zeros),
                ("squares_us2", "BIGINT", zeros),
                *[
                    (name, "BIGINT", zeros)
                    for name in (
                        "up_ms", "down_ms", "sent", "received", "total_us", "jitter_us", "jitter_pairs",
                    )
                ],
            ],
        )  # fmt: skip
        cursor.execute(
            "UPDATE levels SET sealed_until = make_timestamp(?) WHERE level = '1h'",
            [int(until.timestamp()) * 1_000_000],
        )

    store._database.write(seal, committed=lambda _: None)


def test_the_rollups_tell_where_to_look_for_those_that_have_long_been_silent(
    looked_at: list[tuple[datetime, datetime, frozenset[str]]],
) -> None:
    store = DuckDbStore.open(None)
    weeks = 21 * 24 * 60
    samples = [
        *[sample(minute, UP) for minute in (0, weeks - 1)],
        *[
            sample(minute, DOWN if minute > 60 else UP, destination="down")
            for minute in range(0, weeks, 60 * 24)
        ],
        sample(weeks - 1, DOWN, destination="down"),
        *[sample(minute, UP, destination="retired") for minute in (5, 59)],
        sample(weeks - 1, DOWN, destination="never up"),
    ]
    store.save(Batch(batch_id="a", samples=samples))
    until = (at(weeks) - 3 * HOUR).replace(minute=0, second=0)
    seal_hours(store, samples, until)
    found = store.latest(Period(start=START, end=at(weeks)))
    assert {each: (known.at, known.last_reply_at) for each, known in found.items()} == {
        "dest1": (at(weeks - 1), at(weeks - 1)),
        "down": (at(weeks - 1), at(0)),
        "retired": (at(59), at(59)),
        "never up": (at(weeks - 1), None),
    }
    assert sum((upper - lower for lower, upper, _ in looked_at), timedelta()) <= 3 * HOUR + 2 * HOUR
    assert looked_at[-1] == (START, START + 2 * HOUR, frozenset({"down", "retired"}))
    store.close()


def random_samples(rng: random.Random) -> list[Sample]:
    """Of some destinations, for some days: with gaps, outages, late ones, and two jobs at the same ticks."""
    samples = []
    for number in range(6):
        minute = rng.uniform(0, 2_000)
        last = rng.uniform(minute, 4 * 1_440)
        is_up = rng.random() < 0.7
        while minute < last:
            minute = round(minute + rng.choice((1, 5, 30, 200)) * rng.uniform(0.5, 1.5))
            is_up ^= rng.random() < 0.05
            outcome = (
                Replied("192.0.2.1", (rng.randrange(1, 99) / 4,)) if is_up else Timeout(address="a", sent=4)
            )
            jobs = rng.choice((("job1",), ("job1",), ("job1", "job2")))
            samples += [sample(minute, outcome, job=job, destination=f"dest{number}") for job in jobs]
    return samples


@pytest.mark.trials
@pytest.mark.parametrize("seed", range(25))
def test_whatever_is_saved_sealed_reopened_and_pruned_the_answer_is_that_of_all_rows(
    path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    samples = random_samples(rng)
    samples.sort(key=lambda each: each.at + rng.choice((0, 0, 0, 10)) * HOUR)
    store, expected = DuckDbStore.open(path), MemoryStore()
    saved: list[Sample] = []
    sealed_until = None
    step = len(samples) // 6 + 1
    for number in range(0, len(samples), step):
        batch = Batch(batch_id=f"{number}", samples=samples[number : number + step])
        saved += batch.samples
        store.save(batch)
        expected.save(batch)
        if rng.random() < 0.5:
            newest = max(each.at for each in saved).replace(minute=0)
            sealed_until = max(newest - rng.choice((1, 3, 30)) * HOUR, sealed_until or START)
        if sealed_until:
            # Late rows are in the rollups as soon as they are in the table.
            seal_hours(store, saved, sealed_until)
        if rng.random() < 0.3:
            store.close()
            store = DuckDbStore.open(path)
        if rng.random() < 0.2:
            cutoff = Cutoffs(raw=at(rng.uniform(0, 2_500)))
            assert store.prune(cutoff) == expected.prune(cutoff)
        for _ in range(4):
            end = rng.choice((at(9_999), at(rng.uniform(0, 6_000)), max(each.at for each in saved) + HOUR))
            period = Period(start=end - rng.choice((0.5, 5, 30, 200)) * HOUR, end=end)
            assert store.latest(period) == expected.latest(period)
        assert store.info().samples == expected.info().samples
        assert store.info().first_sample_at == expected.info().first_sample_at
    store.close()
