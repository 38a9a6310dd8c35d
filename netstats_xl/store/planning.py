"""Which tables a period's rounds are read from: each stretch of it from the coarsest level that will do.

A bucket belongs to the period that it begins in. Buckets that were cut by another time zone's clock before the zone
was changed may begin elsewhere than those of today; where a piece ends among such buckets, up to an hour of them is
counted at the wrong side of its end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from netstats_xl.domain.levels import Level, bucket_of, buckets, edge_from
from netstats_xl.domain.results import Period

Source = Level | None
"""A level's table; None: the raw samples."""
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_AT_LEAST = {
    Level.MINUTE: timedelta(minutes=1),
    Level.HOUR: timedelta(minutes=15),
    Level.DAY: timedelta(hours=20),
    Level.MONTH: timedelta(days=27),
}
"""No two buckets of a level begin closer to each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of time, and where it is read from."""

    source: Source
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the tables hold. Instants are aware UTC."""

    sealed_until: Mapping[Level, datetime] = field(default_factory=dict)
    """A level that is missing holds nothing yet."""
    kept_from: Mapping[Source, datetime] = field(default_factory=dict)
    """Rows that begin before this have been deleted; where it is missing, none have."""
    zone: str = "UTC"
    """Whose wall clock the buckets follow."""

    def begins(self, source: Source) -> datetime:
        """From when on nothing has been deleted."""
        return self.kept_from.get(source, _EARLIEST)


def pieces(
    period: Period, coverage: Coverage, *, percentiles: bool, coarsest: Source = Level.MONTH
) -> tuple[Piece, ...]:
    """The pieces that the period is put together from: ascending, without overlap or gap.

    Only what was deleted from every table is left out.

    Args:
        period: Any.
        coverage: What the tables hold.
        percentiles: Whether histograms are needed, which minutes do not have: these serve only where no samples are
            left.
        coarsest: The coarsest level that may be used; None: samples alone, as long as there are any.
    """
    allowed = [] if coarsest is None else list(Level)[: list(Level).index(coarsest) + 1]
    levels = [level for level in reversed(allowed) if not (percentiles and level is Level.MINUTE)]
    joined: list[Piece] = []
    for piece in _coarse(period.start, period.end, levels, coverage):
        if joined and (joined[-1].source, joined[-1].end) == (piece.source, piece.start):
            joined[-1] = Piece(source=piece.source, start=joined[-1].start, end=piece.end)
        else:
            joined.append(piece)
    return tuple(joined)


def has_histogram(source: Source) -> bool:
    """Whether percentiles can be found from it."""
    return source is not Level.MINUTE


def alignment(edges: Sequence[datetime], zone: str) -> Source:
    """The coarsest level at whose buckets' starts all the ascending edges lie; None: at no level's."""
    shortest = min((after - before for before, after in pairwise(edges)), default=timedelta.max)
    # The coarser the level, the fewer buckets are to be compared.
    for level in reversed(Level):
        if shortest >= _AT_LEAST[level] and _all_begin_buckets(level, edges, zone):
            return level
    return None


def _all_begin_buckets(level: Level, edges: Sequence[datetime], zone: str) -> bool:
    if not edges:
        return True
    if level is Level.MINUTE:
        return all(bucket_of(level, edge, zone) == edge for edge in edges)
    return set(buckets(level, edges[0], edges[-1] + _INSTANT, zone)).issuperset(edges)


def _coarse(start: datetime, end: datetime, levels: Sequence[Level], coverage: Coverage) -> Iterator[Piece]:
    """The buckets of the first level that lie within, and finer pieces at their sides."""
    if start >= end:
        return
    if not levels:
        yield from _fine(start, end, (None, *Level), coverage)
        return
    level, *finer = levels
    zone = coverage.zone
    low = edge_from(level, max(start, coverage.begins(level)), zone)
    high = bucket_of(level, min(end, coverage.sealed_until.get(level, start)), zone)
    if low >= high:
        yield from _coarse(start, end, finer, coverage)
        return
    yield from _coarse(start, low, finer, coverage)
    yield Piece(source=level, start=low, end=high)
    yield from _coarse(high, end, finer, coverage)


def _fine(start: datetime, end: datetime, sources: Sequence[Source], coverage: Coverage) -> Iterator[Piece]:
    """Pieces of the first source that is kept; where it is not, of the next one, by where its buckets begin."""
    if start >= end or not sources:
        return
    source, *coarser = sources
    kept = coverage.begins(source)
    usable = kept
    if kept > start:
        # What begins within a coarser source's bucket is read from that, if it is there.
        following = next((each for each in coarser if each and coverage.begins(each) <= kept), None)
        usable = kept if following is None else edge_from(following, kept, coverage.zone)
    split = min(max(usable, start), end)
    yield from _fine(start, split, coarser, coverage)
    if split < end:
        yield Piece(source=source, start=split, end=end)
