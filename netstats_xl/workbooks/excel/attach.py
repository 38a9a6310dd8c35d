"""Finding the user's workbook among all that are open, in whatever Excel; nothing is opened or started."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.excel.busy import Com, Patience
from netstats_xl.workbooks.excel.faults import Refused

IDENTITY = "NetStats_id"
"""The hidden name that holds a workbook's identity."""
_NOT_DRAWN = "0" * 32


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
        # Whoever showed it last may be waited for; no other Excel is.
        impatient = patience.impatient()
        for window in self._windows(patience):
            try:
                for found in self._books(window, patience if window == ref.window else impatient):
                    moved.append(found)
                    if found.full_name.casefold() == ref.full_name.casefold() or not ref.full_name:
                        return found.asked_with(patience)
            except WorkbookBusy:
                busy = True
            except WorkbookError:
                continue  # a window that shows no workbook, or a protected view
        for found in moved:
            if self._is_it(found, busy=busy):
                return found.asked_with(patience)
        if busy:
            raise WorkbookBusy(
                "Excel cannot answer now: a cell is being edited, or a dialog is open. "
                "Press Enter or close the dialog."
            )
        name = ref.full_name or "The workbook"
        raise WorkbookClosed(f"{name} is not open in Excel. Open it to go on.")

    def _windows(self, patience: Patience) -> Iterator[int]:
        """A window of each Excel, the one that showed the workbook last before the others."""
        hint, engine = self.ref.window, patience.engine
        if hint:
            yield hint
        windows = engine.xl.get_excel_hwnds()
        while True:
            try:
                window = next(windows, None)
            except engine.exceptions:
                return
            if window is None:
                return
            if window != hint:
                yield window

    def _books(self, window: int, patience: Patience) -> Iterator[Attached]:
        """The open workbooks behind a window that may be it; first the one that has its name."""
        engine = patience.engine
        application = Com(patience.ask(lambda: engine.xl.get_xl_app_from_hwnd(window)), patience)
        books = application.get("Workbooks")
        name = self.ref.full_name.replace("\\", "/").rpartition("/")[2]
        if name:
            try:
                book = books.do("Item", name)
            except Refused:
                pass
            else:
                yield from self._matching(application, book, window)
        for number in range(1, books.get("Count") + 1):
            yield from self._matching(application, books.do("Item", number), window)

    def _matching(self, application: Com, book: Com, window: int) -> Iterator[Attached]:
        known = self.ref.known
        full_name = str(book.get("FullName"))
        same_path = full_name.casefold() == self.ref.full_name.casefold()
        if not known and not same_path:
            return
        identity = identity_of(book)
        if identity == known or (same_path and (not known or not identity)):
            yield Attached(
                application=application, book=book, window=window, full_name=full_name, identity=identity
            )

    def _is_it(self, found: Attached, *, busy: bool) -> bool:
        """Whether a workbook of the same identity and another path is the one, and no copy of it."""
        if self._present and found.window == self.ref.window:
            return True  # saved under another name
        return not busy and not _exists(self.ref.full_name)


def identity_of(book: Com) -> str:
    """What the workbook's hidden name holds, in lower case; empty where it has none."""
    try:
        name = book.get("Names").do("Item", IDENTITY)
    except Refused:
        return ""
    return str(name.get("RefersTo")).strip('="').casefold()


def _exists(full_name: str) -> bool:
    """Whether the file is still there; of one on the web nobody knows."""
    return "://" not in full_name and Path(full_name).exists()
