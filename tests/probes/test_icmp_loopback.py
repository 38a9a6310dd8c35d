"""The prober on this machine's own loopback, where it may send at all."""

import pytest

from netstats_xl.domain.results import Outcome, Replied
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.probes.icmp import IcmpProber
from tests.contracts.prober import on_selector_loop, targets
from tests.probes.test_prober_contract import skip_unless_it_may_send
from tests.wine import needs_icmpv6

LOOPBACK_6 = pytest.param("::1", marks=needs_icmpv6)
QUICK = EchoSettings(packets=3, packet_interval_ms=10, timeout_ms=1_000)


@pytest.fixture(autouse=True)
def _may_send() -> None:
    skip_unless_it_may_send()


def probe(*hosts: str, settings: EchoSettings = QUICK) -> list[Outcome]:
    async def main() -> list[Outcome]:
        prober = IcmpProber()
        try:
            return [result.outcome for result in await prober.probe(targets(*hosts), settings)]
        finally:
            await prober.close()

    return on_selector_loop(main())


def assert_all_answered(outcome: Outcome, *, packets: int) -> None:
    assert isinstance(outcome, Replied)
    assert len(outcome.rtts_ms) == packets
    assert all(rtt is not None and 0 < rtt < 1_000 for rtt in outcome.rtts_ms)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.77", "127.9.8.7", LOOPBACK_6])
def test_a_loopback_address_answers_every_packet(host: str) -> None:
    (outcome,) = probe(host)
    assert_all_answered(outcome, packets=3)


@pytest.mark.parametrize("payload_bytes", [16, 17, 56, 1_471, 1_472])
@pytest.mark.parametrize("host", ["127.0.0.1", LOOPBACK_6])
def test_a_payload_of_any_size_comes_back(host: str, payload_bytes: int) -> None:
    settings = EchoSettings(packets=2, packet_interval_ms=10, payload_bytes=payload_bytes)
    (outcome,) = probe(host, settings=settings)
    assert_all_answered(outcome, packets=2)


def test_five_hundred_destinations_lose_no_packet() -> None:
    hosts = [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(500)]
    for outcome in probe(*hosts):
        assert_all_answered(outcome, packets=3)


@pytest.mark.parametrize("host", ["127.0.0.1", LOOPBACK_6])
def test_a_ttl_of_one_a_dscp_and_whole_packets_reach_this_computer(host: str) -> None:
    settings = EchoSettings(
        packets=2, packet_interval_ms=10, payload_bytes=8_972, ttl=1, dscp=46, dont_fragment=True
    )
    (outcome,) = probe(host, settings=settings)
    assert_all_answered(outcome, packets=2)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.77", LOOPBACK_6])
def test_the_route_to_a_loopback_address_is_one_hop(host: str) -> None:
    async def main() -> object:
        prober = IcmpProber()
        try:
            settings = TraceSettings(rounds=3, interval_ms=100, resolve_names=False)
            return await prober.trace(host, settings)
        finally:
            await prober.close()

    found = on_selector_loop(main())
    assert isinstance(found, Trace)
    assert found.reached
    assert [(hop.ttl, hop.sent, len(hop.replies)) for hop in found.hops] == [(1, 3, 3)]
