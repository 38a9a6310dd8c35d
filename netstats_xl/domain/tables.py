"""A table as a workbook holds it, before anything is made of its cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """An error that a cell shows, for example `#N/A`: not blank, and no text."""

    code: str


CellValue = str | int | float | bool | datetime | date | time | timedelta | ErrorValue | None
"""What a cell holds; None is blank. Datetimes are naive: a workbook knows no time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row of a table below its header."""

    number: int
    """The row's number on its sheet, from 1; in a source without cells, from 0."""
    cells: Mapping[str, CellValue]
    """By the header as written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A table of a workbook: its place, its headers and its rows, blank ones left out."""

    name: str
    sheet: str
    headers: Sequence[str]
    """As written, left to right."""
    rows: Sequence[RawRow]
    columns: Mapping[str, str] = field(default_factory=dict)
    """The column's letters by header, for addresses; empty in a source without cells."""
    header_row: int = 1
    rows_apart: Sequence[RawRow] = ()
    """What stands in the table's columns below it, a blank row or more apart: not rows, but maybe meant to be."""

    def address(self, row_number: int, header: str) -> str:
        """`B7`; in a source without cells `destinations[0].host`. An absent header is addressed by the row."""
        if not self.columns:
            return f"{self.name.lower()}[{row_number}].{header.lower()}"
        letters = self.columns.get(header) or next(iter(self.columns.values()))
        return f"{letters}{row_number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEdits:
    """What is to be written into a table, by header. Cells that are not named stay as they are."""

    append: tuple[Mapping[str, CellValue], ...] = ()
    """New rows below the last one."""
    replace: Mapping[int, Mapping[str, CellValue]] = field(default_factory=dict)
    """Cells of rows that exist, by row number."""
    remove: tuple[int, ...] = ()
    """Numbers of rows that go."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.append or self.replace or self.remove)
