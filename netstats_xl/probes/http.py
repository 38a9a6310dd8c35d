"""Web addresses: how long a server takes to answer a request, and what it says."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import anyio
import httpx

from netstats_xl import __version__
from netstats_xl.domain.endpoints import WebAddress, origin
from netstats_xl.domain.results import HttpAnswer, Replied, SendFailed, ServiceFailed, Timeout
from netstats_xl.probes.addresses import Address
from netstats_xl.probes.attempts import Finding
from netstats_xl.probes.tcp import failure, has_route

LONGEST_BODY = 1_000_000
"""Bytes of an answer that are read."""

_HEADERS = {
    "user-agent": f"netstats_xl/{__version__}",
    "accept": "*/*",
    "accept-encoding": "identity",
    "connection": "close",
}
_DAY_S = 86_400
_MOMENT_S = 0.1
_CONNECTING, _HEAD_READ = "connection.connect_tcp.started", "http11.receive_response_headers.complete"
"""Events of httpcore's trace."""
_DISTRUST = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is signed by itself, not by an authority that this computer trusts",
    19: "the certificate's authority is none that this computer trusts",
    20: "the certificate's authority is none that this computer trusts",
    21: "the certificate's authority is none that this computer trusts",
    23: "the certificate was revoked",
    62: "the certificate is for another host name",
    64: "the certificate is for another address",
}
"""By OpenSSL's number of what is wrong with a certificate (`X509_V_ERR_...`)."""
_NO_TLS = "the server speaks no TLS at this port"
_INSECURE = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "UNEXPECTED_EOF_WHILE_READING": "the server closed the connection while it was being secured",
}
"""By OpenSSL's term."""


def trusted() -> ssl.SSLContext:
    """Whom to trust: the web's authorities, as httpx brings them, and the system's, among them a company's own."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def warm_up() -> None:
    """Have everything loaded that httpx loads with its first request, in a thread without an event loop.

    httpx speaks through anyio, which loads its larger half when it is first used: in the midst of a probe.
    """
    anyio.run(anyio.sleep, 0)


async def request(
    address: Address, web: WebAddress, *, tls: ssl.SSLContext, timeout_s: float = 60.0
) -> Finding:
    """Request it once, on a connection of its own, without following a redirect.

    The RTT is the time from the start of the connection until the head of the answer is there. A certificate is
    verified; a proxy of the environment is not used: what is probed is the server itself. An answer that has begun in
    time is a reply, however long it goes on: it is read for `timeout_s` at most, less a moment.
    """
    give_up_at = time.perf_counter() + timeout_s - min(_MOMENT_S, timeout_s / 4)
    if "%" in address.text:
        return SendFailed(address=address.text, reason="a web address cannot lead to a link-local address")
    times: dict[str, float] = {}

    async def note(event: str, _info: Mapping[str, object]) -> None:
        times[event] = time.perf_counter()

    try:
        named = httpx.URL(origin(web) + web.target)
        sent = httpx.Request(
            "GET",
            named.copy_with(host=address.text),
            headers={"host": named.netloc.decode("ascii"), **_HEADERS},
            extensions={"trace": note, **_server_name(named, web)},
        )
        async with httpx.AsyncHTTPTransport(verify=tls, trust_env=False, retries=0) as transport:
            answer = await transport.handle_async_request(sent)
            certificate_days = _days_left(answer)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, give_up_at - time.perf_counter())):
                    await _read(answer)
            done_at = time.perf_counter()
            await answer.aclose()
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        return failure_of(error, address)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        return ServiceFailed(address=address.text, sent=1, reason=_status(answer.status_code))
    began_at = times[_CONNECTING]
    http = HttpAnswer(
        status=answer.status_code,
        total_ms=(done_at - began_at) * 1_000,
        certificate_days=certificate_days,
    )
    return Replied(address=address.text, rtts_ms=((times[_HEAD_READ] - began_at) * 1_000,), http=http)


def _server_name(named: httpx.URL, web: WebAddress) -> dict[str, str]:
    """The name that the server's certificate is for; an address stands for itself."""
    is_name = ":" not in web.host and not web.host.replace(".", "").isdigit()
    return {"sni_hostname": named.raw_host.decode("ascii")} if is_name else {}


async def _read(answer: httpx.Response) -> None:
    """Read the body, as far as it is of interest."""
    length = 0
    async for part in answer.aiter_raw():
        length += len(part)
        if length >= LONGEST_BODY:
            return


def _days_left(answer: httpx.Response) -> float | None:
    """Days until the server's certificate expires; None without TLS."""
    tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
    if tls is None:
        return None
    ends_at_s = ssl.cert_time_to_seconds(str(tls.getpeercert()["notAfter"]))
    return (ends_at_s - time.time()) / _DAY_S


def _status(code: int) -> str:
    """`HTTP 503: Service Unavailable`: the standard's words, as the server's own may be anything."""
    try:
        return f"HTTP {code}: {HTTPStatus(code).phrase}"
    except ValueError:
        return f"HTTP {code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Causes:
    """What lies behind an error of httpx."""

    distrust: ssl.SSLCertVerificationError | None = None
    tls: ssl.SSLError | None = None
    system: OSError | None = None


def failure_of(error: Exception, address: Address) -> Finding:
    """What an error of httpx means for the attempt.

    Raises:
        KeyError: the table lacks it.
    """
    causes = _causes(error)
    if causes.distrust is not None:
        reason = _DISTRUST.get(causes.distrust.verify_code) or causes.distrust.verify_message
        return ServiceFailed(address=address.text, sent=1, reason=f"TLS: {reason}")
    if causes.tls is not None:
        term = causes.tls.reason or str(causes.tls)
        reason = _INSECURE.get(term) or f"no secure connection could be made ({term})"
        return ServiceFailed(address=address.text, sent=1, reason=f"TLS: {reason}")
    if isinstance(error, httpx.ConnectError) and causes.system is not None:
        number = getattr(causes.system, "winerror", None) or causes.system.errno or 0
        return failure(address, number, left=has_route(address))
    if isinstance(error, httpx.TimeoutException):
        return Timeout(address=address.text, sent=1)
    return ServiceFailed(address=address.text, sent=1, reason=_TRANSLATION[type(error)])


_BROKEN_OFF = "no answer: the server closed the connection"
_NO_HTTP = "broken answer: the server closed the connection too early, or speaks no HTTP"
_NEVER = "no request could be made of this address"
_TRANSLATION: dict[type[Exception], str] = {
    httpx.ConnectError: _BROKEN_OFF,
    httpx.ReadError: _BROKEN_OFF,
    httpx.WriteError: _BROKEN_OFF,
    httpx.CloseError: _BROKEN_OFF,
    httpx.NetworkError: _BROKEN_OFF,
    httpx.RemoteProtocolError: _NO_HTTP,
    httpx.LocalProtocolError: _NEVER,
    httpx.ProtocolError: _NO_HTTP,
    httpx.ProxyError: _NEVER,
    httpx.UnsupportedProtocol: _NEVER,
    httpx.DecodingError: _NO_HTTP,
    httpx.TooManyRedirects: _NEVER,
    httpx.TransportError: _BROKEN_OFF,
    httpx.RequestError: _NEVER,
    httpx.HTTPStatusError: _NEVER,
    httpx.HTTPError: _NEVER,
    httpx.StreamError: _BROKEN_OFF,
    httpx.StreamClosed: _BROKEN_OFF,
    httpx.StreamConsumed: _BROKEN_OFF,
    httpx.ResponseNotRead: _BROKEN_OFF,
    httpx.RequestNotRead: _NEVER,
    httpx.InvalidURL: _NEVER,
}


def _causes(error: BaseException) -> _Causes:
    """The innermost causes, through groups of errors too."""
    found = _Causes()
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        if isinstance(each, ssl.SSLCertVerificationError):
            return _Causes(distrust=each)
        if isinstance(each, ssl.SSLError):
            found = _Causes(tls=found.tls or each, system=found.system)
        elif isinstance(each, OSError) and each.errno:
            found = _Causes(tls=found.tls, system=each)
    return found
