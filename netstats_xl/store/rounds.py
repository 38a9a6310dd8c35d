"""The rounds of a batch: what its samples share is looked at once a round, not once a sample."""

from array import array
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple

from netstats_xl.domain.results import Sample
from netstats_xl.domain.targets import JobId


class Round(NamedTuple):
    """Samples of a batch, one after the other, that share these."""

    run_id: str
    at: datetime
    job_id: JobId
    interval_s: float
    samples: int
    """How many there are."""


def rounds_of(samples: Sequence[Sample]) -> list[Round]:
    """The rounds in the order of their samples. A round whose samples lie apart comes several times."""
    shared = zip(
        [sample.run_id for sample in samples],
        [sample.at for sample in samples],
        [sample.job_id for sample in samples],
        [sample.interval_s for sample in samples],
        strict=True,
    )
    return [Round(*each, samples=len(list(of_round))) for each, of_round in groupby(shared)]


def column_of(
    rounds: Sequence[Round], code: Literal["i", "q", "d"], value_of: Callable[[Round], float]
) -> "array[float]":
    """A column of the samples that has the same value for all of a round; `code` is the array's."""
    column: array[float] = array(code)
    for each in rounds:
        column += array(code, [value_of(each)]) * each.samples
    return column
