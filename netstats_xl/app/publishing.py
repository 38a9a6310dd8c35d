"""The store's measurements and the user's definitions -> a report or a live workbook, as views."""

from collections.abc import Iterable

from netstats_xl.app.views.about import about
from netstats_xl.app.views.dashboard import dashboard
from netstats_xl.app.views.definitions import destinations, jobs
from netstats_xl.app.views.details import details
from netstats_xl.app.views.findings import gather
from netstats_xl.app.views.hourly import hourly, hourly_rollup
from netstats_xl.app.views.inputs import ReportInputs
from netstats_xl.app.views.live import LiveViews, live_view, status_view
from netstats_xl.app.views.live_sheets import live_spec
from netstats_xl.app.views.logs import events, runs
from netstats_xl.app.views.parts import ChartData
from netstats_xl.app.views.pivot import pivot
from netstats_xl.app.views.routes import routes
from netstats_xl.app.views.trends import trends
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Row, WorkbookSpec, WorkbookView
from netstats_xl.ports import ResultStore

__all__ = ["LiveViews", "ReportInputs", "live_spec", "live_view", "report_view", "status_view"]


def report_view(store: ResultStore, inputs: ReportInputs) -> WorkbookView:
    """The whole report. The number of queries grows with the pairs in detail, not with the destinations.

    Raises:
        StoreError: the store cannot answer.
    """
    findings = gather(store, inputs)
    rollup = hourly_rollup(store, findings)
    feeds = ChartData()
    parts = [
        dashboard(store, findings, rollup, feeds),
        destinations(findings),
        jobs(findings),
        details(store, findings, rollup, feeds),
        trends(store, findings),
        routes(store, findings, feeds),
        pivot(),
        runs(store, findings),
        events(store, findings),
    ]
    hourly_part = hourly(findings, rollup)
    left_out = [sentence for part in (*parts, hourly_part) for sentence in part.left_out]
    parts += [about(findings, left_out), hourly_part, feeds.part()]
    rows: dict[str, Iterable[Row]] = {}
    cells: dict[str, CellValue] = {}
    for part in parts:
        rows |= part.rows
        cells |= part.cells
    return WorkbookView(
        spec=WorkbookSpec(title="Network statistics", sheets=tuple(part.spec for part in parts)),
        rows=rows,
        cells=cells,
    )
