"""Answers of the store that a live workbook's views remember."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import pytest

from netstats_xl.app.views.remembered import SHARE, RememberingStore
from netstats_xl.domain.results import EVERYTHING, Period, Scope
from netstats_xl.ports import Dimension, GroupSummary
from tests.app.report_world import DAY, END, GATEWAY, PING, WEB, World, ago, replied
from tests.fakes.memory_store import MemoryStore

HOUR = timedelta(hours=1)
BOTH = (Dimension.JOB, Dimension.DESTINATION)


class Asked:
    """A store that notes the periods that it is asked about, and how many buckets each has."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.asked: list[tuple[Period, int]] = []

    def summaries(
        self,
        period: Period,
        *,
        scope: Scope = EVERYTHING,
        by: Collection[Dimension] = (),
        edges: Sequence[datetime] = (),
        percentiles: bool = True,
    ) -> Sequence[GroupSummary]:
        self.asked.append((period, len(edges)))
        return self._store.summaries(period, scope=scope, by=by, edges=edges, percentiles=percentiles)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


@pytest.fixture
def world() -> World:
    """A round every ten minutes for two days, slower from day to day."""
    world = World()
    world.rounds(
        GATEWAY,
        ago(days=2),
        *[replied(float(number)) for number in range(1, 289)],
        every=timedelta(minutes=10),
    )
    world.rounds(WEB, ago(hours=30), *[replied(5.0, None)] * 30, every=HOUR)
    return world


@pytest.fixture
def asked(world: World) -> Asked:
    return Asked(world.store)


@pytest.fixture
def remembering(asked: Asked) -> RememberingStore:
    return RememberingStore(asked)  # type: ignore[arg-type]  # it hands on what it does not note


def hours(period: Period) -> list[datetime]:
    """The edges of its whole hours; its first one may be cut."""
    start = period.start.replace(minute=0)
    return [start + number * HOUR for number in range(-(-(period.end - start) // HOUR))]


@pytest.mark.parametrize("minutes", range(0, 200, 7))
def test_what_is_remembered_is_what_the_store_would_say(
    world: World, remembering: RememberingStore, minutes: int
) -> None:
    for later in range(0, minutes + 1, 7):
        end = ago(hours=5) + timedelta(minutes=later)
        period = Period(start=end - timedelta(days=1), end=end)
        edges = hours(period)
        scope = Scope(job_ids=frozenset({PING.id}))
        found = remembering.summaries(period, scope=scope, by=BOTH, edges=edges)
    assert list(found) == list(world.store.summaries(period, scope=scope, by=BOTH, edges=edges))


def test_buckets_that_are_long_over_are_asked_for_once(remembering: RememberingStore, asked: Asked) -> None:
    remembering.summaries(DAY, edges=hours(DAY))
    later = Period(start=DAY.start + HOUR, end=END + timedelta(minutes=30))
    remembering.summaries(later, edges=hours(later))
    # The hour that had only just ended may have got late samples.
    assert asked.asked == [(DAY, 24), (Period(start=END - HOUR, end=later.end), 2)]


def test_the_cut_first_bucket_is_asked_for_apart(remembering: RememberingStore, asked: Asked) -> None:
    remembering.summaries(DAY, edges=hours(DAY))
    cut = Period(start=DAY.start + timedelta(minutes=10), end=END + timedelta(minutes=10))
    remembering.summaries(cut, edges=hours(cut))
    first, last = asked.asked[1:]
    assert first == (Period(start=cut.start, end=DAY.start + HOUR), 1)
    assert last == (Period(start=END - HOUR, end=cut.end), 2)


def test_a_long_bucket_that_still_grows_is_renewed_seldom(
    remembering: RememberingStore, asked: Asked
) -> None:
    for minutes in range(30):
        period = Period(start=DAY.start, end=END + timedelta(minutes=minutes))
        remembering.summaries(period, edges=[DAY.start])
    ends = [period.end for period, _ in asked.asked]
    assert ends == [END, END + timedelta(minutes=11), END + timedelta(minutes=22)]


def test_what_cannot_be_merged_is_renewed_once_it_is_older_than_a_small_share_of_its_period(
    world: World, remembering: RememberingStore, asked: Asked
) -> None:
    serves = DAY.length / SHARE
    first = remembering.summaries(DAY)
    soon = Period(start=DAY.start + serves, end=END + serves)
    assert remembering.summaries(soon) is first
    late = Period(start=DAY.start + 1.1 * serves, end=END + 1.1 * serves)
    assert remembering.summaries(late) == world.store.summaries(late)
    assert [period for period, _ in asked.asked] == [DAY, late]


def test_what_was_measured_for_a_short_time_only_is_always_fresh() -> None:
    world = World()
    asked = Asked(world.store)
    remembering = RememberingStore(asked)  # type: ignore[arg-type]  # it hands on what it does not note
    for minutes in range(3):
        day = Period(start=DAY.start, end=END + timedelta(minutes=minutes))
        for edges in ([], [DAY.start]):
            assert remembering.summaries(day, edges=edges) == world.store.summaries(day, edges=edges)
        world.rounds(GATEWAY, day.end, replied(1.0))


def test_of_several_old_answers_one_a_view_is_renewed_unless_they_are_very_old(
    remembering: RememberingStore, asked: Asked
) -> None:
    def view(age: float) -> int:
        end = END + age * DAY.length / SHARE
        before = len(asked.asked)
        for by in ((), (Dimension.JOB,), (Dimension.DESTINATION,)):
            remembering.summaries(Period(start=end - DAY.length, end=end), by=by)
        return len(asked.asked) - before

    assert [view(age) for age in (0, 0.5, 1.1, 1.2, 1.3, 1.4, 5)] == [3, 0, 1, 1, 1, 0, 3]


def test_short_periods_are_always_fresh(remembering: RememberingStore, asked: Asked) -> None:
    for seconds in (0, 30, 60):
        end = END + timedelta(seconds=seconds)
        for by in ((), (Dimension.JOB,)):
            remembering.summaries(Period(start=end - HOUR, end=end), by=by)
    assert len(asked.asked) == 6


def test_going_back_in_time_is_asked_anew(remembering: RememberingStore, asked: Asked) -> None:
    remembering.summaries(DAY)
    remembering.summaries(Period(start=DAY.start - HOUR, end=END - HOUR))
    assert len(asked.asked) == 2


def test_what_was_remembered_can_be_forgotten(remembering: RememberingStore, asked: Asked) -> None:
    for _ in range(2):
        remembering.summaries(DAY)
        remembering.summaries(DAY, edges=hours(DAY))
        remembering.forget()
    assert len(asked.asked) == 4


def test_only_so_many_questions_are_remembered(remembering: RememberingStore, asked: Asked) -> None:
    scopes = [Scope(destination_ids=frozenset({f"d{number}"})) for number in range(100)]
    for scope in (*scopes, scopes[-1], scopes[0]):
        remembering.summaries(DAY, scope=scope)
        remembering.summaries(DAY, scope=scope, edges=hours(DAY))
    # The last 64 were remembered, so the first one was not.
    assert [edges for _, edges in asked.asked[200:]] == [0, 24]


def test_edges_beyond_the_period_have_no_buckets(world: World, remembering: RememberingStore) -> None:
    edges = [END - HOUR, END, END + HOUR]
    assert remembering.summaries(DAY, edges=edges) == world.store.summaries(DAY, edges=edges)


def test_everything_else_is_the_stores(world: World, remembering: RememberingStore) -> None:
    store = world.store
    assert remembering.latest(DAY) == store.latest(DAY)
    assert remembering.states() == store.states()
    assert remembering.job_totals() == store.job_totals()
    assert remembering.runs(DAY, limit=3) == store.runs(DAY, limit=3)
    assert remembering.events(DAY, limit=3) == store.events(DAY, limit=3)
    assert remembering.info() == store.info()
    assert remembering.jitter_rfc3550(DAY) == store.jitter_rfc3550(DAY)
    assert remembering.histogram(DAY, (1.0, 100.0)) == store.histogram(DAY, (1.0, 100.0))
