"""What a test of a destination tells, in its row and to programs, whatever kind of probe it was."""

from datetime import UTC, datetime

import pytest

from netstats_xl.app import service
from netstats_xl.app.testing import render_test
from netstats_xl.commands import testing
from netstats_xl.control import row_answers
from netstats_xl.domain.results import (
    HttpAnswer,
    NameNotResolved,
    Outcome,
    Refused,
    Replied,
    SendFailed,
    ServiceFailed,
    TimeExceeded,
    Timeout,
    Unreachable,
)
from netstats_xl.domain.targets import Destination

AT = datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)
WEB = Replied(
    address="192.0.2.80",
    rtts_ms=(30.0, None),
    http=HttpAnswer(status=200, total_ms=35.2, certificate_days=61.9),
)


def result(outcome: Outcome, host: str = "https://www.example") -> service.TestResult:
    return service.TestResult(destination=Destination(id="d", name="Shop", host=host), at=AT, outcome=outcome)


@pytest.mark.parametrize(
    ("outcome", "row", "line"),
    [
        (
            Replied(address="192.0.2.1", rtts_ms=(1.0, 2.0)),
            "2 of 2 replies, mean 1.50 ms",
            "2 of 2 replies, mean 1.50 ms: 192.0.2.1",
        ),
        (
            Replied(address="192.0.2.1", rtts_ms=(1.0,), answer="connected"),
            "1 of 1 replies, mean 1.00 ms: connected",
            "1 of 1 replies, mean 1.00 ms: connected",
        ),
        (
            WEB,
            "1 of 2 replies, mean 30.00 ms: 200, total 35 ms, certificate 61 d",
            "1 of 2 replies, mean 30.00 ms: 200, total 35 ms, certificate 61 d",
        ),
        (Refused(address="192.0.2.1", sent=2), "connection refused", "connection refused"),
        (
            ServiceFailed(address="192.0.2.1", sent=2, reason="HTTP 503: Service Unavailable"),
            "HTTP 503: Service Unavailable",
            "HTTP 503: Service Unavailable",
        ),
        (
            ServiceFailed(address="192.0.2.1", sent=2, reason="NXDOMAIN: no such name"),
            "NXDOMAIN: no such name",
            "NXDOMAIN: no such name",
        ),
        (
            TimeExceeded(address="192.0.2.1", sent=2, reporter="192.0.2.254"),
            "passed too many routers (says 192.0.2.254)",
            "passed too many routers (says 192.0.2.254)",
        ),
        (Timeout(address="192.0.2.1", sent=2), "no reply in time", "no reply in time"),
        (
            Unreachable(address="192.0.2.1", sent=2, reporter="", reason="host unreachable"),
            "host unreachable",
            "host unreachable",
        ),
        (
            NameNotResolved(reason="no such name"),
            "name not resolved: no such name",
            "name not resolved: no such name",
        ),
        (SendFailed(address="192.0.2.1", reason="no route"), "not sent: no route", "not sent: no route"),
    ],
)
def test_each_outcome_is_told_in_words(outcome: Outcome, row: str, line: str) -> None:
    assert render_test(result(outcome), "Europe/Berlin") == f"Test at 09:00:05: {row}"
    told = testing._told(result(outcome))
    assert testing._line(told) == f"Shop (https://www.example): {line}"


def test_the_command_and_the_control_channel_tell_the_same() -> None:
    for outcome in (WEB, Refused(address="192.0.2.1", sent=2), NameNotResolved(reason="no such name")):
        told = testing._told(result(outcome))
        part = row_answers.TestPart.of(result(outcome)).model_dump(mode="json")
        assert {key: value for key, value in part.items() if key not in ("id", "at")} == {
            key: value for key, value in told.items() if key not in ("id", "at")
        }
    web = row_answers.TestPart.of(result(WEB))
    assert (web.answered, web.answer, web.reason) == (True, "200, total 35 ms, certificate 61 d", "")
    refused = row_answers.TestPart.of(result(Refused(address="192.0.2.1", sent=2)))
    assert (refused.answered, refused.address, refused.sent, refused.reason) == (
        False,
        "192.0.2.1",
        2,
        "connection refused",
    )


def test_a_collector_of_an_older_version_tells_no_answer() -> None:
    told = dict(testing._told(result(WEB)))
    del told["answer"]
    assert testing._line(told) == "Shop (https://www.example): 1 of 2 replies, mean 30.00 ms"
