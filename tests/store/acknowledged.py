"""Whether a database holds what was acknowledged, once, and says of each day what was sent to it."""

import time
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from netstats_xl.domain.results import Batch, Period, Sample, packets_of, rtts_of
from netstats_xl.domain.zones import day_edges
from netstats_xl.ports import Dimension
from netstats_xl.store.auditing import check_rollups
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.store.killed_work import AFTER_THE_TICK, JOBS, LATEST_LATE_S, START, ZONE, batch, tick_of

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


@dataclass(frozen=True, slots=True)
class Checked:
    """What was seen of a database that is right."""

    reopened_s: float
    survived: bool
    """Whether the batch that was under way is there."""


def check(path: Path, known: Known) -> Checked:
    """See that the database is right.

    Raises:
        AssertionError: something was lost, is there twice, or is wrong.
    """
    now = tick_of(known.acknowledged) + AFTER_THE_TICK
    start_s = time.perf_counter()
    store = DuckDbStore.open(path, now=lambda: now)
    reopened_s = time.perf_counter() - start_s
    try:
        survived = known.under_way is not None and _knows(store, batch(known.under_way))
        stored = [*range(known.acknowledged), *([known.under_way] if survived and known.under_way else ())]
        _check_samples(store, stored, known.pruned_before)
        wrong = store._database.read(check_rollups)
        assert not wrong, "\n".join(wrong)
        _check_days(store, stored)
        rounds = {job: totals.rounds_done for job, totals in store.job_totals().items()}
        assert rounds == dict.fromkeys(JOBS, len(stored)), f"rounds are counted as {rounds}"
        return Checked(reopened_s, survived)
    finally:
        store.close()


def _knows(store: DuckDbStore, sent: Batch) -> bool:
    [(known,)] = store._database.read(
        lambda cursor: cursor.execute(
            "SELECT count(*) FROM run_ids WHERE run_id = ?", [sent.batch_id]
        ).fetchall()
    )
    return bool(known)


def _check_samples(store: DuckDbStore, stored: Sequence[int], pruned_before: datetime | None) -> None:
    """See that each sample is there once, or was allowed to be deleted."""
    always = Period(start=START - timedelta(days=9), end=tick_of(stored[-1] + 1))
    found = Counter(map(_identity, store.samples(always)))
    sent = Counter(_identity(sample) for number in stored for sample in batch(number).samples)
    more, missing = found - sent, sent - found
    assert not more, f"{more.total()} samples too many, such as {next(iter(more))}"
    lost = [key for key in missing if pruned_before is None or key[0] >= pruned_before]
    assert not lost, f"{len(lost)} samples were lost, such as {lost[0]}"


def _identity(sample: Sample) -> tuple[datetime, str, str, str]:
    return sample.at, sample.job_id, sample.destination_id, sample.run_id


def _check_days(store: DuckDbStore, stored: Sequence[int]) -> None:
    """See that each day, job and destination has what was sent, of all that was ever acknowledged."""
    start = START - timedelta(seconds=LATEST_LATE_S, days=1)
    period = Period(start=start, end=tick_of(stored[-1] + 1))
    edges = day_edges(period.start, period.end, ZONE)[1:]
    sent = _sent((sample for number in stored for sample in batch(number).samples), edges)
    found: dict[Bucket, Tally] = {}
    for group in store.summaries(
        Period(start=edges[0], end=period.end), by=(Dimension.JOB, Dimension.DESTINATION), edges=edges
    ):
        assert group.bucket_at
        assert group.job_id
        assert group.destination_id
        summary = group.summary
        found[group.bucket_at, group.job_id, group.destination_id] = Tally(
            summary.rounds_up + summary.rounds_down,
            summary.sent,
            summary.received,
            round((summary.rtt_mean_ms or 0) * summary.received * 1_000),
        )
    for key in sorted(sent.keys() | found.keys()):
        assert _agree(sent.get(key), found.get(key)), (
            f"{key}: {sent.get(key)} was sent, and {found.get(key)} is there"
        )


def _sent(samples: Iterable[Sample], edges: Sequence[datetime]) -> dict[Bucket, Tally]:
    """What the samples of each day, job and destination add up to."""
    sent: dict[Bucket, Tally] = {}
    for sample in samples:
        day = edges[bisect(edges, sample.at) - 1]
        key = (day, sample.job_id, sample.destination_id)
        packets, received = packets_of(sample.outcome)
        total_us = sum(round(rtt * 1_000) for rtt in rtts_of(sample.outcome) if rtt is not None)
        sent[key] = sent.get(key, Tally()) + Tally(1, packets, received, total_us)
    return sent


def _agree(sent: Tally | None, found: Tally | None) -> bool:
    """The counts must be the same; the sum, to a microsecond an RTT, as RTTs are stored in four bytes."""
    if sent is None or found is None:
        return False
    counts = (sent.rounds, sent.sent, sent.received) == (found.rounds, found.sent, found.received)
    return counts and abs(sent.total_us - found.total_us) <= sent.received
