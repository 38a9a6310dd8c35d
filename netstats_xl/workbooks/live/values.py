"""What cells hold: a value is *prepared* once, so that it can be compared with what the cells hold."""

import re
from collections.abc import Hashable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice, repeat
from math import isfinite
from operator import sub
from typing import Any

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.views import Column, Kind, Row
from netstats_xl.workbooks.xlsx_values import clean_text, stored

Cell = str | float | bool | None
"""A prepared value."""
RawCell = Any
"""What a cell is found to hold: None, text, a float, a bool, an `ErrorValue`; an integer is one of Excel's errors."""

LONGEST_TEXT = 8_203
"""Excel's limit for a text that is written within an array."""

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no time zone
_FIRST_TRUE_DAY = datetime(1900, 3, 1)  # noqa: DTZ001 - before it Excel counts a 29 February that never was
_DAY_S = 86_400
_EXACT = 2**53
_AT_ONCE = 500
"""Rows: their values fit into the processor's cache, which they are gone through in several times."""
_ERROR_BASE = -2146828288
"""0x800A0000: an error in a cell is this plus one of Excel's error numbers (`XlCVError`)."""
_ERRORS = {
    2000: "#NULL!",
    2007: "#DIV/0!",
    2015: "#VALUE!",
    2023: "#REF!",
    2029: "#NAME?",
    2036: "#NUM!",
    2042: "#N/A",
    2043: "#GETTING_DATA",
    2045: "#SPILL!",
    2046: "#CONNECT!",
    2047: "#BLOCKED!",
    2048: "#UNKNOWN!",
    2049: "#FIELD!",
    2050: "#CALC!",
}
_PERCENT = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?%", re.IGNORECASE)


def prepared(rows: Iterable[Row], columns: Sequence[Column]) -> list[list[Cell]]:
    """The columns of the rows, prepared.

    Raises:
        ViewUnsupported: a value that no cell can hold.
    """
    found: list[list[Cell]] = [[] for _ in columns]
    waiting = iter(rows)
    while part := list(islice(waiting, _AT_ONCE)):
        for cells, values, column in zip(found, zip(*part, strict=True), columns, strict=True):
            cells += prepared_column(values, column.kind)
    return found


def prepared_column(values: Sequence[CellValue], kind: Kind = Kind.TEXT) -> list[Cell]:
    """The values of a column, prepared: all at once where their type is known, and nothing is odd about them."""
    types = set(map(type, values))
    blanks = type(None) in types
    types.discard(type(None))
    column: list[Any] = list(values)
    if types == {float}:
        # NaN and infinity go through every sum.
        if isfinite(sum(filter(None, column))):
            return column
    elif types == {str}:
        if _are_plain(set(column)):
            return column
    elif types == {int} or types == {datetime}:
        present = [value for value in column if value is not None] if blanks else column
        ready = _exact(present) if int in types else _serials(present)
        if ready is not None and not blanks:
            return ready
        if ready is not None:
            waiting = iter(ready)
            return [None if value is None else next(waiting) for value in column]
    return [prepared_cell(value, kind) for value in values]


def _are_plain(texts: set[Any]) -> bool:
    """Whether no text has to be cleaned, cut or made blank."""
    texts.discard(None)
    together = "".join(texts)
    longest = max(map(len, texts))
    return (
        "" not in texts
        and longest * 2 <= LONGEST_TEXT
        and clean_text(together, len(together) * 2) == together
    )


def _exact(integers: Sequence[int]) -> list[Cell] | None:
    """Integers as floats; None: there is one that a float cannot hold as it is."""
    return [*map(float, integers)] if max(integers) <= _EXACT and min(integers) >= -_EXACT else None


def _serials(instants: Sequence[datetime]) -> list[Cell] | None:
    """Instants as serial numbers; None: there is one with a time zone, or one older than Excel's calendar."""
    try:
        if min(instants) < _FIRST_TRUE_DAY:
            return None
        return [
            seconds / _DAY_S for seconds in map(timedelta.total_seconds, map(sub, instants, repeat(_EPOCH)))
        ]
    except TypeError:
        return None


def prepared_cell(value: object, kind: Kind = Kind.TEXT) -> Cell:
    """A value, prepared: blank for what is missing (NaN, NaT), a float for every kind of number.

    Raises:
        ViewUnsupported: no cell can hold it.
    """
    if type(value).__module__.startswith(("numpy", "pandas")):
        # pandas.NA is neither equal nor unequal to itself.
        if str(value) in ("NaT", "<NA>"):
            return None
        value = value.item() if hasattr(value, "item") else value
    if isinstance(value, Decimal):
        value = float(value)
    _, held = stored(value, kind)  # type: ignore[arg-type]  # of any other type it is refused
    if isinstance(held, str):
        return clean_text(held, LONGEST_TEXT) or None
    return held if isinstance(held, bool) else float(held)


def error_value(raw: int) -> ErrorValue:
    """The error that `Value2` gives as an integer."""
    return ErrorValue(_ERRORS.get(raw - _ERROR_BASE, "#ERROR!"))


def plain_value(raw: RawCell) -> CellValue:
    """What a cell holds, as far as its format does not matter."""
    if isinstance(raw, str):
        return raw or None
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, int):
        return error_value(raw)
    number = float(raw)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def raw_key(raw: RawCell) -> Hashable:
    """The same for the same content, be it raw or, by `value_key`, as it was read."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return value_key(error_value(raw))
    return value_key(raw)


def value_key(value: CellValue) -> Hashable:
    """See `raw_key`. A number may have been read as a moment, or as the text of a percentage."""
    if value is None or value == "":
        return None
    if isinstance(value, (bool, ErrorValue)):
        return type(value).__name__, value
    if isinstance(value, str):
        if _PERCENT.fullmatch(value):
            return _number_key(float(value[:-1]) / 100)
        return value
    if isinstance(value, (date, time, timedelta)):
        _, serial = stored(value)
        return serial if isinstance(serial, str) else _number_key(float(serial))
    return _number_key(float(value))


def _number_key(number: float) -> Hashable:
    # What was read as a moment was rounded.
    return "number", f"{number:.12g}"
