"""Restoring a backup, writing a database anew, and the copy before a migration."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.results import Batch
from netstats_xl.errors import MigrationFailed, StoreCorrupt, StoreError, StoreFull, StoreLocked, StoreTooNew
from netstats_xl.ports import Progress, unheard
from netstats_xl.store import backup as backup_module
from netstats_xl.store import compacting
from netstats_xl.store.compacting import compact
from netstats_xl.store.database import STORAGE_VERSION
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.migrations import MIGRATIONS, SCHEMA_VERSION, migrate
from netstats_xl.store.reading import quoted
from netstats_xl.store.restoring import Restored, restore
from netstats_xl.store.verifying import verify
from tests.contracts.result_store import ALWAYS, OUTCOMES, START, a_busy_hour, sample
from tests.store.disks import needs_mounts, small_disk

NOW = START + timedelta(days=2)
DIE_WHILE_RESTORING = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from netstats_xl.store.restoring import restore
heard = []
def die(progress):
    heard.append(progress.doing)
    if heard.count("merging") == 1 or "--early" in sys.argv:
        os._exit(9)
restore(*map(Path, sys.argv[1:4]), die, keep_newer=True, now=datetime.now(UTC))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Büro 'N'.duckdb"


@pytest.fixture
def backup(path: Path) -> Path:
    """Of the first hour; the database has more."""
    target = path.with_name("backup.duckdb")
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="hour", samples=a_busy_hour()))
    store.backup(target)
    store.save(Batch(batch_id="since", samples=[sample(200, OUTCOMES[0]), sample(201, OUTCOMES[1])]))
    store.close()
    return target


@pytest.fixture
def aside(path: Path) -> Path:
    return path.with_name("set aside.duckdb")


def restored(path: Path, backup: Path, aside: Path, *, keep_newer: bool = True) -> Restored:
    return restore(path, backup, aside, unheard, keep_newer=keep_newer, now=NOW)


def files(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}


def test_a_backup_takes_the_place_of_the_database_with_what_was_measured_since(
    path: Path, backup: Path, aside: Path
) -> None:
    before = path.read_bytes()
    done = restored(path, backup, aside)
    assert done.merged is not None
    assert (done.samples, done.merged.samples, done.not_merged) == (len(a_busy_hour()) + 2, 2, "")
    assert done.aside == aside
    assert verify(aside).samples == verify(path).samples == done.samples
    assert len(aside.read_bytes()) == len(before)
    assert sorted(files(path)) == sorted([path.name, backup.name, aside.name])


def test_what_was_measured_since_is_dropped_on_request_and_is_in_the_file_aside(
    path: Path, backup: Path, aside: Path
) -> None:
    done = restored(path, backup, aside, keep_newer=False)
    assert (done.samples, done.merged) == (len(a_busy_hour()), None)
    assert verify(aside).samples == len(a_busy_hour()) + 2


def test_where_there_is_no_database_the_backup_becomes_it(path: Path, backup: Path, aside: Path) -> None:
    path.unlink()
    done = restored(path, backup, aside)
    assert (done.samples, done.merged, done.aside) == (len(a_busy_hour()), None, None)
    assert not aside.exists()


def test_a_database_that_is_nothing_but_damage_is_set_aside_with_its_log(
    path: Path, backup: Path, aside: Path
) -> None:
    path.write_bytes(b"\0" * 20_000)
    log = path.with_name(path.name + ".wal")
    log.write_bytes(b"log")
    done = restored(path, backup, aside)
    assert (done.samples, done.merged) == (len(a_busy_hour()), None)
    assert path.name in done.not_merged
    assert aside.read_bytes() == b"\0" * 20_000
    assert aside.with_name(aside.name + ".wal").read_bytes() == b"log"
    assert not log.exists()
    DuckDbStore.open(path).close()


def test_a_file_system_without_second_names_for_files_will_do(
    path: Path, backup: Path, aside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert restored(path, backup, aside).samples == len(a_busy_hour()) + 2
    assert verify(aside).samples == len(a_busy_hour()) + 2


@pytest.mark.parametrize("linked", [True, False])
def test_a_last_step_that_fails_is_taken_back(
    path: Path, backup: Path, aside: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    DuckDbStore.open(path).close()
    before = files(path)
    if not linked:
        monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StoreError, match="cannot be written"):
        restored(path, backup, aside)
    assert files(path).keys() == before.keys()
    assert verify(path).samples == len(a_busy_hour()) + 2


@pytest.mark.parametrize("doing", ["verifying", "copying", "merging"])
def test_a_restore_that_is_broken_off_leaves_everything_as_it_was(
    path: Path, backup: Path, aside: Path, doing: str
) -> None:
    before = verify(path)

    def break_off(progress: Progress) -> None:
        if progress.doing == doing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(path, backup, aside, break_off, keep_newer=True, now=NOW)
    assert verify(path).samples == before.samples
    assert sorted(files(path)) == sorted([path.name, backup.name])


@pytest.mark.parametrize("when", ["", "--early"])
def test_a_restore_that_is_killed_leaves_the_database_as_it_was(
    path: Path, backup: Path, aside: Path, when: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", DIE_WHILE_RESTORING, str(path), str(backup), str(aside), when],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == 9
    assert verify(path).samples == len(a_busy_hour()) + 2
    assert restored(path, backup, aside).samples == len(a_busy_hour()) + 2
    assert sorted(files(path)) == sorted([path.name, backup.name, aside.name])


def test_nothing_but_a_good_backup_of_another_file_is_restored(path: Path, backup: Path, aside: Path) -> None:
    before = files(path)
    with pytest.raises(StoreError, match="the database itself"):
        restored(path, path, aside)
    with pytest.raises(StoreError, match="no database at"):
        restored(path, path.with_name("nowhere.duckdb"), aside)
    with pytest.raises(StoreError, match="is a folder"):
        restored(path, path.parent, aside)
    with pytest.raises(StoreError, match="does not exist"):
        restored(path.parent / "nowhere" / "x.duckdb", backup, aside)
    assert files(path) == before
    with duckdb.connect(str(backup)) as plain:
        plain.execute("DELETE FROM jobs")
    with pytest.raises(StoreCorrupt, match="is not right"):
        restored(path, backup, aside)
    backup.write_text("Dear diary, " * 2_000)
    with pytest.raises(StoreCorrupt, match="no DuckDB database"):
        restored(path, backup, aside)
    newer = path.with_name("newer.duckdb")
    with duckdb.connect(str(newer)) as plain:
        migrate(plain, newer, migrations=[*MIGRATIONS, ["CREATE TABLE later (number INTEGER)"]])
    with pytest.raises(StoreTooNew):
        restored(path, newer, aside)
    assert not aside.exists()
    assert verify(path).samples == len(a_busy_hour()) + 2


def test_a_database_in_use_is_left_alone(path: Path, backup: Path, aside: Path) -> None:
    store = DuckDbStore.open(path)
    with pytest.raises(StoreLocked):
        restored(path, backup, aside)
    with pytest.raises(StoreLocked):
        compact(path, unheard)
    assert store.info().samples == len(a_busy_hour()) + 2
    store.close()
    assert not aside.exists()


def test_an_older_backup_is_brought_to_this_version(path: Path, aside: Path) -> None:
    old = path.with_name("old.duckdb")
    with duckdb.connect(str(old)) as plain:
        migrate(plain, old, migrations=MIGRATIONS[:2])
    assert restored(path, old, aside).samples == 0
    assert verify(path).schema_version == SCHEMA_VERSION
    assert verify(old).schema_version == 2


@needs_mounts
def test_a_disk_without_room_for_a_copy_is_told_first(backup: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=20) as disk:
        database = disk.folder / "x.duckdb"
        DuckDbStore.open(database).close()
        before = files(database)
        with pytest.raises(StoreFull, match="a copy of the database needs"):
            restored(database, backup, disk.folder / "aside.duckdb")
        with pytest.raises(StoreFull, match="a copy of the database needs"):
            compact(database, unheard)
        assert files(database).keys() == before.keys()


def test_a_database_that_was_written_anew_is_smaller_and_holds_the_same(path: Path) -> None:
    store = DuckDbStore.open(path)
    for number in range(6):
        rows = [sample(number * 20_000 + each, OUTCOMES[0]) for each in range(20_000)]
        store.save(Batch(batch_id=str(number), samples=rows))
    store.change(lambda cursor: cursor.execute("DELETE FROM samples WHERE run > 1000"))
    kept = store.samples(ALWAYS)
    store.close()
    done = compact(path, unheard)
    assert done.after_bytes < done.before_bytes
    assert done.after_bytes == path.stat().st_size
    store = DuckDbStore.open(path)
    assert store.samples(ALWAYS) == kept
    store.close()
    assert list(files(path)) == [path.name]


def test_what_late_samples_left_in_the_rollups_is_put_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "ROWS_AT_ONCE", 7)
    store = DuckDbStore.open(path, now=lambda: NOW)
    rows = a_busy_hour()
    store.save(Batch(batch_id="early", samples=[*rows[::2], sample(2_000, OUTCOMES[0])]))
    while store.roll_up():
        pass
    store.save(Batch(batch_id="late", samples=rows[1::2]))
    rolled = "SELECT count(*) AS rows, count(DISTINCT (bucket, job, destination)) AS keys FROM roll_1h"
    [(before, keys)] = store.ask(lambda cursor: cursor.execute(rolled).fetchall())
    assert before > keys > 0
    store.close()
    compact(path, unheard)
    store = DuckDbStore.open(path, now=lambda: NOW)
    assert store.ask(lambda cursor: cursor.execute(rolled).fetchall()) == [(keys, keys)]
    store.close()
    assert verify(path, rollups=True).flaws == ()


def test_compacting_what_is_not_there_makes_nothing(path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        compact(path, unheard)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("doing", ["copying", "verifying"])
def test_compacting_that_is_broken_off_leaves_everything_as_it_was(
    path: Path, backup: Path, doing: str
) -> None:
    def break_off(progress: Progress) -> None:
        if progress.doing == doing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compact(path, break_off)
    assert verify(path).samples == len(a_busy_hour()) + 2
    assert sorted(files(path)) == sorted([path.name, backup.name])


def old_database(path: Path, version: int) -> None:
    with duckdb.connect() as plain:
        plain.execute("ATTACH '{}' AS store (STORAGE_VERSION 'v1.5.0')".format(str(path).replace("'", "''")))
        plain.execute("USE store")
        migrate(plain, path, migrations=MIGRATIONS[:version])
        plain.execute("INSERT INTO batches VALUES (1, 'from before')")


def test_a_copy_is_kept_before_the_tables_are_changed(path: Path) -> None:
    old_database(path, 3)
    DuckDbStore.open(path).close()
    [copy] = path.with_name("Büro 'N' backups").iterdir()
    assert copy.name.endswith(f" before version {SCHEMA_VERSION}.duckdb")
    found = verify(copy)
    assert (found.schema_version, found.flaws) == (3, ())
    with duckdb.connect(str(copy), read_only=True) as plain:
        assert plain.execute("SELECT batch_id FROM batches").fetchall() == [("from before",)]
    assert verify(path).schema_version == SCHEMA_VERSION
    DuckDbStore.open(path).close()
    assert list(copy.parent.iterdir()) == [copy]


def test_a_new_database_has_no_copy(path: Path) -> None:
    DuckDbStore.open(path).close()
    assert list(path.parent.iterdir()) == [path]


def test_what_another_program_made_is_not_copied(path: Path) -> None:
    with duckdb.connect() as plain:
        plain.execute(f"ATTACH '{quoted(path)}' AS other (STORAGE_VERSION '{STORAGE_VERSION}')")
        plain.execute("CREATE TABLE other.diary (entry VARCHAR)")
    with pytest.raises(StoreCorrupt, match="another program"):
        DuckDbStore.open(path)
    assert list(path.parent.iterdir()) == [path]


def test_without_a_copy_nothing_is_migrated(path: Path) -> None:
    old_database(path, 3)
    before = path.read_bytes()
    path.with_name("Büro 'N' backups").write_text("in the way")
    with pytest.raises(MigrationFailed, match="left as it was"):
        DuckDbStore.open(path)
    assert path.read_bytes() == before
    assert verify(path).schema_version == 3


@needs_mounts
def test_without_room_for_a_copy_nothing_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path, megabytes=8) as disk:
        database = disk.folder / "x.duckdb"
        old_database(database, 3)
        with pytest.raises(MigrationFailed, match="Free some space"):
            DuckDbStore.open(database)
        assert verify(database).schema_version == 3
        disk.fill(leave_bytes=200_000)
        monkeypatch.setattr(backup_module, "SPARE_BYTES", -(1 << 40))
        with pytest.raises(MigrationFailed, match="left as it was"):
            DuckDbStore.open(database)
        assert verify(database).schema_version == 3
        assert list((disk.folder / "x backups").iterdir()) == []
