"""What the API answers: models of JSON, each with one sentence for the user. Of rows: `row_answers`."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from netstats_xl.app.service import (
    BackupStatus,
    Figures,
    Health,
    Synced,
    WorkbookState,
)
from netstats_xl.control.problems import BadCell, bad_cell
from netstats_xl.domain.results import State
from netstats_xl.domain.rollups import Summary


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Answer(Part):
    """What came of a request."""

    message: str = Field(description="One sentence for the user.")


def utf8(path: str) -> str:
    """The path as JSON can tell it: a file's name on Linux may be no text."""
    return path.encode("utf-8", "replace").decode()


class HealthAnswer(Answer):
    """How the collector is."""

    version: str
    process: int
    started_at: datetime
    workbook: str
    workbook_state: WorkbookState
    database: str
    engine: str = Field(description="What sends the probes and how exactly it times, in words.")
    state: Literal["collecting", "paused", "stopping"]
    paused: bool = Field(description="Whether nothing is pushed into the workbook.")
    details_of: str
    period: str
    destinations: dict[State, int] = Field(description="How many enabled destinations are in each state.")
    jobs: int
    bad_cells: int
    unsaved: int
    storage: tuple[str, ...] = Field(
        description="How large the database is and becomes, and what is deleted from it next, in sentences."
    )
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, health: Health) -> Self:
        """The answer that tells it."""
        return cls(
            message=health.summary,
            version=health.version,
            process=health.process,
            started_at=health.started_at,
            workbook=utf8(health.workbook),
            workbook_state=health.workbook_state,
            database=utf8(health.database),
            engine=health.engine,
            state="stopping" if health.stopping else "paused" if health.updates_paused else "collecting",
            paused=health.updates_paused,
            details_of=health.shown,
            period=health.period,
            destinations=dict(health.destinations),
            jobs=health.jobs,
            bad_cells=health.bad_cells,
            unsaved=health.unsaved,
            storage=health.storage,
            warnings=health.warnings,
        )

    def lines(self) -> dict[str, str]:
        """What the ribbon needs of it, as `key=value`."""
        return {
            "state": self.state,
            "paused": "1" if self.paused else "0",
            "workbook": self.workbook,
            "message": self.message,
        }


class CountAnswer(Answer):
    """How many rows were written."""

    rows: int


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

    @classmethod
    def of(cls, path: str, message: str) -> Self:
        """The answer that tells it; `{}` in the message stands for the path."""
        return cls(message=message.format(utf8(path)), path=utf8(path))


class BackupAnswer(Answer):
    """How a backup goes, and which is the last one."""

    doing: str = Field(description="`copying` or `verifying`; empty: no backup is being made.")
    done: int = Field(description="Rows.")
    total: int
    last: str | None = Field(description="Path of the last backup.")
    last_at: datetime | None

    @classmethod
    def of(cls, status: BackupStatus, message: str) -> Self:
        """The answer that tells it."""
        progress = status.progress
        return cls(
            message=message,
            doing="" if progress is None else progress.doing,
            done=0 if progress is None else progress.done,
            total=0 if progress is None else progress.total,
            last=None if status.last is None else utf8(str(status.last)),
            last_at=status.last_at,
        )
