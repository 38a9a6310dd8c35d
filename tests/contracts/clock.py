"""What every `ports.Clock` does."""

from datetime import timedelta

import pytest

from netstats_xl.ports import Clock


class ClockContract:
    """Runs over the fake and over the system's."""

    @pytest.fixture
    def clock(self) -> Clock:
        raise NotImplementedError("the subclass gives its clock")

    def test_instants_are_aware_utc(self, clock: Clock) -> None:
        assert clock.now().utcoffset() == timedelta(0)

    def test_the_monotonic_clock_never_goes_back(self, clock: Clock) -> None:
        readings = [clock.monotonic() for _ in range(1_000)]
        assert readings == sorted(readings)
