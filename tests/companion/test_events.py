"""Telling many listeners what happens."""

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from netstats_xl.app.backlog import RoundRecord
from netstats_xl.app.service import Event, EventKind
from netstats_xl.companion.events import EventHub
from netstats_xl.domain.results import (
    JobRun,
    Outcome,
    Refused,
    Replied,
    RunCompleted,
    Sample,
    ServiceFailed,
    State,
    StateChanged,
    Timeout,
)

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def numbered(number: int) -> Event:
    return Event(kind=EventKind.RESULT, data={"sent": number})


def sample(outcome: Outcome) -> Sample:
    return Sample(at=AT, job_id="j", destination_id="d", run_id="r", interval_s=10, outcome=outcome)


RECORD = RoundRecord(
    run=JobRun(
        run_id="r", job_id="j", tick_at=AT, started_at=AT, finished_at=AT, outcome=RunCompleted(up=1, down=1)
    ),
    samples=[
        sample(Replied(address="127.0.0.1", rtts_ms=(1.0, 2.0, None))),
        sample(Timeout(address="127.0.0.2", sent=4)),
    ],
    events=[StateChanged(at=AT, destination_id="d", before=State.UP, after=State.DOWN, reason="no reply")],
)


def test_every_listener_hears_what_is_told_from_then_on() -> None:
    hub = EventHub()
    hub.tell(numbered(0))
    with hub.listen() as first, hub.listen() as second:
        hub.tell(numbered(1), numbered(2))
        assert [next(first), next(first), next(second)] == [numbered(1), numbered(2), numbered(1)]


def test_a_slow_listener_loses_the_oldest_and_holds_nobody_up() -> None:
    hub = EventHub(waiting=3)
    with hub.listen() as slow:
        for number in range(10):
            hub.tell(numbered(number))
        assert [next(slow) for _ in range(3)] == [numbered(7), numbered(8), numbered(9)]


def test_silence_is_told_so_that_a_listener_who_left_is_noticed() -> None:
    with EventHub(silent_s=0.001).listen() as events:
        assert [next(events), next(events)] == [None, None]


def test_a_listener_who_waits_is_woken() -> None:
    hub, heard = EventHub(silent_s=60), list[Event | None]()
    with ExitStack() as stack:
        events = stack.enter_context(hub.listen())
        thread = threading.Thread(target=lambda: heard.append(next(events)))
        thread.start()
        hub.tell(numbered(1))
        thread.join(60)
    assert heard == [numbered(1)]


def test_at_the_end_listeners_hear_what_was_told_and_no_more() -> None:
    hub = EventHub(silent_s=60)
    with hub.listen() as events:
        hub.tell(Event(kind=EventKind.STOPPING))
        hub.close()
        assert list(events) == [Event(kind=EventKind.STOPPING)]
    with hub.listen() as too_late:
        assert list(too_late) == []


def test_a_round_is_told_by_its_results_and_changes_of_state() -> None:
    hub = EventHub()
    hub.tell_record(RECORD)
    with hub.listen() as events:
        hub.tell_record(RECORD)
        hub.close()
        heard = [event for event in events if event is not None]
    at = AT.isoformat()
    common = {"destination": "d", "at": at}
    assert [(event.kind, event.data) for event in heard] == [
        ("result", {**common, "job": "j", "sent": 3, "received": 2, "rtt_ms": 1.5, "reason": ""}),
        (
            "result",
            {**common, "job": "j", "sent": 4, "received": 0, "rtt_ms": None, "reason": "no reply in time"},
        ),
        ("state", {**common, "before": "Up", "after": "Down", "reason": "no reply"}),
    ]


def test_services_that_fail_are_told_in_their_own_terms() -> None:
    hub = EventHub()
    failed = (
        Refused(address="127.0.0.1", sent=2),
        ServiceFailed(address="127.0.0.1", sent=2, reason="HTTP 503: Service Unavailable"),
    )
    with hub.listen() as events:
        hub.tell_record(replace(RECORD, samples=[sample(each) for each in failed], events=[]))
        hub.close()
        heard = [event.data for event in events if event is not None]
    assert [each["reason"] for each in heard] == ["connection refused", "HTTP 503: Service Unavailable"]
    assert [(each["sent"], each["received"], each["rtt_ms"]) for each in heard] == [(2, 0, None)] * 2
