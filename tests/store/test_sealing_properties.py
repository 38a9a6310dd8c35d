"""However the same rounds come, late or in time, each level holds what they add up to."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.domain.histograms import bin_of
from netstats_xl.domain.levels import Level, bucket_of
from netstats_xl.domain.results import Batch, Outcome, Replied, Sample, Timeout, packets_of, rtts_of
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.rollups import jitter_differences
from netstats_xl.domain.targets import Settings
from netstats_xl.store import frontier as frontiers
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.auditing import check_rollups
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.rolling import Bucketing, columns_of, merged

pytestmark = pytest.mark.trials

START = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""Half a day before the clocks of Berlin go forward, and three before a month's end."""
SPAN_MINUTES = 5 * 24 * 60
WHOLE_HOURS = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia")
ZONES = (*WHOLE_HOURS, "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")

Row = dict[str, Any]


def added_up(samples: Sequence[Sample], level: Level, zone: str) -> dict[tuple[datetime, str, str], Row]:
    """What the samples add up to, the slow way."""
    rounds = pd.DataFrame(
        {
            "bucket": [utc_naive(bucket_of(level, each.at, zone)) for each in samples],
            "job": [each.job_id for each in samples],
            "destination": [each.destination_id for each in samples],
            "up": [packets_of(each.outcome)[1] > 0 for each in samples],
            "ms": [round(each.interval_s * 1000) for each in samples],
            "sent": [packets_of(each.outcome)[0] for each in samples],
            "jitter": [round(sum(jitter_differences(rtts_of(each.outcome))) * 1000) for each in samples],
            "pairs": [len(jitter_differences(rtts_of(each.outcome))) for each in samples],
            "rtts": [
                [float(np.float32(rtt)) for rtt in rtts_of(each.outcome) if rtt is not None]
                for each in samples
            ],
        }
    )
    found: dict[tuple[datetime, str, str], Row] = {}
    for key, group in rounds.groupby(["bucket", "job", "destination"]):
        rtts = [rtt for each in group["rtts"] for rtt in each]
        microseconds = [round(rtt * 1000) for rtt in rtts]
        bins = Counter(bin_of(rtt) for rtt in rtts)
        row: Row = {
            "up": int(group["up"].sum()),
            "down": int((~group["up"]).sum()),
            "up_ms": int(group["ms"][group["up"]].sum()),
            "down_ms": int(group["ms"][~group["up"]].sum()),
            "sent": int(group["sent"].sum()),
            "received": len(rtts),
            "low_us": min(microseconds, default=None),
            "high_us": max(microseconds, default=None),
            "total_us": sum(microseconds),
            "squares_us2": sum(each * each for each in microseconds),
            "jitter_us": int(group["jitter"].sum()),
            "jitter_pairs": int(group["pairs"].sum()),
        }
        if level is not Level.MINUTE:
            row["first_bin"] = min(bins, default=None)
            row["bins"] = [bins[each] for each in range(min(bins), max(bins) + 1)] if bins else None
        bucket, job, destination = cast("tuple[pd.Timestamp, str, str]", key)
        found[bucket.to_pydatetime(), job, destination] = row
    return found


def kept(cursor: Cursor, level: Level) -> dict[tuple[datetime, str, str], Row]:
    """What the level's rows add up to."""
    query = merged(level, "true", Bucketing.OWN)
    rows = cursor.execute(
        f"SELECT rolled.* REPLACE (jobs.id AS job, destinations.id AS destination) FROM ({query}) AS rolled "
        "JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination"
    ).fetchall()
    names = columns_of(level).split(", ")[3:]
    return {
        (bucket, job, destination): dict(zip(names, values, strict=True))
        for bucket, job, destination, *values in rows
    }


@dataclass
class World:
    """A store in memory with a clock of its own, and all that was saved in it."""

    now: datetime = START + timedelta(minutes=SPAN_MINUTES)
    saved: list[Sample] = field(default_factory=list)
    store: DuckDbStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = DuckDbStore.open(None, now=lambda: self.now)

    def save(self, samples: Sequence[Sample]) -> None:
        self.store.save(Batch(batch_id=f"{len(self.saved)}", samples=list(samples)))
        self.saved += samples

    def roll_up(self) -> None:
        for _ in range(200):
            if not self.store.roll_up():
                return
        raise AssertionError("it does not come to an end")

    def check(self) -> None:
        """The one invariant."""

        def checked(cursor: Cursor) -> None:
            frontier = frontiers.load(cursor)
            for level in Level:
                until = frontier.until[level]
                sealed = [each for each in self.saved if until is not None and each.at < until]
                assert kept(cursor, level) == added_up(sealed, level, frontier.zone), level

        self.store._database.read(checked)

    def check_thoroughly(self) -> None:
        """The invariant, and that the program's own check finds nothing either."""
        self.check()
        assert self.store._database.read(check_rollups) == []


@contextmanager
def a_world() -> Iterator[World]:
    world = World()
    try:
        yield world
    finally:
        world.store.close()


outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.just(Timeout(address="192.0.2.1", sent=3)),
    st.lists(
        st.one_of(st.none(), st.floats(2**-13, 2**20, width=32), st.floats(1, 100, width=32)),
        min_size=1,
        max_size=4,
    ).map(
        lambda rtts: (
            Replied(address="192.0.2.1", rtts_ms=tuple(rtts))
            if any(rtt is not None for rtt in rtts)
            else Timeout(address="192.0.2.1", sent=len(rtts))
        )
    ),
)


def samples_in(start_s: int, end_s: int) -> st.SearchStrategy[list[Sample]]:
    return st.lists(
        st.builds(
            lambda second, job, destination, outcome: Sample(
                at=START + timedelta(seconds=second),
                job_id=f"job{job}",
                destination_id=f"dest{destination}",
                run_id=f"run-{job}-{second}",
                interval_s=60.5 if job == 1 else 300.0,
                outcome=outcome,
            ),
            st.integers(start_s, end_s),
            st.integers(1, 2),
            st.integers(1, 2),
            outcomes,
        ),
        min_size=1,
        max_size=12,
    )


batches = st.one_of(
    samples_in(0, SPAN_MINUTES * 60), samples_in(0, 3 * 3_600), samples_in(-40 * 86_400, SPAN_MINUTES * 60)
)
saves = st.tuples(st.sampled_from(["save", "save and roll"]), batches)
clocks = st.integers(-60, SPAN_MINUTES + 200).map(lambda minutes: ("clock", minutes))
rolls = st.just(("roll", 0))
zones = st.sampled_from(ZONES).map(lambda zone: ("zone", zone))
kind_zones = st.sampled_from(WHOLE_HOURS).map(lambda zone: ("zone", zone))
prunes = st.integers(0, SPAN_MINUTES).map(lambda minutes: ("prune", minutes))
Action = tuple[str, Any]


def done(world: World, action: Action) -> None:
    match action:
        case ("save", samples):
            world.save(samples)
        case ("save and roll", samples):
            world.save(samples)
            world.roll_up()
        case ("clock", minutes):
            world.now = START + timedelta(minutes=minutes)
        case ("roll", _):
            world.roll_up()
        case ("zone", zone):
            world.store.save_settings(Settings(zone=zone))
        case ("prune", minutes):
            world.store.prune(Cutoffs(raw=START + timedelta(minutes=minutes)))
    world.check()


QUICK = settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
"""Each example opens a store of its own and asks it some hundred questions."""


@QUICK
@given(st.lists(st.one_of(saves, clocks, rolls, zones), min_size=3, max_size=10))
def test_each_level_holds_what_the_samples_add_up_to_after_whatever_happens(actions: list[Action]) -> None:
    with a_world() as world:
        for action in actions:
            done(world, action)
        world.now = START + timedelta(days=300)
        world.roll_up()
        world.check_thoroughly()


@QUICK
@given(st.lists(st.one_of(saves, clocks, rolls, kind_zones, prunes), min_size=3, max_size=10))
def test_pruning_samples_takes_nothing_from_the_rollups(actions: list[Action]) -> None:
    with a_world() as world:
        for action in actions:
            done(world, action)
        world.now = START + timedelta(days=300)
        world.store.prune(Cutoffs(raw=START + timedelta(days=200)))
        world.check_thoroughly()
        assert world.store.info().samples == 0


LAST = Sample(
    at=START + timedelta(days=70),
    job_id="job1",
    destination_id="dest1",
    run_id="last",
    interval_s=60,
    outcome=Timeout(address="192.0.2.1", sent=1),
)
"""Whatever else there is, is older: it is sealed once this is saved."""


@QUICK
@given(samples_in(0, SPAN_MINUTES * 60), st.data())
def test_any_split_of_the_same_rounds_gives_the_same_rollups(
    samples: list[Sample], data: st.DataObject
) -> None:
    found = []
    for _ in range(2):
        order = data.draw(st.permutations(samples))
        cuts = sorted(data.draw(st.sets(st.integers(0, len(samples)), max_size=4)) | {0, len(samples)})
        with a_world() as world:
            world.now = START + timedelta(days=300)
            for first, end in pairwise(cuts):
                world.save(order[first:end])
                if data.draw(st.booleans()):
                    world.roll_up()
            world.save([LAST])
            world.roll_up()
            found.append(world.store._database.read(lambda cursor: [kept(cursor, level) for level in Level]))
    assert found[0] == found[1]
    assert all(found[0])
