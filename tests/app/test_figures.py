"""Statistics for those who ask, and the period they ask for."""

from datetime import timedelta

import pytest

from netstats_xl.app.figures import dashboard, job_figures, period_of
from netstats_xl.domain.results import Batch, Sample, State
from netstats_xl.domain.rollups import EMPTY
from netstats_xl.domain.states import DestinationStatus
from netstats_xl.domain.targets import Definitions, Selector
from netstats_xl.errors import ConfigurationError, NotFound
from tests.app.test_monitoring import AT, REPLY, SILENCE, destination, job
from tests.fakes.memory_store import MemoryStore

DEFINITIONS = Definitions(
    destinations=(destination("b"), destination("a"), destination("off", enabled=False)),
    jobs=(job(), job(id="some", name="Some", selectors=(Selector(kind="name", value="a"),))),
)
STATUSES = {"id-a": DestinationStatus(destination_id="id-a", state=State.UP)}
DAY = period_of("24h", AT)


@pytest.fixture
def store() -> MemoryStore:
    def sample(name: str, job_id: str, minutes: int, up: bool = True) -> Sample:
        return Sample(
            at=AT - timedelta(minutes=minutes),
            job_id=job_id,
            destination_id=f"id-{name}",
            run_id="r",
            interval_s=60,
            outcome=REPLY if up else SILENCE,
        )

    store = MemoryStore()
    samples = [
        sample("a", "job", 1),
        sample("a", "some", 2),
        sample("b", "job", 3, up=False),
        sample("off", "job", 4),
        sample("retired", "job", 5),
        sample("a", "job", 60 * 25),
    ]
    store.save(Batch(batch_id="1", samples=samples))
    return store


def test_the_dashboard_is_about_all_destinations_in_force_in_the_users_order(store: MemoryStore) -> None:
    figures = dashboard(store, DEFINITIONS, STATUSES, DAY)
    rounds = [
        (entry.destination.name, summary.rounds_up, summary.rounds_down)
        for entry, summary in figures.destinations
    ]
    assert rounds == [("b", 0, 1), ("a", 2, 0), ("off", 1, 0)]
    assert (figures.overall.rounds_up, figures.overall.rounds_down) == (3, 1)
    assert figures.destinations[1][0].status.state is State.UP
    assert figures.period == DAY


def test_a_jobs_figures_are_of_the_destinations_that_it_selects_and_of_its_own_rounds(
    store: MemoryStore,
) -> None:
    figures = job_figures(store, DEFINITIONS, STATUSES, DAY, "some")
    assert [(entry.destination.name, summary.rounds_up) for entry, summary in figures.destinations] == [
        ("a", 1)
    ]
    assert figures.overall.rounds_up == 1
    all_of_them = job_figures(store, DEFINITIONS, STATUSES, DAY, "job")
    assert [entry.destination.name for entry, _ in all_of_them.destinations] == ["b", "a"]


def test_where_nothing_was_measured_there_are_empty_figures(store: MemoryStore) -> None:
    early = period_of("1h", AT - timedelta(days=9))
    figures = dashboard(store, DEFINITIONS, STATUSES, early)
    assert figures.overall == EMPTY
    assert [summary for _, summary in figures.destinations] == [EMPTY] * 3


def test_an_unknown_job_has_no_figures(store: MemoryStore) -> None:
    with pytest.raises(NotFound):
        job_figures(store, DEFINITIONS, STATUSES, DAY, "gone")


@pytest.mark.parametrize(("text", "hours"), [("1h", 1), (" 7D ", 168), ("12 hours", 12), ("2w", 336)])
def test_a_period_is_written_as_in_the_sheets_and_ends_now(text: str, hours: int) -> None:
    period = period_of(text, AT)
    assert (period.end, period.length) == (AT, timedelta(hours=hours))


@pytest.mark.parametrize("text", ["", "yesterday", "0h", "1 fortnight", "9999d"])
def test_a_period_that_is_none_is_named_with_what_would_be_right(text: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"The period '{text}'.*(write for example 24h|from 1h to 366d)"
    ):
        period_of(text, AT)
