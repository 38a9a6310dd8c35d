"""A table as LibreOffice told it: its rows, and what stands below them."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from netstats_xl.domain.tables import CellValue, ErrorValue, RawRow, RawTable
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.live.values import RawCell, plain_value
from netstats_xl.workbooks.xlsx_cells import DATE, DURATION, PERCENT, number_shown
from netstats_xl.workbooks.xlsx_parts import column_letters

Row = Sequence[RawCell]

_DATE_OR_TIME, _PERCENT, _LOGICAL, _DURATION = 2 | 4, 128, 1024, 8196
"""Sorts of `com.sun.star.util.NumberFormat`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A table. Rows and columns are counted from 0; a row's number, as users see it, is one more."""

    name: str
    sheet: str
    top: int
    """The row of its header."""
    left: int
    bottom: int
    right: int
    headers: Sequence[str]
    body: Sequence[Row]
    beyond: Sequence[Row]
    """What stands below it in its columns, down to the last row with a value that was looked at."""
    totals: bool
    """Whether a row of totals stands right below it: neither that one nor what follows is meant to be a row."""
    sorts: Mapping[tuple[int, int], int]
    """Of numbers that are more than plain: the sort of their format, by row on the sheet and position in the row."""
    epoch: datetime
    """The day that is 0."""

    @classmethod
    def told(cls, answer: Mapping[str, Any]) -> "Cells":
        """As `uno_side` tells it."""
        top, left, bottom, right = answer["area"]
        rows = [
            [ErrorValue(cell["error"]) if isinstance(cell, dict) else cell for cell in row]
            for row in answer["rows"]
        ]
        count = bottom - top
        return cls(
            name=answer["name"],
            sheet=answer["sheet"],
            top=top,
            left=left,
            bottom=bottom,
            right=right,
            headers=["" if cell is None else str(cell) for cell in rows[0]],
            body=rows[1 : count + 1],
            beyond=rows[count + 1 :],
            totals=answer["totals"],
            sorts={(top + row, column): sort for row, column, sort in answer["formats"]},
            epoch=datetime(*answer["first_day"]),  # noqa: DTZ001 - a workbook knows no time zone
        )

    @property
    def area(self) -> list[int]:
        """Where it stands, as `uno_side` takes it."""
        return [self.top, self.left, self.bottom, self.right]

    def positions(self) -> Mapping[str, int]:
        """The column of each header, as headers are compared; of equal ones the first."""
        found: dict[str, int] = {}
        for position, header in enumerate(self.headers):
            found.setdefault(normalised(header), position)
        return found

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The rows by their number, the blank ones too; and those right below the table, which it did not take in."""
        yield from enumerate(self.body, start=self.top + 2)
        if self.totals:
            return
        for number, row in enumerate(self.beyond, start=self.bottom + 2):
            if is_blank(row):
                return
            yield number, row

    def apart(self) -> Iterator[tuple[int, Row]]:
        """Rows below the table, a blank row or more apart."""
        if self.totals:
            return
        attached = True
        for number, row in enumerate(self.beyond, start=self.bottom + 2):
            attached = attached and not is_blank(row)
            if not attached and not is_blank(row):
                yield number, row

    def raw_table(self, ours: Collection[str]) -> RawTable:
        """What its user typed, and what stands in the columns `ours`, where formats do not matter."""
        ignored = {position for header, position in self.positions().items() if header in ours}

        def raw_row(number: int, row: Row) -> RawRow:
            values = [
                plain_value(cell) if position in ignored else self._meant(number, position, cell)
                for position, cell in enumerate(row)
            ]
            return RawRow(number=number, cells=dict(zip(self.headers, values, strict=True)))

        return RawTable(
            name=self.name,
            sheet=self.sheet,
            headers=tuple(self.headers),
            rows=tuple(raw_row(number, row) for number, row in self.rows() if not is_blank(row)),
            columns={header: column_letters(self.left + 1 + at) for at, header in enumerate(self.headers)},
            header_row=self.top + 1,
            rows_apart=tuple(raw_row(number, row) for number, row in self.apart()),
        )

    def _meant(self, number: int, position: int, cell: RawCell) -> CellValue:
        if not isinstance(cell, float):
            return cell if isinstance(cell, ErrorValue) else plain_value(cell)
        sort = self.sorts.get((number - 1, position), 0)
        if sort & _LOGICAL:
            return bool(cell)
        if sort & _DURATION == _DURATION:
            return number_shown(cell, DURATION, self.epoch)
        if sort & _DATE_OR_TIME:
            return number_shown(cell, DATE, self.epoch)
        return number_shown(cell, PERCENT) if sort & _PERCENT else plain_value(cell)

    def digest_into(self, digest: "hashlib.blake2b", typed: Collection[str]) -> None:
        """Add what its user typed, and where it stands."""
        positions = sorted(position for header, position in self.positions().items() if header in typed)
        digest.update(repr((self.name, self.sheet, self.top, self.left, self.headers)).encode())
        for number, row in [*self.rows(), *self.apart()]:
            held = [row[position] for position in positions]
            if not is_blank(held):
                digest.update(repr((number, held)).encode())


def is_blank(row: Row) -> bool:
    """Whether no cell of a row holds anything."""
    return all(value is None or value == "" for value in row)
