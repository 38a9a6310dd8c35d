"""Damage at random places of a database and its log, one at a time, and what a collector makes of it.

By hand, with many more places than the tests try: `python -m tests.store.flipping COUNT [SEED]`.
"""

import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netstats_xl.domain.incidents import Incident, IncidentKind
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Batch, Replied, Sample
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.incident_log import read_incidents
from netstats_xl.store.rolling import TABLES, all_columns_of, keeps_percentiles
from netstats_xl.store.saved_mark import mark_path
from tests.contracts.result_store import ALWAYS, OUTCOMES, at

NAME = "results.duckdb"
BATCHES_IN_FILE, BATCHES_IN_LOG, DESTINATIONS = 20, 10, 4
LOG = ".wal"
_MAKE = """
import os, sys
from pathlib import Path
from tests.store.flipping import *
make(Path(sys.argv[1]))
os._exit(0)  # as a kill would: the log stays
"""


@dataclass
class Heard:
    """A watcher that remembers what it heard."""

    incidents: list[Incident] = field(default_factory=list)
    rooms: list[int | None] = field(default_factory=list)

    def note_incident(self, incident: Incident) -> None:
        self.incidents.append(incident)

    def note_room(self, free_bytes: int | None) -> None:
        self.rooms.append(free_bytes)


@dataclass(frozen=True)
class Victim:
    """A database as a killed collector leaves it: byte by byte, with its log and the mark of what it had saved."""

    file: bytes
    log: bytes
    mark: bytes
    samples: tuple[Sample, ...]
    rollups: tuple[tuple[object, ...], ...]


def batch(number: int) -> Batch:
    """A batch whose samples are like no others."""
    samples = [
        Sample(
            at=at(number + index / 100),
            job_id="job1",
            destination_id=f"dest{index}",
            run_id=f"run{number}",
            interval_s=60.0,
            outcome=OUTCOMES[(number + index) % len(OUTCOMES)]
            if index % 3
            else Replied(address="192.0.2.1", rtts_ms=(number + index / 8, None, 2.5)),
        )
        for index in range(DESTINATIONS)
    ]
    return Batch(batch_id=f"batch{number}", samples=samples)


def make(path: Path) -> None:
    """A database with results in the file, rollups among them, and more in its log."""
    store = DuckDbStore.open(path, watcher=Heard())
    for number in range(BATCHES_IN_FILE):
        store.save(batch(number))
    for level in Level:
        bins = "" if level is Level.MINUTE else ", 1, [1, 2, 3]"
        percentiles = ", 1.5, 2.5, NULL" if keeps_percentiles(level) else ""
        store._database.write(
            lambda cursor, level=level, more=bins + percentiles: cursor.execute(  # type: ignore[misc]  # bound at once
                f"INSERT INTO {TABLES[level]} ({all_columns_of(level)}) SELECT TIMESTAMP '2026-03-29' + "
                f"INTERVAL (i) MINUTE, 1, i % 12, 1, 0, 1, 0, 4, 4, i, i, i * 7, i * i, i, 3{more} "
                "FROM range(100) AS r(i)"
            ),
            committed=lambda _: None,
        )
    store._database.read(lambda cursor: cursor.execute("CHECKPOINT"))
    for number in range(BATCHES_IN_FILE, BATCHES_IN_FILE + BATCHES_IN_LOG):
        store.save(batch(number))


def make_victim(folder: Path) -> Victim:
    """The files of a database that a process of its own made and did not close."""
    path = folder / NAME
    subprocess.run(
        [sys.executable, "-c", _MAKE, str(path)],
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    files = [path, path.with_name(NAME + LOG), mark_path(path)]
    file, log, mark = (each.read_bytes() for each in files)
    store = DuckDbStore.open(path)
    samples, rollups = tuple(store.samples(ALWAYS)), read_rollups(store)
    store.close()
    assert len(samples) == DESTINATIONS * (BATCHES_IN_FILE + BATCHES_IN_LOG)
    assert len(rollups) == 400
    for each in folder.iterdir():
        each.unlink()
    return Victim(file, log, mark, samples, rollups)


def read_rollups(store: DuckDbStore) -> tuple[tuple[object, ...], ...]:
    """All rows of all rollups, in the order of their levels."""
    return tuple(
        store._database.read(
            lambda cursor: [
                tuple(map(str, row))
                for table in TABLES.values()
                for row in cursor.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
            ]
        )
    )


def flip(content: bytes, dice: random.Random) -> bytes:
    """One bit of it is another."""
    flipped = bytearray(content)
    flipped[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return bytes(flipped)


def cut(content: bytes, dice: random.Random) -> bytes:
    """Its end is missing."""
    return content[: dice.randrange(len(content))]


Damage = Callable[[bytes, random.Random], bytes]
DAMAGES: dict[str, tuple[Damage | None, Damage | None]] = {
    "a bit of the file is flipped": (flip, None),
    "the file is cut": (cut, None),
    "a bit of the log is flipped": (None, flip),
    "the log is cut": (None, cut),
}
"""What is done to the file, and what to the log."""


def try_once(folder: Path, victim: Victim, name: str, seed: int) -> str:
    """Damage the victim, collect on, and check every promise; what became of it."""
    dice = random.Random(f"{name} {seed}")
    of_file, of_log = DAMAGES[name]
    for each in folder.iterdir():
        each.unlink()
    path = folder / NAME
    path.write_bytes(of_file(victim.file, dice) if of_file else victim.file)
    path.with_name(NAME + LOG).write_bytes(of_log(victim.log, dice) if of_log else victim.log)
    mark_path(path).write_bytes(victim.mark)
    before = {each.name[len(NAME) :]: each.read_bytes() for each in (path, path.with_name(NAME + LOG))}
    heard = Heard()
    store = DuckDbStore.open(path, watcher=heard)
    if heard.incidents:
        check_kept(heard.incidents[0], before)
    store.samples(ALWAYS)
    rollups = read_rollups(store)
    new = batch(1_000)
    store.save(new)
    # Damage that was found last of all has taken what was read before with it.
    *found, first, second, third, fourth = store.samples(ALWAYS)
    assert [first, second, third, fourth] == new.samples
    store.close()
    check(path, victim, found, rollups, heard.incidents)
    assert list(read_incidents(path)) == heard.incidents
    return ", ".join(each.kind for each in heard.incidents) or "harmless"


def check_kept(incident: Incident, before: dict[str, bytes]) -> None:
    """What was kept when the database was opened is as it was before."""
    kept = {Path(each).name.partition(".duckdb")[2]: Path(each).read_bytes() for each in incident.kept}
    assert all(content == before[suffix] for suffix, content in kept.items())
    assert incident.kind is not IncidentKind.SET_ASIDE or kept[""] == before[""]


def check(
    path: Path,
    victim: Victim,
    found: Sequence[Sample],
    rollups: tuple[tuple[object, ...], ...],
    incidents: Sequence[Incident],
) -> None:
    """What is there is right, and what is not there is accounted for, truly."""
    kinds = [each.kind for each in incidents]
    missing = set(victim.samples) - set(found)
    assert set(found) <= set(victim.samples), "altered"
    assert len(found) == len(set(found)), "twice"
    assert len(kinds) <= 1, kinds
    if not kinds:
        assert not missing, "gone without a word"
        assert rollups == victim.rollups
        return
    [incident] = incidents
    if incident.kind is IncidentKind.SET_ASIDE:
        assert not found
        assert not rollups
        assert Path(incident.kept[0]).parent == path.parent
        assert Path(incident.kept[0]).exists()
        return
    assert rollups == victim.rollups
    assert len(found) >= DESTINATIONS * BATCHES_IN_FILE
    assert missing, "nothing is gone, but was said to be"
    assert incident.saved_until == max(each.at for each in found)
    assert min(each.at for each in missing) > incident.saved_until
    if incident.lost_commits is not None:
        assert incident.lost_commits == len({each.run_id for each in missing})


def main(count: int, seed: int) -> None:
    """Try each kind of damage this many times, and print what became of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        victim = make_victim(folder)
        print(f"file {len(victim.file):,} bytes, log {len(victim.log):,} bytes")
        for damage in DAMAGES:
            outcomes = Counter(try_once(folder, victim, damage, seed + number) for number in range(count))
            print(f"{damage}: {count} of {count} as promised; {dict(outcomes)}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
