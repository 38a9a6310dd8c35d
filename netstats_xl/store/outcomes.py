"""Outcomes of a round <-> columns of the samples table."""

from collections.abc import Sequence
from typing import NamedTuple, assert_never

from netstats_xl.domain.results import (
    NameNotResolved,
    Outcome,
    Refused,
    Replied,
    SendFailed,
    ServiceFailed,
    TimeExceeded,
    Timeout,
    Unreachable,
    packets_of,
)
from netstats_xl.domain.rollups import jitter_differences
from netstats_xl.errors import StoreCorrupt


class OutcomeRow(NamedTuple):
    """The columns of an outcome, in the order of the table of samples."""

    outcome: str
    address: str | None
    reporter: str | None
    reason: str | None
    sent: int
    received: int
    jitter_sum_ms: float
    """Sum of the round's jitter differences, ms: kept, because to find it again for millions of rounds is slow."""
    jitter_pairs: int
    rtts_ms: Sequence[float | None] | None


def render_outcome(outcome: Outcome) -> OutcomeRow:
    """The outcome as a row."""
    sent, received = packets_of(outcome)
    match outcome:
        case Replied(address=address, rtts_ms=rtts_ms):
            differences = jitter_differences(rtts_ms)
            return OutcomeRow(
                "replied",
                address,
                None,
                None,
                sent,
                received,
                sum(differences),
                len(differences),
                list(rtts_ms),
            )
        case Timeout(address=address):
            return OutcomeRow("timeout", address, None, None, sent, received, 0.0, 0, None)
        case Unreachable(address=address, reporter=reporter, reason=reason):
            return OutcomeRow("unreachable", address, reporter, reason, sent, received, 0.0, 0, None)
        case TimeExceeded(address=address, reporter=reporter):
            return OutcomeRow("time exceeded", address, reporter, None, sent, received, 0.0, 0, None)
        case Refused(address=address):
            return OutcomeRow("refused", address, None, None, sent, received, 0.0, 0, None)
        case ServiceFailed(address=address, reason=reason):
            return OutcomeRow("service failed", address, None, reason, sent, received, 0.0, 0, None)
        case NameNotResolved(reason=reason):
            return OutcomeRow("not resolved", None, None, reason, sent, received, 0.0, 0, None)
        case SendFailed(address=address, reason=reason):
            return OutcomeRow("not sent", address, None, reason, sent, received, 0.0, 0, None)
        case _:
            assert_never(outcome)


def parse_outcome(
    outcome: str,
    address: str | None,
    reporter: str | None,
    reason: str | None,
    sent: int,
    rtts_ms: Sequence[float | None] | None,
) -> Outcome:
    """The outcome of a row.

    Raises:
        StoreCorrupt: the row was not made by `render_outcome`.
    """
    match outcome:
        case "replied":
            return Replied(address=address or "", rtts_ms=tuple(rtts_ms or ()))
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
