"""How long and how much memory a report takes to write, beside pandas on the same data, in one run.

    python benchmarks/report.py [--full] [--json]

Two pairs: the tables of a report of 1,000 destinations over 24 h as .xlsx, beside `DataFrame.to_excel`
(openpyxl), and 1,000,000 samples as .csv, beside `DataFrame.to_csv`. Each of the four runs in a process of its
own that holds its data, in the form that it needs, before the clock starts: rows as tuples for our workbook, a
DataFrame for pandas, the database for our CSV.

Peak memory is the most that the process held while it wrote, above what it held when it began (Linux:
VmHWM, reset at the start, less VmRSS). For the CSV, what counts is pandas with its DataFrame: to write the samples
it must hold them all, where our export reads them from the database; the row without the DataFrame is shown
beside it. Its DataFrame is what `read_csv` makes of our file, so both write the same; that
its times are texts already makes it easy for pandas.
"""

import argparse
import ctypes
import gc
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from netstats_xl.app.views import hourly
from netstats_xl.domain.results import Batch, Period, Replied, Sample
from netstats_xl.domain.targets import Definitions, Destination, Job, Selector
from netstats_xl.domain.views import Anchor, Row, SheetSpec, TableSpec, WorkbookSpec, WorkbookView
from netstats_xl.domain.windows import Schedule
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.workbooks.xlsx_writer import write_workbook

DESTINATIONS, HOURS, SAMPLES = 1_000, 24, 1_000_000
TIME_GOAL, MEMORY_GOAL = 0.5, 0.25
START = datetime(2026, 11, 22, tzinfo=UTC)
INTERVAL = timedelta(seconds=30)
FIRST_ROUNDS = 20
OVERVIEW = (hourly.DESTINATION, hourly.GROUP, hourly.MEAN, hourly.P95, hourly.JITTER, hourly.LOSS)
Measured = dict[str, float]


def hourly_rows(destinations: int) -> Iterator[Row]:
    """Rows of the Hourly table as reports have them: full-length floats, and hours without an answer."""
    draw = random.Random(1)
    for hour in range(HOURS):
        at = (START + timedelta(hours=hour)).replace(tzinfo=None)
        for number in range(destinations):
            sent = 480
            received = draw.choice((0, sent, sent, sent, sent - 1, sent - 30))
            mean = draw.uniform(1, 80)
            answered = (mean, mean * 1.4, mean * 3, mean / 9) if received else (None, None, None, None)
            yield (
                f"host-{number:05}", f"site {number % 20}", "Every 30 s", at, at.date(), hour, "7 Sun", 120,
                sent, received, sent - received, *answered, 100 * (sent - received) / sent,
                100.0 if received else 0.0, mean * received if received else None,
            )  # fmt: skip


def overview_rows(destinations: int) -> Iterator[Row]:
    for row in hourly_rows(destinations):
        if row[5] == 0:
            yield row[0], row[1], row[11], row[12], row[14], row[15]


def xlsx_ours(folder: Path, size: int) -> Measured:
    tables = {"Overview": list(overview_rows(size)), "Hourly": list(hourly_rows(size))}
    specs = (
        TableSpec(name="Overview", anchor=Anchor(row=0, column=0), columns=OVERVIEW),
        TableSpec(name="Hourly", anchor=Anchor(row=0, column=0), columns=hourly.COLUMNS, streamed=True),
    )
    sheets = tuple(SheetSpec(name=spec.name, blocks=(spec,)) for spec in specs)
    view = WorkbookView(spec=WorkbookSpec(title="Report", sheets=sheets), rows=tables)
    return measured(lambda: write_workbook(view, folder / "ours.xlsx"), folder / "ours.xlsx")


def xlsx_pandas(folder: Path, size: int) -> Measured:
    frames = {
        "Overview": pd.DataFrame(overview_rows(size), columns=[column.header for column in OVERVIEW]),
        "Hourly": pd.DataFrame(hourly_rows(size), columns=[column.header for column in hourly.COLUMNS]),
    }

    def write() -> None:
        with pd.ExcelWriter(folder / "pandas.xlsx", engine="openpyxl") as writer:
            for name, frame in frames.items():
                frame.to_excel(writer, sheet_name=name, index=False)

    return measured(write, folder / "pandas.xlsx")


def csv_ours(folder: Path, size: int) -> Measured:
    store = DuckDbStore.open(folder / "samples.db")
    period = Period(start=START, end=START + INTERVAL * math.ceil(size / DESTINATIONS))
    try:
        return measured(lambda: store.export_csv(folder / "ours.csv", period), folder / "ours.csv")
    finally:
        store.close()


def csv_pandas(folder: Path, size: int) -> Measured:
    before = memory("VmRSS")
    frame = pd.read_csv(folder / "ours.csv", encoding="utf-8-sig")
    if len(frame) != size:
        raise SystemExit(f"The export has {len(frame)} rows where {size} were saved.")
    settle()
    held = memory("VmRSS") - before
    target = folder / "pandas.csv"
    result = measured(lambda: frame.to_csv(target, index=False, encoding="utf-8-sig"), target)
    return result | {"peak_with_frame": result["peak"] + held}


def fill(folder: Path, size: int) -> None:
    """Save the samples in the database: the first rounds through the store, then copies of them, later in time."""
    draw = random.Random(2)
    destinations = tuple(
        Destination(
            id=f"{number:012x}", name=f"host-{number:05}", host=f"10.0.{number // 250}.{number % 250 + 1}"
        )
        for number in range(DESTINATIONS)
    )
    schedule = Schedule(interval=INTERVAL)
    job = Job(id="f" * 12, name="Every 30 s", selectors=(Selector(kind="all"),), schedule=schedule)
    store = DuckDbStore.open(folder / "samples.db")
    store.save_definitions(Definitions(destinations=destinations, jobs=(job,)), at=START)
    samples = [
        Sample(
            at=START + number * INTERVAL,
            job_id=job.id,
            destination_id=destination.id,
            run_id=f"run{number}",
            interval_s=INTERVAL.total_seconds(),
            outcome=Replied(
                address=destination.host, rtts_ms=tuple(round(draw.uniform(1, 80), 4) for _ in range(4))
            ),
        )
        for number in range(FIRST_ROUNDS)
        for destination in destinations
    ]
    store.save(Batch(batch_id="first", samples=samples))
    store.close()
    with duckdb.connect(folder / "samples.db") as connection:
        for copy in range(1, size // len(samples)):
            later_s = copy * FIRST_ROUNDS * INTERVAL.total_seconds()
            connection.execute(
                "INSERT INTO samples SELECT * REPLACE (tick + to_seconds($later) AS tick) "
                "FROM samples WHERE tick < $end",
                {"later": later_s, "end": (START + FIRST_ROUNDS * INTERVAL).replace(tzinfo=None)},
            )


def measured(write: Callable[[], object], target: Path) -> Measured:
    """Seconds and peak bytes of writing, and the size of what was written."""
    settle()
    held = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # proc(5): resets VmHWM
    start_s = time.perf_counter()
    write()
    seconds = time.perf_counter() - start_s
    return {"seconds": seconds, "peak": memory("VmHWM") - held, "size": float(target.stat().st_size)}


def settle() -> None:
    """Give back what is free, so that memory that the data left over cannot be written with unseen."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def memory(field: str) -> float:
    """A figure of the process's memory, bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return float(line.split()[1]) * 1024
    raise SystemExit(f"This system's /proc/self/status has no {field}: the benchmark needs Linux.")


STEPS = {"xlsx-ours": xlsx_ours, "xlsx-pandas": xlsx_pandas, "csv-ours": csv_ours, "csv-pandas": csv_pandas}


def in_own_process(step: str, folder: Path, size: int) -> Measured:
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder), "--size", str(size)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found: Measured = json.loads(lines[-1])
    return found


def run(repeats: int) -> dict[str, Measured]:
    """The least time and the least memory of each step: what is above them is the machine's noise."""
    found: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="netstats-xl-benchmark-") as name:
        folder = Path(name)
        print(f"Saving {SAMPLES:,} samples in a database ...", flush=True)
        fill(folder, SAMPLES)
        for _ in range(repeats):
            for step in STEPS:
                size = DESTINATIONS if step.startswith("xlsx") else SAMPLES
                new = in_own_process(step, folder, size)
                old = found.get(step, new)
                found[step] = {key: min(value, old[key]) for key, value in new.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more repetitions")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step](arguments.folder, arguments.size)))
        return
    found = run(repeats=3 if arguments.full else 1)
    rows = f"{DESTINATIONS * HOURS:,} and {DESTINATIONS:,} rows"
    print(f"\n{'':<46}{'time (s)':>10}{'peak memory (MB)':>18}{'size (MB)':>11}")
    for step, label in (
        ("xlsx-ours", f"report tables, .xlsx, {rows}"),
        ("xlsx-pandas", "  pandas.to_excel (openpyxl)"),
        ("csv-ours", f"{SAMPLES:,} samples, .csv"),
        ("csv-pandas", "  pandas.to_csv"),
    ):
        one = found[step]
        print(f"{label:<46}{one['seconds']:>10.2f}{one['peak'] / 1e6:>18.1f}{one['size'] / 1e6:>11.1f}")
    print(
        f"{'  pandas.to_csv, its DataFrame counted':<56}{found['csv-pandas']['peak_with_frame'] / 1e6:>18.1f}"
    )
    ratios = {
        "xlsx_time": (found["xlsx-ours"]["seconds"] / found["xlsx-pandas"]["seconds"], TIME_GOAL),
        "xlsx_peak_memory": (found["xlsx-ours"]["peak"] / found["xlsx-pandas"]["peak"], MEMORY_GOAL),
        "csv_time": (found["csv-ours"]["seconds"] / found["csv-pandas"]["seconds"], TIME_GOAL),
        "csv_peak_memory": (
            found["csv-ours"]["peak"] / found["csv-pandas"]["peak_with_frame"],
            MEMORY_GOAL,
        ),
    }
    print("\nOurs as a share of pandas':")
    for name, (value, goal) in ratios.items():
        print(f"  {name:<30}{value:>7.3f}  (goal: at most {goal})")
    if arguments.json:
        result = {
            name: {"value": round(value, 3), "goal": goal, "met": value <= goal}
            for name, (value, goal) in ratios.items()
        }
        print(json.dumps(result))


if __name__ == "__main__":
    main()
