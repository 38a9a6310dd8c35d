"""The Dashboard's sparklines: the mean RTT of each of the last 24 hours, a row a destination."""

from collections.abc import Sequence
from typing import Literal

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.hourly import HourlyRollup
from netstats_xl.app.views.parts import ChartData
from netstats_xl.domain.results import Period
from netstats_xl.domain.views import BLUE, Column, Kind, Row, SparklineSpec
from netstats_xl.domain.windows import hour_edges
from netstats_xl.ports import Dimension, ResultStore

_FEED = "Sparkline_feed"
_FEWEST_LINE_POINTS = 3
_HOURS_AGO = tuple(
    Column(header=f"{hours} h ago (ms)", kind=Kind.NUMBER, number_format=columns.MS_FORMAT)
    for hours in range(24, 0, -1)
)


def sparklines(
    store: ResultStore, findings: Findings, rollup: HourlyRollup, feeds: ChartData, *, table: str, column: str
) -> SparklineSpec:
    """The sparklines of this table's column; what they read is added to `feeds`."""
    means = _hourly_means(store, findings, rollup)
    feeds.add(_FEED, _HOURS_AGO, means)
    return SparklineSpec(
        table=table,
        column=column,
        source=_FEED,
        first_column=_HOURS_AGO[0].header,
        last_column=_HOURS_AGO[-1].header,
        color=BLUE,
        kind=_kind(means),
    )


def _hourly_means(store: ResultStore, findings: Findings, rollup: HourlyRollup) -> tuple[Row, ...]:
    """The mean RTT of each of the last 24 hours of the local clock, ms: a row a destination shown."""
    day = findings.day
    edges = hour_edges(day.start, day.end, findings.inputs.settings.zone)[-len(_HOURS_AGO) :]
    start = max(edges[0], day.start)
    groups = rollup.groups
    if rollup.period.start > start:
        recent = Period(start=start, end=day.end)
        groups = store.summaries(
            recent, scope=findings.inputs.scope, by=(Dimension.DESTINATION,), edges=edges
        )
    position = {edge: index for index, edge in enumerate(edges, start=len(_HOURS_AGO) - len(edges))}
    sums_ms = {shown.destination.id: [0.0] * len(_HOURS_AGO) for shown in findings.destinations}
    received = {destination_id: [0] * len(_HOURS_AGO) for destination_id in sums_ms}
    for group in groups:
        if (
            group.bucket_at in position
            and group.destination_id in sums_ms
            and group.summary.rtt_mean_ms is not None
        ):
            hour = position[group.bucket_at]
            sums_ms[group.destination_id][hour] += group.summary.rtt_mean_ms * group.summary.received
            received[group.destination_id][hour] += group.summary.received
    return tuple(
        tuple(
            total_ms / count if count else None
            for total_ms, count in zip(sums_ms[destination_id], received[destination_id], strict=True)
        )
        for destination_id in sums_ms
    )


def _kind(hourly_means: Sequence[Row]) -> Literal["line", "column"]:
    """Columns in the first hours: a line through a single point shows nothing."""
    most = max((sum(mean is not None for mean in row) for row in hourly_means), default=0)
    return "column" if 0 < most < _FEWEST_LINE_POINTS else "line"
