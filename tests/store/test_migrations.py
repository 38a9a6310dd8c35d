"""Migrations: in one transaction, never backwards, and those that were shipped never change."""

import hashlib
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.results import Batch
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import MigrationFailed, StoreFull, StoreTooNew
from netstats_xl.ports import StoredDefinitions
from netstats_xl.store import migrations
from netstats_xl.store.database import STORAGE_VERSION
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.migrations import MIGRATIONS, migrate
from tests.contracts.result_store import ALWAYS, OUTCOMES, destination, sample

SHIPPED = ("46f6dca7bbb8fbee", "301a53a4b1fb98eb", "ad8fa348e69af4b9")
"""A digest of the words of each migration that was shipped. Append; never change one."""


def digest(statements: tuple[str, ...]) -> str:
    words = " ".join(" ".join(statements).split())
    return hashlib.sha256(words.encode()).hexdigest()[:16]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [
        name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    ]


def test_a_shipped_migration_never_changes() -> None:
    assert tuple(digest(statements) for statements in MIGRATIONS) == SHIPPED


def test_an_empty_file_gets_the_newest_tables(connection: duckdb.DuckDBPyConnection) -> None:
    assert migrate(connection, Path("x")) == 0
    assert {"destinations", "jobs", "runs", "samples", "events", "schema_versions"} <= set(tables(connection))
    [(version,)] = connection.execute("SELECT max(version) FROM schema_versions").fetchall()
    assert version == len(MIGRATIONS) == migrations.SCHEMA_VERSION


def test_migrating_again_changes_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    migrate(connection, Path("x"))
    assert migrate(connection, Path("x")) == len(MIGRATIONS)
    assert connection.execute("SELECT count(*) FROM schema_versions").fetchall() == [(len(MIGRATIONS),)]


def test_the_steps_from_an_older_version_are_made_in_order(connection: duckdb.DuckDBPyConnection) -> None:
    first, second, third = (
        ("CREATE TABLE a (x INTEGER)",),
        ("ALTER TABLE a ADD y INTEGER",),
        ("DROP TABLE a",),
    )
    assert migrate(connection, Path("x"), migrations=(first,)) == 0
    assert migrate(connection, Path("x"), migrations=(first, second)) == 1
    assert connection.execute("SELECT * FROM a").description[1][0] == "y"
    assert migrate(connection, Path("x"), migrations=(first, second, third)) == 2
    assert tables(connection) == ["schema_versions"]


def test_a_migration_that_fails_changes_nothing_and_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    first = ("CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)")
    migrate(connection, Path("x"), migrations=(first,))
    broken = ("DROP TABLE a", "CREATE TABLE b (x INTEGER)", "SELECT * FROM nowhere")
    with pytest.raises(MigrationFailed, match="from schema version 1 to 2; it was left as it was") as caught:
        migrate(connection, Path("x"), migrations=(first, broken))
    assert isinstance(caught.value.__cause__, duckdb.Error)
    assert tables(connection) == ["a", "schema_versions"]
    assert migrate(connection, Path("x"), migrations=(first,)) == 1


def test_a_migration_that_fails_for_the_disk_says_what_is_wrong_with_the_disk(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = "SELECT error('Failed to commit: Could not write file \"x.wal\": No space left on device')"
    with pytest.raises(StoreFull, match="Free some space"):
        migrate(connection, Path("x"), migrations=((full,),))
    assert tables(connection) == []


def test_what_version_1_kept_is_there_after_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    with duckdb.connect() as connection:
        # As the program has made its files: a later DuckDB would take a newer version by itself.
        connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE store")
        migrate(connection, path, migrations=MIGRATIONS[:1])
        definition = destination(1).model_dump_json()
        connection.execute(
            "INSERT INTO destinations VALUES (1, 'dest1', 'Host 1', '192.0.2.1', '', 0, true, NULL, ?)",
            [definition],
        )
    with closing(DuckDbStore.open(path)) as store:
        assert store.definitions() == StoredDefinitions(active=Definitions(destinations=(destination(1),)))
        store.save_settings(Settings(retention_days=7))
        store.save_stopped({"job1"})
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    with closing(DuckDbStore.open(path)) as store:
        kept = store.definitions()
        assert (kept.settings, kept.stopped) == (Settings(retention_days=7), frozenset({"job1"}))
        assert [each.destination_id for each in store.samples(ALWAYS)] == ["dest1"]
        assert store.info().schema_version == len(MIGRATIONS)


def test_the_tables_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    store = DuckDbStore.open(path)
    store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_versions VALUES (?, now()::TIMESTAMP)", [len(MIGRATIONS) + 1])
    with pytest.raises(
        StoreTooNew, match=rf"schema version {len(MIGRATIONS) + 1}, .* up to {len(MIGRATIONS)}"
    ):
        DuckDbStore.open(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM schema_versions WHERE version > ?", [len(MIGRATIONS)])
    store = DuckDbStore.open(path)
    assert len(store.samples(ALWAYS)) == 1
    store.close()
