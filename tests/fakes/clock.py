"""A clock that stands still until it is told to go on."""

from datetime import datetime, timedelta


class FakeClock:
    """A `ports.Clock`. The wall clock may be set; the monotonic one only goes on."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._monotonic_s = 1_000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic_s

    def advance(self, *, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic_s += seconds

    def set(self, now: datetime) -> None:
        """Set the wall clock, as an administrator or NTP does."""
        self._now = now
