"""Exact statistics of raw samples, in SQL. The figures are those of `domain/rollups.py`, from the same rules."""

from collections.abc import Collection, Sequence
from datetime import datetime

from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.rollups import P95_NEEDS, P99_NEEDS, Summary
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.ports import Dimension, GroupSummary
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.selection import Parameters, aware, in_period, in_scope

RFC3550_DIFFERENCES = 640
"""How far RFC 3550's jitter remembers: what 640 differences ago weighed 1 weighs 1e-18."""


def summaries(
    cursor: Cursor,
    period: Period,
    scope: Scope,
    by: Collection[Dimension],
    edges: Sequence[datetime],
    *,
    percentiles: bool,
) -> list[GroupSummary]:
    """As `ports.ResultStore.summaries`. Not of many samples: DuckDB keeps all RTTs in memory for the percentiles."""
    where, parameters = _where(period, scope)
    keys = [dimension.value for dimension in Dimension if dimension in by]
    if edges:
        keys.insert(0, "bucket")
        parameters["edges"] = [utc_naive(edge) for edge in edges]
    sql = f"""
        WITH {_chosen(keys, where)},
        rounds AS (
            SELECT {_list(keys)}
                count(*) FILTER (received > 0) AS up, count(*) FILTER (received = 0) AS down,
                coalesce(sum(interval_s) FILTER (received > 0), 0) AS up_s,
                coalesce(sum(interval_s) FILTER (received = 0), 0) AS down_s,
                sum(sent) AS sent, sum(jitter_sum_ms) AS jitter_sum_ms, sum(jitter_pairs) AS jitter_pairs
            FROM chosen {_group(keys)}
        ),
        spread AS (
            SELECT {_list(keys)}
                count(*) AS received, min(rtt) AS low, max(rtt) AS high,
                avg(rtt::DOUBLE) AS mean, var_pop(rtt::DOUBLE) * count(*) AS m2,
                {"quantile_cont(rtt, [0.5, 0.95, 0.99])" if percentiles else "[NULL, NULL, NULL]"} AS q
            FROM packets {_group(keys)}
        )
        SELECT {_outer(keys)}, up, down, up_s, down_s, sent, coalesce(received, 0), low, high, mean,
            {"coalesce(m2, 0)" if percentiles else "NULL"},
            jitter_sum_ms, jitter_pairs, {"coalesce(received, 0)" if percentiles else "0"}, q[1],
            CASE WHEN received >= {P95_NEEDS} THEN q[2] END, CASE WHEN received >= {P99_NEEDS} THEN q[3] END
        FROM rounds {_join("spread", keys)}
        {_names(keys)}
        WHERE up + down > 0
        ORDER BY 1, 2, 3
    """  # noqa: S608 - built from constants; values are bound
    rows = cursor.execute(sql, parameters).fetchall()
    return [_group_summary(row) for row in rows]


def jitter_rfc3550(cursor: Cursor, period: Period, scope: Scope) -> dict[tuple[JobId, DestinationId], float]:
    """As `ports.ResultStore.jitter_rfc3550`.

    J += (|D| - J) / 16 from 0 is the sum of |D| / 16 * (15 / 16)^k, with k differences after it.
    """
    where, parameters = _where(period, scope)
    rows = cursor.execute(
        f"""
        WITH paired AS (SELECT job, destination, tick, rtts_ms FROM samples WHERE {where} AND jitter_pairs > 0),
        remembered AS (
            SELECT job, destination, list_min(max(tick, {RFC3550_DIFFERENCES})) AS since FROM paired GROUP BY ALL
        ),
        packets AS (
            SELECT job, destination, tick, generate_subscripts(rtts_ms, 1) AS position, unnest(rtts_ms)::DOUBLE AS rtt
            FROM paired JOIN remembered USING (job, destination) WHERE tick >= since
        ),
        differences AS (
            SELECT job, destination, tick, position,
                abs(rtt - lag(rtt) OVER (PARTITION BY job, destination, tick ORDER BY position)) AS difference
            FROM packets
        ),
        ranked AS (
            SELECT job, destination, difference,
                row_number() OVER (PARTITION BY job, destination ORDER BY tick DESC, position DESC) - 1 AS later
            FROM differences WHERE difference IS NOT NULL
        )
        SELECT jobs.id, destinations.id, sum(difference / 16 * pow(15 / 16, later))
        FROM ranked JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination
        GROUP BY ALL
        """,  # noqa: S608 - built from constants; values are bound
        parameters,
    ).fetchall()
    return {(job_id, destination_id): jitter for job_id, destination_id, jitter in rows}


def histogram(cursor: Cursor, period: Period, scope: Scope, edges_ms: Sequence[float]) -> list[int]:
    """As `ports.ResultStore.histogram`."""
    where, parameters = _where(period, scope)
    rows = cursor.execute(
        f"""
        WITH bins AS (
            SELECT unnest($lows::DOUBLE[]) AS low, unnest($highs::DOUBLE[]) AS high
        ),
        packets AS (SELECT unnest(rtts_ms)::DOUBLE AS rtt FROM samples WHERE {where})
        SELECT low, count(rtt) FROM bins LEFT JOIN packets ON rtt >= low AND rtt < high GROUP BY low ORDER BY low
        """,  # noqa: S608 - built from constants; values are bound
        parameters | {"lows": list(edges_ms[:-1]), "highs": list(edges_ms[1:])},
    ).fetchall()
    return [count for _, count in rows]


def _where(period: Period, scope: Scope) -> tuple[str, Parameters]:
    when, when_parameters = in_period(period)
    which, which_parameters = in_scope(scope)
    return when + which, when_parameters | which_parameters


def _chosen(keys: Sequence[str], where: str) -> str:
    """Common table expressions: the samples with their bucket, and their answered packets."""
    columns = "interval_s, sent, received, jitter_sum_ms, jitter_pairs, rtts_ms"
    plain = ", ".join(["tick", *(key for key in keys if key != "bucket"), columns])
    chosen = f"SELECT {plain} FROM samples WHERE {where}"  # noqa: S608 - built from constants
    packets = (
        f"packets AS NOT MATERIALIZED (SELECT {_list(keys)} rtt FROM "  # noqa: S608 - built from constants
        f"(SELECT {_list(keys)} unnest(rtts_ms) AS rtt FROM chosen) WHERE rtt IS NOT NULL)"
    )
    if "bucket" not in keys:
        return f"chosen AS NOT MATERIALIZED ({chosen}), {packets}"
    # Rounds share their ticks: to find the bucket of each tick, not of each sample, is several times faster.
    return f"""
        edges AS (SELECT unnest($edges::TIMESTAMP[]) AS bucket),
        ticks AS (SELECT DISTINCT tick FROM samples WHERE {where}),
        buckets AS MATERIALIZED (SELECT tick, bucket FROM ticks ASOF JOIN edges ON tick >= bucket),
        chosen AS NOT MATERIALIZED (SELECT * FROM ({chosen}) JOIN buckets USING (tick)),
        {packets}
    """  # noqa: S608 - built from constants


def _list(keys: Sequence[str]) -> str:
    return "".join(f"{key}, " for key in keys)


def _group(keys: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(keys)}" if keys else ""


def _join(table: str, keys: Sequence[str]) -> str:
    return f"LEFT JOIN {table} USING ({', '.join(keys)})" if keys else f"CROSS JOIN {table}"


def _outer(keys: Sequence[str]) -> str:
    columns = {"bucket": "bucket", "job": "jobs.id", "destination": "destinations.id"}
    return ", ".join(column if key in keys else "NULL" for key, column in columns.items())


def _names(keys: Sequence[str]) -> str:
    joins = {
        "job": "JOIN jobs ON jobs.key = job",
        "destination": "JOIN destinations ON destinations.key = destination",
    }
    return " ".join(join for key, join in joins.items() if key in keys)


_Row = tuple[
    datetime | None, JobId | None, DestinationId | None, int, int, float, float, int, int, float | None, float | None,
    float | None, float | None, float, int, int, float | None, float | None, float | None,
]  # fmt: skip


def _group_summary(row: _Row) -> GroupSummary:
    (
        bucket, job_id, destination_id, up, down, up_s, down_s, sent, received, low, high, mean, m2, jitter_sum_ms,
        jitter_pairs, percentiles_of, p50, p95, p99,
    ) = row  # fmt: skip
    return GroupSummary(
        job_id=job_id,
        destination_id=destination_id,
        bucket_at=None if bucket is None else aware(bucket),
        summary=Summary(
            rounds_up=up,
            rounds_down=down,
            up_s=up_s,
            down_s=down_s,
            sent=int(sent),
            received=received,
            rtt_min_ms=low,
            rtt_max_ms=high,
            rtt_mean_ms=mean,
            rtt_m2=m2,
            jitter_sum_ms=jitter_sum_ms,
            jitter_pairs=int(jitter_pairs),
            percentiles_of=percentiles_of,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
        ),
    )
