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

    def select(self, timeout: float | None = None) -> _Ready:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
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


def on_virtual_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
