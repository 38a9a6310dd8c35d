"""A store's answers about what is long over, remembered: a live workbook asks for them again and again.

What cannot be merged from parts, such as percentiles of a whole period, is asked for anew once it is older than a
small share of what was measured of the period: a day's after ten minutes, on the first day sooner; and of several
such answers one a view, so that no view costs much more than another.
"""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from netstats_xl.app.views.measurements import Measurements
from netstats_xl.domain.results import (
    EVERYTHING,
    JobRun,
    JobTotals,
    LatestSample,
    Period,
    Scope,
    State,
    StateChanged,
    StoreInfo,
)
from netstats_xl.domain.route_records import RouteRecord
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.ports import Dimension, GroupSummary

SHARE = 144
"""An answer about a period serves until so small a part of what was measured of it has gone by since, or at most twice
as long."""
CHEAP = timedelta(minutes=1)
"""What serves no longer than this is about a short period, and asked for anew without regard to the rest."""
SETTLED = timedelta(minutes=5)
"""How long after its end a bucket may still get samples of rounds that take their time."""
_MOST_QUESTIONS = 64

Answer = TypeVar("Answer")
_Groups = Sequence[GroupSummary]


@dataclass(frozen=True, slots=True)
class _Bucket:
    """From one edge to the next, as far as the period reaches."""

    at: datetime
    """Its edge."""
    start: datetime
    end: datetime


@dataclass(slots=True)
class _Known:
    """What is known of a question's buckets."""

    settled: dict[_Bucket, _Groups] = field(default_factory=dict)
    growing: tuple[_Bucket, _Groups] | None = None
    """The last one, with the period's end in it."""


class RememberingStore:
    """Answers as the store does, but for what is remembered. Not for several threads at once."""

    def __init__(self, store: Measurements) -> None:
        self._store = store
        self._answers: dict[Hashable, tuple[datetime, object]] = {}
        self._buckets: dict[Hashable, _Known] = {}
        self._began_at: datetime | None = None
        """When the first sample was taken; None: there is none yet."""
        self._renewed_at: datetime | None = None
        """The end of the period of the last view for which an answer was renewed."""

    def forget(self) -> None:
        """Ask for everything anew: samples of what is long over were saved, or deleted."""
        self._answers.clear()
        self._buckets.clear()

    def summaries(
        self,
        period: Period,
        *,
        scope: Scope = EVERYTHING,
        by: Collection[Dimension] = (),
        edges: Sequence[datetime] = (),
        percentiles: bool = True,
    ) -> _Groups:
        """See `Measurements.summaries`."""
        if not edges:
            question = ("summaries", scope, frozenset(by), percentiles)
            return self._fresh(
                question,
                period,
                lambda: self._store.summaries(period, scope=scope, by=by, percentiles=percentiles),
            )
        step = edges[1] - edges[0] if len(edges) > 1 else None
        known = self._of_question((scope, frozenset(by), step, percentiles))
        wanted = _buckets(period, edges)
        found = {
            bucket: groups
            for bucket in wanted
            if (groups := self._remembered(bucket, known, period.end)) is not None
        }
        for run in _runs([bucket not in found for bucket in wanted]):
            missing = [wanted[at] for at in run]
            asked = Period(start=missing[0].start, end=missing[-1].end)
            answer: dict[datetime | None, list[GroupSummary]] = {}
            for group in self._store.summaries(
                asked,
                scope=scope,
                by=by,
                edges=[bucket.at for bucket in missing],
                percentiles=percentiles,
            ):
                answer.setdefault(group.bucket_at, []).append(group)
            found |= {bucket: answer.get(bucket.at, []) for bucket in missing}
        # What the period has left behind is not asked for again.
        known.settled = {
            bucket: groups for bucket, groups in found.items() if bucket.end <= period.end - SETTLED
        }
        known.growing = _growing(wanted, found, known, period.end)
        return [group for bucket in wanted for group in found[bucket]]

    def jitter_rfc3550(
        self, period: Period, *, scope: Scope = EVERYTHING
    ) -> Mapping[tuple[JobId, DestinationId], float]:
        """See `Measurements.jitter_rfc3550`."""
        return self._fresh(("jitter", scope), period, lambda: self._store.jitter_rfc3550(period, scope=scope))

    def histogram(
        self, period: Period, edges_ms: Sequence[float], *, scope: Scope = EVERYTHING
    ) -> Sequence[int]:
        """See `Measurements.histogram`."""
        question = ("histogram", scope, tuple(edges_ms))
        return self._fresh(question, period, lambda: self._store.histogram(period, edges_ms, scope=scope))

    def latest(self, period: Period) -> Mapping[DestinationId, LatestSample]:
        """See `Measurements.latest`."""
        return self._store.latest(period)

    def states(self) -> Mapping[DestinationId, State]:
        """See `Measurements.states`."""
        return self._store.states()

    def job_totals(self) -> Mapping[JobId, JobTotals]:
        """See `Measurements.job_totals`."""
        return self._store.job_totals()

    def runs(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[JobRun]:
        """See `Measurements.runs`."""
        return self._store.runs(period, scope=scope, limit=limit)

    def events(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[StateChanged]:
        """See `Measurements.events`."""
        return self._store.events(period, scope=scope, limit=limit)

    def current_routes(
        self, before: datetime, *, scope: Scope = EVERYTHING
    ) -> Mapping[DestinationId, RouteRecord]:
        """See `Measurements.current_routes`."""
        return self._store.current_routes(before, scope=scope)

    def routes(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[RouteRecord]:
        """See `Measurements.routes`."""
        return self._store.routes(period, scope=scope, limit=limit)

    def info(self) -> StoreInfo:
        """See `Measurements.info`."""
        return self._store.info()

    def _fresh(self, question: Hashable, period: Period, ask: Callable[[], Answer]) -> Answer:
        """The last answer about a period of this length, unless it has become too old."""
        key = (question, period.length)
        ended, answer = self._answers.pop(key, (None, None))
        if ended is None or self._too_old(period.end - ended, period):
            ended, answer = period.end, ask()
        self._answers[key] = (ended, answer)  # the last asked for is the last to be forgotten
        _forget_oldest(self._answers)
        return answer  # type: ignore[return-value]  # what was asked for under the same question

    def _too_old(self, age: timedelta, period: Period) -> bool:
        serves = self._measured(period.start, period.end) / SHARE
        if timedelta(0) <= age <= serves:
            return False
        if serves <= CHEAP or not timedelta(0) <= age <= 2 * serves:
            return True
        if self._renewed_at == period.end:
            return False
        self._renewed_at = period.end
        return True

    def _measured(self, start: datetime, end: datetime) -> timedelta:
        """For how long there was measured within these bounds."""
        if self._began_at is None:
            self._began_at = self._store.info().first_sample_at
        return max(timedelta(0), end - max(start, self._began_at or end))

    def _remembered(self, bucket: _Bucket, known: _Known, now: datetime) -> _Groups | None:
        settled = known.settled.get(bucket)
        if settled is not None or known.growing is None:
            return settled
        before, groups = known.growing
        same = (before.at, before.start) == (bucket.at, bucket.start) and before.end <= bucket.end == now
        if same and bucket.end - before.end <= self._measured(bucket.start, bucket.end) / SHARE:
            return groups
        return None

    def _of_question(self, question: Hashable) -> _Known:
        known = self._buckets[question] = self._buckets.pop(question, _Known())
        _forget_oldest(self._buckets)
        return known


def _buckets(period: Period, edges: Sequence[datetime]) -> list[_Bucket]:
    ends = [*edges[1:], period.end]
    return [
        _Bucket(edge, max(edge, period.start), min(end, period.end))
        for edge, end in zip(edges, ends, strict=True)
        if max(edge, period.start) < min(end, period.end)
    ]


def _growing(
    wanted: Sequence[_Bucket], found: Mapping[_Bucket, _Groups], known: _Known, now: datetime
) -> tuple[_Bucket, _Groups] | None:
    """The bucket that the period ends in, as of when it was asked for."""
    if not wanted or wanted[-1].end != now:
        return None
    last = wanted[-1]
    if known.growing is not None and found[last] is known.growing[1]:
        return known.growing
    return last, found[last]


def _runs(wanted: Sequence[bool]) -> list[list[int]]:
    """The positions that are wanted, those that follow each other together."""
    runs: list[list[int]] = []
    for at, each in enumerate(wanted):
        if each and runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        elif each:
            runs.append([at])
    return runs


def _forget_oldest(memory: dict[Hashable, Answer]) -> None:
    while len(memory) > _MOST_QUESTIONS:
        del memory[next(iter(memory))]
