"""Whether the rollups are what the samples add up to: they are made again and compared, to the last digit."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from netstats_xl.domain.levels import Level, bucket_of, buckets, edge_after, edge_from
from netstats_xl.store import frontier as frontiers
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.frontier import Frontier
from netstats_xl.store.percentiles import COLUMNS, with_percentiles
from netstats_xl.store.rolling import (
    TABLES,
    Bucketing,
    columns_of,
    keeps_percentiles,
    merged,
    of_samples,
)
from netstats_xl.store.sealing import reach
from netstats_xl.store.selection import Parameters, aware

MOST_TOLD = 20
"""How many differences are told of a level."""
_LAST_DIGITS = 1e-9
"""Of a percentile: one machine's logarithm may differ from another's."""
_MADE_OF = {
    Level.MINUTE: "the samples",
    Level.HOUR: "the samples",
    Level.DAY: "the hours",
    Level.MONTH: "the days",
}
_BELOW = {Level.DAY: Level.HOUR, Level.MONTH: Level.DAY}


def check_rollups(cursor: Cursor) -> list[str]:
    """In what the rollups differ from what they are made of, in words; empty: in nothing.

    Minutes and hours are compared with the samples as far back as all samples are there, days with the hours and
    months with the days.
    """
    cursor.execute("BEGIN")
    frontier = frontiers.load(cursor)
    told = [difference for level in Level for difference in _of_level(cursor, level, frontier)]
    cursor.execute("ROLLBACK")
    return told


def _of_level(cursor: Cursor, level: Level, frontier: Frontier) -> list[str]:
    until = frontier.until[level]
    table = TABLES[level]
    where, parameters = ("", []) if until is None else ("WHERE bucket >= ?", [utc_naive(until)])
    [(beyond,)] = cursor.execute(f"SELECT count(*) FROM {table} {where}", parameters).fetchall()  # noqa: S608 - a table of this package
    told = [f"{table} holds {beyond} rows of buckets that are not sealed"] if beyond else []
    for start, end in _stretches(cursor, level, frontier) if until is not None else ():
        told += _differences(cursor, level, start, end, frontier.zone)
        if keeps_percentiles(level):
            told += _wrong_percentiles(cursor, level, start, end)
        if len(told) > MOST_TOLD:
            return [*told[:MOST_TOLD], f"{table} differs in more than that"]
    return told


def _stretches(cursor: Cursor, level: Level, frontier: Frontier) -> Iterator[tuple[datetime, datetime]]:
    """Stretches of whole buckets in which there is anything, ascending."""
    until, zone = frontier.until[level], frontier.zone
    below = _BELOW.get(level)
    made_of = "tick FROM samples" if below is None else f"bucket FROM {TABLES[below]}"
    entries = f"SELECT bucket AS begins FROM {TABLES[level]} UNION ALL SELECT {made_of}"  # noqa: S608 - built from constants
    [(first, last)] = cursor.execute(f"SELECT min(begins), max(begins) FROM ({entries})").fetchall()  # noqa: S608 - built from constants
    if first is None or until is None:
        return
    start = bucket_of(level, aware(first), zone)
    if below is None:
        bounds = [frontier.made_from[level], frontier.kept_from[level]]
        start = max([start, *(edge_from(level, each, zone) for each in bounds if each is not None)])
    target = min(edge_after(level, aware(last), zone), until)
    while start < target:
        end = reach(level, start, target, zone, partial(_count, cursor, entries, start))
        if _count(cursor, entries, start, end):
            yield start, end
        start = end


def _count(cursor: Cursor, entries: str, start: datetime, end: datetime) -> int:
    [(count,)] = cursor.execute(
        f"SELECT count(*) FROM ({entries}) WHERE begins >= ? AND begins < ?",  # noqa: S608 - built from constants
        [utc_naive(start), utc_naive(end)],
    ).fetchall()
    return int(count)


def _differences(cursor: Cursor, level: Level, start: datetime, end: datetime, zone: str) -> list[str]:
    below = _BELOW.get(level)
    parameters: Parameters = {"start": utc_naive(start), "end": utc_naive(end)}
    edges = {"edges": [utc_naive(each) for each in buckets(level, start, end, zone)]}
    kept = merged(level, "bucket >= $start AND bucket < $end", Bucketing.OWN)
    if below is not None:
        made = merged(below, "bucket >= $start AND bucket < $end", Bucketing.EDGES)
    else:
        made = of_samples(
            level,
            "tick >= $start AND tick < $end",
            Bucketing.MINUTE if level is Level.MINUTE else Bucketing.EDGES,
        )
    columns = columns_of(level).split(", ")
    found = cursor.execute(
        f"""
        WITH kept AS ({kept}), made AS ({made})
        SELECT bucket, job, destination, {", ".join(f"kept.{each}, made.{each}" for each in columns[3:])}
        FROM kept FULL JOIN made USING (bucket, job, destination)
        WHERE ({", ".join(f"kept.{each}" for each in columns[3:])}) IS DISTINCT FROM
            ({", ".join(f"made.{each}" for each in columns[3:])})
        ORDER BY bucket, job, destination LIMIT {MOST_TOLD + 1}
        """,  # noqa: S608 - built from constants
        parameters if level is Level.MINUTE else parameters | edges,
    ).fetchall()
    return [
        f"{TABLES[level]} at {bucket} UTC, job {job}, destination {destination}: "
        + ", ".join(
            f"{name} is {pair[0]}, and {_MADE_OF[level]} say {pair[1]}"
            for name, pair in zip(columns[3:], zip(values[::2], values[1::2], strict=True), strict=True)
            if pair[0] != pair[1]
        )
        for bucket, job, destination, *values in found
    ]


def _wrong_percentiles(cursor: Cursor, level: Level, start: datetime, end: datetime) -> list[str]:
    """In what the percentiles that rows keep differ from those of their histograms, but for the last digits."""
    names = COLUMNS.split(", ")
    table = TABLES[level]
    rows = (
        f"SELECT * EXCLUDE ({COLUMNS}), {', '.join(f'{each} AS kept_{each}' for each in names)} FROM {table}"  # noqa: S608 - built from constants
    )
    found = with_percentiles(f"{rows} WHERE bucket >= $start AND bucket < $end AND {names[0]} IS NOT NULL")
    wrong = " OR ".join(
        f"coalesce(abs(kept_{each} - {each}) > {_LAST_DIGITS} * {each}, kept_{each} IS DISTINCT FROM {each})"
        for each in names
    )
    columns = ", ".join(f"kept_{each}, {each}" for each in names)
    return [
        f"{table} at {bucket} UTC, job {job}, destination {destination}: "
        + ", ".join(
            f"{name} is {kept}, and its histogram says {true}"
            for name, kept, true in zip(names, values[::2], values[1::2], strict=True)
            if kept != true
        )
        for bucket, job, destination, *values in cursor.execute(
            f"SELECT bucket, job, destination, {columns} FROM ({found}) WHERE {wrong} "  # noqa: S608 - built from constants
            f"ORDER BY bucket, job, destination LIMIT {MOST_TOLD + 1}",
            {"start": utc_naive(start), "end": utc_naive(end)},
        ).fetchall()
    ]
