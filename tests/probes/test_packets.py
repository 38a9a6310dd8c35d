"""ICMP messages as bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icmplib import ICMPv4Socket

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.packets import Complaint, Reply, filler, parse_message, reason_of, wanted_types

HEAD = bytes(range(16))
TARGET = b"\x0a\x4d\x00\x05"
TARGET_IPV6 = bytes.fromhex("fd770000000000000000000000000005")


class UnopenedSocket(ICMPv4Socket):  # type: ignore[misc]  # icmplib has no types
    """Builds packets only."""

    def __init__(self) -> None:
        self._sock = None


def ipv4_header(*, protocol: int = 1, destination: bytes = TARGET, option_words: int = 0) -> bytes:
    first = 0x45 + option_words
    return (
        bytes([first])
        + bytes(8)
        + bytes([protocol])
        + bytes(2)
        + b"\x0a\x4d\0\xfe"
        + destination
        + bytes(4 * option_words)
    )


def ipv6_header(*, protocol: int = 58) -> bytes:
    return b"\x60" + bytes(5) + bytes([protocol]) + bytes(1) + bytes(16) + TARGET_IPV6


def icmp(type_: int, code: int = 0, body: bytes = HEAD, numbers: tuple[int, int] = (0x1234, 0xABCD)) -> bytes:
    return struct.pack("!BBHHH", type_, code, 0, *numbers) + body


def parse(data: bytes, *, family: Family = Family.IPV4, ip_header: bool = True) -> Reply | Complaint | None:
    return parse_message(data, family=family, ip_header=ip_header, source="10.77.0.254")


@pytest.mark.parametrize("option_words", [0, 1, 10])
def test_a_reply_is_read_behind_an_ipv4_header_of_any_length(option_words: int) -> None:
    data = ipv4_header(option_words=option_words) + icmp(0, body=HEAD + b"more")
    assert parse(data) == Reply(0x1234, 0xABCD, HEAD)


def test_a_reply_is_read_where_the_socket_delivers_no_ip_header() -> None:
    assert parse(icmp(0), ip_header=False) == Reply(0x1234, 0xABCD, HEAD)
    assert parse(icmp(129), family=Family.IPV6, ip_header=False) == Reply(0x1234, 0xABCD, HEAD)


def test_an_error_tells_which_request_it_is_about_and_where_that_went() -> None:
    quoted = ipv4_header(option_words=2) + icmp(8)
    assert parse(ipv4_header() + icmp(3, 1, quoted, (0, 0))) == Complaint(
        "10.77.0.254", "host unreachable", 0x1234, 0xABCD, TARGET, HEAD
    )


def test_an_ipv6_error_tells_which_request_it_is_about_and_where_that_went() -> None:
    message = icmp(1, 3, ipv6_header() + icmp(128), (0, 0))
    assert parse(message, family=Family.IPV6, ip_header=False) == Complaint(
        "10.77.0.254", "host unreachable", 0x1234, 0xABCD, TARGET_IPV6, HEAD
    )


def test_an_error_that_quotes_only_eight_bytes_has_no_head() -> None:
    quoted = ipv4_header() + icmp(8, body=b"")
    complaint = parse(ipv4_header() + icmp(11, 0, quoted, (0, 0)))
    assert isinstance(complaint, Complaint)
    assert (complaint.reason, complaint.head) == ("time to live exceeded", None)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ipv4_header() + icmp(8), id="our own request on the loopback"),
        pytest.param(ipv4_header() + icmp(0, body=HEAD[:15]), id="a reply too short to be ours"),
        pytest.param(ipv4_header() + icmp(5, 1, ipv4_header() + icmp(8)), id="a redirect"),
        pytest.param(ipv4_header() + icmp(3, 3, ipv4_header(protocol=17) + icmp(8)), id="about a UDP packet"),
        pytest.param(ipv4_header() + icmp(3, 1, ipv4_header() + icmp(0)), id="about a reply of ours"),
        pytest.param(ipv4_header() + icmp(3, 1, ipv4_header()[:19]), id="quoting half a header"),
        pytest.param(
            ipv4_header() + icmp(3, 1, ipv4_header() + icmp(8)[:7]), id="quoting half an ICMP header"
        ),
        pytest.param(ipv4_header() + icmp(3, 1, b""), id="quoting nothing"),
        pytest.param(ipv4_header(), id="an empty packet"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_concerns_no_request_of_ours_is_nothing(data: bytes) -> None:
    assert parse(data) is None


def test_an_ipv6_error_about_something_else_is_nothing() -> None:
    message = icmp(1, 3, ipv6_header(protocol=17) + icmp(128), (0, 0))
    assert parse(message, family=Family.IPV6, ip_header=False) is None


@given(data=st.binary(max_size=120), family=st.sampled_from(Family), ip_header=st.booleans())
def test_no_bytes_from_the_network_break_the_parser(data: bytes, family: Family, ip_header: bool) -> None:
    message = parse_message(data, family=family, ip_header=ip_header, source="192.0.2.1")
    assert message is None or len(message) in (3, 6)


@given(
    head=st.binary(min_size=16, max_size=16),
    size=st.integers(0, 1_456),
    numbers=st.tuples(*[st.integers(0, 65_535)] * 2),
)
def test_the_filler_has_the_size_asked_for_and_leaves_the_checksum_alone(
    head: bytes, size: int, numbers: tuple[int, int]
) -> None:
    icmplib = UnopenedSocket()
    whole = icmplib._create_packet(*numbers, head + filler(size))
    assert icmplib._create_packet(*numbers, head) + filler(size) == whole
    assert len(whole) == 8 + 16 + size


def test_an_unknown_code_of_a_known_error_still_has_a_reason() -> None:
    assert reason_of(Family.IPV4, 3, 99) == "destination unreachable"
    assert reason_of(Family.IPV6, 2, 0) == "packet too big for the path"


def test_replies_and_errors_are_wanted_and_requests_are_not() -> None:
    assert set(wanted_types(Family.IPV4)) == {0, 3, 11, 12}
    assert set(wanted_types(Family.IPV6)) == {129, 1, 2, 3, 4}
