"""Routes to destinations: a row for as long as traces find the same, its statistics brought up to date by each."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from netstats_xl.domain.results import Period, Scope, TracedRoute, TraceReason
from netstats_xl.domain.route_records import RouteRecord, follow
from netstats_xl.domain.routes import HopStatistics
from netstats_xl.domain.targets import DestinationId
from netstats_xl.errors import StoreCorrupt
from netstats_xl.store.appending import append, utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.selection import Parameters, aware, in_period, in_scope, last_rows

_HOPS = TypeAdapter(tuple[HopStatistics, ...])
_NAMES = TypeAdapter(dict[str, str])
_COLUMNS = "ordinal, destinations.id, tick, last_tick, traces, address, reached, reason, change, hops, names"


def save(cursor: Cursor, traced: Sequence[TracedRoute], destinations: Mapping[DestinationId, int]) -> None:
    """Bring the routes up to date, in the order of the traces; `destinations` has the key of each."""
    if not traced:
        return
    wanted = frozenset(each.destination_id for each in traced)
    last = {record.destination_id: (ordinal, record) for ordinal, record in _last(cursor, wanted)}
    [(next_ordinal,)] = cursor.execute("SELECT coalesce(max(ordinal), 0) + 1 FROM routes").fetchall()
    changed: dict[int, RouteRecord] = {}
    for each in traced:
        ordinal, before = last.get(each.destination_id, (0, None))
        after = follow(before, each)
        if after.traces == 1:  # the route changed, or is the first
            ordinal, next_ordinal = next_ordinal, next_ordinal + 1
        last[each.destination_id] = ordinal, after
        changed[ordinal] = after
    cursor.execute(
        "DELETE FROM routes WHERE ordinal IN (SELECT unnest($ordinals::BIGINT[]))",
        {"ordinals": list(changed)},
    )
    _append(cursor, changed, destinations)


def current(cursor: Cursor, before: datetime, scope: Scope) -> dict[DestinationId, RouteRecord]:
    """As `ports.ResultStore.current_routes`."""
    which, parameters = in_scope(scope, jobs=False)
    found = _records(
        cursor,
        f"ordinal IN (SELECT max(ordinal) FROM routes WHERE tick < $before{which} GROUP BY destination)",  # noqa: S608 - built from constants; values are bound
        {"before": utc_naive(before), **parameters},
    )
    return {record.destination_id: record for _, record in found}


def found_first(cursor: Cursor, period: Period, scope: Scope, limit: int | None) -> list[RouteRecord]:
    """As `ports.ResultStore.routes`."""
    when, when_parameters = in_period(period)
    which, which_parameters = in_scope(scope, jobs=False)
    last, last_parameters = last_rows(limit)
    found = _records(
        cursor,
        f"{when}{which} ORDER BY tick DESC, ordinal DESC{last}",
        when_parameters | which_parameters | last_parameters,
    )
    return [record for _, record in reversed(found)]


def _last(cursor: Cursor, destination_ids: frozenset[DestinationId]) -> list[tuple[int, RouteRecord]]:
    which, parameters = in_scope(Scope(destination_ids=destination_ids), jobs=False)
    condition = f"ordinal IN (SELECT max(ordinal) FROM routes WHERE true{which} GROUP BY destination)"  # noqa: S608 - built from constants; values are bound
    return _records(cursor, condition, parameters)


def _records(cursor: Cursor, condition: str, parameters: Parameters) -> list[tuple[int, RouteRecord]]:
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM routes JOIN destinations ON destinations.key = destination WHERE {condition}",  # noqa: S608 - built from constants; values are bound
        parameters,
    ).fetchall()
    return [(ordinal, _parse(*columns)) for ordinal, *columns in rows]


def _parse(
    destination_id: DestinationId,
    first: datetime,
    last: datetime,
    traces: int,
    address: str,
    reached: bool,
    reason: str,
    change: str,
    hops: str,
    names: str,
) -> RouteRecord:
    try:
        return RouteRecord(
            destination_id=destination_id,
            first_at=aware(first),
            last_at=aware(last),
            traces=traces,
            address=address,
            hops=_HOPS.validate_json(hops),
            reached=reached,
            reason=TraceReason(reason),
            change=change,
            names=_NAMES.validate_json(names),
        )
    except (ValidationError, ValueError) as error:
        raise StoreCorrupt(
            f"The database holds a route to {destination_id} that cannot be understood: it was changed by hand, or by "
            "another version of netstats_xl. Use that version, or choose another database."
        ) from error


def replace_all(cursor: Cursor, records: Sequence[RouteRecord]) -> None:
    """Make these the routes that are known, in this order; their destinations have keys."""
    keys = dict(cursor.execute("SELECT id, key FROM destinations").fetchall())
    cursor.execute("DELETE FROM routes")
    _append(cursor, dict(enumerate((each for each in records if each.destination_id in keys), start=1)), keys)


def _append(
    cursor: Cursor, changed: Mapping[int, RouteRecord], destinations: Mapping[DestinationId, int]
) -> None:
    records = list(changed.values())
    append(
        cursor,
        "routes",
        [
            ("ordinal", "BIGINT", list(changed)),
            ("destination", "INTEGER", [destinations[record.destination_id] for record in records]),
            ("tick", "TIMESTAMP", [record.first_at for record in records]),
            ("last_tick", "TIMESTAMP", [record.last_at for record in records]),
            ("traces", "BIGINT", [record.traces for record in records]),
            ("address", "VARCHAR", [record.address for record in records]),
            ("reached", "BOOLEAN", [record.reached for record in records]),
            ("reason", "VARCHAR", [record.reason.value for record in records]),
            ("change", "VARCHAR", [record.change for record in records]),
            ("hops", "VARCHAR", [_HOPS.dump_json(record.hops).decode() for record in records]),
            ("names", "VARCHAR", [_names_as_json(record.names) for record in records]),
        ],
    )


def _names_as_json(names: Mapping[str, str]) -> str:
    # Half a surrogate pair is no character: what a resolver makes of odd bytes must not cost the batch.
    return _NAMES.dump_json(
        {address: name.encode(errors="replace").decode() for address, name in names.items()}
    ).decode()
