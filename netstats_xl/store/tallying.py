"""Tallies of what lies in several tables, put together in memory."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from netstats_xl.domain.tallies import RANKED, SUMS, Tally
from netstats_xl.store.database import Cursor
from netstats_xl.store.planning import Piece, has_histogram
from netstats_xl.store.rolling import BIN
from netstats_xl.store.selection import Parameters
from netstats_xl.store.statements import (
    Figures,
    Keys,
    Part,
    Question,
    Which,
    bins,
    of_each_rollup,
    of_each_round,
    of_histograms,
    of_packets,
    of_rollups,
    of_rounds,
    packets,
)

FEW_ROUNDS = 5_000
"""So many are sooner added up here than in the database, where a destination has many of them."""


class Ranks(NamedTuple):
    """Of a histogram those bins that matter to the percentiles, and the last one."""

    numbers: Sequence[int]
    """Ascending."""
    upto: Sequence[int]
    """How many RTTs there are up to the end of each."""


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
    found: dict[Keys, Tally] = {}
    singly = FEW_ROUNDS if which.few else 0
    for addition in additions(cursor, parts, which, keys, edges=edges, figures=figures, singly=singly):
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
    """Of these bins; None: one RTT in each of the numbers, which may be there several times."""
    at: datetime | None
    """The tick (naive UTC) of a single round."""


def add_to(found: dict[Keys, Tally], addition: Addition) -> None:
    """Add it to its group's tally."""
    tally = found.get(addition.keys)
    if tally is None:
        tally = found[addition.keys] = Tally()
    if addition.sums is not None:
        tally.add(addition.sums, addition.low_us, addition.high_us, addition.at)
    if addition.numbers is not None:
        tally.count(addition.numbers, addition.counts)


def additions(
    cursor: Cursor,
    parts: Sequence[Part],
    which: Which,
    keys: Sequence[str],
    *,
    edges: Sequence[datetime] = (),
    figures: Figures = Figures.ALL,
    singly: int = 0,
) -> Iterator[Addition]:
    """What `tallies` adds up, in no order; the sums and the histogram of a group may come apart.

    Rounds come one by one, with their ticks, where there are at most `singly` of them.
    """
    question = Question(which, keys, edges)
    samples = [part for part in parts if part.source is None]
    rollups = [part for part in parts if part.source is not None]
    statements = []
    if samples:
        few = each_round(cursor, question, samples, singly, figures) if singly else None
        if few is None:
            statements += [of_rounds(question, samples), of_packets(question, samples, figures)]
        else:
            yield from few
    with_bins = [part for part in rollups if figures is Figures.ALL and has_histogram(part.source)]
    if with_bins and question.few:
        rollups = [part for part in rollups if part not in with_bins]
        yield from _each_rollup(cursor, question, with_bins)
    elif with_bins:
        statements.append(of_histograms(question, with_bins))
    if rollups:
        statements.append(of_rollups(question, rollups, figures))
    number = len(keys)
    last = number + len(SUMS)
    for statement, parameters in statements:
        for row in cursor.execute(statement, parameters).fetchall():
            sums = row[number:last]
            low_us, high_us, numbers, counts = row[last:]
            # Without keys there is a row even of nothing.
            if sums[-1] is not None or counts is not None:
                known = None if sums[-1] is None else sums
                yield Addition(row[:number], known, low_us, high_us, numbers, counts, None)


def ranks(
    cursor: Cursor, parts: Sequence[Part], which: Which, keys: Sequence[str], edges: Sequence[datetime]
) -> dict[Keys, Ranks]:
    """Where in the histogram of each group its percentiles lie; for groups that are too many to keep all their bins.

    See `tallies` for the arguments.
    """
    question = Question(which, keys, edges)
    parameters = Parameters()
    counts = []
    samples = [part for part in parts if part.source is None]
    if samples:
        rows, bound = question.rows(samples, "rtts_ms")
        parameters |= bound
        counts.append(f"SELECT {question.list} {BIN} AS bin, 1 AS n FROM ({packets(question, rows)})")  # noqa: S608 - built from constants
    rollups = [part for part in parts if part.source is not None and has_histogram(part.source)]
    if rollups:
        rows, bound = question.rows(rollups, "first_bin", "bins")
        parameters |= bound
        counts.append(bins(question, rows))
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


def bounds(
    cursor: Cursor, parts: Sequence[Part], which: Which, keys: Sequence[str]
) -> dict[Keys, tuple[int | None, int | None]]:
    """The least and the greatest RTT of each group in microseconds; see `tallies` for the arguments."""
    question = Question(which, keys, ())
    parameters = Parameters()
    selects = []
    if samples := [part for part in parts if part.source is None]:
        rows, bound = question.rows(samples, "rtts_ms")
        parameters |= bound
        selects.append(f"SELECT {question.list} us AS low_us, us AS high_us FROM ({packets(question, rows)})")  # noqa: S608 - built from constants
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


def each_round(
    cursor: Cursor, question: Question, parts: Sequence[Part], most: int, figures: Figures = Figures.ALL
) -> list[Addition] | None:
    """Each of the samples by itself; None: there are more than `most`."""
    statement, parameters = of_each_round(question, parts, most + 1, figures)
    found = cursor.execute(statement, parameters).fetchall()
    if len(found) > most:
        return None
    last = len(found[0]) - 3 - len(SUMS) if found else 0
    return [
        Addition(question.keys_of(row[0], row[1:last]), row[last:-3], row[-3], row[-2], row[-1], None, row[0])
        for row in found
    ]


def _each_rollup(cursor: Cursor, question: Question, parts: Sequence[Part]) -> Iterator[Addition]:
    statement, parameters = of_each_rollup(question, parts)
    found = cursor.execute(statement, parameters).fetchall()
    # As one text: each call takes as long as some ten numbers.
    histograms = json.loads(f"[{','.join([row[-1] or 'null' for row in found])}]")
    last = len(found[0]) - 4 - len(SUMS) if found else 0
    for row, counts in zip(found, histograms, strict=True):
        low_us, high_us, first_bin, _ = row[-4:]
        numbers = None if counts is None else range(first_bin, first_bin + len(counts))
        yield Addition(
            question.keys_of(row[0], row[1:last]), row[last:-4], low_us, high_us, numbers, counts, None
        )
