"""What jobs ask for beside what may be sent, and when their rounds begin."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.demand import (
    demand_of,
    demands_of,
    job_warnings,
    start_delay,
    total_warnings,
)
from netstats_xl.domain.targets import Definitions, Destination, EchoSettings, Job, Selector
from netstats_xl.domain.windows import Schedule

LIMIT = 2_000


def destinations(count: int) -> tuple[Destination, ...]:
    return tuple(Destination(id=f"{number}", name=f"d{number}", host="192.0.2.1") for number in range(count))


def job(name: str, *, interval_s: int = 10, packets: int = 4, enabled: bool = True) -> Job:
    return Job(
        id=name,
        name=name,
        selectors=(Selector(kind="all"),),
        schedule=Schedule(interval=timedelta(seconds=interval_s)),
        echo=EchoSettings(packets=packets),
        enabled=enabled,
    )


def warnings(count: int, *jobs: Job, limit: int = LIMIT) -> tuple[str, ...]:
    demands = demands_of(Definitions(destinations=destinations(count), jobs=jobs))
    return (*job_warnings(demands, limit), *total_warnings(demands, limit))


def test_a_job_that_asks_for_too_much_is_told_with_figures_and_the_remedy() -> None:
    assert warnings(10_000, job("Backbone")) == (
        "Job Backbone sends 10,000 x 4 packets every 10s: 4,000 a second, more than the 2,000 of Settings, so its "
        "rounds cannot end in time and some are missed. Write an interval of at least 20s, fewer packets or "
        "destinations, or, if the network can take it, more Packets a second in Settings.",
    )


def test_exactly_as_much_as_may_be_sent_is_not_too_much() -> None:
    assert warnings(5_000, job("Backbone")) == ()
    assert len(warnings(5_001, job("Backbone"))) == 1
    assert "2,001 a second" in warnings(5_001, job("Backbone"))[0]


@pytest.mark.parametrize(
    ("count", "limit", "remedy"),
    [(3_000, 10, "at least 20m,"), (3_010, 10, "at least 21m,"), (10_000, 10, "at least 1h7m,")],
)
def test_a_long_interval_is_proposed_in_minutes(count: int, limit: int, remedy: str) -> None:
    assert remedy in warnings(count, job("All"), limit=limit)[0]


def test_no_interval_is_proposed_where_none_is_long_enough() -> None:
    (warning,) = warnings(10_000, job("All", packets=100), limit=10)
    assert "Write fewer packets or destinations, or" in warning


def test_jobs_that_ask_for_too_much_together_are_told_the_greatest_first() -> None:
    small, large = job("Small", interval_s=20), job("Large")
    assert warnings(4_000, small, large) == (
        "All jobs together send 2,400 packets a second while they run, more than the 2,000 of Settings: rounds take "
        "longer, and some are missed. The most comes from Large 1,600, Small 800. Write longer intervals, fewer "
        "packets or destinations, or, if the network can take it, more Packets a second in Settings.",
    )
    assert warnings(3_333, small, large) == ()


def test_only_the_three_greatest_are_named() -> None:
    (warning,) = warnings(2_000, *(job(name, interval_s=10 + place) for place, name in enumerate("abcd")))
    assert "The most comes from a 800, b 728, c 667. Write" in warning


def test_jobs_and_destinations_that_are_disabled_ask_for_nothing() -> None:
    assert warnings(10_000, job("Off", enabled=False)) == ()
    off = tuple(each.model_copy(update={"enabled": False}) for each in destinations(10_000))
    assert demand_of(job("All"), off).packets_per_second == 0


@given(st.text(), st.integers(1, 86_400))
def test_a_round_begins_soon_after_its_tick_and_always_at_the_same_moment(name: str, seconds: int) -> None:
    interval = timedelta(seconds=seconds)
    delay = start_delay(name, interval)
    assert timedelta(0) <= delay <= min(timedelta(milliseconds=500), interval * 0.05)
    assert delay == start_delay(name, interval)


def test_the_beginnings_of_many_jobs_are_spread_evenly() -> None:
    delays = [start_delay(f"{number:012x}", timedelta(minutes=1)) for number in range(1_000)]
    tenths = [sum(delay // timedelta(milliseconds=50) == tenth for delay in delays) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 140


def test_a_delay_is_the_same_in_every_process() -> None:
    """The figure was computed once; were it salted, as `hash` is, it would be another after each start."""
    assert start_delay("0123456789ab", timedelta(seconds=10)) == timedelta(microseconds=11_992)
