"""One companion a database."""

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from netstats_xl.errors import StoreLocked
from netstats_xl.hosting.instance import InstanceLock
from netstats_xl.paths import lock_path

HOLDER = """
import sys
from pathlib import Path
from netstats_xl.hosting.instance import InstanceLock
lock = InstanceLock.take(Path(sys.argv[1]))
print(lock.held, flush=True)
sys.stdin.read()
"""


def test_a_database_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    database = tmp_path / "Net.duckdb"
    with InstanceLock.take(database) as first:
        assert first.held
        with pytest.raises(StoreLocked, match=r"Net\.duckdb is in use by another process"):
            InstanceLock.take(database)
    assert not first.held
    first.release()
    with InstanceLock.take(database) as second:
        assert second.held


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    database = tmp_path / "Net.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        with pytest.raises(StoreLocked):
            InstanceLock.take(database)
        process.kill()
        process.wait()
    with InstanceLock.take(database) as lock:
        assert lock.held


def test_where_no_lock_can_be_made_it_is_for_the_store_to_say_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    with InstanceLock.take(tmp_path / "file" / "Net.duckdb") as lock:
        assert not lock.held

    def refuse(_: FileLock) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with InstanceLock.take(tmp_path / "Net.duckdb") as lock:
        assert not lock.held


def test_the_locks_file_stands_beside_the_database(tmp_path: Path) -> None:
    assert lock_path(tmp_path / "a.b.duckdb") == tmp_path / "a.b.duckdb.lock"
