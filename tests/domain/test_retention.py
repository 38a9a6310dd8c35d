"""How long results are kept, and when they go."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from netstats_xl.domain.retention import (
    NOTICE,
    Announcement,
    Deletable,
    DeletionRecord,
    Keeping,
    is_large,
    last_night,
    next_night,
)
from netstats_xl.domain.targets import Settings

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
)
days = st.integers(1, 36_500)
keepings = st.builds(Keeping, raw_days=days, minutes_days=st.none() | days, rollups_days=st.none() | days)
instants = st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def test_by_default_raw_results_are_kept_for_30_days_and_rollups_for_ever() -> None:
    cutoffs = Keeping.of(Settings()).cutoffs(AT)
    assert (cutoffs.raw, cutoffs.minutes, cutoffs.rollups) == (AT - 30 * DAY, None, None)


def test_each_setting_has_its_own_cutoff() -> None:
    settings = Settings(retention_days=7, minutes_retention_days=90, rollups_retention_days=3_650)
    cutoffs = Keeping.of(settings).cutoffs(AT)
    assert (cutoffs.raw, cutoffs.minutes, cutoffs.rollups) == (AT - 7 * DAY, AT - 90 * DAY, AT - 3_650 * DAY)


@pytest.mark.parametrize(("raw", "minutes", "rollups"), [(30, 29, None), (30, 90, 89), (30, None, 400)])
def test_settings_never_keep_the_coarser_for_less_long(
    raw: int, minutes: int | None, rollups: int | None
) -> None:
    with pytest.raises(ValueError, match="would go before"):
        Settings(retention_days=raw, minutes_retention_days=minutes, rollups_retention_days=rollups)


@hypothesis_settings(deadline=None)
@given(keepings, keepings, instants)
def test_who_keeps_no_less_has_no_later_cutoff(one: Keeping, other: Keeping, at: datetime) -> None:
    pairs = zip(
        (one.cutoffs(at).raw, one.cutoffs(at).minutes, one.cutoffs(at).rollups),
        (other.cutoffs(at).raw, other.cutoffs(at).minutes, other.cutoffs(at).rollups),
        strict=True,
    )
    assert one.keeps_no_less_than(other) == all(
        ours is None or (theirs is not None and ours <= theirs) for ours, theirs in pairs
    )
    assert one.keeps_no_less_than(one)


@hypothesis_settings(deadline=None)
@given(instants, st.sampled_from(ZONES))
def test_nights_surround_an_instant_and_begin_at_three_by_the_wall_clock(at: datetime, zone: str) -> None:
    before, after = last_night(at, zone), next_night(at, zone)
    assert before <= at < after
    assert timedelta(hours=22) <= after - before <= timedelta(hours=26)
    for night in (before, after):
        local = night.astimezone(ZoneInfo(zone))
        # Where the clock skips three o'clock, what follows the gap counts.
        assert (local.hour, local.minute) == (3, 0) or local.hour in (3, 4)
    assert last_night(after, zone) == after


@pytest.mark.parametrize(
    ("found", "nothing"),
    [
        (Deletable(), True),
        (Deletable(samples=1, first_at=AT), False),
        (Deletable(minutes=1), False),
        (Deletable(rollups=1), False),
    ],
)
def test_whatever_is_older_than_usual_makes_a_deletion_large(found: Deletable, nothing: bool) -> None:
    assert found.nothing == nothing
    assert is_large(found) == (not nothing)


def announced(**changes: object) -> Announcement:
    told = Announcement(
        announced_at=AT, keeping=Keeping(raw_days=30, minutes_days=90), first_at=AT - 400 * DAY
    )
    return told.model_copy(update=changes)


@pytest.mark.parametrize(
    ("keeping", "first_at", "covered"),
    [
        (Keeping(raw_days=30, minutes_days=90), AT - 400 * DAY, True),
        (Keeping(raw_days=60, minutes_days=None), AT - 300 * DAY, True),
        (Keeping(raw_days=60), None, True),
        (Keeping(raw_days=29, minutes_days=90), AT - 400 * DAY, False),
        (Keeping(raw_days=30, minutes_days=89), AT - 400 * DAY, False),
        (Keeping(raw_days=30, minutes_days=90, rollups_days=4_000), AT - 400 * DAY, False),
        (Keeping(raw_days=30, minutes_days=90), AT - 401 * DAY, False),
    ],
)
def test_an_announcement_covers_what_takes_no_more(
    keeping: Keeping, first_at: datetime | None, covered: bool
) -> None:
    found = Deletable(samples=1, first_at=first_at)
    assert announced().covers(keeping, found, AT + DAY) == covered
    assert announced().earliest_at == AT + NOTICE


def test_an_announcement_of_rollups_alone_covers_no_samples() -> None:
    told = announced(first_at=None)
    assert told.covers(told.keeping, Deletable(minutes=5), AT)
    assert not told.covers(told.keeping, Deletable(samples=1, first_at=AT - DAY), AT)


def test_what_was_announced_by_a_clock_that_was_ahead_counts_for_nothing() -> None:
    assert not announced().covers(announced().keeping, Deletable(), AT - DAY)


def test_the_record_survives_as_text() -> None:
    record = DeletionRecord(pruned_at=AT, announced=announced())
    assert DeletionRecord.model_validate_json(record.model_dump_json()) == record
