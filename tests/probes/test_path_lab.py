"""`mtu` and `sweep` on a real network stack, in a namespace whose routers and links are the tests' own."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.netlab import ROUTER_IPV6, Host, MakeLab, NetworkLab, Router

pytestmark = pytest.mark.network

LAST_ROUTER = "10.77.1.2"
FAR = (Router(address="10.77.1.1"), Router(address=LAST_ROUTER))


def found_in(lab: NetworkLab, folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What a command of the product finds in the namespace; the folder has no workbook and no collector."""
    environment = {**os.environ, "NETSTATS_XL_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "netstats_xl", *arguments, "--json"]
    done = lab.run(command, timeout=120, cwd=folder, env=environment)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("address", "host", "refused_by"),
    [
        ("10.77.0.5", Host(mtu=1_400, path=FAR), LAST_ROUTER),
        ("10.77.0.5", Host(mtu=1_400, mtu_from=""), ""),
        ("fd77::5", Host(mtu=1_400), ROUTER_IPV6),
        ("fd77::5", Host(mtu=1_400, mtu_from=""), ""),
    ],
    ids=["a router", "a black hole", "a router, IPv6", "a black hole, IPv6"],
)
def test_the_path_mtu_is_found_and_the_router_named(
    network_lab: MakeLab, tmp_path: Path, address: str, host: Host, refused_by: str
) -> None:
    lab = network_lab({address: host})
    found = found_in(lab, tmp_path, "mtu", address)
    assert (found["mtu"], found["address"], found["is_least"]) == (1_400, address, False)
    assert refused_by in found["refused_by"]
    assert bool(found["refused_by"]) is bool(refused_by)


def test_the_machines_own_interface_limits_the_path(network_lab: MakeLab, tmp_path: Path) -> None:
    found = found_in(network_lab({"10.77.0.5": Host()}), tmp_path, "mtu", "10.77.0.5")
    assert found["mtu"] == 1_500
    assert "larger than the network interface takes" in found["refused_by"]


def test_a_path_of_jumbo_frames_is_found_to_take_them(network_lab: MakeLab, tmp_path: Path) -> None:
    lab = network_lab({"10.77.0.5": Host()}, device_mtu=9_000)
    found = found_in(lab, tmp_path, "mtu", "10.77.0.5")
    assert (found["mtu"], found["is_least"]) == (9_000, True)


def test_a_dead_host_has_no_path_mtu(network_lab: MakeLab, tmp_path: Path) -> None:
    found = found_in(network_lab({"10.77.0.5": Host(dead=True)}), tmp_path, "mtu", "10.77.0.5", code=1)
    assert (found["mtu"], found["problem"]) == (None, "the host does not answer (no reply in time)")


def test_a_sweep_may_cut_packets_that_a_test_of_the_path_mtu_may_not(
    network_lab: MakeLab, tmp_path: Path
) -> None:
    lab = network_lab({"10.77.0.5": Host(mtu=1_400, delay_ms=10)})
    found = found_in(lab, tmp_path, "sweep", "10.77.0.5", "--sizes", "56,1472,4000")
    # A router may refuse the first packet of the path's life that is too large: the system cuts them from then on.
    assert [each["payload_bytes"] for each in found["sizes"] if each["received"] >= 9] == [56, 1_472, 4_000]
    assert all(each["rtt_min_ms"] >= 10 for each in found["sizes"])
