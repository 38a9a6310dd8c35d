"""Routes of the companion itself: its health, what the workbook shows, files, events, its end."""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from netstats_xl.app.service import BackupRequest, ReportRequest, Service, WorkbookEvent
from netstats_xl.control import sentences
from netstats_xl.control.answering import TellingRoute, respond
from netstats_xl.control.answers import (
    Answer,
    BackupAnswer,
    FiguresAnswer,
    HealthAnswer,
    PlaceAnswer,
    SyncAnswer,
)
from netstats_xl.control.events import MEDIA_TYPE, Listening
from netstats_xl.control.job_routes import PeriodQuery
from netstats_xl.control.negotiation import key_value_lines
from netstats_xl.control.requests import (
    BackupWanted,
    Export,
    Report,
    SelectionChange,
    Sync,
    Updates,
    WorkbookNews,
)
from netstats_xl.domain.levels import Level
from netstats_xl.errors import ReportError

LONGEST_LISTENING_S = 86_400


def companion_routes(service: Service, listening: Listening) -> APIRouter:
    """The routes of the collector itself."""
    router = APIRouter(prefix="/v1", tags=["collector"], route_class=TellingRoute)
    _add_views(router, service)
    _add_files(router, service)
    _add_backups(router, service)

    @router.get("/health", response_model=HealthAnswer)
    def get_health(request: Request) -> Response:
        """How the collector is; as plain text in lines `key=value`."""
        answer = HealthAnswer.of(service.health())
        return respond(request, answer, text=key_value_lines(answer.lines()))

    @router.get(
        "/events",
        response_class=Response,
        responses={
            200: {
                "description": "Server-sent events",
                "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
            }
        },
    )
    async def get_events(
        seconds: Annotated[
            float | None,
            Query(
                ge=0,
                le=LONGEST_LISTENING_S,
                description="How long to listen; without: until the collector stops.",
            ),
        ] = None,
    ) -> Response:
        """What happens from now on: `event` is its kind, `data` its facts as JSON. Comments are heartbeats."""
        if listening.full:
            raise HTTPException(429)
        return listening.begin(seconds)

    @router.post("/workbook", response_model=Answer)
    def tell_workbook_event(request: Request, news: WorkbookNews) -> Response:
        """What happened to the workbook; the collector takes note and answers at once."""
        service.workbook_event(WorkbookEvent(news.event))
        return respond(request, Answer(message="Noted."))

    @router.post("/shutdown", response_model=Answer)
    def shut_down(request: Request) -> Response:
        """End the collector: it saves its results first."""
        service.shutdown()
        return respond(request, Answer(message="The collector is stopping."))

    return router


def _add_views(router: APIRouter, service: Service) -> None:
    @router.get("/dashboard", response_model=FiguresAnswer)
    def get_dashboard(request: Request, period: PeriodQuery = "24h") -> Response:
        """The statistics of all destinations."""
        figures = service.dashboard(period)
        return respond(request, FiguresAnswer.of(figures, sentences.figures(figures, period)))

    @router.post("/refresh", response_model=PlaceAnswer)
    def refresh(request: Request) -> Response:
        """Show the latest figures now."""
        where = service.refresh()
        return respond(request, PlaceAnswer.of(where, "The latest figures are in {}."))

    @router.post("/sync", response_model=SyncAnswer)
    def sync(request: Request, how: Sync | None = None) -> Response:
        """Read the workbook now, and put what it says in force."""
        synced = service.sync(confirmed=how is not None and how.confirmed)
        return respond(request, SyncAnswer.of(synced, sentences.synced(synced)))

    @router.post("/updates", response_model=Answer)
    def pause_updates(request: Request, updates: Updates) -> Response:
        """Push nothing into the workbook, or push again."""
        service.pause_updates(updates.paused)
        told = "Updates of the workbook are paused." if updates.paused else "The workbook is updated again."
        return respond(request, Answer(message=told))

    @router.put("/selection", response_model=Answer)
    def change_selection(request: Request, selection: SelectionChange) -> Response:
        """Choose what the sheets show: details of a destination or a job by name, and the period."""
        service.show(details_of=selection.details_of or None, period=selection.period or None)
        told = [f"details of {selection.details_of}"] if selection.details_of else []
        told += [f"the last {selection.period}"] if selection.period else []
        return respond(request, Answer(message=f"The sheets show {' and '.join(told)}."))


def _add_files(router: APIRouter, service: Service) -> None:
    @router.post("/report", response_model=PlaceAnswer)
    def write_report(request: Request, report: Report | None = None) -> Response:
        """Write a report of a time range to a file."""
        asked = report or Report()
        path = service.report(_request(asked, asked.format, asked.rollup))
        return respond(request, PlaceAnswer.of(str(path), "The report is {}"))

    @router.post("/export", response_model=PlaceAnswer)
    def export(request: Request, export: Export | None = None) -> Response:
        """Write the raw samples of a time range to a CSV file."""
        path = service.report(_request(export or Export(), "csv"))
        return respond(request, PlaceAnswer.of(str(path), "The samples are in {}"))


def _add_backups(router: APIRouter, service: Service) -> None:
    @router.post("/backup", response_model=PlaceAnswer)
    def back_up(request: Request, wanted: BackupWanted | None = None) -> Response:
        """Make a verified copy of the database, which takes a while; results are saved meanwhile."""
        asked = wanted or BackupWanted()
        path = service.backup(
            BackupRequest(output=_whole(asked.output), read_only=asked.read_only, replace=asked.replace)
        )
        return respond(request, PlaceAnswer.of(str(path), "The copy is {}"))

    @router.get("/backup", response_model=BackupAnswer)
    def get_backup(request: Request) -> Response:
        """How a backup goes that is being made, and which is the last one."""
        status = service.backup_status()
        return respond(request, BackupAnswer.of(status, sentences.backup(status)))


def _request(
    asked: Export, file_format: Literal["xlsx", "csv", "parquet"], rollup: str | None = None
) -> ReportRequest:
    return ReportRequest(
        file_format=file_format,
        rollup=None if rollup is None else Level[rollup.upper()],
        output=_whole(asked.output),
        start=asked.start,
        end=asked.end,
        jobs=tuple(asked.jobs),
        destinations=tuple(asked.destinations),
        replace=asked.replace,
    )


def _whole(output: str | None) -> Path | None:
    path = None if output is None else Path(output)
    if path is not None and not path.is_absolute():
        raise ReportError(
            f"{output} is no whole path: the collector works in a folder of its own. Give it from the root."
        )
    return path
