"""Routes of destinations."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from netstats_xl.app.service import DestinationEntry, Service, Wanted
from netstats_xl.control import sentences
from netstats_xl.control.answering import TellingRoute, respond
from netstats_xl.control.answers import Answer, CountAnswer
from netstats_xl.control.path_answers import MtuAnswer, SweepAnswer
from netstats_xl.control.problems import bad_cell
from netstats_xl.control.requests import (
    Chosen,
    DestinationChange,
    Expand,
    NewDestination,
    NewHosts,
    PathHost,
    Sweep,
    ToTrace,
)
from netstats_xl.control.route_answers import RoutePart, RoutesAnswer
from netstats_xl.control.row_answers import (
    AddedAnswer,
    DestinationAnswer,
    DestinationPart,
    DestinationsAnswer,
    StatusAnswer,
    TestPart,
    TestsAnswer,
)
from netstats_xl.control.selecting import chosen_destinations
from netstats_xl.domain.addresses import expand, is_block
from netstats_xl.domain.results import State
from netstats_xl.errors import CellError, ConfigurationError, NetstatsError, SheetInvalid
from netstats_xl.sheets.cells import unique

MOST_HOSTS = 1_000
_BETWEEN_HOSTS = re.compile(r"[,;\s]+")
_SPACED_RANGE = re.compile(r"([^,;\s]+)\s+([-\u2010-\u2015\u2212])\s+([^,;\s]+)")
_SpokenFlag = Literal["yes", "no"]


def destination_routes(service: Service) -> APIRouter:
    """The routes of destinations."""
    router = APIRouter(prefix="/v1/destinations", tags=["destinations"], route_class=TellingRoute)

    @router.get("", response_model=DestinationsAnswer)
    def list_destinations(
        request: Request,
        text: Annotated[
            str, Query(max_length=1_000, description="Part of name, host, group, a tag, notes.")
        ] = "",
        group: Annotated[str, Query(max_length=1_000)] = "",
        tag: Annotated[str, Query(max_length=1_000)] = "",
        state: State | None = None,
        enabled: _SpokenFlag | None = None,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> Response:
        """The destinations in force that match everything that is asked for, in the user's order."""
        wanted = Wanted(
            text=text,
            group=group,
            tag=tag,
            state=state,
            enabled=None if enabled is None else enabled == "yes",
            offset=offset,
            limit=limit,
        )
        page = service.destinations(wanted)
        parts = tuple(map(DestinationPart.of, page.entries))
        fewer = "" if len(parts) == page.total else f", {len(parts)} of them shown"
        message = f"{sentences.counted(page.total, 'destination')} found{fewer}."
        return respond(request, DestinationsAnswer(message=message, total=page.total, destinations=parts))

    @router.post("", response_model=DestinationAnswer, status_code=201)
    def create_destination(request: Request, row: NewDestination) -> Response:
        """Write a row into the Destinations table."""
        entry = service.write_destination(row.cells())
        return respond(request, _answer(entry, f"{entry.destination.name} was added."), 201)

    @router.post("/add", response_model=AddedAnswer)
    def add_hosts(request: Request, new: NewHosts) -> Response:
        """Make a destination of each host, and of each address of a block or a range, named after it."""
        return respond(request, _add(service, new.hosts))

    @router.post("/test", response_model=TestsAnswer)
    def test_destinations(request: Request, chosen: Chosen) -> Response:
        """Probe destinations now, besides their jobs; nothing is stored, and their rows show the result."""
        results = service.test(chosen_destinations(service, chosen))
        parts = tuple(map(TestPart.of, results))
        return respond(request, TestsAnswer(message=sentences.tested(results), results=parts))

    @router.post("/mtu", response_model=MtuAnswer)
    def find_path_mtu(request: Request, which: PathHost) -> Response:
        """Find the path MTU to a destination, or to any host; where larger packets are lost it takes a minute."""
        return respond(request, MtuAnswer.of(service.path_mtu(which.host)))

    @router.post("/sweep", response_model=SweepAnswer)
    def sweep_payloads(request: Request, which: Sweep) -> Response:
        """Loss and RTT by payload size; each size takes a second or two."""
        return respond(request, SweepAnswer.of(service.sweep(which.host, which.sizes)))

    @router.post("/trace", response_model=RoutesAnswer)
    def trace_routes(request: Request, wanted: ToTrace) -> Response:
        """Trace the routes to destinations now, which are stored, and to hosts that need not be any, which are not."""
        results = service.trace(
            chosen_destinations(service, wanted), hosts=wanted.hosts, rounds=wanted.rounds
        )
        parts = tuple(map(RoutePart.of, results))
        return respond(request, RoutesAnswer(message=sentences.traced(results), routes=parts))

    @router.post("/expand", response_model=CountAnswer)
    def expand_destinations(request: Request, which: Expand | None = None) -> Response:
        """Make rows of the blocks and ranges of addresses in the Destinations table."""
        rows = service.expand(which.ids if which else None)
        message = (
            f"{sentences.counted(rows, 'row')} written." if rows else "There is no block or range to expand."
        )
        return respond(request, CountAnswer(message=message, rows=rows))

    @router.get("/{destination_id}", response_model=DestinationAnswer)
    def get_destination(request: Request, destination_id: str) -> Response:
        """A destination and how it is."""
        entry = service.destination(destination_id)
        return respond(request, _answer(entry, sentences.destination_is(entry)))

    @router.patch("/{destination_id}", response_model=DestinationAnswer)
    def change_destination(request: Request, destination_id: str, row: DestinationChange) -> Response:
        """Write cells of its row."""
        entry = service.write_destination(row.cells(), destination_id)
        return respond(request, _answer(entry, f"{entry.destination.name} was changed."))

    @router.delete("/{destination_id}", response_model=Answer)
    def delete_destination(request: Request, destination_id: str) -> Response:
        """Remove its row; its results stay."""
        name = service.destination(destination_id).destination.name
        service.delete_destination(destination_id)
        return respond(request, Answer(message=f"{name} was removed; its results stay."))

    @router.get("/{destination_id}/status", response_model=StatusAnswer)
    def get_destination_status(request: Request, destination_id: str) -> Response:
        """How a destination is."""
        entry = service.destination(destination_id)
        part = DestinationPart.of(entry).model_dump(include=set(StatusAnswer.model_fields))
        return respond(request, StatusAnswer(message=sentences.destination_is(entry), **part))

    return router


def _answer(entry: DestinationEntry, message: str) -> DestinationAnswer:
    return DestinationAnswer(message=message, destination=DestinationPart.of(entry))


def _add(service: Service, text: str) -> AddedAnswer:
    """A destination of each host. What stops the first one is raised; what stops a later one is told."""
    hosts, bad = _hosts_in(text)
    entries: list[DestinationEntry] = []
    stopped_by = ""
    for host in hosts:
        try:
            entries.append(service.write_destination({"name": host, "host": host}))
        except SheetInvalid as error:
            bad.extend(error.cell_errors or [_bad_host(host, error.message)])
        except NetstatsError as error:
            if not entries:
                raise
            stopped_by = error.message
            break
    message = sentences.added([each.destination for each in entries], bad, stopped_by)
    if not entries:
        raise SheetInvalid(message, tuple(bad))
    return AddedAnswer(
        message=message,
        destinations=tuple(map(DestinationPart.of, entries)),
        cells=tuple(map(bad_cell, bad)),
    )


def _hosts_in(text: str) -> tuple[list[str], list[CellError]]:
    """The hosts, each once, with the addresses of blocks and ranges; and which of these cannot be expanded.

    Raises:
        ConfigurationError: there is none, or there are too many.
    """
    found: dict[str, None] = {}
    bad: list[CellError] = []
    parts = unique(part for part in _BETWEEN_HOSTS.split(_SPACED_RANGE.sub(_joined, text)) if part)
    if not parts:
        raise ConfigurationError(
            "There is no host in it: write addresses or host names, separated by commas."
        )
    for part in parts:
        try:
            found |= dict.fromkeys(expand(part) if is_block(part) else [part])
        except ValueError as error:
            bad.append(_bad_host(part, str(error)))
        if len(found) > MOST_HOSTS:  # at once: many large blocks would not fit into memory
            raise ConfigurationError(
                f"These are more hosts than can be added at once, which are {MOST_HOSTS:,}: add fewer, or write "
                "blocks and ranges into the Destinations table and expand them there."
            )
    return list(found), bad


def _joined(match: re.Match[str]) -> str:
    """`10.0.0.1 - 20` without its spaces; what is no range stays as it is."""
    joined = "".join(match.groups())
    return joined if is_block(joined) else match[0]


def _bad_host(host: str, message: str) -> CellError:
    return CellError(sheet="Request", cell="hosts", value=host, message=message)
