"""Rounds of our prober, in a process that does nothing else and makes as many as it is asked for.

    python -m benchmarks.probing.ours [--no-stamps]

It reads a JSON order a line on standard input and answers each with the round that it made. What it measures begins
when the targets are handed over and ends with the results: the interpreter's start and the opening of the sockets
happen once, as in the product, and are left out.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.probing.rounds import Round
from netstats_xl.domain.results import rtts_of
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.worker import spare_the_collector

ROOT = Path(__file__).parents[2]


class Ours:
    """The process, which a with statement starts and ends."""

    def __init__(self, prefix: Sequence[str] = (), *, stamps: bool = True) -> None:
        """Describe it.

        Args:
            prefix: what to put before the command, to run it in a lab.
            stamps: whether the kernel's receive times are used where there are any.
        """
        self._command = [*prefix, sys.executable, "-m", "benchmarks.probing.ours"]
        self._command += [] if stamps else ["--no-stamps"]

    def __enter__(self) -> "Ours":
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def round(
        self, addresses: Sequence[str], *, packets_per_second: int | None = None, **echo: float
    ) -> Round:
        """Make one, as fast as it goes if no pace is set; `echo` are `EchoSettings`, 1 packet unless they say more."""
        order = {
            "addresses": list(addresses),
            "packets_per_second": packets_per_second,
            "echo": {"packets": 1, "packet_interval_ms": 10, **echo},
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        rtts_ms = dict(zip(addresses, map(tuple, found.pop("rtts_ms")), strict=True))
        return Round(rtts_ms=rtts_ms, **found)


async def measured(prober: IcmpProber, order: dict[str, Any]) -> dict[str, Any]:
    settings = EchoSettings.model_validate(order["echo"])
    await prober.limit(order["packets_per_second"])
    memory_before_mb = memory_mb("VmRSS")
    forget_peak()
    targets = [ProbeTarget(destination_id=address, host=address) for address in order["addresses"]]
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    results = await prober.probe(targets, settings)
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall_s": ended - began,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory_mb": memory_mb("VmHWM") - memory_before_mb,
        # What could not be sent counts as lost: nothing that a benchmark asks for may fail to be sent.
        "rtts_ms": [list(rtts_of(result.outcome)) or [None] for result in results],
    }


def memory_mb(what: str) -> float:
    """A line of /proc/self/status, MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what)) / 1_000


def forget_peak() -> None:
    """Let VmHWM begin anew (man 5 proc, clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


async def serve() -> None:
    spare_the_collector()  # as in the product's process
    prober = IcmpProber.open()
    for line in sys.stdin:
        print(json.dumps(await measured(prober, json.loads(line))), flush=True)
    await prober.close()


def main() -> None:
    if "--no-stamps" in sys.argv[1:]:
        from benchmarks.collecting import no_stamps

        no_stamps()
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(serve())


if __name__ == "__main__":
    main()
