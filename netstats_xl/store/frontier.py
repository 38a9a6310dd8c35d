"""How far each level of the rollups is sealed, and what of it could be made again: the table `levels`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from netstats_xl.domain.levels import Level
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.selection import aware

Instants = Mapping[Level, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """What the table `levels` says, in memory. Instants are aware UTC."""

    until: Instants
    """A level holds exactly what the samples before this instant add up to; None: it holds nothing yet."""
    made_from: Instants
    """What lies before cannot be made again from the samples or the level below: they were deleted, or the buckets
    followed another zone's clock. None: all can. Samples before a minute's were deleted."""
    kept_from: Instants
    """Buckets before it were deleted. None: none was."""
    zone: str
    """Whose wall clock the buckets follow."""

    @property
    def samples_until(self) -> datetime | None:
        """All samples before are in each level that is made of samples; None: no sample is."""
        instants = [self.until[Level.MINUTE], self.until[Level.HOUR]]
        known = [each for each in instants if each is not None]
        return min(known) if len(known) == len(instants) else None

    def moved(self, level: Level, until: datetime | None) -> Self:
        """The frontier once this level is sealed until then."""
        return replace(self, until={**self.until, level: until})

    def made_again_from(self, since: datetime, levels: Collection[Level]) -> Self:
        """The frontier once what these levels are made of was deleted before then."""
        known = {level: self.made_from[level] for level in levels}
        later = {level: since if before is None else max(before, since) for level, before in known.items()}
        return replace(self, made_from={**self.made_from, **later})


def load(cursor: Cursor) -> Frontier:
    """The frontier that the table holds."""
    rows = cursor.execute("SELECT level, sealed_until, made_from, kept_from, zone FROM levels").fetchall()
    until, made_from, kept_from = (
        {Level(row[0]): None if row[column] is None else aware(row[column]) for row in rows}
        for column in (1, 2, 3)
    )
    return Frontier(
        until=until,
        made_from=made_from,
        kept_from=kept_from,
        zone=rows[0][4],
    )


def newest_tick(cursor: Cursor, frontier: Frontier) -> datetime | None:
    """The newest tick of the samples that are in no level yet; None: all are."""
    until = frontier.until[Level.MINUTE]
    where, parameters = ("", []) if until is None else ("WHERE tick >= ?", [utc_naive(until)])
    [(newest,)] = cursor.execute(f"SELECT max(tick) FROM samples {where}", parameters).fetchall()  # noqa: S608 - one of the two above
    return None if newest is None else aware(newest)


def save(cursor: Cursor, frontier: Frontier) -> None:
    """Write the frontier into the table."""
    for level in Level:
        cursor.execute(
            """
            UPDATE levels SET sealed_until = $until, made_from = $made, kept_from = $kept, zone = $zone
            WHERE level = $level AND (sealed_until, made_from, kept_from, zone) IS DISTINCT FROM
                ($until::TIMESTAMP, $made::TIMESTAMP, $kept::TIMESTAMP, $zone)
            """,
            {
                "level": level.value,
                "until": _stored(frontier.until[level]),
                "made": _stored(frontier.made_from[level]),
                "kept": _stored(frontier.kept_from[level]),
                "zone": frontier.zone,
            },
        )


def _stored(at: datetime | None) -> datetime | None:
    return None if at is None else utc_naive(at)
