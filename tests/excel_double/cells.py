"""What Excel makes of a value that is put into a cell, and what a cell holds."""

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.excel_double.errors import TYPE_MISMATCH, ExcelError, refuse

TEXT_FORMAT = "@"
LONGEST_TEXT = 32_767
LONGEST_TEXT_IN_ARRAY = 8_203
EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  (Excel's dates have no time zone)


class ErrorValue(int):
    """An error in a cell, as the integer that COM clients read."""


ERRORS = {
    "#DIV/0!": ErrorValue(-2146826281),
    "#N/A": ErrorValue(-2146826246),
    "#NAME?": ErrorValue(-2146826259),
    "#NULL!": ErrorValue(-2146826288),
    "#NUM!": ErrorValue(-2146826252),
    "#REF!": ErrorValue(-2146826265),
    "#VALUE!": ErrorValue(-2146826273),
}
NOT_AVAILABLE = ERRORS["#N/A"]

Content = float | str | bool | ErrorValue | None


@dataclass(slots=True)
class Cell:
    """A cell that is not empty."""

    value: Content
    formula: str | None = None
    prefix: str = ""


_NUMBER = re.compile(r"([+-]?)\$?(\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,3}))?(%?)")
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")
_FORMULA_SIGNS = "=+-@"
_DATE_LETTERS = frozenset("ymdhs")


def serial(instant: dt.datetime) -> float:
    """Excel's serial number of a local time; a time zone is cut off."""
    return (instant.replace(tzinfo=None) - EPOCH) / dt.timedelta(days=1)


def entered(value: object, number_format: str) -> Cell | None:
    """The cell after this value was put into it; None: empty. Raises ExcelError as Excel refuses it.

    What is not documented and holds here: a number put into a cell of format `@` becomes text, a bool stays one.
    """
    match value:
        case None | "":
            return None
        case bool() | ErrorValue():
            return Cell(value)
        case dt.datetime():
            return Cell(serial(value))
        case int() | float() | Decimal():
            return _entered_number(value, number_format)
        case str():
            return _entered_text(value, number_format)
        case _:
            raise ExcelError(TYPE_MISMATCH)


def _entered_number(value: float | Decimal, number_format: str) -> Cell:
    if isinstance(value, int) and not -(1 << 31) <= value < 1 << 31:
        raise refuse("a number of 64 bits (VT_I8)")
    number = float(value)
    if math.isnan(number) or math.isinf(number):
        return Cell(ERRORS["#NUM!"])
    if number_format == TEXT_FORMAT:
        return Cell(general(number))
    return Cell(number)


def _entered_text(text: str, number_format: str) -> Cell | None:
    if len(text) > LONGEST_TEXT:
        raise refuse(f"text of more than {LONGEST_TEXT:,} characters")
    if text.startswith("'"):
        return Cell(text[1:], prefix="'")
    if number_format == TEXT_FORMAT:
        return Cell(text)
    number = parsed(text)
    if number is not None:
        return Cell(number)
    if text[0] in _FORMULA_SIGNS and len(text) > 1:
        return _formula(text)
    return Cell(text)


def parsed(text: str) -> Content:
    """What a text in a General cell becomes when it reads as a number, date, time, flag or error; else None."""
    stripped = text.strip()
    upper = stripped.upper()
    if upper in ("TRUE", "FALSE"):
        return upper == "TRUE"
    if upper in ERRORS:
        return ERRORS[upper]
    if match := _NUMBER.fullmatch(stripped):
        sign, digits, exponent, percent = match.groups()
        number = float(digits.replace(",", "")) * 10.0 ** int(exponent or 0)
        return (-number if sign == "-" else number) / (100 if percent else 1)
    return _parsed_date(stripped)


def _parsed_date(text: str) -> float | None:
    try:
        if match := _DATE.fullmatch(text):
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
            return serial(dt.datetime(year, month, day, hour, minute, second))  # noqa: DTZ001
        if match := _US_DATE.fullmatch(text):
            month, day, year = (int(part) for part in match.groups())
            return serial(dt.datetime(year, month, day))  # noqa: DTZ001
    except ValueError:
        return None
    if match := _TIME.fullmatch(text):
        hours, minutes, seconds = match.groups()
        if int(minutes) < 60 and float(seconds or 0) < 60:
            return (int(hours) * 3_600 + int(minutes) * 60 + float(seconds or 0)) / 86_400
    return None


def _formula(text: str) -> Cell:
    """A formula, which the double does not compute: literals give their value, all else #NAME?."""
    body = text.removeprefix("=").strip()
    formula = text if text.startswith("=") else "=" + text.removeprefix("@")
    if body.count('"') % 2 or body.count("(") != body.count(")") or body[-1:] in "+-*/^&=<>,(@":
        raise refuse("a formula that is not built right")
    if re.fullmatch(r'"(?:[^"]|"")*"', body):
        return Cell(body[1:-1].replace('""', '"'), formula=formula)
    value = parsed(body)
    return Cell(ERRORS["#NAME?"] if value is None else value, formula=formula)


def general(number: float) -> str:
    """A number as the format General shows it."""
    return str(int(number)) if number == int(number) and abs(number) < 1e11 else f"{number:.15g}"


def grid_of(value: object) -> Sequence[Sequence[object]] | None:
    """Rows of a value that is an array; None: it is a single value. Text too long for an array is refused."""
    if not isinstance(value, list | tuple):
        return None
    nested = [isinstance(item, list | tuple) for item in value]
    rows = value if any(nested) else [value]
    if (any(nested) and (not all(nested) or len({len(row) for row in rows}) > 1)) or not rows[0]:
        raise refuse("an array whose rows differ in length")
    for row in rows:
        for item in row:
            if isinstance(item, str) and len(item) > LONGEST_TEXT_IN_ARRAY:
                raise refuse(f"text of more than {LONGEST_TEXT_IN_ARRAY:,} characters in an array")
    return rows


def picked(grid: Sequence[Sequence[object]], row: int, column: int) -> object:
    """What the cell at this place of a range gets: an array of one row or column repeats, beyond others is #N/A."""
    row = 0 if len(grid) == 1 else row
    if row >= len(grid):
        return NOT_AVAILABLE
    column = 0 if len(grid[row]) == 1 else column
    return grid[row][column] if column < len(grid[row]) else NOT_AVAILABLE


def readable(value: Content) -> object:
    """A cell's value as `Value2` gives it."""
    return int(value) if isinstance(value, ErrorValue) else value


def shows_dates(number_format: str) -> bool:
    """Whether a number format shows a date or time."""
    return number_format != "General" and any(letter in _DATE_LETTERS for letter in number_format.lower())


def shown(cell: Cell) -> str:
    """A cell's text, with General's look for every number."""
    match cell.value:
        case None:
            return ""
        case bool():
            return str(cell.value).upper()
        case ErrorValue():
            return error_text(cell.value)
        case str():
            return cell.value
        case _:
            return general(cell.value)


def error_text(value: ErrorValue) -> str:
    """`#N/A` and the like."""
    return next(text for text, error in ERRORS.items() if error == value)
