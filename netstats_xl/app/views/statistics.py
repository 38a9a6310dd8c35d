"""The statistics block of the Details sheet: the figures of a job and destination as label, value, unit."""

from collections.abc import Collection
from typing import assert_never

from netstats_xl.app.views import columns
from netstats_xl.domain.rollups import Summary
from netstats_xl.domain.targets import Metric
from netstats_xl.domain.views import Column, FormatBy, Kind, Row, Style

STATISTICS_ROWS = 3 + len(Metric)
"""Rows of a block that shows every metric."""
UNIT_FORMATS = {"ms": columns.MS_FORMAT, "%": columns.SHARE_FORMAT, "of 4.5": "0.00"}
"""How a value of each unit looks. One without a unit is a count."""
STATISTICS_COLUMNS = (
    columns.text("Figure", width=18),
    Column(
        header="Value",
        kind=Kind.NUMBER,
        number_format=columns.COUNT_FORMAT,
        format_by=FormatBy(column="Unit", formats=UNIT_FORMATS),
        width=12,
    ),
    Column(header="Unit", width=8, style=Style(align="center")),
)


def statistics_rows(
    summary: Summary, *, jitter_rfc3550_ms: float | None, metrics: Collection[Metric] | None
) -> tuple[Row, ...]:
    """The counts, then the metrics asked for (None: all), in the order of `Metric`.

    Times are rounded to 1 µs, which is what the probes resolve, percentages to 0.0001 %.
    """
    counts: tuple[Row, ...] = (
        ("Rounds", summary.rounds_up + summary.rounds_down, ""),
        ("Packets sent", summary.sent, ""),
        ("Packets received", summary.received, ""),
    )
    chosen = [metric for metric in Metric if metrics is None or metric in metrics]
    return counts + tuple(_line(metric, summary, jitter_rfc3550_ms) for metric in chosen)


def _line(metric: Metric, summary: Summary, jitter_rfc3550_ms: float | None) -> Row:
    match metric:
        case Metric.MEAN:
            return "Mean RTT", _rounded(summary.rtt_mean_ms, 3), "ms"
        case Metric.MIN:
            return "Min RTT", _rounded(summary.rtt_min_ms, 3), "ms"
        case Metric.MAX:
            return "Max RTT", _rounded(summary.rtt_max_ms, 3), "ms"
        case Metric.P50:
            return "Median RTT (p50)", _rounded(summary.p50_ms, 3), "ms"
        case Metric.P95:
            return "p95 RTT", _rounded(summary.p95_ms, 3), "ms"
        case Metric.P99:
            return "p99 RTT", _rounded(summary.p99_ms, 3), "ms"
        case Metric.STDEV:
            return "Stdev of RTT", _rounded(summary.stdev_ms, 3), "ms"
        case Metric.JITTER:
            return "Jitter", _rounded(summary.jitter_ms, 3), "ms"
        case Metric.JITTER_RFC3550:
            return "Jitter (RFC 3550)", _rounded(jitter_rfc3550_ms, 3), "ms"
        case Metric.LOSS:
            return "Loss", _rounded(summary.loss_percent, 4), "%"
        case Metric.AVAILABILITY:
            return "Availability", _rounded(summary.availability_percent, 4), "%"
        case Metric.MOS:
            return "MOS", _rounded(summary.mos, 2), "of 4.5"
        case _:
            assert_never(metric)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
