"""The Trends sheet: hourly and daily figures of all destinations pooled, beside the previous period's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import SheetPart
from netstats_xl.app.views.trends_sheet import DAYS, HOURS, SHEET, Steps, TrendsLook, trends_sheet
from netstats_xl.domain.results import Period
from netstats_xl.domain.rollups import EMPTY, Summary
from netstats_xl.domain.views import Axis, Row
from netstats_xl.domain.windows import from_local

_Place = tuple[timedelta, int]
"""The time since its period began, and a number for those that share it: the same places stand side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendsFigures:
    """What fills the sheet."""

    rows: Mapping[str, Sequence[Row]]
    explanation: str
    left_out: tuple[str, ...]


def trends_figures(store: Measurements, findings: Findings) -> TrendsFigures:
    """Everything that the sheet shows."""
    return TrendsFigures(
        rows={steps.table: _rows(store, findings, steps) for steps in (HOURS, DAYS)},
        explanation=_explanation(findings),
        left_out=tuple(
            f"{SHEET}: by {steps.unit.lower()}, the last {steps.span.days} days of the period are shown."
            for steps in (HOURS, DAYS)
            if findings.inputs.period.length > steps.span
        ),
    )


def trends(store: Measurements, findings: Findings) -> SheetPart:
    """The sheet of a report."""
    figures = trends_figures(store, findings)
    left_out = [" ".join(figures.left_out)] if figures.left_out else []
    look = TrendsLook(
        texts=(figures.explanation, *left_out),
        axes={steps.table: _axis(steps, figures.rows[steps.table]) for steps in (HOURS, DAYS)},
        compared=frozenset(table for table, rows in figures.rows.items() if _compared(rows)),
    )
    return SheetPart(spec=trends_sheet(look), rows=figures.rows, left_out=figures.left_out)


def live_trends(store: Measurements, findings: Findings) -> TrendsFigures:
    """As many hours, and as many days, as the period has, the last of them not over yet, beside those before.

    They begin on the clock's hours and days, so that what is over stays the same from view to view.
    """
    inputs = findings.inputs
    hours = max(1, round(inputs.period.length / timedelta(hours=1)))
    days = -(-hours // 24)
    shown = {
        HOURS: min(hours, HOURS.span // timedelta(hours=1)),
        DAYS: min(days, DAYS.span // timedelta(days=1)),
    }
    return TrendsFigures(
        rows={steps.table: _live_rows(store, findings, steps, count) for steps, count in shown.items()},
        explanation=(
            "All destinations pooled. "
            f"{_beside(shown[HOURS], 'hour', 'This hour beside the one before')}, "
            f"{_beside(shown[DAYS], 'day', 'today beside yesterday')} ({inputs.settings.zone}). "
            "This hour and today are not over yet."
        ),
        left_out=tuple(
            f"{SHEET}: by {steps.unit.lower()}, the last {steps.span.days} days of the period are shown."
            for steps in shown
            if inputs.period.length > steps.span
        ),
    )


def _live_rows(store: Measurements, findings: Findings, steps: Steps, count: int) -> tuple[Row, ...]:
    end, zone = findings.inputs.period.end, findings.inputs.settings.zone
    longest = timedelta(hours=2 * count) if steps is HOURS else timedelta(days=2 * count + 1)
    edges = steps.edges(end - longest, end, zone)[-2 * count :]
    figures = _figures(store, findings, Period(start=edges[0], end=end), edges)
    before, now = figures[:-count], figures[-count:]
    blank: Row = (None,) * (len(steps.columns) // 2)
    # As far back as the clock goes there may be fewer before.
    before = [blank] * (count - len(before)) + before
    return tuple((*one, *other) for one, other in zip(now, before, strict=True))


def _beside(number: int, what: str, single: str) -> str:
    if number == 1:
        return single
    return f"{'T' if what == 'hour' else 't'}he last {number} {what}s beside the {number} before"


def _axis(steps: Steps, rows: Sequence[Row]) -> Axis:
    times = [each[0] for each in rows]
    number_format = columns.time_axis_format(times) if steps is HOURS else "mm-dd"
    return Axis(number_format=number_format, label_every=columns.time_label_step(times))


def _compared(rows: Sequence[Row]) -> bool:
    """Whether anything is known of the previous period."""
    return any(value is not None for each in rows for value in each[len(each) // 2 + 1 :])


def _explanation(findings: Findings) -> str:
    inputs = findings.inputs
    days = _whole_days(findings)
    previous = _previous(findings, days)
    beside = (
        "its first hour or day stands beside this period's first, and so on. "
        "The first and the last may be cut by the period."
        if days is None
        else f"beside each hour or day stands the same one of the local clock, {days} day{'s'[: days > 1]} before."
    )
    return (
        "All destinations of the report pooled. "
        f"Previous: {findings.local(previous.start):%Y-%m-%d %H:%M} to "
        f"{findings.local(previous.end):%Y-%m-%d %H:%M} ({inputs.settings.zone}); "
        f"{beside}"
    )


def _whole_days(findings: Findings) -> int | None:
    """How many local days the period is, where it begins and ends with one; on some the clock changes."""
    start, end = (
        datetime.combine(findings.local_time(at).date(), time())
        for at in (findings.inputs.period.start, findings.inputs.period.end)
    )
    zone = findings.inputs.settings.zone
    if Period(start=from_local(start, zone), end=from_local(end, zone)) != findings.inputs.period:
        return None
    return (end - start).days


def _previous(findings: Findings, days: int | None) -> Period:
    """As many local days before the period where it is whole days; else as long a time."""
    period = findings.inputs.period
    if days is None:
        return period.previous()
    return Period(start=_days_before(findings, period.start, days), end=period.start)


def _days_before(findings: Findings, at: datetime, days: int) -> datetime:
    """The midnight so many local days before the day that begins at this instant."""
    midnight = datetime.combine(findings.local_time(at).date(), time())
    return from_local(midnight - timedelta(days=days), findings.inputs.settings.zone)


def _rows(store: Measurements, findings: Findings, steps: Steps) -> tuple[Row, ...]:
    days = _whole_days(findings)

    def figures(period: Period) -> dict[_Place, Row]:
        end, span = period.end, steps.span
        start = end - span if days is None else _days_before(findings, end, span.days)
        shown = Period(start=max(period.start, start), end=end)
        edges = steps.edges(shown.start, shown.end, findings.inputs.settings.zone)
        rows = _figures(store, findings, shown, edges)
        return dict(zip(_places(findings, steps, edges, period, days), rows, strict=True))

    now, before = figures(findings.inputs.period), figures(_previous(findings, days))
    blank: Row = (None,) * (len(steps.columns) // 2)
    return tuple((*now.get(place, blank), *before.get(place, blank)) for place in sorted({**now, **before}))


def _places(
    findings: Findings, steps: Steps, edges: Sequence[datetime], period: Period, days: int | None
) -> list[_Place]:
    """Where each step stands: by the local clock since the period's first day, or else by its position."""
    if days is None:
        return [(timedelta(), position) for position in range(len(edges))]
    first = datetime.combine(findings.local_time(period.start).date(), time())
    step = timedelta(hours=1) if steps is HOURS else timedelta(days=1)
    # An hour that the clock repeats comes after itself; one that begins late, for the clock skips, is that hour.
    since = [(findings.local_time(edge) - first) // step * step for edge in edges]
    return [(each, since[:position].count(each)) for position, each in enumerate(since)]


def _figures(store: Measurements, findings: Findings, period: Period, edges: Sequence[datetime]) -> list[Row]:
    """Time, mean, p95, loss and availability of each step of the period; blank where it has no data."""
    found: dict[datetime | None, Summary] = {
        group.bucket_at: group.summary
        for group in (store.summaries(period, scope=findings.inputs.scope, edges=edges) if edges else ())
    }
    return [
        (
            findings.local(edge),
            (summary := found.get(edge, EMPTY)).rtt_mean_ms,
            summary.p95_ms,
            summary.loss_percent,
            summary.availability_percent,
        )
        for edge in edges
    ]
