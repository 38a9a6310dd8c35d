"""Errors as the API tells them, and back: an HTTP status, a code, one message for the user, the bad cells."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from netstats_xl import errors
from netstats_xl.errors import CellError, NetstatsError, SheetInvalid

STATUS: Mapping[type[NetstatsError], int] = {
    NetstatsError: 500,
    # What was asked for cannot be.
    errors.ConfigurationError: 422,
    errors.SheetInvalid: 422,
    errors.NotFound: 404,
    errors.RoundUnderWay: 409,
    errors.HistoryInvalid: 422,
    errors.ReportError: 422,
    # It could be, if the workbook were in another state.
    errors.WorkbookError: 409,
    errors.WorkbookBusy: 503,
    errors.WorkbookClosed: 409,
    errors.ViewUnsupported: 409,
    errors.StoreError: 500,
    errors.StoreLocked: 503,
    errors.StoreCorrupt: 500,
    errors.StoreDamaged: 500,
    errors.StoreLogDamaged: 500,
    errors.StoreUnrecognised: 500,
    errors.StoreTooNew: 500,
    errors.StoreFull: 507,
    errors.StoreReadOnly: 503,
    errors.StoreMoved: 503,
    errors.StoreUnreachable: 503,
    errors.MigrationFailed: 500,
    errors.ProbeEngineError: 500,
    errors.PrivilegeMissing: 500,
    errors.BackendUnavailable: 500,
    errors.ControlError: 500,
    errors.CompanionNotRunning: 503,
    errors.CompanionStopping: 503,
    errors.VersionMismatch: 409,
    errors.Unauthorized: 401,
    errors.ControlTimeout: 504,
    errors.InstallError: 500,
}
"""The status of each class of the error tree."""

UNKNOWN_ROUTE = "unknown_route"
"""Not `not_found`: the thing is there for another version, maybe, but this one has no such route."""

REQUEST_PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("malformed_request", "The body of the request is no JSON that can be read."),
    401: (
        errors.Unauthorized.code,
        "The token is missing or wrong: send `Authorization: Bearer TOKEN` with the token of the collector's "
        "endpoint file.",
    ),
    404: (UNKNOWN_ROUTE, "There is nothing at this path: GET /openapi.json lists what there is."),
    405: ("method_not_allowed", "This path has no such method: GET /openapi.json lists what there is."),
    413: ("request_too_large", "The body of the request is too large: 1,000,000 bytes are allowed."),
    415: (
        "unsupported_content_type",
        "The body of the request must be JSON: send `Content-Type: application/json`.",
    ),
    421: ("misdirected_request", "The collector answers to 127.0.0.1 and localhost alone, with its port."),
    429: ("too_many_listeners", "Too many listen to the events already: end one of them first."),
    500: (
        "internal_error",
        "Something went wrong that should not have: the collector's log tells what. Please report it.",
    ),
}
"""What is wrong with a request itself: its code and its message, by status."""
INVALID_REQUEST = "invalid_request"
_RETRYABLE_REQUESTS = frozenset({429})


class BadCell(BaseModel):
    """A bad cell of a sheet, or a bad field of a request: where it is, what it holds, what would be right."""

    model_config = ConfigDict(frozen=True)

    sheet: str = Field(description="Name of the sheet; `Request` for a field of the request.")
    cell: str = Field(description="Address of the cell, or path of the field.")
    value: str
    message: str


class Problem(BaseModel):
    """Why something was not done."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="What it is, for a program.")
    message: str = Field(description="What is wrong and what would mend it, for the user.")
    retryable: bool = Field(description="Whether the same request may succeed a little later.")
    cells: tuple[BadCell, ...] = Field(default=(), description="Every cell or field that is bad.")


def status_of(error: NetstatsError) -> int:
    """The HTTP status of an error; of a class that is not in the table, that of the nearest base that is."""
    return next(STATUS[each] for each in type(error).__mro__ if each in STATUS)


def problem_of(error: NetstatsError) -> Problem:
    """What is told of an error."""
    cells = error.cell_errors if isinstance(error, SheetInvalid) else ()
    return Problem(
        code=error.code, message=error.message, retryable=error.retryable, cells=tuple(map(bad_cell, cells))
    )


def bad_cell(error: CellError) -> BadCell:
    """A bad cell, as it is told."""
    return BadCell(sheet=error.sheet, cell=error.cell, value=error.value, message=error.message)


def request_problem(status: int) -> Problem:
    """What is told of a request that is wrong in itself, or that nothing came of."""
    code, message = REQUEST_PROBLEMS.get(status, ("http_error", f"The request was refused (HTTP {status})."))
    return Problem(code=code, message=message, retryable=status in _RETRYABLE_REQUESTS)


def invalid_request(fields: Sequence[tuple[str, str, str]]) -> Problem:
    """What is told of a request whose fields are not right: each its path, what it holds, and what is wrong."""
    cells = tuple(
        BadCell(sheet="Request", cell=path, value=value, message=message) for path, value, message in fields
    )
    told = "; ".join(f"{cell.cell}: {cell.message}" for cell in cells[:3])
    more = f" (and {len(cells) - 3} more)" if len(cells) > 3 else ""
    return Problem(
        code=INVALID_REQUEST, message=f"The request is not right: {told}{more}.", retryable=False, cells=cells
    )


def error_of(problem: Problem) -> NetstatsError:
    """The error that a problem tells of: of the class that has its code, else a `ControlError`."""
    cells = tuple(
        CellError(sheet=each.sheet, cell=each.cell, value=each.value, message=each.message)
        for each in problem.cells
    )
    if problem.code == INVALID_REQUEST:
        return errors.ConfigurationError(problem.message)
    if problem.code == UNKNOWN_ROUTE:
        return errors.VersionMismatch(
            "The collector at work does not know this request: it is of another version. Stop it with "
            "`netstats-xl stop`, and start it again."
        )
    for each in _tree(NetstatsError):
        if each.code == problem.code:
            return SheetInvalid(problem.message, cells) if each is SheetInvalid else each(problem.message)
    return errors.ControlError(problem.message)


def _tree(root: type[NetstatsError]) -> Iterator[type[NetstatsError]]:
    yield root
    for each in root.__subclasses__():
        yield from _tree(each)
