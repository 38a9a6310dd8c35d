import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import pytest

from netstats_xl.app import backlog as backlog_module
from netstats_xl.app.backlog import MANY, MANY_AFTER_S, Backlog, RoundRecord
from netstats_xl.domain.results import (
    Batch,
    JobRun,
    RunCompleted,
    Sample,
    Timeout,
    TracedRoute,
    TraceReason,
)
from netstats_xl.domain.routes import Trace
from netstats_xl.errors import StoreFull
from tests.fakes.clock import FakeClock

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


class FlakyStore:
    """Takes batches, or refuses them; like a database whose disk is full."""

    def __init__(self) -> None:
        self.full = False
        self.saved: list[Batch] = []
        self.attempts: list[Batch] = []

    def save(self, batch: Batch) -> None:
        self.attempts.append(batch)
        if self.full:
            raise StoreFull("The disk is full.")
        self.saved.append(batch)


def record(number: int, samples: int = 2) -> RoundRecord:
    run = JobRun(
        run_id=f"run{number}",
        job_id="job",
        tick_at=AT,
        started_at=AT,
        finished_at=AT,
        outcome=RunCompleted(up=0, down=samples),
    )
    sample = Sample(
        at=AT,
        job_id="job",
        destination_id="destination",
        run_id=run.run_id,
        interval_s=10,
        outcome=Timeout(address="127.0.0.1", sent=4),
    )
    return RoundRecord(run=run, samples=[sample] * samples)


def make(capacity: int = 1_000) -> tuple[Backlog, FlakyStore, FakeClock]:
    store, clock = FlakyStore(), FakeClock(AT)
    ids = iter(f"batch{number}" for number in count())
    return Backlog(store, clock, lambda: next(ids), capacity=capacity), store, clock  # type: ignore[arg-type]  # saves only


def run_ids(batches: Sequence[Batch]) -> list[str]:
    return [run.run_id for batch in batches for run in batch.runs]


def test_what_waits_is_saved_in_one_batch_in_its_order() -> None:
    backlog, store, _ = make()
    backlog.add(record(1))
    backlog.add(record(2))
    assert backlog.unsaved == 4
    assert backlog.flush()
    assert [run_ids([batch]) for batch in store.saved] == [["run1", "run2"]]
    assert backlog.unsaved == 0


def test_many_are_to_be_saved_before_their_time_but_not_all_the_time() -> None:
    backlog, store, clock = make()
    backlog.add(record(1, samples=MANY - 1))
    assert not backlog.has_many, "they can wait"
    backlog.add(record(2, samples=1))
    assert backlog.has_many
    assert backlog.flush()
    assert not backlog.has_many
    backlog.add(record(3, samples=MANY))
    assert not backlog.has_many, "the last attempt was only now"
    clock.advance(seconds=MANY_AFTER_S)
    assert backlog.has_many
    store.full = True
    assert not backlog.flush()
    assert not backlog.has_many
    clock.advance(seconds=MANY_AFTER_S)
    assert backlog.has_many
    assert not backlog.flush(), "after a refusal it waits longer"
    assert len(store.attempts) == 2
    assert not backlog.has_many


def test_nothing_to_save_is_no_batch() -> None:
    backlog, store, _ = make()
    assert backlog.flush()
    assert store.attempts == []


def test_a_run_without_samples_is_saved_as_well() -> None:
    backlog, store, _ = make()
    backlog.add(record(1, samples=0))
    assert backlog.flush()
    assert run_ids(store.saved) == ["run1"]


def test_a_refused_batch_is_tried_again_under_its_own_id_and_nothing_is_lost() -> None:
    backlog, store, clock = make()
    store.full = True
    backlog.add(record(1))
    assert not backlog.flush()
    assert isinstance(backlog.error, StoreFull)
    assert backlog.unsaved == 2
    backlog.add(record(2))
    store.full = False
    clock.advance(seconds=60)
    assert backlog.flush()
    assert [batch.batch_id for batch in store.attempts] == ["batch0", "batch0", "batch1"]
    assert run_ids(store.saved) == ["run1", "run2"]
    assert backlog.error is None


def test_attempts_after_a_refusal_wait_longer_and_longer_up_to_half_a_minute() -> None:
    backlog, store, clock = make()
    store.full = True
    backlog.add(record(1))
    for _ in range(300):
        backlog.flush()
        clock.advance(seconds=1)
    # Waits of 1, 2, 4, 8, 16 and then 30 s, each jittered down to its half at most: 5 to 300 s hold so many.
    assert 12 <= len(store.attempts) <= 25


def test_a_flush_that_cannot_wait_tries_at_once() -> None:
    backlog, store, _ = make()
    store.full = True
    backlog.add(record(1))
    backlog.flush()
    store.full = False
    assert backlog.flush(now=True)
    assert run_ids(store.saved) == ["run1"]


def test_the_oldest_results_are_given_up_and_counted_when_memory_would_run_out() -> None:
    backlog, store, clock = make(capacity=6)
    store.full = True
    backlog.add(record(0))
    backlog.flush()
    for number in range(1, 6):
        backlog.add(record(number))
    backlog.flush()
    assert (backlog.dropped_rounds, backlog.dropped_samples) == (3, 6)
    assert backlog.unsaved == 6
    store.full = False
    clock.advance(seconds=60)
    assert backlog.flush()
    assert run_ids(store.saved) == ["run0", "run4", "run5"]


def test_a_long_backlog_is_saved_in_batches_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_module, "LARGEST_BATCH", 4)
    backlog, store, _ = make()
    for number in range(5):
        backlog.add(record(number))
    assert backlog.flush()
    assert [len(batch.samples) for batch in store.saved] == [4, 4, 2]


def route(number: int) -> TracedRoute:
    return TracedRoute(
        at=AT,
        destination_id=f"destination{number}",
        reason=TraceReason.ASKED,
        trace=Trace(address="127.0.0.1", hops=(), reached=True),
    )


def test_traced_routes_are_saved_with_the_rounds_or_alone() -> None:
    backlog, store, _ = make()
    backlog.add_route(route(1))
    assert backlog.unsaved == 1
    assert backlog.flush()
    backlog.add(record(1))
    backlog.add_route(route(2))
    assert backlog.flush()
    assert [(run_ids([batch]), list(batch.routes)) for batch in store.saved] == [
        ([], [route(1)]),
        (["run1"], [route(2)]),
    ]
    assert backlog.unsaved == 0


def test_a_refused_batch_keeps_its_routes() -> None:
    backlog, store, clock = make()
    store.full = True
    backlog.add_route(route(1))
    assert not backlog.flush()
    backlog.add_route(route(2))
    store.full = False
    clock.advance(seconds=60)
    assert backlog.flush()
    assert [(batch.batch_id, list(batch.routes)) for batch in store.saved] == [
        ("batch0", [route(1)]),
        ("batch1", [route(2)]),
    ]


def test_the_oldest_routes_are_given_up_and_counted_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog_module, "MOST_ROUTES", 2)
    backlog, store, clock = make()
    store.full = True
    backlog.add(record(0))
    backlog.flush()
    for number in range(5):
        backlog.add_route(route(number))
    backlog.flush()
    assert (backlog.dropped_routes, backlog.unsaved) == (3, 4)
    store.full = False
    clock.advance(seconds=60)
    assert backlog.flush()
    assert [list(batch.routes) for batch in store.saved] == [[], [route(3), route(4)]]


class BusyStore(FlakyStore):
    """Does as `while_saving` says while it saves a batch: what another thread does meanwhile."""

    def __init__(self, while_saving: Callable[[], None]) -> None:
        super().__init__()
        self.while_saving = while_saving

    def save(self, batch: Batch) -> None:
        self.while_saving()
        super().save(batch)


def test_while_the_store_is_slow_rounds_are_taken_up_to_the_limit_and_then_counted_as_not_stored() -> None:
    backlog, _, clock = make(capacity=6)
    lasted_s: list[float] = []

    def add_many() -> None:
        store.while_saving = lambda: None
        for number in range(1, 8):
            backlog.add(record(number))
            clock.advance(seconds=1)
            lasted_s.append(backlog.saving_for_s)
            assert backlog.unsaved <= 6

    store = BusyStore(add_many)
    backlog._store = store  # type: ignore[assignment]  # saves only
    backlog.add(record(0))
    assert backlog.flush()
    assert lasted_s == [1, 2, 3, 4, 5, 6, 7]
    assert backlog.saving_for_s == 0
    # The batch that is being saved counts until it is safe.
    assert run_ids(store.saved) == ["run0", "run6", "run7"]
    assert (backlog.dropped_rounds, backlog.dropped_samples, backlog.unsaved) == (5, 10, 0)


def test_a_round_that_is_larger_than_the_limit_is_kept_all_the_same() -> None:
    backlog, store, _ = make(capacity=6)
    backlog.add(record(0, samples=7))
    assert backlog.flush()
    assert run_ids(store.saved) == ["run0"]


def test_runs_without_samples_do_not_grow_without_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_module, "MOST_ROUNDS", 3)
    backlog, store, _ = make()
    for number in range(5):
        backlog.add(record(number, samples=0))
    assert (backlog.dropped_rounds, backlog.dropped_samples) == (2, 0)
    assert backlog.flush()
    assert run_ids(store.saved) == ["run2", "run3", "run4"]


def test_nothing_is_lost_or_counted_twice_while_one_thread_adds_and_another_saves() -> None:
    backlog, store, _ = make(capacity=40)
    added = threading.Event()

    def add() -> None:
        for number in range(5_000):
            backlog.add(record(number))
        added.set()

    with ThreadPoolExecutor(1) as threads:
        adding = threads.submit(add)
        while not added.is_set():
            backlog.flush()
        adding.result()
    backlog.flush()
    saved = run_ids(store.saved)
    assert len(saved) == len(set(saved)) == 5_000 - backlog.dropped_rounds
    assert saved == sorted(saved, key=lambda name: int(name.removeprefix("run")))
    assert backlog.unsaved == 0
