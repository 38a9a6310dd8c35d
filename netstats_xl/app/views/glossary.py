"""What is said of every figure and colour, the same in each workbook."""

import textwrap

from netstats_xl.domain.results import State
from netstats_xl.domain.rollups import P95_NEEDS, P99_NEEDS
from netstats_xl.domain.states import JobState
from netstats_xl.domain.views import Row

_LINE = 112
"""Characters of a line that fit the column of the rules: most are narrower than a digit."""
FIGURES: tuple[tuple[str, str, str, str], ...] = (
    (
        "Round",
        "",
        "One execution of a job against one destination: some packets sent, none to all of them answered.",
        "everywhere",
    ),
    (
        "RTT",
        "ms",
        "Reply minus request on a monotonic clock. A lost packet has none; it never counts as 0.",
        "everywhere",
    ),
    (
        "Mean, min, max RTT",
        "ms",
        "Of the RTTs of all packets that were answered, pooled.",
        "Dashboard, Details, Trends, Hourly",
    ),
    (
        "p50, p95, p99 RTT",
        "ms",
        "Percentiles of the pooled RTTs by linear interpolation, as PERCENTILE.INC; never an average of "
        "percentiles. Of very many rounds, and of those whose raw results were deleted, from counts of the RTTs in "
        f"steps of 2 %: within 1 % of the value. p95 is blank below {P95_NEEDS} RTTs, p99 below {P99_NEEDS}: too few "
        "to mean anything.",
        "Dashboard, Details, Trends, Hourly",
    ),
    ("Stdev", "ms", "Population standard deviation of the RTTs.", "Details"),
    (
        "Jitter",
        "ms",
        "Mean absolute difference of consecutive RTTs of a round (as PingPlotter and icmplib have it). "
        "A pair that a lost packet separates does not count. Blank below two RTTs.",
        "Dashboard, Details, Hourly",
    ),
    (
        "Jitter (RFC 3550)",
        "ms",
        "J += (|D| − J) / 16 over the differences of consecutive RTTs, in order of time, from 0.",
        "Details",
    ),
    (
        "Loss",
        "%",
        "100 × (1 − packets received / packets sent), from the counts, never an average of percentages. "
        "A round that could send nothing (no route, no address for the name) is down, but no loss.",
        "Dashboard, Details, Trends, Hourly",
    ),
    (
        "Availability",
        "%",
        "100 × time up / (time up + time down). A round with at least one reply is up, one with none is "
        "down, each for its job's interval. Time without a round does not count.",
        "Dashboard, Details, Trends, Hourly",
    ),
    (
        "MOS",
        "of 4.5",
        "Speech quality after ITU-T G.107 with G.711: d = RTT / 2 + 2 × jitter + 10; "
        "R = 93.2 − 0.024 d − 0.11 max(0, d − 177.3) − 95 × loss / (loss + 25.1); "
        "MOS = 1 + 0.035 R + 0.000007 R (R − 60)(100 − R), at least 1 and at most 4.5.",
        "Details",
    ),
    (
        "State",
        "",
        "Up, degraded (a threshold for RTT or loss is reached) or down. It changes when enough of the last "
        "rounds agree (Settings: by default 3 of 3), so that one lost round is no outage. Unknown: not "
        "measured.",
        "Dashboard, Destinations, Events",
    ),
    (
        "Pivots",
        "",
        "Mean of means: every row of the Hourly table weighs alike. Worst p95 and loss: the "
        "highest of any hour. Weighted: by packets, from the counts. Hours are "
        "those of the report's time zone.",
        "Pivot",
    ),
)
COLORS: tuple[Row, ...] = (
    (
        "Good",
        "blue",
        f"{State.UP}; a {JobState.RUNNING.lower()} job; a completed run. In charts: mean RTT, this period.",
    ),
    (
        "Warning",
        "orange",
        f"{State.DEGRADED}; a figure at or above its warning threshold; missed runs. In charts: p95.",
    ),
    (
        "Bad",
        "red-orange",
        f"{State.DOWN}; a figure at or above its critical threshold; a failed run. In charts: loss.",
    ),
    ("Muted", "grey", f"{State.UNKNOWN}, disabled or retired. In charts: the previous period."),
)


def figure_rows() -> tuple[Row, ...]:
    """A row for each line of a rule: not every program makes a row as high as a wrapped text needs."""
    rows: list[Row] = []
    for figure, unit, rule, shown_on in FIGURES:
        first, *others = textwrap.wrap(rule, _LINE)
        rows.append((figure, unit, first, shown_on))
        rows.extend((None, None, line, None) for line in others)
    return tuple(rows)
