"""`netstats-xl repair`, as its user sees it."""

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from netstats_xl.cli import main
from netstats_xl.errors import StoreLocked
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.contracts.result_store import ALWAYS
from tests.store.flipping import Heard, batch
from tests.store.test_salvage import spoil_a_block_of

Netstats = Callable[..., int]


@pytest.fixture
def netstats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Netstats:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        return int(exit_.value.code or 0)

    return run


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with enough in it that a block of it can be damaged alone."""
    path = tmp_path / "Net.duckdb"
    store = DuckDbStore.open(path, watcher=Heard())
    store.save(batch(0))
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "INSERT INTO samples (tick, job, destination, run, interval_s, outcome, sent, received, jitter_sum_ms, "
            "jitter_pairs, rtts_ms) SELECT TIMESTAMP '2026-03-29' + INTERVAL (i) SECOND, 1, 1, 1, 1, 'replied', 4, 4, "
            "hash(i) / 1e18, 3, [hash(i) / 1e18, hash(i + 1) / 1e18] FROM range(150_000) AS r(i)"
        )
    return path


def test_a_healthy_database_is_said_to_be_so(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = database.read_bytes()
    assert netstats("repair", "Net.duckdb") == 0
    assert capsys.readouterr().out == "Net.duckdb is healthy (150,004 samples). Nothing was changed.\n"
    assert database.read_bytes() == before


def test_the_database_of_a_workbook_is_found(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    capsys.readouterr()
    assert netstats("repair", "Net.xlsx") == 0
    assert "Net.duckdb is healthy" in capsys.readouterr().out


def test_where_there_is_no_database_it_says_so(
    netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("repair", "Nowhere.duckdb") == 4
    assert "There is no database at" in capsys.readouterr().err


def test_a_damaged_file_is_replaced_by_what_can_be_read_of_it(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    spoil_a_block_of(database, "rtts_ms")
    assert netstats("repair", "Net.duckdb") == 1
    told = capsys.readouterr()
    assert "Net.duckdb was damaged. What can be read of it is in its place now" in told.out
    assert "  samples: gone from 2026-03-" in told.out
    assert "Reading samples" in told.err
    # It is whole now; what lies aside is read once more, since nobody knows of it.
    assert netstats("repair", "Net.duckdb") == 1
    assert "Net.duckdb is healthy" in capsys.readouterr().out


def test_what_was_set_aside_is_saved_into_a_file_of_its_own_and_the_message_ends(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil_a_block_of(database, "rtts_ms")
    heard = Heard()
    store = DuckDbStore.open(database, watcher=heard)
    store._database.read(lambda cursor: cursor.execute("SELECT max(rtts_ms[1]) FROM samples").fetchall())
    [incident] = heard.incidents
    store.save(batch(1))
    store.close()
    assert netstats("repair", "Net.duckdb") == 1
    out = capsys.readouterr().out
    assert "Net.duckdb is healthy (4 samples)" in out
    aside = Path(incident.kept[0])
    saved = aside.with_name(f"{aside.stem} repaired.duckdb")
    assert f"{aside.name}: what can be read of it is in {saved.name} now" in out
    assert aside.exists()
    store = DuckDbStore.open(saved)
    assert 0 < store.info().samples < 150_004
    assert list(store.samples(ALWAYS, limit=1))
    store.close()
    again = Heard()
    DuckDbStore.open(database, watcher=again).close()
    assert again.incidents == []
    assert netstats("repair", "Net.duckdb") == 0
    assert "was saved before, in" in capsys.readouterr().out


def test_a_log_that_lost_its_end_is_told_with_code_1(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store = DuckDbStore.open(database, watcher=Heard())
    store.save(batch(1))
    store._database._instance.execute("PRAGMA disable_checkpoint_on_shutdown")  # type: ignore[union-attr]  # it is open
    store.close()
    log = tmp_path / "Net.duckdb.wal"
    log.write_bytes(log.read_bytes()[:-40])
    assert netstats("repair", "Net.duckdb") == 1
    out = capsys.readouterr().out
    assert "Results that had been saved were found missing" in out
    assert "Net.duckdb can be used again (150,004 samples)." in out


def test_of_a_file_that_cannot_be_read_at_all_it_says_why(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(database.read_bytes())
    content[5_000] ^= 1
    content[9_000] ^= 1
    database.write_bytes(content)
    assert netstats("repair", "Net.duckdb") == 1
    out = capsys.readouterr().out
    assert "Net.duckdb: nothing can be read of it." in out
    assert "`netstats-xl restore` brings it back" in out
    assert database.read_bytes() == content


def test_while_a_program_has_the_database_open_what_was_set_aside_is_saved_all_the_same(
    netstats: Netstats, database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreLocked("The database is in use by netstats-xl (process 7).")

    monkeypatch.setattr("netstats_xl.wiring.repairing.repair_in_place", refuse)
    assert netstats("repair", "Net.duckdb") == 4
    assert "process 7" in capsys.readouterr().err
    database.rename(database.with_name("Net damaged 2026-03-29 0000.duckdb"))
    DuckDbStore.open(database).close()
    assert netstats("repair", "Net.duckdb") == 0
    out = capsys.readouterr().out
    assert "All of it could be read." in out
    assert "Net.duckdb itself was not looked at: The database is in use" in out
