"""How an endpoint's answer goes out: as JSON, or its sentence alone where the client prefers plain text."""

import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from netstats_xl.control.answers import Answer
from netstats_xl.control.guard import rendered
from netstats_xl.control.negotiation import JSON, PLAIN, plain_body, wants_text
from netstats_xl.control.problems import (
    Problem,
    invalid_request,
    problem_of,
    request_problem,
    status_of,
)
from netstats_xl.errors import CompanionStopping, NetstatsError
from netstats_xl.sheets.cells import shown

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1


def respond(request: Request, answer: Answer, status: int = 200, *, text: str | None = None) -> Response:
    """The answer in the form that the client wants; `text`: what is plain text instead of the message."""
    if wants_text(request.headers.get("accept", "")):
        body = plain_body(answer.message if text is None else text)
        return Response(body, status, media_type=PLAIN)
    return Response(answer.model_dump_json(), status, media_type=JSON)


def handle_errors(application: FastAPI) -> None:
    """Have every error told as a :class:`Problem`."""
    application.add_exception_handler(NetstatsError, _tell_error)
    application.add_exception_handler(RequestValidationError, _tell_invalid)
    application.add_exception_handler(HTTPException, _tell_http)


class TellingRoute(APIRoute):
    """A route that refuses query parameters which it does not know, and tells even of what should not happen."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's hook."""
        handler = super().get_route_handler()
        known = {parameter.alias for parameter in self.dependant.query_params}

        async def handle(request: Request) -> Response:
            # A misspelt filter that is ignored would find everything.
            if unknown := [name for name in request.query_params if name not in known]:
                told = f"there is no such parameter (there is {', '.join(sorted(known)) or 'none'})"
                fields = [(name, request.query_params[name], told) for name in unknown]
                return _problem(request, invalid_request(fields), 422)
            try:
                return await handler(request)
            except (NetstatsError, RequestValidationError, HTTPException):
                raise
            except Exception:  # the edge of a request: the next one may go well
                log.exception("%s %s failed", request.method, request.url.path)
                return _problem(request, request_problem(500), 500)

        return handle


def _tell_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, NetstatsError)
    status = status_of(error)
    if status >= 500 and not isinstance(error, CompanionStopping):  # which is no trouble
        log.warning("%s %s: %s", request.method, request.url.path, error.message)
    return _problem(request, problem_of(error), status)


def _tell_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return _problem(request, request_problem(400), 400)
    return _problem(request, invalid_request(_fields(found)), 422)


def _fields(errors: Iterable[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Of each field that is not right: where it is, what it holds, what is wrong with it."""
    found: dict[str, tuple[str, list[str]]] = {}
    for error in errors:
        value = error.get("input")
        written = shown(value) if isinstance(value, (str, int, float, bool)) else ""
        _, told = found.setdefault(_path(error["loc"]), (written, []))
        message = str(error["msg"]).removeprefix("Value error, ")
        if message not in told:
            told.append(message)
    return [(path, written, ", or: ".join(told)) for path, (written, told) in found.items()]


def _path(location: Sequence[str | int]) -> str:
    """Bodies have no fields in fields: a name after the field's own is that of a type which the value could have."""
    where, *rest = location
    if not rest:
        return str(where)
    return ".".join(str(part) for index, part in enumerate(rest) if index == 0 or isinstance(part, int))


def _tell_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(request, request_problem(error.status_code), error.status_code, error.headers)


def _problem(
    request: Request, problem: Problem, status: int, more: "dict[str, str] | Any | None" = None
) -> Response:
    headers, body = rendered(problem, request.headers.get("accept", ""))
    response = Response(body, status, dict(more or {}))
    response.raw_headers[:] = [
        *headers,
        *(each for each in response.raw_headers if each[0] != b"content-length"),
    ]
    if problem.retryable:
        response.headers["retry-after"] = str(RETRY_AFTER_S)
    return response
