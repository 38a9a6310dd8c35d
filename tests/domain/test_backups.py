"""Names of backups, when one is due, and which are kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.backups import (
    Backup,
    backups_of,
    folder_name,
    is_due,
    last_night,
    newest,
    nightly_minute,
    outdated,
)

NOW = datetime(2026, 11, 26, 14, 30)  # noqa: DTZ001 - names are of the wall clock


def named(*ats: datetime, stem: str = "NetStats") -> list[str]:
    return [Backup(stem=stem, at=at).name for at in ats]


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def test_a_name_carries_the_local_date_and_time() -> None:
    assert named(datetime(2026, 11, 26, 2, 0)) == ["NetStats 2026-11-26 0200.duckdb"]  # noqa: DTZ001 - as above
    before = Backup(stem="Büro 2", at=NOW, version=5)
    assert before.name == "Büro 2 2026-11-26 1430 before version 5.duckdb"
    assert Backup.parse(before.name) == before
    assert folder_name("NetStats") == "NetStats backups"


@pytest.mark.parametrize(
    "name",
    [
        "NetStats.duckdb",
        "NetStats 2026-11-31 0200.duckdb",
        "NetStats 2026-11-26 2460.duckdb",
        "NetStats 2026-11-26 0200.duckdb.wal",
        "NetStats 2026-11-26 0200 (2).duckdb",
        "NetStats 2026-11-26 0200 before version 05.duckdb",
        " 2026-11-26 0200.duckdb",
        ".NetStats 2026-11-26 0200.duckdb.4711.unfinished",
        "NetStats ٢٠٢٦-11-26 0200.duckdb",
        "holiday.jpg",
    ],
)
def test_other_names_are_no_backups(name: str) -> None:
    assert Backup.parse(name) is None


def test_backups_of_another_database_are_not_this_ones() -> None:
    names = named(NOW) + named(NOW, stem="NetStats 2") + ["NetStats.duckdb"]
    assert [each.name for each in backups_of("NetStats", names)] == named(NOW)


def test_seven_days_and_four_weeks_are_kept() -> None:
    nights = [days_ago(days) for days in range(60)]
    gone = set(outdated("NetStats", named(*nights), now=NOW))
    kept = [night for night in nights if named(night)[0] not in gone]
    assert kept[:7] == nights[:7]
    # 2026-11-26 is a Thursday: the last night of a week is a Sunday's.
    assert kept[7:] == [days_ago(11), days_ago(18)]


def test_of_a_day_the_last_backup_is_kept() -> None:
    morning, noon = NOW.replace(hour=2), NOW.replace(hour=12)
    assert outdated("NetStats", named(noon, morning), now=NOW) == tuple(named(morning))


def test_days_without_a_backup_do_not_count() -> None:
    rare = [days_ago(days) for days in (0, 40, 80, 120)]
    assert outdated("NetStats", named(*rare), now=NOW) == ()


def test_a_copy_from_before_a_migration_is_kept_for_thirty_days_and_takes_no_others_place() -> None:
    young = Backup(stem="NetStats", at=days_ago(29), version=6).name
    old = Backup(stem="NetStats", at=days_ago(31), version=5).name
    nights = named(*(days_ago(days) for days in range(7)))
    assert outdated("NetStats", [young, old, *nights], now=NOW) == (old,)
    assert outdated("NetStats", [old], now=NOW) == ()


def test_names_given_by_a_clock_that_was_ahead_push_no_others_out() -> None:
    future = named(*(NOW + timedelta(days=days) for days in range(400, 420)))
    now = named(NOW, days_ago(1))
    assert outdated("NetStats", future + now, now=NOW) == ()
    assert newest("NetStats", future + now, now=NOW) == Backup(stem="NetStats", at=NOW)
    assert newest("NetStats", [], now=NOW) is None


minutes = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001 - as above
    max_value=datetime(2028, 1, 1),  # noqa: DTZ001 - as above
).map(lambda at: at.replace(second=0, microsecond=0))
backups = st.builds(
    Backup,
    stem=st.sampled_from(["NetStats", "Other"]),
    at=minutes,
    version=st.none() | st.integers(min_value=2, max_value=9),
)


@given(st.lists(backups.map(lambda each: each.name) | st.text(max_size=30), max_size=40), minutes)
def test_the_newest_backup_and_files_of_foreign_names_are_never_outdated(
    names: list[str], now: datetime
) -> None:
    gone = outdated("NetStats", names, now=now)
    assert set(gone) <= {each.name for each in backups_of("NetStats", names)}
    last = newest("NetStats", names, now=now)
    assert last is None or last.name not in gone
    past = [each for each in backups_of("NetStats", names) if each.at <= now + timedelta(days=1)]
    assert not past or any(each.name not in gone for each in past)


@given(st.lists(backups.map(lambda each: each.name), max_size=40), minutes)
def test_what_is_kept_once_is_kept_at_the_same_time_again(names: list[str], now: datetime) -> None:
    kept = set(names) - set(outdated("NetStats", names, now=now))
    assert outdated("NetStats", kept, now=now) == ()


@given(backups)
def test_a_name_is_understood_again(backup: Backup) -> None:
    assert Backup.parse(backup.name) == backup


def test_databases_are_not_all_backed_up_at_the_same_minute() -> None:
    found = {nightly_minute(f"{number}.duckdb") for number in range(100)}
    assert len(found) > 30
    assert found <= set(range(60))
    assert nightly_minute("NetStats.duckdb") == nightly_minute("NetStats.duckdb")


def test_a_backup_is_due_when_the_last_one_is_from_before_last_night() -> None:
    now = datetime(2026, 11, 26, 1, 20, tzinfo=UTC)  # 02:20 in Berlin
    zone, minute = "Europe/Berlin", 13
    last = datetime(2026, 11, 25, 1, 13, tzinfo=UTC)
    assert last_night(now, zone, minute) == datetime(2026, 11, 26, 1, 13, tzinfo=UTC)
    assert is_due(now, last, zone=zone, minute=minute)
    assert not is_due(now - timedelta(minutes=10), last, zone=zone, minute=minute)
    tonight = datetime(2026, 11, 26, 1, 13, tzinfo=UTC)
    assert not is_due(now + timedelta(hours=20), tonight, zone=zone, minute=minute)
    assert is_due(now + timedelta(hours=24), tonight, zone=zone, minute=minute)


def test_a_night_without_two_oclock_has_its_backup_at_three() -> None:
    # 2027-03-28: from 02:00 to 03:00 in Berlin.
    now = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
    assert last_night(now, "Europe/Berlin", 30) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
