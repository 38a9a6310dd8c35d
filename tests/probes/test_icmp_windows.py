"""The prober on Windows' echo service, with the service played, and for real where there is one."""

import asyncio
import socket
import sys
from collections.abc import Callable, Sequence
from threading import Event, current_thread

import pytest

from netstats_xl.domain.results import Outcome, Replied, SendFailed, Timeout, Unreachable
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, Family, SockAddr
from netstats_xl.probes.echo_api import EchoReply, OnReply, WindowsEchoApi
from netstats_xl.probes.icmp_windows import ApiEngine, WindowsEchoProber
from netstats_xl.probes.resolver import Resolver
from tests.contracts.prober import MakeProber, ProberContract, targets

SETTINGS = EchoSettings(packets=3, packet_interval_ms=10, timeout_ms=100)
Answer = tuple[int, float, str]
"""A status, the RTT in ms, and who reports it."""


class PlayedApi:
    """Windows' echo service, on a clock that goes on only while it is waited for."""

    def __init__(self, on_reply: OnReply, answer: Callable[[str, int], Answer | int]) -> None:
        """`answer` says what befalls the nth packet to an address: an answer, or why it is not sent."""
        self.on_reply = on_reply
        self.answer = answer
        self.now_s = 0.0
        self.arrivals: list[tuple[float, int, EchoReply]] = []
        self.counts: dict[str, int] = {}
        self.families: list[Family] = []
        self.missing: set[Family] = set()
        self.woken = Event()
        self.threads: set[str] = set()
        self.payloads: list[bytes] = []

    def open(self, family: Family) -> None:
        if family in self.missing:
            raise BackendUnavailable(f"Windows lets no {family} echo request be sent.")
        self.families.append(family)

    def send(self, key: int, address: Address, payload: bytes, timeout_ms: int) -> int:
        self.threads.add(current_thread().name)
        self.payloads.append(payload)
        number = self.counts[address.text] = self.counts.get(address.text, 0) + 1
        answer = self.answer(address.text, number)
        if isinstance(answer, int):
            return answer
        status, rtt_ms, reporter = answer
        at = self.now_s + rtt_ms / 1_000
        self.arrivals.append((at, key, EchoReply(status=status, reporter=reporter, at=at)))
        return 0

    def wait(self, seconds: float) -> None:
        if not self.arrivals and seconds > 1:
            self.woken.wait(5)  # a real wait, for an order: it is woken
            self.woken.clear()
            return
        self.now_s += seconds
        due = sorted(each for each in self.arrivals if each[0] <= self.now_s)
        self.arrivals = [each for each in self.arrivals if each[0] > self.now_s]
        for _, key, reply in due:
            self.on_reply(key, reply)

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self.families.clear()


class Stage:
    """A prober over the played service."""

    def __init__(self, answer: Callable[[str, int], Answer | int], *missing: Family) -> None:
        self.answer = answer
        self.missing = set(missing)
        self.api: PlayedApi

    def prober(self) -> WindowsEchoProber:
        def open_api(on_reply: OnReply) -> PlayedApi:
            self.api = PlayedApi(on_reply, self.answer)
            self.api.missing = self.missing
            return self.api

        return WindowsEchoProber(ApiEngine(open_api, now=lambda: self.api.now_s))

    def play(self, *hosts: str, settings: EchoSettings = SETTINGS) -> Sequence[Outcome]:
        async def main() -> Sequence[Outcome]:
            prober = self.prober()
            results = await asyncio.wait_for(prober.probe(targets(*hosts), settings), 30)
            await prober.close()
            return [result.outcome for result in results]

        return asyncio.run(main())


def test_each_reply_is_timed_by_this_program() -> None:
    stage = Stage(lambda address, number: (0, 5.0 + number, address))
    (outcome,) = stage.play("127.0.0.1")
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx((6.0, 7.0, 8.0))
    assert stage.api.threads == {"netstats-echo"}
    assert {len(payload) for payload in stage.api.payloads} == {SETTINGS.payload_bytes}
    assert len(set(stage.api.payloads)) == 3


def test_a_packet_without_a_reply_is_lost_and_one_that_is_late_too() -> None:
    def answer(address: str, number: int) -> Answer:
        return (11_010, 100.0, "0.0.0.0") if number == 1 else (0, 150.0 if number == 2 else 2.0, address)

    (outcome,) = Stage(answer).play("127.0.0.1")
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms[:2] == (None, None)
    assert outcome.rtts_ms[2] == pytest.approx(2.0)


def test_silence_is_a_timeout_and_a_routers_word_is_told() -> None:
    def answer(address: str, number: int) -> Answer:
        return (11_010, 100.0, "0.0.0.0") if address == "127.0.0.9" else (11_003, 1.0, "127.0.0.254")

    silent, unreachable = Stage(answer).play("127.0.0.9", "127.0.0.8")
    assert silent == Timeout(address="127.0.0.9", sent=3)
    assert unreachable == Unreachable(
        address="127.0.0.8", sent=3, reporter="127.0.0.254", reason="host unreachable"
    )


@pytest.mark.parametrize(("code", "reason"), [(1_231, "no route to its network"), (4_242, "error 4242")])
def test_what_windows_does_not_send_is_no_loss(code: int, reason: str) -> None:
    failed, fine = Stage(lambda address, _: code if address == "127.0.0.7" else (0, 1.0, address)).play(
        "127.0.0.7", "127.0.0.1"
    )
    assert isinstance(failed, SendFailed)
    assert reason in failed.reason
    assert isinstance(fine, Replied)


def test_without_ipv6_its_destinations_say_so_and_the_others_go_on() -> None:
    six, four = Stage(lambda address, _: (0, 1.0, address), Family.IPV6).play("::1", "127.0.0.1")
    assert isinstance(six, SendFailed)
    assert "IPv6" in six.reason
    assert isinstance(four, Replied)


def test_a_computer_without_either_family_cannot_probe() -> None:
    stage = Stage(lambda address, _: (0, 1.0, address), *Family)
    with pytest.raises(BackendUnavailable, match="IPv4"):
        stage.prober()


def test_what_nobody_foresaw_at_the_start_is_told() -> None:
    def broken(_: OnReply) -> PlayedApi:
        raise OSError("no such function")

    with pytest.raises(BackendUnavailable, match="no such function"):
        ApiEngine(broken)


def test_another_system_has_no_such_service() -> None:
    if sys.platform == "win32":
        pytest.skip("this is Windows: it has the service")
    with pytest.raises(BackendUnavailable, match="another system"):
        WindowsEchoApi(lambda key, reply: None)


def test_closing_ends_a_round_under_way_with_an_error_and_frees_the_service() -> None:
    stage = Stage(lambda address, _: (0, 1.0, address))
    slow = EchoSettings(packets=2, packet_interval_ms=60_000, timeout_ms=100)

    async def main() -> None:
        prober = stage.prober()
        stage.api.wait = lambda seconds: stage.api.woken.wait(0.01) and None  # type: ignore[assignment]  # time stands still
        round_ = asyncio.ensure_future(prober.probe(targets("127.0.0.1"), slow))
        await asyncio.sleep(0)
        await prober.close()
        with pytest.raises(BackendUnavailable):
            await round_
        with pytest.raises(BackendUnavailable):
            await prober.probe(targets("127.0.0.1"), slow)

    asyncio.run(main())
    assert stage.api.families == []


def test_a_round_that_is_given_up_sends_no_more() -> None:
    stage = Stage(lambda address, _: (0, 1.0, address))

    async def main() -> int:
        prober = stage.prober()
        first = asyncio.ensure_future(prober.probe(targets("127.0.0.5"), SETTINGS))
        await asyncio.sleep(0)
        first.cancel()
        await prober.probe(targets("127.0.0.1"), SETTINGS)
        await prober.close()
        return stage.api.counts["127.0.0.1"]

    assert asyncio.run(main()) == SETTINGS.packets


@pytest.mark.skipif(sys.platform != "win32", reason="Windows' echo service is on Windows alone")
class TestWindowsEchoService(ProberContract):
    """The contract over the real service; names are looked up here, so that nothing leaves this computer."""

    @pytest.fixture
    def make_prober(self) -> MakeProber:
        def look_up(host: str) -> Sequence[SockAddr]:
            if host == "localhost":
                return [("127.0.0.1", 0)]
            raise socket.gaierror(socket.EAI_NONAME, "no such name")

        return lambda: WindowsEchoProber(ApiEngine(), resolver=Resolver(lookup=look_up))
