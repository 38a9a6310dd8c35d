"""The SQL that adds samples, and rollups of a finer level, up to rows of a rollup. Decision 26 says what these are.

The figures follow the rules of `domain/rollups.py`, in whole microseconds.
"""

import math
from enum import StrEnum

from netstats_xl.domain.histograms import BASE, SHORTEST_MS, UNIT_MS
from netstats_xl.domain.levels import Level
from netstats_xl.domain.tallies import SUMS
from netstats_xl.store import percentiles

TABLES = {level: f"roll_{level.value}" for level in Level}
LONGEST_MS = 2_147_483
"""What is longer counts as this, 35 minutes: its microseconds fit into the tables' columns."""

KEYS = "bucket, job, destination"
_TOGETHER = {Level.MINUTE: 64, Level.HOUR: 8, Level.DAY: 8, Level.MONTH: 8}
"""So many destinations' rows are written in turn, bucket by bucket: whole columns of one would compress less."""
# A number of this size costs less than a call of `least` and `greatest`.
BOUNDED = f"""
    CASE WHEN rtt < {SHORTEST_MS!r}::DOUBLE THEN {SHORTEST_MS!r}::DOUBLE
        WHEN rtt > {LONGEST_MS}::DOUBLE THEN {LONGEST_MS}::DOUBLE ELSE rtt END
"""
"""An RTT in ms, `rtt`, as it counts."""
IN_US = "(rtt * 1000)::INTEGER"
"""Such an RTT in whole microseconds."""
BIN = f"floor(ln(rtt / {UNIT_MS!r}::DOUBLE) / {math.log(BASE)!r}::DOUBLE)::SMALLINT"
"""Such an RTT's bin, as `histograms.bin_of`."""
OF_SAMPLES = ("interval_s", "sent", "received", "jitter_sum_ms", "jitter_pairs")
"""The columns of a sample that its sums are made of, but for its RTTs."""
LENGTH_MS, JITTER_US = "(interval_s * 1000)::BIGINT", "(jitter_sum_ms * 1000)::BIGINT"
# To hand over a number of 128 bits takes several times as long.
OF_ROUNDS = {
    "up": "count(*) FILTER (received > 0)",
    "down": "count(*) FILTER (received = 0)",
    "up_ms": f"coalesce(sum({LENGTH_MS}) FILTER (received > 0), 0)::BIGINT",
    "down_ms": f"coalesce(sum({LENGTH_MS}) FILTER (received = 0), 0)::BIGINT",
    "sent": "coalesce(sum(sent), 0)::BIGINT",
    "received": "coalesce(sum(received), 0)::BIGINT",
    "jitter_us": f"coalesce(sum({JITTER_US}), 0)::BIGINT",
    "jitter_pairs": "coalesce(sum(jitter_pairs), 0)::BIGINT",
}
"""What samples add up to that is not of their RTTs, by the names of `tallies.SUMS`."""
_PLAIN = "up, down, up_ms, down_ms, sent, received, low_us, high_us, total_us, squares_us2, jitter_us, jitter_pairs"


class Bucketing(StrEnum):
    """How the bucket of a row is found."""

    MINUTE = "date_trunc('minute', tick)"
    """The minute of a tick is the same in every zone."""
    ONE = "$edges[1]::TIMESTAMP"
    """All rows lie in the bucket that begins at the only edge."""
    EDGES = "edge"
    """The bucket begins at the last of the ascending `$edges` (naive UTC) that is not after the tick, or the bucket."""
    OWN = "bucket"
    """Of rows of a rollup: their own."""


def columns_of(level: Level) -> str:
    """The columns of a level's table whose values add up."""
    return f"{KEYS}, {_PLAIN}" + ("" if level is Level.MINUTE else ", first_bin, bins")


def keeps_percentiles(level: Level | None) -> bool:
    """Whether the level's rows keep the percentiles of their own histogram, which a chart shows one by one."""
    return level in (Level.DAY, Level.MONTH)


def all_columns_of(level: Level) -> str:
    """All columns of a level's table."""
    return columns_of(level) + (f", {percentiles.COLUMNS}" if keeps_percentiles(level) else "")


def side_by_side(level: Level) -> str:
    """The order of rows that are written together.

    DuckDB reads 2,048 rows or none of them: a destination's minutes of a quarter of an hour, its hours of a day, its
    days of a month and its months of a year are among so many.
    """
    return f"job, destination // {_TOGETHER[level]}, bucket, destination"


def of_samples(level: Level, where: str, bucketing: Bucketing) -> str:
    """A query for what the samples add up to: a row, as `columns_of` says, for each bucket, job and destination.

    Args:
        level: Minutes have no histogram.
        where: Which samples, with bound parameters.
        bucketing: How the bucket of a tick is found.
    """
    # Rounds share their ticks: to find the bucket of each tick, not of each sample, is several times faster.
    ticks = f"""
        edges AS (SELECT unnest($edges::TIMESTAMP[]) AS edge),
        ticks AS MATERIALIZED (
            SELECT tick, edge FROM (SELECT DISTINCT tick FROM samples WHERE {where}) ASOF JOIN edges ON tick >= edge
        ),
    """  # noqa: S608 - built from constants
    by_edges = bucketing is Bucketing.EDGES
    of_rounds = ", ".join(f"{expression} AS {name}" for name, expression in OF_ROUNDS.items())
    return f"""
        WITH {ticks if by_edges else ""}
        chosen AS NOT MATERIALIZED (
            SELECT {bucketing} AS bucket, job, destination, {", ".join(OF_SAMPLES)}, rtts_ms
            FROM samples {"JOIN ticks USING (tick)" if by_edges else ""} WHERE {where}
        ),
        rounds AS (
            SELECT {KEYS}, {of_rounds}
            FROM chosen GROUP BY {KEYS}
        ),
        packets AS NOT MATERIALIZED (
            SELECT {KEYS}, {BOUNDED} AS rtt
            FROM (SELECT {KEYS}, unnest(rtts_ms)::DOUBLE AS rtt FROM chosen) WHERE rtt IS NOT NULL
        ),
        timed AS NOT MATERIALIZED (SELECT *, {IN_US} AS us FROM packets),
        {_spread_of_packets(level)}
        SELECT {columns_of(level)}
        FROM (
            SELECT rounds.*, low_us, high_us, coalesce(total_us, 0) AS total_us,
                coalesce(squares_us2, 0) AS squares_us2 {"" if level is Level.MINUTE else ", first_bin, bins"}
            FROM rounds LEFT JOIN spread USING ({KEYS})
            {"" if level is Level.MINUTE else f"LEFT JOIN histograms USING ({KEYS})"}
        )
        ORDER BY {side_by_side(level)}
    """  # noqa: S608 - built from constants


def merged(level: Level, where: str, bucketing: Bucketing, *, into: Level | None = None) -> str:
    """A query for what rows of this level add up to, as `of_samples`.

    Args:
        level: Of the rows that are added up.
        where: Which of its rows, with bound parameters.
        bucketing: How the bucket that it adds up to is found.
        into: The level whose `all_columns_of` are wanted; None: those that add up are.
    """
    table = TABLES[level]
    # Buckets of a coarser level are sought as those of ticks are.
    buckets = f"""
        edges AS (SELECT unnest($edges::TIMESTAMP[]) AS edge),
        buckets AS MATERIALIZED (
            SELECT bucket AS part, edge
            FROM (SELECT DISTINCT bucket FROM {table} WHERE {where}) ASOF JOIN edges ON bucket >= edge
        ),
    """  # noqa: S608 - built from constants
    by_edges = bucketing is Bucketing.EDGES
    bins = "" if level is Level.MINUTE else ", first_bin, bins"
    sums = ", ".join(f"sum({each}) AS {each}" for each in SUMS)
    found = f"SELECT * FROM added {'' if level is Level.MINUTE else f'LEFT JOIN histograms USING ({KEYS})'}"  # noqa: S608 - built from constants
    if keeps_percentiles(into):
        found = percentiles.with_percentiles(found)
    return f"""
        WITH {buckets if by_edges else ""}
        chosen AS NOT MATERIALIZED (
            SELECT {bucketing} AS bucket, job, destination, {_PLAIN} {bins}
            FROM {table} {"JOIN buckets ON part = bucket" if by_edges else ""} WHERE {where}
        ),
        added AS (
            SELECT {KEYS}, {sums}, min(low_us) AS low_us, max(high_us) AS high_us FROM chosen GROUP BY {KEYS}
        )
        {"" if level is Level.MINUTE else f", {_histograms_of_rows()}"}
        SELECT {columns_of(level) if into is None else all_columns_of(into)}
        FROM ({found})
        ORDER BY {side_by_side(level)}
    """  # noqa: S608 - built from constants


def _spread_of_packets(level: Level) -> str:
    """The table expressions `spread` and, but for minutes, `histograms`."""
    if level is Level.MINUTE:
        return f"""
            spread AS (
                SELECT {KEYS}, min(us) AS low_us, max(us) AS high_us, sum(us) AS total_us,
                    sum(us::BIGINT * us) AS squares_us2
                FROM timed GROUP BY {KEYS}
            )
        """  # noqa: S608 - built from constants
    # One pass over the packets finds the bins and the sums.
    return f"""
        counts AS MATERIALIZED (
            SELECT {KEYS}, {BIN} AS bin, count(*) AS n, min(us) AS low, max(us) AS high, sum(us) AS total,
                sum(us::BIGINT * us) AS squares
            FROM timed GROUP BY {KEYS}, bin
        ),
        spread AS (
            SELECT {KEYS}, min(low) AS low_us, max(high) AS high_us, sum(total) AS total_us,
                sum(squares) AS squares_us2
            FROM counts GROUP BY {KEYS}
        ),
        {_contiguous()}
    """  # noqa: S608 - built from constants


def _histograms_of_rows() -> str:
    """The table expression `histograms` of the rows `chosen`."""
    return f"""
        counts AS MATERIALIZED (
            SELECT {KEYS}, bin, sum(n) AS n
            FROM (
                SELECT {KEYS}, first_bin + generate_subscripts(bins, 1) - 1 AS bin, unnest(bins) AS n FROM chosen
            )
            WHERE n > 0 GROUP BY {KEYS}, bin
        ),
        {_contiguous()}
    """  # noqa: S608 - built from constants


def _contiguous() -> str:
    """The table expression `histograms` of the `counts`: each bin's count from the first bin on, with its zeros."""
    return f"""
        histograms AS (
            SELECT {KEYS}, used[1] AS first_bin,
                flatten(list_transform(filled, lambda n, i: list_resize([n], coalesce(used[i + 1] - used[i], 1), 0)))
                    AS bins
            FROM (
                SELECT {KEYS}, list(bin ORDER BY bin) AS used, list(n::UINTEGER ORDER BY bin) AS filled
                FROM counts GROUP BY {KEYS}
            )
        )
    """  # noqa: S608 - built from constants
