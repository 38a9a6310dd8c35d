"""Windows' echo service for real, over loopback. Names are looked up here, so that nothing leaves this computer."""

import asyncio
import sys
import threading
import time
from collections.abc import Sequence

import pytest

from netstats_xl.domain.results import Outcome, Replied
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Family, SockAddr
from netstats_xl.probes.echo_api import WindowsEchoApi
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.icmp_windows import open_windows_engine
from netstats_xl.probes.resolver import Resolver
from tests.contracts.prober import MakeProber, ProberContract, on_selector_loop, targets
from tests.wine import needs_icmpv6_echo

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="Windows' echo service is on Windows alone")
QUICK = EchoSettings(packets=3, packet_interval_ms=10, timeout_ms=2_000)
ONCE = EchoSettings(packets=1, timeout_ms=2_000)
THOUSAND = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(1_000)]
WITHIN_S = 30


def look_up(host: str) -> Sequence[SockAddr]:
    if host == "localhost":
        return [("127.0.0.1", 0)]
    raise OSError("no such name")


def new_prober(packets_per_second: float | None = None) -> IcmpProber:
    return IcmpProber(
        resolver=Resolver(lookup=look_up),
        open_engine=open_windows_engine,
        packets_per_second=packets_per_second,
    )


def probe(*hosts: str, settings: EchoSettings = QUICK) -> list[Outcome]:
    async def main() -> list[Outcome]:
        prober = new_prober()
        try:
            return [result.outcome for result in await prober.probe(targets(*hosts), settings)]
        finally:
            await prober.close()

    return on_selector_loop(asyncio.wait_for(main(), WITHIN_S))


def assert_all_answered(outcome: Outcome, packets: int) -> None:
    assert isinstance(outcome, Replied)
    assert len(outcome.rtts_ms) == packets
    assert all(rtt is not None and 0 < rtt < 2_000 for rtt in outcome.rtts_ms)


class TestWindowsEchoService(ProberContract):
    @pytest.fixture
    def make_prober(self) -> MakeProber:
        return new_prober


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.77", "127.9.8.7", pytest.param("::1", marks=needs_icmpv6_echo)]
)
def test_a_loopback_address_answers_every_packet(host: str) -> None:
    (outcome,) = probe(host)
    assert_all_answered(outcome, 3)


@pytest.mark.parametrize("payload_bytes", [16, 17, 56, 1_472, 8_972])
def test_a_payload_of_any_size_comes_back_as_it_was(payload_bytes: int) -> None:
    (outcome,) = probe("127.0.0.1", settings=QUICK.model_copy(update={"payload_bytes": payload_bytes}))
    assert_all_answered(outcome, 3)


@pytest.mark.parametrize("options", [{"ttl": 1}, {"ttl": 255}, {"dscp": 46}, {"dont_fragment": True}])
def test_options_are_taken(options: dict[str, object]) -> None:
    (outcome,) = probe("127.0.0.1", settings=QUICK.model_copy(update=options))
    assert_all_answered(outcome, 3)


def test_a_thousand_destinations_lose_no_packet_and_their_rtts_are_no_whole_milliseconds() -> None:
    outcomes = probe(*THOUSAND, settings=ONCE)
    rtts = [outcome.rtts_ms[0] for outcome in outcomes if isinstance(outcome, Replied)]
    assert len(rtts) == 1_000
    assert len(set(rtts)) > 100  # of whole microseconds within some milliseconds, not a handful


def test_several_rounds_go_on_at_once_with_their_own_settings() -> None:
    async def main() -> None:
        prober = new_prober()
        parts = [THOUSAND[start : start + 50] for start in range(0, 200, 50)]
        rounds = await asyncio.gather(
            *(
                prober.probe(targets(*part), QUICK.model_copy(update={"packets": 2 + number}))
                for number, part in enumerate(parts)
            )
        )
        await prober.close()
        for number, results in enumerate(rounds):
            for result in results:
                assert_all_answered(result.outcome, 2 + number)

    on_selector_loop(asyncio.wait_for(main(), WITHIN_S))


def test_no_more_packets_a_second_go_than_are_allowed() -> None:
    async def main() -> float:
        prober = new_prober(packets_per_second=200)
        begin = time.perf_counter()
        await prober.probe(targets(*THOUSAND[:200]), ONCE)
        lasted = time.perf_counter() - begin
        await prober.close()
        return lasted

    assert on_selector_loop(asyncio.wait_for(main(), WITHIN_S)) > 0.85


def test_a_route_to_this_computer_has_one_hop() -> None:
    async def main() -> object:
        prober = new_prober()
        try:
            return await prober.trace("127.0.0.1", TraceSettings(resolve_names=False))
        finally:
            await prober.close()

    found = on_selector_loop(asyncio.wait_for(main(), WITHIN_S))
    assert isinstance(found, Trace)
    assert found.reached
    assert [hop.addresses for hop in found.hops] == [("127.0.0.1",)]


def test_closing_in_mid_round_ends_it_with_an_error_and_another_prober_goes_on() -> None:
    slow = EchoSettings(packets=2, packet_interval_ms=60_000, timeout_ms=2_000)
    others = set(threading.enumerate())

    async def main() -> None:
        closed, going_on = new_prober(), new_prober()
        round_ = asyncio.ensure_future(closed.probe(targets(*THOUSAND), slow))
        await going_on.probe(targets(*THOUSAND[:10]), QUICK)
        await closed.close()
        with pytest.raises(BackendUnavailable, match="closed"):
            await round_
        results = await going_on.probe(targets(*THOUSAND[:10]), QUICK)
        await going_on.close()
        for result in results:
            assert_all_answered(result.outcome, 3)

    on_selector_loop(asyncio.wait_for(main(), WITHIN_S))
    for thread in set(threading.enumerate()) - others:
        if thread.name == "netstats-echo":
            thread.join(WITHIN_S)  # Windows may take its time to give up what is on its way
            assert not thread.is_alive()


def test_a_wake_ends_the_next_wait_and_a_look_at_the_replies_takes_it_not_away() -> None:
    api = WindowsEchoApi()
    api.wake()
    api.wait(0)
    begin = time.perf_counter()
    api.wait(WITHIN_S)
    assert time.perf_counter() - begin < WITHIN_S / 2
    api.close()


@needs_icmpv6_echo
def test_both_families_are_told() -> None:
    engine = open_windows_engine(None)
    assert [engine.ready(family) for family in Family] == [None, None]
    assert engine.describe().startswith("IPv4 and IPv6: Windows' echo service")
    engine.close()
