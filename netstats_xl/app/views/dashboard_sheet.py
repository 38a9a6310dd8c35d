"""How the Dashboard looks, in a report and in a live workbook."""

from dataclasses import dataclass

from netstats_xl.app.views import columns
from netstats_xl.app.views.parts import Title, column_ref
from netstats_xl.app.views.sparklines import HOUR_COLUMNS, SparklineKind, sparklines
from netstats_xl.app.views.worst import worst_charts
from netstats_xl.domain.results import State
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
    SeriesSpec,
    SheetSpec,
    Style,
    TableSpec,
    TextSpec,
)

SHEET = "Dashboard"
TOTALS, OVERVIEW = "Totals", "Overview"
STATE_COLORS = {State.UP: BLUE, State.DEGRADED: ORANGE, State.DOWN: VERMILLION, State.UNKNOWN: GREY}
COLLECTOR_STATE = "NetStats_state"
ID = "ID"

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


_OVERVIEW_COLUMNS = (
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
    *HOUR_COLUMNS,
    Column(header=ID, hidden=True),
)

FIGURES: tuple[tuple[str, str, str], ...] = (
    ("Destinations with data", "Total_measured", columns.COUNT_FORMAT),
    ("Destinations disabled", "Total_disabled", columns.COUNT_FORMAT),
    ("Rounds (all destinations)", "Total_rounds", columns.COUNT_FORMAT),
    ("Mean RTT (ms)", "Total_mean_ms", columns.MS_FORMAT),
    ("p95 RTT (ms)", "Total_p95_ms", columns.MS_FORMAT),
    ("Loss (%)", "Total_loss_percent", columns.PERCENT_FORMAT),
    ("Availability (%)", "Total_availability_percent", columns.AVAILABILITY_FORMAT),
)
"""Label, name and format of each figure of all destinations."""

_PERIOD = ("Period", "NetStats_period", Style(bold=True))
_WARNINGS = ("Warnings", "NetStats_warnings")
_ALARM = Style(color=BAD.color, bold=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardLook:
    """What differs from one Dashboard to the next."""

    states_title: Title
    loss_title: Title
    p95_title: Title
    alarm: bool
    """Whether warnings catch the eye."""
    sparkline_kind: SparklineKind = "line"
    collector: bool = False
    """Whether it tells the state of the collector, as a live workbook does."""
    room: int = 0
    """Rows that the overview may grow into."""


def dashboard_sheet(look: DashboardLook) -> SheetSpec:
    """The sheet."""
    labels = (
        *([("Collector", COLLECTOR_STATE, Style(bold=True))] if look.collector else []),
        _PERIOD,
        ("As of" if look.collector else "Generated", "NetStats_generated", Style()),
        (*_WARNINGS, _ALARM if look.alarm else Style()),
    )
    totals_row = len(labels) + 2
    figures_row, table_row = totals_row + 6, totals_row + 16
    return SheetSpec(
        name=SHEET,
        blocks=(
            *_head(labels),
            TableSpec(
                name=TOTALS,
                anchor=Anchor(row=totals_row, column=0),
                columns=(_STATE, _TOTAL),
                autofilter=False,
            ),
            *_figures(figures_row),
            _states_chart(totals_row, look.states_title),
            *worst_charts(
                row=totals_row,
                height_px=_CHART_HEIGHT_PX,
                loss_title=look.loss_title,
                p95_title=look.p95_title,
            ),
            TextSpec(
                anchor=Anchor(row=table_row - 1, column=0),
                text="Each destination: the 1 h and the 24 h end with the period",
                style=HEADING,
            ),
            TableSpec(
                name=OVERVIEW,
                anchor=Anchor(row=table_row, column=0),
                columns=_OVERVIEW_COLUMNS,
                room=look.room,
                key=ID,
            ),
            sparklines(table=OVERVIEW, column=_TREND.header, kind=look.sparkline_kind),
        ),
        freeze=Anchor(row=totals_row - 1, column=1),
        repeat_rows=(table_row, table_row),
        tab_color=BLUE,
        gridlines=False,
    )


def _head(labels: tuple[tuple[str, str, Style], ...]) -> tuple[Block, ...]:
    blocks: list[Block] = [TextSpec(anchor=Anchor(row=0, column=0), text="Network statistics", style=TITLE)]
    for row, (label, name, style) in enumerate(labels, start=1):
        blocks.append(TextSpec(anchor=Anchor(row=row, column=0), text=label, style=HINT))
        blocks.append(CellSpec(name=name, anchor=Anchor(row=row, column=1), style=style))
    return tuple(blocks)


def _figures(first_row: int) -> tuple[Block, ...]:
    blocks: list[Block] = [
        TextSpec(anchor=Anchor(row=first_row, column=0), text="All, whole period", style=HEADING)
    ]
    for row, (label, name, number_format) in enumerate(FIGURES, start=first_row + 1):
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
    return tuple(blocks)


def _states_chart(row: int, title: Title) -> ChartSpec:
    return ChartSpec(
        name="States",
        anchor=Anchor(row=row, column=2),
        width_px=232,
        height_px=_CHART_HEIGHT_PX,
        kind=ChartKind.PIE,
        title=title.text,
        title_cell=title.cell,
        description="Pie: how many enabled destinations are up, degraded, down and unknown at the end.",
        series=(
            SeriesSpec(
                name="Destinations",
                values=column_ref(TOTALS, _TOTAL),
                categories=column_ref(TOTALS, _STATE),
                color=BLUE,
                point_colors=tuple(STATE_COLORS.values()),
            ),
        ),
    )
