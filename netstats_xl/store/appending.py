"""Rows on their way into a table: many at once, column by column, as one Arrow table in memory.

DuckDB takes the columns without a look at single values. A row or two are bound one by one: planning an Arrow table
takes DuckDB longer than that.
"""

import struct
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Literal

import nanoarrow
from nanoarrow.c_array import CArray

from netstats_xl.store.database import Cursor

ColumnType = Literal[
    "TIMESTAMP", "INTEGER", "BIGINT", "USMALLINT", "DOUBLE", "FLOAT", "BOOLEAN", "VARCHAR", "FLOAT[]"
]
FEW = 16
"""So many rows are bound value by value at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The values of a column of lists, one after the other."""

    numbers: "array[float]"
    """Of all lists; 0 in the place of a NULL."""
    missing: Sequence[int]
    """Which of the numbers are NULL, ascending."""
    offsets: "array[int]"
    """Where in `numbers` each row's list begins; and the end."""
    without: Sequence[int]
    """The rows that have NULL in the place of a list, ascending."""

    def __len__(self) -> int:
        return len(self.offsets) - 1


Columns = Sequence[tuple[str, ColumnType, Sequence[object] | Lists]]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, as the tables hold instants
_MICROSECOND = timedelta(microseconds=1)
_NUMBERS = {
    "TIMESTAMP": ("q", nanoarrow.c_schema(nanoarrow.timestamp("us"))),
    "INTEGER": ("i", nanoarrow.c_schema(nanoarrow.int32())),
    "BIGINT": ("q", nanoarrow.c_schema(nanoarrow.int64())),
    "USMALLINT": ("H", nanoarrow.c_schema(nanoarrow.uint16())),
    "DOUBLE": ("d", nanoarrow.c_schema(nanoarrow.float64())),
    "FLOAT": ("f", nanoarrow.c_schema(nanoarrow.float32())),
}
"""How `array` and Arrow call the types of fixed width."""
_TEXT = nanoarrow.c_schema(nanoarrow.string())
_TRUTH = nanoarrow.c_schema(nanoarrow.bool_())
_FLOAT = nanoarrow.c_schema(nanoarrow.float32())
_FLOATS = nanoarrow.c_schema(nanoarrow.list_(nanoarrow.float32()))
NO_CHANGES: Mapping[str, str] = MappingProxyType({})


def append(cursor: Cursor, table: str, columns: Columns, *, changed: Mapping[str, str] = NO_CHANGES) -> None:
    """Append rows to the table; nothing for no rows.

    Args:
        cursor: Within a transaction.
        table: A table of `migrations.py`.
        columns: Name, type and values of each; None is NULL. Instants are aware UTC, or an array of microseconds since
            1970. Half a surrogate pair, which is no character, becomes a question mark.
        changed: SQL of what is stored in the place of a column's values.

    Raises:
        TypeError: a value is not of its column's type.
        OverflowError: a number is too large for its column.
        ValueError: an instant has no time zone.
    """
    rows = len(columns[0][2])
    if not rows:
        return
    parts = {}
    for name, kind, values in columns:
        if isinstance(values, Lists):
            if len(values.without) < rows:
                parts[name] = _lists(values)
            continue
        nulls = 0 if isinstance(values, array) else values.count(None)
        if nulls < rows or name in changed:  # a column without values costs nothing where it is left out
            validity, present = (None, values) if nulls == 0 else _split(values, nulls, _ABSENT[kind])
            parts[name] = _FINISHED[kind](kind, present, validity)
    shape = nanoarrow.struct({name: part.schema for name, part in parts.items()})
    # DuckDB finds it by this name.
    arriving = nanoarrow.Array(  # noqa: F841 - see above
        nanoarrow.c_array_from_buffers(shape, rows, [None], children=parts.values())
    )
    values_of = ", ".join(changed.get(name, name) for name in parts)
    # Names are this package's own.
    cursor.execute(f"INSERT INTO {table} ({', '.join(parts)}) SELECT {values_of} FROM arriving")  # noqa: S608 - see above


def append_few(cursor: Cursor, table: str, columns: Columns) -> None:
    """As `append`, which it calls if there are more than a `FEW` rows: of numbers that fit, texts and instants."""
    names = [name for name, _, _ in columns]
    rows = list(zip(*(values for _, _, values in columns), strict=True))
    if len(rows) > FEW:
        append(cursor, table, columns)
    elif rows:
        marks = ", ".join([f"({', '.join('?' * len(names))})"] * len(rows))
        # Names are this package's own.
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES {marks}"  # noqa: S608 - see above
        cursor.execute(statement, [_bound(value) for row in rows for value in row])


def _bound(value: object) -> object:
    if isinstance(value, datetime):
        return utc_naive(value)
    if isinstance(value, str) and not value.isascii():
        return value.encode(errors="replace").decode()
    return value


def packed(code: Literal["i", "d", "f"], values: Iterable[float]) -> "array[Any]":
    """An array of the values, in less time than `array` itself takes to make it.

    Raises:
        TypeError: a value is not a number of this type, or too large for it.
    """
    listed = list(values)
    numbers: array[Any] = array(code)
    try:
        numbers.frombytes(struct.pack(f"{len(listed)}{code}", *listed))
    except struct.error as error:
        raise TypeError(f"not a number of type {code}: {error}") from error
    return numbers


def utc_naive(at: datetime) -> datetime:
    """The instant as the tables hold it: UTC without a zone.

    Raises:
        ValueError: it is naive, so it names no instant.
    """
    offset = at.utcoffset()
    if offset is None:
        raise ValueError(f"{at} has no time zone")
    return at.replace(tzinfo=None) - offset


def _numbers(kind: ColumnType, values: Sequence[object], validity: bytearray | None) -> CArray:
    code, schema = _NUMBERS[kind]
    numbers = values if isinstance(values, array) else array(code, values)  # type: ignore[type-var]  # `array` refuses what is no number
    return nanoarrow.c_array_from_buffers(schema, len(values), [validity, numbers])


def microseconds(at: datetime) -> int:
    """The instant as an array of instants holds it.

    Raises:
        ValueError: as `utc_naive`.
    """
    return (utc_naive(at) - _EPOCH) // _MICROSECOND


def _instants(kind: ColumnType, values: Sequence[object], validity: bytearray | None) -> CArray:
    if isinstance(values, array):
        return _numbers(kind, values, validity)
    # Few instants are those of many rows.
    stored = {at: microseconds(at) for at in set(values)}  # type: ignore[arg-type]  # what is no instant has no offset
    return _numbers(kind, [stored[at] for at in values], validity)


def _truths(kind: ColumnType, values: Sequence[object], validity: bytearray | None) -> CArray:
    untrue = (row for row, value in enumerate(values) if not value)
    return nanoarrow.c_array_from_buffers(_TRUTH, len(values), [validity, _bits_but(untrue, len(values))])


def _texts(kind: ColumnType, values: Sequence[object], validity: bytearray | None) -> CArray:
    parts: Sequence[str] | Sequence[bytes] = values  # type: ignore[assignment]  # `join` refuses what is no text
    text = "".join(values)  # type: ignore[arg-type]  # as above
    data = text.encode(errors="replace")
    if not text.isascii():
        parts = [each.encode(errors="replace") for each in values]  # type: ignore[attr-defined]  # as above
    return nanoarrow.c_array_from_buffers(_TEXT, len(values), [validity, _offsets(map(len, parts)), data])


def _lists(values: Lists) -> CArray:
    return nanoarrow.c_array_from_buffers(
        _FLOATS,
        len(values),
        [_bits_but(values.without, len(values)) if values.without else None, values.offsets],
        children=[
            nanoarrow.c_array_from_buffers(
                _FLOAT,
                len(values.numbers),
                [
                    _bits_but(values.missing, len(values.numbers)) if values.missing else None,
                    values.numbers,
                ],
            )
        ],
    )


_FINISHED: dict[ColumnType, Callable[[ColumnType, Sequence[object], bytearray | None], CArray]] = {
    "TIMESTAMP": _instants,
    "INTEGER": _numbers,
    "BIGINT": _numbers,
    "USMALLINT": _numbers,
    "DOUBLE": _numbers,
    "FLOAT": _numbers,
    "BOOLEAN": _truths,
    "VARCHAR": _texts,
}
_ABSENT: dict[ColumnType, object] = {
    "TIMESTAMP": datetime(1970, 1, 1, tzinfo=UTC),
    "INTEGER": 0,
    "BIGINT": 0,
    "USMALLINT": 0,
    "DOUBLE": 0.0,
    "FLOAT": 0.0,
    "BOOLEAN": False,
    "VARCHAR": "",
}
"""What stands in the place of a NULL, where nobody looks."""


def _split(values: Sequence[object], nulls: int, absent: object) -> tuple[bytearray, Sequence[object]]:
    """The bits of the rows that have a value, and the values with `absent` in the others: so many `nulls`."""
    if nulls > len(values) // 2:
        rows = [row for row, value in enumerate(values) if value is not None]
        present = [absent] * len(values)
        for row in rows:
            present[row] = values[row]
        return _bits_of(rows, len(values)), present
    present = list(values)
    missing, row = [], -1
    for _ in range(nulls):
        row = values.index(None, row + 1)  # few are, so this is faster than a look at each
        missing.append(row)
        present[row] = absent
    return _bits_but(missing, len(values)), present


def _bits_but(rows: Iterable[int], count: int) -> bytearray:
    """`count` bits, the lowest of a byte first, that are set but in these rows."""
    bits = bytearray(b"\xff") * ((count + 7) // 8)
    for row in rows:
        bits[row >> 3] &= ~(1 << (row & 7))
    return bits


def _bits_of(rows: Iterable[int], count: int) -> bytearray:
    """`count` bits of which these rows' alone are set."""
    bits = bytearray((count + 7) // 8)
    for row in rows:
        bits[row >> 3] |= 1 << (row & 7)
    return bits


def _offsets(lengths: Iterable[int]) -> "array[int]":
    return packed("i", accumulate(lengths, initial=0))
