"""`backup`, `snapshot`, `verify`, `restore` and `compact` where no collector is at work, called in this process."""

import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from netstats_xl.app.service import BackupRequest, BackupStatus
from netstats_xl.cli import main
from netstats_xl.commands import backup as backup_command
from netstats_xl.commands import progress
from netstats_xl.control.server import ControlServer
from netstats_xl.domain.results import Batch
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.errors import StoreFull
from netstats_xl.hosting.instance import InstanceLock, this_process
from netstats_xl.paths import data_folder
from netstats_xl.ports import Progress
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.migrations import MIGRATIONS, migrate
from netstats_xl.store.verifying import verify
from netstats_xl.wiring import database_of
from tests.contracts.result_store import OUTCOMES, START, a_busy_hour, at, sample
from tests.fakes.service import FakeService
from tests.store.disks import needs_mounts, small_disk

Netstats = Callable[..., int]


@pytest.fixture
def netstats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Netstats:
    """Runs the command in a folder with a workbook and its database, and returns its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int | None)
        return ended.value.code or 0

    assert run("new", "NetStats.xlsx", "--time-zone", "Europe/Berlin") == 0
    return run


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "NetStats.duckdb"
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="hour", samples=a_busy_hour()))
    store.close()
    return path


def add(database: Path, minutes: int) -> None:
    store = DuckDbStore.open(database)
    store.save(Batch(batch_id=f"{minutes}", samples=[sample(minutes, OUTCOMES[0])]))
    store.close()


def backups(database: Path) -> list[Path]:
    return sorted(database.with_name("NetStats backups").glob("*"))


def test_a_backup_lies_in_the_folder_beside_the_database(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("backup") == 0
    assert netstats("backup", "NetStats.duckdb", "--to", "elsewhere.duckdb") == 0
    [path] = backups(database)
    assert re.fullmatch(r"NetStats \d{4}-\d\d-\d\d \d{4}\.duckdb", path.name)
    assert path.name in capsys.readouterr().out
    assert (
        verify(path).samples == verify(database.with_name("elsewhere.duckdb")).samples == len(a_busy_hour())
    )


def test_a_backup_leaves_files_of_the_users_alone(
    netstats: Netstats, database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("mine")
    for target, why in (
        ("diary.txt", "exists already"),
        ("NetStats.xlsx", "the workbook or the database itself"),
        ("NetStats.duckdb", "the workbook or the database itself"),
        (".", "is a folder"),
        ("nowhere/copy.duckdb", "does not exist"),
    ):
        assert netstats("backup", "--to", target, "--force") == (0 if target == "diary.txt" else 3)
        if target == "diary.txt":
            diary.write_text("mine")
        assert netstats("backup", "--to", target) == 3
        assert why in capsys.readouterr().err
    assert diary.read_text() == "mine"


def test_a_snapshot_is_write_protected_and_replaced_when_it_is_made_again(
    netstats: Netstats, database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("snapshot") == 0
    add(database, 500)
    assert netstats("snapshot") == 0
    path = tmp_path / "NetStats snapshot.duckdb"
    assert 'duckdb -readonly "NetStats snapshot.duckdb"' in capsys.readouterr().out
    assert not path.stat().st_mode & stat.S_IWRITE
    assert verify(path).samples == len(a_busy_hour()) + 1
    assert netstats("snapshot", "--to", "other.duckdb") == 0
    for each in (path, tmp_path / "other.duckdb"):
        each.chmod(stat.S_IREAD | stat.S_IWRITE)  # for Windows to remove it


@pytest.mark.parametrize("command", ["backup", "snapshot", "verify", "compact"])
def test_a_database_that_is_not_there_is_not_made(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert netstats(command, "NetStats.xlsx") == 4
    assert "There is no database at" in capsys.readouterr().err
    assert netstats(command, "nothing.xlsx") == 3
    assert netstats(command, "nothing.duckdb") == 4
    assert netstats(command, str(tmp_path)) == 4
    assert "is a folder" in capsys.readouterr().err
    assert not (tmp_path / "NetStats.duckdb").exists()


@pytest.mark.parametrize("command", ["backup", "snapshot", "compact"])
def test_what_is_no_database_of_this_version_is_refused(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    diary = tmp_path / "diary.duckdb"
    diary.write_text("Dear diary, " * 2_000)
    assert netstats(command, "diary.duckdb") == 4
    assert "no DuckDB database" in capsys.readouterr().err
    newer = tmp_path / "newer.duckdb"
    with duckdb.connect(str(newer)) as plain:
        migrate(plain, newer, migrations=[*MIGRATIONS, ["CREATE TABLE later (number INTEGER)"]])
    assert netstats(command, "newer.duckdb") == 4
    assert "Update netstats_xl" in capsys.readouterr().err
    assert diary.read_text().startswith("Dear diary")


def test_a_whole_database_is_told_to_be_whole(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("verify") == 0
    assert f"NetStats.duckdb is whole: {len(a_busy_hour())} samples" in capsys.readouterr().out


def test_flaws_are_listed_with_what_would_help(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(database)) as plain:
        plain.execute("DELETE FROM jobs")
    assert netstats("verify", "NetStats.duckdb") == 1
    told = capsys.readouterr().out
    assert "name a job that is not in jobs" in told
    assert "netstats-xl restore" in told
    assert "1 problem found" in told
    database.write_bytes(b"\0" * 20_000)
    assert netstats("verify") == 1
    assert "is not right" in capsys.readouterr().out


def test_of_a_database_in_use_the_newest_backup_is_verified(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = DuckDbStore.open(database)
    assert netstats("verify") == 4
    assert "no backup yet" in capsys.readouterr().err
    store.close()
    assert netstats("backup") == 0
    store = DuckDbStore.open(database)
    assert netstats("verify") == 0
    told = capsys.readouterr().out
    assert "is in use, so its newest backup is verified" in told
    assert f"{backups(database)[0].name} is whole" in told
    store.close()


def test_a_restore_brings_over_what_was_measured_since(
    netstats: Netstats, database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("backup") == 0
    add(database, 500)
    add(database, 501)
    assert netstats("restore", "NetStats.xlsx") == 0
    told = capsys.readouterr().out
    assert "2 samples and 0 events that the backup had not" in told
    [aside] = tmp_path.glob("NetStats replaced *.duckdb")
    assert str(aside.name) in told
    assert verify(database).samples == verify(aside).samples == len(a_busy_hour()) + 2
    assert netstats("restore", "NetStats.xlsx", "--drop-newer", "--from", str(backups(database)[0])) == 0
    assert verify(database).samples == len(a_busy_hour())
    assert len(list(tmp_path.glob("NetStats replaced *.duckdb"))) == 2


def test_a_restore_says_of_what_time_only_rollups_are_left_in_what_it_replaces(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("backup") == 0
    add(database, 3 * 24 * 60)
    add(database, 9 * 24 * 60)
    with closing(DuckDbStore.open(database)) as store:
        while store.roll_up():
            pass
        assert store.prune(Cutoffs(raw=at(8 * 24 * 60))) == len(a_busy_hour()) + 1
    assert netstats("restore") == 1
    told = capsys.readouterr()
    start = START + timedelta(days=3)
    assert f"not brought over: what was measured from {start:%Y-%m-%d} " in told.err
    assert "1 sample and 0 events that the backup had not" in told.out
    assert verify(database, rollups=True).flaws == ()


def test_a_restore_of_a_damaged_database_says_what_did_not_come_over(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("backup") == 0
    database.write_bytes(b"\0" * 20_000)
    assert netstats("restore") == 1
    told = capsys.readouterr()
    assert "The database that was there is kept" in told.out
    assert "not brought over" in told.err
    assert verify(database).samples == len(a_busy_hour())


def test_backups_are_listed(netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert netstats("restore", "--list") == 0
    assert "There is no backup" in capsys.readouterr().out
    assert netstats("restore") == 4
    assert "Name a copy with --from" in capsys.readouterr().err
    assert netstats("backup") == 0
    assert netstats("restore", "--list") == 0
    assert backups(database)[0].name[:20] in capsys.readouterr().out


@pytest.mark.parametrize("command", ["restore", "compact"])
def test_a_database_of_a_collector_is_left_alone(
    netstats: Netstats, database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert netstats("backup") == 0
    before = database.read_bytes()
    # Held by this process, as by a collector's: the lock is the system's.
    with InstanceLock.take(database, this_process(str(tmp_path / "NetStats.xlsx"), START)):
        assert netstats(command) == 4
    told = capsys.readouterr().err
    assert f"process {os.getpid()}" in told
    assert "netstats-xl stop" in told
    assert database.read_bytes() == before


def test_compacting_says_what_it_gained(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = database.stat().st_size
    assert netstats("compact") == 0
    assert f"{before:,} bytes before, {database.stat().st_size:,} bytes now" in capsys.readouterr().out


@needs_mounts
def test_a_disk_that_is_full_or_write_protected_is_told(
    netstats: Netstats, database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path, megabytes=8) as disk:
        assert netstats("backup", "--to", str(disk.folder / "x.duckdb")) == 4
        assert "Free some space" in capsys.readouterr().err
    (tmp_path / "disk").rmdir()
    with small_disk(tmp_path, megabytes=64) as disk:
        disk.remount("ro")
        assert netstats("backup", "--to", str(disk.folder / "x.duckdb")) == 4
        assert "may not be written" in capsys.readouterr().err


def test_names_of_backups_follow_the_workbooks_clock(netstats: Netstats, database: Path) -> None:
    assert database_of(Path("NetStats.xlsx"))[1] == "Europe/Berlin"
    assert database_of(database)[0] == database


def test_progress_is_a_bar_for_each_thing_on_a_terminal_and_nothing_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = [
        Progress(doing=doing, done=done, total=4) for doing in ("copying", "verifying") for done in (0, 2, 4)
    ]
    terminal = Console(force_terminal=True, width=80, record=True)
    for console in (terminal, None):
        with progress.shown(console) as show:
            for each in steps:
                show(each)
    told = terminal.export_text()
    assert "Copying" in told
    assert "Verifying" in told
    assert capsys.readouterr().err == ""


@pytest.fixture
def service(netstats: Netstats, database: Path, tmp_path: Path) -> Iterator[FakeService]:
    """Of a collector that is at work on the database."""
    service = FakeService()
    endpoint = data_folder().endpoint("0" * 32)
    endpoint.parent.mkdir(parents=True)
    with ControlServer(
        service,
        endpoint=endpoint,
        workbook=str(tmp_path / "NetStats.xlsx"),
        database=str(database),
        started_at=START,
    ):
        yield service


def test_a_collector_at_work_makes_the_copy_and_tells_how_far_it_is(
    netstats: Netstats, service: FakeService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked_for_progress = threading.Event()
    service.status = BackupStatus(progress=Progress(doing="copying", done=1, total=2))

    def before(method: str) -> None:
        if method == "backup_status":
            asked_for_progress.set()
        if method == "backup":
            assert asked_for_progress.wait(30)

    service.before = before
    assert netstats("backup") == 0
    assert "Net 2026-11-23 0900.duckdb" in capsys.readouterr().out
    assert netstats("backup", "NetStats.duckdb", "--to", "x.duckdb", "--force") == 0
    assert netstats("snapshot", "NetStats.xlsx") == 0
    assert service.backups == [
        BackupRequest(),
        BackupRequest(output=tmp_path / "x.duckdb", replace=True),
        BackupRequest(output=tmp_path / "NetStats snapshot.duckdb", read_only=True),
    ]
    assert netstats("backup", "--to", "NetStats.xlsx") == 3
    assert netstats("backup", "--to", "NetStats.duckdb") == 3


def test_what_a_collector_has_against_a_copy_is_told(
    netstats: Netstats, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    def before(method: str) -> None:
        if method == "backup":
            raise StoreFull("The disk is full. Free some space.")

    service.before = before
    assert netstats("backup") == 4
    assert "Free some space" in capsys.readouterr().err


def test_the_database_of_the_only_collector_is_verified(
    netstats: Netstats, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("verify") == 0
    assert "is whole" in capsys.readouterr().out


def test_who_stops_waiting_for_a_collectors_copy_is_told_that_it_goes_on(
    netstats: Netstats,
    service: FakeService,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go = threading.Event()
    service.before = lambda method: assert_waited(let_go) if method == "backup" else None

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup_command, "wait", interrupt)
    assert netstats("backup") != 0
    assert "The collector goes on with the copy" in capsys.readouterr().err
    let_go.set()


def assert_waited(event: threading.Event) -> None:
    assert event.wait(30)
