"""Results on their way to the store: kept in memory until they are safe."""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from netstats_xl.domain.results import Batch, JobRun, Sample, StateChanged, TracedRoute
from netstats_xl.errors import StoreError
from netstats_xl.ports import Clock, ResultStore

MANY = 250
"""So many samples that wait are saved before their time: a commit of more takes longer, and more commits cost more."""
MANY_AFTER_S = 0.25
"""How long after the attempt before, at least."""
CAPACITY = 2_000_000
"""Samples that are kept in memory while the store takes none: some 500 MB."""
LARGEST_BATCH = 20_000
MOST_ROUNDS = 200_000
"""Records that are kept besides, whether they have samples or not: some 100 MB."""
MOST_ROUTES = 10_000
"""Traced routes that are kept besides: some 100 MB. Traces take their time, so they are few."""
FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0


Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRecord:
    """What one tick of a job leaves behind: its run, and of a round its samples and changes of state."""

    run: JobRun
    samples: Sequence[Sample] = ()
    events: Sequence[StateChanged] = ()


class Backlog:
    """Takes records from the probing side and saves them in batches.

    `add` and `add_route` may be called from one thread while `flush` runs in another; `flush` itself from one thread
    at a time. They never wait for the store: what does not fit into memory is given up, the oldest first, and counted.
    A batch that the store refused keeps its ID, so that one which was saved after all is not saved twice.
    """

    def __init__(
        self, store: ResultStore, clock: Clock, new_id: Callable[[], str], *, capacity: int = CAPACITY
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._capacity = capacity
        self._waiting: deque[RoundRecord] = deque()
        self._routes: deque[TracedRoute] = deque()
        self._refused: Batch | None = None
        # Each is counted by one thread alone.
        self._added = 0
        self._saved = 0
        self.dropped_rounds = 0
        """Records that were given up because memory would have run out."""
        self.dropped_samples = 0
        """Their samples."""
        self.dropped_routes = 0
        """Traced routes that were given up likewise."""
        self._attempts = 0
        self._retry_at_s = 0.0
        self._saving_since_s: float | None = None
        self._flushed_at_s = -inf
        self.error: StoreError | None = None
        """Why the last attempt to save failed; None when it went well."""

    @property
    def unsaved(self) -> int:
        """Samples and traced routes that are in memory only."""
        return self._added - self._saved - self.dropped_samples - self.dropped_routes

    @property
    def has_many(self) -> bool:
        """Whether so much waits that `flush` should be called at once rather than at its time."""
        return self.unsaved >= MANY and self._clock.monotonic() >= self._flushed_at_s + MANY_AFTER_S

    @property
    def saving_for_s(self) -> float:
        """How long the store has been saving the batch that it is saving now, s; 0 where it saves none."""
        since_s = self._saving_since_s
        return 0.0 if since_s is None else self._clock.monotonic() - since_s

    def add(self, record: RoundRecord) -> None:
        """Take a record."""
        self._waiting.append(record)
        self._added += len(record.samples)
        while self.unsaved > self._capacity or len(self._waiting) > MOST_ROUNDS:
            if len(self._waiting) == 1 or (oldest := _first(self._waiting)) is None:
                break
            self.dropped_rounds += 1
            self.dropped_samples += len(oldest.samples)

    def add_route(self, traced: TracedRoute) -> None:
        """Take a traced route."""
        self._routes.append(traced)
        self._added += 1
        while len(self._routes) > MOST_ROUTES and _first(self._routes) is not None:
            self.dropped_routes += 1

    def flush(self, *, now: bool = False) -> bool:
        """Save what is waiting; whether all of it is safe.

        After a refusal the next attempt waits, longer each time, unless `now` is set. No `StoreError` leaves
        this method: it stands in `error`.
        """
        self._flushed_at_s = self._clock.monotonic()
        if not now and self._flushed_at_s < self._retry_at_s:
            return False
        while batch := self._refused or self._next_batch():
            try:
                self._saving_since_s = self._clock.monotonic()
                self._store.save(batch)
            except StoreError as error:
                self._refused = batch
                self.error = error
                self._attempts += 1
                delay_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self._attempts - 1, 10))
                self._retry_at_s = self._clock.monotonic() + delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
                return False
            finally:
                self._saving_since_s = None
            self._saved += len(batch.samples) + len(batch.routes)
            self._refused = None
            self.error = None
            self._attempts = 0
            self._retry_at_s = 0.0
        return True

    def _next_batch(self) -> Batch | None:
        runs: list[JobRun] = []
        samples: list[Sample] = []
        events: list[StateChanged] = []
        while (
            len(samples) < LARGEST_BATCH and len(runs) < LARGEST_BATCH and (record := _first(self._waiting))
        ):
            runs.append(record.run)
            samples.extend(record.samples)
            events.extend(record.events)
        routes: list[TracedRoute] = []
        while len(routes) < LARGEST_BATCH and (traced := _first(self._routes)):
            routes.append(traced)
        if not runs and not routes:
            return None
        return Batch(batch_id=self._new_id(), runs=runs, samples=samples, events=events, routes=routes)


def _first(queue: deque[Thing]) -> Thing | None:
    """Take the oldest of the queue, from which another thread may take at the same time."""
    try:
        return queue.popleft()
    except IndexError:
        return None
