"""Who a workbook is: whether the ID that it carries is its own, or it needs one."""

import re
from collections.abc import Callable
from pathlib import PureWindowsPath

NOT_DRAWN = "0" * 32
"""What the template carries: each workbook made of it is to draw an ID of its own."""
_ID = re.compile(r"[0-9a-f]{32}")


def identify(
    found: str, *, present: str, recorded: str | None, still_there: bool, draw: Callable[[], str]
) -> str:
    """The ID of a workbook: the one that it carries or, where that is not its own, one that is drawn.

    A workbook that was renamed or moved keeps its ID; a copy does not: one that carries the ID of another file
    which is where it was.

    Args:
        found: The ID that the workbook carries, or any text in its place.
        present: Path or web address of the workbook.
        recorded: Where a workbook of this ID was seen last; None: nowhere yet.
        still_there: Whether a file exists there.
        draw: Gives a new ID.
    """
    id_ = found.strip().lower()
    if not _ID.fullmatch(id_) or id_ == NOT_DRAWN:
        return draw()
    if recorded is not None and still_there and not _may_be_same(recorded, present):
        return draw()
    return id_


def _may_be_same(first: str, second: str) -> bool:
    """Whether two places may be of one file, compared as Windows does.

    A synchronised workbook is known by its web address or by its path, as its settings say: between an address
    and a path the file's name alone decides.
    """
    if _is_address(first) != _is_address(second):
        return _name(first) == _name(second)
    return PureWindowsPath(first) == PureWindowsPath(second)


def _is_address(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


def _name(place: str) -> str:
    # An address may write a space as %20; Excel itself shows it plain.
    return PureWindowsPath(place.replace("%20", " ")).name.casefold()
