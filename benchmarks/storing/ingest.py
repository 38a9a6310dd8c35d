"""Durable ingest and the size on the disk, beside SQLite: the same samples, batch by batch, in turn."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self
from unittest.mock import patch

import duckdb

from benchmarks.storing.measures import Measure, quantile, seconds_of
from benchmarks.storing.rounds import Rounds, definitions
from benchmarks.storing.sqlite import Sqlite
from netstats_xl.store.database import STORAGE_VERSION
from netstats_xl.store.duckdb_store import DuckDbStore

RAW = frozenset({"samples", "runs", "run_ids"})
DESTINATIONS = 1_000
ROWS_A_FILLING = 10_000
ROLLUPS = frozenset({"roll_1m", "roll_1h", "roll_1d", "roll_1mo"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of one batch size: how many batches, and the goal beside SQLite."""

    rows: int
    batches: int
    goal: float
    plain: bool = False
    """Whether it is stored in SQLite without an index as well."""
    before: int = 0
    """How many rows are there before, in both: what SQLite's index takes grows until each row needs a page of it."""


def measure(folder: Path, sizes: Sizes, *, start: datetime) -> Iterator[Measure]:
    """How many times SQLite's rows a second are stored; the files stay for `disk`.

    What it takes to work the log into the file counts, as it does for SQLite, whose commits do it. Rolling up, which
    SQLite does not do, is told beside.
    """
    if sizes.before:
        for made, copy in zip(
            _files_before(folder, sizes.before, start),
            (ours_of(folder, sizes), peer_of(folder, sizes)),
            strict=True,
        ):
            shutil.copy(made, copy)
    ours = DuckDbStore.open(ours_of(folder, sizes))
    if sizes.before:
        rounds = Rounds.following(ours, DESTINATIONS)
    else:
        ours.save_definitions(definitions(DESTINATIONS), at=start)
        rounds = Rounds(DESTINATIONS, start=start, seed=sizes.rows)
    peers = [Sqlite(peer_of(folder, sizes), indexed=True)]
    if sizes.plain:
        peers.append(Sqlite(folder / f"plain-{sizes.rows}.sqlite", indexed=False))
    took: list[list[float]] = [[] for _ in (ours, *peers)]
    rolling_up_s = 0.0
    working_in_s: list[float] = []
    work_log_in = ours._database.work_log_in  # `roll_up` calls it, among other things
    try:
        with patch.object(
            ours._database, "work_log_in", lambda: working_in_s.append(seconds_of(work_log_in))
        ):
            for batch in rounds.batches(sizes.batches, rows=sizes.rows):
                took[0].append(seconds_of(partial(ours.save, batch)))
                rolling_up_s += seconds_of(ours.roll_up)
                for peer, seconds in zip(peers, took[1:], strict=True):
                    seconds.append(seconds_of(partial(peer.save, batch.samples)))
    finally:
        ours.close()
        for peer in peers:
            peer.close()
    totals = [sum(each) for each in took]
    with_rollups = sizes.rows * sizes.batches / (totals[0] + rolling_up_s)
    totals[0] += sum(working_in_s)
    rates = [sizes.rows * sizes.batches / total for total in totals]
    yield Measure(
        name=f"ingest_{sizes.rows}_beside_sqlite",
        value=rates[0] / rates[1],
        goal=sizes.goal,
        relation=">=",
        beside=(
            f"{rates[0]:,.0f} rows/s, SQLite {rates[1]:,.0f} indexed"
            + "".join(f", {rate:,.0f} without" for rate in rates[2:])
            + "; "
            f"{sizes.batches} batches after {sizes.before:,} rows, medians "
            + " / ".join(f"{quantile(each, 0.5) * 1_000:.1f}" for each in took)
            + f" ms; working the log in {sum(working_in_s):.1f} s of ours {totals[0]:.1f}; "
            f"with the rollups made after each batch {with_rollups:,.0f} rows/s"
        ),
    )


def _files_before(folder: Path, rows: int, start: datetime) -> tuple[Path, Path]:
    """Ours and SQLite's with so many rows, which are made when they are asked for first."""
    paths = folder / f"before-{rows}.duckdb", folder / f"before-{rows}.sqlite"
    if paths[0].exists():
        return paths
    ours, peer = DuckDbStore.open(paths[0]), Sqlite(paths[1], indexed=True)
    try:
        ours.save_definitions(definitions(DESTINATIONS), at=start)
        for batch in Rounds(DESTINATIONS, start=start, seed=rows).batches(
            rows // ROWS_A_FILLING, rows=ROWS_A_FILLING
        ):
            ours.save(batch)
            peer.fill(batch.samples)
        while ours.roll_up():
            pass
    finally:
        ours.close()
        peer.close()
    return paths


def disk(folder: Path, sizes: Sizes, *, rounds: int) -> Iterator[Measure]:
    """Megabytes a million rounds of the files that `measure` left, once ours holds at least so many rounds."""
    ours, peer = ours_of(folder, sizes), peer_of(folder, sizes)
    saved = _fill(ours, sizes, rounds)
    million = saved / 1e6
    blocks = Blocks.of(ours)
    raw = (blocks.raw_bytes + blocks.free_bytes) / 1e6
    theirs = peer.stat().st_size / 1e6 * saved / (sizes.before + sizes.rows * sizes.batches)
    yield Measure(
        name="disk_mb_a_million_rounds",
        value=raw / million,
        goal=25,
        beside=(
            f"{million:.2f} million rounds of 4 packets; of it {blocks.free_bytes / 1e6 / million:.1f} are free; "
            f"the whole file {ours.stat().st_size / 1e6 / million:.1f}, with rollups and what is fixed"
        ),
    )
    yield Measure(
        name="disk_beside_sqlite",
        value=raw / theirs,
        goal=1 / 3,
        beside=(
            f"SQLite {theirs / million:.1f} MB a million, indexed; the whole file "
            f"is {ours.stat().st_size / 1e6 / theirs:.3f} of it"
        ),
    )


def _fill(path: Path, sizes: Sizes, rounds: int) -> int:
    """Save more batches of these sizes until the file holds so many rounds; how many it holds then."""
    store = DuckDbStore.open(path)
    try:
        saved = store.info().samples
        feed = Rounds.following(store, DESTINATIONS)
        for batch in feed.batches(max(0, -(-(rounds - saved) // sizes.rows)), rows=sizes.rows):
            store.save(batch)
        return store.info().samples
    finally:
        store.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """What the blocks of a closed database hold."""

    raw_bytes: float
    """Of the raw rows. Of blocks that tables share, each table has a part."""
    rollups_bytes: float
    free_bytes: float

    @classmethod
    def of(cls, path: Path) -> Self:
        """Those of this file."""
        with duckdb.connect(path, read_only=True) as connection:
            [(size, free)] = connection.execute(
                "SELECT block_size, free_blocks FROM pragma_database_size()"
            ).fetchall()
            holders: dict[int, set[str]] = {}
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                for single, more in connection.execute(
                    f"SELECT block_id, additional_block_ids FROM pragma_storage_info('{table}')"
                ).fetchall():
                    for block in (single, *(more or ())):
                        if block is not None and block >= 0:
                            holders.setdefault(block, set()).add(table)
        raw, rollups = (
            size * sum(len(tables & some) / len(tables) for tables in holders.values())
            for some in (RAW, ROLLUPS)
        )
        return cls(raw_bytes=raw, rollups_bytes=rollups, free_bytes=free * size)


def rollups_bytes(path: Path, folder: Path, *, copies: int) -> float:
    """What the rollups of a closed database take where they fill blocks: beside copies for other destinations."""
    many = folder / "rollups.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
        connection.execute(f"ATTACH '{many}' AS target (STORAGE_VERSION '{STORAGE_VERSION}')")
        for table in sorted(ROLLUPS):
            connection.execute(f"CREATE TABLE target.{table} AS FROM source.{table} LIMIT 0")
            for number in range(copies):
                connection.execute(
                    f"INSERT INTO target.{table} SELECT * REPLACE (destination + ? AS destination) "
                    f"FROM source.{table}",
                    [number * 100_000],
                )
    size = Blocks.of(many).rollups_bytes / copies
    many.unlink()
    return size


def ours_of(folder: Path, sizes: Sizes) -> Path:
    return folder / f"ours-{sizes.rows}.duckdb"


def peer_of(folder: Path, sizes: Sizes) -> Path:
    return folder / f"peer-{sizes.rows}.sqlite"
