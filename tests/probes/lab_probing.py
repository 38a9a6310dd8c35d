"""Probing and tracing in a network lab, by a program of its own."""

import json
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.netlab import NetworkLab

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "probes" / "probe_here.py"
NOBODY = 65_534
TOLERANCE_MS = 5.0
"""Between the delay that was set and the median RTT: what the lab's process and a busy machine may add."""


Found = dict[str, dict[str, object]]


def order_in(
    lab: NetworkLab, order: Mapping[str, object], *, as_user: int | None = None
) -> dict[str, object]:
    done = lab.run([sys.executable, PROGRAM, json.dumps(order)], timeout=60, cwd=ROOT, as_user=as_user)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def probe_in(
    lab: NetworkLab,
    *hosts: str,
    modes: tuple[str, ...] = ("raw",),
    as_user: int | None = None,
    busy: bool = False,
    **echo: float,
) -> Found:
    settings = {"packets": 5, "packet_interval_ms": 20, "timeout_ms": 500, **echo}
    order = {"hosts": list(hosts), "modes": list(modes), "echo": settings, "busy": busy}
    outcomes = order_in(lab, order, as_user=as_user)["outcomes"]
    assert isinstance(outcomes, dict)
    return outcomes


def rtts_of(outcome: dict[str, object]) -> list[float | None]:
    rtts = outcome["rtts_ms"]
    assert isinstance(rtts, list)
    return rtts


def skip_unless_readable(lab: NetworkLab) -> None:
    """Another user must be able to read this checkout to run it."""
    if lab.run([sys.executable, "-c", "import netstats_xl"], timeout=60, cwd=ROOT, as_user=NOBODY).returncode:
        pytest.skip(f"user {NOBODY} may not read this checkout or its Python")


def median_ms(outcome: dict[str, object]) -> float:
    return statistics.median(rtt for rtt in rtts_of(outcome) if rtt is not None)


class Rounds:
    """A program that makes its rounds when it is told to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def _pipe(self, name: str) -> IO[str]:
        pipe: IO[str] | None = getattr(self._process, name)
        assert pipe is not None
        return pipe

    def begin(self) -> None:
        """Have the next round begin; the first one does by itself."""
        self._pipe("stdin").write("\n")
        self._pipe("stdin").flush()

    def found(self) -> Found:
        """What the round found, once it is over."""
        outcomes = json.loads(self._pipe("stdout").readline())["outcomes"]
        assert isinstance(outcomes, dict)
        return outcomes


@contextmanager
def rounds_in(
    lab: NetworkLab,
    *hosts: str,
    rounds: int,
    modes: tuple[str, ...] = ("raw",),
    names: Mapping[str, Sequence[Sequence[str]]] | None = None,
    **echo: float,
) -> Iterator[Rounds]:
    """So many rounds by one prober, the first of which begins now."""
    settings = {"packets": 5, "packet_interval_ms": 20, "timeout_ms": 500, **echo}
    order = {
        "hosts": list(hosts),
        "modes": list(modes),
        "echo": settings,
        "rounds": rounds,
        "names": dict(names or {}),
    }
    command = [*lab.prefix(), sys.executable, str(PROGRAM), json.dumps(order)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield Rounds(process)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


def wait_until(happened: Callable[[], bool]) -> None:
    """Ask again and again until it has: the lab tells nothing by itself."""
    pause = threading.Event()
    for _ in range(1_500):
        if happened():
            return
        pause.wait(0.02)
    raise AssertionError("it never happened")


MODES = pytest.mark.parametrize("modes", [("raw",), ("datagram",)], ids=lambda modes: str(modes[0]))
EVERYBODY = (0, 2_147_483_647)
