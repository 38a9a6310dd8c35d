"""What is in force, as it is asked for: by ID, by name, by parts of a text, a page at a time."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from netstats_xl.app.service import DestinationEntry, DestinationPage, JobEntry, Wanted
from netstats_xl.domain.states import DestinationStatus, JobState, JobStatus
from netstats_xl.domain.targets import Definitions, Destination, DestinationId, Job, JobId
from netstats_xl.errors import NotFound


def find_destinations(
    definitions: Definitions, statuses: Mapping[DestinationId, DestinationStatus], wanted: Wanted
) -> DestinationPage:
    """The destinations that match everything that is wanted, in the user's order."""
    entries = [_entry(each, statuses) for each in definitions.destinations]
    found = [entry for entry in entries if _matches(entry, wanted)]
    first = max(wanted.offset, 0)
    return DestinationPage(total=len(found), entries=found[first : first + max(wanted.limit, 0)])


def destination_entry(
    definitions: Definitions,
    statuses: Mapping[DestinationId, DestinationStatus],
    destination_id: DestinationId,
) -> DestinationEntry:
    """The destination of this ID.

    Raises:
        NotFound: none is in force.
    """
    return _entry(destination_of(definitions, destination_id), statuses)


def job_entries(definitions: Definitions, statuses: Mapping[JobId, JobStatus]) -> Sequence[JobEntry]:
    """The jobs in the user's order."""
    return [_job_entry(definitions, job, statuses) for job in definitions.jobs]


def job_entry(definitions: Definitions, statuses: Mapping[JobId, JobStatus], job_id: JobId) -> JobEntry:
    """The job of this ID.

    Raises:
        NotFound: none is in force.
    """
    return _job_entry(definitions, job_of(definitions, job_id), statuses)


def destination_of(definitions: Definitions, destination_id: DestinationId) -> Destination:
    """The destination of this ID.

    Raises:
        NotFound: none is in force.
    """
    found = definitions.destination(destination_id)
    if found is None:
        raise _no_such("destination", destination_id)
    return found


def job_of(definitions: Definitions, job_id: JobId) -> Job:
    """The job of this ID.

    Raises:
        NotFound: none is in force.
    """
    found = definitions.job(job_id)
    if found is None:
        raise _no_such("job", job_id)
    return found


def named(definitions: Definitions, name: str) -> Destination | Job:
    """The destination or else the job of this name, compared without case.

    Raises:
        NotFound: none is in force; the message proposes a name that is near.
    """
    things: list[Destination | Job] = [*definitions.destinations, *definitions.jobs]
    wanted = name.strip().casefold()
    for each in things:
        if each.name.casefold() == wanted:
            return each
    by_key = {each.name.casefold(): each.name for each in things}
    near = get_close_matches(wanted, by_key, n=1)
    hint = f" Did you mean {by_key[near[0]]!r}?" if near else ""
    raise NotFound(f"There is no destination and no job named {name!r}.{hint}")


def _no_such(what: str, id_: str) -> NotFound:
    return NotFound(f"There is no {what} with the ID {id_!r} (any more): list them to see which there are.")


def _entry(destination: Destination, statuses: Mapping[DestinationId, DestinationStatus]) -> DestinationEntry:
    status = statuses.get(destination.id) or DestinationStatus(destination_id=destination.id)
    return DestinationEntry(destination=destination, status=status)


def _job_entry(definitions: Definitions, job: Job, statuses: Mapping[JobId, JobStatus]) -> JobEntry:
    return JobEntry(
        job=job,
        status=statuses.get(job.id) or JobStatus(job_id=job.id, state=JobState.STOPPED),
        destinations=len(job.select(definitions.destinations)),
    )


def _matches(entry: DestinationEntry, wanted: Wanted) -> bool:
    each = entry.destination
    text, group, tag = wanted.text.casefold(), wanted.group.casefold(), wanted.tag.casefold()
    searched = (each.name, each.host, each.group, each.notes, *each.tags)
    return (
        (not text or any(text in part.casefold() for part in searched))
        and (not group or each.group.casefold() == group)
        and (not tag or any(part.casefold() == tag for part in each.tags))
        and (wanted.state is None or entry.status.state is wanted.state)
        and (wanted.enabled is None or each.enabled is wanted.enabled)
    )
