"""What every `ports.Prober` does. A subclass gives the prober by the fixture `make_prober`.

`127.0.0.1`, `127.0.0.2` and `localhost` answer every packet of `SETTINGS`; `no-such-host.invalid` is no name. The
route to `127.0.0.1` is one hop.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from netstats_xl.domain.results import NameNotResolved, Replied, packets_of
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import ProbeEngineError
from netstats_xl.ports import Prober, ProbeTarget

SETTINGS = EchoSettings(packets=3, packet_interval_ms=10, timeout_ms=1_000)
ROUTE = TraceSettings(rounds=2, interval_ms=100, timeout_ms=500, resolve_names=False)
ANSWERING = ("127.0.0.1", "127.0.0.2", "localhost")
NO_NAME = "no-such-host.invalid"
T = TypeVar("T")
MakeProber = Callable[[], Prober]


def on_selector_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the kind of event loop that the product uses on every system."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(main)


def targets(*hosts: str) -> list[ProbeTarget]:
    """A target for each host, with the IDs `0`, `1` and so on."""
    return [ProbeTarget(destination_id=str(number), host=host) for number, host in enumerate(hosts)]


class ProberContract:
    """Runs over the fake and over every adapter."""

    @pytest.fixture
    def make_prober(self) -> MakeProber:
        raise NotImplementedError("the subclass gives its prober")

    def test_gives_one_result_a_target_in_their_order(self, make_prober: MakeProber) -> None:
        async def main() -> list[str]:
            prober = make_prober()
            results = await prober.probe(targets(NO_NAME, *ANSWERING), SETTINGS)
            await prober.close()
            return [result.destination_id for result in results]

        assert on_selector_loop(main()) == ["0", "1", "2", "3"]

    def test_a_host_that_answers_has_an_rtt_for_each_packet(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            for result in await prober.probe(targets(*ANSWERING), SETTINGS):
                assert isinstance(result.outcome, Replied)
                assert packets_of(result.outcome) == (SETTINGS.packets, SETTINGS.packets)
                assert all(rtt is not None and 0 < rtt < 1_000 for rtt in result.outcome.rtts_ms)
            await prober.close()

        on_selector_loop(main())

    def test_a_name_that_does_not_exist_spoils_no_other_target(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            first, unknown, last = await prober.probe(targets("127.0.0.1", NO_NAME, "127.0.0.2"), SETTINGS)
            await prober.close()
            assert isinstance(first.outcome, Replied)
            assert isinstance(unknown.outcome, NameNotResolved)
            assert unknown.outcome.reason
            assert isinstance(last.outcome, Replied)

        on_selector_loop(main())

    def test_no_targets_give_no_results(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            assert list(await prober.probe([], SETTINGS)) == []
            await prober.close()

        on_selector_loop(main())

    def test_two_destinations_may_have_the_same_host(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            results = await prober.probe(
                targets("127.0.0.1", "127.0.0.1", "localhost", "localhost"), SETTINGS
            )
            await prober.close()
            assert [packets_of(result.outcome) for result in results] == [(3, 3)] * 4

        on_selector_loop(main())

    def test_several_rounds_go_on_at_once(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            rounds = await asyncio.gather(*(prober.probe(targets(*ANSWERING), SETTINGS) for _ in range(5)))
            await prober.close()
            for results in rounds:
                assert [packets_of(result.outcome) for result in results] == [(3, 3)] * 3

        on_selector_loop(main())

    def test_a_limit_can_be_set_before_and_between_rounds(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            for limit in (1_000, 2_000):
                await prober.limit(limit)
                (result,) = await prober.probe(targets("127.0.0.1"), SETTINGS)
                assert packets_of(result.outcome) == (3, 3)
            await prober.close()

        on_selector_loop(main())

    def test_closing_twice_does_nothing_and_nothing_can_be_probed_after_it(
        self, make_prober: MakeProber
    ) -> None:
        async def main() -> None:
            prober = make_prober()
            await prober.probe(targets("127.0.0.1"), SETTINGS)
            await prober.close()
            await prober.close()
            with pytest.raises(ProbeEngineError):
                await prober.probe(targets("127.0.0.1"), SETTINGS)

        on_selector_loop(main())


class RoutesContract(ProberContract):
    """Besides, what a prober does that sends packets of its own and so can trace routes."""

    def test_the_route_to_this_computer_is_one_hop(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            found = await prober.trace("127.0.0.1", ROUTE)
            await prober.close()
            assert isinstance(found, Trace)
            assert found.reached
            (hop,) = found.hops
            assert (hop.ttl, hop.sent, hop.addresses) == (1, 2, ("127.0.0.1",))
            assert all(0 < reply.rtt_ms < 500 for reply in hop.replies)

        on_selector_loop(main())

    def test_a_name_that_does_not_exist_has_no_route(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            found = await prober.trace(NO_NAME, ROUTE)
            await prober.close()
            assert isinstance(found, NameNotResolved)
            assert found.reason

        on_selector_loop(main())

    def test_it_tells_how_it_reaches_the_network(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            await prober.probe(targets("127.0.0.1"), SETTINGS)
            assert prober.describe()
            await prober.close()

        on_selector_loop(main())

    def test_no_route_is_traced_after_closing(self, make_prober: MakeProber) -> None:
        async def main() -> None:
            prober = make_prober()
            await prober.probe(targets("127.0.0.1"), SETTINGS)
            await prober.close()
            with pytest.raises(ProbeEngineError):
                await prober.trace("127.0.0.1", ROUTE)

        on_selector_loop(main())
