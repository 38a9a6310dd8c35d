"""One row of an input table: its cells by key, and what is wrong with each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from netstats_xl.domain.tables import CellValue, ErrorValue, RawRow, RawTable
from netstats_xl.errors import CellError
from netstats_xl.sheets.cells import clean, is_blank, shown
from netstats_xl.sheets.columns import SheetColumn

T = TypeVar("T")
Default = TypeVar("Default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which header of a table holds which column."""

    table: RawTable
    headers: Mapping[str, str]
    """The header as written, by the column's key; a column that the table lacks has none."""
    columns: Mapping[str, SheetColumn]
    """By key."""

    def address(self, row_number: int, key: str) -> str:
        """The address of a cell, for a message."""
        return self.table.address(row_number, self.headers.get(key, self.columns[key].header))

    def value(self, row: RawRow, key: str) -> CellValue:
        """What the cell holds; None where the table lacks the column."""
        header = self.headers.get(key)
        return None if header is None else row.cells.get(header)

    def is_blank(self, row: RawRow) -> bool:
        """Whether the user typed nothing into the row: a left-over ID or status does not count."""
        return all(is_blank(self.value(row, key)) for key, column in self.columns.items() if column.typed)

    def rows_apart(self) -> list[RawRow]:
        """What stands below the table, apart from it, and looks like its rows: all required columns are filled."""
        required = [key for key, column in self.columns.items() if column.required]
        return [
            row
            for row in self.table.rows_apart
            if not any(is_blank(self.value(row, key)) for key in required)
        ]

    def apart_error(self, rows: Sequence[RawRow]) -> CellError:
        """What to tell about rows, one or more, that stand apart from the table."""
        first, last = rows[0].number, rows[-1].number
        several = first != last
        key = next(iter(self.columns))
        return CellError(
            sheet=self.table.sheet,
            cell=self.address(first, key),
            value=shown(self.value(rows[0], key)),
            message=f"{f'rows {first} to {last} stand' if several else f'row {first} stands'} below the table "
            f"{self.table.name}, apart from it, and {'are' if several else 'is'} not read: delete the blank rows "
            f"above, or extend the table over {'them' if several else 'it'}",
        )


def normalised(header: str) -> str:
    """The header as headers are compared: without case and surplus spaces."""
    return clean(header).replace("\n", " ").casefold()


def match_headers(table: RawTable, columns: Sequence[SheetColumn]) -> tuple[Layout | None, list[CellError]]:
    """Find the columns by header, or by key, in any order; None where a required one is missing.

    Columns that are none of ours belong to the user and are left alone.
    """
    wanted = {normalised(name): column.key for column in columns for name in (column.key, column.header)}
    by_key = {column.key: column for column in columns}
    headers: dict[str, str] = {}
    errors = []
    for header in table.headers:
        key = wanted.get(normalised(header))
        if key is None:
            continue
        if key in headers:
            cell = table.address(table.header_row, header)
            errors.append(
                CellError(
                    sheet=table.sheet,
                    cell=cell,
                    value=shown(header),
                    message=f"a second column of the table {table.name} has this header, and only the first "
                    "is read: rename or delete one",
                )
            )
            continue
        headers[key] = header
    missing = [column for column in columns if column.required and column.key not in headers]
    errors += [
        CellError(
            sheet=table.sheet,
            cell=table.address(table.header_row, table.headers[0] if table.headers else column.header),
            value="",
            message=f"the table {table.name} has no column {column.header!r}, and none of its rows can be "
            "read: give a column this header",
        )
        for column in missing
    ]
    return None if missing else Layout(table=table, headers=headers, columns=by_key), errors


@dataclass(slots=True, kw_only=True)
class RowReader:
    """Reads the cells of one row and collects what is wrong with them."""

    layout: Layout
    row: RawRow
    errors: list[CellError] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether nothing was wrong so far."""
        return not self.errors

    def value(self, key: str) -> CellValue:
        """What the cell holds."""
        return self.layout.value(self.row, key)

    def read(self, key: str, parse: Callable[[CellValue], T], default: Default) -> T | Default:
        """The cell's value, parsed; `default` where it is blank, or bad, which is noted then."""
        value = self.value(key)
        if is_blank(value):
            return default
        if isinstance(value, ErrorValue):
            self.refuse(key, "the cell shows an error: correct its formula, or type a value")
            return default
        try:
            return parse(value)
        except (ValueError, OverflowError) as error:
            self.refuse(key, str(error))
            return default

    def require(self, key: str, example: str) -> None:
        """Note that the cell is blank, if it is."""
        if is_blank(self.value(key)):
            self.refuse(key, f"this must not be blank: {example}")

    def refuse(self, key: str, message: str) -> None:
        """Note what is wrong with a cell."""
        self.errors.append(self.error(key, message))

    def error(self, key: str, message: str) -> CellError:
        """An error of a cell, not counted against the row."""
        return CellError(
            sheet=self.layout.table.sheet,
            cell=self.layout.address(self.row.number, key),
            value=shown(self.value(key)),
            message=message,
        )


def parse_id(value: CellValue) -> str:
    """A row's hidden ID: 12 hexadecimal digits. What is none counts as blank: the user cannot see the column.

    One made of decimal digits alone may come back as a number, without its leading zeros.
    """
    if isinstance(value, float) and value.is_integer() and 0 <= value < 10**12:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12:
        return f"{value:012d}"
    text = clean(value).lower() if isinstance(value, str) else ""
    return text if len(text) == 12 and set(text) <= set("0123456789abcdef") else ""
