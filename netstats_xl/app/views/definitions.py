"""The Destinations and Jobs sheets: what the user typed, bad rows too, with the status columns filled."""

import re
from collections.abc import Callable, Mapping, Sequence

from netstats_xl.app.views.columns import DISABLED
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.parts import SheetPart
from netstats_xl.domain.states import JobState
from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.domain.targets import Destination, Job
from netstats_xl.domain.views import Anchor, Column, Row, SheetSpec, TableSpec
from netstats_xl.sheets import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    JOB_COLUMNS,
    JOBS,
    SheetColumn,
    destination_cells,
    destinations_spec,
    job_cells,
    jobs_spec,
    normalised,
)

_ROW_NUMBER = re.compile(r"[A-Z]{1,3}(\d+)|[^\[]*\[(\d+)\].*")
"""The row's number in a cell's address: of a sheet (`B7`), or of a source without cells (`jobs[7].name`)."""

ORIGIN = Anchor(row=0, column=0)

Cells = dict[str, CellValue]
"""By our own header."""


def destinations(findings: Findings) -> SheetPart:
    """The Destinations sheet."""
    known = {destination.id: destination for destination in findings.inputs.definitions.destinations}
    states = {shown.destination.id: shown for shown in findings.destinations}
    local = findings.local

    def status(destination: Destination) -> Cells:
        shown = states.get(destination.id)
        given = findings.inputs.destination_status.get(destination.id) if shown is None else shown.status
        if not destination.enabled:
            return {"Status": DISABLED, "ID": destination.id}
        if given is None:
            return {"ID": destination.id}
        return {
            "Status": str(given.state),
            "Last RTT (ms)": given.last_rtt_ms,
            "Loss (%)": given.loss_percent,
            "Last seen": local(given.last_seen_at),
            "Problems": given.problems,
            "ID": destination.id,
        }

    return _sheet(
        findings,
        DESTINATIONS,
        DESTINATION_COLUMNS,
        spec=lambda extra: destinations_spec(ORIGIN, extra=extra),
        things=known,
        typed=destination_cells,
        status=status,
        state_header="Status",
        error_header="Problems",
    )


def jobs(findings: Findings) -> SheetPart:
    """The Jobs sheet."""
    known = {job.id: job for job in findings.inputs.definitions.jobs}
    local = findings.local

    def status(job: Job) -> Cells:
        given = findings.job_status(job)
        return {
            "State": str(given.state),
            "Last run": local(given.last_run_at),
            "Next run": local(given.next_run_at),
            "Rounds done": given.rounds_done,
            "Missed": given.ticks_missed,
            "Last error": given.last_error,
            "ID": job.id,
        }

    return _sheet(
        findings,
        JOBS,
        JOB_COLUMNS,
        spec=lambda extra: jobs_spec(ORIGIN, extra=extra),
        things=known,
        typed=lambda job: job_cells(job, default_zone=findings.inputs.settings.zone),
        status=status,
        state_header="State",
        error_header="Last error",
    )
