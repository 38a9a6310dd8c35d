"""What all jobs and destinations added up to in periods that were asked about, remembered in memory.

A question about the same period a little later costs only what has come since, at its end and late, and what it has
left behind at its beginning. All of it is read in one transaction, so that nothing is missed or counted twice.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.tallies import Tally
from netstats_xl.ports import Dimension, GroupSummary
from netstats_xl.store.coverage import load_coverage
from netstats_xl.store.database import Cursor
from netstats_xl.store.migrations import roll_back
from netstats_xl.store.planning import Coverage, Source, has_histogram, pieces
from netstats_xl.store.statements import Figures, Part, Which
from netstats_xl.store.tallying import (
    EVERY,
    Addition,
    Keys,
    additions,
    bounds,
    parts_of,
    tallies,
)

MOST_STRETCHES = 8
MOST_BINS = 4_000_000
"""Of all histograms together, 8 bytes each; the stretch that was asked for last is kept all the same."""
_PAIR = ("job", "destination")
_Span = tuple[datetime, datetime]


@dataclass(slots=True)
class _Stretch:
    """What is known of a period."""

    rounds: _Span
    """The period."""
    histograms: _Span
    """Whose RTTs are in the histograms: the period, but for the minutes at its ends of which there are no samples."""
    run: int
    """The last run that is in it."""
    kept_from: Mapping[Source, datetime]
    """What had been deleted when it was added up."""
    zone: str
    pairs: dict[Keys, Tally]

    def serves(self, period: Period, coverage: Coverage) -> bool:
        """Whether it costs less to bring it up to date than to begin anew, and what it was made of is still there."""
        if coverage.zone != self.zone:
            return False
        start, end = self.rounds
        deleted = [
            coverage.begins(source)
            for source in {*coverage.kept_from, *self.kept_from}
            if coverage.kept_from.get(source) != self.kept_from.get(source)
        ]
        in_common = min(end, period.end) - max(start, period.start)
        return all(before <= min(start, period.start) for before in deleted) and in_common > period.length / 2

    def bins(self) -> int:
        """How much room it takes."""
        return sum(len(tally.counts) for tally in self.pairs.values())


class Stretches:
    """Answers questions about all pairs, or many of them. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._using = Lock()
        self._known: OrderedDict[timedelta, _Stretch] = OrderedDict()
        """By the period's length: a question is asked again about a period that is as long."""

    def summaries(
        self, cursor: Cursor, period: Period, scope: Scope, by: Collection[Dimension]
    ) -> list[GroupSummary]:
        """As `ports.ResultStore.summaries`, without edges and with percentiles."""
        with self._using:
            # After the lock: what another thread has remembered must not be newer than what this one reads.
            cursor.execute("BEGIN")
            try:
                pairs = self._up_to_date(cursor, period)
                ids = {
                    key: dict(cursor.execute(f"SELECT key, id FROM {key}s").fetchall())  # noqa: S608 - a table of this package
                    for key in _PAIR
                }
            finally:
                roll_back(cursor)
            return _summaries(pairs, ids["job"], ids["destination"], scope, by)

    def _up_to_date(self, cursor: Cursor, period: Period) -> Mapping[Keys, Tally]:
        coverage = load_coverage(cursor)
        # Where this fails, what was known of the period may be half changed: it is forgotten.
        known = self._known.pop(period.length, None)
        if known is not None and known.serves(period, coverage):
            _move(cursor, known, period, coverage)
        else:
            known = _new(cursor, period, coverage)
        self._known[period.length] = known
        room = sum(each.bins() for each in self._known.values())
        while len(self._known) > 1 and (len(self._known) > MOST_STRETCHES or room > MOST_BINS):
            _, oldest = self._known.popitem(last=False)
            room -= oldest.bins()
        return known.pairs


def _new(cursor: Cursor, period: Period, coverage: Coverage) -> _Stretch:
    stretch = _Stretch(
        rounds=(period.start, period.end),
        histograms=_with_histograms(period, coverage),
        run=_last_run(cursor, 0),
        kept_from=coverage.kept_from,
        zone=coverage.zone,
        pairs={},
    )
    parts = parts_of(pieces(period, coverage, percentiles=True))
    stretch.pairs = tallies(cursor, parts, EVERY, _PAIR)
    return stretch


def _move(cursor: Cursor, known: _Stretch, period: Period, coverage: Coverage) -> None:
    """Bring what is known up to date, and to this period."""
    rounds, histograms = (period.start, period.end), _with_histograms(period, coverage)
    run = _last_run(cursor, known.run)
    doubtful: set[Keys] = set()
    # What goes may have come late: before it goes it has to come.
    changes = sorted(
        _changes(cursor, known, rounds, histograms, run, coverage), key=lambda each: each.keys[0] != 1
    )
    for (sign, *pair), sums, low_us, high_us, numbers, counts in changes:
        tally = known.pairs.get(keys := tuple(pair))
        if tally is None:
            tally = known.pairs[keys] = Tally()
        if numbers is not None and counts is not None:
            tally.count(numbers, counts, 1 if sign == 1 else -1)
        if sums is not None and sign == 1:
            tally.add(sums, low_us, high_us)
        elif sums is not None and tally.take_away(sums, low_us, high_us):
            doubtful.add(keys)
    known.pairs = {pair: tally for pair, tally in known.pairs.items() if not tally.empty}
    if doubtful:
        _find_bounds(cursor, known.pairs, doubtful, period, coverage)
    known.rounds, known.histograms, known.run = rounds, histograms, run
    known.kept_from = coverage.kept_from


def _changes(
    cursor: Cursor, known: _Stretch, rounds: _Span, histograms: _Span, run: int, coverage: Coverage
) -> Iterator[Addition]:
    """What comes to what is known, and what goes: with a sign before the keys of its pair."""
    keys = ("sign", *_PAIR)
    last = known.run if run > known.run else None
    if (known.rounds, rounds) == (known.histograms, histograms):
        yield from additions(
            cursor, _parts(rounds, known.rounds, last, coverage, percentiles=True), EVERY, keys
        )
        return
    parts = _parts(rounds, known.rounds, last, coverage, percentiles=False)
    yield from additions(cursor, parts, EVERY, keys, figures=Figures.SUMS)
    parts = _parts(histograms, known.histograms, last, coverage, percentiles=True)
    for addition in additions(cursor, parts, EVERY, keys):
        yield addition._replace(sums=None)


def _parts(
    wanted: _Span, known: _Span, last: int | None, coverage: Coverage, *, percentiles: bool
) -> list[Part]:
    """What lies between the two spans, and what has come since the last run within the known one."""
    came, went = _difference(known, wanted)
    found = []
    if last is not None and known[0] < known[1]:
        found.append(Part(source=None, start=known[0], end=known[1], after_run=last))
    for spans, sign in ((came, 1), (went, -1)):
        for start, end in spans:
            span = Period(start=start, end=end)
            found += parts_of(pieces(span, coverage, percentiles=percentiles), sign=sign)
    return found


def _find_bounds(
    cursor: Cursor,
    pairs: Mapping[Keys, Tally],
    doubtful: Collection[Keys],
    period: Period,
    coverage: Coverage,
) -> None:
    """Find the bounds of these pairs anew: one of them has left."""
    which = Which(destinations=sorted({key for _, key in doubtful if isinstance(key, int)}))
    parts = parts_of(pieces(period, coverage, percentiles=False))
    for pair, (low_us, high_us) in bounds(cursor, parts, which, _PAIR).items():
        if pair in doubtful and pair in pairs:
            pairs[pair].low_us, pairs[pair].high_us = low_us, high_us


def _with_histograms(period: Period, coverage: Coverage) -> _Span:
    """From the first to the last piece that has histograms; none between them is without."""
    found = [each for each in pieces(period, coverage, percentiles=True) if has_histogram(each.source)]
    return (found[0].start, found[-1].end) if found else (period.start, period.start)


def _difference(known: _Span, wanted: _Span) -> tuple[list[_Span], list[_Span]]:
    """The spans that come to those that are known, and those that go."""
    (start, end), (new_start, new_end) = known, wanted
    came = [(new_start, min(start, new_end)), (max(end, new_start), new_end)]
    went = [(start, min(new_start, end)), (max(new_end, start), end)]
    return [each for each in came if each[0] < each[1]], [each for each in went if each[0] < each[1]]


def _last_run(cursor: Cursor, known: int) -> int:
    [(run,)] = cursor.execute("SELECT max(run) FROM run_ids WHERE run >= ?", [known]).fetchall()
    return known if run is None else int(run)


def _summaries(
    pairs: Mapping[Keys, Tally],
    job_ids: Mapping[object, str],
    destination_ids: Mapping[object, str],
    scope: Scope,
    by: Collection[Dimension],
) -> list[GroupSummary]:
    groups: dict[tuple[str | None, str | None], list[Tally]] = defaultdict(list)
    for (job, destination), tally in pairs.items():
        job_id, destination_id = job_ids[job], destination_ids[destination]
        if scope.includes(job_id=job_id, destination_id=destination_id):
            groups[
                job_id if Dimension.JOB in by else None,
                destination_id if Dimension.DESTINATION in by else None,
            ].append(tally)
    return [
        GroupSummary(job_id=job_id, destination_id=destination_id, summary=_merged(tallies).summary())
        for (job_id, destination_id), tallies in sorted(groups.items(), key=_order)
    ]


def _order(group: tuple[tuple[str | None, str | None], object]) -> tuple[str, str]:
    (job_id, destination_id), _ = group
    return job_id or "", destination_id or ""


def _merged(tallies: Sequence[Tally]) -> Tally:
    if len(tallies) == 1:
        return tallies[0]
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole
