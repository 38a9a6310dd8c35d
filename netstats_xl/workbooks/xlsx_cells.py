"""What a cell of a sheet's XML holds, as a value."""

import re
from datetime import datetime, time, timedelta

from lxml import etree
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.workbooks.xlsx_parts import Package, unescaped

_LITERALS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
DATE = "date"
DURATION = "duration"
PERCENT = "percent"


class CellReader:
    """Reads cells with the texts and formats that their workbook shares."""

    def __init__(self, package: Package) -> None:
        properties = package.workbook.find("{*}workbookPr")
        is_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self.epoch: datetime = MAC_EPOCH if is_1904 else WINDOWS_EPOCH
        self._texts = _shared_texts(package)
        self._sorts = _sorts_of_styles(package)

    def value(self, cell: etree._Element) -> CellValue:
        """The cell's value; None where it is blank, or a formula that was never calculated.

        A number that is formatted as a percentage is the text that the cell shows, such as `2%`: typed like
        that, it means 2, and not the 0.02 that is stored.

        Raises:
            ValueError: the cell is not as the format demands.
        """
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            inline = cell.find("{*}is")
            return None if inline is None else _text_of(inline) or None
        stored = cell.findtext("{*}v")
        if not stored:
            return None
        match kind:
            case "s":
                return self._texts[int(stored)] or None
            case "str":
                return unescaped(stored) or None
            case "b":
                return stored.strip() in ("1", "true")
            case "e":
                return ErrorValue(stored)
            case "d":
                return datetime.fromisoformat(stored.removesuffix("Z"))
            case _:
                return self._number(stored, int(cell.get("s", "0")))

    def _number(self, stored: str, style: int) -> CellValue:
        number = float(stored)
        sort = self._sorts[style] if style < len(self._sorts) else ""
        if sort:
            return number_shown(number, sort, self.epoch)
        return int(number) if number.is_integer() and stored.strip().lstrip("-").isdigit() else number


def number_shown(number: float, sort: str, epoch: datetime = WINDOWS_EPOCH) -> CellValue:
    """What a number means in a cell whose format is of this `format_sort`."""
    if sort == PERCENT:
        return f"{number * 100:.12g}%"
    if sort in (DATE, DURATION):
        try:
            moment: datetime | time | timedelta = from_excel(number, epoch, timedelta=sort == DURATION)
            return moment
        except (OverflowError, ValueError):
            return number  # beyond the calendar, where Excel shows #####
    return number


def _shared_texts(package: Package) -> list[str]:
    part = package.part_of_type("sharedStrings")
    return [] if part is None else [_text_of(each) for each in package.xml(part).iterfind("{*}si")]


def _text_of(item: etree._Element) -> str:
    """The text of a string item, be it plain or of formatted runs; phonetic hints are no part of it."""
    found = []
    for child in item.iterchildren("{*}t", "{*}r"):
        texts = [child] if str(child.tag).endswith("}t") else child.iterfind("{*}t")
        found.append("".join(text.text or "" for text in texts))
    return unescaped("".join(found))


def _sorts_of_styles(package: Package) -> list[str]:
    """The `format_sort` of each style."""
    part = package.part_of_type("styles")
    if part is None:
        return []
    root = package.xml(part)
    codes: dict[int, str] = dict(BUILTIN_FORMATS)
    for form in root.iterfind("{*}numFmts/{*}numFmt"):
        codes[int(form.get("numFmtId", "0"))] = form.get("formatCode", "")
    styles = root.iterfind("{*}cellXfs/{*}xf")
    return [format_sort(codes.get(int(style.get("numFmtId", "0")), "General")) for style in styles]


def format_sort(code: str) -> str:
    """What a format code makes of a number: a date, a duration, a percentage, or a plain number ("")."""
    if is_timedelta_format(code):
        return DURATION
    if is_date_format(code):
        return DATE
    return PERCENT if "%" in _LITERALS.sub("", code) else ""
