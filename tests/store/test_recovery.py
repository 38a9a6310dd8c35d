"""A collector's store goes on whatever befell its file: nothing is deleted, and what is gone is said."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.incidents import Incident, IncidentKind
from netstats_xl.domain.results import Batch
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import StoreCorrupt, StoreDamaged, StoreError, StoreLogDamaged, StoreUnrecognised
from netstats_xl.store import damage
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.incident_log import add_incident, incidents_path, read_incidents, write_incidents
from netstats_xl.store.opening import Opener
from netstats_xl.store.saved_mark import Mark, forget_mark, mark_path, read_mark, write_mark
from netstats_xl.store.set_aside import damaged_files, newest_backup, rename_aside
from tests.contracts.result_store import ALWAYS, OUTCOMES, at, destination, sample
from tests.store import killed_work
from tests.store.flipping import (
    BATCHES_IN_FILE,
    BATCHES_IN_LOG,
    DAMAGES,
    DESTINATIONS,
    LOG,
    NAME,
    Heard,
    Victim,
    batch,
    try_once,
)
from tests.store.old_database import make_old_database

TIMES = 25
"""Places of each kind of damage; `python -m tests.store.flipping` tries as many as it is told."""
IN_FILE = BATCHES_IN_FILE * DESTINATIONS
IN_ALL = (BATCHES_IN_FILE + BATCHES_IN_LOG) * DESTINATIONS


@pytest.fixture
def path(tmp_path: Path, victim: Victim) -> Path:
    """A whole victim's database."""
    path = tmp_path / NAME
    path.write_bytes(victim.file)
    path.with_name(NAME + LOG).write_bytes(victim.log)
    mark_path(path).write_bytes(victim.mark)
    return path


def spoil(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def opened(path: Path) -> tuple[DuckDbStore, list[Incident]]:
    heard = Heard()
    return DuckDbStore.open(path, watcher=heard), heard.incidents


@pytest.mark.trials
@pytest.mark.parametrize("name", DAMAGES)
def test_whatever_is_damaged_all_that_is_found_is_right_and_all_that_is_gone_is_said(
    tmp_path: Path, victim: Victim, name: str
) -> None:
    outcomes = Counter(try_once(tmp_path, victim, name, seed) for seed in range(TIMES))
    assert outcomes.total() == TIMES
    assert outcomes.keys() - {"harmless"}


def test_nothing_is_said_of_a_database_that_a_killed_collector_left(path: Path) -> None:
    store, incidents = opened(path)
    assert store.info().samples == IN_ALL
    assert incidents == []
    store.close()


def test_a_damaged_log_is_cut_off_before_the_damage_and_its_copy_is_kept(path: Path, victim: Victim) -> None:
    log = path.with_name(NAME + LOG)
    spoil(log, len(victim.log) // 2)
    spoilt = log.read_bytes()
    store, [incident] = opened(path)
    samples = store.info().samples
    store.close()
    assert incident.kind is IncidentKind.LOG_CUT
    assert incident.lost_commits == (IN_ALL - samples) // DESTINATIONS
    assert incident.lost_bytes > len(victim.log) // 2 - 2_000
    assert incident.lost_until == read_mark_at(victim)
    assert [Path(each).read_bytes() for each in incident.kept] == [victim.file, spoilt]
    assert "Corrupt WAL file" in incident.reason


def read_mark_at(victim: Victim) -> datetime:
    return datetime.fromisoformat(victim.mark.decode().split(" ")[5]).replace(tzinfo=UTC)


def test_a_log_that_never_becomes_whole_is_left_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attach = Opener._attach

    def refuse(opener: Opener) -> Cursor:
        if path.with_name(NAME + LOG).exists():
            cause = duckdb.IOException("Corrupt WAL file: entry at byte position 900 is odd")
            raise StoreLogDamaged("The log is damaged.") from cause
        return attach(opener)

    monkeypatch.setattr(Opener, "_attach", refuse)
    store, [incident] = opened(path)
    assert (incident.kind, store.info().samples) == (IncidentKind.LOG_CUT, IN_FILE)
    assert incident.lost_commits is None
    store.close()


def test_what_was_misread_once_and_is_read_the_second_time_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = Opener._attach
    failures = [StoreDamaged("The checksum is wrong.")]

    def stumble(opener: Opener) -> Cursor:
        if failures:
            raise failures.pop()
        return attach(opener)

    monkeypatch.setattr(Opener, "_attach", stumble)
    store, incidents = opened(path)
    assert (store.info().samples, incidents) == (IN_ALL, [])
    store.close()


def test_results_that_went_with_a_log_are_missed_although_nothing_is_damaged(path: Path) -> None:
    path.with_name(NAME + LOG).unlink()
    store, [incident] = opened(path)
    assert (incident.kind, incident.saved_until) == (
        IncidentKind.LOG_LOST,
        at(BATCHES_IN_FILE - 1 + (DESTINATIONS - 1) / 100),
    )
    store.save(batch(500))
    store.close()
    # Told once more, as its user has not dealt with it; but nothing more is missed.
    store, incidents = opened(path)
    assert incidents == [incident]
    store.close()


@pytest.mark.parametrize(("noted", "said"), [(10, []), (11, [IncidentKind.LOG_LOST])])
def test_results_that_went_with_an_older_versions_log_are_missed_as_well(
    tmp_path: Path, noted: int, said: list[IncidentKind]
) -> None:
    path = tmp_path / NAME
    make_old_database(path, 10)
    with duckdb.connect(str(path), read_only=True) as connection:
        begun_at = damage.begun_at(connection)
    assert begun_at is not None
    write_mark(path, Mark(batch=noted, at=at(0), begun_at=begun_at))
    for _ in range(2):
        store, incidents = opened(path)
        assert [each.kind for each in incidents] == said
        before = store.info().samples
        store.save(killed_work.batch(9))  # is there already
        assert store.info().samples == before
        store.close()


def test_another_database_in_its_place_is_not_said_to_miss_results(tmp_path: Path, path: Path) -> None:
    for each in (path, path.with_name(NAME + LOG)):
        each.unlink()
    store, incidents = opened(path)
    assert incidents == []
    store.close()


def test_a_database_of_ours_that_is_empty_now_is_damaged(path: Path) -> None:
    path.write_bytes(b"")
    store, [incident] = opened(path)
    assert incident.kind is IncidentKind.SET_ASIDE
    assert "empty now" in incident.reason
    store.close()


def test_a_file_that_never_was_a_database_is_neither_moved_nor_replaced(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"PK\x03\x04" * 10_000)
    with pytest.raises(StoreUnrecognised):
        opened(path)
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_another_programs_database_is_neither_moved_nor_replaced(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.5.0"}) as connection:
        connection.execute("CREATE TABLE customers AS SELECT 1 AS id")
    with pytest.raises(StoreCorrupt, match="another program"):
        opened(path)
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_a_database_whose_first_bytes_are_damaged_is_known_by_its_mark(path: Path) -> None:
    spoil(path, 8)
    store, [incident] = opened(path)
    assert incident.kind is IncidentKind.SET_ASIDE
    store.close()


def test_the_new_database_knows_the_destinations_of_the_damaged_one(path: Path) -> None:
    store, _ = opened(path)
    definitions = Definitions(destinations=(destination(1), destination(2)))
    store.save_definitions(Definitions(destinations=(destination(1), destination(3))), at=at(0))
    store.save_definitions(definitions, at=at(0))
    store.save_settings(Settings(retention_days=7))
    store.save_stopped(["job1"])
    store.save(batch(100))
    known = store.definitions()
    store.close()
    spoil_samples(path)
    store, _ = opened(path)
    store.samples(ALWAYS)
    assert store.info().samples == 0
    assert store.definitions() == known
    assert known.active == definitions
    assert known.retired.destinations == (destination(3),)
    store.save(batch(101))
    assert [each.at for each in store.samples(ALWAYS)] == [each.at for each in batch(101).samples]
    store.close()


def spoil_samples(path: Path) -> None:
    """Have the disk spoil blocks that hold samples, but none of what opening the database reads: their ticks."""
    store = DuckDbStore.open(path)
    store.change(  # enough for blocks that hold nothing but RTTs
        lambda cursor: cursor.execute(
            "INSERT INTO samples SELECT one.* REPLACE ([random()::FLOAT, random()::FLOAT] AS rtts_ms) "
            "FROM (FROM samples LIMIT 1) AS one, range(60_000)"
        )
    )
    store.close()
    with duckdb.connect(str(path), read_only=True) as connection:
        blocks = {
            (table == "samples" and column != "tick", block)
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            for column, block in connection.execute(
                "SELECT DISTINCT column_name, block_id FROM pragma_storage_info(?) WHERE block_id >= 0",
                [table],
            ).fetchall()
        }
    alone = {block for is_samples, block in blocks if is_samples} - {
        block for is_samples, block in blocks if not is_samples
    }
    assert alone
    for block in alone:
        spoil(path, 3 * 4_096 + block * 262_144 + 100)


def test_the_definitions_that_this_run_saved_go_into_the_new_database(path: Path) -> None:
    spoil_samples(path)
    store, _ = opened(path)
    definitions = Definitions(destinations=(destination(1),))
    store.save_definitions(definitions, at=at(0))
    store.samples(ALWAYS)
    assert store.definitions().active == definitions
    store.close()


def test_damage_that_is_met_while_collecting_is_set_aside_and_what_waits_is_saved(path: Path) -> None:
    spoil_samples(path)
    store, incidents = opened(path)
    assert incidents == []
    assert store.samples(ALWAYS) == []
    [incident] = incidents
    assert incident.kind is IncidentKind.SET_ASIDE
    assert "checksum" in incident.reason
    store.save(batch(7))
    assert store.info().samples == DESTINATIONS
    store.close()
    assert Path(incident.kept[0]).stat().st_size > 0


def test_a_store_without_a_watcher_leaves_damage_as_it_is(path: Path) -> None:
    spoil_samples(path)
    store = DuckDbStore.open(path)
    with pytest.raises(StoreDamaged, match="netstats-xl repair"):
        store.samples(ALWAYS)
    store.close()
    assert not incidents_path(path).exists()
    assert damaged_files(path) == ()


def test_one_query_that_is_misread_costs_nothing(path: Path) -> None:
    store, incidents = opened(path)
    failures = [duckdb.IOException("IO Error: Corrupt database file: computed checksum 1 does not match")]

    def count(cursor: Cursor) -> object:
        if failures:
            raise failures.pop()
        return cursor.execute("SELECT count(*) FROM samples").fetchall()

    assert store._database.read(count) == [(IN_ALL,)]
    assert incidents == []
    store.close()


def test_a_database_that_cannot_be_set_aside_stays_and_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> tuple[Path, ...]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(damage, "rename_aside", refuse)
    spoil(path, 5_000)
    spoil(path, 9_000)
    with pytest.raises(StoreDamaged, match=r"could not be set aside \(Permission denied\)"):
        opened(path)
    assert path.exists()


def test_a_log_that_cannot_be_copied_is_not_cut(
    path: Path, victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> tuple[Path, ...]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(damage, "copy_aside", refuse)
    log = path.with_name(NAME + LOG)
    spoil(log, len(victim.log) // 2)
    before = log.read_bytes()
    with pytest.raises(StoreLogDamaged, match=r"could not be repaired \(Permission denied\)"):
        opened(path)
    assert log.read_bytes() == before


def test_a_damaged_log_beside_a_damaged_file_leads_to_a_new_database(path: Path, victim: Victim) -> None:
    spoil(path.with_name(NAME + LOG), len(victim.log) // 2)
    spoil(path, 5_000)
    spoil(path, 9_000)
    store, incidents = opened(path)
    assert [each.kind for each in incidents] == [IncidentKind.SET_ASIDE]
    store.close()


def test_an_incident_is_told_at_each_start_until_its_files_are_taken_away(path: Path) -> None:
    spoil(path, 5_000)
    spoil(path, 9_000)
    store, [incident] = opened(path)
    store.close()
    store, again = opened(path)
    store.close()
    assert again == [incident]
    for each in incident.kept:
        Path(each).unlink()
    store, again = opened(path)
    store.close()
    assert again == []


def test_files_that_cannot_all_be_renamed_keep_their_names(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refuse_logs(self: Path, target: Path) -> Path:
        if self.name.endswith(LOG) and not target.name.endswith(NAME + LOG):
            raise PermissionError(13, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_logs)
    before = sorted(each.name for each in path.parent.iterdir())
    with pytest.raises(PermissionError):
        rename_aside(path, at(0))
    assert sorted(each.name for each in path.parent.iterdir()) == before


def test_what_is_set_aside_in_the_same_minute_gets_a_name_of_its_own(path: Path) -> None:
    first = rename_aside(path, at(0))
    shutil.copy(first[0], path)
    second = rename_aside(path, at(0))
    assert first[0] != second[0]
    assert set(damaged_files(path)) == {first[0], second[0]}
    assert [each.name for each in second] == [f"{first[0].stem} (2).duckdb"]


def test_the_newest_backup_is_named(path: Path) -> None:
    assert newest_backup(path) is None
    folder = path.with_name("results backups")
    folder.mkdir()
    for name in ("results 2026-11-24 0300.duckdb", "results 2026-11-25 0300.duckdb", "notes.txt"):
        (folder / name).touch()
    newest = newest_backup(path)
    assert newest is not None
    assert newest.suffix == ".duckdb"
    spoil(path, 5_000)
    spoil(path, 9_000)
    store, [incident] = opened(path)
    assert incident.backup == str(newest)
    store.close()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-1], id="cut"),
        pytest.param(lambda text: text.replace("0", "1", 1), id="another number"),
        pytest.param(lambda text: "", id="empty"),
        pytest.param(lambda text: text + "\u00e4", id="not ASCII"),
    ],
)
def test_a_mark_that_is_not_as_it_was_written_is_none(path: Path, change: Callable[[str], str]) -> None:
    mark = Mark(batch=7, at=at(1), begun_at=datetime(2026, 1, 1))  # noqa: DTZ001 - as the table holds it
    write_mark(path, mark)
    assert read_mark(path) == mark
    mark_path(path).write_text(change(mark_path(path).read_text("ascii")), "utf-8")
    assert read_mark(path) is None
    forget_mark(path)
    assert not mark_path(path).exists()


def test_incidents_that_cannot_be_understood_are_none(path: Path) -> None:
    incidents_path(path).write_text("{}")
    assert read_incidents(path) == ()
    incident = Incident(kind=IncidentKind.LOG_LOST, at=at(0), database=str(path))
    add_incident(path, incident)
    assert read_incidents(path) == (incident,)
    write_incidents(path, ())
    assert not incidents_path(path).exists()


def test_a_clock_that_went_back_costs_no_result(tmp_path: Path) -> None:
    path = tmp_path / NAME
    heard = Heard()
    store = DuckDbStore.open(path, watcher=heard)
    late, early = (
        Batch(batch_id=name, samples=[sample(minutes, OUTCOMES[0])])
        for name, minutes in (("late", 600.0), ("early", 5.0))
    )
    store.save(late)
    mark = read_mark(path)
    assert mark is not None
    # The clock that marks are made by has gone back, too.
    write_mark(path, Mark(batch=mark.batch, at=mark.at + timedelta(hours=9), begun_at=mark.begun_at))
    store.save(early)
    store.close()
    store = DuckDbStore.open(path, watcher=heard)
    assert list(store.samples(ALWAYS)) == [*early.samples, *late.samples]
    assert heard.incidents == []
    store.close()


def test_every_kind_of_damage_is_tried_at_many_places() -> None:
    dice = random.Random(1)
    for of_file, of_log in DAMAGES.values():
        for damage_done in filter(None, (of_file, of_log)):
            assert len({damage_done(b"0123456789" * 20, dice) for _ in range(50)}) > 20


def test_a_new_database_that_cannot_be_made_leaves_the_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(path, 5_000)
    spoil(path, 9_000)

    def refuse(*_: object) -> None:
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    monkeypatch.setattr(DuckDbStore, "_begin_anew", refuse)
    with pytest.raises(StoreError, match="full"):
        opened(path)
