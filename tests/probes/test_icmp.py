"""The prober on a fake engine, with a fake resolver, on virtual time."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

import pytest

from netstats_xl.domain.results import NameNotResolved, Outcome, Replied, SendFailed, Timeout
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.probes.addresses import Family, SockAddr, from_sockaddr
from netstats_xl.probes.icmp import DEFAULT_LIMIT, IcmpProber, open_socket_engine
from netstats_xl.probes.resolver import Resolution, Resolver
from netstats_xl.probes.reverse import ReverseNames
from netstats_xl.probes.socket_engine import SocketEngine
from netstats_xl.probes.trains import Train
from tests.contracts.prober import on_selector_loop, targets
from tests.probes.fake_engine import Answer, FakeTrainEngine, answered, router_says, silent
from tests.probes.virtual_loop import on_virtual_loop

SETTINGS = EchoSettings(packets=2, packet_interval_ms=10, timeout_ms=500)
TRACE = TraceSettings(rounds=2, interval_ms=100, timeout_ms=500, resolve_names=False)
NO_IPV6 = BackendUnavailable("This system has no IPv6. Enable IPv6, or leave its destinations out.")
REFUSED = PrivilegeMissing("This user may not send ICMP echo requests.")


class FakeSystem:
    """Opens fake engines, which may refuse a family."""

    def __init__(self, **refusals: ProbeEngineError) -> None:
        self.engine = FakeTrainEngine(answered(10.0), **refusals)
        self.opened_with: list[float | None] = []

    def open_engine(self, packets_per_second: float | None) -> FakeTrainEngine:
        self.opened_with.append(packets_per_second)
        if self.engine.closed:
            self.engine = FakeTrainEngine(answered(10.0))
        return self.engine

    def prober(
        self,
        lookup: Callable[[str], Sequence[SockAddr]] | None = None,
        *,
        name_of: Callable[[str], str] | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> IcmpProber:
        monotonic = monotonic or asyncio.get_running_loop().time
        resolver = Resolver(lookup=lookup or no_lookup, monotonic=monotonic, deadline_s=2, keep_s=60)
        names = ReverseNames(lookup=name_of or no_lookup, monotonic=monotonic)
        return IcmpProber(resolver=resolver, names=names, open_engine=self.open_engine)

    @property
    def sent_to(self) -> list[str]:
        """The destinations of all rounds, in order."""
        return [each.text for _, train in self.engine.begun for each in train.addresses]


def no_lookup(host: str) -> NoReturn:
    raise AssertionError(f"{host} is looked up")


def play(system: FakeSystem, *hosts: str) -> list[Outcome]:
    async def main() -> list[Outcome]:
        prober = system.prober()
        try:
            return [result.outcome for result in await prober.probe(targets(*hosts), SETTINGS)]
        finally:
            await prober.close()

    return on_virtual_loop(main())


def test_addresses_are_probed_without_a_look_up_in_one_train_for_each_family() -> None:
    system = FakeSystem()
    outcomes = play(system, "10.0.0.1", "fd77::1", "10.0.0.2", "::ffff:10.0.0.3")
    assert [type(outcome) for outcome in outcomes] == [Replied] * 4
    assert [(train.family, train.lines) for _, train in system.engine.begun] == [
        (Family.IPV4, 3),
        (Family.IPV6, 1),
    ]
    assert system.engine.closed


def test_nothing_is_opened_before_the_first_round() -> None:
    async def main() -> None:
        system = FakeSystem()
        prober = system.prober()
        await prober.limit(500)
        assert prober.describe() == ""
        assert system.opened_with == []
        await prober.close()

    on_virtual_loop(main())


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
        system.engine.refusals.clear()
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
        began = [at - begin for at, _ in system.engine.begun]
        await prober.close()
        release.set()
        return [result.outcome for result in results], began

    outcomes, began = on_virtual_loop(main())
    assert outcomes[0] == NameNotResolved(reason="no answer from the name server within 2 s")
    assert isinstance(outcomes[1], Replied)
    assert began == pytest.approx([0], abs=0.001)


def test_a_cancelled_round_leaves_nothing_behind_and_the_prober_usable() -> None:
    async def main() -> list[Outcome]:
        system = FakeSystem()
        system.engine.play = silent
        prober = system.prober()
        under_way = asyncio.ensure_future(prober.probe(targets("10.0.0.1"), SETTINGS))
        await asyncio.sleep(0.05)  # virtual time
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert len(asyncio.all_tasks()) == 1
        assert len(system.engine.given_up) == 1
        results = await prober.probe(targets("10.0.0.2"), SETTINGS)
        await prober.close()
        return [result.outcome for result in results]

    assert on_virtual_loop(main()) == [Timeout(address="10.0.0.2", sent=2)]


def test_closing_ends_a_round_under_way_with_an_error() -> None:
    async def main() -> None:
        system = FakeSystem()
        system.engine.play = silent
        prober = system.prober()
        under_way = asyncio.ensure_future(prober.probe(targets("10.0.0.1", "fd77::1"), SETTINGS))
        await asyncio.sleep(0.05)  # virtual time
        prober._close()  # as `close` does in another thread, which virtual time would not wait for
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


def test_closing_while_a_name_is_looked_up_ends_the_round_and_opens_nothing_again() -> None:
    async def main() -> None:
        system, resolver = FakeSystem(), PausedResolver()
        prober = IcmpProber(resolver=resolver, open_engine=system.open_engine)
        under_way = asyncio.ensure_future(prober.probe(targets("paused.example"), SETTINGS))
        tracing = asyncio.ensure_future(prober.trace("paused.example", TRACE))
        await asyncio.sleep(0.05)  # virtual time
        await prober.close()
        resolver.go_on.set()
        for each in (under_way, tracing):
            with pytest.raises(BackendUnavailable, match="closed"):
                await each
        assert len(system.opened_with) == 1

    on_virtual_loop(main())


def test_an_engine_that_ended_by_a_fault_is_opened_anew_for_the_next_round() -> None:
    async def main() -> list[Outcome]:
        system = FakeSystem()
        prober = system.prober()
        await prober.limit(500)
        await prober.probe(targets("10.0.0.1"), SETTINGS)
        system.engine.closed = True  # its thread met a fault
        results = await prober.probe(targets("10.0.0.1"), SETTINGS)
        route = await prober.trace("10.0.0.1", TRACE)
        assert isinstance(route, Trace)
        assert system.opened_with == [500, 500]
        await prober.close()
        return [result.outcome for result in results]

    assert all(isinstance(each, Replied) for each in on_virtual_loop(main()))


def test_a_trace_waits_for_the_round_that_is_probing_its_host() -> None:
    async def main() -> None:
        system = FakeSystem()
        prober = system.prober()
        round_ = asyncio.ensure_future(prober.probe(targets("10.0.0.1"), SETTINGS))
        await asyncio.sleep(0.001)
        route = asyncio.ensure_future(prober.trace("10.0.0.1", TRACE))
        await asyncio.sleep(0.001)
        assert [train.plan.ttls for _, train in system.engine.begun] == [None]
        assert isinstance(await route, Trace)
        assert round_.done()
        await prober.close()

    on_virtual_loop(main())


def test_a_prober_works_on_one_event_loop_only() -> None:
    prober = IcmpProber(open_engine=FakeSystem().open_engine)

    async def use() -> None:
        await prober.probe([], SETTINGS)

    on_virtual_loop(use())
    with pytest.raises(BackendUnavailable, match="another event loop"):
        on_virtual_loop(use())
    on_virtual_loop(prober.close())


def test_it_describes_the_families_that_it_can_send_over() -> None:
    async def main() -> tuple[str, str]:
        prober = FakeSystem().prober()
        before = prober.describe()
        await prober.probe(targets("fd77::1", "10.0.0.1"), SETTINGS)
        described = prober.describe()
        await prober.close()
        return before, described

    assert on_virtual_loop(main()) == ("", "IPv4: fake; IPv6: fake")


def test_an_open_prober_can_send_and_describes_how_from_the_start() -> None:
    prober = IcmpProber.open(open_engine=FakeSystem(IPV6=NO_IPV6).open_engine)
    assert prober.describe() == "IPv4: fake"


def test_a_prober_that_cannot_send_is_not_opened_and_leaves_nothing_open() -> None:
    system = FakeSystem(IPV4=REFUSED, IPV6=REFUSED)
    with pytest.raises(PrivilegeMissing):
        IcmpProber.open(open_engine=system.open_engine)
    assert system.engine.closed


def test_the_pace_holds_from_the_start_and_for_what_is_open() -> None:
    async def main() -> None:
        system = FakeSystem()
        prober = system.prober()
        await prober.limit(500)
        await prober.probe(targets("10.0.0.1"), SETTINGS)
        await prober.limit(700)
        await prober.close()
        assert system.opened_with == [500]
        assert system.engine.limits == [700]

    on_virtual_loop(main())


def test_the_pace_is_that_of_the_settings_unless_told_otherwise() -> None:
    system = FakeSystem()
    IcmpProber.open(open_engine=system.open_engine)
    IcmpProber.open(open_engine=system.open_engine, packets_per_second=None)
    assert system.opened_with == [2_000, None]
    assert DEFAULT_LIMIT == 2_000


def test_the_engine_over_sockets_opens_none_before_it_is_asked() -> None:
    engine = open_socket_engine(100)
    assert isinstance(engine, SocketEngine)
    assert engine.describe() == ""
    engine.close()


# --- Names ------------------------------------------------------------------------------------------------


def test_a_name_that_changes_its_address_is_probed_at_the_new_one_once_that_is_known() -> None:
    given = [["10.0.0.1"], ["10.0.0.2", "10.0.0.1"], ["10.0.0.3"]]
    looked_up = threading.Semaphore(0)
    clock = [0.0]

    def moving(host: str) -> Sequence[SockAddr]:
        looked_up.release()
        return [(each, 0) for each in given.pop(0)]

    async def main() -> list[str]:
        system = FakeSystem()
        prober = system.prober(moving, monotonic=lambda: clock[0])
        for hour in range(3):
            # What has expired is used once more, and is looked up meanwhile; an address that is still given stays.
            clock[0] = 3_600.0 * hour
            await prober.probe(targets("moving.example"), SETTINGS)
            assert await asyncio.to_thread(looked_up.acquire, timeout=10)
        for _ in range(100):
            await prober.probe(targets("moving.example"), SETTINGS)
            if system.sent_to[-1] != "10.0.0.1":
                break
        await prober.close()
        return system.sent_to

    sent_to = on_selector_loop(main())
    assert set(sent_to[:3]) == {"10.0.0.1"}
    assert sent_to[-1] == "10.0.0.3"


@pytest.mark.parametrize(
    ("error", "reason"),
    [(None, "the name has no address"), (OSError("broken"), "the look-up failed: broken")],
)
def test_a_name_without_an_address_spoils_no_other_destination(error: OSError | None, reason: str) -> None:
    def lookup(host: str) -> Sequence[SockAddr]:
        if error is not None:
            raise error
        return []

    async def main() -> list[Outcome]:
        system = FakeSystem()
        prober = system.prober(lookup)
        results = await prober.probe(targets("nothing.example", "10.0.0.1"), SETTINGS)
        await prober.close()
        return [result.outcome for result in results]

    nothing, replied = on_selector_loop(main())
    assert nothing == NameNotResolved(reason=reason)
    assert isinstance(replied, Replied)


def test_two_names_of_one_address_share_a_burst() -> None:
    async def main() -> None:
        system = FakeSystem()
        prober = system.prober(lambda _host: [("10.0.0.5", 0)])
        await prober.probe(targets("a.example", "b.example"), SETTINGS)  # from now on both are known
        before = len(system.sent_to)
        results = await prober.probe(targets("a.example", "b.example", "10.0.0.5"), SETTINGS)
        await prober.close()
        assert all(isinstance(result.outcome, Replied) for result in results)
        assert system.sent_to[before:] == ["10.0.0.5"]

    on_selector_loop(main())


# --- Routes -----------------------------------------------------------------------------------------------


def two_routers(train: Train, k: int) -> Answer:
    assert train.plan.ttls is not None
    ttl = train.plan.ttls[k % train.lines]
    return router_says(f"10.{ttl}.0.1", 10.0 * ttl) if ttl <= 2 else 30.0


def traced(
    system: FakeSystem,
    host: str,
    settings: TraceSettings = TRACE,
    *,
    lookup: Callable[[str], Sequence[SockAddr]] | None = None,
    name_of: Callable[[str], str] | None = None,
) -> Trace | NameNotResolved | SendFailed:
    async def main() -> Trace | NameNotResolved | SendFailed:
        prober = system.prober(lookup, name_of=name_of)
        try:
            return await prober.trace(host, settings)
        finally:
            await prober.close()

    system.engine.play = two_routers
    return on_selector_loop(main())


@pytest.mark.parametrize("host", ["10.0.0.1", "fd77::1", "far.example"])
def test_a_route_is_traced_to_an_address_or_a_name(host: str) -> None:
    found = traced(FakeSystem(), host, lookup=lambda _host: [("10.0.0.1", 0)])
    assert isinstance(found, Trace)
    assert found.reached
    assert [hop.addresses[0] for hop in found.hops][:2] == ["10.1.0.1", "10.2.0.1"]
    assert found.names == {}


def test_routers_have_their_names_where_they_are_asked_for() -> None:
    asked: list[str] = []

    def name_of(address: str) -> str:
        asked.append(address)
        if address == "10.2.0.1":
            raise OSError("no name")
        return f"name-{address}"

    settings = TRACE.model_copy(update={"resolve_names": True})
    found = traced(FakeSystem(), "10.0.0.1", settings, name_of=name_of)
    assert isinstance(found, Trace)
    assert found.names == {"10.1.0.1": "name-10.1.0.1", "10.0.0.1": "name-10.0.0.1"}
    assert sorted(asked) == ["10.0.0.1", "10.1.0.1", "10.2.0.1"]


def test_a_route_to_a_name_without_an_address_is_none() -> None:
    found = traced(FakeSystem(), "nothing.example", lookup=lambda _host: [])
    assert found == NameNotResolved(reason="the name has no address")


def test_a_route_over_a_family_that_is_missing_says_why() -> None:
    found = traced(FakeSystem(IPV6=NO_IPV6), "fd77::1")
    assert found == SendFailed(address="fd77::1", reason=NO_IPV6.message)


def test_a_route_on_which_nothing_can_be_sent_says_why() -> None:
    async def main() -> Trace | NameNotResolved | SendFailed:
        system = FakeSystem()
        system.engine.play = lambda _train, _k: "no route to its network"
        prober = system.prober()
        try:
            return await prober.trace("10.0.0.1", TraceSettings())
        finally:
            await prober.close()

    assert on_virtual_loop(main()) == SendFailed(address="10.0.0.1", reason="no route to its network")


def test_where_nothing_can_be_sent_at_all_a_trace_raises() -> None:
    with pytest.raises(PrivilegeMissing):
        traced(FakeSystem(IPV4=REFUSED, IPV6=NO_IPV6), "10.0.0.1")
