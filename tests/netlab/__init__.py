"""A network of the tests' own. In a `conftest.py`: `from tests.netlab import network_lab`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache

import pytest

from tests.netlab.lab import DEVICE, ROUTER, ROUTER_IPV6, Counts, NetworkLab, why_unavailable
from tests.responder.settings import Host, Router
from tests.responder.wire import Marks

__all__ = [
    "DEVICE",
    "ROUTER",
    "ROUTER_IPV6",
    "Counts",
    "Host",
    "MakeLab",
    "Marks",
    "NetworkLab",
    "Router",
    "network_lab",
    "why_unavailable",
]

MakeLab = Callable[..., NetworkLab]
_reason_once = cache(why_unavailable)


@pytest.fixture
def network_lab() -> Iterator[MakeLab]:
    """Makes labs, `network_lab(hosts={...})`, that end with the test; skips it where there can be none."""
    reason = _reason_once()
    if reason is not None:
        pytest.skip(f"no network lab: {reason}")
    with ExitStack() as stack:

        def make(
            hosts: Mapping[str, Host] | None = None,
            *,
            ping_group_range: tuple[int, int] | None = None,
            device_mtu: int = 1_500,
        ) -> NetworkLab:
            return stack.enter_context(
                NetworkLab(hosts, ping_group_range=ping_group_range, device_mtu=device_mtu)
            )

        yield make
