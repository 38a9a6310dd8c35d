"""Which document is worked in."""

from __future__ import annotations

from typing import Any

import uno

from .cells import Unrecorded
from .faults import Gone
from .telling import Listener, Teller


class Attached:
    """A LibreOffice, and one of its documents."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._desktop: Any = None
        self._first_thread: Any = None
        self._document: Any = None
        self._listener: Listener | None = None

    def connect(self, address: str) -> None:
        """Reach the LibreOffice that listens there: `pipe,name=NAME` or `socket,host=127.0.0.1,port=PORT`."""
        self.leave()
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        context = resolver.resolve("uno:" + address + ";urp;StarOffice.ComponentContext")
        manager = context.ServiceManager
        self._desktop = manager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        self._first_thread = manager.createInstanceWithContext("com.sun.star.awt.AsyncCallback", context)

    def documents(self, identity: str) -> list[dict[str, str]]:
        """Every spreadsheet that is open, with what its defined name `identity` holds."""
        if self._desktop is None:
            raise Gone("no LibreOffice is connected to")
        found = []
        components = self._desktop.Components.createEnumeration()
        while components.hasMoreElements():
            each = components.nextElement()
            if each.supportsService("com.sun.star.sheet.SpreadsheetDocument"):
                names = each.NamedRanges
                content = names.getByName(identity).Content if names.hasByName(identity) else ""
                found.append(
                    {
                        "uid": each.RuntimeUID,
                        "path": path_of(each.URL),
                        "title": each.Title,
                        "identity": content,
                    }
                )
        return found

    def use(self, uid: str) -> None:
        """Attach to a document, and hear of its changes."""
        self.leave()
        components = self._desktop.Components.createEnumeration()
        while components.hasMoreElements():
            each = components.nextElement()
            if each.supportsService("com.sun.star.sheet.SpreadsheetDocument") and each.RuntimeUID == uid:
                self._listener = Listener(self._teller)
                each.addChangesListener(self._listener)
                each.addCloseListener(self._listener)
                self._document = each
                return
        raise Gone("the document was closed")

    def leave(self) -> None:
        """Attach to no document any more."""
        listener, document = self._listener, self._document
        self._listener = self._document = None
        if listener is not None:
            listener.active = False
            try:
                document.removeChangesListener(listener)
                document.removeCloseListener(listener)
            except Exception:  # noqa: BLE001, S110 - it has gone, and its listeners with it
                pass

    @property
    def _open(self) -> Any:
        if self._document is None:
            raise Gone("no document is attached to")
        return self._document

    def place(self) -> str:
        """Where the document lies now; empty: it was never saved."""
        return path_of(self._open.URL)

    def identify(self, name: str, content: str) -> None:
        """Make a defined name hold this; it is added where it is missing."""
        names = self._open.NamedRanges
        with Unrecorded(self._open):
            if names.hasByName(name):
                names.getByName(name).Content = content
            else:
                origin = uno.createUnoStruct("com.sun.star.table.CellAddress")
                names.addNewByName(name, content, origin, 0)

    def _sheets(self) -> list[Any]:
        sheets = self._open.Sheets
        return [sheets.getByIndex(number) for number in range(sheets.Count)]


def path_of(url: str) -> str:
    """The path that a URL names; of what is no file, the URL."""
    return str(uno.fileUrlToSystemPath(url)) if url.startswith("file:") else url
