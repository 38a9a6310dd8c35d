"""Statistics of any period: exact from few samples, and else from the coarsest rollups that will do."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from netstats_xl.domain.histograms import middle_ms
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.tallies import SUMS, Percentiles, Tally, percentiles_among
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.ports import Dimension, GroupSummary
from netstats_xl.store import catalogue, raw_statistics
from netstats_xl.store.coverage import load_coverage
from netstats_xl.store.database import Cursor
from netstats_xl.store.kept_percentiles import tallies_and_percentiles
from netstats_xl.store.planning import Coverage, alignment, pieces
from netstats_xl.store.raw_statistics import RFC3550_DIFFERENCES
from netstats_xl.store.selection import aware, in_period, in_scope
from netstats_xl.store.statements import Figures, Keys, Which, few_destinations
from netstats_xl.store.stretch import Present
from netstats_xl.store.stretches import ALWAYS, Stretches
from netstats_xl.store.tallying import parts_of, ranks, tallies

Names = Mapping[str, Mapping[object, str]]
"""The IDs of the tables' keys, of `job` and `destination`."""
FEW_SAMPLES = 50_000
"""So many samples of a period, of whatever job and destination, are added up at once, with exact percentiles."""
_NO_EDGE = datetime.min.replace(tzinfo=UTC)
_PAIRS = SUMS.index("jitter_pairs")
_FIRST_LOOK_BACK = timedelta(hours=1)
_LOOK_BACK_GROWTH = 4


def summaries(
    cursor: Cursor,
    period: Period,
    scope: Scope,
    by: Collection[Dimension],
    edges: Sequence[datetime],
    *,
    percentiles: bool,
    stretches: Stretches,
    present: Present,
) -> list[GroupSummary]:
    """As `ports.ResultStore.summaries`."""
    coverage = load_coverage(cursor)
    if has_few_samples(cursor, period, coverage):
        return raw_statistics.summaries(cursor, period, scope, by, edges, percentiles=percentiles)
    if _is_of_many(scope, edges, percentiles=percentiles):
        return stretches.summaries(cursor, period, scope, by, present)
    which, names = which_of(scope, present.keys)
    keys = [dimension.value for dimension in Dimension if dimension in by]
    coarsest: Level | None = Level.MONTH
    if edges:
        keys.insert(0, "edge")
        if edges[0] >= period.end:
            return []
        period = Period(start=max(period.start, edges[0]), end=period.end)
        coarsest = alignment([edge for edge in edges if period.start < edge < period.end], coverage.zone)
    parts = parts_of(pieces(period, coverage, percentiles=percentiles, coarsest=coarsest))
    if not percentiles:
        figures = Figures.PLAIN
        return _named(
            keys, tallies(cursor, parts, which, keys, edges=edges, figures=figures), {}, names, figures
        )
    if which.few and edges:
        found, known = tallies_and_percentiles(cursor, parts, which, keys, edges)
        return _named(keys, found, known, names, Figures.ALL)
    if which.few:
        return _named(keys, tallies(cursor, parts, which, keys), {}, names, Figures.ALL)
    ranked = ranks(cursor, parts, which, keys, edges)
    found = tallies(cursor, parts, which, keys, edges=edges, figures=Figures.SUMS)
    known = {
        group: percentiles_among(*where, found[group].low_us, found[group].high_us)
        for group, where in ranked.items()
    }
    return _named(keys, found, known, names, Figures.SUMS)


def remembered(
    period: Period,
    scope: Scope,
    by: Collection[Dimension],
    edges: Sequence[datetime],
    *,
    percentiles: bool,
    stretches: Stretches,
    present: Present,
) -> list[GroupSummary] | None:
    """As `summaries`, without a look at the tables; None: one is needed."""
    if not _is_of_many(scope, edges, percentiles=percentiles):
        return None
    return stretches.remembered(period, scope, by, present, more_than=FEW_SAMPLES)


def _is_of_many(scope: Scope, edges: Sequence[datetime], *, percentiles: bool) -> bool:
    """Whether it is a question of the kind that is remembered."""
    return percentiles and not edges and not few_destinations(scope.destination_ids)


def keep_ready(
    cursor: Cursor, stretches: Stretches, present: Present, newest_at: datetime | None
) -> Period | None:
    """Have the answers ready that are asked for again and again, those of the last day from the beginning.

    To be called now and then; `newest_at` is the newest tick. Returns that day when it has just become ready.
    """
    stretches.follow(cursor, present)
    if newest_at is None or stretches.knows(ALWAYS):
        return None
    after = newest_at + timedelta(microseconds=1)
    last = Period(start=after - ALWAYS, end=after)
    if has_few_samples(cursor, last, present.coverage):
        return None
    stretches.prepare(cursor, last, present)
    return last


def which_of(scope: Scope, keys: catalogue.Keys) -> tuple[Which, Names]:
    """The scope by the tables' keys, and the ID of each key in it."""
    names: dict[str, dict[object, str]] = {}
    wanted: dict[str, list[int] | None] = {}
    for column, ids, known in (
        ("job", scope.job_ids, keys.jobs),
        ("destination", scope.destination_ids, keys.destinations),
    ):
        # A copy: meanwhile another thread may add some.
        chosen = known.copy() if ids is None else {each: known[each] for each in sorted(ids) if each in known}
        names[column] = {key: each for each, key in chosen.items()}
        wanted[column] = None if ids is None else list(chosen.values())
    return Which(jobs=wanted["job"], destinations=wanted["destination"]), names


def _named(
    keys: Sequence[str],
    found: Mapping[Keys, Tally],
    known: Mapping[Keys, Percentiles],
    names: Names,
    figures: Figures,
) -> list[GroupSummary]:
    """The groups' summaries under the IDs of their jobs and destinations, in the order of the port.

    `known`: the percentiles of groups whose tally has no histogram.
    """
    place = {key: number for number, key in enumerate(keys)}
    edge, job, destination = (place.get(key) for key in ("edge", "job", "destination"))
    groups = []
    for values, tally in found.items():
        begun = None if edge is None else values[edge]
        groups.append(
            GroupSummary(
                job_id=None if job is None else names["job"][values[job]],
                destination_id=None if destination is None else names["destination"][values[destination]],
                bucket_at=aware(begun) if isinstance(begun, datetime) else None,
                summary=tally.summary(known.get(values), deviation=figures is not Figures.PLAIN),
            )
        )
    # Where a group has no such key, none has.
    groups.sort(key=lambda each: (each.bucket_at or _NO_EDGE, each.job_id or "", each.destination_id or ""))
    return groups


def jitter_rfc3550(
    cursor: Cursor, period: Period, scope: Scope, keys: catalogue.Keys
) -> dict[tuple[JobId, DestinationId], float]:
    """As `ports.ResultStore.jitter_rfc3550`, of the samples that are still there.

    It forgets: only the last differences of each pair count, so it is not looked further back for than need be.
    """
    coverage = load_coverage(cursor)
    start = max(period.start, min(coverage.begins(None), period.end))
    whole = replace(period, start=start)
    if has_few_samples(cursor, whole, coverage):
        return raw_statistics.jitter_rfc3550(cursor, whole, scope)
    which, _ = which_of(scope, keys)
    parts = parts_of(pieces(whole, coverage, percentiles=False))
    pairs = tallies(cursor, parts, which, ["job", "destination"], figures=Figures.PLAIN)
    needed = {pair: min(tally.sums[_PAIRS], RFC3550_DIFFERENCES) for pair, tally in pairs.items()}
    look_back = _FIRST_LOOK_BACK
    while True:
        since = max(start, period.end - min(look_back, period.length))
        last = replace(period, start=since)
        if since == start or _has_differences(cursor, last, scope, needed):
            return raw_statistics.jitter_rfc3550(cursor, last, scope)
        look_back *= _LOOK_BACK_GROWTH


def histogram(
    cursor: Cursor, period: Period, scope: Scope, edges_ms: Sequence[float], keys: catalogue.Keys
) -> list[int]:
    """As `ports.ResultStore.histogram`: each RTT of a bin of the rollups counts at its middle."""
    coverage = load_coverage(cursor)
    if has_few_samples(cursor, period, coverage):
        return raw_statistics.histogram(cursor, period, scope, edges_ms)
    which, _ = which_of(scope, keys)
    counts = [0] * (len(edges_ms) - 1)
    for tally in tallies(cursor, parts_of(pieces(period, coverage, percentiles=True)), which).values():
        if tally.low_us is None or tally.high_us is None:
            continue
        for number, count in enumerate(tally.counts, start=tally.first_bin):
            rtt_ms = min(max(middle_ms(number), tally.low_us / 1_000), tally.high_us / 1_000)
            if edges_ms[0] <= rtt_ms < edges_ms[-1]:
                counts[bisect_right(edges_ms, rtt_ms) - 1] += count
    return counts


def has_few_samples(cursor: Cursor, period: Period, coverage: Coverage) -> bool:
    """Whether all samples of the period are there, and no more than so many."""
    if period.start < coverage.begins(None):
        return False
    when, parameters = in_period(period)
    [(number,)] = cursor.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM samples WHERE {when} LIMIT {FEW_SAMPLES + 1})",  # noqa: S608 - built from constants
        parameters,
    ).fetchall()
    return bool(number <= FEW_SAMPLES)


def _has_differences(
    cursor: Cursor, period: Period, scope: Scope, needed: Mapping[tuple[object, ...], int]
) -> bool:
    """Whether the period has as many differences of consecutive RTTs of each pair."""
    when, when_parameters = in_period(period)
    which, which_parameters = in_scope(scope)
    rows = cursor.execute(
        f"SELECT job, destination, sum(jitter_pairs) FROM samples WHERE {when}{which} GROUP BY ALL",  # noqa: S608 - built from constants
        when_parameters | which_parameters,
    ).fetchall()
    found: dict[tuple[object, ...], int] = {(job, destination): number for job, destination, number in rows}
    return all(found.get(pair, 0) >= number for pair, number in needed.items())
