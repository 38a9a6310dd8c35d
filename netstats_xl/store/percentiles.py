"""`domain/histograms.py` in SQL: the percentiles of histograms, for the views and for rollups that keep them.

A bin and its count are one number, `(bin + 1000) * 2^40 + count`: a list of such numbers sorts by bin, and adds up to
the bin of a rank in one pass over it, many times as fast as a window over rows.

A change of these words is a change of the views: see `store/views.py`.
"""

from netstats_xl.domain.rollups import P95_NEEDS, P99_NEEDS
from netstats_xl.domain.tallies import RANKED

COLUMNS = "p50_ms, p95_ms, p99_ms"
PACKED = """list_transform(
            bins, lambda count, position: ((first_bin + position + 999)::BIGINT << 40) + count
        )"""
"""The numbers of a row's `bins`, which begin at its `first_bin`."""
_COUNT = "1099511627775"
"""The lower 40 bits."""
_NEEDS = {50: 1, 95: P95_NEEDS, 99: P99_NEEDS}


def places() -> str:
    """Where the percentiles lie among the `percentile_rtts`, counted from 0: seldom on one of them."""
    return ", ".join(f"(percentile_rtts - 1) * {percent} / 100 AS place{percent}" for percent in RANKED)


def percentiles() -> str:
    """The `COLUMNS`, of such places, of `bins` that are packed and sorted, and of the extremes in ms."""
    return ", ".join(map(_percentile, RANKED))


def with_percentiles(rows: str) -> str:
    """A query for the rows with their percentiles, NULL where too few RTTs are known to say.

    `rows`: a query for columns of which some are `low_us`, `high_us`, `first_bin` and `bins`, as rollups have them.
    """
    packed = f"""
        SELECT * REPLACE ({PACKED} AS bins), bins AS histogram, low_us / 1000 AS rtt_min_ms,
            high_us / 1000 AS rtt_max_ms, coalesce(list_sum(bins), 0)::BIGINT AS percentile_rtts
        FROM ({rows})
    """  # noqa: S608 - built from constants
    placed = f"SELECT *, {places()} FROM ({packed})"  # noqa: S608 - as above
    helpers = [
        "histogram",
        "rtt_min_ms",
        "rtt_max_ms",
        "percentile_rtts",
        *(f"place{each}" for each in RANKED),
    ]
    kept = f"* EXCLUDE (bins, {', '.join(helpers)}), histogram AS bins"
    return f"SELECT {kept}, {percentiles()} FROM ({placed})"  # noqa: S608 - as above


def _percentile(percent: int) -> str:
    """Interpolated between two ranks, and within the extremes."""
    place = f"place{percent}"
    below, above = _of_rank(f"floor({place})"), _of_rank(f"least(floor({place}) + 1, percentile_rtts - 1)")
    value = f"{below} + ({above} - {below}) * ({place} - floor({place}))"
    return (
        f"CASE WHEN percentile_rtts >= {_NEEDS[percent]} "
        f"THEN least(greatest({value}, rtt_min_ms), rtt_max_ms) END AS p{percent}_ms"
    )


def _of_rank(rank: str) -> str:
    """The geometric middle, ms, of the bin in which the cumulative count passes the rank."""
    counted = f"so_far & {_COUNT}"
    step = f"CASE WHEN {counted} > {rank} THEN so_far ELSE bin + ({counted}) END"
    passed = f"list_reduce(bins, lambda so_far, bin: {step})"
    return f"0.01 * exp((({passed} >> 40) - 999.5) * ln(1.02))"
