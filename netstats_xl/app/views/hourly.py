"""The Hourly sheet: a row for each hour, job and destination with data, the source of the pivots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import SheetPart
from netstats_xl.domain.results import Period
from netstats_xl.domain.targets import DestinationId
from netstats_xl.domain.views import Anchor, Column, Kind, Row, SheetSpec, Style, TableSpec
from netstats_xl.domain.windows import hour_edges
from netstats_xl.ports import Dimension, GroupSummary

SHEET = "Hourly"
TABLE = "Hourly"
ROWS_LIMIT = 300_000
"""Rows at most: every hour of 24 for 10,000 destinations, and a size that Excel still filters at once."""

WEEKDAYS = ("1 Mon", "2 Tue", "3 Wed", "4 Thu", "5 Fri", "6 Sat", "7 Sun")
"""Numbered, so that every program sorts them in the order of the week."""

DESTINATION = columns.text("Destination", width=26)
GROUP = columns.text("Group", width=14)
JOB = columns.text("Job", width=18)
HOUR_START = columns.instant("Hour start", width=17, number_format=columns.MINUTE_FORMAT)
DATE = columns.instant("Date", width=11, number_format=columns.DATE_FORMAT)
HOUR = Column(
    header="Hour",
    kind=Kind.NUMBER,
    number_format="00",
    width=7,
    note="Hour of the day in the report's time zone.",
    style=Style(align="center"),
)
WEEKDAY = columns.text("Weekday", width=10, note="Numbered from Monday.")
ROUNDS = columns.count("Rounds")
SENT = columns.count("Sent", note="Packets sent.")
RECEIVED = columns.count("Received", note="Packets answered in time.")
LOST = columns.count("Lost", note="Packets sent less packets received.")
MEAN = columns.milliseconds("Mean RTT (ms)", note=columns.MEAN_RULE, width=11)
P95 = columns.milliseconds("p95 RTT (ms)", note=columns.P95_RULE, width=11)
MAX = columns.milliseconds("Max RTT (ms)", width=11)
JITTER = columns.milliseconds("Jitter (ms)", note=columns.JITTER_RULE, width=11)
LOSS = columns.loss("Loss (%)")
AVAILABILITY = columns.availability("Availability (%)", width=13)
RTT_SUM = Column(
    header="RTT sum (ms)",
    kind=Kind.NUMBER,
    number_format="#,##0.0",
    width=13,
    note="Of all packets received. Divided by their number it is a mean that weighs every packet alike.",
)

COLUMNS = (
    DESTINATION,
    GROUP,
    JOB,
    HOUR_START,
    DATE,
    WEEKDAY,
    HOUR,
    ROUNDS,
    SENT,
    RECEIVED,
    LOST,
    MEAN,
    P95,
    MAX,
    JITTER,
    LOSS,
    AVAILABILITY,
    RTT_SUM,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyRollup:
    """The summaries of each local hour, job and destination."""

    groups: Sequence[GroupSummary]
    period: Period
    """What they cover: the report's period, or its end where that would be too many rows."""
    left_out: tuple[str, ...] = ()


def hourly_rollup(store: Measurements, findings: Findings, *, limit: int | None = None) -> HourlyRollup:
    """Ask the store for the rollup: for as many of the last hours as surely stay below so many rows."""
    limit = limit or ROWS_LIMIT
    inputs = findings.inputs
    edges = hour_edges(inputs.period.start, inputs.period.end, inputs.settings.zone)
    hours = max(1, limit // max(1, len(findings.pairs)))
    period = inputs.period
    left_out: tuple[str, ...] = ()
    if len(edges) > hours:
        left_out = (
            f"{SHEET} and Pivot: the last {hours:,} of {len(edges):,} hours are shown, "
            f"as the table holds at most {limit:,} rows. Choose a shorter period or fewer jobs.",
        )
        edges = edges[-hours:]
        period = Period(start=max(edges[0], period.start), end=period.end)
    groups = store.summaries(
        period, scope=inputs.scope, by=(Dimension.JOB, Dimension.DESTINATION), edges=edges
    )
    return HourlyRollup(groups=groups, period=period, left_out=left_out)


def hourly_sheet(*, room: int = 0) -> SheetSpec:
    """How the sheet looks."""
    table = TableSpec(name=TABLE, anchor=Anchor(row=0, column=0), columns=COLUMNS, streamed=True, room=room)
    return SheetSpec(name=SHEET, blocks=(table,), freeze=Anchor(row=1, column=1), repeat_rows=(0, 0))


def hourly(findings: Findings, rollup: HourlyRollup) -> SheetPart:
    """The sheet of a report."""
    rows = {TABLE: hourly_rows(findings, rollup)}
    return SheetPart(spec=hourly_sheet(), rows=rows, left_out=rollup.left_out)


def hourly_rows(findings: Findings, rollup: HourlyRollup) -> Iterator[Row]:
    """The rows of the table."""
    inputs = findings.inputs
    known = (*inputs.retired.destinations, *inputs.definitions.destinations)
    groups: dict[DestinationId, str] = {destination.id: destination.group for destination in known}
    local_hours: dict[datetime, datetime] = {}
    for group in rollup.groups:
        if group.bucket_at is None or group.job_id is None or group.destination_id is None:
            continue
        summary = group.summary
        start = local_hours.get(group.bucket_at)
        if start is None:
            start = local_hours[group.bucket_at] = findings.local_time(group.bucket_at)
        yield (
            findings.destination_label(group.destination_id),
            groups.get(group.destination_id, ""),
            findings.job_label(group.job_id),
            start,
            start.replace(hour=0, minute=0, second=0, microsecond=0),
            WEEKDAYS[start.weekday()],
            start.hour,
            summary.rounds_up + summary.rounds_down,
            summary.sent,
            summary.received,
            summary.sent - summary.received,
            summary.rtt_mean_ms,
            summary.p95_ms,
            summary.rtt_max_ms,
            summary.jitter_ms,
            summary.loss_percent,
            summary.availability_percent,
            None if summary.rtt_mean_ms is None else summary.rtt_mean_ms * summary.received,
        )


def span_with_data(findings: Findings, rollup: HourlyRollup) -> Period | None:
    """The part of the report's period from the first sample to the last; None where there is none.

    Exact to the hour, and to the sample where the store's first or last one is within the period.
    """
    period, info = findings.inputs.period, findings.info
    if not findings.pairs:
        return None
    start, end = period.start, period.end
    if info.first_sample_at is not None:
        start = max(start, info.first_sample_at)
    if info.last_sample_at is not None:
        end = min(end, info.last_sample_at + timedelta(seconds=1))
    if rollup.groups and rollup.period == period:
        hours = [group.bucket_at for group in rollup.groups if group.bucket_at is not None]
        start = max(start, hours[0])
        end = min(end, hours[-1] + timedelta(hours=1))
    return Period(start=start, end=max(end, start + timedelta(seconds=1)))
