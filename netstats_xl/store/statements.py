"""The SQL that adds up rows of samples and of the levels: short statements, with bound values.

DuckDB takes longer to plan a long statement than to find some hundred rows. The figures follow the rules of
`domain/rollups.py`, in whole microseconds, as those of `store/rolling.py`.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from netstats_xl.domain.tallies import SUMS
from netstats_xl.store import percentiles
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.planning import Source
from netstats_xl.store.rolling import BIN, BOUNDED, IN_US, JITTER_US, LENGTH_MS, OF_ROUNDS, OF_SAMPLES, TABLES
from netstats_xl.store.selection import Parameters

Keys = tuple[object, ...]
_MICROSECOND = timedelta(microseconds=1)
_FEW = 32
"""Destinations at most whose rows are few."""


class Figures(Enum):
    """What is wanted of a group."""

    ALL = "all"
    PLAIN = "plain"
    """All but what takes as long as the rest together: the squares of the RTTs, and the histogram."""
    SUMS = "sums"
    """All but the histogram."""


def few_destinations(destinations: Collection[object] | None) -> bool:
    """Whether the rows of these destinations, None: of all, are few."""
    return destinations is not None and len(destinations) <= _FEW


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
        return few_destinations(self.destinations)


class Question:
    """What the statements have in common.

    Their columns are the keys, `tallies.SUMS` (NULL: all 0), the least and the greatest RTT in microseconds, and the
    numbers and counts of the bins (NULL: none); of bins that follow each other, the first number.
    """

    def __init__(self, which: Which, keys: Sequence[str], edges: Sequence[datetime]) -> None:
        self.keys = keys
        self.list = "".join(f"{key}, " for key in keys)
        self._plain = [key for key in keys if key != "edge"]
        self.begun = "".join(f"{each}, " for each in ("begun", *self._plain))
        self.few = which.few
        self._edges = [utc_naive(edge) for edge in edges] if "edge" in keys else None
        assert "edge" not in keys[1:], "the edge comes first"
        steps = {later - earlier for earlier, later in pairwise(edges)}
        self._step = steps.pop() if len(steps) == 1 else None
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

    def keys_of(self, begun: datetime, plain: Keys) -> Keys:
        """The keys of a row that began then (naive UTC), of which the others are known."""
        if self._edges is None:
            return plain
        return (self._edges[bisect_right(self._edges, begun) - 1], *plain)

    def each(self, parts: Sequence[Part], *columns: str) -> tuple[str, Parameters]:
        """A query for each of the parts' rows: when it began, its keys but the edge, and these columns.

        To find the edge of few rows takes longer in the database than `keys_of` does.
        """
        return self._selects(parts, self._condition, ["begun", *self._plain, *columns])

    def rows(self, parts: Sequence[Part], *columns: str) -> tuple[str, Parameters]:
        """A FROM clause of the parts' rows with these columns and the keys, and its parameters."""
        begun = () if self._edges is None else ("begun",)
        selects, parameters = self._selects(parts, self._condition, [*begun, *self._plain, *columns])
        if self._edges is None:
            return f"({selects})", parameters
        if self._step is not None:
            # A division costs a tenth of a join.
            parameters |= {
                "first": self._edges[0],
                "last": self._edges[-1],
                "step": self._step // _MICROSECOND,
            }
            since = "(epoch_us(begun) - epoch_us($first::TIMESTAMP)) // $step::BIGINT * $step::BIGINT"
            edge = f"least(make_timestamp(epoch_us($first::TIMESTAMP) + {since}), $last::TIMESTAMP) AS edge"
            # Rows that lie apart come in as many chunks, each of which costs as much as a full one.
            gathered = f"WITH gathered AS {'' if self.few else 'NOT '}MATERIALIZED ({selects})"
            return f"({gathered} SELECT *, {edge} FROM gathered)", parameters  # noqa: S608 - built from constants
        parameters["edges"] = self._edges
        edges = "(SELECT unnest($edges::TIMESTAMP[]) AS edge)"
        if self.few:
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


def _columns(known: Mapping[str, str], *more: str, otherwise: str = "0") -> str:
    return ", ".join([*(known.get(name, otherwise) for name in SUMS), *more])


def of_each_round(
    question: Question, parts: Sequence[Part], most: int, figures: Figures
) -> tuple[str, Parameters]:
    """Of each of the samples, at most so many: its tick, keys but the edge, sums, bounds, and the bins of its RTTs."""
    rows, parameters = question.each(parts, *OF_SAMPLES, "rtts_ms")
    # Rows that lie apart come in as many chunks, each of which would have the lists' expressions begin anew.
    chosen = f"WITH chosen AS MATERIALIZED ({rows} LIMIT {most})"
    bounded = f"SELECT *, [{BOUNDED} FOR rtt IN (rtts_ms::DOUBLE[]) IF rtt IS NOT NULL] AS rtts FROM chosen"  # noqa: S608 - as above
    numbers = f"[{BIN} FOR rtt IN rtts]" if figures is Figures.ALL else "NULL"
    timed = f"SELECT *, [{IN_US} FOR rtt IN rtts] AS us, {numbers} AS numbers FROM ({bounded})"  # noqa: S608 - built from constants
    of_round = _OF_ROUND if figures is not Figures.PLAIN else _OF_ROUND | {"squares_us2": "0"}
    columns = _columns(of_round, "list_min(us)", "list_max(us)", "numbers")
    return f"{chosen} SELECT {question.begun} {columns} FROM ({timed})", parameters  # noqa: S608 - built from constants


def of_rounds(question: Question, parts: Sequence[Part]) -> tuple[str, Parameters]:
    """The sums of samples that are not of their RTTs."""
    rows, parameters = question.rows(parts, *OF_SAMPLES)
    columns = _columns(OF_ROUNDS, "NULL", "NULL", "NULL", "NULL")
    return f"SELECT {question.list} {columns} FROM {rows} {question.group()}", parameters  # noqa: S608 - built from constants


def of_packets(question: Question, parts: Sequence[Part], figures: Figures) -> tuple[str, Parameters]:
    """The sums, bounds and histogram of the samples' RTTs."""
    rows, parameters = question.rows(parts, "rtts_ms")
    squares = "0" if figures is Figures.PLAIN else "sum(us::BIGINT * us)"
    found = f"({packets(question, rows)})"
    if figures is not Figures.ALL:
        columns = _columns(
            {"total_us": "sum(us)::BIGINT", "squares_us2": squares}, "min(us)", "max(us)", "NULL", "NULL"
        )
        statement = f"SELECT {question.list} {columns} FROM {found} {question.group()} HAVING count(*) > 0"  # noqa: S608 - built from constants
        return statement, parameters
    by_bin = f"""
        SELECT {question.list} {BIN} AS bin, count(*) AS n, min(us) AS low_us, max(us) AS high_us, sum(us) AS total,
            {squares} AS squares
        FROM {found} {question.group("bin")}
    """  # noqa: S608 - built from constants
    columns = _columns(
        {"total_us": "sum(total)::BIGINT", "squares_us2": "sum(squares)"},
        "min(low_us)", "max(high_us)", "list(bin)", "list(n)",
    )  # fmt: skip
    statement = f"SELECT {question.list} {columns} FROM ({by_bin}) {question.group()} HAVING count(*) > 0"  # noqa: S608 - built from constants
    return statement, parameters


def of_rollups(question: Question, parts: Sequence[Part], figures: Figures) -> tuple[str, Parameters]:
    """The sums and bounds of rollups."""
    # Numbers of 128 bits take as long to read as all the others.
    names = [name for name in SUMS if name != "squares_us2" or figures is not Figures.PLAIN]
    rows, parameters = question.rows(parts, *names, "low_us", "high_us")
    columns = _columns(
        {name: f"sum({name})" for name in names}, "min(low_us)", "max(high_us)", "NULL", "NULL"
    )
    return f"SELECT {question.list} {columns} FROM {rows} {question.group()}", parameters  # noqa: S608 - built from constants


def of_each_rollup(question: Question, parts: Sequence[Part]) -> tuple[str, Parameters]:
    """Of each of the rollups its bucket, keys but the edge, sums, bounds and histogram; of levels that have these."""
    # A text of its numbers is handed over in a fifth of the time that a list takes.
    rows, parameters = question.each(parts, *SUMS, "low_us", "high_us", "first_bin", "bins::VARCHAR")
    return f"WITH chosen AS MATERIALIZED ({rows}) SELECT * FROM chosen", parameters  # noqa: S608 - built from constants


def of_each_kept(question: Question, parts: Sequence[Part]) -> tuple[str, Parameters]:
    """Of each of the rollups its bucket, keys but the edge, sums, bounds and percentiles; of levels that keep these."""
    rows, parameters = question.each(parts, *SUMS, "low_us", "high_us", percentiles.COLUMNS)
    return f"WITH chosen AS MATERIALIZED ({rows}) SELECT * FROM chosen", parameters  # noqa: S608 - built from constants


def of_histograms(question: Question, parts: Sequence[Part]) -> tuple[str, Parameters]:
    """The histograms of rollups."""
    rows, parameters = question.rows(parts, "first_bin", "bins")
    by_bin = f"SELECT {question.list} bin, sum(n)::BIGINT AS n FROM ({bins(question, rows)}) {question.group('bin')}"  # noqa: S608 - built from constants
    columns = _columns({}, "NULL", "NULL", "list(bin)", "list(n)", otherwise="NULL")
    statement = f"SELECT {question.list} {columns} FROM ({by_bin}) {question.group()} HAVING count(*) > 0"  # noqa: S608 - built from constants
    return statement, parameters


def packets(question: Question, rows: str) -> str:
    """The RTTs of samples in ms, and in whole microseconds."""
    unnested = f"SELECT {question.list} unnest(rtts_ms)::DOUBLE AS rtt FROM {rows}"  # noqa: S608 - built from constants
    bounded = f"SELECT {question.list} {BOUNDED} AS rtt FROM ({unnested}) WHERE rtt IS NOT NULL"  # noqa: S608 - built from constants
    return f"SELECT *, {IN_US} AS us FROM ({bounded})"  # noqa: S608 - built from constants


def bins(question: Question, rows: str) -> str:
    """The histograms' bins that hold anything."""
    bins = "first_bin + generate_subscripts(bins, 1) - 1 AS bin, unnest(bins) AS n"
    return f"SELECT * FROM (SELECT {question.list} {bins} FROM {rows}) WHERE n > 0"  # noqa: S608 - built from constants


_OF_ROUND = {
    "up": "(received > 0)::INTEGER",
    "down": "(received = 0)::INTEGER",
    "up_ms": f"CASE WHEN received > 0 THEN {LENGTH_MS} ELSE 0 END",
    "down_ms": f"CASE WHEN received > 0 THEN 0 ELSE {LENGTH_MS} END",
    "sent": "sent",
    "received": "received",
    "total_us": "coalesce(list_sum(us), 0)::BIGINT",
    "squares_us2": "coalesce(list_sum([each::BIGINT * each FOR each IN us]), 0)",
    "jitter_us": JITTER_US,
    "jitter_pairs": "jitter_pairs",
}
"""As `rolling.OF_ROUNDS`, of one sample, and of its RTTs."""
