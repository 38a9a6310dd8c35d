"""What every request must get past: its Host, its token, its size and its type, on every path alike."""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from netstats_xl.control.negotiation import JSON, PLAIN, header, plain_body, wants_text
from netstats_xl.control.problems import Problem, request_problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
"""ASGI, whose messages are untyped."""

MOST_BODY_BYTES = 1_000_000
_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_BY_STATUS = {
    401: ((b"www-authenticate", b"Bearer"),),
    # What is left of the body is not read: the connection is of no further use.
    413: ((b"connection", b"close"),),
}


class Guard:
    """Lets requests through to an application that come from a client which knows the token.

    `Host` must name this computer and the port, so that a web page cannot reach the application by a name of its
    own that resolves to 127.0.0.1. A body is read here as a whole, up to 1 MB, and must be JSON.
    """

    def __init__(self, application: Application, *, token: str, port: int) -> None:
        self._application = application
        self._token = token.encode()
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """An ASGI application."""
        assert scope["type"] == "http", "the server is set up for HTTP alone"

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_ALWAYS]}
            await send(message)

        refused, body = self._refusal(scope), b""
        if refused is None:
            refused, body = await _body_of(scope, receive)
        if refused is not None:
            await refuse(refused, scope, send_marked)
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self._application(scope, replay, send_marked)

    def _refusal(self, scope: MutableMapping[str, Any]) -> int | None:
        headers = scope["headers"]
        if (header(headers, b"host") or "").lower() not in self._hosts:
            return 421
        scheme, _, given = (header(headers, b"authorization") or "").partition(" ")
        right = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        if scheme.lower() != "bearer" or not right:
            return 401
        return None


async def _body_of(scope: MutableMapping[str, Any], receive: Receive) -> tuple[int | None, bytes]:
    """Why the body is refused, or None; and the body."""
    announced = header(scope["headers"], b"content-length") or "0"
    if not announced.isdecimal() or int(announced[:20]) > MOST_BODY_BYTES:
        return 413, b""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return 400, b""
        body += message.get("body", b"")
        if len(body) > MOST_BODY_BYTES:
            return 413, b""
        if not message.get("more_body", False):
            break
    kind = (header(scope["headers"], b"content-type") or "").partition(";")[0].strip().lower()
    return (415 if body and kind != JSON else None), bytes(body)


async def refuse(
    status: int, scope: MutableMapping[str, Any], send: Send, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Tell that nothing comes of a request, with these headers besides."""
    described, body = rendered(request_problem(status), header(scope["headers"], b"accept") or "")
    described += [*_BY_STATUS.get(status, ()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": described})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def rendered(problem: Problem, accept: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body that tell of a problem, in the form that the client wants."""
    if wants_text(accept):
        kind, body = PLAIN, plain_body(problem.message)
    else:
        # Escaped to ASCII: a text that came with half a surrogate pair has no UTF-8.
        kind, body = JSON, json.dumps(problem.model_dump()).encode()
    return [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())], body
