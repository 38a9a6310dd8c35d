"""Rectangles of cells that move with their cells, and the addresses that name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.excel_double.worksheet import Worksheet

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})")
_ROWS = re.compile(r"\$?([0-9]{1,7}):\$?([0-9]{1,7})")


@dataclass(frozen=True, slots=True)
class Rect:
    """Rows and columns counted from 1, both ends within."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> int:
        return self.bottom - self.top + 1

    @property
    def columns(self) -> int:
        return self.right - self.left + 1

    @property
    def fits(self) -> bool:
        """Whether it lies on a sheet and is not empty."""
        return 1 <= self.top <= self.bottom <= MAX_ROWS and 1 <= self.left <= self.right <= MAX_COLUMNS

    def overlaps(self, other: Rect) -> bool:
        return (
            self.top <= other.bottom
            and other.top <= self.bottom
            and self.left <= other.right
            and other.left <= self.right
        )

    def holds(self, row: int, column: int) -> bool:
        return self.top <= row <= self.bottom and self.left <= column <= self.right


def sized(top: int, left: int, rows: int, columns: int) -> Rect:
    """The rectangle of that corner and size."""
    return Rect(top, left, top + rows - 1, left + columns - 1)


class Area:
    """A rectangle on a sheet that follows its cells when rows and columns are inserted and deleted.

    `rect` is None once all its cells were deleted (#REF!).
    """

    def __init__(self, sheet: Worksheet, rect: Rect) -> None:
        self.sheet = sheet
        self.rect: Rect | None = rect
        sheet.areas.add(self)

    def inserted(self, at: int, count: int, *, columns: bool = False) -> None:
        """Cells were inserted before `at`, across the whole width of this area."""
        if (rect := self.rect) is None:
            return
        first, last = (rect.left, rect.right) if columns else (rect.top, rect.bottom)
        if last >= (MAX_COLUMNS if columns else MAX_ROWS):
            return
        if first >= at:
            first += count
        if last >= at:
            last += count
        self._set(first, last, columns)

    def deleted(self, at: int, count: int, *, columns: bool = False) -> None:
        """The cells `at` to `at + count - 1` were deleted, across the whole width of this area."""
        if (rect := self.rect) is None:
            return
        first, last = (rect.left, rect.right) if columns else (rect.top, rect.bottom)
        if last >= (MAX_COLUMNS if columns else MAX_ROWS):
            return
        end = at + count - 1
        if at <= first and last <= end:
            self.rect = None
            return
        size = last - first + 1 - max(0, min(last, end) - max(first, at) + 1)
        start = at if at <= first <= end else first - count if first > end else first
        self._set(start, start + size - 1, columns)

    def _set(self, first: int, last: int, columns: bool) -> None:
        assert self.rect is not None
        rect = self.rect
        if columns:
            self.rect = Rect(rect.top, first, rect.bottom, last)
        else:
            self.rect = Rect(first, rect.left, last, rect.right)


def column_letters(column: int) -> str:
    """`A` for 1."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """1 for `A`."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def parse_address(text: str) -> Rect | None:
    """The rectangle of an A1 address without a sheet; None where it is none or lies beyond the sheet."""
    if match := _COLUMNS.fullmatch(text):
        first, last = sorted(column_number(letters) for letters in match.groups())
        rect = Rect(1, first, MAX_ROWS, last)
    elif match := _ROWS.fullmatch(text):
        first, last = sorted(int(number) for number in match.groups())
        rect = Rect(first, 1, last, MAX_COLUMNS)
    else:
        corners = [_CELL.fullmatch(part) for part in text.split(":")]
        if not 1 <= len(corners) <= 2:
            return None
        cells = [(int(m.group(2)), column_number(m.group(1))) for m in corners if m is not None]
        if len(cells) != len(corners):
            return None
        rows, columns = [row for row, _ in cells], [column for _, column in cells]
        rect = Rect(min(rows), min(columns), max(rows), max(columns))
    return rect if rect.fits else None


def address(rect: Rect, *, absolute_row: bool = True, absolute_column: bool = True) -> str:
    """A1 address; `$B$2:$C$5`."""
    row, column = "$" * absolute_row, "$" * absolute_column
    if rect.top == 1 and rect.bottom == MAX_ROWS:
        return f"{column}{column_letters(rect.left)}:{column}{column_letters(rect.right)}"
    if rect.left == 1 and rect.right == MAX_COLUMNS:
        return f"{row}{rect.top}:{row}{rect.bottom}"
    first = f"{column}{column_letters(rect.left)}{row}{rect.top}"
    last = f"{column}{column_letters(rect.right)}{row}{rect.bottom}"
    return first if first == last else f"{first}:{last}"


def split_sheet(reference: str) -> tuple[str | None, str]:
    """The sheet's name and the rest of a reference such as `'My sheet'!$A$1`."""
    text = reference.removeprefix("=")
    if "!" not in text:
        return None, text
    sheet, _, rest = text.rpartition("!")
    if sheet.startswith("'") and sheet.endswith("'"):
        sheet = sheet[1:-1].replace("''", "'")
    return sheet, rest


def quoted(sheet: str) -> str:
    """A sheet's name as it stands before `!`."""
    return sheet if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", sheet) else "'" + sheet.replace("'", "''") + "'"
