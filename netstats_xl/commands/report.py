"""`report`: any time range from the database, as a workbook or as raw samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import typer

from netstats_xl import __version__, wiring
from netstats_xl.app.configuration import reconcile
from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.reporting import Reporting, parse_period
from netstats_xl.app.scoping import scope_of
from netstats_xl.commands.asking import refuse_existing, refuse_own, refuse_suffix, unused
from netstats_xl.domain.results import Period
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Settings
from netstats_xl.domain.windows import to_local
from netstats_xl.errors import StoreError
from netstats_xl.sheets import DESTINATIONS, JOBS, SETTINGS, Reading, read_definitions


def report(
    workbook: Path,
    *,
    start: str,
    end: str,
    jobs: Sequence[str],
    destinations: Sequence[str],
    file_format: Literal["xlsx", "csv"] | None,
    output: Path | None,
    force: bool,
    database: Path | None,
) -> None:
    """Write a report or raw samples of a period; with `database`, the workbook need not exist.

    Without a format the output's suffix says it.
    """
    if file_format is None:
        file_format = "csv" if output is not None and output.suffix.casefold() == ".csv" else "xlsx"
    if output is not None:
        refuse_suffix(output, f".{file_format}")
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
    now = wiring.clock().now()
    period = parse_period(start, end, now, reading.settings.zone)
    if output is not None:
        refuse_own(output, workbook, path)
    if output is not None and not force:
        refuse_existing(output, "Name another with --output, or add --force.")
    target = output or unused(_default_output(workbook, period, reading.settings.zone, file_format))
    # More threads make a workbook's figures sooner; an export they do not speed up, and they take memory there.
    store = wiring.open_store(path, spare_core=file_format == "csv")
    try:
        scope = scope_of(store, jobs=jobs, destinations=destinations)
        if file_format == "csv":
            rows = store.export_csv(target, period, scope=scope, zone=reading.settings.zone)
            typer.echo(f"Wrote {rows} samples: {target}")
            return
        stored = store.definitions()
        inputs = ReportInputs(
            period=period,
            generated_at=now,
            version=__version__,
            source=workbook.name if tables else path.name,
            settings=reading.settings,
            definitions=stored.active,
            retired=stored.retired,
            scope=scope,
            tables=tables,
            row_ids=reconcile(reading, stored, wiring.new_id).row_ids,
            cell_errors=reading.errors,
        )
        typer.echo(f"Report: {Reporting(store, wiring.report_file(target)).publish(inputs)}")
    finally:
        store.close()


def _default_output(workbook: Path, period: Period, zone: str, file_format: str) -> Path:
    ends = [f"{to_local(at, zone):%Y%m%dT%H%M}" for at in (period.start, period.end)]
    return workbook.with_name(f"{workbook.stem}-{'-'.join(ends)}.{file_format}")
