"""How many packets leave in a second, over all attempts of all rounds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

CATCH_UP_S = 0.02
"""Timers are late by up to 16 ms (Windows): that is made up for, but no longer standstill, or a burst would follow."""


class Turns:
    """Gives each attempt its turn, so that no more packets a second leave than are allowed. For one event loop."""

    def __init__(
        self,
        packets_per_second: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`now`: a monotonic clock, s; `sleep` waits so many seconds."""
        self.packets_per_second = packets_per_second
        """From the next turn on; it may be changed at any time."""
        self._now = now
        self._sleep = sleep
        self._queue = asyncio.Lock()
        self._free_at = 0.0
        """When the next turn may begin, on the clock."""

    async def turn(self, packets: int) -> None:
        """Wait until so many packets may leave. Turns come in the order in which they were asked for."""
        async with self._queue:
            wait_s = self._free_at - self._now()
            if wait_s > 0:
                await self._sleep(wait_s)
            begins_at = max(self._free_at, self._now() - CATCH_UP_S)
            self._free_at = begins_at + packets / self.packets_per_second
