"""Destinations and jobs as they are asked for."""

import pytest

from netstats_xl.app.finding import (
    destination_entry,
    find_destinations,
    job_entries,
    job_entry,
    named,
)
from netstats_xl.app.service import Wanted
from netstats_xl.domain.results import State
from netstats_xl.domain.states import DestinationStatus, JobState, JobStatus
from netstats_xl.domain.targets import Definitions, Selector
from netstats_xl.errors import NotFound
from tests.app.test_monitoring import destination, job

DEFINITIONS = Definitions(
    destinations=(
        destination("Core", host="10.0.0.1", group="LAN", tags=("voip", "core")),
        destination("Edge", host="edge.example", group="lan", enabled=False),
        destination("Straße", host="192.0.2.7", group="WAN", tags=("VoIP",), notes="behind the Edge"),
    ),
    jobs=(job(), job(id="job2", name="Wide", selectors=(Selector(kind="group", value="WAN"),))),
)
STATUSES = {
    "id-Core": DestinationStatus(destination_id="id-Core", state=State.UP),
    "id-Straße": DestinationStatus(destination_id="id-Straße", state=State.DOWN),
}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(), ["Core", "Edge", "Straße"]),
        (Wanted(text="EDGE"), ["Edge", "Straße"]),
        (Wanted(text="10.0"), ["Core"]),
        (Wanted(text="wan"), ["Straße"]),
        (Wanted(text="voi"), ["Core", "Straße"]),
        (Wanted(text="STRASSE"), ["Straße"]),
        (Wanted(group="Lan"), ["Core", "Edge"]),
        (Wanted(group="La"), []),
        (Wanted(tag="VOIP"), ["Core", "Straße"]),
        (Wanted(tag="voi"), []),
        (Wanted(state=State.UP), ["Core"]),
        (Wanted(state=State.UNKNOWN), ["Edge"]),
        (Wanted(enabled=True), ["Core", "Straße"]),
        (Wanted(enabled=False), ["Edge"]),
        (Wanted(tag="voip", state=State.DOWN, enabled=True), ["Straße"]),
    ],
)
def test_destinations_match_all_that_is_wanted_without_case(wanted: Wanted, names: list[str]) -> None:
    page = find_destinations(DEFINITIONS, STATUSES, wanted)
    assert [entry.destination.name for entry in page.entries] == names
    assert page.total == len(names)


@pytest.mark.parametrize(
    ("offset", "limit", "names"),
    [(0, 2, ["Core", "Edge"]), (2, 2, ["Straße"]), (3, 2, []), (0, 0, []), (-5, 1, ["Core"]), (1, -1, [])],
)
def test_a_page_is_a_part_of_what_was_found_and_tells_the_whole_number(
    offset: int, limit: int, names: list[str]
) -> None:
    page = find_destinations(DEFINITIONS, STATUSES, Wanted(offset=offset, limit=limit))
    assert [entry.destination.name for entry in page.entries] == names
    assert page.total == 3


def test_one_is_found_by_its_id_with_its_status() -> None:
    assert destination_entry(DEFINITIONS, STATUSES, "id-Core").status.state is State.UP
    assert destination_entry(DEFINITIONS, STATUSES, "id-Edge").status.state is State.UNKNOWN
    with pytest.raises(NotFound, match="no destination with the ID 'x'"):
        destination_entry(DEFINITIONS, STATUSES, "x")


def test_jobs_tell_how_many_enabled_destinations_they_select() -> None:
    statuses = {"job": JobStatus(job_id="job", state=JobState.RUNNING)}
    assert [
        (each.job.name, each.status.state, each.destinations) for each in job_entries(DEFINITIONS, statuses)
    ] == [
        ("All", JobState.RUNNING, 2),
        ("Wide", JobState.STOPPED, 1),
    ]
    assert job_entry(DEFINITIONS, statuses, "job2").job.name == "Wide"
    with pytest.raises(NotFound, match="no job with the ID 'x'"):
        job_entry(DEFINITIONS, statuses, "x")


def test_a_name_means_a_destination_or_else_a_job_and_a_near_one_is_proposed() -> None:
    assert named(DEFINITIONS, " strasse ").id == "id-Straße"
    assert named(DEFINITIONS, "WIDE").id == "job2"
    with pytest.raises(NotFound, match=r"named 'Coer'\. Did you mean 'Core'"):
        named(DEFINITIONS, "Coer")
    with pytest.raises(NotFound, match=r"named 'zzz'\.$"):
        named(DEFINITIONS, "zzz")
