"""The commands that copy, verify and restore databases."""

from pathlib import Path
from typing import Annotated

import typer

DatabaseArgument = Annotated[
    Path,
    typer.Argument(metavar="WORKBOOK", help="The workbook, or its database file."),
]
AnyDatabaseArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="WORKBOOK",
        help="The workbook, or its database file. Default: that of the only collector at work, or NetStats.xlsx.",
    ),
]
ToOption = Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where the copy goes.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the file where it exists.")]


def add_commands(app: typer.Typer) -> None:
    """Give the command line these commands."""
    for command in (backup, snapshot, verify, restore, compact):
        app.command()(command)


def backup(workbook: AnyDatabaseArgument = None, to: ToOption = None, force: ForceOption = False) -> None:
    """Make a verified copy of the database, also while a collector works. It makes one each night by itself."""
    from netstats_xl.commands import backup as backup_commands

    backup_commands.backup(workbook, to, force=force)


def snapshot(workbook: AnyDatabaseArgument = None, to: ToOption = None, force: ForceOption = False) -> None:
    """Make a write-protected copy for other programs (DuckDB, DBeaver, pandas), also while a collector works."""
    from netstats_xl.commands import backup as backup_commands

    backup_commands.snapshot(workbook, to, force=force)


def verify(workbook: AnyDatabaseArgument = None) -> None:
    """Read a database in full, and tell what is wrong. Exit code 1 where anything is. In use: its newest backup."""
    from netstats_xl.commands import maintaining

    raise typer.Exit(maintaining.verify(workbook))


def restore(
    workbook: DatabaseArgument = Path("NetStats.xlsx"),
    backup: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Which copy. Default: the newest backup.")
    ] = None,
    keep_newer: Annotated[
        bool,
        typer.Option(
            "--keep-newer/--drop-newer",
            help="Bring over what was measured since, as far as the present database can be read.",
        ),
    ] = True,
    listing: Annotated[bool, typer.Option("--list", help="Only list the backups.")] = False,
) -> None:
    """Put a backup in the database's place, with what was measured since. The present file is kept beside it."""
    from netstats_xl.commands import maintaining

    if listing:
        maintaining.list_backups(workbook)
        return
    raise typer.Exit(maintaining.restore(workbook, backup, keep_newer=keep_newer))


def compact(workbook: DatabaseArgument = Path("NetStats.xlsx")) -> None:
    """Write the database anew, without the room that deleted results left. Its collector must be stopped."""
    from netstats_xl.commands import maintaining

    maintaining.compact(workbook)
