"""A text file, read line by line, with never more than one line of it in memory."""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from netstats_xl.errors import HistoryInvalid

LONGEST_LINE = 1_000_000
"""Characters; a file of one endless line must not fill the memory."""
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class TextFile:
    """UTF-8 with or without a byte order mark, or UTF-16 with one, as PowerShell writes what a program prints."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part_read = 0.0
        """How much of it the last reading has come to, 0 to 1."""

    def lines(self) -> Iterator[str]:
        """Its lines with their ends.

        Raises:
            HistoryInvalid: a line is too long, or the file cannot be read.
        """
        try:
            size = max(self.path.stat().st_size, 1)
            with self.path.open("rb") as raw:
                mark = raw.read(2)
                raw.seek(0)
                encoding = dict(_MARKS).get(mark, "utf-8-sig")
                with TextIOWrapper(raw, encoding=encoding, errors="replace", newline="") as text:
                    number = 0
                    while line := text.readline(LONGEST_LINE):
                        number += 1
                        if len(line) == LONGEST_LINE and not line.endswith("\n"):
                            raise self.invalid(number, f"it has more than {LONGEST_LINE:,} characters")
                        self.part_read = min(raw.tell() / size, 1.0)
                        yield line
        except OSError as error:
            raise HistoryInvalid(f"{self.path} cannot be read: {error.strerror or error}.") from error
        self.part_read = 1.0

    def invalid(self, line: int, what: str, *, column: str = "") -> HistoryInvalid:
        """The error of a line, by its number from 1 on: `what` says what is wrong, and what would help."""
        place = f"line {line}, column {column!r}" if column else f"line {line}"
        return HistoryInvalid(f"{self.path}, {place}: {what}.")
