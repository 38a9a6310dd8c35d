"""Stands in for `uno_side` in tests of the way to it: run by any Python, it does as it is asked in lines of JSON."""

from __future__ import annotations

import json
import sys
import time


def tell(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


tell({"event": "ready"})
for line in sys.stdin:
    asked = json.loads(line)
    number, what = asked["id"], asked["do"]
    if what == "echo":
        tell({"id": number, "is": asked["value"]})
    elif what == "slow":
        time.sleep(asked["s"])
        tell({"id": number, "is": "late"})
    elif what == "event":
        tell({"event": asked["name"]})
        tell({"id": number, "is": None})
    elif what == "error":
        tell({"id": number, "error": asked["kind"], "message": "Sheet"})
    elif what == "garbage":
        sys.stdout.write("Warning: this is no JSON\n[]\n")
        tell({"id": number, "is": "after garbage"})
    elif what == "end":
        sys.exit(3)
    elif what == "deaf":
        tell({"id": number, "is": None})
        sys.stdin.close()
        time.sleep(asked["s"])
