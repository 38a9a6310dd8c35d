"""The destinations and jobs that a request names, by ID or by name."""

from collections.abc import Iterable, Mapping

from netstats_xl.app.service import Service, Wanted
from netstats_xl.control.requests import Chosen, ToTrace
from netstats_xl.errors import NotFound

_ALL = 1_000_000


def chosen_destinations(service: Service, chosen: Chosen | ToTrace) -> list[str]:
    """The IDs of the destinations, each once.

    Raises:
        NotFound: there is none of a name. IDs are the service's to judge.
    """
    named: Iterable[tuple[str, str]] = ()
    if chosen.names:
        entries = service.destinations(Wanted(limit=_ALL)).entries
        named = ((entry.destination.id, entry.destination.name) for entry in entries)
    return list(dict.fromkeys([*chosen.ids, *_by_name(chosen.names, named, "destination")]))


def chosen_jobs(service: Service, chosen: Chosen) -> Mapping[str, str]:
    """The jobs' names by ID.

    Raises:
        NotFound: there is none of a name or an ID.
    """
    names = {entry.job.id: entry.job.name for entry in service.jobs()}
    ids = dict.fromkeys([*chosen.ids, *_by_name(chosen.names, names.items(), "job")])
    for each in ids:
        if each not in names:
            raise NotFound(f"There is no job with the ID {each!r}: read the workbook again, and retry.")
    return {each: names[each] for each in ids}


def _by_name(wanted: Iterable[str], named: Iterable[tuple[str, str]], what: str) -> list[str]:
    by_name = {name.casefold(): id_ for id_, name in named}
    found = []
    for name in wanted:
        id_ = by_name.get(name.strip().casefold())
        if id_ is None:
            raise NotFound(
                f"There is no {what} named {name!r}: check the spelling, or read the workbook again."
            )
        found.append(id_)
    return found
