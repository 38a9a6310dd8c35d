"""Whether measuring stays right while reports are written: RTTs, loss and missed ticks then, beside quiet times.

    sudo python benchmarks/collecting.py [--full] [--json]

The peer, in the same run, is a process that probes the same kind of hosts and does nothing else.

The real `run` measures 127.x.y.z addresses and hosts of 5, 20 and 80 ms in a network namespace of its own (Linux,
root), every 2 s, 4 packets each, and writes a report every 10 s from a database that already holds so many days.
Rounds that a report was being written during at least half of are compared with those during which none was.
RTTs above the host's delay are shown, ms. The memory after each report is that of all the run's processes.
"""

import argparse
import asyncio
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the tests' network, when this is run as a script

from netstats_xl.domain.targets import EchoSettings
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes import process
from netstats_xl.probes.icmp import IcmpProber
from tests.netlab import Host, NetworkLab, why_unavailable

DELAYS_MS = (5, 20, 80)
HOSTS_PER_DELAY = 10
PACKETS = 4
MARKS = "reports.jsonl"
REFERENCE = "reference.jsonl"
Interval = tuple[float, float]


def configuration(loopback: int, interval: str, echo: str) -> str:
    addresses = [f"127.0.{number // 250 + 1}.{number % 250 + 1}" for number in range(loopback)]
    rows = [f"  - {{name: loop-{host}, host: {host}, group: loop}}" for host in addresses]
    rows += [f"  - {{name: lab-{host}, host: {host}, group: lab}}" for host in lab_hosts()]
    timing = f"interval: {interval}, packets: {PACKETS}{echo and ', '}{echo}"
    return "\n".join(
        [
            "settings: {zone: UTC, report_every: 10s}",
            "destinations:",
            *rows,
            "jobs:",
            f'  - {{name: Loop, destinations: "group:loop", {timing}}}',
            f'  - {{name: Lab, destinations: "group:lab", {timing}}}',
        ]
    )


def lab_hosts() -> dict[str, Host]:
    return {
        f"10.77.0.{delay + number}": Host(delay_ms=delay)
        for delay in DELAYS_MS
        for number in range(HOSTS_PER_DELAY)
    }


def fill(database: Path, days: float) -> None:
    """Repeat the rounds that are there into the past, one every 10 s."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(
            "CREATE TEMP TABLE one AS SELECT * FROM samples WHERE tick = (SELECT max(tick) FROM samples)"
        )
        for table in ("samples", "runs", "run_ids", "events"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute(
            "INSERT INTO samples SELECT one.* REPLACE (tick - to_seconds(range * 10) AS tick, -range AS run) "
            "FROM range(1, ?) AS back, one ORDER BY range DESC",
            [round(days * 8640)],
        )  # fmt: skip


def inside(arguments: Sequence[str], switch_interval_s: float | None, *, stamps: bool) -> None:
    """The command as it is, in this process, with a note of when each report was written."""
    from netstats_xl.app import reporting
    from netstats_xl.cli import main as command

    if switch_interval_s is not None:
        sys.setswitchinterval(switch_interval_s)
    if not stamps:
        no_stamps()
        from benchmarks import collecting  # under this name the other process finds it too

        opened = process.ProcessProber.open
        setattr(process.ProcessProber, "open", lambda: opened(collecting.open_without_stamps))  # noqa: B010 - mypy

    def noting(what: str, call: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(call)
        def noted(*positional: object, **named: object) -> object:
            began = time.time()
            result = call(*positional, **named)
            with Path(MARKS).open("a", encoding="utf-8") as file:
                file.write(json.dumps([what, began, time.time(), resident_mb()]) + "\n")
            return result

        return noted

    vars(reporting)["report_view"] = noting("view", vars(reporting)["report_view"])
    setattr(reporting.Reporting, "publish", noting("report", reporting.Reporting.publish))  # noqa: B010 - mypy
    command(arguments)


def no_stamps() -> None:
    """As on Windows."""
    from netstats_xl.probes import echo_socket

    vars(echo_socket)["ask_for_stamps"] = lambda _sock: False


def open_without_stamps() -> IcmpProber:
    no_stamps()
    return IcmpProber.open()


def reference(path: Path) -> None:
    """Measure the lab's hosts from a process that does nothing else, until it is ended."""

    async def measure_on_and_on() -> None:
        prober = IcmpProber.open()
        targets = [ProbeTarget(destination_id=host, host=host) for host in lab_hosts()]
        targets += [
            ProbeTarget(destination_id=host, host=host) for host in (f"127.0.200.{n}" for n in range(1, 100))
        ]
        with path.open("a", encoding="utf-8") as file:
            while True:
                await asyncio.sleep(1.5 - time.time() % 1)
                began = time.time()
                results = await prober.probe(targets, EchoSettings(packets=PACKETS))
                rtts = {each.destination_id: list(getattr(each.outcome, "rtts_ms", ())) for each in results}
                file.write(json.dumps([began, time.time(), rtts]) + "\n")
                file.flush()

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(measure_on_and_on())


def resident_mb() -> list[float]:
    """Resident memory of this process and its children, MB."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return [
        int(line.split()[1]) / 1_000
        for process in ("self", *children)
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
        if line.startswith("VmRSS:")
    ]


def overlap(one: Interval, others: Sequence[Interval]) -> float:
    return sum(max(0.0, min(one[1], end) - max(one[0], start)) for start, end in others) / (one[1] - one[0])


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def delay_of(host: str) -> int:
    last = int(host.rsplit(".", 1)[1])
    return 0 if host.startswith("127.") else max(delay for delay in DELAYS_MS if delay <= last)


def evaluate(folder: Path, began: float) -> dict[str, object]:
    marks = [json.loads(line) for line in (folder / MARKS).read_text(encoding="utf-8").splitlines()]
    reports = [(start, end) for what, start, end, _ in marks if what == "report"]
    views = [end - start for what, start, end, _ in marks if what == "view"]
    since = datetime.fromtimestamp(began, UTC).replace(tzinfo=None)
    with duckdb.connect(str(folder / "Net.duckdb"), read_only=True) as connection:
        runs = connection.execute(
            "SELECT run, outcome, ticks, epoch(tick), epoch(started), epoch(finished), reason FROM runs "
            "WHERE tick >= ?",
            [since],
        ).fetchall()
        samples = connection.execute(
            "SELECT run, d.host, rtts_ms, sent, received FROM samples s JOIN destinations d ON d.key = s.destination "
            "WHERE tick >= ?",
            [since],
        ).fetchall()
    kind: dict[int, str] = {}
    lasted: dict[str, list[float]] = {"quiet": [], "report": []}
    late: dict[str, list[float]] = {"quiet": [], "report": []}
    for run, outcome, _ticks, tick, started, finished, _ in runs:
        share = overlap((tick, max(finished, tick + 1e-3)), reports)
        kind[run] = "report" if share >= 0.5 else "quiet" if share == 0 else "between"
        if outcome == "completed" and kind[run] in lasted:
            lasted[kind[run]].append(finished - started)
            late[kind[run]].append((started - tick) * 1e3)
    found: dict[str, object] = {
        "reports": len(reports),
        "report_s": [round(end - start, 2) for start, end in reports],
        "view_s": round(statistics.mean(views), 2),
        "rss_mb": [rss for what, _, _, rss in marks if what == "report"],
        "missed": [(ticks, reason) for _, outcome, ticks, _, _, _, reason in runs if outcome == "missed"],
        "failed": sum(outcome == "failed" for _, outcome, *_ in runs),
    }
    for what in lasted:
        found[f"rounds_{what}"] = len(lasted[what])
        found[f"round_s_{what}"] = round(max(lasted[what], default=0), 2)
        found[f"start_late_ms_{what}"] = round(max(late[what], default=0), 1)
    compared = [(run, host, values or [None] * sent) for run, host, values, sent, _ in samples]
    for line in (folder / REFERENCE).read_text(encoding="utf-8").splitlines():
        start, end, values = json.loads(line)
        share = overlap((start, end), reports)
        key = -len(kind)
        kind[key] = "report, reference" if share >= 0.5 else "quiet, reference" if share == 0 else "between"
        compared += [(key, host, rtts or [None] * PACKETS) for host, rtts in values.items()]
    for delay in (0, *DELAYS_MS):
        for what in ("quiet", "report", "quiet, reference", "report, reference"):
            rtts = [
                value if value is None else value - delay
                for run, host, values in compared
                if delay_of(host) == delay and kind.get(run) == what
                for value in values
            ]
            came = [value for value in rtts if value is not None]
            row = [round(percentile(came, share), 3) for share in (0.5, 0.95, 0.99, 1.0)]
            found[f"{delay} ms, {what}"] = {
                "p50,p95,p99,max": row,
                "n": len(came),
                "lost": len(rtts) - len(came),
            }
    return found


def measure(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    (folder / "net.yaml").write_text(
        configuration(options.loopback, options.interval, options.echo), encoding="utf-8"
    )
    command = [sys.executable, "-m", "netstats_xl"]
    with NetworkLab(lab_hosts()) as lab:

        def run(words: Sequence[str], timeout: float) -> None:
            done = lab.run(
                words, timeout=timeout, cwd=folder, env=os.environ | {"PYTHONPATH": str(Path.cwd())}
            )
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)

        run([*command, "config", "import", "net.yaml", "Net.xlsx"], 120)
        run([*command, "run", "Net.xlsx", "--for", "12s"], 120)
        fill(folder / "Net.duckdb", options.days)
        for switch in options.switch or [None]:
            (folder / MARKS).unlink(missing_ok=True)
            (folder / REFERENCE).unlink(missing_ok=True)
            began = time.time()
            own = [sys.executable, "-m", "benchmarks.collecting"]
            own += [] if switch is None else [f"--switch={switch}"]
            own += ["--no-stamps"] if options.no_stamps else []
            words = ["--inside", "run", "Net.xlsx", "--for", f"{options.seconds}s"]
            other = subprocess.Popen(
                [*lab.prefix(), *own, "--reference"],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(Path.cwd())},
            )
            try:
                run([*own, *words], options.seconds + 120)
            finally:
                other.kill()
                other.wait()
            yield {"switch_interval_s": switch, **evaluate(folder, began)}


def show(found: dict[str, object]) -> None:
    """Print the RTTs as a table, ours beside the reference's, and the rest below."""
    headings = ("p50", "p95", "p99", "max", "packets", "lost")
    print(f"{'RTT above the delay set (ms)':<34}" + "".join(f"{heading:>10}" for heading in headings))
    for key, value in found.items():
        if isinstance(value, dict):
            cells = (*value["p50,p95,p99,max"], value["n"], value["lost"])
            print(f"{key:<34}" + "".join(f"{cell:>10}" for cell in cells))
    for key, value in found.items():
        if not isinstance(value, dict):
            print(f"{key:<34}{value}")


def judged(found: dict[str, object]) -> dict[str, dict[str, object]]:
    """What matters: nothing is lost or missed, and a report lengthens no RTT beyond the reference's."""

    def row(key: str) -> dict[str, object]:
        value = found[key]
        assert isinstance(value, dict)
        return value

    p95 = [row(key)["p50,p95,p99,max"][1] for key in ("0 ms, report", "0 ms, report, reference")]  # type: ignore[index]  # a list
    missed = found["missed"]
    assert isinstance(missed, list)
    if not all(row(key)["n"] for key in ("0 ms, report", "0 ms, report, reference")):
        raise SystemExit(
            "No round fell into the writing of a report: run it again, or for longer with --full."
        )
    measures = {
        "rtt_p95_above_reference_ms": (round(p95[0] - p95[1], 3), 0.5),
        "packets_lost_falsely": (
            sum(int(str(row(key)["lost"])) for key in ("0 ms, quiet", "0 ms, report")),
            0,
        ),
        "ticks_missed": (sum(ticks for ticks, _ in missed), 0),
    }
    return {
        name: {"value": value, "goal": goal, "met": value <= goal} for name, (value, goal) in measures.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="--seconds 90 --days 1 --loopback 800")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--days", type=float)
    parser.add_argument("--loopback", type=int)
    parser.add_argument("--interval", default="2s")
    parser.add_argument(
        "--switch", type=float, action="append", help="sys.setswitchinterval, s, instead of the own"
    )
    parser.add_argument("--echo", default="", help="more of the jobs' settings: 'timeout_ms: 400'")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--inside", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.add_argument(
        "--no-stamps", action="store_true", help="as on Windows: no receive times from the kernel"
    )
    parser.add_argument("--reference", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name, value, full_value in (("seconds", 22, 90), ("days", 0.05, 1.0), ("loopback", 300, 800)):
        if getattr(options, name) is None:
            setattr(options, name, full_value if options.full else value)
    if options.inside:
        inside(options.inside, options.switch[0] if options.switch else None, stamps=not options.no_stamps)
        return
    if options.reference:
        if options.no_stamps:
            no_stamps()
        reference(Path(REFERENCE))
        return
    if reason := why_unavailable():
        raise SystemExit(f"No network lab: {reason}")
    with tempfile.TemporaryDirectory(prefix="netstats-xl-benchmark-") as name:
        for found in measure(Path(name), options):
            show(found)
            if options.json:
                print(json.dumps(judged(found)), flush=True)


if __name__ == "__main__":
    main()
