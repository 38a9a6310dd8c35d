"""The views of a live workbook: one design, filled often with how things are, and seldom with everything."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from netstats_xl.app.views import about, hourly, routes_sheet, selected_sheet
from netstats_xl.app.views.about import about_filling
from netstats_xl.app.views.dashboard import DashboardFigures, dashboard_figures
from netstats_xl.app.views.dashboard_sheet import COLLECTOR_STATE, STATE_COLORS, TOTALS
from netstats_xl.app.views.definitions import Known, known_of, typed_rows
from netstats_xl.app.views.findings import Findings, gather
from netstats_xl.app.views.hourly import hourly_rollup, hourly_rows
from netstats_xl.app.views.inputs import ReportInputs
from netstats_xl.app.views.live_sheets import (
    FACT_ROWS,
    HOURLY_ROWS,
    LOG_ROWS,
    NOTE_ROWS,
    ROUTE_ROWS,
    STATES_TITLE,
    TRENDS_CELLS,
    WORST_LOSS_TITLE,
    WORST_P95_TITLE,
    live_spec,
)
from netstats_xl.app.views.logs import events, runs
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import Filling, title_cells
from netstats_xl.app.views.remembered import RememberingStore
from netstats_xl.app.views.routes import live_changes, live_routes, no_changes, no_routes
from netstats_xl.app.views.selected import selected
from netstats_xl.app.views.statistics import statistics_rows
from netstats_xl.app.views.storage import STORAGE, storage_rows
from netstats_xl.app.views.trends import live_trends
from netstats_xl.app.views.worst import WORST
from netstats_xl.domain.results import Period
from netstats_xl.domain.rollups import EMPTY
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Row, WorkbookView
from netstats_xl.domain.windows import hour_edges
from netstats_xl.sheets import CHOICES, Selection, choice_rows

NOT_STARTED = "Not started: press Start on the ribbon's tab Network Stats"
NOT_OPENED = "Not started: open this workbook with `netstats-xl open`"
"""For LibreOffice, which has no ribbon."""


class LiveViews:
    """Makes the views of one live workbook. It remembers what it was told of the past; one thread at a time."""

    def __init__(self) -> None:
        self._store: Measurements | None = None
        self._remembering: RememberingStore | None = None

    def forget(self) -> None:
        """Ask for everything anew the next time: samples of what is long over were saved, or deleted."""
        if self._remembering is not None:
            self._remembering.forget()

    def status(self, inputs: ReportInputs) -> WorkbookView:
        """See `status_view`."""
        return status_view(inputs)

    def everything(self, store: Measurements, inputs: ReportInputs, selection: Selection) -> WorkbookView:
        """See `live_view`; what is long over is asked for only once."""
        if self._remembering is None or self._store is not store:
            self._store, self._remembering = store, RememberingStore(store)
        return live_view(self._remembering, inputs, selection)


def status_view(inputs: ReportInputs) -> WorkbookView:
    """How things are: the status columns of what the user typed, and the collector's state. It asks no store."""
    known = Known(
        inputs=inputs,
        destination=inputs.destination_status,
        job=lambda job: inputs.job_status.get(job.id),
    )
    return WorkbookView(
        spec=live_spec(),
        rows={**typed_rows(known), CHOICES: choice_rows(inputs.definitions)},
        cells={COLLECTOR_STATE: inputs.collector},
    )


def live_view(store: Measurements, inputs: ReportInputs, selection: Selection) -> WorkbookView:
    """Everything, of the period that was chosen, up to `inputs.generated_at`; the inputs' own period does not count.

    The tables that the user types into have rows as far as they were read; Settings and Selection are left alone.

    Raises:
        StoreError: the store cannot answer.
    """
    end = inputs.generated_at
    period = Period(start=end - timedelta(hours=selection.period_h), end=end)
    inputs = replace(inputs, period=period)
    findings = gather(store, inputs)
    rollup = hourly_rollup(store, _of_whole_hours(findings), limit=HOURLY_ROWS)
    figures = dashboard_figures(store, findings, rollup)
    trend = live_trends(store, findings)
    parts: list[Filling] = [
        Filling(rows={**typed_rows(known_of(findings)), CHOICES: choice_rows(inputs.definitions)}),
        _dashboard(figures, inputs),
        selected(store, findings, selection),
        Filling(
            rows=trend.rows,
            cells=dict(zip(TRENDS_CELLS, (trend.explanation, " ".join(trend.left_out)), strict=True)),
            left_out=trend.left_out,
        ),
        live_routes(store, findings, selection, limit=ROUTE_ROWS),
        Filling(rows={hourly.TABLE: tuple(hourly_rows(findings, rollup))}, left_out=rollup.left_out),
        runs(store, findings, limit=LOG_ROWS),
        events(store, findings, limit=LOG_ROWS),
    ]
    if inputs.outlook is not None:
        parts.append(Filling(rows={STORAGE: storage_rows(inputs.outlook)}))
    parts.append(_about(findings, [sentence for part in parts for sentence in part.left_out]))
    rows: dict[str, Iterable[Row]] = {}
    cells: dict[str, CellValue] = {}
    for part in parts:
        rows |= part.rows
        cells |= part.cells
    return WorkbookView(spec=live_spec(), rows=rows, cells=cells)


def empty_rows() -> dict[str, Sequence[Row]]:
    """The rows of a workbook that was never started: the tables that charts read have their size already."""
    return {
        TOTALS: tuple((str(state), None) for state in STATE_COLORS),
        selected_sheet.STATISTICS: tuple(
            (figure, None, unit)
            for figure, _, unit in statistics_rows(EMPTY, jitter_rfc3550_ms=None, metrics=None)
        ),
        **{
            name: _blank(columns, rows)
            for name, columns, rows in (
                ("Worst_loss", 2, WORST),
                ("Worst_p95", 2, WORST),
                (selected_sheet.SERIES, len(selected_sheet.SERIES_COLUMNS), selected_sheet.POINTS),
                (selected_sheet.HISTOGRAM, 2, selected_sheet.MOST_BINS),
                (selected_sheet.COMPARISON, 4, selected_sheet.COMPARED),
                (routes_sheet.HOPS_FEED, 4, routes_sheet.MOST_HOPS),
            )
        },
        routes_sheet.ROUTES: no_routes(),
        routes_sheet.CHANGES: live_changes(no_changes()),
        STORAGE: storage_rows(None),
        about.REPORT: _blank(2, FACT_ROWS),
        about.NOTES: (("Nothing was measured yet.",), *_blank(1, NOTE_ROWS - 1)),
        **about.constant_rows(),
    }


def empty_cells(collector: str = NOT_STARTED) -> dict[str, CellValue]:
    """What the named cells say before anything was measured; `collector`: what to do about it."""
    return {COLLECTOR_STATE: collector, selected_sheet.HEADING_CELL: "Nothing was measured yet"}


def _of_whole_hours(findings: Findings) -> Findings:
    """The same, from the hour in which the period begins: what is long over stays the same from view to view."""
    inputs = findings.inputs
    first, *_ = hour_edges(inputs.period.start, inputs.period.end, inputs.settings.zone)
    return replace(findings, inputs=replace(inputs, period=Period(start=first, end=inputs.period.end)))


def _dashboard(figures: DashboardFigures, inputs: ReportInputs) -> Filling:
    titles = {
        STATES_TITLE: figures.states_title,
        WORST_LOSS_TITLE: figures.worst.loss_title,
        WORST_P95_TITLE: figures.worst.p95_title,
    }
    return Filling(
        rows={**figures.rows, **figures.worst.rows},
        cells={
            **figures.cells,
            **title_cells(titles),
            COLLECTOR_STATE: inputs.collector,
            # Its cell looks alarming, whatever it says.
            "NetStats_warnings": " ".join(figures.warnings),
        },
    )


def _about(findings: Findings, left_out: Sequence[str]) -> Filling:
    """The facts and the notes in as many rows as there are, always."""
    rows = {table: tuple(rows) for table, rows in about_filling(findings, left_out).rows.items()}
    notes, more = rows[about.NOTES], len(rows[about.NOTES]) - NOTE_ROWS
    if more > 0:
        notes = (*notes[: NOTE_ROWS - 1], (f"And {more + 1} more.",))
    rows[about.REPORT] = _filled_up(rows[about.REPORT], 2, FACT_ROWS)
    rows[about.NOTES] = _filled_up(notes, 1, NOTE_ROWS)
    return Filling(rows=rows)


def _filled_up(rows: Sequence[Row], columns: int, most: int) -> tuple[Row, ...]:
    return (*rows[:most], *_blank(columns, most - len(rows)))


def _blank(columns: int, rows: int) -> tuple[Row, ...]:
    return ((None,) * columns,) * max(0, rows)
