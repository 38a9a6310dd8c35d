"""What all jobs and destinations added up to in periods that were asked about, remembered in memory.

A question about the same period a little later costs only what has come since, at its end and late, and what it has
left behind at its beginning. Both are read beforehand, as results are saved: the question itself then asks nothing of
the tables.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from threading import Lock

from netstats_xl.domain.results import EVERYTHING, Period, Scope
from netstats_xl.domain.tallies import Tally
from netstats_xl.ports import Dimension, GroupSummary
from netstats_xl.store.coverage import load_coverage
from netstats_xl.store.database import Cursor
from netstats_xl.store.migrations import roll_back
from netstats_xl.store.stretch import PAIR, Present, Stretch, begin, move, newest_since, read_ahead

MOST_STRETCHES = 8
MOST_BINS = 4_000_000
"""Of all histograms together, 8 bytes each; the stretch that was asked for last is kept all the same."""
ALWAYS = timedelta(days=1)
"""Stretches of this length are kept up to date even if nobody asks: the dashboard's statistics."""
FOLLOWED_TIMES = 300
"""So often the others are, after the last question."""
_INSTANT = timedelta(microseconds=1)


class Stretches:
    """Answers questions about all pairs, or many of them. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._using = Lock()
        self._known: OrderedDict[timedelta, Stretch] = OrderedDict()
        """By the period's length: a question is asked again about a period that is as long."""
        self._ids: dict[str, dict[object, str]] = {key: {} for key in PAIR}

    def remembered(
        self, period: Period, scope: Scope, by: Collection[Dimension], present: Present, *, more_than: int
    ) -> list[GroupSummary] | None:
        """As `summaries`, without a look at the tables; None: one is needed, or there are no more rounds than this."""
        with self._using:
            known = self._known.get(period.length)
            if (
                known is None
                or known.saved < present.saved
                or not known.serves(period, present.coverage)
                or known.rounds != known.histograms
                or not known.is_read_until(period.start)
                or not (period.end == known.rounds[1] or (known.is_last and period.end > known.rounds[1]))
            ):
                return None
            known.leave(period.start)
            known.rounds = known.histograms = (period.start, period.end)
            if known.doubtful or sum(tally.rounds for tally in known.pairs.values()) <= more_than:
                return None
            self._known.move_to_end(period.length)
            known.turns, known.follows = 0, known.is_last
            return self._summaries(known, scope, by)

    def summaries(
        self, cursor: Cursor, period: Period, scope: Scope, by: Collection[Dimension], present: Present
    ) -> list[GroupSummary]:
        """As `ports.ResultStore.summaries`, without edges and with percentiles."""
        with self._using:
            known = self._read(cursor, period, present)
            known.turns, known.follows = 0, known.is_last
            return self._summaries(known, scope, by)

    def knows(self, length: timedelta) -> bool:
        """Whether there is a stretch of this length."""
        return length in self._known

    def lags(self, present: Present) -> bool:
        """Whether `follow` has anything to do."""
        with self._using:
            return any(_is_due(length, known, present) for length, known in self._known.items())

    def prepare(self, cursor: Cursor, period: Period, present: Present) -> None:
        """Have the answers about this period known before they are asked for."""
        with self._using:
            self._read(cursor, period, present)

    def follow(self, cursor: Cursor, present: Present) -> None:
        """Bring up to date what is asked about again and again, and read ahead what it will leave behind next.

        To be called now and then, so that a question has little to do.
        """
        with self._using:
            for length, known in list(self._known.items()):
                if _is_due(length, known, present):
                    known.turns += 1
                    self._follow(cursor, length, known, present)

    def _follow(self, cursor: Cursor, length: timedelta, known: Stretch, present: Present) -> None:
        cursor.execute("BEGIN")
        try:
            coverage = load_coverage(cursor)
            newest = newest_since(cursor, known.rounds[1])
            end = known.rounds[1] if newest is None else newest + _INSTANT
            period = Period(start=max(known.rounds[0], end - length), end=end)
            # Where this fails, it may be half changed: it is forgotten.
            del self._known[length]
            if known.serves(period, coverage):
                move(cursor, known, period, coverage, present)
                read_ahead(cursor, known, coverage)
                self._name(cursor, known)
                self._known[length] = known
        finally:
            roll_back(cursor)

    def _read(self, cursor: Cursor, period: Period, present: Present) -> Stretch:
        """What is known of the period, up to date."""
        # After the lock: what another thread has remembered must not be newer than what this one reads.
        cursor.execute("BEGIN")
        try:
            coverage = load_coverage(cursor)
            # Where this fails, what was known of the period may be half changed: it is forgotten.
            known = self._known.pop(period.length, None)
            if known is not None and known.serves(period, coverage):
                move(cursor, known, period, coverage, present)
            else:
                known = begin(cursor, period, coverage, present)
            self._name(cursor, known)
        finally:
            roll_back(cursor)
        self._known[period.length] = known
        room = sum(each.bins() for each in self._known.values())
        while len(self._known) > 1 and (len(self._known) > MOST_STRETCHES or room > MOST_BINS):
            _, oldest = self._known.popitem(last=False)
            room -= oldest.bins()
        return known

    def _name(self, cursor: Cursor, known: Stretch) -> None:
        """Find the IDs of the tables' keys, which never change, where there are new ones."""
        for index, key in enumerate(PAIR):
            if not self._ids[key].keys() >= {pair[index] for pair in known.pairs}:
                self._ids[key] = dict(cursor.execute(f"SELECT key, id FROM {key}s").fetchall())  # noqa: S608 - a table of this package

    def _summaries(self, known: Stretch, scope: Scope, by: Collection[Dimension]) -> list[GroupSummary]:
        by_job, by_destination = Dimension.JOB in by, Dimension.DESTINATION in by
        job_ids, destination_ids = self._ids["job"], self._ids["destination"]
        groups: dict[tuple[str | None, str | None], list[Tally]] = defaultdict(list)
        for (job, destination), tally in known.pairs.items():
            job_id, destination_id = job_ids[job], destination_ids[destination]
            if scope is EVERYTHING or scope.includes(job_id=job_id, destination_id=destination_id):
                groups[job_id if by_job else None, destination_id if by_destination else None].append(tally)
        return [
            GroupSummary(job_id=job_id, destination_id=destination_id, summary=_merged(tallies).summary())
            for (job_id, destination_id), tallies in sorted(groups.items(), key=_order)
        ]


def _is_due(length: timedelta, known: Stretch, present: Present) -> bool:
    return (
        known.follows
        and (length == ALWAYS or known.turns < FOLLOWED_TIMES)
        and (known.saved < present.saved or known.is_short)
    )


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
