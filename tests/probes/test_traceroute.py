"""Routes, over a fake train engine that plays the routers on the way."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from netstats_xl.domain.results import SendFailed
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.targets import TraceSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.traceroute import trace
from netstats_xl.probes.trains import Train, WireOptions
from tests.probes.fake_channel import addresses
from tests.probes.fake_engine import Answer, FakeTrainEngine, router_says
from tests.probes.virtual_loop import on_virtual_loop

SETTINGS = TraceSettings(rounds=3, max_hops=30, interval_ms=200, timeout_ms=500, resolve_names=False)
(TARGET,) = addresses(1)


class Route:
    """Routers at TTLs from 1 on, and behind them the host, or nothing."""

    def __init__(
        self,
        routers: Sequence[str],
        *,
        host: bool = True,
        unreachable_from: str = "",
        lost: Mapping[int, Sequence[int]] | None = None,
        also: Mapping[int, str] | None = None,
    ) -> None:
        """Describe it.

        Args:
            routers: their addresses; empty for one that never answers.
            host: whether the host answers.
            unreachable_from: the address that says, behind the routers, that the host cannot be reached.
            lost: which packets of a TTL are not answered, counted from 0.
            also: by TTL a second router, which every second packet goes by.
        """
        self.routers = routers
        self.host = host
        self.unreachable_from = unreachable_from
        self.lost = lost or {}
        self.also = also or {}
        self.asked: dict[int, int] = {}

    def __call__(self, train: Train, k: int) -> Answer:
        assert train.plan.ttls is not None
        ttl = train.plan.ttls[k % train.lines]
        number = self.asked.get(ttl, 0)
        self.asked[ttl] = number + 1
        if number in self.lost.get(ttl, ()):
            return None
        if ttl <= len(self.routers):
            router = self.routers[ttl - 1]
            if number % 2 and ttl in self.also:
                router = self.also[ttl]
            return router_says(router, 10.0 * ttl) if router else None
        if self.unreachable_from:
            return router_says(self.unreachable_from, 10.0 * ttl, time_exceeded=False)
        return 10.0 * (len(self.routers) + 1) if self.host else None


def play(
    engine: FakeTrainEngine, settings: TraceSettings = SETTINGS, address: Address = TARGET
) -> Trace | SendFailed:
    return on_virtual_loop(trace(engine, address, settings))


def found(route: Route, settings: TraceSettings = SETTINGS) -> Trace:
    result = play(FakeTrainEngine(route), settings)
    assert isinstance(result, Trace)
    return result


def test_every_router_is_a_hop_with_the_rtt_of_each_round() -> None:
    result = found(Route(["10.1.0.1", "10.2.0.1"]))
    assert result == Trace(
        address="10.0.0.0",
        hops=(
            Hop(ttl=1, sent=3, replies=(HopReply(address="10.1.0.1", rtt_ms=10.0),) * 3),
            Hop(ttl=2, sent=3, replies=(HopReply(address="10.2.0.1", rtt_ms=20.0),) * 3),
            Hop(ttl=3, sent=3, replies=(HopReply(address="10.0.0.0", rtt_ms=30.0),) * 3),
        ),
        reached=True,
    )


def test_a_near_host_gets_few_packets_before_it_is_known_to_be_near() -> None:
    engine = FakeTrainEngine(Route(["10.1.0.1", "10.2.0.1"]))
    play(engine)
    first, second = (train for _, train in engine.begun)
    assert first.plan.ttls is not None
    assert list(first.plan.ttls) == list(range(1, 9))
    assert first.packets == 8
    assert second.plan.ttls is not None
    assert list(second.plan.ttls) == [1, 2, 3]
    assert second.plan.packets == 2


def test_one_round_is_one_packet_a_hop() -> None:
    result = found(Route(["10.1.0.1"]), SETTINGS.model_copy(update={"rounds": 1}))
    assert [(hop.ttl, hop.sent) for hop in result.hops] == [(1, 1), (2, 1)]


def test_a_far_host_is_found_behind_as_many_routers_as_there_are() -> None:
    result = found(Route([f"10.{n}.0.1" for n in range(1, 21)]))
    assert len(result.hops) == 21
    assert result.reached
    assert {hop.sent for hop in result.hops} == {3}


def test_no_greater_ttl_than_asked_for_is_tried() -> None:
    route = Route([f"10.{n}.0.1" for n in range(1, 21)])
    result = found(route, SETTINGS.model_copy(update={"max_hops": 10}))
    assert (len(result.hops), result.reached) == (10, False)
    assert max(route.asked) == 10


def test_a_silent_router_is_a_hop_without_replies() -> None:
    result = found(Route(["10.1.0.1", "", "10.3.0.1"]))
    assert [hop.addresses for hop in result.hops] == [("10.1.0.1",), (), ("10.3.0.1",), ("10.0.0.0",)]
    assert result.hops[1] == Hop(ttl=2, sent=3)
    assert result.hops[1].loss_percent == 100


def test_seven_silent_routers_in_a_row_hide_no_host() -> None:
    result = found(Route(["10.1.0.1", *[""] * 7]))
    assert (len(result.hops), result.reached) == (9, True)


def test_a_host_that_never_answers_has_the_route_up_to_the_last_router() -> None:
    route = Route(["10.1.0.1", "10.2.0.1"], host=False)
    result = found(route)
    assert [hop.addresses for hop in result.hops] == [("10.1.0.1",), ("10.2.0.1",)]
    assert not result.reached
    assert max(route.asked) <= 16


def test_where_nobody_answers_one_hop_says_so() -> None:
    route = Route([], host=False)
    result = found(route)
    assert result == Trace(address="10.0.0.0", hops=(Hop(ttl=1, sent=3),), reached=False)
    assert max(route.asked) == 8


def test_a_router_that_says_that_the_host_is_unreachable_ends_the_route() -> None:
    result = found(Route(["10.1.0.1"], unreachable_from="10.2.0.1"))
    assert [hop.addresses for hop in result.hops] == [("10.1.0.1",), ("10.2.0.1",)]
    assert not result.reached


def test_lost_packets_are_the_hops_loss() -> None:
    result = found(Route(["10.1.0.1", "10.2.0.1"], lost={1: [1], 3: [1, 2]}))
    assert [(hop.sent, len(hop.replies)) for hop in result.hops] == [(3, 2), (3, 3), (3, 1)]
    assert result.hops[0].loss_percent == pytest.approx(100 / 3)


def test_a_host_whose_first_reply_is_lost_is_no_hop_further_away() -> None:
    result = found(Route(["10.1.0.1"], lost={2: [0]}))
    assert [hop.addresses for hop in result.hops] == [("10.1.0.1",), ("10.0.0.0",)]
    assert [(hop.sent, len(hop.replies)) for hop in result.hops] == [(3, 3), (3, 2)]


def test_a_hop_where_packets_take_two_ways_has_two_addresses() -> None:
    result = found(Route(["10.1.0.1", "10.2.0.1"], also={2: "10.2.0.2"}))
    assert result.hops[1].addresses == ("10.2.0.1", "10.2.0.2")
    assert [reply.address for reply in result.hops[1].replies] == ["10.2.0.1", "10.2.0.2", "10.2.0.1"]


def test_packets_of_a_ttl_keep_their_interval_and_those_of_others_are_spaced() -> None:
    engine = FakeTrainEngine(Route(["10.1.0.1"]))
    play(engine, SETTINGS.model_copy(update={"dscp": 46, "payload_bytes": 100}))
    for _, train in engine.begun:
        assert train.plan.interval_s == pytest.approx(0.2)
        assert train.plan.spacing_s == pytest.approx(0.01)
        assert train.plan.one_way
        assert train.plan.options == WireOptions(dscp=46)
        assert train.plan.payload_bytes == 100
        assert len(train.addresses) == train.lines


def test_a_route_that_nothing_can_be_sent_on_says_why() -> None:
    engine = FakeTrainEngine(lambda _train, _k: "no route to its network")
    assert play(engine) == SendFailed(address="10.0.0.0", reason="no route to its network")
    assert len(engine.begun) == 1


def test_packets_that_could_not_be_sent_count_neither_as_sent_nor_as_lost() -> None:
    route = Route(["10.1.0.1"])

    def failing_once(train: Train, k: int) -> Answer:
        return "the network interface takes no more packets" if k == 0 else route(train, k)

    result = play(FakeTrainEngine(failing_once))
    assert isinstance(result, Trace)
    assert [(hop.sent, len(hop.replies)) for hop in result.hops] == [(1, 1), (3, 3)]


def test_routes_over_ipv6_are_the_same() -> None:
    (address,) = addresses(1, Family.IPV6)
    result = play(FakeTrainEngine(Route(["2001:db8::1"])), address=address)
    assert isinstance(result, Trace)
    assert [hop.addresses for hop in result.hops] == [("2001:db8::1",), (address.text,)]


def test_closing_ends_a_trace_with_an_error() -> None:
    async def main() -> None:
        engine = FakeTrainEngine(Route([], host=False))
        under_way = asyncio.ensure_future(trace(engine, TARGET, SETTINGS))
        await asyncio.sleep(0.1)  # virtual time
        engine.close()
        with pytest.raises(BackendUnavailable, match="before the trace was over"):
            await under_way

    on_virtual_loop(main())


def test_cancelling_a_trace_gives_its_packets_up() -> None:
    async def main() -> None:
        engine = FakeTrainEngine(Route([], host=False))
        under_way = asyncio.ensure_future(trace(engine, TARGET, SETTINGS))
        await asyncio.sleep(0.1)  # virtual time
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert engine.given_up == [train for _, train in engine.begun]

    on_virtual_loop(main())
