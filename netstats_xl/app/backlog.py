"""Results on their way to the store: kept in memory until they are safe."""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netstats_xl.domain.results import Batch, JobRun, Sample, StateChanged, TracedRoute
from netstats_xl.errors import StoreError
from netstats_xl.ports import Clock, ResultStore

CAPACITY = 2_000_000
"""Samples that are kept in memory while the store takes none: some 500 MB."""
LARGEST_BATCH = 20_000
MOST_ROUTES = 10_000
"""Traced routes that are kept besides: some 100 MB. Traces take their time, so they are few."""
FIRST_RETRY_S = 1.0
LAST_RETRY_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRecord:
    """What one tick of a job leaves behind: its run, and of a round its samples and changes of state."""

    run: JobRun
    samples: Sequence[Sample] = ()
    events: Sequence[StateChanged] = ()


class Backlog:
    """Takes records from the probing side and saves them in batches.

    `add` may be called from one thread while `flush` runs in another; `flush` itself from one thread at a time.
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
        self._added = 0
        self._settled = 0
        self._attempts = 0
        self._retry_at_s = 0.0
        self.dropped = 0
        """Samples and traced routes that were given up because memory would have run out."""
        self.error: StoreError | None = None
        """Why the last attempt to save failed; None when it went well."""

    @property
    def unsaved(self) -> int:
        """Samples and traced routes that are in memory only."""
        return self._added - self._settled

    def add(self, record: RoundRecord) -> None:
        """Take a record."""
        self._waiting.append(record)
        self._added += len(record.samples)

    def add_route(self, traced: TracedRoute) -> None:
        """Take a traced route."""
        self._routes.append(traced)
        self._added += 1

    def flush(self, *, now: bool = False) -> bool:
        """Save what is waiting; whether all of it is safe.

        After a refusal the next attempt waits, longer each time, unless `now` is set. No `StoreError` leaves
        this method: it stands in `error`. What does not fit into memory is dropped, the oldest first.
        """
        if not now and self._clock.monotonic() < self._retry_at_s:
            self._drop_what_does_not_fit()
            return False
        while batch := self._refused or self._next_batch():
            try:
                self._store.save(batch)
            except StoreError as error:
                self._refused = batch
                self.error = error
                self._attempts += 1
                delay_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self._attempts - 1, 10))
                self._retry_at_s = self._clock.monotonic() + delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
                return False
            self._settled += len(batch.samples) + len(batch.routes)
            self._refused = None
            self.error = None
            self._attempts = 0
            self._retry_at_s = 0.0
        return True

    def _drop_what_does_not_fit(self) -> None:
        while self.unsaved > self._capacity and len(self._waiting) > 1:
            oldest = self._waiting.popleft()
            self._settled += len(oldest.samples)
            self.dropped += len(oldest.samples)
        while len(self._routes) > MOST_ROUTES:
            self._routes.popleft()
            self._settled += 1
            self.dropped += 1

    def _next_batch(self) -> Batch | None:
        runs: list[JobRun] = []
        samples: list[Sample] = []
        events: list[StateChanged] = []
        while self._waiting and len(samples) < LARGEST_BATCH:
            record = self._waiting.popleft()
            runs.append(record.run)
            samples.extend(record.samples)
            events.extend(record.events)
        routes: list[TracedRoute] = []
        while self._routes and len(routes) < LARGEST_BATCH:
            routes.append(self._routes.popleft())
        if not runs and not routes:
            return None
        return Batch(batch_id=self._new_id(), runs=runs, samples=samples, events=events, routes=routes)
