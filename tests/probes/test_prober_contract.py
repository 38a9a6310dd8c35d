"""Both probers keep the contract."""

from collections.abc import Sequence

import pytest

from netstats_xl.errors import PrivilegeMissing
from netstats_xl.probes.addresses import SockAddr
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.resolver import Resolver, system_lookup
from tests.contracts.prober import ANSWERING, NO_NAME, MakeProber, ProberContract
from tests.fakes.scripted_network import ScriptedProber, replied


class TestScriptedProber(ProberContract):
    @pytest.fixture
    def make_prober(self) -> MakeProber:
        return lambda: ScriptedProber(dict.fromkeys(ANSWERING, replied(0.1, 0.2, 0.3)))


def offline_lookup(host: str) -> Sequence[SockAddr]:
    """The system's, but for the name that must not exist: no question leaves the machine."""
    if host == NO_NAME:
        raise OSError("no such name")
    return system_lookup(host)


class TestIcmpProber(ProberContract):
    @pytest.fixture
    def make_prober(self) -> MakeProber:
        try:
            IcmpProber.open()
        except PrivilegeMissing as error:
            pytest.skip(f"echo requests cannot be sent: {error.message}")
        return lambda: IcmpProber(resolver=Resolver(lookup=offline_lookup))
