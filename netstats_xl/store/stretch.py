"""What all jobs and destinations added up to in one period: brought up to date, moved along, and read ahead.

What is read is read in one transaction, so that nothing is missed or counted twice.
"""

from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from netstats_xl.domain.results import Period
from netstats_xl.domain.tallies import Tally
from netstats_xl.store import catalogue
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.planning import Coverage, Source, has_histogram, pieces
from netstats_xl.store.selection import aware
from netstats_xl.store.statements import Figures, Keys, Part, Question, Which
from netstats_xl.store.tallying import (
    EVERY,
    Addition,
    add_to,
    additions,
    bounds,
    each_round,
    parts_of,
    tallies,
)

AHEAD = timedelta(minutes=1)
"""How far the rounds that a stretch will leave behind next are read ahead."""
MOST_ROUNDS = 10_000
"""So many are added up here one by one, and as many read ahead; more are added up by the database."""
PAIR = ("job", "destination")
_Span = tuple[datetime, datetime]


class Present(NamedTuple):
    """What is known in memory when a question begins: no less than what was committed by then."""

    saved: int
    """It ascends with each batch that is saved."""
    coverage: Coverage
    keys: catalogue.Keys


@dataclass(slots=True)
class Stretch:
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
    saved: int
    """Of what is known in memory, all that was saved by then is in it."""
    is_last: bool
    """Whether no sample up to `run` has a tick at its end or later."""
    ahead: deque[Addition] = field(default_factory=deque)
    """The rounds at its beginning, in their order, and no others before `ahead_until`."""
    ahead_until: datetime | None = None
    doubtful: set[Keys] = field(default_factory=set)
    """One of their bounds has left."""
    follows: bool = True
    """Whether the newest samples are to be added as they come: it was asked about when no sample was newer."""
    turns: int = 0
    """How often that was done since the last question."""
    reach: timedelta = field(default_factory=lambda: AHEAD)
    """How far it is read ahead."""

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

    @property
    def is_short(self) -> bool:
        """Whether little of what goes next is known."""
        return self.ahead_until is None or self.ahead_until - self.rounds[0] < self.reach / 2

    def is_read_until(self, start: datetime) -> bool:
        """Whether all that goes is known if it is to begin then."""
        return self.rounds[0] == start or (
            self.rounds[0] < start and self.ahead_until is not None and start <= self.ahead_until
        )

    def come(self, found: Iterable[Addition]) -> None:
        """Add this."""
        until = None if self.ahead_until is None else utc_naive(self.ahead_until)
        for each in found:
            add_to(self.pairs, each)
            if until is None:
                continue
            if each.at is None:
                self.forget_ahead()
                until = None
            elif each.at < until:
                insort(self.ahead, each, key=_tick)

    def go(self, found: Iterable[Addition], before: datetime | None) -> None:
        """Take this away, and nothing else that was before this instant; None: it is from the end."""
        since = None if before is None else utc_naive(before)
        for keys, sums, low_us, high_us, numbers, counts, _ in found:
            tally = self.pairs[keys]
            if numbers is not None:
                tally.count(numbers, counts, -1)
            if sums is not None and tally.take_away(sums, low_us, high_us, since):
                self.doubtful.add(keys)

    def leave(self, start: datetime) -> None:
        """Begin at `start`, until which all that goes has been read ahead."""
        before, gone = utc_naive(start), []
        while self.ahead and _tick(self.ahead[0]) < before:
            gone.append(self.ahead.popleft())
        self.go(gone, start)
        self.rounds, self.histograms = (start, self.rounds[1]), (start, self.histograms[1])
        self.forget_empty({each.keys for each in gone})

    def forget_empty(self, keys: Iterable[Keys]) -> None:
        """Forget those of these pairs that have no round any more."""
        for each in keys:
            if self.pairs[each].empty:
                del self.pairs[each]

    def forget_ahead(self) -> None:
        """Have what goes next read anew."""
        self.ahead.clear()
        self.ahead_until = None


def begin(cursor: Cursor, period: Period, coverage: Coverage, present: Present) -> Stretch:
    """Add up the period."""
    parts = parts_of(pieces(period, coverage, percentiles=True))
    return Stretch(
        rounds=(period.start, period.end),
        histograms=_with_histograms(period, coverage),
        run=_last_run(cursor, 0),
        kept_from=coverage.kept_from,
        zone=coverage.zone,
        pairs=tallies(cursor, parts, EVERY, PAIR),
        saved=present.saved,
        is_last=newest_since(cursor, period.end) is None,
    )


def move(cursor: Cursor, known: Stretch, period: Period, coverage: Coverage, present: Present) -> None:
    """Bring what is known up to date, and to this period."""
    rounds, histograms = (period.start, period.end), _with_histograms(period, coverage)
    run = _last_run(cursor, known.run)
    last = known.run if run > known.run else None
    if (known.rounds, rounds) == (known.histograms, histograms):
        if rounds[0] < known.rounds[0]:
            known.forget_ahead()
        _change(cursor, known, (known.rounds, rounds), last, coverage, Figures.ALL)
    else:
        known.forget_ahead()
        spans = known.rounds, rounds
        _change(cursor, known, spans, last, coverage, Figures.SUMS)
        spans = known.histograms, histograms
        _change(cursor, known, spans, last, coverage, Figures.ALL, histograms_alone=True)
    known.forget_empty(list(known.pairs))
    if known.doubtful:
        _find_bounds(cursor, known.pairs, known.doubtful, period, coverage)
        known.doubtful.clear()
    known.rounds, known.histograms, known.run = rounds, histograms, run
    known.kept_from, known.saved = coverage.kept_from, max(known.saved, present.saved)
    known.is_last = newest_since(cursor, period.end) is None


def _change(
    cursor: Cursor,
    known: Stretch,
    spans: tuple[_Span, _Span],
    last: int | None,
    coverage: Coverage,
    figures: Figures,
    *,
    histograms_alone: bool = False,
) -> None:
    """Add what comes from one span to the other, and what has come since the last run; take away what goes."""
    (start, end), wanted = spans
    percentiles = figures is Figures.ALL

    def found(parts: list[Part]) -> Iterable[Addition]:
        found = additions(cursor, parts, EVERY, PAIR, figures=figures, singly=MOST_ROUNDS)
        return (each._replace(sums=None) for each in found) if histograms_alone else found

    came, went = _difference((start, end), wanted)
    parts = [part for span in came for part in _parts(span, coverage, percentiles=percentiles)]
    if last is not None and start < end:
        parts.append(Part(source=None, start=start, end=end, after_run=last))
    # What goes may have come late: before it goes it has to come.
    known.come(found(parts))
    if known.ahead_until is not None and start < min(known.ahead_until, wanted[0]):
        start = min(known.ahead_until, wanted[0])
        known.leave(start)
        _, went = _difference((start, end), wanted)
    for first, after in went:
        parts = _parts((first, after), coverage, percentiles=percentiles)
        known.go(found(parts), after if after <= wanted[0] else None)


def _parts(span: _Span, coverage: Coverage, *, percentiles: bool) -> list[Part]:
    return parts_of(pieces(Period(start=span[0], end=span[1]), coverage, percentiles=percentiles))


def read_ahead(cursor: Cursor, known: Stretch, coverage: Coverage) -> None:
    """Read the rounds at the beginning of what is known, where there are samples."""
    begin, end = known.rounds
    start = begin if known.ahead_until is None else max(begin, known.ahead_until)
    end = min(end, begin + known.reach)
    if known.rounds != known.histograms or not known.is_short or start >= end:
        return
    parts = _parts((start, end), coverage, percentiles=True)
    if [(part.source, part.start, part.end) for part in parts] != [(None, start, end)]:
        return
    found = each_round(cursor, Question(EVERY, PAIR, ()), parts, MOST_ROUNDS)
    if found is None:
        known.reach /= 2
        return
    known.ahead.extend(sorted(found, key=_tick))
    known.ahead_until = end


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
    for pair, (low_us, high_us) in bounds(cursor, parts, which, PAIR).items():
        if pair in doubtful and pair in pairs:
            pairs[pair].bound(low_us, high_us)


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


def newest_since(cursor: Cursor, since: datetime) -> datetime | None:
    """The newest tick since then."""
    [(tick,)] = cursor.execute("SELECT max(tick) FROM samples WHERE tick >= ?", [utc_naive(since)]).fetchall()
    return None if tick is None else aware(tick)


def _tick(addition: Addition) -> datetime:
    assert addition.at is not None, "it is a single round"
    return addition.at
