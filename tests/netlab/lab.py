"""A network of the tests' own: a namespace, and in it hosts that answer as they are told."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

DEVICE = "lab0"
ROUTER = "10.77.0.254"
ROUTER_IPV6 = "fd77::fe"
_OWN = ("10.77.0.1/24", "fd77::1/64")
_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """How a host of the lab behaves. An address of the lab's networks that has no host is silent."""

    delay_ms: float = 0.0
    """From the request's leaving the machine to the reply's entering it, ms."""
    jitter_ms: float = 0.0
    """The delay varies by up to this much either way, evenly, ms."""
    lose_every: int = 0
    """Every so manieth request is lost, counted from when the host was set: exact."""
    lose_share: float = 0.0
    """So many of all requests are lost, by chance from `seed`."""
    dead: bool = False
    unreachable_from: str = ""
    """A router of this address says that the host is unreachable."""
    quote_bytes: int = 548
    """How much of the request the router quotes, IP header included."""
    copies: int = 1
    """Each reply comes so often."""
    forged: bool = False
    """A reply with the right numbers and the wrong payload comes first, at once."""
    seed: int = 1


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

    Nothing leaves the namespace: it has no other way out. Leaving the lab removes it, whatever happened.
    """

    def __init__(
        self, hosts: Mapping[str, Host] | None = None, *, ping_group_range: tuple[int, int] | None = None
    ) -> None:
        """Describe a lab.

        Args:
            hosts: by address.
            ping_group_range: the group IDs that may open datagram ICMP sockets; None: nobody's.
        """
        self.namespace = f"nsxl-{os.getpid()}-{next(_numbers)}"
        self._hosts = dict(hosts or {})
        self._ping_group_range = ping_group_range
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

    def counts(self) -> dict[str, Counts]:
        """What each host saw so far."""
        return {address: Counts(**counts) for address, counts in self._ask({"counts": True}).items()}

    def prefix(self, *, as_user: int | None = None) -> list[str]:
        """What to put before a command to run it in the namespace; as an unprivileged user and group."""
        command = ["ip", "netns", "exec", self.namespace]
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
        script = Path(__file__).with_name("responder.py")
        self._responder = subprocess.Popen(
            [*self.prefix(), sys.executable, "-I", "-S", str(script), DEVICE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()  # it is ready
        for address in _OWN:
            _ip(
                "-n",
                self.namespace,
                "addr",
                "add",
                address,
                "dev",
                DEVICE,
                *(["nodad"] if ":" in address else []),
            )
        _ip("-n", self.namespace, "link", "set", DEVICE, "up")
        self.set_hosts(self._hosts)

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

    def _ask(self, command: object) -> dict[str, dict[str, int]]:
        _pipe(self._responder, "stdin").write(json.dumps(command) + "\n")
        _pipe(self._responder, "stdin").flush()
        return self._answer()

    def _answer(self) -> dict[str, dict[str, int]]:
        line = _pipe(self._responder, "stdout").readline()
        if not line:
            raise RuntimeError("the lab's responder ended; see its error output above")
        answer: dict[str, dict[str, int]] = json.loads(line)
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
