"""When rows of the rollups are written anew, and what becomes of those that come meanwhile."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Batch, Sample, Timeout
from netstats_xl.store import rearranging
from netstats_xl.store.auditing import check_rollups
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DESTINATIONS = 200


class World:
    """A store with a clock of its own, whose samples are of many destinations."""

    def __init__(self, path: Path | None = None) -> None:
        self.now = NEW_YEAR + HOUR
        self.path = path
        self.store = DuckDbStore.open(path, now=lambda: self.now)
        self.saved = 0

    def save(self, *instants: datetime, destinations: int = DESTINATIONS) -> None:
        """Save a sample of each destination for each instant; by the clock, the last one is a while ago."""
        self.saved += 1
        self.now = max(self.now, *(at + 2 * MINUTE for at in instants))
        samples = [
            Sample(
                at=at,
                job_id="job1",
                destination_id=f"dest{number:04}",
                run_id=f"run{self.saved}-{at}",
                interval_s=60,
                outcome=Timeout(address="192.0.2.1", sent=1),
            )
            for at in instants
            for number in range(destinations)
        ]
        self.store.save(Batch(batch_id=f"batch{self.saved}", samples=samples))

    def roll_up(self) -> None:
        while self.store.roll_up():
            pass

    def ask(self, query: str) -> list[Any]:
        return self.store.ask(partial(_fetched, query))

    def spread(self, table: str, start: datetime, end: datetime) -> tuple[int, int]:
        """How many rows a destination has in a period, and how many lie from the first of them to the last."""
        [(rows, spread)] = self.ask(
            f"SELECT count(*), max(rowid) - min(rowid) + 1 FROM {table} WHERE destination = 100 "
            f"AND bucket >= '{start:%Y-%m-%d %H:%M}' AND bucket < '{end:%Y-%m-%d %H:%M}'"
        )
        return rows, spread

    @property
    def differences(self) -> Sequence[str]:
        return self.store._database.read(check_rollups)


def _fetched(query: str, cursor: Cursor) -> list[Any]:
    return cursor.execute(query).fetchall()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    assert world.differences == []
    world.store.close()


def hours_of(day: datetime) -> list[datetime]:
    return [day + hour * HOUR for hour in range(24)]


def test_minutes_of_a_quarter_of_an_hour_lie_side_by_side(world: World) -> None:
    world.save(*(NEW_YEAR + number * MINUTE for number in range(20)))
    world.roll_up()
    rows, spread = world.spread("roll_1m", NEW_YEAR, NEW_YEAR + HOUR)
    assert rows == 15
    assert spread <= 64 * rows


def test_minutes_lie_side_by_side_once_their_quarter_of_the_day_is_over(world: World) -> None:
    quarter = timedelta(hours=6)
    for start in range(0, 375, 15):
        world.save(*(NEW_YEAR + (start + number) * MINUTE for number in range(15)))
        world.roll_up()
        if start == 330:
            assert world.spread("roll_1m", NEW_YEAR, NEW_YEAR + quarter)[1] > 40_000
    rows, spread = world.spread("roll_1m", NEW_YEAR, NEW_YEAR + quarter)
    assert rows == 360
    assert spread <= 8 * rows


def test_hours_lie_side_by_side_once_their_day_is_over(world: World) -> None:
    for at in hours_of(NEW_YEAR):
        world.save(at)
        world.roll_up()
    assert world.spread("roll_1h", NEW_YEAR, NEW_YEAR + DAY) == (22, 21 * DESTINATIONS + 1)
    world.save(NEW_YEAR + DAY + 2 * MINUTE)
    world.roll_up()
    rows, spread = world.spread("roll_1h", NEW_YEAR, NEW_YEAR + DAY)
    assert rows == 24
    assert spread <= 8 * rows


def test_days_of_a_month_and_months_of_a_year_lie_side_by_side(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rearranging, "READ_AT_ONCE", 100)
    end = datetime(2026, 4, 1, tzinfo=UTC)
    world.save(*(NEW_YEAR + number * DAY for number in range(92)), destinations=101)
    world.now = NEW_YEAR + DAY
    while world.now < NEW_YEAR + 92 * DAY:
        world.roll_up()
        world.now += DAY
    for table, start, buckets in (
        ("roll_1d", datetime(2026, 3, 1, tzinfo=UTC), 31),
        ("roll_1mo", NEW_YEAR, 3),
    ):
        rows, spread = world.spread(table, start, end)
        assert rows == buckets
        assert spread <= 8 * rows, table


def test_it_is_done_some_destinations_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rearranging, "ROWS_AT_ONCE", 1_000)
    parts: list[int] = []
    put_in_place = rearranging.put_in_place

    def counted(cursor: Cursor, part: rearranging.Part) -> bool:
        if part.region.level is Level.HOUR:
            parts.append(part.rows)
        return put_in_place(cursor, part)

    monkeypatch.setattr(rearranging, "put_in_place", counted)
    world.save(*hours_of(NEW_YEAR), NEW_YEAR + DAY + 2 * MINUTE)
    world.roll_up()
    assert sum(parts) == 24 * DESTINATIONS
    assert max(parts) <= 1_000
    assert world.spread("roll_1h", NEW_YEAR, NEW_YEAR + DAY)[1] <= 8 * 24


def test_few_rows_stay_where_they_are(world: World) -> None:
    few = rearranging.READ_AT_ONCE // 24
    for at in (*hours_of(NEW_YEAR), NEW_YEAR + DAY + 2 * MINUTE):
        world.save(at, destinations=few)
    world.roll_up()
    rows = world.ask("SELECT rowid, bucket, destination FROM roll_1h ORDER BY rowid")
    assert [row for row, _, _ in rows] == list(range(24 * few))


def test_what_comes_late_while_rows_are_written_anew_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = rearranging.prepare
    late = iter([NEW_YEAR + 90 * MINUTE])

    def prepared_before_a_late_one(cursor: Cursor, region: rearranging.Region) -> rearranging.Part | None:
        part = prepare(cursor, region)
        for at in late:
            world.save(at)
        return part

    monkeypatch.setattr(rearranging, "prepare", prepared_before_a_late_one)
    world.save(*hours_of(NEW_YEAR), NEW_YEAR + DAY + 2 * MINUTE)
    world.roll_up()
    assert world.ask("SELECT sum(down)::INTEGER FROM roll_1h") == [(25 * DESTINATIONS,)]
    assert world.spread("roll_1h", NEW_YEAR, NEW_YEAR + DAY)[1] <= 8 * 25


def test_a_file_that_is_opened_anew_meanwhile_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = rearranging.prepare
    broken = iter([None])

    def prepared_before_a_fault(cursor: Cursor, region: rearranging.Region) -> rearranging.Part | None:
        part = prepare(cursor, region)
        for _ in broken:
            raise duckdb.FatalException("FATAL Error: the database has been invalidated")
        return part

    world = World(tmp_path / "results.duckdb")
    monkeypatch.setattr(rearranging, "prepare", prepared_before_a_fault)
    world.save(*hours_of(NEW_YEAR), NEW_YEAR + DAY + 2 * MINUTE)
    world.roll_up()
    assert next(broken, "raised") == "raised"
    assert world.ask("SELECT sum(down)::INTEGER FROM roll_1h") == [(24 * DESTINATIONS,)]
    assert world.differences == []
    world.store.close()


def test_weeks_quarters_and_years_begin_by_the_clock_of_the_zone() -> None:
    zone = "Pacific/Auckland"
    monday, new_year = datetime(2026, 1, 4, 11, tzinfo=UTC), datetime(2025, 12, 31, 11, tzinfo=UTC)
    assert _regions(Level.DAY, monday + 5 * DAY, monday + 6 * DAY, zone) == [(Level.HOUR, monday + 5 * DAY)]
    assert _regions(Level.DAY, monday + 6 * DAY, monday + 7 * DAY, zone) == [(Level.HOUR, monday)]
    february, march = new_year + 31 * DAY, datetime(2026, 2, 28, 11, tzinfo=UTC)
    assert _regions(Level.MONTH, february, march, zone) == [
        (Level.HOUR, february),
        (Level.DAY, february),
        (Level.MONTH, new_year),
    ]
    april, may, july = (datetime(2026, *day, tzinfo=UTC) for day in ((3, 31, 11), (5, 31, 12), (6, 30, 12)))
    assert _regions(Level.MONTH, march, april, zone)[1:] == [(Level.DAY, new_year), (Level.MONTH, new_year)]
    assert _regions(Level.MONTH, may, july, zone)[1:] == [(Level.DAY, april), (Level.MONTH, new_year)]
    year, december = datetime(2026, 12, 31, 11, tzinfo=UTC), datetime(2026, 11, 30, 11, tzinfo=UTC)
    assert _regions(Level.MONTH, december, year, zone)[1:] == [(Level.DAY, new_year), (Level.MONTH, new_year)]
    assert _regions(Level.MINUTE, monday, monday + MINUTE, zone) == []


def test_minutes_are_written_anew_by_the_quarters_of_the_local_day() -> None:
    zone = "Asia/Kathmandu"
    midnight = datetime(2026, 1, 4, 18, 15, tzinfo=UTC)
    assert _regions(Level.HOUR, midnight + 4 * HOUR, midnight + 5 * HOUR, zone) == []
    assert _regions(Level.HOUR, midnight + 5 * HOUR, midnight + 6 * HOUR, zone) == [(Level.MINUTE, midnight)]
    [region] = rearranging.regions_of(Level.HOUR, midnight + 5 * HOUR, midnight + 15 * HOUR, zone)
    assert (region.start, region.end) == (midnight, midnight + 12 * HOUR)


def _regions(level: Level, start: datetime, end: datetime, zone: str) -> list[tuple[Level, datetime]]:
    found = rearranging.regions_of(level, start, end, zone)
    assert all(each.end == end for each in found)
    return [(each.level, each.start) for each in found]


def test_what_is_written_anew_with_its_week_is_not_written_anew_before() -> None:
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    saturday, sunday = (
        rearranging.regions_of(Level.DAY, monday + day * DAY, monday + (day + 1) * DAY, "UTC")[0]
        for day in (5, 6)
    )
    assert sunday.replaces(saturday)
    assert not saturday.replaces(sunday)


def test_destinations_that_lie_far_apart_are_found_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rearranging, "ROWS_AT_ONCE", 100)
    for start in range(0, 375, 15):
        world.save(*(NEW_YEAR + (start + number) * MINUTE for number in range(15)), destinations=8)
        world.roll_up()
    region = rearranging.Region(level=Level.MINUTE, start=NEW_YEAR, end=NEW_YEAR + 6 * HOUR)
    world.ask("UPDATE roll_1m SET destination = destination * 1000")
    keys = []
    while part := world.store._database.read(partial(rearranging.prepare, region=region)):
        keys.append(part.last)
        region = part.rest
    world.ask("UPDATE roll_1m SET destination = destination // 1000")
    assert keys == [1_000 * number for number in range(1, 9)]


def test_hours_of_long_ago_are_not_written_anew(world: World) -> None:
    world.now = NEW_YEAR + 60 * DAY
    world.save(*hours_of(NEW_YEAR), NEW_YEAR + DAY + 2 * MINUTE)
    assert world.spread("roll_1h", NEW_YEAR, NEW_YEAR + DAY)[0] == 0
    world.roll_up()
    first = world.ask("SELECT min(rowid) FROM roll_1h")
    assert first == [(0,)]
