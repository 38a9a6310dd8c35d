"""What is deleted when, and what is announced first."""

from datetime import UTC, datetime, timedelta

import pytest

from netstats_xl.app.retaining import BACKUP_WITHIN, Deletion, Retaining
from netstats_xl.domain.results import Batch, Replied, Sample
from netstats_xl.domain.retention import NOTICE
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import StoreFull
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 27, 3, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = Settings()
YEAR = Settings(retention_days=400)


class Desk:
    """A store whose results grow old."""

    def __init__(self, *days_old: float) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock(NOON)
        self.backed_up = True
        self.start_again()
        self.add(*days_old)

    def start_again(self) -> None:
        self.retaining = Retaining(self.store, self.clock, backed_up=lambda night: self.backed_up)

    def add(self, *days_old: float) -> None:
        samples = [
            Sample(
                at=NOON - timedelta(days=days),
                job_id="j",
                destination_id="d",
                run_id=f"j-{days}",
                interval_s=60,
                outcome=Replied(address="192.0.2.1", rtts_ms=(1.0,)),
            )
            for days in days_old
        ]
        self.store.save(Batch(batch_id=f"{days_old}", samples=samples))

    def look(self, settings: Settings = MONTH) -> tuple[Deletion, int | None]:
        deletion = self.retaining.next(settings)
        return deletion, self.retaining.delete_when_due(deletion)

    def prune_now(self, settings: Settings) -> None:
        """Have the last night's deletion behind it."""
        assert self.look(settings)[1] is not None

    def until(self, instant: datetime, settings: Settings = MONTH, *, step_h: float = 1.0) -> list[datetime]:
        """Look every hour until then; when something was deleted."""
        deleted = []
        while self.clock.now() < instant:
            self.clock.advance(seconds=step_h * 3_600)
            if self.look(settings)[1]:
                deleted.append(self.clock.now())
        return deleted


def test_at_the_first_start_what_a_night_missed_is_deleted_at_once() -> None:
    desk = Desk(31, 30.9, 1)
    assert desk.look()[1] == 2
    deletion, deleted = desk.look()
    assert (deletion.at, deletion.announced, deleted) == (NIGHT, False, None)


def test_a_nights_deletion_is_done_once_at_three_and_needs_no_announcement() -> None:
    desk = Desk(*(day / 4 for day in range(200)))
    desk.prune_now(YEAR)
    settings = Settings(retention_days=50)
    assert desk.until(NIGHT - timedelta(hours=1), settings) == []
    desk.add(49.6)
    deletion, _ = desk.look(settings)
    assert (deletion.at, deletion.found.samples, deletion.announced) == (NIGHT, 3, False)
    assert desk.until(NIGHT + 20 * timedelta(hours=1), settings) == [NIGHT]


def test_nights_are_those_of_the_workbooks_time_zone() -> None:
    desk = Desk()
    desk.prune_now(MONTH)
    [first, second] = [desk.look(Settings(zone=zone))[0].at for zone in ("America/New_York", "Asia/Tokyo")]
    assert (first, second) == (NIGHT + timedelta(hours=5), NIGHT - timedelta(hours=9))


def test_a_night_that_was_missed_is_made_up_for_at_the_next_start() -> None:
    desk = Desk(28)
    desk.prune_now(MONTH)
    desk.clock.set(NIGHT + DAY + timedelta(hours=7))
    desk.start_again()
    deletion, deleted = desk.look()
    assert (deletion.at, deleted) == (NIGHT + DAY, 0)
    desk.clock.set(NIGHT + 2 * DAY + timedelta(hours=7))
    assert desk.look()[1] == 1


def test_what_is_more_than_a_nights_waits_for_a_day_and_the_night_after_it() -> None:
    desk = Desk(*range(400))
    desk.prune_now(YEAR)
    deletion, deleted = desk.look(MONTH)
    assert (deletion.announced, deleted, deletion.at) == (True, None, NIGHT + DAY)
    # By then, those of 29 days ago are older than 30 days.
    assert deletion.found.samples == 400 - 29
    assert deletion.found.first_at == NOON - 399 * DAY
    assert desk.until(NIGHT + 2 * DAY) == [NIGHT + DAY, NIGHT + 2 * DAY]
    assert not desk.look()[0].announced
    # And a night later one more.
    assert desk.store.info().samples == 28


def test_a_restart_neither_forgets_nor_puts_off_an_announced_deletion() -> None:
    desk = Desk(*range(400))
    desk.prune_now(YEAR)
    desk.look()
    for _ in range(3):
        desk.clock.advance(seconds=7_200)
        desk.start_again()
        deletion, deleted = desk.look()
        assert (deletion.announced, deleted, deletion.at) == (True, None, NIGHT + DAY)
    desk.clock.set(NIGHT + 3 * DAY)
    desk.start_again()
    assert desk.look()[1]


def test_a_setting_that_is_put_back_in_time_saves_what_was_announced() -> None:
    desk = Desk(*range(390))
    desk.prune_now(YEAR)
    assert desk.look(MONTH)[0].announced
    desk.clock.advance(seconds=3_600)
    deletion, _ = desk.look(YEAR)
    assert not deletion.announced
    assert desk.until(NIGHT + 2 * DAY, YEAR) == []
    # Its day begins anew.
    assert desk.look(MONTH)[0].at == NIGHT + 3 * DAY


def test_less_than_was_announced_keeps_its_time_and_more_is_announced_anew() -> None:
    desk = Desk(*range(400))
    desk.prune_now(YEAR)
    desk.look(Settings(retention_days=100))
    desk.clock.advance(seconds=20 * 3_600)
    assert desk.look(Settings(retention_days=200))[0].at == NIGHT + DAY
    deletion, _ = desk.look(Settings(retention_days=99))
    assert deletion.at > desk.clock.now() + NOTICE
    assert deletion.announced


def test_history_that_comes_in_late_is_announced_anew() -> None:
    desk = Desk(*range(40))
    desk.prune_now(YEAR)
    desk.look()
    desk.clock.advance(seconds=20 * 3_600)
    desk.add(1_000)
    assert desk.look()[0].at > desk.clock.now() + NOTICE


def test_age_decides_not_how_much_it_is() -> None:
    desk = Desk(*(32.9 - number / 1_000 for number in range(500)))
    assert desk.look()[0].announced is False
    desk = Desk(33.1)
    assert desk.look()[0].announced


def test_a_clock_that_was_ahead_for_a_while_neither_deletes_nor_stops_deletions() -> None:
    desk = Desk(*range(29))
    desk.prune_now(MONTH)
    desk.clock.set(NOON + 3_650 * DAY)
    deletion, deleted = desk.look()
    assert (deletion.announced, deleted) == (True, None)
    desk.clock.set(NOON + timedelta(hours=1))
    assert not desk.look()[0].announced
    desk.clock.set(NOON + 3_660 * DAY)
    desk.look()
    desk.clock.set(NOON + 3_662 * DAY)
    assert desk.look()[1] == 29
    desk.clock.set(NIGHT)
    desk.add(30.5)
    assert desk.look()[1] == 1


def test_the_backup_of_the_night_goes_first_but_not_for_ever() -> None:
    desk = Desk(29.5)
    desk.prune_now(MONTH)
    desk.backed_up = False
    assert desk.until(NIGHT + BACKUP_WITHIN + timedelta(hours=4)) == [NIGHT + BACKUP_WITHIN]
    desk.add(29)
    desk.clock.set(NIGHT + DAY + timedelta(minutes=10))
    assert desk.look()[1] is None
    desk.backed_up = True
    assert desk.look()[1] == 1


def test_what_could_not_be_deleted_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(31)

    def refuse(cutoffs: object) -> int:
        raise StoreFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "prune", refuse)
        with pytest.raises(StoreFull):
            desk.look()
    assert desk.look()[1] == 1
