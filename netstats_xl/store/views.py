"""The views that other programs read: plain SQL that needs no extension and no macro of ours.

They are part of a migration, so they never change: a change of one is a new migration that replaces it.
`docs/open-data.md` tells each column and its unit. Times are UTC; what was not measured is NULL, never 0.
"""

from netstats_xl.store.percentiles import PACKED, percentiles, places

_SAMPLES = """
    CREATE VIEW v_samples AS
    SELECT tick AS at_utc, jobs.id AS job_id, jobs.name AS job, destinations.id AS destination_id,
        destinations.name AS destination, destinations.host AS host, interval_s, outcome, address, reporter, reason,
        sent, received, 100 * (sent - received)::DOUBLE / nullif(sent, 0) AS loss_percent,
        list_min(rtts_ms) AS rtt_min_ms, list_avg(rtts_ms) AS rtt_mean_ms, list_max(rtts_ms) AS rtt_max_ms,
        jitter_sum_ms / nullif(jitter_pairs, 0) AS jitter_ms, rtts_ms, http_status, total_ms, certificate_days,
        coalesce(duplicates, 0) AS duplicates, coalesce(late, 0) AS late, coalesce(corrupted, 0) AS corrupted,
        elsewhere
    FROM samples JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination
"""

_DESTINATIONS = """
    CREATE VIEW v_destinations AS
    SELECT id AS destination_id, name AS destination, host, group_name AS "group", active,
        retired_at AS retired_at_utc, definition
    FROM destinations
"""

_JOBS = """
    CREATE VIEW v_jobs AS
    SELECT id AS job_id, name AS job, active, retired_at AS retired_at_utc, definition FROM jobs
"""

_RUNS = """
    CREATE VIEW v_runs AS
    SELECT runs.tick AS at_utc, jobs.id AS job_id, jobs.name AS job, run_id, started AS started_utc,
        finished AS finished_utc, outcome, up, down, ticks AS missed_ticks, runs.last_tick AS last_missed_utc, reason
    FROM runs JOIN jobs ON jobs.key = job JOIN run_ids ON run_ids.run = runs.run
"""

_EVENTS = """
    CREATE VIEW v_events AS
    SELECT tick AS at_utc, destinations.id AS destination_id, destinations.name AS destination,
        destinations.host AS host, before, after, reason
    FROM events JOIN destinations ON destinations.key = destination
"""

_ROUTES = """
    CREATE VIEW v_routes AS
    SELECT tick AS first_utc, last_tick AS last_utc, destinations.id AS destination_id,
        destinations.name AS destination, destinations.host AS host, traces, address, reached, reason, change, hops,
        names
    FROM routes JOIN destinations ON destinations.key = destination
"""

# Rows of the same bucket, job and destination add up. The deviation is found from whole numbers of 128 bits, in which
# nothing is lost where the RTTs are long and near to each other. Names are joined before the rows are added up: so a
# question about one destination adds up its rows alone.
_MERGED = """
    SELECT bucket AS at_utc, jobs.id AS job_id, jobs.name AS job, destinations.id AS destination_id,
        destinations.name AS destination, destinations.host AS host, sum(up) AS up, sum(down) AS down,
        sum(up_ms) AS up_ms, sum(down_ms) AS down_ms, sum(sent) AS sent, sum(received) AS received,
        min(low_us) / 1000 AS rtt_min_ms, max(high_us) / 1000 AS rtt_max_ms, sum(total_us) AS total_us,
        sum(squares_us2) AS squares_us2, sum(jitter_us) AS jitter_us, sum(jitter_pairs) AS jitter_pairs{bins}
    FROM {table} JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination
    GROUP BY bucket, jobs.id, jobs.name, destinations.id, destinations.name, destinations.host
"""
_FIGURES = """
    at_utc, job_id, job, destination_id, destination, host, up::BIGINT AS rounds_up, down::BIGINT AS rounds_down,
    up_ms / 1000 AS up_s, down_ms / 1000 AS down_s,
    100 * up_ms / nullif(up_ms + down_ms, 0) AS availability_percent, sent::BIGINT AS sent,
    received::BIGINT AS received, 100 * (sent - received) / nullif(sent, 0) AS loss_percent,
    rtt_min_ms, total_us / nullif(received, 0) / 1000 AS rtt_mean_ms, rtt_max_ms,
    sqrt(received * squares_us2 - total_us * total_us) / nullif(received, 0) / 1000 AS rtt_stdev_ms,
    jitter_us / nullif(jitter_pairs, 0) / 1000 AS jitter_ms, jitter_pairs::BIGINT AS jitter_pairs
"""

_BINS = f""",
        list_sort(flatten(list({PACKED}) FILTER (first_bin IS NOT NULL))) AS bins,
        coalesce(sum(list_sum(bins)), 0)::BIGINT AS percentile_rtts
"""


def _rollup(view: str, table: str) -> str:
    return f"CREATE VIEW {view} AS SELECT {_FIGURES} FROM ({_MERGED.format(table=table, bins='')})"  # noqa: S608 - built from constants


def _rollup_with_percentiles(view: str, table: str) -> str:
    merged = _MERGED.format(table=table, bins=_BINS)
    return (
        f"CREATE VIEW {view} AS SELECT {_FIGURES}, {percentiles()}, percentile_rtts "  # noqa: S608 - built from constants
        f"FROM (SELECT *, {places()} FROM ({merged}))"
    )


VIEWS = (
    _SAMPLES,
    _rollup("v_minutely", "roll_1m"),
    _rollup_with_percentiles("v_hourly", "roll_1h"),
    _rollup_with_percentiles("v_daily", "roll_1d"),
    _rollup_with_percentiles("v_monthly", "roll_1mo"),
    _DESTINATIONS,
    _JOBS,
    _RUNS,
    _EVENTS,
    _ROUTES,
)
"""One statement a view."""
