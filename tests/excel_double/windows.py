"""Excel's windows, one for each workbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import Child, ExcelObject, getter, method
from tests.excel_double.errors import UNKNOWN_NAME, ExcelError

if TYPE_CHECKING:
    from tests.excel_double.application import ExcelApplication
    from tests.excel_double.workbook import Workbook


class Window(Child):
    """The window of a workbook. `handle`: of its frame (XLMAIN); the desktop's windows are made from it."""

    type_name = "Window"
    stored_defaults: ClassVar[Mapping[str, object]] = {
        "DisplayGridlines": True,
        "WindowState": -4143,
        "Zoom": 100,
        "Visible": True,
    }

    def __init__(self, book: Workbook) -> None:
        super().__init__(book)
        self.book = book
        self.handle = book.application.new_handle()

    def check_alive(self) -> None:
        self.book.check_alive()

    @property
    def name(self) -> str:
        """Its caption."""
        return self.book.name

    @getter("Caption")
    def _caption(self) -> str:
        return self.book.name

    @getter("Index")
    def _index(self) -> int:
        return self.application.books.index(self.book) + 1

    @method("Activate")
    def _activate(self) -> None:
        self.application.activate(self.book)


class Windows(Collection):
    """Windows of a workbook or of the application."""

    type_name = "Windows"


class ProtectedViewWindow(ExcelObject):
    """A file from the net, opened in Protected View: nothing of it can be asked from outside."""

    type_name = "ProtectedViewWindow"

    def __init__(self, application: ExcelApplication, *, own_process: bool) -> None:
        super().__init__(application)
        self.handle = application.new_handle()
        self.process_id = application.process_id + 2 * own_process

    def check_alive(self) -> None:
        raise ExcelError(UNKNOWN_NAME)
