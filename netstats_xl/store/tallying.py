"""Tallies of what lies in several tables, put together in memory: quick where groups are few or RTTs are alike.

The statements are short, as DuckDB takes longer to plan a long one than to find some hundred rows.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from netstats_xl.domain.histograms import BASE, SHORTEST_MS, UNIT_MS
from netstats_xl.domain.tallies import RANKED, SUMS, Tally
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
    """Of a histogram those bins that matter to the percentiles, and the last one."""

    numbers: Sequence[int]
    """Ascending."""
    upto: Sequence[int]
    """How many RTTs there are up to the end of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a table: those that begin from `start` to `end` (exclusive)."""

    source: Source
    start: datetime
    end: datetime
    after_run: int | None = None
    """Only samples with a later run."""
    sign: int = 1
    """-1: the part is to be taken away. It counts where `sign` is a key."""


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


def parts_of(pieces: Iterable[Piece], *, sign: int = 1) -> list[Part]:
    """The pieces as parts."""
    return [Part(source=piece.source, start=piece.start, end=piece.end, sign=sign) for piece in pieces]


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
        keys: What groups differ in: `sign`, `edge`, `job`, `destination`, of which these two are the tables' keys.
        edges: Ascending; for the key `edge`, which is the last edge (naive UTC) not after a row's begin.
        figures: What is wanted; the rest stays empty.
    """
    found: dict[Keys, Tally] = {}
    for addition in additions(cursor, parts, which, keys, edges=edges, figures=figures):
        add_to(found, addition)
    return {group: tally for group, tally in found.items() if not tally.empty}


class Addition(NamedTuple):
    """A part of what a group adds up to."""

    keys: Keys
    sums: Sequence[int] | None
    """In the order of `tallies.SUMS`; None: all 0."""
    low_us: int | None
    high_us: int | None
    numbers: Sequence[int] | None
    """Of the bins that hold any RTT."""
    counts: Sequence[int] | None
    """Of these bins."""


def add_to(found: dict[Keys, Tally], addition: Addition) -> None:
    """Add it to its group's tally."""
    tally = found.get(addition.keys)
    if tally is None:
        tally = found[addition.keys] = Tally()
    if addition.sums is not None:
        tally.add(addition.sums, addition.low_us, addition.high_us)
    if addition.numbers is not None and addition.counts is not None:
        tally.count(addition.numbers, addition.counts)


def additions(
    cursor: Cursor,
    parts: Sequence[Part],
    which: Which,
    keys: Sequence[str],
    *,
    edges: Sequence[datetime] = (),
    figures: Figures = Figures.ALL,
) -> Iterator[Addition]:
    """What `tallies` adds up, in no order; the sums and the histogram of a group may come apart."""
    question = _Question(which, keys, edges)
    samples = [part for part in parts if part.source is None]
    rollups = [part for part in parts if part.source is not None]
    statements = []
    if samples:
        statements += [_of_rounds(question, samples), _of_packets(question, samples, figures)]
    if rollups:
        statements.append(_of_rollups(question, rollups, figures))
    if with_bins := [part for part in rollups if figures is Figures.ALL and has_histogram(part.source)]:
        statements.append(_of_histograms(question, with_bins))
    number = len(keys)
    last = number + len(SUMS)
    for statement, parameters in statements:
        for row in cursor.execute(statement, parameters).fetchall():
            sums = row[number:last]
            # Without keys there is a row even of nothing.
            if sums[-1] is not None or row[-1] is not None:
                yield Addition(row[:number], None if sums[-1] is None else sums, *row[last:])


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
    # The bins that the ranks of `histograms.percentile_among` lie in: those that end behind them and begin before.
    places = [f"floor((total - 1) * {percent} / 100)" for percent in RANKED]
    near = " OR ".join(f"(upto > {place} AND upto - n <= {place} + 1)" for place in places)
    statement = f"""
        WITH binned AS (
            SELECT {question.list} bin, sum(n)::BIGINT AS n FROM ({" UNION ALL ".join(counts)}) {question.group("bin")}
        ),
        counted AS (
            SELECT {question.list} bin, n, (sum(n) OVER ({partition} ORDER BY bin))::BIGINT AS upto,
                (sum(n) OVER ({partition}))::BIGINT AS total
            FROM binned
        )
        SELECT {question.list} list(bin ORDER BY bin), list(upto ORDER BY bin)
        FROM counted WHERE {near} OR upto = total {question.group()} HAVING count(*) > 0
    """  # noqa: S608 - built from constants
    number = len(keys)
    return {row[:number]: Ranks(*row[number:]) for row in cursor.execute(statement, parameters).fetchall()}


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
            known = {"begun": f"{time} AS begun", "sign": f"{part.sign} AS sign"}
            wanted = ", ".join(known.get(column, column) for column in columns)
            selects.append(f"SELECT {wanted} FROM {table} WHERE {where}")  # noqa: S608 - built from constants
        return " UNION ALL ".join(selects), parameters


def bounds(
    cursor: Cursor, parts: Sequence[Part], which: Which, keys: Sequence[str]
) -> dict[Keys, tuple[int | None, int | None]]:
    """The least and the greatest RTT of each group in microseconds; see `tallies` for the arguments."""
    question = _Question(which, keys, ())
    parameters = Parameters()
    selects = []
    if samples := [part for part in parts if part.source is None]:
        rows, bound = question.rows(samples, "rtts_ms")
        parameters |= bound
        in_bounds = ", ".join(
            f"(least(greatest({each}(rtts_ms)::DOUBLE, {SHORTEST_MS!r}), {LONGEST_MS}) * 1000)::INTEGER AS {name}"
            for each, name in (("list_min", "low_us"), ("list_max", "high_us"))
        )
        selects.append(f"SELECT {question.list} {in_bounds} FROM {rows} WHERE rtts_ms IS NOT NULL")  # noqa: S608 - built from constants
    if rollups := [part for part in parts if part.source is not None]:
        rows, bound = question.rows(rollups, "low_us", "high_us")
        parameters |= bound
        selects.append(f"SELECT {question.list} low_us, high_us FROM {rows}")  # noqa: S608 - built from constants
    if not selects:
        return {}
    number = len(keys)
    found = f"({' UNION ALL '.join(selects)})"
    statement = f"SELECT {question.list} min(low_us), max(high_us) FROM {found} {question.group()}"  # noqa: S608 - built from constants
    return {row[:number]: row[number:] for row in cursor.execute(statement, parameters).fetchall()}


def _columns(known: Mapping[str, str], *more: str, otherwise: str = "0") -> str:
    return ", ".join([*(known.get(name, otherwise) for name in SUMS), *more])


def _of_rounds(question: _Question, parts: Sequence[Part]) -> tuple[str, Parameters]:
    rows, parameters = question.rows(parts, *_OF_SAMPLES)
    columns = _columns(_OF_ROUNDS, "NULL", "NULL", "NULL", "NULL")
    return f"SELECT {question.list} {columns} FROM {rows} {question.group()}", parameters  # noqa: S608 - built from constants


def _of_packets(question: _Question, parts: Sequence[Part], figures: Figures) -> tuple[str, Parameters]:
    rows, parameters = question.rows(parts, "rtts_ms")
    squares = "0" if figures is Figures.PLAIN else "sum(us::BIGINT * us)"
    packets = f"({_packets(question, rows)})"
    if figures is not Figures.ALL:
        columns = _columns(
            {"total_us": "sum(us)::BIGINT", "squares_us2": squares}, "min(us)", "max(us)", "NULL", "NULL"
        )
        statement = f"SELECT {question.list} {columns} FROM {packets} {question.group()} HAVING count(*) > 0"  # noqa: S608 - built from constants
        return statement, parameters
    by_bin = f"""
        SELECT {question.list} {_BIN} AS bin, count(*) AS n, min(us) AS low_us, max(us) AS high_us, sum(us) AS total,
            {squares} AS squares
        FROM {packets} {question.group("bin")}
    """  # noqa: S608 - built from constants
    columns = _columns(
        {"total_us": "sum(total)::BIGINT", "squares_us2": "sum(squares)"},
        "min(low_us)", "max(high_us)", "list(bin)", "list(n)",
    )  # fmt: skip
    statement = f"SELECT {question.list} {columns} FROM ({by_bin}) {question.group()} HAVING count(*) > 0"  # noqa: S608 - built from constants
    return statement, parameters


def _of_rollups(question: _Question, parts: Sequence[Part], figures: Figures) -> tuple[str, Parameters]:
    # Numbers of 128 bits take as long to read as all the others.
    names = [name for name in SUMS if name != "squares_us2" or figures is not Figures.PLAIN]
    rows, parameters = question.rows(parts, *names, "low_us", "high_us")
    columns = _columns(
        {name: f"sum({name})" for name in names}, "min(low_us)", "max(high_us)", "NULL", "NULL"
    )
    return f"SELECT {question.list} {columns} FROM {rows} {question.group()}", parameters  # noqa: S608 - built from constants


def _of_histograms(question: _Question, parts: Sequence[Part]) -> tuple[str, Parameters]:
    rows, parameters = question.rows(parts, "first_bin", "bins")
    by_bin = f"SELECT {question.list} bin, sum(n)::BIGINT AS n FROM ({_bins(question, rows)}) {question.group('bin')}"  # noqa: S608 - built from constants
    columns = _columns({}, "NULL", "NULL", "list(bin)", "list(n)", otherwise="NULL")
    statement = f"SELECT {question.list} {columns} FROM ({by_bin}) {question.group()} HAVING count(*) > 0"  # noqa: S608 - built from constants
    return statement, parameters


def _packets(question: _Question, rows: str) -> str:
    """The RTTs of samples in ms, and in whole microseconds."""
    unnested = f"SELECT {question.list} unnest(rtts_ms)::DOUBLE AS rtt FROM {rows}"  # noqa: S608 - built from constants
    bounded = f"SELECT {question.list} {_BOUNDED} AS rtt FROM ({unnested}) WHERE rtt IS NOT NULL"  # noqa: S608 - built from constants
    return f"SELECT *, (rtt * 1000)::INTEGER AS us FROM ({bounded})"  # noqa: S608 - built from constants


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
# To hand over a number of 128 bits takes several times as long: sums are not of that size, but for the squares.
_OF_SAMPLES = ("interval_s", "sent", "received", "jitter_sum_ms", "jitter_pairs")
_OF_ROUNDS = {
    "up": "count(*) FILTER (received > 0)",
    "down": "count(*) FILTER (received = 0)",
    "up_ms": "coalesce(sum((interval_s * 1000)::BIGINT) FILTER (received > 0), 0)::BIGINT",
    "down_ms": "coalesce(sum((interval_s * 1000)::BIGINT) FILTER (received = 0), 0)::BIGINT",
    "sent": "coalesce(sum(sent), 0)::BIGINT",
    "received": "coalesce(sum(received), 0)::BIGINT",
    "jitter_us": "coalesce(sum((jitter_sum_ms * 1000)::BIGINT), 0)::BIGINT",
    "jitter_pairs": "coalesce(sum(jitter_pairs), 0)::BIGINT",
}
