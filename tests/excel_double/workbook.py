"""A workbook that is open in the double."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from tests.excel_double.areas import Area, Rect, parse_address, split_sheet
from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import Child, getter, method
from tests.excel_double.errors import DISCONNECTED, ExcelError, refuse
from tests.excel_double.names import Name, Names
from tests.excel_double.pivots import PivotCache, PivotCaches
from tests.excel_double.tables import ListObject
from tests.excel_double.windows import Window, Windows
from tests.excel_double.worksheet import Sheets, Worksheet

if TYPE_CHECKING:
    from tests.excel_double.application import ExcelApplication

_TABLE_REFERENCE = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")
_FORBIDDEN_IN_SHEET_NAMES = frozenset("[]:*?/\\")


class Workbook(Child):
    """An open workbook, known by its full name: a Windows path, or the address of a file on OneDrive."""

    type_name = "Workbook"
    stored_defaults: ClassVar[Mapping[str, object]] = {"Saved": True, "ReadOnly": False, "FileFormat": 51}

    def __init__(self, application: ExcelApplication, full_name: str) -> None:
        super().__init__(application)
        self.full_name = full_name
        self.sheets: list[Worksheet] = []
        self.names: list[Name] = []
        self.pivot_caches: list[PivotCache] = []
        self.active_sheet: Worksheet | None = None
        self.window = Window(self)
        self.saves = 0
        self.closed = False

    def check_alive(self) -> None:
        if self.closed:
            raise ExcelError(DISCONNECTED)

    @property
    def name(self) -> str:
        """The last part of its full name."""
        return re.split(r"[\\/]", self.full_name)[-1]

    # --- what it holds ---

    def add_sheet(self, name: str) -> Worksheet:
        """A new sheet after the last one."""
        self._check_sheet_name(name, None)
        sheet = Worksheet(self, name)
        self.sheets.append(sheet)
        self.active_sheet = self.active_sheet or sheet
        return sheet

    def rename_sheet(self, sheet: Worksheet, name: str) -> None:
        """Give a sheet another name, as Excel allows it."""
        self._check_sheet_name(name, sheet)
        sheet.name = name

    def _check_sheet_name(self, name: str, renamed: Worksheet | None) -> None:
        taken = any(each.name.casefold() == name.casefold() for each in self.sheets if each is not renamed)
        if taken or not 1 <= len(name) <= 31 or _FORBIDDEN_IN_SHEET_NAMES & set(name):
            raise refuse(f"{name!r} is no name for a sheet, or is taken.")

    def sheet(self, name: str) -> Worksheet:
        """The sheet of that name; KeyError."""
        for sheet in self.sheets:
            if sheet.name.casefold() == name.casefold():
                return sheet
        raise KeyError(name)

    def table(self, name: str) -> ListObject:
        """The table of that name, wherever it stands; KeyError."""
        table = self.find_table(name)
        if table is None:
            raise KeyError(name)
        return table

    def find_table(self, name: str) -> ListObject | None:
        """The table of that name; None: there is none."""
        tables = (table for sheet in self.sheets for table in sheet.tables)
        return next((table for table in tables if table.name.casefold() == name.casefold()), None)

    def add_table(self, sheet: Worksheet, name: str, rect: Rect, *, totals: bool = False) -> ListObject:
        """Make a table of cells that are filled already."""
        table = ListObject(sheet, name, rect, totals=totals)
        sheet.tables.append(table)
        table.name_headers()
        return table

    def add_name(
        self, name: str, refers_to: str, *, hidden: bool = False, scope: Worksheet | None = None
    ) -> Name:
        """Define a name, or define it anew."""
        self.names = [each for each in self.names if each.plain_name.casefold() != name.casefold()]
        added = Name(self, name, self.referred(refers_to), hidden=hidden, scope=scope)
        self.names = sorted([*self.names, added], key=lambda each: each.plain_name.casefold())
        return added

    def defined_name(self, name: str) -> Name:
        """The name as it is defined; KeyError."""
        for each in self.names:
            if each.plain_name.casefold() == name.casefold():
                return each
        raise KeyError(name)

    def referred(self, text: str) -> str | Area:
        """What a name's formula refers to: cells, or else a constant as text."""
        sheet_name, rest = split_sheet(text)
        if sheet_name is not None and (rect := parse_address(rest)) is not None:
            try:
                return Area(self.sheet(sheet_name), rect)
            except KeyError:
                raise refuse(f"no sheet {sheet_name!r}") from None
        return text if text.startswith("=") else f'="{text}"'

    def add_cache(self, source: str) -> PivotCache:
        """The cache of the pivots over this source, which they share."""
        for cache in self.pivot_caches:
            if cache.source.casefold() == source.casefold():
                return cache
        cache = PivotCache(self, source)
        self.pivot_caches.append(cache)
        return cache

    def find_area(self, reference: str, seen_from: Worksheet | None) -> Area | None:
        """The cells of a reference with a sheet's name, of a defined name, or of a table's reference."""
        sheet_name, rest = split_sheet(reference)
        if sheet_name is not None:
            rect = parse_address(rest)
            sheet = next(
                (each for each in self.sheets if each.name.casefold() == sheet_name.casefold()), None
            )
            return None if rect is None or sheet is None else Area(sheet, rect)
        for name in self.names:
            if name.plain_name.casefold() == reference.casefold() and name.scope in (None, seen_from):
                return name.refers_to if isinstance(name.refers_to, Area) and name.refers_to.rect else None
        return self._table_area(reference)

    def _table_area(self, reference: str) -> Area | None:
        match = _TABLE_REFERENCE.fullmatch(reference)
        name, part = match.groups() if match else (reference, "#Data")
        table = self.find_table(name)
        if table is None:
            return None
        rect = table.rect
        match part.casefold():
            case "#all":
                return Area(table.sheet, rect)
            case "#headers":
                return Area(table.sheet, Rect(rect.top, rect.left, rect.top, rect.right))
            case "#data" | "":
                return Area(table.sheet, table.body)
        try:
            return Area(table.sheet, table.column_rect(part))
        except KeyError:
            return None

    def names_of(self, scope: Worksheet) -> Names:
        """The names that belong to a sheet."""
        return Names(self, lambda: [name for name in self.names if name.scope is scope])

    # --- its COM members ---

    @getter("Name")
    def _name(self) -> str:
        return self.name

    @getter("FullName")
    def _full_name(self) -> str:
        return self.full_name

    @getter("Path")
    def _path(self) -> str:
        return self.full_name[: -len(self.name)].rstrip("\\/")

    @getter("Worksheets")
    @getter("Sheets")
    def _worksheets(self) -> Collection:
        return Sheets(self, lambda: self.sheets)

    @getter("ActiveSheet")
    def _active_sheet(self) -> Worksheet | None:
        return self.active_sheet

    @getter("Names")
    def _names(self) -> Collection:
        return Names(self, lambda: self.names)

    @getter("Windows")
    def _windows(self) -> Collection:
        return Windows(self, lambda: [self.window])

    @method("PivotCaches")
    def _pivot_caches(self) -> Collection:
        return PivotCaches(self, lambda: self.pivot_caches)

    @method("Activate")
    def _activate(self) -> None:
        self.application.activate(self)

    @method("Save")
    def _save(self) -> None:
        self.saves += 1
        self.stored["Saved"] = True

    @method("SaveAs")
    def _save_as(self, filename: object, *_: object) -> None:
        self.full_name = str(filename)
        self._save()

    @method("Close")
    def _close(self, *_: object) -> None:
        self.application.close(self)
