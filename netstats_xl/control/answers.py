"""What the API answers: models of JSON, each with one sentence for the user."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from netstats_xl.app.service import (
    DestinationEntry,
    Figures,
    Health,
    JobEntry,
    Synced,
    TestResult,
    WorkbookState,
)
from netstats_xl.control.problems import BadCell, bad_cell
from netstats_xl.domain.results import Replied, State, describe, packets_of
from netstats_xl.domain.rollups import Summary
from netstats_xl.domain.states import JobState, mean_rtt_ms
from netstats_xl.sheets import job_cells
from netstats_xl.sheets.job_columns import JOB_COLUMNS


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Answer(Part):
    """What came of a request."""

    message: str = Field(description="One sentence for the user.")


class HealthAnswer(Answer):
    """How the companion is."""

    version: str
    process: int
    started_at: datetime
    workbook: str
    workbook_state: WorkbookState
    database: str
    paused: bool = Field(description="Whether nothing is pushed into the workbook.")
    details_of: str
    period: str
    destinations: dict[State, int] = Field(description="How many enabled destinations are in each state.")
    jobs: int
    bad_cells: int
    unsaved: int
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, health: Health) -> Self:
        """The answer that tells it."""
        return cls(
            message=health.summary,
            version=health.version,
            process=health.process,
            started_at=health.started_at,
            workbook=health.workbook,
            workbook_state=health.workbook_state,
            database=health.database,
            paused=health.updates_paused,
            details_of=health.shown,
            period=health.period,
            destinations=dict(health.destinations),
            jobs=health.jobs,
            bad_cells=health.bad_cells,
            unsaved=health.unsaved,
            warnings=health.warnings,
        )

    def lines(self) -> dict[str, str]:
        """What the ribbon needs of it, as `key=value`."""
        return {
            "state": "paused" if self.paused else "collecting",
            "message": self.message,
            "paused": "1" if self.paused else "0",
            "period": self.period,
            "details_of": self.details_of,
            "workbook_state": self.workbook_state.value,
        }


class DestinationPart(Part):
    """A destination, and how it is."""

    id: str
    name: str
    host: str
    group: str
    tags: tuple[str, ...]
    enabled: bool
    rtt_warning_ms: float | None
    rtt_critical_ms: float | None
    loss_warning_percent: float | None
    loss_critical_percent: float | None
    notes: str
    state: State
    last_rtt_ms: float | None
    loss_percent: float | None
    last_seen_at: datetime | None
    problems: str

    @classmethod
    def of(cls, entry: DestinationEntry) -> Self:
        """The part that tells it."""
        each, status = entry.destination, entry.status
        return cls(
            id=each.id,
            name=each.name,
            host=each.host,
            group=each.group,
            tags=each.tags,
            enabled=each.enabled,
            **each.thresholds.model_dump(),
            notes=each.notes,
            state=status.state,
            last_rtt_ms=status.last_rtt_ms,
            loss_percent=status.loss_percent,
            last_seen_at=status.last_seen_at,
            problems=status.problems,
        )


class DestinationAnswer(Answer):
    """One destination."""

    destination: DestinationPart


class DestinationsAnswer(Answer):
    """Some of the destinations that were asked for."""

    total: int = Field(description="How many match in all.")
    destinations: tuple[DestinationPart, ...]


class StatusAnswer(Answer):
    """How a destination is."""

    id: str
    name: str
    state: State
    last_rtt_ms: float | None
    loss_percent: float | None
    last_seen_at: datetime | None
    problems: str


class AddedAnswer(Answer):
    """Which destinations were made of hosts, and which hosts are bad."""

    destinations: tuple[DestinationPart, ...]
    cells: tuple[BadCell, ...] = Field(description="What is wrong with the others.")


class TestPart(Part):
    """What a test of one destination found."""

    id: str
    name: str
    host: str
    at: datetime
    answered: bool
    address: str | None
    sent: int
    received: int
    rtt_ms: float | None = Field(description="Mean; null without a reply.")
    reason: str = Field(description="Why there was no reply; empty where there was one.")

    @classmethod
    def of(cls, result: TestResult) -> Self:
        """The part that tells it."""
        outcome = result.outcome
        sent, received = packets_of(outcome)
        return cls(
            id=result.destination.id,
            name=result.destination.name,
            host=result.destination.host,
            at=result.at,
            answered=isinstance(outcome, Replied),
            address=getattr(outcome, "address", None),
            sent=sent,
            received=received,
            rtt_ms=mean_rtt_ms(outcome),
            reason=describe(outcome),
        )


class TestsAnswer(Answer):
    """What tests found."""

    results: tuple[TestPart, ...]


class CountAnswer(Answer):
    """How many rows were written."""

    rows: int


class JobPart(Part):
    """A job as its row has it, and how it goes."""

    id: str
    name: str
    destinations: str
    start: str | None = Field(description="Local, in the job's time zone.")
    end: str | None
    interval: str
    windows: str | None
    zone: str
    packets: int
    packet_interval_ms: float
    payload_bytes: int
    timeout_ms: float
    metrics: str
    enabled: bool
    selected: int = Field(description="How many enabled destinations it selects.")
    state: JobState
    last_run_at: datetime | None
    next_run_at: datetime | None
    rounds_done: int
    ticks_missed: int
    last_error: str
    last_result: str

    @classmethod
    def of(cls, entry: JobEntry) -> Self:
        """The part that tells it."""
        job, status = entry.job, entry.status
        by_header = job_cells(job)
        typed = {column.key: by_header[column.header] for column in JOB_COLUMNS if column.typed}
        for key in ("start", "end"):
            moment = typed[key]
            typed[key] = moment.isoformat(sep=" ") if isinstance(moment, datetime) else None
        return cls.model_validate(
            typed
            | {
                "id": job.id,
                "enabled": job.enabled,
                "selected": entry.destinations,
                "state": status.state,
                "last_run_at": status.last_run_at,
                "next_run_at": status.next_run_at,
                "rounds_done": status.rounds_done,
                "ticks_missed": status.ticks_missed,
                "last_error": status.last_error,
                "last_result": status.last_result,
            }
        )


class JobAnswer(Answer):
    """One job."""

    job: JobPart


class JobsAnswer(Answer):
    """The jobs in force."""

    jobs: tuple[JobPart, ...]


class SummaryPart(Part):
    """Statistics; null where there are too few samples to say."""

    rounds_up: int
    rounds_down: int
    sent: int
    received: int
    loss_percent: float | None
    availability_percent: float | None
    rtt_min_ms: float | None
    rtt_mean_ms: float | None
    rtt_max_ms: float | None
    stdev_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    jitter_ms: float | None
    mos: float | None

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """The part that tells it."""
        return cls(**{key: getattr(summary, key) for key in cls.model_fields})


class DestinationFigures(Part):
    """Statistics of a destination."""

    id: str
    name: str
    host: str
    group: str
    state: State
    summary: SummaryPart


class PeriodPart(Part):
    """From `start` (inclusive) to `end` (exclusive)."""

    start: datetime
    end: datetime


class FiguresAnswer(Answer):
    """Statistics of a period, in all and by destination."""

    period: PeriodPart
    overall: SummaryPart
    destinations: tuple[DestinationFigures, ...]

    @classmethod
    def of(cls, figures: Figures, message: str) -> Self:
        """The answer that tells them."""
        return cls(
            message=message,
            period=PeriodPart(start=figures.period.start, end=figures.period.end),
            overall=SummaryPart.of(figures.overall),
            destinations=tuple(
                DestinationFigures(
                    id=entry.destination.id,
                    name=entry.destination.name,
                    host=entry.destination.host,
                    group=entry.destination.group,
                    state=entry.status.state,
                    summary=SummaryPart.of(summary),
                )
                for entry, summary in figures.destinations
            ),
        )


class SyncAnswer(Answer):
    """What came of reading the workbook."""

    destinations: int
    jobs: int
    cells: tuple[BadCell, ...]
    warnings: tuple[str, ...]
    held: bool = Field(description="Whether nothing was changed, since most rows would go: see the warnings.")

    @classmethod
    def of(cls, synced: Synced, message: str) -> Self:
        """The answer that tells it."""
        return cls(
            message=message,
            destinations=synced.destinations,
            jobs=synced.jobs,
            cells=tuple(map(bad_cell, synced.cell_errors)),
            warnings=synced.warnings,
            held=synced.held,
        )


class PlaceAnswer(Answer):
    """Where something was written or is shown."""

    path: str
