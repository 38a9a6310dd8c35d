"""How long `netstats-xl --version` takes, beside `python -c pass`, in one run.

    python benchmarks/startup.py [--full] [--json]

Runs both commands in turn and takes the least of each: what is above it is the machine's noise.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence

GOAL_MS = 150
COMMANDS: dict[str, Sequence[str]] = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "netstats-xl --version": (sys.executable, "-m", "netstats_xl", "--version"),
}


def seconds(command: Sequence[str]) -> float:
    start_s = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more repetitions")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(50 if arguments.full else 15):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    print(f"{'command':<24}{'least (ms)':>12}{'median (ms)':>13}")
    for name, each in times.items():
        print(f"{name:<24}{min(each) * 1_000:>12.1f}{sorted(each)[len(each) // 2] * 1_000:>13.1f}")
    ours, peer = (min(times[name]) * 1_000 for name in ("netstats-xl --version", "python -c pass"))
    print(
        f"More than the bare interpreter: {ours - peer:.1f} ms, {ours / peer:.1f} times "
        f"(goal: at most {GOAL_MS} ms more)"
    )
    if arguments.json:
        value = round(ours - peer, 1)
        print(
            json.dumps(
                {"startup_ms_above_python": {"value": value, "goal": GOAL_MS, "met": value <= GOAL_MS}}
            )
        )


if __name__ == "__main__":
    main()
