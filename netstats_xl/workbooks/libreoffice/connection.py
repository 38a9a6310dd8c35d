"""The way to the workbook: attached to where it is found open, anew where it was closed or LibreOffice ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

from netstats_xl.app.service import WorkbookState
from netstats_xl.errors import WorkbookBusy, WorkbookClosed
from netstats_xl.workbooks.libreoffice.child import ANSWER_WITHIN_S, Child, Gone, Told
from netstats_xl.workbooks.libreoffice.finding import Document, DocumentRef, choose
from netstats_xl.workbooks.macro_template import ID_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button of the sheets."""

    name: str
    label: str
    explanation: str


class Connection:
    """Asks LibreOffice of one workbook. For any thread."""

    def __init__(
        self,
        book: DocumentRef,
        *,
        address: Callable[[], str],
        python: Callable[[], str],
        buttons: Mapping[str, Sequence[Button]],
        exists: Callable[[str], bool],
        told: Callable[[Told], None],
        attached: Callable[[], None],
    ) -> None:
        """Nothing is attached to before the first question.

        Args:
            book, address, python, buttons, exists: As of `LibreOfficeWorkbook`.
            told: Hears what LibreOffice tells by itself, in the thread that reads its answers.
            attached: Hears that the workbook was attached to, before it is asked anything.
        """
        self._ref = book
        self._address = address
        self._buttons = buttons
        self._exists = exists
        self._note_told = told
        self._note_attached = attached
        self._child = Child(python, self._told)
        self._attaching = RLock()
        self._attached = False
        self._state = WorkbookState.CLOSED

    @property
    def state(self) -> WorkbookState:
        """As of the last question; CLOSED before the first."""
        return self._state

    @property
    def ref(self) -> DocumentRef:
        """What the workbook is known by."""
        return self._ref

    @property
    def pid(self) -> int | None:
        """The process of LibreOffice's Python; None: there is none now."""
        return self._child.pid

    def place(self, within_s: float = ANSWER_WITHIN_S) -> None:
        """Look where it lies now: it moves with Save As.

        Raises:
            WorkbookBusy, WorkbookClosed: as `ask`.
        """
        path = self.ask("place", within_s=within_s)
        self._ref = replace(self._ref, path=path or self._ref.path)

    def identity(self) -> str:
        """What its hidden name holds, in lower case; empty where it has no such name.

        Raises:
            WorkbookBusy, WorkbookClosed: as `ask`.
        """
        with self._attaching:
            self.ask("place")
            try:
                documents = self._documents(ANSWER_WITHIN_S)
            except Gone as error:
                raise self._closed() from error
        return next((each.identity for each in documents if each.uid == self._ref.uid), "")

    def identify(self, guid: str) -> None:
        """Make `guid` what its hidden name holds, and what it is known by from now on.

        Raises:
            WorkbookBusy, WorkbookClosed: as `ask`.
        """
        self.ask("identify", name=ID_NAME, content=f'"{guid}"')
        self._ref = replace(self._ref, guid=guid)

    def ask(self, what: str, /, *, within_s: float = ANSWER_WITHIN_S, **asked: Any) -> Any:
        """Ask of the workbook; once more where what it was attached to has gone meanwhile.

        Raises:
            WorkbookBusy: LibreOffice cannot answer now.
            WorkbookClosed: the workbook is not open.
            Moved, Missing, UnderWay, WorkbookError: as `Child.ask`.
        """
        try:
            try:
                self._attach(within_s)
                answer = self._child.ask(what, within_s=within_s, **asked)
            except Gone:
                self._attached = False
                self._attach(within_s)
                answer = self._child.ask(what, within_s=within_s, **asked)
        except Gone as error:
            self._attached, self._state = False, WorkbookState.CLOSED
            raise self._closed() from error
        except WorkbookClosed:
            self._attached, self._state = False, WorkbookState.CLOSED
            raise
        except WorkbookBusy:
            self._state = WorkbookState.BUSY
            raise
        self._state = WorkbookState.OPEN
        return answer

    def show_buttons(self, within_s: float = ANSWER_WITHIN_S) -> None:
        """Draw the buttons anew.

        Raises:
            Gone, WorkbookError: as `Child.ask`.
        """
        for sheet, buttons in self._buttons.items():
            faces = [[each.name, each.label, each.explanation] for each in buttons]
            self._child.ask("buttons", within_s=within_s, sheets=[[sheet, 2]], faces=faces)

    def close(self) -> None:
        """Let go of it."""
        self._child.close()

    def _attach(self, within_s: float) -> None:
        with self._attaching:
            if self._attached and not self._child.end_if_worn():
                return
            self._attached = False
            try:
                self._child.ask("connect", within_s=within_s, address=self._address())
                document = choose(self._documents(within_s), self._ref, self._exists)
                if document is None:
                    raise self._closed()
                self._child.ask("use", within_s=within_s, uid=document.uid)
                self.show_buttons(within_s)
            except Gone as error:
                raise self._closed() from error
            self._ref = self._ref.seen(document)
            self._note_attached()
            self._attached = True

    def _documents(self, within_s: float) -> list[Document]:
        return [
            Document.told(each) for each in self._child.ask("documents", within_s=within_s, identity=ID_NAME)
        ]

    def _closed(self) -> WorkbookClosed:
        name = self._ref.path or "The workbook"
        return WorkbookClosed(
            f"{name} is not open in LibreOffice. `netstats-xl open` opens it, so that the collector can reach it."
        )

    def _told(self, told: Told) -> None:
        if told["event"] == "closed":
            self._attached = False
        self._note_told(told)
