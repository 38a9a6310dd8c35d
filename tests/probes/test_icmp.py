"""The prober on fake sockets, with a fake resolver, on virtual time."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from netstats_xl.domain.results import NameNotResolved, Outcome, Replied, SendFailed, Timeout
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.probes.addresses import Family, SockAddr, from_sockaddr
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.resolver import Resolution, Resolver
from tests.contracts.prober import targets
from tests.probes.fake_channel import FakeChannel, answers_after, answers_nothing
from tests.probes.virtual_loop import on_virtual_loop

SETTINGS = EchoSettings(packets=2, packet_interval_ms=100, timeout_ms=500)
NO_IPV6 = BackendUnavailable("This system has no IPv6. Enable IPv6, or leave its destinations out.")
REFUSED = PrivilegeMissing("This user may not send ICMP echo requests.")


class FakeSystem:
    """Opens fake sockets, or refuses to."""

    def __init__(self, **refusals: ProbeEngineError) -> None:
        self.refusals = refusals
        self.opened: list[FakeChannel] = []

    def open_channel(self, family: Family) -> FakeChannel:
        if family.name in self.refusals:
            raise self.refusals[family.name]
        self.opened.append(FakeChannel(answers_after(0.01), family=family))
        return self.opened[-1]

    def prober(self, lookup: Callable[[str], Sequence[SockAddr]] | None = None) -> IcmpProber:
        loop = asyncio.get_running_loop()
        resolver = Resolver(lookup=lookup or no_lookup, monotonic=loop.time, deadline_s=2)
        return IcmpProber(resolver=resolver, open_channel=self.open_channel, now=loop.time)


def no_lookup(host: str) -> Sequence[SockAddr]:
    raise AssertionError(f"{host} is looked up")


def play(system: FakeSystem, *hosts: str) -> list[Outcome]:
    async def main() -> list[Outcome]:
        prober = system.prober()
        try:
            return [result.outcome for result in await prober.probe(targets(*hosts), SETTINGS)]
        finally:
            await prober.close()

    return on_virtual_loop(main())


def test_addresses_are_probed_without_a_look_up_over_one_socket_for_each_family() -> None:
    system = FakeSystem()
    outcomes = play(system, "10.0.0.1", "fd77::1", "10.0.0.2", "::ffff:10.0.0.3")
    assert [type(outcome) for outcome in outcomes] == [Replied] * 4
    assert [channel.family for channel in system.opened] == [Family.IPV4, Family.IPV6]
    assert all(channel.closed for channel in system.opened)


def test_a_socket_is_opened_only_for_a_family_that_is_needed() -> None:
    system = FakeSystem()
    play(system, "10.0.0.1")
    assert [channel.family for channel in system.opened] == [Family.IPV4]


def test_without_ipv6_its_destinations_fail_with_the_reason_and_the_others_go_on() -> None:
    replied, failed = play(FakeSystem(IPV6=NO_IPV6), "10.0.0.1", "fd77::1")
    assert isinstance(replied, Replied)
    assert failed == SendFailed(address="fd77::1", reason=NO_IPV6.message)


def test_where_no_socket_can_be_opened_the_round_raises_the_missing_privilege() -> None:
    with pytest.raises(PrivilegeMissing):
        play(FakeSystem(IPV4=REFUSED, IPV6=NO_IPV6), "10.0.0.1")
    with pytest.raises(PrivilegeMissing):
        play(FakeSystem(IPV4=NO_IPV6, IPV6=REFUSED), "10.0.0.1")
    with pytest.raises(BackendUnavailable):
        play(FakeSystem(IPV4=NO_IPV6, IPV6=NO_IPV6), "10.0.0.1")


def test_a_refused_privilege_is_asked_for_again_in_the_next_round() -> None:
    async def main() -> list[Outcome]:
        system = FakeSystem(IPV4=REFUSED, IPV6=REFUSED)
        prober = system.prober()
        with pytest.raises(PrivilegeMissing):
            await prober.probe(targets("10.0.0.1"), SETTINGS)
        system.refusals.clear()
        results = await prober.probe(targets("10.0.0.1"), SETTINGS)
        await prober.close()
        return [result.outcome for result in results]

    (outcome,) = on_virtual_loop(main())
    assert isinstance(outcome, Replied)


def test_an_address_on_an_unknown_interface_is_not_sent_and_says_so() -> None:
    failed, replied = play(FakeSystem(), "fe80::1%nosuch0", "10.0.0.1")
    assert failed == SendFailed(
        address="fe80::1%nosuch0", reason="this machine has no network interface named nosuch0"
    )
    assert isinstance(replied, Replied)


def test_a_name_that_is_slow_to_resolve_delays_no_other_destination() -> None:
    release = threading.Event()

    def hanging(host: str) -> Sequence[SockAddr]:
        release.wait(10)
        return [("10.0.0.9", 0)]

    async def main() -> tuple[list[Outcome], list[float]]:
        system = FakeSystem()
        prober = system.prober(hanging)
        begin = asyncio.get_running_loop().time()
        results = await prober.probe(targets("slow.example", "10.0.0.1"), SETTINGS)
        sent = [each.at - begin for each in system.opened[0].sent]
        await prober.close()
        release.set()
        return [result.outcome for result in results], sent

    outcomes, sent = on_virtual_loop(main())
    assert outcomes[0] == NameNotResolved(reason="no answer from the name server within 2 s")
    assert isinstance(outcomes[1], Replied)
    assert sent == pytest.approx([0, 0.1], abs=0.001)


def test_a_cancelled_round_leaves_nothing_behind_and_the_prober_usable() -> None:
    async def main() -> tuple[int, list[Outcome]]:
        system = FakeSystem()
        prober = system.prober()
        prober.check_privilege()
        system.opened[0].answer = answers_nothing
        under_way = asyncio.ensure_future(prober.probe(targets("10.0.0.1"), SETTINGS))
        await asyncio.sleep(0.05)  # virtual time
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert len(asyncio.all_tasks()) == 1
        sent = len(system.opened[0].sent)
        results = await prober.probe(targets("10.0.0.2"), SETTINGS)
        await prober.close()
        return sent, [result.outcome for result in results]

    assert on_virtual_loop(main()) == (1, [Timeout(address="10.0.0.2", sent=2)])


def test_closing_ends_a_round_under_way_with_an_error() -> None:
    async def main() -> None:
        system = FakeSystem()
        prober = system.prober()
        under_way = asyncio.ensure_future(prober.probe(targets("10.0.0.1"), SETTINGS))
        await asyncio.sleep(0.05)  # virtual time
        await prober.close()
        with pytest.raises(BackendUnavailable):
            await under_way

    on_virtual_loop(main())


class PausedResolver(Resolver):
    """Every name is 10.0.0.9, once it is told to go on."""

    def __init__(self) -> None:
        super().__init__(lookup=no_lookup)
        self.go_on = asyncio.Event()

    async def resolve(self, host: str) -> Resolution:
        await self.go_on.wait()
        return from_sockaddr(("10.0.0.9", 0))


def test_closing_while_a_name_is_looked_up_ends_the_round_and_opens_no_socket_again() -> None:
    async def main() -> None:
        system, resolver = FakeSystem(), PausedResolver()
        prober = IcmpProber(resolver=resolver, open_channel=system.open_channel)
        under_way = asyncio.ensure_future(prober.probe(targets("paused.example"), SETTINGS))
        await asyncio.sleep(0.05)  # virtual time
        await prober.close()
        resolver.go_on.set()
        with pytest.raises(BackendUnavailable, match="closed"):
            await under_way
        assert all(channel.closed for channel in system.opened)

    on_virtual_loop(main())


def test_a_prober_works_on_one_event_loop_only() -> None:
    system = FakeSystem()
    clock = [0.0]
    prober = IcmpProber(open_channel=system.open_channel, now=lambda: clock[0])

    async def use() -> None:
        await prober.probe([], SETTINGS)

    on_virtual_loop(use())
    with pytest.raises(BackendUnavailable, match="another event loop"):
        on_virtual_loop(use())
    on_virtual_loop(prober.close())


def test_it_describes_the_sockets_that_are_open() -> None:
    async def main() -> tuple[str, str]:
        prober = FakeSystem().prober()
        before = prober.describe()
        await prober.probe(targets("fd77::1", "10.0.0.1"), SETTINGS)
        described = prober.describe()
        await prober.close()
        return before, described

    assert on_virtual_loop(main()) == ("", "IPv4: fake; IPv6: fake")
