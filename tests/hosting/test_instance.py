"""One companion a database."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

from netstats_xl.hosting import instance
from netstats_xl.hosting.instance import HeldElsewhere, Holder, InstanceLock, is_held, read_holder
from netstats_xl.paths import holder_path, lock_path

HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from netstats_xl.hosting.instance import InstanceLock, this_process
lock = InstanceLock.take(Path(sys.argv[1]), this_process("of the killed", datetime.now(UTC)))
print("held", flush=True)
sys.stdin.read()
"""
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
NET = Holder(process=7, since=AT, workbook="Net.xlsx")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "SETTLED_AFTER_S", 0)


def test_a_database_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    database = tmp_path / "Net.duckdb"
    with InstanceLock.take(database, NET) as first:
        assert is_held(database)
        with pytest.raises(HeldElsewhere, match=r"Net\.duckdb is in use by process 7"):
            InstanceLock.take(database, NET)
    assert not is_held(database)
    first.release()
    with InstanceLock.take(database, NET):
        assert is_held(database)


def test_who_holds_it_is_told_from_the_first_moment_until_it_is_free(tmp_path: Path) -> None:
    database = tmp_path / "Net.duckdb"
    odd = replace(NET, workbook="Bü\nro \udce4=.xlsx")
    with InstanceLock.take(database, odd) as lock:
        assert read_holder(database) == replace(odd, workbook="Bü ro \udce4=.xlsx")
        with pytest.raises(
            HeldElsewhere, match=r"process 7, which collects for .* since 2026-11-23"
        ) as caught:
            InstanceLock.take(database, replace(NET, process=8))
        assert (caught.value.database, caught.value.holder) == (database, read_holder(database))
        assert not is_held(tmp_path / "other.duckdb")
        assert lock_path(database).exists()
    assert not holder_path(database).exists()
    with InstanceLock.take(database, NET):
        lock.release()  # twice does nothing: what tells of the next one stays
        assert read_holder(database) == NET


@pytest.mark.parametrize("text", ["", "process=x\nsince=y\nworkbook=z", "process=7", "\0" * 9])
def test_a_holder_that_tells_nothing_of_use_has_no_name(tmp_path: Path, text: str) -> None:
    database = tmp_path / "Net.duckdb"
    with InstanceLock.take(database, NET):
        holder_path(database).write_text(text)
        with pytest.raises(HeldElsewhere, match="by another process that collects") as caught:
            InstanceLock.take(database, NET)
    assert caught.value.holder is None


def test_what_a_killed_one_told_is_not_taken_for_its_successor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "Net.duckdb"
    holder_path(database).write_text("process=1\nsince=2026-01-01T00:00:00+00:00\nworkbook=old")

    def refuse(_: Path) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(instance, "replacing", refuse)
    with InstanceLock.take(database, NET):
        assert read_holder(database) is None


def test_a_lock_of_a_moment_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "Net.duckdb"
    first = InstanceLock.take(database, NET)
    monkeypatch.setattr("time.sleep", lambda _: first.release())
    with InstanceLock.take(database, replace(NET, process=8)):
        assert read_holder(database) == replace(NET, process=8)


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    database = tmp_path / "Net.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(HeldElsewhere, match=r"by process \d+, which collects for of the killed since"):
            InstanceLock.take(database, NET)
        process.kill()
        process.wait()
    with InstanceLock.take(database, NET):
        assert read_holder(database) == NET


def test_where_no_lock_can_be_made_it_is_for_the_store_to_say_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    with InstanceLock.take(tmp_path / "file" / "Net.duckdb", NET):
        assert not is_held(tmp_path / "file" / "Net.duckdb")

    def refuse(_: FileLock) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with InstanceLock.take(tmp_path / "Net.duckdb", NET):
        assert read_holder(tmp_path / "Net.duckdb") is None


def test_the_locks_files_stand_beside_the_database(tmp_path: Path) -> None:
    assert lock_path(tmp_path / "a.b.duckdb") == tmp_path / "a.b.duckdb.lock"
    assert holder_path(tmp_path / "a.b.duckdb") == tmp_path / "a.b.duckdb.lock.txt"
