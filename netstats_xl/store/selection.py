"""Which rows a question is about, as SQL with bound parameters; and instants back from the tables."""

from datetime import UTC, datetime
from typing import Any

from netstats_xl.domain.results import Period, Scope
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor

Parameters = dict[str, object]


def in_period(period: Period) -> tuple[str, Parameters]:
    """A condition on `tick`, and its parameters."""
    return "tick >= $start AND tick < $end", {"start": utc_naive(period.start), "end": utc_naive(period.end)}


def in_scope(scope: Scope, *, jobs: bool = True, destinations: bool = True) -> tuple[str, Parameters]:
    """A condition that begins with AND, on those of `job` and `destination` that the table has."""
    condition, parameters = "", Parameters()
    for column, table, ids, has in (
        ("job", "jobs", scope.job_ids, jobs),
        ("destination", "destinations", scope.destination_ids, destinations),
    ):
        if ids is not None and has:
            condition += (
                f" AND {column} IN (SELECT key FROM {table} WHERE id IN (SELECT unnest(${table}::VARCHAR[])))"  # noqa: S608 - the names are the four above
            )
            parameters[table] = sorted(ids)
    return condition, parameters


def last_rows(limit: int | None) -> tuple[str, Parameters]:
    """A LIMIT clause for rows in descending order."""
    return ("", {}) if limit is None else (" LIMIT $limit", {"limit": limit})


def aware(at: datetime) -> datetime:
    """The instant that a table holds."""
    return at.replace(tzinfo=UTC)


def least(cursor: Cursor, table: str, column: str) -> Any:
    """The least value of a column whose values ascend with the rows, by and large; None of no rows.

    Once rows were deleted, DuckDB's `min` of all rows would read the whole column.
    """
    return _end(cursor, table, column, f"SELECT min({column}) FROM {table} WHERE {column} <= $one")  # noqa: S608 - the names are this package's own


def greatest(cursor: Cursor, table: str, column: str) -> Any:
    """The greatest value of a column whose values ascend with the rows, by and large; None of no rows."""
    # Without the WHERE, DuckDB 1.5 may find no row, where others were deleted.
    query = f"SELECT {column} FROM {table} WHERE {column} >= $one ORDER BY {column} DESC LIMIT 1"  # noqa: S608 - the names are this package's own
    return _end(cursor, table, column, query)


def _end(cursor: Cursor, table: str, column: str, query: str) -> Any:
    """What the query finds on one side of any value."""
    one = cursor.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchall()  # noqa: S608 - as above
    return cursor.execute(query, {"one": one[0][0]}).fetchall()[0][0] if one else None
