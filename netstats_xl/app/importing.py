"""History from elsewhere -> samples of a job of their own.

Each round is stored once, whatever is imported again, overlaps, or was broken off: the store remembers the tick of
each imported round for ever, also after the round itself was pruned, and notes it in the transaction that saves it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from netstats_xl.app.history_sources import Plan, Source, map_sources
from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.domain.results import Batch, Period, Sample
from netstats_xl.domain.targets import Definitions, DestinationId, Job, JobId
from netstats_xl.domain.windows import Schedule
from netstats_xl.errors import HistoryInvalid
from netstats_xl.ports import Clock, HistoryFile, ResultStore

BATCH_ROWS = 20_000
MOST_SOURCES = 100_000
_EARLIEST = datetime(1970, 1, 3, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class Imported:
    """What came of one destination."""

    rows: int = 0
    """In the file."""
    new: int = 0
    known: int = 0
    """That were imported before, or come twice."""
    measured: int = 0
    """Within hours in which this database has results of its own."""
    outside: int = 0
    """In the future, or before computers kept time."""
    old: int = 0
    """Of the new ones: that raw results are not kept of."""
    first_at: datetime | None = None
    """Of the new ones."""
    last_at: datetime | None = None


def job_of(kind: HistoryFormat, interval_s: float) -> Job:
    """The job that a format's rounds belong to."""
    return Job(
        id=f"import-{kind.value}",
        name=f"Imported from {kind.product}",
        selectors=(),
        schedule=Schedule(interval=timedelta(seconds=min(max(round(interval_s), 1), 86_400))),
        enabled=False,
    )


IMPORT_JOBS: frozenset[JobId] = frozenset(job_of(kind, 60).id for kind in HistoryFormat)


class Importing:
    """Imports files into a store that nobody else writes meanwhile."""

    def __init__(self, store: ResultStore, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    def plan(
        self,
        history: HistoryFile,
        *,
        mapping: Mapping[str, str],
        add: bool,
        told: Callable[[float], None] = lambda _: None,
    ) -> Plan:
        """Read the whole file, so that nothing of a broken one is stored, and see where its rows go.

        Args:
            history: The file.
            mapping: What the file calls a destination -> the name or host of one of ours.
            add: Whether those that are not known become retired destinations.
            told: Is told how much of the file was read, 0 to 1.

        Raises:
            HistoryInvalid: the file cannot be understood, or a name of `mapping` is not known.
        """
        sources: dict[str, Source] = {}
        for number, row in enumerate(history.rows()):
            source = sources.get(row.source)
            if source is None:
                if len(sources) >= MOST_SOURCES:
                    raise HistoryInvalid(
                        f"The file names more than {MOST_SOURCES:,} destinations: import a part of it."
                    )
                source = sources[row.source] = Source(host=row.host, first_at=row.at, last_at=row.at)
            source.take(row)
            if number % BATCH_ROWS == 0:
                told(history.part_read)
        added = self._new_id if add else None
        return map_sources(sources, self._store.definitions(), mapping, new_id=added, notes=history.notes)

    def carry_out(
        self,
        history: HistoryFile,
        plan: Plan,
        *,
        retention: timedelta,
        overlapping: bool = False,
        dry_run: bool = False,
        told: Callable[[float], None] = lambda _: None,
    ) -> Mapping[DestinationId, Imported]:
        """Store what is new, a batch at a time, or only count it.

        Args:
            history: The file that the plan was made of.
            plan: Where its rows go.
            retention: How long raw results are kept.
            overlapping: Whether rounds of our own export count where this database measured in the same hour.
            dry_run: Whether nothing is stored.
            told: Is told how much of the file was read, 0 to 1.

        Raises:
            HistoryInvalid: the file cannot be understood any more.
            StoreError: the store cannot do its part; what was stored before stays.
        """
        found: dict[DestinationId, Imported] = defaultdict(Imported)
        now = self._clock.now()
        if not plan.targets:
            return found
        job = job_of(history.format, min(plan.sources[source].interval_s for source in plan.targets))
        if not dry_run:
            self._store.save_retired(Definitions(destinations=plan.added, jobs=(job,)), at=now)
        for rows in _batches(row for row in history.rows() if row.source in plan.targets):
            samples = self._new_of(
                rows, plan, job, now, found, overlapping or history.format is not HistoryFormat.NETSTATS
            )
            for sample in samples:
                _note_new(found[sample.destination_id], sample, now - retention)
            if samples and not dry_run:
                self._store.save(Batch(batch_id=samples[0].run_id, samples=samples, imported=True))
            told(history.part_read)
        return found

    def _new_of(
        self,
        rows: Sequence[HistoryRow],
        plan: Plan,
        job: Job,
        now: datetime,
        found: dict[DestinationId, Imported],
        overlapping: bool,
    ) -> list[Sample]:
        """The samples of a batch that are to be stored, by destination and time; the others are counted."""
        run_id = f"{job.id}-{self._new_id()}"
        samples: dict[tuple[DestinationId, datetime], Sample] = {}
        for row in rows:
            destination_id = plan.targets[row.source].id
            counts = found[destination_id]
            counts.rows += 1
            if not _EARLIEST <= row.at <= now:
                counts.outside += 1
            elif (destination_id, row.at) in samples:
                counts.known += 1
            else:
                samples[destination_id, row.at] = Sample(
                    at=row.at,
                    job_id=job.id,
                    destination_id=destination_id,
                    run_id=run_id,
                    interval_s=row.interval_s or plan.sources[row.source].interval_s,
                    outcome=row.outcome,
                    strays=row.strays,
                )
        within = _periods(samples)
        for key in self._store.imported_ticks(job.id, within):
            if samples.pop(key, None) is not None:
                found[key[0]].known += 1
        if not overlapping:
            hours = frozenset(self._store.measured_hours(within, apart_from=IMPORT_JOBS))
            for key in [key for key in samples if (key[0], _hour(key[1])) in hours]:
                del samples[key]
                found[key[0]].measured += 1
        return [samples[key] for key in sorted(samples)]


def _batches(rows: Iterator[HistoryRow]) -> Iterator[list[HistoryRow]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _periods(keys: Iterable[tuple[DestinationId, datetime]]) -> dict[DestinationId, Period]:
    """From the first to the last tick of each destination."""
    ticks: dict[DestinationId, list[datetime]] = defaultdict(list)
    for destination_id, at in keys:
        ticks[destination_id].append(at)
    return {each: Period(start=min(of_it), end=max(of_it) + _TICK) for each, of_it in ticks.items()}


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _note_new(counts: Imported, sample: Sample, kept_from: datetime) -> None:
    counts.new += 1
    counts.old += sample.at < kept_from
    counts.first_at = sample.at if counts.first_at is None else min(counts.first_at, sample.at)
    counts.last_at = sample.at if counts.last_at is None else max(counts.last_at, sample.at)
