"""What was acknowledged survives a full disk, a failed checkpoint and a killed process."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.results import Batch, Replied, Sample
from netstats_xl.errors import ReportError, StoreError, StoreFull, StoreMoved, StoreUnreachable
from netstats_xl.store.database import Cursor, Database
from netstats_xl.store.database_file import HEADER_BYTES, Header, check_in_place, identity_of
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.opening import Opener
from netstats_xl.store.room import Room
from tests.contracts.result_store import ALWAYS, OUTCOMES, START, at, sample, traced
from tests.store.disks import needs_mounts, small_disk

ROUND = 4_000
SAVE_UNTIL_KILLED = """
import sys
from pathlib import Path
from netstats_xl.domain.results import Batch
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.contracts.result_store import OUTCOMES, sample, traced
store = DuckDbStore.open(Path(sys.argv[1]))
number = 0
while True:
    samples = [sample(number, outcome) for outcome in OUTCOMES]
    routes = [traced(number, "10.0.0.1"), traced(number, f"10.0.0.{number % 2}", destination="dest2")]
    store.save(Batch(batch_id=f"batch{number}", samples=samples, routes=routes))
    print(number, flush=True)
    number += 1
"""


def full_round(number: int) -> Batch:
    """A batch of many destinations, with RTTs that do not compress."""
    samples = [
        Sample(
            at=at(number),
            job_id="job1",
            destination_id=f"dest{index}",
            run_id=f"run{number}",
            interval_s=60.0,
            outcome=Replied(
                address="192.0.2.1",
                rtts_ms=tuple((index * 7_919 + number * 104_729 + k) % 65_521 / 64 for k in range(4)),
            ),
        )
        for index in range(ROUND)
    ]
    return Batch(batch_id=f"batch{number}", samples=samples)


def save_until_full(store: DuckDbStore) -> int:
    """The number of the round that did not fit; all before it were acknowledged."""
    for number in range(1_000):
        try:
            store.save(full_round(number))
        except StoreFull:
            return number
    raise AssertionError("the disk never got full")


@needs_mounts
@pytest.mark.parametrize(
    ("megabytes", "ballast_megabytes"),
    [
        pytest.param(8, 2, id="a commit to the write-ahead log fails"),
        pytest.param(26, 8, id="a checkpoint fails"),
    ],
)
def test_a_full_disk_loses_nothing_and_once_it_has_room_the_same_batch_is_saved(
    tmp_path: Path, megabytes: int, ballast_megabytes: int
) -> None:
    with small_disk(tmp_path, megabytes=megabytes) as disk:
        ballast = disk.folder / "ballast"
        ballast.write_bytes(b"\0" * (ballast_megabytes << 20))
        path = disk.folder / "results.duckdb"
        store = DuckDbStore.open(
            path, room=Room(path, floor_bytes=0)
        )  # it is DuckDB that finds the disk full
        refused = save_until_full(store)
        assert refused > 3
        assert store.info().samples == refused * ROUND
        with pytest.raises(StoreFull):
            store.save(full_round(refused))
        ballast.unlink()
        store.save(full_round(refused))
        assert store.info().samples == (refused + 1) * ROUND
        store.close()
        reopened = DuckDbStore.open(path)
        assert reopened.info().samples == (refused + 1) * ROUND
        assert len(reopened.samples(ALWAYS, limit=ROUND)) == ROUND
        reopened.close()


@needs_mounts
def test_a_full_disk_while_a_csv_is_written_blames_the_file_not_the_database(tmp_path: Path) -> None:
    store = DuckDbStore.open(tmp_path / "results.duckdb")
    store.save(full_round(0))
    with small_disk(tmp_path, megabytes=1) as disk:
        target = disk.folder / "samples.csv"
        disk.fill(leave_bytes=100_000)
        with pytest.raises(ReportError, match=r"samples\.csv cannot be written"):
            store.export_csv(target, ALWAYS)
        assert [each.name for each in disk.folder.iterdir()] == ["ballast"]
    assert store.info().samples == ROUND
    store.close()


def test_a_killed_process_loses_no_acknowledged_batch(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", SAVE_UNTIL_KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(25)]
        process.kill()
        acknowledged += [int(line) for line in process.stdout]
    store = DuckDbStore.open(path)
    saved = {each.at for each in store.samples(ALWAYS)}
    assert {at(number) for number in acknowledged} <= saved
    # The last acknowledged batch is known: to send it again changes nothing.
    before = store.info().samples
    # A batch is there as a whole: each of them traced each of the two routes once.
    assert before % len(OUTCOMES) == 0
    batches = before // len(OUTCOMES)
    routes = store.routes(ALWAYS)
    for traces in (
        [each.traces for each in routes if each.destination_id == name] for name in ("dest1", "dest2")
    ):
        assert sum(traces) == batches
    last = acknowledged[-1]
    store.save(
        Batch(
            batch_id=f"batch{last}",
            samples=[sample(last, outcome) for outcome in OUTCOMES],
            routes=[traced(last, "10.0.0.1")],
        )
    )
    assert store.info().samples == before
    assert store.routes(ALWAYS) == routes
    store.close()


class Failing:
    """Lets a cursor's n-th COMMIT be carried out, or not, and then fail as a checkpoint does."""

    MESSAGE = (
        "TransactionContext Error: Failed to commit: Transaction COMMIT succeeded and is durable, but the "
        "autocheckpoint failed. Detach and reattach the database to recover. Could not write file: "
        "No space left on device"
    )

    def __init__(self, *, committed: bool, times: int) -> None:
        self.committed = committed
        self.left = times

    def instead_of_commit(self, cursor: Cursor) -> None:
        if self.left == 0:
            cursor.execute("COMMIT")
            return
        self.left -= 1
        cursor.execute("COMMIT" if self.committed else "ROLLBACK")
        raise duckdb.TransactionException(self.MESSAGE)


@pytest.mark.parametrize("committed", [True, False])
def test_a_batch_whose_commit_fails_in_the_checkpoint_is_saved_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    store = DuckDbStore.open(tmp_path / "results.duckdb")
    failing = Failing(committed=committed, times=0)
    monkeypatch.setattr(Database, "_commit", lambda _, cursor: failing.instead_of_commit(cursor))
    store.save(Batch(batch_id="0", routes=[traced(0, "10.0.0.1")]))
    failing.left = 1
    batch = Batch(
        batch_id="a",
        samples=[sample(0, OUTCOMES[0]), sample(1, OUTCOMES[0], destination="dest2")],
        routes=[traced(1, "10.0.0.1"), traced(2, "10.0.0.2")],
    )
    store.save(batch)
    assert failing.left == 0
    assert list(store.samples(ALWAYS)) == batch.samples
    assert [each.traces for each in store.routes(ALWAYS)] == [2, 1]
    # Keys and numbers go on where the tables are.
    more = [sample(2, OUTCOMES[0], destination=f"dest{number}") for number in (1, 2, 3)]
    store.save(Batch(batch_id="b", samples=more))
    assert list(store.samples(ALWAYS)) == [*batch.samples, *more]
    store.close()


def test_a_checkpoint_that_keeps_failing_is_an_error_and_the_next_save_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDbStore.open(tmp_path / "results.duckdb")
    failing = Failing(committed=False, times=2)
    monkeypatch.setattr(Database, "_commit", lambda _, cursor: failing.instead_of_commit(cursor))
    batch = Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])], routes=[traced(0, "10.0.0.1")])
    with pytest.raises(StoreFull):
        store.save(batch)
    assert list(store.samples(ALWAYS)) == []
    assert list(store.routes(ALWAYS)) == []
    store.save(batch)
    assert list(store.samples(ALWAYS)) == batch.samples
    assert [each.traces for each in store.routes(ALWAYS)] == [1]
    store.close()


def test_a_database_that_cannot_be_reopened_is_tried_again_at_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.duckdb"
    store = DuckDbStore.open(path)
    batch = Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])])
    store.save(batch)
    failing = Failing(committed=True, times=1)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "_commit", lambda _, cursor: failing.instead_of_commit(cursor))
        patch.setattr(
            Opener, "_check_path", lambda _: (_ for _ in ()).throw(StoreError("the disk was taken out"))
        )
        with pytest.raises(StoreError, match="taken out"):
            store.save(Batch(batch_id="b", samples=[sample(1, OUTCOMES[0])]))
        with pytest.raises(StoreError, match="taken out"):
            store.info()
    assert store.info().samples == 2
    store.close()


def test_a_programming_error_in_a_change_leaves_nothing_behind(tmp_path: Path) -> None:
    store = DuckDbStore.open(tmp_path / "results.duckdb")
    naive = sample(0, OUTCOMES[0])
    naive = Sample(
        at=START.replace(tzinfo=None),
        job_id=naive.job_id,
        destination_id=naive.destination_id,
        run_id=naive.run_id,
        interval_s=1.0,
        outcome=naive.outcome,
    )
    with pytest.raises(ValueError, match="has no time zone"):
        store.save(Batch(batch_id="a", samples=[naive]))
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    assert store.info().samples == 1
    store.close()


needs_open_files_to_move = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows does not let a file be moved that is open"
)


@needs_open_files_to_move
def test_nothing_is_saved_to_a_file_that_was_moved_and_once_it_is_back_the_same_batch_is(
    tmp_path: Path,
) -> None:
    path, elsewhere = tmp_path / "results.duckdb", tmp_path / "elsewhere"
    store = DuckDbStore.open(path)
    first, second = (Batch(batch_id=f"{n}", samples=[sample(n, OUTCOMES[0])]) for n in range(2))
    store.save(first)
    path.rename(elsewhere)
    for _ in range(2):
        with pytest.raises(StoreMoved, match=r"results\.duckdb was deleted or moved .* Put it back"):
            store.save(second)
    path.write_bytes(b"another file")
    with pytest.raises(StoreMoved):
        store.save(second)
    assert store.info().samples == 1
    elsewhere.replace(path)
    store.save(second)
    store.close()
    store = DuckDbStore.open(path)
    assert list(store.samples(ALWAYS)) == [*first.samples, *second.samples]
    store.close()


@needs_open_files_to_move
def test_a_database_that_was_deleted_is_not_made_again_when_it_must_be_reopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.duckdb"
    store = DuckDbStore.open(path)
    failing = Failing(committed=False, times=1)

    def delete_and_fail(_: Database, cursor: Cursor) -> None:
        path.unlink()
        failing.instead_of_commit(cursor)

    monkeypatch.setattr(Database, "_commit", delete_and_fail)
    with pytest.raises(StoreMoved):
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    assert not path.exists()
    store.close()


def test_a_system_that_does_not_tell_files_apart_does_not_keep_results_from_being_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.duckdb"
    store = DuckDbStore.open(path)
    opened = identity_of(path)

    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        assert identity_of(path) is None
        check_in_place(path, opened)
    check_in_place(tmp_path / "missing", None)
    store.close()


HARD_QUERY = "SELECT sum(a.range * b.range % 7) FROM range(1000000) a, range(1000000) b"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl+C to one process alone")
def test_ctrl_c_during_a_query_is_a_keyboard_interrupt_and_the_store_goes_on(tmp_path: Path) -> None:
    database = DuckDbStore.open(tmp_path / "results.duckdb")._database
    interrupter = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            database.read(lambda cursor: cursor.execute(HARD_QUERY).fetchall())
        interrupter.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert database.read(lambda cursor: cursor.execute("SELECT 1").fetchall()) == [(1,)]
    database.close()


def test_a_query_that_someone_else_interrupted_is_not_repeated() -> None:
    database = DuckDbStore.open(None)._database

    def interrupted(cursor: Cursor) -> None:
        threading.Timer(0.2, cursor.interrupt).start()
        cursor.execute(HARD_QUERY).fetchall()

    with pytest.raises(KeyboardInterrupt):
        database.read(interrupted)
    database.close()


def test_a_runtime_error_of_a_query_that_was_not_interrupted_stays_one() -> None:
    database = DuckDbStore.open(None)._database

    def fail(cursor: Cursor) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        database.read(fail)
    database.close()


def test_a_closed_store_says_so() -> None:
    store = DuckDbStore.open(None)
    store.close()
    with pytest.raises(StoreError, match="has been closed"):
        store.info()
    with pytest.raises(StoreError, match="has been closed"):
        store.save(Batch(batch_id="a"))


def test_closing_leaves_one_file_and_no_log(tmp_path: Path) -> None:
    store = DuckDbStore.open(tmp_path / "results.duckdb")
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    size = store.info().size_bytes
    assert size is not None
    assert size == sum(each.stat().st_size for each in tmp_path.iterdir())
    store.close()
    assert [each.name for each in tmp_path.iterdir()] == ["results.duckdb"]


@contextmanager
def taken_away(folder: Path) -> Iterator[None]:
    """The drive that is mounted there is away until the block ends, and files that are open on it stay so."""
    shelter = folder.with_name("shelter")
    shelter.mkdir()
    subprocess.run(["mount", "--bind", str(folder), str(shelter)], check=True)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "--bind", str(shelter), str(folder)], check=True)
        subprocess.run(["umount", "--lazy", str(shelter)], check=True)


@needs_mounts
def test_while_the_drive_is_away_results_wait_and_once_it_is_back_they_are_saved(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=64) as disk:
        path = disk.folder / "results.duckdb"
        store = DuckDbStore.open(path)
        first, second = (Batch(batch_id=f"{n}", samples=[sample(n, OUTCOMES[0])]) for n in range(2))
        store.save(first)
        with taken_away(disk.folder):
            for _ in range(2):
                with pytest.raises(StoreMoved, match="its drive is away"):
                    store.save(second)
        store.save(second)
        assert list(store.samples(ALWAYS)) == [*first.samples, *second.samples]
        store.close()


@needs_mounts
def test_a_drive_that_comes_back_as_another_device_is_taken_up_again(tmp_path: Path) -> None:
    path, saved = tmp_path / "disk" / "results.duckdb", tmp_path / "saved"
    first, second = (Batch(batch_id=f"{n}", samples=[sample(n, OUTCOMES[0])]) for n in range(2))
    with small_disk(tmp_path, megabytes=64):
        store = DuckDbStore.open(path)
        store.save(first)
        shutil.copytree(path.parent, saved)
    with pytest.raises(StoreMoved):
        store.save(second)
    path.parent.rmdir()
    with pytest.raises(StoreMoved):
        store.save(second)
    with small_disk(tmp_path, megabytes=64):
        for each in saved.iterdir():
            shutil.copy(each, path.parent)
        store.save(second)
        assert list(store.samples(ALWAYS)) == [*first.samples, *second.samples]
        store.close()


def test_a_disk_error_has_the_file_opened_anew_and_the_batch_saved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDbStore.open(tmp_path / "results.duckdb")
    failing = Failing(committed=True, times=1)
    monkeypatch.setattr(
        Failing, "MESSAGE", 'IO Error: Could not write file "results.duckdb.wal": Stale file handle'
    )
    monkeypatch.setattr(Database, "_commit", lambda _, cursor: failing.instead_of_commit(cursor))
    batch = Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])])
    store.save(batch)
    assert list(store.samples(ALWAYS)) == batch.samples
    failing.left = 2
    with pytest.raises(StoreUnreachable, match="Check the disk and its connection"):
        store.save(Batch(batch_id="b", samples=[sample(1, OUTCOMES[0])]))
    assert store.info().samples == 2
    store.close()


def test_what_duckdb_writes_first_into_a_file_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    DuckDbStore.open(path).close()
    before = path.read_bytes()[:HEADER_BYTES]
    store = DuckDbStore.open(path)
    store.save(full_round(0))
    store._database.read(lambda cursor: cursor.execute("CHECKPOINT"))
    store.close()
    assert path.read_bytes()[:HEADER_BYTES] == before


def test_a_file_is_known_again_by_its_header(tmp_path: Path) -> None:
    path, other = tmp_path / "results.duckdb", tmp_path / "other.duckdb"
    for each in (path, other):
        DuckDbStore.open(each).close()
    header = Header(path)
    header.hold()
    assert header.is_in_place()
    header.release()
    header.release()
    assert header.is_in_place()
    path.unlink()
    assert not header.is_in_place()
    other.rename(path)
    assert not header.is_in_place()
    nowhere = Header(tmp_path / "absent.duckdb")
    nowhere.hold()
    assert not nowhere.is_in_place()
