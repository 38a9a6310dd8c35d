"""Rounds of fping, the peer that has no interpreter."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.probing.rounds import Round

_LINE = re.compile(r"^(\S+) +: xmt/rcv/%loss = \d+/(\d+)/\d+%(?:, min/avg/max = [\d.]+/([\d.]+)/[\d.]+)?$")


def why_missing() -> str | None:
    """Why fping cannot be run, with the remedy, or None if it can."""
    if shutil.which("fping") is None:
        return "fping is not installed: apt-get install fping"
    return None


class Fping:
    """Runs fping, and knows what a run over nothing to speak of takes: that is taken off every other run."""

    def __init__(self, prefix: Sequence[str] = (), *, near: str = "127.0.0.1") -> None:
        """Measure its start.

        Args:
            prefix: what to put before the command, to run it in a lab.
            near: the address to measure its start with.
        """
        self._prefix = list(prefix)
        self._start_wall_s = self._start_cpu_s = 0.0
        starts = [self.round([near]) for _ in range(5)]
        self._start_wall_s = min(each.wall_s for each in starts)
        self._start_cpu_s = min(each.cpu_s for each in starts)

    def round(self, addresses: Sequence[str], *, interval_ms: float = 0, timeout_ms: int = 500) -> Round:
        """Make one, of 1 packet to each address."""
        with tempfile.TemporaryDirectory(prefix="netstats-xl-benchmark-") as folder:
            names, output = Path(folder, "addresses"), Path(folder, "output")
            names.write_text("\n".join(addresses) + "\n", encoding="ascii")
            options = [f"-i{interval_ms:g}", "-c1", "-q", f"-t{timeout_ms}", "-f", str(names)]
            with output.open("w", encoding="utf-8") as file:
                began = time.perf_counter()
                process = subprocess.Popen(
                    [*self._prefix, "fping", *options], stdout=subprocess.DEVNULL, stderr=file
                )
                _, status, usage = os.wait4(process.pid, 0)
                ended = time.perf_counter()
            process.returncode = os.waitstatus_to_exitcode(status)
            text = output.read_text(encoding="utf-8")
        if process.returncode not in (0, 1):  # 1: some did not answer
            raise SystemExit(f"fping failed: {text}")
        found = parse(text)
        return Round(
            wall_s=ended - began - self._start_wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime - self._start_cpu_s,
            rtts_ms={address: (found.get(address),) for address in addresses},
        )


def parse(text: str) -> dict[str, float]:
    """The RTT of each address that answered, ms, as fping prints it: with three digits."""
    matches = (_LINE.match(line) for line in text.splitlines())
    return {match[1]: float(match[3]) for match in matches if match is not None and match[2] != "0"}
