"""What the API answers about destinations and jobs."""

from datetime import datetime
from typing import Self

from pydantic import Field

from netstats_xl.app.service import DestinationEntry, JobEntry, TestResult
from netstats_xl.control.answers import Answer, Part
from netstats_xl.control.problems import BadCell
from netstats_xl.domain.answers import answer_of
from netstats_xl.domain.results import Replied, State, describe, packets_of
from netstats_xl.domain.states import JobState, mean_rtt_ms
from netstats_xl.sheets import job_cells
from netstats_xl.sheets.job_columns import JOB_COLUMNS


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
    answer: str = Field(description="What its last reply said besides its time.")
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
            answer=status.answer,
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
    answer: str = Field(description="What its last reply said besides its time.")
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
    answer: str = Field(description="What the last reply said besides its time.")

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
            answer=answer_of(outcome, result.destination.host),
        )


class TestsAnswer(Answer):
    """What tests found."""

    results: tuple[TestPart, ...]


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
    ttl: int | None
    dscp: str | None = Field(description="Its name, or its number where it has none.")
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
