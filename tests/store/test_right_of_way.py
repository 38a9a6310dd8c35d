"""Who asks lets a batch that is being saved go first, and never for long."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event
from typing import Any

import pytest

from netstats_xl.domain.results import Batch
from netstats_xl.store import ingest, right_of_way
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.right_of_way import RightOfWay
from tests.contracts.result_store import ALWAYS, OUTCOMES, sample

LONG_S = 60.0
BATCH = Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])])


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as others:
        yield others


@pytest.fixture
def store() -> Iterator[DuckDbStore]:
    with closing(DuckDbStore.open(None)) as store:
        yield store


@contextmanager
def saving(store: DuckDbStore, others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Meanwhile the batch is being saved; it is saved in the end."""
    has_begun, go_on = Event(), Event()
    inner = ingest.save

    def save(*args: Any) -> object:
        has_begun.set()
        assert go_on.wait(LONG_S)
        return inner(*args)

    monkeypatch.setattr(ingest, "save", save)
    saved = others.submit(store.save, BATCH)
    try:
        assert has_begun.wait(LONG_S)
        yield
    finally:
        go_on.set()
    saved.result(timeout=LONG_S)


def is_waiting(asked: Future[Any]) -> bool:
    """Whether there is no answer for a while."""
    with pytest.raises(TimeoutError):
        asked.result(timeout=0.2)
    return True


def test_nobody_waits_while_nothing_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", LONG_S)
    way = RightOfWay()
    way.give()
    with way.taken():
        pass
    way.give()


def test_who_asks_waits_until_it_is_saved(
    others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", LONG_S)
    way = RightOfWay()
    with way.taken():
        asked = others.submit(way.give)
        assert is_waiting(asked)
    asked.result(timeout=LONG_S)


def test_who_asks_does_not_wait_for_long() -> None:
    way = RightOfWay()
    with way.taken():
        way.give()


def test_saving_that_fails_leaves_the_way_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", LONG_S)
    way = RightOfWay()
    with pytest.raises(OSError, match="full"), way.taken():
        raise OSError("full")
    way.give()


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.latest(ALWAYS),
        lambda store: store.states(),
        lambda store: store.summaries(ALWAYS),
        lambda store: store.samples(ALWAYS),
    ],
    ids=["latest", "states", "summaries", "samples"],
)
def test_a_store_saves_first_and_answers_then(
    store: DuckDbStore,
    others: ThreadPoolExecutor,
    ask: Callable[[DuckDbStore], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", LONG_S)
    with saving(store, others, monkeypatch):
        asked = others.submit(ask, store)
        assert is_waiting(asked)
    assert asked.result(timeout=LONG_S) == ask(store)
    assert len(store.samples(ALWAYS)) == 1


def test_a_store_answers_while_saving_takes_long(
    store: DuckDbStore, others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with saving(store, others, monkeypatch):
        assert store.samples(ALWAYS) == []
    assert len(store.samples(ALWAYS)) == 1
