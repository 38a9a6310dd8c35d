"""Verifying a database: every byte is read, and tables are compared with each other."""

import gzip
import re
import stat
from pathlib import Path
from random import Random

import duckdb
import pytest

from netstats_xl.domain.results import Batch
from netstats_xl.errors import StoreCorrupt, StoreError, StoreLocked, StoreTooNew
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.migrations import MIGRATIONS, SCHEMA_VERSION, migrate
from netstats_xl.store.verifying import verify
from tests.contracts.result_store import OUTCOMES, a_busy_hour, at, sample

BLOCK = 262_144
HEADERS = 3 * 4_096
NEWER = Path(__file__).parent / "data" / "duckdb-2.0.duckdb.gz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results 'ä'.duckdb"


def changed_by_hand(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as plain:
        for statement in statements:
            plain.execute(statement)


def test_a_whole_database_has_no_flaws(path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=a_busy_hour()))
    store.close()
    before = path.read_bytes()
    found = verify(path)
    assert found.flaws == ()
    assert (found.samples, found.schema_version) == (len(a_busy_hour()), SCHEMA_VERSION)
    assert found.rows > found.samples
    assert path.read_bytes() == before


def test_what_is_in_the_write_ahead_log_alone_counts(path: Path) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=a_busy_hour()))
    store._database._instance.execute("PRAGMA disable_checkpoint_on_shutdown")  # type: ignore[union-attr]  # it is open
    store.close()
    assert verify(path).samples == len(a_busy_hour())
    assert path.with_name(path.name + ".wal").exists()


def test_a_byte_changed_in_any_block_is_found(path: Path) -> None:
    """Of blocks in use: what a free one holds does not matter, and may be found or not."""
    store = DuckDbStore.open(path)
    random = Random(1)
    for number in range(6):
        rows = [sample(number * 10_000 + each + random.random(), OUTCOMES[0]) for each in range(10_000)]
        store.save(Batch(batch_id=str(number), samples=rows))
    store.close()
    compacted = path.with_name("compacted.duckdb")
    store = DuckDbStore.open(path)
    store.backup(compacted)  # without free blocks
    store.close()
    whole = compacted.read_bytes()
    blocks = (len(whole) - HEADERS) // BLOCK
    assert blocks >= 4
    for block in range(blocks):
        spoilt = bytearray(whole)
        # The first bytes of a block are its checksum; what follows is filled from its beginning.
        spoilt[HEADERS + block * BLOCK + 8 + 13] ^= 0x10
        compacted.write_bytes(spoilt)
        try:
            flaws = verify(compacted).flaws
        except StoreCorrupt:
            continue
        assert flaws, f"block {block}"
        assert "backup" in flaws[0]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "DELETE FROM destinations WHERE id = 'dest1'",
            "rows of samples in .* name a destination that is not in",
        ),
        ("DELETE FROM jobs WHERE id = 'job2'", "rows of samples in .* name a job that is not in jobs"),
        ("DELETE FROM run_ids", "name a run that is not in run_ids"),
        ("INSERT INTO run_ids SELECT * FROM run_ids ORDER BY run LIMIT 1", "1 values of run_ids.run"),
        ("INSERT INTO destinations SELECT * FROM destinations WHERE key = 1", "1 values of destinations.key"),
        (
            "INSERT INTO roll_1m SELECT tick, 99, 1, 1, 0, 1, 0, 4, 4, 1, 1, 1, 1, 1, 1 FROM samples LIMIT 3",
            "3 rows of roll_1m in .* name a job",
        ),
        (
            "INSERT INTO imported VALUES (1, 99, TIMESTAMP '2026-10-01 10:00:00')",
            "1 rows of imported in .* name a destination",
        ),
    ],
)
def test_tables_that_do_not_fit_together_are_flaws(path: Path, statement: str, said: str) -> None:
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=a_busy_hour()))
    store.close()
    changed_by_hand(path, statement)
    assert any(re.search(said, flaw) for flaw in verify(path).flaws), verify(path).flaws


def test_a_database_of_an_older_version_can_be_verified(path: Path) -> None:
    with duckdb.connect(str(path)) as plain:
        migrate(plain, path, migrations=MIGRATIONS[:1])
    found = verify(path)
    assert (found.schema_version, found.flaws) == (1, ())


def test_files_that_are_no_database_of_this_program_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        verify(path)
    with pytest.raises(StoreError, match="is a folder"):
        verify(tmp_path)
    path.write_text("Dear diary, " * 2_000)
    with pytest.raises(StoreCorrupt, match="no DuckDB database"):
        verify(path)
    path.write_bytes(b"")
    with pytest.raises(StoreError):
        verify(path)
    path.unlink()
    changed_by_hand(path, "CREATE TABLE diary (entry VARCHAR)")
    with pytest.raises(StoreCorrupt, match="another program"):
        verify(path)


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    with duckdb.connect(str(path)) as plain:
        migrate(plain, path, migrations=[*MIGRATIONS, ["CREATE TABLE later (number INTEGER)"]])
    with pytest.raises(StoreTooNew, match="Update netstats_xl"):
        verify(path)
    if duckdb.__version__.startswith("1."):
        path.write_bytes(gzip.decompress(NEWER.read_bytes()))
        with pytest.raises(StoreTooNew):
            verify(path)


def test_a_database_that_is_in_use_is_left_alone(path: Path) -> None:
    store = DuckDbStore.open(path)
    with pytest.raises(StoreLocked):
        verify(path)
    store.close()


def test_a_database_that_is_write_protected_can_be_verified(path: Path) -> None:
    DuckDbStore.open(path).close()
    path.chmod(stat.S_IREAD)
    assert verify(path).flaws == ()
    path.chmod(stat.S_IREAD | stat.S_IWRITE)  # for Windows to remove it


def test_rollups_that_are_not_what_the_samples_add_up_to_are_a_flaw(path: Path) -> None:
    store = DuckDbStore.open(path, now=lambda: at(10_000))
    store.save(Batch(batch_id="a", samples=[*a_busy_hour(), sample(5_000, OUTCOMES[0])]))
    while store.roll_up():
        pass
    store.close()
    assert verify(path, rollups=True).flaws == ()
    changed_by_hand(
        path, "UPDATE roll_1m SET sent = sent + 1 WHERE bucket = (SELECT min(bucket) FROM roll_1m)"
    )
    assert verify(path).flaws == ()
    assert "not what the samples add up to" in verify(path, rollups=True).flaws[0]
