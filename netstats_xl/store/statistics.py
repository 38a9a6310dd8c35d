"""Statistics of any period: exact from few samples, and else from the coarsest rollups that will do."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from netstats_xl.domain.histograms import middle_ms
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.tallies import summary_of
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.ports import Dimension, GroupSummary
from netstats_xl.store import raw_statistics
from netstats_xl.store.coverage import load_coverage
from netstats_xl.store.database import Cursor
from netstats_xl.store.merging import Group, Histograms, added_up, is_narrow, parts_of
from netstats_xl.store.planning import Coverage, alignment, pieces
from netstats_xl.store.raw_statistics import RFC3550_DIFFERENCES
from netstats_xl.store.selection import aware, in_period, in_scope
from netstats_xl.store.stretches import Stretches

FEW_SAMPLES = 50_000
"""So many samples of a period, of whatever job and destination, are added up at once, with exact percentiles."""
_NO_EDGE = datetime.min.replace(tzinfo=UTC)
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
) -> list[GroupSummary]:
    """As `ports.ResultStore.summaries`."""
    coverage = load_coverage(cursor)
    if has_few_samples(cursor, period, coverage):
        return raw_statistics.summaries(cursor, period, scope, by, edges, percentiles=percentiles)
    if percentiles and not edges and not is_narrow(scope):
        return stretches.summaries(cursor, period, scope, by)
    keys = [dimension.value for dimension in Dimension if dimension in by]
    coarsest: Level | None = Level.MONTH
    if edges:
        keys.insert(0, "edge")
        if edges[0] >= period.end:
            return []
        period = Period(start=max(period.start, edges[0]), end=period.end)
        inner = [edge for edge in edges if period.start < edge < period.end]
        coarsest = alignment(inner, coverage.zone)
    groups = added_up(
        cursor,
        parts_of(pieces(period, coverage, percentiles=percentiles, coarsest=coarsest)),
        scope,
        keys,
        edges=edges,
        histograms=Histograms.RANKS if percentiles else Histograms.NOTHING,
    )
    return named(cursor, keys, groups)


def named(cursor: Cursor, keys: Sequence[str], groups: Collection[Group]) -> list[GroupSummary]:
    """The groups' summaries under the IDs of their jobs and destinations, in the order of the port."""
    ids = {
        key: dict(cursor.execute(f"SELECT key, id FROM {key}s").fetchall())  # noqa: S608 - a table of this package
        for key in keys
        if key != "edge"
    }
    found = []
    for group in groups:
        values = dict(zip(keys, group.keys, strict=True))
        edge = values.get("edge")
        assert edge is None or isinstance(edge, datetime)
        found.append(
            GroupSummary(
                job_id=ids["job"][values["job"]] if "job" in values else None,
                destination_id=ids["destination"][values["destination"]] if "destination" in values else None,
                bucket_at=None if edge is None else aware(edge),
                summary=summary_of(group.sums, group.low_us, group.high_us, group.percentiles),
            )
        )
    # Where a group has no such key, none has.
    found.sort(key=lambda each: (each.bucket_at or _NO_EDGE, each.job_id or "", each.destination_id or ""))
    return found


def jitter_rfc3550(cursor: Cursor, period: Period, scope: Scope) -> dict[tuple[JobId, DestinationId], float]:
    """As `ports.ResultStore.jitter_rfc3550`, of the samples that are still there.

    It forgets: only the last differences of each pair count, so it is not looked further back for than need be.
    """
    coverage = load_coverage(cursor)
    start = max(period.start, min(coverage.begins(None), period.end))
    whole = replace(period, start=start)
    if has_few_samples(cursor, whole, coverage):
        return raw_statistics.jitter_rfc3550(cursor, whole, scope)
    groups = added_up(
        cursor, parts_of(pieces(whole, coverage, percentiles=False)), scope, ["job", "destination"]
    )
    needed = {group.keys: min(group.sums.jitter_pairs, RFC3550_DIFFERENCES) for group in groups}
    look_back = _FIRST_LOOK_BACK
    while True:
        since = max(start, period.end - min(look_back, period.length))
        last = replace(period, start=since)
        if since == start or _has_differences(cursor, last, scope, needed):
            return raw_statistics.jitter_rfc3550(cursor, last, scope)
        look_back *= _LOOK_BACK_GROWTH


def histogram(cursor: Cursor, period: Period, scope: Scope, edges_ms: Sequence[float]) -> list[int]:
    """As `ports.ResultStore.histogram`: each RTT of a bin of the rollups counts at its middle."""
    coverage = load_coverage(cursor)
    if has_few_samples(cursor, period, coverage):
        return raw_statistics.histogram(cursor, period, scope, edges_ms)
    parts = parts_of(pieces(period, coverage, percentiles=True))
    counts = [0] * (len(edges_ms) - 1)
    for group in added_up(cursor, parts, scope, histograms=Histograms.BINS):
        if group.low_us is None or group.high_us is None:
            continue
        for number, count in group.bins:
            rtt_ms = min(max(middle_ms(number), group.low_us / 1_000), group.high_us / 1_000)
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
