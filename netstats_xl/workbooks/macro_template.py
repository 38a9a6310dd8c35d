"""The live workbook that is built once, with its ribbon and its macros, and copied for each user."""

import re
import zipfile
from pathlib import Path
from uuid import uuid4

from netstats_xl.errors import WorkbookError
from netstats_xl.files import replacing
from netstats_xl.workbooks.xlsx_faults import translating

FILE_NAME = "NetStats.xlsm"
ID_NAME = "NetStats_id"
"""The hidden name that holds a live workbook's identity."""
UNDRAWN = "0" * 32
"""The identity of a workbook that has none of its own yet."""

_WORKBOOK = "xl/workbook.xml"
_IDENTITY = re.compile(rf'(<definedName name="{ID_NAME}"[^>]*>")[0-9a-f]{{32}}("</definedName>)'.encode())


def template_path() -> Path:
    """Where the template lies: within the installed package, or beside it where it is worked on.

    Raises:
        WorkbookError: it is in neither place.
    """
    places = (
        Path(__file__).with_name(FILE_NAME),
        Path(__file__).parents[2] / "workbook_template" / FILE_NAME,
    )
    for place in places:
        if place.is_file():
            return place
    raise WorkbookError(f"This installation lacks its template {FILE_NAME}. Install netstats_xl again.")


def copy_template(target: Path, *, workbook_id: str | None = None) -> None:
    """Write a new live workbook, whole or not at all; a file that exists is replaced.

    Args:
        target: where it goes.
        workbook_id: its identity, 32 hexadecimal digits; None: a new one is drawn.

    Raises:
        WorkbookError: it cannot be written.
        ValueError: `workbook_id` is no identity.
    """
    identity = uuid4().hex if workbook_id is None else workbook_id
    if not re.fullmatch(r"[0-9a-f]{32}", identity):
        raise ValueError(f"{identity!r} is no identity of a workbook")
    with (
        translating(target),
        replacing(target) as temporary,
        zipfile.ZipFile(template_path()) as source,
        zipfile.ZipFile(temporary, "w") as copy,
    ):
        for part in source.infolist():
            content = source.read(part)
            if part.filename == _WORKBOOK:
                content = _IDENTITY.sub(rf"\g<1>{identity}\g<2>".encode(), content)
            copy.writestr(part, content)
