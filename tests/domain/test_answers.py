"""What replies tell besides their time."""

import pytest

from netstats_xl.domain.answers import answer_of, certificate_problem, strays_problem
from netstats_xl.domain.results import HttpAnswer, Outcome, Refused, Replied, Strays, Timeout


def web(days: float | None, status: int = 200) -> Replied:
    http = HttpAnswer(status=status, total_ms=1_234.6, certificate_days=days)
    return Replied(address="192.0.2.1", rtts_ms=(30.0,), http=http)


@pytest.mark.parametrize(
    ("outcome", "host", "answer"),
    [
        (Replied(address="192.0.2.1", rtts_ms=(1.0,)), "www.example", "192.0.2.1"),
        (Replied(address="192.0.2.1", rtts_ms=(1.0,)), "192.0.2.1", ""),
        (
            Replied(address="192.0.2.1", rtts_ms=(1.0,), answer="connected"),
            "tcp://192.0.2.1:80",
            "connected",
        ),
        (
            Replied(address="192.0.2.53", rtts_ms=(1.0,), answer="192.0.2.1, 192.0.2.2"),
            "dns://192.0.2.53?name=a.example",
            "192.0.2.1, 192.0.2.2",
        ),
        (web(61.9), "https://www.example", "200, total 1,235 ms, certificate 61 d"),
        (web(None, 302), "http://www.example", "302, total 1,235 ms"),
        (Timeout(address="192.0.2.1", sent=4), "www.example", ""),
        (Refused(address="192.0.2.1", sent=4), "tcp://www.example:80", ""),
    ],
)
def test_what_the_last_reply_said(outcome: Outcome, host: str, answer: str) -> None:
    assert answer_of(outcome, host) == answer


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        (14.0, ""),
        (13.99, "the certificate expires in 13 days"),
        (6.5, "the certificate expires in 6 days"),
        (1.2, "the certificate expires in 1 day"),
        (0.5, "the certificate expires today"),
        (None, ""),
    ],
)
def test_a_certificate_that_expires_soon_is_a_problem(days: float | None, problem: str) -> None:
    assert certificate_problem(web(days)) == problem


def test_without_a_web_answer_there_is_no_certificate() -> None:
    assert certificate_problem(Timeout(address="192.0.2.1", sent=1)) == ""
    assert certificate_problem(Replied(address="192.0.2.1", rtts_ms=(1.0,))) == ""


@pytest.mark.parametrize(
    ("strays", "problem"),
    [
        (Strays(), ""),
        (Strays(duplicates=2), "2 duplicate replies"),
        (Strays(duplicates=1, late=3, corrupted=1), "1 duplicate reply; 3 late replies; 1 corrupted reply"),
        (Strays(elsewhere="10.0.0.9"), "answers come from 10.0.0.9"),
        (Strays(late=1_000, elsewhere="::1"), "1,000 late replies; answers come from ::1"),
    ],
)
def test_replies_that_count_for_nothing_are_told(strays: Strays, problem: str) -> None:
    assert strays_problem(strays) == problem
