"""Adding up what lies in several tables: samples, and rollups of any level. Everything is exact but the histograms.

The figures are those of `domain/tallies.py`, of raw samples by the rules of `domain/rollups.py`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from netstats_xl.domain.histograms import BASE, SHORTEST_MS, UNIT_MS
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Scope
from netstats_xl.domain.tallies import NO_PERCENTILES, RANKED, Percentiles, Sums, percentiles_between
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.planning import Piece, Source, has_histogram
from netstats_xl.store.selection import in_scope

LONGEST_MS = 2_147_483
"""What is longer counts as this, 35 minutes: its microseconds fit into the tables' columns."""

_SUMS = ", ".join(Sums._fields)
_ADDED = ", ".join(f"sum({each}) AS {each}" for each in Sums._fields)
_BIN = f"floor(ln(rtt / {UNIT_MS!r}::DOUBLE) / {math.log(BASE)!r}::DOUBLE)::INTEGER"
"""As `histograms.bin_of`."""

_NARROW = 32


class Histograms(Enum):
    """What is wanted of the histograms."""

    NOTHING = "nothing"
    RANKS = "ranks"
    """The percentiles."""
    BINS = "bins"
    """Each bin's count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a table: those that begin from `start` to `end` (exclusive)."""

    source: Source
    start: datetime
    end: datetime
    after_run: int | None = None
    """Only samples with a later run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What the rows of a group add up to."""

    keys: tuple[object, ...]
    """The values of the keys in the order asked for."""
    sums: Sums
    low_us: int | None
    high_us: int | None
    percentiles: Percentiles = NO_PERCENTILES
    bins: Sequence[tuple[int, int]] = field(default=())
    """Numbers of bins and how many RTTs they hold, in no order."""


def is_narrow(scope: Scope) -> bool:
    """Whether it is about so few destinations that their rows are few, too."""
    return scope.destination_ids is not None and len(scope.destination_ids) <= _NARROW


def parts_of(pieces: Iterable[Piece]) -> list[Part]:
    """The pieces as parts."""
    return [Part(source=piece.source, start=piece.start, end=piece.end) for piece in pieces]


def added_up(
    cursor: Cursor,
    parts: Sequence[Part],
    scope: Scope,
    keys: Sequence[str] = (),
    *,
    edges: Sequence[datetime] = (),
    histograms: Histograms = Histograms.NOTHING,
) -> list[Group]:
    """What the parts add up to for each group that has any round.

    Args:
        cursor: To ask.
        parts: Without a row in common.
        scope: Which jobs and destinations.
        keys: What groups differ in: `edge`, `job`, `destination`, of which these two are the tables' keys.
        edges: Ascending; for the key `edge`, which is the last edge (naive UTC) not after a row's begin.
        histograms: Wanted of them; minutes have none.
    """
    if not parts:
        return []
    statement = _Statement(parts, scope, keys, edges, histograms)
    rows = cursor.execute(statement.text(), statement.parameters).fetchall()
    number = len(keys)
    return [_group(row[:number], row[number:], histograms) for row in rows]


def _group(keys: tuple[object, ...], row: Sequence[Any], histograms: Histograms) -> Group:
    number = len(Sums._fields)
    low_us, high_us, *tail = row[number:]
    percentiles = NO_PERCENTILES
    bins: tuple[tuple[int, int], ...] = ()
    if histograms is Histograms.RANKS and tail[0] is not None:
        known, *numbers = tail
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        percentiles = percentiles_between(known, pairs, low_us=low_us, high_us=high_us)
    elif histograms is Histograms.BINS and tail[0] is not None:
        bins = tuple(zip(*tail, strict=True))
    return Group(
        keys=keys,
        sums=Sums(*map(int, row[:number])),
        low_us=low_us,
        high_us=high_us,
        percentiles=percentiles,
        bins=bins,
    )


class _Statement:
    """The SQL of a question."""

    def __init__(
        self,
        parts: Sequence[Part],
        scope: Scope,
        keys: Sequence[str],
        edges: Sequence[datetime],
        histograms: Histograms,
    ) -> None:
        self._keys = keys
        self._edged = "edge" in keys
        self._histograms = histograms
        self._which, self.parameters = in_scope(scope)
        self._narrow = is_narrow(scope)
        self._samples: list[str] = []
        self._rollups: list[tuple[Level, str]] = []
        """Conditions of the parts."""
        for number, part in enumerate(parts):
            self._add(part, number)
        if self._edged:
            self.parameters["edges"] = [utc_naive(edge) for edge in edges]

    def text(self) -> str:
        """The statement; `keys`, `Sums`, bounds, and what the histograms give are the columns."""
        tables = [*self._rows(), *self._ticks(), *self._packets(), *self._tally(), *self._ranks()]
        tail = self._tail()
        joined = (
            ""
            if not tail
            else f"LEFT JOIN found USING ({', '.join(self._keys)})"
            if self._keys
            else ", found"
        )
        return f"""
            WITH {", ".join(tables)}
            SELECT {_list(self._keys)} {_SUMS}, low_us, high_us {tail} FROM tally {joined} WHERE up + down > 0
        """  # noqa: S608 - built from constants; values are bound

    def _add(self, part: Part, number: int) -> None:
        column = "tick" if part.source is None else "bucket"
        condition = f"{column} >= $start{number} AND {column} < $end{number}"
        self.parameters |= {f"start{number}": utc_naive(part.start), f"end{number}": utc_naive(part.end)}
        if part.after_run is not None:
            condition += f" AND run > $run{number}"
            self.parameters[f"run{number}"] = part.after_run
        condition += self._which
        if part.source is None:
            self._samples.append(condition)
        else:
            self._rollups.append((part.source, condition))

    def _rows(self) -> list[str]:
        """The rows of the tables: `rounds` are samples, `rollups` those of the levels.

        Of few destinations they are kept, as a table is read in whole to find them; else they are read again.
        """
        kept = "MATERIALIZED" if self._narrow else "NOT MATERIALIZED"
        plain = _list([key for key in self._keys if key != "edge"])
        tables = []
        if self._samples:
            columns = "interval_s, sent, received, jitter_sum_ms, jitter_pairs, rtts_ms"
            rounds = _union(
                f"SELECT tick AS begun, {plain} {columns} FROM samples WHERE {where}"  # noqa: S608 - built from constants
                for where in self._samples
            )
            tables.append(f"rounds AS {kept} ({rounds})")
        if self._rollups:
            columns = f"{_SUMS}, low_us, high_us"
            rollups = _union(
                f"SELECT bucket AS begun, {plain} {columns}, {self._bins_of(level)} FROM {_table(level)} WHERE {where}"  # noqa: S608 - built from constants
                for level, where in self._rollups
            )
            tables.append(f"rollups AS {kept} ({rollups})")
        return tables

    def _bins_of(self, level: Level) -> str:
        if self._histograms is not Histograms.NOTHING and has_histogram(level):
            return "first_bin, bins"
        return "NULL::SMALLINT AS first_bin, NULL::UINTEGER[] AS bins"

    def _ticks(self) -> list[str]:
        """The edge of each tick and bucket: rows share them, so this is several times faster than each row's."""
        if not self._edged:
            return []
        instants = _union(
            f"SELECT begun FROM {table}"  # noqa: S608 - built from constants
            for table, parts in (("rounds", self._samples), ("rollups", self._rollups))
            if parts
        )
        return [
            "edges AS (SELECT unnest($edges::TIMESTAMP[]) AS edge)",
            "ticks AS MATERIALIZED (SELECT begun, edge FROM "  # noqa: S608 - built from constants
            f"(SELECT DISTINCT begun FROM ({instants})) ASOF JOIN edges ON begun >= edge)",
        ]

    def _packets(self) -> list[str]:
        """The packets of the samples, counted: by their bins, if these are wanted."""
        if not self._samples:
            return []
        keys = _list(self._keys)
        binned = self._histograms is not Histograms.NOTHING
        by_bin = ["bin"] if binned else []
        return [
            f"packets AS NOT MATERIALIZED (SELECT {keys} {_BOUNDED} AS rtt FROM "  # noqa: S608 - built from constants
            f"(SELECT {keys} unnest(rtts_ms)::DOUBLE AS rtt FROM {self._of('rounds')}) WHERE rtt IS NOT NULL)",
            f"timed AS NOT MATERIALIZED (SELECT {keys} {f'{_BIN} AS bin, ' if binned else ''}"  # noqa: S608 - built from constants
            "(rtt * 1000)::INTEGER AS us FROM packets)",
            f"counts AS MATERIALIZED (SELECT {keys} {_list(by_bin)} count(*) AS n, min(us) AS low_us, "  # noqa: S608 - built from constants
            "max(us) AS high_us, sum(us) AS total_us, sum(us::BIGINT * us) AS squares_us2 FROM timed "
            f"{_group_by([*self._keys, *by_bin])})",
        ]

    def _of(self, table: str) -> str:
        """The table's rows, with their edges where these are a key."""
        return f"{table} JOIN ticks USING (begun)" if self._edged else table

    def _tally(self) -> list[str]:
        """Sums and bounds of each group."""
        keys = _list(self._keys)
        branches = []
        if self._samples:
            of_rounds = ", ".join(f"{_OF_ROUNDS.get(name, '0')} AS {name}" for name in Sums._fields)
            of_packets = ", ".join(
                f"coalesce(sum({name}), 0) AS {name}" if name in _OF_PACKETS else f"0 AS {name}"
                for name in Sums._fields
            )
            group = _group_by(self._keys)
            branches += [
                f"SELECT {keys} {of_rounds}, NULL AS low_us, NULL AS high_us FROM {self._of('rounds')} {group}",  # noqa: S608 - built from constants
                f"SELECT {keys} {of_packets}, min(low_us) AS low_us, max(high_us) AS high_us FROM counts {group}",  # noqa: S608 - built from constants
            ]
        if self._rollups:
            branches.append(f"SELECT {keys} {_SUMS}, low_us, high_us FROM {self._of('rollups')}")  # noqa: S608 - built from constants
        return [
            f"tally AS (SELECT {keys} {_ADDED}, min(low_us) AS low_us, max(high_us) AS high_us "  # noqa: S608 - built from constants
            f"FROM ({_union(branches)}) {_group_by(self._keys)})"
        ]

    def _ranks(self) -> list[str]:
        """What is wanted of each group's histogram."""
        if self._histograms is Histograms.NOTHING:
            return []
        keys = _list(self._keys)
        branches = []
        if self._samples:
            branches.append(f"SELECT {keys} bin, n FROM counts")  # noqa: S608 - built from constants
        if any(has_histogram(level) for level, _ in self._rollups):
            branches.append(
                f"SELECT {keys} first_bin + generate_subscripts(bins, 1) - 1 AS bin, unnest(bins) AS n "  # noqa: S608 - built from constants
                f"FROM {self._of('rollups')} WHERE bins IS NOT NULL"
            )
        if not branches:
            nothing = ", ".join(f"NULL AS {key}" for key in self._keys)
            branches.append(f"SELECT {nothing}{',' if nothing else ''} 0 AS bin, 0 AS n WHERE false")
        binned = (
            f"binned AS (SELECT {keys} bin, sum(n)::BIGINT AS n FROM ({_union(branches)}) WHERE n > 0 "  # noqa: S608 - built from constants
            f"{_group_by([*self._keys, 'bin'])})"
        )
        group = _group_by(self._keys)
        if self._histograms is Histograms.BINS:
            return [
                binned,
                f"found AS (SELECT {keys} list(bin) AS numbers, list(n) AS counts FROM binned {group})",  # noqa: S608 - built from constants
            ]
        partition = f"PARTITION BY {', '.join(self._keys)}" if self._keys else ""
        # As `histograms.ranks_of`.
        ranks = ", ".join(
            f"min(bin) FILTER (upto > floor((total - 1) * {percent} / 100)) AS below{percent}, "
            f"min(bin) FILTER (upto > least(floor((total - 1) * {percent} / 100) + 1, total - 1)) AS above{percent}"
            for percent in RANKED
        )
        return [
            binned,
            f"counted AS (SELECT {keys} bin, (sum(n) OVER ({partition} ORDER BY bin))::BIGINT AS upto, "  # noqa: S608 - built from constants
            f"(sum(n) OVER ({partition}))::BIGINT AS total FROM binned)",
            f"found AS (SELECT {keys} max(total) AS known, {ranks} FROM counted {group})",  # noqa: S608 - built from constants
        ]

    def _tail(self) -> str:
        match self._histograms:
            case Histograms.NOTHING:
                return ""
            case Histograms.RANKS:
                return ", known, " + ", ".join(f"below{percent}, above{percent}" for percent in RANKED)
            case Histograms.BINS:
                return ", numbers, counts"


_BOUNDED = f"""
    CASE WHEN rtt < {SHORTEST_MS!r}::DOUBLE THEN {SHORTEST_MS!r}::DOUBLE
        WHEN rtt > {LONGEST_MS}::DOUBLE THEN {LONGEST_MS}::DOUBLE ELSE rtt END
"""
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
_OF_PACKETS = {"total_us", "squares_us2"}


def _table(level: Level) -> str:
    return f"roll_{level.value}"


def _union(selects: Iterable[str]) -> str:
    return " UNION ALL ".join(selects)


def _list(keys: Sequence[str]) -> str:
    return "".join(f"{key}, " for key in keys)


def _group_by(keys: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(keys)}" if keys else ""
