"""A database as an older version of this program left it."""

from pathlib import Path

import duckdb

from netstats_xl.domain.results import Batch
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import STORAGE_VERSION
from netstats_xl.store.migrations import MIGRATIONS, migrate
from netstats_xl.store.outcomes import render_outcome
from tests.store.killed_work import DESTINATIONS, JOBS, batch

VERSION = 4
"""The last one without rollups."""


def make_old_database(path: Path, batches: int) -> None:
    """A database as version 4 of the tables made it, with the first batches."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE store")
        migrate(connection, path, migrations=MIGRATIONS[:VERSION])
        keys = {each: key for ids in (DESTINATIONS, tuple(JOBS)) for key, each in enumerate(ids, start=1)}
        connection.execute("BEGIN")
        for table, ids, blank in (("destinations", DESTINATIONS, "'', ''"), ("jobs", tuple(JOBS), "")):
            columns = "key, id, name, position, active" + (", host, group_name" if blank else "")
            connection.executemany(
                f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?, 0, false{blank and ', ' + blank})",
                [(keys[each], each, each) for each in ids],
            )
        for number in range(batches):
            _insert(connection, batch(number), number, keys)
        connection.execute("COMMIT")
        connection.execute("USE memory")
        connection.execute("DETACH store")


def _insert(connection: duckdb.DuckDBPyConnection, each: Batch, number: int, keys: dict[str, int]) -> None:
    runs = {
        run_id: 3 * number + index
        for index, run_id in enumerate(dict.fromkeys(s.run_id for s in each.samples))
    }
    for run_id, run in runs.items():
        last = max(utc_naive(sample.at) for sample in each.samples if sample.run_id == run_id)
        connection.execute("INSERT INTO run_ids VALUES (?, ?, ?)", [run, run_id, last])
    for made in each.runs:
        at = utc_naive(made.tick_at)
        connection.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, 'completed', 0, 0, NULL, NULL, NULL)",
            [runs[made.run_id], keys[made.job_id], at, at, at],
        )
    for sample in each.samples:
        row = render_outcome(sample.outcome)
        connection.execute(
            "INSERT INTO samples (tick, job, destination, run, interval_s, outcome, address, sent, received, "
            "jitter_sum_ms, jitter_pairs, rtts_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                utc_naive(sample.at), keys[sample.job_id], keys[sample.destination_id], runs[sample.run_id],
                sample.interval_s, row.outcome, row.address, row.sent, row.received, row.jitter_sum_ms,
                row.jitter_pairs, row.rtts_ms,
            ],
        )  # fmt: skip
    connection.execute("INSERT INTO batches VALUES (?, ?)", [number + 1, each.batch_id])
