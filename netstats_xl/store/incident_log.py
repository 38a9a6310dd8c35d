"""The incidents of a database that its user has not dealt with yet, kept in a file beside it."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from netstats_xl.domain.incidents import Incident
from netstats_xl.files import replacing

_INCIDENTS = TypeAdapter(tuple[Incident, ...])
MOST = 20
"""Where a disk fails again and again, the last ones are kept."""


def incidents_path(database: Path) -> Path:
    """Where the incidents of a database are kept."""
    return database.with_name(f"{database.name}.incidents.json")


def read_incidents(database: Path) -> tuple[Incident, ...]:
    """Those that are still to be told, the oldest first: none of whose files the user has taken away."""
    try:
        found = _INCIDENTS.validate_json(incidents_path(database).read_bytes())
    except (OSError, ValidationError):
        return ()
    return tuple(each for each in found if is_open(each))


def is_open(incident: Incident) -> bool:
    """Whether it is still to be told: once its user has taken away what was kept, it is not."""
    return not incident.kept or any(Path(each).exists() for each in incident.kept)


def add_incident(database: Path, incident: Incident) -> None:
    """Keep one more; where it cannot be written, it is told until the end of this run alone."""
    write_incidents(database, (*read_incidents(database), incident)[-MOST:])


def write_incidents(database: Path, incidents: Collection[Incident] | Sequence[Incident]) -> None:
    """Keep these and no others; what cannot be written stays as it was."""
    path = incidents_path(database)
    with suppress(OSError):
        if not incidents:
            path.unlink(missing_ok=True)
            return
        with replacing(path) as temporary:
            temporary.write_bytes(_INCIDENTS.dump_json(tuple(incidents), indent=1))
