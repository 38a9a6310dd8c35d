"""Who goes first where a batch is saved and somebody asks: both are Python's work, of which one is done at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

LONGEST_S = 0.05
"""Nobody who asks waits longer, whatever the disk does: a commit that takes its time needs no Python."""


class RightOfWay:
    """Whoever asks lets a batch that is being saved go first, for a moment.

    In turns, each would take twice as long; and of the two only saving has somebody wait who measures.
    """

    def __init__(self) -> None:
        self._is_clear = Event()
        self._is_clear.set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While a batch is saved."""
        self._is_clear.clear()
        try:
            yield
        finally:
            self._is_clear.set()

    def give(self) -> None:
        """Before something is asked."""
        self._is_clear.wait(LONGEST_S)
