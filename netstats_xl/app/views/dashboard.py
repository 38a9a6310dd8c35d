"""The Dashboard: how many destinations are up, the worst of them, and one row for each."""

from collections import Counter
from collections.abc import Sequence

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings, ShownDestination
from netstats_xl.app.views.hourly import HourlyRollup
from netstats_xl.app.views.parts import ChartData, SheetPart, column_ref
from netstats_xl.app.views.sparklines import sparklines
from netstats_xl.app.views.worst import worst_charts
from netstats_xl.domain.results import State
from netstats_xl.domain.rollups import EMPTY, Summary
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    BAD,
    BLUE,
    GREY,
    HEADING,
    HINT,
    ORANGE,
    TITLE,
    VERMILLION,
    Anchor,
    Block,
    CellSpec,
    ChartKind,
    ChartSpec,
    Column,
    Kind,
    Row,
    SeriesSpec,
    SheetSpec,
    Style,
    TableSpec,
    TextSpec,
)
from netstats_xl.ports import ResultStore

SHEET = "Dashboard"
STATE_COLORS = {State.UP: BLUE, State.DEGRADED: ORANGE, State.DOWN: VERMILLION, State.UNKNOWN: GREY}

_TOTALS_ROW = 5
_FIGURES_ROW = 11
_TABLE_ROW = 21
_CHART_HEIGHT_PX = 290

_NAME = columns.text("Name", width=24)
_STATE = columns.text("State", width=11, note="As of the end of the period.", rules=columns.STATE_RULES)
_TOTAL = columns.count("Destinations", width=14, note="Enabled destinations in this state.")
_TREND = Column(
    header="RTT, last 24 h",
    width=20,
    note="Mean RTT of each of the last 24 hours of the clock; a gap: no reply in it. Each row has its own scale.",
)
_RTT_WARNING = Column(header="RTT warning (ms)", kind=Kind.NUMBER, hidden=True)
_RTT_CRITICAL = Column(header="RTT critical (ms)", kind=Kind.NUMBER, hidden=True)
_LOSS_WARNING = Column(header="Loss warning (%)", kind=Kind.NUMBER, hidden=True)
_LOSS_CRITICAL = Column(header="Loss critical (%)", kind=Kind.NUMBER, hidden=True)
_RTT_RULES = columns.threshold_rules(warning_column=_RTT_WARNING.header, critical_column=_RTT_CRITICAL.header)
_LOSS_RULES = columns.threshold_rules(
    warning_column=_LOSS_WARNING.header, critical_column=_LOSS_CRITICAL.header
)


def _figure_columns(span: str) -> tuple[Column, ...]:
    return (
        columns.milliseconds(f"{span} mean (ms)", note=columns.MEAN_RULE, width=11, rules=_RTT_RULES),
        columns.milliseconds(f"{span} p95 (ms)", note=columns.P95_RULE, width=10),
        columns.milliseconds(f"{span} jitter (ms)", note=columns.JITTER_RULE, width=10),
        columns.loss(f"{span} loss (%)", width=9, rules=_LOSS_RULES),
        columns.availability(f"{span} avail. (%)", width=10),
    )


_DESTINATION_COLUMNS = (
    _NAME,
    columns.text("Group", width=14),
    columns.text("Status", width=11, note="As of the end of the period.", rules=columns.STATE_RULES),
    columns.milliseconds(
        "Last RTT (ms)",
        note="Mean RTT of the last round; blank if it had no reply.",
        width=10,
        rules=_RTT_RULES,
    ),
    *_figure_columns("1 h"),
    *_figure_columns("24 h"),
    _TREND,
    Column(header="Problems", width=46, style=columns.PROBLEM_STYLE),
    _RTT_WARNING,
    _RTT_CRITICAL,
    _LOSS_WARNING,
    _LOSS_CRITICAL,
)


def dashboard(store: ResultStore, findings: Findings, rollup: HourlyRollup, feeds: ChartData) -> SheetPart:
    """The sheet; what its charts read is added to `feeds`."""
    loss_chart, p95_chart = worst_charts(findings, feeds, row=_TOTALS_ROW, height_px=_CHART_HEIGHT_PX)
    states = _totals(findings)
    totals = TableSpec(
        name="Totals", anchor=Anchor(row=_TOTALS_ROW, column=0), columns=(_STATE, _TOTAL), autofilter=False
    )
    overview = TableSpec(
        name="Overview", anchor=Anchor(row=_TABLE_ROW, column=0), columns=_DESTINATION_COLUMNS
    )
    head, head_values = _head(findings)
    figures, figure_values = _figures(findings)
    blocks: tuple[Block, ...] = (
        *head,
        totals,
        *figures,
        _states_chart(shown=any(count for _, count in states)),
        loss_chart,
        p95_chart,
        TextSpec(
            anchor=Anchor(row=_TABLE_ROW - 1, column=0),
            text="Each destination: the 1 h and the 24 h end with the period",
            style=HEADING,
        ),
        overview,
        sparklines(store, findings, rollup, feeds, table=overview.name, column=_TREND.header),
    )
    return SheetPart(
        spec=SheetSpec(
            name=SHEET,
            blocks=blocks,
            freeze=Anchor(row=_TOTALS_ROW - 1, column=1),
            repeat_rows=(_TABLE_ROW, _TABLE_ROW),
            tab_color=BLUE,
            gridlines=False,
        ),
        rows={totals.name: states, overview.name: _overview_rows(findings)},
        cells=head_values | figure_values,
    )


def _head(findings: Findings) -> tuple[tuple[Block, ...], dict[str, CellValue]]:
    inputs = findings.inputs
    zone = inputs.settings.zone
    start, end = findings.local(inputs.period.start), findings.local(inputs.period.end)
    warnings = list(inputs.warnings)
    if inputs.cell_errors:
        bad = len(inputs.cell_errors)
        warnings.append(f"{bad} bad cell{'s' if bad > 1 else ''} in the workbook: see About.")
    values: dict[str, CellValue] = {
        "Report_period": f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}  ({zone})",
        "Report_generated": f"{findings.local(inputs.generated_at):%Y-%m-%d %H:%M:%S}  ({zone})",
        "Report_warnings": " ".join(warnings) or "none",
    }
    alarm = Style(color=BAD.color, bold=True) if warnings else Style()
    labels = (("Period", "Report_period", Style(bold=True)), ("Generated", "Report_generated", Style()))
    blocks: list[Block] = [TextSpec(anchor=Anchor(row=0, column=0), text="Network statistics", style=TITLE)]
    for row, (label, name, style) in enumerate((*labels, ("Warnings", "Report_warnings", alarm)), start=1):
        blocks.append(TextSpec(anchor=Anchor(row=row, column=0), text=label, style=HINT))
        blocks.append(CellSpec(name=name, anchor=Anchor(row=row, column=1), style=style))
    return tuple(blocks), values


def _figures(findings: Findings) -> tuple[tuple[Block, ...], dict[str, CellValue]]:
    overall = findings.overall
    disabled = sum(shown.state == columns.DISABLED for shown in findings.destinations)
    lines: tuple[tuple[str, str, CellValue, str], ...] = (
        ("Destinations with data", "Total_measured", len(findings.whole), columns.COUNT_FORMAT),
        ("Destinations disabled", "Total_disabled", disabled, columns.COUNT_FORMAT),
        (
            "Rounds (all destinations)",
            "Total_rounds",
            overall.rounds_up + overall.rounds_down,
            columns.COUNT_FORMAT,
        ),
        ("Mean RTT (ms)", "Total_mean_ms", overall.rtt_mean_ms, columns.MS_FORMAT),
        ("p95 RTT (ms)", "Total_p95_ms", overall.p95_ms, columns.MS_FORMAT),
        ("Loss (%)", "Total_loss_percent", overall.loss_percent, columns.PERCENT_FORMAT),
        (
            "Availability (%)",
            "Total_availability_percent",
            overall.availability_percent,
            columns.AVAILABILITY_FORMAT,
        ),
    )
    blocks: list[Block] = [
        TextSpec(anchor=Anchor(row=_FIGURES_ROW, column=0), text="All, whole period", style=HEADING)
    ]
    for row, (label, name, _, number_format) in enumerate(lines, start=_FIGURES_ROW + 1):
        blocks.append(TextSpec(anchor=Anchor(row=row, column=0), text=label))
        blocks.append(
            CellSpec(
                name=name,
                anchor=Anchor(row=row, column=1),
                kind=Kind.NUMBER,
                number_format=number_format,
                style=Style(bold=True, align="right"),
            )
        )
    return tuple(blocks), {name: value for _, name, value, _ in lines}


def _totals(findings: Findings) -> tuple[Row, ...]:
    counted = Counter(shown.state for shown in findings.destinations)
    return tuple((str(state), counted[state]) for state in STATE_COLORS)


def _states_chart(*, shown: bool) -> ChartSpec:
    return ChartSpec(
        name="States",
        anchor=Anchor(row=_TOTALS_ROW, column=2),
        width_px=232,
        height_px=_CHART_HEIGHT_PX,
        kind=ChartKind.PIE,
        title="Destinations by state" if shown else "No destinations",
        description="Pie: how many enabled destinations are up, degraded, down and unknown at the end.",
        series=(
            SeriesSpec(
                name="Destinations",
                values=column_ref("Totals", _TOTAL),
                categories=column_ref("Totals", _STATE),
                color=BLUE,
                point_colors=tuple(STATE_COLORS.values()),
            ),
        ),
    )


def _overview_rows(findings: Findings) -> tuple[Row, ...]:
    return tuple(_overview_row(findings, shown) for shown in findings.destinations)


def _overview_row(findings: Findings, shown: ShownDestination) -> Row:
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
    )


def _figure_cells(summary: Summary) -> Sequence[CellValue]:
    return (
        summary.rtt_mean_ms,
        summary.p95_ms,
        summary.jitter_ms,
        summary.loss_percent,
        summary.availability_percent,
    )
