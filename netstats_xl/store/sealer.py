"""Keeping the rollups: what of them is known in memory, and whose turn it is."""

from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeVar

from netstats_xl.domain.levels import Level
from netstats_xl.domain.zones import parse_zone
from netstats_xl.store import frontier as frontiers
from netstats_xl.store import late, rearranging, sealing
from netstats_xl.store.database import Cursor, Database
from netstats_xl.store.frontier import Frontier

Now = Callable[[], datetime]
LONG_AGO = timedelta(days=45)
"""Minutes and hours that ended before are not written anew when what they add up to is sealed: years may be, by another
clock."""
Result = TypeVar("Result")


class Sealer:
    """Seals the levels of a database's rollups, a step at a time, while results are saved.

    `load`, `add_late` and `entered` are called by whoever writes; the others by any thread.
    """

    def __init__(self, now: Now) -> None:
        """`now`: the present instant, aware UTC."""
        self._now = now
        self._stepping = Lock()
        self._frontier: Frontier | None = None
        self._newest: datetime | None = None
        self._zone = "UTC"
        self._done: tuple[Frontier, tuple[datetime | None, ...]] | None = None
        """With which frontier and targets nothing was due; None: that is not known."""
        self._untidy: deque[rearranging.Region] = deque()

    @property
    def frontier(self) -> Frontier:
        """How far the levels are sealed."""
        assert self._frontier is not None, "the database has been opened"
        return self._frontier

    def load(self, cursor: Cursor) -> None:
        """Take what the tables say."""
        self._done = None
        self._untidy.clear()
        self._frontier = frontiers.load(cursor)
        self._newest = frontiers.newest_tick(cursor, self._frontier)
        rows = cursor.execute(
            "SELECT CASE WHEN json_valid(definition) THEN definition ->> '$.zone' END FROM settings"
        ).fetchall()
        try:
            self._zone = parse_zone(rows[0][0] or "UTC") if rows else "UTC"
        except ValueError:
            # Whoever reads the settings tells the user that they cannot be understood.
            self._zone = self._frontier.zone

    def follow(self, zone: str) -> None:
        """Have the buckets follow this zone's wall clock from the next step on."""
        self._zone = zone

    def add_late(self, cursor: Cursor, ticks: Collection[datetime], first_run: int) -> None:
        """Within the transaction that saves samples of these ticks: add what comes late. Runs begin at `first_run`."""
        late.add(cursor, ticks, first_run, self.frontier)

    def entered(self, ticks: Collection[datetime]) -> None:
        """Samples of these ticks are safe."""
        done = self._done
        if done is not None and any(tick < target for target in done[1] if target for tick in ticks):
            self._done = None
        self._newest = max(ticks if self._newest is None else [self._newest, *ticks], default=None)

    def step(self, database: Database, *, by_clock_until: datetime | None = None) -> bool:
        """Do a bounded piece of work that is due; whether there was any.

        Buckets that end until `by_clock_until` are sealed by the clock alone, even if no later sample was saved.
        """
        with self._stepping:
            before, now = self.frontier, self._now()
            if before.zone != self._zone:
                zone = self._zone
                return self._write(database, before, lambda cursor: sealing.change_zone(cursor, before, zone))
            if sealing.is_ahead(before, now):
                return self._write(database, before, lambda cursor: sealing.unseal(cursor, before, now))
            horizon = _horizon(self._newest, now, by_clock_until)
            wanted = before, sealing.targets(before, horizon)
            if self._done == wanted:
                return self._tidy(database, before)
            # Before it is looked: what comes meanwhile takes it back.
            self._done, stretch, nothing = wanted, None, False
            try:
                stretch = database.read(lambda cursor: sealing.prepare(cursor, before, horizon))
                nothing = stretch is None
            finally:
                if not nothing:
                    self._done = None
            if stretch is None:
                return self._tidy(database, before)
            self._write(database, before, lambda cursor: sealing.put_in_place(cursor, stretch, before))
            if self.frontier is not before and stretch.source[0]:
                self._leave_untidy(stretch)
            return True

    def change(
        self, database: Database, change: Callable[[Cursor, Frontier], tuple[Result, Frontier]]
    ) -> Result:
        """Make another change of the rollups, or of samples that are in them, in a transaction of its own.

        `change` is called again if the file had to be reopened.
        """
        with self._stepping:
            return database.write(lambda cursor: change(cursor, self.frontier), committed=self._take)[0]

    def _leave_untidy(self, stretch: sealing.Stretch) -> None:
        """Note what is to be written anew, now that the stretch is in its place."""
        regions = rearranging.regions_of(stretch.level, stretch.start, stretch.end, self.frontier.zone)
        for region in regions:
            if region.level in (Level.MINUTE, Level.HOUR) and region.end < self._now() - LONG_AGO:
                continue
            self._untidy = deque(each for each in self._untidy if not region.replaces(each))
            self._untidy.append(region)

    def _tidy(self, database: Database, before: Frontier) -> bool:
        """Write some rows anew that lie scattered; whether there were any."""
        if not self._untidy:
            return False
        region = self._untidy[0]
        part = database.read(lambda cursor: rearranging.prepare(cursor, region))
        if self.frontier is not before:
            return True
        if part is None:
            self._untidy.popleft()
            return bool(self._untidy)

        def put_in_place(cursor: Cursor) -> bool:
            # If the file was reopened, what was prepared has gone.
            return self.frontier is before and rearranging.put_in_place(cursor, part)

        def committed(done: bool) -> None:
            if done:
                self._untidy[0] = part.rest

        database.write(put_in_place, committed=committed)
        return True

    def _take(self, changed: tuple[object, Frontier]) -> None:
        self._frontier = changed[1]

    def _write(
        self, database: Database, before: Frontier, change: Callable[[Cursor], Frontier | None]
    ) -> bool:
        def still(cursor: Cursor) -> Frontier | None:
            # If the file was reopened, it may not be what was worked on: the next step begins anew.
            return change(cursor) if self._frontier is before else None

        def committed(after: Frontier | None) -> None:
            if after is not None:
                self._frontier = after

        database.write(still, committed=committed)
        return True


def _horizon(newest: datetime | None, now: datetime, by_clock_until: datetime | None) -> datetime | None:
    """Buckets that end later are left open."""
    known = [min(each, now) for each in (newest, by_clock_until) if each is not None]
    return max(known) - sealing.SETTLE if known else None
