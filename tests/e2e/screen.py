"""A screen of the tests' own, with a keyboard and a mouse: Xvfb and xdotool."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PICTURES = os.environ.get("NETSTATS_XL_PICTURES", "")
"""A folder to keep pictures in, for whoever wants to look at them."""
_PROGRAMS = ("Xvfb", "xdotool", "import")
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
{}
</oor:items>
"""
_SETTING = (
    '<item oor:path="/org.openoffice.{}"><prop oor:name="{}" oor:op="fuse"><value>{}</value></prop></item>'
)
_QUIET = (
    ("Office.Common/Misc", "ShowTipOfTheDay", "false"),
    ("Office.Common/Misc", "FirstRun", "false"),
    ("Office.Common/Save/Document", "WarnAlienFormat", "false"),
    ("Setup/Product", "ooSetupLastVersion", "7.4"),
)


def why_no_screen() -> str | None:
    """Why there can be none; None: there can."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


@dataclass
class Screen:
    """A display, and whoever sits before it."""

    display: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """For programs that are to be shown there."""
        return {**os.environ, "DISPLAY": self.display}

    def keys(self, *keys: str) -> None:
        """Press keys, as xdotool calls them, one after the other."""
        self._do("key", "--delay", "40", *keys)

    def type(self, text: str, *, delay_ms: int = 20) -> None:
        """Type a text, a key every so many milliseconds."""
        self._do("type", "--delay", str(delay_ms), text)

    def click(self, x: int, y: int) -> None:
        """Click there."""
        self._do("mousemove", str(x), str(y))
        self._do("click", "1")

    def focus(self, title: str) -> None:
        """Give the window whose title holds this the keyboard."""
        found = self._do("search", "--sync", "--onlyvisible", "--name", title).split()
        self._do("windowfocus", "--sync", found[-1])

    def picture(self, name: str) -> Path:
        """What is to be seen now."""
        path = self.folder / f"{name}.png"
        subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=True, timeout=30)
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, PICTURES)
        return path

    def _do(self, *arguments: str) -> str:
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self.environment,
            check=True,
            timeout=120,
            capture_output=True,
            text=True,
        )
        return done.stdout


@contextmanager
def screen(folder: Path, *, size: str = "1920x1000x24") -> Iterator[Screen]:
    """Start a display, and end it with all that it shows."""
    reading, writing = os.pipe()
    try:
        server = subprocess.Popen(
            # Without -noreset it begins anew when its last window goes, and throws out who comes meanwhile.
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
    except BaseException:
        os.close(reading)
        raise
    try:
        yield Screen(display=f":{number}", folder=folder)
    finally:
        server.terminate()
        server.wait(10)


def quiet_profile(folder: Path) -> None:
    """Settings of a LibreOffice that greets nobody and asks nothing about the format of a file."""
    folder.mkdir(parents=True, exist_ok=True)
    items = "\n".join(_SETTING.format(*each) for each in _QUIET)
    (folder / "registrymodifications.xcu").write_text(_SETTINGS.format(items), encoding="utf-8")
