"""Which tables a period is read from."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.levels import Level, bucket_of, buckets
from netstats_xl.domain.results import Period
from netstats_xl.domain.windows import step_edges
from netstats_xl.store.planning import Coverage, Piece, Source, alignment, pieces

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns")
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), LAST - FIRST).map(lambda since: FIRST + since)
NOW = datetime(2026, 3, 15, 12, 34, 50, tzinfo=UTC)


def sealed(until: datetime, zone: str = "UTC", **kept: datetime) -> Coverage:
    """All levels sealed as far as they can be by then."""
    names: dict[str, Source] = {"samples": None, "minutes": Level.MINUTE, "hours": Level.HOUR}
    return Coverage(
        sealed_until={level: bucket_of(level, until, zone) for level in Level},
        kept_from={names[name]: at for name, at in kept.items()},
        zone=zone,
    )


def shown(found: tuple[Piece, ...]) -> list[tuple[str, str, str]]:
    """The pieces as text."""
    return [
        (piece.source or "raw", f"{piece.start:%m-%d %H:%M:%S}", f"{piece.end:%m-%d %H:%M:%S}")
        for piece in found
    ]


def test_a_period_is_read_from_the_coarsest_levels_and_from_finer_ones_at_its_ends() -> None:
    period = Period(start=datetime(2026, 1, 30, 22, 58, 59, tzinfo=UTC), end=NOW)
    found = pieces(period, sealed(NOW - timedelta(minutes=1)), percentiles=False)
    assert shown(found) == [
        ("raw", "01-30 22:58:59", "01-30 22:59:00"),
        ("1m", "01-30 22:59:00", "01-30 23:00:00"),
        ("1h", "01-30 23:00:00", "01-31 00:00:00"),
        ("1d", "01-31 00:00:00", "02-01 00:00:00"),
        ("1mo", "02-01 00:00:00", "03-01 00:00:00"),
        ("1d", "03-01 00:00:00", "03-15 00:00:00"),
        ("1h", "03-15 00:00:00", "03-15 12:00:00"),
        ("1m", "03-15 12:00:00", "03-15 12:33:00"),
        ("raw", "03-15 12:33:00", "03-15 12:34:50"),
    ]


def test_for_percentiles_samples_are_read_where_minutes_would_do_otherwise() -> None:
    period = Period(start=NOW - timedelta(hours=2), end=NOW)
    found = pieces(period, sealed(NOW), percentiles=True)
    assert shown(found) == [
        ("raw", "03-15 10:34:50", "03-15 11:00:00"),
        ("1h", "03-15 11:00:00", "03-15 12:00:00"),
        ("raw", "03-15 12:00:00", "03-15 12:34:50"),
    ]


def test_where_samples_were_deleted_minutes_serve_by_their_beginning() -> None:
    period = Period(start=NOW - timedelta(hours=2), end=NOW)
    coverage = sealed(NOW, samples=datetime(2026, 3, 15, 10, 50, 30, tzinfo=UTC))
    assert shown(pieces(period, coverage, percentiles=True)) == [
        ("1m", "03-15 10:34:50", "03-15 10:51:00"),
        ("raw", "03-15 10:51:00", "03-15 11:00:00"),
        ("1h", "03-15 11:00:00", "03-15 12:00:00"),
        ("raw", "03-15 12:00:00", "03-15 12:34:50"),
    ]


def test_where_minutes_were_deleted_too_hours_serve() -> None:
    period = Period(start=NOW - timedelta(hours=2), end=NOW)
    coverage = sealed(
        NOW,
        samples=datetime(2026, 3, 15, 10, 50, 30, tzinfo=UTC),
        minutes=datetime(2026, 3, 15, 11, 30, tzinfo=UTC),
    )
    for percentiles in (False, True):
        first, *_ = pieces(period, coverage, percentiles=percentiles)
        assert shown((first,)) == [("1h", "03-15 10:34:50", "03-15 12:00:00")]


def test_what_was_deleted_everywhere_is_left_out() -> None:
    kept = datetime(2026, 3, 15, 11, 0, tzinfo=UTC)
    coverage = Coverage(sealed_until=dict.fromkeys(Level, NOW), kept_from=dict.fromkeys((None, *Level), kept))
    found = pieces(
        Period(start=NOW - timedelta(days=90), end=kept + timedelta(hours=1)), coverage, percentiles=True
    )
    assert shown(found) == [("1h", "03-15 11:00:00", "03-15 12:00:00")]


def test_nothing_but_samples_is_read_of_what_is_not_sealed() -> None:
    period = Period(start=NOW - timedelta(days=90), end=NOW)
    for percentiles in (False, True):
        assert shown(pieces(period, Coverage(), percentiles=percentiles)) == [
            ("raw", "12-15 12:34:50", "03-15 12:34:50")
        ]
    assert pieces(Period(start=NOW, end=NOW), Coverage(), percentiles=False) == ()


@given(
    start=instants,
    length=st.timedeltas(timedelta(0), timedelta(days=100)),
    until=st.tuples(*[st.one_of(st.none(), instants)] * 4),
    zone=st.sampled_from(ZONES),
    percentiles=st.booleans(),
    coarsest=st.sampled_from((None, *Level)),
)
def test_pieces_cover_a_period_once_and_keep_to_what_their_levels_hold(
    start: datetime,
    length: timedelta,
    until: tuple[datetime | None, ...],
    zone: str,
    percentiles: bool,
    coarsest: Source,
) -> None:
    coverage = Coverage(
        sealed_until={
            level: bucket_of(level, at, zone)
            for level, at in zip(Level, until, strict=True)
            if at is not None
        },
        zone=zone,
    )
    period = Period(start=start, end=start + length)
    found = pieces(period, coverage, percentiles=percentiles, coarsest=coarsest)
    at = period.start
    for piece in found:
        assert piece.start == at < piece.end
        at = piece.end
        if piece.source is None:
            continue
        assert piece.end <= coverage.sealed_until[piece.source]
        assert all(bucket_of(piece.source, edge, zone) == edge for edge in (piece.start, piece.end))
        assert coarsest is not None
        assert list(Level).index(piece.source) <= list(Level).index(coarsest)
        assert not percentiles or piece.source is not Level.MINUTE
    assert at == period.end


@given(
    start=instants,
    length=st.timedeltas(timedelta(0), timedelta(days=100)),
    kept=st.tuples(instants, instants, instants),
    zone=st.sampled_from(ZONES),
    percentiles=st.booleans(),
)
def test_of_what_was_deleted_everything_is_read_that_is_left_somewhere(
    start: datetime, length: timedelta, kept: tuple[datetime, ...], zone: str, percentiles: bool
) -> None:
    hours, minutes, samples = sorted(kept)
    coverage = Coverage(
        sealed_until={level: bucket_of(level, LAST, zone) for level in Level},
        kept_from={None: samples, Level.MINUTE: minutes} | dict.fromkeys(list(Level)[1:], hours),
        zone=zone,
    )
    period = Period(start=start, end=min(start + length, LAST))
    found = pieces(period, coverage, percentiles=percentiles)
    at = max(period.start, hours)
    for piece in found:
        assert piece.start == at < piece.end
        assert piece.start >= coverage.begins(piece.source)
        at = piece.end
    assert at == period.end or (not found and period.end <= hours)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("level", Level)
def test_edges_are_aligned_with_the_coarsest_level_whose_buckets_begin_at_them(
    level: Level, zone: str
) -> None:
    edges = buckets(level, NOW, NOW + timedelta(days=100), zone)[1:]
    assert alignment(edges, zone) == level
    assert alignment([], zone) is Level.MONTH
    assert alignment([*edges[:-1], edges[-1] + timedelta(seconds=1)], zone) is None


def test_edges_between_whole_minutes_are_aligned_with_no_level() -> None:
    assert alignment(step_edges(NOW - timedelta(hours=1), NOW, 360), "UTC") is None
    assert alignment(step_edges(NOW - timedelta(hours=24), NOW, 360), "UTC") is Level.MINUTE
