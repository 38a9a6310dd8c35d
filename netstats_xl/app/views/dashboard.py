"""The Dashboard: how many destinations are up, the worst of them, and one row for each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.app.views import columns
from netstats_xl.app.views.dashboard_sheet import (
    FIGURES,
    OVERVIEW,
    STATE_COLORS,
    TOTALS,
    DashboardLook,
    dashboard_sheet,
)
from netstats_xl.app.views.findings import Findings, ShownDestination
from netstats_xl.app.views.hourly import HourlyRollup
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import ChartData, SheetPart, Title
from netstats_xl.app.views.sparklines import hourly_means, sparkline_kind
from netstats_xl.app.views.worst import Worst, add_worst_feeds, worst
from netstats_xl.domain.rollups import EMPTY, Summary
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import DestinationId
from netstats_xl.domain.views import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardFigures:
    """What fills the sheet."""

    rows: Mapping[str, Sequence[Row]]
    cells: Mapping[str, CellValue]
    worst: Worst
    states_title: str
    hourly_means: Mapping[DestinationId, Row]
    warnings: tuple[str, ...]


def dashboard_figures(store: Measurements, findings: Findings, rollup: HourlyRollup) -> DashboardFigures:
    """Everything that the sheet shows."""
    states = _totals(findings)
    means = hourly_means(store, findings, rollup)
    warnings = _warnings(findings)
    return DashboardFigures(
        rows={TOTALS: states, OVERVIEW: _overview_rows(findings, means)},
        cells=_head(findings, warnings) | _figures(findings),
        worst=worst(findings),
        states_title="Destinations by state" if any(count for _, count in states) else "No destinations",
        hourly_means=means,
        warnings=warnings,
    )


def dashboard(store: Measurements, findings: Findings, rollup: HourlyRollup, feeds: ChartData) -> SheetPart:
    """The sheet of a report; what its charts read is added to `feeds`."""
    figures = dashboard_figures(store, findings, rollup)
    add_worst_feeds(feeds, figures.worst.rows)
    look = DashboardLook(
        states_title=Title(text=figures.states_title),
        loss_title=Title(text=figures.worst.loss_title),
        p95_title=Title(text=figures.worst.p95_title),
        alarm=bool(figures.warnings),
        sparkline_kind=sparkline_kind(figures.hourly_means.values()),
    )
    return SheetPart(spec=dashboard_sheet(look), rows=figures.rows, cells=figures.cells)


def _warnings(findings: Findings) -> tuple[str, ...]:
    inputs = findings.inputs
    if not inputs.cell_errors:
        return inputs.warnings
    bad = len(inputs.cell_errors)
    return (*inputs.warnings, f"{bad} bad cell{'s' if bad > 1 else ''} in the workbook: see About.")


def _head(findings: Findings, warnings: Sequence[str]) -> dict[str, CellValue]:
    inputs = findings.inputs
    zone = inputs.settings.zone
    start, end = findings.local(inputs.period.start), findings.local(inputs.period.end)
    return {
        "NetStats_period": f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}  ({zone})",
        "NetStats_generated": f"{findings.local(inputs.generated_at):%Y-%m-%d %H:%M:%S}  ({zone})",
        "NetStats_warnings": " ".join(warnings) or "none",
    }


def _figures(findings: Findings) -> dict[str, CellValue]:
    overall = findings.overall
    values: tuple[CellValue, ...] = (
        len(findings.whole),
        sum(shown.state == columns.DISABLED for shown in findings.destinations),
        overall.rounds_up + overall.rounds_down,
        overall.rtt_mean_ms,
        overall.p95_ms,
        overall.loss_percent,
        overall.availability_percent,
    )
    return {name: value for (_, name, _), value in zip(FIGURES, values, strict=True)}


def _totals(findings: Findings) -> tuple[Row, ...]:
    counted = Counter(shown.state for shown in findings.destinations)
    return tuple((str(state), counted[state]) for state in STATE_COLORS)


def _overview_rows(findings: Findings, means: Mapping[DestinationId, Row]) -> tuple[Row, ...]:
    return tuple(
        _overview_row(findings, shown, means[shown.destination.id]) for shown in findings.destinations
    )


def _overview_row(findings: Findings, shown: ShownDestination, means: Row) -> Row:
    destination = shown.destination
    thresholds = destination.thresholds.or_else(findings.inputs.settings.thresholds)
    return (
        shown.label,
        destination.group,
        shown.state,
        shown.status.last_rtt_ms,
        *_figure_cells(findings.last_hour.get(destination.id, EMPTY)),
        *_figure_cells(findings.last_day.get(destination.id, EMPTY)),
        None,
        shown.status.problems,
        thresholds.rtt_warning_ms,
        thresholds.rtt_critical_ms,
        thresholds.loss_warning_percent,
        thresholds.loss_critical_percent,
        *means,
        destination.id,
    )


def _figure_cells(summary: Summary) -> Sequence[CellValue]:
    return (
        summary.rtt_mean_ms,
        summary.p95_ms,
        summary.jitter_ms,
        summary.loss_percent,
        summary.availability_percent,
    )
