"""The room that is left on the database's disk: saving stops before there is none."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from netstats_xl.errors import StoreFull

FLOOR_BYTES = 200_000_000
FLOOR_PART = 0.01
"""Below both, nothing is saved: a full disk harms more than a gap, and not this program alone."""
LOW_FACTOR = 5
"""Below so many times the floor it is told that room runs out."""
RESUME_FACTOR = 1.25
"""Above so many times the floor saving begins again, so that it does not begin and stop with every file of others."""
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Space:
    """Of a disk."""

    total_bytes: int
    free_bytes: int


def space_of(folder: Path) -> Space | None:
    """The space of the disk that holds the folder; None where the system does not say."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return None
    return Space(found.total, found.free)


class Room:
    """Watches the room on one database's disk. Used by whoever writes."""

    def __init__(
        self,
        database: Path,
        *,
        floor_bytes: int | None = None,
        note: Callable[[int | None], None] = lambda _: None,
        space: Callable[[Path], Space | None] = space_of,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`floor_bytes`: None for the smaller of 200 MB and 1 % of the disk; `note` hears how little room is left.

        `note` is called with None once there is enough again.
        """
        self._database = database
        self._floor_bytes = floor_bytes
        self._note = note
        self._space = space
        self._monotonic = monotonic
        self._looked_at_s: float | None = None
        self._is_low = False
        self._refusal: StoreFull | None = None

    def check(self) -> None:
        """See that there is room for saving; the disk is asked once a second at most.

        Raises:
            StoreFull: there is less than the floor, or was and is not clearly more yet.
        """
        now_s = self._monotonic()
        if self._looked_at_s is None or now_s - self._looked_at_s >= LOOK_EVERY_S:
            self._looked_at_s = now_s
            self._look()
        if self._refusal is not None:
            raise self._refusal

    def _look(self) -> None:
        space = self._space(self._database.parent)
        if space is None:
            self._refusal = None  # it is for the writing to fail, or not
            return
        floor = self._floor_bytes
        if floor is None:
            floor = min(FLOOR_BYTES, int(space.total_bytes * FLOOR_PART))
        enough = floor if self._refusal is None else int(floor * RESUME_FACTOR)
        self._refusal = None if space.free_bytes >= enough else self._full(space.free_bytes, floor)
        is_low = space.free_bytes < floor * LOW_FACTOR
        if is_low or self._is_low:
            self._note(space.free_bytes if is_low else None)
        self._is_low = is_low

    def _full(self, free_bytes: int, floor_bytes: int) -> StoreFull:
        return StoreFull(
            f"Only {_megabytes(free_bytes)} are left on the disk that holds {self._database}. So that it does not run "
            f"full, saving waits until there are {_megabytes(int(floor_bytes * RESUME_FACTOR))}. Free some space, or "
            "choose a database on another disk; what was saved before is safe."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 10_000_000 else f"{size / 1e6:,.1f} MB"
