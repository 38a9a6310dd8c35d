"""What is asked of the system for a socket: options set and put back, for real on loopback sockets."""

import errno
import socket
import sys
import time
from collections.abc import Iterator
from typing import cast

import pytest

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.socket_options import OptionSetter, parse_extended_error, read_wall_lead_ns
from netstats_xl.probes.trains import WireOptions

DISCOVER = {Family.IPV4: 10, Family.IPV6: 23}
"""IP_MTU_DISCOVER and IPV6_MTU_DISCOVER (linux/in.h, linux/in6.h)."""
LEVEL = {Family.IPV4: socket.IPPROTO_IP, Family.IPV6: socket.IPPROTO_IPV6}
KIND = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's numbers")


class Real:
    """A UDP socket, which has the same options, and how its packets go."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.sock = socket.socket(KIND[family], socket.SOCK_DGRAM)
        self.setter = OptionSetter(self.sock, family)

    def get(self, option: int) -> int:
        return self.sock.getsockopt(LEVEL[self.family], option)

    def header(self) -> tuple[int, int, int]:
        """Its TTL, type of service, and path MTU discovery."""
        if self.family is Family.IPV4:
            return self.get(socket.IP_TTL), self.get(socket.IP_TOS), self.get(DISCOVER[self.family])
        return (
            self.get(socket.IPV6_UNICAST_HOPS),
            self.get(socket.IPV6_TCLASS),
            self.get(DISCOVER[self.family]),
        )


@pytest.fixture(params=list(Family), ids=str)
def real(request: pytest.FixtureRequest) -> Iterator[Real]:
    try:
        made = Real(request.param)
    except OSError as error:
        pytest.skip(f"this machine has no {request.param}: {error}")
    yield made
    made.sock.close()


@ON_LINUX
def test_options_are_set_and_put_back(real: Real) -> None:
    before = real.header()
    real.setter.apply(WireOptions())
    assert real.header() == before
    real.setter.apply(WireOptions(ttl=7, dscp=46, dont_fragment=True))
    assert real.header() == (7, 46 << 2, 3)
    real.setter.apply(WireOptions(dscp=8))
    assert real.header() == (before[0], 8 << 2, before[2])
    real.setter.apply(WireOptions(ttl=1))
    assert real.header() == (1, before[1], before[2])
    real.setter.apply(WireOptions())
    assert real.header() == before


@ON_LINUX
def test_a_dscp_of_zero_is_one(real: Real) -> None:
    real.setter.apply(WireOptions(dscp=46))
    real.setter.apply(WireOptions(dscp=0))
    assert real.header()[1] == 0


def test_a_ttl_is_set_and_put_back_on_every_system(real: Real) -> None:
    option = socket.IP_TTL if real.family is Family.IPV4 else socket.IPV6_UNICAST_HOPS
    before = real.get(option)
    for ttl in (1, 255):
        real.setter.apply(WireOptions(ttl=ttl))
        assert real.get(option) == ttl
    real.setter.apply(WireOptions())
    assert real.get(option) == before


class Counting:
    """A socket that counts what is set on it, and refuses some of it."""

    def __init__(self, *refused: int) -> None:
        self.refused = refused
        self.calls: list[tuple[int, int]] = []

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.getsockopt(level, option)
        self.calls.append((option, value))

    def getsockopt(self, level: int, option: int) -> int:
        if option in self.refused:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")
        return 64

    def setter(self) -> OptionSetter:
        return OptionSetter(cast(socket.socket, self), Family.IPV4)


def test_what_is_so_already_is_not_set_again() -> None:
    sock = Counting()
    setter = sock.setter()
    for _ in range(3):
        setter.apply(WireOptions(ttl=5))
    setter.apply(WireOptions(ttl=6))
    setter.apply(WireOptions())
    assert sock.calls == [(socket.IP_TTL, 5), (socket.IP_TTL, 6), (socket.IP_TTL, 64)]


@ON_LINUX
def test_an_option_that_the_system_lacks_is_an_error_and_the_others_are_put_back_all_the_same() -> None:
    sock = Counting(DISCOVER[Family.IPV4])
    setter = sock.setter()
    with pytest.raises(OSError, match=r"no such option|not available"):
        setter.apply(WireOptions(ttl=5, dont_fragment=True))
    setter.apply(WireOptions())
    assert sock.calls == [(socket.IP_TTL, 5), (socket.IP_TTL, 64)]


def test_a_system_that_lets_no_dscp_be_set_sends_without() -> None:
    sock = Counting()
    setter = sock.setter()
    setter._numbers = {"ttl": socket.IP_TTL}  # as on Windows
    setter.apply(WireOptions(ttl=5, dscp=46))
    assert sock.calls == [(socket.IP_TTL, 5)]


def test_the_wall_clocks_lead_is_what_lies_between_the_clocks() -> None:
    expected = time.time_ns() - time.perf_counter_ns()
    assert abs(read_wall_lead_ns() - expected) < 50_000_000


@pytest.mark.parametrize("family", Family, ids=str)
def test_an_extended_error_that_is_cut_short_is_none(family: Family) -> None:
    whole = bytes([0, 0, 0, 0, 2, 3, 1, 0]) + bytes(8) + bytes(8 if family is Family.IPV6 else 4) + bytes(16)
    size = 16 + (4 + 4 if family is Family.IPV4 else 8 + 16)
    assert parse_extended_error(whole[:size], family) is not None
    assert parse_extended_error(whole[: size - 1], family) is None
    assert parse_extended_error(b"", family) is None
