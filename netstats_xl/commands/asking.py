"""What the commands share in understanding the user's words and looking after the user's files."""

import codecs
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from netstats_xl.errors import ConfigurationError, ReportError

T = TypeVar("T")


def parsed(parse: Callable[[str], T], text: str, option: str) -> T:
    """What `parse` makes of the option's text; its ValueError becomes a message that names the option."""
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} {text!r}: {error}") from error


def refuse_existing(path: Path, remedy: str) -> None:
    """Leave a file that exists alone."""
    if path.exists():
        raise ConfigurationError(f"{path} exists already, and is left as it is. {remedy}")


def unused(path: Path) -> Path:
    """The path, or `NAME (2).xlsx` and so on where it is taken."""
    if not path.exists():
        return path
    for number in range(2, 1_000):
        candidate = path.with_name(f"{path.stem} ({number}){path.suffix}")
        if not candidate.exists():
            return candidate
    raise ReportError(f"{path.parent} holds too many files named like {path.name}. Name one with --output.")


def counted(number: int, what: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def takes_any_character() -> bool:
    """Whether what is printed for other programs keeps every character; on Windows a pipe often uses a code page."""
    return codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
