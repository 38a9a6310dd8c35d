"""When the user's tables are read again to find out whether they changed."""

from collections.abc import Callable
from threading import Event

from netstats_xl.errors import WorkbookError

READ_EVERY_S = 2.0
READ_SHARE = 0.01
"""Without a word of the workbook's own code, tables are read again this much of the time at most."""


class Polling:
    """The revision of the user's tables: the digest of what was read last."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._told = Event()
        self._read_at = float("-inf")
        self._took_s = 0.0
        self.token = ""
        """Empty before the first reading."""

    def note_change(self) -> None:
        """Something changed: the next poll reads at once. For any thread."""
        self._told.set()

    @property
    def told(self) -> bool:
        """Whether a change was told of that was not read yet."""
        return self._told.is_set()

    def poll(self, digest: Callable[[], str]) -> str:
        """The token; `digest` is called where it is time to read."""
        since, told = self._monotonic() - self._read_at, self.told
        if self.token and not told and since < max(READ_EVERY_S, self._took_s / READ_SHARE):
            return self.token
        # Before reading: a change that comes meanwhile must not be lost.
        self._told.clear()
        self._read_at = self._monotonic()
        try:
            self.token = digest()
        except WorkbookError:
            if told:
                self._told.set()
            raise
        self._took_s = self._monotonic() - self._read_at
        return self.token
