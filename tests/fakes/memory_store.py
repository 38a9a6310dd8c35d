"""The whole `ports.ResultStore` in plain Python, on the domain's own functions."""

import csv
import io
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from netstats_xl.domain.forecast import StoreUsage
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import (
    EVERYTHING,
    Batch,
    JobRun,
    JobTotals,
    LatestSample,
    NameNotResolved,
    Outcome,
    Period,
    Replied,
    RunCompleted,
    RunFailed,
    RunMissed,
    Sample,
    Scope,
    State,
    StateChanged,
    StoreInfo,
    describe,
    packets_of,
    rtts_of,
)
from netstats_xl.domain.retention import Cutoffs, Deletable, DeletionRecord
from netstats_xl.domain.rollups import EMPTY, Summary, jitter_rfc3550, merge, ordered_rtts_of, summarise
from netstats_xl.domain.route_records import RouteRecord, follow
from netstats_xl.domain.targets import Definitions, DestinationId, JobId, Settings
from netstats_xl.errors import StoreError
from netstats_xl.ports import Dimension, GroupSummary, OnProgress, Progress, StoredDefinitions, unheard
from netstats_xl.store.csv_export import COLUMNS
from netstats_xl.store.duckdb_store import DuckDbStore

Thing = TypeVar("Thing")

_KINDS = {
    "Replied": "replied",
    "Timeout": "timeout",
    "Unreachable": "unreachable",
    "NameNotResolved": "not resolved",
    "SendFailed": "not sent",
    "TimeExceeded": "time exceeded",
    "Refused": "refused",
    "ServiceFailed": "service failed",
}


class MemoryStore:
    """Keeps everything in lists; not for many samples."""

    def __init__(self) -> None:
        self.location = "memory"
        """Where it says it is; a file's path makes it one that has backups."""
        self.backup_error: StoreError | None = None
        self._stored = StoredDefinitions()
        self._batch_ids: set[str] = set()
        self._samples: list[Sample] = []
        self._runs: list[JobRun] = []
        self._events: list[StateChanged] = []
        self._pruned_runs: list[JobRun] = []
        self._deletions = DeletionRecord()
        self._imported: set[tuple[JobId, DestinationId, datetime]] = set()
        self._routes: list[RouteRecord] = []

    def save_definitions(self, definitions: Definitions, *, at: datetime) -> None:
        active, retired = self._stored.active, self._stored.retired
        destination_ids = {each.id for each in definitions.destinations}
        job_ids = {each.id for each in definitions.jobs}
        self._stored = replace(
            self._stored,
            active=definitions,
            retired=Definitions(
                destinations=tuple(
                    each
                    for each in (*retired.destinations, *active.destinations)
                    if each.id not in destination_ids
                ),
                jobs=tuple(each for each in (*retired.jobs, *active.jobs) if each.id not in job_ids),
            ),
        )

    def save_retired(self, definitions: Definitions, *, at: datetime) -> None:
        stored = self._stored
        kept = (stored.active, stored.retired)
        known = {each.id for some in kept for each in some.destinations}
        known |= {each.id for some in kept for each in some.jobs}
        self._stored = replace(
            stored,
            retired=Definitions(
                destinations=(
                    *stored.retired.destinations,
                    *(each for each in definitions.destinations if each.id not in known),
                ),
                jobs=(*stored.retired.jobs, *(each for each in definitions.jobs if each.id not in known)),
            ),
        )

    def save_settings(self, settings: Settings) -> None:
        self._stored = replace(self._stored, settings=settings)

    def save_stopped(self, jobs: Collection[JobId]) -> None:
        self._stored = replace(self._stored, stopped=frozenset(jobs))

    def definitions(self) -> StoredDefinitions:
        return self._stored

    def save(self, batch: Batch) -> None:
        if batch.batch_id in self._batch_ids:
            return
        self._batch_ids.add(batch.batch_id)
        self._samples.extend(batch.samples)
        self._runs.extend(batch.runs)
        if batch.imported:
            self._imported.update((each.job_id, each.destination_id, each.at) for each in batch.samples)
        self._events.extend(batch.events)
        for traced in batch.routes:
            before = next(
                (each for each in reversed(self._routes) if each.destination_id == traced.destination_id),
                None,
            )
            after = follow(before, traced)
            if before is not None and after.traces > 1:
                self._routes.remove(before)
            self._routes.append(after)

    def roll_up(self) -> bool:
        return False

    def latest(self, period: Period) -> Mapping[DestinationId, LatestSample]:
        found: dict[DestinationId, LatestSample] = {}
        replied: dict[DestinationId, datetime] = {}
        for sample in self.samples(period):
            if isinstance(sample.outcome, Replied):
                replied[sample.destination_id] = sample.at
            found[sample.destination_id] = LatestSample(
                destination_id=sample.destination_id,
                at=sample.at,
                outcome=sample.outcome,
                last_reply_at=replied.get(sample.destination_id),
                strays=sample.strays,
            )
        return found

    def states(self) -> Mapping[DestinationId, State]:
        return {
            event.destination_id: event.after for event in sorted(self._events, key=lambda event: event.at)
        }

    def job_totals(self) -> Mapping[JobId, JobTotals]:
        totals: dict[JobId, JobTotals] = {}
        for run in sorted(self._pruned_runs + self._runs, key=lambda run: run.tick_at):
            before = totals.get(run.job_id, JobTotals())
            done, missed, last_run_at, error = (
                before.rounds_done,
                before.ticks_missed,
                before.last_run_at,
                before.last_error,
            )
            match run.outcome:
                case RunCompleted():
                    done, last_run_at, error = done + 1, run.tick_at, ""
                case RunFailed(error=text):
                    last_run_at, error = run.tick_at, text
                case RunMissed(ticks=ticks):
                    missed += ticks
            totals[run.job_id] = JobTotals(
                rounds_done=done, ticks_missed=missed, last_run_at=last_run_at, last_error=error
            )
        return totals

    def summaries(
        self,
        period: Period,
        *,
        scope: Scope = EVERYTHING,
        by: Collection[Dimension] = (),
        edges: Sequence[datetime] = (),
        percentiles: bool = True,
    ) -> Sequence[GroupSummary]:
        groups: dict[tuple[int, str, str], list[Sample]] = defaultdict(list)
        for sample in self.samples(period, scope=scope):
            bucket = bisect_right(edges, sample.at) - 1
            if edges and bucket < 0:
                continue
            job_id = sample.job_id if Dimension.JOB in by else ""
            destination_id = sample.destination_id if Dimension.DESTINATION in by else ""
            groups[bucket, job_id, destination_id].append(sample)
        return [
            GroupSummary(
                job_id=job_id or None,
                destination_id=destination_id or None,
                bucket_at=edges[bucket] if edges else None,
                summary=_summary(samples, percentiles=percentiles),
            )
            for (bucket, job_id, destination_id), samples in sorted(groups.items())
        ]

    def jitter_rfc3550(
        self, period: Period, *, scope: Scope = EVERYTHING
    ) -> Mapping[tuple[JobId, DestinationId], float]:
        rounds: dict[tuple[JobId, DestinationId], list[Sequence[float | None]]] = defaultdict(list)
        for sample in self.samples(period, scope=scope):
            rounds[sample.job_id, sample.destination_id].append(ordered_rtts_of(sample.outcome))
        jitters = {pair: jitter_rfc3550(of_pair) for pair, of_pair in rounds.items()}
        return {pair: jitter for pair, jitter in jitters.items() if jitter is not None}

    def histogram(
        self, period: Period, edges_ms: Sequence[float], *, scope: Scope = EVERYTHING
    ) -> Sequence[int]:
        counts = [0] * (len(edges_ms) - 1)
        for sample in self.samples(period, scope=scope):
            for rtt in rtts_of(sample.outcome):
                if rtt is not None and edges_ms[0] <= rtt < edges_ms[-1]:
                    counts[bisect_right(edges_ms, rtt) - 1] += 1
        return counts

    def samples(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[Sample]:
        found = (
            sample
            for sample in self._samples
            if period.start <= sample.at < period.end
            and scope.includes(job_id=sample.job_id, destination_id=sample.destination_id)
        )
        return _last(
            sorted(found, key=lambda each: (each.at, each.job_id, each.destination_id, each.run_id)), limit
        )

    def imported_ticks(
        self, job_id: JobId, within: Mapping[DestinationId, Period]
    ) -> Collection[tuple[DestinationId, datetime]]:
        return {
            (destination_id, at)
            for of_job, destination_id, at in self._imported
            if of_job == job_id
            and destination_id in within
            and within[destination_id].start <= at < within[destination_id].end
        }

    def measured_hours(
        self, within: Mapping[DestinationId, Period], *, apart_from: Collection[JobId] = ()
    ) -> Collection[tuple[DestinationId, datetime]]:
        hours = {
            (each.destination_id, each.at.replace(minute=0, second=0, microsecond=0))
            for each in self._samples
            if each.job_id not in apart_from
        }
        return {
            (destination_id, hour)
            for destination_id, hour in hours
            if destination_id in within
            and within[destination_id].start - timedelta(hours=1) < hour < within[destination_id].end
        }

    def runs(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[JobRun]:
        found = (
            run
            for run in self._runs
            if period.start <= run.tick_at < period.end
            and (scope.job_ids is None or run.job_id in scope.job_ids)
        )
        return _last(sorted(found, key=lambda run: (run.tick_at, run.job_id, run.run_id)), limit)

    def events(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[StateChanged]:
        ids = scope.destination_ids
        found = (
            event
            for event in self._events
            if period.start <= event.at < period.end and (ids is None or event.destination_id in ids)
        )
        return _last(sorted(found, key=lambda event: event.at), limit)

    def current_routes(
        self, before: datetime, *, scope: Scope = EVERYTHING
    ) -> Mapping[DestinationId, RouteRecord]:
        ids = scope.destination_ids
        return {
            each.destination_id: each
            for each in self._routes
            if each.first_at < before and (ids is None or each.destination_id in ids)
        }

    def routes(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[RouteRecord]:
        ids = scope.destination_ids
        found = (
            each
            for each in self._routes
            if period.start <= each.first_at < period.end and (ids is None or each.destination_id in ids)
        )
        return _last(sorted(found, key=lambda each: each.first_at), limit)

    def export_csv(self, path: Path, period: Period, *, scope: Scope = EVERYTHING, zone: str = "UTC") -> int:
        samples = self.samples(period, scope=scope)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header for header, _ in COLUMNS)
        writer.writerows(self._csv_row(sample, zone) for sample in samples)
        path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
        return len(samples)

    def export_parquet(
        self, path: Path, period: Period, *, scope: Scope = EVERYTHING, rollup: Level | None = None
    ) -> int:
        """By DuckDB itself, which alone writes Parquet here."""
        with closing(DuckDbStore.open(None)) as store:
            store.save_definitions(self._stored.active, at=period.start)
            store.save_retired(self._stored.retired, at=period.start)
            store.save(Batch(batch_id="all", samples=self._samples))
            return store.export_parquet(path, period, scope=scope, rollup=rollup)

    def deletable(self, cutoffs: Cutoffs) -> Deletable:
        old = [sample.at for sample in self._samples if sample.at < cutoffs.raw]
        return Deletable(samples=len(old), first_at=min(old, default=None))

    def deletions(self) -> DeletionRecord:
        return self._deletions

    def save_deletions(self, record: DeletionRecord) -> None:
        self._deletions = record

    def usage(self, since: datetime) -> StoreUsage:
        instants = [sample.at for sample in self._samples]
        return StoreUsage(
            samples=len(instants),
            first_at=min(instants, default=None),
            recent_samples=sum(at >= since for at in instants),
            minutes=0,
            rollups=0,
        )

    def prune(self, cutoffs: Cutoffs) -> int:
        before = cutoffs.raw
        kept = [sample for sample in self._samples if sample.at >= before]
        deleted = len(self._samples) - len(kept)
        self._samples = kept
        self._pruned_runs += [run for run in self._runs if run.tick_at < before]
        self._runs = [run for run in self._runs if run.tick_at >= before]
        last = {event.destination_id: event for event in sorted(self._events, key=lambda event: event.at)}
        self._events = [
            event for event in self._events if event.at >= before or event is last[event.destination_id]
        ]
        current = {each.destination_id: each for each in self._routes}.values()
        self._routes = [
            each for each in self._routes if each.last_at >= before or any(each is one for one in current)
        ]
        return deleted

    def backup(self, path: Path, on_progress: OnProgress = unheard, *, read_only: bool = False) -> None:
        if path.is_dir() or not path.parent.is_dir():
            raise StoreError(f"{path} cannot be written.")
        total = len(self._samples)
        for doing, done in product(("copying", "verifying"), (0, total)):
            on_progress(Progress(doing=doing, done=done, total=total))
        if self.backup_error is not None:
            raise self.backup_error
        if path.exists():
            path.chmod(0o644)  # for Windows to remove it
            path.unlink()
        path.write_text(f"{total} samples", encoding="utf-8")
        if read_only:
            path.chmod(0o444)

    def info(self) -> StoreInfo:
        instants = [sample.at for sample in self._samples]
        return StoreInfo(
            location=self.location,
            schema_version=1,
            samples=len(instants),
            first_sample_at=min(instants, default=None),
            last_sample_at=max(instants, default=None),
            size_bytes=None if self.location == "memory" else 0,
        )

    def close(self) -> None:
        pass

    def _csv_row(self, sample: Sample, zone: str) -> list[object]:
        stored = self._stored
        job = stored.active.job(sample.job_id) or stored.retired.job(sample.job_id)
        destination = stored.active.destination(sample.destination_id) or stored.retired.destination(
            sample.destination_id
        )
        outcome, strays = sample.outcome, sample.strays
        answer = outcome.answer if isinstance(outcome, Replied) else ""
        http = outcome.http if isinstance(outcome, Replied) else None
        sent, received = packets_of(outcome)
        rtts = [rtt for rtt in rtts_of(outcome) if rtt is not None]
        return [
            sample.at.astimezone(ZoneInfo(zone)).isoformat(),
            _guarded(sample.job_id if job is None else job.name),
            _guarded(sample.destination_id if destination is None else destination.name),
            _guarded("" if destination is None else destination.host),
            _guarded(_address(outcome)),
            _KINDS[type(outcome).__name__],
            sent,
            received,
            round(100 * (sent - received) / sent, 4) if sent else "",
            round(sum(rtts) / len(rtts), 4) if rtts else "",
            min(rtts, default=""),
            max(rtts, default=""),
            " ".join("*" if rtt is None else str(rtt) for rtt in rtts_of(outcome)),
            _guarded(describe(outcome)),
            _guarded(answer),
            "" if http is None else http.status,
            "" if http is None else round(http.total_ms, 4),
            "" if http is None or http.certificate_days is None else round(http.certificate_days, 2),
            strays.duplicates,
            strays.late,
            strays.corrupted,
            _guarded(strays.elsewhere),
        ]


def _summary(samples: Sequence[Sample], *, percentiles: bool) -> Summary:
    summary = summarise(samples)
    return summary if percentiles else replace(merge(summary, EMPTY), rtt_m2=None)


def _address(outcome: Outcome) -> str:
    return "" if isinstance(outcome, NameNotResolved) else outcome.address


def _guarded(text: str) -> str:
    """No part of the text that a spreadsheet program may take for a cell begins like a formula."""
    text = re.sub(r'((?:^|[;,|"\t\r\n])\s*)([=+\-@＝＋－＠])', r"\1'\2", text)
    return re.sub(r"^([\t\r\n])", r"'\1", text)


def _last(things: Iterable[Thing], limit: int | None) -> list[Thing]:
    everything = list(things)
    return everything if limit is None else everything[max(len(everything) - limit, 0) :]
