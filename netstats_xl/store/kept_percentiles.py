"""Tallies whose percentiles the rows of days and months keep: a histogram is read only where several have to be merged.

Of a year by days it would be 365 of them, which take longer to be handed over than everything else.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from netstats_xl.domain.levels import LENGTHS
from netstats_xl.domain.tallies import SUMS, Percentiles, Tally
from netstats_xl.store.database import Cursor
from netstats_xl.store.rolling import keeps_percentiles
from netstats_xl.store.statements import Keys, Part, Question, Which, of_each_kept
from netstats_xl.store.tallying import add_to, additions, tallies

_RECEIVED = SUMS.index("received")
_END = datetime.max.replace(tzinfo=UTC)
_MOST_PARTS = 8
"""Instead of more parts than these, all histograms are read."""
_MOST_ROWS_A_STEP = 1.5
"""Where the steps of a destination have more on average, hardly any has a single one."""


def tallies_and_percentiles(
    cursor: Cursor, parts: Sequence[Part], which: Which, keys: Sequence[str], edges: Sequence[datetime]
) -> tuple[dict[Keys, Tally], dict[Keys, Percentiles]]:
    """As `tallying.tallies` of few destinations, and the percentiles of the groups that have no histogram.

    Args:
        cursor: To ask.
        parts: Without a row in common.
        which: Of which jobs and destinations.
        keys: What groups differ in: the edge, and others after it.
        edges: Ascending.
    """
    keeping = [
        part for part in parts if keeps_percentiles(part.source) and _has_steps_of_one_row(part, edges)
    ]
    found = tallies(cursor, [part for part in parts if part not in keeping], which, keys, edges=edges)
    if not keeping:
        return found, {}
    question = Question(which, keys, edges)
    statement, parameters = of_each_kept(question, keeping)
    rows = cursor.execute(statement, parameters).fetchall()
    last = len(keys)
    groups = [question.keys_of(row[0], row[1:last]) for row in rows]
    rows_of = Counter(groups)
    merging = set()
    for group, row in zip(groups, rows, strict=True):
        others = found.get(group)
        is_alone = rows_of[group] == 1 and (others is None or not others.sums[_RECEIVED])
        if not is_alone or (row[last + _RECEIVED] and row[-3] is None):
            merging.add(group[0])
    to_be_read = list(_of_edges(keeping, edges, merging))
    if len(to_be_read) > _MOST_PARTS:
        to_be_read, merging = keeping, {group[0] for group in groups}
    known = {}
    for group, row in zip(groups, rows, strict=True):
        if group[0] not in merging:
            tally = found.setdefault(group, Tally())
            tally.add(row[last:-5], *row[-5:-3])
            known[group] = Percentiles(row[last + _RECEIVED], *row[-3:])
    for addition in additions(cursor, to_be_read, which, keys, edges=edges) if to_be_read else ():
        add_to(found, addition)
    return found, known


def _has_steps_of_one_row(part: Part, edges: Sequence[datetime]) -> bool:
    """Whether more than few of the steps are a bucket of the part each."""
    assert part.source is not None, "samples keep no percentiles"
    steps = bisect_left(edges, part.end) - bisect_left(edges, part.start)
    return (part.end - part.start) / LENGTHS[part.source] < _MOST_ROWS_A_STEP * steps


def _of_edges(parts: Sequence[Part], edges: Sequence[datetime], wanted: Collection[object]) -> Iterator[Part]:
    """What of the parts lies in the steps that begin at the wanted edges (naive UTC); steps in a row are one."""
    begun: datetime | None = None
    for edge, following in pairwise([*edges, _END]):
        if edge.astimezone(UTC).replace(tzinfo=None) in wanted:
            begun = begun or edge
            if following is not _END:
                continue
            edge = _END
        if begun is not None:
            for part in parts:
                start, end = max(part.start, begun), min(part.end, edge)
                if start < end:
                    yield replace(part, start=start, end=end)
            begun = None
