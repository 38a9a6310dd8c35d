"""ICMP messages as bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icmplib import ICMPv4Socket

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.packets import (
    Complaint,
    filler,
    parse_complaint,
    reason_of,
    request_template,
    sum_of_words,
    wanted_types,
)

HEAD = bytes(range(16))
TOKEN_INDEX = struct.unpack("!QQ", HEAD)
ROUTER = bytes([10, 77, 0, 254])
ROUTER_IPV6 = bytes.fromhex("fd7700000000000000000000000000fe")
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


def parse(data: bytes, *, family: Family = Family.IPV4) -> Complaint | None:
    source = ROUTER if family is Family.IPV4 else ROUTER_IPV6
    return parse_complaint(data, family=family, source=source)


@pytest.mark.parametrize("option_words", [0, 2, 10])
def test_an_error_tells_which_request_it_is_about_and_where_that_went(option_words: int) -> None:
    quoted = ipv4_header(option_words=option_words) + icmp(8)
    assert parse(icmp(3, 1, quoted, (0, 0))) == Complaint(
        "10.77.0.254", 3, 1, "host unreachable (type 3, code 1)", False, 0x1234, 0xABCD, TARGET, TOKEN_INDEX
    )


def test_an_ipv6_error_tells_which_request_it_is_about_and_where_that_went() -> None:
    message = icmp(1, 3, ipv6_header() + icmp(128), (0, 0))
    assert parse(message, family=Family.IPV6) == Complaint(
        "fd77::fe",
        1,
        3,
        "host unreachable (type 1, code 3)",
        False,
        0x1234,
        0xABCD,
        TARGET_IPV6,
        TOKEN_INDEX,
    )


@pytest.mark.parametrize("quoted_bytes", [0, 15])
def test_an_error_that_quotes_only_eight_bytes_has_no_head(quoted_bytes: int) -> None:
    quoted = ipv4_header() + icmp(8, body=HEAD[:quoted_bytes])
    complaint = parse(icmp(11, 0, quoted, (0, 0)))
    assert complaint is not None
    assert (complaint.reason, complaint.head) == ("time to live exceeded (type 11, code 0)", None)
    assert complaint.time_exceeded


def test_fragments_that_were_not_reassembled_are_no_sign_of_too_many_routers() -> None:
    complaint = parse(icmp(11, 1, ipv4_header() + icmp(8), (0, 0)))
    assert complaint is not None
    assert not complaint.time_exceeded


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(icmp(8), id="our own request on the loopback"),
        pytest.param(icmp(0), id="a reply"),
        pytest.param(icmp(5, 1, ipv4_header() + icmp(8)), id="a redirect"),
        pytest.param(icmp(3, 3, ipv4_header(protocol=17) + icmp(8)), id="about a UDP packet"),
        pytest.param(icmp(3, 1, ipv4_header() + icmp(0)), id="about a reply of ours"),
        pytest.param(icmp(3, 1, ipv4_header()[:19]), id="quoting half a header"),
        pytest.param(icmp(3, 1, ipv4_header() + icmp(8)[:7]), id="quoting half an ICMP header"),
        pytest.param(icmp(3, 1, b""), id="quoting nothing"),
        pytest.param(icmp(3)[:7], id="half a header"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_concerns_no_request_of_ours_is_nothing(data: bytes) -> None:
    assert parse(data) is None


def test_an_ipv6_error_about_something_else_is_nothing() -> None:
    message = icmp(1, 3, ipv6_header(protocol=17) + icmp(128), (0, 0))
    assert parse(message, family=Family.IPV6) is None


@given(data=st.binary(max_size=120), family=st.sampled_from(Family))
def test_no_bytes_from_the_network_break_the_parser(data: bytes, family: Family) -> None:
    complaint = parse(data, family=family)
    assert complaint is None or len(complaint.destination) in (4, 16)


@given(type_=st.integers(0, 255), code=st.integers(0, 255), quoted=st.binary(max_size=120))
def test_no_error_breaks_the_parser(type_: int, code: int, quoted: bytes) -> None:
    for family, header in ((Family.IPV4, ipv4_header()), (Family.IPV6, ipv6_header())):
        for message in (icmp(type_, code, quoted), icmp(type_, code, header + quoted)):
            complaint = parse(message, family=family)
            assert complaint is None or complaint.reason.endswith(f"(type {type_}, code {code})")


@given(data=st.binary(max_size=200))
def test_the_sum_of_words_is_the_internet_checksums(data: bytes) -> None:
    words = data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    assert sum_of_words(data) == total % 0xFFFF
    assert sum_of_words(bytearray(data)) == total % 0xFFFF


@pytest.mark.parametrize("family", Family, ids=str)
@pytest.mark.parametrize("payload_bytes", [16, 17, 56, 8_972])
def test_a_request_has_its_type_identifier_and_size(family: Family, payload_bytes: int) -> None:
    packet = request_template(family, 0x1234, payload_bytes)
    assert len(packet) == 8 + payload_bytes
    assert packet[0] == (8 if family is Family.IPV4 else 128)
    assert packet[4:6] == b"\x12\x34"
    assert packet[24:] == filler(payload_bytes - 16)


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
    assert reason_of(Family.IPV4, 3, 99) == "destination unreachable (type 3, code 99)"
    assert reason_of(Family.IPV6, 2, 0) == "packet too big for the path (type 2, code 0)"
    assert reason_of(Family.IPV4, 5, 1) is None


def test_replies_and_errors_are_wanted_and_requests_are_not() -> None:
    assert set(wanted_types(Family.IPV4)) == {0, 3, 11, 12}
    assert set(wanted_types(Family.IPV6)) == {129, 1, 2, 3, 4}
