"""How much memory DuckDB may take, and how much it may keep."""

import time
from contextlib import suppress
from math import inf

import duckdb

LIMIT = "2GB"
"""DuckDB's own limit would be 80 % of the machine's memory, which the user's spreadsheet needs too."""
LONG_LOG_BYTES = 16_000_000
"""The log of some 130,000 samples, which fill a row group: to write smaller ones into the file costs more room and
time for each sample, and their merging more memory than is saved here. A log as long is worked into the file between
two batches."""
CHECKPOINT_THRESHOLD = "32MB"
"""Of a log that nobody works into the file meanwhile: the batch that makes it so long does it, which takes a fifth of
a second longer."""
FLUSH_THRESHOLD = "1MB"
"""What DuckDB's allocator keeps at most of what a task has freed; the default would be 128 MB."""
KEPT_BYTES = 32_000_000
"""DuckDB would keep all that its largest answer took, up to the limit, for the next one."""
LOOKED_AT_EVERY_S = 1.0
"""How often it is asked how much is kept, at most."""
KEPT_FOR_S = 60.0
"""Who looked at one chart may look at others: more is kept so long."""
MOST_KEPT_BYTES = 256_000_000
"""More than that is kept for no time."""


class Freeing:
    """When memory is given back.

    To ask how much is kept takes as long as a small commit, so it is asked once a second at most, and not where nothing
    can have come since.
    """

    def __init__(self) -> None:
        self._worked = False
        """Since memory was given back last."""
        self._freed_at_s = time.monotonic()
        self._looked_at_s = -inf

    def note_work(self) -> None:
        """Something was asked or changed."""
        self._worked = True

    def free(self, instance: duckdb.DuckDBPyConnection) -> None:
        """Give back what is kept for too long, or is too much; only while no cursor is at work."""
        now_s = time.monotonic()
        if not self._worked or now_s < self._looked_at_s + LOOKED_AT_EVERY_S:
            return
        self._looked_at_s = now_s
        at_rest = now_s >= self._freed_at_s + KEPT_FOR_S
        free(instance, above_bytes=KEPT_BYTES if at_rest else MOST_KEPT_BYTES)
        if at_rest:
            self._freed_at_s, self._worked = now_s, False


def free(instance: duckdb.DuckDBPyConnection, *, above_bytes: int) -> None:
    """Give back what large answers left in memory if it is more than so much, and keep half as much.

    Only while no cursor is at work, which would fail.
    """
    try:
        [(kept,)] = instance.execute(
            "SELECT coalesce(sum(memory_usage_bytes), 0) FROM duckdb_memory()"
        ).fetchall()
    except duckdb.Error:
        return  # the instance is broken, which whoever needs it next finds out and repairs
    if kept <= above_bytes:
        return
    # Refused where not that much can be freed; what can be is freed all the same.
    with suppress(duckdb.Error):
        instance.execute(f"SET memory_limit = '{above_bytes // 2}B'")
    with suppress(duckdb.Error):
        instance.execute(f"SET memory_limit = '{LIMIT}'")
