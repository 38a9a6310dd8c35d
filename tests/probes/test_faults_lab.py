"""An interface that vanishes and comes back, and names that fail in every way, in a namespace."""

import pytest

from tests.netlab import Host, MakeLab
from tests.probes.lab_probing import EVERYBODY, MODES, order_in, rounds_in, rtts_of, wait_until

pytestmark = pytest.mark.network

HOSTS = {"10.77.0.5": Host(delay_ms=5), "fd77::5": Host(delay_ms=5)}


@MODES
def test_an_interface_may_vanish_and_come_back_between_rounds(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    lab = network_lab(HOSTS, ping_group_range=EVERYBODY)
    with rounds_in(lab, *HOSTS, "127.0.0.1", rounds=3, modes=modes) as rounds:
        for up in (True, False, True):
            if not up:
                lab.set_link(up=False)
                rounds.begin()
            found = rounds.found()
            assert {found[host]["kind"] for host in HOSTS} == {"Replied" if up else "SendFailed"}
            assert None not in rtts_of(found["127.0.0.1"])
            if not up:
                lab.set_link(up=True)
                rounds.begin()


@MODES
def test_an_interface_may_vanish_and_come_back_in_a_round(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    lab = network_lab(HOSTS, ping_group_range=EVERYBODY)
    with rounds_in(
        lab, *HOSTS, "127.0.0.1", rounds=1, modes=modes, packets=20, packet_interval_ms=100
    ) as rounds:
        wait_until(lambda: all(counts.replies >= 3 for counts in lab.counts().values()))
        lab.set_link(up=False)
        lab.set_link(up=True)
        found = rounds.found()
    assert len(rtts_of(found["127.0.0.1"])) == 20
    assert None not in rtts_of(found["127.0.0.1"])
    for host in HOSTS:
        rtts = rtts_of(found[host])
        assert None not in rtts[:2]
        assert None not in rtts[-2:]  # it was up again
        assert sum(rtt is not None for rtt in rtts) >= 5


@MODES
def test_an_interface_that_stays_away_ends_a_round_with_what_was_answered_before(
    network_lab: MakeLab, modes: tuple[str, ...]
) -> None:
    lab = network_lab(HOSTS, ping_group_range=EVERYBODY)
    with rounds_in(
        lab, *HOSTS, "127.0.0.1", rounds=1, modes=modes, packets=20, packet_interval_ms=100
    ) as rounds:
        wait_until(lambda: all(counts.replies >= 3 for counts in lab.counts().values()))
        lab.set_link(up=False)
        found = rounds.found()
    assert len(rtts_of(found["127.0.0.1"])) == 20
    for host in HOSTS:
        rtts = rtts_of(found[host])
        assert None not in rtts[:2]
        assert len(rtts) < 20  # what could not be sent is neither sent nor lost


def test_names_that_fail_in_every_way_spoil_no_other(network_lab: MakeLab) -> None:
    lab = network_lab(HOSTS)
    bad = ["no-such.example", "nothing.example", "slow.example"]
    order = {
        "hosts": [*bad, "good.example", "10.77.0.5"],
        "echo": {"packets": 2, "packet_interval_ms": 20, "timeout_ms": 300},
        "names": {"nothing.example": [[]], "slow.example": [None], "good.example": [["10.77.0.5"]]},
    }
    outcomes = order_in(lab, order)["outcomes"]
    assert isinstance(outcomes, dict)
    assert {name: outcomes[name]["reason"] for name in bad} == {
        "no-such.example": "no such name",
        "nothing.example": "the name has no address",
        "slow.example": "no answer from the name server within 0.5 s",
    }
    assert {outcomes[name]["address"] for name in ("good.example", "10.77.0.5")} == {"10.77.0.5"}
    assert None not in rtts_of(outcomes["good.example"])


def test_a_name_that_changes_its_address_between_rounds_is_probed_at_the_new_one(
    network_lab: MakeLab,
) -> None:
    lab = network_lab({**HOSTS, "10.77.0.20": Host(delay_ms=20)})
    with rounds_in(
        lab,
        "moving.example",
        rounds=3,
        names={"moving.example": [["10.77.0.5"], ["10.77.0.20"]]},
    ) as rounds:
        addresses = []
        for number in range(3):
            if number:
                rounds.begin()
            addresses.append(rounds.found()["moving.example"]["address"])
    # In the second round its name has expired: it goes to what is known, and is looked up for the third.
    assert addresses == ["10.77.0.5", "10.77.0.5", "10.77.0.20"]
