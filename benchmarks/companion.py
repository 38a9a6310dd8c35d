"""What a companion at work costs: share of a core and memory with 100 destinations every 10 s.

    python benchmarks/companion.py [--full] [--json]

Measures 100 loopback addresses, 4 packets each, with all of it at work: the control channel, the probing process, the
database. Once for a workbook that is open in a spreadsheet program, whose place a stand-in takes that reads tables
and takes views (what COM costs shows `push.py`), and once for a workbook file, whose report is written every minute.
The peer, in the same run, is a process that probes the same addresses at the same times and does nothing else.

CPU is that of all processes after the first half minute, in percent of one core. Memory is the sum over all
processes of the proportional set size (Linux: pages that several share count in parts) or else of the private pages.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from netstats_xl.domain.views import WorkbookView

sys.path.insert(
    0, str(Path(__file__).parent.parent)
)  # for the tests' stand-ins, when this is run as a script

DESTINATIONS = 100
EVERY_S = 10
GOAL_CPU_PERCENT = 1.0
GOAL_MEMORY_MB = 150
KINDS = ("only probes", "open workbook", "workbook file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a kind of process cost."""

    cpu_percent: float
    memory_mb: float
    startup_cpu_s: float


def addresses() -> list[str]:
    return [f"127.0.1.{number + 1}" for number in range(DESTINATIONS)]


def only_probe(folder: Path) -> None:
    """Probe at the same times, for ever."""
    from netstats_xl.domain.targets import EchoSettings
    from netstats_xl.ports import ProbeTarget
    from netstats_xl.probes.icmp import IcmpProber

    async def probe() -> None:
        prober = IcmpProber.open()
        targets = [ProbeTarget(destination_id=host, host=host) for host in addresses()]
        while True:
            await asyncio.sleep(EVERY_S - time.time() % EVERY_S)
            await prober.probe(targets, EchoSettings())

    asyncio.run(probe())


def take(view: WorkbookView) -> str:
    for rows in view.rows.values():
        list(rows)
    return "nowhere"


def collect_live(folder: Path) -> None:
    """A companion of an open workbook, with a stand-in for Excel's."""
    from netstats_xl.store.lean import do_without_pandas

    do_without_pandas()
    from netstats_xl.companion import Companion
    from netstats_xl.hosting.endings import StopRequest, ending_on_signals
    from netstats_xl.wiring.live import live_parts
    from tests.companion.stage import OpenWorkbook
    from tests.fakes.memory_workbook import raw_table

    book = OpenWorkbook(
        raw_table("Destinations", ("Name", "Host"), *((host, host) for host in addresses())),
        raw_table("Jobs", ("Name", "Destinations", "Interval"), ("All", "*", f"{EVERY_S}s")),
        raw_table("Settings", ("Setting", "Value"), ("Database", str(folder / "live.duckdb"))),
        raw_table("Selection", ("Details of", "Period"), (None, None)),
    )
    # What is shown is not kept: the sheets keep it.
    book.publish = take  # type: ignore[method-assign]  # a stand-in
    stop = StopRequest()
    companion = Companion(
        replace(live_parts(book, "live.xlsm", "f" * 32), cpu_s=time.process_time), stop=stop
    )
    with ending_on_signals(stop):
        companion.start()
        stop.wait()
        companion.stop()


def collect_file(folder: Path) -> None:
    """The hidden command that `start` runs."""
    from netstats_xl.cli import main as command
    from netstats_xl.store.lean import do_without_pandas

    do_without_pandas()
    command(["collect", "--workbook", str(folder / "Net.xlsx")])


def write_workbook(folder: Path) -> None:
    rows = "\n".join(f"  - {{name: {host}, host: {host}}}" for host in addresses())
    text = f'destinations:\n{rows}\njobs:\n  - {{name: All, destinations: "*", interval: {EVERY_S}s}}\n'
    (folder / "net.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "netstats_xl", "config", "import", "net.yaml", "Net.xlsx"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def cost_of(kind: str, folder: Path, *, warm_up_s: float, measure_s: float) -> Cost:
    command = [sys.executable, str(Path(__file__).resolve()), "--be", kind, "--folder", str(folder)]
    with psutil.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            time.sleep(warm_up_s)
            startup_s, began = cpu_s(process), time.monotonic()
            time.sleep(measure_s)
            used_s, took_s = cpu_s(process) - startup_s, time.monotonic() - began
            memory = memory_mb(process)
        finally:
            process.terminate()
            process.wait(60)
    return Cost(cpu_percent=100 * used_s / took_s, memory_mb=memory, startup_cpu_s=startup_s)


def family(process: psutil.Process) -> Sequence[psutil.Process]:
    if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
        raise SystemExit("the process ended before it was measured")
    return [process, *process.children(recursive=True)]


def cpu_s(process: psutil.Process) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in family(process))


def memory_mb(process: psutil.Process) -> float:
    full = [each.memory_full_info() for each in family(process)]
    return sum(getattr(each, "pss", None) or each.uss for each in full) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="five minutes each, reports included")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--be", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.be:
        {"only probes": only_probe, "open workbook": collect_live, "workbook file": collect_file}[
            arguments.be
        ](arguments.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The companions that are measured have a data folder of their own.
        os.environ["NETSTATS_XL_DATA"] = str(folder / "data")
        write_workbook(folder)
        warm_up_s, measure_s = (30.0, 300.0) if arguments.full else (6.0, 1.0 * EVERY_S)
        costs = {kind: cost_of(kind, folder, warm_up_s=warm_up_s, measure_s=measure_s) for kind in KINDS}
    print(f"{'':<16}{'CPU (% of a core)':>20}{'memory (MB)':>14}{'start (CPU s)':>16}")
    for kind, cost in costs.items():
        print(f"{kind:<16}{cost.cpu_percent:>20.2f}{cost.memory_mb:>14.0f}{cost.startup_cpu_s:>16.2f}")
    ours = costs["open workbook"]
    print(f"Goals for an open workbook: at most {GOAL_CPU_PERCENT} % and {GOAL_MEMORY_MB} MB.")
    if arguments.json:
        print(
            json.dumps(
                {
                    "companion_cpu_percent": {
                        "value": round(ours.cpu_percent, 2),
                        "goal": GOAL_CPU_PERCENT,
                        "met": ours.cpu_percent <= GOAL_CPU_PERCENT,
                    },
                    "companion_memory_mb": {
                        "value": round(ours.memory_mb, 1),
                        "goal": GOAL_MEMORY_MB,
                        "met": ours.memory_mb <= GOAL_MEMORY_MB,
                    },
                }
            )
        )


if __name__ == "__main__":
    main()
