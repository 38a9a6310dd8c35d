"""How fast, how small and how exact the store is, beside SQLite on the same rows, in one run.

    python benchmarks/store.py [--full] [--json] [--folder FOLDER]

Without `--full` everything is scaled down, and the table says to what: it takes about a minute. With it, the sizes are
those of the goals (1,000 destinations every 10 s, 4 packets a round; 50 million raw rows, five years of rollups): an
hour, 8 GB of memory and up to 25 GB of the folder's disk, which is freed at the end.

The peer is SQLite with the plain schema that one would begin with: see `benchmarks/storing/sqlite.py`. Five years are
made up: see `benchmarks/storing/history.py`. Everything of ours goes through `DuckDbStore` as the companion opens it.
Ratios say more than times do: the machine is the same for both.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the package's parts, when this is run as a script

from benchmarks.storing import accuracy, ingest, latency, questions
from benchmarks.storing.history import DAY, HOUR, History, simulate
from benchmarks.storing.measures import Measure, as_json, rested_page_us, say, share_of_a_core, show
from netstats_xl.store.lean import do_without_pandas, look_for_garbage_seldom, take_short_turns

BEFORE_THE_HOUR = timedelta(minutes=5)
"""How long before a whole hour the histories end: the first questions cross it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of everything."""

    destinations: int
    raw: timedelta
    hours: timedelta
    batches: tuple[ingest.Sizes, ...]
    histories: dict[str, timedelta]
    questions: int
    questions_to_sqlite: int
    charts: int
    commits_s: int
    accuracy_days: int
    starts: int
    log_mb: float
    disk_rounds: int
    """How many rounds the file has at least whose size is measured: of few, what is fixed would weigh too much."""
    rollups_copied: int
    """How often the rollups are copied to see what they take: few do not fill blocks of 256 KiB."""
    free_bytes: float


YEARS = {"1d": DAY, "1y": 365 * DAY, "5y": 1_826 * DAY}
QUICK = Scale(
    destinations=48,
    raw=25 * HOUR,
    hours=14 * DAY,
    batches=(
        ingest.Sizes(rows=1_000, batches=50, goal=2, before=300_000),
        ingest.Sizes(rows=10_000, batches=7, goal=4, before=300_000),
    ),
    histories={name: YEARS[name] for name in ("1d", "5y")},
    questions=40,
    questions_to_sqlite=1,
    charts=4,
    commits_s=5,
    accuracy_days=1,
    starts=1,
    log_mb=4,
    disk_rounds=250_000,
    rollups_copied=12,
    free_bytes=2e9,
)
FULL = Scale(
    destinations=1_000,
    raw=6 * DAY,
    hours=1_826 * DAY,
    batches=(
        ingest.Sizes(rows=1_000, batches=1_000, goal=2, plain=True),
        ingest.Sizes(rows=10_000, batches=400, goal=4, plain=True),
    ),
    histories=YEARS,
    questions=500,
    questions_to_sqlite=2,
    charts=30,
    commits_s=600,
    accuracy_days=25,
    starts=5,
    log_mb=15,
    disk_rounds=4_000_000,
    rollups_copied=0,
    free_bytes=25e9,
)


def measured(folder: Path, scale: Scale, *, now: datetime) -> Iterator[Measure]:
    """All measures, one after the other."""
    end = now.replace(minute=0, second=0, microsecond=0) - 8 * HOUR - BEFORE_THE_HOUR
    say("Ingest ...")
    for sizes in scale.batches:
        start = end - timedelta(seconds=10) * (sizes.rows * sizes.batches // 1_000)
        yield from ingest.measure(folder, sizes, start=start)
    yield from ingest.disk(folder, scale.batches[-1], rounds=scale.disk_rounds)
    for sizes in scale.batches:
        ingest.ours_of(folder, sizes).unlink()
        ingest.peer_of(folder, sizes).unlink()
    say("Percentiles ...")
    yield from accuracy.percentiles(
        folder, destinations=4, days=scale.accuracy_days, questions=100, end=end.replace(minute=0)
    )
    histories: dict[str, tuple[Path, History]] = {}
    first: Path | None = None
    for name, length in scale.histories.items():
        say(f"Making up a history of {name} ...")
        history = History(
            destinations=scale.destinations,
            end=end,
            raw=scale.raw,
            hours=min(scale.hours, length),
            days=length,
        )
        path = folder / f"history-{name}.duckdb"
        simulate(path, history, raw_of=first)
        first = first or path
        histories[name] = path, history
    oldest, history = list(histories.values())[-1]
    rows = history.destinations * ((history.end - history.raw_start) // timedelta(seconds=10))
    shortest, _ = next(iter(histories.values()))
    in_place = ingest.Blocks.of(shortest).rollups_bytes
    copies = scale.rollups_copied
    yield Measure(
        name="rollups_mb_a_million_rounds",
        value=(ingest.rollups_bytes(shortest, folder, copies=copies) if copies else in_place) / rows,
        goal=4,
        beside=f"{rows:,} rounds, 10 s apart; all levels"
        + (
            f", beside {copies} copies; alone {in_place / rows:.2f}, in blocks of which some are half empty"
            if copies
            else ""
        ),
    )
    say("Dashboards ...")
    yield from questions.dashboard(histories, times=scale.questions)
    say("Charts ...")
    yield from questions.charts(oldest, history, times=scale.charts)
    say("Commits ...")
    yield from latency.commits(oldest, history, seconds=scale.commits_s)
    say("Starts ...")
    yield from latency.starts(oldest, history, rows=rows, times=scale.starts, log_mb=scale.log_mb)
    yield from questions.beside_sqlite(oldest, history, folder, times=scale.questions_to_sqlite)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--full", action="store_true", help="the sizes of the goals: an hour, and 25 GB of disk"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    options = parser.parse_args()
    # As the companion does; numpy is here already.
    do_without_pandas()
    look_for_garbage_seldom()
    take_short_turns()
    scale = FULL if options.full else QUICK
    with tempfile.TemporaryDirectory(prefix="netstats-xl-benchmark-", dir=options.folder) as name:
        free = shutil.disk_usage(name).free
        if free < scale.free_bytes:
            raise SystemExit(
                f"{name} has {free / 1e9:.1f} GB free, and {scale.free_bytes / 1e9:.0f} GB are needed: "
                "choose another folder with --folder."
            )
        found = []
        print(
            f"Of a core a busy loop gets {share_of_a_core():.0%}: what else the machine does takes the rest. A page of "
            f"memory that rested for a second takes {rested_page_us():.1f} µs: 0.1 where no host takes it away."
        )
        for each in measured(Path(name), scale, now=datetime.now(UTC)):
            show([each])
            found.append(each)
    print(f"At the end it gets {share_of_a_core():.0%}, and such a page takes {rested_page_us():.1f} µs.")
    if options.json:
        print(as_json(found))


if __name__ == "__main__":
    main()
