"""Telling many listeners what happens, none of whom may hold it up."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from netstats_xl.app.backlog import RoundRecord
from netstats_xl.app.service import Event, EventKind
from netstats_xl.domain.results import Sample, describe, packets_of
from netstats_xl.domain.states import mean_rtt_ms

WAITING = 2_000
"""How many events wait for a listener; the oldest go first."""
SILENT_S = 5.0
"""After so much silence a listener is told that nothing happened, so that it can see whether anybody listens still."""


class EventHub:
    """Passes events on to whoever listens. Any thread may use it."""

    def __init__(self, *, waiting: int = WAITING, silent_s: float = SILENT_S) -> None:
        self._waiting = waiting
        self._silent_s = silent_s
        self._changed = Condition()
        self._listeners: list[deque[Event]] = []
        self._closed = False

    def tell(self, *events: Event) -> None:
        """Tell all who listen now; returns at once."""
        if not self._listeners:
            return
        with self._changed:
            for listener in self._listeners:
                listener.extend(events)
            self._changed.notify_all()

    def tell_record(self, record: RoundRecord) -> None:
        """Tell what a tick of a job left behind: its results and the changes of state."""
        if not self._listeners:
            return
        results = [_result(sample) for sample in record.samples]
        states = [
            Event(
                kind=EventKind.STATE,
                data={
                    "destination": change.destination_id,
                    "at": change.at.isoformat(),
                    "before": change.before,
                    "after": change.after,
                    "reason": change.reason,
                },
            )
            for change in record.events
        ]
        self.tell(*results, *states)

    @contextmanager
    def listen(self) -> Iterator[Iterator[Event | None]]:
        """What is told from now on: see `Service.events`."""
        listener: deque[Event] = deque(maxlen=self._waiting)
        with self._changed:
            self._listeners.append(listener)
        try:
            yield self._heard(listener)
        finally:
            with self._changed:
                self._listeners = [each for each in self._listeners if each is not listener]

    def close(self) -> None:
        """Tell nothing any more: who listens comes to an end, after what was told before."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _heard(self, listener: "deque[Event]") -> Iterator[Event | None]:
        while True:
            with self._changed:
                if not listener and not self._closed:
                    self._changed.wait(self._silent_s)
                heard = listener.popleft() if listener else None
                if heard is None and self._closed:
                    return
            yield heard


def _result(sample: Sample) -> Event:
    sent, received = packets_of(sample.outcome)
    return Event(
        kind=EventKind.RESULT,
        data={
            "destination": sample.destination_id,
            "job": sample.job_id,
            "at": sample.at.isoformat(),
            "sent": sent,
            "received": received,
            "rtt_ms": mean_rtt_ms(sample.outcome),
            "reason": describe(sample.outcome),
        },
    )
