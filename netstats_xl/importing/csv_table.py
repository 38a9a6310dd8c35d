"""CSV: a header, and rows under it, with errors that name line and column."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from netstats_xl.errors import HistoryInvalid
from netstats_xl.importing.text import TextFile
from netstats_xl.importing.times import Times

_DELIMITERS = ",;\t|"
LONGEST_RTT_MS = 600_000
MOST_PACKETS = 65_535
"""What the database counts up to in one round."""
LOST = frozenset({"", "*", "-", "nan", "null", "none", "n/a", "err", "error", "lost", "timeout", "timed out"})
"""What stands in the place of the RTT of a lost packet, without regard to case."""


class Cells:
    """One row, by its columns."""

    def __init__(self, file: TextFile, line: int, header: Sequence[str], values: Sequence[str]) -> None:
        self.line = line
        self._file = file
        self._values = {name: value.strip() for name, value in zip(header, values, strict=False)}

    def get(self, column: str) -> str:
        """What the row has in the column; nothing where it ends before."""
        return self._values.get(column, "")

    def invalid(self, column: str, what: str) -> HistoryInvalid:
        """The error of a cell."""
        return self._file.invalid(self.line, what, column=column)

    def time(self, column: str, times: Times, series: str = "") -> datetime:
        """The instant in a cell."""
        try:
            return times.parse(self.get(column), series)
        except ValueError as error:
            raise self.invalid(column, str(error)) from error

    def count(self, column: str) -> int | None:
        """The number of packets in a cell; None where it is blank."""
        text = self.get(column)
        if not text:
            return None
        number = self._number(column, text)
        if number != int(number) or not 0 <= number <= MOST_PACKETS:
            raise self.invalid(column, f"{text!r} is no number of packets from 0 to {MOST_PACKETS:,}")
        return int(number)

    def decimal(self, column: str) -> float | None:
        """The number in a cell; None where it is blank."""
        text = self.get(column)
        return self._number(column, text) if text else None

    def rtts(self, column: str) -> tuple[float | None, ...]:
        """The RTTs in a cell, ms, separated by spaces, bars or semicolons; None for each lost packet."""
        parts = self.get(column).strip("[]").replace("|", " ").replace(";", " ").split()
        return tuple(self.rtt(column, part.strip(",")) for part in parts)

    def rtt(self, column: str, text: str) -> float | None:
        """An RTT, ms; None for a lost packet."""
        text = text.removesuffix("ms").strip()
        if text.casefold() in LOST:
            return None
        rtt = self._number(column, text)
        if not 0 <= rtt <= LONGEST_RTT_MS:
            raise self.invalid(column, f"{text!r} is no RTT from 0 to {LONGEST_RTT_MS:,} ms")
        return rtt

    def _number(self, column: str, text: str) -> float:
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            raise self.invalid(column, f"{text[:80]!r} is no number") from None
        if not math.isfinite(number):
            raise self.invalid(column, f"{text[:80]!r} is no number that can be counted with")
        return number


def header_of(file: TextFile) -> tuple[str, ...]:
    """The names of the columns."""
    for header, _ in _rows(file):
        return tuple(header)
    raise HistoryInvalid(f"{file.path} is empty: there is nothing to import.")


def cells(file: TextFile) -> Iterator[Cells]:
    """The rows under the header, but for blank ones."""
    header: Sequence[str] | None = None
    for values, line in _rows(file):
        if header is None:
            header = values
        elif any(values):
            yield Cells(file, line, header, values)


def column_of(
    header: Sequence[str], wanted: Sequence[str], given: Mapping[str, str], what: str
) -> str | None:
    """The header of the column that `given` names for `what`, or that is called by one of the `wanted` names.

    Raises:
        KeyError: what is given is not there.
    """
    by_name = {name.casefold().strip(): name for name in reversed(header)}
    if what in given:
        return by_name[given[what].casefold().strip()]
    return next((by_name[name] for name in wanted if name in by_name), None)


def _rows(file: TextFile) -> Iterator[tuple[list[str], int]]:
    lines = file.lines()
    first = next(lines, "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(_with(first, lines), delimiter=delimiter)
    try:
        for values in reader:
            yield [value.strip() for value in values], reader.line_num
    except csv.Error as error:
        raise file.invalid(reader.line_num, f"this is no CSV ({error})") from error


def _with(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
