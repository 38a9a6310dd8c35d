import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.problems import STATUS, Problem, error_of
from netstats_xl.control.server import ControlServer
from netstats_xl.errors import (
    CellError,
    CompanionNotRunning,
    ConfigurationError,
    ControlError,
    ControlTimeout,
    NetstatsError,
    NotFound,
    SheetInvalid,
    Unauthorized,
    VersionMismatch,
)
from netstats_xl.sheets import DESTINATIONS, JOBS
from tests.fakes.service import FakeService


@contextmanager
def stranger(answer: bytes) -> Iterator[str]:
    """Something else that listens at a port: its URL. It answers whatever it is asked with these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(20)


@pytest.fixture
def filled(service: FakeService) -> FakeService:
    service.write_destination({"name": "Router", "host": "127.0.0.1"})
    service.write_job({"name": "All", "destinations": "*", "interval": "10s"})
    return service


def test_a_companion_is_found_by_its_file(server: ControlServer, endpoint_file: Path) -> None:
    with ControlClient.find(endpoint_file) as client:
        assert client.health()["message"] == "Collecting: no destinations"


def test_without_a_file_there_is_no_companion(tmp_path: Path) -> None:
    with pytest.raises(CompanionNotRunning, match="netstats-xl start"):
        ControlClient.find(tmp_path / "0.txt")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="cannot be read"):
        ControlClient.find(tmp_path)


def test_a_companion_that_ended_without_a_word_is_not_running(
    server: ControlServer, endpoint_file: Path
) -> None:
    left_behind = endpoint_file.read_bytes()
    server.stop()
    endpoint_file.write_bytes(left_behind)
    with ControlClient.find(endpoint_file) as client, pytest.raises(CompanionNotRunning, match="has ended"):
        client.health()


def test_a_companion_that_ends_between_two_questions_is_not_running(
    server: ControlServer, client: ControlClient
) -> None:
    client.health()
    server.stop()
    with pytest.raises(CompanionNotRunning):
        client.health()
    with pytest.raises(CompanionNotRunning):
        list(client.events())


def test_another_token_is_refused(endpoint: Endpoint) -> None:
    with ControlClient(replace(endpoint, token="other")) as client:
        with pytest.raises(Unauthorized, match="token"):
            client.health()
        with pytest.raises(Unauthorized):
            list(client.events())


def test_an_answer_is_not_waited_for_for_ever(endpoint: Endpoint, service: FakeService) -> None:
    go_on = threading.Event()

    def before(_: str) -> None:
        go_on.wait(60)

    service.before = before
    with ControlClient(endpoint, patience_s=0.1) as client, pytest.raises(ControlTimeout, match="in time"):
        client.refresh()
    go_on.set()


@pytest.mark.parametrize("error", list(STATUS), ids=lambda error: error.code)
def test_an_error_arrives_as_what_it_was(
    client: ControlClient, service: FakeService, error: type[NetstatsError]
) -> None:
    def before(_: str) -> None:
        raise error("This is wrong: mend it.")

    service.before = before
    with pytest.raises(NetstatsError) as caught:
        client.refresh()
    assert type(caught.value) is error
    assert (caught.value.message, caught.value.retryable) == ("This is wrong: mend it.", error.retryable)


def test_bad_cells_arrive_with_the_error(client: ControlClient) -> None:
    with pytest.raises(SheetInvalid) as caught:
        client.create_destination(name="a", host="no host")
    assert [(each.sheet, each.cell, each.value) for each in caught.value.cell_errors] == [
        ("Destinations", "B2", "no host")
    ]
    assert isinstance(caught.value.cell_errors[0], CellError)


def test_a_request_that_is_not_right_is_a_matter_of_configuration(client: ControlClient) -> None:
    with pytest.raises(ConfigurationError, match=r"not right: colour"):
        client.create_destination(name="a", host="127.0.0.1", colour="red")


def test_a_route_that_the_companion_lacks_is_one_of_another_version(client: ControlClient) -> None:
    with pytest.raises(VersionMismatch, match="netstats-xl stop"):
        client.ask("GET", "/v2/health")


def test_an_unknown_code_is_an_error_all_the_same() -> None:
    problem = Problem(code="of a later version", message="Something new is wrong.", retryable=False)
    error = error_of(problem)
    assert (type(error), error.message) == (ControlError, "Something new is wrong.")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 19\r\n\r\nService Unavailable",
    ],
)
def test_who_answers_otherwise_is_no_companion(endpoint: Endpoint, answer: bytes) -> None:
    with (
        stranger(answer) as url,
        ControlClient(replace(endpoint, url=url)) as client,
        pytest.raises(VersionMismatch, match="no collector of this version"),
    ):
        client.health()


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
def test_who_does_not_speak_http_is_no_companion(endpoint: Endpoint, answer: bytes) -> None:
    with (
        stranger(answer) as url,
        ControlClient(replace(endpoint, url=url)) as client,
        pytest.raises(CompanionNotRunning),
    ):
        client.health()


def test_what_cannot_be_translated_by_name_is_a_control_error(endpoint: Endpoint) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
    with (
        stranger(answer) as url,
        ControlClient(replace(endpoint, url=url)) as client,
        pytest.raises(ControlError, match="cannot be asked"),
    ):
        client.health()


def test_the_environment_s_proxy_is_not_used(
    client: ControlClient, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert client.health()["message"]


def _calls(filled: FakeService) -> dict[str, Callable[[ControlClient], Any]]:
    destination = str(filled.rows[DESTINATIONS][0]["id"])
    job = str(filled.rows[JOBS][0]["id"])
    return {
        "health": lambda client: client.health(),
        "destinations": lambda client: client.destinations(text="rout", enabled="yes", limit=5),
        "destination": lambda client: client.destination(destination),
        "create_destination": lambda client: client.create_destination(name="B", host="127.0.0.2"),
        "change_destination": lambda client: client.change_destination(destination, notes="x", group=None),
        "add_hosts": lambda client: client.add_hosts("c.example"),
        "expand": lambda client: client.expand() and client.expand(["Router"]),
        "test": lambda client: client.test(ids=[destination], names=["router"]),
        "path_mtu": lambda client: client.path_mtu("Router"),
        "sweep": lambda client: client.sweep("127.0.0.2", (16, 64)),
        "trace": lambda client: client.trace(names=["router"], hosts=["192.0.2.7"], rounds=2),
        "jobs": lambda client: client.jobs(),
        "job": lambda client: client.job(job),
        "create_job": lambda client: client.create_job(name="J", destinations="*", interval="1m"),
        "change_job": lambda client: client.change_job(job, packets=2),
        "start_jobs": lambda client: client.start_jobs(names=["all"]),
        "stop_jobs": lambda client: client.stop_jobs(ids=[job]),
        "run_jobs": lambda client: client.run_jobs(ids=[job]),
        "job_metrics": lambda client: client.job_metrics(job, "7d"),
        "dashboard": lambda client: client.dashboard(),
        "refresh": lambda client: client.refresh(),
        "sync": lambda client: client.sync(confirmed=True),
        "pause_updates": lambda client: client.pause_updates(True),
        "select": lambda client: client.select(details_of="Router", period="7d"),
        "workbook_event": lambda client: client.workbook_event("saved"),
        "report": lambda client: client.report(**{"from": "-1h", "format": "xlsx"}),
        "export": lambda client: client.export(jobs=["All"]),
        "backup": lambda client: client.backup(read_only=True),
        "backup_status": lambda client: client.backup_status(),
        "delete_job": lambda client: client.delete_job(job),
        "delete_destination": lambda client: client.delete_destination(destination),
        "shutdown": lambda client: client.shutdown(),
    }


def test_every_method_is_answered_with_a_sentence(client: ControlClient, filled: FakeService) -> None:
    calls = _calls(filled)
    public = {
        name for name, _ in inspect.getmembers(ControlClient, inspect.isfunction) if not name.startswith("_")
    }
    assert set(calls) == public - {"ask", "close", "events"}
    for name, call in calls.items():
        message = call(client)["message"]
        assert message, name
        assert message == message.strip()


@pytest.mark.parametrize("id_", ["", "../health", "a/b?c=d#e", "%2e%2e", "é", "x" * 10_000, "000000000099"])
def test_what_is_no_id_is_not_found(client: ControlClient, id_: str) -> None:
    with pytest.raises(NotFound):
        client.destination(id_)
