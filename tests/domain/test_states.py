"""The state of destinations and jobs."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.results import (
    HttpAnswer,
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
    Strays,
    TimeExceeded,
    Timeout,
    Unreachable,
)
from netstats_xl.domain.states import (
    DestinationStatus,
    JobState,
    Tracker,
    advance,
    classify,
    job_status_state,
    latest_of,
    status_of,
)
from netstats_xl.domain.targets import Job, Selector, StatePolicy, Thresholds
from netstats_xl.domain.windows import Schedule, parse_windows

START = datetime(2024, 5, 1, tzinfo=UTC)
LIMITS = Thresholds(rtt_warning_ms=50, rtt_critical_ms=100, loss_warning_percent=10, loss_critical_percent=50)
GOOD = Replied(address="127.0.0.1", rtts_ms=(1.0, 2.0))
SLOW = Replied(address="127.0.0.1", rtts_ms=(119.0, 121.0))
DEAD = Timeout(address="127.0.0.1", sent=4)


def web(days: float, *, rtt_ms: float = 1.5) -> Replied:
    http = HttpAnswer(status=200, total_ms=2.0, certificate_days=days)
    return Replied(address="127.0.0.1", rtts_ms=(rtt_ms,), http=http)


OUTCOME_OF: dict[State, Outcome] = {State.UP: GOOD, State.DEGRADED: SLOW, State.DOWN: DEAD}

classes = st.sampled_from([State.UP, State.DEGRADED, State.DOWN])
policies = st.integers(1, 9).flatmap(
    lambda out_of: st.builds(StatePolicy, rounds=st.integers(out_of // 2 + 1, out_of), out_of=st.just(out_of))
)


def sample(outcome: Outcome, number: int = 0) -> Sample:
    return Sample(
        at=START + timedelta(seconds=10 * number),
        job_id="job",
        destination_id="host",
        run_id=f"run{number}",
        interval_s=10,
        outcome=outcome,
    )


def track(
    rounds: Iterable[State], policy: StatePolicy, tracker: Tracker | None = None
) -> tuple[Tracker, list[StateChanged]]:
    tracker = tracker or Tracker()
    events: list[StateChanged] = []
    for number, found in enumerate(rounds):
        tracker, event = advance(tracker, sample(OUTCOME_OF[found], number), LIMITS, policy)
        if event is not None:
            events.append(event)
    return tracker, events


@pytest.mark.parametrize(
    ("outcome", "state", "why"),
    [
        (GOOD, State.UP, "RTT 1.5 ms, loss 0 %"),
        (SLOW, State.DEGRADED, "RTT 120 ms is at or above the critical 100 ms"),
        (
            Replied(address="127.0.0.1", rtts_ms=(50.0,)),
            State.DEGRADED,
            "RTT 50 ms is at or above the warning 50 ms",
        ),
        (Replied(address="127.0.0.1", rtts_ms=(49.99,)), State.UP, "RTT 49.99 ms, loss 0 %"),
        (
            Replied(address="127.0.0.1", rtts_ms=(1.0, 1.0, None)),
            State.DEGRADED,
            "loss 33.33 % is at or above the warning 10 %",
        ),
        (
            Replied(address="127.0.0.1", rtts_ms=(1234.5, None)),
            State.DEGRADED,
            "RTT 1234 ms is at or above the critical 100 ms; loss 50 % is at or above the critical 50 %",
        ),
        (DEAD, State.DOWN, "no reply in time"),
        (
            Unreachable(address="127.0.0.9", sent=4, reporter="127.0.0.1", reason="host unreachable"),
            State.DOWN,
            "host unreachable (says 127.0.0.1)",
        ),
        (NameNotResolved(reason="no such name"), State.DOWN, "name not resolved: no such name"),
        (SendFailed(address="::1", reason="no route"), State.DOWN, "not sent: no route"),
        (Refused(address="127.0.0.1", sent=4), State.DOWN, "connection refused"),
        (
            ServiceFailed(address="127.0.0.1", sent=4, reason="HTTP 503: Service Unavailable"),
            State.DOWN,
            "HTTP 503: Service Unavailable",
        ),
        (
            TimeExceeded(address="127.0.0.1", sent=4, reporter="127.0.0.9"),
            State.DOWN,
            "passed too many routers (says 127.0.0.9)",
        ),
        (
            Unreachable(address="127.0.0.9", sent=4, reporter="", reason="host unreachable"),
            State.DOWN,
            "host unreachable",
        ),
        (web(13.5), State.DEGRADED, "the certificate expires in 13 days"),
        (web(14.5), State.UP, "RTT 1.5 ms, loss 0 %"),
        (
            web(2.0, rtt_ms=120),
            State.DEGRADED,
            "RTT 120 ms is at or above the critical 100 ms; the certificate expires in 2 days",
        ),
    ],
)
def test_a_round_speaks_for_a_state_and_says_why_with_units(outcome: Outcome, state: State, why: str) -> None:
    assert classify(outcome, LIMITS) == (state, why)


def test_the_status_tells_the_answer_and_the_replies_that_count_for_nothing() -> None:
    strays = Strays(duplicates=2, elsewhere="10.0.0.9")
    latest = latest_of(replace(sample(GOOD), strays=strays), None)
    status = status_of(
        "host", tracker=Tracker(state=State.UP), latest=latest, thresholds=LIMITS, host="localhost"
    )
    assert (status.state, status.answer) == (State.UP, "127.0.0.1")
    assert status.problems == "2 duplicate replies; answers come from 10.0.0.9"
    down = latest_of(replace(sample(DEAD), strays=Strays(elsewhere="10.0.0.9")), latest)
    status = status_of(
        "host", tracker=Tracker(state=State.DOWN), latest=down, thresholds=LIMITS, host="127.0.0.1"
    )
    assert (status.answer, status.problems) == ("", "no reply in time; answers come from 10.0.0.9")


def test_without_thresholds_any_reply_is_up() -> None:
    terrible = Replied(address="127.0.0.1", rtts_ms=(9_999.0, *(None,) * 99))
    assert classify(terrible, Thresholds()) == (State.UP, "RTT 9999 ms, loss 99 %")


def test_a_round_without_loss_is_not_degraded_by_a_loss_threshold_of_zero() -> None:
    zero = Thresholds(loss_warning_percent=0)
    assert classify(GOOD, zero)[0] is State.UP
    assert classify(Replied(address="127.0.0.1", rtts_ms=(1.0, None)), zero)[0] is State.DEGRADED


def test_three_of_three_rounds_make_an_outage_and_the_event_says_so() -> None:
    tracker, events = track([State.UP, State.DOWN, State.DOWN, State.DOWN], StatePolicy())
    assert tracker.state is State.DOWN
    assert events == [
        StateChanged(
            at=START,
            destination_id="host",
            before=State.UNKNOWN,
            after=State.UP,
            reason="first reply: RTT 1.5 ms, loss 0 %",
        ),
        StateChanged(
            at=START + timedelta(seconds=30),
            destination_id="host",
            before=State.UP,
            after=State.DOWN,
            reason="3 of the last 3 rounds were down; in the last one: no reply in time",
        ),
    ]


@given(st.lists(st.sampled_from([[State.DOWN], [State.UP] * 3, [State.UP, State.UP, State.DEGRADED]])))
def test_one_lost_round_is_never_an_outage(pieces: list[list[State]]) -> None:
    """Lost rounds, each followed by a reply at least."""
    rounds = [found for piece in pieces for found in (*piece, State.UP)]
    _, events = track(rounds, StatePolicy(), Tracker(state=State.UP))
    assert State.DOWN not in {event.after for event in events}


@pytest.mark.parametrize("state", [State.UP, State.DEGRADED, State.DOWN])
def test_alternating_rounds_never_change_the_state(state: State) -> None:
    tracker, events = track([State.UP, State.DOWN] * 20, StatePolicy(), Tracker(state=state))
    assert (tracker.state, events) == (state, [])


def test_k_of_n_needs_no_row_of_rounds() -> None:
    two_of_three = StatePolicy(rounds=2, out_of=3)
    tracker, events = track([State.DOWN, State.UP, State.DOWN], two_of_three, Tracker(state=State.UP))
    assert tracker.state is State.DOWN
    assert [event.reason for event in events] == [
        "2 of the last 3 rounds were down; in the last one: no reply in time"
    ]
    tracker, events = track([State.UP, State.UP], two_of_three, tracker)
    assert [event.after for event in events] == [State.UP]


def test_from_unknown_the_first_reply_is_up_even_where_it_is_slow() -> None:
    tracker, events = track([State.DOWN, State.DEGRADED], StatePolicy())
    assert tracker.state is State.UP
    assert [(event.before, event.after) for event in events] == [(State.UNKNOWN, State.UP)]


def test_rounds_that_are_bad_in_turns_count_for_the_lesser_evil() -> None:
    tracker, events = track([State.DOWN, State.DEGRADED] * 3, StatePolicy(), Tracker(state=State.UP))
    assert tracker.state is State.DEGRADED
    assert [event.reason.partition(";")[0] for event in events] == [
        "3 of the last 3 rounds were degraded or down"
    ]
    tracker, events = track([State.UP, State.DEGRADED, State.UP], StatePolicy(), Tracker(state=State.DOWN))
    assert [event.after for event in events] == [State.DEGRADED]
    assert events[0].reason.startswith("3 of the last 3 rounds were degraded or up; in the last one: RTT ")


def test_a_recovery_says_that_the_rounds_were_up() -> None:
    _, events = track([State.UP] * 3, StatePolicy(), Tracker(state=State.DOWN))
    assert [event.reason for event in events] == [
        "3 of the last 3 rounds were up; in the last one: RTT 1.5 ms, loss 0 %"
    ]


def test_where_a_single_round_decides_the_event_counts_none() -> None:
    _, events = track([State.DOWN, State.UP], StatePolicy(rounds=1, out_of=1))
    assert [event.reason for event in events] == [
        "the last round was down: no reply in time",
        "the last round was up: RTT 1.5 ms, loss 0 %",
    ]


def test_the_first_reply_after_unanswered_rounds_does_not_call_those_up() -> None:
    _, events = track([State.DOWN, State.DOWN, State.UP], StatePolicy())
    assert [event.reason for event in events] == ["first reply: RTT 1.5 ms, loss 0 %"]


def test_from_unknown_an_outage_needs_its_rounds() -> None:
    tracker, events = track([State.DOWN, State.DOWN], StatePolicy())
    assert (tracker.state, events) == (State.UNKNOWN, [])
    tracker, events = track([State.DOWN], StatePolicy(), tracker)
    assert [event.after for event in events] == [State.DOWN]


def test_after_a_restart_the_known_state_stands_until_rounds_agree_on_another() -> None:
    tracker, events = track([State.UP, State.UP], StatePolicy(), Tracker(state=State.DOWN))
    assert (tracker.state, events) == (State.DOWN, [])
    tracker, events = track([State.UP], StatePolicy(), tracker)
    assert [(event.before, event.after) for event in events] == [(State.DOWN, State.UP)]


@given(rounds=st.lists(classes, max_size=40), policy=policies)
def test_the_state_changes_exactly_when_k_of_the_last_n_rounds_are_worse_or_better(
    rounds: list[State], policy: StatePolicy
) -> None:
    order = [State.UP, State.DEGRADED, State.DOWN]
    tracker = Tracker(state=State.UP)
    for number, found in enumerate(rounds):
        before = tracker.state
        tracker, event = advance(tracker, sample(OUTCOME_OF[found], number), LIMITS, policy)
        last = [order.index(state) for state in rounds[: number + 1][-policy.out_of :]]
        now = order.index(before)
        worse = [
            rank for rank in (2, 1) if rank > now and sum(each >= rank for each in last) >= policy.rounds
        ]
        better = [
            rank for rank in (0, 1) if rank < now and sum(each <= rank for each in last) >= policy.rounds
        ]
        assert not (worse and better)
        assert tracker.state is order[(worse or better or [now])[0]]
        assert (event is not None) == (tracker.state is not before)
        assert tracker.recent == tuple(order[rank] for rank in last)


@given(rounds=st.lists(classes), policy=policies)
def test_events_of_a_destination_form_a_chain(rounds: list[State], policy: StatePolicy) -> None:
    tracker, events = track(rounds, policy)
    states = [State.UNKNOWN, *(event.after for event in events)]
    assert [event.before for event in events] == states[:-1]
    assert all(event.before is not event.after for event in events)
    assert tracker.state is states[-1]


def test_the_status_shows_the_tracked_state_and_the_last_round() -> None:
    latest = latest_of(sample(GOOD, 1), None)
    latest = latest_of(sample(Replied(address="127.0.0.1", rtts_ms=(60.0, None)), 2), latest)
    status = status_of(
        "host", tracker=Tracker(state=State.UP), latest=latest, thresholds=LIMITS, host="127.0.0.1"
    )
    assert status == DestinationStatus(
        destination_id="host",
        state=State.UP,
        last_rtt_ms=60.0,
        loss_percent=50.0,
        last_seen_at=START + timedelta(seconds=20),
        problems="RTT 60 ms is at or above the warning 50 ms; loss 50 % is at or above the critical 50 %",
    )


def test_the_status_of_a_silent_destination_keeps_when_it_was_last_seen() -> None:
    latest = latest_of(sample(DEAD, 2), latest_of(sample(GOOD, 1), None))
    status = status_of(
        "host", tracker=Tracker(state=State.UP), latest=latest, thresholds=LIMITS, host="127.0.0.1"
    )
    assert (status.last_rtt_ms, status.loss_percent) == (None, 100)
    assert status.last_seen_at == START + timedelta(seconds=10)
    assert status.problems == "no reply in time"


def test_the_status_has_no_loss_where_nothing_was_sent_and_no_problem_where_all_is_well() -> None:
    nothing = latest_of(sample(NameNotResolved(reason="no such name")), None)
    status = status_of("host", tracker=Tracker(), latest=nothing, thresholds=LIMITS, host="127.0.0.1")
    assert (status.loss_percent, status.last_seen_at) == (None, None)
    well = status_of(
        "host", tracker=Tracker(), latest=latest_of(sample(GOOD), None), thresholds=LIMITS, host="127.0.0.1"
    )
    assert (well.loss_percent, well.problems) == (0, "")


def test_the_status_of_a_destination_that_was_never_measured_is_its_state_alone() -> None:
    status = status_of(
        "host", tracker=Tracker(state=State.DOWN), latest=None, thresholds=LIMITS, host="127.0.0.1"
    )
    assert status == DestinationStatus(destination_id="host", state=State.DOWN)


def test_an_older_round_does_not_replace_the_last_one() -> None:
    newer = latest_of(sample(DEAD, 5), None)
    assert latest_of(sample(GOOD, 4), newer) == newer
    assert latest_of(sample(GOOD, 5), newer) == LatestSample(
        destination_id="host",
        at=START + timedelta(seconds=50),
        outcome=GOOD,
        last_reply_at=START + timedelta(seconds=50),
    )


def job(**changes: object) -> Job:
    schedule = Schedule(
        interval=timedelta(minutes=1),
        start_at=START,
        end_at=START + timedelta(days=2),
        windows=parse_windows("daily 08:00-18:00"),
    )
    return Job.model_validate(
        {"id": "job", "name": "Job", "selectors": (Selector(kind="all"),), "schedule": schedule, **changes}
    )


@pytest.mark.parametrize(
    ("hours", "state"),
    [
        (-1, JobState.SCHEDULED),
        (0, JobState.OUTSIDE),
        (8, JobState.RUNNING),
        (18, JobState.OUTSIDE),
        (41.9, JobState.RUNNING),
        (42, JobState.FINISHED),  # its end is to come, but no tick is
        (48, JobState.FINISHED),
    ],
)
def test_a_job_that_is_run_is_in_the_state_of_its_schedule(hours: float, state: JobState) -> None:
    now = START + timedelta(hours=hours)
    assert job_status_state(job(), now, running=True) is state
    stopped = state if state is JobState.FINISHED else JobState.STOPPED
    assert job_status_state(job(), now, running=False) is stopped


@pytest.mark.parametrize("running", [True, False])
def test_a_job_whose_last_run_failed_is_failing_until_it_is_finished(running: bool) -> None:
    during, after = START + timedelta(hours=9), START + timedelta(days=3)
    assert job_status_state(job(), during, running=running, last_error="no privilege") is JobState.FAILING
    assert job_status_state(job(), after, running=running, last_error="no privilege") is JobState.FINISHED


def test_a_disabled_job_is_disabled_whatever_else_holds() -> None:
    disabled = job(enabled=False)
    for hours in (-1, 0, 9, 100):
        now = START + timedelta(hours=hours)
        assert job_status_state(disabled, now, running=True, last_error="x") is JobState.DISABLED
