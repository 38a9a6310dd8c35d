"""The packets of many rounds as columns: what was received, the RTTs and the jitter, found for all rounds at once."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise, repeat
from operator import add, sub
from typing import Any, TypeVar

from netstats_xl.domain.rollups import jitter_differences
from netstats_xl.store.appending import Lists, packed

RTTs = Sequence[float | None]
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketColumns:
    """An entry a round."""

    sent: "array[int]"
    received: "array[int]"
    jitter_sums_ms: "array[float]"
    """The sum of the round's jitter differences."""
    jitter_pairs: "array[int]"
    """How many these are."""
    rtts_ms: Lists


def packet_columns(rounds: Sequence[RTTs], unanswered: Sequence[int]) -> PacketColumns:
    """The columns of rounds with replies, and of others between them.

    Args:
        rounds: The RTTs of each round with replies, in order of sending; None where the packet was lost.
        unanswered: The rows of the others, ascending. What they sent is left for the caller to fill in.
    """
    flat: list[Any] = list(chain.from_iterable(rounds))
    missing, index = [], -1
    for _ in range(flat.count(None)):
        index = flat.index(None, index + 1)  # few are, so this is faster than a look at each
        missing.append(index)
        flat[index] = 0.0
    lengths = list(map(len, rounds))
    kinds = set(lengths)
    if len(kinds) == 1:  # nearly always, and twice as fast
        [length] = kinds
        sent = array("H", [length]) * len(rounds)
        pairs = array("H", [max(length - 1, 0)]) * len(rounds)
        sums = packed("d", _jitter_sums(flat, length))
        offsets = packed("i", range(0, len(flat) + 1, length) if length else repeat(0, len(rounds) + 1))
    else:
        sent = array("H", lengths)
        pairs = array("H", [max(length - 1, 0) for length in lengths])
        sums = _jitter_sums_of_unequal(rounds, lengths)
        offsets = packed("i", accumulate(lengths, initial=0))
    received = sent[:]
    for row in {bisect_right(offsets, index) - 1 for index in missing}:
        received[row] -= rounds[row].count(None)
        differences = jitter_differences(rounds[row])
        sums[row], pairs[row] = sum(differences), len(differences)
    return PacketColumns(
        sent=_spread(sent, unanswered),
        received=_spread(received, unanswered),
        jitter_sums_ms=_spread(sums, unanswered),
        jitter_pairs=_spread(pairs, unanswered),
        rtts_ms=Lists(
            numbers=packed("f", flat),
            missing=missing,
            offsets=_spread_offsets(offsets, unanswered),
            without=unanswered,
        ),
    )


def _jitter_sums(flat: Sequence[float], length: int) -> Iterable[float]:
    """Of rounds of so many packets each, whose RTTs `flat` has one after the other; wrong of those that lost any.

    The first packets of all rounds are looked at, then the second ones, and so on.
    """
    rows = len(flat) // length if length else 0
    total: Iterable[float] = repeat(0.0, rows)
    for before, after in pairwise(flat[packet::length] for packet in range(length)):
        total = map(add, total, map(abs, map(sub, after, before)))
    return total


def _jitter_sums_of_unequal(rounds: Sequence[RTTs], lengths: Sequence[int]) -> "array[float]":
    """As `_jitter_sums`, of any rounds."""
    sums = array("d", bytes(8 * len(rounds)))
    for length in set(lengths):
        rows = [row for row, each in enumerate(lengths) if each == length]
        some = [rtt or 0.0 for row in rows for rtt in rounds[row]]
        for row, total in zip(rows, _jitter_sums(some, length), strict=False):
            sums[row] = total
    return sums


def _spread(column: "array[Number]", unanswered: Sequence[int]) -> "array[Number]":
    """The column with a 0 in each of these rows."""
    spread, begin = column[:0], 0
    for earlier, row in enumerate(unanswered):
        spread += column[begin : row - earlier]
        spread.append(0)
        begin = row - earlier
    return spread + column[begin:]


def _spread_offsets(offsets: "array[int]", unanswered: Sequence[int]) -> "array[int]":
    """The offsets of lists with an empty one in each of these rows."""
    spread, begin = offsets[:0], 0
    for earlier, row in enumerate(unanswered):
        spread += offsets[begin : row - earlier]
        begin = row - earlier
        spread.append(offsets[begin])
    return spread + offsets[begin:]
