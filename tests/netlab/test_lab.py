"""The lab itself: measured by the system's own ping where that is installed, and by what it counts."""

import shutil
import subprocess

import pytest

from tests.netlab import ROUTER, Counts, Host, MakeLab, NetworkLab

pytestmark = pytest.mark.network


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
