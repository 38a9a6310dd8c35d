import json

import pytest

from netstats_xl.control.credentials import Endpoint
from netstats_xl.control.guard import MOST_BODY_BYTES
from netstats_xl.sheets import DESTINATIONS
from tests.control.raw_http import connected, exchange, head, post
from tests.fakes.service import FakeService

PATHS = [
    "GET /v1/health",
    "GET /v1/events",
    "POST /v1/shutdown",
    "GET /openapi.json",
    "GET /docs",
    "GET /",
    "OPTIONS /v1/health",
    "DELETE /v1/destinations/1",
]


@pytest.mark.parametrize("request_line", PATHS)
def test_every_path_wants_the_token(endpoint: Endpoint, service: FakeService, request_line: str) -> None:
    answer = exchange(endpoint, head(endpoint, request_line, authorization=""))
    assert (answer.status, answer.problem["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "bearer"
    assert not service.ended.is_set()


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer ",
        "Basic {token}",
        "{token}",
        "Bearer {token}x",
        "Bearer x{token}",
        "Bearer {token} {token}",
        "Bearer\t{token}",
        "Bearer {token}\r\nAuthorization: Bearer {token}",
        "Bearer \xe9",
    ],
)
def test_what_is_not_exactly_the_token_is_refused(endpoint: Endpoint, authorization: str) -> None:
    sent = head(endpoint, authorization=authorization.format(token=endpoint.token))
    assert exchange(endpoint, sent).status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_known_in_any_case(endpoint: Endpoint, scheme: str) -> None:
    assert exchange(endpoint, head(endpoint, authorization=f"{scheme} {endpoint.token}")).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}"])
def test_this_computer_is_a_host(endpoint: Endpoint, host: str) -> None:
    port = endpoint.url.rpartition(":")[2]
    assert exchange(endpoint, head(endpoint, host=host.format(port=port))).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example:{port}",
        "rebound.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.rebound.example",
        "127.0.0.2:{port}",
        "[::1]:{port}",
        "127.0.0.1:{port}, rebound.example",
    ],
)
def test_a_name_that_resolves_to_this_computer_is_no_host(endpoint: Endpoint, host: str) -> None:
    port = endpoint.url.rpartition(":")[2]
    answer = exchange(endpoint, head(endpoint, host=host.format(port=port)))
    assert (answer.status, answer.problem["code"]) == (421, "misdirected_request")


def test_the_host_is_judged_before_the_token(endpoint: Endpoint) -> None:
    assert exchange(endpoint, head(endpoint, host="rebound.example", authorization="")).status == 421


def test_a_web_page_is_let_in_by_nothing(endpoint: Endpoint) -> None:
    origin = "Origin: http://rebound.example"
    preflight = exchange(
        endpoint,
        head(
            endpoint, "OPTIONS /v1/refresh", origin, "Access-Control-Request-Method: POST", authorization=""
        ),
    )
    assert preflight.status == 401
    answer = exchange(endpoint, head(endpoint, "GET /v1/health", origin))
    assert not [name for name in (*answer.headers, *preflight.headers) if name.startswith("access-control")]


def test_answers_are_kept_by_no_cache_and_taken_for_nothing_else(endpoint: Endpoint) -> None:
    for authorization in ("", None):
        headers = exchange(endpoint, head(endpoint, authorization=authorization)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_a_body_that_is_said_to_be_too_large_is_not_read(endpoint: Endpoint) -> None:
    announced = f"Content-Length: {MOST_BODY_BYTES + 1}"
    sent = head(endpoint, "POST /v1/destinations/add", announced, "Content-Type: application/json")
    answer = exchange(endpoint, sent)
    assert (answer.status, answer.problem["code"]) == (413, "request_too_large")


def test_a_body_that_turns_out_too_large_is_refused(endpoint: Endpoint) -> None:
    part = b"%x\r\n%b\r\n" % (100_000, b" " * 100_000)
    chunked = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    sent = head(endpoint, "POST /v1/destinations/add", *chunked) + part * 10 + b"1\r\n \r\n"
    assert exchange(endpoint, sent).status == 413


def test_a_body_of_the_largest_size_is_read(endpoint: Endpoint) -> None:
    body = json.dumps({"hosts": "127.0.0.9"}).encode()
    answer = post(endpoint, "/v1/destinations/add", body + b" " * (MOST_BODY_BYTES - len(body)))
    assert answer.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nothing",
        b"\xff\xfe\xff",
        b'{"hosts": "a"',
        b"[" * 200_000,
        b'{"hosts": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_json_is_malformed(endpoint: Endpoint, body: bytes) -> None:
    answer = post(endpoint, "/v1/destinations/add", body)
    assert (answer.status, answer.problem["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Type: application/x-www-form-urlencoded",),
        ("Content-Type: multipart/form-data; boundary=x",),
        ("Content-Type: text/plain",),
        ("Content-Type: application/jsonx",),
        ("X-None: given",),
    ],
)
def test_a_body_must_be_sent_as_json(endpoint: Endpoint, service: FakeService, headers: tuple[str]) -> None:
    answer = post(endpoint, "/v1/destinations/add", b'{"hosts": "127.0.0.1"}', *headers)
    assert (answer.status, answer.problem["code"]) == (415, "unsupported_content_type")
    assert not service.rows[DESTINATIONS]


def test_json_may_name_its_charset(endpoint: Endpoint) -> None:
    kind = "Content-Type: Application/JSON; charset=utf-8"
    assert post(endpoint, "/v1/destinations/add", b'{"hosts": "127.0.0.1"}', kind).status == 200


def test_half_a_surrogate_pair_is_refused_in_words(endpoint: Endpoint) -> None:
    for body in (b'{"hosts": "\\ud800"}', b'{"\\ud800": 1}'):
        answer = post(endpoint, "/v1/destinations/add", body)
        assert answer.status == 422
        assert answer.problem["message"]
        plain = post(
            endpoint, "/v1/destinations/add", body, "Content-Type: application/json", "Accept: text/plain"
        )
        assert plain.body.decode()


def test_figures_that_are_none_are_refused(endpoint: Endpoint) -> None:
    for figure in (b"NaN", b"Infinity", b"-1", b"1e400", b'"10"', b"true"):
        body = b'{"name": "a", "host": "127.0.0.1", "rtt_warning_ms": %b}' % figure
        assert post(endpoint, "/v1/destinations", body).status == 422


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
        b"GET /\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_does_no_harm(endpoint: Endpoint, sent: bytes) -> None:
    with connected(endpoint) as connection:
        try:
            connection.sendall(sent)
            assert connection.recv(1_000).startswith(b"HTTP/1.1 400 ")
        except ConnectionError:
            pass  # the server has let go before it read everything
    assert exchange(endpoint, head(endpoint)).status == 200


def test_a_client_that_leaves_in_the_midst_of_its_body_changes_nothing(
    endpoint: Endpoint, service: FakeService
) -> None:
    body = b'{"hosts": "127.0.0.1"}'
    with connected(endpoint) as connection:
        announced = f"Content-Length: {len(body) + 10}"
        connection.sendall(
            head(endpoint, "POST /v1/destinations/add", announced, "Content-Type: application/json") + body
        )
    assert exchange(endpoint, head(endpoint)).status == 200
    assert not service.rows[DESTINATIONS]


def test_a_web_socket_is_refused(endpoint: Endpoint) -> None:
    upgrade = (
        "Upgrade: websocket",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
    )
    sent = head(endpoint, "GET /v1/events?seconds=0", *upgrade).replace(
        b"Connection: close", b"Connection: Upgrade"
    )
    with connected(endpoint) as connection:
        connection.sendall(sent)
        assert not connection.recv(100).startswith(b"HTTP/1.1 101")
