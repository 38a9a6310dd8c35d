"""How much room results take: what there is of them, what the jobs add each day, and what becomes of that.

Sizes are estimates, in bytes. The constants are what DuckDB took for made-up rounds with noisy RTTs (decision 31 says
how it was measured): a million rounds of 4 packets 24 MB.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from netstats_xl.domain.retention import Keeping
from netstats_xl.domain.targets import Definitions, Job, JobId
from netstats_xl.domain.windows import count_ticks

ROUND_BYTES, PACKET_BYTES = 8, 4
"""Of a round that was sent to a destination: all but its RTTs, and each of them."""
TICK_BYTES = 15
"""Of a job's tick, whatever it measured."""
MINUTE_BYTES, HOUR_BYTES, DAY_BYTES = 17, 60, 80
"""Of a row of the rollups. Those of months do not count."""
MEASURED_FROM = 1_000_000
"""Of fewer samples the room that they take is not known: a file has about a megabyte besides."""
LONGEST_DAYS = 3_653
"""What happens after ten years nobody foretells."""

_USUAL_SAMPLE_BYTES = ROUND_BYTES + 4 * PACKET_BYTES
_DAY = timedelta(days=1)
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUsage:
    """What the store holds, and the room that it takes."""

    samples: int
    first_at: datetime | None
    """The tick of the oldest sample."""
    recent_samples: int
    """Those with a tick after the instant that was asked for."""
    minutes: int
    """Rows of the rollups by the minute."""
    rollups: int
    """Rows of the rollups by the hour, day and month."""
    file_bytes: int | None = None
    """Of the file and its log; None in memory."""
    reusable_bytes: int = 0
    """Room within the file that deleted rows left."""
    free_bytes: int | None = None
    """Free on its disk; None where that is not known."""

    @property
    def sample_bytes(self) -> float | None:
        """What a sample takes on average, measured; None of too few."""
        if self.file_bytes is None or self.samples < MEASURED_FROM:
            return None
        return max(1.0, (self.file_bytes - self.reusable_bytes - self.rollup_bytes) / self.samples)

    @property
    def raw_bytes(self) -> float:
        """What the samples take, and what goes with them."""
        return self.samples * (self.sample_bytes or _USUAL_SAMPLE_BYTES)

    @property
    def minute_bytes(self) -> float:
        """What the rollups by the minute take."""
        return float(self.minutes * MINUTE_BYTES)

    @property
    def coarse_bytes(self) -> float:
        """What the rollups by the hour, day and month take."""
        return float(self.rollups * HOUR_BYTES)

    @property
    def rollup_bytes(self) -> float:
        """What all rollups take."""
        return self.minute_bytes + self.coarse_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What the jobs add in a day, on average over a week."""

    rounds: float = 0.0
    """Each against one destination."""
    raw_bytes: float = 0.0
    minute_bytes: float = 0.0
    coarse_bytes: float = 0.0
    """Of the rollups by the hour and day."""

    @property
    def total_bytes(self) -> float:
        """All of it."""
        return self.raw_bytes + self.minute_bytes + self.coarse_bytes


def growth_of(
    definitions: Definitions,
    *,
    at: datetime,
    stopped: Collection[JobId] = (),
    sample_bytes: float | None = None,
) -> Growth:
    """What these jobs add in a day.

    Args:
        definitions: Disabled jobs and destinations add nothing.
        at: The present. A job whose end has passed adds nothing; one with an end to come, or a start to come, counts as
            if it always ran.
        stopped: Jobs that the user stopped, which add nothing.
        sample_bytes: What a sample was found to take; None: what is usual for so many packets.
    """
    parts = [
        _growth_of_job(
            job,
            destinations=len(job.select(definitions.destinations)),
            sample_bytes=sample_bytes,
        )
        for job in definitions.jobs
        if job.enabled and job.id not in stopped and not _is_over(job, at)
    ]
    return Growth(
        rounds=sum(part.rounds for part in parts),
        raw_bytes=sum(part.raw_bytes for part in parts),
        minute_bytes=sum(part.minute_bytes for part in parts),
        coarse_bytes=sum(part.coarse_bytes for part in parts),
    )


def _is_over(job: Job, at: datetime) -> bool:
    return job.schedule.end_at is not None and job.schedule.end_at <= at


def _growth_of_job(job: Job, *, destinations: int, sample_bytes: float | None) -> Growth:
    if not destinations:
        return Growth()
    ticks = ticks_a_day(job)
    rounds = ticks * destinations
    interval = job.schedule.interval
    round_bytes = ROUND_BYTES + PACKET_BYTES * job.echo.packets + TICK_BYTES / destinations
    return Growth(
        rounds=rounds,
        raw_bytes=rounds * (round_bytes if sample_bytes is None else sample_bytes),
        minute_bytes=rounds * min(1.0, interval / timedelta(minutes=1)) * MINUTE_BYTES,
        coarse_bytes=rounds * min(1.0, interval / timedelta(hours=1)) * HOUR_BYTES
        + min(rounds, destinations) * DAY_BYTES,
    )


def ticks_a_day(job: Job) -> float:
    """How often a job is due in a day, on average over a week, whatever its start and end."""
    # By UTC no week is longer than another.
    always = job.schedule.model_copy(update={"start_at": None, "end_at": None, "zone": "UTC"})
    return count_ticks(always, _MONDAY - timedelta(seconds=1), _MONDAY + 7 * _DAY - timedelta(seconds=1)) / 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What becomes of the store's file while these jobs go on. It never shrinks by itself: room in it is used again."""

    usage: StoreUsage
    growth: Growth
    keeping: Keeping
    at: datetime

    def file_bytes(self, days: float) -> float:
        """How large it is after so many days."""
        passed = [day for day in self._turns if day < days]
        return max(self._present, *(self._rows(day) for day in (*passed, days)))

    @property
    def full_after_days(self) -> float | None:
        """When the disk is full, in days; None: not within ten years, or its free room is not known."""
        if self.usage.free_bytes is None:
            return None
        room = self._present + self.usage.free_bytes
        before, held = 0.0, self._rows(0.0)
        for day in (*self._turns, float(LONGEST_DAYS)):
            holds = self._rows(day)
            if held >= room:
                return before
            if holds > room:
                # Between two turns it grows evenly.
                return before + (day - before) * (room - held) / (holds - held)
            before, held = day, holds
        return None

    @property
    def _present(self) -> float:
        return float(self.usage.file_bytes or 0)

    @property
    def _age_days(self) -> float:
        first_at = self.usage.first_at
        return 0.0 if first_at is None else max(0.0, (self.at - first_at) / _DAY)

    @property
    def _kept_days(self) -> tuple[tuple[float, float, int | None], ...]:
        """What there is, what a day adds to it, and for how many days it is kept: raw, minutes, coarser."""
        usage, growth, keeping = self.usage, self.growth, self.keeping
        return (
            (usage.raw_bytes, growth.raw_bytes, keeping.raw_days),
            (usage.minute_bytes, growth.minute_bytes, keeping.minutes_days),
            (usage.coarse_bytes, growth.coarse_bytes, keeping.rollups_days),
        )

    @property
    def _turns(self) -> list[float]:
        """The days, ascending, on which growth changes: what there is now begins to go, or is gone."""
        turns = {
            turn
            for _, _, kept in self._kept_days
            if kept is not None
            for turn in (float(kept), kept - self._age_days)
        }
        return sorted(turn for turn in turns if 0 < turn < LONGEST_DAYS)

    def _rows(self, days: float) -> float:
        """What is kept after so many days, with what the file has besides rows."""
        parts = self._kept_days
        besides = max(
            0.0, self._present - self.usage.reusable_bytes - sum(present for present, _, _ in parts)
        )
        return besides + sum(self._kept(days, *part) for part in parts)

    def _kept(self, days: float, present: float, added: float, kept: int | None) -> float:
        if kept is None:
            return present + added * days
        age = self._age_days
        # As if it had been collected evenly: so much of it is not too old yet.
        left = min(1.0, max(0.0, (kept - days) / age)) if age else float(days <= kept)
        return present * left + added * min(days, kept)
