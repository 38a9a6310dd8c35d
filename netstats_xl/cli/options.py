"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated, Literal

import typer

WorkbookArgument = Annotated[
    Path, typer.Argument(metavar="WORKBOOK", help="The workbook of destinations and jobs.")
]
AnyWorkbookArgument = Annotated[
    Path | None,
    typer.Argument(metavar="WORKBOOK", help="Whose collector. Default: the only one at work."),
]
AnyWorkbookOption = Annotated[
    Path | None,
    typer.Option("--workbook", metavar="WORKBOOK", help="Whose collector. Default: the only one at work."),
]
DatabaseOption = Annotated[
    Path | None,
    typer.Option("--database", metavar="FILE", help="Use this database instead of the Settings sheet's."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Where the report goes. Default: NAME-report.xlsx."),
]
ConfirmOption = Annotated[
    bool, typer.Option("--confirm-removals", help="Go on although most rows of a table are gone.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

AppOption = Annotated[
    Literal["excel", "libreoffice"] | None,
    typer.Option("--app", help="Default: Excel where there is one, else LibreOffice."),
]
