"""Attempts: their plan, their own time, what they come to, and how many packets leave in a second."""

import asyncio
from collections.abc import Sequence

import pytest

from netstats_xl.domain.results import (
    HttpAnswer,
    Outcome,
    Refused,
    Replied,
    SendFailed,
    ServiceFailed,
    Timeout,
    Unreachable,
)
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.probes import attempts
from netstats_xl.probes.attempts import Finding, Room, fold, make_attempts
from netstats_xl.probes.sleeping import SLEPT
from netstats_xl.probes.turns import Turns
from tests.contracts.prober import on_selector_loop

HERE = "192.0.2.1"
LOST = Timeout(address=HERE, sent=1)
REFUSED = Refused(address=HERE, sent=1)
FAILED = ServiceFailed(address=HERE, sent=1, reason="HTTP 503: Service Unavailable")
FAR = Unreachable(address=HERE, sent=1, reporter="", reason="host unreachable")
NOT_SENT = SendFailed(address=HERE, reason="no route to its network")


def answered(rtt_ms: float, answer: str = "", http: HttpAnswer | None = None) -> Replied:
    return Replied(address=HERE, rtts_ms=(rtt_ms,), answer=answer, http=http)


def room(*, places: int = 10, packets_per_second: float = 10_000) -> Room:
    return Room(turns=Turns(packets_per_second), places=asyncio.Semaphore(places), packets=1)


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ([LOST, LOST], Timeout(address=HERE, sent=2)),
        ([REFUSED, LOST], Refused(address=HERE, sent=2)),
        ([REFUSED, FAILED], ServiceFailed(address=HERE, sent=2, reason=FAILED.reason)),
        ([FAR, NOT_SENT], FAR),
        ([NOT_SENT, NOT_SENT], NOT_SENT),
        ([NOT_SENT, LOST], LOST),
        (
            [answered(1.5, "old"), FAILED, NOT_SENT, answered(2.5, "new"), LOST],
            Replied(address=HERE, rtts_ms=(1.5, None, 2.5, None), answer="new"),
        ),
    ],
)
def test_what_attempts_come_to(findings: Sequence[Finding], outcome: Outcome) -> None:
    assert fold(findings, HERE) == outcome


def test_what_the_last_web_answer_told_is_kept() -> None:
    http = HttpAnswer(status=204, total_ms=3.0, certificate_days=5.0)
    found = fold([answered(1.0, http=HttpAnswer(status=200, total_ms=2.0)), answered(2.0, http=http)], HERE)
    assert isinstance(found, Replied)
    assert found.http == http


def test_attempts_begin_one_interval_apart_and_overlap() -> None:
    began: list[float] = []
    asked = 0.0

    async def main() -> Outcome:
        nonlocal asked
        loop = asyncio.get_running_loop()
        asked = loop.time()

        async def attempt() -> Finding:
            began.append(loop.time())
            await asyncio.Event().wait()
            raise AssertionError("it never ends by itself")

        settings = EchoSettings(packets=3, packet_interval_ms=20, timeout_ms=50)
        return await make_attempts(attempt, address=HERE, settings=settings, room=room())

    assert on_selector_loop(main()) == Timeout(address=HERE, sent=3)
    # Counted from the call, not from the first attempt: on a busy machine that may begin late, and the second in time.
    assert [round(each - asked, 3) >= 0.02 * number for number, each in enumerate(began)] == [True] * 3


def test_no_more_go_on_at_once_than_there_are_places() -> None:
    under_way = most = 0

    async def attempt() -> Finding:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return answered(1.0)

    async def main() -> list[Outcome]:
        settings = EchoSettings(packets=4, packet_interval_ms=10, timeout_ms=1_000)
        shared = room(places=2)
        rounds = (make_attempts(attempt, address=HERE, settings=settings, room=shared) for _ in range(3))
        return list(await asyncio.gather(*rounds))

    found = on_selector_loop(main())
    assert most == 2
    # Waiting for a place costs an attempt none of its own time.
    assert found == [Replied(address=HERE, rtts_ms=(1.0,) * 4)] * 3


def test_an_attempt_that_goes_wrong_itself_is_told_and_costs_the_others_nothing() -> None:
    results = [answered(1.0), None, answered(3.0)]

    async def attempt() -> Finding:
        found = results.pop(0)
        if found is None:
            raise ValueError("a mistake")
        return found

    async def main() -> Outcome:
        settings = EchoSettings(packets=3, packet_interval_ms=10)
        return await make_attempts(attempt, address=HERE, settings=settings, room=room())

    assert on_selector_loop(main()) == Replied(address=HERE, rtts_ms=(1.0, 3.0))
    results += [None, None, None]
    found = on_selector_loop(main())
    assert isinstance(found, SendFailed)
    assert "please report it: ValueError('a mistake')" in found.reason


def test_a_time_out_while_the_computer_slept_says_nothing_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept = iter((0.0, 0.0, 0.0, 600.0))
    monkeypatch.setattr(attempts, "suspended_s", lambda: next(slept))

    async def never() -> Finding:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    settings = EchoSettings(packets=1, packet_interval_ms=10, timeout_ms=10)

    async def main() -> list[Outcome]:
        return [
            await make_attempts(never, address="192.0.2.1", settings=settings, room=room()) for _ in range(2)
        ]

    awake, asleep = on_selector_loop(main())
    assert awake == Timeout(address="192.0.2.1", sent=1)
    assert asleep == SendFailed(address="192.0.2.1", reason=SLEPT)


class Watch:
    """A clock that goes on with each sleep, by as much more as it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.late_s = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds + self.late_s


def test_turns_are_as_far_apart_as_their_packets_ask_for() -> None:
    watch = Watch()

    async def main() -> None:
        turns = Turns(100, now=lambda: watch.now, sleep=watch.sleep)
        for packets in (4, 3, 2, 2):
            await turns.turn(packets)
        assert watch.slept == [0.02, 0.03, 0.02]  # so soon after its start the first one costs less
        turns.packets_per_second = 10
        await turns.turn(1)
        await turns.turn(1)
        assert watch.slept[-2:] == [0.02, 0.1]

    on_selector_loop(main())


def test_late_timers_cost_no_packets_and_a_standstill_makes_no_burst() -> None:
    watch = Watch()

    async def main() -> None:
        turns = Turns(100, now=lambda: watch.now, sleep=watch.sleep)
        await turns.turn(1)
        began_at, watch.late_s = watch.now, 0.015
        for _ in range(100):
            await turns.turn(1)
        assert watch.now - began_at == pytest.approx(1, abs=0.05)
        watch.now += 60
        watch.late_s, watch.slept = 0.0, []
        for _ in range(10):
            await turns.turn(1)
        assert sum(watch.slept) == pytest.approx(0.07, abs=0.011)

    on_selector_loop(main())
