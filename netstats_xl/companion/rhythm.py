"""How often everything is shown anew: what it costs must stay small beside what it is worth."""

from netstats_xl.ports import Clock

COST_SHARE = 200
"""The time between two full views is at least so many times what the last one cost the processor: half a percent."""
LONGEST_DELAY = 10
"""Times the interval that the user chose: a first view, which asks for everything, must not hold the next ones up."""


class Rhythm:
    """Says when a full view is due. Any thread may ask for one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due_at_s = float("-inf")
        self._wanted = True

    def want(self) -> None:
        """A view is wanted at once."""
        self._wanted = True

    @property
    def due(self) -> bool:
        """Whether a view is due."""
        return self._wanted or self._clock.monotonic() >= self._due_at_s

    def begin(self) -> None:
        """A view is being made: who wants one from now on wants another."""
        self._wanted = False

    def made(self, *, cpu_s: float, every_s: float) -> None:
        """A view was made at this cost; the next is due `every_s` from now, or later where that is too dear."""
        wait_s = min(max(every_s, COST_SHARE * cpu_s), LONGEST_DELAY * every_s)
        self._due_at_s = self._clock.monotonic() + wait_s
