"""What probing found. An outcome that is no answer is a measurement, not an error."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, assert_never

from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import DestinationId, JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What the last answer of a web server in a round told besides its time."""

    status: int
    """The HTTP status code, such as 200."""
    total_ms: float
    """From the request to the last byte of the answer, or until its reading was given up, ms; the RTT is that to the
    first byte."""
    certificate_days: float | None = None
    """Days until the server's certificate expires; None without TLS."""


class Replied(NamedTuple):
    """At least one packet was answered.

    A tuple, as it is what thousands of destinations of a round have: it takes a third of a dataclass's time.
    """

    address: str
    rtts_ms: tuple[float | None, ...]
    """One entry a packet sent, in order of sending: its RTT in ms, or None where it was lost."""
    answer: str = ""
    """What the last answer said, in a few words, where that is of interest: the addresses that a name has."""
    http: HttpAnswer | None = None
    in_order: bool = True
    """False: in which order the packets were sent is not known, as of imported rounds; so there is no jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout:
    """No packet was answered in time."""

    address: str
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """No packet was answered, and a router or the host itself said that it cannot be reached."""

    address: str
    sent: int
    reporter: str
    """Address of the host that said so; empty where the system does not tell it (TCP)."""
    reason: str
    """ICMP's reason in words, for example `host unreachable`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeExceeded:
    """No packet was answered, and a router said that it had passed too many routers: a loop, or a low TTL."""

    address: str
    sent: int
    reporter: str
    """Address of the router that said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The host is there and refused each attempt: nothing listens at its port (TCP)."""

    address: str
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFailed:
    """A server answered, each time that it cannot serve: NXDOMAIN, SERVFAIL, an HTTP status from 400 on."""

    address: str
    sent: int
    reason: str
    """In words, with the protocol's own term first: `NXDOMAIN: no such name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameNotResolved:
    """The host name has no address, or none came in time; nothing was sent."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailed:
    """The local network stack took no packet, for example for want of a route; nothing was sent."""

    address: str
    reason: str


Outcome = (
    Replied | Timeout | Unreachable | TimeExceeded | Refused | ServiceFailed | NameNotResolved | SendFailed
)


def packets_of(outcome: Outcome) -> tuple[int, int]:
    """The outcome's counts as (sent, received)."""
    match outcome:
        case Replied(rtts_ms=rtts_ms):
            return len(rtts_ms), sum(rtt is not None for rtt in rtts_ms)
        case (
            Timeout(sent=sent)
            | Unreachable(sent=sent)
            | TimeExceeded(sent=sent)
            | Refused(sent=sent)
            | ServiceFailed(sent=sent)
        ):
            return sent, 0
        case NameNotResolved() | SendFailed():
            return 0, 0
        case _:
            assert_never(outcome)


def rtts_of(outcome: Outcome) -> tuple[float | None, ...]:
    """The RTT of each packet sent, ms, None where it was lost."""
    if isinstance(outcome, Replied):
        return outcome.rtts_ms
    return (None,) * packets_of(outcome)[0]


def describe(outcome: Outcome) -> str:
    """Why there was no answer, in a few words; empty where there was one."""
    match outcome:
        case Replied():
            return ""
        case Timeout():
            return "no reply in time"
        case Unreachable(reporter=reporter, reason=reason):
            return f"{reason} (says {reporter})" if reporter else reason
        case TimeExceeded(reporter=reporter):
            return f"passed too many routers (says {reporter})"
        case Refused():
            return "connection refused"
        case ServiceFailed(reason=reason):
            return reason
        case NameNotResolved(reason=reason):
            return f"name not resolved: {reason}"
        case SendFailed(reason=reason):
            return f"not sent: {reason}"
        case _:
            assert_never(outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """Replies of a round that count for nothing, and how many of each there were."""

    duplicates: int = 0
    """To packets that were answered already."""
    late: int = 0
    """That came after their packet's timeout, while the round went on."""
    corrupted: int = 0
    """With a wrong checksum or payload."""
    elsewhere: str = ""
    """Another address that answered in the destination's place; empty: none did."""


NO_STRAYS = Strays()


class RoundResult(NamedTuple):
    """What one round found of one destination.

    A tuple, as thousands are made a round: it takes a third of a dataclass's time.
    """

    destination_id: DestinationId
    outcome: Outcome
    strays: Strays = NO_STRAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One round of one job against one destination, as it is stored."""

    at: datetime
    """The tick that the round belongs to, aware UTC."""
    job_id: JobId
    destination_id: DestinationId
    run_id: str
    interval_s: float
    """The job's interval: how much time the round stands for in the availability, s."""
    outcome: Outcome
    strays: Strays = NO_STRAYS


class MissedReason(StrEnum):
    """Why ticks had no round."""

    LATE = "late"
    """The machine slept, or the process was stopped or too busy when they were due."""
    OVERRUN = "overrun"
    """The round before was still going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """The round was made."""

    up: int
    """Destinations with at least one reply."""
    down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMissed:
    """Ticks that passed without a round."""

    ticks: int
    reason: MissedReason
    last_tick_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """The round could not be made."""

    error: str


RunOutcome = RunCompleted | RunMissed | RunFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One tick of a job, or a row of missed ones."""

    run_id: str
    job_id: JobId
    tick_at: datetime
    """The (first) tick, aware UTC."""
    started_at: datetime
    finished_at: datetime
    outcome: RunOutcome


class TraceReason(StrEnum):
    """Why a route was traced."""

    ASKED = "asked for"
    SCHEDULED = "scheduled"
    DOWN = "went down"
    CRITICAL = "RTT critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRoute:
    """A traced route to a destination, as it is stored."""

    at: datetime
    """When the trace began, aware UTC."""
    destination_id: DestinationId
    reason: TraceReason
    trace: Trace


class State(StrEnum):
    """A destination's state: `domain/states.py` says when it changes."""

    UP = "Up"
    DEGRADED = "Degraded"
    DOWN = "Down"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """A destination's state changed."""

    at: datetime
    destination_id: DestinationId
    before: State
    after: State
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is saved in one transaction. Saving the same batch twice saves it once."""

    batch_id: str
    runs: Sequence[JobRun] = ()
    samples: Sequence[Sample] = ()
    events: Sequence[StateChanged] = ()
    routes: Sequence[TracedRoute] = ()
    imported: bool = False
    """Whether the samples come from elsewhere: their ticks are remembered even when the samples are pruned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `start` (inclusive) to `end` (exclusive), both aware UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a period's ends are aware UTC")
        if self.start > self.end:
            raise ValueError("a period's start is not after its end")

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.end - self.start

    def previous(self) -> "Period":
        """The period of the same length that ends where this one begins."""
        return Period(start=self.start - self.length, end=self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which samples a question is about. None: all of them."""

    job_ids: frozenset[JobId] | None = None
    destination_ids: frozenset[DestinationId] | None = None

    def includes(self, *, job_id: JobId, destination_id: DestinationId) -> bool:
        """Whether a sample of this job and destination belongs."""
        return (self.job_ids is None or job_id in self.job_ids) and (
            self.destination_ids is None or destination_id in self.destination_ids
        )


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestSample:
    """The last that is known of a destination."""

    destination_id: DestinationId
    at: datetime
    outcome: Outcome
    """Of the last round."""
    last_reply_at: datetime | None
    """The tick of the last round with a reply, within the period looked at."""
    strays: Strays = NO_STRAYS
    """Of the last round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTotals:
    """What was done of a job so far."""

    rounds_done: int = 0
    ticks_missed: int = 0
    last_run_at: datetime | None = None
    last_error: str = ""
    """Of the last run, if it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """About the database itself, for the About sheet."""

    location: str
    schema_version: int
    samples: int
    first_sample_at: datetime | None = None
    last_sample_at: datetime | None = None
    size_bytes: int | None = None
    details: dict[str, str] = field(default_factory=dict)
    """More facts in words, for example the engine's version."""
