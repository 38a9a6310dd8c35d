"""Kill a process while it writes to the store, and see what is there then; again and again.

    python -m tests.store.killing [KILLS] [SEED]

The process is killed at a random moment of what a coin says: opening, migrating, saving, sealing, deleting, backing up
or closing. Its file is copied as it lies there. The copy must open at once and hold each acknowledged sample once, and
what it says of each day must be what was sent to it, counted here. The next process goes on with the file itself.
"""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from threading import Timer

from netstats_xl.store.lean import do_without_pandas
from netstats_xl.store.verifying import verify
from tests.store import killed_work
from tests.store.acknowledged import Known, check
from tests.store.killed_work import BACKING_UP, CLOSING, OPENING, PRUNING, SAVING, SEALING
from tests.store.old_database import make_old_database

MIGRATING = "migrate"
TARGETS = {OPENING: 1, MIGRATING: 2, SAVING: 4, SEALING: 5, PRUNING: 3, BACKING_UP: 2, CLOSING: 1}
"""What a process is killed in, and how often of all."""
LONGEST_S = {
    OPENING: 0.1,
    MIGRATING: 0.2,
    SAVING: 0.02,
    SEALING: 0.05,
    PRUNING: 0.1,
    BACKING_UP: 0.4,
    CLOSING: 0.03,
}
"""Until when it is killed at the latest: about how long that takes."""
KILLED_WITHIN_S = 300
KILLS_A_TELLING = 25
OLD_BATCHES = 60
"""How many batches a database of the old version holds."""


@dataclass(slots=True)
class Findings:
    """What was seen over all kills."""

    kills: Counter[str] = field(default_factory=Counter)
    """In what the process was killed."""
    databases: int = 0
    acknowledged: int = 0
    survived: int = 0
    """Batches that were stored though the process was killed before it could say so."""
    backups: int = 0
    reopened_s: list[tuple[float, str]] = field(default_factory=list)
    """How long opening took after each kill, and in what it had been killed."""

    def told(self) -> str:
        """In words."""
        kills = ", ".join(f"{count} in {doing!r}" for doing, count in sorted(self.kills.items()))
        ordered = sorted(self.reopened_s)
        return (
            f"{self.kills.total()} kills: {kills}.\n"
            f"{self.databases} databases, {self.acknowledged} acknowledged batches: "
            "none lost, none twice, all days right.\n"
            f"{self.survived} batches survived unacknowledged; {self.backups} backups were whole.\n"
            f"Reopened in {ordered[len(ordered) // 2][0]:.3f} s (median), {ordered[-1][0]:.3f} s at worst, after "
            f"{ordered[-1][1]!r}."
        )


def kill_again_and_again(folder: Path, kills: int, seed: int, findings: Findings) -> None:
    """Kill so many processes, and add what is seen to the findings.

    Raises:
        AssertionError: something was lost, was there twice, or is wrong.
    """
    draw = Random(seed)
    old, place = folder / "old.duckdb", folder / "at work"
    make_old_database(old, OLD_BATCHES)
    path = place / "results.duckdb"
    known = Known()
    for number in range(kills):
        [target] = draw.choices(list(TARGETS), weights=list(TARGETS.values()))
        if target == MIGRATING or number == 0:
            known = Known(acknowledged=OLD_BATCHES)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            shutil.copy(old, path)
            findings.databases += 1
            findings.acknowledged += OLD_BATCHES
        before = known.acknowledged
        doing = _kill_one(path, known, target, draw)
        doing = MIGRATING if doing == OPENING and target == MIGRATING else doing
        findings.kills[doing] += 1
        findings.acknowledged += known.acknowledged - before
        with _copy_of(path) as copy:
            try:
                found = check(copy, known)
            except AssertionError as error:
                error.add_note(f"after kill {number} of seed {seed}, in {doing!r}, with {known}")
                raise
        findings.reopened_s.append((found.reopened_s, doing))
        findings.survived += found.survived
        findings.backups += _check_backups(place)


def _kill_one(path: Path, known: Known, target: str, draw: Random) -> str:
    """Have a process work on the database and kill it; what it was doing then, and `known` is brought up to date."""
    first = known.acknowledged
    command = [
        sys.executable,
        "-m",
        killed_work.__name__,
        str(path),
        str(first),
        str(draw.randrange(1 << 30)),
    ]
    skipped = 0 if target in (OPENING, MIGRATING) else draw.randrange(10)
    doing, killer = "start", None
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        deadline = Timer(KILLED_WITHIN_S, process.kill)
        deadline.start()
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # killed while it wrote the line
            if line == "done\n":
                if doing == SAVING:
                    known.acknowledged, known.under_way = known.acknowledged + 1, None
                doing = "nothing"
            else:
                doing, _, what = line.rstrip().partition(":")
                if doing == SAVING:
                    known.under_way = int(what)
                elif doing == PRUNING:
                    cutoff = datetime.fromisoformat(what)
                    known.pruned_before = max(known.pruned_before or cutoff, cutoff)
            begun = doing == target or (doing == OPENING and target == MIGRATING)
            skipped -= doing != "nothing"
            if killer is None and begun and skipped < 0:
                killer = Timer(draw.uniform(0, LONGEST_S[target]), process.kill)
                killer.start()
        complaint = process.stderr.read()
        deadline.cancel()
    assert not complaint, f"the process ended by itself: {complaint}"
    assert killer is not None, f"the process did not come to {target!r} in {KILLED_WITHIN_S} s"
    return doing


@contextmanager
def _copy_of(path: Path) -> Iterator[Path]:
    """A copy of the database as the killed process left it."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        for each in (path, path.with_name(path.name + ".wal")):
            if each.exists():
                shutil.copy(each, name)
        yield Path(name) / path.name


def _check_backups(folder: Path) -> int:
    """See that each backup that has its name is whole; how many there were, which are removed."""
    backups = list(folder.glob("backup-*.duckdb"))
    for each in backups:
        flaws = verify(each).flaws
        assert not flaws, f"{each.name}: {flaws}"
        each.unlink()
    return len(backups)


def main(arguments: Sequence[str]) -> None:
    """Kill as often as the first argument says, with the second one as the seed."""
    do_without_pandas()
    kills, seed = (int(each) for each in [*arguments, *("250", "1")[len(arguments) :]])
    findings = Findings()
    for first in range(0, kills, KILLS_A_TELLING):
        with tempfile.TemporaryDirectory(prefix="netstats-xl-kills-") as name:
            kill_again_and_again(Path(name), min(KILLS_A_TELLING, kills - first), seed + first, findings)
        print(findings.told(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
