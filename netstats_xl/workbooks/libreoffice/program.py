"""LibreOffice on this computer: its program, the Python that reaches it, and where it listens."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from netstats_xl.errors import WorkbookError
from netstats_xl.workbooks.libreoffice.child import first_that_can

PROGRAM_VARIABLE = "NETSTATS_XL_SOFFICE"
"""Names LibreOffice's program where it is not found by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An installed LibreOffice."""

    soffice: Path

    def pythons(self) -> list[str]:
        """Pythons that may be able to reach it, its own first."""
        folder = self.soffice.resolve().parent
        own = [
            folder / "python.exe",
            folder / "python",
            folder.parent / "Resources" / "python",  # macOS
        ]
        found = [str(each) for each in own if each.is_file()]
        if sys.platform != "win32":
            # A distribution's LibreOffice belongs to the distribution's Python.
            found += [each for each in ("/usr/bin/python3", sys.executable) if Path(each).exists()]
        return found

    def python(self) -> str:
        """The Python that reaches it.

        Raises:
            WorkbookError: none can.
        """
        return first_that_can(self.pythons())

    def show(
        self, workbook: Path, address: str | None, options: Sequence[str] = ()
    ) -> "subprocess.Popen[bytes]":
        """Open a workbook for its user, in the LibreOffice that runs or in a new one, and have it listen there.

        It belongs to its user from then on: nothing here ends it.

        Raises:
            WorkbookError: it cannot be started.
        """
        accept = [f"--accept={address};urp"] if address is not None else []
        command = [str(self.soffice), *accept, "--norestore", *options, str(workbook)]
        try:
            return subprocess.Popen(  # noqa: S603 - our own command, and no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise WorkbookError(f"LibreOffice cannot be started: {error}") from error

    def convert(self, source: Path, folder: Path, *, within_s: float = 120) -> Path:
        """The workbook as .ods, in this folder, without a window; it takes some seconds.

        Raises:
            WorkbookError: it cannot be done.
        """
        profile = (folder / "profile").absolute().as_uri()
        command = [str(self.soffice), "--headless", f"-env:UserInstallation={profile}", "--convert-to", "ods"]
        target = folder / f"{source.stem}.ods"
        try:
            subprocess.run(  # noqa: S603 - our own command, and no shell
                [*command, "--outdir", str(folder), str(source)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=within_s,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise WorkbookError(f"LibreOffice cannot write an .ods file: {error}") from error
        if not target.is_file():
            raise WorkbookError("LibreOffice wrote no .ods file. Close all its windows, and try again.")
        return target


def find_program(environment: Mapping[str, str] = os.environ) -> Program | None:
    """The LibreOffice of this computer; None: there is none."""
    for candidate in _candidates(environment):
        if candidate.is_file():
            return Program(soffice=candidate)
    return None


def require_program() -> Program:
    """The LibreOffice of this computer.

    Raises:
        WorkbookError: there is none.
    """
    found = find_program()
    if found is None:
        raise WorkbookError(
            "LibreOffice is not found on this computer. Install it, or name its program soffice in the environment "
            f"variable {PROGRAM_VARIABLE}."
        )
    return found


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    named = environment.get(PROGRAM_VARIABLE)
    if named:
        yield Path(named)
        return
    for name in ("soffice", "libreoffice"):
        if on_path := shutil.which(name, path=environment.get("PATH")):
            yield Path(on_path)
    if sys.platform == "win32":
        yield from _registered()
        for variable in ("ProgramFiles", "ProgramFiles(x86)"):
            if folder := environment.get(variable):
                yield Path(folder) / "LibreOffice" / "program" / "soffice.exe"
    elif sys.platform == "darwin":
        yield Path("/Applications/LibreOffice.app/Contents/MacOS/soffice")
    else:
        yield from sorted(Path("/opt").glob("libreoffice*/program/soffice"), reverse=True)


if sys.platform == "win32":
    import winreg

    def _registered() -> Iterator[Path]:
        """Where LibreOffice's installer says that it put it."""
        for hive in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):
            try:
                folder = winreg.QueryValue(hive, r"SOFTWARE\LibreOffice\UNO\InstallPath")
            except OSError:
                continue
            yield Path(folder) / "soffice.exe"


def new_address(*, windows: bool = sys.platform == "win32") -> str:
    """Where a LibreOffice may listen that is started now: nobody else listens there.

    A pipe of a name that nobody knows, which on POSIX its own user alone may open. On Windows LibreOffice makes pipes
    that everybody may open, from other computers too: there it is a port of the loopback address.
    """
    if not windows:
        return f"pipe,name=netstats_xl_{uuid4().hex}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"socket,host=127.0.0.1,port={port}"
