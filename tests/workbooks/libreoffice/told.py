"""Tables as `uno_side` tells them."""

from collections.abc import Sequence
from typing import Any

from netstats_xl.workbooks.libreoffice.cells import Cells

HEADERS = ("Name", "Host", "Status", "ID")


def told(
    *body: Sequence[Any],
    headers: Sequence[Any] = HEADERS,
    beyond: Sequence[Sequence[Any]] = (),
    top: int = 0,
    left: int = 0,
    name: str = "Destinations",
    formats: Sequence[Sequence[int]] = (),
    totals: bool = False,
) -> dict[str, Any]:
    """A table whose header stands at `top` and `left`, and what is below it."""
    return {
        "name": name,
        "sheet": "Sheet",
        "area": [top, left, top + len(body), left + len(headers) - 1],
        "totals": totals,
        "rows": [list(headers), *map(list, body), *map(list, beyond)],
        "formats": formats,
        "first_day": [1899, 12, 30],
    }


def cells(*body: Sequence[Any], **where: Any) -> Cells:
    """The same, understood."""
    return Cells.told(told(*body, **where))
