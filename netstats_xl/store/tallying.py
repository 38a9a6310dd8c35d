"""Tallies of what lies in several tables, put together in memory: quick where groups are few or RTTs are alike.

The statements are short, as DuckDB takes longer to plan a long one than to find some hundred rows.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from netstats_xl.domain.histograms import BASE, SHORTEST_MS, UNIT_MS
from netstats_xl.domain.tallies import RANKED, Sums, Tally
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.planning import Piece, Source, has_histogram
from netstats_xl.store.rolling import LONGEST_MS, TABLES
from netstats_xl.store.selection import Parameters

Keys = tuple[object, ...]
_FEW = 32
"""Destinations at most whose rows are few."""


class Figures(Enum):
    """What is wanted of a group."""

    ALL = "all"
    PLAIN = "plain"
    """All but what takes as long as the rest together: the squares of the RTTs, and the histogram."""
    SUMS = "sums"
    """All but the histogram."""


class Ranks(NamedTuple):
    """How many RTTs a histogram holds, and for each of `RANKED` the bins that hold its two ranks."""

    total: int
    bins: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a table: those that begin from `start` to `end` (exclusive)."""

    source: Source
    start: datetime
    end: datetime
    after_run: int | None = None
    """Only samples with a later run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Rows of these jobs and destinations, by the tables' keys; None: of all."""

    jobs: Sequence[int] | None = None
    destinations: Sequence[int] | None = None

    @property
    def few(self) -> bool:
        """Whether the rows are few."""
        return self.destinations is not None and len(self.destinations) <= _FEW


EVERY = Which()


def parts_of(pieces: Iterable[Piece]) -> list[Part]:
    """The pieces as parts."""
    return [Part(source=piece.source, start=piece.start, end=piece.end) for piece in pieces]


def tallies(
    cursor: Cursor,
    parts: Sequence[Part],
    which: Which,
    keys: Sequence[str] = (),
    *,
    edges: Sequence[datetime] = (),
    figures: Figures = Figures.ALL,
) -> dict[Keys, Tally]:
    """What the parts add up to, for each group that has any round.

    Args:
        cursor: To ask.
        parts: Without a row in common.
        which: Of which jobs and destinations.
        keys: What groups differ in: `edge`, `job`, `destination`, of which these two are the tables' keys.
        edges: Ascending; for the key `edge`, which is the last edge (naive UTC) not after a row's begin.
        figures: What is wanted; the rest stays empty.
    """
    question = _Question(which, keys, edges)
    found: dict[Keys, Tally] = {}
    samples = [part for part in parts if part.source is None]
    rollups = [part for part in parts if part.source is not None]
    with_bins = [part for part in rollups if figures is Figures.ALL and has_histogram(part.source)]
    if samples:
        _add_rounds(cursor, question, samples, found)
        _add_packets(cursor, question, samples, figures, found)
    if rollups:
        _add_rollups(cursor, question, rollups, figures, found)
    if with_bins:
        _add_histograms(cursor, question, with_bins, found)
    return {group: tally for group, tally in found.items() if tally.sums.up or tally.sums.down}


def ranks(
    cursor: Cursor, parts: Sequence[Part], which: Which, keys: Sequence[str], edges: Sequence[datetime]
) -> dict[Keys, Ranks]:
    """Where in the histogram of each group its percentiles lie; for groups that are too many to keep all their bins.

    See `tallies` for the arguments.
    """
    question = _Question(which, keys, edges)
    parameters = Parameters()
    counts = []
    samples = [part for part in parts if part.source is None]
    if samples:
        rows, bound = question.rows(samples, "rtts_ms")
        parameters |= bound
        counts.append(f"SELECT {question.list} {_BIN} AS bin, 1 AS n FROM ({_packets(question, rows)})")  # noqa: S608 - built from constants
    rollups = [part for part in parts if part.source is not None and has_histogram(part.source)]
    if rollups:
        rows, bound = question.rows(rollups, "first_bin", "bins")
        parameters |= bound
        counts.append(_bins(question, rows))
    if not counts:
        return {}
    partition = f"PARTITION BY {', '.join(keys)}" if keys else ""
    # As `histograms.ranks_of`.
    places = [f"floor((total - 1) * {percent} / 100)" for percent in RANKED]
    found = ", ".join(
        f"min(bin) FILTER (upto > {place}), min(bin) FILTER (upto > least({place} + 1, total - 1))"
        for place in places
    )
    statement = f"""
        WITH binned AS (
            SELECT {question.list} bin, sum(n)::BIGINT AS n FROM ({" UNION ALL ".join(counts)}) {question.group("bin")}
        ),
        counted AS (
            SELECT {question.list} bin, (sum(n) OVER ({partition} ORDER BY bin))::BIGINT AS upto,
                (sum(n) OVER ({partition}))::BIGINT AS total
            FROM binned
        )
        SELECT {question.list} max(total), {found} FROM counted {question.group()}
    """  # noqa: S608 - built from constants
    number = len(keys)
    return {
        row[:number]: Ranks(row[number], tuple(zip(row[number + 1 :: 2], row[number + 2 :: 2], strict=True)))
        for row in cursor.execute(statement, parameters).fetchall()
        if row[number]
    }


class _Question:
    """What the statements have in common."""

    def __init__(self, which: Which, keys: Sequence[str], edges: Sequence[datetime]) -> None:
        self.keys = keys
        self.list = "".join(f"{key}, " for key in keys)
        self._plain = [key for key in keys if key != "edge"]
        self._few = which.few
        self._edges = [utc_naive(edge) for edge in edges] if "edge" in keys else None
        self._condition = ""
        self._bound: Parameters = {}
        for column, wanted in (("job", which.jobs), ("destination", which.destinations)):
            if wanted is None:
                continue
            if len(wanted) > _FEW:
                self._condition += f" AND {column} IN (SELECT unnest(${column}s::INTEGER[]))"
                self._bound[f"{column}s"] = list(wanted)
                continue
            # Single values find rows sooner than a table of them would.
            names = [f"{column}{number}" for number in range(len(wanted))]
            self._condition += f" AND {column} IN ({', '.join(f'${name}' for name in names) or 'NULL'})"
            self._bound |= dict(zip(names, wanted, strict=True))

    def group(self, *more: str) -> str:
        """The GROUP BY clause."""
        keys = [*self.keys, *more]
        return f"GROUP BY {', '.join(keys)}" if keys else ""

    def rows(self, parts: Sequence[Part], *columns: str) -> tuple[str, Parameters]:
        """A FROM clause of the parts' rows with these columns and the keys, and its parameters."""
        begun = () if self._edges is None else ("begun",)
        selects, parameters = self._selects(parts, self._condition, [*begun, *self._plain, *columns])
        if self._edges is None:
            return f"({selects})", parameters
        parameters["edges"] = self._edges
        edges = "(SELECT unnest($edges::TIMESTAMP[]) AS edge)"
        if self._few:
            return f"({selects}) ASOF JOIN {edges} ON begun >= edge", parameters
        # Rows share their beginnings: to find the edge of each of these, not of each row, is several times faster.
        instants, _ = self._selects(parts, "", ["begun"])
        distinct = f"(SELECT DISTINCT begun FROM ({instants}))"  # noqa: S608 - built from constants
        shared = f"(SELECT begun, edge FROM {distinct} ASOF JOIN {edges} ON begun >= edge)"  # noqa: S608 - built from constants
        return f"({selects}) JOIN {shared} USING (begun)", parameters

    def _selects(
        self, parts: Sequence[Part], condition: str, columns: Sequence[str]
    ) -> tuple[str, Parameters]:
        parameters = dict(self._bound)
        selects = []
        for number, part in enumerate(parts):
            table, time = ("samples", "tick") if part.source is None else (TABLES[part.source], "bucket")
            where = f"{time} >= ${time}_from{number} AND {time} < ${time}_to{number}{condition}"
            parameters |= {
                f"{time}_from{number}": utc_naive(part.start),
                f"{time}_to{number}": utc_naive(part.end),
            }
            if part.after_run is not None:
                where += f" AND run > $run{number}"
                parameters[f"run{number}"] = part.after_run
            wanted = ", ".join(f"{time} AS begun" if column == "begun" else column for column in columns)
            selects.append(f"SELECT {wanted} FROM {table} WHERE {where}")  # noqa: S608 - built from constants
        return " UNION ALL ".join(selects), parameters


def _tally(found: dict[Keys, Tally], keys: Keys) -> Tally:
    tally = found.get(keys)
    if tally is None:
        tally = found[keys] = Tally()
    return tally


def _add_rounds(cursor: Cursor, question: _Question, parts: Sequence[Part], found: dict[Keys, Tally]) -> None:
    rows, parameters = question.rows(parts, *_OF_SAMPLES)
    statement = f"SELECT {question.list} {', '.join(_OF_ROUNDS.values())} FROM {rows} {question.group()}"  # noqa: S608 - built from constants
    number = len(question.keys)
    for row in cursor.execute(statement, parameters).fetchall():
        sums = dict(zip(_OF_ROUNDS, map(int, row[number:]), strict=True))
        _tally(found, row[:number]).add(Sums(**sums), None, None)


def _add_packets(
    cursor: Cursor, question: _Question, parts: Sequence[Part], figures: Figures, found: dict[Keys, Tally]
) -> None:
    rows, parameters = question.rows(parts, "rtts_ms")
    by_bin = figures is Figures.ALL
    squares = "sum(us::BIGINT * us)" if figures is not Figures.PLAIN else "0"
    statement = f"""
        SELECT {question.list} {"bin" if by_bin else "0"}, count(*), min(us), max(us), sum(us), {squares}
        FROM (
            SELECT {question.list} {f"{_BIN} AS bin," if by_bin else ""} (rtt * 1000)::INTEGER AS us
            FROM ({_packets(question, rows)})
        ) {question.group(*(["bin"] if by_bin else []))}
    """  # noqa: S608 - built from constants
    number = len(question.keys)
    for row in cursor.execute(statement, parameters).fetchall():
        number_of_bin, count, low_us, high_us, total_us, squares_us2 = row[number:]
        if count:
            tally = _tally(found, row[:number])
            tally.add(Sums(total_us=int(total_us), squares_us2=int(squares_us2)), low_us, high_us)
            if by_bin:
                tally.count(((number_of_bin, count),))


def _add_rollups(
    cursor: Cursor, question: _Question, parts: Sequence[Part], figures: Figures, found: dict[Keys, Tally]
) -> None:
    # Numbers of 128 bits take as long to read as all the others.
    names = [name for name in Sums._fields if name != "squares_us2" or figures is not Figures.PLAIN]
    rows, parameters = question.rows(parts, *names, "low_us", "high_us")
    sums = ", ".join(f"sum({name})" for name in names)
    statement = f"SELECT {question.list} {sums}, min(low_us), max(high_us) FROM {rows} {question.group()}"  # noqa: S608 - built from constants
    number = len(question.keys)
    for row in cursor.execute(statement, parameters).fetchall():
        *values, low_us, high_us = row[number:]
        if values[0] is not None:
            added = Sums(**dict(zip(names, map(int, values), strict=True)))
            _tally(found, row[:number]).add(added, low_us, high_us)


def _add_histograms(
    cursor: Cursor, question: _Question, parts: Sequence[Part], found: dict[Keys, Tally]
) -> None:
    rows, parameters = question.rows(parts, "first_bin", "bins")
    number = len(question.keys)
    statement = (
        f"SELECT {question.list} bin, sum(n)::BIGINT FROM ({_bins(question, rows)}) {question.group('bin')}"  # noqa: S608 - built from constants
    )
    for row in cursor.execute(statement, parameters).fetchall():
        _tally(found, row[:number]).count((row[number:],))


def _packets(question: _Question, rows: str) -> str:
    """The RTTs of samples, ms."""
    unnested = f"SELECT {question.list} unnest(rtts_ms)::DOUBLE AS rtt FROM {rows}"  # noqa: S608 - built from constants
    return f"SELECT {question.list} {_BOUNDED} AS rtt FROM ({unnested}) WHERE rtt IS NOT NULL"  # noqa: S608 - built from constants


def _bins(question: _Question, rows: str) -> str:
    """The histograms' bins that hold anything."""
    bins = "first_bin + generate_subscripts(bins, 1) - 1 AS bin, unnest(bins) AS n"
    return f"SELECT * FROM (SELECT {question.list} {bins} FROM {rows}) WHERE n > 0"  # noqa: S608 - built from constants


_BIN = f"floor(ln(rtt / {UNIT_MS!r}::DOUBLE) / {math.log(BASE)!r}::DOUBLE)::INTEGER"
"""As `histograms.bin_of`."""
_BOUNDED = f"""
    CASE WHEN rtt < {SHORTEST_MS!r}::DOUBLE THEN {SHORTEST_MS!r}::DOUBLE
        WHEN rtt > {LONGEST_MS}::DOUBLE THEN {LONGEST_MS}::DOUBLE ELSE rtt END
"""
_OF_SAMPLES = ("interval_s", "sent", "received", "jitter_sum_ms", "jitter_pairs")
_OF_ROUNDS = {
    "up": "count(*) FILTER (received > 0)",
    "down": "count(*) FILTER (received = 0)",
    "up_ms": "coalesce(sum((interval_s * 1000)::BIGINT) FILTER (received > 0), 0)",
    "down_ms": "coalesce(sum((interval_s * 1000)::BIGINT) FILTER (received = 0), 0)",
    "sent": "coalesce(sum(sent), 0)",
    "received": "coalesce(sum(received), 0)",
    "jitter_us": "coalesce(sum((jitter_sum_ms * 1000)::BIGINT), 0)",
    "jitter_pairs": "coalesce(sum(jitter_pairs), 0)",
}
