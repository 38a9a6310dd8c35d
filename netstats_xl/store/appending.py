"""Rows on their way into a table: many at once, column by column, as one Arrow table in memory.

DuckDB takes the columns without a look at single values. Values bound one by one are slow: with each of them it looks
for pandas.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from typing import Literal

import nanoarrow
from nanoarrow.c_array import CArray

from netstats_xl.store.database import Cursor

ColumnType = Literal[
    "TIMESTAMP", "INTEGER", "BIGINT", "USMALLINT", "DOUBLE", "FLOAT", "BOOLEAN", "VARCHAR", "FLOAT[]"
]
Columns = Sequence[tuple[str, ColumnType, Sequence[object]]]

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
_FLOATS = nanoarrow.c_schema(nanoarrow.list_(nanoarrow.float32()))


def append(cursor: Cursor, table: str, columns: Columns) -> None:
    """Append rows to the table; nothing for no rows.

    Args:
        cursor: Within a transaction.
        table: A table of `migrations.py`.
        columns: Name, type and values of each; None is NULL. Instants are aware UTC. Half a surrogate pair, which is
            no character, becomes a question mark.

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
        nulls = 0 if isinstance(values, array) else values.count(None)
        if nulls < rows:  # a column without values costs nothing where it is left out
            validity, present = (None, values) if nulls == 0 else _split(values, _ABSENT[kind])
            parts[name] = _FINISHED[kind](kind, present, validity)
    names = ", ".join(parts)
    shape = nanoarrow.struct({name: part.schema for name, part in parts.items()})
    # DuckDB finds it by this name.
    arriving = nanoarrow.Array(  # noqa: F841 - see above
        nanoarrow.c_array_from_buffers(shape, rows, [None], children=parts.values())
    )
    # Names are this package's own.
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM arriving")  # noqa: S608 - see above


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


def _instants(kind: ColumnType, values: Sequence[object], validity: bytearray | None) -> CArray:
    # Few instants are those of many rows.
    stored = {at: (utc_naive(at) - _EPOCH) // _MICROSECOND for at in set(values)}  # type: ignore[arg-type]  # what is no instant has no offset
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


def _lists(kind: ColumnType, values: Sequence[object], validity: bytearray | None) -> CArray:
    flat: list[object] = list(chain.from_iterable(values))  # type: ignore[arg-type]  # it refuses what is no list
    present = _split(flat, 0.0) if None in flat else (None, flat)
    return nanoarrow.c_array_from_buffers(
        _FLOATS,
        len(values),
        [validity, _offsets(map(len, values))],  # type: ignore[arg-type]  # as above
        children=[_numbers("FLOAT", present[1], present[0])],
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
    "FLOAT[]": _lists,
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
    "FLOAT[]": (),
}
"""What stands in the place of a NULL, where nobody looks."""


def _split(values: Sequence[object], absent: object) -> tuple[bytearray, Sequence[object]]:
    """The bits of the rows that have a value, and the values with `absent` in the others."""
    present = list(values)
    nulls, row = [], -1
    for _ in range(values.count(None)):
        row = values.index(None, row + 1)  # few are, so this is faster than a look at each
        nulls.append(row)
        present[row] = absent
    return _bits_but(nulls, len(values)), present


def _bits_but(rows: Iterable[int], count: int) -> bytearray:
    """`count` bits, the lowest of a byte first, that are set but in these rows."""
    bits = bytearray(b"\xff") * ((count + 7) // 8)
    for row in rows:
        bits[row >> 3] &= ~(1 << (row & 7))
    return bits


def _offsets(lengths: Iterable[int]) -> "array[int]":
    return array("i", accumulate(lengths, initial=0))
