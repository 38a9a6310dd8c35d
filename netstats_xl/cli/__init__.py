"""The command line: `netstats-xl`. Heavy modules are imported where a command needs them, so that `--help` is quick."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from netstats_xl import __version__
from netstats_xl.cli import collectors, maintenance
from netstats_xl.cli.options import DatabaseOption, WorkbookArgument
from netstats_xl.cli.windowless import shown_without_a_console
from netstats_xl.errors import (
    ConfigurationError,
    ControlError,
    NetstatsError,
    ProbeEngineError,
    ReportError,
    SheetInvalid,
    StoreError,
    WorkbookError,
)

EXIT_CODES: Sequence[tuple[type[NetstatsError], int]] = (
    (ConfigurationError, 3),
    (WorkbookError, 3),
    (StoreError, 4),
    (ProbeEngineError, 5),
    (ReportError, 6),
    (ControlError, 7),
    (NetstatsError, 1),
)
"""Which exit code an error ends the command with; 0 is success, 1 problems found, 2 a wrong call."""

EPILOG = (
    "Exit codes: 0 success; 1 `check`, `test`, `trace`, `mtu`, `sweep`, `repair` or `verify` found problems, `import` "
    "left hosts out, or results could not be saved or restored; 2 wrong use of the command; 3 the workbook, the "
    "configuration or a file to import cannot be used; 4 the database; 5 probes cannot be sent; 6 the report; 7 no "
    "collector is at work, or it cannot be asked."
)

app = typer.Typer(
    name="netstats-xl",
    help="Measure network latency and loss from a workbook of destinations and jobs, and report into a workbook.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(
    name="config", help="Move destinations, jobs and settings to and from YAML.", no_args_is_help=True
)
app.add_typer(config_app)

collectors.add_commands(app)
maintenance.add_commands(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    with shown_without_a_console():
        _run(arguments)


def _run(arguments: Sequence[str] | None) -> None:
    for stream in (sys.stdout, sys.stderr):
        # A Windows console or pipe may use a code page that lacks a character: show `?` rather than fail.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        app(args=arguments, prog_name="netstats-xl")
    except NetstatsError as error:
        sys.exit(_report(error))
    except OSError as error:
        # What no adapter foresaw, for example a folder that cannot be made or an output that takes no more.
        name = f"{error.filename}: " if error.filename else ""
        with suppress(OSError):
            typer.echo(f"netstats-xl: {name}{error.strerror or error}.", err=True)
        sys.exit(1)


def _report(error: NetstatsError) -> int:
    typer.echo(f"netstats-xl: {error.message}", err=True)
    if isinstance(error, SheetInvalid):
        for cell_error in error.cell_errors:
            typer.echo(f"  {cell_error}", err=True)
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"netstats-xl {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options of the command itself."""


@app.command()
def new(
    workbook: WorkbookArgument = Path("NetStats.xlsx"),
    zone: Annotated[
        str | None, typer.Option("--time-zone", metavar="ZONE", help="Default: this computer's time zone.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="A workbook to open in LibreOffice; NAME.ods always is.")
    ] = False,
) -> None:
    """Write a new workbook to fill in, with a few example rows; NAME.xlsm is a live one for Excel on Windows."""
    from netstats_xl.commands import workbook as workbook_commands

    workbook_commands.new(workbook, zone, live=live)


@app.command()
def check(
    workbook: WorkbookArgument = Path("NetStats.xlsx"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a workbook and list every bad cell. Exit code 1 where there are any."""
    from netstats_xl.commands import workbook as workbook_commands

    raise typer.Exit(workbook_commands.check(workbook, as_json=as_json))


@app.command()
def run(
    workbook: WorkbookArgument = Path("NetStats.xlsx"),
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="Stop after this time, for example 10m. Default: Ctrl+C."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Where the report goes. Default: NAME-report.xlsx."),
    ] = None,
    database: DatabaseOption = None,
    confirm_removals: Annotated[
        bool, typer.Option("--confirm-removals", help="Go on although most rows of a table are gone.")
    ] = False,
) -> None:
    """Run the workbook's jobs until Ctrl+C, and keep the report beside it fresh. The workbook itself is only read."""
    from netstats_xl.commands import collect

    raise typer.Exit(
        collect.run(
            workbook, duration=duration, report=report, database=database, confirm_removals=confirm_removals
        )
    )


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the demo's files go.")] = Path(
        "netstats-demo"
    ),
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long to measure.")] = "25s",
) -> None:
    """Measure this computer's own loopback addresses for half a minute and write a report."""
    from netstats_xl.commands.demo import demo

    raise typer.Exit(demo(folder, duration))


@app.command()
def report(
    workbook: WorkbookArgument = Path("NetStats.xlsx"),
    start: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="2026-11-23, '2026-11-23 08:00', yesterday, -24h, 7d."),
    ] = "-24h",
    end: Annotated[
        str, typer.Option("--to", metavar="TIME", help="As --from; the end itself is not included.")
    ] = "now",
    job: Annotated[
        list[str] | None, typer.Option("--job", metavar="NAME", help="Only this job; may be repeated.")
    ] = None,
    destination: Annotated[
        list[str] | None,
        typer.Option("--destination", metavar="NAME", help="Only this destination; may be repeated."),
    ] = None,
    file_format: Annotated[
        Literal["xlsx", "csv", "parquet"] | None,
        typer.Option(
            "--format", help="A report workbook, or raw samples. Default: as --output ends, else xlsx."
        ),
    ] = None,
    rollup: Annotated[
        Literal["minute", "hour", "day", "month"] | None,
        typer.Option("--rollup", help="Parquet with a row a minute, hour, day or month, not raw samples."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where it goes.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file where it exists.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Write a report, or samples as CSV or Parquet, for any time range from the database."""
    from netstats_xl.commands import report as report_command

    report_command.report(
        workbook,
        start=start,
        end=end,
        jobs=job or [],
        destinations=destination or [],
        file_format=file_format,
        rollup=rollup,
        output=output,
        force=force,
        database=database,
    )


@app.command("import")
def import_history(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="CSV, `rrdtool dump` of SmokePing, `fping -D`, PingPlotter's CSV."
        ),
    ],
    workbook: Annotated[
        Path, typer.Option("--workbook", metavar="WORKBOOK", help="Whose database takes them.")
    ] = Path("NetStats.xlsx"),
    database: DatabaseOption = None,
    kind: Annotated[
        Literal["netstats", "csv", "smokeping", "fping", "pingplotter"] | None,
        typer.Option("--as", help="What kind of files they are. Default: as their content tells."),
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="OLD=NAME", help="What a file calls OLD is the destination NAME; repeat it."
        ),
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map-file", metavar="FILE", help="A file of such lines, OLD=NAME.")
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help="Take hosts that are not known, too, as retired destinations.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be imported.")] = False,
    zone: Annotated[
        str | None,
        typer.Option("--zone", metavar="ZONE", help="Of times without an offset, for example Europe/Berlin."),
    ] = None,
    date_order: Annotated[
        Literal["dmy", "mdy"] | None,
        typer.Option("--date-order", help="Of dates that may be read either way."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", metavar="WHAT=NAME,...", help="Names of a CSV's columns: time, host, rtt, rtts, ..."
        ),
    ] = None,
    round_length: Annotated[
        str | None,
        typer.Option(
            "--round", metavar="TIME", help="Single packets within this time are a round. Default: 1m."
        ),
    ] = None,
    overlapping: Annotated[
        bool,
        typer.Option(
            "--overlapping", help="Of our own export, also what was measured here in the same hour."
        ),
    ] = False,
) -> None:
    """Take earlier measurements into the database, each once, whatever is imported again."""
    from netstats_xl.commands import importing

    raise typer.Exit(
        importing.import_files(
            files,
            workbook,
            database=database,
            kind=kind,
            mapping=importing.read_mapping(mapped or [], map_file),
            add=add,
            dry_run=dry_run,
            options=importing.read_options(
                zone=zone, date_order=date_order, columns=columns, round_length=round_length
            ),
            overlapping=overlapping,
        )
    )


@app.command()
def repair(
    target: Annotated[
        Path, typer.Argument(metavar="WORKBOOK|FILE", help="A workbook, or a database file.")
    ] = Path("NetStats.xlsx"),
) -> None:
    """Save what can be read of a damaged database; a healthy one stays as it is. Exit code 1: results are gone."""
    from netstats_xl.commands import repairing

    raise typer.Exit(repairing.repair(target))


@app.command()
def expand(workbook: WorkbookArgument = Path("NetStats.xlsx")) -> None:
    """Make one row an address of each CIDR block or range in the Destinations table. A copy of the file is kept."""
    from netstats_xl.commands import workbook as workbook_commands

    raise typer.Exit(workbook_commands.expand(workbook))


@app.command()
def install(
    workbook: Annotated[
        Path | None,
        typer.Option("--workbook", metavar="PATH", help="Where NetStats.xlsm goes. Default: your Documents."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    stop_collectors: Annotated[
        bool, typer.Option("--stop-collectors", help="Only end your collectors, before an update.")
    ] = False,
) -> None:
    """Put the live workbook into your Documents and the Start menu (Windows). Nothing of yours is overwritten."""
    from netstats_xl.commands import install as install_command

    if stop_collectors:
        raise typer.Exit(install_command.stop_collectors())
    raise typer.Exit(install_command.install(workbook, dry_run=dry_run))


@app.command()
def uninstall(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    remove_data: Annotated[
        bool, typer.Option("--remove-data", help="Remove the databases and logs, too. Workbooks always stay.")
    ] = False,
) -> None:
    """Take away what `install` made. Your workbook and, unless told, your measurements stay."""
    from netstats_xl.commands import install as install_command

    raise typer.Exit(install_command.uninstall(dry_run=dry_run, remove_data=remove_data))


@config_app.command("export")
def config_export(
    workbook: WorkbookArgument = Path("NetStats.xlsx"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: print to the terminal.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file where it exists.")] = False,
) -> None:
    """Write the workbook's destinations, jobs and settings as YAML."""
    from netstats_xl.commands import workbook as workbook_commands

    raise typer.Exit(workbook_commands.config_export(workbook, output, force=force))


@config_app.command("import")
def config_import(
    source: Annotated[
        Path, typer.Argument(metavar="YAML", help="A file that `config export` wrote, or your own.")
    ],
    workbook: WorkbookArgument = Path("NetStats.xlsx"),
    update: Annotated[
        bool, typer.Option("--update", help="Give rows of the same name the file's values, too.")
    ] = False,
) -> None:
    """Put YAML's destinations and jobs into a workbook: a new one, or as new rows of one that exists."""
    from netstats_xl.commands import workbook as workbook_commands

    workbook_commands.config_import(source, workbook, update=update)
