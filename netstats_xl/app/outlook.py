"""What is told of the room that results take: what there is, what comes, and what goes next."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from netstats_xl.app.retaining import Deletion
from netstats_xl.domain.forecast import Forecast, growth_of
from netstats_xl.domain.targets import Definitions, JobId, Settings
from netstats_xl.ports import ResultStore

RECENT = timedelta(days=7)
"""How far back it is looked at what was stored."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """As of one moment."""

    at: datetime
    zone: str
    """Whose wall clock its times are told by."""
    forecast: Forecast
    deletion: Deletion

    @property
    def samples_a_day(self) -> float | None:
        """How many were stored in a day lately, on average; None before there is a day of them."""
        usage = self.forecast.usage
        if usage.first_at is None or self.at - usage.first_at < _DAY:
            return None
        return usage.recent_samples / (min(RECENT, self.at - usage.first_at) / _DAY)


def look(
    store: ResultStore,
    definitions: Definitions,
    settings: Settings,
    *,
    stopped: Collection[JobId],
    now: datetime,
    deletion: Deletion,
) -> Outlook:
    """How things are now.

    Raises:
        StoreError: the store cannot answer.
    """
    usage = store.usage(now - RECENT)
    growth = growth_of(definitions, at=now, stopped=stopped, sample_bytes=usage.sample_bytes)
    return Outlook(
        at=now,
        zone=settings.zone,
        forecast=Forecast(usage=usage, growth=growth, keeping=deletion.keeping, at=now),
        deletion=deletion,
    )
