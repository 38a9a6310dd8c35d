"""What the routes do with a service, and how they tell it."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from netstats_xl import errors
from netstats_xl.app.service import BackupRequest, BackupStatus, ReportRequest, WorkbookEvent
from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.negotiation import key_value_lines
from netstats_xl.control.problems import STATUS
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import NameNotResolved
from netstats_xl.errors import CellError, NetstatsError, SheetInvalid, WorkbookBusy, WorkbookClosed
from netstats_xl.ports import Progress
from netstats_xl.sheets import DESTINATIONS, JOBS
from tests.fakes.service import NOW, FakeService


class Api:
    """Asks a server, and takes the answers apart."""

    def __init__(self, endpoint: Endpoint) -> None:
        headers = {"Authorization": f"Bearer {endpoint.token}"}
        self.http = httpx.Client(base_url=endpoint.url, headers=headers, trust_env=False, timeout=20)

    def ask(self, request: str, body: object = None, *, status: int = 200) -> dict[str, Any]:
        method, path = request.split()
        response = self.http.request(method, path, json=body)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        found = response.json()
        assert isinstance(found, dict)
        return found

    def plain(self, request: str, body: object = None, *, accept: str = "text/plain") -> str:
        method, path = request.split()
        response = self.http.request(method, path, json=body, headers={"Accept": accept})
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        return response.text


@pytest.fixture
def api(endpoint: Endpoint) -> Iterator[Api]:
    each = Api(endpoint)
    yield each
    each.http.close()


@pytest.fixture
def filled(api: Api, service: FakeService) -> FakeService:
    api.ask("POST /v1/destinations", {"name": "Router", "host": "127.0.0.1", "group": "Lab"}, status=201)
    api.ask(
        "POST /v1/destinations", {"name": "Server", "host": "127.0.0.2", "tags": ["voip", "lab"]}, status=201
    )
    api.ask(
        "POST /v1/jobs",
        {"name": "All", "destinations": ["group:Lab", "tag:voip"], "interval": 30},
        status=201,
    )
    return service


def error_classes(root: type[NetstatsError] = NetstatsError) -> Iterator[type[NetstatsError]]:
    """The tree's own; what a module derives for itself alone passes for the class that it is derived from."""
    yield root
    for each in root.__subclasses__():
        if each.__module__ == NetstatsError.__module__:
            yield from error_classes(each)


def raising(error: Exception) -> Callable[[str], None]:
    def before(_: str) -> None:
        raise error

    return before


# --- rows -----------------------------------------------------------------------------------------------


def test_a_destination_becomes_a_row_as_a_user_would_type_it(api: Api, service: FakeService) -> None:
    answer = api.ask(
        "POST /v1/destinations",
        {"name": "Router", "host": "127.0.0.1", "tags": ["a", "b"], "enabled": False, "rtt_warning_ms": 10},
        status=201,
    )
    assert answer["message"] == "Router was added."
    assert answer["destination"]["tags"] == ["a", "b"]
    assert answer["destination"]["enabled"] is False
    assert {key: value for key, value in service.rows[DESTINATIONS][0].items() if value is not None} == {
        "name": "Router",
        "host": "127.0.0.1",
        "tags": "a, b",
        "enabled": "no",
        "rtt_warning_ms": 10,
        "id": answer["destination"]["id"],
    }


def test_a_change_writes_the_cells_that_it_names_and_no_others(api: Api, filled: FakeService) -> None:
    row = filled.rows[DESTINATIONS][0]
    changed = api.ask(f"PATCH /v1/destinations/{row['id']}", {"group": None, "notes": "in the rack"})
    assert changed["message"] == "Router was changed."
    assert (changed["destination"]["group"], changed["destination"]["notes"]) == ("", "in the rack")
    assert filled.rows[DESTINATIONS][0] == row | {"group": None, "notes": "in the rack"}


def test_a_bad_row_is_refused_with_every_bad_cell(api: Api, service: FakeService) -> None:
    problem = api.ask(
        "POST /v1/destinations",
        {"name": "a,b", "host": "not a host", "rtt_warning_ms": 10, "rtt_critical_ms": 5},
        status=422,
    )
    assert (problem["code"], problem["retryable"]) == ("sheet_invalid", False)
    assert [(each["sheet"], each["cell"]) for each in problem["cells"]] == [
        ("Destinations", "A2"),
        ("Destinations", "B2"),
        ("Destinations", "F2"),
    ]
    assert not service.rows[DESTINATIONS]


def test_a_job_becomes_a_row_as_a_user_would_type_it(api: Api, filled: FakeService) -> None:
    answer = api.ask(
        "POST /v1/jobs",
        {
            "name": "Nights",
            "destinations": "Router, Server",
            "start": "2026-11-23 08:00",
            "interval": "5m",
            "windows": "Mon-Fri 22:00-06:00",
            "zone": "Europe/Berlin",
            "packets": 2,
            "metrics": ["mean", "loss"],
        },
        status=201,
    )
    job = answer["job"]
    assert (job["interval"], job["start"], job["zone"]) == ("5m", "2026-11-23 08:00:00", "Europe/Berlin")
    assert (job["selected"], job["metrics"], job["state"]) == (2, "mean, loss", "Running")
    assert filled.rows[JOBS][1]["start"] == "2026-11-23 08:00"
    assert filled.rows[JOBS][1]["metrics"] == "mean, loss"


def test_what_a_job_says_of_itself_can_be_sent_back(api: Api, filled: FakeService) -> None:
    job = api.ask("GET /v1/jobs")["jobs"][0]
    typed = {
        key: job[key] for key in ("name", "destinations", "interval", "windows", "zone", "packets", "metrics")
    }
    again = api.ask(f"PATCH /v1/jobs/{job['id']}", typed)["job"]
    assert again == job


def test_what_a_destination_says_of_itself_can_be_sent_back(api: Api, filled: FakeService) -> None:
    one = api.ask("GET /v1/destinations?text=server")["destinations"][0]
    typed = {key: one[key] for key in ("name", "host", "group", "tags", "enabled", "rtt_warning_ms", "notes")}
    assert api.ask(f"PATCH /v1/destinations/{one['id']}", typed)["destination"] == one


def test_a_removed_row_is_gone(api: Api, filled: FakeService) -> None:
    for path, row in (("jobs", filled.rows[JOBS][0]), ("destinations", filled.rows[DESTINATIONS][0])):
        removed = api.ask(f"DELETE /v1/{path}/{row['id']}")
        assert removed["message"] == f"{row['name']} was removed; its results stay."
        assert api.ask(f"GET /v1/{path}/{row['id']}", status=404)["code"] == "not_found"
        assert api.ask(f"DELETE /v1/{path}/{row['id']}", status=404)["code"] == "not_found"


def test_destinations_are_found_by_what_is_asked(api: Api, filled: FakeService) -> None:
    def found(query: str) -> list[str]:
        return [each["name"] for each in api.ask(f"GET /v1/destinations?{query}")["destinations"]]

    assert found("") == ["Router", "Server"]
    assert found("text=127.0.0.2") == ["Server"]
    assert found("group=lab") == ["Router"]
    assert found("tag=VOIP") == ["Server"]
    assert found("state=Unknown&enabled=yes&offset=1") == ["Server"]
    assert found("enabled=no") == []
    assert found("state=Down") == []
    page = api.ask("GET /v1/destinations?limit=1")
    assert (page["total"], len(page["destinations"])) == (2, 1)
    assert page["message"] == "2 destinations found, 1 of them shown."


@pytest.mark.parametrize("query", ["enable=yes", "limit=0", "limit=x", "enabled=1", "state=up", "offset=-1"])
def test_a_question_that_is_not_right_finds_nothing(api: Api, query: str) -> None:
    problem = api.ask(f"GET /v1/destinations?{query}", status=422)
    assert problem["code"] == "invalid_request"
    assert problem["cells"][0]["cell"] == query.partition("=")[0]


def test_a_destination_tells_its_status_in_a_sentence(api: Api, filled: FakeService) -> None:
    id_ = filled.rows[DESTINATIONS][0]["id"]
    assert api.ask(f"GET /v1/destinations/{id_}/status")["state"] == "Unknown"
    assert api.plain(f"GET /v1/destinations/{id_}/status") == "Router is unknown."
    assert api.plain(f"GET /v1/jobs/{filled.rows[JOBS][0]['id']}") == "All is running, with 2 destinations."


# --- hosts ----------------------------------------------------------------------------------------------


def test_hosts_become_destinations_of_their_names_each_once(api: Api, service: FakeService) -> None:
    answer = api.ask(
        "POST /v1/destinations/add", {"hosts": " 127.0.0.1,a.example;b.example\r\n\tA.example ,, "}
    )
    assert [each["name"] for each in answer["destinations"]] == ["127.0.0.1", "a.example", "b.example"]
    assert [row["host"] for row in service.rows[DESTINATIONS]] == ["127.0.0.1", "a.example", "b.example"]
    assert answer["message"] == "Added 127.0.0.1, a.example, b.example."
    assert answer["cells"] == []


def test_a_bad_host_keeps_no_other_from_being_added(api: Api, service: FakeService) -> None:
    answer = api.ask("POST /v1/destinations/add", {"hosts": "a.example b_!.example c.example"})
    assert [each["name"] for each in answer["destinations"]] == ["a.example", "c.example"]
    assert [each["value"] for each in answer["cells"]] == ["b_!.example"]
    assert "Not added: b_!.example" in answer["message"]


@pytest.mark.parametrize(
    "hosts", ["a!", " , ;\n", " ".join(f"127.0.{n // 250}.{n % 250 + 1}" for n in range(1_001))]
)
def test_hosts_of_which_none_can_be_added_are_refused(api: Api, service: FakeService, hosts: str) -> None:
    problem = api.ask("POST /v1/destinations/add", {"hosts": hosts}, status=422)
    assert problem["message"]
    assert not service.rows[DESTINATIONS]


def test_a_workbook_that_closes_before_the_first_host_is_told_as_such(api: Api, service: FakeService) -> None:
    service.before = raising(WorkbookClosed("Net.xlsm was closed."))
    assert api.ask("POST /v1/destinations/add", {"hosts": "a b"}, status=409)["code"] == "workbook_closed"


def test_what_was_added_before_the_workbook_was_busy_is_told(api: Api, service: FakeService) -> None:
    def before(name: str) -> None:
        if service.rows[DESTINATIONS]:
            raise WorkbookBusy("A cell of Net.xlsm is being edited.")

    service.before = before
    answer = api.ask("POST /v1/destinations/add", {"hosts": "a b c"})
    assert answer["message"] == "Added a. The rest was not added: A cell of Net.xlsm is being edited."


def test_an_error_without_cells_names_the_host(api: Api, service: FakeService) -> None:
    service.before = raising(SheetInvalid("The row is bad."))
    problem = api.ask("POST /v1/destinations/add", {"hosts": "a"}, status=422)
    assert problem["cells"] == [
        {"sheet": "Request", "cell": "hosts", "value": "a", "message": "The row is bad."}
    ]


# --- commands -------------------------------------------------------------------------------------------


def test_a_test_tells_what_answered(api: Api, filled: FakeService) -> None:
    ids = [row["id"] for row in filled.rows[DESTINATIONS]]
    answer = api.ask("POST /v1/destinations/test", {"ids": ids, "names": ["ROUTER"]})
    assert answer["message"] == "All 2 destinations answer."
    first = answer["results"][0]
    assert (first["answered"], first["sent"], first["received"], first["rtt_ms"]) == (True, 4, 3, 2.0)
    assert api.plain("POST /v1/destinations/test", {"names": ["Server"]}) == "Server answers: 2 ms."


def test_the_path_mtu_is_told_of_a_destination_or_of_any_host(api: Api, filled: FakeService) -> None:
    answer = api.ask("POST /v1/destinations/mtu", {"host": "router"})
    assert answer == {
        "message": "The path to 127.0.0.1 takes packets of up to 1,500 bytes; larger ones are lost without a word, by "
        "a router that does not tell, or the host does not answer them.",
        "host": "127.0.0.1",
        "address": "127.0.0.1",
        "mtu": 1_500,
        "is_least": False,
        "refused_by": "",
        "problem": "",
    }
    assert api.ask("POST /v1/destinations/mtu", {"host": "192.0.2.9"})["host"] == "192.0.2.9"
    assert "no host" in api.ask("POST /v1/destinations/mtu", {"host": "no host"}, status=422)["message"]


def test_a_sweep_is_told_size_by_size(api: Api, filled: FakeService) -> None:
    answer = api.ask("POST /v1/destinations/sweep", {"host": "Router", "sizes": [100, 1_100]})
    assert answer["message"] == "127.0.0.1 answers 2 of 2 sizes; 1,000 bytes more add 1 ms."
    assert answer["slope_ms_per_1000_bytes"] == pytest.approx(1)
    assert answer["sizes"][0] == {
        "payload_bytes": 100,
        "sent": 10,
        "received": 10,
        "loss_percent": 0.0,
        "rtt_min_ms": 0.1,
        "rtt_mean_ms": 0.2,
        "rtt_max_ms": 0.4,
        "reason": "",
    }
    by_default = api.ask("POST /v1/destinations/sweep", {"host": "Router"})
    assert [each["payload_bytes"] for each in by_default["sizes"]] == [56, 512, 1_024, 1_472]


@pytest.mark.parametrize("sizes", [[], [15], [8_973], [56.5], list(range(16, 37))])
def test_sizes_that_cannot_be_tried_are_refused(api: Api, filled: FakeService, sizes: list[float]) -> None:
    answer = api.ask("POST /v1/destinations/sweep", {"host": "Router", "sizes": sizes}, status=422)
    assert answer["cells"]


def test_a_trace_tells_the_routes_hop_by_hop(api: Api, filled: FakeService) -> None:
    id_ = str(filled.rows[DESTINATIONS][0]["id"])
    filled.traced["nowhere"] = NameNotResolved(reason="no such name")
    body = {"ids": [id_], "names": ["router"], "hosts": ["nowhere"], "rounds": 2}
    answer = api.ask("POST /v1/destinations/trace", body)
    assert answer["message"] == "1 of 2 hosts are reached; not nowhere."
    mine, nowhere = answer["routes"]
    assert (mine["id"], mine["name"], mine["address"], mine["reached"]) == (id_, "Router", "192.0.2.9", True)
    assert mine["hops"] == [
        {
            "hop": 1,
            "addresses": ["192.0.2.1"],
            "names": ["gateway"],
            "sent": 2,
            "received": 1,
            "loss_percent": 50.0,
            "last_ms": 1.0,
            "best_ms": 1.0,
            "mean_ms": 1.0,
            "worst_ms": 1.0,
            "stdev_ms": 0.0,
        },
        {
            "hop": 2,
            "addresses": ["192.0.2.9"],
            "names": [""],
            "sent": 2,
            "received": 2,
            "loss_percent": 0.0,
            "last_ms": 3.0,
            "best_ms": 2.0,
            "mean_ms": 2.5,
            "worst_ms": 3.0,
            "stdev_ms": 0.5,
        },
    ]
    assert {key: nowhere[key] for key in ("id", "name", "address", "reached", "reason", "hops")} == {
        "id": "",
        "name": "nowhere",
        "address": None,
        "reached": False,
        "reason": "name not resolved: no such name",
        "hops": [],
    }
    assert api.plain("POST /v1/destinations/trace", {"ids": [id_]}) == "Router is reached, 2 hops away."
    # A silent hop has neither addresses nor RTTs.
    assert api.ask("POST /v1/destinations/trace", {"ids": [id_], "rounds": 1})["routes"][0]["hops"][0] == {
        **dict.fromkeys(("last_ms", "best_ms", "mean_ms", "worst_ms", "stdev_ms")),
        **{"hop": 1, "addresses": [], "names": [], "sent": 1, "received": 0, "loss_percent": 100.0},
    }
    bad_ones: tuple[dict[str, Any], ...] = (
        {"hosts": []},
        {"rounds": 21, "ids": [id_]},
        {"hosts": ["h"] * 17},
        {},
    )
    for bad in bad_ones:
        assert api.ask("POST /v1/destinations/trace", bad, status=422)["code"] == "invalid_request"


def test_jobs_are_started_stopped_and_run_by_id_or_by_name(api: Api, filled: FakeService) -> None:
    id_ = filled.rows[JOBS][0]["id"]
    assert api.ask("POST /v1/jobs/stop", {"ids": [id_]})["message"] == "Stopped All."
    assert filled.stopped == {id_}
    assert api.ask(f"GET /v1/jobs/{id_}")["job"]["state"] == "Stopped"
    assert api.ask("POST /v1/jobs/start", {"names": ["all"]})["message"] == "Started All."
    assert filled.stopped == set()
    assert api.ask("POST /v1/jobs/run", {"ids": [id_, id_]})["message"] == "A round is being made of All."
    assert filled.ran == [id_]


@pytest.mark.parametrize(
    "path", ["jobs/start", "jobs/stop", "jobs/run", "destinations/test", "destinations/trace"]
)
def test_what_is_not_there_cannot_be_chosen(api: Api, filled: FakeService, path: str) -> None:
    assert api.ask(f"POST /v1/{path}", {"ids": ["0"]}, status=404)["code"] == "not_found"
    problem = api.ask(f"POST /v1/{path}", {"names": ["Nobody"]}, status=404)
    assert "'Nobody'" in problem["message"]
    nothings: tuple[dict[str, list[str]], ...] = ({}, {"ids": []}, {"names": []})
    for nothing in nothings:
        assert api.ask(f"POST /v1/{path}", nothing, status=422)["code"] == "invalid_request"


def test_blocks_are_expanded_all_or_those_that_are_named(api: Api, service: FakeService) -> None:
    assert api.ask("POST /v1/destinations/expand")["message"] == "There is no block or range to expand."
    block = dict.fromkeys(("name", "id")) | {"host": "192.0.2.0/30"}
    service.rows[DESTINATIONS] += [block | {"name": "Block"}, block | {"name": "Other"}]
    assert api.ask("POST /v1/destinations/expand")["rows"] == 4
    assert api.ask("POST /v1/destinations/expand", {"ids": ["Block"]})["message"] == "2 rows written."


def test_figures_come_in_all_and_by_destination(api: Api, filled: FakeService) -> None:
    id_ = filled.rows[JOBS][0]["id"]
    for path in ("/v1/dashboard?period=7d", f"/v1/jobs/{id_}/metrics?period=7d"):
        answer = api.ask(f"GET {path}")
        assert answer["message"] == "75 % available, mean RTT 2.5 ms, loss 25 % in the last 7d."
        assert answer["period"] == {"start": "2026-11-16T08:00:00Z", "end": "2026-11-23T08:00:00Z"}
        assert answer["overall"]["loss_percent"] == 25.0
        assert answer["overall"]["mos"] is None
        assert [each["name"] for each in answer["destinations"]] == ["Router", "Server"]
        assert answer["destinations"][1]["summary"]["rtt_mean_ms"] is None
    assert api.ask("GET /v1/dashboard?period=soon", status=422)["code"] == "configuration"


def test_without_measurements_the_figures_say_so(api: Api) -> None:
    assert api.plain("GET /v1/dashboard") == "Nothing was measured in the last 24h."


def test_reading_the_workbook_tells_what_came_of_it(api: Api, filled: FakeService) -> None:
    assert api.ask("POST /v1/sync")["message"] == "Read 2 destinations and 1 job. The row Old is gone."
    assert api.plain("POST /v1/sync", {"confirmed": True}) == "Read 2 destinations and 1 job."
    assert filled.confirmed == [False, True]


def test_updates_are_paused_and_go_on(api: Api, service: FakeService) -> None:
    assert api.ask("POST /v1/updates", {"paused": True})["message"] == "Updates of the workbook are paused."
    assert service.paused
    assert "paused=1\r\n" in api.plain("GET /v1/health")
    assert api.ask("POST /v1/updates", {"paused": False})["message"] == "The workbook is updated again."
    assert not service.paused


def test_the_selection_is_changed_in_either_part(api: Api, filled: FakeService) -> None:
    assert api.plain("PUT /v1/selection", {"details_of": "router"}) == "The sheets show details of router."
    assert (filled.details_of, filled.period) == ("Router", "24h")
    told = api.plain("PUT /v1/selection", {"details_of": "All", "period": "7d"})
    assert told == "The sheets show details of All and the last 7d."
    assert (filled.details_of, filled.period) == ("All", "7d")
    assert api.ask("PUT /v1/selection", {"details_of": "Nobody"}, status=404)["code"] == "not_found"
    assert api.ask("PUT /v1/selection", {}, status=422)["code"] == "invalid_request"


@pytest.mark.parametrize("event", list(WorkbookEvent))
def test_what_happens_to_the_workbook_is_passed_on(
    api: Api, service: FakeService, event: WorkbookEvent
) -> None:
    assert api.ask("POST /v1/workbook", {"event": event.value})["message"] == "Noted."
    assert service.news == [event]


def test_a_report_is_asked_for_as_a_user_writes_it(api: Api, filled: FakeService, tmp_path: Path) -> None:
    answer = api.ask("POST /v1/report")
    assert Path(answer["path"]) == Path("/reports/Net-report.xlsx")
    assert answer["message"] == f"The report is {answer['path']}"
    asked = {
        "format": "csv",
        "output": str(tmp_path / "r.csv"),
        "from": "2026-11-01",
        "to": "now",
        "jobs": ["All"],
        "destinations": ["Router"],
        "replace": True,
    }
    assert api.ask("POST /v1/report", asked)["path"] == str(tmp_path / "r.csv")
    assert api.ask("POST /v1/export", {"from": "-7d"})["path"].endswith(".csv")
    assert api.ask("POST /v1/report", {"format": "parquet", "rollup": "hour"})["path"].endswith(".parquet")
    assert filled.reports == [
        ReportRequest(),
        ReportRequest(
            file_format="csv",
            output=tmp_path / "r.csv",
            start="2026-11-01",
            jobs=("All",),
            destinations=("Router",),
            replace=True,
        ),
        ReportRequest(file_format="csv", start="-7d"),
        ReportRequest(file_format="parquet", rollup=Level.HOUR),
    ]


def test_a_report_goes_nowhere_but_to_a_whole_path(api: Api, service: FakeService) -> None:
    problem = api.ask("POST /v1/report", {"output": "r.xlsx"}, status=422)
    assert (problem["code"], service.reports) == ("report", [])
    assert "r.xlsx is no whole path" in problem["message"]


def test_refresh_and_shutdown_tell_what_they_do(api: Api, service: FakeService) -> None:
    assert api.plain("POST /v1/refresh") == "The latest figures are in Net.xlsm."
    assert api.plain("POST /v1/shutdown") == "The collector is stopping."
    assert service.ended.is_set()


# --- how it is told -------------------------------------------------------------------------------------


def test_health_tells_how_the_database_grows_and_what_is_deleted_next(api: Api, service: FakeService) -> None:
    assert api.ask("GET /v1/health")["storage"] == []
    service.storage = ("Database size: 1.00 GB", "Next deletion: nothing is old enough")
    assert api.ask("GET /v1/health")["storage"] == list(service.storage)


def test_health_as_plain_text_is_lines_for_the_ribbon(api: Api, filled: FakeService) -> None:
    assert api.plain("GET /v1/health") == (
        "state=collecting\r\npaused=0\r\nworkbook=Net.xlsm\r\nmessage=Collecting: 2 unknown\r\n"
    )
    answer = api.ask("GET /v1/health")
    assert (answer["message"], answer["jobs"]) == ("Collecting: 2 unknown", 1)
    assert answer["destinations"]["Unknown"] == 2
    assert answer["engine"] == "scripted network"


def test_a_value_of_a_line_stays_on_it_and_is_else_as_it_was() -> None:
    assert key_value_lines({"workbook": "A  b.xlsm\r\nstate=x"}) == "workbook=A  b.xlsm state=x\r\n"


@pytest.mark.parametrize(
    "accept",
    ["text/plain", "TEXT/PLAIN;charset=utf-8", "application/json;q=0.5, text/*", "text/plain, */*;q=0.1"],
)
def test_who_prefers_plain_text_gets_the_sentence(api: Api, accept: str) -> None:
    assert api.plain("POST /v1/refresh", accept=accept) == "The latest figures are in Net.xlsm."


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "text/html", "", "text/plain;q=0.5, application/json", "text/plain;q=x", ","],
)
def test_everybody_else_gets_json(api: Api, accept: str) -> None:
    response = api.http.post("/v1/refresh", headers={"Accept": accept})
    assert response.json()["message"] == "The latest figures are in Net.xlsm."


def test_problems_are_told_in_plain_text_too(api: Api) -> None:
    told = api.plain("POST /v1/destinations/add", {})
    assert told == "The request is not right: hosts: Field required."
    assert api.plain("GET /v1/nothing").startswith("There is nothing at this path")
    assert api.plain("GET /v1/refresh").startswith("This path has no such method")
    assert api.plain("POST /v1/destinations/test", {"names": ["x"]}).startswith(
        "There is no destination named 'x'"
    )


def test_many_bad_fields_are_told_in_one_sentence(api: Api) -> None:
    problem = api.ask("POST /v1/jobs", {"a": 1, "b": [], "packets": 0}, status=422)
    assert problem["message"].endswith("(and 3 more).")
    assert {each["cell"] for each in problem["cells"]} == {
        "name",
        "destinations",
        "interval",
        "packets",
        "a",
        "b",
    }
    assert {each["value"] for each in problem["cells"]} == {"", "0", "1"}


@pytest.mark.parametrize("error", list(error_classes()), ids=lambda error: error.code)
def test_each_error_has_a_status_and_keeps_its_code(
    api: Api, service: FakeService, error: type[NetstatsError]
) -> None:
    assert error in STATUS, "every class of the tree has its line in the table"
    service.before = raising(error("Something is wrong: mend it."))
    response = api.http.get("/v1/jobs")
    assert response.status_code == STATUS[error]
    assert response.json() == {
        "code": error.code,
        "message": "Something is wrong: mend it.",
        "retryable": error.retryable,
        "cells": [],
    }
    assert ("retry-after" in response.headers) == error.retryable


def test_an_error_of_a_class_that_nobody_knows_has_the_status_of_its_base(
    api: Api, service: FakeService
) -> None:
    class Special(errors.WorkbookBusy):
        code = "special"

    service.before = raising(Special("Busy."))
    assert api.ask("POST /v1/refresh", status=503)["code"] == "special"


def test_bad_cells_go_out_as_they_are(api: Api, service: FakeService) -> None:
    cell = CellError(sheet="Jobs", cell="B7", value="x", message="write y")
    service.before = raising(SheetInvalid("One cell is bad.", (cell,)))
    problem = api.ask("GET /v1/jobs", status=422)
    assert problem["cells"] == [{"sheet": "Jobs", "cell": "B7", "value": "x", "message": "write y"}]


def test_what_should_not_happen_is_logged_and_not_told(
    api: Api, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    service.before = raising(RuntimeError("a secret"))
    problem = api.ask("GET /v1/health", status=500)
    assert problem["code"] == "internal_error"
    assert "secret" not in json.dumps(problem)
    assert [(each.levelno, each.getMessage()) for each in caplog.records if each.exc_info] == [
        (logging.ERROR, "GET /v1/health failed")
    ]


@pytest.mark.parametrize(
    ("request_line", "allowed"),
    [
        ("PUT /v1/destinations", "GET, POST"),
        ("GET /v1/destinations/test", "POST"),
        ("PATCH /v1/jobs/start", "POST"),
        ("POST /v1/destinations/1", "DELETE, GET, PATCH"),
        ("OPTIONS /v1/jobs/1", "DELETE, GET, PATCH"),
        ("HEAD /v1/health", "GET"),
        ("POST /openapi.json", "GET"),
    ],
)
def test_a_path_tells_all_its_methods(api: Api, request_line: str, allowed: str) -> None:
    response = api.http.request(*request_line.split())
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/redoc", "/v1", "/v1/destinations/", "/v1/jobs/1/2/3", "/V1/health"]
)
def test_there_is_nothing_at_other_paths(api: Api, path: str) -> None:
    assert api.ask(f"GET {path}", status=404)["code"] == "unknown_route"


def test_an_id_may_hold_anything(api: Api, filled: FakeService) -> None:
    for id_ in ("%00", "..%2F..", "%F0%9F%98%80", "x" * 5_000, "%ff"):
        assert api.ask(f"GET /v1/jobs/{id_}", status=404)["message"]


def test_a_path_that_is_no_text_is_told_as_far_as_it_goes(api: Api, service: FakeService) -> None:
    service.refresh = lambda: "/data/\udcff.xlsm"  # type: ignore[method-assign] # of this service alone
    assert api.ask("POST /v1/refresh")["path"] == "/data/?.xlsm"


def test_the_description_is_served(api: Api) -> None:
    document = api.ask("GET /openapi.json")
    assert document["openapi"].startswith("3.1.")
    assert document["security"] == [{"token": []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert {"401", "404", "413", "422", "500", "503"} <= set(operation["responses"])
            content = next(each["content"] for code, each in operation["responses"].items() if code < "3")
            wanted = {"text/event-stream"} if path == "/v1/events" else {"application/json", "text/plain"}
            assert set(content) == wanted
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_a_copy_of_the_database_is_asked_for_and_told_of(
    api: Api, service: FakeService, tmp_path: Path
) -> None:
    answer = api.ask("POST /v1/backup")
    assert Path(answer["path"]) == Path("/backups/Net 2026-11-23 0900.duckdb")
    asked = {"output": str(tmp_path / "x.duckdb"), "read_only": True, "replace": True}
    assert api.ask("POST /v1/backup", asked)["path"] == str(tmp_path / "x.duckdb")
    assert service.backups == [
        BackupRequest(),
        BackupRequest(output=tmp_path / "x.duckdb", read_only=True, replace=True),
    ]
    problem = api.ask("POST /v1/backup", {"output": "x.duckdb"}, status=422)
    assert "x.duckdb is no whole path" in problem["message"]
    assert api.ask("GET /v1/backup")["message"] == "There is no backup yet."
    service.status = BackupStatus(last=tmp_path / "Net 1.duckdb", last_at=NOW)
    told = api.ask("GET /v1/backup")
    assert (told["message"], told["doing"]) == ("The last backup is Net 1.duckdb.", "")
    assert (told["last"], told["last_at"]) == (str(tmp_path / "Net 1.duckdb"), "2026-11-23T08:00:00Z")
    service.status = BackupStatus(progress=Progress(doing="copying", done=5_000, total=9_000))
    told = api.ask("GET /v1/backup")
    assert told["message"] == "A backup is being made: copying, 5,000 of 9,000 rows."
    assert (told["doing"], told["done"], told["total"], told["last"]) == ("copying", 5_000, 9_000, None)
