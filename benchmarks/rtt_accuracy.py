"""How far reported RTTs are from the truth, with 2,000 destinations 20 ms away at once, beside fping in the same run.

    sudo python benchmarks/rtt_accuracy.py [--full] [--json]

The truth is the log of the tests' network (Linux, root), which notes of each reply the time from reading the request
to writing the reply. The bias is the reported RTT less that: what the prober adds, and the kernel and the wake-up of
the responder with it. Ours is measured with the kernel's receive times and without, as on Windows; all three in turn,
10 packets a millisecond. The best run of each counts: what is above it is what else the machine did. fping (Debian's
package of this name) prints RTTs from 10 ms on with three digits, so its figures are right to 0.05 ms.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the tests' network, when this is run as a script

from benchmarks.probing.fping import Fping, why_missing
from benchmarks.probing.ours import Ours
from benchmarks.probing.rounds import Round, addresses
from tests.netlab import Host, NetworkLab, why_unavailable

DESTINATIONS = 2_000
DELAY_MS = 20.0
PER_SECOND = 10_000
TIMEOUT_MS = 1_000
GOALS_MS = {"netstats_xl, with stamps": (0.05, 0.3), "netstats_xl, without stamps": (0.1, 1.2)}


def biases_ms(lab: NetworkLab, make: Callable[[], Round]) -> list[float]:
    """The biases of one round, sorted; each packet was sent once and so answered once at most."""
    lab.set_log(on=True)
    found, log = make(), lab.take_log()
    biases = [
        rtt_ms - log[address][0]
        for address, rtts_ms in found.rtts_ms.items()
        for rtt_ms in rtts_ms
        if rtt_ms is not None
    ]
    if len(biases) < DESTINATIONS / 2:
        raise SystemExit(f"Of {DESTINATIONS} packets {len(biases)} were answered. Run it again.")
    return sorted(biases)


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def far_off(ordered: Sequence[float], share: float) -> float:
    """The percentile of the biases' sizes: one that is negative is no better."""
    return percentile(sorted(map(abs, ordered)), share)


def measured(runs: int) -> dict[str, list[list[float]]]:
    """The biases of each run of each prober, ms."""
    targets = addresses("10.78", DESTINATIONS)
    with NetworkLab({"10.78.0.0/16": Host(delay_ms=DELAY_MS)}) as lab:
        fping = Fping(lab.prefix())
        with Ours(lab.prefix()) as exact, Ours(lab.prefix(), stamps=False) as plain:

            def paced(ours: Ours) -> Callable[[], Round]:
                return lambda: ours.round(targets, packets_per_second=PER_SECOND, timeout_ms=TIMEOUT_MS)

            rounds = {
                "netstats_xl, with stamps": paced(exact),
                "netstats_xl, without stamps": paced(plain),
                "fping": lambda: fping.round(targets, interval_ms=1_000 / PER_SECOND, timeout_ms=TIMEOUT_MS),
            }
            for make in rounds.values():
                biases_ms(lab, make)  # the first round finds everything cold
            found: dict[str, list[list[float]]] = {name: [] for name in rounds}
            for _ in range(runs):
                for name, make in rounds.items():
                    found[name].append(biases_ms(lab, make))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more runs")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    if reason := why_unavailable() or why_missing():
        raise SystemExit(f"Nothing can be measured here: {reason}")
    found = measured(50 if options.full else 15)
    headings = ("p50", "p99", "least", "most", "median p50", "median p99")
    print(f"{'bias of the best run, ms':<32}" + "".join(f"{heading:>12}" for heading in headings))
    judged = {}
    for name, runs in found.items():
        best = min(runs, key=lambda ordered: far_off(ordered, 0.99))
        of_all = [statistics.median(percentile(ordered, share) for ordered in runs) for share in (0.5, 0.99)]
        cells = (percentile(best, 0.5), percentile(best, 0.99), best[0], best[-1], *of_all)
        print(f"{name:<32}" + "".join(f"{cell:>12.3f}" for cell in cells))
        for share, goal in zip((0.5, 0.99), GOALS_MS.get(name, ()), strict=False):
            value = far_off(best, share)
            key = f"rtt_bias_p{share * 100:.0f}_ms" + ("_without_stamps" if "without" in name else "")
            judged[key] = {"value": round(value, 4), "goal": goal, "met": value <= goal}
    for key, each in judged.items():
        print(f"{key:<32}{each['value']:>12}  (goal: <= {each['goal']}){'' if each['met'] else '  NOT MET'}")
    if options.json:
        print(json.dumps(judged))


if __name__ == "__main__":
    main()
