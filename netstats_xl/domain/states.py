"""The state of destinations and jobs, and when it changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from netstats_xl.domain.answers import answer_of, certificate_problem, strays_problem
from netstats_xl.domain.results import (
    LatestSample,
    NameNotResolved,
    Outcome,
    Refused,
    Replied,
    Sample,
    SendFailed,
    ServiceFailed,
    State,
    StateChanged,
    TimeExceeded,
    Timeout,
    Unreachable,
    describe,
    packets_of,
)
from netstats_xl.domain.targets import DestinationId, Job, JobId, StatePolicy, Thresholds
from netstats_xl.domain.windows import Phase, next_tick, phase


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationStatus:
    """What the status columns of the Destinations table show."""

    destination_id: DestinationId
    state: State = State.UNKNOWN
    last_rtt_ms: float | None = None
    """Mean RTT of the last round, ms; None where it had no reply."""
    loss_percent: float | None = None
    """Loss of the last round, %; None where nothing was sent."""
    last_seen_at: datetime | None = None
    """The tick of the last round with a reply."""
    answer: str = ""
    """What the last round's reply said besides its time: see `domain.answers.answer_of`."""
    problems: str = ""
    """In words: thresholds crossed, why there was no reply, replies that count for nothing."""


class JobState(StrEnum):
    """What a job is doing."""

    RUNNING = "Running"
    """Inside its window: rounds are made."""
    SCHEDULED = "Scheduled"
    """Its start is yet to come, or it is not being run now."""
    OUTSIDE = "Outside window"
    FINISHED = "Finished"
    DISABLED = "Disabled"
    FAILING = "Failing"
    """Its last round could not be made, or its row is invalid."""
    STOPPED = "Stopped"
    """Nothing runs it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What the status columns of the Jobs table show."""

    job_id: JobId
    state: JobState
    last_run_at: datetime | None = None
    next_run_at: datetime | None = None
    rounds_done: int = 0
    ticks_missed: int = 0
    last_error: str = ""
    last_result: str = ""
    """For the terminal: how the last round went, in a few words."""


def classify(outcome: Outcome, thresholds: Thresholds) -> tuple[State, str]:
    """The state that one round alone speaks for, and why, with figures and units.

    DOWN without a reply; DEGRADED where the round's mean RTT or its loss is at or above a threshold, or a web
    server's certificate expires within `CERTIFICATE_WARNING_DAYS`; else UP.
    A round without loss is never degraded for its loss, not even by a threshold of 0 %.
    """
    match outcome:
        case Replied():
            mean_ms, loss = mean_rtt_ms(outcome), loss_percent(outcome)
            assert mean_ms is not None, "a round with a reply has an RTT"
            assert loss is not None, "a round with a reply has sent something"
            crossed = [_crossed("RTT", mean_ms, "ms", thresholds.rtt_warning_ms, thresholds.rtt_critical_ms)]
            if loss:
                limits = thresholds.loss_warning_percent, thresholds.loss_critical_percent
                crossed.append(_crossed("loss", loss, "%", *limits))
            crossed.append(certificate_problem(outcome))
            if any(crossed):
                return State.DEGRADED, "; ".join(filter(None, crossed))
            return State.UP, f"RTT {_figure(mean_ms)} ms, loss {_figure(loss)} %"
        case (
            Timeout()
            | Unreachable()
            | TimeExceeded()
            | Refused()
            | ServiceFailed()
            | NameNotResolved()
            | SendFailed()
        ):
            return State.DOWN, describe(outcome)
        case _:
            assert_never(outcome)


def _crossed(name: str, value: float, unit: str, warning: float | None, critical: float | None) -> str:
    for threshold, which in ((critical, "critical"), (warning, "warning")):
        if threshold is not None and value >= threshold:
            return f"{name} {_figure(value)} {unit} is at or above the {which} {_figure(threshold)} {unit}"
    return ""


def _figure(value: float) -> str:
    """At most 4 significant digits, no exponent."""
    return f"{value:.0f}" if value >= 1_000 else f"{value:.4g}"


def mean_rtt_ms(outcome: Outcome) -> float | None:
    """Mean RTT of the round, ms; None where it had no reply."""
    if not isinstance(outcome, Replied):
        return None
    rtts_ms = [rtt for rtt in outcome.rtts_ms if rtt is not None]
    return sum(rtts_ms) / len(rtts_ms) if rtts_ms else None


def loss_percent(outcome: Outcome) -> float | None:
    """Loss of the round, %; None where nothing was sent."""
    sent, received = packets_of(outcome)
    return 100 * (sent - received) / sent if sent else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """A destination's state and the rounds that may change it.

    After a restart it begins with the last known state and no rounds.
    """

    state: State = State.UNKNOWN
    recent: tuple[State, ...] = ()
    """What each of the last rounds alone spoke for, oldest first."""


def advance(
    tracker: Tracker, sample: Sample, thresholds: Thresholds, policy: StatePolicy
) -> tuple[Tracker, StateChanged | None]:
    """Take in one more round of the destination; the change of state that it causes, if any.

    Rounds of all jobs count alike. With k = `policy.rounds` and n = `policy.out_of`, the state becomes the
    worst one that k of the last n rounds are at least as bad as, if that is worse than it is; or the best one
    that k of them are at least as good as, if that is better. Only from UNKNOWN the first round with a reply
    makes it UP at once.
    """
    found, why = classify(sample.outcome, thresholds)
    recent = (*tracker.recent, found)[-policy.out_of :]
    after = _settled(tracker.state, recent, policy.rounds)
    if tracker.state is State.UNKNOWN and found is not State.DOWN and after in (State.UNKNOWN, State.UP):
        after = State.UP
        why = f"first reply: {why}"
    elif after is not tracker.state:
        why = f"{_agreeing(tracker.state, after, recent)}: {why}"
    changed = (
        StateChanged(
            at=sample.at, destination_id=sample.destination_id, before=tracker.state, after=after, reason=why
        )
        if after is not tracker.state
        else None
    )
    return Tracker(state=after, recent=recent), changed


_FROM_GOOD_TO_BAD = (State.UP, State.DEGRADED, State.DOWN)


def _settled(before: State, recent: tuple[State, ...], rounds: int) -> State:
    """The state that `rounds` of the recent rounds speak for; `before` where they do not."""
    if len(recent) < rounds:
        return before
    ranks = sorted(_FROM_GOOD_TO_BAD.index(state) for state in recent)
    at_least_as_bad, at_most_as_bad = ranks[-rounds], ranks[rounds - 1]
    if before is State.UNKNOWN:
        return _FROM_GOOD_TO_BAD[at_least_as_bad]
    rank = _FROM_GOOD_TO_BAD.index(before)
    if at_least_as_bad > rank:
        return _FROM_GOOD_TO_BAD[at_least_as_bad]
    return _FROM_GOOD_TO_BAD[min(rank, at_most_as_bad)]


def _agreeing(before: State, after: State, recent: tuple[State, ...]) -> str:
    """How many of the recent rounds are at least as bad as `after`; where it is better than `before`, as good."""
    if len(recent) == 1:
        return f"the last round was {after.lower()}"
    rank = _FROM_GOOD_TO_BAD.index(after)
    better = before is not State.UNKNOWN and rank < _FROM_GOOD_TO_BAD.index(before)
    # The state itself first, then what is worse or, where things have improved, what is better.
    counted = _FROM_GOOD_TO_BAD[rank::-1] if better else _FROM_GOOD_TO_BAD[rank:]
    words = " or ".join(state.lower() for state in counted)
    agreeing = sum(state in counted for state in recent)
    return f"{agreeing} of the last {len(recent)} rounds were {words}; in the last one"


def latest_of(sample: Sample, previous: LatestSample | None) -> LatestSample:
    """What is last known of a destination after one more round; a round older than that adds nothing."""
    if previous is not None and sample.at < previous.at:
        return previous
    replied = sample.at if isinstance(sample.outcome, Replied) else None
    return LatestSample(
        destination_id=sample.destination_id,
        at=sample.at,
        outcome=sample.outcome,
        last_reply_at=replied or (previous.last_reply_at if previous else None),
        strays=sample.strays,
    )


def status_of(
    destination_id: DestinationId,
    *,
    tracker: Tracker,
    latest: LatestSample | None,
    thresholds: Thresholds,
    host: str,
) -> DestinationStatus:
    """What is shown of a destination: its tracked state, and figures and problems of its last round.

    `host`: what its host cell says.
    """
    if latest is None:
        return DestinationStatus(destination_id=destination_id, state=tracker.state)
    found, why = classify(latest.outcome, thresholds)
    return DestinationStatus(
        destination_id=destination_id,
        state=tracker.state,
        last_rtt_ms=mean_rtt_ms(latest.outcome),
        loss_percent=loss_percent(latest.outcome),
        last_seen_at=latest.last_reply_at,
        answer=answer_of(latest.outcome, host),
        problems="; ".join(filter(None, ("" if found is State.UP else why, strays_problem(latest.strays)))),
    )


def job_status_state(job: Job, now: datetime, *, running: bool, last_error: str = "") -> JobState:
    """What a job is doing.

    `running` says whether anything collects now, `last_error` what the last run failed of, if it did. The
    first that holds: DISABLED; FINISHED, where its end has come or no tick is to come; FAILING; STOPPED,
    where nothing collects; SCHEDULED, before its start; OUTSIDE its windows; RUNNING.
    """
    if not job.enabled:
        return JobState.DISABLED
    where = phase(job.schedule, now)
    if where is Phase.OVER or next_tick(job.schedule, now) is None:
        return JobState.FINISHED
    if last_error:
        return JobState.FAILING
    if not running:
        return JobState.STOPPED
    match where:
        case Phase.BEFORE:
            return JobState.SCHEDULED
        case Phase.OUTSIDE:
            return JobState.OUTSIDE
        case Phase.OPEN:
            return JobState.RUNNING
        case _:
            assert_never(where)
