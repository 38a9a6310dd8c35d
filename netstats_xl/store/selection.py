"""Which rows a question is about, as SQL with bound parameters; and instants back from the tables."""

from datetime import UTC, datetime

from netstats_xl.domain.results import Period, Scope
from netstats_xl.store.appending import utc_naive

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
