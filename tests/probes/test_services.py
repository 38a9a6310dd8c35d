"""Rounds over services: one burst at a time for each of them."""

import asyncio

from netstats_xl.domain.results import Replied
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.probes.addresses import Address
from netstats_xl.probes.attempts import Attempt, Finding
from netstats_xl.probes.services import Service, ServiceProber
from tests.contracts.prober import on_selector_loop
from tests.probes.servers import looked_up

ONE = EchoSettings(packets=1, packet_interval_ms=10, timeout_ms=5_000)


class Watched(ServiceProber):
    """Counts the attempts that are under way, and lets each go when it is told to."""

    def __init__(self) -> None:
        super().__init__(resolver=looked_up(), packets_per_second=100_000)
        self.under_way: list[int] = []
        self.go = asyncio.Event()
        self.began = asyncio.Semaphore(0)

    async def _attempt(self, address: Address, service: Service, *, timeout_s: float) -> Attempt:
        async def attempt() -> Finding:
            self.under_way.append(service.port)
            self.began.release()
            await self.go.wait()
            return Replied(address=address.text, rtts_ms=(1.0,))

        return attempt


def test_a_service_that_another_round_is_probing_is_waited_for_and_others_are_not() -> None:
    async def main() -> None:
        prober = Watched()
        first = asyncio.create_task(prober.probe(["tcp://127.0.0.1:1"], ONE))
        await prober.began.acquire()
        second = asyncio.create_task(prober.probe(["tcp://127.0.0.1:1", "tcp://127.0.0.1:2"], ONE))
        await prober.began.acquire()
        for _ in range(20):
            await asyncio.sleep(0)
        assert prober.under_way == [1, 2]
        prober.go.set()
        found = [*await first, *await second]
        assert all(isinstance(each, Replied) for each in found)
        assert prober.under_way == [1, 2, 1]
        await prober.close()

    on_selector_loop(main())


def test_a_round_that_is_given_up_lets_the_next_one_in() -> None:
    async def main() -> None:
        prober = Watched()
        first = asyncio.create_task(prober.probe(["tcp://127.0.0.1:1"], ONE))
        await prober.began.acquire()
        second = asyncio.create_task(prober.probe(["tcp://127.0.0.1:1"], ONE))
        first.cancel()
        await prober.began.acquire()
        prober.go.set()
        (found,) = await second
        assert isinstance(found, Replied)
        await prober.close()

    on_selector_loop(main())
