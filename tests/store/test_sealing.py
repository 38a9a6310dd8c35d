"""When buckets are sealed, what late rows and clocks do to them, and what is deleted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Batch, Outcome, Replied, Sample, Timeout
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import StoreError
from netstats_xl.store import frontier as frontiers
from netstats_xl.store import pruning, sealing
from netstats_xl.store.auditing import MOST_TOLD, check_rollups
from netstats_xl.store.database import STORAGE_VERSION, Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.frontier import Frontier
from netstats_xl.store.migrations import MIGRATIONS, migrate

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AT_REST = 1_000


class World:
    """A store with a clock of its own."""

    def __init__(self, path: Path | None = None) -> None:
        self.now = NOON
        self.path = path
        self.store = DuckDbStore.open(path, now=lambda: self.now)
        self.saved = 0

    def save(self, *instants: datetime, roll_up: bool = True) -> None:
        """Save a sample of each instant, and roll up all that can be."""
        self.saved += 1
        samples = [
            Sample(
                at=at,
                job_id="job1",
                destination_id="dest1",
                run_id=f"run{self.saved}",
                interval_s=60,
                outcome=Replied(address="192.0.2.1", rtts_ms=(1.5, None, 2.25)),
            )
            for at in instants
        ]
        self.store.save(Batch(batch_id=f"batch{self.saved}", samples=samples))
        if roll_up:
            self.roll_up()

    def roll_up(self) -> int:
        """How many steps it took."""
        return next(steps for steps in range(AT_REST) if not self.store.roll_up())

    @property
    def frontier(self) -> Frontier:
        return self.store._database.read(frontiers.load)

    @property
    def until(self) -> list[datetime | None]:
        return list(self.frontier.until.values())

    def rounds(self, level: Level) -> dict[datetime, int]:
        """How many rounds each bucket counts."""
        return dict(
            self.rows(f"SELECT bucket, sum(up)::INTEGER FROM roll_{level.value} GROUP BY ALL ORDER BY bucket")
        )

    def rows(self, query: str) -> list[tuple[datetime, int]]:
        return [
            (bucket.replace(tzinfo=UTC), count)
            for bucket, count in self.store._database.read(lambda cursor: cursor.execute(query).fetchall())
        ]

    def execute(self, statement: str) -> None:
        self.store._database.write(lambda cursor: cursor.execute(statement), committed=lambda _: None)

    @property
    def differences(self) -> list[str]:
        return self.store._database.read(check_rollups)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.store.close()


# --- When


def test_minutes_are_sealed_by_the_quarter_of_an_hour_once_another_has_passed_by_the_newest_tick_and_the_clock(
    world: World,
) -> None:
    quarter = NOON + 15 * MINUTE
    world.now = quarter + MINUTE
    world.save(NOON + timedelta(seconds=30), quarter + timedelta(seconds=59))
    assert world.rounds(Level.MINUTE) == {}
    world.save(quarter + MINUTE)
    assert world.rounds(Level.MINUTE) == {NOON: 1}
    world.save(NOON + 40 * MINUTE)
    assert world.rounds(Level.MINUTE) == {NOON: 1}, "by the clock it is not over"
    world.now = NOON + 31 * MINUTE
    world.roll_up()
    assert world.rounds(Level.MINUTE) == {NOON: 1, quarter: 1, quarter + MINUTE: 1}
    assert world.until[0] == NOON + 30 * MINUTE


def test_while_nothing_is_due_no_table_is_looked_at_until_an_older_sample_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.now = NOON + 20 * MINUTE
    world.save(NOON + 16 * MINUTE)
    looks: list[None] = []
    prepare = sealing.prepare

    def looking(cursor: Cursor, frontier: Frontier, horizon: datetime | None) -> sealing.Stretch | None:
        looks.append(None)
        return prepare(cursor, frontier, horizon)

    monkeypatch.setattr(sealing, "prepare", looking)
    world.save(NOON + 17 * MINUTE)
    assert looks == []
    world.save(NOON + MINUTE)
    assert world.rounds(Level.MINUTE) == {NOON + MINUTE: 1}
    assert looks
    looks.clear()
    world.now += MINUTE
    world.save(NOON + 19 * MINUTE)
    assert looks == []
    world.now = NOON + 40 * MINUTE
    world.save(NOON + 35 * MINUTE)
    assert world.rounds(Level.MINUTE).keys() >= {NOON + 16 * MINUTE, NOON + 19 * MINUTE}


def test_what_could_not_be_added_up_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(cursor: Cursor, frontier: Frontier, horizon: datetime | None) -> None:
        raise duckdb.IOException("IO Error: no space left on device")

    world.now = NOON + 20 * MINUTE
    world.save(NOON, NOON + 17 * MINUTE, roll_up=False)
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "prepare", failing)
        for _ in range(2):
            with pytest.raises(StoreError):
                world.store.roll_up()
    world.roll_up()
    assert world.rounds(Level.MINUTE) == {NOON: 1}


def test_hours_days_and_months_are_sealed_when_they_are_over(world: World) -> None:
    world.now = NOON + 12 * HOUR
    world.save(NOON, NOON + 5 * HOUR, NOON + 12 * HOUR)
    assert world.rounds(Level.HOUR) == {NOON: 1, NOON + 5 * HOUR: 1}
    assert world.rounds(Level.DAY) == {}
    world.now += MINUTE
    world.save(NOON + 12 * HOUR + MINUTE)
    midnight = NOON + 12 * HOUR
    assert world.until == [midnight, midnight, midnight, midnight]
    assert world.rounds(Level.DAY) == {NOON - 12 * HOUR: 2}
    assert world.rounds(Level.MONTH) == {datetime(2026, 3, 1, tzinfo=UTC): 2}
    assert world.differences == []


def test_days_are_those_of_the_settings_time_zone(tmp_path: Path) -> None:
    world = World(tmp_path / "results.duckdb")
    world.store.save_settings(Settings(zone="Asia/Kolkata"))
    world.now = NOON + 3 * DAY
    world.save(NOON, NOON + 6.6 * HOUR, NOON + 2 * DAY)
    half_past_six = NOON + 6.5 * HOUR
    assert world.rounds(Level.DAY) == {half_past_six - DAY: 1, half_past_six: 1}
    assert world.rounds(Level.MONTH) == {datetime(2026, 2, 28, 18, 30, tzinfo=UTC): 1}
    world.store.close()
    again = World(world.path)
    again.now = world.now
    assert again.roll_up() == 0
    assert again.frontier.zone == "Asia/Kolkata"
    again.store.close()


def test_a_zone_that_cannot_be_understood_leaves_the_buckets_as_they_are(tmp_path: Path) -> None:
    world = World(tmp_path / "results.duckdb")
    world.store.save_settings(Settings(zone="Europe/Berlin"))
    world.roll_up()
    world.execute('UPDATE settings SET definition = \'{"zone": "Nowhere/Land"}\'')
    world.store.close()
    again = World(world.path)
    assert again.roll_up() == 0
    assert again.frontier.zone == "Europe/Berlin"
    again.store.close()


def test_years_without_a_sample_are_passed_in_a_few_steps(world: World) -> None:
    world.now = NOON
    world.save(NOON - 2 * HOUR, NOON)
    world.now = NOON + 4_000 * DAY
    world.save(world.now, roll_up=False)
    assert world.roll_up() < 25
    assert world.until[0] == world.now - 15 * MINUTE
    assert world.rounds(Level.HOUR) == {NOON - 2 * HOUR: 1, NOON: 1}
    assert world.differences == []


def test_an_old_database_is_caught_up_in_bounded_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE store")
        migrate(connection, path, migrations=MIGRATIONS[:4])
        connection.execute("INSERT INTO destinations VALUES (1, 'dest1', '', '', '', 0, true, NULL, NULL)")
        connection.execute("INSERT INTO jobs VALUES (1, 'job1', '', 0, true, NULL, NULL)")
        connection.execute(
            "INSERT INTO samples (tick, job, destination, run, interval_s, outcome, sent, received, jitter_sum_ms, "
            "jitter_pairs, rtts_ms) SELECT TIMESTAMP '2026-03-21 12:00:00' + to_minutes(n), 1, 1, n, 60, 'replied', "
            "2, 2, 0.5, 1, [1.0, 1.5] FROM range(14400) AS numbers(n)"
        )
    monkeypatch.setattr(sealing, "ROWS_A_STEP", dict.fromkeys(Level, 1_000))
    world = World(path)
    assert world.until == [None] * 4
    assert world.roll_up() > 2 * 14_400 / 1_000
    assert world.until[:2] == [NOON - 15 * MINUTE, NOON - HOUR]
    assert sum(world.rounds(Level.DAY).values()) == 9.5 * 24 * 60
    assert world.differences == []
    world.store.close()


def test_what_is_sealed_is_known_when_the_database_is_opened_again(tmp_path: Path) -> None:
    world = World(tmp_path / "results.duckdb")
    world.now = NOON + DAY
    world.save(NOON, NOON + 2 * HOUR)
    before = world.frontier
    world.store.close()
    again = World(world.path)
    again.now = world.now
    assert again.frontier == before
    again.saved = world.saved
    again.save(NOON + timedelta(seconds=1))
    assert again.rounds(Level.HOUR) == {NOON: 2}
    assert again.differences == []
    again.store.close()


# --- Late rows


def test_late_samples_add_to_every_level_that_has_sealed_past_them(world: World) -> None:
    world.now = NOON + DAY
    world.save(NOON, NOON + DAY)
    world.save(NOON + timedelta(seconds=5), NOON - 40 * DAY, NOON + DAY - timedelta(seconds=2), roll_up=False)
    assert world.rounds(Level.MINUTE) == {NOON - 40 * DAY: 1, NOON: 2}
    assert world.rounds(Level.HOUR) == {NOON - 40 * DAY: 1, NOON: 2}
    assert world.rounds(Level.MONTH) == {
        datetime(2026, 2, 1, tzinfo=UTC): 1,
        datetime(2026, 3, 1, tzinfo=UTC): 2,
    }
    assert world.differences == []
    world.roll_up()
    assert world.differences == []


def test_a_batch_that_is_sent_again_adds_nothing(world: World) -> None:
    world.now = NOON + DAY
    world.save(NOON, NOON + DAY)
    world.saved = 0
    world.save(NOON, NOON + DAY)
    assert world.rounds(Level.HOUR) == {NOON: 1}


def prepared(world: World) -> tuple[Frontier, sealing.Stretch]:
    """The next stretch, by the newest tick at the world's time."""
    before = world.frontier
    stretch = world.store._database.read(
        lambda cursor: sealing.prepare(cursor, before, world.now - sealing.SETTLE)
    )
    assert stretch is not None
    return before, stretch


def put_in_place(world: World, before: Frontier, stretch: sealing.Stretch) -> Frontier | None:
    return world.store._database.write(
        lambda cursor: sealing.put_in_place(cursor, stretch, before), committed=lambda _: None
    )


def test_samples_that_come_between_adding_up_and_putting_in_place_are_not_lost(world: World) -> None:
    world.now = NOON + DAY
    world.save(NOON, NOON + DAY, roll_up=False)
    for _ in (Level.MINUTE, Level.HOUR):
        before, stretch = prepared(world)
        world.save(NOON + timedelta(seconds=7), NOON + 2 * HOUR, roll_up=False)
        assert put_in_place(world, before, stretch) is not None
        world.store._database.read(world.store._sealer.load)
    assert world.rounds(Level.HOUR) == world.rounds(Level.MINUTE) == {NOON: 3, NOON + 2 * HOUR: 2}


def test_hours_that_change_while_their_day_is_added_up_are_added_up_again(world: World) -> None:
    world.now = NOON + 2 * DAY
    world.save(NOON, NOON + 2 * DAY, roll_up=False)
    before, stretch = prepared(world)
    while stretch.level is not Level.DAY:
        world.store.roll_up()
        before, stretch = prepared(world)
    world.save(NOON + timedelta(seconds=7), roll_up=False)
    assert put_in_place(world, before, stretch) is None
    world.roll_up()
    assert world.rounds(Level.DAY) == {NOON - 12 * HOUR: 2}


# --- Clocks


def test_a_clock_that_jumps_back_by_an_hour_leaves_nothing_wrong(world: World) -> None:
    for minute in range(0, 130, 5):
        world.now = NOON + minute * MINUTE
        world.save(world.now)
    for minute in range(70, 200, 5):
        world.now = NOON + minute * MINUTE
        world.save(world.now)
        assert world.differences == []
    assert world.until[0] == world.now - 15 * MINUTE
    assert sum(world.rounds(Level.MINUTE).values()) == 26 + 26 - 4, "the last quarter of an hour is not over"
    assert world.rounds(Level.HOUR) == {NOON: 12, NOON + HOUR: 22, NOON + 2 * HOUR: 14}


def test_a_clock_that_jumps_back_by_some_minutes_unseals_nothing(world: World) -> None:
    world.now = NOON + HOUR
    world.save(NOON, NOON + HOUR)
    until = world.until
    world.now -= 9 * MINUTE
    world.save(world.now)
    assert world.until == until
    assert world.differences == []


def test_a_clock_that_was_years_ahead_is_put_right(world: World) -> None:
    world.now = NOON + HOUR
    world.save(NOON, NOON + HOUR)
    world.now = NOON + 1_461 * DAY
    world.save(world.now - DAY, world.now)
    assert world.rounds(Level.DAY) == {NOON - 12 * HOUR: 2, NOON + 1_460 * DAY - 12 * HOUR: 1}
    world.now = NOON + 2 * HOUR
    world.save(world.now)
    assert world.until == [
        NOON + 2 * HOUR,
        NOON + 2 * HOUR,
        NOON - 12 * HOUR,
        datetime(2026, 3, 1, tzinfo=UTC),
    ]
    assert world.rounds(Level.MINUTE) == {NOON: 1, NOON + HOUR: 1}
    assert (world.rounds(Level.DAY), world.differences) == ({}, [])
    for hours in (3, 20):
        world.now = NOON + hours * HOUR
        world.save(world.now)
    assert world.rounds(Level.DAY) == {NOON - 12 * HOUR: 4}
    world.now = NOON + 1_462 * DAY
    world.save(world.now)
    assert sum(world.rounds(Level.DAY).values()) == 6 + 1
    assert world.differences == []


def test_what_was_deleted_by_a_clock_that_was_ahead_stays_in_the_rollups(world: World) -> None:
    world.now = NOON + 30 * MINUTE
    world.save(NOON, NOON + 10 * MINUTE, NOON + 30 * MINUTE)
    world.now = NOON + 1_461 * DAY
    world.save(world.now - DAY, world.now)
    assert world.store.prune(Cutoffs(raw=world.now - 30 * DAY)) == 3
    world.now = NOON + 31 * MINUTE
    world.save(world.now)
    assert world.rounds(Level.HOUR) == {NOON: 4}
    assert world.rounds(Level.MINUTE) == {NOON: 1, NOON + 10 * MINUTE: 1, NOON + 30 * MINUTE: 1}
    for minutes in (59, 65, 130):
        world.now = NOON + minutes * MINUTE
        world.save(world.now)
    assert world.rounds(Level.HOUR) == {NOON: 5, NOON + HOUR: 1}
    world.now = NOON + DAY
    world.save(world.now)
    assert world.rounds(Level.DAY) == {NOON - 12 * HOUR: 7}
    assert world.differences == []


def test_days_stay_where_a_clock_jumps_back_past_hours_that_cannot_be_made_again(world: World) -> None:
    world.now = NOON + 5 * DAY
    world.save(NOON, NOON + 3 * DAY, NOON + 5 * DAY - MINUTE)
    world.now = NOON + 6 * DAY
    assert world.store.prune(Cutoffs(raw=NOON + 5 * DAY)) == 3
    days = {NOON - 12 * HOUR: 1, NOON + 3 * DAY - 12 * HOUR: 1}
    assert world.rounds(Level.DAY) == days
    world.now = NOON + DAY
    world.save(world.now)
    assert world.roll_up() == 0, "it is at rest"
    assert world.rounds(Level.DAY) == {**days, NOON + DAY - 12 * HOUR: 1}
    assert world.differences == []


# --- Zones


def test_days_are_made_again_from_hours_whose_samples_are_gone(world: World) -> None:
    world.now = NOON + 60 * DAY
    world.save(*(NOON + hours * HOUR for hours in range(0, 80, 2)), NOON + 60 * DAY)
    assert world.store.prune(Cutoffs(raw=NOON + 50 * DAY)) == 40
    world.store.save_settings(Settings(zone="America/New_York"))
    world.roll_up()
    assert world.rounds(Level.DAY) == {
        NOON - 8 * HOUR + days * DAY: count for days, count in enumerate((8, 12, 12, 8))
    }
    assert sum(world.rounds(Level.MONTH).values()) == 40
    assert world.differences == []
    world.store.save_settings(Settings(zone="Asia/Kolkata"))
    world.roll_up()
    assert sum(world.rounds(Level.DAY).values()) == 40
    world.save(NOON + 51 * DAY, NOON + 3 * HOUR)
    assert sum(world.rounds(Level.DAY).values()) == 42
    assert world.differences == []


def test_days_are_made_again_even_if_no_sample_is_left(tmp_path: Path) -> None:
    world = World(tmp_path / "results.duckdb")
    world.now = NOON + 100 * DAY
    world.save(NOON, NOON + 40 * DAY)
    assert world.store.prune(Cutoffs(raw=NOON + 90 * DAY)) == 2
    world.store.save_settings(Settings(zone="America/New_York"))
    world.store.close()
    again = World(world.path)
    again.now = world.now
    again.roll_up()
    assert again.rounds(Level.DAY) == {NOON - 8 * HOUR: 1, NOON + 40 * DAY - 8 * HOUR: 1}
    assert again.differences == []
    again.store.close()


# --- Deleting


def test_samples_that_are_in_no_rollup_yet_are_not_deleted(world: World) -> None:
    world.now = NOON + 20 * MINUTE
    world.save(NOON, NOON + 15 * MINUTE)
    assert world.store.prune(Cutoffs(raw=NOON + 19 * MINUTE)) == 0
    assert world.store.info().samples == 2
    world.now = NOON + 2 * HOUR
    assert world.store.deletable(Cutoffs(raw=NOON + 12 * MINUTE)).samples == 1
    assert world.store.prune(Cutoffs(raw=NOON + 12 * MINUTE)) == 1
    assert world.rounds(Level.HOUR) == {NOON: 2}


def test_samples_are_deleted_a_part_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning.prune_samples, "__kwdefaults__", {"rows": 7})
    world.now = NOON + DAY
    world.save(*(NOON + seconds * timedelta(seconds=10) for seconds in range(100)), NOON + DAY)
    assert world.store.prune(Cutoffs(raw=NOON + 90 * timedelta(seconds=10))) == 90
    assert world.store.info().samples == 11
    assert world.rounds(Level.HOUR) == {NOON: 100}
    assert world.differences == []


def test_history_that_is_imported_after_its_time_was_deleted_stays_in_the_rollups(world: World) -> None:
    world.now = NOON + 60 * DAY
    world.save(NOON, NOON + 60 * DAY)
    cutoffs = Cutoffs(raw=NOON + 30 * DAY)
    assert world.store.prune(cutoffs) == 1
    world.save(NOON + 10 * MINUTE, NOON - 800 * DAY)
    assert world.store.prune(cutoffs) == 2
    assert world.rounds(Level.DAY) == {NOON - 800 * DAY - 12 * HOUR: 1, NOON - 12 * HOUR: 2}
    assert world.differences == []


def test_rollups_go_when_their_bucket_has_ended_before_the_cutoff(world: World) -> None:
    world.now = NOON + 200 * DAY
    world.save(*(NOON + days * DAY for days in range(0, 100, 10)), NOON + 200 * DAY)
    cutoffs = Cutoffs(
        raw=NOON - DAY,
        minutes=NOON + 20 * DAY + timedelta(seconds=59),
        rollups=datetime(2026, 5, 31, tzinfo=UTC),
    )
    found = world.store.deletable(cutoffs)
    assert (found.samples, found.first_at, found.minutes, found.rollups) == (0, None, 2, 4 + 4 + 2)
    assert world.store.prune(cutoffs) == 0
    assert next(iter(world.rounds(Level.MINUTE))) == NOON + 20 * DAY
    may = datetime(2026, 5, 1, tzinfo=UTC)
    assert next(iter(world.rounds(Level.HOUR))) == NOON + 40 * DAY
    assert next(iter(world.rounds(Level.MONTH))) == may
    assert world.frontier.kept_from == {
        Level.MINUTE: NOON + 20 * DAY,
        Level.HOUR: may,
        Level.DAY: may,
        Level.MONTH: may,
    }
    assert world.differences == []
    again = world.store.deletable(cutoffs)
    assert (again.minutes, again.rollups) == (0, 0)


def test_rollups_without_a_cutoff_are_kept(world: World) -> None:
    world.now = NOON + 60 * DAY
    world.save(NOON, NOON + 60 * DAY)
    world.store.prune(Cutoffs(raw=NOON + 50 * DAY))
    assert world.rounds(Level.MINUTE) == {NOON: 1}


# --- Checking


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE roll_1h SET sent = sent + 1", "12:00:00 UTC, job 1, destination 1: sent is 4, and the samples say 3"),
        ("UPDATE roll_1m SET total_us = 0", "total_us is 0, and the samples say 3750"),
        ("DELETE FROM roll_1d", "up is None, and the hours say 1"),
        ("INSERT INTO roll_1mo SELECT * FROM roll_1mo", "up is 2, and the days say 1"),
        ("UPDATE roll_1h SET bins = [1, 1]", "bins is [1, 1], and the samples say [1, 0"),
        ("DELETE FROM samples", "received is 2, and the samples say None"),
        ("UPDATE levels SET sealed_until = NULL WHERE level = '1mo'", "holds 1 rows of buckets that are not sealed"),
    ],
)  # fmt: skip
def test_a_check_tells_what_differs(world: World, statement: str, told: str) -> None:
    world.now = NOON + 40 * DAY
    world.save(NOON, NOON + 40 * DAY)
    assert world.differences == []
    world.execute(statement)
    assert any(told in each for each in world.differences), world.differences


def test_a_check_tells_of_many_differences_only_the_first(world: World) -> None:
    world.now = NOON + DAY
    world.save(*(NOON + minutes * MINUTE for minutes in range(3 * MOST_TOLD)), NOON + DAY)
    world.execute("UPDATE roll_1m SET sent = 0")
    assert len(world.differences) == MOST_TOLD + 1
    assert world.differences[-1] == "roll_1m differs in more than that"


def test_a_round_without_replies_and_a_very_long_one_are_added_up(world: World) -> None:
    world.now = NOON + DAY
    outcomes: tuple[Outcome, ...] = (
        Timeout(address="192.0.2.1", sent=4),
        Replied(address="192.0.2.1", rtts_ms=(0.0, 3e9)),
    )
    samples = [
        Sample(at=at, job_id="job1", destination_id="dest1", run_id=str(at), interval_s=60, outcome=outcome)
        for at, outcome in zip((NOON, NOON + 2 * HOUR, NOON + DAY), (*outcomes, outcomes[0]), strict=True)
    ]
    world.store.save(Batch(batch_id="a", samples=samples))
    world.roll_up()
    rows = world.store._database.read(
        lambda cursor: cursor.execute(
            "SELECT up, down, up_ms, down_ms, sent, received, low_us, high_us, total_us, first_bin, bins[1], "
            "list_sum(bins) FROM roll_1h ORDER BY bucket"
        ).fetchall()
    )
    assert rows == [
        (0, 1, 0, 60_000, 4, 0, None, None, 0, None, None, None),
        (1, 0, 60_000, 0, 2, 2, 0, 2_147_483_000, 2_147_483_000, -233, 1, 2),
    ]
