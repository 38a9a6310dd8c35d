"""Routes through routers that delay, lose and keep silent, in a namespace."""

from typing import Any

import pytest

from tests.netlab import Host, MakeLab, NetworkLab, Router
from tests.probes.lab_probing import EVERYBODY, MODES, order_in

pytestmark = pytest.mark.network

TOLERANCE_MS = 20.0
SETTINGS = {"rounds": 4, "interval_ms": 100, "timeout_ms": 500, "resolve_names": False}
PREFIX = pytest.mark.parametrize(("host", "prefix"), [("10.77.0.5", "10.77.1."), ("fd77::5", "fd77:1::")])


def trace_in(lab: NetworkLab, host: str, modes: tuple[str, ...], **settings: object) -> dict[str, Any]:
    return order_in(lab, {"trace": host, "modes": list(modes), "settings": {**SETTINGS, **settings}})


def addresses_of(hop: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(reply["address"] for reply in hop["replies"]))


@MODES
@PREFIX
def test_every_hop_has_its_routers_delay_and_loss(
    network_lab: MakeLab, modes: tuple[str, ...], host: str, prefix: str
) -> None:
    path = (
        Router(address=f"{prefix}1", delay_ms=2),
        Router(address=f"{prefix}2", delay_ms=60, lose_every=2),
        Router(address=""),
        Router(address=f"{prefix}4", delay_ms=20),
    )
    lab = network_lab({host: Host(path=path, delay_ms=30)}, ping_group_range=EVERYBODY)
    found = trace_in(lab, host, modes)
    assert (found["address"], found["reached"]) == (host, True)
    hops = found["hops"]
    assert [hop["ttl"] for hop in hops] == [1, 2, 3, 4, 5]
    assert [hop["sent"] for hop in hops] == [4] * 5
    assert [addresses_of(hop) for hop in hops] == [
        [f"{prefix}1"],
        [f"{prefix}2"],
        [],
        [f"{prefix}4"],
        [host],
    ]
    assert [len(hop["replies"]) for hop in hops] == [4, 2, 0, 4, 4]
    for hop, delay_ms in zip(hops, (2, 60, 0, 20, 30), strict=True):
        fastest = min((reply["rtt_ms"] for reply in hop["replies"]), default=delay_ms)
        assert delay_ms <= fastest < delay_ms + TOLERANCE_MS


@MODES
@PREFIX
def test_packets_that_take_two_ways_show_both_routers(
    network_lab: MakeLab, modes: tuple[str, ...], host: str, prefix: str
) -> None:
    path = (Router(address=f"{prefix}1"), Router(address=f"{prefix}2", or_address=f"{prefix}3"))
    lab = network_lab({host: Host(path=path)}, ping_group_range=EVERYBODY)
    hops = trace_in(lab, host, modes)["hops"]
    assert [sorted(addresses_of(hop)) for hop in hops] == [
        [f"{prefix}1"],
        [f"{prefix}2", f"{prefix}3"],
        [host],
    ]


@MODES
@PREFIX
def test_a_host_that_is_silent_or_unreachable_has_the_route_as_far_as_it_answers(
    network_lab: MakeLab, modes: tuple[str, ...], host: str, prefix: str
) -> None:
    path = (Router(address=f"{prefix}1"), Router(address=f"{prefix}2"))
    lab = network_lab({host: Host(path=path, dead=True)}, ping_group_range=EVERYBODY)
    silent = trace_in(lab, host, modes, timeout_ms=200, rounds=2)
    assert not silent["reached"]
    assert [addresses_of(hop) for hop in silent["hops"]] == [[f"{prefix}1"], [f"{prefix}2"]]
    lab.set_hosts({host: Host(path=path, unreachable_from=f"{prefix}2")})
    refused = trace_in(lab, host, modes, rounds=2)
    assert not refused["reached"]
    assert [addresses_of(hop) for hop in refused["hops"]] == [[f"{prefix}1"], [f"{prefix}2"], [f"{prefix}2"]]


@MODES
def test_routers_that_quote_only_eight_bytes_are_understood(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    path = (Router(address="10.77.1.1"), Router(address="10.77.1.2"))
    lab = network_lab({"10.77.0.5": Host(path=path, quote_bytes=28)}, ping_group_range=EVERYBODY)
    found = trace_in(lab, "10.77.0.5", modes)
    assert [addresses_of(hop) for hop in found["hops"]] == [["10.77.1.1"], ["10.77.1.2"], ["10.77.0.5"]]
    assert [len(hop["replies"]) for hop in found["hops"]] == [4, 4, 4]


def test_a_near_host_gets_few_packets_and_the_dscp_asked_for(network_lab: MakeLab) -> None:
    path = (Router(address="10.77.1.1"), Router(address="10.77.1.2"))
    lab = network_lab({"10.77.0.5": Host(path=path)})
    trace_in(lab, "10.77.0.5", ("raw",), rounds=1, dscp=46)
    arrived = lab.arrived()["10.77.0.5"]
    assert {marks.traffic_class for marks in arrived} == {46 << 2}
    assert {marks.ttl for marks in arrived} <= set(range(1, 9))
    assert sum(arrived.values()) <= 8


def test_where_there_is_no_way_the_route_says_why(network_lab: MakeLab) -> None:
    found = trace_in(network_lab(), "192.0.2.7", ("raw",))
    assert (found["kind"], found["reason"]) == ("SendFailed", "no route to its network")
