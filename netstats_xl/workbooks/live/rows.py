"""Whether a row still holds what was read of it."""

from collections.abc import Collection, Mapping, Sequence

from netstats_xl.sheets import normalised
from netstats_xl.workbooks.live.values import RawCell, raw_key

ID = normalised("ID")
"""The header of the column of hidden IDs, as headers are compared."""


def same_row(
    before: Mapping[str, RawCell],
    now: Sequence[RawCell],
    positions: Mapping[str, int],
    typed: Collection[str] | None,
) -> bool:
    """Whether it does, by what was typed (None: by everything) and by its ID. Headers are as compared."""
    compared = {header for header in before if typed is None or header in typed}
    if before.get(ID):
        compared.add(ID)
    return all(
        header in positions and raw_key(now[positions[header]]) == raw_key(before[header])
        for header in compared
    )
