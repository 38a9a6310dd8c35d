"""Rounds as the collector finds them: the same samples for every store that is compared."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Self

import numpy as np

from netstats_xl.domain.results import Batch, Replied, Sample, Timeout
from netstats_xl.domain.targets import Definitions, Destination, Job, Selector
from netstats_xl.domain.windows import Schedule
from netstats_xl.ports import ResultStore

PACKETS = 4
INTERVAL = timedelta(seconds=10)
JOB_ID = "f" * 12
LOSS = 0.01
OUTAGES = 0.002
"""The share of rounds without a reply."""


def definitions(destinations: int) -> Definitions:
    """So many destinations, and one job that measures them all."""
    return Definitions(
        destinations=tuple(
            Destination(id=id_of(number), name=f"host-{number:05}", host=address_of(number))
            for number in range(destinations)
        ),
        jobs=(
            Job(
                id=JOB_ID,
                name="Every 10 s",
                selectors=(Selector(kind="all"),),
                schedule=Schedule(interval=INTERVAL),
            ),
        ),
    )


def id_of(number: int) -> str:
    return f"{number:012x}"


def address_of(number: int) -> str:
    return f"10.{number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"


class Rounds:
    """Rounds of the same destinations, tick after tick, with RTTs of each that are spread as in the field."""

    def __init__(self, destinations: int, *, start: datetime, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._base_ms = np.exp(self._draw.uniform(0, np.log(200), destinations))
        self._spread = self._draw.uniform(0.03, 0.4, destinations)
        self.destinations = destinations
        self.next_at = start

    @classmethod
    def following(cls, store: ResultStore, destinations: int) -> Self:
        """Those after the newest that the store holds, so that none is there already."""
        newest = store.info().last_sample_at
        if newest is None:
            raise SystemExit("The store is empty: a history was to be in it.")
        return cls(destinations, start=newest + INTERVAL, seed=round(newest.timestamp()))

    def round(self) -> list[Sample]:
        """The samples of the next tick."""
        at, self.next_at = self.next_at, self.next_at + INTERVAL
        shape = (self.destinations, PACKETS)
        drawn = self._base_ms[:, None] * np.exp(self._spread[:, None] * self._draw.standard_normal(shape))
        rtts = np.maximum(np.round(drawn, 3), 0.001)  # whole microseconds, as the probes tell
        lost = self._draw.random(shape) < LOSS
        down = self._draw.random(self.destinations) < OUTAGES
        run_id = f"run-{at:%Y%m%d%H%M%S}"
        return [
            Sample(
                at=at,
                job_id=JOB_ID,
                destination_id=id_of(number),
                run_id=run_id,
                interval_s=INTERVAL.total_seconds(),
                outcome=Timeout(address=address_of(number), sent=PACKETS)
                if is_down or all(missing)
                else Replied(
                    address=address_of(number),
                    rtts_ms=tuple(None if gone else rtt for rtt, gone in zip(answered, missing, strict=True)),
                ),
            )
            for number, (answered, missing, is_down) in enumerate(
                zip(rtts.tolist(), lost.tolist(), down.tolist(), strict=True)
            )
        ]

    def batches(self, count: int, *, rows: int) -> Iterator[Batch]:
        """So many batches of so many rows: whole rounds, one after the other."""
        for _ in range(count):
            samples: list[Sample] = []
            while len(samples) < rows:
                samples += self.round()
            yield batch_of(samples)


def batch_of(samples: Sequence[Sample]) -> Batch:
    """A batch of these alone."""
    first = samples[0]
    return Batch(batch_id=f"{first.run_id}-{len(samples)}", samples=samples)
