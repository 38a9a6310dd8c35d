"""What the ribbon and the workbook's events do: the template's own VBA, run against the real control server."""

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import pytest
from openpyxl.utils import get_column_letter

from netstats_xl.app.identity import identify
from netstats_xl.app.service import WorkbookEvent
from netstats_xl.control.server import ControlServer
from netstats_xl.errors import ConfigurationError
from netstats_xl.paths import DataFolder
from netstats_xl.sheets import DESTINATION_COLUMNS, DESTINATIONS, JOB_COLUMNS, JOBS, SheetColumn
from tests.fakes.service import NOW, FakeService
from tests.workbook_template.conftest import WORKBOOK_ID, Collector
from tests.workbook_template.desk import Desk
from tests.workbook_template.runpython import python_text, run_python

pytestmark = pytest.mark.untraced  # what runs here is VBA, and what interprets it

YES, NO = 6, 7
PYTHON = r"C:\Users\me\AppData\Local\netstats_xl\venv\Scripts\python.exe"


def letter(columns: Sequence[SheetColumn], header: str) -> str:
    """The column's letter on its sheet, whose table begins at A."""
    return get_column_letter(1 + [column.header for column in columns].index(header))


def give_ids(desk: Desk, service: FakeService) -> None:
    """The sheet's rows and the collector's are the same."""
    for table, column in (
        (DESTINATIONS, letter(DESTINATION_COLUMNS, "ID")),
        (JOBS, letter(JOB_COLUMNS, "ID")),
    ):
        for number, row in enumerate(service.rows[table], start=5):
            desk.sheet(table).set_value(f"{column}{number}", row["id"])
    desk.sheet(DESTINATIONS).set_value("A6", "localhost")


@pytest.fixture
def at_work(desk: Desk, server: ControlServer, service: FakeService) -> Desk:
    """A desk whose collector runs, with the tab shown."""
    give_ids(desk, service)
    desk.load_ribbon()
    desk.run("ThisWorkbook.Workbook_Open")
    desk.told()
    desk.requests.clear()
    desk.events_done = 0
    service.news.clear()
    return desk


@pytest.fixture
def installed(desk: Desk) -> Desk:
    """A desk on which Python was installed, as `netstats-xl install` writes it down."""
    desk.programs.add(PYTHON)
    desk.variables |= {"LOCALAPPDATA": r"C:\Users\me\AppData\Local", "Temp": r"C:\Temp"}
    desk.sheet("netstats_xl.conf").set_value("A10", "INTERPRETER_WIN")
    desk.sheet("netstats_xl.conf").set_value("B10", r"%LOCALAPPDATA%\netstats_xl\venv\Scripts\python.exe")
    desk.load_ribbon()
    return desk


@pytest.fixture
def copy(installed: Desk, server: ControlServer, service: Collector) -> Desk:
    """A desk with a copy, beside the collector of its original."""
    service.workbook = r"C:\Users\me\Original.xlsm"
    give_ids(installed, service)
    return installed


def answering_only_after(service: FakeService, method: str = "") -> threading.Event:
    """The collector does nothing, or not this, before the event is set."""
    event = threading.Event()

    def wait(name: str) -> None:
        if method in ("", name):
            event.wait(10)

    service.before = wait
    return event


def asked(desk: Desk) -> list[tuple[str, str, object]]:
    """What was asked for, but for the questions how the collector is."""
    return [
        (verb, path, json.loads(body) if body else None)
        for verb, path, body in desk.told()
        if path != "/v1/health"
    ]


# --- without a collector ---


def test_without_a_collector_only_start_and_help_can_be_clicked(desk: Desk) -> None:
    desk.load_ribbon()
    desk.select(DESTINATIONS, "A5")
    desk.run("Ribbon.SelectionMoved")
    assert not any(
        desk.shows(each) for each in ("Running", "DestinationRows", "JobRows", "AnyRows", "Paused")
    )
    assert desk.shows("State") == "Not running. Click Start."
    assert "click start" in desk.shows("StateInFull").lower()
    assert "Start menu" in desk.shows("StateInFull")


def test_an_order_without_a_collector_says_how_to_start_one(desk: Desk) -> None:
    desk.load_ribbon()
    desk.click("Data_Refresh")
    assert "The collector is not running. Click Start" in desk.dialogs[-1]
    assert desk.shows("Answer").startswith("The collector is not running.")
    assert desk.requests == []


def test_events_without_a_collector_are_silent(desk: Desk) -> None:
    desk.run("Ribbon.WorkbookOpened")
    desk.sheet(DESTINATIONS).set_value("B5", "127.0.0.2")
    desk.run("Ribbon.WorkbookSaved")
    desk.run("Ribbon.WorkbookClosing")
    assert desk.requests == []
    assert desk.dialogs == []


def test_a_collector_that_ended_without_a_word_is_noticed_at_the_first_click(
    desk: Desk, data: DataFolder
) -> None:
    data.endpoints.mkdir(parents=True)
    data.endpoint(WORKBOOK_ID).write_text("url=http://127.0.0.1:1\r\ntoken=old\r\n")
    desk.load_ribbon()
    assert desk.shows("Running")
    desk.click("Data_Refresh")
    assert "it may have ended" in desk.dialogs[-1]
    assert not desk.shows("Running")
    sent = len(desk.requests)
    desk.sheet(DESTINATIONS).set_value("B5", "127.0.0.2")
    assert len(desk.requests) == sent
    data.endpoint(WORKBOOK_ID).write_text("url=http://127.0.0.1:1\r\ntoken=new\r\n")
    desk.select(JOBS, "A5")
    desk.run("Ribbon.SelectionMoved")
    assert desk.shows("Running")


def test_a_token_goes_to_this_computer_alone(desk: Desk, data: DataFolder) -> None:
    data.endpoints.mkdir(parents=True)
    for url in ("http://192.0.2.1:80", "http://127.0.0.1.example:80", "https://127.0.0.1:80", ""):
        data.endpoint(WORKBOOK_ID).write_text(f"url={url}\r\ntoken=t\r\n")
        assert not desk.run("ControlClient.Ask", WORKBOOK_ID, "GET", "/v1/health", "", 1.0)
    assert desk.requests == []


def test_a_computer_without_msxml_is_told_so(at_work: Desk) -> None:
    at_work.lacks.add("msxml2.serverxmlhttp.6.0")
    at_work.click("Data_Refresh")
    assert "MSXML" in at_work.dialogs[-1]


# --- starting and stopping ---


def test_start_runs_python_with_the_identity_the_window_and_the_path(installed: Desk, workbook: Path) -> None:
    installed.click("Collector_Start")
    [command] = installed.commands
    log = command.rpartition('2> "')[2].rstrip('" ')
    assert re.fullmatch(r"C:\\Temp\\xlwings-[0-9A-F-]{36}\.log", log)
    program = f"{installed.excel.application.Path()}\\Microsoft Excel"
    expected = run_python(PureWindowsPath(PYTHON), str(workbook), log, program=program)
    assert command == expected
    assert installed.shows("State") == "Starting ..."
    assert installed.dialogs == []


def test_no_path_breaks_out_of_the_command(installed: Desk) -> None:
    text = "C:\\a'b\"c\\%PATH% & ^|<> \t\r\n(é\U0001f600).xlsm"
    halves = text.encode("utf-16-le")
    units = [int.from_bytes(halves[at : at + 2], "little") for at in range(0, len(halves), 2)]
    quoted = installed.run("Ribbon.PythonText", "".join(map(chr, units)))
    assert re.fullmatch(r"'[A-Za-z0-9\\]*'", quoted)
    decoded = eval(quoted)
    assert decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le") == text


def test_start_beside_a_collector_at_work_starts_none(at_work: Desk) -> None:
    at_work.click("Collector_Start")
    assert at_work.commands == []
    assert at_work.shows("Answer") == "The collector is running already."


def test_start_on_a_computer_without_an_installation_says_what_to_do(desk: Desk) -> None:
    desk.variables["USERPROFILE"] = r"C:\Users\me"
    desk.load_ribbon()
    desk.click("Collector_Start")
    assert "netstats-xl install" in desk.dialogs[-1]
    assert desk.commands == []


def test_start_that_a_policy_forbids_names_the_start_menu(installed: Desk) -> None:
    installed.policy_forbids_programs = True
    installed.click("Collector_Start")
    assert "Permission denied" in installed.dialogs[-1]
    assert "Start menu" in installed.dialogs[-1]
    assert installed.shows("State") == "Not running. Click Start."


def test_a_start_is_followed_until_the_collector_answers(
    installed: Desk, service: FakeService, data: DataFolder, server: ControlServer
) -> None:
    server.stop()
    installed.click("Collector_Start")
    check = installed.scheduled.pop()
    assert check.endswith("%1.xlsm'!Ribbon.CheckStart")
    installed.run("Ribbon.CheckStart")
    assert installed.scheduled == [check]
    server.start()
    installed.scheduled.clear()
    installed.run("Ribbon.CheckStart")
    assert installed.scheduled == []
    assert installed.shows("Running")
    assert installed.shows("Answer") == "The collector is running."
    assert installed.shows("State") == service.health().summary


def test_a_start_that_fails_is_told_after_a_while(installed: Desk) -> None:
    installed.click("Collector_Start")
    for _ in range(20):
        if not installed.scheduled:
            break
        installed.scheduled.pop()
        installed.run("Ribbon.CheckStart")
    assert installed.scheduled == []
    assert "Open the log" in installed.dialogs[-1]
    assert installed.shows("State") == "Not running. Click Start."


def test_a_workbook_that_is_closed_is_not_opened_again_by_a_check(installed: Desk) -> None:
    installed.click("Collector_Start")
    installed.run("Ribbon.WorkbookClosing")
    assert installed.scheduled == []


def test_a_collector_that_is_stopping_is_waited_for_before_another_is_started(
    installed: Desk, server: ControlServer, service: Collector
) -> None:
    service.stopping = True
    installed.click("Collector_Start")
    assert installed.shows("Answer").startswith("The collector is stopping. It is started again when")
    assert installed.shows("State") == "Stopping ..."
    assert installed.shows("StateInFull") == "Stopping ..."
    assert not installed.shows("Running")
    [check] = installed.scheduled
    installed.scheduled.clear()
    installed.run("Ribbon.CheckStart")
    assert (installed.scheduled, installed.commands) == ([check], [])
    server.stop()
    installed.run("Ribbon.CheckStart")
    assert len(installed.commands) == 1
    assert installed.shows("State") == "Starting ..."
    assert installed.dialogs == []


def test_a_collector_that_stops_for_long_is_not_waited_for_without_end(
    installed: Desk, server: ControlServer, service: Collector
) -> None:
    service.stopping = True
    installed.click("Collector_Start")
    for _ in range(60):
        if not installed.scheduled:
            break
        installed.scheduled.pop()
        installed.run("Ribbon.CheckStart")
    assert installed.scheduled == installed.commands == []
    assert "still stopping" in installed.dialogs[-1]
    assert installed.shows("State") == "Not running. Click Start."


def test_a_second_click_on_start_replaces_the_first(installed: Desk) -> None:
    installed.click("Collector_Start")
    installed.click("Collector_Start")
    assert len(installed.scheduled) == 1


def test_start_while_an_order_is_waited_for_starts_none(at_work: Desk, service: FakeService) -> None:
    answers = answering_only_after(service, "refresh")

    def start() -> None:
        if not answers.is_set():
            at_work.click("Collector_Start")
            answers.set()

    at_work.while_waiting = start
    at_work.click("Data_Refresh")
    assert "has not answered the last request yet" in at_work.dialogs[-1]
    assert at_work.commands == []


# --- a copy, beside the collector of its original ---


def test_a_copy_that_is_opened_has_no_collector(copy: Desk) -> None:
    copy.run("ThisWorkbook.Workbook_Open")
    assert not copy.shows("Running")
    assert copy.shows("State") == "Not running. Click Start."
    copy.click("Help_About")
    assert "The collector is not running" in copy.dialogs[-1]


@pytest.mark.parametrize(
    ("callback", "arguments"),
    [
        ("Collector_Stop", ()),
        ("Collector_Pause", (True,)),
        ("Destinations_Add", ()),
        ("Destinations_Validate", ()),
        ("Destinations_Test", ()),
        ("Destinations_Trace", ()),
        ("Destinations_Expand", ()),
        ("Data_Refresh", ()),
        ("Data_Period", ("Period7d", 2)),
    ],
)
@pytest.mark.parametrize("is_told_of_its_opening", [True, False])
def test_no_button_of_a_copy_acts_on_the_original(
    copy: Desk,
    server: ControlServer,
    callback: str,
    arguments: tuple[object, ...],
    is_told_of_its_opening: bool,
) -> None:
    if is_told_of_its_opening:
        copy.run("ThisWorkbook.Workbook_Open")
    copy.select(DESTINATIONS, "A5")
    copy.answer_with("127.0.0.77" if callback == "Destinations_Add" else None)
    copy.click(callback, *arguments)
    assert {path for _, path, _ in copy.told()} <= {"/v1/health", "/v1/workbook"}
    assert "The collector is not running. Click Start" in copy.dialogs[-1]
    assert not copy.shows("Running")


def test_start_on_a_copy_has_an_identity_drawn_and_finds_its_collector_by_that(
    copy: Desk, workbook: Path, data: DataFolder, server: ControlServer
) -> None:
    own_id = "f" * 32
    copy.click("Collector_Start")
    [command] = copy.commands
    assert f"netstats_xl.ribbon.start('{'0' * 32}', " in command
    assert python_text(str(workbook)) in command
    copy.run("Ribbon.CheckStart")
    assert copy.shows("State") == "Starting ..."
    # What the collector does: `settle_identity`.
    copy.book.vba_get("Names", ["NetStats_id"]).vba_set("RefersTo", f'="{own_id}"')
    own = Collector(str(workbook))
    with ControlServer(
        own, endpoint=data.endpoint(own_id), workbook=str(workbook), database="d", started_at=NOW
    ):
        copy.run("Ribbon.CheckStart")
        assert copy.shows("Running")
        assert copy.shows("State") == own.health().summary
        copy.click("Collector_Stop")
        assert own.ended.is_set()


def test_a_collector_that_learns_where_its_workbook_is_serves_it(
    copy: Desk, service: Collector, workbook: Path
) -> None:
    copy.run("ThisWorkbook.Workbook_Open")
    service.workbook = str(workbook)
    assert not copy.shows("Running")
    copy.sheet("Dashboard").set_value("A1", "Collecting: 2 up")
    assert copy.shows("Running")
    copy.click("Data_Refresh")
    assert copy.dialogs == []


def test_the_collector_of_a_workbook_that_was_moved_is_not_joined_by_another(
    copy: Desk, service: Collector, workbook: Path
) -> None:
    copy.run("ThisWorkbook.Workbook_Open")
    service.workbook = str(workbook)
    copy.click("Collector_Start")
    assert copy.commands == []
    assert copy.shows("Answer") == "The collector is running already."


@pytest.mark.parametrize(
    ("told", "place", "same"),
    [
        (r"C:\A\Büro.xlsm", r"c:\a\BÜRO.xlsm", True),
        (r"C:\A\x.xlsm", "C:/A/x.xlsm", True),
        (r"C:\A\x.xlsm", r"C:\B\x.xlsm", False),
        (r"C:\A\x.xlsm", r"C:\A\Copy of x.xlsm", False),
        ("https://example.com/A/x%20y.xlsm", r"C:\A\x y.xlsm", True),
        (r"C:\A\x y.xlsm", "https://example.com/A/z.xlsm", False),
        ("https://example.com/A/x.xlsm", "https://example.com/B/x.xlsm", False),
        ("", r"C:\A\x.xlsm", False),
    ],
)
def test_places_are_compared_as_the_collector_does(desk: Desk, told: str, place: str, same: bool) -> None:
    assert desk.run("ControlClient.IsSamePlace", told, place) == same
    recorded = identify(WORKBOOK_ID, present=place, recorded=told, still_there=True, draw=lambda: "drawn")
    assert (recorded == WORKBOOK_ID) == same


def test_stop_ends_the_collector_and_the_tab_shows_it_at_once(at_work: Desk, service: FakeService) -> None:
    at_work.click("Collector_Stop")
    assert service.ended.is_set()
    assert at_work.shows("Answer") == "The collector is stopping."
    assert not at_work.shows("Running")


def test_pause_stays_pressed_although_the_cell_of_the_state_is_not_updated_any_more(
    at_work: Desk, service: FakeService
) -> None:
    at_work.click("Collector_Pause", True)
    assert service.paused
    assert at_work.shows("Paused")
    assert "(updates paused)" in at_work.shows("State")
    at_work.run("Ribbon.SelectionMoved")
    at_work.click("Collector_Pause", False)
    assert not service.paused
    assert not at_work.shows("Paused")


# --- destinations and jobs ---


def test_hosts_to_add_are_sent_whole(at_work: Desk, service: FakeService) -> None:
    at_work.answer_with('127.0.0.5, "büro"\t\\x')
    at_work.click("Destinations_Add")
    assert asked(at_work) == [("POST", "/v1/destinations/add", {"hosts": '127.0.0.5, "büro"\t\\x'})]
    assert "127.0.0.5" in [row["host"] for row in service.rows[DESTINATIONS]]
    assert at_work.shows("Answer").startswith("Added 127.0.0.5.")


def test_no_host_to_add_asks_nothing(at_work: Desk) -> None:
    at_work.answer_with("  ")
    at_work.click("Destinations_Add")
    assert at_work.requests == []


def test_selected_destinations_are_tested_by_id(at_work: Desk) -> None:
    at_work.select(DESTINATIONS, "C5:D6")
    at_work.run("Ribbon.SelectionMoved")
    assert at_work.shows("DestinationRows")
    assert not at_work.shows("JobRows")
    at_work.click("Destinations_Test")
    assert asked(at_work) == [("POST", "/v1/destinations/test", {"ids": ["000000000001", "000000000002"]})]
    assert at_work.shows("Answer") == "All 2 destinations answer."
    assert at_work.dialogs == []


def test_selected_destinations_are_traced_and_the_routes_are_shown(at_work: Desk) -> None:
    at_work.select(DESTINATIONS, "C5:D5")
    at_work.click("Destinations_Trace")
    assert asked(at_work) == [
        ("POST", "/v1/destinations/trace", {"ids": ["000000000001"]}),
        ("POST", "/v1/refresh", {}),
    ]
    assert at_work.shows("Answer") == "This computer is reached, 2 hops away."
    assert at_work.excel.application.active_book.active_sheet.name == "Routes"
    assert at_work.dialogs == []


def test_routes_that_were_traced_are_shown_also_while_updates_are_paused(
    at_work: Desk, service: FakeService
) -> None:
    def paused(method: str) -> None:
        if method == "refresh":
            raise ConfigurationError("Updates are paused.")

    service.before = paused
    at_work.select(DESTINATIONS, "C5")
    at_work.click("Destinations_Trace")
    assert at_work.shows("Answer") == "This computer is reached, 2 hops away."
    assert at_work.excel.application.active_book.active_sheet.name == "Routes"
    assert at_work.dialogs == []


def test_a_trace_that_fails_shows_no_routes(at_work: Desk, service: FakeService) -> None:
    def failing(method: str) -> None:
        if method == "trace":
            raise ConfigurationError("It cannot be done.")

    service.before = failing
    at_work.select(DESTINATIONS, "C5")
    at_work.click("Destinations_Trace")
    assert at_work.dialogs == ["It cannot be done."]
    assert at_work.excel.application.active_book.active_sheet.name == DESTINATIONS


def test_rows_of_several_areas_count_once_and_hidden_ones_not_at_all(at_work: Desk) -> None:
    at_work.sheet(DESTINATIONS).sheet.vba_get("Range", ["A6"]).vba_get("EntireRow", []).vba_set(
        "Hidden", True
    )
    at_work.select(DESTINATIONS, "A5,B5:B6,A4")
    at_work.click("Destinations_Test")
    assert asked(at_work) == [("POST", "/v1/destinations/test", {"ids": ["000000000001"]})]


def test_rows_that_have_no_id_are_known_by_their_names(at_work: Desk) -> None:
    at_work.sheet(DESTINATIONS).set_value("Q5", "")
    at_work.select(DESTINATIONS, "A5:A12")
    at_work.click("Destinations_Test")
    [(_, _, body)] = asked(at_work)
    assert body == {
        "ids": ["000000000002", at_work.sheet(DESTINATIONS).value("Q7")],
        "names": ["This computer"],
    }


def test_rows_of_the_dashboard_are_tested_too(at_work: Desk) -> None:
    at_work.select("Dashboard", "A5:B6")
    at_work.run("Ribbon.SelectionMoved")
    assert at_work.shows("DestinationRows")
    at_work.click("Destinations_Test")
    assert asked(at_work) == [("POST", "/v1/destinations/test", {"names": ["This computer", "localhost"]})]


@pytest.mark.parametrize(
    ("sheet", "cells"), [(DESTINATIONS, "A20:B21"), ("Help", "A1"), (DESTINATIONS, "A1")]
)
def test_a_selection_without_rows_is_told(at_work: Desk, sheet: str, cells: str) -> None:
    at_work.select(sheet, cells)
    at_work.click("Destinations_Test")
    assert at_work.dialogs == ["Select rows of destinations that are filled in."]
    assert at_work.requests == []


def test_expand_takes_the_selected_rows_or_else_all(at_work: Desk) -> None:
    at_work.select(DESTINATIONS, "A5")
    at_work.click("Destinations_Expand")
    at_work.select(JOBS, "A5")
    at_work.click("Destinations_Expand")
    assert asked(at_work) == [
        ("POST", "/v1/destinations/expand", {"ids": ["000000000001"]}),
        ("POST", "/v1/destinations/expand", {}),
    ]


def test_validate_reads_the_tables_now(at_work: Desk, service: FakeService) -> None:
    at_work.click("Destinations_Validate")
    assert service.confirmed == [False]
    assert at_work.shows("Answer").startswith("Read 2 destinations and 1 job.")
    assert at_work.dialogs == []


@pytest.mark.parametrize(("answer", "confirmed"), [(YES, [False, True]), (NO, [False])])
def test_a_reading_that_is_held_back_is_put_in_force_only_if_the_user_says_so(
    at_work: Desk, service: FakeService, monkeypatch: pytest.MonkeyPatch, answer: int, confirmed: list[bool]
) -> None:
    monkeypatch.setattr(
        "netstats_xl.control.sentences.synced", lambda result: "Nothing was changed. 5 of 6 rows are gone."
    )
    at_work.answer_with(answer)
    at_work.click("Destinations_Validate")
    assert "5 of 6 rows are gone." in at_work.dialogs[0]
    assert service.confirmed == confirmed


def test_selected_jobs_are_stopped_started_and_run(at_work: Desk, service: FakeService) -> None:
    job = service.rows[JOBS][0]["id"]
    at_work.select(JOBS, "A5")
    at_work.run("Ribbon.SelectionMoved")
    assert at_work.shows("JobRows")
    at_work.click("Jobs_Stop")
    assert service.stopped == {job}
    at_work.click("Jobs_Start")
    assert service.stopped == set()
    at_work.click("Jobs_Run")
    assert service.ran == [job]
    assert at_work.dialogs == []


# --- what the sheets show ---


@pytest.mark.parametrize(
    ("item", "index", "period"),
    [("Period1h", 0, "1h"), ("Period24h", 1, "24h"), ("Period7d", 2, "7d"), ("Period30d", 3, "30d")],
)
def test_the_gallery_chooses_the_period(
    at_work: Desk, service: FakeService, item: str, index: int, period: str
) -> None:
    at_work.click("Data_Period", item, index)
    assert service.period == period
    at_work.sheet("Details").set_value("B5", period)
    assert at_work.shows("PeriodIndex") == index
    assert at_work.shows("PeriodLabel") == f"Period: {period}"


def test_a_period_of_ones_own_is_asked_for(at_work: Desk, service: FakeService) -> None:
    at_work.answer_with("12h")
    at_work.click("Data_Period", "PeriodCustom", 4)
    assert service.period == "12h"
    at_work.answer_with("")
    at_work.click("Data_Period", "PeriodCustom", 4)
    at_work.answer_with("soon")
    at_work.click("Data_Period", "PeriodCustom", 4)
    assert service.period == "12h"
    assert "soon" in at_work.dialogs[-1]
    at_work.sheet("Details").set_value("B5", "12h")
    assert at_work.shows("PeriodIndex") == 4


def test_details_of_the_selected_row_are_shown(at_work: Desk, service: FakeService) -> None:
    at_work.select("Dashboard", "B6")
    at_work.click("Data_Details")
    assert service.details_of == "localhost"
    assert at_work.excel.application.active_book.active_sheet.name == "Details"


def test_details_of_no_row_are_not_asked_for(at_work: Desk) -> None:
    at_work.select("Help", "A1")
    at_work.click("Data_Details")
    assert at_work.dialogs == ["Select a row of the tables Destinations or Jobs, or of the Dashboard."]
    assert at_work.requests == []


def test_refresh_says_where_the_figures_are(at_work: Desk) -> None:
    at_work.click("Data_Refresh")
    assert at_work.shows("Answer") == "The latest figures are in Net.xlsm."


# --- files ---


def test_a_report_of_the_chosen_period_goes_where_the_user_says(
    at_work: Desk, service: FakeService, tmp_path: Path
) -> None:
    at_work.file_chosen = str(tmp_path / "Büro.xlsx")
    at_work.sheet("Details").set_value("B5", "7d")
    at_work.click("Report_Save")
    [request] = service.reports
    assert (request.file_format, request.output) == ("xlsx", tmp_path / "Büro.xlsx")
    assert (request.start, request.end, request.replace) == ("-7d", "now", True)
    [(name, kinds, *_)] = at_work.save_dialogs
    assert re.fullmatch(r"Network Stats \d{4}-\d\d-\d\d \d{4}\.xlsx", name)
    assert kinds.endswith(",*.xlsx")


def test_raw_results_are_exported_as_csv(at_work: Desk, service: FakeService, tmp_path: Path) -> None:
    at_work.file_chosen = str(tmp_path / "raw.csv")
    at_work.click("Report_Export")
    assert [each.file_format for each in service.reports] == ["csv"]
    assert at_work.shows("Answer").startswith("The samples are in ")


@pytest.mark.parametrize(("answer", "reports"), [(YES, 1), (NO, 0)])
def test_a_file_that_exists_is_replaced_only_if_the_user_says_so(
    at_work: Desk, service: FakeService, tmp_path: Path, answer: int, reports: int
) -> None:
    path = tmp_path / "there.xlsx"
    path.touch()
    at_work.file_chosen = str(path)
    at_work.answer_with(answer)
    at_work.click("Report_Save")
    assert at_work.dialogs[0] == f"{path} exists. Replace it?"
    assert len(service.reports) == reports


def test_no_file_chosen_is_no_report(at_work: Desk, service: FakeService) -> None:
    at_work.click("Report_Save")
    assert service.reports == []
    assert at_work.dialogs == []


# --- help ---


def test_the_log_is_opened(desk: Desk, data: DataFolder) -> None:
    desk.click("Help_Log")
    assert desk.shows("Answer").startswith("There is no log yet")
    log = data.log(WORKBOOK_ID)
    log.parent.mkdir(parents=True)
    log.with_suffix(".start.txt").touch()
    desk.click("Help_Log")
    log.touch()
    desk.click("Help_Log")
    assert [Path(each.replace("\\", "/")).name for each in desk.opened_files] == [
        f"{WORKBOOK_ID}.start.txt",
        f"{WORKBOOK_ID}.log",
    ]


def test_a_log_that_may_not_be_opened_is_named(desk: Desk, data: DataFolder) -> None:
    desk.policy_forbids_programs = True
    data.log(WORKBOOK_ID).parent.mkdir(parents=True)
    data.log(WORKBOOK_ID).touch()
    desk.click("Help_Log")
    assert "cannot be opened from Excel" in desk.dialogs[-1]


def test_about_names_the_collector_and_whose_work_is_in_it(at_work: Desk, data: DataFolder) -> None:
    at_work.click("Help_About")
    assert "Collector " in at_work.dialogs[-1]
    assert str(data.path) in at_work.dialogs[-1]
    assert "Zoomer Analytics" in at_work.dialogs[-1]


# --- events ---


@pytest.mark.parametrize(
    ("sheet", "cell"),
    [
        (DESTINATIONS, "B5"),
        (DESTINATIONS, "A12"),
        (JOBS, "E5"),
        (JOBS, letter(JOB_COLUMNS, "DSCP") + "5"),
        ("Settings", "B5"),
        ("Details", "A5"),
    ],
)
def test_a_typed_cell_is_told_without_waiting(
    at_work: Desk, service: FakeService, sheet: str, cell: str
) -> None:
    answers = answering_only_after(service)
    at_work.sheet(sheet).set_value(cell, "x")
    assert [request.url.rpartition("/")[2] for request in at_work.requests] == ["workbook"]
    assert service.news == []
    assert at_work.events_done == 0
    answers.set()
    assert asked(at_work) == [("POST", "/v1/workbook", {"event": "changed"})]
    assert service.news == [WorkbookEvent.CHANGED]


@pytest.mark.parametrize(
    ("sheet", "cell"),
    [
        (DESTINATIONS, "K5"),
        (DESTINATIONS, "Q5"),
        (DESTINATIONS, "A1"),
        ("Settings", "C5"),
        ("Help", "A1"),
        ("Dashboard", "A5"),
    ],
)
def test_what_the_collector_writes_is_not_told_to_it(at_work: Desk, sheet: str, cell: str) -> None:
    at_work.sheet(sheet).set_value(cell, "x")
    assert at_work.requests == []


def test_a_row_that_is_deleted_is_told(at_work: Desk) -> None:
    row = at_work.sheet(DESTINATIONS).sheet.vba_get("Range", ["A6"]).vba_get("EntireRow", [])
    row.vba_get("Delete", [])
    assert ("POST", "/v1/workbook", {"event": "changed"}) in asked(at_work)


def test_saving_opening_and_closing_are_told(at_work: Desk, service: FakeService) -> None:
    at_work.run("ThisWorkbook.Workbook_Open")
    at_work.run("ThisWorkbook.Workbook_AfterSave", False)
    at_work.run("ThisWorkbook.Workbook_AfterSave", True)
    at_work.run("ThisWorkbook.Workbook_BeforeClose", False)
    asked(at_work)
    assert sorted(service.news) == [WorkbookEvent.CLOSING, WorkbookEvent.OPENED, WorkbookEvent.SAVED]


def test_closing_waits_a_moment_at_most(at_work: Desk, service: FakeService) -> None:
    answers = answering_only_after(service)
    at_work.impatient = True
    at_work.run("Ribbon.WorkbookClosing")
    assert at_work.requests[-1].aborted
    assert at_work.dialogs == []
    answers.set()


def test_the_state_that_the_collector_writes_shows_on_the_tab(at_work: Desk) -> None:
    drawn = at_work.ribbon.drawn
    at_work.sheet("Dashboard").set_value("A1", "Collecting: 2 up, 1 down (updates paused)")
    assert at_work.shows("State") == "Collecting: 2 up, 1 down (updates paused)"
    assert at_work.shows("Paused")
    assert at_work.ribbon.drawn > drawn
    assert at_work.requests == []


def test_a_long_text_is_shortened_on_the_tab_and_whole_in_its_tip(at_work: Desk) -> None:
    text = "Collecting: " + "x" * 200
    at_work.sheet("Dashboard").set_value("A1", text)
    assert len(at_work.shows("State")) == 60
    assert at_work.shows("StateInFull") == text


# --- waiting and failing ---


def test_while_an_order_is_waited_for_excel_serves_the_collector(at_work: Desk, service: FakeService) -> None:
    answers = answering_only_after(service, "refresh")
    # The collector has to reach Excel before it can answer.
    at_work.while_waiting = answers.set
    at_work.click("Data_Refresh")
    assert at_work.shows("Answer") == "The latest figures are in Net.xlsm."
    assert all(request.is_async for request in at_work.requests)
    assert at_work.dialogs == []


def test_an_answer_that_does_not_come_is_given_up(at_work: Desk, service: FakeService) -> None:
    answers = answering_only_after(service, "refresh")
    at_work.impatient = True
    at_work.click("Data_Refresh")
    assert "has not answered within 20 seconds" in at_work.dialogs[-1]
    assert at_work.requests[0].aborted
    assert at_work.shows("Running")
    answers.set()


def test_an_order_while_another_is_waited_for_is_refused(at_work: Desk, service: FakeService) -> None:
    answers = answering_only_after(service, "refresh")

    def click_again() -> None:
        if not answers.is_set():
            at_work.select(JOBS, "A5")
            at_work.click("Jobs_Stop")
            answers.set()

    at_work.while_waiting = click_again
    at_work.click("Data_Refresh")
    assert "has not answered the last request yet" in at_work.dialogs[-1]
    assert service.stopped == set()
    assert at_work.shows("Answer") == "The latest figures are in Net.xlsm."


def test_what_the_collector_refuses_is_told_in_its_words(at_work: Desk, service: FakeService) -> None:
    at_work.sheet(DESTINATIONS).set_value("Q5", "nobody")
    at_work.requests.clear()
    at_work.select(DESTINATIONS, "A5")
    at_work.click("Destinations_Test")
    assert "nobody" in at_work.dialogs[-1]
    assert at_work.shows("Answer") == at_work.dialogs[-1][:57] + "..." or len(at_work.dialogs[-1]) <= 60


def test_every_request_is_bounded_and_goes_through_no_proxy(at_work: Desk) -> None:
    at_work.click("Data_Refresh")
    at_work.sheet(DESTINATIONS).set_value("B5", "x")
    assert len(at_work.requests) == 3
    for request in at_work.requests:
        assert len(request.timeouts_ms) == 4
        assert max(request.timeouts_ms[:3]) <= 500
        assert request.proxy == 1
    asked(at_work)


@pytest.mark.parametrize(
    "callback", ["Data_Refresh", "Jobs_Run", "Collector_Start", "Report_Save", "Data_Details", "Help_About"]
)
def test_a_workbook_without_an_identity_is_no_reason_to_lose_the_ribbon(desk: Desk, callback: str) -> None:
    desk.load_ribbon()
    desk.book.vba_get("Names", ["NetStats_id"]).vba_get("Delete", [])
    desk.click(callback)
    for getter in ("State", "Running", "PeriodLabel", "PeriodIndex"):
        desk.shows(getter)
