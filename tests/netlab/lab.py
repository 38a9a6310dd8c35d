"""A network of the tests' own: a namespace, and in it hosts that answer as they are told."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.responder.settings import Host
from tests.responder.wire import Marks

DEVICE = "lab0"
ROUTER = "10.77.0.254"
ROUTER_IPV6 = "fd77::fe"
_OWN = ("10.77.0.1/24", "fd77::1/64")
_ROOT = Path(__file__).parents[2]
_WAITING_PACKETS = 50_000
"""As many may wait for the responder: the usual 500 lose what a prober that sends at its full speed sends."""
_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a host saw."""

    requests: int
    replies: int
    """Packets sent back, ICMP errors and forged replies included."""


def why_unavailable() -> str | None:
    """Why this machine can have no lab, or None if it can."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux alone"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    if shutil.which("ip") is None:
        return "the ip command (iproute2) is not installed"
    if not Path("/dev/net/tun").exists():
        return "the kernel has no TUN devices (/dev/net/tun)"
    probe = f"nsxl-can-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=True)
    return None


class NetworkLab:
    """A network namespace with 10.77.0.0/24 and fd77::/64 behind a TUN device, and hosts that play in it.

    ::

        with NetworkLab(hosts={"10.77.0.5": Host(delay_ms=5), "10.77.0.9": Host(dead=True)}) as lab:
            lab.run(["netstats-xl", "run", "NetStats.xlsx", "--for", "10s"], timeout=60)
            assert lab.counts()["10.77.0.5"].requests == 40

    A network in the place of a host, `{"10.78.0.0/16": Host(delay_ms=20, dead_every=10)}`, is as many hosts that are
    alike, with a route to them and with counts together. A host of its own address in it goes its own way. On the
    two busy cores of the machine that this was written on, the responder takes and answers some 20,000 such requests
    a second: one costs it 45 us of CPU, 5 us of which are Python and the rest the kernel's.

    Nothing leaves the namespace: it has no other way out. Leaving the lab removes it, whatever happened.
    """

    def __init__(
        self,
        hosts: Mapping[str, Host] | None = None,
        *,
        ping_group_range: tuple[int, int] | None = None,
        device_mtu: int = 1_500,
    ) -> None:
        """Describe a lab.

        Args:
            hosts: by address, or by network: `10.78.0.0/16`.
            ping_group_range: the group IDs that may open datagram ICMP sockets; None: nobody's.
            device_mtu: the largest packet that the machine's interface takes, bytes.
        """
        self.namespace = f"nsxl-{os.getpid()}-{next(_numbers)}"
        self._hosts = dict(hosts or {})
        self._ping_group_range = ping_group_range
        self._device_mtu = device_mtu
        self._networks: list[str] = []
        self._responder: subprocess.Popen[str] | None = None

    def __enter__(self) -> "NetworkLab":
        _ip("netns", "add", self.namespace)
        try:
            self._set_up()
        except BaseException:
            self._tear_down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tear_down()

    def set_hosts(self, hosts: Mapping[str, Host]) -> None:
        """Set how these hosts behave from now on; their loss patterns begin anew, their counts go on."""
        self._ask({"hosts": {address: asdict(host) for address, host in hosts.items()}})
        for network in hosts:
            if "/" in network and network not in self._networks:
                self._networks.append(network)
                self.set_route(network, present=True)

    def counts(self) -> dict[str, Counts]:
        """What each host saw so far."""
        return {address: Counts(**counts) for address, counts in self._ask({"counts": True}).items()}

    def arrived(self) -> dict[str, dict[Marks, int]]:
        """How many requests each host saw with which marks of the IP header."""
        return {
            address: {Marks(*marks): count for marks, count in seen}
            for address, seen in self._ask({"arrived": True}).items()
        }

    def set_log(self, *, on: bool) -> None:
        """Note from now on, or no longer, how long each reply really took. What was noted is forgotten."""
        self._ask({"log": on})

    def take_log(self) -> dict[str, list[float]]:
        """The delay of each packet sent since the last time, ms, by the address requested, in order of sending.

        It is the time from reading the request out of the device to writing the answer into it: an RTT less that
        is what the prober and the kernel under it add. ICMP errors and forged replies are noted too.
        """
        log = self._ask({"take_log": True})
        delays_s = array("d")
        delays_s.frombytes(base64.b64decode(log["delays_s"]))
        found: dict[str, list[float]] = {}
        for source, delay_s in zip(log["sources"].split(), delays_s, strict=True):
            found.setdefault(source, []).append(delay_s * 1_000)
        return found

    def cpu_s(self) -> float:
        """CPU time that the responder took so far, s."""
        return float(self._ask({"cpu": True})["cpu_s"])

    def set_link(self, *, up: bool) -> None:
        """Take the interface down, with what is under way, or up again with its addresses and routes."""
        if not up:
            _ip("-n", self.namespace, "link", "set", DEVICE, "down")
            return
        _ip("-n", self.namespace, "link", "set", DEVICE, "up")
        self._add_addresses()
        for network in self._networks:
            self.set_route(network, present=True)

    def set_route(self, network: str, *, present: bool) -> None:
        """Have a route to a network, or none."""
        _ip("-n", self.namespace, "route", "replace" if present else "del", network, "dev", DEVICE)

    def prefix(self, *, as_user: int | None = None) -> list[str]:
        """What to put before a command to run it in the namespace; as an unprivileged user and group.

        It goes before whatever else this machine does: the lab's delays are to be the network's, not the scheduler's.
        """
        command = ["nice", "-n", "-10", "ip", "netns", "exec", self.namespace]
        if as_user is not None:
            command += ["setpriv", f"--reuid={as_user}", f"--regid={as_user}", "--clear-groups", "--"]
        return command

    def run(
        self,
        command: Sequence[str | Path],
        *,
        timeout: float,
        as_user: int | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespace and return how it ended, with its output as text.

        Raises:
            subprocess.TimeoutExpired: it ran longer than `timeout` seconds, and was killed.
        """
        return subprocess.run(
            [*self.prefix(as_user=as_user), *map(str, command)],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=cwd,
            env=None if env is None else dict(env),
            check=False,
        )

    def _set_up(self) -> None:
        _ip("-n", self.namespace, "link", "set", "lo", "up")
        if self._ping_group_range is not None:
            lowest, highest = self._ping_group_range
            setting = f"net.ipv4.ping_group_range={lowest} {highest}"
            subprocess.run([*self.prefix(), "sysctl", "-qw", setting], check=True, capture_output=True)
        # -S: the responder is to start at once, and needs no packages; -P would hide `tests` from it.
        module = ["-E", "-s", "-S", "-m", "tests.responder", DEVICE, str(self._device_mtu)]
        self._responder = subprocess.Popen(
            [*self.prefix(), sys.executable, *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        self._answer()  # it is ready
        settings = ["mtu", str(self._device_mtu), "txqueuelen", str(_WAITING_PACKETS)]
        _ip("-n", self.namespace, "link", "set", DEVICE, *settings)
        self._add_addresses()
        _ip("-n", self.namespace, "link", "set", DEVICE, "up")
        self.set_hosts(self._hosts)

    def _add_addresses(self) -> None:
        for address in _OWN:
            detection = ["nodad"] if ":" in address else []
            _ip("-n", self.namespace, "addr", "replace", address, "dev", DEVICE, *detection)

    def _tear_down(self) -> None:
        responder = self._responder
        if responder is not None:
            for pipe in (responder.stdin, responder.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
            try:
                responder.wait(timeout=5)
            except subprocess.TimeoutExpired:
                responder.kill()
                responder.wait()
        _ip("netns", "del", self.namespace)

    def _ask(self, command: object) -> dict[str, Any]:
        _pipe(self._responder, "stdin").write(json.dumps(command) + "\n")
        _pipe(self._responder, "stdin").flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = _pipe(self._responder, "stdout").readline()
        if not line:
            raise RuntimeError("the lab's responder ended; see its error output above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _pipe(process: subprocess.Popen[str] | None, name: str) -> IO[str]:
    pipe: IO[str] | None = getattr(process, name, None)
    if pipe is None:
        raise RuntimeError("the lab is not set up: use it in a with statement")
    return pipe


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
