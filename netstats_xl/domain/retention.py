"""How long results are kept, and what goes when they are no longer."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """What is older than these instants (aware UTC) is not kept any more. None: it is kept for ever."""

    raw: datetime
    """Of samples, runs, events and routes."""
    minutes: datetime | None = None
    """Of the rollups by the minute."""
    rollups: datetime | None = None
    """Of the rollups by the hour, day and month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletable:
    """What a deletion takes away."""

    samples: int = 0
    first_at: datetime | None = None
    """The tick of the oldest of these samples."""
    minutes: int = 0
    """Rows of the rollups by the minute."""
    rollups: int = 0
    """Rows of the rollups by the hour, day and month."""
