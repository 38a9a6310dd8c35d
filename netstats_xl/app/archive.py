"""A report of what the store holds, without a companion at work."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime

from netstats_xl.app.monitoring import job_status
from netstats_xl.app.publishing import ReportInputs
from netstats_xl.domain.results import JobTotals, Period, Scope, State
from netstats_xl.domain.states import Tracker, status_of
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Definitions, Destination, Job, Settings
from netstats_xl.errors import CellError, ConfigurationError
from netstats_xl.ports import ResultStore


def scope_of(store: ResultStore, *, jobs: Sequence[str], destinations: Sequence[str]) -> Scope:
    """The scope of these names, of what is active or retired; none named: all.

    Raises:
        ConfigurationError: a name is not known; it proposes names that are near.
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
            raise ConfigurationError(f"The database knows no {what} named {name!r}.{hint}")
        found |= ids
    return frozenset(found)


def stored_inputs(
    store: ResultStore,
    *,
    period: Period,
    scope: Scope,
    now: datetime,
    settings: Settings,
    tables: Mapping[str, RawTable],
    row_ids: Mapping[tuple[str, int], str],
    cell_errors: tuple[CellError, ...],
    version: str,
    source: str,
) -> ReportInputs:
    """What a report of the period needs, from the store; `tables` are the user's, where they are at hand."""
    stored = store.definitions()
    states, latest, totals = store.states(), store.latest(period), store.job_totals()
    return ReportInputs(
        definitions=stored.active,
        retired=stored.retired,
        settings=settings,
        tables=tables,
        cell_errors=cell_errors,
        destination_status={
            each.id: status_of(
                each.id,
                tracker=Tracker(state=states.get(each.id, State.UNKNOWN)),
                latest=latest.get(each.id),
                thresholds=each.thresholds.or_else(settings.thresholds),
            )
            for each in stored.active.destinations
        },
        job_status={
            job.id: job_status(job, totals.get(job.id, JobTotals()), now, running=False) for job in stored.active.jobs
        },
        row_ids=row_ids,
        period=period,
        scope=scope,
        generated_at=now,
        version=version,
        source=source,
        warnings=(),
    )
