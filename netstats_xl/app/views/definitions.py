"""The Destinations and Jobs sheets: what the user typed, bad rows too, with the status columns filled."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from netstats_xl.app.views.columns import DISABLED
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.inputs import ReportInputs
from netstats_xl.app.views.parts import SheetPart
from netstats_xl.domain.states import DestinationStatus, JobStatus
from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.domain.targets import Destination, DestinationId, Job
from netstats_xl.domain.views import (
    BAD,
    MUTED,
    Anchor,
    Column,
    Row,
    SheetSpec,
    TableSpec,
    TextEquals,
    TextPresent,
)
from netstats_xl.domain.windows import to_local
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
from netstats_xl.sheets.cells import is_blank
from netstats_xl.sheets.rows import parse_id

_ROW_NUMBER = re.compile(r"[A-Z]{1,3}(\d+)|[^\[]*\[(\d+)\].*")
"""The row's number in a cell's address: of a sheet (`B7`), or of a source without cells (`jobs[7].name`)."""

INVALID = "Invalid"
"""The state of a row that cannot be used, and of which nothing is known from before."""

_OTHER_STATES = (TextEquals(text=INVALID, style=BAD), TextPresent(style=MUTED))
"""How states look that only this report has."""

Thing = TypeVar("Thing", bound=Destination | Job)

Cells = dict[str, CellValue]
"""By our own header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet(Generic[Thing]):
    """What differs between the two sheets."""

    name: str
    columns: Sequence[SheetColumn]
    things: Mapping[str, Thing]
    """What is defined, by ID."""
    typed: Callable[[Thing], Cells]
    """What the user would type for it."""
    status: Callable[[Thing], Cells]
    """Its status columns, and its ID."""
    state_header: str
    error_header: str

    @property
    def headers(self) -> list[str]:
        return [column.header for column in self.columns]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of what the user defined."""

    inputs: ReportInputs
    destination: Mapping[DestinationId, DestinationStatus]
    job: Callable[[Job], JobStatus | None]

    def local(self, at: datetime | None) -> datetime | None:
        """The instant, if there is one, as a naive time in the zone of the settings."""
        return None if at is None else to_local(at, self.inputs.settings.zone)


def known_of(findings: Findings) -> Known:
    """What the store and the caller know."""
    shown = {shown.destination.id: shown.status for shown in findings.destinations}
    given = findings.inputs.destination_status
    return Known(inputs=findings.inputs, destination={**given, **shown}, job=findings.job_status)


def destinations(findings: Findings) -> SheetPart:
    """The Destinations sheet of a report."""
    return _part(findings.inputs, _destinations(known_of(findings)), destinations_spec)


def jobs(findings: Findings) -> SheetPart:
    """The Jobs sheet of a report."""
    return _part(findings.inputs, _jobs(known_of(findings)), jobs_spec)


def typed_rows(known: Known) -> dict[str, Sequence[Row]]:
    """The rows of the tables as read, in their order, with the status columns and the IDs filled, by table.

    Without the user's own columns, and without the tables that were not read.
    """
    found: dict[str, Sequence[Row]] = {}
    if DESTINATIONS in known.inputs.tables:
        found[DESTINATIONS] = _rows_as_read(known.inputs, _destinations(known))
    if JOBS in known.inputs.tables:
        found[JOBS] = _rows_as_read(known.inputs, _jobs(known))
    return found


def _destinations(known: Known) -> _Sheet[Destination]:

    def status(destination: Destination) -> Cells:
        if not destination.enabled:
            return {"Status": DISABLED, "ID": destination.id}
        its = known.destination.get(destination.id)
        if its is None:
            return {"ID": destination.id}
        return {
            "Status": str(its.state),
            "Last RTT (ms)": its.last_rtt_ms,
            "Loss (%)": its.loss_percent,
            "Answer": its.answer or None,
            "Last seen": known.local(its.last_seen_at),
            "Problems": its.problems or None,
            "ID": destination.id,
        }

    return _Sheet(
        name=DESTINATIONS,
        columns=DESTINATION_COLUMNS,
        things={destination.id: destination for destination in known.inputs.definitions.destinations},
        typed=destination_cells,
        status=status,
        state_header="Status",
        error_header="Problems",
    )


def _jobs(known: Known) -> _Sheet[Job]:
    def status(job: Job) -> Cells:
        its = known.job(job)
        if its is None:
            return {"ID": job.id}
        return {
            "State": str(its.state),
            "Last run": known.local(its.last_run_at),
            "Next run": known.local(its.next_run_at),
            "Rounds done": its.rounds_done,
            "Missed": its.ticks_missed,
            "Last error": its.last_error or None,
            "ID": job.id,
        }

    return _Sheet(
        name=JOBS,
        columns=JOB_COLUMNS,
        things={job.id: job for job in known.inputs.definitions.jobs},
        typed=lambda job: job_cells(job, default_zone=known.inputs.settings.zone),
        status=status,
        state_header="State",
        error_header="Last error",
    )


class _Spec(Protocol):
    """Makes the table's spec, with the user's own columns to the right."""

    def __call__(self, anchor: Anchor, *, extra: tuple[Column, ...]) -> TableSpec: ...


def with_all_states(table: TableSpec) -> TableSpec:
    """The table, with colours for the states that only the program's own views show."""
    headers = ("Status", "State")
    return replace(
        table,
        columns=tuple(
            replace(column, rules=(*column.rules, *_OTHER_STATES)) if column.header in headers else column
            for column in table.columns
        ),
    )


def _part(inputs: ReportInputs, sheet: _Sheet[Thing], spec: _Spec) -> SheetPart:
    rows, extra = _rows(inputs, sheet)
    table = with_all_states(spec(Anchor(row=0, column=0), extra=extra))
    return SheetPart(
        spec=SheetSpec(name=table.name, blocks=(table,), freeze=Anchor(row=1, column=1), repeat_rows=(0, 0)),
        rows={table.name: rows},
    )


def _rows(inputs: ReportInputs, sheet: _Sheet[Thing]) -> tuple[list[Row], tuple[Column, ...]]:
    """The rows of the user's table, or of the definitions where there is none; and the user's own columns."""
    raw = inputs.tables.get(sheet.name)
    if raw is None:
        rendered = [sheet.typed(thing) | sheet.status(thing) for thing in sheet.things.values()]
        return [tuple(cells.get(header) for header in sheet.headers) for cells in rendered], ()
    _, extra = _match(raw, sheet.columns)
    rows: list[Row] = [
        (*(cells.get(header) for header in sheet.headers), *(row.cells.get(written) for written in extra))
        for row, _, cells in _read_rows(inputs, sheet, raw)
    ]
    return rows, tuple(Column(header=shown, width=16) for shown in extra.values())


def _rows_as_read(inputs: ReportInputs, sheet: _Sheet[Thing]) -> list[Row]:
    rows: list[Row] = []
    for _, held, cells in _read_rows(inputs, sheet, inputs.tables[sheet.name]):
        typed = any(not is_blank(held.get(column.header)) for column in sheet.columns if column.typed)
        if typed and cells.get("ID") is None:
            # A row that is bad for now keeps its identity; one that was emptied has none any more.
            cells["ID"] = held.get("ID")
        rows.append(tuple(cells.get(header) for header in sheet.headers))
    return rows


def _read_rows(
    inputs: ReportInputs, sheet: _Sheet[Thing], raw: RawTable
) -> Iterator[tuple[RawRow, Cells, Cells]]:
    """Each row with what it holds by our headers, and with what it shows."""
    ours, _ = _match(raw, sheet.columns)
    taken = {id_ for (table, _), id_ in inputs.row_ids.items() if table == raw.name}
    free = {id_: thing for id_, thing in sheet.things.items() if id_ not in taken}
    free_by_name = {thing.name.casefold(): thing for thing in free.values()}
    problems = _problems(inputs, raw)
    for row in raw.rows:
        held = {header: row.cells.get(written) for header, written in ours.items()}
        given = sheet.things.get(inputs.row_ids.get((raw.name, row.number), ""))
        # A row with another's name, or copied with its ID, must not show the other's status.
        thing = given or _thing(held, free, free_by_name)
        yield row, held, _filled(sheet, held, thing, problems.get(row.number, []))


def _filled(sheet: _Sheet[Thing], held: Cells, thing: Thing | None, problems: Sequence[str]) -> Cells:
    """What the user typed into a row, with its status and what is wrong with it."""
    cells: Cells = {column.header: held.get(column.header) for column in sheet.columns if column.typed}
    if thing is not None:
        cells |= sheet.status(thing)
    elif problems:
        cells[sheet.state_header] = INVALID
    if problems:
        status = cells.get(sheet.error_header)
        cells[sheet.error_header] = "; ".join([*problems, *([str(status)] if status else [])])
    return cells


def _match(raw: RawTable, columns: Sequence[SheetColumn]) -> tuple[dict[str, str], dict[str, str]]:
    """The table's header for each of ours that it has, and the header to show for each of the user's own."""
    wanted = {normalised(name): column.header for column in columns for name in (column.header, column.key)}
    ours: dict[str, str] = {}
    extra: dict[str, str] = {}
    taken = {column.header.casefold() for column in columns}
    for written in raw.headers:
        header = wanted.get(normalised(written))
        if header is not None and header not in ours:
            ours[header] = written
            continue
        shown, number = written, 2
        while not shown.strip() or shown.casefold() in taken:
            shown, number = f"{written or 'Column'} ({number})", number + 1
        taken.add(shown.casefold())
        extra[written] = shown
    return ours, extra


def _thing(
    cells: Mapping[str, CellValue], things: Mapping[str, Thing], by_name: Mapping[str, Thing]
) -> Thing | None:
    """What is defined for a row that was given no ID: by the one that it holds, or its name."""
    held = things.get(parse_id(cells.get("ID")))
    return held or by_name.get(str(cells.get("Name")).strip().casefold())


def _problems(inputs: ReportInputs, raw: RawTable) -> dict[int, list[str]]:
    """What is wrong in each row, by its number; what is wrong with a header is the About sheet's."""
    problems: dict[int, list[str]] = {}
    for error in inputs.cell_errors:
        found = _ROW_NUMBER.fullmatch(error.cell)
        if found and error.sheet == raw.sheet:
            number = int(found[1] or found[2])
            problems.setdefault(number, []).append(f"{error.cell}: {error.message}")
    return problems
