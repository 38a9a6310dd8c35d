"""Every prober keeps the contract; the one of every kind also where all its targets are TCP ports."""

import asyncio
import socket
from collections.abc import Iterator, Sequence

import pytest

from netstats_xl.domain.results import RoundResult
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import PrivilegeMissing
from netstats_xl.ports import Prober, ProbeTarget
from netstats_xl.probes.addresses import SockAddr
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.kinds import KindsProber
from netstats_xl.probes.resolver import Resolver, system_lookup
from netstats_xl.probes.services import ServiceProber
from tests.contracts.prober import ANSWERING, NO_NAME, MakeProber, ProberContract, RoutesContract
from tests.fakes.scripted_network import ScriptedProber, replied


def scripted() -> ScriptedProber:
    """A fake that does what the contract asks for."""
    prober = ScriptedProber(dict.fromkeys(ANSWERING, replied(0.1, 0.2, 0.3)))
    hop = Hop(ttl=1, sent=2, replies=(HopReply(address="127.0.0.1", rtt_ms=0.1),) * 2)
    prober.traces["127.0.0.1"] = (Trace(address="127.0.0.1", hops=(hop,), reached=True),)
    return prober


class TestScriptedProber(RoutesContract):
    @pytest.fixture
    def make_prober(self) -> MakeProber:
        return scripted


def offline_lookup(host: str) -> Sequence[SockAddr]:
    """The system's, but for the name that must not exist: no question leaves the machine."""
    if host == NO_NAME:
        raise OSError("no such name")
    return system_lookup(host)


def v4_lookup(host: str) -> Sequence[SockAddr]:
    return [("127.0.0.1", 0)] if host == "localhost" else offline_lookup(host)


def skip_unless_it_may_send() -> None:
    """Skip a test where this user may send no echo requests."""
    try:
        prober = IcmpProber.open()
    except PrivilegeMissing as error:
        pytest.skip(f"echo requests cannot be sent: {error.message}")
    asyncio.run(prober.close())


class TestIcmpProber(RoutesContract):
    @pytest.fixture
    def make_prober(self) -> MakeProber:
        skip_unless_it_may_send()
        return lambda: IcmpProber(resolver=Resolver(lookup=offline_lookup))


class TestKindsProberOverPings(RoutesContract):
    """Pings go to what the contract knows already; here it is that they come back as they went."""

    @pytest.fixture
    def make_prober(self) -> MakeProber:
        return lambda: KindsProber(scripted)


class TcpProber(KindsProber):
    """Probes a port of each host in the place of pinging it."""

    port = 0

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        return await super().probe(
            [
                ProbeTarget(destination_id=target.destination_id, host=f"tcp://{target.host}:{self.port}")
                for target in targets
            ],
            settings,
        )


def not_asked() -> Prober:
    raise AssertionError("no target is pinged")


class TestKindsProberOverTcp(ProberContract):
    @pytest.fixture
    def make_prober(self) -> Iterator[MakeProber]:
        # Accepts, as systems do for a listener, without anybody's taking the connections.
        with socket.create_server(("", 0), backlog=200) as listener:
            TcpProber.port = listener.getsockname()[1]

            def make() -> TcpProber:
                resolver = Resolver(lookup=v4_lookup)
                services = ServiceProber(resolver=resolver, packets_per_second=10_000)
                return TcpProber(not_asked, services=services)

            yield make
