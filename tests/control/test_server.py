import asyncio
import gc
import logging
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from netstats_xl import __version__
from netstats_xl.control import server as server_module
from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint, read_endpoint, remove_endpoint
from netstats_xl.control.server import ControlServer
from netstats_xl.errors import ControlError
from tests.control.raw_http import connected, exchange, head
from tests.fakes.service import NOW, FakeService

HANDLED = (signal.SIGINT, signal.SIGTERM)


def listening() -> set[tuple[str, int]]:
    """Where this process listens."""
    found = psutil.Process().net_connections(kind="inet")
    return {(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN}


def port_of(endpoint: Endpoint) -> int:
    return int(endpoint.url.rpartition(":")[2])


def new_server(service: FakeService, path: Path) -> ControlServer:
    return ControlServer(service, endpoint=path, workbook="Net.xlsm", database="Net.duckdb", started_at=NOW)


def test_a_server_tells_where_it_is_and_answers_there(service: FakeService, endpoint_file: Path) -> None:
    with new_server(service, endpoint_file):
        endpoint = read_endpoint(endpoint_file)
        assert endpoint is not None
        assert (endpoint.workbook, endpoint.database, endpoint.started_at) == ("Net.xlsm", "Net.duckdb", NOW)
        assert (endpoint.process, endpoint.version) == (os.getpid(), __version__)
        assert exchange(endpoint, head(endpoint)).status == 200
    assert not endpoint_file.exists()


def test_it_listens_at_127_0_0_1_and_nowhere_else(service: FakeService, endpoint_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as known:
        if known.getsockname() not in listening():
            pytest.skip("the system does not list this process's sockets (Wine)")
    before = listening()
    with new_server(service, endpoint_file) as server:
        endpoint = server.start()
        assert listening() - before == {("127.0.0.1", port_of(endpoint))}
    assert listening() == before


def test_other_addresses_of_this_computer_are_refused(endpoint: Endpoint) -> None:
    for family, address in ((socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as other:
            other.settimeout(10)
            with pytest.raises(OSError, match=r"."):
                other.connect((address, port_of(endpoint)))


def test_nobody_else_can_listen_at_its_port(endpoint: Endpoint) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match=r"."):
            other.bind(("127.0.0.1", port_of(endpoint)))


def test_an_answer_is_sent_without_waiting_for_acknowledgements() -> None:
    listener = server_module._loopback_socket()
    with listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_each_start_has_a_token_of_its_own(service: FakeService, endpoint_file: Path) -> None:
    server = new_server(service, endpoint_file)
    tokens = set()
    for _ in range(3):
        with server:
            endpoint = server.start()
            assert server.start() == endpoint
            tokens.add(endpoint.token)
            assert exchange(endpoint, head(endpoint)).status == 200
    assert len(tokens) == 3
    assert all(len(token) >= 40 for token in tokens)


def test_a_server_that_was_not_started_stops(service: FakeService, endpoint_file: Path) -> None:
    server = new_server(service, endpoint_file)
    server.rename("Other.xlsm")
    server.stop()
    server.start()
    server.stop()
    server.stop()


def test_stopping_ends_its_threads_and_frees_the_port(service: FakeService, endpoint_file: Path) -> None:
    before = set(threading.enumerate())
    server = new_server(service, endpoint_file)
    endpoint = server.start()
    exchange(endpoint, head(endpoint))
    own = set(threading.enumerate()) - before
    assert own
    assert all(each.daemon for each in own)
    server.stop()
    for each in own:
        each.join(20)
    assert not any(each.is_alive() for each in own)
    with pytest.raises(ConnectionRefusedError):
        connected(endpoint)


def test_stopping_leaves_the_file_of_a_successor(service: FakeService, endpoint_file: Path) -> None:
    first, second = new_server(service, endpoint_file), new_server(service, endpoint_file)
    first.start()
    endpoint = second.start()
    first.stop()
    assert read_endpoint(endpoint_file) == endpoint
    second.stop()
    assert not endpoint_file.exists()


def test_signals_stay_as_they_were(service: FakeService, endpoint_file: Path) -> None:
    before = [signal.getsignal(each) for each in HANDLED]
    with new_server(service, endpoint_file):
        assert [signal.getsignal(each) for each in HANDLED] == before
    assert [signal.getsignal(each) for each in HANDLED] == before


def test_an_answer_under_way_is_given_before_the_end(
    service: FakeService, endpoint_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server(service, endpoint_file)
    endpoint = server.start()
    asked, stopping, go_on = threading.Event(), threading.Event(), threading.Event()

    def before(_: str) -> None:
        asked.set()
        assert go_on.wait(20)

    def remove(path: Path, token: str) -> None:
        remove_endpoint(path, token)
        stopping.set()

    service.before = before
    monkeypatch.setattr(server_module, "remove_endpoint", remove)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(exchange, endpoint, head(endpoint))
        assert asked.wait(20)
        stopped = pool.submit(server.stop)
        assert stopping.wait(20)
        go_on.set()
        assert answer.result(20).status == 200
        assert stopped.exception(20) is None


def test_a_service_that_hangs_does_not_keep_the_server_from_ending(
    service: FakeService, endpoint_file: Path
) -> None:
    others = set(threading.enumerate())
    server = new_server(service, endpoint_file)
    endpoint = server.start()
    asked, go_on = threading.Event(), threading.Event()

    def before(name: str) -> None:
        asked.set()
        go_on.wait(60)

    service.before = before
    with connected(endpoint) as connection:
        connection.sendall(head(endpoint))
        assert asked.wait(20)
        server.stop(patience_s=0.2)
        own = set(threading.enumerate()) - others
        assert "control" not in {each.name for each in own}
    go_on.set()
    gc.collect()  # a connection that was left open would be told here, as a ResourceWarning


def test_connections_that_say_nothing_are_closed_at_the_end(
    service: FakeService, endpoint_file: Path
) -> None:
    server = new_server(service, endpoint_file)
    endpoint = server.start()
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(endpoint)) for _ in range(5)]
        connections[1].sendall(b"GET /v1/hea")
        server.stop()
        assert [each.recv(1_000) for each in connections] == [b""] * 5
    gc.collect()  # a connection that was left open would be told here, as a ResourceWarning


def test_shutdown_is_answered_though_it_ends_the_server(service: FakeService, endpoint_file: Path) -> None:
    server = new_server(service, endpoint_file)
    endpoint = server.start()

    def main() -> None:
        service.ended.wait(20)
        server.stop()

    ended = threading.Thread(target=main)
    ended.start()
    with ControlClient(endpoint) as client:
        assert client.shutdown()["message"] == "The collector is stopping."
    ended.join(20)
    assert not ended.is_alive()
    assert not endpoint_file.exists()


def test_requests_are_answered_at_the_same_time(endpoint: Endpoint, service: FakeService) -> None:
    together = threading.Barrier(8)

    def before(_: str) -> None:
        together.wait(20)

    service.before = before
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: exchange(endpoint, head(endpoint)), range(8)))
    assert [each.status for each in answers] == [200] * 8


def test_many_clients_write_at_once(endpoint: Endpoint, service: FakeService) -> None:
    headers = {"Authorization": f"Bearer {endpoint.token}"}

    def create(number: int) -> int:
        row = {"name": f"Host {number}", "host": f"127.0.1.{number}"}
        url = f"{endpoint.url}/v1/destinations"
        return httpx.post(url, json=row, headers=headers, timeout=20, trust_env=False).status_code

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(create, range(40))) == [201] * 40
    with ControlClient(endpoint) as client:
        assert client.destinations()["total"] == 40


def test_a_question_that_takes_long_keeps_nobody_else_waiting(
    endpoint: Endpoint, service: FakeService
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def before(name: str) -> None:
        if name == "refresh":
            asked.set()
            assert go_on.wait(20)

    service.before = before
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(exchange, endpoint, head(endpoint, "POST /v1/refresh"))
        assert asked.wait(20)
        assert exchange(endpoint, head(endpoint)).status == 200
        go_on.set()
        assert slow.result(20).status == 200


def test_another_name_of_the_workbook_is_told(server: ControlServer, endpoint_file: Path) -> None:
    server.rename("Renamed.xlsm")
    endpoint = read_endpoint(endpoint_file)
    assert endpoint is not None
    assert endpoint.workbook == "Renamed.xlsm"
    assert exchange(endpoint, head(endpoint)).status == 200
    inode = endpoint_file.stat().st_mtime_ns
    server.rename("Renamed.xlsm")
    assert endpoint_file.stat().st_mtime_ns == inode


def test_a_name_that_cannot_be_told_is_logged(
    server: ControlServer,
    endpoint_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(server_module, "write_endpoint", fail)
    server.rename("Renamed.xlsm")
    assert "the disk is full" in caplog.text


def test_where_no_file_can_be_written_nothing_is_served(service: FakeService, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    before = listening()
    server = new_server(service, tmp_path / "file" / "0.txt")
    with pytest.raises(ControlError, match="cannot be written"):
        server.start()
    assert listening() == before


def test_where_no_port_can_be_had_it_is_told(
    service: FakeService, endpoint_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: socket.socket, *_: object) -> None:
        raise PermissionError(13, "not here")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ControlError, match="not here"):
        new_server(service, endpoint_file).start()
    assert not endpoint_file.exists()


def test_a_server_that_fails_at_its_start_is_told(
    service: FakeService,
    endpoint_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def __enter__(self) -> None:
            raise RuntimeError("no event loop today")

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(asyncio, "Runner", Broken)
    with pytest.raises(ControlError, match="does not start"):
        new_server(service, endpoint_file).start()
    assert not endpoint_file.exists()
    assert "the control channel ended" in caplog.text


def test_an_ordinary_day_leaves_nothing_in_the_log(
    service: FakeService, endpoint_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with new_server(service, endpoint_file) as server:
        endpoint = server.start()
        exchange(endpoint, head(endpoint))
        exchange(endpoint, head(endpoint, authorization=""))
        exchange(endpoint, head(endpoint, "GET /v1/events?seconds=0"))
    told = [each for each in caplog.records if each.name.split(".")[0] in ("uvicorn", "netstats_xl")]
    assert told == []
    assert endpoint.token not in caplog.text
