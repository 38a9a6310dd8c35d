"""Finding the user's workbook among all that are open, in whatever Excel; nothing is opened or started."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.excel.busy import Com, Patience
from netstats_xl.workbooks.excel.engine import Engine
from netstats_xl.workbooks.excel.faults import Gone, Refused

IDENTITY = "NetStats_id"
"""The hidden name that holds a workbook's identity."""
_NOT_DRAWN = "0" * 32
_NEXT_WINDOW = 2
"""GW_HWNDNEXT"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRef:
    """How a workbook is found among all that are open."""

    guid: str = ""
    """What its hidden name `NetStats_id` holds: 32 hexadecimal digits; all zeros, or empty: none was drawn yet."""
    window: int = 0
    """A window of the Excel that showed it last (`Application.Hwnd`), where it is looked for first; 0: unknown."""
    full_name: str = ""
    """`Workbook.FullName` when it was seen last: a path, or a web address."""

    @property
    def known(self) -> str:
        """The identity, if one was drawn."""
        guid = self.guid.strip().casefold()
        return "" if guid == _NOT_DRAWN else guid


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The workbook, for one tick."""

    application: Com
    book: Com
    window: int
    own_window: bool
    """Whether the window shows this workbook, and not only another one of the same Excel."""
    full_name: str
    identity: str
    """What its name holds; empty: it has no such name."""

    def asked_with(self, patience: Patience) -> "Attached":
        """The same, asked with this patience from now on."""
        application, book = self.application.patiently(patience), self.book.patiently(patience)
        return replace(self, application=application, book=book)


class Finder:
    """Knows where the workbook was seen last, and holds on to nothing."""

    def __init__(self, ref: BookRef) -> None:
        self.ref = ref
        self._present = False
        """Whether it was open when it was looked for last."""

    def attach(self, patience: Patience) -> Attached:
        """The workbook.

        A workbook of its identity under another path is taken for it after Save As, or where its file was moved;
        not where the file is still there and a copy of it was opened.

        Raises:
            WorkbookBusy: an Excel that may show it cannot answer.
            WorkbookClosed: no Excel shows it.
        """
        try:
            found = self._search(patience)
        except WorkbookClosed:
            self._present = False
            raise
        self.ref = replace(self.ref, window=found.window, full_name=found.full_name)
        self._present = True
        return found

    def identify(self, guid: str) -> None:
        """From now on the workbook is known by this identity."""
        self.ref = replace(self.ref, guid=guid)

    def _search(self, patience: Patience) -> Attached:
        ref, moved, busy = self.ref, list[Attached](), False
        try:
            for found in self._candidates(patience):
                if not ref.full_name or found.full_name.casefold() == ref.full_name.casefold():
                    return found.asked_with(patience)
                moved.append(found)
        except WorkbookBusy:
            busy = True
        for found in moved:
            saved_as = self._present and found.own_window and found.window == ref.window
            if saved_as or not (busy or _exists(ref.full_name)):
                return found.asked_with(patience)
        if busy:
            raise WorkbookBusy(
                "Excel cannot answer now: a cell is being edited, or a dialog is open. "
                "Press Enter or close the dialog."
            )
        name = ref.full_name or "The workbook"
        raise WorkbookClosed(f"{name} is not open in Excel. Open it to go on.")

    def _candidates(self, patience: Patience) -> Iterator[Attached]:
        """The open workbooks that may be it, the one in the window that showed it last before the others.

        Raises:
            WorkbookBusy: at the end, where an Excel that may show it could not answer.
        """
        # Whoever showed it last may be waited for; no other Excel is.
        impatient, busy = patience.impatient(), False
        applications: dict[int, tuple[int, Com]] = {}
        for window, process in sorted(
            windows_of_excel(patience.engine), key=lambda each: each[0] != self.ref.window
        ):
            asked = patience if window == self.ref.window else impatient
            try:
                shown = Com(asked.ask(partial(native_window, patience.engine, window)), asked)
                book, application = shown.get("Parent"), shown.get("Application")
                applications.setdefault(process, (window, application.patiently(impatient)))
                yield from self._matching(application, book, window, own_window=True)
            except WorkbookBusy:
                busy = True
            except (Gone, Refused):
                continue  # a window that is being closed, a protected view, an Excel of the administrator's
            except WorkbookError:
                # That Excel failed does not mean that the workbook was closed.
                busy = busy or window == self.ref.window
        for window, application in applications.values():
            # A workbook may have no window of its own: one that is hidden, or any in an Excel before 2013.
            try:
                books = application.get("Workbooks")
                for number in range(1, books.get("Count") + 1):
                    yield from self._matching(application, books.do("Item", number), window)
            except WorkbookBusy:
                busy = True
            except WorkbookError:
                continue
        if busy:
            raise WorkbookBusy("Excel cannot answer now.")

    def _matching(
        self, application: Com, book: Com, window: int, *, own_window: bool = False
    ) -> Iterator[Attached]:
        known = self.ref.known
        full_name = str(book.get("FullName"))
        same_path = full_name.casefold() == self.ref.full_name.casefold()
        if not known and not same_path:
            return
        identity = identity_of(book)
        if identity == known or (same_path and (not known or not identity)):
            yield Attached(
                application=application,
                book=book,
                window=window,
                own_window=own_window,
                full_name=full_name,
                identity=identity,
            )


def identity_of(book: Com) -> str:
    """What the workbook's hidden name holds, in lower case; empty where it has none."""
    try:
        name = book.get("Names").act("Item", IDENTITY)
    except Refused:
        return ""
    return str(name.get("RefersTo")).strip('="').casefold()


def _exists(full_name: str) -> bool:
    """Whether the file is still there; of one on the web nobody knows."""
    return "://" not in full_name and Path(full_name).exists()


def windows_of_excel(engine: Engine) -> list[tuple[int, int]]:
    """Every window that shows a workbook, with its process. (xlwings' own function gives one a process.)"""
    user32, found, seen = engine.xl.windll.user32, list[tuple[int, int]](), set[int]()
    window = user32.GetTopWindow(None)
    # Windows come to the front while they are gone through, so that one may come by again.
    while window and window not in seen:
        seen.add(window)
        try:
            if engine.xl.win32gui.FindWindowEx(window, 0, "XLDESK", None):
                found.append((window, engine.xl.win32process.GetWindowThreadProcessId(window)[1]))
        except engine.exceptions:
            pass  # it was closed while it was looked at
        window = user32.GetWindow(window, _NEXT_WINDOW)
    return found


def native_window(engine: Engine, window: int) -> Any:
    """Excel's `Window` object behind a window of the desktop.

    As xlwings gets it, but for a reference: what `AccessibleObjectFromWindow` returns is counted already, and
    counting it once more, without an end, keeps an Excel that the user closed in memory.
    """
    xl = engine.xl
    desk = xl.win32gui.FindWindowEx(window, 0, "XLDESK", None)
    pane = xl.win32gui.FindWindowEx(desk, 0, "EXCEL7", None)
    pointer = xl.accessible_object_from_window(pane)
    counted_already = False
    found = xl._PyCom_PyObjectFromIUnknown(pointer, xl.byref(xl._IDISPATCH_GUID), counted_already)
    return xl.COMRetryObjectWrapper(xl.Dispatch(found))
