"""The views that other programs read: plain SQL that needs no extension and no macro of ours.

They are part of a migration, so they never change: a change of one is a new migration that replaces it.
`docs/open-data.md` tells each column and its unit. Times are UTC; what was not measured is NULL, never 0.
"""

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
# nothing is lost where the RTTs are long and near to each other.
_MERGED = """
    merged AS (
        SELECT bucket, job, destination, sum(up) AS up, sum(down) AS down, sum(up_ms) AS up_ms,
            sum(down_ms) AS down_ms, sum(sent) AS sent, sum(received) AS received, min(low_us) AS low_us,
            max(high_us) AS high_us, sum(total_us) AS total_us, sum(squares_us2) AS squares_us2,
            sum(jitter_us) AS jitter_us, sum(jitter_pairs) AS jitter_pairs
        FROM {table} GROUP BY bucket, job, destination
    )
"""
_FIGURES = """
    bucket AS at_utc, jobs.id AS job_id, jobs.name AS job, destinations.id AS destination_id,
    destinations.name AS destination, destinations.host AS host, up::BIGINT AS rounds_up,
    down::BIGINT AS rounds_down, up_ms / 1000 AS up_s, down_ms / 1000 AS down_s,
    100 * up_ms / nullif(up_ms + down_ms, 0) AS availability_percent, sent::BIGINT AS sent,
    received::BIGINT AS received, 100 * (sent - received) / nullif(sent, 0) AS loss_percent,
    low_us / 1000 AS rtt_min_ms, total_us / nullif(received, 0) / 1000 AS rtt_mean_ms, high_us / 1000 AS rtt_max_ms,
    sqrt(received * squares_us2 - total_us * total_us) / nullif(received, 0) / 1000 AS rtt_stdev_ms,
    jitter_us / nullif(jitter_pairs, 0) / 1000 AS jitter_ms, jitter_pairs::BIGINT AS jitter_pairs
"""
_NAMED = "JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination"

# `domain/histograms.py` in SQL: the RTTs of a rank are as long as the geometric middle of the bin in which the
# cumulative count passes the rank; a percentile is interpolated between two ranks, and lies within the extremes.
_BINS = """
    bins AS (
        SELECT bucket, job, destination, first_bin + generate_subscripts(bins, 1) - 1 AS bin, unnest(bins) AS n
        FROM {table} WHERE first_bin IS NOT NULL
    ),
    counted AS (
        SELECT bucket, job, destination, bin, sum(n) AS n FROM bins WHERE n > 0 GROUP BY bucket, job, destination, bin
    ),
    ranked AS (
        SELECT bucket, job, destination, 0.01 * exp((bin + 0.5) * ln(1.02)) AS ms,
            sum(n) OVER (PARTITION BY bucket, job, destination ORDER BY bin) AS upto,
            sum(n) OVER (PARTITION BY bucket, job, destination) AS total
        FROM counted
    ),
    percentiles AS (
        SELECT bucket, job, destination, max(total) AS rtts,
            {ranks}
        FROM ranked GROUP BY bucket, job, destination
    )
"""


def _ranks(percent: int) -> str:
    below = f"floor((total - 1) * {percent}.0 / 100)"
    return (
        f"min(ms) FILTER (upto > {below}) AS below{percent}, "
        f"min(ms) FILTER (upto > least({below} + 1, total - 1)) AS above{percent}"
    )


def _percentile(percent: int, *, needs: int) -> str:
    position = f"((rtts - 1) * {percent}.0 / 100)"
    value = f"below{percent} + (above{percent} - below{percent}) * ({position} - floor({position}))"
    return (
        f"CASE WHEN rtts >= {needs} THEN "
        f"least(greatest({value}, low_us / 1000), high_us / 1000) END AS p{percent}_ms"
    )


def _rollup(view: str, table: str) -> str:
    return f"CREATE VIEW {view} AS WITH {_MERGED.format(table=table)} SELECT {_FIGURES} FROM merged {_NAMED}"  # noqa: S608 - built from constants


def _rollup_with_percentiles(view: str, table: str) -> str:
    bins = _BINS.format(table=table, ranks=", ".join(map(_ranks, (50, 95, 99))))
    percentiles = (_percentile(50, needs=1), _percentile(95, needs=20), _percentile(99, needs=100))
    return f"""
        CREATE VIEW {view} AS WITH {_MERGED.format(table=table)}, {bins}
        SELECT {_FIGURES}, {", ".join(percentiles)}, coalesce(rtts, 0)::BIGINT AS percentile_rtts
        FROM merged LEFT JOIN percentiles USING (bucket, job, destination) {_NAMED}
    """  # noqa: S608 - built from constants


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
