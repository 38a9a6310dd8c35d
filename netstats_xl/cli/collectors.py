"""The commands that start, ask and stop a collector in the background."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from netstats_xl.cli.options import (
    AnyWorkbookArgument,
    AnyWorkbookOption,
    AppOption,
    ConfirmOption,
    DatabaseOption,
    JsonOption,
    ReportOption,
    WorkbookArgument,
)

NO_IDENTITY = "0" * 32


def add_commands(app: typer.Typer) -> None:
    """Give the command line these commands."""
    for command in (start, stop, status, mtu, sweep, jobs, refresh, log):
        app.command()(command)
    app.command("open")(open_)
    app.command("test")(probe)
    app.command("trace")(trace)
    app.command("collect", hidden=True)(collect)


def start(
    workbook: WorkbookArgument = Path("NetStats.xlsx"),
    report: ReportOption = None,
    database: DatabaseOption = None,
    confirm_removals: ConfirmOption = False,
) -> None:
    """Run the workbook's jobs in the background, until `stop`. A .xlsm that is open in Excel is fed live."""
    from netstats_xl.commands import starting

    raise typer.Exit(
        starting.start(workbook, report=report, database=database, confirm_removals=confirm_removals)
    )


def open_(workbook: WorkbookArgument = Path("NetStats.xlsx"), program: AppOption = None) -> None:
    """Open a live workbook in Excel or LibreOffice, with a collector that feeds it. See `new --live`."""
    from netstats_xl.commands import opening

    raise typer.Exit(opening.open_workbook(workbook, program))


def stop(workbook: AnyWorkbookArgument = None) -> None:
    """End a collector: its results are saved, and its report is written. Exit code 1 where that failed."""
    from netstats_xl.commands import starting

    raise typer.Exit(starting.stop(workbook))


def status(workbook: AnyWorkbookArgument = None, as_json: JsonOption = False) -> None:
    """Show what the collectors in the background do, and how the destinations are."""
    from netstats_xl.commands import asking_companion

    asking_companion.status(workbook, as_json=as_json)


def probe(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of destinations.")],
    workbook: AnyWorkbookOption = None,
    as_json: JsonOption = False,
) -> None:
    """Probe destinations now. Exit code 1 where one does not answer. Without a collector it is done right here."""
    from netstats_xl.commands import testing

    raise typer.Exit(testing.test(names, workbook, as_json=as_json))


HostArgument = Annotated[
    str, typer.Argument(metavar="HOST", help="Name of a destination, or an address or a host name.")
]


def mtu(host: HostArgument, workbook: AnyWorkbookOption = None, as_json: JsonOption = False) -> None:
    """Find the largest packet that the path to a host takes, and who refuses larger ones. Exit code 1: not found."""
    from netstats_xl.commands import path_testing

    raise typer.Exit(path_testing.mtu(host, workbook, as_json=as_json))


def sweep(
    host: HostArgument,
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="BYTES", help="Payloads from 16 to 8972 bytes.")
    ] = "56,512,1024,1472",
    workbook: AnyWorkbookOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show loss and RTT of a host by the size of the packets. Exit code 1 where none is answered."""
    from netstats_xl.commands import path_testing

    raise typer.Exit(path_testing.sweep(host, sizes, workbook, as_json=as_json))


def trace(
    host: HostArgument,
    workbook: AnyWorkbookOption = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=100, help="Packets a hop.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Trace the route to a host, hop by hop. Exit code 1 where it is not reached. Without a collector: right here."""
    from netstats_xl.commands import tracing

    raise typer.Exit(tracing.trace(host, workbook, rounds=rounds, as_json=as_json))


def jobs(
    action: Annotated[
        Literal["start", "stop", "run"],
        typer.Argument(help="start: at their times again; stop: until started again; run: one round now."),
    ],
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of jobs.")],
    workbook: AnyWorkbookOption = None,
) -> None:
    """Start or stop jobs of a collector at work, or have them make one round now."""
    from netstats_xl.commands import asking_companion

    asking_companion.jobs(action, names, workbook)


def refresh(workbook: AnyWorkbookArgument = None) -> None:
    """Have the collector show the latest figures now, in its workbook or its report."""
    from netstats_xl.commands import asking_companion

    asking_companion.refresh(workbook)


def log(workbook: AnyWorkbookArgument = None) -> None:
    """Print where the log of a collector lies."""
    from netstats_xl.commands import asking_companion

    asking_companion.log(workbook)


def collect(
    workbook: Annotated[str, typer.Option("--workbook", help="Path, or what Excel calls it.")],
    live: Annotated[bool, typer.Option("--live", help="It is open in a spreadsheet program.")] = False,
    program: AppOption = None,
    identity: Annotated[str, typer.Option("--id", help="What its NetStats_id holds.")] = NO_IDENTITY,
    window: Annotated[int, typer.Option("--window", help="A window of that Excel.")] = 0,
    report: ReportOption = None,
    database: DatabaseOption = None,
    confirm_removals: ConfirmOption = False,
) -> None:
    """Collect without a terminal, until told to end: what `start` and the ribbon run."""
    from netstats_xl.commands import collect as collect_command

    if live:
        raise typer.Exit(
            collect_command.collect_live(workbook, identity=identity, window=window, app=program or "excel")
        )
    raise typer.Exit(
        collect_command.collect(
            Path(workbook), report=report, database=database, confirm_removals=confirm_removals
        )
    )
