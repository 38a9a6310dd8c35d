"""The lab itself: seen by raw sockets, by the system's own ping where that is installed, and by what it counts."""

import ipaddress
import json
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from tests.netlab import ROUTER, ROUTER_IPV6, Counts, Host, MakeLab, Marks, NetworkLab, Router
from tests.netlab.exchange import Answer, payload
from tests.responder.fragments import Fragments
from tests.responder.wire import icmp_message, ip_packet, plain_reply

pytestmark = pytest.mark.network

EXCHANGE = Path(__file__).with_name("exchange.py")


@pytest.fixture
def ping() -> str:
    found = shutil.which("ping")
    if found is None:
        pytest.skip("the ping command is not installed")
    return found


def namespaces() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


def test_the_systems_ping_sees_the_delay_that_was_set(network_lab: MakeLab, ping: str) -> None:
    lab = network_lab({"10.77.0.30": Host(delay_ms=30), "fd77::30": Host(delay_ms=30)})
    for address in ("10.77.0.30", "fd77::30"):
        done = lab.run([ping, "-n", "-q", "-c", "5", "-i", "0.05", address], timeout=20)
        assert " 0% packet loss" in done.stdout, done.stdout
        fastest_ms = float(done.stdout.split("= ")[1].split("/")[0])
        assert 30 <= fastest_ms < 35
    assert lab.counts()["fd77::30"] == Counts(requests=5, replies=5)


def test_the_systems_ping_sees_the_loss_and_the_complaint(network_lab: MakeLab, ping: str) -> None:
    lab = network_lab({"10.77.0.10": Host(lose_every=2), "10.77.0.8": Host(unreachable_from=ROUTER)})
    lossy = lab.run([ping, "-n", "-q", "-c", "4", "-i", "0.05", "-W", "1", "10.77.0.10"], timeout=20)
    assert " 50% packet loss" in lossy.stdout, lossy.stdout
    complaint = lab.run([ping, "-n", "-c", "1", "-W", "1", "10.77.0.8"], timeout=20)
    assert "Destination Host Unreachable" in complaint.stdout, complaint.stdout


def test_a_host_can_change_its_ways(network_lab: MakeLab, ping: str) -> None:
    lab = network_lab({"10.77.0.5": Host()})
    once = [ping, "-n", "-c", "1", "-W", "1", "10.77.0.5"]
    assert lab.run(once, timeout=20).returncode == 0
    lab.set_hosts({"10.77.0.5": Host(dead=True)})
    assert lab.run(once, timeout=20).returncode == 1
    assert lab.counts()["10.77.0.5"] == Counts(requests=2, replies=1)


def test_a_lab_is_removed_also_when_its_test_fails(network_lab: MakeLab) -> None:
    network_lab()  # for the skip
    failing = NetworkLab({"10.77.0.5": Host()})

    def fail() -> None:
        with failing:
            assert failing.namespace in namespaces()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert failing.namespace not in namespaces()


def test_a_lab_that_cannot_be_set_up_is_removed_too(network_lab: MakeLab) -> None:
    network_lab()  # for the skip
    broken = NetworkLab(ping_group_range=(-1, -1))
    with pytest.raises(subprocess.CalledProcessError), broken:
        raise AssertionError("it was set up")
    assert broken.namespace not in namespaces()


def test_a_lab_that_is_not_entered_says_so() -> None:
    with pytest.raises(RuntimeError, match="with statement"):
        NetworkLab().counts()


def exchange(lab: NetworkLab, to: str, **order: object) -> list[Answer]:
    """What comes back, seen by raw sockets of the test's own in the lab's namespace."""
    command = [*lab.prefix(), sys.executable, "-S", "-E", str(EXCHANGE)]
    text = json.dumps({"to": to, **order})
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [Answer(**answer) for answer in json.loads(done.stdout)]


BOTH = pytest.mark.parametrize(("address", "router"), [("10.77.0.5", ROUTER), ("fd77::5", ROUTER_IPV6)])
REPLY = {"10.77.0.5": 0, "fd77::5": 129}
BODY = payload(56).hex()


@BOTH
def test_a_reply_is_the_request_with_its_numbers_and_a_right_checksum(
    network_lab: MakeLab, address: str, router: str
) -> None:
    # The carries of the checksum that is adjusted differ from packet to packet.
    answers = exchange(network_lab({address: Host()}), address, packets=300, expect=300)
    assert {(answer.source, answer.type, answer.body, answer.right) for answer in answers} == {
        (address, REPLY[address], BODY, True)
    }
    assert [answer.sequence for answer in answers] == list(range(300))


@pytest.mark.parametrize("address", ["10.77.0.5", "fd77::5"])
def test_replies_whose_checksum_carries_are_right_too(address: str) -> None:
    asking = "10.77.0.1" if "." in address else "fd77::1"
    source, destination = ipaddress.ip_address(asking).packed, ipaddress.ip_address(address).packed
    request, reply = (8, 0) if "." in address else (128, 129)
    for number in range(0, 0x10000, 7):
        rest = struct.pack("!HH", 0x7E57, number)
        asked = icmp_message(request, 0, rest, b"what", source=source, destination=destination)
        answer = icmp_message(reply, 0, rest, b"what", source=destination, destination=source)
        expected = ip_packet(destination, source, answer)
        assert plain_reply(ip_packet(source, destination, asked)) == expected


@BOTH
def test_a_host_answers_from_another_address(network_lab: MakeLab, address: str, router: str) -> None:
    (answer,) = exchange(network_lab({address: Host(answers_from=router)}), address, expect=1)
    assert (answer.source, answer.type, answer.body, answer.right) == (router, REPLY[address], BODY, True)


@BOTH
@pytest.mark.parametrize("size", [8, 20, 63])
def test_replies_are_truncated(network_lab: MakeLab, address: str, router: str, size: int) -> None:
    (answer,) = exchange(network_lab({address: Host(truncate_to=size)}), address, expect=1)
    assert (answer.body, answer.right) == (BODY[: 2 * (size - 8)], True)


@pytest.mark.parametrize(("corrupt", "right"), [("checksum", False), ("payload", True)])
def test_a_bit_of_the_payload_is_flipped(
    network_lab: MakeLab, corrupt: Literal["checksum", "payload"], right: bool
) -> None:
    (answer,) = exchange(network_lab({"10.77.0.5": Host(corrupt=corrupt)}), "10.77.0.5", expect=1)
    assert int(answer.body, 16) ^ int(BODY, 16) == 1
    assert answer.right is right


def test_over_ipv6_the_kernel_drops_what_its_checksum_gives_away(network_lab: MakeLab) -> None:
    lab = network_lab({"fd77::5": Host(corrupt="checksum"), "fd77::6": Host(corrupt="payload")})
    assert exchange(lab, "fd77::5", wait_ms=100) == []
    (answer,) = exchange(lab, "fd77::6", expect=1)
    assert int(answer.body, 16) ^ int(BODY, 16) == 1
    assert lab.counts()["fd77::5"] == Counts(requests=1, replies=1)


def test_delays_that_take_turns_bring_replies_out_of_order(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host(delays_ms=(300, 5))})
    answers = exchange(lab, "10.77.0.5", packets=4, interval_ms=10, expect=4)
    assert [answer.sequence for answer in answers] == [1, 3, 0, 2]
    assert all(answer.rtt_ms >= 300 for answer in answers[2:])


def test_copies_and_forgeries_come_besides(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host(delay_ms=5, copies=2, forged=True)})
    answers = exchange(lab, "10.77.0.5", expect=3)
    assert [answer.body for answer in answers] == ["00" * 56, BODY, BODY]


def test_the_delay_varies_and_some_are_lost_by_chance(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host(delay_ms=20, jitter_ms=10), "10.77.0.6": Host(lose_share=0.5)})
    rtts_ms = [each.rtt_ms for each in exchange(lab, "10.77.0.5", packets=40, interval_ms=1, expect=40)]
    assert min(rtts_ms) >= 10
    assert max(rtts_ms) - min(rtts_ms) > 8
    assert 20 < len(exchange(lab, "10.77.0.6", packets=100, wait_ms=500)) < 80


@BOTH
def test_time_exceeded_comes_for_every_packet_and_quotes_it(
    network_lab: MakeLab, address: str, router: str
) -> None:
    lab = network_lab({address: Host(time_exceeded_from=router, delay_ms=2)})
    answers = exchange(lab, address, packets=2, expect=2)
    type_ = 11 if "." in address else 3
    assert [(answer.source, answer.type, answer.code) for answer in answers] == [(router, type_, 0)] * 2
    assert [bytes.fromhex(answer.body)[-56:].hex() for answer in answers] == [BODY, BODY]
    assert all(answer.right for answer in answers)


@BOTH
def test_a_host_is_unreachable_with_the_code_that_was_set(
    network_lab: MakeLab, address: str, router: str
) -> None:
    lab = network_lab({address: Host(unreachable_from=router, unreachable_code=0)})
    (answer,) = exchange(lab, address, expect=1)
    assert (answer.source, answer.type, answer.code) == (router, 3 if "." in address else 1, 0)


@BOTH
def test_each_router_of_a_path_answers_the_ttl_that_ends_at_it(
    network_lab: MakeLab, address: str, router: str
) -> None:
    first, other, last = (
        ("10.77.1.1", "10.77.1.2", "10.77.3.1") if "." in address else ("fd77:1::1", "fd77:1::2", "fd77:3::1")
    )
    path = (
        Router(address=first, or_address=other, delay_ms=1),
        Router(address=""),
        Router(address=last, delay_ms=30, lose_every=2),
    )
    lab = network_lab({address: Host(delay_ms=40, path=path)})
    assert [each.source for each in exchange(lab, address, ttl=1, packets=2, expect=2)] == [first, other]
    assert exchange(lab, address, ttl=2, wait_ms=100) == []
    (answer,) = exchange(lab, address, ttl=3, packets=2, expect=1)
    assert (answer.source, answer.type) == (last, 11 if "." in address else 3)
    assert answer.rtt_ms >= 30
    assert BODY in answer.body
    assert lab.counts()[address] == Counts(requests=5, replies=3)  # the second packet was not answered
    (answer,) = exchange(lab, address, ttl=4, expect=1)
    assert (answer.source, answer.type) == (address, REPLY[address])


def test_what_is_too_big_for_the_path_is_complained_of_and_told_the_mtu(network_lab: MakeLab) -> None:
    lab = network_lab(
        {
            "10.77.0.5": Host(mtu=1_400, path=(Router(address="10.77.1.1"),)),
            "10.77.0.6": Host(mtu=1_400, mtu_from=""),
            "fd77::5": Host(mtu=1_400),
        }
    )
    fits, too_big = 1_400 - 28, 1_401 - 28
    (answer,) = exchange(lab, "10.77.0.5", dont_fragment=True, payload_bytes=fits, expect=1)
    assert answer.type == 0
    (answer,) = exchange(lab, "10.77.0.5", dont_fragment=True, payload_bytes=too_big, expect=1)
    assert (answer.source, answer.type, answer.code) == ("10.77.1.1", 3, 4)
    assert int(answer.rest, 16) == 1_400
    (answer,) = exchange(lab, "10.77.0.5", payload_bytes=too_big, expect=1)
    assert answer.type == 0  # a router may fragment it
    assert exchange(lab, "10.77.0.6", dont_fragment=True, payload_bytes=too_big, wait_ms=100) == []
    (answer,) = exchange(lab, "fd77::5", payload_bytes=1_400 - 48, expect=1)
    assert answer.type == 129
    (answer,) = exchange(lab, "fd77::5", payload_bytes=1_401 - 48, expect=1)
    assert (answer.source, answer.type, answer.code) == (ROUTER_IPV6, 2, 0)
    assert int(answer.rest, 16) == 1_400


def test_a_device_takes_packets_as_large_as_was_set(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host()}, device_mtu=9_000)
    (answer,) = exchange(lab, "10.77.0.5", dont_fragment=True, payload_bytes=8_972, expect=1)
    assert answer.body == payload(8_972).hex()


@BOTH
def test_what_comes_in_fragments_is_put_together_and_answered(
    network_lab: MakeLab, address: str, router: str
) -> None:
    lab = network_lab({address: Host(mtu=1_500)})
    (answer,) = exchange(lab, address, payload_bytes=4_000, expect=1, fragment=True)
    assert (answer.type, answer.body, answer.right) == (REPLY[address], payload(4_000).hex(), True)
    ((marks, count),) = lab.arrived()[address].items()
    assert (marks.dont_fragment, marks.length, count) == (False, 4_008 + (20 if "." in address else 40), 1)


def test_a_packet_that_lacks_a_fragment_is_given_up_in_the_end() -> None:
    fragments = Fragments()
    head, body = b"\x45\0\0\0" + bytes(16), bytes(8)

    def piece(number: int, field: int) -> bytes:
        return head[:4] + struct.pack("!HH", number, field) + head[8:] + body

    first, last = 0x2000, 0x0001
    assert fragments.take(piece(0, first)) is None
    for number in range(1, 1_002):
        assert fragments.take(piece(number, first)) is None
    assert fragments.take(piece(0, last)) is None
    whole = fragments.take(piece(1_001, last))
    assert whole is not None
    assert (len(whole), whole[6:8]) == (20 + 16, bytes(2))


def test_the_marks_that_requests_arrive_with_are_counted(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host(), "10.77.0.6": Host(jitter_ms=1), "fd77::5": Host()})
    for address in lab.counts():
        exchange(lab, address, packets=2, ttl=9, traffic_class=184, dont_fragment=True, expect=2)
        exchange(lab, address, payload_bytes=100, expect=1)
    for address in ("10.77.0.5", "10.77.0.6"):
        assert lab.arrived()[address] == {
            Marks(184, 9, True, 84): 2,
            Marks(0, 64, False, 128): 1,
        }
    assert lab.arrived()["fd77::5"] == {Marks(184, 9, True, 104): 2, Marks(0, 64, True, 148): 1}


def test_the_delays_that_replies_really_had_are_logged(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host(delay_ms=20), "10.77.0.6": Host(delay_ms=5, copies=2)})
    exchange(lab, "10.77.0.5", expect=1)
    lab.set_log(on=True)
    answers = exchange(lab, "10.77.0.5", also=["10.77.0.6"], packets=3, interval_ms=10, expect=9)
    log = lab.take_log()
    assert {address: len(delays) for address, delays in log.items()} == {"10.77.0.5": 3, "10.77.0.6": 6}
    rtts_ms = [answer.rtt_ms for answer in answers if answer.source == "10.77.0.5"]
    for rtt_ms, delay_ms in zip(rtts_ms, log["10.77.0.5"], strict=True):
        assert 20 <= delay_ms <= rtt_ms
    assert lab.take_log() == {}
    lab.set_log(on=False)
    exchange(lab, "10.77.0.5", expect=1)
    assert lab.take_log() == {}


def test_a_network_is_as_many_hosts_and_one_of_its_own_address_goes_its_own_way(
    network_lab: MakeLab,
) -> None:
    lab = network_lab(
        {
            "10.78.0.0/16": Host(delay_ms=1, dead_every=10),
            "10.78.0.7": Host(dead=True),
            "fd78::/112": Host(jitter_ms=1, dead_every=2),
        }
    )
    addresses = [f"10.78.{number // 256}.{number % 256}" for number in range(256, 276)]
    answers = exchange(lab, "10.78.0.7", also=addresses, expect=18)
    dead = {"10.78.1.4", "10.78.1.14"}  # numbers 260 and 270
    assert {answer.source for answer in answers} == set(addresses) - dead
    assert lab.counts()["10.78.0.0/16"] == Counts(requests=20, replies=18)
    answers = exchange(lab, "fd78::1", also=[f"fd78::{number}" for number in range(2, 10)], expect=5)
    assert {answer.source for answer in answers} == {f"fd78::{number}" for number in (1, 3, 5, 7, 9)}


def test_ten_thousand_hosts_answer_a_burst_without_loss(network_lab: MakeLab) -> None:
    lab = network_lab({"10.78.0.0/16": Host(delay_ms=20)})
    addresses = [f"10.78.{number // 250}.{number % 250 + 1}" for number in range(10_000)]
    # `exchange` reads only between bursts, so its own queue loses some: what the lab saw is what counts.
    exchange(lab, addresses[0], also=addresses[1:], expect=10_000, wait_ms=5_000.0)
    assert lab.counts()["10.78.0.0/16"] == Counts(requests=10_000, replies=10_000)
    assert lab.cpu_s() > 0


def test_many_delays_at_once_are_kept(network_lab: MakeLab) -> None:
    hosts = {f"10.77.0.{number}": Host(delay_ms=number) for number in range(10, 60, 3)}
    lab = network_lab(hosts)
    first, *others = hosts
    answers = exchange(lab, first, also=others, expect=len(hosts))
    assert [answer.source for answer in answers] == list(hosts)
    for answer in answers:
        assert answer.rtt_ms >= hosts[answer.source].delay_ms


def test_an_interface_goes_down_and_comes_back(network_lab: MakeLab) -> None:
    hosts = {"10.77.0.5": Host(), "fd77::5": Host(), "10.78.0.0/16": Host()}
    lab = network_lab(hosts)
    before = lab.run(["ip", "route"], timeout=20).stdout
    lab.set_link(up=False)
    assert lab.run(["ip", "route", "get", "10.77.0.5"], timeout=20).returncode != 0
    lab.set_link(up=True)
    assert lab.run(["ip", "route"], timeout=20).stdout == before
    for address in ("10.77.0.5", "fd77::5", "10.78.4.4"):
        assert len(exchange(lab, address, expect=1)) == 1


def test_what_is_under_way_when_the_interface_goes_down_is_lost(network_lab: MakeLab) -> None:
    lab = network_lab({"10.77.0.5": Host(delay_ms=1_000)})
    lab.set_log(on=True)
    assert exchange(lab, "10.77.0.5", wait_ms=1) == []
    lab.set_link(up=False)
    deadline = time.monotonic() + 30
    while not lab.take_log() and time.monotonic() < deadline:
        pass  # until it was due
    lab.set_link(up=True)
    assert lab.counts()["10.77.0.5"] == Counts(requests=1, replies=0)
    assert len(exchange(lab, "10.77.0.5", expect=1)) == 1


def test_a_route_disappears_and_comes_back(network_lab: MakeLab) -> None:
    lab = network_lab({"10.78.0.0/16": Host(), "10.77.0.5": Host()})
    lab.set_route("10.78.0.0/16", present=False)
    assert "Network is unreachable" in lab.run(["ip", "route", "get", "10.78.0.1"], timeout=20).stderr
    assert len(exchange(lab, "10.77.0.5", expect=1)) == 1
    lab.set_route("10.78.0.0/16", present=True)
    assert len(exchange(lab, "10.78.0.1", expect=1)) == 1
