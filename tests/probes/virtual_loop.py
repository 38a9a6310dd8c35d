"""An event loop whose time passes only when nothing else is left to do: tests of timers take no time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_THREADS_WITHIN_S = 10.0
"""So long a thread may take where no timer is left: it knows nothing of virtual time."""
_Ready = list[tuple[selectors.SelectorKey, int]]


class _SkippingSelector(selectors.DefaultSelector):
    """Instead of waiting, puts the clock forward."""

    now = 1_000.0
    in_earnest = False
    """Whether threads are waited for, which take true time."""

    def select(self, timeout: float | None = None) -> _Ready:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.in_earnest:
            return super().select(timeout)
        if timeout is None:
            ready = super().select(_THREADS_WITHIN_S)
            if not ready:
                raise RuntimeError("nothing will ever happen: the test waits for good")
            return ready
        self.now += max(timeout, 0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop on virtual time."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        # From Python 3.12 on asyncio gives the threads a deadline, which virtual time would pass over at once.
        self._skipping.in_earnest = True
        await super().shutdown_default_executor()


def on_virtual_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
