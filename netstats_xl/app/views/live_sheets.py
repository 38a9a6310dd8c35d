"""The design of a live workbook: the same whatever it shows, so that the template has all of it."""

from dataclasses import replace
from functools import cache

from netstats_xl.app.views import about, columns, hourly, routes_sheet, selected_sheet
from netstats_xl.app.views.about import AboutLook, about_sheet
from netstats_xl.app.views.dashboard_sheet import DashboardLook, dashboard_sheet
from netstats_xl.app.views.definitions import with_all_states
from netstats_xl.app.views.help import LIVE_HELP, Sections, help_sheet
from netstats_xl.app.views.input_sheets import (
    destinations_sheet,
    destinations_table,
    jobs_sheet,
    jobs_table,
    settings_sheet,
)
from netstats_xl.app.views.logs import events_sheet, runs_sheet
from netstats_xl.app.views.parts import ChartData, Title
from netstats_xl.app.views.pivot import pivot
from netstats_xl.app.views.trends_sheet import DAYS, HOURS, TrendsLook, trends_sheet
from netstats_xl.app.views.worst import WORST, add_worst_feeds
from netstats_xl.domain.views import Anchor, Axis, CellSpec, SheetSpec, WorkbookSpec
from netstats_xl.sheets import CHOICES, offering
from netstats_xl.sheets.choices import CHOICE_HEADERS

LOG_ROWS = 500
"""Rows of Runs and of Events, the newest."""
HOURLY_ROWS = 20_000
"""Rows of Hourly at most: each is sent to the program that shows the workbook, and goes into the pivots."""
ROUTE_ROWS = 2_000
"""Hops of all routes at most: those of some 150 destinations."""
FACT_ROWS, NOTE_ROWS = 20, 10
"""Rows of the facts and of the notes on the About sheet, always."""

STATES_TITLE = Title(text="Destinations by state", cell="States_title")
WORST_LOSS_TITLE = Title(text="Worst ten by loss (%)", cell="Worst_loss_title")
WORST_P95_TITLE = Title(text="Worst ten by p95 RTT (ms)", cell="Worst_p95_title")
TRENDS_CELLS = ("Trends_explanation", "Trends_left_out")

_DESTINATIONS_ROOM, _JOBS_ROOM = 2_000, 500
_CHOICES_ROOM = 2 * _DESTINATIONS_ROOM
_TRENDS_ROOM = 800
_PROBLEMS_ROOM = 200
_GREY = "Grey columns fill themselves while the collector runs."


@cache
def live_spec(explanations: Sections = LIVE_HELP) -> WorkbookSpec:
    """The design, with these explanations; its tables and cells are filled by `live_view` and `status_view`."""
    sheets = (
        dashboard_sheet(
            DashboardLook(
                states_title=STATES_TITLE,
                loss_title=WORST_LOSS_TITLE,
                p95_title=WORST_P95_TITLE,
                alarm=True,
                collector=True,
                room=_DESTINATIONS_ROOM,
            )
        ),
        _destinations(),
        _jobs(),
        selected_sheet.selected_sheet(),
        _trends(),
        _routes(),
        pivot(computed="whenever the Hourly table is").spec,
        runs_sheet(limit=LOG_ROWS, room=LOG_ROWS),
        events_sheet(limit=LOG_ROWS, room=LOG_ROWS),
        settings_sheet(storage=True),
        hourly.hourly_sheet(room=HOURLY_ROWS),
        about_sheet(_about()),
        help_sheet(explanations),
        _chart_data(),
    )
    return WorkbookSpec(title="Network Stats", sheets=sheets)


def _destinations() -> SheetSpec:
    table = with_all_states(offering(destinations_table()))
    return destinations_sheet(replace(table, room=_DESTINATIONS_ROOM, key="ID"), hint=_GREY)


def _jobs() -> SheetSpec:
    table = with_all_states(offering(jobs_table()))
    return jobs_sheet(replace(table, room=_JOBS_ROOM, key="ID"), hint=_GREY)


def _trends() -> SheetSpec:
    nowhere = Anchor(row=0, column=0)  # the sheet says where
    look = TrendsLook(
        texts=tuple(CellSpec(name=name, anchor=nowhere) for name in TRENDS_CELLS),
        axes={HOURS.table: Axis(number_format="mm-dd hh:mm"), DAYS.table: Axis(number_format="mm-dd")},
        room=_TRENDS_ROOM,
    )
    return trends_sheet(look)


def _routes() -> SheetSpec:
    look = routes_sheet.RoutesLook(
        rtt_title=routes_sheet.RTT_TITLE,
        loss_title=routes_sheet.LOSS_TITLE,
        left_out=CellSpec(
            name=routes_sheet.LEFT_OUT_CELL, anchor=Anchor(row=0, column=0)
        ),  # the sheet says where
        changes=routes_sheet.LIVE_CHANGES,
        room=ROUTE_ROWS,
    )
    return routes_sheet.routes_sheet(look)


def _about() -> AboutLook:
    constant = {table: len(rows) for table, rows in about.constant_rows().items()}
    return AboutLook(
        title="About",
        subject="What the sheets show",
        rows={about.REPORT: FACT_ROWS, about.NOTES: NOTE_ROWS, **constant},
        room=_PROBLEMS_ROOM,
    )


def _chart_data() -> SheetSpec:
    feeds = ChartData(
        titles=(
            STATES_TITLE,
            WORST_LOSS_TITLE,
            WORST_P95_TITLE,
            *selected_sheet.TITLES,
            *routes_sheet.TITLES,
        )
    )
    feeds.add(CHOICES, [columns.text(header) for header in CHOICE_HEADERS], room=_CHOICES_ROOM)
    add_worst_feeds(feeds, {}, room=WORST)
    selected_sheet.add_selected_feeds(feeds)
    routes_sheet.add_routes_feeds(feeds, room=routes_sheet.MOST_HOPS)
    return feeds.part().spec
