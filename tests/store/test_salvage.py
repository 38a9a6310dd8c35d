"""What can be read of a damaged database is saved, and what is gone is said."""

import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from netstats_xl.domain.incidents import IncidentKind
from netstats_xl.domain.results import Batch
from netstats_xl.errors import StoreDamaged, StoreLocked
from netstats_xl.store import salvage as salvaging
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.repairing import (
    Outcome,
    repair_in_place,
    salvage_aside,
    set_aside_before,
    settle,
)
from netstats_xl.store.salvage import look, salvage
from netstats_xl.store.saved_mark import mark_path
from netstats_xl.store.set_aside import damaged_files
from tests.contracts.result_store import ALWAYS, OUTCOMES, sample
from tests.store.flipping import (
    BATCHES_IN_FILE,
    BATCHES_IN_LOG,
    DESTINATIONS,
    LOG,
    NAME,
    Heard,
    Victim,
    read_rollups,
)

ROWS = 300_000
BLOCK = 262_144
IN_ALL = (BATCHES_IN_FILE + BATCHES_IN_LOG) * DESTINATIONS


def unheard(table: str, done: int, rows: int) -> None:
    """Nobody looks at the progress."""


@pytest.fixture
def path(tmp_path: Path, victim: Victim) -> Path:
    """A whole victim's database."""
    path = tmp_path / NAME
    path.write_bytes(victim.file)
    path.with_name(NAME + LOG).write_bytes(victim.log)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A database with samples in several of DuckDB's row groups, one a second, whose RTTs have blocks of their own."""
    path = tmp_path / "large.duckdb"
    DuckDbStore.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "INSERT INTO samples (tick, job, destination, run, interval_s, outcome, sent, received, jitter_sum_ms, "
            "jitter_pairs, rtts_ms) SELECT TIMESTAMP '2026-03-29' + INTERVAL (i) SECOND, 1, 1, i, 1, 'replied', 4, 4, "
            f"hash(i) / 1e18, 3, [hash(i) / 1e18, hash(i + 1) / 1e18] FROM range({ROWS}) AS r(i)"
        )
    return path


def spoil_a_block_of(path: Path, column: str) -> None:
    """Spoil a block that holds a part of this column of the samples and, if that can be, nothing else."""
    with duckdb.connect(str(path), read_only=True) as connection:
        parts = connection.execute(
            "SELECT block_id, column_path, column_name FROM pragma_storage_info('samples') WHERE block_id >= 0"
        ).fetchall()
    names = {block: {name for other, _, name in parts if other == block} for block, _, _ in parts}
    block = max(
        (each for each, of in names.items() if column in of), key=lambda each: (-len(names[each]), each)
    )
    with path.open("rb+") as file:
        file.seek(3 * 4_096 + block * BLOCK + 1_000)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """Its samples, by time."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("SELECT tick, jitter_sum_ms, rtts_ms FROM samples ORDER BY tick").fetchall()


def test_of_a_damaged_table_the_rows_that_can_be_read_are_saved_and_the_times_of_the_others_told(
    large: Path, tmp_path: Path
) -> None:
    samples = rows_of(large)
    spoil_a_block_of(large, "rtts_ms")
    spoilt = large.read_bytes()
    target = tmp_path / "saved.duckdb"
    found = salvage(large, target)
    assert large.read_bytes() == spoilt
    [table] = [each for each in found.tables if each.gaps]
    assert table.name == "samples"
    assert not found.is_whole
    gone = sum(each.rows for each in table.gaps)
    assert 0 < gone < 150_000
    assert table.rows == found.rows_of("samples") == ROWS - gone
    [gap] = table.gaps
    assert gap.first_at is not None
    assert gap.last_at is not None
    first, last = (each.replace(tzinfo=None) for each in (gap.first_at, gap.last_at))
    assert rows_of(target) == [each for each in samples if not first <= each[0] <= last]
    assert len(rows_of(target)) == table.rows
    DuckDbStore.open(target).close()


def test_rows_whose_times_cannot_be_read_are_counted(large: Path) -> None:
    spoil_a_block_of(large, "tick")
    found = look(large)
    [table] = [each for each in found.tables if each.gaps]
    assert all((each.first_at, each.last_at) == (None, None) for each in table.gaps)
    assert sum(each.rows for each in table.gaps) == ROWS - table.rows


def test_a_whole_database_is_copied_in_full_with_its_log_and_rollups(path: Path, victim: Victim) -> None:
    target = path.with_name("saved.duckdb")
    found = salvage(path, target)
    assert found.is_whole
    assert found.rows_of("no such table") == 0
    store = DuckDbStore.open(target)
    assert tuple(store.samples(ALWAYS)) == victim.samples
    assert read_rollups(store) == victim.rollups
    store.close()
    assert path.read_bytes() == victim.file
    assert path.with_name(NAME + LOG).read_bytes() == victim.log


@pytest.mark.parametrize("can_link", [True, False])
def test_beside_a_damaged_log_what_the_file_itself_holds_is_saved(
    path: Path, victim: Victim, monkeypatch: pytest.MonkeyPatch, can_link: bool
) -> None:
    if not can_link:

        def refuse(*_: object) -> None:
            raise OSError("This file system has no links.")

        monkeypatch.setattr(os, "link", refuse)
    log = path.with_name(NAME + LOG)
    content = bytearray(victim.log)
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    target = path.with_name("saved.duckdb")
    found = salvage(path, target)
    assert found.log_left_out
    assert not found.is_whole
    assert found.rows_of("samples") == BATCHES_IN_FILE * DESTINATIONS
    assert sorted(each.name for each in path.parent.iterdir()) == sorted([NAME, NAME + LOG, target.name])


def test_an_interrupted_salvage_leaves_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(table: str, done: int, rows: int) -> None:
        if table == "samples":
            raise KeyboardInterrupt

    target = path.with_name("saved.duckdb")
    with pytest.raises(KeyboardInterrupt):
        salvage(path, target, interrupt)
    assert not target.exists()


def test_an_error_that_is_no_damage_ends_the_salvage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = salvaging._probe

    def refuse(cursor: Cursor, table: salvaging._Table, first: int, end: int) -> int:
        if table.name == "samples":
            raise duckdb.IOException('IO Error: Cannot open file "x": Permission denied')
        return take(cursor, table, first, end)

    monkeypatch.setattr(salvaging, "_probe", refuse)
    with pytest.raises(Exception, match="may not be written"):
        look(path)


def test_a_healthy_database_is_left_as_it_is(path: Path, victim: Victim) -> None:
    repaired = repair_in_place(path, unheard)
    assert repaired.outcome is Outcome.HEALTHY
    assert repaired.found is not None
    assert repaired.found.rows_of("samples") == IN_ALL
    assert path.read_bytes() == victim.file
    assert sorted(each.name for each in path.parent.iterdir()) == [NAME, NAME + LOG]


def test_a_damaged_log_is_repaired_in_its_place(path: Path, victim: Victim) -> None:
    log = path.with_name(NAME + LOG)
    content = bytearray(victim.log)
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    repaired = repair_in_place(path, unheard)
    assert repaired.outcome is Outcome.LOG_CUT
    [incident] = repaired.incidents
    assert repaired.found is not None
    assert incident.lost_commits == (IN_ALL - repaired.found.rows_of("samples")) // DESTINATIONS
    assert repair_in_place(path, unheard).outcome is Outcome.HEALTHY


def test_a_log_that_duckdb_passes_over_is_not_taken_for_healthy(path: Path, victim: Victim) -> None:
    mark_path(path).write_bytes(victim.mark)
    path.with_name(NAME + LOG).write_bytes(b"x" + victim.log[1:])
    repaired = repair_in_place(path, unheard)
    assert repaired.outcome is Outcome.LOG_CUT
    assert [each.kind for each in repaired.incidents] == [IncidentKind.LOG_LOST]
    assert repair_in_place(path, unheard).outcome is Outcome.HEALTHY


def test_a_damaged_file_is_replaced_by_what_can_be_read_of_it(large: Path) -> None:
    spoil_a_block_of(large, "rtts_ms")
    spoilt = large.read_bytes()
    repaired = repair_in_place(large, unheard)
    assert repaired.outcome is Outcome.REPLACED
    assert repaired.kept is not None
    assert repaired.found is not None
    assert repaired.kept.read_bytes() == spoilt
    heard = Heard()
    store = DuckDbStore.open(large, watcher=heard)
    assert store.info().samples == repaired.found.rows_of("samples")
    store.save(Batch(batch_id="more", samples=[sample(0, OUTCOMES[0])]))
    store.close()
    assert heard.incidents == []


def test_a_damaged_file_that_cannot_be_set_aside_stays_and_what_was_read_of_it_is_named(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_a_block_of(large, "rtts_ms")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("netstats_xl.store.repairing.rename_aside", refuse)
    with pytest.raises(StoreDamaged, match=r"could not be set aside \(Permission denied\).*large repaired"):
        repair_in_place(large, unheard)
    assert large.exists()
    monkeypatch.undo()
    # The second attempt does not write over the first one's file.
    assert repair_in_place(large, unheard).outcome is Outcome.REPLACED
    assert large.with_name("large repaired.duckdb").exists()


def test_a_database_of_which_nothing_can_be_read_is_left_as_it_is(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5_000] ^= 1
    content[9_000] ^= 1
    path.write_bytes(content)
    assert repair_in_place(path, unheard).outcome is Outcome.UNREADABLE
    repaired = salvage_aside(path, unheard)
    assert repaired.outcome is Outcome.UNREADABLE
    assert "checksum" in repaired.why
    assert path.read_bytes() == content


def test_what_was_set_aside_is_saved_once(path: Path, large: Path) -> None:
    spoil_a_block_of(large, "rtts_ms")
    aside = path.with_name("results damaged 2026-03-29 0000.duckdb")
    large.rename(aside)
    assert set_aside_before(path) == (aside,)
    first, second = salvage_aside(aside, unheard), salvage_aside(aside, unheard)
    assert (first.outcome, second.outcome) == (Outcome.SALVAGED, Outcome.ALREADY)
    assert first.saved_in == second.saved_in
    assert set_aside_before(path) == (aside,)
    assert len(damaged_files(path)) == 2


def test_a_database_that_is_open_is_not_repaired(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreLocked("A collector has it open.")

    monkeypatch.setattr("netstats_xl.store.repairing.look", refuse)
    with pytest.raises(StoreLocked):
        repair_in_place(path, unheard)


def test_what_is_settled_is_told_no_more(path: Path, victim: Victim) -> None:
    path.with_name(NAME + LOG).write_bytes(victim.log[:500])
    mark_path(path).write_bytes(victim.mark)
    heard = Heard()
    DuckDbStore.open(path, watcher=heard).close()
    assert heard.incidents
    settle(path)
    again = Heard()
    DuckDbStore.open(path, watcher=again).close()
    assert again.incidents == []
