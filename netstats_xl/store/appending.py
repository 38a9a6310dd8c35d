"""Rows on their way into a table: many at once, through pandas.

DuckDB takes a data frame at some 300,000 rows/s, and single rows (`executemany`) at 1,000.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import pandas as pd

from netstats_xl.store.database import Cursor

ColumnType = Literal["datetime64[us]", "int32", "int64", "uint16", "float64", "bool", "object"]


def append(cursor: Cursor, table: str, columns: Sequence[tuple[str, ColumnType, Sequence[object]]]) -> None:
    """Append rows to the table; nothing for no rows.

    Args:
        cursor: Within a transaction.
        table: A table of `migrations.py`.
        columns: Name, type and values of each; None is NULL and needs `object`. Instants are aware UTC.
    """
    if not columns[0][2]:
        return
    frame = pd.DataFrame(
        {
            name: pd.Series(
                [utc_naive(each) if isinstance(each, datetime) else each for each in values], dtype=dtype
            )
            for name, dtype, values in columns
        }
    )
    names = ", ".join(frame.columns)
    cursor.register("incoming", frame)
    try:
        # Table and column names are this package's own; the values are in the frame.
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming")  # noqa: S608 - no value in it
    finally:
        cursor.unregister("incoming")


def utc_naive(at: datetime) -> datetime:
    """The instant as the tables hold it: UTC without a zone.

    Raises:
        ValueError: it is naive, so it names no instant.
    """
    offset = at.utcoffset()
    if offset is None:
        raise ValueError(f"{at} has no time zone")
    return at.replace(tzinfo=None) - offset
