"""What views ask a store for: the part of `ports.ResultStore` that only reads measurements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from netstats_xl.domain.results import (
    EVERYTHING,
    JobRun,
    JobTotals,
    LatestSample,
    Period,
    Scope,
    State,
    StateChanged,
    StoreInfo,
)
from netstats_xl.domain.route_records import RouteRecord
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.ports import Dimension, GroupSummary


class Measurements(Protocol):
    """Each method is described at `ports.ResultStore`."""

    def latest(self, period: Period) -> Mapping[DestinationId, LatestSample]:
        """The last sample of each destination."""
        ...

    def states(self) -> Mapping[DestinationId, State]:
        """The state after each destination's last event."""
        ...

    def job_totals(self) -> Mapping[JobId, JobTotals]:
        """What was done so far of each job."""
        ...

    def summaries(
        self,
        period: Period,
        *,
        scope: Scope = EVERYTHING,
        by: Collection[Dimension] = (),
        edges: Sequence[datetime] = (),
        percentiles: bool = True,
    ) -> Sequence[GroupSummary]:
        """Statistics for each group."""
        ...

    def jitter_rfc3550(
        self, period: Period, *, scope: Scope = EVERYTHING
    ) -> Mapping[tuple[JobId, DestinationId], float]:
        """The jitter of RFC 3550 of each pair."""
        ...

    def histogram(
        self, period: Period, edges_ms: Sequence[float], *, scope: Scope = EVERYTHING
    ) -> Sequence[int]:
        """How many RTTs fall into each bin."""
        ...

    def runs(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[JobRun]:
        """Runs by time."""
        ...

    def events(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[StateChanged]:
        """Changes of state by time."""
        ...

    def current_routes(
        self, before: datetime, *, scope: Scope = EVERYTHING
    ) -> Mapping[DestinationId, RouteRecord]:
        """The route to each destination that was found last."""
        ...

    def routes(
        self, period: Period, *, scope: Scope = EVERYTHING, limit: int | None = None
    ) -> Sequence[RouteRecord]:
        """Routes by the time they were found first."""
        ...

    def info(self) -> StoreInfo:
        """About the store itself."""
        ...
