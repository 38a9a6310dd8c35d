"""The Dashboard's sparklines: the mean RTT of each of the last 24 hours, in hidden columns of the same row.

In the same row, so that they stay with it when the table is sorted.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.hourly import HourlyRollup
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.domain.results import Period
from netstats_xl.domain.targets import DestinationId
from netstats_xl.domain.views import BLUE, Column, Kind, Row, SparklineSpec
from netstats_xl.domain.windows import hour_edges
from netstats_xl.ports import Dimension

_FEWEST_LINE_POINTS = 3
HOUR_COLUMNS = tuple(
    Column(header=f"{hours} h ago (ms)", kind=Kind.NUMBER, number_format=columns.MS_FORMAT, hidden=True)
    for hours in range(24, 0, -1)
)

SparklineKind = Literal["line", "column"]


def sparklines(*, table: str, column: str, kind: SparklineKind) -> SparklineSpec:
    """The sparklines of this table's column, over its hours' columns."""
    return SparklineSpec(
        table=table,
        column=column,
        source=table,
        first_column=HOUR_COLUMNS[0].header,
        last_column=HOUR_COLUMNS[-1].header,
        color=BLUE,
        kind=kind,
    )


def hourly_means(
    store: Measurements, findings: Findings, rollup: HourlyRollup
) -> Mapping[DestinationId, Row]:
    """The mean RTT of each of the last 24 hours of the local clock, ms, of each destination shown."""
    day = findings.day
    edges = hour_edges(day.start, day.end, findings.inputs.settings.zone)[-len(HOUR_COLUMNS) :]
    start = max(edges[0], day.start)
    groups = rollup.groups
    if rollup.period.start > start:
        recent = Period(start=start, end=day.end)
        groups = store.summaries(
            recent, scope=findings.inputs.scope, by=(Dimension.DESTINATION,), edges=edges, percentiles=False
        )
    position = {edge: index for index, edge in enumerate(edges, start=len(HOUR_COLUMNS) - len(edges))}
    sums_ms = {shown.destination.id: [0.0] * len(HOUR_COLUMNS) for shown in findings.destinations}
    received = {destination_id: [0] * len(HOUR_COLUMNS) for destination_id in sums_ms}
    for group in groups:
        if (
            group.bucket_at in position
            and group.destination_id in sums_ms
            and group.summary.rtt_mean_ms is not None
        ):
            hour = position[group.bucket_at]
            sums_ms[group.destination_id][hour] += group.summary.rtt_mean_ms * group.summary.received
            received[group.destination_id][hour] += group.summary.received
    return {
        destination_id: tuple(
            total_ms / count if count else None
            for total_ms, count in zip(sums_ms[destination_id], received[destination_id], strict=True)
        )
        for destination_id in sums_ms
    }


def sparkline_kind(hourly_means: Iterable[Row]) -> SparklineKind:
    """Columns in the first hours: a line through a single point shows nothing."""
    most = max((sum(mean is not None for mean in row) for row in hourly_means), default=0)
    return "column" if 0 < most < _FEWEST_LINE_POINTS else "line"
