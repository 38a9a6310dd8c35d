"""Questions, line by line, and their answers."""

from __future__ import annotations

import json
import sys
from typing import Any

from .drawn import Drawn
from .faults import Gone, Missing, Moved, Protected
from .telling import Teller

GONE = ("DisposedException", "NoConnectException", "ConnectionSetupException", "CloseVetoException")
"""What LibreOffice's exceptions are called where it has ended, or the document was closed."""


class Office(Drawn):
    """All that may be asked for: its public methods."""

    def do(self, what: str, asked: dict[str, Any]) -> Any:
        """One of the public methods below."""
        return getattr(self, what.lstrip("_"))(**asked)

    def steps(self, steps: list[list[Any]]) -> None:
        """Several, `[what, asked]`, one after the other; the first that fails ends it."""
        for what, asked in steps:
            self.do(what, asked)


def _answer(office: Office, request: dict[str, Any]) -> dict[str, Any]:
    asked = {key: value for key, value in request.items() if key not in ("id", "do")}
    try:
        return {"id": request["id"], "is": office.do(request["do"], asked)}
    except Moved as error:
        return {"id": request["id"], "error": "moved", "message": str(error)}
    except Missing as error:
        return {"id": request["id"], "error": "missing", "message": str(error)}
    except Protected as error:
        return {"id": request["id"], "error": "protected", "message": str(error)}
    except Gone as error:
        return {"id": request["id"], "error": "gone", "message": str(error)}
    except Exception as error:  # noqa: BLE001 - the edge of this process: whoever asked hears of it
        name = type(error).__name__.rpartition(".")[2]
        # A bridge that breaks in mid-call tells a plain RuntimeException.
        gone = name in GONE or "disposed" in str(error) or "bridge" in str(error)
        return {
            "id": request["id"],
            "error": "gone" if gone else "refused",
            "message": name + ": " + (getattr(error, "Message", "") or str(error)),
        }


def main(kind: type[Office] = Office) -> None:
    """Answer until nobody asks any more."""
    teller = Teller(sys.stdout.buffer)
    # What some library prints must not come between the lines.
    sys.stdout = sys.stderr
    office = kind(teller)
    teller.tell({"event": "ready", "python": sys.version.split()[0]})
    for line in sys.stdin.buffer:
        teller.tell(_answer(office, json.loads(line)))
    office.leave()
