"""Kill a process while it writes to the store, and see what is there then; again and again.

    python -m tests.store.killing [KILLS] [SEED]

The process is killed at a random moment of what a coin says: opening, migrating, saving, sealing, deleting, backing up
or closing. Its file is copied as it lies there. The copy must open at once and hold each acknowledged sample once, and
what it says of each day must be what was sent to it, counted here. The next process goes on with the file itself.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Timer

import duckdb

from netstats_xl.domain.results import Batch, Period, packets_of, rtts_of
from netstats_xl.domain.zones import day_edges
from netstats_xl.ports import Dimension
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.auditing import check_rollups
from netstats_xl.store.database import STORAGE_VERSION
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.migrations import MIGRATIONS, migrate
from netstats_xl.store.outcomes import render_outcome
from netstats_xl.store.verifying import verify
from tests.store import killed_work
from tests.store.killed_work import (
    BACKING_UP,
    CLOSING,
    DESTINATIONS,
    JOBS,
    LATEST_LATE_S,
    OPENING,
    PRUNING,
    SAVING,
    SEALING,
    START,
    ZONE,
    batch,
    tick_of,
)

MIGRATING = "migrate"
TARGETS = {OPENING: 1, MIGRATING: 2, SAVING: 4, SEALING: 5, PRUNING: 3, BACKING_UP: 2, CLOSING: 1}
"""What a process is killed in, and how often of all."""
LONGEST_S = {OPENING: 0.1, MIGRATING: 0.2, SAVING: 0.02, SEALING: 0.05, PRUNING: 0.1, BACKING_UP: 0.4, CLOSING: 0.03}
"""Until when it is killed at the latest: about how long that takes."""
KILLED_WITHIN_S = 60
OLD_VERSION = 4
OLD_BATCHES = 60
"""How many batches a database of the old version holds."""
Bucket = tuple[datetime, str, str]
"""When a day began, a job and a destination."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the samples of a bucket add up to."""

    rounds: int = 0
    sent: int = 0
    received: int = 0
    total_us: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.rounds + other.rounds,
            self.sent + other.sent,
            self.received + other.received,
            self.total_us + other.total_us,
        )


@dataclass(slots=True)
class Known:
    """What must be in a database, as it was acknowledged."""

    acknowledged: int = 0
    """Batches: those with the numbers below."""
    under_way: int | None = None
    """The number of the batch that was being saved, which may be there."""
    pruned_before: datetime | None = None
    """Samples before it may be gone, but for the rollups."""


@dataclass(slots=True)
class Findings:
    """What was seen over all kills."""

    kills: Counter[str] = field(default_factory=Counter)
    """In what the process was killed."""
    databases: int = 0
    acknowledged: int = 0
    survived: int = 0
    """Batches that were stored though the process was killed before it could say so."""
    backups: int = 0
    reopened_s: list[float] = field(default_factory=list)

    def told(self) -> str:
        """In words."""
        kills = ", ".join(f"{count} in {doing!r}" for doing, count in sorted(self.kills.items()))
        ordered = sorted(self.reopened_s)
        return (
            f"{self.kills.total()} kills: {kills}.\n{self.databases} databases, {self.acknowledged} acknowledged batches: "
            f"none lost, none twice, all days right. {self.survived} batches survived unacknowledged, "
            f"{self.backups} backups were found whole.\nReopened in {ordered[len(ordered) // 2]:.3f} s "
            f"(median), {ordered[-1]:.3f} s at worst."
        )


def kill_again_and_again(folder: Path, kills: int, seed: int) -> Findings:
    """Kill so many processes.

    Raises:
        AssertionError: something was lost, was there twice, or is wrong.
    """
    draw, findings = Random(seed), Findings()
    path = folder / "results.duckdb"
    known = Known()
    for number in range(kills):
        [target] = draw.choices(list(TARGETS), weights=list(TARGETS.values()))
        if target == MIGRATING or number == 0:
            known = Known(acknowledged=OLD_BATCHES)
            _clear(folder)
            make_old_database(path, OLD_BATCHES)
            findings.databases += 1
            findings.acknowledged += OLD_BATCHES
        before = known.acknowledged
        doing = _kill_one(path, known, target, draw)
        findings.kills[MIGRATING if doing == OPENING and target == MIGRATING else doing] += 1
        findings.acknowledged += known.acknowledged - before
        with _copy_of(path) as copy:
            try:
                _check(copy, known, findings)
            except AssertionError as error:
                error.add_note(f"after kill {number} of seed {seed}, in {doing!r}, with {known}")
                raise
        findings.backups += _check_backups(folder)
    return findings


def make_old_database(path: Path, batches: int) -> None:
    """A database as version 4 of the tables made it, with the first batches."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE store")
        migrate(connection, path, migrations=MIGRATIONS[:OLD_VERSION])
        keys = {each: key for ids in (DESTINATIONS, tuple(JOBS)) for key, each in enumerate(ids, start=1)}
        connection.execute("BEGIN")
        for table, ids in (("destinations", DESTINATIONS), ("jobs", tuple(JOBS))):
            connection.executemany(
                f"INSERT INTO {table} (key, id, name, position, active{', host, group_name' if ids is DESTINATIONS else ''}) "
                f"VALUES (?, ?, ?, 0, false{', $$$$, $$$$' if ids is DESTINATIONS else ''})",
                [(keys[each], each, each) for each in ids],
            )
        for number in range(batches):
            _insert(connection, batch(number), number, keys)
        connection.execute("COMMIT")
        connection.execute("USE memory")
        connection.execute("DETACH store")


def _insert(connection: duckdb.DuckDBPyConnection, each: Batch, number: int, keys: dict[str, int]) -> None:
    runs = {run_id: 3 * number + index for index, run_id in enumerate(dict.fromkeys(s.run_id for s in each.samples))}
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


def _kill_one(path: Path, known: Known, target: str, draw: Random) -> str:
    """Have a process work on the database and kill it; what it was doing then, and `known` is brought up to date."""
    first = known.acknowledged
    command = [sys.executable, "-m", killed_work.__name__, str(path), str(first), str(draw.randrange(1 << 30))]
    skipped = 0 if target in (OPENING, MIGRATING) else draw.randrange(12)
    doing, killer = "start", None
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        deadline = Timer(KILLED_WITHIN_S, process.kill)
        deadline.start()
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # killed while it wrote the line
            if line == "done\n":
                if doing == SAVING:
                    known.acknowledged, known.under_way = known.acknowledged + 1, None
                doing = "nothing"
            else:
                doing, _, what = line.rstrip().partition(":")
                if doing == SAVING:
                    known.under_way = int(what)
                elif doing == PRUNING:
                    cutoff = datetime.fromisoformat(what)
                    known.pruned_before = max(known.pruned_before or cutoff, cutoff)
            begun = doing == target or (doing == OPENING and target == MIGRATING)
            skipped -= doing != "nothing"
            if killer is None and begun and skipped < 0:
                killer = Timer(draw.uniform(0, LONGEST_S[target]), process.kill)
                killer.start()
        complaint = process.stderr.read()
        deadline.cancel()
    assert killer is not None and not complaint, f"the process was not killed, it ended by itself: {complaint}"
    return doing


@contextmanager
def _copy_of(path: Path) -> Iterator[Path]:
    """A copy of the database as the killed process left it."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        for each in (path, path.with_name(path.name + ".wal")):
            if each.exists():
                shutil.copy(each, name)
        yield Path(name) / path.name


def _check(path: Path, known: Known, findings: Findings) -> None:
    now = tick_of(known.acknowledged) + timedelta(seconds=45)
    start_s = time.perf_counter()
    store = DuckDbStore.open(path, now=lambda: now)
    findings.reopened_s.append(time.perf_counter() - start_s)
    try:
        stored = list(range(known.acknowledged))
        if known.under_way is not None and _knows(store, batch(known.under_way)):
            findings.survived += 1
            stored.append(known.under_way)
        _check_samples(store, stored, known.pruned_before)
        wrong = store._database.read(check_rollups)
        assert not wrong, "\n".join(wrong)
        _check_days(store, stored)
        rounds = {job: totals.rounds_done for job, totals in store.job_totals().items()}
        assert rounds == dict.fromkeys(JOBS, len(stored)), f"rounds are counted as {rounds}"
    finally:
        store.close()


def _knows(store: DuckDbStore, sent: Batch) -> bool:
    [(known,)] = store._database.read(
        lambda cursor: cursor.execute(
            "SELECT count(*) FROM batches WHERE batch_id = ?", [sent.batch_id]
        ).fetchall()
    )
    return bool(known)


def _check_samples(store: DuckDbStore, stored: Sequence[int], pruned_before: datetime | None) -> None:
    """See that each sample is there once, or was allowed to be deleted."""
    always = Period(start=START - timedelta(days=9), end=tick_of(stored[-1] + 1))
    found = Counter(
        (sample.at, sample.job_id, sample.destination_id, sample.run_id, rtts_of(sample.outcome)[:1] == (None,))
        for sample in store.samples(always)
    )
    sent = Counter(
        (sample.at, sample.job_id, sample.destination_id, sample.run_id, rtts_of(sample.outcome)[:1] == (None,))
        for number in stored
        for sample in batch(number).samples
    )
    more, missing = found - sent, sent - found
    assert not more, f"{more.total()} samples too many, such as {next(iter(more))}"
    lost = [key for key in missing if pruned_before is None or key[0] >= pruned_before]
    assert not lost, f"{len(lost)} samples were lost, such as {lost[0]}"


def _check_days(store: DuckDbStore, stored: Sequence[int]) -> None:
    """See that each day, job and destination has what was sent, of all that was ever acknowledged."""
    start = START - timedelta(seconds=LATEST_LATE_S, days=1)
    period = Period(start=start, end=tick_of(stored[-1] + 1))
    edges = day_edges(period.start, period.end, ZONE)[1:]
    sent: dict[Bucket, Tally] = {}
    for number in stored:
        for sample in batch(number).samples:
            day = max(edge for edge in edges if edge <= sample.at)
            key = (day, sample.job_id, sample.destination_id)
            packets, received = packets_of(sample.outcome)
            rtts = [rtt for rtt in rtts_of(sample.outcome) if rtt is not None]
            sent[key] = sent.get(key, Tally()) + Tally(1, packets, received, sum(round(rtt * 1_000) for rtt in rtts))
    found: dict[Bucket, Tally] = {}
    for group in store.summaries(
        Period(start=edges[0], end=period.end), by=(Dimension.JOB, Dimension.DESTINATION), edges=edges
    ):
        assert group.bucket_at and group.job_id and group.destination_id
        summary = group.summary
        found[group.bucket_at, group.job_id, group.destination_id] = Tally(
            summary.rounds_up + summary.rounds_down,
            summary.sent,
            summary.received,
            round((summary.rtt_mean_ms or 0) * summary.received * 1_000),
        )
    for key in sorted(sent.keys() | found.keys()):
        assert _agree(sent.get(key), found.get(key)), f"{key}: {sent.get(key)} was sent, and {found.get(key)} is there"


def _agree(sent: Tally | None, found: Tally | None) -> bool:
    """Counts must be the same. Sums rest on RTTs that are stored as floats of four bytes: a microsecond each is allowed."""
    if sent is None or found is None:
        return False
    counts = (sent.rounds, sent.sent, sent.received) == (found.rounds, found.sent, found.received)
    return counts and abs(sent.total_us - found.total_us) <= sent.received


def _check_backups(folder: Path) -> int:
    """See that each backup that has its name is whole; how many there were, which are removed."""
    backups = list(folder.glob("backup-*.duckdb"))
    for each in backups:
        flaws = verify(each).flaws
        assert not flaws, f"{each.name}: {flaws}"
        each.unlink()
    return len(backups)


def _clear(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()


def main(arguments: Sequence[str]) -> None:
    """Kill as often as the first argument says, with the second one as the seed."""
    kills, seed = (int(each) for each, _ in zip([*arguments, *("250", "1")[len(arguments) :]], range(2), strict=True))
    with tempfile.TemporaryDirectory(prefix="netstats-xl-kills-") as name:
        print(kill_again_and_again(Path(name), kills, seed).told())


if __name__ == "__main__":
    main(sys.argv[1:])
