"""The rows of a batch: what several of those who save it need of its samples is looked at once."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple

from netstats_xl.domain.results import Outcome, Sample
from netstats_xl.domain.targets import DestinationId, JobId


class Round(NamedTuple):
    """Samples of a batch, one after the other, that share these."""

    run_id: str
    at: datetime
    job_id: JobId
    interval_s: float
    samples: int
    """How many there are."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples, and their columns that are needed more than once, in the same order."""

    samples: Sequence[Sample]
    rounds: Sequence[Round]
    """A round whose samples lie apart comes several times."""
    destination_ids: Sequence[DestinationId]
    outcomes: Sequence[Outcome]
    ticks: frozenset[datetime]


def rows_of(samples: Sequence[Sample]) -> Rows:
    """The rows of these samples."""
    shared = zip(
        [sample.run_id for sample in samples],
        [sample.at for sample in samples],
        [sample.job_id for sample in samples],
        [sample.interval_s for sample in samples],
        strict=True,
    )
    rounds = [Round(*each, samples=len(list(of_round))) for each, of_round in groupby(shared)]
    return Rows(
        samples=samples,
        rounds=rounds,
        destination_ids=[sample.destination_id for sample in samples],
        outcomes=[sample.outcome for sample in samples],
        ticks=frozenset(each.at for each in rounds),
    )


def column_of(
    rounds: Sequence[Round], code: Literal["i", "q", "d"], value_of: Callable[[Round], float]
) -> "array[float]":
    """A column of the samples that has the same value for all of a round; `code` is the array's."""
    column: array[float] = array(code)
    for each in rounds:
        column += array(code, [value_of(each)]) * each.samples
    return column
