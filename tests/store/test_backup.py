"""Backups of a database at work: consistent, verified, and in their place in one step."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from netstats_xl.domain.results import Batch, RunCompleted, State
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import StoreCorrupt, StoreError, StoreFull, StoreReadOnly
from netstats_xl.ports import OnProgress, Progress
from netstats_xl.store import backup as backup_module
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.verifying import verify
from tests.contracts.result_store import (
    ALWAYS,
    OUTCOMES,
    START,
    a_busy_hour,
    changed,
    destination,
    job,
    run,
    sample,
    traced,
)
from tests.store.disks import needs_mounts, small_disk

KILLED = """
import os, sys
from pathlib import Path
from netstats_xl.store.duckdb_store import DuckDbStore
store = DuckDbStore.open(Path(sys.argv[1]))
def die(progress):
    if progress.doing == sys.argv[3]:
        os._exit(9)
store.backup(Path(sys.argv[2]), die)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Büro 'Nord' results.duckdb"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups of 'ours'"
    folder.mkdir()
    return folder / "copy ä.duckdb"


def fill(store: DuckDbStore) -> None:
    """Something of everything."""
    store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
    store.save_settings(Settings(zone="Europe/Berlin"))
    store.save_stopped(["job1"])
    store.save(
        Batch(
            batch_id="hour",
            samples=a_busy_hour(),
            runs=[run(1, RunCompleted(up=1, down=2))],
            events=[changed(2, State.DOWN)],
            routes=[traced(3, "192.0.2.254", "192.0.2.9")],
        )
    )


def test_a_backup_holds_what_the_database_holds(path: Path, target: Path) -> None:
    store = DuckDbStore.open(path)
    fill(store)
    store.backup(target)
    copy = DuckDbStore.open(target)
    try:
        assert copy.samples(ALWAYS) == store.samples(ALWAYS)
        assert copy.runs(ALWAYS) == store.runs(ALWAYS)
        assert copy.events(ALWAYS) == store.events(ALWAYS)
        assert copy.routes(ALWAYS) == store.routes(ALWAYS)
        assert copy.definitions() == store.definitions()
        assert copy.job_totals() == store.job_totals()
    finally:
        copy.close()
        store.close()
    assert [each.name for each in target.parent.iterdir()] == [target.name]


def test_a_backup_holds_the_views_too(path: Path, target: Path) -> None:
    DuckDbStore.open(path).close()
    with duckdb.connect() as plain:
        plain.execute("ATTACH '{}' AS store".format(str(path).replace("'", "''")))
        plain.execute("CREATE VIEW store.v_ticks AS SELECT tick FROM samples")
        plain.execute("CREATE VIEW store.a_last AS SELECT max(tick) AS last FROM v_ticks")
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    store.backup(target)
    store.close()
    with duckdb.connect() as plain:
        plain.execute("ATTACH '{}' AS copy (READ_ONLY)".format(str(target).replace("'", "''")))
        plain.execute("USE copy")
        assert plain.execute("SELECT last FROM a_last").fetchall() == [(START.replace(tzinfo=None),)]


def test_what_is_saved_meanwhile_is_not_in_the_backup_and_is_not_lost(path: Path, target: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    heard: list[Progress] = []

    def save_more(progress: Progress) -> None:
        heard.append(progress)
        store.save(Batch(batch_id=f"during {len(heard)}", samples=[sample(len(heard), OUTCOMES[0])]))

    store.backup(target, save_more)
    assert store.info().samples == 1 + len(heard)
    store.close()
    copy = DuckDbStore.open(target)
    assert [each.at for each in copy.samples(ALWAYS)] == [START]
    copy.close()
    assert {each.doing for each in heard} == {"copying", "verifying"}
    for doing in ("copying", "verifying"):
        told = [each for each in heard if each.doing == doing]
        assert [each.done for each in told] == sorted(each.done for each in told)
        assert told[-1].done == told[-1].total > 0


def test_a_new_backup_takes_the_place_of_the_old_one(path: Path, target: Path) -> None:
    store = DuckDbStore.open(path)
    store.backup(target, read_only=True)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    store.backup(target, read_only=True)
    store.close()
    assert verify(target).samples == 1
    assert not target.stat().st_mode & stat.S_IWRITE
    if sys.platform == "win32":
        target.chmod(stat.S_IREAD | stat.S_IWRITE)


@pytest.mark.parametrize("doing", ["copying", "verifying"])
def test_a_backup_that_is_ended_leaves_everything_as_it_was(path: Path, target: Path, doing: str) -> None:
    target.write_text("what was there before")
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))

    def interrupt(progress: Progress) -> None:
        if progress.doing == doing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.backup(target, interrupt)
    assert [each.name for each in target.parent.iterdir()] == [target.name]
    assert target.read_text() == "what was there before"
    store.save(Batch(batch_id="b", samples=[sample(1, OUTCOMES[0])]))
    store.backup(target)
    assert verify(target).samples == 2
    store.close()


@pytest.mark.parametrize("doing", ["copying", "verifying"])
def test_what_a_killed_backup_left_goes_with_the_next_one(path: Path, target: Path, doing: str) -> None:
    DuckDbStore.open(path).close()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(target.with_name("earlier.duckdb")), doing],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == 9
    assert any("unfinished" in each.name for each in target.parent.iterdir())
    store = DuckDbStore.open(path)
    store.backup(target)
    store.close()
    assert [each.name for each in target.parent.iterdir()] == [target.name]


def test_a_backup_into_no_folder_a_folder_or_the_database_itself_is_refused(
    path: Path, tmp_path: Path
) -> None:
    store = DuckDbStore.open(path)
    with pytest.raises(StoreError, match="does not exist"):
        store.backup(tmp_path / "nowhere" / "copy.duckdb")
    with pytest.raises(StoreError, match="is a folder"):
        store.backup(tmp_path)
    with pytest.raises(StoreError, match="the database itself"):
        store.backup(path)
    with pytest.raises(StoreError, match="the database itself"):
        store.backup(path.parent / "." / path.name)
    assert store.info().samples == 0
    store.close()


@needs_mounts
def test_a_backup_needs_room_and_says_how_much(path: Path, tmp_path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="hour", samples=a_busy_hour()))
    with small_disk(tmp_path, megabytes=8) as disk:
        with pytest.raises(StoreFull, match=r"8 MB free, and a copy of the database needs \d\d MB"):
            store.backup(disk.folder / "copy.duckdb")
        assert list(disk.folder.iterdir()) == []
    store.close()


@needs_mounts
def test_a_disk_that_fills_up_during_a_backup_costs_nothing_but_the_backup(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_module, "SPARE_BYTES", -(1 << 40))
    store = DuckDbStore.open(path)
    for number in range(20):
        batch = [sample(number * 1_000 + each, OUTCOMES[each % 10]) for each in range(1_000)]
        store.save(Batch(batch_id=str(number), samples=batch))
    with small_disk(tmp_path, megabytes=1) as disk:
        with pytest.raises(StoreFull, match="became full before the copy was finished"):
            store.backup(disk.folder / "copy.duckdb")
        assert list(disk.folder.iterdir()) == []
    store.save(Batch(batch_id="after", samples=[sample(-1, OUTCOMES[0])]))
    assert store.info().samples == 20_001
    store.close()


@needs_mounts
def test_a_backup_into_a_folder_that_may_not_be_written_says_so(path: Path, tmp_path: Path) -> None:
    store = DuckDbStore.open(path)
    with small_disk(tmp_path, megabytes=64) as disk:
        disk.remount("ro")
        with pytest.raises(StoreReadOnly, match="may not be written"):
            store.backup(disk.folder / "copy.duckdb")
    store.close()


def test_a_copy_that_is_not_right_is_not_kept(
    path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    real = backup_module.copy_to

    def damaging(cursor: Cursor, temporary: Path, on_progress: OnProgress, *, target: Path) -> int:
        rows = real(cursor, temporary, on_progress, target=target)
        with duckdb.connect(str(temporary)) as plain:
            plain.execute("DELETE FROM destinations")
        return rows

    monkeypatch.setattr("netstats_xl.store.duckdb_store.copy_to", damaging)
    with pytest.raises(StoreCorrupt, match="was not kept: 1 rows of samples"):
        store.backup(target)
    assert list(target.parent.iterdir()) == []
    store.close()


def test_two_backups_at_the_same_time_both_come_to_an_end(path: Path, target: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="hour", samples=a_busy_hour()))
    targets = [target, target.with_name("other.duckdb")]
    threads = [Thread(target=store.backup, args=(each,)) for each in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(targets[0]).rows == verify(targets[1]).rows
    store.close()


def test_results_in_memory_can_be_copied_to_a_file(target: Path) -> None:
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    store.backup(target)
    store.close()
    assert verify(target).samples == 1
