"""How far percentiles are off after merging."""

from array import array
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.storing.history import DAY, HOUR
from benchmarks.storing.measures import Measure
from benchmarks.storing.rounds import Rounds, batch_of, definitions, id_of
from netstats_xl.domain.results import Period, Sample, Scope, rtts_of
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.store.duckdb_store import DuckDbStore

Rtts = tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]


def percentiles(
    folder: Path, *, destinations: int, days: int, questions: int, end: datetime
) -> Iterator[Measure]:
    """The store's percentiles beside numpy's of the same RTTs, when the raw rows are gone."""
    path = folder / "accuracy.duckdb"
    start = end - days * DAY
    feed = Rounds(destinations, start=start, seed=6)
    store = DuckDbStore.open(path)
    store.save_definitions(definitions(destinations), at=start)
    kept = {id_of(number): (array("d"), array("d")) for number in range(destinations)}
    try:
        while feed.next_at < end:
            samples: list[Sample] = []
            while len(samples) < 10_000 and feed.next_at < end:
                samples += feed.round()
            store.save(batch_of(samples))
            for sample in samples:
                ticks, rtts = kept[sample.destination_id]
                found = [rtt for rtt in rtts_of(sample.outcome) if rtt is not None]
                rtts.extend(found)
                ticks.extend([sample.at.timestamp()] * len(found))
        while store.roll_up():
            pass
        store.prune(Cutoffs(raw=end))
        left = store.info().samples
        arrays = {each: (np.array(ticks), np.array(rtts)) for each, (ticks, rtts) in kept.items()}
        errors = [
            _error(store, arrays, start=start, hours=days * 24, draw=Random(number))
            for number in range(questions)
        ]
    finally:
        store.close()
    packets = sum(len(rtts) for _, rtts in arrays.values())
    yield Measure(
        name="percentile_error_percent",
        value=100 * max(errors),
        goal=1,
        beside=(
            f"the worst of {3 * questions} percentiles of up to {packets:,} RTTs, merged from all levels; of the raw "
            f"rows {left:,} were left"
        ),
    )


def _error(store: DuckDbStore, found: dict[str, Rtts], *, start: datetime, hours: int, draw: Random) -> float:
    """The largest error of p50, p95 and p99 of some destinations over some whole hours, as a share of the value."""
    first, last = sorted(draw.sample(range(hours), 2))
    period = Period(start=start + first * HOUR, end=start + last * HOUR)
    chosen = draw.sample(sorted(found), draw.randint(1, len(found)))
    scope = Scope(destination_ids=frozenset(chosen))
    [group] = store.summaries(period, scope=scope)
    since, until = period.start.timestamp(), period.end.timestamp()
    rtts = np.concatenate([rtt[(at >= since) & (at < until)] for at, rtt in (found[each] for each in chosen)])
    true = np.percentile(rtts, (50, 95, 99))
    summary = group.summary
    assert summary.received == len(rtts), f"{summary.received} RTTs where {len(rtts)} were saved"
    ours = (summary.p50_ms, summary.p95_ms, summary.p99_ms)
    return float(
        max(abs((mine or 0.0) - each) / each for mine, each in zip(ours, true.tolist(), strict=True))
    )
