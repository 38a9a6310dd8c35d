"""How Excel stores the values of cells: texts that are safe, and instants as serial numbers."""

import math
import re
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.views import Kind
from netstats_xl.errors import ViewUnsupported

LONGEST_TEXT = 32_767
"""Excel's limit for the text of a cell, in UTF-16 units."""

_DAY = timedelta(days=1)
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no time zone
_FIRST_TRUE_DAY = datetime(1900, 3, 1)  # noqa: DTZ001 - before it Excel counts a 29 February that never was
_LAST_EXACT_INTEGER = 2**53
# What XML 1.0 forbids, and carriage returns, which XML turns into line feeds.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n?")


class Sort(StrEnum):
    """What a cell holds once stored; instants, dates, times and durations are numbers that a format shows."""

    BLANK = "blank"
    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    INSTANT = "instant"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"


def clean_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text with what no XML file may hold replaced by U+FFFD, cut at `longest` UTF-16 units."""
    if _UNSAFE.search(text) is not None:
        text = _UNSAFE.sub("\ufffd", _LINE_END.sub("\n", text))
    if len(text) * 2 > longest:
        encoded = text.encode("utf-16-le")
        if len(encoded) > 2 * longest:
            # A pair of surrogates that the cut would halve goes as a whole.
            text = encoded[: 2 * longest].decode("utf-16-le", errors="ignore")
    return text


def stored(value: CellValue, kind: Kind = Kind.TEXT) -> tuple[Sort, str | float | bool]:
    """What is stored for a value in a column of this kind.

    Empty texts, NaN and infinities are blank. Flags in a column of flags read `yes` and `no`. Instants that
    Excel's calendar lacks (before March 1900) are texts.

    Raises:
        ViewUnsupported: a datetime or time with a time zone, or a value of no known type.
    """
    if value is None:
        return Sort.BLANK, ""
    if isinstance(value, str):
        return (Sort.TEXT, clean_text(value)) if value else (Sort.BLANK, "")
    if isinstance(value, bool):
        return (Sort.TEXT, "yes" if value else "no") if kind is Kind.FLAG else (Sort.FLAG, value)
    if isinstance(value, int):
        # Excel's numbers are doubles; beyond their exact integers a text tells the truth.
        return (Sort.NUMBER, value) if abs(value) <= _LAST_EXACT_INTEGER else (Sort.TEXT, str(value))
    if isinstance(value, float):
        return (Sort.NUMBER, float(value)) if math.isfinite(value) else (Sort.BLANK, "")
    if isinstance(value, ErrorValue):
        return Sort.TEXT, clean_text(value.code)
    return _stored_instant(value)


def _stored_instant(value: date | time | timedelta) -> tuple[Sort, str | float | bool]:
    if isinstance(value, (datetime, time)) and value.tzinfo is not None:
        raise ViewUnsupported(
            f"A cell cannot hold {value!r}: a workbook knows no time zone; give local time."
        )
    if isinstance(value, timedelta):
        return Sort.DURATION, value / _DAY
    if isinstance(value, time):
        return Sort.TIME, (datetime.combine(_EPOCH, value) - _EPOCH) / _DAY
    if isinstance(value, datetime):
        if value < _FIRST_TRUE_DAY:
            return Sort.TEXT, value.isoformat(sep=" ")
        return Sort.INSTANT, (value - _EPOCH) / _DAY
    if isinstance(value, date):
        midnight = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a workbook knows no time zone
        if midnight < _FIRST_TRUE_DAY:
            return Sort.TEXT, value.isoformat()
        return Sort.DATE, float((midnight - _EPOCH).days)
    raise ViewUnsupported(f"A cell cannot hold a {type(value).__name__}.")
