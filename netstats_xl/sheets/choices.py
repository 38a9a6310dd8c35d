"""What the drop-downs of a live workbook offer: a table on a hidden sheet, a column each."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from netstats_xl.domain.targets import Definitions
from netstats_xl.domain.views import Row

CHOICES = "Choices"
"""Name of the table."""
JOB_DESTINATIONS, GROUPS, DETAILS_OF = "Job destinations", "Groups", "Details of"
CHOICE_HEADERS = (JOB_DESTINATIONS, GROUPS, DETAILS_OF)

JOB_PREFIX = "job:"
"""Stands before the name of a job that a destination has as well, where details of one of them are asked for."""


def choice_rows(definitions: Definitions) -> tuple[Row, ...]:
    """The rows of the table: what a job can name, the groups, and what details there are of."""
    destinations = definitions.destinations
    names = [destination.name for destination in destinations]
    groups = _sorted(destination.group for destination in destinations)
    tags = _sorted(tag for destination in destinations for tag in destination.tags)
    taken = {name.casefold() for name in names}
    jobs = [
        f"{JOB_PREFIX}{job.name}" if job.name.casefold() in taken else job.name for job in definitions.jobs
    ]
    columns: Sequence[Sequence[str]] = (
        ["*", *(f"group:{group}" for group in groups), *(f"tag:{tag}" for tag in tags), *names],
        groups,
        [*names, *jobs],
    )
    return tuple(zip_longest(*columns))


def _sorted(texts: Iterable[str]) -> list[str]:
    """The texts that are not empty, each once but for case."""
    found = {text.casefold(): text for text in texts if text}
    return [found[key] for key in sorted(found)]
