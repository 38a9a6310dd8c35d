"""What the store knows of the user's wishes: destinations and jobs with their small integer keys, and settings."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from netstats_xl.domain.retention import DeletionRecord
from netstats_xl.domain.targets import Definitions, Destination, DestinationId, Job, JobId, Settings
from netstats_xl.errors import StoreCorrupt
from netstats_xl.ports import StoredDefinitions
from netstats_xl.store.appending import ColumnType, append, utc_naive
from netstats_xl.store.database import Cursor


@dataclass(slots=True)
class Keys:
    """The key of each destination and job in the tables, in memory. Only the writing thread adds any; none changes."""

    destinations: dict[DestinationId, int] = field(default_factory=dict)
    jobs: dict[JobId, int] = field(default_factory=dict)

    def add(self, new: "Keys") -> None:
        """Take these, too."""
        self.destinations.update(new.destinations)
        self.jobs.update(new.jobs)


def load_keys(cursor: Cursor) -> Keys:
    """The keys in use."""
    return Keys(
        destinations=dict(cursor.execute("SELECT id, key FROM destinations").fetchall()),
        jobs=dict(cursor.execute("SELECT id, key FROM jobs").fetchall()),
    )


def missing_keys(known: dict[str, int], ids: Iterable[str]) -> dict[str, int]:
    """New keys for the IDs that have none yet."""
    new = set(ids) - known.keys()
    if not new:
        return {}
    first = max(known.values(), default=0) + 1
    return {each: first + index for index, each in enumerate(sorted(new))}


def add_placeholders(
    cursor: Cursor, *, destinations: dict[DestinationId, int], jobs: dict[JobId, int]
) -> None:
    """Rows for destinations and jobs that were measured but never defined, so that no measurement is lost."""
    append(
        cursor,
        "destinations",
        _destination_columns([(key, each, None) for each, key in destinations.items()]),
    )
    append(cursor, "jobs", _columns([(key, each, None) for each, key in jobs.items()]))


def save(cursor: Cursor, definitions: Definitions, *, at: datetime, keys: Keys) -> Keys:
    """Make these definitions the active ones, and return the keys of those that are new."""
    if load(cursor).active == definitions:
        return Keys()
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
        _destination_columns(
            [(destination_keys[each.id], each.id, each) for each in definitions.destinations]
        ),
    )
    append(cursor, "jobs", _columns([(job_keys[each.id], each.id, each) for each in definitions.jobs]))
    return new


def save_retired(cursor: Cursor, definitions: Definitions, *, at: datetime, keys: Keys) -> Keys:
    """Keep these definitions as retired ones, but for those whose IDs are known, and return the keys of the new."""
    destinations = [each for each in definitions.destinations if each.id not in keys.destinations]
    jobs = [each for each in definitions.jobs if each.id not in keys.jobs]
    new = Keys(
        destinations=missing_keys(keys.destinations, (each.id for each in destinations)),
        jobs=missing_keys(keys.jobs, (each.id for each in jobs)),
    )
    append(
        cursor,
        "destinations",
        _destination_columns([(new.destinations[each.id], each.id, each) for each in destinations]),
    )
    append(cursor, "jobs", _columns([(new.jobs[each.id], each.id, each) for each in jobs]))
    for table, added in (("destinations", new.destinations), ("jobs", new.jobs)):
        # `table` is one of the two names.
        cursor.execute(
            f"UPDATE {table} SET active = false, retired_at = $at "  # noqa: S608 - see above
            "WHERE key IN (SELECT unnest($keys::INTEGER[]))",
            {"at": utc_naive(at), "keys": list(added.values())},
        )
    return new


def save_settings(cursor: Cursor, settings: Settings) -> None:
    """Make these the settings, unless they are."""
    if _load_settings(cursor) != settings:
        cursor.execute("DELETE FROM settings")
        cursor.execute("INSERT INTO settings VALUES (?)", [settings.model_dump_json()])


def save_stopped(cursor: Cursor, jobs: Collection[JobId]) -> None:
    """Make these the stopped jobs, unless they are."""
    if _load_stopped(cursor) != frozenset(jobs):
        cursor.execute("DELETE FROM stopped_jobs")
        append(cursor, "stopped_jobs", [("id", "VARCHAR", sorted(set(jobs)))])


def save_all(cursor: Cursor, known: StoredDefinitions, *, at: datetime) -> None:
    """Tell tables that are empty what is known; what was retired counts as retired at this instant."""
    keys = Keys()
    for definitions in (known.retired, known.active):
        keys.add(save(cursor, definitions, at=at, keys=keys))
    if known.settings is not None:
        save_settings(cursor, known.settings)
    save_stopped(cursor, known.stopped)


def load(cursor: Cursor) -> StoredDefinitions:
    """The active definitions in the order they were saved in, and the retired ones, the first retired first.

    Raises:
        StoreCorrupt: a definition, or the settings, cannot be understood.
    """
    columns = "SELECT active, id, definition FROM"
    order = "WHERE definition IS NOT NULL ORDER BY retired_at, position, key"
    destinations = cursor.execute(f"{columns} destinations {order}").fetchall()
    jobs = cursor.execute(f"{columns} jobs {order}").fetchall()
    active, retired = (
        Definitions(
            destinations=_parse(
                Destination, "destination", [row for row in destinations if row[0] == is_active]
            ),
            jobs=_parse(Job, "job", [row for row in jobs if row[0] == is_active]),
        )
        for is_active in (True, False)
    )
    return StoredDefinitions(
        active=active, retired=retired, settings=_load_settings(cursor), stopped=_load_stopped(cursor)
    )


def save_deletions(cursor: Cursor, record: DeletionRecord) -> None:
    """Remember this of deletions, unless it is."""
    if load_deletions(cursor) != record:
        cursor.execute("DELETE FROM deletions")
        cursor.execute("INSERT INTO deletions VALUES (?)", [record.model_dump_json()])


def load_deletions(cursor: Cursor) -> DeletionRecord:
    """What is remembered of deletions.

    Raises:
        StoreCorrupt: it cannot be understood.
    """
    rows = cursor.execute("SELECT record FROM deletions").fetchall()
    return (
        _parsed(DeletionRecord, "What the database remembers of deletions", rows[0][0])
        if rows
        else DeletionRecord()
    )


def _load_settings(cursor: Cursor) -> Settings | None:
    row = cursor.execute("SELECT definition FROM settings").fetchone()
    return None if row is None else _parsed(Settings, "The settings in the database", row[0])


def _load_stopped(cursor: Cursor) -> frozenset[JobId]:
    return frozenset(id_ for (id_,) in cursor.execute("SELECT id FROM stopped_jobs").fetchall())


Definition = TypeVar("Definition", Destination, Job, Settings, DeletionRecord)


def _parse(
    model: type[Definition], kind: str, rows: Iterable[tuple[bool, str, str]]
) -> tuple[Definition, ...]:
    return tuple(
        _parsed(model, f"The definition of {kind} {id_} in the database", text) for _, id_, text in rows
    )


def _parsed(model: type[Definition], what: str, text: str) -> Definition:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise StoreCorrupt(
            f"{what} cannot be understood: it was changed by hand, or by another version of netstats_xl. Use that "
            f"version, or choose another database. ({error.errors()[0]['msg']})"
        ) from error


def _destination_columns(
    rows: Sequence[tuple[int, DestinationId, Destination | None]],
) -> list[tuple[str, ColumnType, Sequence[object]]]:
    models = [model for _, _, model in rows]
    return [
        *_columns(rows),
        ("host", "VARCHAR", ["" if model is None else model.host for model in models]),
        ("group_name", "VARCHAR", ["" if model is None else model.group for model in models]),
    ]


def _columns(
    rows: Sequence[tuple[int, str, Destination | None]] | Sequence[tuple[int, str, Job | None]],
) -> list[tuple[str, ColumnType, Sequence[object]]]:
    models = [model for _, _, model in rows]
    return [
        ("key", "INTEGER", [key for key, _, _ in rows]),
        ("id", "VARCHAR", [id_ for _, id_, _ in rows]),
        ("name", "VARCHAR", [id_ if model is None else model.name for _, id_, model in rows]),
        ("position", "INTEGER", list(range(len(rows)))),
        ("active", "BOOLEAN", [model is not None for model in models]),
        ("definition", "VARCHAR", [None if model is None else model.model_dump_json() for model in models]),
    ]
