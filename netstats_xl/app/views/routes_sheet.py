"""How the Routes sheet looks, in a report and in a live workbook."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netstats_xl.app.views import columns
from netstats_xl.app.views.parts import ChartData, Title, column_ref
from netstats_xl.domain.views import (
    BAD,
    BLUE,
    HEADING,
    HINT,
    SKY,
    TITLE,
    VERMILLION,
    Anchor,
    Axis,
    Block,
    CellSpec,
    ChartKind,
    ChartSpec,
    Color,
    Column,
    Kind,
    Row,
    SeriesSpec,
    SheetSpec,
    Style,
    TableSpec,
    TextEquals,
    TextSpec,
)

SHEET = "Routes"
ROUTES, CHANGES, HOPS_FEED = "Routes", "Route_changes", "Route_hops"
NOT_REACHED = "not reached"
MOST_HOPS = 30
"""Of a route in the charts; traces look no further either."""
LIVE_CHANGES = 10
"""Rows of the changes in a live workbook, always: the routes below them grow."""

RTT_TITLE = Title(text="RTT by hop (ms)", cell="Hops_rtt_title")
LOSS_TITLE = Title(text="Loss by hop (%)", cell="Hops_loss_title")
TITLES = (RTT_TITLE, LOSS_TITLE)
LEFT_OUT_CELL = "Hops_left_out"

_CHARTS_ROW = 3
_CHART_ROWS = 14
_CHANGES_ROW = _CHARTS_ROW + _CHART_ROWS + 2
_CHARTS = ((0, 620), (4, 890))
"""The column that each chart begins in, and its width in pixels: side by side, as wide as the table."""

_HOP = columns.text("Hop")
_MEAN = columns.milliseconds("Mean RTT (ms)")
_WORST = columns.milliseconds("Worst RTT (ms)")
_LOSS = columns.loss("Loss (%)")

_RTT_WARNING = Column(header="RTT warning (ms)", kind=Kind.NUMBER, hidden=True)
_RTT_CRITICAL = Column(header="RTT critical (ms)", kind=Kind.NUMBER, hidden=True)
_LOSS_WARNING = Column(header="Loss warning (%)", kind=Kind.NUMBER, hidden=True)
_LOSS_CRITICAL = Column(header="Loss critical (%)", kind=Kind.NUMBER, hidden=True)

_LOSS_RULE = (
    "Packets without a reply, of all traces since the route is this one. Many routers answer only some of them: a "
    "loss that the hops behind do not share is none, and has no colour."
)

ROUTE_COLUMNS = (
    columns.text("Destination", width=24),
    columns.text("Host", width=24),
    Column(
        header="Hop",
        kind=Kind.NUMBER,
        number_format="0",
        width=8,
        note="From 1: the first router behind this computer. The last one is the host itself.",
        style=Style(align="center"),
    ),
    columns.text(
        "Address",
        width=30,
        note="Who answered; several where packets take several ways, and none where nobody did.",
    ),
    columns.text(
        "Name",
        width=30,
        note="Of the address, as the DNS has it.",
        rules=(TextEquals(text=NOT_REACHED, style=BAD),),
    ),
    columns.loss(
        "Loss (%)",
        note=_LOSS_RULE,
        width=9,
        rules=columns.threshold_rules(
            warning_column=_LOSS_WARNING.header, critical_column=_LOSS_CRITICAL.header
        ),
    ),
    columns.count("Sent", note="Packets sent with so many hops.", width=8),
    columns.milliseconds("Last RTT (ms)", width=9),
    columns.milliseconds(
        "Mean RTT (ms)",
        note=columns.MEAN_RULE,
        width=9,
        rules=columns.threshold_rules(
            warning_column=_RTT_WARNING.header, critical_column=_RTT_CRITICAL.header
        ),
    ),
    columns.milliseconds("Best RTT (ms)", width=9),
    columns.milliseconds("Worst RTT (ms)", width=9),
    columns.milliseconds("Stdev RTT (ms)", note="Population standard deviation of the RTTs.", width=9),
    columns.instant(
        "Since",
        note="When the route was found first.",
        number_format=columns.MINUTE_FORMAT,
        width=16,
    ),
    columns.instant(
        "Last traced",
        note="When it was found last.",
        number_format=columns.MINUTE_FORMAT,
        width=16,
    ),
    _RTT_WARNING,
    _RTT_CRITICAL,
    _LOSS_WARNING,
    _LOSS_CRITICAL,
)

CHANGE_COLUMNS = (
    columns.instant("When", note="When the trace began that found the new route. Newest first."),
    columns.text("Destination", width=24),
    columns.count("Hops", note="Of the new route, up to the last answer.", width=8),
    columns.text("Reason", width=30, note="Why the route was traced."),
    columns.text(
        "What changed",
        width=30,
        note="A silent hop, or one of several addresses that are known there, is no change.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesLook:
    """What differs from one Routes sheet to the next."""

    rtt_title: Title
    loss_title: Title
    left_out: str | CellSpec
    """What stands below the title besides: a text, or a cell of the view's."""
    changes: int
    """How many rows the table of changes has."""
    room: int = 0
    """Rows that the table of routes may grow into."""


def add_routes_feeds(feeds: ChartData, rows: Sequence[Row] = (), *, room: int = 0) -> None:
    """Add what the charts read."""
    feeds.add(HOPS_FEED, (_HOP, _MEAN, _WORST, _LOSS), rows, room=room)


def routes_sheet(look: RoutesLook) -> SheetSpec:
    """The sheet."""
    routes_row = _CHANGES_ROW + look.changes + 3
    left_out = look.left_out
    below_title = Anchor(row=2, column=0)
    blocks: tuple[Block, ...] = (
        TextSpec(anchor=Anchor(row=0, column=0), text="Routes", style=TITLE),
        TextSpec(
            anchor=Anchor(row=1, column=0),
            text=(
                "Traced where a job has the metric route, when a destination goes down or its RTT becomes critical, "
                "and on demand."
            ),
            style=HINT,
        ),
        TextSpec(anchor=below_title, text=left_out, style=HINT)
        if isinstance(left_out, str)
        else replace(left_out, anchor=below_title, style=HINT),
        _chart("Route by RTT", _CHARTS[0], look.rtt_title, "ms", ((_MEAN, BLUE), (_WORST, SKY))),
        _chart("Route by loss", _CHARTS[1], look.loss_title, "%", ((_LOSS, VERMILLION),)),
        TextSpec(anchor=Anchor(row=_CHANGES_ROW - 1, column=0), text="Changes in the period", style=HEADING),
        TableSpec(
            name=CHANGES, anchor=Anchor(row=_CHANGES_ROW, column=0), columns=CHANGE_COLUMNS, autofilter=False
        ),
        TextSpec(
            anchor=Anchor(row=routes_row - 1, column=0), text="The route to each destination", style=HEADING
        ),
        TableSpec(
            name=ROUTES, anchor=Anchor(row=routes_row, column=0), columns=ROUTE_COLUMNS, room=look.room
        ),
    )
    return SheetSpec(
        name=SHEET,
        blocks=blocks,
        freeze=Anchor(row=1, column=1),
        repeat_rows=(routes_row, routes_row),
        gridlines=False,
    )


def _chart(
    name: str, place: tuple[int, int], title: Title, unit: str, series: tuple[tuple[Column, Color], ...]
) -> ChartSpec:
    column, width_px = place
    return ChartSpec(
        name=name,
        anchor=Anchor(row=_CHARTS_ROW, column=column),
        width_px=width_px,
        height_px=20 * _CHART_ROWS,
        kind=ChartKind.COLUMN,
        title=title.text,
        title_cell=title.cell,
        description=(
            f"{' and '.join(each.header for each, _ in series)} of each hop on the route to one destination, as "
            "columns."
        ),
        series=tuple(
            SeriesSpec(
                name=each.header,
                values=column_ref(HOPS_FEED, each),
                categories=column_ref(HOPS_FEED, _HOP),
                color=color,
            )
            for each, color in series
        ),
        category_axis=Axis(title=_HOP.header, label_every=1),
        value_axis=Axis(title=unit, number_format="General", low=0, high=100 if unit == "%" else None),
        legend=len(series) > 1,
        gap_percent=60,
    )
