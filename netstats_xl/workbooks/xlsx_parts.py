"""An .xlsx or .xlsm file as a package of parts: where its tables stand; what may be wrong with a file."""

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from posixpath import dirname, join, normpath

from lxml import etree

from netstats_xl.errors import WorkbookBusy, WorkbookError

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What .xls files and password-protected workbooks begin with."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MOST_BYTES = 2**30
"""Of a part, unpacked: a limit for files that were made to exhaust the memory."""
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")

_REPAIR = "open it in the spreadsheet program, let it repair the file, and save it."
_DAMAGED = "{path} is damaged: " + _REPAIR
_INCOMPLETE = "{path} is incomplete: it is being saved just now, or it is damaged. If this stays, " + _REPAIR
_PROBLEMS: tuple[tuple[type[Exception], type[WorkbookError], str], ...] = (
    (FileNotFoundError, WorkbookError, "There is no workbook {path}. `netstats-xl new {name}` makes one."),
    (IsADirectoryError, WorkbookError, "{path} is a folder. Name the workbook in it."),
    (
        PermissionError,
        WorkbookBusy,
        "{path} may not be read now: another program has locked it, or this user lacks the right to read it.",
    ),
    (OSError, WorkbookError, "{path} cannot be read: {reason}."),
    (zipfile.BadZipFile, WorkbookBusy, _INCOMPLETE),
    (EOFError, WorkbookBusy, _INCOMPLETE),
    (zlib.error, WorkbookError, _DAMAGED),
    (etree.LxmlError, WorkbookError, _DAMAGED),
    (LookupError, WorkbookError, _DAMAGED),
    (struct.error, WorkbookError, _DAMAGED),
    (lzma.LZMAError, WorkbookError, _DAMAGED),
    (
        NotImplementedError,
        WorkbookError,
        "{path} is packed in a way that is not supported: save it once with the spreadsheet program.",
    ),
    (
        RuntimeError,
        WorkbookError,
        "{path} is protected by a password: remove it in the spreadsheet program, and save the workbook.",
    ),
    (ValueError, WorkbookError, _DAMAGED),
    (OverflowError, WorkbookError, _DAMAGED),
)
"""What reading a file raises, and what it means; the first that fits counts."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Translate what reading the file raises.

    Raises:
        WorkbookBusy: it may be readable in a moment.
        WorkbookError: it is not there, or no workbook that can be read.
    """
    try:
        yield
    except tuple(each for each, _, _ in _PROBLEMS) as error:
        raise translated(path, error) from error


def translated(path: Path, error: Exception) -> WorkbookError:
    """The error in our terms."""
    if isinstance(error, PermissionError) and path.is_dir():
        error = IsADirectoryError()  # which Windows does not tell apart
    kind, text = next((kind, text) for known, kind, text in _PROBLEMS if isinstance(error, known))
    reason = getattr(error, "strerror", None) or str(error)
    name = f'"{path}"' if " " in str(path) else path
    return kind(text.format(path=path, name=name, reason=reason))


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells, counted from 1, all ends inclusive."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @classmethod
    def parse(cls, reference: str) -> "Area":
        """`B4:F20`, or a single cell.

        Raises:
            ValueError: it is none.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise ValueError(f"{reference!r} is no reference to cells")
        first_column, first_row = column_number(match[1]), int(match[2])
        if match[3] is None:
            return cls(first_row, first_column, first_row, first_column)
        return cls(first_row, first_column, int(match[4]), column_number(match[3]))

    def __str__(self) -> str:
        first, last = column_letters(self.first_column), column_letters(self.last_column)
        return f"{first}{self.first_row}:{last}{self.last_row}"

    def overlaps(self, other: "Area") -> bool:
        """Whether a cell belongs to both."""
        rows = self.first_row <= other.last_row and other.first_row <= self.last_row
        return rows and self.shares_columns(other)

    def shares_columns(self, other: "Area") -> bool:
        """Whether a column runs through both."""
        return self.first_column <= other.last_column and other.first_column <= self.last_column


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePart:
    """A native table of the package."""

    name: str
    part: str
    """Name of the part that defines it."""
    sheet: str
    sheet_part: str
    area: Area
    """Header, data rows and totals row."""
    header_rows: int
    totals_rows: int
    headers: tuple[str, ...]

    @property
    def first_row(self) -> int:
        """Of the data."""
        return self.area.first_row + self.header_rows

    @property
    def last_row(self) -> int:
        """Of the data."""
        return self.area.last_row - self.totals_rows


class Package:
    """The parts of a workbook file, which is read whole and at once, so that nobody has to wait for it."""

    def __init__(self, path: Path) -> None:
        """Open the file; see `reading` for what it raises."""
        self.path = path
        with reading(path):
            self.data = path.read_bytes()
            _refuse_other_formats(path, self.data)
            self._zip = zipfile.ZipFile(BytesIO(self.data))
            self._infos = {info.filename.lower(): info for info in self._zip.infolist()}
            self.workbook_part = self._find_workbook()
            self.workbook = self.xml(self.workbook_part)
            self.sheets = self._find_sheets()
            self.tables = tuple(self._find_tables())

    def entries(self) -> list[zipfile.ZipInfo]:
        """All entries of the package, in order."""
        return self._zip.infolist()

    def bytes(self, part: str) -> bytes:
        """The part's content."""
        return self._zip.read(self._info(part))

    def stream(self, part: str) -> zipfile.ZipExtFile:
        """The part's content, to be read piece by piece; the caller closes it."""
        stream = self._zip.open(self._info(part))
        assert isinstance(stream, zipfile.ZipExtFile)
        return stream

    def xml(self, part: str) -> etree._Element:
        """The part's root element."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        return etree.fromstring(self.bytes(part), parser)

    @staticmethod
    def relations_part(part: str) -> str:
        """The part that holds a part's relationships."""
        return join(dirname(part), "_rels", part.rpartition("/")[2] + ".rels")

    def related(self, part: str) -> Mapping[str, tuple[str, str]]:
        """(type's last word, part) of a part's relationships within the package, by their ID."""
        rels = self.relations_part(part)
        if rels.lower() not in self._infos:
            return {}
        return {
            relation.get("Id", ""): (
                relation.get("Type", "").rpartition("/")[2],
                _resolve(part, relation.get("Target", "")),
            )
            for relation in self.xml(rels).iterfind("{*}Relationship")
            if relation.get("TargetMode") != "External"
        }

    def part_of_type(self, kind: str) -> str | None:
        """The workbook's related part of this type, for example `sharedStrings`; None where it has none."""
        return next((part for each, part in self.related(self.workbook_part).values() if each == kind), None)

    def table(self, name: str) -> TablePart | None:
        """The table of this name, compared without case."""
        return next((table for table in self.tables if table.name.casefold() == name.casefold()), None)

    def _info(self, part: str) -> zipfile.ZipInfo:
        info = self._infos[part.lower()]
        if info.file_size > _MOST_BYTES:
            raise ValueError(f"{part} has more than {_MOST_BYTES} bytes")
        return info

    def _find_workbook(self) -> str:
        part = next((part for kind, part in self.related("").values() if kind == "officeDocument"), None)
        if part is None:
            other = "mimetype" in self._infos and b"opendocument" in self.bytes("mimetype")
            found = "an OpenDocument file" if other else "no workbook"
            raise WorkbookError(
                f"{self.path} is {found}: save it as an Excel workbook (.xlsx) and name that."
            )
        if part.lower().endswith(".bin"):
            raise WorkbookError(f"{self.path} is a binary workbook (.xlsb): save it as .xlsx or .xlsm.")
        return part

    def _find_sheets(self) -> Mapping[str, str]:
        """The part of each sheet, by the sheet's name."""
        related = self.related(self.workbook_part)
        found = {}
        for sheet in self.workbook.iterfind("{*}sheets/{*}sheet"):
            relation = next((value for key, value in sheet.items() if _local(key) == "id"), "")
            kind, part = related.get(str(relation), ("", ""))
            if kind == "worksheet":
                found[sheet.get("name", "")] = part
        return found

    def _find_tables(self) -> Iterator[TablePart]:
        for sheet, sheet_part in self.sheets.items():
            for kind, part in self.related(sheet_part).values():
                if kind == "table":
                    root = self.xml(part)
                    columns = root.iterfind("{*}tableColumns/{*}tableColumn")
                    yield TablePart(
                        name=root.get("displayName") or root.get("name") or "",
                        part=part,
                        sheet=sheet,
                        sheet_part=sheet_part,
                        area=Area.parse(root.get("ref", "")),
                        header_rows=int(root.get("headerRowCount", "1")),
                        totals_rows=int(root.get("totalsRowCount", "0")),
                        headers=tuple(unescaped(column.get("name", "")) for column in columns),
                    )


def unescaped(text: str) -> str:
    """The text with `_x000A_` and the like turned into the characters that they stand for."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def column_number(letters: str) -> int:
    """1 for `A`, 27 for `AA`."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """`A` for 1, `AA` for 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _local(name: str | bytes) -> str:
    return str(name).rpartition("}")[2]


def _resolve(part: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else normpath(join(dirname(part), target))


def _refuse_other_formats(path: Path, data: bytes) -> None:
    if not data:
        raise zipfile.BadZipFile("the file is empty")
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            raise WorkbookError(
                f"{path} is protected by a password: remove it in the spreadsheet program, and save the workbook."
            )
        raise WorkbookError(f"{path} is a workbook of an old format (.xls): save it as .xlsx and name that.")
    if not data.startswith(b"PK"):
        raise WorkbookError(f"{path} is no Excel workbook: save it as .xlsx and name that.")
