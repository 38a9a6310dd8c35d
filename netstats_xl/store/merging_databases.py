"""What another database of this program has, and this one has not, brought into this one.

What is missing is found by comparing both, ten minutes of results at a time; it is then saved as batches are, so that
the rollups follow. Both are read in instances of their own: damage in the other one cannot harm this one.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from netstats_xl.app.importing import IMPORT_JOBS
from netstats_xl.domain.results import EVERYTHING, Batch, JobRun, Period, Sample, StateChanged
from netstats_xl.domain.route_records import RouteRecord
from netstats_xl.domain.targets import Definitions
from netstats_xl.errors import StoreError
from netstats_xl.ports import OnProgress, Progress, StoredDefinitions, unheard
from netstats_xl.store import catalogue, queries, routes
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.ingest import IDS_REMEMBERED
from netstats_xl.store.migrations import SCHEMA_VERSION, version_of
from netstats_xl.store.other_database import OtherDatabase
from netstats_xl.store.selection import aware

STEP = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
ROWS_A_BATCH = 10_000
"""More would keep what is measured meanwhile waiting, fewer would cost time."""
_ALWAYS = Period(start=datetime(1970, 1, 1, tzinfo=UTC), end=datetime(9999, 1, 1, tzinfo=UTC))

Digest = tuple[int, int]
"""How many rows, and what identifies them, hashed together."""

_DIGEST_OF_SAMPLES = """
    SELECT time_bucket(INTERVAL '10 minutes', tick), count(*), bit_xor(hash(tick, jobs.id, destinations.id))
    FROM samples JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination GROUP BY 1
"""
_DIGEST_OF_RUNS = """
    SELECT time_bucket(INTERVAL '10 minutes', runs.tick), count(*), bit_xor(hash(runs.tick, jobs.id, run_id, outcome))
    FROM runs JOIN jobs ON jobs.key = job JOIN run_ids ON run_ids.run = runs.run GROUP BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What was brought over."""

    samples: int = 0
    runs: int = 0
    events: int = 0
    routes: int = 0
    left_out: int = 0
    """Samples of a time whose samples were deleted here: the rollups may hold them already."""
    rolled_up: Period | None = None
    """Later than all that is here, and the other one's samples of it were deleted: its rollups are not brought over."""
    unreadable: tuple[str, ...] = ()
    """What of the other database could not be read, and why."""


def merge_into(
    store: DuckDbStore,
    other: Path,
    on_progress: OnProgress = unheard,
    *,
    now: datetime,
    newer: bool,
) -> Merged:
    """Bring into the store what the other database has and it has not; doing it again brings nothing more.

    The other one may be damaged: what can be read of it is brought over, and the rest is told. It is not changed. If
    this is broken off, what was brought over so far stays, and doing it again brings the rest.

    Args:
        store: Where it goes; it may be saving other results meanwhile.
        other: A database file of this schema version that no program has open.
        on_progress: Hears how many rows are compared; what it raises breaks this off.
        now: When definitions that only the other one has are retired.
        newer: Whether the other one's definitions, settings and stopped jobs are the later ones, and hold from now on.

    Raises:
        StoreLocked: a program has the other one open.
        StoreCorrupt: it is no database of this program, or so damaged that it cannot be opened.
        StoreError: it is of another schema version; or the store cannot save.
    """
    source = OtherDatabase(other)
    version = source.ask("schema version", lambda cursor: version_of(cursor, other))
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"The database {other} is of schema version {version}, and only one of version {SCHEMA_VERSION} can be "
            "merged. A collector that is started for it brings an older one to this version."
        )
    rolled_up = _only_rolled_up(store, source)
    _merge_definitions(store, source, now=now, newer=newer)
    merged = _merge_results(store, source, on_progress)
    brought = _merge_routes(store, source)
    _merge_batch_ids(store, source)
    return Merged(
        samples=merged.samples,
        runs=merged.runs,
        events=merged.events,
        routes=brought,
        left_out=merged.left_out,
        rolled_up=rolled_up,
        unreadable=tuple(source.unreadable),
    )


def _merge_definitions(store: DuckDbStore, source: OtherDatabase, *, now: datetime, newer: bool) -> None:
    mine = store.definitions()
    theirs = source.try_to_ask("The definitions", catalogue.load, StoredDefinitions())
    active = theirs.active if newer and theirs.active != Definitions() else mine.active
    parts = (active, mine.active, mine.retired)
    destinations = {each.id for part in parts for each in part.destinations}
    jobs = {each.id for part in parts for each in part.jobs}
    others = (theirs.active, theirs.retired)
    missing = Definitions(
        destinations=tuple(
            each for part in others for each in part.destinations if each.id not in destinations
        ),
        jobs=tuple(each for part in others for each in part.jobs if each.id not in jobs),
    )
    if missing != Definitions():  # active for a moment: they are retired, and kept, by what comes next
        store.save_definitions(
            Definitions(
                destinations=(*active.destinations, *missing.destinations), jobs=(*active.jobs, *missing.jobs)
            ),
            at=now,
        )
    store.save_definitions(active, at=now)
    if newer and theirs.settings is not None:
        store.save_settings(theirs.settings)
        store.save_stopped(theirs.stopped)


def _merge_results(store: DuckDbStore, source: OtherDatabase, on_progress: OnProgress) -> Merged:
    theirs = {
        what: source.try_to_ask(f"The table {what}", lambda cursor, sql=sql: _digests(cursor, sql), None)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        for what, sql in (("samples", _DIGEST_OF_SAMPLES), ("runs", _DIGEST_OF_RUNS))
    }
    events = _missing_events(store, source)
    differing = _differing(store, source, theirs["samples"], _DIGEST_OF_SAMPLES) | _differing(
        store, source, theirs["runs"], _DIGEST_OF_RUNS
    )
    horizon = store.ask(_oldest_here)
    total, done = max(sum(differing.values()), 1), 0
    samples = runs = left_out = 0
    for start in sorted(differing):
        on_progress(Progress(doing="merging", done=done, total=total))
        period = Period(start=aware(start), end=aware(start) + STEP)
        new_samples, new_runs = _missing(store, source, period)
        kept = [each for each in new_samples if horizon is None or each.at >= horizon]
        left_out += len(new_samples) - len(kept)
        _save(store, kept, new_runs, ())
        samples, runs, done = samples + len(kept), runs + len(new_runs), done + differing[start]
    _save(store, (), (), events)
    on_progress(Progress(doing="merging", done=total, total=total))
    return Merged(samples=samples, runs=runs, events=len(events), left_out=left_out)


def _digests(cursor: Cursor, sql: str) -> Mapping[datetime, Digest]:
    return {start: (count, digest) for start, count, digest in cursor.execute(sql).fetchall()}


def _differing(
    store: DuckDbStore, source: OtherDatabase, theirs: Mapping[datetime, Digest] | None, sql: str
) -> dict[datetime, int]:
    """The starts of the steps that are not the same in both, with the other one's number of rows."""
    if theirs is None:  # one damaged block spoils the whole question: each step is looked at for itself
        return dict.fromkeys(source.try_to_ask("The span of the results", _steps_of, list[datetime]()), 1)
    mine = store.ask(lambda cursor: _digests(cursor, sql))
    return {start: digest[0] for start, digest in theirs.items() if mine.get(start) != digest}


def _steps_of(cursor: Cursor) -> list[datetime]:
    """All steps in which there may be results: the extremes come from statistics, not from the blocks."""
    [(first, last)] = cursor.execute("SELECT min(tick), max(tick) FROM samples").fetchall()
    if first is None:
        return []
    first -= (first - datetime(2000, 1, 1)) % STEP  # noqa: DTZ001 - as the tables hold instants
    return [first + number * STEP for number in range((last - first) // STEP + 1)]


def _missing(
    store: DuckDbStore, source: OtherDatabase, period: Period
) -> tuple[Sequence[Sample], Sequence[JobRun]]:
    told = f"Results from {period.start:%Y-%m-%d %H:%M} to {period.end:%H:%M} UTC"
    samples = source.try_to_ask(
        told, lambda cursor: queries.samples(cursor, period, EVERYTHING, None), list[Sample]()
    )
    runs = source.try_to_ask(
        f"{told} (runs)", lambda cursor: queries.runs(cursor, period, EVERYTHING, None), list[JobRun]()
    )
    known = store.ask(lambda cursor: _keys_of_samples(cursor, period)) if samples else set()
    known_runs = (
        {(each.run_id, each.job_id, each.outcome.__class__) for each in store.runs(period)} if runs else set()
    )
    return (
        [each for each in samples if (each.at, each.job_id, each.destination_id, each.run_id) not in known],
        [each for each in runs if (each.run_id, each.job_id, each.outcome.__class__) not in known_runs],
    )


def _keys_of_samples(cursor: Cursor, period: Period) -> set[tuple[datetime, str, str, str]]:
    rows = cursor.execute(
        """
        SELECT samples.tick, jobs.id, destinations.id, run_id
        FROM samples JOIN jobs ON jobs.key = job JOIN destinations ON destinations.key = destination
            JOIN run_ids ON run_ids.run = samples.run
        WHERE samples.tick >= $start AND samples.tick < $end
        """,
        {"start": period.start.replace(tzinfo=None), "end": period.end.replace(tzinfo=None)},
    ).fetchall()
    return {(aware(tick), job_id, destination_id, run_id) for tick, job_id, destination_id, run_id in rows}


def _missing_events(store: DuckDbStore, source: OtherDatabase) -> Sequence[StateChanged]:
    theirs = source.try_to_ask(
        "The table events",
        lambda cursor: queries.events(cursor, _ALWAYS, EVERYTHING, None),
        list[StateChanged](),
    )
    mine = set(store.events(_ALWAYS)) if theirs else set()
    return [each for each in theirs if each not in mine]


def _oldest_here(cursor: Cursor) -> datetime | None:
    """Samples before this instant were deleted here, and may be in the rollups: they would be counted twice."""
    rows = cursor.execute("SELECT made_from FROM levels WHERE level = '1m'").fetchall()
    return None if not rows or rows[0][0] is None else aware(rows[0][0])


def _only_rolled_up(store: DuckDbStore, source: OtherDatabase) -> Period | None:
    """What the other one holds rollups of alone, and this one nothing."""
    last = store.info().last_sample_at or store.ask(_sealed_until)
    first = source.try_to_ask("The table levels", _oldest_here, None)
    if first is None or (last is not None and last >= first):
        return None

    def span(cursor: Cursor) -> Period | None:
        [(start, end)] = cursor.execute(
            "SELECT min(bucket), max(bucket) FROM roll_1h WHERE bucket > $last AND bucket < $first",
            {"last": utc_naive(last or _ALWAYS.start), "first": utc_naive(first)},
        ).fetchall()
        return None if start is None else Period(start=aware(start), end=min(aware(end) + _HOUR, first))

    return source.try_to_ask("The table roll_1h", span, None)


def _sealed_until(cursor: Cursor) -> datetime | None:
    [(until,)] = cursor.execute("SELECT sealed_until FROM levels WHERE level = '1h'").fetchall()
    return None if until is None else aware(until)


def _save(
    store: DuckDbStore, samples: Sequence[Sample], runs: Sequence[JobRun], events: Sequence[StateChanged]
) -> None:
    # What was imported there must not be imported here again.
    imported = [each for each in samples if each.job_id in IMPORT_JOBS]
    measured = [each for each in samples if each.job_id not in IMPORT_JOBS]
    for parts in _parts(measured, runs, events):
        store.save(Batch(batch_id=_new_id(), samples=parts[0], runs=parts[1], events=parts[2]))
    for first in range(0, len(imported), ROWS_A_BATCH):
        part = imported[first : first + ROWS_A_BATCH]
        store.save(Batch(batch_id=_new_id(), samples=part, imported=True))


def _new_id() -> str:
    return f"merged {uuid.uuid4().hex}"


def _parts(
    samples: Sequence[Sample], runs: Sequence[JobRun], events: Sequence[StateChanged]
) -> Iterator[tuple[Sequence[Sample], Sequence[JobRun], Sequence[StateChanged]]]:
    longest = max(len(samples), len(runs), len(events))
    for first in range(0, longest, ROWS_A_BATCH):
        end = first + ROWS_A_BATCH
        yield samples[first:end], runs[first:end], events[first:end]


def _merge_routes(store: DuckDbStore, source: OtherDatabase) -> int:
    """Routes by destination and first trace: of the same one, the record that knows of more traces stays."""
    mine = {(each.destination_id, each.first_at): each for each in store.routes(_ALWAYS)}
    theirs = source.try_to_ask(
        "The table routes",
        lambda cursor: routes.found_first(cursor, _ALWAYS, EVERYTHING, None),
        list[RouteRecord](),
    )
    new = {}
    for each in theirs:
        key = each.destination_id, each.first_at
        if key not in mine or mine[key].traces < each.traces:
            new[key] = each
    if new:
        records = sorted((mine | new).values(), key=lambda each: each.first_at)
        store.change(lambda cursor: routes.replace_all(cursor, records))
    return len(new)


def _merge_batch_ids(store: DuckDbStore, source: OtherDatabase) -> None:
    """A batch that was saved there is not saved again here, whoever still sends it."""

    def ids(cursor: Cursor) -> list[str]:
        rows = cursor.execute(
            "SELECT run_id FROM run_ids WHERE run > (SELECT max(run) FROM run_ids) - ? ORDER BY run",
            [IDS_REMEMBERED],
        ).fetchall()
        return [batch_id for (batch_id,) in rows]

    known = set(store.ask(ids))
    new = [each for each in source.try_to_ask("The table run_ids", ids, list[str]()) if each not in known]
    if new:
        store.change(
            lambda cursor: cursor.execute(
                "INSERT INTO run_ids SELECT last + row_number() OVER (), id, $now "
                "FROM (SELECT unnest($ids::VARCHAR[]) AS id), "
                "(SELECT coalesce(max(run), 0) AS last FROM run_ids)",
                {"ids": new, "now": utc_naive(datetime.now(UTC))},
            )
        )
