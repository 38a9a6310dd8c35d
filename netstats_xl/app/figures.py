"""Statistics of a period in all and by destination, for those who ask."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from netstats_xl.app.finding import destination_entry, job_of
from netstats_xl.app.service import Figures
from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.rollups import EMPTY
from netstats_xl.domain.states import DestinationStatus
from netstats_xl.domain.targets import Definitions, Destination, DestinationId, JobId
from netstats_xl.errors import ConfigurationError
from netstats_xl.ports import Dimension, ResultStore
from netstats_xl.sheets.settings import parse_period_h


def period_of(text: str, now: datetime) -> Period:
    """The period of this length that ends now: `24h`, `7d`, as the sheets have it.

    Raises:
        ConfigurationError: it cannot be understood.
    """
    try:
        return Period(start=now - timedelta(hours=parse_period_h(text)), end=now)
    except ValueError as error:
        raise ConfigurationError(f"The period {text!r}: {error}.") from error


def dashboard(
    store: ResultStore,
    definitions: Definitions,
    statuses: Mapping[DestinationId, DestinationStatus],
    period: Period,
) -> Figures:
    """The statistics of all destinations in force, whichever job measured them."""
    return _figures(store, definitions, statuses, period, definitions.destinations, None)


def job_figures(
    store: ResultStore,
    definitions: Definitions,
    statuses: Mapping[DestinationId, DestinationStatus],
    period: Period,
    job_id: JobId,
) -> Figures:
    """A job's statistics: of the destinations that it selects now.

    Raises:
        NotFound: no job of this ID is in force.
    """
    selected = job_of(definitions, job_id).select(definitions.destinations)
    return _figures(store, definitions, statuses, period, selected, job_id)


def _figures(
    store: ResultStore,
    definitions: Definitions,
    statuses: Mapping[DestinationId, DestinationStatus],
    period: Period,
    destinations: Sequence[Destination],
    job_id: JobId | None,
) -> Figures:
    scope = Scope(
        job_ids=None if job_id is None else frozenset({job_id}),
        destination_ids=frozenset(each.id for each in destinations),
    )
    overall = store.summaries(period, scope=scope)
    by_id = {
        group.destination_id: group.summary
        for group in store.summaries(period, scope=scope, by=(Dimension.DESTINATION,))
    }
    return Figures(
        period=period,
        overall=overall[0].summary if overall else EMPTY,
        destinations=[
            (destination_entry(definitions, statuses, each.id), by_id.get(each.id, EMPTY))
            for each in destinations
        ],
    )
