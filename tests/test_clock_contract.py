"""Both clocks keep the contract."""

from datetime import UTC, datetime

import pytest

from netstats_xl.ports import Clock
from netstats_xl.scheduling import SystemClock
from tests.contracts.clock import ClockContract
from tests.fakes.clock import FakeClock


class TestFakeClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return FakeClock(datetime(2026, 11, 23, tzinfo=UTC))


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()
