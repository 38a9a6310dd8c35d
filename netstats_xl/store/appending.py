"""Rows on their way into a table: many at once, as one JSON text that is bound to one statement.

DuckDB takes the rows of a round so in a third of the time that a pandas data frame costs it, and large batches as
fast as that. Values bound one by one are slow: with each of them DuckDB looks for pandas.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from netstats_xl.store.database import Cursor

ColumnType = Literal[
    "TIMESTAMP", "INTEGER", "BIGINT", "USMALLINT", "DOUBLE", "FLOAT", "BOOLEAN", "VARCHAR", "FLOAT[]"
]
ROWS_A_STATEMENT = 2_000
"""The text of more rows would take more memory than it saves time."""


def append(cursor: Cursor, table: str, columns: Sequence[tuple[str, ColumnType, Sequence[object]]]) -> None:
    """Append rows to the table; nothing for no rows.

    Args:
        cursor: Within a transaction.
        table: A table of `migrations.py`.
        columns: Name, type and values of each; None is NULL. Instants are aware UTC.
    """
    names = ", ".join(name for name, _, _ in columns)
    values = ", ".join(f"unnest(rows.{name})" for name, _, _ in columns)
    shape = json.dumps({name: [kind] for name, kind, _ in columns})
    # Names and types are this package's own; the values are bound.
    insert = (
        f"INSERT INTO {table} ({names}) SELECT {values} FROM (SELECT from_json($rows, '{shape}') AS rows)"  # noqa: S608 - see above
    )
    for first in range(0, len(columns[0][2]), ROWS_A_STATEMENT):
        rows = {name: part[first : first + ROWS_A_STATEMENT] for name, _, part in columns}
        text = json.dumps(rows, default=_stored, ensure_ascii=False)
        # Half a surrogate pair is no character, and must not cost the batch.
        cursor.execute(insert, {"rows": text.encode(errors="replace").decode()})


def utc_naive(at: datetime) -> datetime:
    """The instant as the tables hold it: UTC without a zone.

    Raises:
        ValueError: it is naive, so it names no instant.
    """
    offset = at.utcoffset()
    if offset is None:
        raise ValueError(f"{at} has no time zone")
    return at.replace(tzinfo=None) - offset


def _stored(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} has no place in a table")
    return utc_naive(value).isoformat()
