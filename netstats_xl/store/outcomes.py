"""Outcomes and stray replies of a round <-> columns of the samples table."""

from collections.abc import Sequence
from typing import NamedTuple, assert_never

from netstats_xl.domain.results import (
    NO_STRAYS,
    HttpAnswer,
    NameNotResolved,
    Outcome,
    Refused,
    Replied,
    SendFailed,
    ServiceFailed,
    Strays,
    TimeExceeded,
    Timeout,
    Unreachable,
    packets_of,
)
from netstats_xl.domain.rollups import jitter_differences
from netstats_xl.errors import StoreCorrupt
from netstats_xl.store.appending import ColumnType

MOST_COUNTED = 65_535
"""The largest count that a column of strays holds."""


class OutcomeRow(NamedTuple):
    """The columns of an outcome, named as those of the table of samples."""

    outcome: str
    sent: int
    received: int
    address: str | None = None
    reporter: str | None = None
    reason: str | None = None
    """Why there was no answer; of a round with a reply, what the answer said."""
    jitter_sum_ms: float = 0.0
    """Sum of the round's jitter differences, ms: kept, because to find it again for millions of rounds is slow."""
    jitter_pairs: int = 0
    rtts_ms: Sequence[float | None] | None = None
    http_status: int | None = None
    total_ms: float | None = None
    certificate_days: float | None = None


class StraysRow(NamedTuple):
    """The columns of stray replies, named as those of the table of samples; None where there were none."""

    duplicates: int | None = None
    late: int | None = None
    corrupted: int | None = None
    elsewhere: str | None = None


OUTCOME_TYPES: dict[str, ColumnType] = {
    "outcome": "VARCHAR",
    "sent": "USMALLINT",
    "received": "USMALLINT",
    "address": "VARCHAR",
    "reporter": "VARCHAR",
    "reason": "VARCHAR",
    "jitter_sum_ms": "DOUBLE",
    "jitter_pairs": "USMALLINT",
    "rtts_ms": "FLOAT[]",
    "http_status": "USMALLINT",
    "total_ms": "FLOAT",
    "certificate_days": "FLOAT",
}
"""Of the fields of `OutcomeRow`, in their order."""
STRAYS_TYPES: dict[str, ColumnType] = {
    "duplicates": "USMALLINT",
    "late": "USMALLINT",
    "corrupted": "USMALLINT",
    "elsewhere": "VARCHAR",
}
"""Of the fields of `StraysRow`, in their order."""

NO_STRAYS_ROW = StraysRow()
OUTCOME_COLUMNS = (
    "outcome, address, reporter, reason, sent, rtts_ms, http_status, total_ms, certificate_days, "
    "duplicates, late, corrupted, elsewhere"
)
"""What `found_of` takes."""


def render_outcome(outcome: Outcome) -> OutcomeRow:
    """The outcome as a row."""
    if isinstance(outcome, Replied):  # the most frequent by far, so what is slow is left out
        address, rtts_ms, answer, http = outcome
        differences = jitter_differences(rtts_ms)
        row = OutcomeRow(
            "replied",
            len(rtts_ms),
            len(rtts_ms) - rtts_ms.count(None),
            address,
            None,
            answer or None,
            sum(differences),
            len(differences),
            rtts_ms,
        )
        return row if http is None else row._replace(**_http_columns(http))
    sent, received = packets_of(outcome)
    match outcome:
        case Timeout(address=address):
            return OutcomeRow("timeout", sent, received, address=address)
        case Unreachable(address=address, reporter=reporter, reason=reason):
            return OutcomeRow(
                "unreachable", sent, received, address=address, reporter=reporter, reason=reason
            )
        case TimeExceeded(address=address, reporter=reporter):
            return OutcomeRow("time exceeded", sent, received, address=address, reporter=reporter)
        case Refused(address=address):
            return OutcomeRow("refused", sent, received, address=address)
        case ServiceFailed(address=address, reason=reason):
            return OutcomeRow("service failed", sent, received, address=address, reason=reason)
        case NameNotResolved(reason=reason):
            return OutcomeRow("not resolved", sent, received, reason=reason)
        case SendFailed(address=address, reason=reason):
            return OutcomeRow("not sent", sent, received, address=address, reason=reason)
        case _:
            assert_never(outcome)


def _http_columns(http: HttpAnswer) -> dict[str, int | float | None]:
    return {
        "http_status": http.status,
        "total_ms": http.total_ms,
        "certificate_days": http.certificate_days,
    }


def parse_outcome(
    outcome: str,
    address: str | None,
    reporter: str | None,
    reason: str | None,
    sent: int,
    rtts_ms: Sequence[float | None] | None,
    http_status: int | None,
    total_ms: float | None,
    certificate_days: float | None,
) -> Outcome:
    """The outcome of a row.

    Raises:
        StoreCorrupt: the row was not made by `render_outcome`.
    """
    match outcome:
        case "replied":
            http = None
            if http_status is not None:
                http = HttpAnswer(
                    status=http_status, total_ms=total_ms or 0.0, certificate_days=certificate_days
                )
            return Replied(
                address=address or "", rtts_ms=tuple(rtts_ms or ()), answer=reason or "", http=http
            )
        case "timeout":
            return Timeout(address=address or "", sent=sent)
        case "unreachable":
            return Unreachable(address=address or "", sent=sent, reporter=reporter or "", reason=reason or "")
        case "time exceeded":
            return TimeExceeded(address=address or "", sent=sent, reporter=reporter or "")
        case "refused":
            return Refused(address=address or "", sent=sent)
        case "service failed":
            return ServiceFailed(address=address or "", sent=sent, reason=reason or "")
        case "not resolved":
            return NameNotResolved(reason=reason or "")
        case "not sent":
            return SendFailed(address=address or "", reason=reason or "")
        case _:
            raise StoreCorrupt(
                f"The database holds a sample with the unknown outcome {outcome!r}: it was changed by hand. Put back a "
                "copy from a backup."
            )


def render_strays(strays: Strays) -> StraysRow:
    """The strays as a row; of most rounds there is nothing to tell, and NULLs cost nothing."""
    if strays is NO_STRAYS or strays == NO_STRAYS:
        return NO_STRAYS_ROW
    return StraysRow(
        duplicates=min(strays.duplicates, MOST_COUNTED) or None,
        late=min(strays.late, MOST_COUNTED) or None,
        corrupted=min(strays.corrupted, MOST_COUNTED) or None,
        elsewhere=strays.elsewhere or None,
    )


def parse_strays(
    duplicates: int | None, late: int | None, corrupted: int | None, elsewhere: str | None
) -> Strays:
    """The strays of a row."""
    if not (duplicates or late or corrupted or elsewhere):
        return NO_STRAYS
    return Strays(
        duplicates=duplicates or 0, late=late or 0, corrupted=corrupted or 0, elsewhere=elsewhere or ""
    )


def found_of(row: Sequence[object]) -> tuple[Outcome, Strays]:
    """The outcome and the strays in the values of `OUTCOME_COLUMNS`.

    Raises:
        StoreCorrupt: as `parse_outcome`.
    """
    strays = len(StraysRow._fields)
    return parse_outcome(*row[:-strays]), parse_strays(*row[-strays:])  # type: ignore[arg-type]  # as DuckDB types them
