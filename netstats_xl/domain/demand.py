"""How many packets a second the jobs ask for, beside how many may be sent, and when a job's rounds begin."""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from netstats_xl.domain.targets import Definitions, Destination, Job
from netstats_xl.domain.windows import render_interval

LATEST_START = timedelta(milliseconds=500)
"""How long after its tick a round begins, at most."""
_LATEST_START_SHARE = 0.05
"""The same as a share of the job's interval."""
_LONGEST_INTERVAL_S = 86_400
_MOST_NAMES = 3
_OTHERWISE = (
    "fewer packets or destinations, or, if the network can take it, more Packets a second in Settings"
)


def start_delay(job_id: str, interval: timedelta) -> timedelta:
    """How long after its ticks a job's rounds begin: fixed for a job, spread over the jobs by their IDs.

    From 0 to less than 500 ms, and less than 5 % of the interval. Jobs that share their ticks would send their first
    packets all at once otherwise.
    """
    share = zlib.crc32(job_id.encode()) / 2**32
    return min(LATEST_START, interval * _LATEST_START_SHARE) * share


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one job asks for while it runs."""

    job: Job
    destinations: int
    """Enabled destinations that it selects."""

    @property
    def packets(self) -> int:
        """Of a round."""
        return self.destinations * self.job.echo.packets

    @property
    def packets_per_second(self) -> float:
        """On average."""
        return self.packets / self.job.schedule.interval.total_seconds()

    def fits(self, limit: int) -> bool:
        """Whether a round can end within its interval, if nothing else is sent, at `limit` packets a second."""
        return self.packets_per_second <= limit

    def explain(self, limit: int) -> str:
        """Why it does not fit, with figures and the remedy, without the job's name."""
        shortest_s = math.ceil(self.packets / limit)
        longer = (
            f"an interval of at least {_longer(shortest_s)}, " if shortest_s <= _LONGEST_INTERVAL_S else ""
        )
        return (
            f"sends {self.destinations:,} x {self.job.echo.packets} packets every "
            f"{render_interval(self.job.schedule.interval)}: {_rate(self.packets_per_second)} a second, more than the "
            f"{limit:,} of Settings, so its rounds cannot end in time and some are missed. Write {longer}{_OTHERWISE}"
        )


def demand_of(job: Job, destinations: Sequence[Destination]) -> Demand:
    """What a job asks for; nothing where it is disabled."""
    return Demand(job=job, destinations=len(job.select(destinations)) if job.enabled else 0)


def job_warnings(demands: Iterable[Demand], limit: int) -> tuple[str, ...]:
    """A sentence for each job that asks for more than `limit` packets a second by itself."""
    return tuple(f"Job {each.job.name} {each.explain(limit)}." for each in demands if not each.fits(limit))


def total_warnings(demands: Iterable[Demand], limit: int) -> tuple[str, ...]:
    """A sentence where several jobs ask for more than `limit` packets a second together, else none."""
    asking = sorted((each for each in demands if each.packets), key=lambda each: -each.packets_per_second)
    total = sum(each.packets_per_second for each in asking)
    if len(asking) < 2 or total <= limit:
        return ()
    shown = ", ".join(f"{each.job.name} {_rate(each.packets_per_second)}" for each in asking[:_MOST_NAMES])
    return (
        f"All jobs together send {_rate(total)} packets a second while they run, more than the {limit:,} of Settings: "
        f"rounds take longer, and some are missed. The most comes from {shown}. Write longer intervals, {_OTHERWISE}.",
    )


def demands_of(definitions: Definitions) -> tuple[Demand, ...]:
    """What each job asks for, in the user's order."""
    return tuple(demand_of(job, definitions.destinations) for job in definitions.jobs)


def _rate(packets_per_second: float) -> str:
    """Rounded up, so that what is above a limit never reads as if it were not."""
    return f"{math.ceil(packets_per_second):,}"


def _longer(seconds: int) -> str:
    """An interval of so many seconds or a little more, as the user writes it."""
    return render_interval(timedelta(seconds=seconds if seconds <= 120 else 60 * math.ceil(seconds / 60)))
