"""The prober against hosts that delay, lose, duplicate, forge, complain or are silent, in a namespace."""

import pytest

from tests.netlab import ROUTER, ROUTER_IPV6, Host, MakeLab
from tests.probes.lab_probing import (
    EVERYBODY,
    MODES,
    NOBODY,
    TOLERANCE_MS,
    median_ms,
    order_in,
    probe_in,
    rtts_of,
    skip_unless_readable,
)

pytestmark = pytest.mark.network

CODE = {False: "(type 3, code 1)", True: "(type 1, code 3)"}
"""Of a host that is unreachable: over IPv4, over IPv6."""


@MODES
def test_the_delays_that_were_set_are_measured(network_lab: MakeLab, modes: tuple[str, ...]) -> None:
    delays = {"10.77.0.5": 5.0, "10.77.0.20": 20.0, "10.77.0.80": 80.0, "fd77::5": 5.0, "fd77::80": 80.0}
    lab = network_lab(
        {address: Host(delay_ms=delay) for address, delay in delays.items()}, ping_group_range=EVERYBODY
    )
    found = probe_in(lab, *delays, modes=modes, packets=9)
    for address, delay_ms in delays.items():
        assert None not in rtts_of(found[address])
        assert delay_ms <= median_ms(found[address]) < delay_ms + TOLERANCE_MS
    assert {counts.requests for counts in lab.counts().values()} == {9}


@MODES
def test_every_tenth_packet_lost_is_ten_percent_exactly(network_lab: MakeLab, modes: tuple[str, ...]) -> None:
    lab = network_lab({"10.77.0.10": Host(delay_ms=1, lose_every=10)}, ping_group_range=EVERYBODY)
    rtts = rtts_of(probe_in(lab, "10.77.0.10", modes=modes, packets=30, packet_interval_ms=10)["10.77.0.10"])
    assert [number for number, rtt in enumerate(rtts, 1) if rtt is None] == [10, 20, 30]
    counts = lab.counts()["10.77.0.10"]
    assert (counts.requests, counts.replies) == (30, 27)


@MODES
def test_a_silent_a_late_and_a_forging_host_time_out(network_lab: MakeLab, modes: tuple[str, ...]) -> None:
    lab = network_lab(
        {
            "10.77.0.9": Host(dead=True),
            "10.77.0.3": Host(delay_ms=250),
            "10.77.0.6": Host(dead=True, forged=True),
            "fd77::6": Host(dead=True, forged=True),
        },
        ping_group_range=EVERYBODY,
    )
    found = probe_in(lab, *lab.counts(), modes=modes, packets=10, timeout_ms=200)
    assert {address: (each["kind"], each["sent"]) for address, each in found.items()} == dict.fromkeys(
        ["10.77.0.9", "10.77.0.3", "10.77.0.6", "fd77::6"], ("Timeout", 10)
    )
    assert lab.counts()["10.77.0.6"].replies == 10


@MODES
@pytest.mark.parametrize("quote_bytes", [548, 28])
def test_a_router_that_complains_makes_a_host_unreachable(
    network_lab: MakeLab, modes: tuple[str, ...], quote_bytes: int
) -> None:
    lab = network_lab(
        {
            "10.77.0.8": Host(unreachable_from=ROUTER, quote_bytes=quote_bytes),
            "fd77::8": Host(unreachable_from=ROUTER_IPV6),
            "10.77.0.5": Host(delay_ms=5),
        },
        ping_group_range=EVERYBODY,
    )
    found = probe_in(lab, "10.77.0.8", "fd77::8", "10.77.0.5", modes=modes)
    for address, router in (("10.77.0.8", ROUTER), ("fd77::8", ROUTER_IPV6)):
        assert found[address] == {
            "kind": "Unreachable",
            "address": address,
            "sent": 5,
            "reporter": router,
            "reason": f"host unreachable {CODE[':' in address]}",
        }
    assert None not in rtts_of(found["10.77.0.5"])


def test_duplicate_replies_and_a_forgery_before_the_true_one_change_nothing(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.4": Host(delay_ms=10, copies=3, forged=True)})
    found = probe_in(lab, "10.77.0.4")["10.77.0.4"]
    assert len(rtts_of(found)) == 5
    assert 10 <= median_ms(found) < 10 + TOLERANCE_MS
    assert lab.counts()["10.77.0.4"].replies == 20


def test_what_has_no_route_no_name_or_is_a_broadcast_is_not_sent_and_spoils_nothing(
    network_lab: MakeLab,
) -> None:
    lab = network_lab({"10.77.0.5": Host(delay_ms=5)})
    found = probe_in(lab, "192.0.2.7", "nothing.example", "10.77.0.255", "2001:db8::1", "10.77.0.5")
    assert found["192.0.2.7"]["kind"] == "SendFailed"
    assert found["192.0.2.7"]["reason"] == "no route to its network"
    assert found["nothing.example"]["kind"] == "NameNotResolved"
    assert found["10.77.0.255"]["kind"] == "SendFailed"
    assert found["2001:db8::1"]["kind"] == "SendFailed"
    assert None not in rtts_of(found["10.77.0.5"])


def test_a_user_without_privileges_probes_over_datagram_sockets(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host(delay_ms=5)}, ping_group_range=EVERYBODY)
    skip_unless_readable(lab)
    order: dict[str, object] = {"hosts": ["10.77.0.5", "127.0.0.1", "::1"]}
    found = order_in(lab, order, as_user=NOBODY)
    assert "datagram" in str(found["described"])
    outcomes = found["outcomes"]
    assert isinstance(outcomes, dict)
    assert {each["kind"] for each in outcomes.values()} == {"Replied"}


def test_a_user_who_may_open_no_socket_is_told_the_remedy(network_lab: MakeLab) -> None:
    lab = network_lab(ping_group_range=(1, 0))
    skip_unless_readable(lab)
    found = order_in(lab, {"hosts": ["127.0.0.1"]}, as_user=NOBODY)
    assert found["error"] == "privilege_missing"
    assert "net.ipv4.ping_group_range" in str(found["message"])


def test_a_busy_interpreter_does_not_lengthen_rtts(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.20": Host(delay_ms=20)})
    found = probe_in(lab, "10.77.0.20", busy=True, packets=20)["10.77.0.20"]
    # Three other threads hold the lock for 5 ms each in turn: read at leisure, an RTT would be some 15 ms longer.
    assert 20 <= median_ms(found) < 20 + TOLERANCE_MS
