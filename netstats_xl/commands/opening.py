"""`open`: the workbook in its spreadsheet program, and a collector that feeds it."""

import os
import sys
from pathlib import Path
from typing import Literal

from netstats_xl import wiring
from netstats_xl.app.identity import NOT_DRAWN
from netstats_xl.commands import starting
from netstats_xl.commands.progress import waiting
from netstats_xl.errors import ConfigurationError, WorkbookError

App = Literal["excel", "libreoffice"]
SUFFIXES = (".xlsx", ".ods")


def open_workbook(workbook: Path, app: App | None) -> int:
    """Open the workbook, and start a collector on it unless one is at work; see `starting.start` for the exit code.

    Raises:
        ConfigurationError: it is no live workbook, or of the other program's kind.
        WorkbookError: there is no such file, or the program does not show it.
        ControlTimeout: the collector does not answer in time.
    """
    workbook = workbook.absolute()
    if not workbook.is_file():
        raise WorkbookError(
            f"{workbook} does not exist. `netstats-xl new --live {workbook.name}` writes a new live workbook."
        )
    chosen = app or choose_app(workbook)
    if chosen == "excel":
        return _open_in_excel(workbook)
    if workbook.suffix.casefold() not in SUFFIXES:
        raise ConfigurationError(
            f"{workbook.name} is for Excel. For LibreOffice, `netstats-xl new --live NetStats.ods` writes a workbook."
        )
    identity = wiring.libreoffice_identity(workbook)
    if identity is None:
        raise ConfigurationError(
            f"{workbook.name} has no sheets for live figures: `netstats-xl run {workbook.name}` collects for it and "
            "writes a report beside it. `netstats-xl new --live NAME.ods` writes a workbook to open; copy your rows "
            "into it."
        )
    with waiting(f"Opening {workbook.name} in LibreOffice ..."):
        wiring.open_in_libreoffice(workbook)
    return starting.start_live(workbook, identity=wiring.live_identity(workbook, identity), app="libreoffice")


def choose_app(workbook: Path) -> App:
    """Excel where there is one, and for its own files; else LibreOffice."""
    if workbook.suffix.casefold() == ".xlsm":
        return "excel"
    return "excel" if workbook.suffix.casefold() != ".ods" and wiring.has_excel() else "libreoffice"


def _open_in_excel(workbook: Path) -> int:
    if sys.platform != "win32":
        raise WorkbookError(
            "There is no Excel for Windows here. `netstats-xl new --live NetStats.ods` writes a workbook for "
            "LibreOffice."
        )
    try:
        os.startfile(workbook)  # noqa: S606 - the user's own file, in the program that he chose for it
    except OSError as error:
        raise WorkbookError(
            f"Windows cannot open {workbook.name}: {error.strerror}. Open it in Excel."
        ) from error
    identity = wiring.identity_of(workbook) or wiring.libreoffice_identity(workbook) or NOT_DRAWN
    return starting.start_live(workbook, identity=wiring.live_identity(workbook, identity), app="excel")
