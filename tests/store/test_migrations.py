"""Migrations: in one transaction, never backwards, and those that were shipped never change."""

import hashlib
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.results import NO_STRAYS, Batch, Strays
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import MigrationFailed, StoreFull, StoreTooNew
from netstats_xl.ports import StoredDefinitions
from netstats_xl.store import migrations
from netstats_xl.store.database import STORAGE_VERSION
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.migrations import MIGRATIONS, migrate
from tests.contracts.result_store import ALWAYS, OUTCOMES, START, STRAYS, destination, sample

SHIPPED = (
    "46f6dca7bbb8fbee",
    "301a53a4b1fb98eb",
    "b5c0a19cbf45c5b4",
    "ad8fa348e69af4b9",
    "02f1f944a5087154",
    "77cb1fb4221e19bf",
    "778c4732457fe61e",
    "4eb705599585658a",
    "724dea183b082627",
)
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


def test_samples_of_version_2_are_there_after_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE store")
        migrate(connection, path, migrations=MIGRATIONS[:2])
        for number, host in ((1, "192.0.2.1"), (2, "192.0.2.2")):
            connection.execute(
                "INSERT INTO destinations VALUES (?, ?, ?, ?, '', 0, true, NULL, ?)",
                [number, f"dest{number}", f"Host {number}", host, destination(number).model_dump_json()],
            )
        connection.execute("INSERT INTO jobs VALUES (1, 'job1', 'Job 1', 0, true, NULL, NULL)")
        connection.execute("INSERT INTO run_ids VALUES (1, 'job1-0', ?)", [START.replace(tzinfo=None)])
        connection.execute(
            "INSERT INTO samples SELECT ?, 1, unnest([1, 2]), 1, 60, unnest(['replied', 'unreachable']), "
            "unnest(['192.0.2.1', '2001:db8::1']), unnest([NULL, '192.0.2.254']), unnest([NULL, 'host unreachable']), "
            "unnest([4, 2]), unnest([3, 0]), 27.75, 1, unnest([[10.0, NULL, 12.5, 40.25], NULL])",
            [START.replace(tzinfo=None)],
        )
    with closing(DuckDbStore.open(path)) as store:
        before = [sample(0, OUTCOMES[0]), sample(0, OUTCOMES[2], destination="dest2")]
        assert list(store.samples(ALWAYS)) == before
        assert store.latest(ALWAYS)["dest1"].strays == NO_STRAYS
        after = [replace(sample(n, outcome), strays=STRAYS[-1]) for n, outcome in enumerate(OUTCOMES, 1)]
        store.save(Batch(batch_id="a", samples=after))
        assert list(store.samples(ALWAYS)) == [*before, *after]
    with closing(DuckDbStore.open(path)) as store:
        assert list(store.samples(ALWAYS)) == [*before, *after]


def test_counts_that_a_column_cannot_hold_are_kept_as_its_largest(tmp_path: Path) -> None:
    with closing(DuckDbStore.open(tmp_path / "results.duckdb")) as store:
        flood = replace(sample(0, OUTCOMES[0]), strays=Strays(duplicates=10**6))
        store.save(Batch(batch_id="a", samples=[flood]))
        assert [each.strays for each in store.samples(ALWAYS)] == [Strays(duplicates=65_535)]


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


def test_days_of_version_8_are_there_after_the_migration_without_percentiles(tmp_path: Path) -> None:
    path = tmp_path / "results.duckdb"
    row = (
        START.replace(tzinfo=None),
        1,
        1,
        1,
        0,
        60_000,
        0,
        4,
        4,
        900,
        2_000,
        5_000,
        7_000_000,
        30,
        3,
        7,
        [3, 1],
    )
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE store")
        migrate(connection, path, migrations=MIGRATIONS[:8])
        for table in ("roll_1d", "roll_1mo"):
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    DuckDbStore.open(path).close()
    with duckdb.connect(str(path)) as connection:
        for table in ("roll_1d", "roll_1mo"):
            assert connection.execute(f"FROM {table}").fetchall() == [(*row, None, None, None)]


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_what_any_older_version_measured_is_there_and_its_batches_are_known(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "results.duckdb"
    tick = START.replace(tzinfo=None)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE store")
        migrate(connection, path, migrations=MIGRATIONS[:version])
        connection.execute(
            "INSERT INTO destinations VALUES (1, 'dest1', 'Host 1', '192.0.2.1', '', 0, true, NULL, ?)",
            [destination(1).model_dump_json()],
        )
        connection.execute("INSERT INTO jobs VALUES (1, 'job1', 'Job 1', 0, true, NULL, NULL)")
        connection.execute("INSERT INTO run_ids VALUES (1, 'job1-0', ?)", [tick])
        if "batches" in tables(connection):
            connection.execute("INSERT INTO batches VALUES (1, 'first')")
        else:
            connection.execute("INSERT INTO run_ids VALUES (2, 'first', ?)", [tick])
        connection.execute(
            "INSERT INTO samples (tick, job, destination, run, interval_s, outcome, address, sent, received, "
            "jitter_sum_ms, jitter_pairs, rtts_ms) "
            "VALUES (?, 1, 1, 1, 60, 'replied', '192.0.2.1', 4, 3, 27.75, 1, [10.0, NULL, 12.5, 40.25])",
            [tick],
        )
    first = sample(0, OUTCOMES[0])
    later = replace(first, at=START + timedelta(hours=3), run_id="job1-later")
    with closing(DuckDbStore.open(path, now=lambda: START + timedelta(hours=4))) as store:
        store.save(Batch(batch_id="first", samples=[later]))
        assert list(store.samples(ALWAYS)) == [first], "this batch is there already"
        store.save(Batch(batch_id="second", samples=[later]))
        while store.roll_up():
            pass
        assert list(store.samples(ALWAYS)) == [first, later]
        [group] = store.summaries(ALWAYS)
        assert (group.summary.rounds_up, group.summary.received) == (2, 6)
        assert store.ask(lambda cursor: cursor.execute("SELECT sum(up) FROM roll_1m").fetchall()) == [(1,)]


def test_no_table_has_a_key_or_an_index(connection: duckdb.DuckDBPyConnection) -> None:
    """Each row that is saved would be looked up in it."""
    migrate(connection, Path("x"))
    assert connection.execute("SELECT * FROM duckdb_indexes()").fetchall() == []
    kinds = "SELECT DISTINCT constraint_type FROM duckdb_constraints()"
    assert connection.execute(kinds).fetchall() == [("NOT NULL",)]
