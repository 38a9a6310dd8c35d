"""Real files that cannot be opened: each gets its own error, and none is changed."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.results import Batch
from netstats_xl.errors import StoreCorrupt, StoreError, StoreFull, StoreLocked, StoreReadOnly, StoreTooNew
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.opening import Opener
from tests.contracts.result_store import OUTCOMES, a_busy_hour, sample
from tests.store.disks import needs_mounts, small_disk
from tests.wine import needs_holder_named

NEWER = Path(__file__).parent / "data" / "duckdb-2.0.duckdb.gz"
OPEN_AND_WAIT = """
import sys
from pathlib import Path
from netstats_xl.store.duckdb_store import DuckDbStore
store = DuckDbStore.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.duckdb"


@contextmanager
def another_process(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """One that has the database open until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-c", OPEN_AND_WAIT, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process


@needs_holder_named
def test_a_second_process_is_told_who_has_the_database_open(path: Path) -> None:
    with (
        another_process(path) as process,
        pytest.raises(StoreLocked, match=rf"\(process {process.pid}") as caught,
    ):
        DuckDbStore.open(path)
    assert path.name in caught.value.message
    DuckDbStore.open(path).close()


def test_opening_twice_in_one_process_is_refused_and_leaves_the_first_at_work(path: Path) -> None:
    store = DuckDbStore.open(path)
    with pytest.raises(StoreLocked, match="in this process already"):
        DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    with pytest.raises(StoreLocked, match="in use by"):
        open_elsewhere(path)
    store.close()


@pytest.mark.parametrize("is_new", [True, False])
def test_what_is_open_cannot_even_be_read_by_another_process(path: Path, is_new: bool) -> None:
    if not is_new:
        DuckDbStore.open(path).close()
    with closing(DuckDbStore.open(path)) as store:
        with pytest.raises(StoreLocked, match="in use by"):
            read_elsewhere(path)
        with pytest.raises(StoreLocked):
            DuckDbStore.open(path)
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
        store._database.read(lambda cursor: cursor.execute("CHECKPOINT"))  # the log goes, and the lock on it
        with pytest.raises(StoreLocked, match="in use by"):
            read_elsewhere(path)
    read_elsewhere(path)


def open_elsewhere(path: Path) -> None:
    """Open the database in another process, and raise what it raised there."""
    elsewhere("from netstats_xl.store.duckdb_store import DuckDbStore as Opened", "Opened.open(path)", path)


def read_elsewhere(path: Path) -> None:
    """Open the database read-only in another process, and raise what it raised there."""
    elsewhere("from netstats_xl.store.verifying import verify", "verify(path)", path)


def elsewhere(imported: str, done: str, path: Path) -> None:
    code = (
        f"import sys\nfrom pathlib import Path\n{imported}\nfrom netstats_xl.errors import StoreLocked\n"
        f"path = Path(sys.argv[1])\ntry:\n    {done}\nexcept StoreLocked as error:\n    print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if told.stdout:
        raise StoreLocked(told.stdout)


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04" * 10_000])
def test_a_file_that_is_no_database_is_refused_and_kept(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="is no DuckDB database"):
        DuckDbStore.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_kept(path: Path) -> None:
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.5.0"}) as connection:
        connection.execute("CREATE TABLE customers AS SELECT 1 AS id")
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="another program: it holds the tables customers"):
        DuckDbStore.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("position", [100, 4_196, 8_292, 12_388])
def test_a_flipped_byte_is_found_when_the_file_is_opened(path: Path, position: int) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=a_busy_hour()))
    store.close()
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match=r"is damaged .*checksum"):
        DuckDbStore.open(path)
    assert path.read_bytes() == content


def test_a_file_that_was_cut_short_is_damaged(path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=a_busy_hour()))
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreCorrupt, match="is damaged"):
        DuckDbStore.open(path)


def test_a_flipped_byte_in_the_write_ahead_log_is_reported_and_nothing_is_cut_off(path: Path) -> None:
    with another_process(path) as process:
        # Killed, it leaves the log of the tables that it made.
        process.kill()
    log = path.with_name(path.name + ".wal")
    content = bytearray(log.read_bytes())
    content[100] ^= 0xFF
    log.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match=r"write-ahead log .*\.wal is damaged .*byte position"):
        DuckDbStore.open(path)
    assert log.read_bytes() == content
    assert path.read_bytes() == before


def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.touch()
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    store.close()
    store = DuckDbStore.open(path)
    assert store.info().samples == 1
    store.close()


def test_an_empty_file_with_a_write_ahead_log_is_refused_and_both_are_kept(path: Path) -> None:
    log = path.with_name(path.name + ".wal")
    path.touch()
    log.write_bytes(b"results")
    with pytest.raises(StoreCorrupt, match="is no DuckDB database"):
        DuckDbStore.open(path)
    assert (path.read_bytes(), log.read_bytes()) == (b"", b"results")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fcntl")
def test_an_empty_file_that_another_process_is_about_to_fill_is_kept(path: Path) -> None:
    path.touch()
    lock_and_wait = (
        "import fcntl, sys\nfile = open(sys.argv[1], 'rb+')\nfcntl.lockf(file, fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", lock_and_wait, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        inode = path.stat().st_ino
        with pytest.raises(StoreLocked):
            DuckDbStore.open(path)
        assert path.stat().st_ino == inode


@needs_mounts
@pytest.mark.parametrize("room_bytes", [0, 4_096, 8_192, 12_288])
def test_a_start_on_a_full_disk_leaves_nothing_that_keeps_the_next_from_starting(
    tmp_path: Path, room_bytes: int
) -> None:
    with small_disk(tmp_path, megabytes=1) as disk:
        path = disk.folder / "results.duckdb"
        ballast = disk.fill(leave_bytes=room_bytes)
        with pytest.raises(StoreFull):
            DuckDbStore.open(path)
        assert not path.exists() or path.stat().st_size >= 12_288
        ballast.unlink()
        DuckDbStore.open(path).close()


def test_a_database_of_a_newer_duckdb_is_refused_and_kept(path: Path) -> None:
    if not duckdb.__version__.startswith("1."):
        pytest.skip(f"DuckDB {duckdb.__version__} can read the file")
    path.write_bytes(gzip.decompress(NEWER.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="newer version of DuckDB"):
        DuckDbStore.open(path)
    assert path.read_bytes() == before


def test_a_new_file_can_be_read_by_duckdb_1_5_and_2_0(path: Path) -> None:
    DuckDbStore.open(path).close()
    with duckdb.connect(str(path)) as connection:
        [(tags,)] = connection.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchall()
    assert tags["storage_version"].startswith("v1.5")


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere of the database does not exist"):
        DuckDbStore.open(tmp_path / "nowhere" / "results.duckdb")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        DuckDbStore.open(tmp_path)


def test_a_path_with_a_quote_and_spaces_can_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "it's a database.duckdb"
    DuckDbStore.open(path).close()
    assert path.exists()


@needs_mounts
def test_a_read_only_disk_is_found_out_when_the_database_is_opened(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=8) as disk:
        path = disk.folder / "results.duckdb"
        DuckDbStore.open(path).close()
        disk.remount("ro")
        with pytest.raises(StoreReadOnly, match="Read-only file system"):
            DuckDbStore.open(path)
        with pytest.raises(StoreReadOnly, match="Read-only file system"):
            DuckDbStore.open(disk.folder / "new.duckdb")
        disk.remount("rw")
        DuckDbStore.open(path).close()


@needs_mounts
def test_a_disk_that_is_full_from_the_start_is_found_out_when_the_database_is_opened(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=2) as disk:
        disk.fill()
        with pytest.raises(StoreFull, match="Free some space"):
            DuckDbStore.open(disk.folder / "results.duckdb")


def test_a_folder_that_may_not_be_written_is_found_out_when_the_database_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so the answer of DuckDB is given here as it comes to another user.
    DuckDbStore.open(path).close()

    def refused(self: Opener, cursor: object) -> None:
        raise duckdb.TransactionException(
            f'TransactionContext Error: Failed to commit: Cannot open file "{path}.wal": Permission denied'
        )

    monkeypatch.setattr(Opener, "_sign", refused)
    with pytest.raises(StoreReadOnly, match="Give this user the right"):
        DuckDbStore.open(path)
    monkeypatch.undo()
    DuckDbStore.open(path).close()
