"""The nightly backup of a companion, and copies that somebody asks for."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netstats_xl.app.service import BackupRequest
from netstats_xl.companion import Companion
from netstats_xl.companion.backing_up import LOOK_EVERY_S, NIGHTLY
from netstats_xl.domain.backups import Backup, nightly_minute
from netstats_xl.errors import CompanionStopping, ConfigurationError, StoreError, StoreFull
from netstats_xl.ports import OnProgress, Progress, unheard
from tests.companion.stage import AT, Stage
from tests.fakes.memory_store import MemoryStore


class DuringBackup(MemoryStore):
    """Calls somebody while a backup is made."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] = lambda: None

    def backup(self, path: Path, on_progress: OnProgress = unheard, *, read_only: bool = False) -> None:
        on_progress(Progress(doing="copying", done=3, total=9))
        self.meanwhile()
        super().backup(path, on_progress, read_only=read_only)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "Net Büro.duckdb"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Net Büro backups"


@pytest.fixture
def stage(database: Path) -> Stage:
    stage = Stage(DuringBackup())
    stage.store.location = str(database)
    return stage


@pytest.fixture
def companion(stage: Stage) -> Companion:
    companion = stage.start()
    stage.tick()
    stage.scheduler.do("save")
    return companion


def look_at(stage: Stage, at: datetime) -> None:
    stage.clock.advance(seconds=(at - stage.clock.now()).total_seconds())
    stage.scheduler.do(NIGHTLY)


def night(days: int, database: Path) -> datetime:
    """A minute after the nightly backup is due, in Berlin, so many days after the start."""
    return datetime(2026, 11, 23, 1, 1, tzinfo=UTC) + timedelta(
        days=days, minutes=nightly_minute(database.name)
    )


def test_nothing_is_backed_up_during_the_start_nor_before_the_first_night(
    stage: Stage, companion: Companion, folder: Path
) -> None:
    assert stage.scheduler.times[NIGHTLY] == LOOK_EVERY_S
    stage.scheduler.do(NIGHTLY)
    assert not folder.exists()
    companion.stop()


def test_each_night_has_a_backup_named_by_local_time(
    stage: Stage, companion: Companion, folder: Path, database: Path
) -> None:
    minute = nightly_minute(database.name)
    for days in (1, 2):
        look_at(stage, night(days, database) - timedelta(minutes=2))
        look_at(stage, night(days, database))
        look_at(stage, night(days, database) + timedelta(hours=3))
    assert sorted(each.name for each in folder.iterdir()) == [
        f"Net Büro 2026-11-24 02{minute + 1:02}.duckdb",
        f"Net Büro 2026-11-25 02{minute + 1:02}.duckdb",
    ]
    assert companion.service.health().warnings == ()
    companion.stop()


def test_a_night_that_was_missed_is_made_up_for(
    stage: Stage, companion: Companion, folder: Path, database: Path
) -> None:
    look_at(stage, night(3, database) + timedelta(hours=11))
    assert len(list(folder.iterdir())) == 1
    companion.stop()


def test_old_backups_go_once_a_new_one_is_there_and_no_other_file_does(
    stage: Stage, companion: Companion, folder: Path, database: Path
) -> None:
    folder.mkdir()
    old = [Backup(stem="Net Büro", at=datetime(2026, 9, 1 + day, 2, 0)).name for day in range(30)]  # noqa: DTZ001 - names are of the wall clock
    for name in (*old, "notes.txt", "Other 2026-01-01 0200.duckdb"):
        (folder / name).write_text("x")
    look_at(stage, night(1, database))
    kept = {each.name for each in folder.iterdir()}
    assert {"notes.txt", "Other 2026-01-01 0200.duckdb", old[-1]} <= kept
    assert (
        len(kept) == 2 + 1 + 6 + 1
    )  # this one, six days more, of which two weeks have theirs, one week more
    companion.stop()


def test_a_backup_that_failed_is_told_with_its_reason_and_tried_again_after_an_hour(
    stage: Stage, companion: Companion, folder: Path, database: Path
) -> None:
    look_at(stage, night(1, database))
    stage.store.backup_error = StoreFull("The disk is full. Free some space.")
    look_at(stage, night(2, database))
    [warning] = companion.service.health().warnings
    assert "The disk is full. Free some space." in warning
    assert "The last good one is of 2026-11-24 02:" in warning
    stage.store.backup_error = None
    look_at(stage, night(2, database) + timedelta(minutes=30))
    assert len(list(folder.iterdir())) == 1
    look_at(stage, night(2, database) + timedelta(minutes=61))
    assert len(list(folder.iterdir())) == 2
    assert companion.service.health().warnings == ()
    companion.stop()


def test_a_folder_that_cannot_be_made_is_told(
    stage: Stage, companion: Companion, folder: Path, database: Path
) -> None:
    folder.write_text("in the way")
    look_at(stage, night(1, database))
    [warning] = companion.service.health().warnings
    assert "cannot be made" in warning
    assert "There is no backup yet." in warning
    companion.stop()


def test_results_in_memory_have_no_backups(
    stage: Stage, companion: Companion, folder: Path, database: Path
) -> None:
    stage.store.location = "memory"
    look_at(stage, night(1, database))
    assert not folder.exists()
    assert companion.service.backup_status().last is None
    with pytest.raises(ConfigurationError, match="in memory only"):
        companion.service.backup(BackupRequest())
    companion.stop()


def test_a_backup_that_is_asked_for_tells_how_far_it_is(
    stage: Stage, companion: Companion, folder: Path
) -> None:
    service = companion.service
    assert isinstance(stage.store, DuringBackup)
    seen = []
    stage.store.meanwhile = lambda: seen.append(service.backup_status())
    path = service.backup(BackupRequest())
    assert path == folder / "Net Büro 2026-11-23 0900.duckdb"
    assert [each.progress for each in seen] == [Progress(doing="copying", done=3, total=9)]
    status = service.backup_status()
    assert (status.progress, status.last, status.last_at) == (None, path, AT)
    companion.stop()


def test_a_copy_takes_no_place_that_is_not_its_own(
    stage: Stage, companion: Companion, database: Path, tmp_path: Path
) -> None:
    service = companion.service
    taken = tmp_path / "taken.duckdb"
    taken.write_text("mine")
    for wanted, why in (
        (database, "the database itself"),
        (tmp_path, "is a folder"),
        (tmp_path / "nowhere" / "x.duckdb", "does not exist"),
        (taken, "exists already"),
        (tmp_path / "\0", "no path has"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            service.backup(BackupRequest(output=wanted))
    assert taken.read_text() == "mine"
    assert service.backup(BackupRequest(output=taken, replace=True)) == taken
    assert taken.read_text() != "mine"
    companion.stop()


def test_a_write_protected_copy_is_replaced_when_it_is_made_again(
    stage: Stage, companion: Companion, tmp_path: Path
) -> None:
    snapshot = BackupRequest(output=tmp_path / "for others.duckdb", read_only=True)
    for _ in range(2):
        path = companion.service.backup(snapshot)
        assert not path.stat().st_mode & stat.S_IWRITE
    path.chmod(stat.S_IREAD | stat.S_IWRITE)  # for Windows to remove it
    companion.stop()


def test_a_companion_that_ends_gives_a_backup_up(stage: Stage, companion: Companion, folder: Path) -> None:
    assert isinstance(stage.store, DuringBackup)
    stage.store.meanwhile = companion._backing_up.end
    with pytest.raises(CompanionStopping):
        companion.service.backup(BackupRequest())
    stage.clock.advance(seconds=86_400)
    stage.scheduler.do(NIGHTLY)
    assert list(folder.iterdir()) == []
    companion.stop()
    assert companion.snapshot().warnings == ()


def test_backups_that_are_old_are_told_of(
    stage: Stage, companion: Companion, folder: Path, database: Path
) -> None:
    folder.mkdir()
    (folder / Backup(stem="Net Büro", at=datetime(2026, 11, 20, 2, 0)).name).write_text("x")  # noqa: DTZ001 - as above
    stage.store.backup_error = StoreError("No.")
    stage.scheduler.do(NIGHTLY)
    stage.clock.advance(seconds=60)
    stage.scheduler.do(NIGHTLY)
    [warning] = companion.service.health().warnings
    assert (
        warning
        == "The nightly backup failed, and is tried again: No. The last good one is of 2026-11-20 02:00."
    )
    companion.stop()


def test_a_deletion_waits_for_the_backup_of_its_night(stage: Stage, companion: Companion) -> None:
    backing_up = companion._backing_up
    due = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # three in the morning in Berlin
    stage.clock.advance(seconds=(due - stage.clock.now()).total_seconds())
    assert not backing_up.is_backed_up(due)
    stage.scheduler.do(NIGHTLY)
    assert backing_up.is_backed_up(due)
    assert not backing_up.is_backed_up(due + timedelta(days=1))
    companion.stop()


def test_what_has_no_backups_is_waited_for_by_no_deletion() -> None:
    companion = Stage(MemoryStore()).start()
    assert companion._backing_up.is_backed_up(AT)
    companion.stop()
