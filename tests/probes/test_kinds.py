"""The prober of every kind: who gets which target, in which order, and what works without the right to ping."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from netstats_xl.domain.results import NameNotResolved, Outcome, Replied, SendFailed, Timeout
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, Settings, TraceSettings
from netstats_xl.errors import BackendUnavailable, PrivilegeMissing
from netstats_xl.ports import Prober
from netstats_xl.probes import choice
from netstats_xl.probes.kinds import KindsProber
from netstats_xl.probes.resolver import Resolver
from netstats_xl.probes.services import ServiceProber
from tests.contracts.prober import SETTINGS, on_selector_loop, targets
from tests.fakes.scripted_network import ScriptedProber, ScriptedRound, replied
from tests.probes.servers import answering, closed_port, dns_server, http_answer, looked_up, tcp_server

REFUSED = PrivilegeMissing("This user may not send ICMP echo requests. Run this command.")


def services(resolver: Resolver | None = None) -> ServiceProber:
    return ServiceProber(resolver=resolver or looked_up(), packets_per_second=10_000)


def refuse() -> Prober:
    raise REFUSED


def outcomes(prober: KindsProber, *hosts: str, settings: EchoSettings = SETTINGS) -> Awaitable[list[Outcome]]:
    async def probe() -> list[Outcome]:
        results = await prober.probe(targets(*hosts), settings)
        assert [result.destination_id for result in results] == [str(number) for number in range(len(hosts))]
        return [result.outcome for result in results]

    return probe()


def test_each_target_goes_to_its_prober_and_results_keep_the_targets_order() -> None:
    echo = ScriptedProber({"192.0.2.1": replied(1.0), "192.0.2.2": Timeout(address="192.0.2.2", sent=3)})

    async def main() -> list[Outcome]:
        prober = KindsProber(lambda: echo, services=services(looked_up(www_test="127.0.0.1")))
        async with (
            tcp_server() as tcp,
            tcp_server(answer=http_answer()) as web,
            dns_server(answering("192.0.2.80")) as dns,
        ):
            return await outcomes(
                prober,
                f"tcp://127.0.0.1:{tcp.port}",
                "192.0.2.1",
                f"http://www.test:{web.port}/",
                f"dns://127.0.0.1:{dns.port}?name=www.example",
                "192.0.2.2",
                "tcp://no-such.test:80",
            )

    tcp, first, web, dns, second, nameless = on_selector_loop(main())
    assert (first, second) == (replied(1.0), Timeout(address="192.0.2.2", sent=3))
    assert isinstance(tcp, Replied)
    assert tcp.answer == "connected"
    assert isinstance(web, Replied)
    assert web.http is not None
    assert isinstance(dns, Replied)
    assert dns.answer == "192.0.2.80"
    assert nameless == NameNotResolved(reason="no such name")
    assert [target.host for target in echo.rounds[0].targets] == ["192.0.2.1", "192.0.2.2"]


def test_pings_and_the_rest_are_probed_at_the_same_time() -> None:
    async def main() -> None:
        async with tcp_server() as server:
            connected = asyncio.Event()

            async def hold(_: ScriptedRound) -> None:
                async with asyncio.timeout(5):
                    while not server.made:
                        await asyncio.sleep(0)
                connected.set()

            echo = ScriptedProber({"192.0.2.1": replied(1.0)}, before_round=hold)
            prober = KindsProber(lambda: echo, services=services())
            await outcomes(prober, "192.0.2.1", f"tcp://127.0.0.1:{server.port}")
            assert connected.is_set()

    on_selector_loop(main())


def test_without_the_right_to_ping_everything_else_works_and_each_ping_tells_the_remedy() -> None:
    async def main() -> list[Outcome]:
        prober = KindsProber(refuse, services=services())
        async with tcp_server() as server:
            found = await outcomes(prober, "192.0.2.1", f"tcp://127.0.0.1:{server.port}")
        assert prober.describe() == REFUSED.message
        return found

    ping, tcp = on_selector_loop(main())
    assert ping == SendFailed(address="192.0.2.1", reason=REFUSED.message)
    assert isinstance(tcp, Replied)


def test_without_the_right_to_ping_a_round_of_pings_alone_is_an_error() -> None:
    prober = KindsProber(refuse, services=services())
    with pytest.raises(PrivilegeMissing):
        on_selector_loop(prober.probe(targets("192.0.2.1"), SETTINGS))
    with pytest.raises(PrivilegeMissing):
        on_selector_loop(prober.trace("tcp://192.0.2.1:80", TraceSettings()))


def test_the_right_to_ping_is_asked_for_anew_until_it_is_there() -> None:
    echo = ScriptedProber({"192.0.2.1": replied(1.0)})
    opened: list[Callable[[], Prober]] = [lambda: echo, refuse]
    prober = KindsProber(lambda: opened.pop()())
    with pytest.raises(PrivilegeMissing):
        prober.open_echo()
    assert on_selector_loop(outcomes_of_pings(prober)) == [replied(1.0)]
    assert (prober.describe(), opened) == ("scripted network", [])


async def outcomes_of_pings(prober: KindsProber) -> list[Outcome]:
    return await outcomes(prober, "192.0.2.1")


def test_the_route_to_a_service_is_that_to_its_host() -> None:
    echo = ScriptedProber()
    trace = Trace(address="192.0.2.1", hops=(), reached=True)
    echo.traces = {"192.0.2.1": [trace], "ns.example": [trace]}
    prober = KindsProber(lambda: echo)

    async def main() -> None:
        for host in (
            "192.0.2.1",
            "tcp://192.0.2.1:80",
            "https://192.0.2.1/x",
            "dns://ns.example?name=a.example",
        ):
            assert await prober.trace(host, TraceSettings()) == trace
        assert isinstance(await prober.trace("x://y", TraceSettings()), SendFailed)

    on_selector_loop(main())
    assert [host for host, _ in echo.traced] == ["192.0.2.1"] * 3 + ["ns.example"]


def test_what_is_no_kind_of_probe_is_not_sent_and_spoils_no_other() -> None:
    async def main() -> list[Outcome]:
        prober = KindsProber(refuse, services=services())
        async with tcp_server() as server:
            return await outcomes(
                prober, "x://y", f"tcp://127.0.0.1:{server.port}", "tcp://[fe80::1%nowhere]:1"
            )

    odd, tcp, scoped = on_selector_loop(main())
    assert isinstance(odd, SendFailed)
    assert "no kind of probe" in odd.reason
    assert isinstance(tcp, Replied)
    assert isinstance(scoped, SendFailed)
    assert "no network interface named nowhere" in scoped.reason


def test_the_packets_a_second_are_all_for_pings_until_there_is_anything_else() -> None:
    echo = ScriptedProber({"192.0.2.1": replied(1.0)})

    async def main() -> None:
        prober = KindsProber(lambda: echo, services=services())
        await prober.limit(1_000)
        assert echo.limits == []
        await outcomes(prober, "192.0.2.1")
        assert echo.limits == [1_000]
        await outcomes(prober, f"tcp://127.0.0.1:{closed_port()}")
        await outcomes(prober, f"tcp://127.0.0.1:{closed_port()}", "192.0.2.1")
        assert echo.limits == [1_000, 500]
        await prober.limit(100)
        assert echo.limits == [1_000, 500, 50]

    on_selector_loop(main())


def test_attempts_keep_to_their_share_of_the_packets_a_second() -> None:
    async def main() -> float:
        prober = KindsProber(refuse, services=services())
        await prober.limit(10 * 2 * 3)  # half of it: ten connections of three packets a second
        settings = EchoSettings(packets=4, packet_interval_ms=10, timeout_ms=1_000)
        async with tcp_server() as server:
            began_at = asyncio.get_running_loop().time()
            [found] = await outcomes(prober, f"tcp://127.0.0.1:{server.port}", settings=settings)
            assert isinstance(found, Replied)
            assert all(rtt is not None and rtt < 90 for rtt in found.rtts_ms)
            return asyncio.get_running_loop().time() - began_at

    assert on_selector_loop(main()) >= 0.25


def test_closing_ends_the_rounds_under_way() -> None:
    async def main() -> None:
        echo = ScriptedProber()
        prober = KindsProber(lambda: echo, services=services())
        async with tcp_server(answer=[60.0], hold=True) as server:
            settings = EchoSettings(packets=1, timeout_ms=50_000)
            round_ = asyncio.ensure_future(
                outcomes(prober, f"http://127.0.0.1:{server.port}", settings=settings)
            )
            async with asyncio.timeout(10):
                while not server.received:
                    await asyncio.sleep(0.005)
            await prober.close()
            with pytest.raises(BackendUnavailable, match="closed before the round was over"):
                await round_
            with pytest.raises(BackendUnavailable):
                await outcomes(prober, f"tcp://127.0.0.1:{server.port}")
            with pytest.raises(BackendUnavailable):
                await prober.trace("127.0.0.1", TraceSettings())

    on_selector_loop(main())


def test_a_round_that_is_given_up_leaves_nothing_under_way() -> None:
    async def main() -> None:
        prober = KindsProber(refuse, services=services())
        async with tcp_server(answer=[60.0], hold=True) as server:
            settings = EchoSettings(packets=1, timeout_ms=50_000)
            round_ = asyncio.ensure_future(
                outcomes(prober, f"http://127.0.0.1:{server.port}", settings=settings)
            )
            async with asyncio.timeout(10):
                while not server.received:
                    await asyncio.sleep(0.005)
            round_.cancel()
            with pytest.raises(asyncio.CancelledError):
                await round_
            ours = {asyncio.current_task()}
            async with asyncio.timeout(5):
                while any("_in_its_turn" in repr(each) for each in asyncio.all_tasks() - ours):
                    await asyncio.sleep(0.005)
            await prober.close()

    on_selector_loop(main())


def test_a_prober_that_need_not_ping_opens_without_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "open_echo_prober", lambda engine: refuse())
    with pytest.raises(PrivilegeMissing):
        choice.open_prober()
    assert choice.open_prober(pings=False).describe() == REFUSED.message


def test_what_pings_is_told_from_the_start_whatever_else_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "open_echo_prober", lambda engine: ScriptedProber())
    assert choice.open_prober(pings=False).describe() == choice.open_prober().describe() == "scripted network"


def test_a_services_share_before_any_limit_is_that_of_the_default() -> None:
    assert KindsProber(refuse)._services._turns.packets_per_second == Settings().packets_per_second / 2


def test_nothing_of_dns_and_http_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; from netstats_xl.probes.choice import open_prober; open_prober(pings=False); "
        "print([name for name in ('dns', 'httpx', 'httpcore', 'anyio', 'certifi') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
