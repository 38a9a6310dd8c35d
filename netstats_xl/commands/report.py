"""`report`: any time range from the database, as a workbook, raw samples or rollups."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import typer

from netstats_xl import wiring
from netstats_xl.app.configuration import reconcile
from netstats_xl.app.service import ReportRequest
from netstats_xl.companion.report_files import ReportSource, check_output, write_report
from netstats_xl.domain.levels import Level
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import CompanionNotRunning, StoreError
from netstats_xl.sheets import DESTINATIONS, JOBS, SETTINGS, Reading, read_definitions

REMEDY = "Name another with --output, or add --force."
PATIENCE_S = 3_600.0
"""How long a collector may take to write what was asked for."""


def report(
    workbook: Path,
    *,
    start: str,
    end: str,
    jobs: Sequence[str],
    destinations: Sequence[str],
    file_format: Literal["xlsx", "csv", "parquet"] | None,
    rollup: Literal["minute", "hour", "day", "month"] | None,
    output: Path | None,
    force: bool,
    database: Path | None,
) -> None:
    """Write a report or raw samples of a period; with `database`, the workbook need not exist.

    Without a format the output's suffix says it. A collector at work has the database, so it does the writing.
    """
    if file_format is None:
        suffix = "" if output is None else output.suffix.casefold()
        file_format = "csv" if suffix == ".csv" else "parquet" if suffix == ".parquet" or rollup else "xlsx"
    request = ReportRequest(
        file_format=file_format,
        rollup=None if rollup is None else Level[rollup.upper()],
        output=output,
        start=start,
        end=end,
        jobs=tuple(jobs),
        destinations=tuple(destinations),
        replace=force,
    )
    try:
        _ask(request, workbook, database)
    except CompanionNotRunning:
        _write(request, workbook, database)


def _ask(request: ReportRequest, workbook: Path, database: Path | None) -> None:
    with wiring.find_companion(
        None if database else workbook, database=database, patience_s=PATIENCE_S
    ) as client:
        if request.output is not None:
            check_output(request.output, request.file_format, (), replace=request.replace, remedy=REMEDY)
        wanted = {
            "from": request.start,
            "to": request.end,
            "jobs": list(request.jobs),
            "destinations": list(request.destinations),
            "replace": request.replace,
        }
        if request.output is not None:
            wanted["output"] = str(request.output.absolute())
        if request.file_format == "csv":
            typer.echo(f"Wrote samples: {client.export(**wanted)['path']}")
        elif request.file_format == "parquet":
            rollup = None if request.rollup is None else request.rollup.name.lower()
            written = client.report(format="parquet", rollup=rollup, **wanted)["path"]
            typer.echo(f"Wrote {_what(request)}: {written}")
        else:
            typer.echo(f"Report: {client.report(format='xlsx', **wanted)['path']}")


def _write(request: ReportRequest, workbook: Path, database: Path | None) -> None:
    if database is not None and not workbook.exists():
        reading, tables = Reading(settings=Settings(zone=wiring.system_zone())), dict[str, RawTable]()
    else:
        tables = dict(wiring.file_workbook(workbook).read((DESTINATIONS, JOBS, SETTINGS)))
        reading = read_definitions(tables, default_zone=wiring.system_zone())
    path = wiring.database_path(workbook, reading.settings, database)
    if not path.exists():
        raise StoreError(
            f"There is no database at {path}. `netstats-xl run` makes one; --database names another."
        )
    if request.output is not None:  # before anything is opened that it could be
        own = (workbook, path)
        check_output(request.output, request.file_format, own, replace=request.replace, remedy=REMEDY)
    # More threads make a workbook's figures sooner; an export they do not speed up, and they take memory there.
    store = wiring.open_store(path, spare_core=request.file_format != "xlsx")
    try:
        source = ReportSource(
            name=workbook.name if tables else path.name,
            stem=workbook.stem,
            folder=workbook.parent,
            own=(workbook, path),
            settings=reading.settings,
            tables=tables,
            row_ids=reconcile(reading, store.definitions(), wiring.new_id).row_ids,
            cell_errors=reading.errors,
        )
        written = write_report(store, request, source, now=wiring.clock().now(), report_to=wiring.report_file)
    finally:
        store.close()
    if written.samples is None:
        typer.echo(f"Report: {written.path}")
    else:
        typer.echo(f"Wrote {written.samples} {_what(request)}: {written.path}")


def _what(request: ReportRequest) -> str:
    return "samples" if request.rollup is None else f"rows of rollups by the {request.rollup.name.lower()}"
