"""The Excel of the double: an application with its open workbooks, its user's state and its log."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Mapping
from typing import ClassVar

from tests.excel_double.areas import Area, Rect
from tests.excel_double.calls import Access, Call, CallLog, Faults
from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import ExcelObject, getter, method, setter
from tests.excel_double.errors import GONE, ExcelError, Failure
from tests.excel_double.ranges import Range
from tests.excel_double.windows import ProtectedViewWindow, Windows
from tests.excel_double.workbook import Workbook
from tests.excel_double.worksheet import Worksheet

READING = frozenset({Access.GET})
_handles = itertools.count(0x10A10, 0x10)
_processes = itertools.count(4_000, 4)


class Workbooks(Collection):
    """The open workbooks."""

    type_name = "Workbooks"

    @method("Add")
    def _add(self, template: object) -> Workbook:
        application = self.application
        return application.open(f"Book{len(application.books) + 1}")


class ExcelApplication(ExcelObject):
    """One running Excel. It starts without a workbook.

    `calls` logs every COM call, `faults` makes calls fail. `lock` is held while one is answered, and by the user.
    """

    type_name = "Application"
    stored_defaults: ClassVar[Mapping[str, object]] = {
        "Calculation": -4105,
        "Caption": "Excel",
        "DisplayAlerts": True,
        "EnableEvents": True,
        "Interactive": True,
        "ScreenUpdating": True,
        "StatusBar": False,
        "UserControl": True,
        "Version": "16.0",
        "Visible": True,
    }

    def __init__(self, *, elevated: bool = False) -> None:
        super().__init__(self)
        self.elevated = elevated
        """Run by an administrator: other processes do not reach it."""
        self.process_id = next(_processes)
        self.bare_handle = self.new_handle()
        """Of the window that Excel shows without a workbook."""
        self.lock = threading.RLock()
        self.calls = CallLog()
        self.faults = Faults()
        self.books: list[Workbook] = []
        self.active_book: Workbook | None = None
        self.protected_views: list[ProtectedViewWindow] = []
        self.selection: Area | None = None
        self.cut_copy_mode = 0
        self.copy_modes_ended = 0
        """How often a write ended the user's copy mode."""
        self.undo: list[str] = []
        """What the user could undo."""
        self.undo_lost = 0
        """How often a write threw away what the user could undo."""
        self.ready = True
        self.refusal: Callable[[Call], Failure | None] | None = None
        """What the user's doing makes Excel answer: see `user.User`."""
        self._shut = False
        self.com_time: Callable[[dt.datetime, float], object] = _plain_time

    def new_handle(self) -> int:
        """A window handle that no other window has."""
        return next(_handles)

    # --- its workbooks ---

    def open(self, full_name: str, *sheets: str) -> Workbook:
        """A new workbook with these sheets (`Sheet1`), as its active one."""
        book = Workbook(self, full_name)
        for name in sheets or ("Sheet1",):
            book.add_sheet(name)
        self.books.append(book)
        self.activate(book)
        return book

    def book(self, name: str) -> Workbook:
        """The open workbook of that name; KeyError."""
        for book in self.books:
            if book.name.casefold() == name.casefold():
                return book
        raise KeyError(name)

    def activate(self, book: Workbook) -> None:
        """Make a workbook the active one, with cell A1 of its active sheet selected unless a cell there is."""
        self.active_book = book
        sheet = book.active_sheet
        if sheet is not None and (self.selection is None or self.selection.sheet is not sheet):
            self.selection = Area(sheet, Rect(1, 1, 1, 1))

    def close(self, book: Workbook) -> None:
        """Close a workbook; what was got of it is disconnected."""
        book.closed = True
        self.books.remove(book)
        if self.active_book is book:
            self.active_book, self.selection = None, None
            if self.books:
                self.activate(self.books[-1])

    @property
    def gone(self) -> bool:
        """Whether its process has ended."""
        return self._shut or self.faults.died

    def shut(self) -> None:
        """End the process."""
        self._shut = True

    # --- what befalls every call ---

    def admit(self, call: Call) -> None:
        """Raise the failure that this call meets before it reaches an object."""
        if self.gone:
            raise ExcelError(GONE)
        self.faults.check(call)
        if self.refusal is not None and (failure := self.refusal(call)) is not None:
            self.faults.raised[failure] += 1
            raise ExcelError(failure)

    def changed(self, book: Workbook, *, by_user: bool = False) -> None:
        """A workbook was changed: from outside that empties the undo list; either way it ends copy mode."""
        book.stored["Saved"] = False
        if not by_user:
            if self.cut_copy_mode:
                self.copy_modes_ended += 1
            if self.undo:
                self.undo_lost += 1
            self.undo.clear()
        self.cut_copy_mode = 0

    # --- its COM members ---

    @getter("Name")
    @getter("_Default")
    def _name(self) -> str:
        return "Microsoft Excel"

    @getter("Parent")
    def _parent(self) -> ExcelApplication:
        return self

    @getter("Hwnd")
    def hwnd(self) -> int:
        """The handle of the active window."""
        if self.active_book is not None:
            return self.active_book.window.handle
        return self.bare_handle

    @getter("Ready")
    def _ready(self) -> bool:
        return self.ready

    @getter("CutCopyMode")
    def _cut_copy_mode(self) -> int:
        return self.cut_copy_mode

    @setter("CutCopyMode")
    def _put_cut_copy_mode(self, _: object) -> None:
        # Whatever is put, Excel ends the mode.
        self.cut_copy_mode = 0

    @getter("Workbooks")
    def _workbooks(self) -> Collection:
        return Workbooks(self, lambda: self.books)

    @getter("Windows")
    def _windows(self) -> Collection:
        return Windows(self, lambda: [book.window for book in self.books])

    @getter("ActiveWorkbook")
    def _active_workbook(self) -> Workbook | None:
        return self.active_book

    @getter("ActiveSheet")
    def _active_sheet(self) -> Worksheet | None:
        return None if self.active_book is None else self.active_book.active_sheet

    @getter("Selection")
    def _selection(self) -> Range | None:
        return None if self.selection is None else Range(self.selection)

    @getter("ActiveCell")
    def _active_cell(self) -> Range | None:
        if self.selection is None or self.selection.rect is None:
            return None
        rect = self.selection.rect
        return Range(Area(self.selection.sheet, Rect(rect.top, rect.left, rect.top, rect.left)))

    @method("Quit")
    def _quit(self) -> None:
        self.shut()


def _plain_time(epoch: dt.datetime, days: float) -> dt.datetime:
    return epoch + dt.timedelta(days=days)
