"""What is told of by itself: lines, and what the user does."""

from __future__ import annotations

import json
import threading
from typing import Any

import unohelper
from com.sun.star.beans import XPropertyChangeListener
from com.sun.star.util import XChangesListener, XCloseListener


class Teller:
    """Writes lines, whole, from whichever thread."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def tell(self, message: dict[str, Any]) -> None:
        """Write one."""
        line = json.dumps(message, separators=(",", ":"), allow_nan=False) + "\n"
        with self._lock:
            self._stream.write(line.encode("ascii"))
            self._stream.flush()


class Listener(unohelper.Base, XChangesListener, XCloseListener, XPropertyChangeListener):
    """Tells what the user does. LibreOffice waits for it, so it does nothing else."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self.active = True

    def changesOccurred(self, event: Any) -> None:  # noqa: N802 - UNO's name
        """He typed, pasted or deleted something."""
        self._tell({"event": "changed"})

    def propertyChange(self, event: Any) -> None:  # noqa: N802 - UNO's name
        """He pressed a button."""
        if event.NewValue == 1:
            self._tell({"event": "pressed", "name": event.Source.Name})

    def queryClosing(self, event: Any, owns: bool) -> None:  # noqa: N802 - UNO's name
        """He may."""

    def notifyClosing(self, event: Any) -> None:  # noqa: N802 - UNO's name
        """He closed the document."""
        self._tell({"event": "closed"})

    def disposing(self, event: Any) -> None:
        """LibreOffice ends."""
        self._tell({"event": "closed"})

    def _tell(self, message: dict[str, Any]) -> None:
        if self.active:
            self._teller.tell(message)
