"""Hosts, and blocks of addresses."""

from contextlib import suppress
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from netstats_xl.domain.addresses import MOST_ADDRESSES, expand, is_block, parse_host


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/30", ("10.0.0.1", "10.0.0.2")),
        ("10.0.0.0/31", ("10.0.0.0", "10.0.0.1")),
        ("10.0.0.7/32", ("10.0.0.7",)),
        ("10.0.0.6/30", ("10.0.0.5", "10.0.0.6")),
        ("10.0.0.0/255.255.255.252", ("10.0.0.1", "10.0.0.2")),
        ("2001:db8::/126", ("2001:db8::1", "2001:db8::2", "2001:db8::3")),
        ("2001:db8::/127", ("2001:db8::", "2001:db8::1")),
        ("10.0.0.9-11", ("10.0.0.9", "10.0.0.10", "10.0.0.11")),
        ("10.0.0.254 – 10.0.1.1", ("10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1")),
        ("fe80::ff-fe80::101", ("fe80::ff", "fe80::100", "fe80::101")),
        ("10.0.0.9-9", ("10.0.0.9",)),
        (" 192.0.2.1 ", ("192.0.2.1",)),
    ],
)
def test_a_block_expands_to_its_usable_addresses_in_order(text: str, expected: tuple[str, ...]) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.0/33", "no CIDR block"),
        ("10.0.0.0/8", "16,777,216 addresses; at most 65,536"),
        ("2001:db8::/32", "2^96 addresses; at most 65,536"),
        ("10.0.0.0-10.1.0.0", "65,537 addresses"),
        ("10.0.0.20-10", "write 10.0.0.10-10.0.0.20"),
        ("10.0.0.1-300", "no range"),
        ("10.0.0.1-::1", "no range"),
        ("::1-20", "no range"),
        ("fe80::1%eth0-fe80::2%eth0", "scope ID"),
        ("fe80::%eth0/120", "scope ID"),
        ("server-1", "no range"),
        ("server", "no address, block or range"),
        ("", "no address, block or range"),
    ],
)
def test_what_cannot_be_expanded_says_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        expand(text)
    assert told in str(caught.value)


def test_the_largest_block_that_is_allowed_expands_whole() -> None:
    addresses = expand("10.1.0.0-10.1.255.255")
    assert len(addresses) == MOST_ADDRESSES == len(set(addresses))


@hypothesis_settings(deadline=None)
@given(st.ip_addresses(v=4), st.integers(20, 32))
def test_a_v4_block_expands_to_what_the_standard_library_calls_its_hosts(
    address: object, prefix: int
) -> None:
    network = ip_network(f"{address}/{prefix}", strict=False)
    assert expand(f"{address}/{prefix}") == tuple(map(str, network.hosts()))


@hypothesis_settings(deadline=None)
@given(st.ip_addresses(), st.integers(0, 300))
def test_a_range_expands_to_consecutive_addresses_from_its_first_to_its_last(
    first: object, count: int
) -> None:
    start = ip_address(str(first))
    if int(start) + count >= 2**start.max_prefixlen:
        count = 0
    addresses = [ip_address(each) for each in expand(f"{start}-{start + count}")]
    assert [int(each) - int(start) for each in addresses] == list(range(count + 1))


@hypothesis_settings(deadline=None)
@given(st.text(alphabet="0123456789.:/-%abcdefgx–", max_size=40))
def test_nothing_but_a_value_error_comes_of_any_text(text: str) -> None:
    for function in (expand, parse_host):
        with suppress(ValueError):
            assert function(text)


@pytest.mark.parametrize(
    "text", ["10.0.0.0/28", "10.0.0.1-20", "10.0.0.0/99", "fe80::1-fe80::ff", "10.0.0.1 - x"]
)
def test_what_is_meant_as_a_block_is_known_as_one(text: str) -> None:
    assert is_block(text)


@pytest.mark.parametrize("text", ["10.0.0.1", "server-1.example", "a/b", "", "-", "::1"])
def test_what_is_no_block_is_not_taken_for_one(text: str) -> None:
    assert not is_block(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        (" ::1 ", "::1"),
        ("2001:DB8:0::10", "2001:db8::10"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("localhost", "localhost"),
        ("Server.Example.com", "Server.Example.com"),
        ("example.com.", "example.com."),
        ("_dns.my_host", "_dns.my_host"),
        ("3com.example", "3com.example"),
        ("bücher.example", "bücher.example"),
        ("core\u2013router.example", "core-router.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_host_is_an_address_in_canonical_form_or_a_name_as_written(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the host is blank"),
        ("http://intranet.example:8080/x", "write the host only, intranet.example"),
        ("https://user:secret@host.example/", "write the host only, host.example"),
        ("http://", "write the host only"),
        ("10.0.0.0/28", "expand it, which makes a row of each"),
        ("10.0.0.1-20", "expand it, which makes a row of each"),
        ("a.example, b.example", "its own row"),
        ("two words", "its own row"),
        ("[::1]", "without brackets, ::1"),
        ("[::1]:443", "write tcp://[::1]:443 to probe the port, or the host only, ::1"),
        ("host:22", "write tcp://host:22 to probe the port, or the host only, host"),
        ("host/share", "a path does not belong here: write the host only, host"),
        ("\\\\host\\share", "a path does not belong here"),
        ("root@host", "a user name does not belong here: write the host only, host"),
        ("fe80:::1", "looks like an IPv6 address"),
        ("10.0.0.256", "looks like an IPv4 address"),
        ("010.0.0.1", "leading zeros"),
        ("10", "looks like an IPv4 address"),
        ("0.0.0.0", "stands for no host"),
        ("::", "stands for no host"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("a..b", "no empty part"),
        ("-host", "cannot stand in a host name"),
        ("host-.example", "cannot stand in a host name"),
        ("ho$t", "cannot stand in a host name"),
        ("host.123", "the last part of a host name is no number"),
        ("a" * 64, "at most 63"),
        (".".join(["a" * 60] * 5), "at most 253"),
        ("ü" * 80, "cannot stand in a host name"),
        ("*", "cannot stand in a host name"),
    ],
)
def test_what_is_no_host_says_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_host(text)
    assert told in str(caught.value)


@hypothesis_settings(deadline=None)
@given(st.ip_addresses())
def test_a_parsed_host_parses_to_itself(address: object) -> None:
    try:
        host = parse_host(str(address))
    except ValueError:
        return
    assert parse_host(host) == host
