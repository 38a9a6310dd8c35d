"""The desktop that the Excels of a test stand on: windows in their order, as Windows' own functions tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.excel_double.application import ExcelApplication
from tests.excel_double.windows import ProtectedViewWindow, Window
from tests.excel_double.workbook import Workbook

FRAME, DESK, PANE = "XLMAIN", "XLDESK", "EXCEL7"
_DESK_OFFSET, _PANE_OFFSET = 1, 2
"""Handles are drawn in steps of 16: those of a frame's children follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopWindow:
    """A window. `parent` is 0 for one on the desktop itself."""

    handle: int
    class_name: str
    title: str
    process_id: int
    parent: int = 0


class Desktop:
    """Windows of Excels that run, and of other programs, the first one in front."""

    def __init__(self) -> None:
        self.applications: list[ExcelApplication] = []
        self.others: list[DesktopWindow] = [
            DesktopWindow(handle=0x10010, class_name="Shell_TrayWnd", title="", process_id=1_000),
            DesktopWindow(
                handle=0x10020, class_name="Notepad", title="notes.txt - Notepad", process_id=1_004
            ),
        ]
        self.vanishing: set[int] = set()
        """Handles of windows that close while they are looked at."""

    def run(self, application: ExcelApplication) -> ExcelApplication:
        """Put an Excel in front of all other windows."""
        self.applications.insert(0, application)
        return application

    def windows(self) -> Sequence[DesktopWindow]:
        """All windows in their order, each frame followed by its children."""
        found: list[DesktopWindow] = []
        for application in self.applications:
            if not application.gone:
                found += _windows_of(application)
        return [*found, *self.others]

    def top_level(self) -> Sequence[DesktopWindow]:
        """The windows on the desktop itself."""
        return [window for window in self.windows() if not window.parent]

    def window(self, handle: int) -> DesktopWindow | None:
        """The window of that handle; None: there is none (any more)."""
        return next((window for window in self.windows() if window.handle == handle), None)

    def native_object(self, handle: int) -> Window | ProtectedViewWindow | None:
        """The object that a pane shows; None: the window is none of Excel's panes. PermissionError: elevated."""
        for application in self.applications:
            if application.gone:
                continue
            shown: list[Window | ProtectedViewWindow] = [book.window for book in application.books]
            for window in [*shown, *application.protected_views]:
                if window.handle + _PANE_OFFSET == handle:
                    if application.elevated:
                        raise PermissionError(13, "Access is denied")
                    return window
        return None


def _windows_of(application: ExcelApplication) -> list[DesktopWindow]:
    shown = [
        *((view.handle, "Protected View", view.process_id) for view in application.protected_views),
        *((book.window.handle, book.name, application.process_id) for book in _active_first(application)),
    ]
    if not application.books:
        # Excel without a workbook keeps its frame; there is no pane in it.
        bare = DesktopWindow(
            handle=application.bare_handle, class_name=FRAME, title="Excel", process_id=application.process_id
        )
        return [*_frames(shown), bare]
    return _frames(shown)


def _frames(shown: Sequence[tuple[int, str, int]]) -> list[DesktopWindow]:
    found: list[DesktopWindow] = []
    for handle, title, process_id in shown:
        desk, pane = handle + _DESK_OFFSET, handle + _PANE_OFFSET
        found += [
            DesktopWindow(handle=handle, class_name=FRAME, title=f"{title} - Excel", process_id=process_id),
            DesktopWindow(handle=desk, class_name=DESK, title="", process_id=process_id, parent=handle),
            DesktopWindow(handle=pane, class_name=PANE, title=title, process_id=process_id, parent=desk),
        ]
    return found


def _active_first(application: ExcelApplication) -> list[Workbook]:
    active = application.active_book
    return sorted(application.books, key=lambda book: book is not active)
