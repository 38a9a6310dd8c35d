"""The last that is known of each destination: kept in memory while results are saved, or looked up in the tables.

To look it up, the tables are read back from the period's end, and only as far as need be: most destinations have been
measured within the last minute. Where one has been silent for longer, the rollups tell the hour to look at.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from itertools import chain, compress, repeat
from threading import Lock
from typing import NamedTuple

from netstats_xl.domain.results import LatestSample, Outcome, Period, Replied, Sample, Strays
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.outcomes import OUTCOME_COLUMNS, found_of
from netstats_xl.store.rounds import Rows
from netstats_xl.store.selection import aware, least

_LONGEST_HOUR = timedelta(hours=2)
"""A bucket of an hour lasts longer than one where the clocks are set back by half an hour."""
_WINDOWS = (timedelta(minutes=1), timedelta(minutes=10), _LONGEST_HOUR)
"""How far all destinations are looked back for; then the rollups tell where those are that are missing."""
_LONGER_WINDOWS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""How far back those are looked for that no rollup tells of yet."""

MOST_WAITING = 60
"""How many batches that were saved may wait to be taken in."""


class _Found(NamedTuple):
    """What is asked of a sample, out of the tables."""

    at: datetime
    job_id: JobId
    outcome: Outcome
    strays: Strays


class Known:
    """The last sample of each destination, and when each replied last; of what it was told of, in any order."""

    def __init__(self) -> None:
        self.samples: dict[DestinationId, Sample | _Found] = {}
        self.replied_at: dict[DestinationId, datetime] = {}

    def note(self, destination_id: DestinationId, sample: Sample | _Found) -> None:
        """A sample. Of two jobs at the same tick, the one with the greater ID counts."""
        before = self.samples.get(destination_id)
        if (
            before is None
            or sample.at > before.at
            or (sample.at == before.at and sample.job_id >= before.job_id)
        ):
            self.samples[destination_id] = sample

    def note_reply(self, destination_id: DestinationId, at: datetime) -> None:
        """A round with a reply."""
        before = self.replied_at.get(destination_id)
        if before is None or at > before:
            self.replied_at[destination_id] = at

    def include(self, other: "Known") -> None:
        """All that the other one knows."""
        for destination_id, sample in other.samples.items():
            self.note(destination_id, sample)
        for destination_id, at in other.replied_at.items():
            self.note_reply(destination_id, at)

    def since(self, start: datetime) -> dict[DestinationId, LatestSample]:
        """As `ports.ResultStore.latest`, of what is not older than `start`."""
        found = {}
        for destination_id, sample in self.samples.items():
            if sample.at >= start:
                replied_at = self.replied_at.get(destination_id)
                found[destination_id] = LatestSample(
                    destination_id=destination_id,
                    at=sample.at,
                    outcome=sample.outcome,
                    last_reply_at=None if replied_at is None or replied_at < start else replied_at,
                    strays=sample.strays,
                )
        return found


class LastKnown:
    """What is last known of each destination, in memory: of what was saved, and of the tables once it was asked for.

    Its methods may be called from any thread. What is committed must be told with `note`; to know more than was
    committed when a question began does no harm. What was told is taken in with the next question, or by `settle`:
    whoever saves does not wait for it.
    """

    def __init__(self) -> None:
        self._lock, self._looking = Lock(), Lock()
        self.forget(None)

    def forget(self, newest_at: datetime | None) -> None:
        """Begin anew: the tables were opened, or rows were deleted from them. `newest_at` is their newest tick."""
        with self._lock:
            self._known = Known()
            self._waiting: list[Rows] = []
            self._complete_from: datetime | None = None
            self._newest_at = newest_at

    def note(self, rows: Rows) -> None:
        """Samples that are safe now."""
        with self._lock:
            self._waiting.append(rows)
            if len(self._waiting) > MOST_WAITING:
                self._settle()

    def settle(self) -> None:
        """Take in what was told."""
        with self._lock:
            self._settle()

    def _settle(self) -> None:
        for rows in self._waiting:
            if rows.rounds:
                self._take(rows)
        self._waiting.clear()

    def _take(self, rows: Rows) -> None:
        ticks = [each.at for each in rows.rounds]
        # Of one job, tick after tick, the last sample of each destination is the one that counts.
        in_order = ticks == sorted(ticks) and len({each.job_id for each in rows.rounds}) == 1
        replied = [type(each) is Replied for each in rows.outcomes]
        known = self._known
        if in_order and (self._newest_at is None or ticks[0] > self._newest_at):
            # Nothing that is known is as new: nearly always, and several times as fast.
            known.samples.update(zip(rows.destination_ids, rows.samples, strict=True))
            ats = chain.from_iterable(repeat(each.at, each.samples) for each in rows.rounds)
            known.replied_at.update(compress(zip(rows.destination_ids, ats, strict=True), replied))
        else:
            for sample, has_replied in zip(rows.samples, replied, strict=True):
                known.note(sample.destination_id, sample)
                if has_replied:
                    known.note_reply(sample.destination_id, sample.at)
        self._newest_at = max(ticks) if self._newest_at is None else max(self._newest_at, *ticks)

    def latest(
        self, period: Period, look_back: Callable[[Period], tuple[Known, bool]]
    ) -> Mapping[DestinationId, LatestSample]:
        """As `ports.ResultStore.latest`; `look_back` is the function of this name, on the tables as they are."""
        with self._lock:
            self._settle()
            if self._newest_at is None:
                return {}
            if self._newest_at >= period.end:
                known = None  # of the past, which is not kept in memory
            elif self._complete_from is not None and self._complete_from <= period.start:
                return self._known.since(period.start)
            else:
                known = self._known
        if known is None:
            return look_back(period)[0].since(period.start)
        with self._looking:
            found, is_all = look_back(period)
        with self._lock:
            self._settle()
            if known is self._known:  # nothing was deleted meanwhile
                known.include(found)
                start = datetime.min.replace(tzinfo=period.start.tzinfo) if is_all else period.start
                self._complete_from = min(self._complete_from or start, start)
                if self._newest_at < period.end:
                    found = known
            return found.since(period.start)


def look_back(cursor: Cursor, period: Period) -> tuple[Known, bool]:
    """What the tables tell of the period, and whether they tell a sample and a reply of every destination."""
    search = _Search(cursor, period)
    for window in _WINDOWS:
        search.back_to(period.end - window)
    first = least(cursor, "roll_1h", "bucket")
    [(until,)] = cursor.execute("SELECT sealed_until FROM levels WHERE level = '1h'").fetchall()
    if first is not None and until is not None:
        for window in _LONGER_WINDOWS:
            search.back_to(max(aware(until), period.end - window))
        search.back_to(aware(until))
        search.by_hours(aware(first))
    for window in _LONGER_WINDOWS:
        search.back_to(period.end - window)
    search.back_to(period.start)
    return search.known, not search.missing


class _Search:
    """Looks for the last sample and the last reply of each destination, from the end of a period backwards."""

    def __init__(self, cursor: Cursor, period: Period) -> None:
        self._cursor = cursor
        self._keys: dict[DestinationId, int] = dict(
            cursor.execute("SELECT id, key FROM destinations").fetchall()
        )
        first = least(cursor, "samples", "tick")
        self._upper = period.end
        """All rows from here to the period's end were looked at."""
        self._lower = period.end if first is None else max(period.start, aware(first))
        self.known = Known()

    @property
    def missing(self) -> set[DestinationId]:
        """Of which there is no sample yet, or no reply."""
        return self._keys.keys() - (self.known.samples.keys() & self.known.replied_at.keys())

    def back_to(self, lower: datetime) -> None:
        """Look at the rows from here on."""
        lower = max(lower, self._lower)
        if lower < self._upper and (missing := self.missing):
            self._look_at(lower, self._upper, missing)
            self._upper = lower

    def by_hours(self, first: datetime) -> None:
        """Look at the rows of those hours that the rollups tell; they tell of all rows from `first` on."""
        if self._upper <= self._lower or not (missing := self.missing):
            return
        rows = self._cursor.execute(
            """
            SELECT id, max(bucket), max(bucket) FILTER (up > 0) FROM roll_1h JOIN destinations ON key = destination
            WHERE bucket >= $lower AND bucket < $upper AND destination IN (SELECT unnest($keys::INTEGER[]))
            GROUP BY id
            """,
            {
                "lower": utc_naive(self._lower - _LONGEST_HOUR),
                "upper": utc_naive(self._upper),
                "keys": [self._keys[each] for each in missing],
            },
        ).fetchall()
        known = self.known
        measured = {each: aware(hour) for each, hour, _ in rows if each not in known.samples}
        replied = {each: aware(hour) for each, _, hour in rows if hour is not None}
        hours: dict[datetime, set[DestinationId]] = {}
        for destination_id, hour in (*measured.items(), *replied.items()):
            hours.setdefault(hour, set()).add(destination_id)
        for hour, destination_ids in hours.items():
            self._look_at(max(hour, self._lower), min(hour + _LONGEST_HOUR, self._upper), destination_ids)
        promised = (measured, known.samples), (replied, known.replied_at)
        # Rows that were deleted may hide older ones that came later.
        if all(
            each in found or hour < self._lower for told, found in promised for each, hour in told.items()
        ):
            self._upper = max(self._lower, first)

    def _look_at(self, lower: datetime, upper: datetime, destination_ids: Collection[DestinationId]) -> None:
        rows = self._cursor.execute(
            f"""
            WITH chosen AS NOT MATERIALIZED (
                SELECT * FROM samples WHERE tick >= $lower AND tick < $upper
                    AND destination IN (SELECT unnest($keys::INTEGER[]))
            ),
            last AS (
                SELECT destination, max(tick) AS tick, max(tick) FILTER (received > 0) AS replied
                FROM chosen GROUP BY destination
            )
            SELECT destinations.id, tick, replied, jobs.id, {OUTCOME_COLUMNS}
            FROM chosen JOIN last USING (destination, tick)
                JOIN destinations ON destinations.key = destination JOIN jobs ON jobs.key = job
            """,  # noqa: S608 - built from constants; values are bound
            {
                "lower": utc_naive(lower),
                "upper": utc_naive(upper),
                "keys": [self._keys[each] for each in destination_ids],
            },
        ).fetchall()
        for destination_id, tick, replied, job_id, *row in rows:
            self.known.note(destination_id, _Found(aware(tick), job_id, *found_of(row)))
            if replied is not None:
                self.known.note_reply(destination_id, aware(replied))
