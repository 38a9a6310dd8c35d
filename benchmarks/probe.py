"""What a round costs, how long it takes and what it loses, beside fping and icmplib's `async_multiping`, in one run.

    sudo python benchmarks/probe.py [--full] [--json]

fping is Debian's package of this name: `apt-get install fping`. It needs root and, for the hosts 20 ms away, a
network of the tests' own (Linux). Ours is `IcmpProber.probe` in a process of its own, without the interpreter's start;
of fping's figures those of a run over one address are taken off. Each runs in turn with its peer; medians are compared.

- 10,000 loopback addresses, 1 packet each, as fast as they go, beside `fping -i0 -c1 -q`.
- 10,000 hosts 20 ms away, every tenth one dead, 10 packets a millisecond: the round takes the sending and the
  timeout, which only dead hosts are waited for. What is lost of the others is lost falsely. `fping -i0` beside it.
- 1,000 loopback addresses, 5 packets each, beside `async_multiping(privileged=True)` as it is, 50 hosts at a time;
  with `--full` also hosts 20 ms away, where its sockets do not see all its own requests besides.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the tests' network, when this is run as a script

from benchmarks.probing.fping import Fping, why_missing
from benchmarks.probing.multiping import INTERVAL_S, multiping
from benchmarks.probing.ours import Ours
from benchmarks.probing.rounds import Round, addresses
from tests.netlab import Host, NetworkLab, why_unavailable

DESTINATIONS = 10_000
PACED_PER_SECOND = 10_000
TIMEOUT_MS = 500
DEAD_EVERY = 10
FAR = "10.78"
FEW, PACKETS = 1_000, 5
Measures = dict[str, tuple[float, float, str]]
"""Of each measure: the value, the goal, and `<=` or `>=`."""


def in_turn(times: int, *rounds: Callable[[], Round]) -> list[list[Round]]:
    """The rounds of each, made in turn."""
    found: list[list[Round]] = [[] for _ in rounds]
    for _ in range(times):
        for rows, make in zip(found, rounds, strict=True):
            rows.append(make())
    return found


def cpu_s(rounds: Sequence[Round]) -> float:
    return statistics.median(each.cpu_s for each in rounds)


def wall_s(rounds: Sequence[Round]) -> float:
    return statistics.median(each.wall_s for each in rounds)


def show(name: str, rounds: Sequence[Round], *, packets: int, dead: Sequence[str] = ()) -> None:
    lost = [each.lost(dead) for each in rounds]
    print(
        f"{name:<48}{len(rounds):>5}{cpu_s(rounds) / packets * 1e6:>14.1f}{wall_s(rounds):>10.3f}"
        f"{statistics.median(lost):>10g}{max(lost):>8}",
        flush=True,
    )


def loopback(runs: int) -> Measures:
    """CPU and wall of a round that nothing holds up."""
    near, fping = addresses("127.1", DESTINATIONS), Fping()
    with Ours() as ours:
        ours.round(near[:100])
        mine, theirs = in_turn(runs, lambda: ours.round(near), lambda: fping.round(near))
    show("10,000 loopback addresses: netstats_xl", mine, packets=DESTINATIONS)
    show("10,000 loopback addresses: fping -i0", theirs, packets=DESTINATIONS)
    return {
        "cpu_beside_fping": (cpu_s(mine) / cpu_s(theirs), 1.0, "<="),
        "wall_beside_fping": (wall_s(mine) / wall_s(theirs), 1.2, "<="),
    }


def far(runs: int, *, full: bool) -> Measures:
    """The time, the false loss and the memory of a paced round, hosts being 20 ms away."""
    with NetworkLab({f"{FAR}.0.0/16": Host(delay_ms=20, dead_every=DEAD_EVERY)}) as lab:
        targets = addresses(FAR, DESTINATIONS)
        dead = [address for address in targets if number_in_network(address) % DEAD_EVERY == 0]
        fping = Fping(lab.prefix())
        with Ours(lab.prefix()) as ours:

            def paced() -> Round:
                return ours.round(
                    targets,
                    packets_per_second=PACED_PER_SECOND,
                    packet_interval_ms=1_000,
                    timeout_ms=TIMEOUT_MS,
                )

            first = paced()  # the process is fresh: what it holds for the round it has not held before
            mine, theirs = in_turn(
                runs, paced, lambda: fping.round(targets, interval_ms=0, timeout_ms=TIMEOUT_MS)
            )
            show("10,000 hosts 20 ms away: netstats_xl, paced", mine, packets=DESTINATIONS, dead=dead)
            show("10,000 hosts 20 ms away: fping -i0", theirs, packets=DESTINATIONS, dead=dead)
            if full:
                unpaced, slow = in_turn(
                    runs,
                    lambda: ours.round(targets, timeout_ms=TIMEOUT_MS),
                    lambda: fping.round(targets, interval_ms=0.1, timeout_ms=TIMEOUT_MS),
                )
                show(
                    "10,000 hosts 20 ms away: netstats_xl, unpaced", unpaced, packets=DESTINATIONS, dead=dead
                )
                show("10,000 hosts 20 ms away: fping -i0.1", slow, packets=DESTINATIONS, dead=dead)
        counts = lab.counts()[f"{FAR}.0.0/16"]
    rounds = 1 + runs * (4 if full else 2)
    if counts.replies != rounds * (DESTINATIONS - len(dead)):
        raise SystemExit(f"The lab itself lost packets: {counts} in {rounds} rounds. Run it again.")
    return {
        "paced_round_s_over_timeout": (wall_s(mine) - TIMEOUT_MS / 1_000, 1.2, "<="),
        "packets_lost_falsely": (max(each.lost(dead) for each in mine), 0, "<="),
        "memory_mb_over_idle": (first.memory_mb, 25, "<="),
    }


def number_in_network(address: str) -> int:
    third, fourth = address.split(".")[2:]
    return int(third) * 256 + int(fourth)


def beside_icmplib(
    runs: int, *, peer_runs: int, where: str, targets: Sequence[str], prefix: Sequence[str] = ()
) -> float:
    """CPU of rounds of several packets: how many times less ours is."""
    with Ours(prefix) as ours:
        ours.round(targets[:100])
        (mine,) = in_turn(
            runs, lambda: ours.round(targets, packets=PACKETS, packet_interval_ms=INTERVAL_S * 1_000)
        )
    (theirs,) = in_turn(peer_runs, lambda: multiping(targets, packets=PACKETS, prefix=prefix))
    show(f"1,000 {where}, 5 packets: netstats_xl", mine, packets=FEW * PACKETS)
    show(f"1,000 {where}, 5 packets: icmplib", theirs, packets=FEW * PACKETS)
    return cpu_s(theirs) / cpu_s(mine)


def several_packets(runs: int, *, full: bool) -> Measures:
    """CPU beside icmplib's."""
    near, peer_runs = addresses("127.1", FEW), 5 if full else 1
    times = beside_icmplib(runs, peer_runs=peer_runs, where="loopback addresses", targets=near)
    found: Measures = {"cpu_times_less_than_icmplib": (times, 100, ">=")}
    if full:
        with NetworkLab({f"{FAR}.0.0/16": Host(delay_ms=20)}) as lab:
            times = beside_icmplib(
                runs,
                peer_runs=peer_runs,
                where="hosts 20 ms away",
                targets=addresses(FAR, FEW),
                prefix=lab.prefix(),
            )
        print(f"On the hosts 20 ms away the CPU is {times:.0f} times less than icmplib's.")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more runs, and more ways to compare")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    if reason := why_unavailable() or why_missing():
        raise SystemExit(f"Nothing can be measured here: {reason}")
    runs = 15 if options.full else 5
    headings = ("runs", "CPU/packet us", "wall s", "lost", "at most")
    print(
        f"{'(medians)':<48}{headings[0]:>5}{headings[1]:>14}{headings[2]:>10}{headings[3]:>10}{headings[4]:>8}"
    )
    measures = loopback(runs)
    measures |= far(runs, full=options.full)
    measures |= several_packets(runs, full=options.full)
    judged = {}
    for name, (value, goal, relation) in measures.items():
        met = value <= goal if relation == "<=" else value >= goal
        judged[name] = {"value": round(value, 3), "goal": goal, "met": met}
        print(f"{name:<32}{value:>10.3f}  (goal: {relation} {goal:g}){'' if met else '  NOT MET'}")
    if options.json:
        print(json.dumps(judged))


if __name__ == "__main__":
    main()
