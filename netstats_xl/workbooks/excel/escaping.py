"""Text that Excel would read as something else is *escaped* where it is written, as `Range.Value2` takes it."""

import re
from collections.abc import Sequence

from netstats_xl.workbooks.live.plan import Rectangle
from netstats_xl.workbooks.live.values import Cell, RawCell

_AS_THEY_ARE = frozenset({float, bool, type(None)})
_TEXTS = frozenset({str, type(None)})

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_MISREAD = re.compile(
    r"[=+\-@'＝＋－＠].*"  # a formula, or a mark that Excel takes away
    r"|(?=\D*\d)[\d\s.,:/%$€£¥()+\-e]+(?:[ap]m?)?"  # a number, an amount, a date, a time of day
    rf"|{_MONTH}[\s./-]*\d[\s,./:\d-]*|\d{{1,4}}[\s./-]*{_MONTH}[\s,./:\d-]*"  # a date: MAR1, 1-Mar
    r"|true|false|#.*",  # a flag, an error
    re.IGNORECASE | re.DOTALL,
)
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?")


def block_to_write(rectangle: Rectangle) -> list[tuple[Cell, ...]]:
    """What `Value2` takes for the cells of a rectangle."""
    return list(zip(*map(escaped_column, rectangle.columns), strict=True))


def escaped(value: RawCell) -> Cell:
    """What to write into a cell so that it shows this prepared value, or this one that another cell held.

    An error cannot be written: it becomes blank.
    """
    if isinstance(value, str):
        return "'" + value if misread(value) else value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return None
    return value  # type: ignore[no-any-return]  # None, a float or a bool


def escaped_column(values: Sequence[RawCell]) -> Sequence[Cell]:
    """The values of a column, escaped."""
    types = set(map(type, values))
    if types <= _AS_THEY_ARE:
        return values
    if types <= _TEXTS:
        # Texts repeat.
        by_value = {value: escaped(value) for value in set(values)}
        return [by_value[value] for value in values]
    return [escaped(value) for value in values]


def misread(text: str) -> bool:
    """Whether Excel might take the text for a formula, a number, a date, a flag or an error.

    It depends on the user's language and on the cell's format, so this is on the safe side.
    """
    text = text.strip()
    return _MISREAD.fullmatch(text) is not None and _IPV4.fullmatch(text) is None
