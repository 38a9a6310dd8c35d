"""`new`, `check`, `expand` and `config`: the user's workbook and its definitions."""

import json
from dataclasses import asdict
from pathlib import Path

import typer

from netstats_xl import wiring
from netstats_xl.app.growing import grow_blocks, grow_definitions
from netstats_xl.commands.asking import counted, parsed, refuse_existing
from netstats_xl.domain.targets import Definitions
from netstats_xl.domain.windows import parse_zone
from netstats_xl.errors import SheetInvalid
from netstats_xl.sheets import DESTINATIONS, INPUT_TABLES, Reading, read_definitions


def new(workbook: Path, zone: str | None) -> None:
    """Write the template workbook; a file that exists is left alone."""
    refuse_existing(workbook, "Choose another name.")
    wiring.write_template(
        workbook, zone=parsed(parse_zone, zone, "--time-zone") if zone else wiring.system_zone()
    )
    typer.echo(
        f"Wrote {workbook}. Fill in its sheets Destinations and Jobs and save, then: netstats-xl run {workbook}"
    )


def check(workbook: Path, *, as_json: bool) -> int:
    """List the bad cells; 1 where there are any, else 0."""
    reading = _read(workbook)
    problems = reading.errors
    if as_json:
        result = {
            "workbook": str(workbook),
            "ok": not problems,
            "destinations": len(reading.destinations),
            "jobs": len(reading.jobs),
            "errors": [asdict(problem) for problem in problems],
        }
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(str(problem))
        counts = f"{_counted(reading)} understood"
        typer.echo(f"{counts}; {counted(len(problems), 'cell')} to put right." if problems else f"{counts}.")
    return 1 if problems else 0


def expand(workbook: Path) -> None:
    """Make rows of the blocks and ranges in the Destinations table."""
    table = wiring.file_workbook(workbook).read(INPUT_TABLES).get(DESTINATIONS)
    if table is None:
        raise SheetInvalid(f"{workbook} has no table named Destinations.", _read(workbook).errors)
    growth = grow_blocks(table, wiring.new_id)
    if growth.replaced:
        backup = wiring.grow_workbook(workbook, DESTINATIONS, growth)
        rows = len(growth.replaced) + len(growth.added)
        typer.echo(
            f"Made {counted(rows, 'row')} of {counted(len(growth.replaced), 'block')} in {workbook}. "
            f"As it was before: {backup}"
        )
    else:
        typer.echo(
            f"{workbook} has no blocks such as 10.0.0.0/28 or 10.0.0.1-20 in its Host column to make rows of."
        )
    if growth.skipped:
        typer.echo(f"Left alone were addresses that have rows already: {len(growth.skipped)}.")


def config_export(workbook: Path, output: Path | None, *, force: bool) -> int:
    """Write the valid definitions as YAML; 1 where rows had to be left out, else 0."""
    if output is not None and not force:
        refuse_existing(output, "Name another with --output, or add --force.")
    reading = _read(workbook)
    definitions = Definitions(destinations=reading.destinations, jobs=reading.jobs)
    if output is None:
        typer.echo(wiring.yaml_text(definitions, reading.settings), nl=False)
    else:
        wiring.write_yaml(output, definitions, reading.settings)
        typer.echo(f"Wrote {_counted(definitions)}: {output}")
    for problem in reading.errors:
        typer.echo(f"left out or changed: {problem}", err=True)
    return 1 if reading.errors else 0


def config_import(source: Path, workbook: Path) -> None:
    """Put YAML's definitions into a new workbook, or as new rows into one that exists."""
    reading = read_definitions(wiring.read_yaml(source), default_zone=wiring.system_zone())
    if reading.errors:
        raise SheetInvalid(f"Nothing was imported: {source} has errors.", reading.errors)
    imported = Definitions(destinations=reading.destinations, jobs=reading.jobs)
    if not workbook.exists():
        wiring.write_template(
            workbook, zone=reading.settings.zone, definitions=with_ids(imported), settings=reading.settings
        )
        typer.echo(f"Wrote {workbook} with {_counted(imported)}.")
        return
    tables = wiring.file_workbook(workbook).read(INPUT_TABLES)
    for name, growth in grow_definitions(tables, imported, wiring.new_id).items():
        if growth.added:
            backup = wiring.grow_workbook(workbook, name, growth)
            typer.echo(f"{name}: added {counted(len(growth.added), 'row')}. As it was before: {backup}")
        if growth.skipped:
            typer.echo(f"{name}: left alone, since they are there: {', '.join(growth.skipped)}")


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
