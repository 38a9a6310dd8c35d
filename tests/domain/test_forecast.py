"""How much room results take, and will take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from netstats_xl.domain.forecast import (
    DAY_BYTES,
    HOUR_BYTES,
    MEASURED_FROM,
    MINUTE_BYTES,
    Forecast,
    Growth,
    StoreUsage,
    growth_of,
    ticks_a_day,
)
from netstats_xl.domain.retention import Keeping
from netstats_xl.domain.targets import Definitions, Destination, EchoSettings, Job, Selector
from netstats_xl.domain.windows import Schedule, parse_windows

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def destinations(number: int) -> tuple[Destination, ...]:
    return tuple(Destination(id=f"d{n}", name=f"Host {n}", host=f"192.0.2.{n}") for n in range(number))


def job(
    interval_s: int = 10, *, packets: int = 4, windows: str = "", enabled: bool = True, **limits: datetime
) -> Job:
    return Job(
        id="j",
        name="All",
        selectors=(Selector(kind="all"),),
        schedule=Schedule(interval=timedelta(seconds=interval_s), windows=parse_windows(windows), **limits),
        echo=EchoSettings(packets=packets),
        enabled=enabled,
    )


def growth(number: int, one: Job) -> Growth:
    return growth_of(Definitions(destinations=destinations(number), jobs=(one,)), at=AT)


def test_a_job_adds_its_rounds_and_their_rollups() -> None:
    added = growth(100, job(10))
    assert added.rounds == 864_000
    assert added.raw_bytes == 864_000 * 24 + 8_640 * 15
    assert added.minute_bytes == 100 * 1_440 * MINUTE_BYTES
    assert added.coarse_bytes == 100 * (24 * HOUR_BYTES + DAY_BYTES)
    assert added.total_bytes == added.raw_bytes + added.minute_bytes + added.coarse_bytes


def test_rounds_that_are_rarer_than_a_bucket_fill_one_each() -> None:
    added = growth(1, job(7_200))
    assert added.minute_bytes == 12 * MINUTE_BYTES
    assert added.coarse_bytes == 12 * HOUR_BYTES + DAY_BYTES


@pytest.mark.parametrize(
    ("windows", "ticks"),
    [("", 8_640.0), ("Mon-Fri 08:00-18:00", 3_600 * 5 / 7), ("Sun 23:00-24:00", 360 / 7)],
)
def test_windows_leave_a_share_of_the_week(windows: str, ticks: float) -> None:
    assert ticks_a_day(job(windows=windows)) == pytest.approx(ticks)


def test_what_does_not_run_adds_nothing() -> None:
    over = job(end_at=AT)
    assert growth(1, over) == growth(1, job(enabled=False)) == growth(0, job()) == Growth()
    assert (
        growth_of(Definitions(destinations=destinations(1), jobs=(job(),)), at=AT, stopped={"j"}) == Growth()
    )
    assert growth(1, job(start_at=AT + DAY, end_at=AT + 2 * DAY)) == growth(1, job())


def test_what_a_sample_was_found_to_take_counts_for_more_than_what_is_usual() -> None:
    added = growth_of(Definitions(destinations=destinations(1), jobs=(job(),)), at=AT, sample_bytes=40.0)
    assert added.raw_bytes == 8_640 * 40


@hypothesis_settings(deadline=None)
@given(
    st.integers(1, 50),
    st.integers(0, 50),
    st.integers(1, 20),
    st.integers(0, 20),
    st.integers(1, 86_400),
    st.integers(1, 86_400),
)
def test_more_destinations_packets_or_rounds_never_take_less_room(
    number: int, more: int, packets: int, more_packets: int, one_s: int, other_s: int
) -> None:
    short, long = sorted((one_s, other_s))
    less, much = (
        growth(number, job(long, packets=packets)),
        growth(number + more, job(short, packets=packets + more_packets)),
    )
    assert less.rounds <= much.rounds
    # A row is added as the bucket ends, so rounds that are a little rarer may need as many.
    assert less.raw_bytes <= much.raw_bytes + 1e-6
    assert growth(number, job(short)).total_bytes <= growth(number + more, job(short)).total_bytes


def usage(**changes: object) -> StoreUsage:
    empty = StoreUsage(samples=0, first_at=None, recent_samples=0, minutes=0, rollups=0)
    return replace(empty, **changes)  # type: ignore[arg-type]  # fields by name


def test_of_few_samples_their_size_is_what_is_usual() -> None:
    few = usage(samples=MEASURED_FROM - 1, file_bytes=10**9)
    assert few.sample_bytes is None
    assert few.raw_bytes == 24 * (MEASURED_FROM - 1)
    assert usage(samples=MEASURED_FROM).sample_bytes is None


def test_of_many_samples_their_size_is_what_is_left_of_the_file() -> None:
    many = usage(
        samples=2_000_000, minutes=100_000, rollups=10_000, file_bytes=62_300_000, reusable_bytes=10_000_000
    )
    assert many.rollup_bytes == 100_000 * 17 + 10_000 * 60
    assert many.sample_bytes == 25.0
    assert many.raw_bytes == 50_000_000


ADDED = Growth(rounds=1e6, raw_bytes=100.0, minute_bytes=10.0, coarse_bytes=1.0)


def forecast(*, keeping: Keeping | None = None, growth: Growth = ADDED, **changes: object) -> Forecast:
    return Forecast(usage=usage(**changes), growth=growth, keeping=keeping or Keeping(raw_days=30), at=AT)


def test_raw_results_level_off_and_rollups_grow_on() -> None:
    empty = forecast(file_bytes=0)
    assert [empty.file_bytes(days) for days in (0, 10, 30, 130)] == [0, 1_110, 3_330, 3_000 + 1_300 + 130]


def test_rollups_that_are_not_kept_for_ever_level_off_too() -> None:
    kept = forecast(keeping=Keeping(raw_days=30, minutes_days=60, rollups_days=90), file_bytes=0)
    assert kept.file_bytes(10_000) == kept.file_bytes(90) == 3_000 + 600 + 90


def test_what_is_there_goes_when_it_is_too_old_and_its_room_is_used_again() -> None:
    """100 samples a day take 2,400 bytes a day, as the growth does: the size stays, but for rollups."""
    steady = forecast(
        growth=Growth(raw_bytes=2_400.0),
        samples=3_000,
        first_at=AT - 30 * DAY,
        file_bytes=100_000,
    )
    assert [steady.file_bytes(days) for days in (0, 1, 15, 400)] == pytest.approx([100_000] * 4)


def test_a_file_never_shrinks_by_itself() -> None:
    ended = forecast(growth=Growth(), samples=3_000, first_at=AT - 400 * DAY, file_bytes=500_000)
    assert ended.file_bytes(3_000) == 500_000


def test_room_for_new_results_within_the_file_is_used_first() -> None:
    roomy = forecast(growth=Growth(raw_bytes=100.0), file_bytes=5_000, reusable_bytes=2_000)
    assert [roomy.file_bytes(days) for days in (10, 20, 25)] == [5_000, 5_000, 5_500]


def test_the_day_when_the_disk_is_full_is_foretold() -> None:
    assert forecast(file_bytes=0, free_bytes=1_110).full_after_days == pytest.approx(10)
    assert forecast(file_bytes=0, free_bytes=3_330 + 1_100).full_after_days == pytest.approx(130)
    assert forecast(file_bytes=0, free_bytes=0).full_after_days == 0


def test_a_disk_that_is_large_enough_is_never_full() -> None:
    assert forecast(file_bytes=0, free_bytes=10**9).full_after_days is None
    assert forecast(growth=Growth(), file_bytes=10, free_bytes=1).full_after_days is None
    assert forecast(file_bytes=10).full_after_days is None


@hypothesis_settings(deadline=None)
@given(
    st.builds(
        Growth,
        raw_bytes=st.floats(0, 1e9),
        minute_bytes=st.floats(0, 1e9),
        coarse_bytes=st.floats(0, 1e9),
    ),
    st.builds(
        Keeping,
        raw_days=st.integers(1, 4_000),
        minutes_days=st.none() | st.integers(1, 4_000),
        rollups_days=st.none() | st.integers(1, 4_000),
    ),
    st.integers(0, 10**9),
    st.integers(0, 5_000),
    st.integers(0, 10**11),
    st.floats(0, 3_600),
    st.floats(0, 3_600),
)
def test_the_size_to_come_never_falls_and_reaches_the_disks_end_on_the_day_foretold(
    added: Growth, keeping: Keeping, samples: int, age_days: int, free: int, one: float, other: float
) -> None:
    first_at = AT - age_days * DAY if samples else None
    usage_now = usage(samples=samples, first_at=first_at, file_bytes=24 * samples, free_bytes=free)
    ahead = Forecast(usage=usage_now, growth=added, keeping=keeping, at=AT)
    early, late = sorted((one, other))
    assert ahead.file_bytes(early) <= ahead.file_bytes(late) * (1 + 1e-9)
    assert ahead.file_bytes(0) >= 24 * samples
    full, room = ahead.full_after_days, 24 * samples + free
    if full is None:
        assert ahead.file_bytes(3_600) <= room * (1 + 1e-9)
    else:
        assert ahead.file_bytes(max(0.0, full - 0.001)) <= room * (1 + 1e-6) + 1e7
        assert ahead.file_bytes(full + 1) >= room * (1 - 1e-9)
