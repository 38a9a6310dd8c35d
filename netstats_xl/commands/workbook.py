"""`new`, `check`, `expand` and `config`: the user's workbook and its definitions."""

import json
from dataclasses import asdict
from pathlib import Path

import typer

from netstats_xl import wiring
from netstats_xl.app.row_edits import expand_blocks, merge_rows
from netstats_xl.commands.asking import (
    counted,
    parsed,
    refuse_existing,
    refuse_own,
    refuse_suffix,
    takes_any_character,
)
from netstats_xl.commands.progress import waiting
from netstats_xl.domain.addresses import is_block
from netstats_xl.domain.demand import demands_of, total_warnings
from netstats_xl.domain.tables import RowEdits
from netstats_xl.domain.targets import Definitions
from netstats_xl.domain.windows import parse_zone
from netstats_xl.errors import NetstatsError, SheetInvalid
from netstats_xl.sheets import (
    DESTINATIONS,
    INPUT_TABLES,
    JOBS,
    SETTINGS,
    Reading,
    destination_cells,
    job_cells,
    read_definitions,
    settings_rows,
)

ID = "ID"
"""Header of the hidden column."""


def new(workbook: Path, zone: str | None, *, live: bool = False) -> None:
    """Write the template workbook, for .xlsm and .ods the live one; a file that exists is left alone."""
    suffix = workbook.suffix.casefold()
    if suffix == ".xlsm":
        _new_live(workbook, zone)
        return
    if suffix == ".ods" or live:
        _new_for_libreoffice(workbook, zone)
        return
    refuse_suffix(workbook, ".xlsx")
    refuse_existing(workbook, "Choose another name.")
    wiring.write_template(
        workbook, zone=parsed(parse_zone, zone, "--time-zone") if zone else wiring.system_zone()
    )
    typer.echo(
        f"Wrote {workbook}. Fill in its sheets Destinations and Jobs and save, then: netstats-xl run {workbook}"
    )


def _new_for_libreoffice(workbook: Path, zone: str | None) -> None:
    _refuse_zone(zone)
    if workbook.suffix.casefold() != ".ods":
        refuse_suffix(workbook, ".xlsx")
    refuse_existing(workbook, "Choose another name.")
    with waiting(f"Writing {workbook} ..."):
        wiring.write_libreoffice_template(workbook)
    typer.echo(
        f"Wrote {workbook}. Open it in LibreOffice, and start its collector, with: netstats-xl open {workbook}"
    )


def _refuse_zone(zone: str | None) -> None:
    if zone is not None:
        raise typer.BadParameter(
            "a live workbook names its time zone on its sheet Settings", param_hint="--time-zone"
        )


def _new_live(workbook: Path, zone: str | None) -> None:
    _refuse_zone(zone)
    refuse_existing(workbook, "Choose another name.")
    wiring.copy_macro_template(workbook)
    typer.echo(
        f"Wrote {workbook}. Open it in Excel on Windows, fill in its sheets Destinations and Jobs, and click Start "
        "on the Network Stats tab."
    )


def check(workbook: Path, *, as_json: bool) -> int:
    """List the bad cells; 1 where there are any, else 0."""
    try:
        reading = _read(workbook)
    except NetstatsError as error:
        if as_json:
            typer.echo(json.dumps({"workbook": str(workbook), "ok": False, "error": error.message}))
        raise
    problems = reading.errors
    # Jobs that ask for too much by themselves are among the problems.
    definitions = Definitions(destinations=reading.destinations, jobs=reading.jobs)
    warnings = total_warnings(demands_of(definitions), reading.settings.packets_per_second)
    if as_json:
        result = {
            "workbook": str(workbook),
            "ok": not problems,
            "destinations": len(reading.destinations),
            "jobs": len(reading.jobs),
            "errors": [asdict(problem) for problem in problems],
            "warnings": list(warnings),
        }
        typer.echo(json.dumps(result, ensure_ascii=not takes_any_character()))
    else:
        for problem in problems:
            typer.echo(str(problem))
        if any(is_block(problem.value) for problem in problems):
            typer.echo(
                f"`netstats-xl expand {workbook}` makes rows of blocks and ranges; a copy of the file is kept."
            )
        for warning in warnings:
            typer.echo(f"Warning: {warning}")
        counts = f"{_counted(reading)} understood"
        typer.echo(f"{counts}; {counted(len(problems), 'cell')} to put right." if problems else f"{counts}.")
    return 1 if problems else 0


def expand(workbook: Path) -> int:
    """Make rows of the blocks and ranges in the Destinations table; 1 where some could not be, else 0."""
    table = wiring.file_workbook(workbook).read(INPUT_TABLES).get(DESTINATIONS)
    if table is None:
        raise SheetInvalid(f"{workbook} has no table named Destinations.", _read(workbook).errors)
    found = expand_blocks(table)
    if found.edits.empty and not found.errors:
        typer.echo(f"{workbook} has no blocks such as 10.0.0.0/28 or 10.0.0.1-20 to make rows of.")
    if not found.edits.empty:
        backup = wiring.edit_workbook(workbook, DESTINATIONS, found.edits, reason="expand")
        rows = len(found.edits.replace) + len(found.edits.append)
        typer.echo(
            f"Made {counted(rows, 'row')} of {counted(found.blocks, 'block')}. As it was before: {backup}"
        )
    if found.skipped:
        typer.echo(f"Addresses that have a row already and were left alone: {found.skipped}.")
    for error in found.errors:
        typer.echo(str(error), err=True)
    return 1 if found.errors else 0


def config_export(workbook: Path, output: Path | None, *, force: bool) -> int:
    """Write the valid definitions as YAML; 1 where rows had to be left out, else 0."""
    if output is not None:
        refuse_own(output, workbook)
    if output is not None and not force:
        refuse_existing(output, "Name another with --output, or add --force.")
    reading = _read(workbook)
    definitions = Definitions(destinations=reading.destinations, jobs=reading.jobs)
    if output is None:
        text = wiring.render_yaml(definitions, reading.settings, ascii_only=not takes_any_character())
        typer.echo(text, nl=False)
    else:
        wiring.write_yaml(output, definitions, reading.settings)
        typer.echo(f"Wrote {_counted(definitions)}: {output}")
    for problem in reading.errors:
        typer.echo(f"left out or changed: {problem}", err=True)
    return 1 if reading.errors else 0


def config_import(source: Path, workbook: Path, *, update: bool) -> None:
    """Put YAML's definitions into a new workbook, or into one that exists: new rows, and with `update` new values."""
    reading = read_definitions(wiring.read_yaml(source), default_zone=wiring.system_zone())
    if reading.errors:
        raise SheetInvalid(f"Nothing was imported: {source} has errors.", reading.errors)
    imported = Definitions(destinations=reading.destinations, jobs=reading.jobs)
    if not workbook.exists():
        refuse_suffix(workbook, ".xlsx")
        wiring.write_template(
            workbook, zone=reading.settings.zone, definitions=with_ids(imported), settings=reading.settings
        )
        typer.echo(f"Wrote {workbook} with {_counted(imported)}.")
        return
    tables = wiring.file_workbook(workbook).read(INPUT_TABLES)
    incoming = {
        DESTINATIONS: [destination_cells(each) for each in imported.destinations],
        JOBS: [job_cells(each) for each in imported.jobs],
        SETTINGS: [
            dict(zip(("Setting", "Value"), row[:2], strict=True)) for row in settings_rows(reading.settings)
        ],
    }
    for name, rows in incoming.items():
        if name not in tables:
            raise SheetInvalid(f"{workbook} has no table named {name}.", _read(workbook).errors)
        if name == SETTINGS:
            edits = merge_rows(tables[name], rows, key="Setting")
            added = edits.append
        else:
            edits = merge_rows(tables[name], rows)
            added = tuple({**row, ID: wiring.new_id()} for row in edits.append)
        _apply(workbook, name, RowEdits(append=added, replace=edits.replace if update else {}))
        if edits.replace and not update:
            left = counted(len(edits.replace), "row")
            typer.echo(f"{name}: {left} of the same name left alone; --update gives them the file's values.")


def _apply(workbook: Path, table: str, edits: RowEdits) -> None:
    if edits.empty:
        typer.echo(f"{table}: nothing to add.")
        return
    backup = wiring.edit_workbook(workbook, table, edits, reason="import")
    done = f"{counted(len(edits.append), 'row')} added, {len(edits.replace)} changed"
    typer.echo(f"{table}: {done}. As it was before: {backup}")


def with_ids(definitions: Definitions) -> Definitions:
    """The definitions, each thing with an ID."""
    return Definitions(
        destinations=tuple(
            each.model_copy(update={"id": each.id or wiring.new_id()}) for each in definitions.destinations
        ),
        jobs=tuple(each.model_copy(update={"id": each.id or wiring.new_id()}) for each in definitions.jobs),
    )


def _read(workbook: Path) -> Reading:
    return read_definitions(
        wiring.file_workbook(workbook).read(INPUT_TABLES), default_zone=wiring.system_zone()
    )


def _counted(what: Definitions | Reading) -> str:
    return f"{counted(len(what.destinations), 'destination')} and {counted(len(what.jobs), 'job')}"
