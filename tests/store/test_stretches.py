"""What is remembered of a period is brought up to date and moved along: it stays what the samples add up to."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.domain.levels import Level, bucket_of
from netstats_xl.domain.results import Batch, Period, Replied, Sample, Scope, Timeout
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.targets import Settings
from netstats_xl.ports import Dimension
from netstats_xl.store import statistics, stretch, stretches
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.planning import Coverage
from tests.contracts.result_store import START
from tests.store.rolled import roll_up, seal
from tests.store.test_statistics import SPAN, WITHOUT_SHRINKING, as_stored, assert_agrees, rounds

pytestmark = pytest.mark.trials

END = START + SPAN
SAMPLES = as_stored(rounds(2, 500))


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "FEW_SAMPLES", -1)


@pytest.fixture(scope="module")
def sealed() -> Iterator[DuckDbStore]:
    """Samples of which half are sealed; no test changes them."""
    store = DuckDbStore.open(None)
    store.save(Batch(batch_id="a", samples=SAMPLES))
    roll_up(store, SAMPLES)
    seal(store, {level: bucket_of(level, END - timedelta(minutes=5), "UTC") for level in Level})
    yield store
    store.close()


lengths = st.sampled_from([timedelta(minutes=20), timedelta(hours=2), timedelta(days=3), timedelta(days=40)])
steps = st.one_of(
    st.just(timedelta(0)),
    st.timedeltas(timedelta(seconds=1), timedelta(minutes=5)),
    st.timedeltas(timedelta(hours=-9), timedelta(hours=9)),
    st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=-1)]),
)
bys = st.sampled_from([(), (Dimension.JOB,), (Dimension.DESTINATION,), tuple(Dimension)])


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=WITHOUT_SHRINKING
)
@given(questions=st.lists(st.tuples(lengths, steps, bys, st.booleans()), min_size=4, max_size=12))
def test_a_period_that_moves_along_is_what_its_samples_add_up_to(
    sealed: DuckDbStore, questions: list[tuple[timedelta, timedelta, tuple[Dimension, ...], bool]]
) -> None:
    sealed._stretches = stretches.Stretches()
    end = END - timedelta(hours=2)
    for length, step, by, is_kept_ready in questions:
        end += step
        if is_kept_ready:
            sealed._keep_ready()
        period = Period(start=end - length, end=end)
        assert_agrees(sealed.summaries(period, by=by), SAMPLES, period, by)


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=WITHOUT_SHRINKING
)
@given(seed=st.integers(0, 1_000), length=lengths)
def test_what_is_saved_between_two_questions_is_in_the_second_be_it_late_or_not(
    seed: int, length: timedelta
) -> None:
    random = Random(seed)
    store = DuckDbStore.open(None)
    saved: list[Sample] = []
    end = END - timedelta(hours=1)
    for number in range(6):
        some = random.sample(SAMPLES, 40)
        store.save(Batch(batch_id=str(number), samples=some))
        saved += some
        if random.random() < 0.5:
            store.roll_up()
        end += random.choice((timedelta(0), timedelta(seconds=30), timedelta(minutes=20)))
        period = Period(start=end - length, end=end)
        assert_agrees(
            store.summaries(period, by=[Dimension.DESTINATION]), saved, period, [Dimension.DESTINATION]
        )
    store.close()


def dense(seed: int, number: int) -> list[Sample]:
    """Rounds of few seconds, in the order in which they might be saved: some come late."""
    random = Random(seed)
    found = []
    for index in range(number):
        # Times in whole ms, as Windows tells them: bounds are met again and again.
        rtts = tuple(random.choice((None, 1.0, 1.0, 2.0, float(random.randint(1, 60)))) for _ in range(4))
        late_s = random.choice((0, 0, 0, 7, 290, 301))
        found.append(
            Sample(
                at=START + timedelta(seconds=600 + 5 * index - late_s),
                job_id="job1",
                destination_id=f"dest{random.randint(1, 3)}",
                run_id=f"run{index}",
                interval_s=5.0,
                outcome=Replied(address="a", rtts_ms=rtts) if any(rtts) else Timeout(address="a", sent=4),
            )
        )
    return found


@pytest.mark.parametrize("most_rounds", [10_000, 3])
@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=WITHOUT_SHRINKING
)
@given(
    seed=st.integers(0, 1_000),
    turns=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.booleans(),
            st.sampled_from([0, 0, 0, 1, 6, 40, -30]),
            st.sampled_from([300, 280]),
        ),
        min_size=10,
        max_size=40,
    ),
)
def test_what_is_read_ahead_is_what_would_have_been_read(
    monkeypatch: pytest.MonkeyPatch, most_rounds: int, seed: int, turns: list[tuple[int, bool, int, int]]
) -> None:
    monkeypatch.setattr(stretch, "MOST_ROUNDS", most_rounds)
    samples = dense(seed, 200)
    store = DuckDbStore.open(None)
    saved: list[Sample] = []
    for number, (some, is_kept_ready, seconds, length_s) in enumerate(turns):
        new = samples[len(saved) : len(saved) + some]
        store.save(Batch(batch_id=str(number), samples=new))
        saved += new
        if is_kept_ready:
            store._keep_ready()
        newest = max((each.at for each in saved), default=START)
        period = Period(
            start=newest + timedelta(seconds=seconds - length_s), end=newest + timedelta(seconds=seconds)
        )
        assert_agrees(
            store.summaries(period, by=[Dimension.DESTINATION]), saved, period, [Dimension.DESTINATION]
        )
    store.close()


def test_a_question_about_what_was_kept_ready_asks_nothing_of_the_tables() -> None:
    store = DuckDbStore.open(None)
    samples = dense(4, 200)
    step, length = timedelta(seconds=5), timedelta(minutes=5)
    for number, sample in enumerate(samples):
        store.save(Batch(batch_id=str(number), samples=[sample]))
        store._keep_ready()
        newest = max(each.at for each in samples[: number + 1])
        period = Period(start=newest + step - length, end=newest + step)
        if number > 100:
            found = store._stretches.remembered(period, Scope(), [], store._present(), more_than=0)
            if found is None:  # the least or the greatest RTT has just gone
                found = list(store.summaries(period))
                assert (
                    store._stretches.remembered(period, Scope(), [], store._present(), more_than=0) == found
                )
            assert_agrees(found, samples[: number + 1], period)
            continue
        store.summaries(period)
    many = store._stretches.remembered(period, Scope(), [], store._present(), more_than=len(samples))
    assert many is None
    store.close()


def test_the_last_day_is_known_before_it_is_asked_about_and_others_are_followed_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stretches, "FOLLOWED_TIMES", 2)
    store = DuckDbStore.open(None)
    store._keep_ready()
    assert not store._stretches.knows(stretches.ALWAYS)
    samples = dense(3, 200)
    store.save(Batch(batch_id="first", samples=samples[:100]))
    store._keep_ready()
    assert store._stretches.knows(stretches.ALWAYS)
    hour = timedelta(hours=1)
    newest = max(each.at for each in samples)
    store.summaries(Period(start=newest + timedelta(seconds=1) - hour, end=newest + timedelta(seconds=1)))
    up_to_date = []
    for number in range(4):
        store.save(Batch(batch_id=str(number), samples=[samples[100 + number]]))
        store._keep_ready()
        known, saved = store._stretches._known, store._present().saved
        up_to_date.append((known[stretches.ALWAYS].saved == saved, known[hour].saved == saved))
    assert up_to_date == [(True, True), (True, True), (True, False), (True, False)]
    store.close()


def test_few_periods_are_remembered_and_the_last_whatever_its_size(
    sealed: DuckDbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed._stretches = stretches.Stretches()
    monkeypatch.setattr(stretches, "MOST_STRETCHES", 3)
    for hours in range(1, 6):
        sealed.summaries(Period(start=END - timedelta(hours=hours), end=END))
    assert list(sealed._stretches._known) == [timedelta(hours=hours) for hours in (3, 4, 5)]
    monkeypatch.setattr(stretches, "MOST_BINS", 1)
    period = Period(start=END - timedelta(days=40), end=END)
    assert_agrees(sealed.summaries(period), SAMPLES, period)
    assert list(sealed._stretches._known) == [timedelta(days=40)]


def test_a_period_is_added_up_anew_where_the_zone_was_changed_or_what_it_was_made_of_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = END + timedelta(days=1)
    store = DuckDbStore(None, now=lambda: now)
    store.save(Batch(batch_id="a", samples=SAMPLES))
    while store.roll_up():
        pass
    begun = []
    begin = stretch.begin

    def note(cursor: Cursor, period: Period, coverage: Coverage, present: stretch.Present) -> stretch.Stretch:
        begun.append(period)
        return begin(cursor, period, coverage, present)

    monkeypatch.setattr(stretches, "begin", note)
    period = Period(start=END - timedelta(days=3), end=END)

    def begun_after(change: Callable[[], object]) -> int:
        change()
        before = len(begun)
        assert_agrees(store.summaries(period), SAMPLES, period)
        return len(begun) - before

    assert begun_after(lambda: None) == 1
    assert begun_after(lambda: None) == 0
    assert begun_after(lambda: store.prune(Cutoffs(raw=END - timedelta(days=30)))) == 0
    assert begun_after(lambda: store.save_settings(Settings(zone="Europe/Berlin"))) == 0
    while store.roll_up():
        pass
    assert begun_after(lambda: None) == 1
    store.prune(Cutoffs(raw=END - timedelta(days=2)))
    [found] = store.summaries(period)
    assert len(begun) == 3
    inside = [each for each in SAMPLES if period.start <= each.at < period.end]
    assert found.summary.rounds_up + found.summary.rounds_down == pytest.approx(len(inside), abs=2)
    store.close()
