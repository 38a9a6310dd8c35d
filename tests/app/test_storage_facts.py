"""What is told of the room that results take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from netstats_xl.app.outlook import Outlook
from netstats_xl.app.publishing import live_view
from netstats_xl.app.retaining import Deletion
from netstats_xl.app.views.live import empty_rows
from netstats_xl.app.views.storage import (
    ROWS,
    STORAGE,
    announcement,
    report_facts,
    size_text,
    status_lines,
    storage_rows,
)
from netstats_xl.domain.forecast import Forecast, Growth, StoreUsage
from netstats_xl.domain.results import Batch, Replied, Sample
from netstats_xl.domain.retention import Deletable, Keeping
from netstats_xl.sheets import SETTING_ROWS, Selection, normalised
from tests.app.report_world import DAY, END, WORLD, World
from tests.app.report_world import GATEWAY as HOST

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
ZONE = "Europe/Berlin"
NIGHT = datetime(2026, 11, 27, 2, tzinfo=UTC)
USAGE = StoreUsage(
    samples=30_000_000,
    first_at=AT - timedelta(days=30),
    recent_samples=7_000_000,
    minutes=10_000_000,
    rollups=500_000,
    file_bytes=1_000_000_000,
    reusable_bytes=50_000_000,
    free_bytes=20_000_000_000,
)
GROWTH = Growth(rounds=1_200_000, raw_bytes=28_800_000, minute_bytes=400_000, coarse_bytes=20_000)
MONTH = Keeping(raw_days=30)
FOUND = Deletable(samples=1_234_567, first_at=AT - timedelta(days=31))


def outlook(
    *,
    usage: StoreUsage = USAGE,
    growth: Growth = GROWTH,
    keeping: Keeping = MONTH,
    found: Deletable = FOUND,
) -> Outlook:
    deletion = Deletion(at=NIGHT, keeping=keeping, found=found, announced=False)
    return Outlook(
        at=AT,
        zone=ZONE,
        forecast=Forecast(usage=usage, growth=growth, keeping=keeping, at=AT),
        deletion=deletion,
    )


def facts(told: Outlook) -> dict[object, tuple[object, object]]:
    return {fact: (figure, explanation) for fact, figure, explanation in storage_rows(told)}


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.00 kB"),
        (999_600, "1.00 MB"),
        (12_345, "12.3 kB"),
        (999_400, "999 kB"),
        (99_960, "100 kB"),
        (1_234_567_890, "1.23 GB"),
        (5e15, "5,000 TB"),
    ],
)
def test_sizes_have_three_digits_and_a_unit(size: float, text: str) -> None:
    assert size_text(size) == text


def test_the_table_tells_what_there_is_what_comes_and_what_goes() -> None:
    assert facts(outlook()) == {
        "Database size": (
            "1.00 GB",
            "1,000,000,000 bytes; raw results about 750 MB, rollups about 200 MB, free for new ones 50.0 MB.",
        ),
        "Stored a day, measured": (
            "25.0 MB",
            "1,000,000 results a day on average of the last 7 days, about 25 bytes each; their rollups come on top.",
        ),
        "Growth by the present jobs": (
            "29.2 MB a day",
            "1,200,000 results a day: raw 28.8 MB, by the minute 400 kB, by the hour and day 20.0 kB.",
        ),
        "Size in 30 days": ("1.08 GB", "Raw results are kept for 30 days: then as many go as come."),
        "Size in a year": ("1.22 GB", "Minute rollups are kept for ever: they grow on."),
        "Size in 5 years": ("1.83 GB", "Hourly and coarser rollups are kept for ever: they grow on."),
        "Free on its disk": ("20.0 GB", "At this rate that is enough for ten years and more."),
        "Next deletion": (
            "2026-11-27 at about 03:00",
            "1,234,567 results older than 2026-10-28, about 30.9 MB; their rollups stay.",
        ),
        "As of": ("2026-11-26 13:00", "Sizes to come are estimates."),
    }


def test_rollups_that_go_are_told_too() -> None:
    keeping = Keeping(raw_days=30, minutes_days=90, rollups_days=1)
    told = facts(outlook(keeping=keeping, found=Deletable(minutes=1_000, rollups=1)))
    assert told["Next deletion"][1] == (
        "1,000 minute rollups older than 2026-08-29, about 17.0 kB; 1 hourly or coarser rollup older than "
        "2026-11-26, about 60 bytes."
    )
    assert (
        told["Size in 5 years"][1]
        == "Hourly and coarser rollups are kept for 1 day: then as many go as come."
    )


def test_where_nothing_is_old_enough_that_is_said() -> None:
    assert facts(outlook(found=Deletable()))["Next deletion"][1] == "Nothing is old enough."


@pytest.mark.parametrize(
    ("free", "told"),
    [
        (1_000_000, "At this rate it is used up in less than a day, on about 2026-11-26."),
        (None, None),
        (330_000_000, "At this rate it is used up in 629 days, on about 2028-08-16."),
        (1_000_000_000, "At this rate it is used up in 6.1 years, on about 2033-01-16."),
    ],
)
def test_the_day_when_the_disk_is_full_is_told(free: int | None, told: str | None) -> None:
    fresh = replace(USAGE, samples=0, first_at=None, minutes=0, rollups=0, reusable_bytes=0, free_bytes=free)
    growth = Growth(raw_bytes=2_300_000, minute_bytes=400_000, coarse_bytes=15_000)
    assert facts(outlook(usage=fresh, growth=growth))["Free on its disk"][1] == told


def test_what_was_stored_is_not_told_before_there_is_a_day_of_it() -> None:
    young = replace(USAGE, first_at=AT - timedelta(hours=23))
    assert facts(outlook(usage=young))["Stored a day, measured"] == (
        "not known yet",
        "That takes a day of results.",
    )
    two_days = replace(USAGE, first_at=AT - timedelta(days=2), recent_samples=2_000)
    assert outlook(usage=two_days).samples_a_day == 1_000
    assert outlook(usage=replace(USAGE, first_at=None)).samples_a_day is None


def test_a_store_in_memory_has_no_size() -> None:
    told = outlook(usage=replace(USAGE, file_bytes=None, free_bytes=None))
    assert facts(told)["Database size"][0] == "in memory"
    assert facts(told)["Free on its disk"] == ("not known", None)
    assert status_lines(told)[0].startswith("Database size: in memory; the present jobs add 29.2 MB a day")


def test_a_terminal_and_a_report_tell_it_in_a_line_or_two() -> None:
    assert status_lines(outlook()) == (
        "Database size: 1.00 GB; the present jobs add 29.2 MB a day, 1.22 GB are expected in a year; 20.0 GB free on "
        "its disk",
        "Next deletion: 2026-11-27 at about 03:00: 1,234,567 results older than 2026-10-28, about 30.9 MB; their "
        "rollups stay",
    )
    assert report_facts(outlook()) == {
        "Database growth": "the present jobs add 29.2 MB a day, 1.22 GB are expected in a year",
        "Next deletion": "2026-11-27 at about 03:00: 1,234,567 results older than 2026-10-28, about 30.9 MB; their "
        "rollups stay",
    }


def test_an_announcement_names_what_goes_when_and_the_settings_that_keep_it() -> None:
    keeping = Keeping(raw_days=30, minutes_days=90, rollups_days=365)
    found = Deletable(samples=1, first_at=AT - timedelta(days=99), minutes=2, rollups=3)
    told = announcement(Deletion(at=NIGHT, keeping=keeping, found=found, announced=True), ZONE)
    assert told == (
        "On 2026-11-27 at about 03:00 1 result older than 2026-10-28 and rollups by the minute older than 2026-08-29 "
        "and coarser rollups older than 2025-11-27 will be deleted, because Settings says Keep raw results (days): 30, "
        "Keep minute rollups (days): 90, Keep hourly and coarser rollups (days): 365. To keep them, write more days "
        "there before."
    )


def test_no_fact_has_the_name_of_a_setting() -> None:
    """The reader of a file takes rows below the Settings table that begin with one for rows of it."""
    names = {normalised(name) for row in SETTING_ROWS for name in (row.key, row.name, row.earlier_name)}
    assert not names & {normalised(str(fact)) for fact in facts(outlook())}


def test_the_table_has_as_many_rows_before_anything_is_known() -> None:
    assert len(storage_rows(None)) == len(storage_rows(outlook())) == len(empty_rows()[STORAGE]) == ROWS


def test_a_live_workbook_shows_it_once_it_is_known() -> None:
    world = World()
    assert STORAGE not in live_view(world.store, world.inputs, Selection()).rows
    world.store.save(
        Batch(
            batch_id="old",
            samples=[
                Sample(
                    at=END - timedelta(days=35),
                    job_id=WORLD.jobs[0].id,
                    destination_id=HOST.id,
                    run_id="r",
                    interval_s=60,
                    outcome=Replied(address="10.0.0.1", rtts_ms=(1.0,)),
                )
            ],
        )
    )
    inputs = replace(world.inputs, outlook=world.outlook(), period=DAY)
    view = live_view(world.store, inputs, Selection())
    shown = {row[0]: row for row in view.rows[STORAGE]}
    assert shown["Growth by the present jobs"][1] == "203 kB a day"
    assert "1 result older than" in str(shown["Next deletion"][2])
    about = [row[1] for row in view.rows["About_report"] if row[0] == "Database growth"]
    assert about == ["the present jobs add 203 kB a day, 32.2 MB are expected in a year"]
