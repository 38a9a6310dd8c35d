"""Replies from elsewhere, cut, corrupted, reordered and duplicated, and marks of the IP header, in a namespace."""

import pytest

from tests.netlab import ROUTER, ROUTER_IPV6, Host, MakeLab, NetworkLab, Router
from tests.probes.lab_probing import (
    EVERYBODY,
    MODES,
    TOLERANCE_MS,
    Found,
    median_ms,
    order_in,
    probe_in,
    rtts_of,
)

pytestmark = pytest.mark.network

GOOD = {"10.77.0.5": Host(delay_ms=5), "fd77::5": Host(delay_ms=5)}
ECHO = {"packets": 4, "packet_interval_ms": 20, "timeout_ms": 300}


def both_in(lab: NetworkLab, *hosts: str, modes: tuple[str, ...], **echo: object) -> tuple[Found, Found]:
    """Outcomes and strays by host."""
    order = {"hosts": list(hosts), "modes": list(modes), "echo": {**ECHO, **echo}}
    found = order_in(lab, order)
    outcomes, strays = found["outcomes"], found["strays"]
    assert isinstance(outcomes, dict)
    assert isinstance(strays, dict)
    return outcomes, strays


def assert_the_others_answered(outcomes: Found) -> None:
    for host in GOOD:
        assert None not in rtts_of(outcomes[host])
        assert 5 <= median_ms(outcomes[host]) < 5 + TOLERANCE_MS


@MODES
def test_answers_from_another_address_do_not_count_and_are_told(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    bad = {
        "10.77.0.7": Host(answers_from="10.77.0.99"),
        "fd77::7": Host(answers_from="fd77::99"),
        "10.77.0.8": Host(answers_from="10.77.0.5"),
    }
    lab = network_lab({**GOOD, **bad}, ping_group_range=EVERYBODY)
    outcomes, strays = both_in(lab, *GOOD, *bad, modes=modes)
    for host, settings in bad.items():
        assert (outcomes[host]["kind"], outcomes[host]["sent"]) == ("Timeout", 4)
        assert strays[host]["elsewhere"] == settings.answers_from
    assert_the_others_answered(outcomes)


@MODES
def test_replies_that_are_cut_count_where_they_tell_whose_they_are(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    bad = {
        "10.77.0.7": Host(truncate_to=24),
        "10.77.0.8": Host(truncate_to=23),
        "10.77.0.9": Host(truncate_to=8),
        "fd77::7": Host(truncate_to=24),
        "fd77::8": Host(truncate_to=23),
    }
    lab = network_lab({**GOOD, **bad}, ping_group_range=EVERYBODY)
    outcomes, _ = both_in(lab, *GOOD, *bad, modes=modes)
    assert {host: outcomes[host]["kind"] for host in bad} == {
        "10.77.0.7": "Replied",
        "10.77.0.8": "Timeout",
        "10.77.0.9": "Timeout",
        "fd77::7": "Replied",
        "fd77::8": "Timeout",
    }
    assert_the_others_answered(outcomes)


@MODES
def test_corrupted_replies_do_not_count_and_are_told_where_the_kernel_lets_them_through(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    bad = {
        "10.77.0.7": Host(corrupt="checksum"),
        "10.77.0.8": Host(corrupt="payload"),
        "fd77::7": Host(corrupt="checksum"),
        "fd77::8": Host(corrupt="payload"),
    }
    lab = network_lab({**GOOD, **bad}, ping_group_range=EVERYBODY)
    outcomes, strays = both_in(lab, *GOOD, *bad, modes=modes)
    assert {(outcomes[host]["kind"], outcomes[host]["sent"]) for host in bad} == {("Timeout", 4)}
    kernel_verifies_v4 = modes == ("datagram",)
    assert {host: strays[host]["corrupted"] for host in bad} == {
        "10.77.0.7": 0 if kernel_verifies_v4 else 4,
        "10.77.0.8": 4,
        "fd77::7": 0,
        "fd77::8": 4,
    }
    assert_the_others_answered(outcomes)


@MODES
def test_reordered_replies_answer_each_its_own_packet(network_lab: MakeLab, modes: tuple[str, ...]) -> None:
    delays = (120.0, 80.0, 40.0, 5.0)
    bad = {"10.77.0.7": Host(delays_ms=delays), "fd77::7": Host(delays_ms=delays)}
    lab = network_lab({**GOOD, **bad}, ping_group_range=EVERYBODY)
    outcomes, strays = both_in(lab, *GOOD, *bad, modes=modes)
    for host in bad:
        for rtt, delay in zip(rtts_of(outcomes[host]), delays, strict=True):
            assert rtt is not None
            assert delay <= rtt < delay + 4 * TOLERANCE_MS
        assert strays[host] == {"duplicates": 0, "late": 0, "corrupted": 0, "elsewhere": ""}


@MODES
def test_duplicates_and_late_replies_are_told(network_lab: MakeLab, modes: tuple[str, ...]) -> None:
    bad = {"10.77.0.7": Host(delay_ms=5, copies=3), "fd77::7": Host(delay_ms=5, copies=3)}
    late = {"10.77.0.8": Host(delay_ms=150), "fd77::8": Host(delay_ms=150)}
    lab = network_lab({**bad, **late}, ping_group_range=EVERYBODY)
    outcomes, strays = both_in(lab, *bad, *late, modes=modes, timeout_ms=100, packet_interval_ms=100)
    for host in bad:
        assert len(rtts_of(outcomes[host])) == 4
        duplicates = strays[host]["duplicates"]
        assert isinstance(duplicates, int)
        assert 6 <= duplicates <= 8  # those to the last packet may come when the round is over
    for host in late:
        assert outcomes[host]["kind"] == "Timeout"
        count = strays[host]["late"]
        assert isinstance(count, int)
        assert count >= 2


# --- The IP header ----------------------------------------------------------------------------------------


@MODES
def test_dscp_and_ttl_are_those_that_the_host_sees(network_lab: MakeLab, modes: tuple[str, ...]) -> None:
    lab = network_lab(GOOD, ping_group_range=EVERYBODY)
    probe_in(lab, *GOOD, modes=modes, packets=2, ttl=9, dscp=46)
    for host in GOOD:
        assert {(marks.traffic_class, marks.ttl) for marks in lab.arrived()[host]} == {(46 << 2, 9)}


@MODES
def test_a_ttl_that_is_too_low_is_told_as_such(network_lab: MakeLab, modes: tuple[str, ...]) -> None:
    near, near_v6 = Router(address="10.77.1.1"), Router(address="fd77:1::1")
    lab = network_lab(
        {
            "10.77.0.7": Host(path=(near, Router(address="10.77.1.2"))),
            "fd77::7": Host(path=(near_v6, Router(address="fd77:1::2"))),
            "10.77.0.8": Host(time_exceeded_from=ROUTER),
            "fd77::8": Host(time_exceeded_from=ROUTER_IPV6),
        },
        ping_group_range=EVERYBODY,
    )
    found = probe_in(lab, *lab.counts(), modes=modes, ttl=1)
    assert {host: (each["kind"], each["reporter"]) for host, each in found.items()} == {
        "10.77.0.7": ("TimeExceeded", "10.77.1.1"),
        "fd77::7": ("TimeExceeded", "fd77:1::1"),
        "10.77.0.8": ("TimeExceeded", ROUTER),
        "fd77::8": ("TimeExceeded", ROUTER_IPV6),
    }


@MODES
def test_what_may_not_be_fragmented_is_refused_where_the_path_is_too_narrow(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    narrow = {"10.77.0.7": Host(mtu=1_400), "fd77::7": Host(mtu=1_400)}
    lab = network_lab({**GOOD, **narrow}, ping_group_range=EVERYBODY)
    large = probe_in(lab, *narrow, *GOOD, modes=modes, payload_bytes=1_372 + 1, dont_fragment=True)
    assert (large["10.77.0.7"]["kind"], large["10.77.0.7"]["reason"]) == (
        "Unreachable",
        "packet too big for the path, and fragmenting is not allowed (type 3, code 4)",
    )
    assert (large["fd77::7"]["kind"], large["fd77::7"]["reason"]) == (
        "Unreachable",
        "packet too big for the path (type 2, code 0)",
    )
    assert {large[host]["kind"] for host in GOOD} == {"Replied"}
    assert {marks.dont_fragment for marks in lab.arrived()["10.77.0.5"]} == {True}
    fitting = probe_in(lab, "10.77.0.7", modes=modes, payload_bytes=1_372, dont_fragment=True)
    assert None not in rtts_of(fitting["10.77.0.7"])


@MODES
def test_what_is_larger_than_the_interface_takes_and_may_not_be_cut_is_not_sent(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    lab = network_lab(GOOD, ping_group_range=EVERYBODY)
    found = probe_in(lab, *GOOD, modes=modes, payload_bytes=8_972, dont_fragment=True)
    for host in GOOD:
        assert (found[host]["kind"], found[host]["reason"]) == (
            "SendFailed",
            "the packet is larger than the network interface takes",
        )
    whole = probe_in(lab, *GOOD, modes=modes, payload_bytes=8_972)
    for host in GOOD:
        assert None not in rtts_of(whole[host])
