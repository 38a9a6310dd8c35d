"""The file that tells xlwings' `RunPython` which Python to start: `"KEY","value"` lines, in the system's code page.

VBA reads it with `Open ... For Input`, so it knows no Unicode; but xlwings expands environment variables in values,
which lets a path in the user's profile stay plain ASCII whatever the user is called.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePath

from netstats_xl.errors import InstallError

PROJECT_NAME = "netstats_xl"
"""As `PROJECT_NAME` in the template's VBA. A name of our own: the user's other xlwings projects keep their settings."""
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LINE = re.compile(r'^\s*"?([^",]*?)"?\s*,\s*"?(.*?)"?\s*$')


def conf_path(profile: Path) -> Path:
    """Where xlwings looks for the settings of this project."""
    return profile / f".{PROJECT_NAME}" / f"{PROJECT_NAME}.conf"


def settings(python: PurePath, variables: Mapping[str, PurePath]) -> dict[str, str]:
    """What differs from computer to computer: this Python. The rest is in the template's own sheet of settings.

    `variables`: environment variables and the folders that they stand for; the first that fits shortens the path.
    """
    return {"INTERPRETER_WIN": _shortened(python, variables)}


def values(content: bytes) -> dict[str, bytes]:
    """The values by key in capitals; as for xlwings, the first line of a key counts."""
    found: dict[str, bytes] = {}
    for line in _LINES.findall(_text(content)):
        if match := _LINE.match(line):
            found.setdefault(match[1].upper(), match[2].encode("latin-1"))
    return found


def merged(content: bytes, wanted: Mapping[str, bytes | None]) -> bytes:
    """The content with these values: None takes the key's lines out. Everything else stays, byte by byte."""
    text = _text(content)
    newline = "\n" if "\n" in text and "\r\n" not in text else "\r\n"
    left = {key.upper(): value for key, value in wanted.items()}
    keys = set(left)
    lines: list[str] = []
    for line in _LINES.findall(text):
        match = _LINE.match(line)
        key = match[1].upper() if match else ""
        if key not in keys:
            lines.append(line)
        elif (value := left.pop(key, None)) is not None:
            lines.append(_rendered(key, value, newline))
    if lines and not lines[-1].endswith(("\r", "\n")):
        lines[-1] += newline
    lines.extend(_rendered(key, value, newline) for key, value in left.items() if value is not None)
    return "".join(lines).encode("latin-1")


def encoded(wanted: Mapping[str, str], code_page: str) -> dict[str, bytes]:
    """The values as VBA will read them.

    Raises:
        InstallError: a value has characters that the code page lacks.
    """
    try:
        return {key: value.encode(code_page) for key, value in wanted.items()}
    except UnicodeEncodeError as error:
        raise InstallError(
            f"Excel cannot be told where Python is: {error.object} has characters that this Windows' code page "
            f"({code_page}) lacks. Install into a folder below %LOCALAPPDATA%, or one without such characters."
        ) from error


def _shortened(path: PurePath, variables: Mapping[str, PurePath]) -> str:
    for name, folder in variables.items():
        if path.is_relative_to(folder) and path != folder:
            return "\\".join((f"%{name}%", *path.relative_to(folder).parts))
    return str(path)


def _rendered(key: str, value: bytes, newline: str) -> str:
    return f'"{key}","{value.decode("latin-1")}"{newline}'


def _text(content: bytes) -> str:
    # Every byte is a character of Latin-1: what others wrote in whatever code page comes out as it went in.
    return content.decode("latin-1")
