"""The names that a user gives -> the scope of a report."""

import difflib
from collections.abc import Sequence

from netstats_xl.domain.results import Scope
from netstats_xl.domain.targets import Destination, Job
from netstats_xl.errors import ReportError
from netstats_xl.ports import ResultStore


def scope_of(store: ResultStore, *, jobs: Sequence[str], destinations: Sequence[str]) -> Scope:
    """The scope of these names, of what is active or retired; none named: all.

    Raises:
        ReportError: a name is not known; it proposes names that are near.
    """
    stored = store.definitions()
    return Scope(
        job_ids=_ids(jobs, stored.active.jobs + stored.retired.jobs, "job"),
        destination_ids=_ids(
            destinations, stored.active.destinations + stored.retired.destinations, "destination"
        ),
    )


def _ids(
    wanted: Sequence[str], known: Sequence[Job] | Sequence[Destination], what: str
) -> frozenset[str] | None:
    if not wanted:
        return None
    found: set[str] = set()
    for name in wanted:
        ids = {each.id for each in known if each.name.casefold() == name.casefold()}
        if not ids:
            near = difflib.get_close_matches(name, [each.name for each in known], n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ReportError(f"The database knows no {what} named {name!r}.{hint}")
        found |= ids
    return frozenset(found)
