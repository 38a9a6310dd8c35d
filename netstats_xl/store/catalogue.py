"""Destinations and jobs as the store knows them: their small integer keys, and the definitions saved last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from netstats_xl.domain.targets import Definitions, Destination, DestinationId, Job, JobId
from netstats_xl.errors import StoreCorrupt
from netstats_xl.ports import StoredDefinitions
from netstats_xl.store.database import Cursor
from netstats_xl.store.frames import append, utc_naive


@dataclass(slots=True)
class Keys:
    """The key of each destination and job in the tables, in memory. Only the writing thread uses them."""

    destinations: dict[DestinationId, int] = field(default_factory=dict)
    jobs: dict[JobId, int] = field(default_factory=dict)


def load_keys(cursor: Cursor) -> Keys:
    """The keys in use."""
    return Keys(
        destinations=dict(cursor.execute("SELECT id, key FROM destinations").fetchall()),
        jobs=dict(cursor.execute("SELECT id, key FROM jobs").fetchall()),
    )


def missing_keys(known: dict[str, int], ids: Iterable[str]) -> dict[str, int]:
    """New keys for the IDs that have none yet."""
    first = max(known.values(), default=0) + 1
    new = sorted(set(ids) - known.keys())
    return {each: first + index for index, each in enumerate(new)}


def add_placeholders(cursor: Cursor, *, destinations: dict[DestinationId, int], jobs: dict[JobId, int]) -> None:
    """Rows for destinations and jobs that were measured but never defined, so that no measurement is lost."""
    append(cursor, "destinations", _destination_columns([(key, each, None) for each, key in destinations.items()]))
    append(cursor, "jobs", _job_columns([(key, each, None) for each, key in jobs.items()]))


def save(cursor: Cursor, definitions: Definitions, *, at: datetime, keys: Keys) -> Keys:
    """Make these definitions the active ones, and return the keys of those that are new."""
    new = Keys(
        destinations=missing_keys(keys.destinations, (each.id for each in definitions.destinations)),
        jobs=missing_keys(keys.jobs, (each.id for each in definitions.jobs)),
    )
    destination_keys, job_keys = keys.destinations | new.destinations, keys.jobs | new.jobs
    for table, ids in (
        ("destinations", [each.id for each in definitions.destinations]),
        ("jobs", [each.id for each in definitions.jobs]),
    ):
        # `table` is one of the two names above.
        cursor.execute(
            f"UPDATE {table} SET active = false, retired_at = $at "  # noqa: S608 - see above
            "WHERE active AND id NOT IN (SELECT unnest($ids::VARCHAR[]))",
            {"at": utc_naive(at), "ids": ids},
        )
        cursor.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT unnest($ids::VARCHAR[]))",  # noqa: S608 - see above
            {"ids": ids},
        )
    append(
        cursor,
        "destinations",
        _destination_columns([(destination_keys[each.id], each.id, each) for each in definitions.destinations]),
    )
    append(cursor, "jobs", _job_columns([(job_keys[each.id], each.id, each) for each in definitions.jobs]))
    return new


def load(cursor: Cursor) -> StoredDefinitions:
    """The active definitions in the order they were saved in, and the retired ones, the first retired first.

    Raises:
        StoreCorrupt: a definition cannot be understood.
    """
    columns = "SELECT active, id, definition FROM"
    order = "WHERE definition IS NOT NULL ORDER BY retired_at, position, key"
    destinations = cursor.execute(f"{columns} destinations {order}").fetchall()
    jobs = cursor.execute(f"{columns} jobs {order}").fetchall()
    return StoredDefinitions(active=_definitions(destinations, jobs, True), retired=_definitions(destinations, jobs, False))


_Row = tuple[bool, str, str]


def _definitions(destinations: Sequence[_Row], jobs: Sequence[_Row], active: bool) -> Definitions:
    kind, id_ = "", ""
    try:
        found_destinations, found_jobs = [], []
        kind = "destination"
        for is_active, id_, definition in destinations:
            if is_active == active:
                found_destinations.append(Destination.model_validate_json(definition))
        kind = "job"
        for is_active, id_, definition in jobs:
            if is_active == active:
                found_jobs.append(Job.model_validate_json(definition))
    except ValidationError as error:
        raise StoreCorrupt(
            f"The definition of {kind} {id_} in the database cannot be understood: it was changed by hand, or by "
            f"another version of netstats_xl. Use that version, or choose another database. ({error.errors()[0]['msg']})"
        ) from error
    return Definitions(destinations=tuple(found_destinations), jobs=tuple(found_jobs))
