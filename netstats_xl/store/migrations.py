"""The database's tables, and how those of an older version are brought up to date.

A migration that was shipped never changes: a change of the tables is a new migration at the end.

No table has an index or a primary key: DuckDB's indexes slow each checkpoint down and have been found corrupted
(duckdb#23788). Keys are small integers that this program gives out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from netstats_xl.errors import MigrationFailed, StoreCorrupt, StoreError, StoreTooNew
from netstats_xl.store.faults import fault_of
from netstats_xl.store.views import VIEWS

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Ticks and other instants are UTC. `definition` is the model as JSON; NULL until it is known.
        """
        CREATE TABLE destinations (
            key INTEGER NOT NULL, id VARCHAR NOT NULL, name VARCHAR NOT NULL, host VARCHAR NOT NULL,
            group_name VARCHAR NOT NULL, position INTEGER NOT NULL, active BOOLEAN NOT NULL,
            retired_at TIMESTAMP, definition VARCHAR
        )
        """,
        """
        CREATE TABLE jobs (
            key INTEGER NOT NULL, id VARCHAR NOT NULL, name VARCHAR NOT NULL, position INTEGER NOT NULL,
            active BOOLEAN NOT NULL, retired_at TIMESTAMP, definition VARCHAR
        )
        """,
        # `run` numbers ascend with time. `tick` is the last one that refers to the run.
        "CREATE TABLE run_ids (run BIGINT NOT NULL, run_id VARCHAR NOT NULL, tick TIMESTAMP NOT NULL)",
        """
        CREATE TABLE runs (
            run BIGINT NOT NULL, job INTEGER NOT NULL, tick TIMESTAMP NOT NULL, started TIMESTAMP NOT NULL,
            finished TIMESTAMP NOT NULL, outcome VARCHAR NOT NULL, up INTEGER, down INTEGER, ticks BIGINT,
            last_tick TIMESTAMP, reason VARCHAR
        )
        """,
        # `rtts_ms` has a NULL for each lost packet; it is NULL where no packet was answered.
        """
        CREATE TABLE samples (
            tick TIMESTAMP NOT NULL, job INTEGER NOT NULL, destination INTEGER NOT NULL, run BIGINT NOT NULL,
            interval_s DOUBLE NOT NULL, outcome VARCHAR NOT NULL, address VARCHAR, reporter VARCHAR, reason VARCHAR,
            sent USMALLINT NOT NULL, received USMALLINT NOT NULL, jitter_sum_ms DOUBLE NOT NULL,
            jitter_pairs USMALLINT NOT NULL, rtts_ms FLOAT[]
        )
        """,
        """
        CREATE TABLE events (
            ordinal BIGINT NOT NULL, tick TIMESTAMP NOT NULL, destination INTEGER NOT NULL, before VARCHAR NOT NULL,
            after VARCHAR NOT NULL, reason VARCHAR NOT NULL
        )
        """,
        "CREATE TABLE batches (ordinal BIGINT NOT NULL, batch_id VARCHAR NOT NULL)",
        # What job_totals still counts of the runs that were pruned.
        """
        CREATE TABLE pruned_runs (
            job INTEGER NOT NULL, completed BIGINT NOT NULL, missed BIGINT NOT NULL, last_tick TIMESTAMP,
            last_error VARCHAR NOT NULL
        )
        """,
        "CREATE TABLE opened (opened_at TIMESTAMP NOT NULL, process INTEGER NOT NULL)",
    ),
    (
        # One row at most: the model as JSON.
        "CREATE TABLE settings (definition VARCHAR NOT NULL)",
        "CREATE TABLE stopped_jobs (id VARCHAR NOT NULL)",
    ),
    (
        # Of web servers' answers, and of replies that count for nothing; NULL where there is nothing to tell.
        "ALTER TABLE samples ADD COLUMN http_status USMALLINT",
        "ALTER TABLE samples ADD COLUMN total_ms FLOAT",
        "ALTER TABLE samples ADD COLUMN certificate_days FLOAT",
        "ALTER TABLE samples ADD COLUMN duplicates USMALLINT",
        "ALTER TABLE samples ADD COLUMN late USMALLINT",
        "ALTER TABLE samples ADD COLUMN corrupted USMALLINT",
        "ALTER TABLE samples ADD COLUMN elsewhere VARCHAR",
    ),
    (
        # A row for as long as traces find the same route; `ordinal` ascends with time. `tick` is when the first of
        # these traces began, `last_tick` when the last one did. `hops` and `names` are JSON: see `store/routes.py`.
        """
        CREATE TABLE routes (
            ordinal BIGINT NOT NULL, destination INTEGER NOT NULL, tick TIMESTAMP NOT NULL,
            last_tick TIMESTAMP NOT NULL, traces BIGINT NOT NULL, address VARCHAR NOT NULL, reached BOOLEAN NOT NULL,
            reason VARCHAR NOT NULL, change VARCHAR NOT NULL, hops VARCHAR NOT NULL, names VARCHAR NOT NULL
        )
        """,
    ),
    (
        # Rollups: decision 26 says what they are. Several rows of a bucket, job and destination add up. The RTTs' sums
        # are whole microseconds, so that they are the same in whatever order they were added. `bins` has a count for
        # each bin of `domain/histograms.py` from `first_bin` on; NULL where no packet was answered.
        """
        CREATE TABLE roll_1m (
            bucket TIMESTAMP NOT NULL, job INTEGER NOT NULL, destination INTEGER NOT NULL,
            up BIGINT NOT NULL, down BIGINT NOT NULL, up_ms BIGINT NOT NULL, down_ms BIGINT NOT NULL,
            sent BIGINT NOT NULL, received BIGINT NOT NULL, low_us INTEGER, high_us INTEGER, total_us BIGINT NOT NULL,
            squares_us2 HUGEINT NOT NULL, jitter_us BIGINT NOT NULL, jitter_pairs BIGINT NOT NULL
        )
        """,
        """
        CREATE TABLE roll_1h (
            bucket TIMESTAMP NOT NULL, job INTEGER NOT NULL, destination INTEGER NOT NULL,
            up BIGINT NOT NULL, down BIGINT NOT NULL, up_ms BIGINT NOT NULL, down_ms BIGINT NOT NULL,
            sent BIGINT NOT NULL, received BIGINT NOT NULL, low_us INTEGER, high_us INTEGER, total_us BIGINT NOT NULL,
            squares_us2 HUGEINT NOT NULL, jitter_us BIGINT NOT NULL, jitter_pairs BIGINT NOT NULL,
            first_bin SMALLINT, bins UINTEGER[]
        )
        """,
        """
        CREATE TABLE roll_1d (
            bucket TIMESTAMP NOT NULL, job INTEGER NOT NULL, destination INTEGER NOT NULL,
            up BIGINT NOT NULL, down BIGINT NOT NULL, up_ms BIGINT NOT NULL, down_ms BIGINT NOT NULL,
            sent BIGINT NOT NULL, received BIGINT NOT NULL, low_us INTEGER, high_us INTEGER, total_us BIGINT NOT NULL,
            squares_us2 HUGEINT NOT NULL, jitter_us BIGINT NOT NULL, jitter_pairs BIGINT NOT NULL,
            first_bin SMALLINT, bins UINTEGER[]
        )
        """,
        """
        CREATE TABLE roll_1mo (
            bucket TIMESTAMP NOT NULL, job INTEGER NOT NULL, destination INTEGER NOT NULL,
            up BIGINT NOT NULL, down BIGINT NOT NULL, up_ms BIGINT NOT NULL, down_ms BIGINT NOT NULL,
            sent BIGINT NOT NULL, received BIGINT NOT NULL, low_us INTEGER, high_us INTEGER, total_us BIGINT NOT NULL,
            squares_us2 HUGEINT NOT NULL, jitter_us BIGINT NOT NULL, jitter_pairs BIGINT NOT NULL,
            first_bin SMALLINT, bins UINTEGER[]
        )
        """,
        # Each level holds what the samples before `sealed_until` add up to; NULL: it holds nothing yet. `zone` is whose
        # wall clock its buckets were cut by last. `made_from` and `kept_from`: see `store/frontier.py`.
        """
        CREATE TABLE levels (
            level VARCHAR NOT NULL, sealed_until TIMESTAMP, zone VARCHAR NOT NULL, made_from TIMESTAMP,
            kept_from TIMESTAMP
        )
        """,
        "INSERT INTO levels (level, zone) VALUES ('1m', 'UTC'), ('1h', 'UTC'), ('1d', 'UTC'), ('1mo', 'UTC')",
    ),
    (
        # The tick of each imported round, kept when the round itself is pruned: what was imported once is never
        # counted twice (decision 30).
        "CREATE TABLE imported (job INTEGER NOT NULL, destination INTEGER NOT NULL, tick TIMESTAMP NOT NULL)",
        *VIEWS,
    ),
    (
        # One row at most: when results were deleted last, and which deletion was announced, as JSON.
        "CREATE TABLE deletions (record VARCHAR NOT NULL)",
    ),
    (
        # A batch has a number among those of its runs, the last one, and its ID stands where theirs do: one insert
        # fewer a batch. Numbers go on from the greater of both, so that a mark beside the file is not ahead of them.
        """
        INSERT INTO run_ids SELECT
            greatest((SELECT coalesce(max(run), 0) FROM run_ids), (SELECT max(ordinal) FROM batches))
                + row_number() OVER (ORDER BY ordinal),
            batch_id, (SELECT coalesce(max(tick), TIMESTAMP '1970-01-01') FROM run_ids)
        FROM batches
        """,
        "DROP TABLE batches",
    ),
    (
        # The percentiles of the row's own histogram, so that a chart need not read it (decision 35). NULL, too, where
        # they were not found: of rows of late samples, and of those that were added up before this version.
        "ALTER TABLE roll_1d ADD COLUMN p50_ms DOUBLE",
        "ALTER TABLE roll_1d ADD COLUMN p95_ms DOUBLE",
        "ALTER TABLE roll_1d ADD COLUMN p99_ms DOUBLE",
        "ALTER TABLE roll_1mo ADD COLUMN p50_ms DOUBLE",
        "ALTER TABLE roll_1mo ADD COLUMN p95_ms DOUBLE",
        "ALTER TABLE roll_1mo ADD COLUMN p99_ms DOUBLE",
    ),
)
"""The statements that lead from each schema version to the next; the first from an empty file to version 1."""

SCHEMA_VERSION = len(MIGRATIONS)


def migrate(
    cursor: duckdb.DuckDBPyConnection, path: Path, *, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> int:
    """Bring the tables to the newest version, in one transaction, and return the version they had (0: none).

    Raises:
        StoreTooNew: a newer version of this program wrote them.
        StoreCorrupt: the file holds another program's tables.
        MigrationFailed: they cannot be migrated. Nothing was changed.
        StoreError: the disk is full, or the file may not be written. Nothing was changed.
        duckdb.Error: the file cannot be read.
    """
    version = version_of(cursor, path)
    if version > len(migrations):
        raise StoreTooNew(
            f"The database {path} has schema version {version}, and this program knows versions up to "
            f"{len(migrations)}. Update netstats_xl, or choose another database in the settings."
        )
    if version == len(migrations):
        return version
    cursor.execute("BEGIN")
    try:
        if version == 0:
            cursor.execute(
                "CREATE TABLE schema_versions (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL)"
            )
        for number, statements in enumerate(migrations[version:], start=version + 1):
            for statement in statements:
                cursor.execute(statement)
            applied_at = datetime.now(UTC).replace(tzinfo=None)
            cursor.execute("INSERT INTO schema_versions VALUES (?, ?)", [number, applied_at])
        cursor.execute("COMMIT")
    except duckdb.Error as error:
        roll_back(cursor)
        fault = fault_of(error, path)
        if type(fault.error) is not StoreError:
            # The disk or the file is at fault, not the migration: that has its own remedy.
            raise fault.error from error
        raise MigrationFailed(
            f"The database {path} could not be brought from schema version {version} to {len(migrations)}; it was "
            f"left as it was. {fault.error.message}"
        ) from error
    return version


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """End the transaction, if there is one, without its changes."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        # A failed commit has ended the transaction, and an invalid database has none: nothing is left to undo.
        return


def version_of(cursor: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The schema version of the tables in the present database; 0: it has none.

    Raises:
        StoreCorrupt: they are another program's.
        duckdb.Error: the file cannot be read.
    """
    tables = {
        name
        for (name,) in cursor.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal"
        ).fetchall()
    }
    if not tables:
        return 0
    if "schema_versions" not in tables:
        raise StoreCorrupt(
            f"The database {path} belongs to another program: it holds the tables {', '.join(sorted(tables)[:5])}. "
            "It was not changed: choose another path in the settings."
        )
    [(version,)] = cursor.execute("SELECT coalesce(max(version), 0) FROM schema_versions").fetchall()
    return int(version)
