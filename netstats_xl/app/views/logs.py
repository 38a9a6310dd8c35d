"""The Runs and Events sheets: every job run with its outcome, every change of a destination's state."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.measurements import Measurements
from netstats_xl.app.views.parts import SheetPart
from netstats_xl.domain.results import (
    JobRun,
    MissedReason,
    RunCompleted,
    RunFailed,
    RunMissed,
    Scope,
    StateChanged,
)
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import DestinationId
from netstats_xl.domain.views import (
    BAD,
    GOOD,
    WARNING,
    Anchor,
    Column,
    Kind,
    Row,
    SheetSpec,
    TableSpec,
    TextEquals,
)

RUNS_SHEET = "Runs"
EVENTS_SHEET = "Events"
LIMIT = 100_000
"""Rows of each sheet of a report at most, the newest."""

COMPLETED, MISSED, FAILED = "Completed", "Missed", "Failed"

_MISSED_WORDS = {
    MissedReason.LATE: "the computer slept, or the program was stopped or too busy, when they were due",
    MissedReason.OVERRUN: "the round before was still going on",
}

_RUN_COLUMNS = (
    columns.instant("Tick", note="When the round was due. Of a row of missed ones, the first."),
    columns.text("Job", width=22),
    columns.text(
        "Outcome",
        width=12,
        rules=(
            TextEquals(text=COMPLETED, style=GOOD),
            TextEquals(text=MISSED, style=WARNING),
            TextEquals(text=FAILED, style=BAD),
        ),
    ),
    columns.instant("Started", width=23, number_format="yyyy-mm-dd hh:mm:ss.000"),
    Column(header="Duration (s)", kind=Kind.NUMBER, number_format="#,##0.000", width=11),
    columns.count("Up", note="Destinations with at least one reply."),
    columns.count("Down", note="Destinations without a reply."),
    columns.count("Missed ticks", note="Rounds that were due and not made.", width=11),
    columns.text("Reason", width=60, note="Why rounds were missed, or could not be made."),
)

_EVENT_COLUMNS = (
    columns.instant("Time", note="When the state changed."),
    columns.text("Destination", width=26),
    columns.text("From", width=12, rules=columns.STATE_RULES),
    columns.text("To", width=12, rules=columns.STATE_RULES),
    columns.text("Reason", width=70),
    Column(
        header="Former state lasted (min)",
        kind=Kind.NUMBER,
        number_format="#,##0.0",
        width=18,
        note="Since the destination's event before, within this list. Blank where it has none.",
    ),
)


def runs_sheet(*, limit: int = LIMIT, room: int = 0) -> SheetSpec:
    """How the Runs sheet looks."""
    return _sheet(RUNS_SHEET, _RUN_COLUMNS, limit, room)


def events_sheet(*, limit: int = LIMIT, room: int = 0) -> SheetSpec:
    """How the Events sheet looks."""
    return _sheet(EVENTS_SHEET, _EVENT_COLUMNS, limit, room)


def runs(store: Measurements, findings: Findings, *, limit: int | None = None) -> SheetPart:
    """The Runs sheet."""
    limit = limit or LIMIT
    found = store.runs(findings.inputs.period, scope=findings.inputs.scope, limit=limit)
    rows = (_run_row(findings, run) for run in reversed(found))
    return _part(runs_sheet(limit=limit), rows, len(found), limit)


def _run_row(findings: Findings, run: JobRun) -> Row:
    up: CellValue = None
    down: CellValue = None
    missed: CellValue = None
    match run.outcome:
        case RunCompleted():
            word, reason, up, down = COMPLETED, "", run.outcome.up, run.outcome.down
        case RunMissed(ticks=ticks, reason=why, last_tick_at=last_tick_at):
            word, missed = MISSED, ticks
            reason = (
                f"{_MISSED_WORDS[why]}; the last one was due {findings.local(last_tick_at):%Y-%m-%d %H:%M:%S}"
            )
        case RunFailed(error=error):
            word, reason = FAILED, error
        case _:
            assert_never(run.outcome)
    return (
        findings.local(run.tick_at),
        findings.job_label(run.job_id),
        word,
        findings.local(run.started_at),
        (run.finished_at - run.started_at) / timedelta(seconds=1),
        up,
        down,
        missed,
        reason,
    )


def events(store: Measurements, findings: Findings, *, limit: int | None = None) -> SheetPart:
    """The Events sheet."""
    limit = limit or LIMIT
    scope = findings.inputs.scope
    if scope.job_ids is not None:
        scope = Scope(destination_ids=frozenset(shown.destination.id for shown in findings.destinations))
    found = store.events(findings.inputs.period, scope=scope, limit=limit)
    return _part(events_sheet(limit=limit), reversed(_event_rows(findings, found)), len(found), limit)


def _event_rows(findings: Findings, found: Sequence[StateChanged]) -> list[Row]:
    """By time, so that how long a state lasted is known from the destination's event before."""
    since: dict[DestinationId, datetime] = {}
    rows: list[Row] = []
    for event in found:
        began_at = since.get(event.destination_id)
        since[event.destination_id] = event.at
        rows.append(
            (
                findings.local(event.at),
                findings.destination_label(event.destination_id),
                str(event.before),
                str(event.after),
                event.reason,
                None if began_at is None else (event.at - began_at) / timedelta(minutes=1),
            )
        )
    return rows


def _sheet(name: str, table_columns: tuple[Column, ...], limit: int, room: int) -> SheetSpec:
    when, *others = table_columns
    when = replace(when, note=f"{when.note} Newest first; at most {limit:,} rows.")
    table = TableSpec(
        name=name, anchor=Anchor(row=0, column=0), columns=(when, *others), streamed=True, room=room
    )
    return SheetSpec(name=name, blocks=(table,), freeze=Anchor(row=1, column=0), repeat_rows=(0, 0))


def _part(spec: SheetSpec, rows: Iterator[Row], found: int, limit: int) -> SheetPart:
    left_out = (f"{spec.name}: the newest {limit:,} of the period are shown; there may be older ones.",)
    return SheetPart(spec=spec, rows={spec.name: rows}, left_out=left_out if found >= limit else ())
