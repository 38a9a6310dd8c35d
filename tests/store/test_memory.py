"""What DuckDB keeps in memory after an answer."""

import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from netstats_xl.domain.results import Batch, Period
from netstats_xl.ports import Dimension
from netstats_xl.store import memory
from netstats_xl.store.database import Cursor, Database
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.contracts.result_store import ALWAYS, OUTCOMES, START, a_busy_hour, sample


def used(cursor: Cursor) -> int:
    [(used_bytes,)] = cursor.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchall()
    return int(used_bytes)


def limit(cursor: Cursor) -> str:
    [(text,)] = cursor.execute("SELECT current_setting('memory_limit')").fetchall()
    return str(text)


def grown(database: Database) -> None:
    """60 MB of numbers that do not compress, in the file."""
    database.write(
        lambda cursor: cursor.execute("CREATE TABLE big AS SELECT random() AS x FROM range(8_000_000)"),
        committed=lambda _: None,
    )


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "results.duckdb", spare_core=True, loaded=lambda _: None)


def test_what_a_large_answer_left_in_memory_is_given_back_after_a_minute(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(database)
    now_s = [time.monotonic()]
    monkeypatch.setattr("netstats_xl.store.memory.time", SimpleNamespace(monotonic=lambda: now_s[-1]))

    def asked(cursor: Cursor) -> int:
        cursor.execute("SELECT median(x) FROM big").fetchall()
        return used(cursor)

    assert database.read(asked) > memory.KEPT_BYTES
    database.free_memory()
    assert database.read(used) > memory.KEPT_BYTES, "for the next question"
    now_s.append(now_s[0] + memory.KEPT_FOR_S)
    database.free_memory()
    assert database.read(used) < memory.KEPT_BYTES
    assert limit(duckdb.connect(config={"memory_limit": memory.LIMIT})) == database.read(limit)
    database.close()


def test_very_much_is_given_back_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_KEPT_BYTES", 50_000_000)
    grown(database)
    database.read(lambda cursor: cursor.execute("SELECT median(x) FROM big").fetchall())
    assert database.read(used) > memory.MOST_KEPT_BYTES
    database.free_memory()
    assert database.read(used) < memory.MOST_KEPT_BYTES
    database.close()


def test_how_much_is_kept_is_asked_once_a_second_and_not_where_nothing_can_have_come(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [time.monotonic()]
    monkeypatch.setattr("netstats_xl.store.memory.time", SimpleNamespace(monotonic=lambda: now_s[-1]))
    asked: list[int] = []
    monkeypatch.setattr(memory, "free", lambda _instance, *, above_bytes: asked.append(above_bytes))

    def free_after(seconds: float) -> list[int]:
        asked.clear()
        now_s.append(now_s[-1] + seconds)
        database.free_memory()
        return list(asked)

    assert free_after(0) == [], "nobody asked anything"
    database.read(used)
    assert free_after(0) == [memory.MOST_KEPT_BYTES]
    assert free_after(memory.LOOKED_AT_EVERY_S / 2) == []
    assert free_after(memory.LOOKED_AT_EVERY_S / 2) == [memory.MOST_KEPT_BYTES]
    assert free_after(memory.KEPT_FOR_S) == [memory.KEPT_BYTES]
    assert free_after(memory.KEPT_FOR_S) == [], "nothing has come since"
    database.read(used)
    assert free_after(memory.KEPT_FOR_S) == [memory.KEPT_BYTES]
    database.close()


def test_nothing_is_taken_from_a_question_that_is_under_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "KEPT_FOR_S", 0)
    grown(database)

    def asked(cursor: Cursor) -> int:
        cursor.execute("SELECT median(x) FROM big").fetchall()
        database.free_memory()
        return used(cursor)

    assert database.read(asked) > memory.KEPT_BYTES
    database.close()


def test_a_store_in_memory_keeps_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT_FOR_S", 0)
    monkeypatch.setattr(memory, "KEPT_BYTES", 0)
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=a_busy_hour()))
    store.roll_up()
    assert len(store.samples(ALWAYS)) == len(a_busy_hour())
    store.close()


def test_what_cannot_be_freed_stays_and_so_does_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "KEPT_FOR_S", 0)
    monkeypatch.setattr(memory, "KEPT_BYTES", 2)
    store = DuckDbStore.open(tmp_path / "results.duckdb")
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    period = Period(start=START, end=START + timedelta(minutes=1))
    for _ in range(2):
        store.roll_up()
        [group] = store.summaries(period, by=[Dimension.DESTINATION])
        assert group.summary.rounds_up == 1
    store.close()


def test_a_broken_instance_is_left_to_whoever_needs_it_next() -> None:
    instance = duckdb.connect(":memory:")
    instance.close()
    memory.free(instance, above_bytes=0)
