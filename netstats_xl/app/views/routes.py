"""The Routes sheet: the path to each destination with the loss and RTT of its hops, and how paths changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netstats_xl.app.views.findings import Findings, ShownDestination
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import ChartData, Filling, SheetPart, Title, title_cells
from netstats_xl.app.views.routes_sheet import (
    CHANGE_COLUMNS,
    CHANGES,
    HOPS_FEED,
    LEFT_OUT_CELL,
    LIVE_CHANGES,
    LOSS_TITLE,
    MOST_HOPS,
    NOT_REACHED,
    ROUTE_COLUMNS,
    ROUTES,
    RTT_TITLE,
    SHEET,
    RoutesLook,
    add_routes_feeds,
    routes_sheet,
)
from netstats_xl.domain.results import Scope, TraceReason
from netstats_xl.domain.route_records import RouteRecord
from netstats_xl.domain.routes import HopStatistics
from netstats_xl.domain.targets import Destination, DestinationId, Job, Thresholds
from netstats_xl.domain.views import Row
from netstats_xl.sheets import Selection, chosen

REPORT_ROWS = 20_000
"""Hops of a report at most: those of some 1,500 destinations."""
REPORT_CHANGES = 200
_LOOKED_AT = 50
"""Routes that are looked at for each change that is shown: the first route to a destination is no change."""

NO_ROUTE = "No route was traced yet."
NO_CHANGE = "No route changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    """What fills the sheet."""

    routes: Sequence[Row]
    changes: Sequence[Row]
    feed: Sequence[Row]
    titles: Mapping[Title, str]
    left_out: tuple[str, ...]


def routes(store: Measurements, findings: Findings, feeds: ChartData) -> SheetPart:
    """The sheet of a report; its charts show the worst route."""
    figures = _figures(store, findings, Selection(), rows=REPORT_ROWS, changes=REPORT_CHANGES)
    add_routes_feeds(feeds, figures.feed)
    look = RoutesLook(
        rtt_title=Title(text=figures.titles[RTT_TITLE]),
        loss_title=Title(text=figures.titles[LOSS_TITLE]),
        left_out=" ".join(figures.left_out),
        changes=len(figures.changes),
    )
    return SheetPart(
        spec=routes_sheet(look),
        rows={ROUTES: figures.routes, CHANGES: figures.changes},
        left_out=figures.left_out,
    )


def live_routes(store: Measurements, findings: Findings, selection: Selection, *, limit: int) -> Filling:
    """What fills the sheet of a live workbook; its charts show the destination that was chosen, or the worst route."""
    figures = _figures(store, findings, selection, rows=limit, changes=LIVE_CHANGES)
    return Filling(
        rows={
            ROUTES: figures.routes,
            CHANGES: live_changes(figures.changes),
            HOPS_FEED: figures.feed,
        },
        cells={LEFT_OUT_CELL: " ".join(figures.left_out), **title_cells(figures.titles)},
        left_out=figures.left_out,
    )


def live_changes(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows of the changes in a live workbook: as many as there are, always."""
    return (*rows, *(((None,) * len(CHANGE_COLUMNS),) * (LIVE_CHANGES - len(rows))))


def no_routes() -> tuple[Row, ...]:
    """What the table of routes says before there is any."""
    return ((NO_ROUTE, *(None,) * (len(ROUTE_COLUMNS) - 1)),)


def no_changes() -> tuple[Row, ...]:
    """What the table of changes says before there is any."""
    return ((*(None,) * (len(CHANGE_COLUMNS) - 1), NO_CHANGE),)


def _figures(
    store: Measurements, findings: Findings, selection: Selection, *, rows: int, changes: int
) -> _Figures:
    period, scope = findings.inputs.period, findings.inputs.scope
    if scope.job_ids is not None:
        scope = Scope(destination_ids=frozenset(each.destination.id for each in findings.destinations))
    current = store.current_routes(period.end, scope=scope)
    shown = [
        (each, current[each.destination.id])
        for each in findings.destinations
        if each.destination.id in current
    ]
    route_rows, destinations = _route_rows(findings, shown, most=rows)
    looked_at = _LOOKED_AT * changes
    found = store.routes(period, scope=scope, limit=looked_at)
    changed = [each for each in found if each.change]
    name, record = _charted(findings, selection, shown)
    left_out = []
    if destinations < len(shown):
        left_out.append(
            f"{SHEET}: those to the first {destinations:,} of {len(shown):,} destinations are shown."
        )
    if len(changed) > changes or len(found) == looked_at:
        left_out.append(
            f"{SHEET}: the newest {min(changes, len(changed)):,} changes of the period are shown; there may be older "
            "ones."
        )
    return _Figures(
        routes=route_rows or no_routes(),
        changes=tuple(_change_row(findings, each) for each in changed[: -changes - 1 : -1]) or no_changes(),
        feed=_feed(record),
        titles=_titles(name, record),
        left_out=tuple(left_out),
    )


def _route_rows(
    findings: Findings, shown: Sequence[tuple[ShownDestination, RouteRecord]], *, most: int
) -> tuple[tuple[Row, ...], int]:
    """The hops of as many whole routes as there is room for; of how many."""
    rows: list[Row] = []
    for number, (each, record) in enumerate(shown):
        of_route = list(_hop_rows(findings, each, record))
        if len(rows) + len(of_route) > most:
            return tuple(rows), number
        rows += of_route
    return tuple(rows), len(shown)


def _hop_rows(findings: Findings, shown: ShownDestination, record: RouteRecord) -> Iterator[Row]:
    destination = shown.destination
    limits = destination.thresholds.or_else(findings.inputs.settings.thresholds)
    since, last = findings.local(record.first_at), findings.local(record.last_at)
    head, tail = (shown.label, destination.host), (since, last, limits.rtt_warning_ms, limits.rtt_critical_ms)
    for hop, lasting in zip(record.hops, _lasting_losses(record.hops), strict=True):
        rtts = hop.rtts
        yield (
            *head,
            hop.ttl,
            ", ".join(hop.addresses),
            ", ".join(record.names[each] for each in hop.addresses if each in record.names),
            hop.loss_percent,
            hop.sent,
            *(
                (None,) * 5
                if rtts is None
                else (rtts.last_ms, rtts.mean_ms, rtts.best_ms, rtts.worst_ms, rtts.stdev_ms)
            ),
            *tail,
            *_loss_limits(limits, lasting),
        )
    if not record.reached:
        yield (*head, None, record.address, NOT_REACHED, *(None,) * 7, *tail, None, None)


def _lasting_losses(hops: Sequence[HopStatistics]) -> list[float]:
    """Of each hop the loss, %, that all hops behind it share: a router that answers only some packets loses none."""
    lasting: list[float] = []
    least = 100.0
    for hop in reversed(hops):
        least = min(least, 100.0 if hop.loss_percent is None else hop.loss_percent)
        lasting.append(least)
    return lasting[::-1]


def _loss_limits(limits: Thresholds, lasting: float) -> tuple[float | None, float | None]:
    """The limits that the hop's loss is coloured by: only those that the lasting loss reaches."""
    warning, critical = limits.loss_warning_percent, limits.loss_critical_percent
    return (
        warning if warning is not None and lasting >= warning else None,
        critical if critical is not None and lasting >= critical else None,
    )


def _change_row(findings: Findings, record: RouteRecord) -> Row:
    return (
        findings.local(record.first_at),
        findings.destination_label(record.destination_id),
        len(record.hops),
        _words(record.reason),
        record.change,
    )


def _words(reason: TraceReason) -> str:
    return reason.value[:1].upper() + reason.value[1:]


def _charted(
    findings: Findings, selection: Selection, shown: Sequence[tuple[ShownDestination, RouteRecord]]
) -> tuple[str, RouteRecord | None]:
    """What the charts are about: the destination that was chosen, or the worst route, of the job that was chosen."""
    wanted: frozenset[DestinationId] | None = None
    thing = chosen(selection.details_of, findings.inputs.definitions) if selection.details_of else None
    match thing:
        case Destination():
            record = next((record for each, record in shown if each.destination.id == thing.id), None)
            return thing.name, record
        case Job():
            wanted = frozenset(each.id for each in thing.select(findings.inputs.definitions.destinations))
        case None:
            pass
    candidates = [(each, record) for each, record in shown if wanted is None or each.destination.id in wanted]
    if not candidates:
        return "" if thing is None else thing.name, None
    each, record = max(candidates, key=lambda pair: _badness(pair[1]))
    return f"{each.label} (the worst)" if len(candidates) > 1 else each.label, record


def _badness(record: RouteRecord) -> tuple[bool, float, float]:
    """Unreached, lossy and slow, in this order."""
    if not record.hops:
        return not record.reached, 100.0, 0.0
    last = record.hops[-1]
    return not record.reached, last.loss_percent or 0.0, last.rtts.mean_ms if last.rtts else 0.0


def _feed(record: RouteRecord | None) -> tuple[Row, ...]:
    if record is None or not record.hops:
        return (("", None, None, None),)
    return tuple(
        (
            str(hop.ttl),
            hop.rtts.mean_ms if hop.rtts else None,
            hop.rtts.worst_ms if hop.rtts else None,
            hop.loss_percent,
        )
        for hop in record.hops[:MOST_HOPS]
    )


def _titles(name: str, record: RouteRecord | None) -> dict[Title, str]:
    if record is None:
        text = f"{name}: no route was traced yet" if name else NO_ROUTE
        return {RTT_TITLE: text, LOSS_TITLE: text}
    what = f"{name}" + ("" if record.reached else ", not reached")
    return {RTT_TITLE: f"RTT by hop (ms): {what}", LOSS_TITLE: f"Loss by hop (%): {what}"}
