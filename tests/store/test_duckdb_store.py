"""What the contract does not ask of every store."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import duckdb
import pytest

from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import (
    Batch,
    NameNotResolved,
    Period,
    RunCompleted,
    Sample,
    describe,
)
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import ReportError, StoreCorrupt, StoreError, StoreFull
from netstats_xl.store import csv_export, ingest
from netstats_xl.store.appending import append
from netstats_xl.store.catalogue import Keys
from netstats_xl.store.database import Cursor, Database
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.rolling import TABLES, columns_of
from netstats_xl.store.room import Room, Space
from tests.contracts.result_store import (
    ALWAYS,
    OUTCOMES,
    START,
    a_busy_hour,
    at,
    destination,
    job,
    read_csv,
    run,
    sample,
    traced,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


def test_everything_is_there_when_the_file_is_opened_again(path: Path) -> None:
    definitions = Definitions(destinations=(destination(1),), jobs=(job(1),))
    store = DuckDbStore.open(path)
    store.save_definitions(definitions, at=START)
    store.save(Batch(batch_id="a", samples=a_busy_hour(), runs=[run(0, RunCompleted(up=2, down=1))]))
    before = (store.summaries(ALWAYS), store.job_totals(), store.samples(ALWAYS))
    store.close()
    store = DuckDbStore.open(path)
    assert store.definitions().active == definitions
    assert (store.summaries(ALWAYS), store.job_totals(), store.samples(ALWAYS)) == before
    store.save(Batch(batch_id="a", samples=a_busy_hour()))
    assert store.info().samples == len(a_busy_hour())
    store.save(Batch(batch_id="b", samples=[sample(99, OUTCOMES[0], destination="dest9")]))
    assert store.samples(ALWAYS)[-1].destination_id == "dest9"
    store.close()


def test_info_names_the_file_its_size_and_the_engine(path: Path) -> None:
    store = DuckDbStore.open(path)
    info = store.info()
    store.close()
    assert info.location == str(path)
    assert info.size_bytes is not None
    assert info.size_bytes > 0
    assert info.details == {"engine": f"DuckDB {duckdb.__version__}"}
    in_memory = DuckDbStore.open(None)
    assert (in_memory.info().location, in_memory.info().size_bytes) == ("memory", None)
    in_memory.close()


def test_a_relative_path_is_shown_in_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    store = DuckDbStore.open(Path(path.name))
    assert store.info().location == str(path)
    store.close()


def test_a_destination_measured_before_it_was_defined_gets_its_name_later(path: Path, tmp_path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=at(1))
    store.save(Batch(batch_id="b", samples=[sample(2, OUTCOMES[0])]))
    assert [each.destination_id for each in store.samples(ALWAYS)] == ["dest1", "dest1"]
    store.export_csv(tmp_path / "samples.csv", ALWAYS)
    assert [row[1:3] for row in read_csv(tmp_path / "samples.csv")[1:]] == [["Job 1", "Host 1"]] * 2
    store.close()


def test_a_definition_that_cannot_be_understood_is_named(path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute('UPDATE jobs SET definition = \'{"id": "job1"}\'')
    store = DuckDbStore.open(path)
    with pytest.raises(StoreCorrupt, match=r"definition of job job1 .* cannot be understood"):
        store.definitions()
    store.close()


def test_settings_that_cannot_be_understood_are_reported(path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save_settings(Settings())
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("""UPDATE settings SET definition = '{"colour": "red"}'""")
    store = DuckDbStore.open(path)
    with pytest.raises(StoreCorrupt, match="The settings in the database cannot be understood"):
        store.definitions()
    store.close()


@pytest.mark.parametrize(
    "change",
    ["hops = '[{\"ttl\": 1}]'", "reason = 'boredom'", "names = '3'"],
    ids=["hops", "reason", "names"],
)
def test_a_route_that_cannot_be_understood_is_named(path: Path, change: str) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", routes=[traced(0, "10.0.0.1")]))
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"UPDATE routes SET {change}")
    store = DuckDbStore.open(path)
    with pytest.raises(
        StoreCorrupt, match=r"a route to dest1 that cannot be understood: it was changed by hand"
    ):
        store.routes(ALWAYS)
    store.close()


def test_a_route_that_stays_the_same_stays_one_row(path: Path) -> None:
    store = DuckDbStore.open(path)
    for minute in range(20):
        store.save(Batch(batch_id=f"batch{minute}", routes=[traced(minute, "10.0.0.1", "192.0.2.9")]))
    store.close()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT ordinal, traces FROM routes").fetchall() == [(1, 20)]


def test_what_is_unchanged_is_not_written_again(path: Path) -> None:
    def size() -> int:
        return store.info().size_bytes or 0

    def save(settings: Settings, stopped: set[str]) -> int:
        store.save_definitions(definitions, at=at(1))
        store.save_settings(settings)
        store.save_stopped(stopped)
        return size()

    definitions = Definitions(destinations=(destination(1),), jobs=(job(1),))
    store = DuckDbStore.open(path)
    first = save(Settings(), {"job1", "job2"})
    assert save(Settings(), {"job2", "job1"}) == first
    second = save(Settings(zone="Asia/Tokyo"), {"job1", "job2"})
    assert first < second < save(Settings(zone="Asia/Tokyo"), {"job1"})
    store.close()


def test_instants_to_the_microsecond_and_any_text_are_kept(path: Path) -> None:
    texts = ["a\x00b", 'a"b\\c', "Köln \N{GRINNING FACE}", "\u2028\t\x01", "\ud800 half a character"]
    samples = [
        replace(sample(index, NameNotResolved(reason=text)), at=START + timedelta(microseconds=index))
        for index, text in enumerate(texts)
    ]
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=samples))
    found = store.samples(ALWAYS)
    assert [each.at for each in found] == [each.at for each in samples]
    assert [describe(each.outcome).removeprefix("name not resolved: ") for each in found] == [
        *texts[:-1],
        "? half a character",
    ]
    store.close()


def test_only_what_a_table_can_hold_is_taken() -> None:
    with duckdb.connect(":memory:") as cursor, pytest.raises(TypeError, match="Path found"):
        append(cursor, "runs", [("reason", "VARCHAR", [Path("x")])])


def test_an_outcome_that_this_program_does_not_write_is_reported(path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(
        Batch(batch_id="a", runs=[run(0, RunCompleted(up=1, down=0))], samples=[sample(0, OUTCOMES[0])])
    )
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE samples SET outcome = 'odd'")
        connection.execute("UPDATE runs SET outcome = 'odder'")
    store = DuckDbStore.open(path)
    with pytest.raises(StoreCorrupt, match="a sample with the unknown outcome 'odd'"):
        store.samples(ALWAYS)
    with pytest.raises(StoreCorrupt, match="a run with the unknown outcome 'odder'"):
        store.runs(ALWAYS)
    store.close()


def test_usage_tells_the_room_of_the_file_and_of_its_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(DuckDbStore.open(path)) as store:
        many = [sample(number / 100, OUTCOMES[0]) for number in range(20_000)]
        store.save(Batch(batch_id="a", samples=many))
    with closing(DuckDbStore.open(path)) as store:
        usage = store.usage(at(100))
        assert usage.file_bytes == store.info().size_bytes
        assert usage.free_bytes == pytest.approx(shutil.disk_usage(path.parent).free, rel=0.2)
        assert (usage.samples, usage.recent_samples) == (20_000, 10_000)
        assert usage.reusable_bytes == 0
        store.prune(Cutoffs(raw=at(300)))
    with closing(DuckDbStore.open(path)) as store:
        usage = store.usage(at(0))
        assert usage.samples == 0
        assert usage.file_bytes is not None
        assert 0 < usage.reusable_bytes < usage.file_bytes

        def refuse(place: Path) -> NoReturn:
            raise OSError("The drive is gone.")

        monkeypatch.setattr(shutil, "disk_usage", refuse)
        assert store.usage(at(0)).free_bytes is None


def test_usage_counts_the_rollups(path: Path) -> None:
    with closing(DuckDbStore.open(path)) as store:
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    with duckdb.connect(str(path)) as connection:
        figures = "TIMESTAMP '2026-03-29', 1, 1, 1, 0, 60, 0, 4, 4, 1, 2, 6, 10, 1, 3"
        connection.execute(f"INSERT INTO roll_1m SELECT {figures} FROM range(5)")
        for level in (Level.HOUR, Level.DAY, Level.MONTH):
            connection.execute(
                f"INSERT INTO {TABLES[level]} ({columns_of(level)}) SELECT {figures}, NULL, NULL FROM range(2)"
            )
    with closing(DuckDbStore.open(path)) as store:
        usage = store.usage(at(0))
        assert (usage.minutes, usage.rollups) == (5, 6)


def test_a_store_in_memory_takes_no_room_on_a_disk() -> None:
    with closing(DuckDbStore.open(None)) as store:
        usage = store.usage(at(0))
        assert (usage.file_bytes, usage.reusable_bytes, usage.free_bytes) == (None, 0, None)


def test_a_record_of_deletions_that_was_changed_by_hand_is_told_of(path: Path) -> None:
    DuckDbStore.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO deletions VALUES ('yesterday')")
    with (
        closing(DuckDbStore.open(path)) as store,
        pytest.raises(StoreCorrupt, match="remembers of deletions"),
    ):
        store.deletions()


def test_ids_of_runs_and_batches_are_pruned_with_their_samples_and_the_last_ones_are_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netstats_xl.store.pruning.IDS_REMEMBERED", 3)
    store = DuckDbStore.open(path)
    for number in range(4):
        store.save(
            Batch(
                batch_id=f"batch{number}",
                runs=[run(number, RunCompleted(up=1, down=0))],
                samples=[sample(number, OUTCOMES[0])],
            )
        )
    store.prune(Cutoffs(raw=at(3)))
    assert [each.run_id for each in store.samples(ALWAYS)] == ["job1-3"]
    store.close()
    with duckdb.connect(str(path)) as connection:
        kept = connection.execute("SELECT run_id FROM run_ids ORDER BY run").fetchall()
    assert kept == [("batch2",), ("job1-3",), ("batch3",)]


@pytest.mark.parametrize("slice_rows", [1, 7, 40, 1_000])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "UTC"])
def test_a_csv_is_the_same_however_it_is_sliced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slice_rows: int, zone: str
) -> None:
    monkeypatch.setattr(csv_export, "SLICE_ROWS", slice_rows)
    store = DuckDbStore.open(None)
    samples = [
        Sample(
            at=START + timedelta(minutes=17 * number, milliseconds=number % 2),
            job_id="job1",
            destination_id=f"dest{number % 3}",
            run_id=f"run{number}",
            interval_s=60.0,
            outcome=OUTCOMES[number % 6],
        )
        for number in range(60)
    ]
    store.save(Batch(batch_id="a", samples=samples[::-1]))
    period = Period(start=samples[3].at, end=samples[57].at)
    assert store.export_csv(tmp_path / "samples.csv", period, zone=zone) == 54
    rows = read_csv(tmp_path / "samples.csv")[1:]
    # `isoformat` leaves out the fraction where there is none, as the file does.
    assert [row[0] for row in rows] == [
        each.at.astimezone(ZoneInfo(zone)).isoformat() for each in samples[3:57]
    ]
    assert [row[2] for row in rows] == [each.destination_id for each in samples[3:57]]
    assert [each.name for each in tmp_path.iterdir()] == ["samples.csv"]
    store.close()


def test_a_csv_that_cannot_be_written_is_a_report_error_and_leaves_no_part(tmp_path: Path) -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    (tmp_path / "samples.csv").mkdir()
    for folder in (tmp_path / "samples.csv", Path(), Path("/")):
        with pytest.raises(ReportError, match=r"cannot be written: it is a folder\. Name a file"):
            store.export_csv(folder, ALWAYS)
    with pytest.raises(ReportError, match="cannot be written"):
        store.export_csv(tmp_path / "nowhere" / "samples.csv", ALWAYS)
    assert [each.name for each in tmp_path.iterdir()] == ["samples.csv"]
    store.close()


def test_a_csv_keeps_the_old_file_when_the_samples_cannot_be_read(path: Path, tmp_path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    target = tmp_path / "samples.csv"
    target.write_text("old")
    store._database.write(lambda cursor: cursor.execute("DROP TABLE run_ids"), committed=lambda _: None)
    store._database.write(
        lambda cursor: cursor.execute("ALTER TABLE samples DROP rtts_ms"), committed=lambda _: None
    )
    with pytest.raises(StoreError, match="does not know"):
        store.export_csv(target, ALWAYS)
    assert target.read_text() == "old"
    store.close()


def test_many_threads_read_while_one_saves(path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="first", samples=a_busy_hour()))
    saved = threading.Event()

    def read() -> int:
        rounds = 0
        while not saved.is_set() or not rounds:
            [whole] = store.summaries(ALWAYS)
            total = whole.summary.rounds_up + whole.summary.rounds_down
            # A batch of ten is seen as a whole or not at all.
            assert (total - len(a_busy_hour())) % 10 == 0
            rounds += 1
        return rounds

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read) for _ in range(3)]
        for number in range(20):
            batch = [sample(100 + number, OUTCOMES[0], destination=f"dest{index}") for index in range(10)]
            store.save(Batch(batch_id=f"batch{number}", samples=batch))
        saved.set()
        assert all(reader.result() > 0 for reader in readers)
    assert store.info().samples == len(a_busy_hour()) + 200
    store.close()


def test_threads_that_save_at_once_lose_and_mix_up_nothing(path: Path) -> None:
    store = DuckDbStore.open(path)

    def save(thread: int) -> None:
        for number in range(10):
            name = f"{thread}-{number}"
            store.save(
                Batch(
                    batch_id=name, samples=[sample(number, OUTCOMES[0], job=f"job{thread}", destination=name)]
                )
            )

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(save, thread) for thread in range(4)]:
            done.result()
    found = {(each.job_id, each.destination_id, each.run_id) for each in store.samples(ALWAYS)}
    assert found == {
        (f"job{thread}", f"{thread}-{number}", f"job{thread}-{number}")
        for thread in range(4)
        for number in range(10)
    }
    store.close()


def test_a_reader_whose_query_a_reopening_interrupts_gets_its_answer_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    database = store._database
    begun = threading.Event()
    calls = []

    def long_query(cursor: Cursor) -> int:
        calls.append(cursor)
        if len(calls) == 1:
            begun.set()
            # Far too long: it ends only because it is interrupted.
            cursor.execute(
                "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 1"
            )
        [(count,)] = cursor.execute("SELECT count(*) FROM samples").fetchall()
        return int(count)

    def invalid_once(cursor: Cursor) -> int:
        if not failed:
            failed.append(True)
            raise duckdb.FatalException(
                "FATAL Error: database has been invalidated because of a previous fatal error."
            )
        return 1

    failed: list[bool] = []
    with ThreadPoolExecutor(1) as threads:
        reader = threads.submit(database.read, long_query)
        begun.wait()
        assert database.read(invalid_once) == 1
        assert reader.result() == 1
    assert len(calls) == 2
    store.close()


def test_the_ledger_remembers_a_bounded_number_of_batches() -> None:
    ledger = ingest.Ledger()
    for number in range(1, ingest.IDS_REMEMBERED + 6):
        ingest.enter(ledger, Batch(batch_id=str(number)), ingest.Saved(Keys(), number))
    assert len(ledger.last_ids) == ingest.IDS_REMEMBERED
    assert ledger.last_ids[0] == "6"


def test_a_long_log_is_worked_into_the_file_between_two_batches(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = path.with_name(path.name + ".wal")
    with closing(DuckDbStore.open(path)) as store:
        many = [sample(number / 100, OUTCOMES[0]) for number in range(2_000)]
        store.save(Batch(batch_id="a", samples=many))
        store.roll_up()
        long = log.stat().st_size
        assert long > 100_000
        monkeypatch.setattr("netstats_xl.store.memory.LONG_LOG_BYTES", long - 1)
        store.roll_up()
        assert not log.exists() or log.stat().st_size < 1_000
        store.save(Batch(batch_id="b", samples=[sample(21, OUTCOMES[0])]))
        assert store.info().samples == 2_001
    with closing(DuckDbStore.open(path)) as store:
        assert len(store.samples(ALWAYS)) == 2_001


def test_a_log_stays_as_it_is_while_the_disk_has_no_room_for_working_it_in(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = [Space(10**9, 10**9)]
    room = Room(path, floor_bytes=1_000, space=lambda _: spaces[-1])
    with closing(DuckDbStore.open(path, room=room)) as store:
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
        monkeypatch.setattr("netstats_xl.store.memory.LONG_LOG_BYTES", 0)
        monkeypatch.setattr("netstats_xl.store.room.LOOK_EVERY_S", 0)
        spaces.append(Space(10**9, 10))
        log = path.with_name(path.name + ".wal")
        before = log.stat().st_size
        assert before > 0
        with pytest.raises(StoreFull, match=r"Only 0\.0 MB are left"):
            store.roll_up()
        assert log.stat().st_size == before
        spaces.append(Space(10**9, 10**9))
        store.roll_up()
        assert len(store.samples(ALWAYS)) == 1


def test_a_log_waits_for_an_answer_that_is_older_than_a_change(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netstats_xl.store.memory.LONG_LOG_BYTES", 0)
    log = path.with_name(path.name + ".wal")
    database = Database(path, spare_core=True, loaded=lambda _: None)
    made = "CREATE TABLE numbers AS SELECT range AS x, range % 7 AS y FROM range(100_000)"
    database.write(lambda cursor: cursor.execute(made), committed=lambda _: None)
    database.work_log_in()

    def answer(cursor: Cursor) -> int:
        cursor.execute("BEGIN")
        cursor.execute("SELECT sum(x) FROM numbers").fetchall()
        changed = "UPDATE numbers SET y = 9 WHERE y = 2"
        database.write(lambda other: other.execute(changed), committed=lambda _: None)
        database.work_log_in()
        return log.stat().st_size

    assert database.read(answer) > 0
    database.work_log_in()
    assert not log.exists() or log.stat().st_size < 1_000
    database.close()
