"""The API's description as OpenAPI 3.1: its errors, its plain answers, and how to get in."""

from typing import Any

from fastapi import FastAPI

from netstats_xl.control.events import MEDIA_TYPE
from netstats_xl.control.problems import REQUEST_PROBLEMS, Problem

_EVERYWHERE = {
    400: "The body is no JSON.",
    401: "The token is missing or wrong.",
    404: "There is no such thing.",
    405: "The path has no such method.",
    409: "It cannot be done while the workbook, or the job, is in this state.",
    413: "The body is too large.",
    415: "The body is not sent as JSON.",
    421: "Host names another computer or port.",
    422: "What was sent is not right: `cells` lists every bad cell or field.",
    429: REQUEST_PROBLEMS[429][1],
    500: "It failed; the collector's log tells more.",
    503: "It cannot be done just now, because the workbook or the database is busy, or the collector is stopping: "
    "try again.",
    504: "Something that was needed did not answer in time.",
    507: "The disk is full.",
}
"""What the statuses of problems mean; every operation may answer any of them."""
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_PLAIN = {"text/plain": {"schema": {"type": "string"}}}


def describe(application: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application whose endpoints answer JSON with a `message`, or plain text."""
    document = application.openapi()
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for framework_s_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework_s_own, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas["Problem"] = problem
    components["responses"] = {f"Problem{status}": _response(status) for status in _EVERYWHERE}
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of the collector's endpoint file, which only its user can read.",
        }
    }
    document["security"] = [{"token": []}]
    for operations in document["paths"].values():
        for operation in operations.values():
            _complete(operation["responses"])
    return document


def _complete(responses: dict[str, Any]) -> None:
    for code, response in responses.items():
        if code.startswith("2") and MEDIA_TYPE not in response["content"]:
            response["content"] |= _PLAIN
    for status in _EVERYWHERE:
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _response(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": _EVERYWHERE[status],
        "content": {"application/json": {"schema": _PROBLEM}, **_PLAIN},
    }
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    if status == 405:
        response["headers"] = {"Allow": {"schema": {"type": "string"}, "required": True}}
    return response
