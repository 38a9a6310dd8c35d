"""Path MTU and payload sizes, on networks that the tests write down."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from netstats_xl.app.path_tests import (
    DEFAULT_SIZES,
    LARGEST_PAYLOAD,
    SMALLEST_PAYLOAD,
    PathMtu,
    PayloadSweep,
    SizeFigures,
    host_of,
    parse_sizes,
    path_mtu,
    payload_sweep,
)
from netstats_xl.domain.results import (
    NameNotResolved,
    Outcome,
    SendFailed,
    Timeout,
    Unreachable,
)
from netstats_xl.domain.targets import Definitions, Destination
from netstats_xl.errors import ConfigurationError, PrivilegeMissing
from tests.fakes.scripted_network import ScriptedProber, ScriptedRound, replied

HOST = "192.0.2.1"
HOST6 = "2001:db8::1"
ROUTER = "198.51.100.7"
TOO_BIG = "packet too big for the path"
LARGER = "the packet is larger than the network interface takes"


@dataclass
class Path:
    """A path to one host; packets carry 28 or 48 bytes of headers besides their payload."""

    host: str = HOST
    interface_mtu: int = 100_000
    """Larger packets are not sent."""
    router_mtu: int = 100_000
    """Larger packets are refused by a router."""
    hole_mtu: int = 100_000
    """Larger packets are lost without a word."""
    learns: bool = False
    """Whether this computer remembers what the router said."""
    lost: int = 0
    """How many packets of each size are lost before one passes."""
    tries: list[int] = field(default_factory=list)
    """The payload of each packet, in order."""
    sizes: list[tuple[int, bool]] = field(default_factory=list)
    """What was told of each size."""

    def find(self) -> PathMtu:
        prober = ScriptedProber(before_round=self._prepare)
        self.prober = prober
        return asyncio.run(path_mtu(prober, self.host, on_size=lambda *size: self.sizes.append(size)))

    async def _prepare(self, asked: ScriptedRound) -> None:
        payload = asked.settings.payload_bytes
        assert asked.settings.dont_fragment
        assert asked.settings.packets == 1
        self.tries.append(payload)
        self.prober.scripts[self.host] = self._outcome(payload + (48 if ":" in self.host else 28))

    def _outcome(self, size: int) -> Outcome:
        if size > self.interface_mtu:
            return SendFailed(address=self.host, reason=LARGER)
        if size > self.router_mtu:
            if self.learns:
                self.interface_mtu = self.router_mtu
            return Unreachable(address=self.host, sent=1, reporter=ROUTER, reason=TOO_BIG)
        if size > self.hole_mtu or self.tries.count(self.tries[-1]) <= self.lost:
            return Timeout(address=self.host, sent=1)
        return replied(1.0, address=self.host)


@pytest.mark.parametrize("mtu", [68, 576, 1_280, 1_400, 1_499, 1_500, 1_501, 4_352, 8_999])
@pytest.mark.parametrize("where", ["interface_mtu", "router_mtu", "hole_mtu"])
def test_any_mtu_is_found_wherever_it_is_set(mtu: int, where: str) -> None:
    path = Path()
    setattr(path, where, mtu)
    found = path.find()
    assert (found.mtu, found.is_least, found.address, found.problem) == (mtu, False, HOST, "")
    assert len(set(path.tries)) <= 18


def test_an_ipv6_path_has_longer_headers() -> None:
    assert Path(host=HOST6, router_mtu=1_280).find().mtu == 1_280
    assert Path(host=HOST6, router_mtu=1_500).find().mtu == 1_500


def test_ethernet_is_settled_after_three_sizes() -> None:
    path = Path(interface_mtu=1_500)
    path.find()
    assert path.tries == [16, 1_472, 1_473]
    assert path.sizes == [(16, True), (1_472, True), (1_473, False)]


def test_a_path_that_takes_the_largest_packets_may_take_more() -> None:
    path = Path()
    assert path.find() == PathMtu(host=HOST, address=HOST, mtu=9_000, is_least=True)
    assert path.tries == [16, 1_472, 1_473, LARGEST_PAYLOAD]
    assert Path(host=HOST6).find().mtu == 9_020


def test_a_packet_may_be_lost_twice_before_its_size_counts_as_too_large() -> None:
    assert Path(router_mtu=1_400, lost=2).find().mtu == 1_400
    assert Path(lost=3).find().mtu is None


def test_a_size_is_tried_three_times_unless_it_is_said_to_be_too_large() -> None:
    hole, refusing = Path(hole_mtu=1_500), Path(router_mtu=1_500)
    hole.find()
    refusing.find()
    assert (hole.tries.count(1_473), refusing.tries.count(1_473)) == (3, 1)


@pytest.mark.parametrize("learns", [False, True])
def test_the_router_that_refuses_is_named_also_where_this_computer_learnt_it(learns: bool) -> None:
    assert Path(router_mtu=1_400, learns=learns).find().refused_by == f"{TOO_BIG} (says {ROUTER})"


def test_this_computer_is_named_where_its_own_interface_refuses() -> None:
    assert Path(interface_mtu=1_500).find().refused_by == f"not sent: {LARGER}"


def test_nobody_is_named_where_larger_packets_vanish_before_anybody_refuses_them() -> None:
    assert Path(interface_mtu=1_450, hole_mtu=1_400).find().refused_by == ""
    assert Path(router_mtu=1_450, hole_mtu=1_400).find().refused_by == ""


def test_a_host_that_does_not_answer_has_no_path_mtu() -> None:
    path = Path(hole_mtu=0)
    found = path.find()
    assert found == PathMtu(host=HOST, address=HOST, problem="the host does not answer (no reply in time)")
    assert path.tries == [SMALLEST_PAYLOAD] * 3
    assert str(found) == f"The path MTU to {HOST} was not found: the host does not answer (no reply in time)."


def test_a_name_without_an_address_is_asked_once() -> None:
    prober = ScriptedProber({"nowhere.test": NameNotResolved(reason="no such name")})
    found = asyncio.run(path_mtu(prober, "nowhere.test"))
    assert found == PathMtu(host="nowhere.test", problem="name not resolved: no such name")
    assert len(prober.rounds) == 1


def test_without_any_right_to_send_the_error_says_so() -> None:
    prober = ScriptedProber()
    prober.error = PrivilegeMissing("This user may not send ICMP echo requests.")
    with pytest.raises(PrivilegeMissing):
        asyncio.run(path_mtu(prober, HOST))
    with pytest.raises(PrivilegeMissing):
        asyncio.run(payload_sweep(prober, HOST))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (Path(router_mtu=1_400), f"up to 1,400 bytes; larger ones are refused: {TOO_BIG} (says {ROUTER})."),
        (Path(hole_mtu=1_400), "up to 1,400 bytes; larger ones are lost without a word, by a router"),
        (Path(), "takes packets of 9,000 bytes, the largest that were tried."),
    ],
)
def test_a_path_mtu_is_told_in_a_sentence(path: Path, told: str) -> None:
    assert told in str(path.find())


def sweep(sizes: Sequence[int], *outcomes: Outcome) -> tuple[PayloadSweep, ScriptedProber]:
    prober = ScriptedProber({HOST: outcomes})
    return asyncio.run(payload_sweep(prober, HOST, sizes)), prober


def test_a_sweep_tells_loss_and_rtt_of_each_size() -> None:
    lost = Timeout(address=HOST, sent=10)
    found, prober = sweep((56, 1_000, 5_000), replied(3.0, 1.0, 2.0), replied(4.0, None), lost)
    assert (found.host, found.address) == (HOST, "192.0.2.1")
    assert found.sizes == (
        SizeFigures(
            payload_bytes=56,
            sent=3,
            received=3,
            loss_percent=0,
            rtt_min_ms=1.0,
            rtt_mean_ms=2.0,
            rtt_max_ms=3.0,
        ),
        SizeFigures(
            payload_bytes=1_000,
            sent=2,
            received=1,
            loss_percent=50,
            rtt_min_ms=4.0,
            rtt_mean_ms=4.0,
            rtt_max_ms=4.0,
        ),
        SizeFigures(payload_bytes=5_000, sent=10, received=0, loss_percent=100, reason="no reply in time"),
    )
    asked = [(each.settings.payload_bytes, each.settings.packets) for each in prober.rounds]
    assert asked == [(56, 10), (1_000, 10), (5_000, 10)]
    assert not any(each.settings.dont_fragment for each in prober.rounds)


def test_the_slope_is_that_of_the_least_rtts_by_least_squares() -> None:
    """1 Mbit/s: 16 ms for 1,000 bytes there and back. By hand, for 0, 3 and 2 ms at 100, 200 and 300 bytes: 10."""
    exact, _ = sweep((100, 600, 1_100), replied(2.6, 50.0), replied(10.6), replied(18.6, 19.0))
    assert exact.slope_ms_per_1000_bytes == pytest.approx(16)
    assert str(exact) == f"{HOST} answers 3 of 3 sizes; 1,000 bytes more add 16 ms."
    scattered, _ = sweep((100, 200, 300), replied(0.0), replied(3.0), replied(2.0))
    assert scattered.slope_ms_per_1000_bytes == pytest.approx(10)


def test_a_path_on_which_larger_packets_take_no_longer_is_told_as_such() -> None:
    found, _ = sweep((16, 1_016), replied(1.0), replied(0.5))
    assert found.slope_ms_per_1000_bytes == pytest.approx(-0.5)
    assert str(found) == f"{HOST} answers 2 of 2 sizes; larger ones take no longer."


def test_one_size_has_no_slope() -> None:
    lost = Timeout(address=HOST, sent=10)
    found, _ = sweep((56, 1_472), replied(1.0), lost)
    assert found.slope_ms_per_1000_bytes is None
    assert str(found) == f"{HOST} answers 1 of 2 sizes."
    again, _ = sweep((56, 56), replied(1.0), replied(2.0))
    assert again.slope_ms_per_1000_bytes is None


def test_a_host_that_answers_no_size_is_told_with_the_reason() -> None:
    found, _ = sweep(DEFAULT_SIZES, SendFailed(address=HOST, reason="no route to its network"))
    assert [(each.sent, each.loss_percent) for each in found.sizes] == [(0, None)] * 4
    assert str(found) == f"{HOST} does not answer: not sent: no route to its network."


def test_a_sweep_of_a_name_without_an_address_ends_at_once() -> None:
    heard: list[tuple[int, bool]] = []
    prober = ScriptedProber()
    found = asyncio.run(payload_sweep(prober, "nowhere.test", on_size=lambda *size: heard.append(size)))
    assert (found.address, len(found.sizes), len(prober.rounds)) == ("", 1, 1)
    assert heard == [(56, False)]


def test_sizes_are_understood_as_they_are_typed() -> None:
    assert parse_sizes("1472, 56;512 56") == (56, 512, 1_472)
    assert parse_sizes("16,8972") == (SMALLEST_PAYLOAD, LARGEST_PAYLOAD)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no list of sizes"),
        ("56,big", "56,512,1472"),
        ("-5", "no list of sizes"),
        ("٥٦", "no list of sizes"),
        ("9" * 5_000, "no list of sizes"),
        ("15,56", "16 to 8,972 bytes"),
        ("56,8973", "16 to 8,972 bytes"),
        (",".join(map(str, range(100, 121))), "these are 21 sizes, and at most 20"),
    ],
)
def test_sizes_that_cannot_be_tried_are_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_sizes(text)


DEFINITIONS = Definitions(
    destinations=(
        Destination(id="a", name="Router", host=HOST),
        Destination(id="b", name="Shop", host="https://shop.test/"),
    )
)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (" router ", HOST),
        ("Shop", "shop.test"),
        ("tcp://192.0.2.1:80", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("server.test", "server.test"),
        ("2001:DB8::1", HOST6),
    ],
)
def test_a_host_is_a_destinations_by_its_name_or_any(text: str, host: str) -> None:
    assert host_of(DEFINITIONS, text) == host


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tcp://192.0.2.1", "the port is missing"),
        ("10.0.0.0/28", "stands for several addresses"),
        ("", "the host is blank"),
        ("x" * 5_000, "the name of no destination, and no host"),
    ],
)
def test_what_cannot_be_pinged_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        host_of(DEFINITIONS, text)
