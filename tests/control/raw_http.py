"""HTTP as bytes on a socket: requests that no client library would send."""

import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from netstats_xl.control.credentials import Endpoint

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RawResponse:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


def connected(endpoint: Endpoint) -> socket.socket:
    """A connection to a server."""
    port = urlsplit(endpoint.url).port
    assert port is not None
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def head(
    endpoint: Endpoint,
    request: str = "GET /v1/health",
    *more: str,
    host: str | None = None,
    authorization: str | None = None,
) -> bytes:
    """A request up to its blank line; right unless told otherwise. An empty text leaves a header out."""
    host = endpoint.url.removeprefix("http://") if host is None else host
    authorization = f"Bearer {endpoint.token}" if authorization is None else authorization
    lines = [f"{request} HTTP/1.1", "Connection: close", *more]
    lines += [f"Host: {host}"] if host else []
    lines += [f"Authorization: {authorization}"] if authorization else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def exchange(endpoint: Endpoint, sent: bytes) -> RawResponse:
    """What the server answers to these bytes."""
    with connected(endpoint) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
    top, _, body = received.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return RawResponse(status=int(first.split()[1]), headers=headers, body=body)


def post(endpoint: Endpoint, path: str, body: bytes, *headers: str) -> RawResponse:
    """A POST of a body that is said to be JSON, unless headers are given."""
    told = headers or ("Content-Type: application/json",)
    return exchange(endpoint, head(endpoint, f"POST {path}", f"Content-Length: {len(body)}", *told) + body)
