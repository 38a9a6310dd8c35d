"""The state of destinations and jobs, and when it changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netstats_xl.domain.results import State
from netstats_xl.domain.targets import DestinationId, JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationStatus:
    """What the status columns of the Destinations table show."""

    destination_id: DestinationId
    state: State = State.UNKNOWN
    last_rtt_ms: float | None = None
    """Mean RTT of the last round, ms; None where it had no reply."""
    loss_percent: float | None = None
    """Loss of the last round, %; None where nothing was sent."""
    last_seen_at: datetime | None = None
    """The tick of the last round with a reply."""
    problems: str = ""
    """In words: thresholds crossed, why there was no reply."""


class JobState(StrEnum):
    """What a job is doing."""

    RUNNING = "Running"
    """Inside its window: rounds are made."""
    SCHEDULED = "Scheduled"
    """Its start is yet to come, or it is not being run now."""
    OUTSIDE = "Outside window"
    FINISHED = "Finished"
    DISABLED = "Disabled"
    FAILING = "Failing"
    """Its last round could not be made, or its row is invalid."""
    STOPPED = "Stopped"
    """Nothing runs it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What the status columns of the Jobs table show."""

    job_id: JobId
    state: JobState
    last_run_at: datetime | None = None
    next_run_at: datetime | None = None
    rounds_done: int = 0
    ticks_missed: int = 0
    last_error: str = ""
    last_result: str = ""
    """For the terminal: how the last round went, in a few words."""
