import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest

from netstats_xl.app.service import Event, EventKind
from netstats_xl.control import events
from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.events import MOST_LISTENERS
from netstats_xl.control.server import ControlServer
from tests.control.raw_http import connected, exchange, head
from tests.fakes.service import FakeService

STATE = Event(
    kind=EventKind.STATE,
    data={
        "destination": "Rout\ner",
        "at": "2026-11-23T08:00:00Z",
        "before": "Up",
        "after": "Down",
        "reason": "–",
    },
)
RESULT = Event(
    kind=EventKind.RESULT, data={"destination": "Router", "sent": 4, "rtt_ms": 1.5, "reason": None}
)


def stream(endpoint: Endpoint) -> AbstractContextManager[httpx.Response]:
    return httpx.stream(
        "GET",
        f"{endpoint.url}/v1/events",
        headers={"Authorization": f"Bearer {endpoint.token}"},
        timeout=20,
        trust_env=False,
    )


def lines_of(response: httpx.Response) -> Iterator[str]:
    """The stream's lines but for heartbeats."""
    return (line for line in response.iter_lines() if line and not line.startswith(":"))


def test_events_come_in_order_as_they_happen(endpoint: Endpoint, service: FakeService) -> None:
    with stream(endpoint) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert service.wait_for_listeners(1)
        service.tell(STATE)
        service.tell(RESULT)
        lines = lines_of(response)
        assert next(lines) == "event: state"
        assert next(lines) == (
            'data: {"destination": "Rout\\ner", "at": "2026-11-23T08:00:00Z", "before": "Up", "after": "Down", '
            '"reason": "\\u2013"}'
        )
        assert next(lines) == "event: result"
        assert next(lines) == 'data: {"destination": "Router", "sent": 4, "rtt_ms": 1.5, "reason": null}'


def test_heartbeats_are_comments(endpoint: Endpoint, service: FakeService) -> None:
    with stream(endpoint) as response:
        lines = [line for line, _ in zip(response.iter_lines(), range(6), strict=False)]
    assert lines == [": still here", ""] * 3


def test_a_client_that_goes_is_forgotten(endpoint: Endpoint, service: FakeService) -> None:
    with stream(endpoint):
        assert service.wait_for_listeners(1)
    assert service.wait_for_listeners(0)


def test_the_stream_ends_with_the_service(endpoint: Endpoint, service: FakeService) -> None:
    with stream(endpoint) as response:
        assert service.wait_for_listeners(1)
        service.shutdown()
        assert list(lines_of(response)) == ["event: stopping", "data: {}"]
    assert service.wait_for_listeners(0)


def test_the_client_reads_events_until_the_end(client: ControlClient, service: FakeService) -> None:
    original = service.events

    @contextmanager
    def events_then_end() -> Iterator[Iterator[Event | None]]:
        with original() as found:
            service.tell(STATE)
            service.tell(RESULT)
            service.shutdown()
            yield found

    service.events = events_then_end  # type: ignore[method-assign] # of this service alone
    told = [(kind, data.get("destination")) for kind, data in client.events()]
    assert told == [("state", "Rout\ner"), ("result", "Router"), ("stopping", None)]
    assert service.wait_for_listeners(0)


def test_a_stream_ends_when_its_time_is_up(client: ControlClient, service: FakeService) -> None:
    assert list(client.events(seconds=0.1)) == []
    assert service.wait_for_listeners(0)


def test_so_many_may_listen_and_no_more(endpoint: Endpoint, service: FakeService) -> None:
    connections = [connected(endpoint) for _ in range(MOST_LISTENERS)]
    try:
        for each in connections:
            each.sendall(head(endpoint, "GET /v1/events"))
        assert service.wait_for_listeners(MOST_LISTENERS)
        refused = exchange(endpoint, head(endpoint, "GET /v1/events"))
        assert (refused.status, refused.problem["code"]) == (429, "too_many_listeners")
        assert refused.problem["retryable"]
        assert exchange(endpoint, head(endpoint, "GET /v1/health")).status == 200
    finally:
        for each in connections:
            each.close()
    assert service.wait_for_listeners(0)
    assert exchange(endpoint, head(endpoint, "GET /v1/events?seconds=0")).status == 200


def test_streams_end_when_the_server_stops(
    server: ControlServer, endpoint: Endpoint, service: FakeService
) -> None:
    with stream(endpoint) as response:
        assert service.wait_for_listeners(1)
        server.stop()
        assert list(lines_of(response)) == []
    assert service.wait_for_listeners(0)


def test_a_stream_that_fails_ends_and_is_logged(
    client: ControlClient, service: FakeService, caplog: pytest.LogCaptureFixture
) -> None:
    def before(name: str) -> None:
        raise RuntimeError("no events today")

    service.before = before
    assert list(client.events()) == []
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR] == [
        "a stream of events failed"
    ]


def test_who_reads_too_slowly_loses_the_oldest(
    endpoint: Endpoint, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_MOST_WAITING", 10)
    service.heartbeat_s = 10
    numbered = [Event(kind=EventKind.RESULT, data={"sent": n, "reason": "x" * 10_000}) for n in range(3_000)]
    with stream(endpoint) as response:
        assert service.wait_for_listeners(1)
        for each in numbered:
            service.tell(each)
        service.shutdown()
        kinds = [line for line in lines_of(response) if line.startswith("event")]
    assert kinds[-1] == "event: stopping"
    assert len(kinds) < len(numbered)
