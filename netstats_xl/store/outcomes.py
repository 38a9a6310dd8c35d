"""Outcomes and stray replies of a round <-> columns of the samples table."""

from collections.abc import Sequence
from typing import Any, NamedTuple, assert_never

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
from netstats_xl.domain.rollups import jitter_differences, ordered_rtts_of
from netstats_xl.errors import StoreCorrupt
from netstats_xl.store.appending import Columns, ColumnType
from netstats_xl.store.packets import packet_columns

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
    """Sum of the round's jitter differences, ms: kept, because to find it again for millions of rounds is slow. It is
    stored to the microsecond: see `CHANGED`."""
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
CHANGED = {
    "outcome": "coalesce(outcome, 'replied')",
    "jitter_sum_ms": "(jitter_sum_ms * 1000)::BIGINT / 1000",
}
"""What is stored in the place of a column's values. Whole microseconds take half the room, and rollups know no less."""
STRAYS_TYPES: dict[str, ColumnType] = {
    "duplicates": "USMALLINT",
    "late": "USMALLINT",
    "corrupted": "USMALLINT",
    "elsewhere": "VARCHAR",
}
"""Of the fields of `StraysRow`, in their order."""

OUTCOME_COLUMNS = (
    "outcome, address, reporter, reason, sent, rtts_ms, jitter_pairs, http_status, total_ms, certificate_days, "
    "duplicates, late, corrupted, elsewhere"
)
"""What `found_of` takes."""


def render_outcomes(outcomes: Sequence[Outcome]) -> Columns:
    """The outcomes, of which there is at least one, as columns of the table of samples: see `CHANGED`."""
    # Nearly all are plain replies: these are rendered a column at a time, and the others put in their places.
    unanswered = [row for row, outcome in enumerate(outcomes) if type(outcome) is not Replied]
    replies = [outcome for outcome in outcomes if type(outcome) is Replied] if unanswered else outcomes
    addresses, rtts_ms, answers, https, in_order = zip(*replies, strict=True) if replies else ((),) * 5
    packets = packet_columns(rtts_ms, unanswered)
    columns: dict[str, Any] = {name: [None] * len(outcomes) for name in OUTCOME_TYPES}
    columns |= {
        "sent": packets.sent,
        "received": packets.received,
        "address": list(addresses),
        "jitter_sum_ms": packets.jitter_sums_ms,
        "jitter_pairs": packets.jitter_pairs,
        "rtts_ms": packets.rtts_ms,
    }
    for row in unanswered:
        columns["address"].insert(row, None)
    rendered = [*unanswered]
    if any(answers) or any(https) or not all(in_order):
        rendered += [
            row for row, outcome in enumerate(outcomes) if type(outcome) is Replied and _is_odd(outcome)
        ]
    for row in rendered:
        for name, value in render_outcome(outcomes[row])._asdict().items():
            if name != "rtts_ms":
                columns[name][row] = value
    return [(name, OUTCOME_TYPES[name], values) for name, values in columns.items()]


def _is_odd(reply: Replied) -> bool:
    """Whether there is more to it than its RTTs, or less."""
    return bool(reply.answer) or reply.http is not None or not reply.in_order


def render_outcome(outcome: Outcome) -> OutcomeRow:
    """The outcome as a row."""
    sent, received = packets_of(outcome)
    match outcome:
        case Replied(address=address, rtts_ms=rtts_ms, answer=answer, http=http):
            differences = jitter_differences(ordered_rtts_of(outcome))
            return OutcomeRow(
                "replied",
                sent,
                received,
                address=address,
                reason=answer or None,
                jitter_sum_ms=sum(differences),
                jitter_pairs=len(differences),
                rtts_ms=list(rtts_ms),
                http_status=http.status if http else None,
                total_ms=http.total_ms if http else None,
                certificate_days=http.certificate_days if http else None,
            )
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


def parse_outcome(
    outcome: str,
    address: str | None,
    reporter: str | None,
    reason: str | None,
    sent: int,
    rtts_ms: Sequence[float | None] | None,
    jitter_pairs: int,
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
                address=address or "",
                rtts_ms=tuple(rtts_ms or ()),
                answer=reason or "",
                http=http,
                in_order=jitter_pairs > 0 or not jitter_differences(rtts_ms or ()),
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


def render_strays(strays: Sequence[Strays]) -> Columns:
    """The strays as columns of the table of samples; where no round has any, as none."""
    if all(each is NO_STRAYS or each == NO_STRAYS for each in strays):
        return []
    columns = zip(*map(_strays_row, strays), strict=True)
    return [(name, kind, values) for (name, kind), values in zip(STRAYS_TYPES.items(), columns, strict=True)]


def _strays_row(strays: Strays) -> StraysRow:
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
