"""When a job may run: start, end, interval and weekly windows in a time zone. Time zones live here alone."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from pydantic import BaseModel, ConfigDict


class WeeklyWindow(BaseModel):
    """`Mon-Fri 08:00-18:00`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    days: tuple[int, ...]
    start: time
    end: time


class Schedule(BaseModel):
    """When a job's ticks fall."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    interval: timedelta
    start_at: datetime | None = None
    end_at: datetime | None = None
    windows: tuple[WeeklyWindow, ...] = ()
    zone: str = "UTC"


def next_tick(schedule: Schedule, after: datetime) -> datetime | None:
    """STUB: a helper replaces this module."""
    raise NotImplementedError


def buckets(start: datetime, end: datetime, unit: str, zone: str) -> Sequence[datetime]:
    """STUB."""
    raise NotImplementedError
