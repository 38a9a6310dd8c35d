"""The prober over Windows' echo service: its thread and its ends, with the service played."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from threading import Event

import pytest

from netstats_xl.domain.results import Outcome, Replied, SendFailed
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Family, SockAddr, parse_literal
from netstats_xl.probes.bursts import TrainEngine
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.icmp_windows import EchoServiceCore, EchoServiceEngine, open_windows_engine
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.resolver import Resolver
from netstats_xl.probes.reverse import ReverseNames
from netstats_xl.probes.trains import Train, TrainPlan
from tests.contracts.prober import MakeProber, ProberContract, on_selector_loop, targets
from tests.probes.fake_echo_api import (
    Answer,
    Answered,
    PlayedApi,
    SentRequest,
    answers_after,
    answers_nothing,
)

SETTINGS = EchoSettings(packets=3, packet_interval_ms=10, timeout_ms=100)
NEVER_OVER = EchoSettings(packets=2, packet_interval_ms=60_000, timeout_ms=100)
WITHIN_S = 10


def look_up(host: str) -> Sequence[SockAddr]:
    if host == "localhost":
        return [("127.0.0.1", 0)]
    raise OSError("no such name")


class Played:
    """A prober over the played service."""

    def __init__(self, answer: Answer, *missing: Family) -> None:
        self.api = PlayedApi(answer, missing=missing)

    def engine(self, packets_per_second: float | None) -> TrainEngine:
        core = EchoServiceCore(self.api, pacer=Pacer(packets_per_second), now=self.api.now)
        return EchoServiceEngine(core, self.api)

    def prober(self, packets_per_second: float | None = None) -> IcmpProber:
        return IcmpProber(
            resolver=Resolver(lookup=look_up),
            names=ReverseNames(lookup=lambda address: ""),
            open_engine=self.engine,
            packets_per_second=packets_per_second,
        )

    def play(self, *hosts: str) -> Sequence[Outcome]:
        async def main() -> Sequence[Outcome]:
            prober = self.prober()
            try:
                results = await asyncio.wait_for(prober.probe(targets(*hosts), SETTINGS), WITHIN_S)
            finally:
                await prober.close()
            return [result.outcome for result in results]

        return on_selector_loop(main())


class TestPlayedEchoService(ProberContract):
    @pytest.fixture
    def make_prober(self) -> MakeProber:
        return Played(answers_after(1.0)).prober


def test_one_thread_does_all_that_windows_asks_of_one() -> None:
    played = Played(answers_after(1.0))
    (outcome,) = played.play("127.0.0.1")
    assert isinstance(outcome, Replied)
    assert played.api.threads == {"netstats-echo"}


def test_without_ipv6_its_destinations_say_so_and_the_others_go_on() -> None:
    six, four = Played(answers_after(1.0), Family.IPV6).play("::1", "127.0.0.1")
    assert isinstance(six, SendFailed)
    assert "IPv6" in six.reason
    assert isinstance(four, Replied)


def test_a_computer_without_either_family_cannot_probe() -> None:
    played = Played(answers_after(1.0), *Family)
    with pytest.raises(BackendUnavailable, match="IPv4"):
        IcmpProber.open(open_engine=played.engine)
    assert played.api.closed


def test_a_family_that_comes_back_is_used() -> None:
    played = Played(answers_after(1.0), Family.IPV6)
    engine = played.engine(None)
    assert isinstance(engine.ready(Family.IPV6), BackendUnavailable)
    played.api.missing.clear()
    assert engine.ready(Family.IPV6) is None
    assert engine.ready(Family.IPV6) is None
    assert played.api.opened == [Family.IPV6]
    engine.close()


def test_it_says_which_engine_it_is_and_how_exactly_it_times() -> None:
    engine = Played(answers_after(1.0)).engine(None)
    assert engine.describe() == ""
    engine.ready(Family.IPV4)
    assert engine.describe().startswith(
        "IPv4: Windows' echo service, timed by the performance counter: about"
    )
    engine.ready(Family.IPV6)
    assert engine.describe().startswith("IPv4 and IPv6: ")
    engine.close()


def test_another_system_has_no_such_service() -> None:
    if sys.platform == "win32":
        pytest.skip("this is Windows: it has the service")
    with pytest.raises(BackendUnavailable, match="another system"):
        IcmpProber.open(open_engine=open_windows_engine)


def test_closing_ends_a_round_under_way_with_an_error_and_gives_up_what_is_on_its_way() -> None:
    played = Played(answers_nothing)
    sent = Event()

    def stand_still(seconds: float) -> None:
        if seconds:
            sent.set()
            played.api.woken.wait(WITHIN_S)

    played.api.wait = stand_still  # type: ignore[method-assign]  # time goes on only when it is woken

    async def main() -> None:
        prober = played.prober()
        round_ = asyncio.ensure_future(prober.probe(targets("127.0.0.1"), NEVER_OVER))
        await asyncio.to_thread(sent.wait, WITHIN_S)
        while not played.api.sent:
            await asyncio.sleep(0)
        await prober.close()
        with pytest.raises(BackendUnavailable, match="closed"):
            await round_
        with pytest.raises(BackendUnavailable, match="closed"):
            await prober.probe(targets("127.0.0.1"), NEVER_OVER)

    on_selector_loop(asyncio.wait_for(main(), WITHIN_S))
    assert played.api.closed
    assert len(played.api.sent) == 1


def test_whatever_ends_the_thread_no_train_is_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    died_of: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: died_of.append(args.exc_type))

    def broken(request: SentRequest) -> Answered:
        raise RuntimeError("nobody foresaw it")

    played = Played(broken)
    engine = played.engine(None)
    over = Event()
    here = parse_literal("127.0.0.1")
    assert here is not None
    train = Train([here], TrainPlan(packets=1, interval_s=1.0, timeout_s=1.0), on_end=over.set)
    engine.begin(train)
    assert over.wait(WITHIN_S)
    engine.close()
    assert died_of == [RuntimeError]
    assert not train.complete
    assert played.api.closed
    with pytest.raises(BackendUnavailable):
        engine.begin(train)


def test_a_round_that_is_given_up_sends_no_more() -> None:
    sent, given_up = Event(), Event()

    def answer(request: SentRequest) -> Answered:
        if request.to == "127.0.0.5":
            sent.set()
            assert given_up.wait(WITHIN_S)
        return Answered(1.0)

    played = Played(answer)

    async def main() -> None:
        prober = played.prober()
        first = asyncio.ensure_future(prober.probe(targets("127.0.0.5"), NEVER_OVER))
        await asyncio.to_thread(sent.wait, WITHIN_S)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        given_up.set()
        results = await prober.probe(targets("127.0.0.1"), SETTINGS)
        await prober.close()
        assert isinstance(results[0].outcome, Replied)

    on_selector_loop(asyncio.wait_for(main(), WITHIN_S))
    assert [request.to for request in played.api.sent] == ["127.0.0.5"] + ["127.0.0.1"] * SETTINGS.packets


def test_the_limit_holds_from_the_first_packet_and_can_be_changed() -> None:
    played = Played(answers_after(1.0))
    hosts = [f"127.0.0.{number}" for number in range(1, 201)]
    one = EchoSettings(packets=1, timeout_ms=100)

    async def main() -> list[float]:
        prober = played.prober(packets_per_second=100)
        lasted = []
        for limit in (None, 1_000):
            if limit:
                await prober.limit(limit)
            sent_before = len(played.api.sent)
            await prober.probe(targets(*hosts), one)
            sent = played.api.sent[sent_before:]
            lasted.append(sent[-1].at - sent[0].at)
        await prober.close()
        return lasted

    slow_s, fast_s = on_selector_loop(asyncio.wait_for(main(), WITHIN_S))
    assert slow_s == pytest.approx(2.0, abs=0.15)
    assert fast_s == pytest.approx(0.2, abs=0.03)


def test_a_route_is_traced() -> None:
    def answer(request: SentRequest) -> Answered:
        ttl = request.options.ttl or 0
        return Answered(float(ttl), 11_013, f"127.9.9.{ttl}") if ttl < 3 else Answered(3.0)

    async def main() -> object:
        prober = Played(answer).prober()
        try:
            return await prober.trace("127.0.0.1", TraceSettings(resolve_names=False))
        finally:
            await prober.close()

    found = on_selector_loop(asyncio.wait_for(main(), WITHIN_S))
    assert isinstance(found, Trace)
    assert found.reached
    assert [hop.addresses for hop in found.hops] == [("127.9.9.1",), ("127.9.9.2",), ("127.0.0.1",)]
    assert [hop.loss_percent for hop in found.hops] == [0, 0, 0]
