"""Web addresses: times, statuses, certificates, and servers that speak something else."""

import asyncio
import errno
import inspect
import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import trustme

from netstats_xl.domain.endpoints import WebAddress
from netstats_xl.domain.results import (
    Outcome,
    Refused,
    Replied,
    SendFailed,
    ServiceFailed,
    Timeout,
    Unreachable,
)
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.probes import http
from netstats_xl.probes.addresses import from_sockaddr, parse_literal
from netstats_xl.probes.http import failure_of, trusted
from netstats_xl.probes.services import ServiceProber
from tests.contracts.prober import on_selector_loop
from tests.probes.servers import Connections, closed_port, http_answer, looked_up, tcp_server

ONCE = EchoSettings(packets=1, timeout_ms=5_000)
AUTHORITY = trustme.CA()
NAME = "www.test"


def believing() -> ssl.SSLContext:
    """Trusts the tests' own authority alone."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def certified(
    *names: str, authority: trustme.CA = AUTHORITY, days: float = 90, since: float = -10
) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that holds from `since` to `days` from now."""
    now = datetime.now(UTC)
    certificate = authority.issue_cert(
        *(names or (NAME, "127.0.0.1", "::1")),
        not_before=now + timedelta(days=since),
        not_after=now + timedelta(days=days),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def get(
    answer: bytes | Sequence[bytes | float],
    target: str = "/",
    *,
    named: str = "",
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    scheme: str = "",
    settings: EchoSettings = ONCE,
) -> tuple[Outcome, Connections]:
    """What a probe of the server's address finds; by the name, where one is given."""

    async def main() -> tuple[Outcome, Connections]:
        prober = ServiceProber(resolver=looked_up(www_test=host), packets_per_second=10_000, trust=believing)
        async with tcp_server(host=host, answer=answer, tls=tls) as server:
            where = named or (f"[{host}]" if ":" in host else host)
            url = f"{scheme or ('https' if tls else 'http')}://{where}:{server.port}{target}"
            [found] = await prober.probe([url], settings)
            await prober.close()
            return found, server

    return on_selector_loop(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_is_timed_and_its_status_told(host: str) -> None:
    found, server = get(http_answer("204 No Content", b""), "/a?b=c", host=host)
    assert isinstance(found, Replied)
    assert found.http is not None
    assert (found.address, found.http.status, found.http.certificate_days) == (host, 204, None)
    assert found.rtts_ms[0] is not None
    assert 0 < found.rtts_ms[0] <= found.http.total_ms < 5_000
    [asked] = server.received
    assert asked.startswith(b"GET /a?b=c HTTP/1.1\r\n")
    shown = f"[{host}]" if ":" in host else host
    assert f"host: {shown}:{server.port}".encode() in asked.lower()
    assert b"connection: close" in asked.lower()


def test_each_attempt_has_a_connection_of_its_own() -> None:
    settings = EchoSettings(packets=3, packet_interval_ms=10, timeout_ms=5_000)
    found, server = get(http_answer(), settings=settings)
    assert isinstance(found, Replied)
    assert len(found.rtts_ms) == server.made == 3


def test_the_rtt_is_that_to_the_first_byte_and_the_total_that_to_the_last() -> None:
    whole = http_answer(body=b"hello")
    found, _ = get([0.05, whole[:-5], 0.1, b"hello"])
    assert isinstance(found, Replied)
    assert found.http is not None
    assert found.rtts_ms[0] is not None
    assert 50 <= found.rtts_ms[0] <= found.http.total_ms - 90


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    found, server = get(http_answer("302 Found", b"", "location: http://127.0.0.1:9/"))
    assert isinstance(found, Replied)
    assert found.http is not None
    assert (found.http.status, server.made) == (302, 1)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("503 Nonsense", "HTTP 503: Service Unavailable"),
        ("404 Not Found", "HTTP 404: Not Found"),
        ("599 Odd", "HTTP 599"),
    ],
)
def test_a_status_from_400_on_means_that_the_server_cannot_serve(status: str, reason: str) -> None:
    settings = EchoSettings(packets=2, packet_interval_ms=10, timeout_ms=5_000)
    found, _ = get(http_answer(status), settings=settings)
    assert found == ServiceFailed(address="127.0.0.1", sent=2, reason=reason)


def test_of_a_body_only_so_much_is_read() -> None:
    endless: list[bytes | float] = [b"HTTP/1.1 200 OK\r\n\r\n", *([b"x" * 100_000] * 30), 30.0]
    found, server = get(endless)
    assert isinstance(found, Replied)
    assert found.http is not None
    assert found.http.total_ms < 5_000
    assert server.made == 1


def test_an_answer_that_goes_on_for_ever_is_a_reply_once_it_has_begun() -> None:
    settings = EchoSettings(packets=1, packet_interval_ms=10, timeout_ms=2_000)
    found, _ = get([b"HTTP/1.1 200 OK\r\n\r\n", b"data: 1\n\n", 30.0], settings=settings)
    assert isinstance(found, Replied)
    assert found.http is not None
    assert found.rtts_ms[0] is not None
    assert found.rtts_ms[0] < 1_500 < found.http.total_ms < 2_000


def test_a_server_that_is_too_slow_has_given_no_reply_in_time() -> None:
    settings = EchoSettings(packets=2, packet_interval_ms=10, timeout_ms=60)
    found, _ = get([30.0, http_answer()], settings=settings)
    assert found == Timeout(address="127.0.0.1", sent=2)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x00\xff\x00garbage\r\n\r\n",
        [0.001],
        [http_answer(body=b"hello")[:-2]],
    ],
)
def test_what_is_no_http_is_a_broken_answer(answer: bytes | Sequence[bytes | float]) -> None:
    found, _ = get(answer)
    reason = "broken answer: the server closed the connection too early, or speaks no HTTP"
    assert found == ServiceFailed(address="127.0.0.1", sent=1, reason=reason)


# --- Certificates


def test_a_certificate_is_checked_by_the_name_and_its_days_are_told() -> None:
    found, server = get(http_answer(), named=NAME, tls=certified(NAME, days=61))
    assert isinstance(found, Replied)
    assert found.http is not None
    assert found.http.certificate_days == pytest.approx(61, abs=0.1)
    assert found.address == "127.0.0.1"
    assert f"host: {NAME}:{server.port}".encode() in server.received[0].lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_certificate_may_be_for_an_address(host: str) -> None:
    found, _ = get(http_answer(), host=host, tls=certified(host))
    assert isinstance(found, Replied)


@pytest.mark.parametrize(
    ("tls", "named", "reason"),
    [
        (certified(NAME, days=-1), NAME, "TLS: the certificate has expired"),
        (certified(NAME, since=2), NAME, "TLS: the certificate is not valid yet"),
        (certified("other.test"), NAME, "TLS: the certificate is for another host name"),
        (certified("127.0.0.2"), "", "TLS: the certificate is for another address"),
        (
            certified(NAME, authority=trustme.CA()),
            NAME,
            "TLS: the certificate's authority is none that this computer trusts",
        ),
    ],
)
def test_a_bad_certificate_is_no_reply_and_says_why(tls: ssl.SSLContext, named: str, reason: str) -> None:
    found, _ = get(http_answer(), named=named, tls=tls)
    assert found == ServiceFailed(address="127.0.0.1", sent=1, reason=reason)


async def no_tls(answer: bytes) -> Outcome:
    """What a TLS probe finds at a server that answers at once, with this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        prober = ServiceProber(resolver=looked_up(), packets_per_second=10_000, trust=believing)
        port = server.sockets[0].getsockname()[1]
        [found] = await prober.probe([f"https://127.0.0.1:{port}"], ONCE)
        return found


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS: the server speaks no TLS at this port"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "TLS: no secure connection could be made ("),
        (b"", "TLS: the server closed the connection while it was being secured"),
    ],
)
def test_a_server_that_speaks_no_tls_says_so(answer: bytes, told: str) -> None:
    found = on_selector_loop(no_tls(answer))
    assert isinstance(found, ServiceFailed)
    assert found.reason.startswith(told)


# --- No connection


def test_a_port_that_nothing_listens_at_refuses() -> None:
    prober = ServiceProber(resolver=looked_up(), packets_per_second=10_000, trust=believing)
    hosts = [f"{scheme}://{host}:{closed_port()}" for scheme in ("http", "https") for host in ("127.0.0.1",)]
    found = on_selector_loop(prober.probe(hosts, ONCE))
    assert found == [Refused(address="127.0.0.1", sent=1)] * 2


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    found, _ = get(http_answer())
    assert isinstance(found, Replied)


def test_a_name_that_leads_to_a_scoped_address_is_not_sent_to() -> None:
    linked = from_sockaddr(("fe80::1%eth0", 0, 0, 2))

    async def main() -> object:
        return await http.request(
            linked,
            WebAddress(host=NAME, port=80, tls=False, target="/"),
            tls=believing(),
        )

    found = on_selector_loop(main())
    assert found == SendFailed(
        address="fe80::1%eth0", reason="a web address cannot lead to a link-local address"
    )


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for _, kind in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(kind, (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL))
    ],
)
def test_every_error_of_httpx_has_its_outcome(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    address = parse_literal("127.0.0.1")
    assert address is not None
    found = failure_of(error, address)
    assert isinstance(found, Timeout if issubclass(kind, httpx.TimeoutException) else ServiceFailed)


def connecting(number: int) -> httpx.ConnectError:
    """As httpx tells that a connection failed with this error of the system."""
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = ExceptionGroup("several", [OSError(number, os.strerror(number))])
    return error


def test_errors_of_the_system_mean_what_they_mean_for_any_connection() -> None:
    here, nowhere = parse_literal("127.0.0.1"), parse_literal("fe80::1")
    assert here is not None
    assert nowhere is not None
    assert failure_of(connecting(errno.ECONNREFUSED), here) == Refused(address="127.0.0.1", sent=1)
    assert failure_of(connecting(errno.ETIMEDOUT), here) == Timeout(address="127.0.0.1", sent=1)
    assert failure_of(connecting(errno.EHOSTUNREACH), here) == Unreachable(
        address="127.0.0.1", sent=1, reporter="", reason="host unreachable"
    )
    assert failure_of(connecting(errno.ENETUNREACH), nowhere) == SendFailed(
        address="fe80::1", reason="no route to its network"
    )
    lacking = failure_of(connecting(errno.EMFILE), here)
    assert isinstance(lacking, SendFailed)
    assert "allow this program more open files" in lacking.reason


def test_the_systems_own_authorities_are_trusted_and_names_checked() -> None:
    context = trusted()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.get_ca_certs()
