"""The Dashboard's charts of the worst destinations, by loss and by p95."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.parts import ChartData, Title, column_ref
from netstats_xl.domain.rollups import Summary
from netstats_xl.domain.views import (
    BLUE,
    VERMILLION,
    Anchor,
    Axis,
    ChartKind,
    ChartSpec,
    Color,
    Column,
    Row,
    SeriesSpec,
)

WORST = 10
"""Destinations in each chart."""

_NOTHING: tuple[Row, ...] = (("", None),)
"""What a chart without bars reads: its title says why."""

_NAME = columns.text("Name", width=24)
_LOSS = columns.loss("Loss (%)")
_P95 = columns.milliseconds("p95 RTT (ms)", note=columns.P95_RULE)
_LOSS_FEED, _P95_FEED = "Worst_loss", "Worst_p95"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """What the charts show."""

    rows: Mapping[str, Sequence[Row]]
    """By feed table."""
    loss_title: str
    p95_title: str


def worst(findings: Findings) -> Worst:
    """The worst ten by loss and by p95."""
    by_loss = _worst(findings, lambda summary: summary.loss_percent or None)
    by_p95 = _worst(findings, lambda summary: summary.p95_ms)
    sent = any(summary.sent for summary in findings.whole.values())
    replies = any(summary.received for summary in findings.whole.values())
    return Worst(
        rows={_LOSS_FEED: by_loss or _NOTHING, _P95_FEED: by_p95 or _NOTHING},
        loss_title=_title(by_loss, "loss (%)", otherwise="No loss" if sent else "No packets sent"),
        p95_title=_title(
            by_p95, "p95 RTT (ms)", otherwise="Too few replies for a p95" if replies else "No replies"
        ),
    )


def add_worst_feeds(feeds: ChartData, rows: Mapping[str, Sequence[Row]], *, room: int = 0) -> None:
    """Add what the charts read."""
    for name, value in ((_LOSS_FEED, _LOSS), (_P95_FEED, _P95)):
        feeds.add(name, (_NAME, value), rows.get(name, ()), room=room)


def worst_charts(
    *, row: int, height_px: int, loss_title: Title, p95_title: Title
) -> tuple[ChartSpec, ChartSpec]:
    """The charts by loss and by p95, side by side from `row` on."""

    def chart(
        name: str, table: str, column: int, value: Column, color: Color, title: Title, width_px: int
    ) -> ChartSpec:
        return ChartSpec(
            name=name,
            anchor=Anchor(row=row, column=column),
            width_px=width_px,
            height_px=height_px,
            kind=ChartKind.BAR,
            title=title.text,
            title_cell=title.cell,
            description=f"{title.text}: {value.header} by destination over the period, the worst on top.",
            series=(
                SeriesSpec(
                    name=value.header,
                    values=column_ref(table, value),
                    categories=column_ref(table, _NAME),
                    color=color,
                ),
            ),
            category_axis=Axis(reverse=True, label_every=1),
            value_axis=Axis(title=value.header, number_format="General", low=0),
            legend=False,
            gap_percent=40,
        )

    return (
        chart("Worst by loss", _LOSS_FEED, 5, _LOSS, VERMILLION, loss_title, 368),
        chart("Worst by p95", _P95_FEED, 10, _P95, BLUE, p95_title, 436),
    )


def _worst(findings: Findings, figure: Callable[[Summary], float | None]) -> tuple[Row, ...]:
    """The worst ten by a figure of the whole period, worst first; those that have none are left out."""
    measured = [
        (findings.destination_label(destination_id), value)
        for destination_id, summary in findings.whole.items()
        if (value := figure(summary)) is not None
    ]
    measured.sort(key=lambda pair: (-pair[1], pair[0].casefold()))
    return tuple(measured[:WORST])


def _title(worst: Sequence[Row], what: str, *, otherwise: str) -> str:
    if not worst:
        return f"{otherwise} in this period"
    return f"Worst ten by {what}" if len(worst) == WORST else f"Destinations by {what}"
