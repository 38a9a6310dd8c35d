"""What a single cell holds -> a value.

Each parser raises a ValueError that says what is wrong and what would be right.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from netstats_xl.domain.tables import CellValue, ErrorValue

_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")
_NO_SPACE = "".join(map(chr, (0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F))))
"""Soft hyphen, zero-width space, marks of direction: they come along with text copied from web pages."""
_INVISIBLE = str.maketrans("", "", _NO_SPACE)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣-", "-"))
_SEPARATORS = re.compile(r"[,;\n]")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.IGNORECASE)

YES = frozenset({"yes", "y", "true", "on", "x", "1", "✓"})
NO = frozenset({"no", "n", "false", "off", "0"})
_EARLIEST, _LATEST = datetime(1990, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - cells hold naive local datetimes


def shown(value: CellValue) -> str:
    """The value as a sheet would show it, at most 80 characters, for an error message."""
    text = _as_text(value)
    return text if len(text) <= 80 else text[:79] + "…"


def is_blank(value: CellValue) -> bool:
    """Whether the cell holds nothing: no value, or text of spaces alone."""
    return value is None or (isinstance(value, str) and not clean(value))


def clean(text: str) -> str:
    """The text trimmed, without invisible characters, with single spaces, in Unicode's NFC form."""
    kept = "".join(
        map(_visible, unicodedata.normalize("NFC", text.replace("\r\n", "\n")).translate(_INVISIBLE))
    )
    return _LINES.sub("\n", _SPACES.sub(" ", kept)).strip()


def _visible(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    category = unicodedata.category(character)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"  # half a surrogate pair cannot be stored
    return " " if category in ("Cc", "Zs", "Zl", "Zp") else character


def plain(text: str) -> str:
    """Cleaned text whose typographic dashes and quotes are the plain ones: for cells with a syntax."""
    return clean(text).translate(_DASHES).replace("’", "'")


def parse_text(value: CellValue, *, most: int = 100) -> str:
    """Text; a number becomes its digits (`10`, not `10.0`). Blank is the empty text."""
    if isinstance(value, (date, time, timedelta)):
        raise ValueError(
            "the spreadsheet program took this for a date or a time: "
            "format the cell as text and type it again"
        )
    text = clean(_as_text(value))
    if len(text) > most:
        raise ValueError(f"this has {len(text):,} characters; at most {most:,} are allowed: shorten it")
    return text


def parse_name(value: CellValue, *, what: str) -> str:
    """The name of a destination or a job, or of a group: one that a list of names can hold."""
    name = parse_text(value)
    if _SEPARATORS.search(name):
        raise ValueError(
            f"a comma, semicolon or line break cannot stand in {what}: lists are separated by them"
        )
    if name == "*" or name.casefold().startswith(("group:", "tag:")):
        raise ValueError(
            f"{what} cannot be * nor begin with group: or tag:, since jobs use these: choose another name"
        )
    return name


def parse_list(value: CellValue) -> tuple[str, ...]:
    """The terms of a list that commas, semicolons or line breaks separate, each once but for case."""
    terms = (term.strip() for term in _SEPARATORS.split(parse_text(value, most=32_767)))
    return unique(term for term in terms if term)


def unique(terms: Iterable[str]) -> tuple[str, ...]:
    """The terms in order, each once, compared without case."""
    found: dict[str, str] = {}
    for term in terms:
        found.setdefault(term.casefold(), term)
    return tuple(found.values())


def parse_flag(value: CellValue) -> bool:
    """yes or no, in the ways that spreadsheets are filled."""
    word = clean(_as_text(value)).casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueError("this is neither yes nor no: write yes or no")


def parse_number(value: CellValue, *, unit: str = "", low: float, high: float) -> float:
    """A number from `low` to `high`, also where it is typed as text (`10`, `10 ms`, `10,5`)."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"this is no number: write one from {low:,g} to {high:,g}")
    number = (
        _number_in(value, unit)
        if isinstance(value, str)
        else float(value)
        if abs(value) < 1e300
        else math.inf
    )
    if not low <= number <= high:
        raise ValueError(f"write a number from {low:,g} to {high:,g}{f' ({unit})' if unit else ''}")
    return number


def parse_whole(value: CellValue, *, unit: str = "", low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    number = parse_number(value, unit=unit, low=low, high=high)
    if not number.is_integer():
        raise ValueError(f"write a whole number, for example {math.floor(number) or 1}")
    return int(number)


def parse_moment(value: CellValue) -> datetime:
    """A naive local datetime, or an aware one where text names an offset.

    A date means the midnight that it begins with.
    """
    if isinstance(value, str):
        value = _moment_in(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError("this is no date: write a date and a time, for example 2026-11-23 08:00")
    if not _EARLIEST <= value.replace(tzinfo=None) < _LATEST:
        raise ValueError("the year must be from 1990 to 2199: write for example 2026-11-23 08:00")
    return value.replace(microsecond=0)


def as_duration(value: CellValue) -> str | float | timedelta:
    """What a cell with an interval holds, as `domain.windows.parse_interval` takes it."""
    if isinstance(value, time):
        return timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
        )
    if isinstance(value, (bool, date, ErrorValue)) or value is None:
        raise ValueError("this is no interval: write for example 10s, 5m, 1h30m or 1d")
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, (int, float)) and not -1e15 < value < 1e15:
        raise ValueError("this is no interval: write for example 10s, 5m, 1h30m or 1d")
    return value


def as_syntax(value: CellValue) -> str:
    """The text of a cell with a syntax of its own: a host, weekly windows, a time zone."""
    return plain(parse_text(value, most=32_767))


def _moment_in(text: str) -> datetime:
    try:
        return datetime.fromisoformat(plain(text))
    except ValueError as error:
        raise ValueError("this is no date: write a date and a time, for example 2026-11-23 08:00") from error


def _number_in(text: str, unit: str) -> float:
    written = plain(text).casefold()
    for suffix in ({unit.casefold(), unit.casefold()[:1] if unit == "bytes" else unit.casefold()}) - {""}:
        written = written.removesuffix(suffix).strip()
    written = written.replace(" ", "").replace("'", "")
    if _GROUPED.fullmatch(written):
        raise ValueError(
            f"this could mean {written.replace(',', '.')} or {written.replace(',', '')}: "
            "write it without a comma"
        )
    if written.count(",") == 1 and "." not in written:
        written = written.replace(",", ".")
    if not _NUMBER.fullmatch(written):
        example = f"10 or 10 {unit}" if unit else "10"
        raise ValueError(f"this is no number: write for example {example}")
    return float(written)


def _as_text(value: CellValue) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case int() if value.bit_length() > 1_000:
            return "a number of more than 300 digits"
        case ErrorValue(code=code):
            return code
        case datetime() | date() | time():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case _:
            return str(value)
