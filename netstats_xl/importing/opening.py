"""Which kind of file it is, by its content."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

from netstats_xl.domain.history import HistoryFormat, HistoryOptions
from netstats_xl.errors import HistoryInvalid
from netstats_xl.importing import csv_table, own_csv, pingplotter
from netstats_xl.importing.fping import Fping, looks_like_fping
from netstats_xl.importing.generic_csv import GenericCsv
from netstats_xl.importing.own_csv import OwnCsv
from netstats_xl.importing.pingplotter import PingPlotter
from netstats_xl.importing.smokeping import SmokePing
from netstats_xl.importing.text import TextFile
from netstats_xl.ports import HistoryFile

_LOOKED_AT = 50
"""Lines; fping may begin with messages."""
_HEAD_BYTES = 4_096
_OPEN: Mapping[HistoryFormat, Callable[[Path, HistoryOptions], HistoryFile]] = {
    HistoryFormat.NETSTATS: lambda path, options: OwnCsv(TextFile(path), options),
    HistoryFormat.CSV: lambda path, options: GenericCsv(TextFile(path), options),
    HistoryFormat.SMOKEPING: SmokePing,
    HistoryFormat.FPING: lambda path, options: Fping(TextFile(path), options),
    HistoryFormat.PINGPLOTTER: lambda path, options: PingPlotter(TextFile(path), options),
}


def open_history(path: Path, kind: HistoryFormat | None, options: HistoryOptions) -> HistoryFile:
    """The file as one of this kind; None: of the kind that its content tells.

    Raises:
        HistoryInvalid: it cannot be read, or is of no kind that is understood.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise HistoryInvalid(f"{path} cannot be read: {error.strerror or error}.") from error
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise HistoryInvalid(f"{path} is empty: there is nothing to import.")
    _refuse_binary(path, head)
    return _OPEN[kind or _kind_of(path, head)](path, options)


def _kind_of(path: Path, head: bytes) -> HistoryFormat:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return HistoryFormat.SMOKEPING
    file = TextFile(path)
    lines = list(islice(file.lines(), _LOOKED_AT))
    if lines[0].strip().rstrip(",") == pingplotter.HOSTS:
        return HistoryFormat.PINGPLOTTER
    header = csv_table.header_of(file)
    if all(name in header for name in own_csv.NEEDED):
        return HistoryFormat.NETSTATS
    if any(map(looks_like_fping, lines)):
        return HistoryFormat.FPING
    return HistoryFormat.CSV


def _refuse_binary(path: Path, head: bytes) -> None:
    if head.startswith(b"RRD\0"):
        raise HistoryInvalid(
            f"{path} is an RRD as rrdtool keeps it, which depends on the computer that wrote it: there, write it as "
            f"XML with `rrdtool dump {path.name} {path.stem}.xml`, and import that."
        )
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in head and not utf16:
        raise HistoryInvalid(
            f"{path} is no text. CSV, output of `rrdtool dump` (SmokePing), of `fping -D`, and PingPlotter's CSV "
            "export can be imported."
        )
