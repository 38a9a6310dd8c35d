"""What a train found of each of its lines, as outcomes. Pure."""

from collections.abc import Sequence

from netstats_xl.domain.results import (
    NO_STRAYS,
    Outcome,
    Replied,
    SendFailed,
    Strays,
    TimeExceeded,
    Timeout,
    Unreachable,
)
from netstats_xl.probes.trains import Train

Found = tuple[Outcome, Strays]

LEAST_RTT_MS = 0.001
"""No packet takes no time at all."""


def whole_microseconds(rtt_ms: float) -> float:
    """An RTT as it is told: the kernel's stamps are no finer, and digits that mean nothing would fill the database."""
    return round(rtt_ms, 3) or LEAST_RTT_MS


def found_of(train: Train) -> Sequence[Found]:
    """The outcome and the strays of each line, once the train is over."""
    if train.plan.packets > 1:
        return [(_outcome(train, line), train.strays_of(line)) for line in range(train.lines)]
    # What most rounds with many destinations are is worth a way of its own: it takes half the time.
    strays = train.strays
    return [
        (Replied(address.text, (whole_microseconds(rtt),)), NO_STRAYS)
        if rtt == rtt and line not in strays
        else (_outcome(train, line), train.strays_of(line))
        for line, (address, rtt) in enumerate(zip(train.addresses, train.rtts_ms, strict=True))
    ]


def _outcome(train: Train, line: int) -> Outcome:
    address = train.addresses[line].text
    places = range(line, train.packets, train.lines)
    sent = [k for k in places if train.sent_at[k] == train.sent_at[k]]
    if not sent:
        reasons = [train.failures[k] for k in places if k in train.failures]
        return SendFailed(address=address, reason=reasons[-1] if reasons else "it was not reached in time")
    rtts = [train.rtts_ms[k] for k in sent]
    if any(rtt == rtt for rtt in rtts):
        return Replied(
            address=address, rtts_ms=tuple(whole_microseconds(rtt) if rtt == rtt else None for rtt in rtts)
        )
    complaints = [train.complaints[k].complaint for k in sent if k in train.complaints]
    if not complaints:
        return Timeout(address=address, sent=len(sent))
    last = complaints[-1]
    if last.time_exceeded:
        return TimeExceeded(address=address, sent=len(sent), reporter=last.reporter)
    return Unreachable(address=address, sent=len(sent), reporter=last.reporter, reason=last.reason)
