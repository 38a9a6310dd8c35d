"""Hosts that are addresses."""

import socket

import pytest

from netstats_xl.probes.addresses import Family, UnknownInterfaceError, from_sockaddr, parse_literal

LOOPBACK = (
    next(name for _, name in socket.if_nameindex() if name.startswith(("lo", "Loopback")))
    if hasattr(socket, "if_nameindex")
    else "1"
)


def test_an_ipv4_address_is_a_literal() -> None:
    address = parse_literal("10.77.0.5")
    assert address is not None
    assert (address.text, address.family, address.sockaddr) == ("10.77.0.5", Family.IPV4, ("10.77.0.5", 0))
    assert address.packed == bytes([10, 77, 0, 5])


def test_an_ipv6_address_is_a_literal_in_its_shortest_form() -> None:
    address = parse_literal("FD77:0:0::5")
    assert address is not None
    assert (address.text, address.family) == ("fd77::5", Family.IPV6)
    assert address.sockaddr == ("fd77::5", 0, 0, 0)
    assert len(address.packed) == 16


def test_a_scope_by_name_or_number_becomes_the_interfaces_index() -> None:
    index = socket.if_nametoindex(LOOPBACK)
    for scope in (LOOPBACK, str(index)):
        address = parse_literal(f"fe80::1%{scope}")
        assert address is not None
        assert address.sockaddr == ("fe80::1", 0, 0, index)
        assert address.text == f"fe80::1%{scope}"


def test_a_scope_that_is_no_interface_is_named() -> None:
    with pytest.raises(UnknownInterfaceError, match="no network interface named nosuch0"):
        parse_literal("fe80::1%nosuch0")


@pytest.mark.parametrize("host", ["localhost", "router.example", "10.0.0", "10.0.0.256", "", "1:2", "[::1]"])
def test_what_is_no_address_is_a_name(host: str) -> None:
    assert parse_literal(host) is None


def test_an_ipv4_address_in_ipv6_clothes_is_probed_over_ipv4() -> None:
    address = parse_literal("::ffff:10.0.0.7")
    assert address is not None
    assert (address.family, address.sockaddr) == (Family.IPV4, ("10.0.0.7", 0))


def test_the_scope_that_the_system_found_is_kept() -> None:
    assert from_sockaddr(("fe80::1", 0, 0, 3)).sockaddr == ("fe80::1", 0, 0, 3)
