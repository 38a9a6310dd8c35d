"""The three input tables -> what the user defined, and every cell that is wrong."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from netstats_xl.domain.demand import demand_of
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Destination, Job, Selector, Settings
from netstats_xl.errors import CellError
from netstats_xl.sheets.columns import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    JOBS,
    SETTINGS,
    SheetColumn,
)
from netstats_xl.sheets.destinations import parse_destination
from netstats_xl.sheets.job_columns import JOB_COLUMNS
from netstats_xl.sheets.jobs import parse_job, render_selector
from netstats_xl.sheets.nearest import nearest
from netstats_xl.sheets.rows import RowReader, match_headers
from netstats_xl.sheets.settings import read_settings

Thing = TypeVar("Thing", bound=Destination | Job)

_MOST_PROPOSALS = 20
"""Looking for the nearest of 10,000 names takes a while; beyond so many bad names it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRow:
    """A row that cannot be used. What is stored under its ID or its name must not count as removed."""

    table: str
    number: int
    """The row's number on its sheet."""
    id: str = ""
    """Its hidden ID; empty where it has none."""
    name: str = ""
    host: str = ""
    """Of a destination, where the cell is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the tables say. Things whose row has no ID yet have the ID ""."""

    settings: Settings
    destinations: tuple[Destination, ...] = ()
    """Of the valid rows, top to bottom."""
    jobs: tuple[Job, ...] = ()
    destination_rows: tuple[int, ...] = ()
    """The row number of each of `destinations`."""
    job_rows: tuple[int, ...] = ()
    invalid: tuple[InvalidRow, ...] = ()
    errors: tuple[CellError, ...] = ()
    """Every bad cell. A job with one may be valid: a destination that it names may have a bad row."""
    unreadable: frozenset[str] = frozenset()
    """Tables that are missing or lack a required column: nothing is known of their rows."""


@dataclass(slots=True)
class _Rows(Generic[Thing]):
    """The rows of a table, parsed."""

    readers: list[tuple[RowReader, Thing]] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    readable: bool = True

    def valid(self) -> Iterator[tuple[RowReader, Thing]]:
        return ((reader, thing) for reader, thing in self.readers if reader.valid)

    def invalid(self, table: str) -> Iterator[InvalidRow]:
        for reader, thing in self.readers:
            if not reader.valid:
                host = thing.host if isinstance(thing, Destination) else ""
                yield InvalidRow(
                    table=table, number=reader.row.number, id=thing.id, name=thing.name, host=host
                )

    def all_errors(self) -> Iterator[CellError]:
        yield from self.errors
        yield from dict.fromkeys(error for reader, _ in self.readers for error in reader.errors)


def read_definitions(tables: Mapping[str, RawTable], *, default_zone: str) -> Reading:
    """Understand the tables, as far as they can be, and collect every bad cell.

    Nothing that stands in the tables raises. `default_zone` is the time zone where the Settings table names
    none.
    """
    settings_table = tables.get(SETTINGS)
    if settings_table is None:
        settings, errors = Settings(zone=default_zone), [_missing_table(SETTINGS)]
    else:
        settings, errors = read_settings(settings_table, default_zone=default_zone)
    destinations = _rows(tables, DESTINATIONS, DESTINATION_COLUMNS, parse_destination)
    jobs = _rows(tables, JOBS, JOB_COLUMNS, lambda reader: parse_job(reader, default_zone=settings.zone))
    notices = list(_check_selectors(jobs, destinations))
    valid_destinations, valid_jobs = tuple(destinations.valid()), tuple(jobs.valid())
    notices += _check_demands(
        valid_jobs, [destination for _, destination in valid_destinations], settings.packets_per_second
    )
    return Reading(
        settings=settings,
        destinations=tuple(destination for _, destination in valid_destinations),
        jobs=tuple(job for _, job in valid_jobs),
        destination_rows=tuple(reader.row.number for reader, _ in valid_destinations),
        job_rows=tuple(reader.row.number for reader, _ in valid_jobs),
        invalid=(*destinations.invalid(DESTINATIONS), *jobs.invalid(JOBS)),
        errors=(*destinations.all_errors(), *jobs.all_errors(), *notices, *errors),
        unreadable=frozenset(
            name for name, rows in ((DESTINATIONS, destinations), (JOBS, jobs)) if not rows.readable
        ),
    )


def _rows(
    tables: Mapping[str, RawTable],
    name: str,
    columns: Sequence[SheetColumn],
    parse: Callable[[RowReader], Thing],
) -> _Rows[Thing]:
    table = tables.get(name)
    if table is None:
        return _Rows(errors=[_missing_table(name)], readable=False)
    layout, errors = match_headers(table, columns)
    if layout is None:
        return _Rows(errors=errors, readable=False)
    readers = [RowReader(layout=layout, row=row) for row in table.rows if not layout.is_blank(row)]
    rows = _Rows(readers=[(reader, parse(reader)) for reader in readers], errors=errors)
    _refuse_repeated_names(rows.readers)
    if apart := layout.rows_apart():
        # They are bad rows, all with one error, so that nothing that is known of them counts as removed.
        error = layout.apart_error(apart)
        for row in apart:
            reader = RowReader(layout=layout, row=row)
            rows.readers.append((reader, parse(reader)))
            reader.errors = [error]
    return rows


def _missing_table(name: str) -> CellError:
    remedy = (
        "what it said before is in force, or else the defaults: "
        if name == SETTINGS
        else "nothing is known of its rows: "
    ) + "undo its removal, or take the sheet over from a workbook that `netstats-xl new` writes"
    return CellError(
        sheet=name, cell="A1", value="", message=f"the workbook has no table named {name}, so {remedy}"
    )


def _refuse_repeated_names(readers: Iterable[tuple[RowReader, Thing]]) -> None:
    first: dict[str, RowReader] = {}
    for reader, thing in readers:
        if not thing.name:
            continue
        earlier = first.setdefault(thing.name.casefold(), reader)
        if earlier is not reader:
            cell = earlier.layout.address(earlier.row.number, "name")
            reader.refuse(
                "name",
                f"{cell} has this name already, and names differ by more than case: choose another one",
            )


class _Known:
    """The destinations that selectors may name."""

    def __init__(self, rows: _Rows[Destination]) -> None:
        self._valid = _keys(destination for _, destination in rows.valid())
        self._invalid: dict[tuple[str, str], str] = {}
        for reader, destination in rows.readers:
            if not reader.valid:
                where = reader.errors[0]
                for key in _keys([destination]):
                    self._invalid.setdefault(key, f"{where.sheet}!{where.cell}")
        self._names = {
            "name": [destination.name for _, destination in rows.readers if destination.name],
            "group": [destination.group for _, destination in rows.readers if destination.group],
            "tag": [tag for _, destination in rows.readers for tag in destination.tags],
        }
        self._readable = rows.readable
        self._proposals_left = _MOST_PROPOSALS

    def judge(self, selector: Selector) -> tuple[str, str]:
        """(what makes the job's row bad, what the user should know besides); empty where all is well."""
        key = (selector.kind, selector.value.casefold())
        if selector.kind == "all" or not self._readable or key in self._valid:
            return "", ""
        term = render_selector(selector)
        if key in self._invalid:
            return "", f"{term!r} selects only rows that are not valid: correct {self._invalid[key]} first"
        near = ""
        if self._proposals_left:
            self._proposals_left -= 1
            form = "{}" if selector.kind == "name" else f"{selector.kind}:{{}}"
            near = nearest(selector.value, self._names[selector.kind], form=form)
        what = (
            "no destination is named"
            if selector.kind == "name"
            else f"no destination has the {selector.kind}"
        )
        return f"{what} {selector.value!r}{near}: correct it, or add a row to the table {DESTINATIONS}", ""


def _keys(destinations: Iterable[Destination]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for destination in destinations:
        found.add(("name", destination.name.casefold()))
        if destination.group:
            found.add(("group", destination.group.casefold()))
        found.update(("tag", tag.casefold()) for tag in destination.tags)
    return found


def _check_selectors(jobs: _Rows[Job], destinations: _Rows[Destination]) -> Iterator[CellError]:
    """Note selectors that select nothing; yield what is wrong elsewhere and leaves the job valid."""
    known = _Known(destinations)
    for reader, job in jobs.readers:
        judged = [known.judge(selector) for selector in job.selectors]
        if bad := [problem for problem, _ in judged if problem]:
            reader.refuse("destinations", "; ".join(bad))
        elsewhere = [notice for _, notice in judged if notice]
        if elsewhere:
            yield reader.error("destinations", "; ".join(elsewhere))


def _check_demands(
    jobs: Iterable[tuple[RowReader, Job]], destinations: Sequence[Destination], limit: int
) -> Iterator[CellError]:
    """What is wrong with jobs whose rounds can never end in time.

    They stay valid: more destinations, or a lower limit, must not end what is measured, and what is missed is counted.
    """
    for reader, job in jobs:
        demand = demand_of(job, destinations)
        if not demand.fits(limit):
            yield reader.error("interval", f"this job {demand.explain(limit)}")
