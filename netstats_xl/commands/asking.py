"""What the commands share in understanding the user's words and looking after the user's files."""

import codecs
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import typer

from netstats_xl.errors import ConfigurationError

T = TypeVar("T")


def parsed(parse: Callable[[str], T], text: str, option: str) -> T:
    """What `parse` makes of the option's text; its ValueError ends the command as a wrong use of it."""
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}", param_hint=option) from error


def refuse_existing(path: Path, remedy: str) -> None:
    """Leave a file that exists alone."""
    if path.exists():
        raise ConfigurationError(f"{path} exists already, and is left as it is. {remedy}")


def refuse_own(output: Path, *own: Path) -> None:
    """Never write over the user's workbook or database, whatever else is allowed."""
    for path in own:
        if output.resolve() == path.resolve():
            raise ConfigurationError(f"{output} is the workbook or the database itself. Choose another name.")


def refuse_suffix(path: Path, wanted: str) -> None:
    """Other programs go by a file's name: a workbook under another suffix would not open."""
    if path.suffix.casefold() != wanted:
        raise ConfigurationError(f"{path} would hold a {wanted} file: give it a name that ends in {wanted}.")


def say(text: str, *, err: bool = False) -> None:
    """Tell the user, if anybody listens still: a terminal that was closed must not end the work."""
    with suppress(OSError):
        typer.echo(text, err=err)


def counted(number: int, what: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def takes_any_character() -> bool:
    """Whether what is printed for other programs keeps every character; on Windows a pipe often uses a code page."""
    return codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
