"""The Python that the product runs with."""

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from netstats_xl.installing.findings import Finding, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python, by its folder's programs."""

    python: Path
    """The one with a console: what xlwings starts."""
    windowed: Path
    """The one without: what the Start menu starts."""
    base: str
    """The folder of the Python that the virtual environment was made of."""


def interpreter_of(executable: Path, base: str) -> Interpreter:
    """The programs beside the one that runs this."""
    return Interpreter(
        python=executable.with_name("python.exe"), windowed=executable.with_name("pythonw.exe"), base=base
    )


def judge(interpreter: Interpreter) -> tuple[Finding, ...]:
    """What to tell of it: nothing, where it is as it should be."""
    if "windowsapps" not in (part.casefold() for part in PureWindowsPath(interpreter.base).parts):
        return ()
    return (
        Finding(
            level=Level.BLOCKED,
            what="Excel will not find the collector: this Python comes from the Microsoft Store.",
            why="Windows keeps what such a Python writes below %LOCALAPPDATA% where other programs do not see it "
            f"({interpreter.base}).",
            remedy="Install Python from python.org ('Install Now' needs no admin rights), then run install.ps1 again.",
        ),
    )
