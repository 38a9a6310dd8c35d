"""The hidden name in a workbook file that says who it is."""

import re
import zipfile
from pathlib import Path

from lxml import etree

from netstats_xl.workbooks.macro_template import ID_NAME

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = re.compile(r'"([0-9a-fA-F]{32})"')


def read_identity(path: Path) -> str | None:
    """The ID that the workbook file carries, zeros where none was drawn; None where it carries none.

    A file that cannot be read carries none: whoever reads its tables will say what is wrong with it.
    """
    try:
        with zipfile.ZipFile(path) as package, package.open("xl/workbook.xml") as part:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            root = etree.parse(part, parser).getroot()
    except (OSError, KeyError, zipfile.BadZipFile, etree.XMLSyntaxError, NotImplementedError, RuntimeError):
        return None
    for name in root.iterfind(f"{_MAIN}definedNames/{_MAIN}definedName"):
        if name.get("name", "").casefold() == ID_NAME.casefold():
            found = _ID.fullmatch((name.text or "").strip())
            return found[1].lower() if found else None
    return None
